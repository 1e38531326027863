"""Rule groups (规则组) for customers and for moments: which administrators may do what, over which members.

Simulated: groups in groups, up to five levels, within the range of the group above and with its privileges; defaults of privileges; limits
of a call and of a group; writes one at a time (6000); members whom a range covers, which decides who may use the tags of a rule group.
Not simulated: what administrators can do in the console, rule groups of other apps. The page does not say what becomes of groups below and
of ranges that no longer lie in the one above: here the group above stays as it is until they are gone (40058). It names no codes either:
40058 names the field.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import define

from ..platform import Fields, Json, Request, page
from ..world import Member
from .errors import refusal
from .routing import known_departments, known_members, page_size, router

if TYPE_CHECKING:  # see routing
    from .state import WeComPlatform

_PATH = "/cgi-bin/externalcontact"
BASIC_PRIVILEGES = ("view_customer_list", "view_customer_data", "view_room_list", "contact_me", "join_room")
"""Nobody can take these away."""
CUSTOMER_PRIVILEGES = (
    *BASIC_PRIVILEGES,
    "share_customer",
    "oper_resign_customer",
    "oper_resign_group",
    "send_customer_msg",
    "edit_welcome_msg",
    "view_behavior_data",
    "view_room_data",
    "send_group_msg",
    "room_deduplication",
    "rapid_reply",
    "onjob_customer_transfer",
    "edit_anti_spam_rule",
    "export_customer_list",
    "export_customer_data",
    "export_customer_group_list",
    "manage_customer_tag",
)
MOMENT_PRIVILEGES = ("view_moment_list", "send_moment", "manage_moment_cover_and_sign")
MOST_LEVELS = 5
MOST_ADMINS = 20
MOST_NODES, NODES_A_CALL = 3000, 100
_MEMBER, _DEPARTMENT, _COMPANY = 1, 2, 1
Node = tuple[int, str | int]
"""A member (1, userid) or a department (2, number)."""


@define
class Strategy:
    """One rule group."""

    strategy_id: int
    parent: Strategy | None
    name: str
    admins: list[str]
    own_privileges: dict[str, bool]
    nodes: list[Node]
    created: int

    @property
    def privileges(self) -> dict[str, bool]:
        """Those of the topmost group."""
        return self.parent.privileges if self.parent else self.own_privileges

    @property
    def level(self) -> int:
        """1 for a group that stands in no other."""
        return self.parent.level + 1 if self.parent else 1

    def covers(self, member: Member) -> bool:
        """Whether the member is in the range."""
        return not {(_MEMBER, member.userid), (_DEPARTMENT, member.shop.id), (_DEPARTMENT, _COMPANY)}.isdisjoint(self.nodes)


class Strategies:
    """The rule groups of one kind."""

    def __init__(self, wecom: WeComPlatform, privileges: Sequence[str], basic: Sequence[str] = ()) -> None:
        self._wecom = wecom
        self._privileges = privileges
        self._basic = basic
        self.strategies: dict[int, Strategy] = {}
        self._last = 0

    def find(self, strategy_id: int) -> Strategy:
        """A rule group; 40058 where there is none."""
        if strategy_id not in self.strategies:
            raise refusal(40058, "strategy_id")
        return self.strategies[strategy_id]

    def below(self, strategy: Strategy) -> list[Strategy]:
        """The groups that stand in this one."""
        return [other for other in self.strategies.values() if other.parent is strategy]

    def create(self, body: Fields) -> Strategy:
        """A new group, as the body describes it."""
        parent = self.find(body.number("parent_id")) if body.number_or("parent_id", 0) else None
        if parent and parent.level >= MOST_LEVELS:
            raise refusal(40058, f"parent_id: rule groups stand in each other up to {MOST_LEVELS} levels deep")
        name, admins, nodes = body.text("strategy_name"), self._admins(body), self._nodes(body, "range")
        if not admins or not nodes:
            raise refusal(40063, "range" if admins else "admin_list")
        self._check_range(parent, nodes)
        self._last += 1
        strategy = Strategy(self._last, parent, name, admins, self._granted(body), nodes, self._wecom.world.now())
        self.strategies[strategy.strategy_id] = strategy
        return strategy

    def edit(self, strategy: Strategy, body: Fields) -> None:
        """What is left out stays; administrators and privileges are replaced, the range is added to and taken from."""
        admins, added, removed = self._admins(body), self._nodes(body, "range_add"), self._nodes(body, "range_del")
        nodes = [node for node in dict.fromkeys((*strategy.nodes, *added)) if node not in removed]
        self._check_range(strategy.parent, nodes)
        for other in self.below(strategy):
            if not all(self._lies_in(nodes, node) for node in other.nodes):
                raise refusal(40058, f"range_del: rule group {other.strategy_id} stands in this one and needs it")
        strategy.nodes = nodes
        strategy.name = body.text_or("strategy_name", strategy.name)
        strategy.admins = admins or strategy.admins
        if body.object("privilege") is not None:
            strategy.own_privileges = self._granted(body)

    def delete(self, strategy: Strategy) -> None:
        """The group is gone, with its tags; 40058 while others stand in it."""
        if self.below(strategy):
            raise refusal(40058, "strategy_id: other rule groups stand in this one")
        if self is self._wecom.customer_strategies:
            for group in self._wecom.tag_groups(strategy.strategy_id):
                for tag in group.living():
                    self._wecom.delete_tag(group, tag)
        del self.strategies[strategy.strategy_id]

    def _admins(self, body: Fields) -> list[str]:
        admins = body.texts("admin_list")
        if len(admins) > MOST_ADMINS:
            raise refusal(40058, f"admin_list has more than {MOST_ADMINS} entries")
        known_members(self._wecom, admins, "admin_list")
        return list(dict.fromkeys(admins))

    def _nodes(self, body: Fields, name: str) -> list[Node]:
        nodes: list[Node] = []
        for given in body.objects(name):
            kind = given.number("type")
            if kind not in (_MEMBER, _DEPARTMENT):
                raise refusal(40058, f"{name}.type")
            nodes.append((kind, given.text("userid") if kind == _MEMBER else given.number("partyid")))
        if len(nodes) > NODES_A_CALL:
            raise refusal(40058, f"{name} has more than {NODES_A_CALL} nodes")
        known_members(self._wecom, (str(who) for kind, who in nodes if kind == _MEMBER), name)
        known_departments(self._wecom, (number for _, number in nodes if isinstance(number, int)), name)
        return list(dict.fromkeys(nodes))

    def _check_range(self, parent: Strategy | None, nodes: list[Node]) -> None:
        if len(nodes) > MOST_NODES:
            raise refusal(40058, f"range has more than {MOST_NODES} nodes")
        if parent and not all(self._lies_in(parent.nodes, node) for node in nodes):
            raise refusal(40058, "range: it must lie in the range of the rule group above")

    def _lies_in(self, nodes: list[Node], node: Node) -> bool:
        if node in nodes or (_DEPARTMENT, _COMPANY) in nodes:
            return True
        member = self._wecom.world.members.get(str(node[1])) if node[0] == _MEMBER else None
        return member is not None and (_DEPARTMENT, member.shop.id) in nodes

    def _granted(self, body: Fields) -> dict[str, bool]:
        given = body.object("privilege") or self._wecom.fields({})
        return {name: name in self._basic or given.flag_or(name, default=True) for name in self._privileges}


def _strategies(wecom: WeComPlatform, request: Request) -> Strategies:
    return wecom.moment_strategies if "/moment_strategy/" in request.path else wecom.customer_strategies


def _strategy(wecom: WeComPlatform, request: Request) -> Strategy:
    return _strategies(wecom, request).find(wecom.body(request).number("strategy_id"))


@router.on("POST", _PATH + "/customer_strategy/list")
@router.on("POST", _PATH + "/moment_strategy/list")
def strategy_list(wecom: WeComPlatform, request: Request) -> Json:
    """获取规则组列表."""
    body = wecom.body(request) if request.body else wecom.fields({})
    ids = [{"strategy_id": strategy_id} for strategy_id in _strategies(wecom, request).strategies]
    rows, following = page(ids, body.text_or("cursor"), page_size(body, 1000, 1000))
    return {"strategy": list(rows), "next_cursor": following} if following else {"strategy": list(rows)}


@router.on("POST", _PATH + "/customer_strategy/get")
@router.on("POST", _PATH + "/moment_strategy/get")
def strategy_get(wecom: WeComPlatform, request: Request) -> Json:
    """获取规则组详情."""
    strategy = _strategy(wecom, request)
    return {
        "strategy": {
            "strategy_id": strategy.strategy_id,
            "parent_id": strategy.parent.strategy_id if strategy.parent else 0,
            "strategy_name": strategy.name,
            "create_time": strategy.created,
            "admin_list": strategy.admins,
            "privilege": strategy.privileges,
        }
    }


@router.on("POST", _PATH + "/customer_strategy/get_range")
@router.on("POST", _PATH + "/moment_strategy/get_range")
def strategy_get_range(wecom: WeComPlatform, request: Request) -> Json:
    """获取规则组管理范围."""
    body = wecom.body(request)
    nodes = [{"type": kind, "userid" if kind == _MEMBER else "partyid": who} for kind, who in _strategy(wecom, request).nodes]
    rows, following = page(nodes, body.text_or("cursor"), page_size(body, 1000, 1000))
    return {"range": list(rows), "next_cursor": following} if following else {"range": list(rows)}


@router.on("POST", _PATH + "/customer_strategy/create", at_once=1, crowded=6000, seconds=0.005)
@router.on("POST", _PATH + "/moment_strategy/create", at_once=1, crowded=6000, seconds=0.005)
def strategy_create(wecom: WeComPlatform, request: Request) -> Json:
    """创建新的规则组: one call at a time."""
    return {"strategy_id": _strategies(wecom, request).create(wecom.body(request)).strategy_id}


@router.on("POST", _PATH + "/customer_strategy/edit", at_once=1, crowded=6000, seconds=0.005)
@router.on("POST", _PATH + "/moment_strategy/edit", at_once=1, crowded=6000, seconds=0.005)
def strategy_edit(wecom: WeComPlatform, request: Request) -> Json:
    """编辑规则组及其管理范围: one call at a time."""
    _strategies(wecom, request).edit(_strategy(wecom, request), wecom.body(request))
    return {}


@router.on("POST", _PATH + "/customer_strategy/del")
@router.on("POST", _PATH + "/moment_strategy/del")
def strategy_del(wecom: WeComPlatform, request: Request) -> Json:
    """删除规则组."""
    _strategies(wecom, request).delete(_strategy(wecom, request))
    return {}
