"""Mass messages (企业群发): a call makes a task, members press send, customers receive, or not.

Simulated: one to-do for each sending member; members who confirm at once, hours later, the next day or never, and nobody between 21 and
9; customers whom a member takes off the list (such rows stay "not sent"; the platform's `allow_select` matters for groups only, so it does
not stop them here); customers who have deleted the member (status 2); the cap for each customer over all tasks (status 3); reminders;
cancelling; temporary media that expire before the member gets to it (nothing can be sent then, the to-do stays). Messages to customer
groups: one to-do for the owner, rows by chat_id, the same cap for each group; the owner leaves groups out only with `allow_select` or where
no groups were named; status 2 for a group that was closed or has another owner by then. The platform does not tell that case apart.
Not simulated: which rule group a member belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from attrs import define, field

from ..clock import beijing
from ..platform import Fields, Json
from ..world import Habit, World, fingerprint
from .errors import refusal

NOT_SENT, SENT, NOT_FRIEND, OVER_LIMIT = 0, 1, 2, 3
_ROW_NAMES = {NOT_SENT: "not_sent", SENT: "sent", NOT_FRIEND: "not_friend", OVER_LIMIT: "over_limit"}
ChatType = Literal["single", "group"]
OPENS, CLOSES = 9, 21
LONGEST_TEXT = 4000
"""Bytes."""


@define
class Row:
    """What became of one customer or group of a task. `status`: 0 not sent, 1 sent, 2 no longer a friend, 3 over the limit."""

    status: int = NOT_SENT
    send_time: int | None = None


@define
class ToDo:
    """One member's part of a task."""

    userid: str
    rows: dict[str, Row]
    """By external_userid, or by chat_id."""
    sent_at: int | None = None


@define
class Task:
    """One mass message."""

    msgid: str
    created: float
    text: str
    attachments: tuple[dict[str, Any], ...]
    todos: dict[str, ToDo]
    fail_list: list[str]
    chat_type: ChatType = "single"
    choice: bool = True
    """Whether the member may leave somebody out."""
    creator: str | None = None
    """The member, for messages made by hand; the platform names no creator for those made by API."""
    cancelled: bool = False
    reminders: list[float] = field(factory=list[float])

    @property
    def personal(self) -> bool:
        """Whether a member made it by hand."""
        return self.creator is not None

    def listed(self) -> Json:
        """The task as get_groupmsg_list_v2 shows it."""
        row: Json = {"msgid": self.msgid, "create_time": int(self.created), "create_type": int(self.personal)}
        if self.creator:
            row["creator"] = self.creator
        if self.text:
            row["text"] = {"content": self.text}
        return {**row, "attachments": list(self.attachments)}

    def summary(self) -> dict[str, Any]:
        """The task's counts as JSON values."""
        rows = dict.fromkeys(_ROW_NAMES.values(), 0)
        for todo in self.todos.values():
            for row in todo.rows.values():
                rows[_ROW_NAMES[row.status]] += 1
        return {
            "msgid": self.msgid,
            "chat_type": self.chat_type,
            "created": beijing(self.created).isoformat(timespec="seconds"),
            "text": self.text,
            "content": fingerprint(self.text, self.attachments),
            "recipients": sum(len(todo.rows) for todo in self.todos.values()),
            "members": len(self.todos),
            "members_sent": sum(todo.sent_at is not None for todo in self.todos.values()),
            "rows": rows,
            "failed": len(self.fail_list),
            "cancelled": self.cancelled,
        }


QuotaRule = Literal["month_days", "7_a_week", "1_a_day"]


def quota_window(rule: QuotaRule, at: float) -> str:
    """The name of the period in which a message at this moment counts."""
    day = beijing(at)
    if rule == "1_a_day":
        return f"{day:%Y-%m-%d}"
    return f"{day:%G-W%V}" if rule == "7_a_week" else f"{day:%Y-%m}"


def quota_limit(rule: QuotaRule, at: float) -> int:
    """How many messages one customer, or one group, may get in that period."""
    if rule != "month_days":
        return 1 if rule == "1_a_day" else 7
    day = beijing(at).replace(day=1)
    following = day.replace(year=day.year + 1, month=1) if day.month == 12 else day.replace(month=day.month + 1)
    return (following - day).days


def working_hours(at: float, chance: float) -> float:
    """`at`, or some time in the next morning where that is outside of 9 to 21."""
    moment = beijing(at)
    if OPENS <= moment.hour < CLOSES:
        return at
    days = 1 if moment.hour >= CLOSES else 0
    morning = moment.replace(hour=OPENS, minute=0, second=0, microsecond=0).timestamp() + days * 86400
    return morning + chance * 3600


def confirmation(habit: Habit, created: float, chance: float) -> float | None:
    """When a member of this habit presses send, or None for never."""
    match habit:
        case "never":
            return None
        case "prompt":
            return working_hours(created + 120 + chance * 1680, chance)
        case "hours":
            return working_hours(created + 3600 + chance * 5 * 3600, chance)
        case "next_day":
            return working_hours(created + 20 * 3600 + chance * 8 * 3600, chance)


def route(world: World, customers: list[str], sender: str) -> tuple[dict[str, list[str]], list[str]]:
    """Who sends to whom: the named sender, or the member who talked last with each. And those whom nobody can reach."""
    routed: dict[str, list[str]] = {}
    failed: list[str] = []
    for customer in dict.fromkeys(customers):
        relations = world.follows.get(customer, {})
        if sender:
            userid = sender if sender in relations else None
        else:
            userid = max(relations.values(), key=lambda relation: relation.last_talked).userid if relations else None
        if userid is None:
            failed.append(customer)
        else:
            routed.setdefault(userid, []).append(customer)
    return routed, failed


_ATTACHMENTS: dict[str, tuple[tuple[str, ...], dict[str, int]]] = {
    "image": ((), {}),
    "link": (("title", "url"), {"title": 128, "desc": 512, "url": 2048}),
    "miniprogram": (("appid", "page", "title", "pic_media_id"), {"title": 64}),
    "video": (("media_id",), {}),
    "file": (("media_id",), {}),
}


def content(body: Fields, living_media: Callable[[str], object]) -> tuple[str, tuple[dict[str, Any], ...]]:
    """Text and attachments of a message, held against the platform's limits; `living_media` tells which files it may name."""
    text = body.object("text")
    words = text.text_or("content") if text else ""
    attachments = body.objects("attachments")
    if not words and not attachments:
        raise refusal(40063, "text and attachments")
    if len(words.encode()) > LONGEST_TEXT:
        raise refusal(45002)
    if len(attachments) > 9:
        raise refusal(41064)
    for attachment in attachments:
        kind = attachment.text("msgtype")
        part = attachment.object(kind)
        if part is None:
            raise refusal(40058, f"msgtype {kind}")
        check_part(kind, part, living_media)
    return words, tuple(dict(attachment.values) for attachment in attachments)


def check_part(kind: str, part: Fields, living_media: Callable[[str], object]) -> None:
    """One content, held against the platform's limits."""
    if kind not in _ATTACHMENTS:
        raise refusal(40058, f"msgtype {kind}")
    required, limits = _ATTACHMENTS[kind]
    for name in required:
        part.text(name)
    for name, limit in limits.items():
        if len(part.text_or(name).encode()) > limit:
            raise refusal(40058, f"{kind}.{name} is longer than {limit} bytes")
    if kind == "image" and not part.text_or("media_id") and not part.text_or("pic_url"):
        raise refusal(40063, "image.media_id and image.pic_url")
    for media_id in filter(None, (part.text_or("media_id"), part.text_or("pic_media_id"))):
        if not living_media(media_id):
            raise refusal(40007, media_id)


def standing(body: Fields, kinds: Sequence[str], living_media: Callable[[str], object]) -> Json:
    """A text and the first of several contents, as templates and conclusions hold them; a picture is told by its address."""
    text = body.object("text")
    words = text.text_or("content") if text else ""
    if len(words.encode()) > LONGEST_TEXT:
        raise refusal(45002)
    held: Json = {"text": {"content": words}} if words else {}
    for kind in kinds:
        if part := body.object(kind):
            check_part(kind, part, living_media)
            held[kind] = {name: value for name, value in part.values.items() if name != "pic_media_id"}
            if kind == "image" and (media_id := part.text_or("media_id")):
                held[kind] = {"pic_url": picture(media_id)}
            break
    return held


def picture(media_id: str) -> str:
    """The address of an uploaded picture."""
    return f"http://wework.qpic.cn/wwpic/sandbox_{media_id}/0"
