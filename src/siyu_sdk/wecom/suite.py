"""Credentials of third-party apps and their providers (第三方应用授权, 服务商凭证): who lets you in, and the tokens that follow from it.

Clients fetch tokens by themselves: see `siyu_sdk.wecom.credentials`. What a provider calls by hand is `pre_auth_code`, `set_session_info`,
`permanent_code` and `auth_info`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..core.call import Call
from ..core.endpoint import GET, POST
from ..core.model import OpenIntEnum, OrDict, Reply, Secret, Timestamp, WireModel
from .auth import AccessToken
from .resource import M, WeComResource


class SuiteToken(Reply):
    """A token of a suite."""

    suite_access_token: Secret = ""
    expires_in: int = 7200
    """Seconds."""


class ProviderToken(Reply):
    """A token of a provider."""

    provider_access_token: Secret = ""
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


class Suites(WeComResource[M]):
    """Suites: apps that a provider develops for many companies (第三方应用授权)."""

    @POST("/cgi-bin/service/get_provider_token", docs=91200, auth="none", idempotent=True)
    def provider_token(self, corpid: str, provider_secret: Secret) -> Call[ProviderToken]:
        """Fetch the token of a provider (获取服务商凭证)."""
        ...

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
