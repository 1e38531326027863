"""Providers (服务商): their token, who signs in to their site, custom apps (代开发), and registration of companies.

The client is made with `WeCom(Provider(corpid, provider_secret))`. Licences, orders and the till are chapters of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from ..core.call import Call
from ..core.endpoint import GET, POST
from ..core.model import NotEmpty, OpenIntEnum, Reply, Secret, WireModel
from .credentials import PROVIDER_LOGIN
from .resource import M, WeComResource
from .suite import AuthUserInfo, Right


class ProviderToken(Reply):
    """A token of a provider."""

    provider_access_token: Secret = ""
    expires_in: int = 7200
    """Seconds."""


class UserType(OpenIntEnum):
    """Who signed in (登录用户的类型)."""

    CREATOR = 1
    INTERNAL_ADMIN = 2
    EXTERNAL_ADMIN = 3
    SUB_ADMIN = 4
    MEMBER = 5


class LoginAgent(WireModel):
    """An app that the user may use."""

    agentid: int
    auth_type: Right | None = None


class LoginDepartment(WireModel):
    """A department that the user may see."""

    id: int
    writable: bool | None = None


class LoginRange(WireModel):
    """What of the contacts the user may see."""

    department: tuple[LoginDepartment, ...] = ()


class LoginCorp(WireModel):
    """The company of the user."""

    corpid: str


class LoginInfo(Reply):
    """Who signed in to the provider's site (登录用户信息)."""

    usertype: UserType
    user_info: AuthUserInfo
    corp_info: LoginCorp
    agent: tuple[LoginAgent, ...] = ()
    auth_info: LoginRange | None = None


class CustomizedAuthUrl(Reply):
    """A code for an administrator to scan."""

    qrcode_url: str
    expires_in: int
    """Seconds."""


class RegisterCode(Reply):
    """What a registration link is made of."""

    register_code: Secret
    expires_in: int = 600
    """Seconds."""


class ContactSync(WireModel):
    """What lets you fill the contacts of a company that has just registered (通讯录迁移信息)."""

    access_token: Secret
    expires_in: int
    """Seconds."""


class RegisterInfo(Reply):
    """A company that registered with a code."""

    corpid: str
    contact_sync: ContactSync | None = None
    auth_user_info: AuthUserInfo | None = None
    template_id: str | None = None
    state: str | None = None


class AccountBalance(Reply):
    """What is left on the provider's account."""

    balance: int
    """Fen."""


class Providers(WeComResource[M]):
    """What a provider does in its own name (服务商)."""

    @POST("/cgi-bin/service/get_provider_token", docs=91200, auth="none", idempotent=True)
    def token(self, corpid: str, provider_secret: Secret) -> Call[ProviderToken]:
        """Fetch the token of a provider (获取服务商凭证)."""
        ...

    @POST("/cgi-bin/service/get_login_info", docs=91125, auth=PROVIDER_LOGIN)
    def login_info(self, auth_code: Secret) -> Call[LoginInfo]:
        """Find out who signed in to your site with a WeCom account (获取登录用户信息). `auth_code` comes to the redirect address."""
        ...

    @POST("/cgi-bin/service/get_customized_auth_url", docs=95436, auth="provider_access_token", idempotent=True)
    def customized_auth_url(self, state: str, templateid_list: Annotated[Sequence[str], NotEmpty]) -> Call[CustomizedAuthUrl]:
        """Make the code by which a company lets you develop an app for it (获取带参授权链接).

        `templateid_list` are your templates of custom apps (代开发模板). `state` comes back with the authorisation; the permanent code that
        follows is what `CustomApp` takes.
        """
        ...

    @POST("/cgi-bin/service/get_register_code", docs=90581, auth="provider_access_token")
    def register_code(
        self,
        template_id: str,
        *,
        corp_name: str | None = None,
        admin_name: str | None = None,
        admin_mobile: str | None = None,
        state: str | None = None,
        follow_user: str | None = None,
    ) -> Call[RegisterCode]:
        """Fetch a code by which a company registers with WeCom (获取注册码). `template_id` is your promotion package (推广包).

        What is given of the company is filled in for it. `follow_user` is the member of yours who looks after it.
        """
        ...

    @POST("/cgi-bin/service/get_register_info", docs=90582, auth="provider_access_token", idempotent=True)
    def register_info(self, register_code: Secret) -> Call[RegisterInfo]:
        """Find out which company registered with a code (查询注册状态)."""
        ...

    @GET("/cgi-bin/service/get_account_balance", docs=100137, auth="provider_access_token")
    def account_balance(self) -> Call[AccountBalance]:
        """Read what is left on the provider's account (获取充值账户余额)."""
        ...
