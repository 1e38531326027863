"""Acquisition links (获客助手): links that open a chat with a member at once. Each customer who comes through one uses up quota.

All of it refuses the secret of 客户联系: it needs an app of the company that is listed there as allowed to call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import Field

from ..core.call import Call
from ..core.endpoint import GET, POST, paged
from ..core.errors import InputError
from ..core.model import OpenIntEnum, OrDict, Reply, Timestamp, WireModel
from .common import MaxMembers, MemberRange, some_change, within
from .resource import CursorReply, M, WeComResource

LONGEST_CHANNEL = 64
"""Bytes of UTF-8 in a `customer_channel`."""


class PriorityType(OpenIntEnum):
    """Who is preferred among the members of a link (优先分配类型)."""

    FRIENDS = 1
    """Any member of the company who has the customer already."""
    CHOSEN_FRIENDS = 2
    """The same, among the members in `priority_userid_list` only."""


class ChatStatus(OpenIntEnum):
    """Whether a customer has written (会话状态)."""

    SILENT = 0
    WROTE = 1
    UNKNOWN = 2
    """The platform does not know."""


class PriorityOption(WireModel):
    """Who is preferred (优先分配)."""

    priority_type: PriorityType
    priority_userid_list: tuple[str, ...] = ()


class AcquisitionLink(WireModel):
    """A link (获客链接)."""

    link_id: str | None = None
    link_name: str | None = None
    url: str | None = None
    skip_verify: bool | None = None
    mark_source: bool | None = None
    create_time: Timestamp | None = None

    def with_channel(self, customer_channel: str) -> str:
        """Give the address with a channel of yours, which comes back as `state` with every customer who used it.

        At most 64 bytes of UTF-8: the platform would cut more without a word, so more is refused here (InputError).
        """
        if not self.url:
            raise InputError("this link has no url", "url")
        size = len(customer_channel.encode())
        if not 0 < size <= LONGEST_CHANNEL:
            raise InputError(f"customer_channel: 1 to {LONGEST_CHANNEL} bytes of UTF-8 are allowed, got {size}", "customer_channel")
        return f"{self.url}{'&' if '?' in self.url else '?'}customer_channel={quote(customer_channel, safe='')}"


class AcquisitionLinkIds(CursorReply):
    """A page of ids of links."""

    link_id_list: tuple[str, ...] = ()

    def items(self) -> Sequence[str]:
        """Give the ids of this page."""
        return self.link_id_list


class AcquisitionLinkDetail(Reply):
    """One link, and the members that it leads to."""

    link: AcquisitionLink
    range: MemberRange | None = None
    priority_option: PriorityOption | None = None


class CreatedLink(Reply):
    """A new link."""

    link: AcquisitionLink


class AcquiredCustomer(WireModel):
    """A customer who came through a link: once for each member."""

    external_userid: str
    userid: str | None = None
    chat_status: ChatStatus | None = None
    state: str | None = None
    """The `customer_channel` of the address that they opened."""


class AcquiredCustomerPage(CursorReply):
    """A page of customers who came through a link."""

    customer_list: tuple[AcquiredCustomer, ...] = ()

    def items(self) -> Sequence[AcquiredCustomer]:
        """Give the customers of this page."""
        return self.customer_list


class ExpiringQuota(WireModel):
    """Quota that ends soon."""

    balance: int
    expire_date: Timestamp | None = None
    """The day, at its midnight: the hour is that of the purchase."""


class AcquisitionQuota(Reply):
    """How many customers may still come."""

    total: int | None = None
    """All that the company ever had."""
    balance: int
    """What is left."""
    quota_list: tuple[ExpiringQuota, ...] = ()


class LinkStatistic(Reply):
    """What a link brought."""

    click_link_customer_cnt: int | None = None
    new_customer_cnt: int | None = None


class AcquisitionChat(WireModel):
    """What a customer of a link wrote so far."""

    link_id: str | None = None
    state: str | None = None
    recv_msg_cnt: int | None = None
    """How often the member got messages from them."""


class AcquisitionChatInfo(Reply):
    """A chat that began through a link. Components of 获客助手 are not told who the two are."""

    userid: str | None = None
    external_userid: str | None = None
    chat_info: AcquisitionChat | None = None


class AcquisitionPermit(Reply):
    """Whom an app of 营销获客 may lead customers to."""

    user_list: tuple[str, ...] = ()
    department_list: tuple[int, ...] = ()
    tag_list: tuple[int, ...] = ()


def _prefers_somebody(arguments: Mapping[str, Any]) -> None:
    option: PriorityOption | None = arguments.get("priority_option")
    if option is not None and option.priority_type == PriorityType.CHOSEN_FRIENDS and not option.priority_userid_list:
        raise InputError("priority_type 2 needs priority_userid_list", "priority_option.priority_userid_list")


def _leads_somewhere(arguments: Mapping[str, Any]) -> None:
    where: MemberRange = arguments["range"]
    if not where.user_list and not where.department_list:
        raise InputError("a link needs members: give user_list or department_list", "range")
    _prefers_somebody(arguments)


def _changes_something(arguments: Mapping[str, Any]) -> None:
    some_change("link_name", "range", "skip_verify", "mark_source", "priority_option")(arguments)
    if "range" in arguments:
        _leads_somewhere(arguments)
    _prefers_somebody(arguments)


class Acquisition(WeComResource[M]):
    """Acquisition links (获客助手)."""

    @POST("/cgi-bin/externalcontact/customer_acquisition/list_link", docs=97297, idempotent=True)
    def list(self, *, cursor: str | None = None, limit: Annotated[int, Field(ge=1, le=100)] | None = None) -> Call[AcquisitionLinkIds]:
        """List the ids of the links that this app made, one page (获取获客链接列表). `limit` is 1 to 100."""
        ...

    @paged
    def all(self, *, limit: int = 100) -> Call[AcquisitionLinkIds]:
        """Every link of this app by its id, one by one, page after page (获取获客链接列表)."""
        return Acquisition.list(limit=limit)

    @POST("/cgi-bin/externalcontact/customer_acquisition/get", docs=97297, idempotent=True)
    def get(self, link_id: str) -> Call[AcquisitionLinkDetail]:
        """Fetch one link, and the members that it leads to (获取获客链接详情). The reply may leave out the `link_id`."""
        ...

    @POST("/cgi-bin/externalcontact/customer_acquisition/create_link", docs=97297, check=_leads_somewhere)
    def create(
        self,
        link_name: str,
        *,
        range: Annotated[OrDict[MemberRange], MaxMembers(500)],
        skip_verify: bool | None = None,
        mark_source: bool | None = None,
        priority_option: OrDict[PriorityOption] | None = None,
    ) -> Call[CreatedLink]:
        """Make a link (创建获客链接).

        It leads to the members in `range`: up to 500, those of its departments counted in. Customers need not be confirmed unless
        `skip_verify` is False. Put a channel of yours behind the address with `link.with_channel(…)`: it comes back as `state`.
        Raises QuotaExceeded (41095) when there are too many links. Repeating it makes another link.
        """
        ...

    @POST("/cgi-bin/externalcontact/customer_acquisition/update_link", docs=97297, idempotent=True, check=_changes_something)
    def update(
        self,
        link_id: str,
        *,
        link_name: str | None = None,
        range: Annotated[OrDict[MemberRange], MaxMembers(500)] | None = None,
        skip_verify: bool | None = None,
        mark_source: bool | None = None,
        priority_option: OrDict[PriorityOption] | None = None,
    ) -> Call[Reply]:
        """Change a link (编辑获客链接). A `range` that is given replaces the old one, and so does `priority_option`.

        Raises PermissionDenied (41098) where the link belongs to another component.
        """
        ...

    @POST("/cgi-bin/externalcontact/customer_acquisition/delete_link", docs=97297)
    def delete(self, link_id: str) -> Call[Reply]:
        """Delete a link: its address stops working (删除获客链接)."""
        ...

    @POST("/cgi-bin/externalcontact/customer_acquisition/customer", docs=97298, idempotent=True)
    def customer(
        self, link_id: str, *, cursor: str | None = None, limit: Annotated[int, Field(ge=1, le=1000)] | None = None
    ) -> Call[AcquiredCustomerPage]:
        """List the customers who came through a link, one page (获取由获客链接添加的客户信息). `limit` is 1 to 1,000."""
        ...

    @paged
    def customers(self, link_id: str, *, limit: int = 1000) -> Call[AcquiredCustomerPage]:
        """Every customer who came through a link, one by one, page after page (获取由获客链接添加的客户信息)."""
        return Acquisition.customer(link_id, limit=limit)

    @GET("/cgi-bin/externalcontact/customer_acquisition_quota", docs=97375)
    def quota(self) -> Call[AcquisitionQuota]:
        """Tell how much quota is left, and what of it ends soon (查询剩余使用量).

        Under 20 left, an event (`balance_low`) warns; at 0 the links lead nowhere.
        """
        ...

    @POST("/cgi-bin/externalcontact/customer_acquisition/statistic", docs=97375, idempotent=True, check=within(30))
    def statistic(self, link_id: str, *, start_time: Timestamp, end_time: Timestamp) -> Call[LinkStatistic]:
        """Count who opened a link and who was added, over up to 30 days within the last 180 (查询链接使用详情).

        Whole days count, those of both times included.
        """
        ...

    @POST("/cgi-bin/externalcontact/customer_acquisition/get_chat_info", docs=100130, idempotent=True)
    def chat_info(self, chat_key: str) -> Call[AcquisitionChatInfo]:
        """Tell how often a customer of a link has written (获取成员多次收消息详情).

        The `chat_key` comes with the event (`AcquisitionMessagesReceived`), and lives 30 minutes.
        """
        ...

    @GET("/cgi-bin/externalcontact/customer_acquisition_app/get_permit", docs=101146)
    def permit(self) -> Call[AcquisitionPermit]:
        """List the members, departments and tags that customers may be led to (获取客户可建联成员). Only apps of 营销获客 may ask."""
        ...
