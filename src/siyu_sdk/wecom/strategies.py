"""Rule groups (规则组): which administrators may do what, over which members. One kind for customers, one for moments.

An app sees and changes only those that it has made itself; it needs the right to them (管理客户联系规则组). Groups stand in each other, up
to 5 levels deep. Write one after another: parallel writes are refused (6000, Conflict).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from ..core.call import Call
from ..core.endpoint import POST, paged
from ..core.errors import InputError
from ..core.model import MaxItems, NotEmpty, OpenIntEnum, OrDict, Reply, Timestamp, WireModel
from .common import all_of, some_change
from .resource import CursorReply, M, WeComResource


class NodeType(OpenIntEnum):
    """What a node of a range is (节点类型)."""

    MEMBER = 1
    DEPARTMENT = 2


class StrategyNode(WireModel):
    """A member, or a department, in the range of a rule group (管理范围)."""

    type: NodeType
    userid: str | None = None
    """Of `NodeType.MEMBER`."""
    partyid: int | None = None
    """Of `NodeType.DEPARTMENT`."""


class CustomerPrivilege(WireModel):
    """What the administrators of a rule group for customers may do (权限)."""

    view_customer_list: bool | None = None
    view_customer_data: bool | None = None
    view_room_list: bool | None = None
    contact_me: bool | None = None
    join_room: bool | None = None
    share_customer: bool | None = None
    oper_resign_customer: bool | None = None
    oper_resign_group: bool | None = None
    send_customer_msg: bool | None = None
    edit_welcome_msg: bool | None = None
    view_behavior_data: bool | None = None
    view_room_data: bool | None = None
    send_group_msg: bool | None = None
    room_deduplication: bool | None = None
    rapid_reply: bool | None = None
    onjob_customer_transfer: bool | None = None
    edit_anti_spam_rule: bool | None = None
    export_customer_list: bool | None = None
    export_customer_data: bool | None = None
    export_customer_group_list: bool | None = None
    manage_customer_tag: bool | None = None


class MomentPrivilege(WireModel):
    """What the administrators of a rule group for moments may do (权限)."""

    view_moment_list: bool | None = None
    send_moment: bool | None = None


class StrategyId(WireModel):
    """A rule group, by its id."""

    strategy_id: int


class Strategy(StrategyId):
    """What rule groups of both kinds have (规则组)."""

    parent_id: int | None = None
    """0 where it stands in no other."""
    strategy_name: str | None = None
    admin_list: tuple[str, ...] = ()
    create_time: Timestamp | None = None


class CustomerStrategy(Strategy):
    """A rule group for customers (客户联系规则组)."""

    privilege: CustomerPrivilege | None = None


class MomentStrategy(Strategy):
    """A rule group for moments (客户朋友圈规则组)."""

    privilege: MomentPrivilege | None = None


class StrategyPage(CursorReply):
    """A page of rule groups."""

    strategy: tuple[StrategyId, ...] = ()

    def items(self) -> Sequence[StrategyId]:
        """Give the rule groups of this page."""
        return self.strategy


class CustomerStrategyDetail(Reply):
    """One rule group for customers."""

    strategy: CustomerStrategy


class MomentStrategyDetail(Reply):
    """One rule group for moments."""

    strategy: MomentStrategy


class StrategyNodePage(CursorReply):
    """A page of a range."""

    range: tuple[StrategyNode, ...] = ()

    def items(self) -> Sequence[StrategyNode]:
        """Give the nodes of this page."""
        return self.range


class CreatedStrategy(Reply):
    """A new rule group."""

    strategy_id: int


Admins = Annotated[Sequence[str], NotEmpty, MaxItems(20)]
Nodes = Annotated[Sequence[OrDict[StrategyNode]], NotEmpty, MaxItems(100)]
"""What one call takes; a group has room for 3,000."""
PageSize = Annotated[int, Field(ge=1, le=1000)]


def _named_nodes(arguments: Mapping[str, Any]) -> None:
    for field in ("range", "range_add", "range_del"):
        nodes: Sequence[StrategyNode] = arguments.get(field) or ()
        for index, node in enumerate(nodes):
            if node.type == NodeType.MEMBER and not node.userid:
                raise InputError("a node of type 1 needs userid", f"{field}.{index}.userid")
            if node.type == NodeType.DEPARTMENT and node.partyid is None:
                raise InputError("a node of type 2 needs partyid", f"{field}.{index}.partyid")


_changed = all_of(some_change("strategy_name", "admin_list", "privilege", "range_add", "range_del"), _named_nodes)


class CustomerStrategies(WeComResource[M]):
    """Rule groups for customers (客户联系规则组)."""

    @POST("/cgi-bin/externalcontact/customer_strategy/list", docs=94883, idempotent=True)
    def list(self, *, cursor: str | None = None, limit: PageSize | None = None) -> Call[StrategyPage]:
        """List rule groups by id, one page (获取规则组列表). `limit` is 1 to 1,000 (1,000 if left out)."""
        ...

    @paged
    def all(self, *, limit: int = 1000) -> Call[StrategyPage]:
        """Every rule group by its id, one by one, page after page (获取规则组列表)."""
        return CustomerStrategies.list(limit=limit)

    @POST("/cgi-bin/externalcontact/customer_strategy/get", docs=94883, idempotent=True)
    def get(self, strategy_id: int) -> Call[CustomerStrategyDetail]:
        """Fetch one rule group (获取规则组详情). Its range comes from `nodes`."""
        ...

    @POST("/cgi-bin/externalcontact/customer_strategy/get_range", docs=94883, idempotent=True)
    def get_range(self, strategy_id: int, *, cursor: str | None = None, limit: PageSize | None = None) -> Call[StrategyNodePage]:
        """List the members and departments of a rule group, one page (获取规则组管理范围). `limit` is 1 to 1,000 (1,000 if left out)."""
        ...

    @paged
    def nodes(self, strategy_id: int, *, limit: int = 1000) -> Call[StrategyNodePage]:
        """Every member and department of a rule group, one by one, page after page (获取规则组管理范围)."""
        return CustomerStrategies.get_range(strategy_id, limit=limit)

    @POST("/cgi-bin/externalcontact/customer_strategy/create", docs=94883, check=_named_nodes)
    def create(
        self,
        strategy_name: str,
        *,
        admin_list: Admins,
        privilege: OrDict[CustomerPrivilege],
        range: Nodes,
        parent_id: int | None = None,
    ) -> Call[CreatedStrategy]:
        """Make a rule group (创建新的规则组).

        Up to 20 administrators, and up to 100 members and departments a call: `update` adds the others, up to 3,000. In a group above
        (`parent_id`) they have to be in its range, and its rights hold: `privilege` is ignored.
        """
        ...

    @POST("/cgi-bin/externalcontact/customer_strategy/edit", docs=94883, idempotent=True, check=_changed)
    def update(
        self,
        strategy_id: int,
        *,
        strategy_name: str | None = None,
        admin_list: Admins | None = None,
        privilege: OrDict[CustomerPrivilege] | None = None,
        range_add: Nodes | None = None,
        range_del: Nodes | None = None,
    ) -> Call[Reply]:
        """Change a rule group (编辑规则组及其管理范围).

        What is left out stays; `admin_list` and `privilege` replace the old ones, the range is added to and taken from, up to 100 nodes
        each.
        """
        ...

    @POST("/cgi-bin/externalcontact/customer_strategy/del", docs=94883)
    def delete(self, strategy_id: int) -> Call[Reply]:
        """Delete a rule group (删除规则组)."""
        ...


class MomentStrategies(WeComResource[M]):
    """Rule groups for moments (客户朋友圈规则组)."""

    @POST("/cgi-bin/externalcontact/moment_strategy/list", docs=94890, idempotent=True)
    def list(self, *, cursor: str | None = None, limit: PageSize | None = None) -> Call[StrategyPage]:
        """List rule groups by id, one page (获取规则组列表). `limit` is 1 to 1,000 (1,000 if left out)."""
        ...

    @paged
    def all(self, *, limit: int = 1000) -> Call[StrategyPage]:
        """Every rule group by its id, one by one, page after page (获取规则组列表)."""
        return MomentStrategies.list(limit=limit)

    @POST("/cgi-bin/externalcontact/moment_strategy/get", docs=94890, idempotent=True)
    def get(self, strategy_id: int) -> Call[MomentStrategyDetail]:
        """Fetch one rule group (获取规则组详情). Its range comes from `nodes`."""
        ...

    @POST("/cgi-bin/externalcontact/moment_strategy/get_range", docs=94890, idempotent=True)
    def get_range(self, strategy_id: int, *, cursor: str | None = None, limit: PageSize | None = None) -> Call[StrategyNodePage]:
        """List the members and departments of a rule group, one page (获取规则组管理范围). `limit` is 1 to 1,000 (1,000 if left out)."""
        ...

    @paged
    def nodes(self, strategy_id: int, *, limit: int = 1000) -> Call[StrategyNodePage]:
        """Every member and department of a rule group, one by one, page after page (获取规则组管理范围)."""
        return MomentStrategies.get_range(strategy_id, limit=limit)

    @POST("/cgi-bin/externalcontact/moment_strategy/create", docs=94890, check=_named_nodes)
    def create(
        self,
        strategy_name: str,
        *,
        admin_list: Admins,
        privilege: OrDict[MomentPrivilege],
        range: Nodes,
        parent_id: int | None = None,
    ) -> Call[CreatedStrategy]:
        """Make a rule group (创建新的规则组).

        Up to 20 administrators, and up to 100 members and departments a call: `update` adds the others, up to 3,000. In a group above
        (`parent_id`) they have to be in its range, and its rights hold: `privilege` is ignored.
        """
        ...

    @POST("/cgi-bin/externalcontact/moment_strategy/edit", docs=94890, idempotent=True, check=_changed)
    def update(
        self,
        strategy_id: int,
        *,
        strategy_name: str | None = None,
        admin_list: Admins | None = None,
        privilege: OrDict[MomentPrivilege] | None = None,
        range_add: Nodes | None = None,
        range_del: Nodes | None = None,
    ) -> Call[Reply]:
        """Change a rule group (编辑规则组及其管理范围).

        What is left out stays; `admin_list` and `privilege` replace the old ones, the range is added to and taken from, up to 100 nodes
        each.
        """
        ...

    @POST("/cgi-bin/externalcontact/moment_strategy/del", docs=94890)
    def delete(self, strategy_id: int) -> Call[Reply]:
        """Delete a rule group (删除规则组)."""
        ...
