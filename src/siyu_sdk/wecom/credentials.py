"""Credentials as values: by what right a client speaks for a company.

    WeCom("ww…", corpsecret)                                 a company's own app
    WeCom("ww…", token_provider=ask_our_service)             tokens from a service of your own (中控)
    WeCom(CustomApp("ww…", permanent_code))                  an app developed for that company (代开发)
    WeCom(SuiteCorp(suite, "ww…", permanent_code))           a company that installed your suite (第三方应用)
    WeCom(suite), WeCom(Provider("ww…", provider_secret))    the suite or the provider itself

None of them shows its secret. Each makes the tokens that it needs out of each other: a company's from the suite's, the suite's from the
newest ticket that was pushed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import field, frozen

from ..core.call import Call, Flow
from ..core.credentials import Credential, alone, needed, token_in
from ..core.errors import InputError
from ..core.exchange import Auth, ProvidedTokenAuth, TokenAuth
from ..core.tokens import ProvidedSource, TokenProvider, TokenSource, cache_key, pushed
from .auth import Tokens

# What providers need (`.suite`, `.provider`) is imported where it is used: most clients speak for a company's own app.

PROVIDER_LOGIN: Final = "provider_login"
"""For the one endpoint that wants the provider's token under the name `access_token`."""


class _OfCompany:
    """A credential that speaks for a company."""

    __slots__ = ()
    corpid: str

    @property
    def tenant(self) -> str:
        """The company."""
        return self.corpid


@frozen
class OwnApp(_OfCompany):
    """A company's own app (自建应用): the corpid, and the secret of that one app."""

    corpid: str = field(validator=needed)
    corpsecret: str = field(validator=needed, repr=False)

    def auths(self) -> Mapping[str, Auth]:
        """The token of the app."""
        return {"access_token": TokenAuth(token_source(self.corpid, self.corpsecret))}


@frozen
class CustomApp(_OfCompany):
    """An app that a provider developed for one company (代开发): its permanent code stands in for the secret."""

    corpid: str = field(validator=needed)
    permanent_code: str = field(validator=needed, repr=False)

    def auths(self) -> Mapping[str, Auth]:
        """The token of the app."""
        return OwnApp(self.corpid, self.permanent_code).auths()


@frozen
class Suite:
    """A suite of third-party apps (第三方应用套件), or the template of custom apps (代开发模板)."""

    suite_id: str = field(validator=needed)
    suite_secret: str = field(validator=needed, repr=False)
    ticket: Callable[[], str] = field(repr=False)
    """Gives the newest suite_ticket, such as a `PushedTicket`; a plain function that may read a database."""

    @property
    def tenant(self) -> str:
        """The suite."""
        return self.suite_id

    def auths(self) -> Mapping[str, Auth]:
        """The token of the suite, made with the newest ticket."""

        def request() -> Flow[Call[Any]]:
            from .suite import Suites

            ticket = yield from pushed(self.ticket, "suite_ticket")
            return Suites.suite_token(self.suite_id, self.suite_secret, ticket)

        source = TokenSource(cache_key("wecom", "suite", self.suite_id, self.suite_secret), request, token_in("suite_access_token"))
        return {"suite_access_token": TokenAuth(source, "suite_access_token")}


@frozen
class SuiteCorp(_OfCompany):
    """A company that installed a suite (授权企业): calls go with a token of that company."""

    suite: Suite
    corpid: str = field(validator=needed)
    permanent_code: str = field(validator=needed, repr=False)

    def auths(self) -> Mapping[str, Auth]:
        """The company's token, and the suite's, which the company's is fetched with."""

        def request() -> Call[Any]:
            from .suite import Suites

            return Suites.corp_token(self.corpid, self.permanent_code)

        key = cache_key("wecom", "suite corp", self.suite.suite_id, self.corpid, self.permanent_code)
        return {"access_token": TokenAuth(TokenSource(key, request, token_in("access_token"))), **self.suite.auths()}


@frozen
class Provider(_OfCompany):
    """A provider itself (服务商): licences, registration, sign-in of administrators."""

    corpid: str = field(validator=needed)
    provider_secret: str = field(validator=needed, repr=False)

    def auths(self) -> Mapping[str, Auth]:
        """The provider's token."""

        def request() -> Call[Any]:
            from .provider import Providers

            return Providers.token(self.corpid, self.provider_secret)

        source = TokenSource(cache_key("wecom", "provider", self.corpid, self.provider_secret), request, token_in("provider_access_token"))
        return {"provider_access_token": TokenAuth(source, "provider_access_token"), PROVIDER_LOGIN: TokenAuth(source)}


@frozen
class ProvidedApp(_OfCompany):
    """An app whose tokens come from a service of your own (中控)."""

    corpid: str = field(validator=needed)
    token_provider: TokenProvider = field(repr=False)

    def auths(self) -> Mapping[str, Auth]:
        """The token that the service gives."""
        return {"access_token": ProvidedTokenAuth(ProvidedSource(cache_key("wecom", "provided", self.corpid), self.token_provider))}


def credential(corpid: str | Credential, corpsecret: str, token_provider: TokenProvider | None) -> Credential:
    """Read what a client was given: a credential, or what the usual two are made of."""
    if not isinstance(corpid, str):
        return alone(corpid, corpsecret=corpsecret, token_provider=token_provider)
    if token_provider is None:
        return OwnApp(corpid, corpsecret)
    if corpsecret:
        raise InputError("token_provider: give the secret or the provider, not both", "token_provider")
    return ProvidedApp(corpid, token_provider)


def token_source(corpid: str, corpsecret: str) -> TokenSource:
    """The token of one app: its cache key tells apps of one company apart."""
    return TokenSource(cache_key("wecom", corpid, corpsecret), lambda: Tokens.get(corpid, corpsecret), token_in("access_token"))


__all__ = [
    "PROVIDER_LOGIN",
    "Credential",
    "CustomApp",
    "OwnApp",
    "ProvidedApp",
    "Provider",
    "Suite",
    "SuiteCorp",
    "credential",
    "token_source",
]
