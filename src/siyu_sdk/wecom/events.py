"""Events of 客户联系: what members and customers do, told by callback.

An event is a hint: it may come twice, late or never, and what an app changes through the API raises none. Read the state before you act.
An app of the company itself gets `create_time` and `event`, a third-party app `time_stamp`, `info_type` and `suite_id`: both become the
same type here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, cast

from pydantic import Field, model_validator

from ..core.events import Event, load_text, read_event
from ..core.model import OpenIntEnum, OpenStrEnum, Timestamp, WireModel, XmlList


class WeComEvent(Event):
    """Base of WeCom's events."""

    platform: ClassVar[str] = "wecom"

    to_user_name: str | None = Field(None, alias="ToUserName")
    """The company."""
    from_user_name: str | None = Field(None, alias="FromUserName")
    """The member, or `sys`."""
    create_time: Timestamp | None = Field(None, alias="CreateTime")
    msg_type: str | None = Field(None, alias="MsgType")
    event: str | None = Field(None, alias="Event")
    suite_id: str | None = Field(None, alias="SuiteId")
    auth_corp_id: str | None = Field(None, alias="AuthCorpId")
    info_type: str | None = Field(None, alias="InfoType")
    time_stamp: Timestamp | None = Field(None, alias="TimeStamp")
    change_type: str | None = Field(None, alias="ChangeType")

    @model_validator(mode="before")
    @classmethod
    def _without_empty_elements(cls, fields: Any) -> Any:
        """Take an empty element for an absent one: in XML nobody can tell them apart, and "" is no number, time or list."""
        return (
            {name: value for name, value in cast("dict[str, Any]", fields).items() if value != ""} if isinstance(fields, dict) else fields
        )

    @property
    def corpid(self) -> str | None:
        """The company that it is about, in both forms."""
        return self.auth_corp_id or self.to_user_name

    @property
    def happened_at(self) -> datetime | None:
        """When it happened, to the second, in both forms."""
        return self.create_time or self.time_stamp


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


class AddHalfExternalContact(CustomerEvent, event="change_external_contact", change_type="add_half_external_contact"):
    """A customer has added a member who need not confirm; `add_external_contact` may follow (外部联系人免验证添加成员事件)."""

    state: str | None = Field(None, alias="State")
    welcome_code: str | None = Field(None, alias="WelcomeCode", repr=False)
    link_id: str | None = Field(None, alias="LinkId")


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


class ChangedMembers(WireModel):
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
    """Something happened to acquisition links or their quota; `change_type` says what (获客助手事件)."""

    link_id: str | None = Field(None, alias="LinkId")
    user_id: str | None = Field(None, alias="UserID")
    external_user_id: str | None = Field(None, alias="ExternalUserID")
    state: str | None = Field(None, alias="State")
    expire_time: Timestamp | None = Field(None, alias="ExpireTime")
    expire_quota_num: int | None = Field(None, alias="ExpireQuotaNum")


def parse(text: str | bytes) -> Event:
    """Turn a decrypted callback into its event, or `UnknownEvent`.

    Raises:
        DecodeError: it is neither XML nor JSON.
    """
    fields = load_text(text)
    name = fields.get("Event") or fields.get("InfoType") or fields.get("MsgType") or ""
    return read_event("wecom", str(name), str(fields.get("ChangeType", "")), fields)
