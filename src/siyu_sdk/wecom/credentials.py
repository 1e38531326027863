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
from typing import Any, Protocol

from attrs import field, frozen

from ..core.call import Call, Flow
from ..core.errors import InputError
from ..core.exchange import Auth, ProvidedTokenAuth, TokenAuth
from ..core.tokens import ProvidedSource, Token, TokenProvider, TokenSource, cache_key, pushed
from .auth import AccessToken, Tokens
from .suite import ProviderToken, Suites, SuiteToken


class Credential(Protocol):
    """By what right a client speaks."""

    @property
    def tenant(self) -> str:
        """Whom it speaks for: a corpid, or a SuiteId."""
        ...

    def auths(self) -> Mapping[str, Auth]:
        """A way of proving it, for each kind of endpoint."""
        ...


def _needed(instance: object, attribute: Any, value: Any) -> None:
    if not value:
        raise InputError(f"{type(instance).__name__} needs {attribute.name}", attribute.name)


def _living(reply: AccessToken, now: float) -> Token:
    return Token.living(reply.access_token, reply.expires_in, now)


@frozen
class OwnApp:
    """A company's own app (自建应用): the corpid, and the secret of that one app."""

    corpid: str = field(validator=_needed)
    corpsecret: str = field(validator=_needed, repr=False)

    @property
    def tenant(self) -> str:
        """The company."""
        return self.corpid

    def auths(self) -> Mapping[str, Auth]:
        """The token of the app."""
        return {"access_token": TokenAuth(token_source(self.corpid, self.corpsecret))}


@frozen
class CustomApp:
    """An app that a provider developed for one company (代开发): its permanent code stands in for the secret."""

    corpid: str = field(validator=_needed)
    permanent_code: str = field(validator=_needed, repr=False)

    @property
    def tenant(self) -> str:
        """The company."""
        return self.corpid

    def auths(self) -> Mapping[str, Auth]:
        """The token of the app."""
        return {"access_token": TokenAuth(token_source(self.corpid, self.permanent_code))}


@frozen
class Suite:
    """A suite of third-party apps (第三方应用套件), or the template of custom apps (代开发模板)."""

    suite_id: str = field(validator=_needed)
    suite_secret: str = field(validator=_needed, repr=False)
    ticket: Callable[[], str] = field(repr=False)
    """Gives the newest suite_ticket, such as a `PushedTicket`; a plain function that may read a database."""

    @property
    def tenant(self) -> str:
        """The suite."""
        return self.suite_id

    def auths(self) -> Mapping[str, Auth]:
        """The token of the suite, made with the newest ticket."""

        def request() -> Flow[Call[Any]]:
            ticket = yield from pushed(self.ticket, "suite_ticket")
            return Suites.suite_token(self.suite_id, self.suite_secret, ticket)

        def read(reply: SuiteToken, now: float) -> Token:
            return Token.living(reply.suite_access_token, reply.expires_in, now)

        source = TokenSource(cache_key("wecom", "suite", self.suite_id, self.suite_secret), request, read)
        return {"suite_access_token": TokenAuth(source, "suite_access_token")}


@frozen
class SuiteCorp:
    """A company that installed a suite (授权企业): calls go with a token of that company."""

    suite: Suite
    corpid: str = field(validator=_needed)
    permanent_code: str = field(validator=_needed, repr=False)

    @property
    def tenant(self) -> str:
        """The company."""
        return self.corpid

    def auths(self) -> Mapping[str, Auth]:
        """The company's token, and the suite's, which the company's is fetched with."""
        source = TokenSource(
            cache_key("wecom", "suite corp", self.suite.suite_id, self.corpid, self.permanent_code),
            lambda: Suites.corp_token(self.corpid, self.permanent_code),
            _living,
        )
        return {"access_token": TokenAuth(source), **self.suite.auths()}


@frozen
class Provider:
    """A provider itself (服务商): licences, registration, sign-in of administrators."""

    corpid: str = field(validator=_needed)
    provider_secret: str = field(validator=_needed, repr=False)

    @property
    def tenant(self) -> str:
        """The provider's own company."""
        return self.corpid

    def auths(self) -> Mapping[str, Auth]:
        """The provider's token."""

        def read(reply: ProviderToken, now: float) -> Token:
            return Token.living(reply.provider_access_token, reply.expires_in, now)

        source = TokenSource(
            cache_key("wecom", "provider", self.corpid, self.provider_secret),
            lambda: Suites.provider_token(self.corpid, self.provider_secret),
            read,
        )
        return {"provider_access_token": TokenAuth(source, "provider_access_token")}


@frozen
class ProvidedApp:
    """An app whose tokens come from a service of your own (中控)."""

    corpid: str = field(validator=_needed)
    token_provider: TokenProvider = field(repr=False)

    @property
    def tenant(self) -> str:
        """The company."""
        return self.corpid

    def auths(self) -> Mapping[str, Auth]:
        """The token that the service gives."""
        return {"access_token": ProvidedTokenAuth(ProvidedSource(cache_key("wecom", "provided", self.corpid), self.token_provider))}


def credential(corpid: str | Credential, corpsecret: str, token_provider: TokenProvider | None) -> Credential:
    """Read what a client was given: a credential, or what the usual two are made of."""
    if not isinstance(corpid, str):
        if corpsecret or token_provider is not None:
            raise InputError("corpsecret: a credential says all by itself", "corpsecret" if corpsecret else "token_provider")
        return corpid
    if token_provider is None:
        return OwnApp(corpid, corpsecret)
    if corpsecret:
        raise InputError("token_provider: give the secret or the provider, not both", "token_provider")
    return ProvidedApp(corpid, token_provider)


def token_source(corpid: str, corpsecret: str) -> TokenSource:
    """The token of one app: its cache key tells apps of one company apart."""
    return TokenSource(cache_key("wecom", corpid, corpsecret), lambda: Tokens.get(corpid, corpsecret), _living)
