"""Customer groups (客户群): who is in them, who comes and goes, and how long `groupchat/get` lags behind.

Simulated: groups that are there from the start, joins by code or invitation, quits, removals, new names, owners who have left, versions of
the list of members, welcomes of the group's template. Not simulated: what is said in groups, notices, admins.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import define, field

from ..platform import Fields, Json, Request, page
from ..world import Delivery
from .errors import refusal
from .routing import DAY, page_size, router

if TYPE_CHECKING:  # see routing
    from .state import WeComPlatform

INVITED, BY_LINK, SCANNED = 1, 2, 3
"""How somebody came in, as `groupchat/get` numbers it; events say 0 and 3."""
NORMAL, OWNER_LEFT, HANDING_OVER, HANDED_OVER = 0, 1, 2, 3
_HEADINGS = ("榴莲", "水果尝鲜", "会员福利")


@define
class Seat:
    """Somebody in a group."""

    id: str
    customer: bool
    joined: int
    scene: int
    state: str = ""
    way: str = ""
    """The config_id of the join way."""
    invitor: str = ""


@define
class Group:
    """One customer group."""

    chat_id: str
    name: str
    owner: str
    created: int
    seats: dict[str, Seat] = field(factory=dict[str, Seat])
    gone: list[tuple[Seat, int]] = field(factory=list[tuple[Seat, int]])
    """Who left, and when."""
    version: int = 0
    status: int = NORMAL
    dismissed: int | None = None
    template: str = ""
    handed_over: list[float] = field(factory=list[float])
    told: tuple[dict[str, Seat], int] | None = None
    """Seats and version as `get` still tells them."""
    told_until: float = 0.0


class Chats:
    """All customer groups."""

    def __init__(self, wecom: WeComPlatform) -> None:
        self._wecom = wecom
        self._world = wecom.world
        self.groups: dict[str, Group] = {}
        self.capacity = 200
        """People in a group, members of the company included."""
        self.lag = 0.3
        """Seconds for which groupchat/get tells the old list of members after a change."""
        self.visible = 1000
        """Members beyond whom groupchat/list wants an owner_filter (81017)."""

    def plant(self) -> None:
        """One or two groups of each member, with some of their customers and a colleague."""
        members = list(self._world.members.values())
        now = self._world.now()
        for n, member in enumerate(members):
            for k in range(1 + (self._world.dice.roll("second group", member.userid) < 0.5)):
                chat_id = "wr" + self._world.dice.token(30, "chat", member.userid, k)
                age = 30 * DAY + int(self._world.dice.roll("age", chat_id) * 370 * DAY)
                group = Group(chat_id, f"{member.shop.name}{_HEADINGS[(n + k) % 3]}{k + 1}群", member.userid, now - age)
                self.groups[chat_id] = group
                for userid in dict.fromkeys((member.userid, members[(n + 1) % len(members)].userid)):
                    group.seats[userid] = Seat(userid, customer=False, joined=group.created, scene=INVITED)
                for relation in self._world.contacts[member.userid].values():
                    chance = self._world.dice.roll("in group", chat_id, relation.external_userid)
                    if chance < 0.4 and len(group.seats) < self.capacity // 2:
                        earliest = max(group.created, relation.createtime)
                        joined = earliest + int((now - earliest) * chance / 0.4)
                        scene = SCANNED if chance < 0.3 else INVITED
                        invitor = "" if scene == SCANNED else member.userid
                        seat = Seat(relation.external_userid, customer=True, joined=joined, scene=scene, invitor=invitor)
                        group.seats[seat.id] = seat

    def living(self) -> list[Group]:
        """Those that were not closed, oldest first by their making here."""
        return [group for group in self.groups.values() if group.dismissed is None]

    def find(self, chat_id: str) -> Group:
        """A living group; 86003 where there is none."""
        group = self.groups.get(chat_id)
        if group is None or group.dismissed is not None:
            raise refusal(86003, chat_id)
        return group

    def opengid(self, chat_id: str) -> str:
        """What wx.getGroupEnterInfo tells a mini-program that was opened from this group."""
        return "tG" + self._world.dice.token(26, "opengid", self.find(chat_id).chat_id)

    def version(self, group: Group, number: int) -> str:
        """A member_version."""
        return self._world.dice.token(32, "version", group.chat_id, number)

    # what happens in groups

    def open(self, owner: str, name: str) -> Group:
        """A member opens a group (create)."""
        now = self._world.now()
        group = Group(self._wecom.new_id("wr"), name, owner, now)
        group.seats[owner] = Seat(owner, customer=False, joined=now, scene=INVITED)
        self.groups[group.chat_id] = group
        self._wecom.events.tell("change_external_chat", "create", ChatId=group.chat_id)
        return group

    def rename(self, chat_id: str, name: str) -> None:
        """The owner gives the group another name (change_name)."""
        with self._world.lock:
            group = self.find(chat_id)
            group.name = name
            self._tell(group, "change_name")

    def dismiss(self, chat_id: str) -> None:
        """The owner closes the group (dismiss)."""
        with self._world.lock:
            group = self.find(chat_id)
            group.dismissed = self._world.now()
            self._wecom.events.tell("change_external_chat", "dismiss", ChatId=chat_id)

    def use_template(self, chat_id: str, template_id: str) -> None:
        """The owner picks a welcome template for the group. KeyError for one that does not exist."""
        _ = self._wecom.group_welcomes.templates[template_id]
        self.find(chat_id).template = template_id

    def full(self, group: Group) -> bool:
        """Whether nobody else can come in."""
        return len(group.seats) >= self.capacity

    def join(self, group: Group, seat: Seat) -> None:
        """Somebody comes in (add_member)."""
        self._before(group)
        group.seats[seat.id] = seat
        scene = 3 if seat.scene == SCANNED else 0
        self._tell(group, "add_member", ids=[seat.id], JoinScene=str(scene))
        content = self._wecom.group_welcomes.templates.get(group.template)
        if content and seat.customer:
            text = content.get("text", {}).get("content", "")
            rest = tuple({"msgtype": kind, kind: part} for kind, part in content.items() if kind != "text")
            now = self._world.clock.time()
            msgid = f"{group.template}-{group.chat_id}-{group.version}"
            self._world.inboxes[seat.id].append(Delivery(msgid, seat.id, group.owner, "group_welcome", text, rest, now))

    def quit(self, group: Group, who: str, *, removed: bool = False) -> None:
        """Somebody leaves, or the owner takes them out (del_member)."""
        self._before(group)
        group.gone.append((group.seats.pop(who), self._world.now()))
        self._tell(group, "del_member", ids=[who], QuitScene=str(int(removed)))

    def _before(self, group: Group) -> None:
        """Keeps what `get` goes on telling for a moment, and counts the version up."""
        now = self._world.clock.time()
        if now >= group.told_until:
            group.told = (dict(group.seats), group.version)
        group.told_until = now + self.lag
        group.version += 1

    def _tell(self, group: Group, detail: str, *, ids: list[str] | None = None, **more: str) -> None:
        fields: dict[str, str | Sequence[str]] = {"ChatId": group.chat_id, "UpdateDetail": detail, **more}
        if ids:
            versions = {"LastMemVer": self.version(group, group.version - 1), "CurMemVer": self.version(group, group.version)}
            fields |= {"MemChangeCnt": str(len(ids)), "MemChangeList": ids, **versions}
        self._wecom.events.tell("change_external_chat", "update", **fields)

    # books

    def summary(self) -> Json:
        """The counts as JSON values."""
        groups = self.living()
        return {"groups": len(groups), "people": sum(len(group.seats) for group in groups)}

    def violations(self) -> list[str]:
        """As many came and went as the events have told."""
        wrong: list[str] = []
        came = dict.fromkeys(self.groups, 0)
        for event in self._world.events:
            if event.get("UpdateDetail") in ("add_member", "del_member"):
                came[event["ChatId"]] += int(event["MemChangeCnt"])
        for chat_id, count in came.items():
            if count != self.groups[chat_id].version:
                wrong.append(f"group {chat_id} changed {self.groups[chat_id].version} times, events tell of {count}")
        return wrong


@router.on("POST", "/cgi-bin/externalcontact/groupchat/list")
def groupchat_list(wecom: WeComPlatform, request: Request) -> Json:
    """获取客户群列表."""
    body = wecom.body(request)
    owners = _owners(wecom, body)
    if owners is None and len(wecom.world.members) > wecom.chats.visible:
        raise refusal(81017)
    status = body.number_or("status_filter", NORMAL)
    found = [g for g in wecom.chats.living() if (owners is None or g.owner in owners) and status in (NORMAL, g.status)]
    rows, following = page(found, body.text_or("cursor"), page_size(body, 1000, 1000))
    listed = [{"chat_id": group.chat_id, "status": group.status} for group in rows]
    return {"group_chat_list": listed, "next_cursor": following} if following else {"group_chat_list": listed}


@router.on("POST", "/cgi-bin/externalcontact/groupchat/get")
def groupchat_get(wecom: WeComPlatform, request: Request) -> Json:
    """获取客户群详情: just after a change the old list of members, with its version."""
    body = wecom.body(request)
    group = wecom.chats.find(body.text("chat_id"))
    seats, number = group.seats, group.version
    if group.told and wecom.world.clock.time() < group.told_until:
        seats, number = group.told
    return {
        "group_chat": {
            "chat_id": group.chat_id,
            "name": group.name,
            "owner": group.owner,
            "create_time": group.created,
            "notice": "",
            "member_list": [_seat(wecom, seat, named=body.flag("need_name")) for seat in seats.values()],
            "admin_list": [],
            "member_version": wecom.chats.version(group, number),
        }
    }


@router.on("POST", "/cgi-bin/externalcontact/opengid_to_chatid")
def opengid_to_chatid(wecom: WeComPlatform, request: Request) -> Json:
    """客户群opengid转换."""
    opengid = wecom.body(request).text("opengid")
    for group in wecom.chats.living():
        if wecom.chats.opengid(group.chat_id) == opengid:
            return {"chat_id": group.chat_id}
    raise refusal(40058, "opengid")


def _owners(wecom: WeComPlatform, body: Fields) -> set[str] | None:
    """The userids of owner_filter, or None where there is none."""
    asked = body.object("owner_filter")
    if asked is None:
        return None
    userids = asked.texts("userid_list")
    if len(userids) > 100:
        raise refusal(40032, "owner_filter.userid_list")
    for userid in userids:
        if userid not in wecom.world.members and userid not in wecom.world.leavers:
            raise refusal(40003, f"owner_filter.userid_list: {userid}")
    return set(userids) or None


def _seat(wecom: WeComPlatform, seat: Seat, *, named: bool) -> Json:
    row: Json = {"userid": seat.id, "type": 2 if seat.customer else 1, "join_time": seat.joined, "join_scene": seat.scene}
    if seat.invitor:
        row["invitor"] = {"userid": seat.invitor}
    if seat.state:
        row["state"] = seat.state
    row["group_nickname"] = ""
    if seat.customer:
        person = wecom.world.customers[seat.id]
        row |= {"unionid": person.unionid} if person.unionid else {}
        row |= {"name": person.name} if named else {}
    elif named and (member := wecom.world.members.get(seat.id)):
        row["name"] = member.name
    return row
