"""Events of 客户联系: what members and customers do, told by callback.

An event is a hint: it may come twice, late or never, and what an app changes through the API raises none. Read the state before you act.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from ...core.model import OpenIntEnum, OpenStrEnum, Timestamp, XmlList
from .base import WeComEvent, XmlElement

# What happens to customers: 企业客户事件


class CustomerEvent(WeComEvent, event="change_external_contact"):
    """Something changed between a member and a customer; of this very class where the `change_type` is new to the SDK (企业客户事件)."""

    user_id: str | None = Field(None, alias="UserID")
    external_user_id: str | None = Field(None, alias="ExternalUserID")


class AddExternalContact(CustomerEvent, event="change_external_contact", change_type="add_external_contact"):
    """A member has added a customer (添加企业客户事件).

    The `welcome_code` works once, within 20 seconds. There is none where the console sends a welcome itself, or the two have chatted.
    """

    state: str | None = Field(None, alias="State")
    """The contact way or acquisition channel that the customer came through."""
    welcome_code: str | None = Field(None, alias="WelcomeCode", repr=False)
    link_id: str | None = Field(None, alias="LinkId")

    @property
    def usable_until(self) -> datetime | None:
        """When the welcome code stops working: 20 seconds after the event."""
        return self.welcome_until(self.welcome_code)


class AddHalfExternalContact(CustomerEvent, event="change_external_contact", change_type="add_half_external_contact"):
    """A customer has added a member who need not confirm; `add_external_contact` may follow (外部联系人免验证添加成员事件)."""

    state: str | None = Field(None, alias="State")
    welcome_code: str | None = Field(None, alias="WelcomeCode", repr=False)
    link_id: str | None = Field(None, alias="LinkId")

    @property
    def usable_until(self) -> datetime | None:
        """When the welcome code stops working: 20 seconds after the event."""
        return self.welcome_until(self.welcome_code)


class EditExternalContact(CustomerEvent, event="change_external_contact", change_type="edit_external_contact"):
    """A member has changed the remark or the tags of a customer by hand (编辑企业客户事件)."""


class DelSource(OpenStrEnum):
    """Why a customer is gone (删除来源)."""

    DELETE_BY_TRANSFER = "DELETE_BY_TRANSFER"


class DelExternalContact(CustomerEvent, event="change_external_contact", change_type="del_external_contact"):
    """A member has deleted a customer, or lost one by transfer (删除企业客户事件)."""

    source: DelSource | None = Field(None, alias="Source")


class DelFollowUser(CustomerEvent, event="change_external_contact", change_type="del_follow_user"):
    """A customer has deleted a member (删除跟进成员事件)."""


class FailReason(OpenStrEnum):
    """Why a transfer failed (接替失败原因)."""

    CUSTOMER_REFUSED = "customer_refused"
    CUSTOMER_LIMIT_EXCEED = "customer_limit_exceed"


class TransferFail(CustomerEvent, event="change_external_contact", change_type="transfer_fail"):
    """A transfer failed; `user_id` is the member who should have taken over (客户接替失败事件)."""

    fail_reason: FailReason | None = Field(None, alias="FailReason")


class MsgAuditApproved(CustomerEvent, event="change_external_contact", change_type="msg_audit_approved"):
    """A customer agrees to the archive of chats (客户同意进行聊天内容存档事件)."""

    welcome_code: str | None = Field(None, alias="WelcomeCode", repr=False)

    @property
    def usable_until(self) -> datetime | None:
        """When the welcome code stops working: 20 seconds after the event."""
        return self.welcome_until(self.welcome_code)


# What happens to customer groups: 客户群事件


class JoinScene(OpenIntEnum):
    """How someone came into a group (入群方式)."""

    INVITED = 0
    SCANNED = 3


class QuitScene(OpenIntEnum):
    """How someone left a group (退群方式)."""

    LEFT = 0
    REMOVED = 1


class GroupEvent(WeComEvent, event="change_external_chat"):
    """Something changed in a customer group; of this very class where the `change_type` is new to the SDK (客户群事件)."""

    chat_id: str | None = Field(None, alias="ChatId")


class GroupCreated(GroupEvent, event="change_external_chat", change_type="create"):
    """A customer group was opened (客户群创建事件)."""


class UpdateDetail(OpenStrEnum):
    """What changed in a group (变更详情)."""

    ADD_MEMBER = "add_member"
    DEL_MEMBER = "del_member"
    CHANGE_OWNER = "change_owner"
    CHANGE_NAME = "change_name"
    CHANGE_NOTICE = "change_notice"


class ChangedMembers(XmlElement):
    """Ids of those who came or went: of members and of customers."""

    items: XmlList[str] = Field((), alias="Item")


class GroupUpdated(GroupEvent, event="change_external_chat", change_type="update"):
    """People came or went, or owner, name or notice changed (客户群变更事件). Reading the group may lag behind for a moment."""

    update_detail: UpdateDetail | None = Field(None, alias="UpdateDetail")
    join_scene: JoinScene | None = Field(None, alias="JoinScene")
    quit_scene: QuitScene | None = Field(None, alias="QuitScene")
    mem_change_cnt: int | None = Field(None, alias="MemChangeCnt")
    mem_change_list: ChangedMembers | None = Field(None, alias="MemChangeList")
    last_mem_ver: str | None = Field(None, alias="LastMemVer")
    cur_mem_ver: str | None = Field(None, alias="CurMemVer")
    """The group's `member_version` after the change."""


class GroupDismissed(GroupEvent, event="change_external_chat", change_type="dismiss"):
    """A customer group was closed (客户群解散事件)."""


# What happens to tags: 企业客户标签事件


class ChangedTagType(OpenStrEnum):
    """Whether it is about a tag or a group of tags."""

    TAG = "tag"
    TAG_GROUP = "tag_group"


class TagEvent(WeComEvent, event="change_external_tag"):
    """Something changed in the tag library; of this very class where the `change_type` is new to the SDK (企业客户标签事件)."""

    id: str | None = Field(None, alias="Id")
    tag_type: ChangedTagType | None = Field(None, alias="TagType")
    strategy_id: str | None = Field(None, alias="StrategyId")


class TagCreated(TagEvent, event="change_external_tag", change_type="create"):
    """A tag or a group of tags was made (企业客户标签创建事件)."""


class TagUpdated(TagEvent, event="change_external_tag", change_type="update"):
    """A tag or a group of tags was renamed (企业客户标签变更事件)."""


class TagDeleted(TagEvent, event="change_external_tag", change_type="delete"):
    """A tag or a group of tags was deleted (企业客户标签删除事件). Deleting the last tag of a group deletes the group."""


class TagShuffled(TagEvent, event="change_external_tag", change_type="shuffle"):
    """The tags of a group were put in another order; without `id`, those of all groups (企业客户标签重排事件)."""


# What happens to acquisition links: 获客助手事件


class AcquisitionEvent(WeComEvent, event="customer_acquisition"):
    """Something happened to acquisition links or their quota; of this very class where the `change_type` is new (获客助手事件)."""

    link_id: str | None = Field(None, alias="LinkId")
    user_id: str | None = Field(None, alias="UserID")
    external_user_id: str | None = Field(None, alias="ExternalUserID")
    state: str | None = Field(None, alias="State")
    """The channel of the address (`customer_channel`)."""
    expire_time: Timestamp | None = Field(None, alias="ExpireTime")
    expire_quota_num: int | None = Field(None, alias="ExpireQuotaNum")


class AcquisitionBalanceLow(AcquisitionEvent, event="customer_acquisition", change_type="balance_low"):
    """Fewer than 20 uses are left (企业使用量即将耗尽事件)."""


class AcquisitionBalanceExhausted(AcquisitionEvent, event="customer_acquisition", change_type="balance_exhausted"):
    """No use is left: the links stand still (使用量已经耗尽事件)."""


class AcquisitionBalanceIncreased(AcquisitionEvent, event="customer_acquisition", change_type="balance_increased"):
    """None was left, and there are uses again (使用量增加事件)."""


class AcquisitionQuotaExpireSoon(AcquisitionEvent, event="customer_acquisition", change_type="quota_expire_soon"):
    """Bought uses run out soon: `expire_quota_num` of them at `expire_time` (获客使用量即将过期事件)."""


class AcquisitionLinkUnavailable(AcquisitionEvent, event="customer_acquisition", change_type="link_unavailable"):
    """A link does not work, for instance because its members are gone (获客链接异常事件)."""


class AcquisitionLinkDeleted(AcquisitionEvent, event="customer_acquisition", change_type="delete_link"):
    """A link was deleted (删除获客链接事件)."""


class AcquisitionProfileOpened(AcquisitionEvent, event="customer_acquisition", change_type="open_profile"):
    """Somebody opened a link and sees the member (微信客户打开获客链接事件). Only companies in some trades get it."""


class AcquisitionFriendRequest(AcquisitionEvent, event="customer_acquisition", change_type="friend_request"):
    """A customer asked for contact through a link with a channel (通过获客链接发起好友请求事件)."""


class AcquisitionChatStarted(AcquisitionEvent, event="customer_acquisition", change_type="customer_start_chat"):
    """A customer who came through a link with a channel wrote for the first time (成员首次收消息事件)."""


class AcquisitionMessagesReceived(AcquisitionEvent, event="customer_acquisition", change_type="message_from_customer"):
    """A customer who came through a link wrote again and again (成员多次收消息事件)."""

    chat_key: str | None = Field(None, alias="ChatKey", repr=False)
    """For `acquisition.chat_info`, which tells how often; lives 30 minutes."""
    chat_seq: int | None = Field(None, alias="ChatSeq")
