"""Customer service in WeChat (微信客服): its accounts, who serves them, and who writes to them.

Every call needs an app that may use the API of 微信客服, and that may manage the account: else PermissionDenied (48007, 95017).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from ..core.call import Call
from ..core.endpoint import GET, POST, paged
from ..core.errors import InputError
from ..core.model import Checked, Flag, MaxChars, MaxItems, NotEmpty, OpenIntEnum, OrDict, Reply, WireModel
from .common import ItemResult, either
from .members import Gender
from .resource import M, WeComResource


def _scene(value: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z_-]{0,32}", value):
        raise ValueError(f"at most 32 characters out of 0-9 A-Z a-z _ - are allowed, got {len(value)}: {value[:60]!r}")
    return value


class ServicerStatus(OpenIntEnum):
    """Whether a member takes conversations of an account (接待状态)."""

    SERVING = 0
    STOPPED = 1


class StopType(OpenIntEnum):
    """How a member stopped (停止接待的子类型)."""

    STOPPED = 0
    SUSPENDED = 1


class UpgradeType(OpenIntEnum):
    """What a customer is offered (升级服务类型)."""

    MEMBER = 1
    GROUP_CHAT = 2


class CreatedKfAccount(Reply):
    """A new account."""

    open_kfid: str


class KfAccount(WireModel):
    """An account that customers write to (客服账号)."""

    open_kfid: str
    """Starts with `wk`."""
    name: str = ""
    avatar: str | None = None
    manage_privilege: bool | None = None
    """Whether the calling app may manage sessions and messages of the account."""


class KfAccountPage(Reply):
    """A page of accounts."""

    account_list: tuple[KfAccount, ...] = ()

    def items(self) -> Sequence[KfAccount]:
        """Give the accounts of this page."""
        return self.account_list

    def next_page(self, arguments: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Give the offset of the next page; nothing tells the end but an empty page."""
        return {"offset": (arguments.get("offset") or 0) + len(self.account_list)} if self.account_list else None


class KfLink(Reply):
    """The link to an account."""

    url: str


class Qualification(Reply):
    """What the company may do in customer service."""

    wechat_channels_binding: bool | None = None
    """Whether a video account (视频号) is bound."""


class Servicer(WireModel):
    """A member, or a whole department, who serves an account (接待人员)."""

    userid: str | None = None
    department_id: int | None = None
    status: ServicerStatus | None = None
    """Of members only."""
    stop_type: StopType | None = None


class ServicerList(Reply):
    """Who serves an account."""

    servicer_list: tuple[Servicer, ...] = ()


class ServicerResult(ItemResult[int]):
    """What became of one member or department: `errcode` 0 also where there was nothing to do (操作结果)."""

    userid: str | None = None
    department_id: int | None = None


class ServicerResults(Reply):
    """What became of each; one may fail while the others do not, and no error is raised for it."""

    result_list: tuple[ServicerResult, ...] = ()


class KfChannels(WireModel):
    """Through which video account a customer came (视频号)."""

    nickname: str | None = None
    scene: int | None = None
    """1 its page, 2 the goods of its live room, 3 its shop window, and newer ones."""


class EnterSessionContext(WireModel):
    """How a customer last came into the conversation, within 48 hours (进入会话的上下文)."""

    scene: str | None = None
    """As given to `contact_link`."""
    scene_param: str | None = None
    """As appended to the link."""
    wechat_channels: KfChannels | None = None


class KfCustomer(WireModel):
    """Somebody who wrote to an account (客户)."""

    external_userid: str
    nickname: str | None = None
    avatar: str | None = None
    gender: Gender | None = None
    unionid: str | None = None
    """Only if the company has bound a WeChat developer account of the same owner."""
    enter_session_context: EnterSessionContext | None = None


class KfCustomerList(Reply):
    """Customers."""

    customer_list: tuple[KfCustomer, ...] = ()
    invalid_external_userid: tuple[str, ...] = ()
    """Ids that are unknown, or whose customer did not write within 48 hours."""


class UpgradeMembers(WireModel):
    """Members who can be offered (专员服务配置范围)."""

    userid_list: tuple[str, ...] = ()
    department_id_list: tuple[int, ...] = ()


class UpgradeGroupChats(WireModel):
    """Groups that can be offered (客户群配置范围)."""

    chat_id_list: tuple[str, ...] = ()


class UpgradeConfig(Reply):
    """Whom and which groups customers can be offered."""

    member_range: UpgradeMembers | None = None
    groupchat_range: UpgradeGroupChats | None = None


class UpgradeMember(WireModel):
    """A member to offer (推荐的服务专员)."""

    userid: str
    wording: str | None = None
    """What the member is recommended with."""


class UpgradeGroupChat(WireModel):
    """A customer group to offer (推荐的客户群)."""

    chat_id: str
    wording: str | None = None


def _offer(arguments: Mapping[str, Any]) -> None:
    needed = {UpgradeType.MEMBER: "member", UpgradeType.GROUP_CHAT: "groupchat"}.get(arguments["type"])
    if needed and needed not in arguments:
        raise InputError(f"type {arguments['type']} needs {needed}", needed)


class KfAccounts(WeComResource[M]):
    """Accounts that customers write to (客服账号管理)."""

    @POST("/cgi-bin/kf/account/add", docs=94662)
    def add(self, name: Annotated[str, NotEmpty, MaxChars(16)], *, media_id: str) -> Call[CreatedKfAccount]:
        """Open an account (添加客服账号).

        `name` has at most 16 characters, `media_id` is its picture, from `media.upload`. Raises QuotaExceeded where there are enough:
        a company that is not verified may have 10 (95027), others as many as they use (95005, 95026).
        """
        ...

    @POST("/cgi-bin/kf/account/del", docs=94663)
    def delete(self, open_kfid: str) -> Call[Reply]:
        """Close an account for ever (删除客服账号). Raises NotFound (95004) where there is none."""
        ...

    @POST("/cgi-bin/kf/account/update", docs=94664, idempotent=True)
    def update(
        self, open_kfid: str, *, name: Annotated[str, NotEmpty, MaxChars(16)] | None = None, media_id: str | None = None
    ) -> Call[Reply]:
        """Change an account's name or picture; what is left out stays (修改客服账号)."""
        ...

    @POST("/cgi-bin/kf/account/list", docs=94661, idempotent=True)
    def list(
        self, *, offset: Annotated[int, Field(ge=0)] | None = None, limit: Annotated[int, Field(ge=1, le=100)] | None = None
    ) -> Call[KfAccountPage]:
        """List the accounts that the app may use, one page (获取客服账号列表). `limit` is 1 to 100 (100 if left out)."""
        ...

    @paged
    def all(self, *, limit: int = 100) -> Call[KfAccountPage]:
        """Every account that the app may use, one by one, page after page (获取客服账号列表)."""
        return KfAccounts.list(limit=limit)

    @POST("/cgi-bin/kf/add_contact_way", docs=94665, idempotent=True)
    def contact_link(self, open_kfid: str, *, scene: Annotated[str, Checked(_scene)] | None = None) -> Call[KfLink]:
        """Fetch a link that opens a conversation with the account (获取客服账号链接).

        `scene` tells links apart: at most 32 characters out of `0-9A-Za-z_-`; it comes back when a customer enters. A link with a scene
        also takes `&scene_param=…` of your own, URL-encoded, at most 128 bytes, which comes back as well.
        """
        ...

    @GET("/cgi-bin/kf/get_corp_qualification", docs=95153)
    def qualification(self) -> Call[Qualification]:
        """Tell whether a video account is bound to the company (获取视频号绑定状态)."""
        ...


class KfServicers(WeComResource[M]):
    """Who serves an account (接待人员管理): up to 2,000 members and 20 departments."""

    @POST("/cgi-bin/kf/servicer/add", docs=94646, idempotent=True, check=either("userid_list", "department_id_list"))
    def add(
        self,
        open_kfid: str,
        userid_list: Annotated[Sequence[str], MaxItems(100)] | None = None,
        *,
        department_id_list: Annotated[Sequence[int], MaxItems(20)] | None = None,
    ) -> Call[ServicerResults]:
        """Let members or departments serve an account (添加接待人员).

        Up to 100 members and 20 departments in a call. Look into `result_list`: those who cannot are told there, no error is raised.
        """
        ...

    @POST("/cgi-bin/kf/servicer/del", docs=94647, idempotent=True, check=either("userid_list", "department_id_list"))
    def delete(
        self,
        open_kfid: str,
        userid_list: Annotated[Sequence[str], MaxItems(100)] | None = None,
        *,
        department_id_list: Annotated[Sequence[int], MaxItems(100)] | None = None,
    ) -> Call[ServicerResults]:
        """Take members or departments off an account (删除接待人员). Up to 100 of each in a call; look into `result_list`."""
        ...

    @GET("/cgi-bin/kf/servicer/list", docs=94645)
    def list(self, open_kfid: str) -> Call[ServicerList]:
        """List who serves an account, and whether they take conversations now (获取接待人员列表)."""
        ...


class KfCustomers(WeComResource[M]):
    """Who writes to accounts, and what they can be offered («升级服务»配置, 客户基础信息)."""

    @POST("/cgi-bin/kf/customer/batchget", docs=95159, idempotent=True)
    def batch_get(
        self,
        external_userid_list: Annotated[Sequence[str], NotEmpty, MaxItems(100)],
        *,
        need_enter_session_context: Flag | None = None,
    ) -> Call[KfCustomerList]:
        """Fetch up to 100 customers who wrote within 48 hours (客户基础信息获取).

        `need_enter_session_context` adds how each last came in. Who cannot be told about is in `invalid_external_userid`.
        """
        ...

    @GET("/cgi-bin/kf/customer/get_upgrade_service_config", docs=94674)
    def upgrade_config(self) -> Call[UpgradeConfig]:
        """Fetch which members and groups customers can be offered, as set in the console (获取配置的专员与客户群)."""
        ...

    @POST("/cgi-bin/kf/customer/upgrade_service", docs=94674, check=_offer)
    def upgrade(
        self,
        open_kfid: str,
        external_userid: str,
        *,
        type: UpgradeType,
        member: OrDict[UpgradeMember] | None = None,
        groupchat: OrDict[UpgradeGroupChat] | None = None,
    ) -> Call[Reply]:
        """Offer a customer a member as contact, or a group to join (为客户升级为专员或客户群服务).

        Within 48 hours of the customer's last message. `type` says which of the two; it must be among those of `upgrade_config`.
        Raises QuotaExceeded (95031) where the customer has been silent too long, Conflict (95015) where the console has set an own service.
        """
        ...

    @POST("/cgi-bin/kf/customer/cancel_upgrade_service", docs=94674, idempotent=True)
    def cancel_upgrade(self, open_kfid: str, external_userid: str) -> Call[Reply]:
        """Take an offer back (为客户取消推荐)."""
        ...
