"""Third-party platforms (第三方平台): calls for accounts whose owners authorised you, with tokens that follow from one another.

    component = Component("wxcomponent", component_appsecret, ticket=PushedTicket(cache, "wxcomponent"))
    MiniProgram(component)                                            the platform itself: pre-authorisation, codes
    MiniProgram(Authorizer(component, "wxaccount", load, save))       an account that authorised it

The account's refresh token is the one thing that cannot be had again: `save` gets it after each renewal, before its token is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Protocol

from attrs import field, frozen
from pydantic import Field

from ..core.call import Call, Flow, Local
from ..core.endpoint import POST
from ..core.errors import InputError, UsageError
from ..core.exchange import Auth, TokenAuth
from ..core.model import Reply, Secret, WireModel
from ..core.tokens import Token, TokenSource, cache_key, pushed
from .resource import M, MiniProgramResource

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


class Components(MiniProgramResource[M]):
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


# Credentials


class Credential(Protocol):
    """By what right a client speaks."""

    @property
    def appid(self) -> str:
        """Whom it speaks for."""
        ...

    def auths(self) -> Mapping[str, Auth]:
        """A way of proving it, for each kind of endpoint."""
        ...


def _needed(instance: object, attribute: Any, value: Any) -> None:
    if not value:
        raise InputError(f"{type(instance).__name__} needs {attribute.name}", attribute.name)


@frozen
class Component:
    """A third-party platform itself (第三方平台)."""

    appid: str = field(validator=_needed)
    appsecret: str = field(validator=_needed, repr=False)
    ticket: Callable[[], str] = field(repr=False)
    """Gives the newest component_verify_ticket, such as a `PushedTicket`; a plain function that may read a database."""

    def auths(self) -> Mapping[str, Auth]:
        """The platform's token, made with the newest ticket."""

        def request() -> Flow[Call[Any]]:
            ticket = yield from pushed(self.ticket, "component_verify_ticket")
            return Components.token(self.appid, self.appsecret, ticket)

        def read(reply: ComponentToken, now: float) -> Token:
            return Token.living(reply.component_access_token, reply.expires_in, now)

        source = TokenSource(cache_key("miniprogram", "component", self.appid, self.appsecret), request, read)
        return {"component_access_token": TokenAuth(source, "component_access_token")}


@frozen
class Authorizer:
    """An account that authorised a third-party platform (授权方)."""

    component: Component
    appid: str = field(validator=_needed)
    load: Callable[[], str] = field(repr=False)
    """Gives the account's refresh token, as it was saved last."""
    save: Callable[[str], None] = field(repr=False)
    """Keeps the refresh token that a renewal gave. What it raises ends the call: nobody could go on without it."""

    def auths(self) -> Mapping[str, Auth]:
        """The account's token, and the platform's, which the account's is renewed with."""

        def request() -> Flow[Call[Any]]:
            held = yield from Local(self.load)
            if not held:
                raise UsageError(f"there is no refresh token of {self.appid}: its owner has to authorise, or to authorise again")
            return Components.authorizer_token(self.component.appid, self.appid, held)

        def read(reply: AuthorizerToken, now: float) -> Flow[Token]:
            if reply.authorizer_refresh_token:
                yield from Local(self.save, str(reply.authorizer_refresh_token))
            return Token.living(reply.authorizer_access_token, reply.expires_in, now)

        source = TokenSource(cache_key("miniprogram", "authorizer", self.component.appid, self.appid), request, read)
        return {"access_token": TokenAuth(source), **self.component.auths()}
