"""Clients: one account on one platform, with its connections, tokens and limits."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, TypedDict, TypeVar, cast
from urllib.parse import quote, urlencode

import attrs

from .._version import __version__
from .call import JSON, Call, Flow, Spec
from .clock import Clock, SystemClock
from .connections import async_transport, transport
from .errors import InputError, UsageError
from .exchange import Auth, ErrcodeStyle, NoAuth, RawReply, Style, exchange
from .hooks import Hooks
from .http import AsyncTransport, Transport
from .limits import Limiter, MemoryLimiter
from .retry import Retry
from .run import AsyncRunner, Runner
from .tokens import MemoryTokenCache, TokenCache

R = TypeVar("R")


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
    hooks: Hooks
    clock: Clock
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


class _Client:
    """What sync and async clients share: everything but waiting."""

    platform: str
    host: str
    session: Session
    clock: Clock

    def _open(
        self,
        *,
        tenant: str,
        auths: Mapping[str, Auth],
        options: Options,
        transport: Transport | AsyncTransport,
        style: Style | None = None,
    ) -> None:
        self.clock = options.get("clock") or SystemClock()
        self.session = Session(
            platform=self.platform,
            tenant=f"{self.platform}:{tenant}",
            base_url=options.get("base_url", self.host).rstrip("/"),
            auths={"none": NoAuth(), **auths},
            style=style or ErrcodeStyle(),
            transport=transport,
            cache=options.get("cache") or MemoryTokenCache(),
            limiter=options.get("limiter") or MemoryLimiter(),
            retry=options.get("retry") or Retry(),
            hooks=options.get("hooks") or Hooks(),
            clock=self.clock,
            timeout=options.get("timeout"),
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.session.tenant.partition(':')[2]!r})"

    def exchange(self, call: Call[R]) -> Flow[R]:
        """What sending a call takes."""
        raw = yield from self._raw(call)
        return raw.reply

    def _raw(self, call: Call[R]) -> Flow[RawReply[R]]:
        if call.spec.platform != self.platform:
            raise UsageError(f"{call!r} is a call of {call.spec.platform!r}; this client speaks {self.platform!r}")
        return exchange(self.session, call)

    def _free(self, method: str, path: str, json: JSON, query: Mapping[str, Any] | None, auth: str | None, idempotent: bool | None) -> Call[Any]:
        method = method.upper()
        if not path.startswith("/"):
            raise InputError(f"path must begin with '/', and the host is the client's: got {path[:80]!r}", "path")
        if "access_token=" in path or any("access_token" in name for name in query or ()):
            raise InputError("the client adds the token itself: leave access_token out of path and query", "query")
        if query:
            path += ("&" if "?" in path else "?") + urlencode({k: str(v) for k, v in query.items()}, quote_via=quote)
        spec: Spec[Any] = Spec(
            method,
            path,
            self.platform,
            docs="",
            name=f"request({method} {path.partition('?')[0]})",
            function=_free_form,
            auth=auth or next(iter(n for n in self.session.auths if n != "none"), "none"),
            idempotent=method == "GET" if idempotent is None else idempotent,
        )
        return spec.call({}).options(extra=json)


def _free_form(_self: object) -> Call[Any]:  # the declaration behind `request`: no parameters, any reply
    raise UsageError("never called")


class Client(_Client, Runner):
    """A client that waits in the calling thread. Safe to share between threads."""

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
        return self.send(self._free(method, path, json, query, auth, idempotent))

    def close(self) -> None:
        """Close the connections this client opened."""
        cast("Transport", self.session.transport).close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class AsyncClient(_Client, AsyncRunner):
    """A client whose methods are coroutines."""

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
        return await self.send(self._free(method, path, json, query, auth, idempotent))

    async def aclose(self) -> None:
        """Close the connections this client opened."""
        await cast("AsyncTransport", self.session.transport).aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()


__all__ = ["AsyncClient", "Client", "Options", "Session", "async_transport", "transport"]
