"""Clients: one account on one platform, with its connections, tokens and limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from inspect import iscoroutinefunction
from types import TracebackType
from typing import Any, ClassVar, NoReturn, Self, TypedDict, TypeVar, cast
from urllib.parse import quote, urlencode, urlsplit

import attrs

from .._version import __version__
from .call import JSON, Call, Flow, Spec
from .clock import Clock, SystemClock
from .errors import InputError, UsageError
from .exchange import Auth, NoAuth, RawReply, Ticketed, TokenAuth, exchange, ticket
from .hooks import Hooks
from .http import AsyncHttpClient, AsyncTransport, HttpClient, Transport
from .limits import Limit, Limiter, MemoryLimiter
from .retry import Retry
from .rules import Rulebook
from .run import AsyncRunner, Runner
from .styles import ErrcodeStyle, Style
from .tokens import MemoryTokenCache, TokenCache

R = TypeVar("R")

PROXIES = ("http", "https", "socks5", "socks5h")


class Options(TypedDict, total=False):
    """What every client can be told; the same for sync and async."""

    base_url: str
    """Another host: a proxy of your own, or the sandbox."""
    timeout: float
    """Seconds for an answer; 10 unless said otherwise, 60 for uploads."""
    retry: Retry
    cache: TokenCache
    """Where tokens are shared; this process alone unless said otherwise."""
    limiter: Limiter
    """What holds calls back, of this client alone unless said otherwise; give one to all clients of an account or an address."""
    limits: Mapping[str, Limit | None]
    """Figures of your own: by path, `*` for each API, `ip` for the address. None stands for no limit."""
    hooks: Hooks
    clock: Clock
    transport: Transport | AsyncTransport
    """Connections that clients share, such as `other.session.transport`; whoever made them closes them."""
    proxy: str
    """The address of an HTTP proxy; those of the environment (HTTPS_PROXY) are used as they are."""


@attrs.frozen(kw_only=True)
class Session:
    """What the exchange needs to know of a client."""

    platform: str
    tenant: str
    """Tells accounts apart in limiters; no secret."""
    base_url: str
    auths: Mapping[str, Auth] = attrs.field(repr=False)
    style: Style
    transport: Transport | AsyncTransport = attrs.field(repr=False)
    cache: TokenCache
    limiter: Limiter
    rulebook: Rulebook = attrs.field(repr=False)
    retry: Retry
    hooks: Hooks
    clock: Clock
    timeout: float | None = None
    user_agent: str = f"siyu-sdk/{__version__}"

    def auth(self, kind: str) -> Auth:
        """The way of proving who sends, for endpoints of that kind."""
        try:
            return self.auths[kind]
        except KeyError:
            raise UsageError(f"this {self.platform} client has no {kind!r} credential; it holds {sorted(self.auths)}") from None


def _address(name: str, url: str) -> str:
    """The address, if it can be used; what cannot be read is refused without being shown, as there may be a password in it."""
    with suppress(ValueError):
        parts = urlsplit(url)
        plain = parts.scheme in ("http", "https") and "@" not in parts.netloc and not parts.query
        if parts.hostname and (parts.port or not parts.netloc.endswith(":")) and (plain or (name == "proxy" and parts.scheme in PROXIES)):
            return url
    what = "http://user:password@host:port" if name == "proxy" else "https://host, without a user or a query,"
    raise InputError(f"{name}: an address such as {what} is expected", name)


class _Client:
    """What sync and async clients share: everything but waiting."""

    platform: str
    host: str
    session: Session
    clock: Clock
    _lent: bool
    _connect: ClassVar[Callable[..., Transport | AsyncTransport]]

    def _open(
        self,
        *,
        tenant: str,
        auths: Mapping[str, Auth],
        options: Options,
        http: HttpClient | AsyncHttpClient | None,
        style: Style | None = None,
    ) -> None:
        self.clock = options.get("clock") or SystemClock()
        app = next((auth.source.key for auth in auths.values() if isinstance(auth, TokenAuth)), "")
        self.session = Session(
            platform=self.platform,
            tenant=f"{self.platform}:{tenant}",
            base_url=_address("base_url", options.get("base_url", self.host)).rstrip("/"),
            auths={"none": NoAuth(), **auths},
            style=style or ErrcodeStyle(),
            transport=self._transport(http, options),
            cache=options.get("cache") or MemoryTokenCache(),
            limiter=options.get("limiter") or MemoryLimiter(),
            rulebook=Rulebook(self.platform, f"{self.platform}:{tenant}", app, options.get("limits")),
            retry=options.get("retry") or Retry(),
            hooks=options.get("hooks") or Hooks(),
            clock=self.clock,
            timeout=options.get("timeout"),
        )

    def _transport(self, http: HttpClient | AsyncHttpClient | None, options: Options) -> Transport | AsyncTransport:
        given = options.get("transport")
        self._lent = given is not None
        if given is None:
            proxy = options.get("proxy")
            return self._connect(http, proxy=None if proxy is None else _address("proxy", proxy))
        if http is not None or "proxy" in options:
            raise UsageError("give transport=, or http= or proxy=: the connections that clients share are made already")
        if iscoroutinefunction(given.send) is not cast("Runner", self).is_async:
            raise UsageError(f"transport: {type(given).__name__} is not for {type(self).__name__}: threads and tasks share no connections")
        return given

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.session.tenant.partition(':')[2]!r})"

    def __reduce__(self) -> NoReturn:
        raise UsageError(f"a client is not pickled, as it holds connections and secrets: make a {type(self).__name__} in each process")

    def exchange(self, call: Call[R]) -> Flow[R]:
        """What sending a call takes."""
        raw = yield from self._raw(call)
        return raw.reply

    def _raw(self, call: Call[R]) -> Flow[RawReply[R]]:
        if call.spec.platform != self.platform:
            raise UsageError(f"{call!r} is a call of {call.spec.platform!r}; this client speaks {self.platform!r}")
        return exchange(self.session, self.completed(call))

    def completed(self, call: Call[R]) -> Call[R]:
        """The call as it is sent: a platform may fill in what its client knows."""
        return call

    def _free(
        self, method: str, path: str, *, json: JSON, query: Mapping[str, Any] | None, auth: str | None, idempotent: bool | None
    ) -> Call[Any]:
        method = method.upper()
        if not path.startswith("/") or path.startswith("//"):
            raise InputError(f"path must begin with one '/', and the host is the client's: got {path[:80]!r}", "path")
        if {".", ".."} & set(path.partition("?")[0].split("/")):
            raise InputError(
                f"path: HTTP clients resolve dots, also after a signature was made: give it without them, got {path[:80]!r}", "path"
            )
        if "access_token=" in path.lower() or any("access_token" in name.lower() for name in query or ()):
            raise InputError("the client adds the token itself: leave access_token out of path and query", "query")
        if json is not None and (method in ("GET", "DELETE") or not isinstance(json, Mapping)):
            what = f"{method} has no body, use query" if method in ("GET", "DELETE") else "an object is expected"
            raise InputError(f"json: {what}", "json")
        path = quote(path, safe="/?&=%:@!$'()*+,;")  # as it is sent, so that it is signed as it is sent
        if query:
            path += ("&" if "?" in path else "?") + urlencode({k: str(v) for k, v in query.items()}, quote_via=quote)
        spec: Spec[Any] = Spec(
            method,
            path,
            self.platform,
            docs="",
            name=f"request({method} {path.partition('?')[0]})",
            module=__name__,
            function=_free_form,
            auth=auth or next(iter(n for n in self.session.auths if n != "none"), "none"),
            idempotent=method == "GET" if idempotent is None else idempotent,
        )
        return spec.call({}).options(extra=cast("dict[str, JSON] | None", json))


def _free_form(_self: object) -> Call[Any]:  # the declaration behind `request`: no parameters, any reply
    raise UsageError("never called")


class Client(_Client, Runner):
    """A client that waits in the calling thread. Safe to share between threads."""

    @staticmethod
    def _connect(http: HttpClient | None, *, proxy: str | None) -> Transport:
        from .connections import transport  # sockets, TLS, h11: a third of the time that all the rest takes to import

        return transport(http, proxy=proxy)

    def raw(self, call: Call[R]) -> RawReply[R]:
        """Send a call; gives status, headers and body beside the reply."""
        return self.run(self._raw(call))

    def request(
        self,
        method: str,
        path: str,
        *,
        json: JSON = None,
        query: Mapping[str, Any] | None = None,
        auth: str | None = None,
        idempotent: bool | None = None,
    ) -> JSON:
        """Call what is not typed yet, through the same tokens, retries and signatures; gives the JSON of the reply.

        `json` is an object. Set `idempotent=True` only where repeating is harmless: a POST is taken as unsafe to repeat.
        """
        return self.send(self._free(method, path, json=json, query=query, auth=auth, idempotent=idempotent))

    def ticket(self, call: Call[Ticketed], *, refused: str = "") -> str:
        """Give the ticket that a call fetches, kept and renewed as tokens are: `wecom.ticket(Tickets.jsapi())`.

        `refused` is a ticket that turned out to be void: it is dropped, if nobody has replaced it already.
        """
        return self.run(ticket(self.session, call, refused))

    def close(self) -> None:
        """Close the connections this client opened."""
        if not self._lent:
            cast("Transport", self.session.transport).close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class AsyncClient(_Client, AsyncRunner):
    """A client whose methods are coroutines."""

    @staticmethod
    def _connect(http: AsyncHttpClient | None, *, proxy: str | None) -> AsyncTransport:
        from .connections import async_transport

        return async_transport(http, proxy=proxy)

    async def raw(self, call: Call[R]) -> RawReply[R]:
        """Send a call; gives status, headers and body beside the reply."""
        return await self.run(self._raw(call))

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: JSON = None,
        query: Mapping[str, Any] | None = None,
        auth: str | None = None,
        idempotent: bool | None = None,
    ) -> JSON:
        """Call what is not typed yet, through the same tokens, retries and signatures; gives the JSON of the reply.

        `json` is an object. Set `idempotent=True` only where repeating is harmless: a POST is taken as unsafe to repeat.
        """
        return await self.send(self._free(method, path, json=json, query=query, auth=auth, idempotent=idempotent))

    async def ticket(self, call: Call[Ticketed], *, refused: str = "") -> str:
        """Give the ticket that a call fetches, kept and renewed as tokens are: `await wecom.ticket(Tickets.jsapi())`.

        `refused` is a ticket that turned out to be void: it is dropped, if nobody has replaced it already.
        """
        return await self.run(ticket(self.session, call, refused))

    async def aclose(self) -> None:
        """Close the connections this client opened."""
        if not self._lent:
            await cast("AsyncTransport", self.session.transport).aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()


__all__ = ["AsyncClient", "Client", "Options", "Session"]
