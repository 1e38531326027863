"""Ways to join customer groups (加入群聊): up to five groups behind one code, and new ones where all of them are full.

Simulated: filling up in order, groups that the platform opens by itself, overwriting updates, attribution by `state`, the quota shared
with contact ways. Not simulated: what a button looks like.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field, frozen

from ..platform import Fields, Json, Request
from .chats import SCANNED, Group, Seat
from .errors import refusal
from .routing import router, short

if TYPE_CHECKING:  # see routing
    from .state import WeComPlatform

_PATH = "/cgi-bin/externalcontact/groupchat"


@frozen
class Join:
    """Somebody came into a group by a join way."""

    config_id: str
    state: str
    chat_id: str
    external_userid: str
    at: float


@define
class JoinWay:
    """One join way. `settings` is what an update writes anew."""

    config_id: str
    settings: Json
    opened: int = 0
    """Groups that the platform opened for it."""
    joins: list[Join] = field(factory=list[Join])

    @property
    def chat_ids(self) -> list[str]:
        """Its groups, those that the platform opened included."""
        chat_ids: list[str] = self.settings["chat_id_list"]
        return chat_ids

    def shown(self) -> Json:
        """As get_join_way tells it."""
        code = {"qr_code": f"https://wework.qpic.cn/sandbox/{self.config_id}"} if self.settings["scene"] == 2 else {}
        return {"config_id": self.config_id, **self.settings, **code}


class JoinWays:
    """All join ways, and who came by them."""

    def __init__(self, wecom: WeComPlatform) -> None:
        self._wecom = wecom
        self._world = wecom.world
        self.ways: dict[str, JoinWay] = {}
        self.joins: list[Join] = []
        """Everybody who came by a way, deleted ways included."""

    def find(self, config_id: str) -> JoinWay:
        """A way that works; 41044 where there is none."""
        way = self.ways.get(config_id)
        if way is None:
            raise refusal(41044, config_id)
        return way

    def create(self, settings: Json) -> JoinWay:
        """A new way. 41045 where there are enough."""
        self._wecom.contact_ways.take_place()
        way = JoinWay(self._wecom.new_id("jw"), settings)
        self.ways[way.config_id] = way
        return way

    def scan(self, way: JoinWay, external_userid: str) -> Group | None:
        """A customer scans the code: into the first group with room. None where all are full and none is opened.

        Who is in one of the groups already stays there.
        """
        groups = [group for group in map(self._wecom.chats.groups.__getitem__, way.chat_ids) if group.dismissed is None]
        if mine := next((group for group in groups if external_userid in group.seats), None):
            return mine
        roomy = next((group for group in groups if not self._wecom.chats.full(group)), None)
        group = roomy or self._open(way, groups)
        if group is not None:
            join = Join(way.config_id, way.settings["state"], group.chat_id, external_userid, self._world.clock.time())
            way.joins.append(join)
            self.joins.append(join)
            seat = Seat(external_userid, customer=True, joined=int(join.at), scene=SCANNED, state=join.state, way=join.config_id)
            self._wecom.chats.join(group, seat)
        return group

    def _open(self, way: JoinWay, groups: list[Group]) -> Group | None:
        if not way.settings["auto_create_room"] or not groups:
            return None
        base, number = way.settings["room_base_name"] or groups[-1].name, way.settings["room_base_id"]
        group = self._wecom.chats.open(groups[-1].owner, f"{base}{number + way.opened}")
        way.opened += 1
        way.chat_ids.append(group.chat_id)
        return group

    def summary(self) -> Json:
        """The counts as JSON values."""
        by_state: dict[str, int] = {}
        for join in self.joins:
            by_state[join.state] = by_state.get(join.state, 0) + 1
        return {"ways": len(self.ways), "joins": len(self.joins), "by_state": by_state}

    def violations(self) -> list[str]:
        """Whoever came by a way is in the group, or has left it, under that state; and nobody else claims to have."""
        asked = sorted((join.config_id, join.state, join.chat_id, join.external_userid) for join in self.joins)
        found = sorted(
            (seat.way, seat.state, group.chat_id, seat.id)
            for group in self._wecom.chats.groups.values()
            for seat in (*group.seats.values(), *(seat for seat, _ in group.gone))
            if seat.way
        )
        return [] if asked == found else [f"{len(asked)} joins by code, {len(found)} in the groups, or under other states"]


@router.on("POST", _PATH + "/add_join_way")
def add_join_way(wecom: WeComPlatform, request: Request) -> Json:
    """配置客户群进群方式."""
    return {"config_id": wecom.join_ways.create(_settings(wecom, wecom.body(request))).config_id}


@router.on("POST", _PATH + "/get_join_way")
def get_join_way(wecom: WeComPlatform, request: Request) -> Json:
    """获取客户群进群方式配置."""
    return {"join_way": _way(wecom, wecom.body(request)).shown()}


@router.on("POST", _PATH + "/update_join_way")
def update_join_way(wecom: WeComPlatform, request: Request) -> Json:
    """更新客户群进群方式配置: all of it is written anew, `state` included."""
    body = wecom.body(request)
    way = _way(wecom, body)
    way.settings = _settings(wecom, body)
    return {}


@router.on("POST", _PATH + "/del_join_way")
def del_join_way(wecom: WeComPlatform, request: Request) -> Json:
    """删除客户群进群方式配置."""
    del wecom.join_ways.ways[_way(wecom, wecom.body(request)).config_id]
    return {}


def _way(wecom: WeComPlatform, body: Fields) -> JoinWay:
    config_id = body.text_or("config_id")
    if not config_id:
        raise refusal(41043)
    return wecom.join_ways.find(config_id)


def _settings(wecom: WeComPlatform, body: Fields) -> Json:
    """Everything, with the defaults of what is left out."""
    scene = body.number_or("scene", 0)
    if scene not in (1, 2):
        raise refusal(41040 if scene else 41038)
    chat_ids = list(dict.fromkeys(body.texts("chat_id_list")))
    if not chat_ids:
        raise refusal(40063, "chat_id_list")
    if len(chat_ids) > 5:
        raise refusal(41091)
    for chat_id in chat_ids:
        wecom.chats.find(chat_id)
    return {
        "scene": scene,
        "remark": short(body, "remark", 30),
        "auto_create_room": int(body.flag_or("auto_create_room", default=True)),
        "room_base_name": short(body, "room_base_name", 40),
        "room_base_id": body.number_or("room_base_id", 1),
        "chat_id_list": chat_ids,
        "state": short(body, "state", 30),
        "mark_source": body.flag_or("mark_source", default=True),
    }
