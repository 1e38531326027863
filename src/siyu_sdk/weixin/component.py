"""Third-party platforms (第三方平台): how owners authorise one, and the tokens that follow from it.

Clients fetch tokens by themselves: see `siyu_sdk.weixin.credentials`. What a platform calls by hand is `start_push_ticket`,
`pre_auth_code` and `query_auth`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ..core.call import Call
from ..core.endpoint import POST, M, Resource
from ..core.model import Reply, Secret, WireModel

DOCS = "https://developers.weixin.qq.com/doc/oplatform/Third-party_Platforms/2.0/api/ThirdParty/token/"


class ComponentToken(Reply):
    """A token of a third-party platform."""

    component_access_token: Secret = ""
    expires_in: int = 7200
    """Seconds."""


class PreAuthCode(Reply):
    """What an authorisation page is opened with."""

    pre_auth_code: Secret
    expires_in: int = 1800
    """Seconds."""


class AuthorizerToken(Reply):
    """A token of an account that authorised the platform."""

    authorizer_access_token: Secret = ""
    expires_in: int = 7200
    """Seconds."""
    authorizer_refresh_token: Secret = ""
    """Keep it each time: it replaces the one that was used."""


class FunctionScope(WireModel):
    """A right that was given."""

    id: int | None = None


class FunctionInfo(WireModel):
    """A set of rights (权限集)."""

    funcscope_category: FunctionScope | None = None


class AuthorizationInfo(WireModel):
    """What an owner gave: keep `authorizer_refresh_token` encrypted."""

    authorizer_appid: str
    authorizer_access_token: Secret | None = None
    expires_in: int | None = None
    authorizer_refresh_token: Secret | None = None
    func_info: tuple[FunctionInfo, ...] = ()


class Authorization(Reply):
    """What an authorisation code stands for."""

    authorization_info: AuthorizationInfo


class Components(Resource[M]):
    """Third-party platforms (第三方平台调用凭证)."""

    @POST("/cgi-bin/component/api_start_push_ticket", docs=f"{DOCS}component_verify_ticket_service.html", auth="none", idempotent=True)
    def start_push_ticket(self, component_appid: str, component_secret: Secret) -> Call[Reply]:
        """Have the ticket pushed again, after it was stopped or lost (启动票据推送服务)."""
        ...

    @POST("/cgi-bin/component/api_component_token", docs=f"{DOCS}component_access_token.html", auth="none", idempotent=True)
    def token(self, component_appid: str, component_appsecret: Secret, component_verify_ticket: Secret) -> Call[ComponentToken]:
        """Fetch the platform's own token (获取令牌), with the newest ticket that was pushed."""
        ...

    @POST("/cgi-bin/component/api_create_preauthcode", docs=f"{DOCS}pre_auth_code.html", auth="component_access_token")
    def pre_auth_code(self, component_appid: str) -> Call[PreAuthCode]:
        """Fetch a code for an authorisation page (获取预授权码); it is used once."""
        ...

    @POST("/cgi-bin/component/api_query_auth", docs=f"{DOCS}authorization_info.html", auth="component_access_token")
    def query_auth(self, component_appid: str, authorization_code: Secret) -> Call[Authorization]:
        """Exchange the code that an owner's consent gave (使用授权码获取授权信息).

        Where the answer is lost, the owner has to authorise again.
        """
        ...

    @POST(
        "/cgi-bin/component/api_authorizer_token", docs=f"{DOCS}api_authorizer_token.html", auth="component_access_token", idempotent=True
    )
    def authorizer_token(
        self, component_appid: str, authorizer_appid: str, refresh_token: Annotated[Secret, Field(alias="authorizer_refresh_token")]
    ) -> Call[AuthorizerToken]:
        """Renew the token of an account (获取/刷新接口调用令牌). Raises AuthenticationError (61023) where the refresh token is void."""
        ...
