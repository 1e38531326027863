"""Contact ways (联系我): codes and buttons by which customers add members, and the temporary sessions that some of them open.

Simulated: the quota, shared with the join ways of groups; overwriting updates; ways for one member or several, by department too;
temporary ways that expire, their sessions, and the conclusions at the end. Not simulated: what a button looks like, `is_exclusive`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from ..platform import Fields, Json, Request, page
from ..world import Delivery, fingerprint
from . import mass
from .errors import refusal
from .routing import DAY, known_members, members_of, midnight, page_size, router, short

if TYPE_CHECKING:  # see routing
    from .state import WeComPlatform

_CONCLUSIONS = ("image", "link", "miniprogram")
_LONGEST = 14 * DAY


@frozen
class Add:
    """A customer added a member by a contact way."""

    userid: str
    external_userid: str
    state: str
    at: float


@define
class ContactWay:
    """One contact way. `settings` is what an update writes anew."""

    config_id: str
    type: int
    scene: int
    created: int
    settings: Json
    adds: list[Add] = field(factory=list[Add])

    @property
    def temporary(self) -> bool:
        """Whether it opens a temporary session."""
        return bool(self.settings["is_temp"])

    @property
    def state(self) -> str:
        """What comes back with everybody who adds a member this way."""
        return str(self.settings["state"])

    def shown(self) -> Json:
        """As get_contact_way tells it."""
        code = {"qr_code": f"https://wework.qpic.cn/sandbox/{self.config_id}"} if self.scene == 2 else {}
        return {"config_id": self.config_id, "type": self.type, "scene": self.scene, **self.settings, **code}


@frozen
class Session:
    """A temporary session."""

    until: float
    conclusions: Json


class ContactWays:
    """All contact ways that the API made, and who came by them."""

    def __init__(self, wecom: WeComPlatform) -> None:
        self._wecom = wecom
        self._world = wecom.world
        self.ways: dict[str, ContactWay] = {}
        self.sessions: dict[tuple[str, str], Session] = {}
        """(userid, external_userid) -> the temporary session of the two"""
        self.quota = 500_000
        """Contact ways and join ways together (41045)."""
        self.temporary_a_day = 100_000
        self.adds: list[Add] = []
        """Everybody who came by a way, deleted ways included."""

    def take_place(self) -> None:
        """41045 where there are as many ways as the company may have."""
        if len(self.ways) + len(self._wecom.join_ways.ways) >= self.quota:
            raise refusal(41045)

    def find(self, config_id: str) -> ContactWay:
        """A way that works; 41044 for one that never was, was deleted, or has expired."""
        way = self.ways.get(config_id)
        if way is None or (way.temporary and self._world.clock.time() >= way.created + way.settings["expires_in"]):
            raise refusal(41044, config_id)
        return way

    def create(self, kind: int, scene: int, settings: Json) -> ContactWay:
        """A new way. 41045 where there are enough."""
        self.take_place()
        today = midnight(self._world.now())
        if settings["is_temp"] and sum(way.temporary and way.created >= today for way in self.ways.values()) >= self.temporary_a_day:
            raise refusal(41045, "temporary ones of today")
        way = ContactWay(self._wecom.new_id("cw"), kind, scene, self._world.now(), settings)
        self.ways[way.config_id] = way
        return way

    def members(self, way: ContactWay) -> list[str]:
        """Whom it leads to, as long as they are with the company."""
        everybody = members_of(self._wecom, way.settings["user"], way.settings["party"])
        return [userid for userid in everybody if userid in self._world.members]

    def used(self, way: ContactWay, userid: str, external_userid: str) -> None:
        """A customer has come by it."""
        add = Add(userid, external_userid, way.state, self._world.clock.time())
        way.adds.append(add)
        self.adds.append(add)
        if way.temporary:
            session = Session(add.at + way.settings["chat_expires_in"], way.settings["conclusions"])
            self.sessions[userid, external_userid] = session
            self._world.timeline.at(session.until, partial(self._expire, userid, external_userid, session))

    def _expire(self, userid: str, external_userid: str, session: Session) -> None:
        if self.sessions.get((userid, external_userid)) is session:
            self.close(userid, external_userid)

    def close(self, userid: str, external_userid: str) -> None:
        """The end of a temporary session: the conclusions go out. 84061 where there is none."""
        session = self.sessions.pop((userid, external_userid), None)
        if session is None:
            raise refusal(84061)
        if session.conclusions:
            text = session.conclusions.get("text", {}).get("content", "")
            rest = tuple({"msgtype": kind, kind: part} for kind, part in session.conclusions.items() if kind != "text")
            msgid = "conclusion-" + fingerprint(userid, external_userid, session.until)
            delivery = Delivery(msgid, external_userid, userid, "conclusion", text, rest, self._world.clock.time())
            self._world.inboxes[external_userid].append(delivery)

    def summary(self) -> Json:
        """The counts as JSON values."""
        by_state: dict[str, int] = {}
        for add in self.adds:
            by_state[add.state] = by_state.get(add.state, 0) + 1
        return {"ways": len(self.ways), "adds": len(self.adds), "by_state": by_state}

    def violations(self) -> list[str]:
        """Everybody who came by a way was told of in an event that names its state."""
        told = {
            (event["UserID"], event["ExternalUserID"], event.get("State", ""))
            for event in self._world.events
            if event.get("ChangeType") == "add_external_contact"
        }
        wrong = [
            f"{add.external_userid} came to {add.userid} by state {add.state!r}, no event says so"
            for add in self.adds
            if (add.userid, add.external_userid, add.state) not in told
        ]
        ways = len(self.ways) + len(self._wecom.join_ways.ways)
        return [*wrong, f"{ways} contact and join ways, {self.quota} allowed"] if ways > self.quota else wrong


@router.on("POST", "/cgi-bin/externalcontact/add_contact_way")
def add_contact_way(wecom: WeComPlatform, request: Request) -> Json:
    """配置客户联系「联系我」方式."""
    body = wecom.body(request)
    kind, scene = body.number_or("type", 0), body.number_or("scene", 0)
    if not kind or not scene:
        raise refusal(41038 if kind else 41037)
    if kind not in (1, 2) or scene not in (1, 2):
        raise refusal(41040 if kind in (1, 2) else 41039)
    way = wecom.contact_ways.create(kind, scene, _settings(wecom, body, kind))
    return {name: value for name, value in way.shown().items() if name in ("config_id", "qr_code")}


@router.on("POST", "/cgi-bin/externalcontact/get_contact_way")
def get_contact_way(wecom: WeComPlatform, request: Request) -> Json:
    """获取企业已配置的「联系我」方式."""
    return {"contact_way": _way(wecom, wecom.body(request)).shown()}


@router.on("POST", "/cgi-bin/externalcontact/list_contact_way")
def list_contact_way(wecom: WeComPlatform, request: Request) -> Json:
    """获取企业已配置的「联系我」列表: of the last 90 days where no time is given, temporary ones never."""
    body = wecom.body(request)
    now = wecom.world.now()
    start, end = body.number_or("start_time", now - 90 * DAY), body.number_or("end_time", now)
    found = [way for way in wecom.contact_ways.ways.values() if start <= way.created <= end and not way.temporary]
    rows, following = page(found, body.text_or("cursor"), page_size(body, 1000, 100))
    return {"contact_way": [{"config_id": way.config_id} for way in rows], "next_cursor": following}


@router.on("POST", "/cgi-bin/externalcontact/update_contact_way")
def update_contact_way(wecom: WeComPlatform, request: Request) -> Json:
    """更新企业已配置的「联系我」方式: all settings are written anew, those left out fall back to their defaults."""
    body = wecom.body(request)
    way = _way(wecom, body)
    way.settings = _settings(wecom, body, way.type)
    return {}


@router.on("POST", "/cgi-bin/externalcontact/del_contact_way")
def del_contact_way(wecom: WeComPlatform, request: Request) -> Json:
    """删除企业已配置的「联系我」方式: temporary ones end by themselves."""
    way = _way(wecom, wecom.body(request))
    if way.temporary:
        raise refusal(40058, "config_id: a temporary contact way cannot be deleted")
    del wecom.contact_ways.ways[way.config_id]
    return {}


@router.on("POST", "/cgi-bin/externalcontact/close_temp_chat")
def close_temp_chat(wecom: WeComPlatform, request: Request) -> Json:
    """结束临时会话."""
    body = wecom.body(request)
    wecom.contact_ways.close(body.text("userid"), body.text("external_userid"))
    return {}


def _way(wecom: WeComPlatform, body: Fields) -> ContactWay:
    config_id = body.text_or("config_id")
    if not config_id:
        raise refusal(41043)
    return wecom.contact_ways.find(config_id)


def _settings(wecom: WeComPlatform, body: Fields, kind: int) -> Json:
    """Everything but type and scene, with the defaults of what is left out."""
    users, parties, temporary = body.texts("user"), body.numbers("party"), body.flag("is_temp")
    known_members(wecom, users, "user")
    everybody = members_of(wecom, users, parties)
    if not everybody or (kind == 1 and (len(users) != 1 or parties)):
        raise refusal(40058, "user: one member for type 1, user or party for type 2")
    if len(everybody) > 100:
        raise refusal(41041)
    if temporary and (kind != 1 or not body.text_or("unionid")):
        raise refusal(40058, "is_temp needs type 1 and unionid")
    conclusions = body.object("conclusions")
    return {
        "style": body.number_or("style", 1),
        "remark": short(body, "remark", 30),
        "skip_verify": body.flag_or("skip_verify", default=True),
        "state": short(body, "state", 30),
        "user": users,
        "party": parties,
        "is_temp": temporary,
        "expires_in": _seconds(body, "expires_in", 7 * DAY),
        "chat_expires_in": _seconds(body, "chat_expires_in", DAY),
        "unionid": body.text_or("unionid"),
        "is_exclusive": body.flag("is_exclusive"),
        "mark_source": body.flag_or("mark_source", default=True),
        "conclusions": mass.standing(conclusions, _CONCLUSIONS, wecom.living_media) if conclusions else {},
    }


def _seconds(body: Fields, name: str, default: int) -> int:
    value = body.number_or(name, default)
    if not 0 < value <= _LONGEST:
        raise refusal(40058, f"{name} must lie between 1 second and 14 days")
    return value
