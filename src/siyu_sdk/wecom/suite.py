"""Third-party apps (第三方应用授权): who lets a suite in, the tokens that follow from it, and who opens its pages.

Clients fetch tokens by themselves: see `siyu_sdk.wecom.credentials`. What a provider calls by hand is `pre_auth_code`, `set_session_info`,
`permanent_code` and `auth_info`; what it calls as a provider, not as a suite, is in `provider.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from ..core.call import Call
from ..core.endpoint import GET, POST
from ..core.model import OpenIntEnum, OrDict, Reply, Secret, Timestamp, WireModel
from .auth import AccessToken
from .members import GenderText
from .resource import M, WeComResource


class SuiteToken(Reply):
    """A token of a suite."""

    suite_access_token: Secret = ""
    expires_in: int = 7200
    """Seconds."""


class PreAuthCode(Reply):
    """What an installation link is made of."""

    pre_auth_code: Secret
    expires_in: int = 1200
    """Seconds."""


class AuthType(OpenIntEnum):
    """How a link lets in (授权类型)."""

    OFFICIAL = 0
    TEST = 1


class SessionInfo(WireModel):
    """What one authorisation is about."""

    appid: Sequence[int] | None = None
    """Which apps of the suite; all, if left out."""
    auth_type: AuthType | None = None


class CorpName(WireModel):
    """A company, in short."""

    corpid: str
    corp_name: str | None = None


class CorpExName(WireModel):
    """Other short names of a company."""

    name_list: tuple[str, ...] = ()


class AuthCorpInfo(CorpName):
    """The company that lets you in (授权方企业信息)."""

    corp_type: str | None = None
    """`verified` or `unverified`."""
    corp_square_logo_url: str | None = None
    corp_user_max: int | None = None
    corp_agent_max: int | None = None
    corp_full_name: str | None = None
    subject_type: int | None = None
    """1 company, 2 government and others, 3 other organisation, 4 team."""
    verified_end_time: Timestamp | None = None
    corp_wxqrcode: str | None = None
    corp_scale: str | None = None
    corp_industry: str | None = None
    corp_sub_industry: str | None = None
    location: str | None = None
    corp_ex_name: CorpExName | None = None
    auth_type: int | None = None


class Privilege(WireModel):
    """What an app may see (应用权限)."""

    level: int | None = None
    allow_user: tuple[str, ...] = ()
    allow_party: tuple[int, ...] = ()
    allow_tag: tuple[int, ...] = ()
    extra_user: tuple[str, ...] = ()
    extra_party: tuple[int, ...] = ()
    extra_tag: tuple[int, ...] = ()


class SharedFrom(WireModel):
    """The company that shared the app."""

    corpid: str | None = None
    share_type: int | None = None


class AuthAgent(WireModel):
    """An app in the company: its `agentid` is what messages are sent as."""

    agentid: int
    name: str | None = None
    square_logo_url: str | None = None
    round_logo_url: str | None = None
    appid: int | None = None
    auth_mode: int | None = None
    """0 an administrator let it in, 1 a member."""
    is_customized_app: bool | None = None
    """True for an app that was developed for this company (代开发)."""
    auth_from_thirdapp: bool | None = None
    privilege: Privilege | None = None
    shared_from: SharedFrom | None = None


class AuthInfo(WireModel):
    """What was let in (授权信息)."""

    agent: tuple[AuthAgent, ...] = ()


class AuthUserInfo(WireModel):
    """The administrator who did it."""

    userid: str | None = None
    open_userid: str | None = None
    name: str | None = None
    avatar: str | None = None


class RegisterCodeInfo(WireModel):
    """The promotion by which the company came."""

    register_code: str | None = None
    template_id: str | None = None
    state: str | None = None


class AgentEdition(WireModel):
    """The edition that a company has of an app."""

    agentid: int
    edition_id: str | None = None
    edition_name: str | None = None
    app_status: int | None = None
    user_limit: int | None = None
    expired_time: Timestamp | None = None
    is_virtual_version: bool | None = None
    is_shared_from_other_corp: bool | None = None


class EditionInfo(WireModel):
    """Editions in force."""

    agent: tuple[AgentEdition, ...] = ()


class Authorisation(Reply):
    """A company's authorisation as it is now (企业授权信息)."""

    dealer_corp_info: CorpName | None = None
    auth_corp_info: AuthCorpInfo | None = None
    auth_info: AuthInfo | None = None
    edition_info: EditionInfo | None = None


class PermanentCode(Authorisation):
    """What a company gave; keep `permanent_code` encrypted, one for each company and suite."""

    permanent_code: Secret
    access_token: Secret | None = None
    """For suites; apps developed for a company (代开发) get none here."""
    expires_in: int | None = None
    auth_user_info: AuthUserInfo | None = None
    register_code_info: RegisterCodeInfo | None = None
    state: str | None = None
    """Yours, from the installation link."""


class Right(OpenIntEnum):
    """What an administrator may do with an app (管理权限)."""

    SEND = 0
    MANAGE = 1


class AppAdmin(WireModel):
    """An administrator of an app."""

    userid: str
    open_userid: str | None = None
    auth_type: Right | None = None


class AppAdmins(Reply):
    """The administrators of an app."""

    admin: tuple[AppAdmin, ...] = ()


class AppQrCode(Reply):
    """Where the picture of a code is."""

    qrcode: str = ""
    """The address of the picture."""


class SuiteVisitor(Reply):
    """Who opened a page of the suite: a member has `userid`, anybody else `openid` alone (访问用户身份)."""

    corpid: str | None = Field(None, alias="CorpId")
    userid: str | None = Field(None, alias="UserId")
    openid: str | None = Field(None, alias="OpenId")
    device_id: str | None = Field(None, alias="DeviceId")
    open_userid: str | None = None
    user_ticket: Secret | None = None
    """For `visitor_detail`, of a member who consented (`snsapi_privateinfo`)."""
    expires_in: int | None = None
    """Seconds that the ticket lives."""


class SuiteVisitorDetail(Reply):
    """What the member agreed to show (访问用户敏感信息)."""

    corpid: str
    userid: str
    name: str | None = None
    gender: GenderText | None = None
    avatar: str | None = None
    qr_code: str | None = None
    """Address of the QR code that adds the member as a contact."""


class SuiteSession(Reply):
    """A member's login in a mini-program of the suite (小程序登录)."""

    corpid: str
    userid: str
    session_key: Secret = ""
    open_userid: str | None = None


class Suites(WeComResource[M]):
    """Suites: apps that a provider develops for many companies (第三方应用授权)."""

    @POST("/cgi-bin/service/get_suite_token", docs=90600, auth="none", idempotent=True)
    def suite_token(self, suite_id: str, suite_secret: Secret, suite_ticket: Secret) -> Call[SuiteToken]:
        """Fetch the token of a suite (获取第三方应用凭证). `suite_ticket` is the newest that was pushed; 40085 refuses an old one."""
        ...

    @GET("/cgi-bin/service/get_pre_auth_code", docs=90601, auth="suite_access_token")
    def pre_auth_code(self) -> Call[PreAuthCode]:
        """Fetch a code for an installation link (获取预授权码); it lives 20 minutes."""
        ...

    @POST("/cgi-bin/service/set_session_info", docs=90602, auth="suite_access_token", idempotent=True)
    def set_session_info(self, pre_auth_code: Secret, session_info: OrDict[SessionInfo]) -> Call[Reply]:
        """Say what one installation link is about (设置授权配置), such as a test installation before the app is released."""
        ...

    @POST("/cgi-bin/service/get_permanent_code", docs=90603, auth="suite_access_token")
    def permanent_code(self, auth_code: Secret) -> Call[PermanentCode]:
        """Exchange the code of an installation, once, within 10 minutes (获取企业永久授权码).

        The code comes to the redirect address and with the event `create_auth`. Where the answer is lost, the company has to install
        again.
        """
        ...

    @POST("/cgi-bin/service/get_auth_info", docs=91912, auth="suite_access_token", idempotent=True)
    def auth_info(self, auth_corpid: str, permanent_code: Secret) -> Call[Authorisation]:
        """Read what a company lets you see (获取企业授权信息). Raises AuthenticationError (40084) where it has removed the suite."""
        ...

    @POST("/cgi-bin/service/get_corp_token", docs=90605, auth="suite_access_token", idempotent=True)
    def corp_token(self, auth_corpid: str, permanent_code: Secret) -> Call[AccessToken]:
        """Fetch the token of a company that installed the suite (获取企业凭证).

        Raises AuthenticationError (40084) where it has removed the suite.
        """
        ...

    @POST("/cgi-bin/service/get_admin_list", docs=90605, auth="suite_access_token", idempotent=True)
    def admin_list(self, auth_corpid: str, agentid: int) -> Call[AppAdmins]:
        """List who administers the app in a company (获取应用的管理员列表)."""
        ...

    @POST("/cgi-bin/service/get_app_qrcode", docs=95430, auth="suite_access_token", idempotent=True)
    def app_qrcode(
        self,
        *,
        suite_id: str | None = None,
        appid: int | None = None,
        state: str | None = None,
        style: int | None = None,
        result_type: int = 2,
    ) -> Call[AppQrCode]:
        """Make the code by which companies install the suite (获取应用二维码).

        `state` tells channels apart: it comes back with the installation. The reply gives the address of the picture; with `result_type=1`
        the platform answers with the picture itself, which is not read here.
        """
        ...

    @GET("/cgi-bin/service/getuserinfo3rd", docs=91121, auth="suite_access_token", idempotent=False)
    def visitor(self, code: Secret) -> Call[SuiteVisitor]:
        """Find out who opened a page of the suite, and of which company they are (获取访问用户身份). A code works once."""
        ...

    @POST("/cgi-bin/service/getuserdetail3rd", docs=91122, auth="suite_access_token", idempotent=True)
    def visitor_detail(self, user_ticket: Secret) -> Call[SuiteVisitorDetail]:
        """Fetch what a member agreed to show (获取访问用户敏感信息)."""
        ...

    @GET("/cgi-bin/service/miniprogram/jscode2session", docs=92468, auth="suite_access_token", idempotent=False)
    def mini_program_session(self, js_code: Secret, *, grant_type: str = "authorization_code") -> Call[SuiteSession]:
        """Turn the code of `wx.qy.login` into the member and their session (临时登录凭证校验code2Session). A code works once."""
        ...
