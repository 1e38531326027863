"""Members (成员管理): who works in the company."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer

from ..core.call import Call
from ..core.endpoint import GET, POST, paged
from ..core.errors import InputError
from ..core.model import Checked, Flag, MaxBytes, MaxChars, MaxItems, NotEmpty, OpenIntEnum, OrDict, Reply, WireModel
from .resource import CursorReply, M, WeComResource


class Gender(OpenIntEnum):
    """Gender (性别)."""

    UNKNOWN = 0
    MALE = 1
    FEMALE = 2


GenderText = Annotated[Gender, BeforeValidator(lambda value: value or 0), PlainSerializer(str, when_used="json")]
"""A member's gender: a number in a string on the wire, unlike a customer's. Apps that may not see it get 0, or an empty string."""


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
    gender: GenderText | None = None
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


class MailAliases(WireModel):
    """Further names of a company mailbox (企业邮箱别名)."""

    item: Annotated[tuple[str, ...], MaxItems(5)] = ()


class MemberId(Reply):
    """A member's id."""

    userid: str


class MemberOpenid(Reply):
    """A member's openid."""

    openid: str


class JoinQrcode(Reply):
    """A QR code through which people join the company."""

    join_qrcode: str
    """Address of the picture; lives 7 days."""


class ActiveMembers(Reply):
    """How many members were active on a day."""

    active_cnt: int = 0


class EmailType(OpenIntEnum):
    """Which of a member's addresses it is (邮箱类型)."""

    BIZ_MAIL = 1
    EMAIL = 2


def _is_userid(userid: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z_@.-]*", userid):
        raise ValueError("letters, digits and _ - @ . are allowed, the first a letter or a digit")
    return userid


NewUserid = Annotated[str, NotEmpty, MaxBytes(64), Checked(_is_userid)]
Leaders = Annotated[Sequence[str], MaxItems(5)]
Ranks = Sequence[Annotated[int, Field(ge=0, lt=2**32)]]
Departments = Annotated[Sequence[int], MaxItems(100)]
Mobile = Annotated[str, MaxBytes(32)]
Address = Annotated[str, MaxBytes(64)]


def _one_for_each_department(arguments: Mapping[str, Any]) -> None:
    departments = arguments.get("department")
    for name in ("order", "is_leader_in_dept"):
        if departments is not None and name in arguments and len(arguments[name]) != len(departments):
            raise InputError(f"{name} has one entry for each department: {len(departments)}, got {len(arguments[name])}", name)


def _reachable(arguments: Mapping[str, Any]) -> None:
    if not arguments.get("mobile") and not arguments.get("email"):
        raise InputError("give mobile or email", "mobile")
    _one_for_each_department(arguments)


def _changed(arguments: Mapping[str, Any]) -> None:
    if len(arguments) == 1:
        raise InputError("there is nothing to change: give at least one field besides userid", "userid")
    _one_for_each_department(arguments)


class Members(WeComResource[M]):
    """Members of the company (成员管理).

    Writing needs the secret of the directory sync (通讯录同步). Departments and their members are best written one call after the other.
    """

    @POST("/cgi-bin/user/create", docs=90195, check=_reachable)
    def create(
        self,
        userid: NewUserid,
        name: Annotated[str, NotEmpty, MaxChars(64)],
        department: Annotated[Departments, NotEmpty],
        *,
        alias: Annotated[str, MaxChars(64)] | None = None,
        mobile: Mobile | None = None,
        order: Ranks | None = None,
        position: Annotated[str, MaxChars(128)] | None = None,
        gender: GenderText | None = None,
        email: Address | None = None,
        biz_mail: Address | None = None,
        is_leader_in_dept: Sequence[Flag] | None = None,
        direct_leader: Leaders | None = None,
        enable: Flag | None = None,
        avatar_mediaid: str | None = None,
        telephone: Annotated[str, MaxBytes(32)] | None = None,
        address: Annotated[str, MaxChars(128)] | None = None,
        main_department: int | None = None,
        extattr: OrDict[Attributes] | None = None,
        to_invite: bool | None = None,
        external_position: str | None = None,
        external_profile: OrDict[ExternalProfile] | None = None,
    ) -> Call[Reply]:
        """Add a member (创建成员).

        An id has letters, digits and `_-@.`. Give `mobile` or `email`: the member is invited through it, unless `to_invite=False`. `order`
        and `is_leader_in_dept` have one entry for each of up to 100 departments; at most 5 `direct_leader`s. `external_position` has at
        most 12 Chinese characters. Raises Conflict where the id (60102) or the number (60104) is taken, QuotaExceeded (45024) where the
        company is full.
        """
        ...

    @GET("/cgi-bin/user/get", docs=90196)
    def get(self, userid: str) -> Call[MemberDetail]:
        """Fetch one member (读取成员).

        Since 2022 a new app sees no name, phone number, e-mail address or picture here: those fields are None then.
        Raises NotFound (60111) where nobody has this id.
        """
        ...

    @POST("/cgi-bin/user/update", docs=90197, idempotent=True, check=_changed)
    def update(
        self,
        userid: str,
        *,
        new_userid: NewUserid | None = None,
        name: Annotated[str, NotEmpty, MaxChars(64)] | None = None,
        alias: Annotated[str, MaxChars(64)] | None = None,
        mobile: Mobile | None = None,
        department: Departments | None = None,
        order: Ranks | None = None,
        position: Annotated[str, MaxChars(128)] | None = None,
        gender: GenderText | None = None,
        email: Address | None = None,
        biz_mail: Address | None = None,
        biz_mail_alias: OrDict[MailAliases] | None = None,
        is_leader_in_dept: Sequence[Flag] | None = None,
        direct_leader: Leaders | None = None,
        enable: Flag | None = None,
        avatar_mediaid: str | None = None,
        telephone: Annotated[str, MaxBytes(32)] | None = None,
        address: Annotated[str, MaxChars(128)] | None = None,
        main_department: int | None = None,
        extattr: OrDict[Attributes] | None = None,
        to_invite: bool | None = None,
        external_position: str | None = None,
        external_profile: OrDict[ExternalProfile] | None = None,
    ) -> Call[Reply]:
        """Change a member (更新成员).

        What is left out stays; a list that is given replaces the old one whole, so does `external_profile`. An id that the platform
        made up itself can be changed once, by `new_userid`. A number that the member has bound to WeChat stays as it is. Raises NotFound
        (60111) where nobody has this id, Conflict (60104) where the number is taken.
        """
        ...

    @GET("/cgi-bin/user/delete", docs=90198, idempotent=False)
    def delete(self, userid: str) -> Call[Reply]:
        """Delete a member (删除成员). Their customers wait to be assigned to somebody else. Raises NotFound (60111) for an unknown id."""
        ...

    @POST("/cgi-bin/user/batchdelete", docs=90199)
    def batch_delete(self, useridlist: Annotated[Sequence[str], NotEmpty, MaxItems(200)]) -> Call[Reply]:
        """Delete up to 200 members (批量删除成员). An unknown id among them raises NotFound (60111)."""
        ...

    @GET("/cgi-bin/user/simplelist", docs=90200)
    def simplelist(self, department_id: int, *, fetch_child: Flag | None = None) -> Call[MemberNames]:
        """List the members of a department by id and name (获取部门成员). `fetch_child` adds the departments below it."""
        ...

    @GET("/cgi-bin/user/list", docs=90201)
    def list(self, department_id: int, *, fetch_child: Flag | None = None) -> Call[MemberList]:
        """List the members of a department in detail (获取部门成员详情). `fetch_child` adds the departments below it."""
        ...

    @POST("/cgi-bin/user/convert_to_openid", docs=90202, idempotent=True)
    def to_openid(self, userid: str) -> Call[MemberOpenid]:
        """Turn a member's id into an openid, for payments to members (userid转openid). Raises NotFound (43004) without a linked WeChat."""
        ...

    @POST("/cgi-bin/user/convert_to_userid", docs=90202, idempotent=True)
    def from_openid(self, openid: str) -> Call[MemberId]:
        """Turn the openid of a payment back into a member's id (openid转userid)."""
        ...

    @GET("/cgi-bin/corp/get_join_qrcode", docs=91714)
    def join_qrcode(self, *, size_type: Literal[1, 2, 3, 4] | None = None) -> Call[JoinQrcode]:
        """Get a QR code through which people join the company (获取加入企业二维码).

        `size_type`: 1 is 171 × 171, 2 399 × 399, 3 741 × 741, 4 2052 × 2052 pixels. The address lives 7 days.
        """
        ...

    @POST("/cgi-bin/user/getuserid", docs=95402, idempotent=True)
    def by_mobile(self, mobile: Annotated[str, NotEmpty, MaxBytes(32)]) -> Call[MemberId]:
        """Find a member by phone number (手机号获取userid).

        Only within the app's visible range; NotFound (46004) otherwise. Too many misses block the app for a day.
        """
        ...

    @POST("/cgi-bin/user/get_userid_by_email", docs=95895, idempotent=True)
    def by_email(self, email: Annotated[str, NotEmpty], *, email_type: EmailType | None = None) -> Call[MemberId]:
        """Find a member by e-mail address: the company mailbox if `email_type` is left out (邮箱获取userid).

        Only within the app's visible range; NotFound (46004) otherwise. Too many misses block the app for a day.
        """
        ...

    @POST("/cgi-bin/user/get_active_stat", docs=92714, idempotent=True)
    def active(self, date: dt.date) -> Call[ActiveMembers]:
        """Count the members who were active on a day, up to 30 days back (获取企业活跃成员数)."""
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
