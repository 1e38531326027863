"""Events of third-party apps and their providers (第三方应用, 服务商): who lets you in, who leaves, who pays.

They come to the callback address of commands, which has to answer `success`. Codes and tickets in them do not show in `repr`.
"""

from __future__ import annotations

from pydantic import Field

from ...core.model import OpenStrEnum, XmlList
from .base import WeComEvent, XmlElement

# Who lets the suite in: 授权通知事件


class SuiteTicket(WeComEvent, event="suite_ticket"):
    """A new ticket for the suite's token, every ten minutes: keep the newest (推送suite_ticket)."""

    suite_ticket: str | None = Field(None, alias="SuiteTicket", repr=False)


class AuthCreated(WeComEvent, event="create_auth"):
    """A company installed the suite: exchange the code for its permanent code within 10 minutes (授权成功通知)."""

    auth_code: str | None = Field(None, alias="AuthCode", repr=False)
    state: str | None = Field(None, alias="State")


class AuthorizedKfAccounts(XmlElement):
    """Service accounts."""

    open_kf_id: XmlList[str] = Field((), alias="OpenKfId")


class AuthExtraInfo(XmlElement):
    """What else an authorisation is about."""

    auth_open_kf_id_list: AuthorizedKfAccounts | None = Field(None, alias="AuthOpenKfIdList")


class AuthChanged(WeComEvent, event="change_auth"):
    """A company changed what the suite may see: read its authorisation anew (变更授权通知)."""

    state: str | None = Field(None, alias="State")
    extra_info: AuthExtraInfo | None = Field(None, alias="ExtraInfo")


class AuthCancelled(WeComEvent, event="cancel_auth"):
    """A company removed the suite: delete its data (取消授权通知)."""

    extra_info: AuthExtraInfo | None = Field(None, alias="ExtraInfo")


class PermanentCodeReset(WeComEvent, event="reset_permanent_code"):
    """A company's permanent code is void: exchange the new code (重置永久授权码通知)."""

    auth_code: str | None = Field(None, alias="AuthCode", repr=False)


class SpecialAuthType(OpenStrEnum):
    """Which extra right it is about (权限类型)."""

    CUSTOMER_ACQUISITION = "customer_acquisition"


class SpecialAuthApproved(WeComEvent, event="approve_special_auth"):
    """A company granted an extra right, such as acquisition links (获客助手权限确认事件)."""

    auth_type: SpecialAuthType | None = Field(None, alias="AuthType")


class SpecialAuthCancelled(WeComEvent, event="cancel_special_auth"):
    """A company took an extra right back (获客助手权限取消事件)."""

    auth_type: SpecialAuthType | None = Field(None, alias="AuthType")


class CorpArchAuthorized(WeComEvent, event="corp_arch_auth"):
    """A company let the suite see its departments (授权组织架构权限通知)."""


class ExternalUserIdMigrationAgreed(WeComEvent, event="agree_external_userid_migration"):
    """A company agrees to the new ids of customers (授权企业同意external_userid迁移事件)."""

    service_corp_id: str | None = Field(None, alias="ServiceCorpId")


# Registration through a link: 推广二维码


class AuthUser(XmlElement):
    """The administrator who did it."""

    user_id: str | None = Field(None, alias="UserId")


class RegisterEvent(WeComEvent):
    """A company registered through your link."""

    service_corp_id: str | None = Field(None, alias="ServiceCorpId")
    register_code: str | None = Field(None, alias="RegisterCode", repr=False)
    auth_user_info: AuthUser | None = Field(None, alias="AuthUserInfo")
    template_id: str | None = Field(None, alias="TemplateId")
    state: str | None = Field(None, alias="State")


class ContactSync(XmlElement):
    """A token with which the provider may fill the new company's address book, once."""

    access_token: str | None = Field(None, alias="AccessToken", repr=False)
    expires_in: int | None = Field(None, alias="ExpiresIn")
    """Seconds."""


class CorpRegistered(RegisterEvent, event="register_corp"):
    """A company was registered through your link (注册完成回调事件)."""

    contact_sync: ContactSync | None = Field(None, alias="ContactSync")


class RegisterPackageEntered(RegisterEvent, event="enter_register_package"):
    """A company that exists already took part in your promotion (企业微信已注册企业通过推广包二维码安装应用)."""


# Who pays for it: 应用版本付费


class PaidEvent(WeComEvent):
    """A company bought something."""

    paid_corp_id: str | None = Field(None, alias="PaidCorpId")


class OrderEvent(PaidEvent):
    """An order of a company."""

    order_id: str | None = Field(None, alias="OrderId")


class OrderOpened(OrderEvent, event="open_order"):
    """A company placed an order (下单成功通知)."""

    operator_id: str | None = Field(None, alias="OperatorId")


class OrderChanged(PaidEvent, event="change_order"):
    """A company changed an order: the old one is void (改单通知)."""

    old_order_id: str | None = Field(None, alias="OldOrderId")
    new_order_id: str | None = Field(None, alias="NewOrderId")


class OrderPaid(OrderEvent, event="pay_for_app_success"):
    """A company paid an order (支付成功通知)."""


class OrderRefunded(OrderEvent, event="refund"):
    """A company got its money back (退款通知)."""


class EditionChanged(PaidEvent, event=("change_editon", "change_edition")):
    """A company has another edition, or its edition ran out (应用版本变更通知). The platform writes the name «change_editon»."""


# Data and intelligence: 会话内容相关


class AdvancedApiEvent(WeComEvent):
    """Something about a paid interface."""

    service_corp_id: str | None = Field(None, alias="ServiceCorpId")
    advance_api_type: int | None = Field(None, alias="AdvanceApiType")


class ChatArchiveApi(XmlElement):
    """Accounts of the chat archive."""

    edition: int | None = Field(None, alias="Edition")


class AdvancedApiExpired(AdvancedApiEvent, event="advanced_api_expired"):
    """A company's paid interface ran out (付费接口到期通知)."""

    chat_archive_api: ChatArchiveApi | None = Field(None, alias="ChatArchiveApi")


class AdvancedApiTrialExpired(AdvancedApiEvent, event="advanced_api_trial_expired"):
    """A company's trial of a paid interface ran out (付费接口试用到期通知)."""


class ChatArchiveAuditApproved(WeComEvent, event="chat_archive_audit_approved_single"):
    """A customer agrees to the archive of chats (客户同意进行聊天内容存档事件)."""

    open_user_id: str | None = Field(None, alias="OpenUserID")
    external_user_id: str | None = Field(None, alias="ExternalUserID")
    chat_id: str | None = Field(None, alias="ChatId")


class ChatArchiveExportFinished(WeComEvent, event="chat_archive_export_finished"):
    """An export of chats has ended: fetch it (会话内容导出完成通知)."""

    job_id: str | None = Field(None, alias="JobId")


class ConversationTokenEvent(WeComEvent):
    """Something in chats that can be fetched with a token."""

    token: str | None = Field(None, alias="Token", repr=False)


class ConversationNewMessage(ConversationTokenEvent, event="conversation_new_message"):
    """There are new messages in chats (产生会话消息通知)."""


class KeywordHit(ConversationTokenEvent, event="hit_keyword"):
    """Somebody wrote a word that a rule watches (命中关键词规则通知)."""
