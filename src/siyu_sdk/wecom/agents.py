"""Apps of the company (应用管理): settings, workbench, menu."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from ..core.call import Call, Query
from ..core.endpoint import GET, POST
from ..core.errors import InputError
from ..core.model import Flag, MaxBytes, MaxChars, MaxItems, NotEmpty, OpenIntEnum, OpenStrEnum, OrDict, Reply, Secret, WireModel
from .common import either, some_change
from .resource import AgentId, M, WeComResource


class PublishStatus(OpenIntEnum):
    """How far an app is that a service provider develops (代开发发布状态)."""

    NOT_CREATED = 0
    DEVELOPING = 1
    WAITING = 2
    PUBLISHED = 3
    NEWER_VERSION_WAITING = 4


class AdminType(OpenIntEnum):
    """What an administrator may do (管理权限)."""

    SEND_MESSAGES = 0
    MANAGE = 1


class AllowedMember(WireModel):
    """A member who may see an app."""

    userid: str


class AllowedMembers(WireModel):
    """Members who may see an app."""

    user: tuple[AllowedMember, ...] = ()


class AllowedDepartments(WireModel):
    """Departments that may see an app."""

    partyid: tuple[int, ...] = ()


class AllowedTags(WireModel):
    """Tags whose members may see an app."""

    tagid: tuple[int, ...] = ()


class Agent(WireModel):
    """An app (应用)."""

    agentid: int
    name: str = ""
    square_logo_url: str = ""
    description: str | None = None
    allow_userinfos: AllowedMembers | None = None
    allow_partys: AllowedDepartments | None = None
    allow_tags: AllowedTags | None = None
    close: Flag | None = None
    """Switched off."""
    redirect_domain: str | None = None
    """The trusted domain of its pages."""
    report_location_flag: Flag | None = None
    isreportenter: Flag | None = None
    """Whether an event tells that a member opened the app."""
    home_url: str | None = None
    customized_publish_status: PublishStatus | None = None


class AgentDetail(Reply, Agent):
    """One app."""


class AgentList(Reply):
    """Apps, with id, name and logo alone."""

    agentlist: tuple[Agent, ...] = ()


class AgentScope(Reply):
    """Whom a new scope passed over. No error is raised for them."""

    invaliduser: tuple[str, ...] = ()
    invalidparty: tuple[int, ...] = ()
    invalidtag: tuple[int, ...] = ()


class AgentPermissions(Reply):
    """What an app may call (应用权限)."""

    app_permissions: tuple[str, ...] = ()


class Admin(WireModel):
    """An administrator of an app."""

    userid: str
    auth_type: AdminType | None = None


class AdminList(Reply):
    """The administrators of an app."""

    admin: tuple[Admin, ...] = ()


# The workbench


class WorkbenchType(OpenStrEnum):
    """What an app shows on the workbench (工作台模版类型)."""

    KEYDATA = "keydata"
    IMAGE = "image"
    LIST = "list"
    WEBVIEW = "webview"
    NORMAL = "normal"
    """Its icon alone: the way back."""


class Jump(WireModel):
    """Where a tap leads: a page, or a page of the mini-program that is bound to the app. Without both, the app opens."""

    jump_url: str | None = None
    pagepath: str | None = None


class KeyDataItem(Jump):
    """A figure (关键数据)."""

    key: str | None = None
    data: str


class KeyData(WireModel):
    """Up to 4 figures (关键数据型)."""

    items: Annotated[tuple[KeyDataItem, ...], MaxItems(4)] = ()


class WorkbenchImage(Jump):
    """A picture, 3.35 : 1 (图片型)."""

    url: str | None = None


class ListItem(Jump):
    """A line (列表项)."""

    title: Annotated[str, MaxBytes(128)]


class ListData(WireModel):
    """Up to 3 lines (列表型)."""

    items: Annotated[tuple[ListItem, ...], MaxItems(3)] = ()


class WebviewHeight(OpenStrEnum):
    """How tall a page on the workbench is (高度类型)."""

    SINGLE_ROW = "single_row"
    DOUBLE_ROW = "double_row"


class WorkbenchPage(Jump):
    """A web page (网页型)."""

    url: str | None = None
    height: WebviewHeight | None = None
    hide_title: bool | None = None
    enable_webview_click: bool | None = None
    """Whether links inside the page work; `jump_url` and `pagepath` are ignored then."""


class WorkbenchData(WireModel):
    """What members see of an app on the workbench: `type` says which of the four counts."""

    type: WorkbenchType
    keydata: KeyData | None = None
    image: WorkbenchImage | None = None
    list: ListData | None = None
    webview: WorkbenchPage | None = None


class WorkbenchTemplate(Reply, WorkbenchData):
    """What members see of an app who have no data of their own."""

    replace_user_data: bool | None = None


# The menu


class MenuType(OpenStrEnum):
    """What a button does (菜单的响应动作类型)."""

    CLICK = "click"
    VIEW = "view"
    SCANCODE_PUSH = "scancode_push"
    SCANCODE_WAITMSG = "scancode_waitmsg"
    PIC_SYSPHOTO = "pic_sysphoto"
    PIC_PHOTO_OR_ALBUM = "pic_photo_or_album"
    PIC_WEIXIN = "pic_weixin"
    LOCATION_SELECT = "location_select"
    VIEW_MINIPROGRAM = "view_miniprogram"


class SubButton(WireModel):
    """A button below another one (二级菜单)."""

    type: MenuType | None = None
    name: Annotated[str, NotEmpty, MaxBytes(40)]
    key: Annotated[str, MaxBytes(128)] | None = None
    """Comes back in the event, for all types but `view` and `view_miniprogram`."""
    url: Annotated[str, MaxBytes(1024)] | None = None
    appid: str | None = None
    """Of a mini-program that is bound to the app."""
    pagepath: str | None = None
    sub_button: tuple[SubButton, ...] = ()
    """Of a button in the bar only."""


class MenuButton(SubButton):
    """A button of the bar (一级菜单): it does something, or opens up to 5 buttons."""

    name: Annotated[str, NotEmpty, MaxBytes(16)]
    sub_button: Annotated[tuple[SubButton, ...], MaxItems(5)] = ()


class Menu(Reply):
    """The menu of an app."""

    button: tuple[MenuButton, ...] = ()


DATA = ("keydata", "image", "list", "webview")


def _shown(arguments: Mapping[str, Any]) -> None:
    kind = arguments["type"]
    if kind.is_known and kind is not WorkbenchType.NORMAL and arguments.get(kind.value) is None:
        raise InputError(f"type is {kind.value!r}: give {kind.value}", kind.value)


def _shown_if_any(arguments: Mapping[str, Any]) -> None:
    if any(arguments.get(name) is not None for name in DATA):
        _shown(arguments)


def _shown_to_many(arguments: Mapping[str, Any]) -> None:
    data: WorkbenchData = arguments["data"]
    _shown({"type": data.type, **{name: getattr(data, name) for name in DATA}})


_set_something = some_change("name", "description", "logo_mediaid", "redirect_domain", "home_url", "report_location_flag", "isreportenter")


class Agents(WeComResource[M]):
    """Apps of the company (应用管理). Where `agentid` is left out, the client's own app is meant."""

    @GET("/cgi-bin/agent/get", docs=90227)
    def get(self, agentid: AgentId = None) -> Call[AgentDetail]:
        """Fetch an app's settings, with the token of that app (获取指定的应用详情)."""
        ...

    @GET("/cgi-bin/agent/list", docs=90227)
    def list(self) -> Call[AgentList]:
        """List the apps that this token may ask about (获取access_token对应的应用列表)."""
        ...

    @POST("/cgi-bin/agent/set", docs=90228, idempotent=True, check=_set_something)
    def set(
        self,
        agentid: AgentId = None,
        *,
        name: Annotated[str, NotEmpty, MaxChars(32)] | None = None,
        description: Annotated[str, Field(min_length=4), MaxChars(120)] | None = None,
        logo_mediaid: str | None = None,
        redirect_domain: str | None = None,
        home_url: str | None = None,
        report_location_flag: Flag | None = None,
        isreportenter: Flag | None = None,
    ) -> Call[Reply]:
        """Change an app's settings (设置应用). What is left out stays.

        `name` has at most 32 characters, `description` 4 to 120. `home_url` begins with http or https.
        """
        ...

    @POST("/cgi-bin/agent/set_scope", docs=90583, idempotent=True, check=either("allow_user", "allow_party", "allow_tag"))
    def set_scope(
        self,
        agentid: AgentId = None,
        *,
        allow_user: Sequence[str] | None = None,
        allow_party: Sequence[int] | None = None,
        allow_tag: Sequence[int] | None = None,
    ) -> Call[AgentScope]:
        """Set who sees a service provider's app (设置授权应用可见范围).

        Works only with the token that a registration through the provider's own QR code brings (推广二维码注册), within 30 minutes.
        """
        ...

    @POST("/cgi-bin/agent/migrate_to_customized_app", docs=96072)
    def migrate_to_customized_app(self, suite_access_token: Secret) -> Call[Reply]:
        """Turn an app of the company's own into one that a service provider develops (自建应用迁移成代开发自建应用).

        To be called with the token of the company's app; `suite_access_token` is the provider's. There is no way back.
        """
        ...

    @POST("/cgi-bin/agent/get_permissions", docs=99052, idempotent=True)
    def permissions(self) -> Call[AgentPermissions]:
        """List what the app may call (获取应用权限详情). For apps that service providers develop."""
        ...

    @POST("/cgi-bin/agent/get_admin_list", docs=100073, idempotent=True)
    def admins(self) -> Call[AdminList]:
        """List the app's administrators (获取应用管理员列表). For apps that service providers develop."""
        ...


class Workbench(WeComResource[M]):
    """What members see of an app on the workbench (设置工作台自定义展示). The template first, then data of single members.

    Where `agentid` is left out, the client's own app is meant.
    `type` says which of `keydata` (up to 4 figures), `image`, `list` (up to 3 lines) and `webview` is shown.
    """

    @POST("/cgi-bin/agent/set_workbench_template", docs=92535, idempotent=True, check=_shown_if_any)
    def set_template(
        self,
        agentid: AgentId = None,
        *,
        type: WorkbenchType,
        keydata: OrDict[KeyData] | None = None,
        image: OrDict[WorkbenchImage] | None = None,
        list: OrDict[ListData] | None = None,
        webview: OrDict[WorkbenchPage] | None = None,
        replace_user_data: bool | None = None,
    ) -> Call[Reply]:
        """Set what members see who have no data of their own (设置应用在工作台展示的模版).

        The type alone is enough where members have data of their own. `replace_user_data` drops theirs. `WorkbenchType.NORMAL` goes back to
        the icon. An administrator has to allow it in the console first.
        """
        ...

    @POST("/cgi-bin/agent/get_workbench_template", docs=92535, idempotent=True)
    def get_template(self, agentid: AgentId = None) -> Call[WorkbenchTemplate]:
        """Fetch what members see who have no data of their own (获取应用在工作台展示的模版)."""
        ...

    @POST("/cgi-bin/agent/set_workbench_data", docs=92535, idempotent=True, check=_shown)
    def set_data(
        self,
        userid: str,
        *,
        agentid: AgentId = None,
        type: WorkbenchType,
        keydata: OrDict[KeyData] | None = None,
        image: OrDict[WorkbenchImage] | None = None,
        list: OrDict[ListData] | None = None,
        webview: OrDict[WorkbenchPage] | None = None,
    ) -> Call[Reply]:
        """Set what one member sees, up to 10 times a minute (设置应用在用户工作台展示的数据). Set the template first."""
        ...

    @POST("/cgi-bin/agent/batch_set_workbench_data", docs=92535, idempotent=True, check=_shown_to_many)
    def batch_set_data(
        self,
        userid_list: Annotated[Sequence[str], NotEmpty, MaxItems(1000)],
        data: OrDict[WorkbenchData],
        *,
        agentid: AgentId = None,
    ) -> Call[Reply]:
        """Set what up to 1,000 members see, 100,000 a minute in all (批量设置应用在用户工作台展示的数据). Set the template first."""
        ...


class Menus(WeComResource[M]):
    """The menu at the foot of an app's conversation (自定义菜单). Where `agentid` is left out, the client's own app is meant."""

    @POST("/cgi-bin/menu/create", docs=90231, idempotent=True)
    def create(
        self,
        button: Annotated[Sequence[OrDict[MenuButton]], NotEmpty],
        *,
        agentid: Annotated[AgentId, Query] = None,
    ) -> Call[Reply]:
        """Set an app's menu, in place of the old one (创建菜单).

        Up to 3 buttons in the bar (the platform refuses more), with up to 5 below each. Names have 16 bytes of UTF-8 in the bar
        (5 Chinese characters), 40 below.
        """
        ...

    @GET("/cgi-bin/menu/get", docs=90232)
    def get(self, agentid: AgentId = None) -> Call[Menu]:
        """Fetch an app's menu (获取菜单)."""
        ...

    @GET("/cgi-bin/menu/delete", docs=90233, idempotent=False)
    def delete(self, agentid: AgentId = None) -> Call[Reply]:
        """Take an app's menu away (删除菜单)."""
        ...
