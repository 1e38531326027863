"""Credentials as values: by what right a client speaks for a mini-program, a store or an official account.

    MiniProgram("wx…", secret), Store("wx…", secret)                an account of your own
    MiniProgram(Authorizer(component, "wx…", load, save))           an account whose owner authorised your third-party platform (第三方平台)
    MiniProgram(Component("wx…", appsecret, ticket))                that platform itself: pre-authorisation, codes

Every client of api.weixin.qq.com takes each of them. None shows its secret. An account's refresh token is the one thing that cannot be
had again: `save` gets it after each renewal, before its token is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import field, frozen

from ..core.call import Call, Flow, Local
from ..core.client import Session
from ..core.credentials import Credential, alone, needed, token_in
from ..core.errors import UsageError
from ..core.exchange import Auth, NoAuth, StableTokenAuth, TokenAuth
from ..core.http import Request
from ..core.tokens import Token, TokenSource, cache_key, pushed
from .tokens import StableTokens


class AppSecretAuth(NoAuth):
    """The app's id and secret in the query, where an endpoint wants them in place of a token."""

    def __init__(self, appid: str, secret: str) -> None:
        self.appid = appid
        self._secret = secret

    def sign(self, session: Session, request: Request) -> Flow[Request]:  # noqa: ARG002 -- the protocol's signature
        """Add them, kept apart from the call: a call can be printed and stored, a secret must not."""
        yield from ()  # nothing to wait for
        return request.with_secret("appid", self.appid).with_secret("secret", self._secret)


@frozen
class OwnAccount:
    """An account of your own: its appid, and its secret."""

    appid: str = field(validator=needed)
    secret: str = field(validator=needed, repr=False)

    @property
    def tenant(self) -> str:
        """The account."""
        return self.appid

    def auths(self) -> Mapping[str, Auth]:
        """The stable token of the account; or appid and secret themselves."""
        appid, secret = self.appid, self.secret
        source = TokenSource(
            cache_key("weixin", appid, secret),
            lambda: StableTokens.get(appid, secret),
            token_in("access_token"),
            lambda: StableTokens.get(appid, secret, force_refresh=True),
        )
        return {"access_token": StableTokenAuth(source), "app_secret": AppSecretAuth(appid, secret)}


@frozen
class Component:
    """A third-party platform itself (第三方平台)."""

    appid: str = field(validator=needed)
    appsecret: str = field(validator=needed, repr=False)
    ticket: Callable[[], str] = field(repr=False)
    """Gives the newest component_verify_ticket, such as a `PushedTicket`; a plain function that may read a database."""

    @property
    def tenant(self) -> str:
        """The platform."""
        return self.appid

    def auths(self) -> Mapping[str, Auth]:
        """The platform's token, made with the newest ticket."""

        def request() -> Flow[Call[Any]]:
            from .component import Components

            ticket = yield from pushed(self.ticket, "component_verify_ticket")
            return Components.token(self.appid, self.appsecret, ticket)

        source = TokenSource(cache_key("weixin", "component", self.appid, self.appsecret), request, token_in("component_access_token"))
        return {"component_access_token": TokenAuth(source, "component_access_token")}


@frozen
class Authorizer:
    """An account that authorised a third-party platform (授权方)."""

    component: Component
    appid: str = field(validator=needed)
    load: Callable[[], str] = field(repr=False)
    """Gives the account's refresh token, as it was saved last."""
    save: Callable[[str], None] = field(repr=False)
    """Keeps the refresh token that a renewal gave. What it raises ends the call: nobody could go on without it."""

    @property
    def tenant(self) -> str:
        """The account."""
        return self.appid

    def auths(self) -> Mapping[str, Auth]:
        """The account's token, and the platform's, which the account's is renewed with."""

        def request() -> Flow[Call[Any]]:
            from .component import Components

            held = yield from Local(self.load)
            if not held:
                raise UsageError(f"there is no refresh token of {self.appid}: its owner has to authorise, or to authorise again")
            return Components.authorizer_token(self.component.appid, self.appid, held)

        def read(reply: Any, now: float) -> Flow[Token]:
            if reply.authorizer_refresh_token:
                yield from Local(self.save, str(reply.authorizer_refresh_token))
            return token_in("authorizer_access_token")(reply, now)

        source = TokenSource(cache_key("weixin", "authorizer", self.component.appid, self.appid), request, read)
        return {"access_token": TokenAuth(source), **self.component.auths()}


def credential(appid: str | Credential, secret: str) -> Credential:
    """Read what a client was given: a credential, or what an account of your own is made of."""
    return OwnAccount(appid, secret) if isinstance(appid, str) else alone(appid, secret=secret)


__all__ = ["AppSecretAuth", "Authorizer", "Component", "Credential", "OwnAccount", "credential"]
