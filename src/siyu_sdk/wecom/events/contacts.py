"""Events of the address book (通讯录管理): members, departments, tags, asynchronous jobs, and chains of companies.

What an app changes through the API comes back as an event too where the app may read the address book, but not at once and not surely.
"""

from __future__ import annotations

from pydantic import Field

from ...core.model import Int64, Joined, OpenIntEnum, XmlList
from ..members import Gender
from .base import JoinedFlags, JoinedNumbers, WeComEvent, XmlElement

# What changes about members: 成员变更通知


class MemberStatus(OpenIntEnum):
    """Whether a member uses WeCom (激活状态)."""

    ACTIVE = 1
    DISABLED = 2
    NOT_ACTIVE = 4
    LEFT = 5


class TextValue(XmlElement):
    """A text in a field of your own."""

    value: str | None = Field(None, alias="Value")


class WebValue(XmlElement):
    """A link in a field of your own."""

    title: str | None = Field(None, alias="Title")
    url: str | None = Field(None, alias="Url")


class ExtraAttribute(XmlElement):
    """A field that the company added to its members (扩展属性)."""

    type: int | None = Field(None, alias="Type")
    """0 text, 1 link."""
    name: str | None = Field(None, alias="Name")
    text: TextValue | None = Field(None, alias="Text")
    web: WebValue | None = Field(None, alias="Web")


class ExtraAttributes(XmlElement):
    """The fields that the company added."""

    items: XmlList[ExtraAttribute] = Field((), alias="Item")


class ContactEvent(WeComEvent, event="change_contact"):
    """Something changed in the address book; of this very class where the `change_type` is new to the SDK (通讯录变更事件)."""


class MemberEvent(ContactEvent):
    """Something changed about a member."""

    user_id: str | None = Field(None, alias="UserID")


class _MemberFields(MemberEvent):
    """Apps made since June 2022 get ids and departments alone: the rest stays None."""

    name: str | None = Field(None, alias="Name")
    alias: str | None = Field(None, alias="Alias")
    department: JoinedNumbers = Field((), alias="Department")
    is_leader_in_dept: JoinedFlags = Field((), alias="IsLeaderInDept")
    """In the order of `department`."""
    direct_leader: Joined = Field((), alias="DirectLeader")
    main_department: int | None = Field(None, alias="MainDepartment")
    email: str | None = Field(None, alias="Email")
    biz_mail: str | None = Field(None, alias="BizMail")
    mobile: str | None = Field(None, alias="Mobile")
    telephone: str | None = Field(None, alias="Telephone")
    gender: Gender | None = Field(None, alias="Gender")
    address: str | None = Field(None, alias="Address")
    position: str | None = Field(None, alias="Position")
    avatar: str | None = Field(None, alias="Avatar")
    status: MemberStatus | None = Field(None, alias="Status")
    ext_attr: ExtraAttributes | None = Field(None, alias="ExtAttr")


class MemberCreated(_MemberFields, event="change_contact", change_type="create_user"):
    """A member was added (新增成员事件)."""


class MemberUpdated(_MemberFields, event="change_contact", change_type="update_user"):
    """A member changed; only what changed is told (更新成员事件). With `new_user_id` the id itself changed."""

    new_user_id: str | None = Field(None, alias="NewUserID")


class MemberDeleted(MemberEvent, event="change_contact", change_type="delete_user"):
    """A member was deleted (删除成员事件). Customers wait for somebody to take them over."""


# What changes about departments: 部门变更通知


class DepartmentEvent(ContactEvent):
    """Something changed about a department."""

    id: int | None = Field(None, alias="Id")


class DepartmentCreated(DepartmentEvent, event="change_contact", change_type="create_party"):
    """A department was added (新增部门事件)."""

    name: str | None = Field(None, alias="Name")
    parent_id: int | None = Field(None, alias="ParentId")
    order: Int64 | None = Field(None, alias="Order")


class DepartmentUpdated(DepartmentEvent, event="change_contact", change_type="update_party"):
    """A department was renamed or moved (更新部门事件)."""

    name: str | None = Field(None, alias="Name")
    parent_id: int | None = Field(None, alias="ParentId")
    order: Int64 | None = Field(None, alias="Order")


class DepartmentDeleted(DepartmentEvent, event="change_contact", change_type="delete_party"):
    """A department was deleted (删除部门事件)."""


# Tags of members: 标签变更通知


class MemberTagUpdated(ContactEvent, event="change_contact", change_type="update_tag"):
    """Members or departments were put into a tag of members, or taken out (标签成员变更事件). It is no tag of customers."""

    tag_id: int | None = Field(None, alias="TagId")
    add_user_items: Joined = Field((), alias="AddUserItems")
    del_user_items: Joined = Field((), alias="DelUserItems")
    add_party_items: JoinedNumbers = Field((), alias="AddPartyItems")
    del_party_items: JoinedNumbers = Field((), alias="DelPartyItems")


# How asynchronous jobs end: 异步任务完成通知


class BatchJob(XmlElement):
    """A job and how it ended."""

    job_id: str | None = Field(None, alias="JobId")
    job_type: str | None = Field(None, alias="JobType")
    """`sync_user`, `replace_user`, `invite_user`, `replace_party`, `contact_id_translate` …"""
    err_code: int | None = Field(None, alias="ErrCode")
    err_msg: str | None = Field(None, alias="ErrMsg")


class BatchJobResult(WeComEvent, event="batch_job_result"):
    """An asynchronous job has ended: fetch its result (异步任务完成通知)."""

    batch_job: BatchJob | None = Field(None, alias="BatchJob")


# Companies in a chain: 上下游变更事件


class ChainGroups(XmlElement):
    """Groups of a chain."""

    group_id: XmlList[int] = Field((), alias="GroupId")


class ChainCorps(XmlElement):
    """Companies of a chain."""

    corp_id: XmlList[str] = Field((), alias="CorpId")


class ChainEvent(WeComEvent, event="change_chain"):
    """Something changed in a chain of companies; of this very class where the `change_type` is new to the SDK (上下游变更事件)."""

    chain_id: str | None = Field(None, alias="ChainId")
    group_ids: ChainGroups | None = Field(None, alias="GroupIds")
    corp_ids: ChainCorps | None = Field(None, alias="CorpIds")


class ChainCreated(ChainEvent, event="change_chain", change_type="create_chain"):
    """A chain of companies was made (新建上下游事件)."""
