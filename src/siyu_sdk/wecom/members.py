"""Members (成员管理): who works in the company."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, PlainSerializer

from ..core.call import Call
from ..core.endpoint import GET, POST, paged
from ..core.model import Flag, OpenIntEnum, Reply, WireModel
from .resource import CursorReply, M, WeComResource


class Gender(OpenIntEnum):
    """Gender (性别)."""

    UNKNOWN = 0
    MALE = 1
    FEMALE = 2


class MemberStatus(OpenIntEnum):
    """Whether a member uses WeCom (激活状态)."""

    ACTIVE = 1
    DISABLED = 2
    NOT_ACTIVATED = 4
    LEFT = 5


class AttributeKind(OpenIntEnum):
    """What a profile's own field holds (属性类型)."""

    TEXT = 0
    WEB = 1
    MINIPROGRAM = 2


class TextValue(WireModel):
    """A text."""

    value: str = ""


class WebValue(WireModel):
    """A link."""

    title: str = ""
    url: str = ""


class MiniProgramValue(WireModel):
    """A page of a mini-program."""

    appid: str = ""
    pagepath: str = ""
    title: str = ""


class Attribute(WireModel):
    """A profile's own field; `type` says which of the three values it has (自定义字段)."""

    type: AttributeKind | None = None
    name: str = ""
    text: TextValue | None = None
    web: WebValue | None = None
    miniprogram: MiniProgramValue | None = None


class ChannelsAccount(WireModel):
    """A video account (视频号)."""

    nickname: str = ""
    status: int | None = None
    """0 known, but not approved by the company's administrator, 1 shown."""


class ExternalProfile(WireModel):
    """What customers see of a member (成员对外信息)."""

    external_corp_name: str | None = None
    wechat_channels: ChannelsAccount | None = None
    external_attr: tuple[Attribute, ...] = ()


class Attributes(WireModel):
    """A member's own fields (自定义字段)."""

    attrs: tuple[Attribute, ...] = ()


class Member(WireModel):
    """A member. Name and contact data are left out for apps that may not see them (成员)."""

    userid: str
    open_userid: str | None = None
    name: str | None = None
    english_name: str | None = None
    alias: str | None = None
    email: str | None = None
    biz_mail: str | None = None
    mobile: str | None = None
    telephone: str | None = None
    gender: Annotated[Gender, PlainSerializer(str, when_used="json")] | None = None  # a number in a string, unlike a customer's
    address: str | None = None
    position: str | None = None
    department: tuple[int, ...] = ()
    order: tuple[int, ...] = ()
    """The member's rank in each of the departments, the highest first."""
    is_leader_in_dept: tuple[Flag, ...] = ()
    """For each of the departments."""
    main_department: int | None = None
    direct_leader: tuple[str, ...] = ()
    avatar: str | None = None
    thumb_avatar: str | None = None
    qr_code: str | None = None
    status: MemberStatus | None = None
    extattr: Attributes | None = None
    external_position: str | None = None
    external_profile: ExternalProfile | None = None


class MemberDetail(Reply, Member):
    """One member."""


class MemberName(WireModel):
    """A member's id, name and departments."""

    userid: str
    open_userid: str | None = None
    name: str | None = None
    department: tuple[int, ...] = ()


class MemberNames(Reply):
    """The members of a department."""

    userlist: tuple[MemberName, ...] = ()


class MemberList(Reply):
    """The members of a department, with all that the app may see."""

    userlist: tuple[Member, ...] = ()


class DepartmentUser(WireModel):
    """A member in a department: one row for each department."""

    userid: str | None = None
    open_userid: str | None = None
    """In place of `userid` for third-party apps."""
    department: int | None = None


class MemberIds(CursorReply):
    """A page of members and departments."""

    dept_user: tuple[DepartmentUser, ...] = ()

    def items(self) -> Sequence[DepartmentUser]:
        """Give the rows of this page."""
        return self.dept_user


class Members(WeComResource[M]):
    """Members of the company (成员管理)."""

    @GET("/cgi-bin/user/get", docs=90196)
    def get(self, userid: str) -> Call[MemberDetail]:
        """Fetch one member (读取成员).

        Since 2022 a new app sees no name, phone number, e-mail address or picture here: those fields are None then.
        Raises NotFound (60111) where nobody has this id.
        """
        ...

    @GET("/cgi-bin/user/simplelist", docs=90200)
    def simplelist(self, department_id: int, *, fetch_child: Flag | None = None) -> Call[MemberNames]:
        """List the members of a department by id and name (获取部门成员). `fetch_child` adds the departments below it."""
        ...

    @GET("/cgi-bin/user/list", docs=90201)
    def list(self, department_id: int, *, fetch_child: Flag | None = None) -> Call[MemberList]:
        """List the members of a department in detail (获取部门成员详情). `fetch_child` adds the departments below it."""
        ...

    @POST("/cgi-bin/user/list_id", docs=96067, idempotent=True)
    def list_id(self, *, cursor: str | None = None, limit: Annotated[int, Field(ge=1, le=10_000)] | None = None) -> Call[MemberIds]:
        """List the ids of all members with their departments, one page (获取成员ID列表).

        Needs the secret of the directory sync (通讯录同步): another app's is refused with PermissionDenied (48002).
        `limit` is 1 to 10,000.
        """
        ...

    @paged
    def ids(self, *, limit: int = 10_000) -> Call[MemberIds]:
        """Every member of every department, one by one: a member of two departments comes twice (获取成员ID列表)."""
        return Members.list_id(limit=limit)
