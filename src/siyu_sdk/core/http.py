"""Requests, responses, connections. The one module that names httpx, so that a successor can take its place."""

from __future__ import annotations

import functools
import os
from collections.abc import Generator, Mapping
from contextlib import aclosing, closing, contextmanager
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, urlencode
from weakref import WeakKeyDictionary

from attrs import evolve, field, frozen

from .errors import NotSent, OutcomeUnknown, UsageError
from .files import Sink, Upload

if TYPE_CHECKING:
    import asyncio
    import ssl

    import httpx

    HttpClient = httpx.Client
    AsyncHttpClient = httpx.AsyncClient
else:
    # What a caller may bring. httpx is half of the time of an import, and needed only by those who bring a client or go through a proxy.
    HttpClient = AsyncHttpClient = Any

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 10.0
UPLOAD_TIMEOUT = 60.0


@frozen
class Request:
    """What goes over the wire, as bytes: what is signed is exactly what is sent."""

    method: str
    base_url: str
    target: str = field(repr=False)
    """Path and query, percent-encoded, as in the request line; without the credential."""
    headers: Mapping[str, str] = field(factory=dict[str, str], repr=False)
    content: bytes | None = field(default=None, repr=False)
    timeout: float = READ_TIMEOUT
    secret_query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Credentials of the query: kept apart, so that they show nowhere."""
    signed: bytes | None = field(default=None, repr=False)
    """What a signature covers where that is not the body: the `meta` of a Pay upload."""
    sink: Sink | None = field(default=None, repr=False)
    """Where the body of the reply goes, if it is a file."""
    call: str = ""

    @property
    def whole_target(self) -> str:
        """The target with the credential: what really stands in the request line."""
        if not self.secret_query:
            return self.target
        return f"{self.target}{'&' if '?' in self.target else '?'}{urlencode(self.secret_query, quote_via=quote)}"

    def with_headers(self, headers: Mapping[str, str]) -> Request:
        """The same request with more headers."""
        return evolve(self, headers={**self.headers, **headers})

    def with_secret(self, name: str, value: str) -> Request:
        """The same request with a credential in its query."""
        return evolve(self, secret_query=(*self.secret_query, (name, value)))


@frozen
class Response:
    """What came back."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case."""
    content: bytes = field(repr=False)


class Transport(Protocol):
    """Carries a request and brings the response; raises only `NotSent` and `OutcomeUnknown`."""

    def send(self, request: Request) -> Response:
        """Carry one request."""
        ...

    def close(self) -> None:
        """Close what this transport opened."""
        ...


class AsyncTransport(Protocol):
    """The same, for tasks."""

    async def send(self, request: Request) -> Response:
        """Carry one request."""
        ...

    async def aclose(self) -> None:
        """Close what this transport opened."""
        ...


def connect_timeout(timeout: float) -> float:
    """Seconds to connect, for calls that wait so long for an answer."""
    return min(CONNECT_TIMEOUT, timeout)


# Through httpx: the caller's own client, or a proxy. Connections of our own are in `connections`.


@functools.cache
def _not_sent() -> tuple[type[Exception], ...]:
    import httpx

    return (
        httpx.ConnectError,
        httpx.ConnectTimeout,
        httpx.PoolTimeout,
        httpx.UnsupportedProtocol,
        httpx.LocalProtocolError,
        httpx.ProxyError,
        httpx.InvalidURL,
    )


def _explain(error: Exception, request: Request) -> NotSent | OutcomeUnknown:
    what = f"{request.call}: {type(error).__name__}: {error}" if str(error) else f"{request.call}: {type(error).__name__}"
    if isinstance(error, _not_sent()):
        return NotSent(f"{what}; nothing reached {request.base_url}", request.call)
    return OutcomeUnknown(f"{what}; the call may have taken effect", request.call)


@functools.cache
def _quiet_url() -> type[httpx.URL]:
    import httpx

    class QuietURL(httpx.URL):
        """httpx writes every URL into its log; this one shows no query, where the credentials are."""

        def __str__(self) -> str:
            return super().__str__().partition("?")[0]

        __repr__ = __str__

    return QuietURL


def _prepared(client: httpx.Client | httpx.AsyncClient, request: Request) -> httpx.Request:
    import httpx

    timeout = httpx.Timeout(request.timeout, connect=connect_timeout(request.timeout))
    url = request.base_url + request.whole_target
    made = client.build_request(request.method, url, headers=dict(request.headers), content=request.content, timeout=timeout)
    made.url = _quiet_url()(made.url)
    return made


@contextmanager
def _proxy_is_right() -> Generator[None]:
    """Nothing else can be wrong with a client of our own; what httpx says of an address would show its password."""
    import httpx

    try:
        yield
    except (ValueError, httpx.InvalidURL):
        raise UsageError(
            "the address of the proxy cannot be read (proxy=, or HTTPS_PROXY, HTTP_PROXY, ALL_PROXY): http://user:password@host:port is "
            "expected, with %-escapes for what is special in a password"
        ) from None


class HttpxTransport:
    """Sends through an `httpx.Client`: the caller's own, or one that is remade in a forked child."""

    def __init__(self, client: HttpClient | None = None, *, verify: ssl.SSLContext | bool = True, proxy: str | None = None) -> None:
        self._own = client is None
        self._verify = verify
        self._proxy = proxy
        self._client = client
        self._pid = os.getpid()

    def _ready(self) -> httpx.Client:
        if self._client is None or (self._own and self._pid != os.getpid()):
            import httpx

            with _proxy_is_right():
                limits = httpx.Limits(max_connections=100)
                self._client, self._pid = httpx.Client(verify=self._verify, limits=limits, proxy=self._proxy), os.getpid()
        return self._client

    def send(self, request: Request) -> Response:
        """Carry one request."""
        import httpx

        try:
            client = self._ready()
            answer = client.send(_prepared(client, request), follow_redirects=False, stream=request.sink is not None)
            if request.sink is None:
                return Response(answer.status_code, answer.headers, answer.content)
            with closing(answer):
                request.sink.begin(answer.status_code, answer.headers, encoded=False)
                content = b"".join(piece for piece in answer.iter_bytes() if not request.sink.write(piece))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _explain(error, request) from None
        return Response(answer.status_code, answer.headers, content)

    def close(self) -> None:
        """Close what this transport opened; a caller's own client stays open."""
        if self._own and self._client is not None:
            self._client.close()
            self._client = None


class AsyncHttpxTransport:
    """Sends through an `httpx.AsyncClient`: the caller's own, or one for each event loop."""

    def __init__(self, client: AsyncHttpClient | None = None, *, verify: ssl.SSLContext | bool = True, proxy: str | None = None) -> None:
        self._given = client
        self._verify = verify
        self._proxy = proxy
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[int, httpx.AsyncClient]] = WeakKeyDictionary()

    def _ready(self) -> httpx.AsyncClient:
        if self._given is not None:
            return self._given
        import asyncio

        import httpx

        loop = asyncio.get_running_loop()
        pid, client = self._clients.get(loop, (0, None))
        if client is None or pid != os.getpid():
            with _proxy_is_right():
                client = httpx.AsyncClient(verify=self._verify, limits=httpx.Limits(max_connections=100), proxy=self._proxy)
            self._clients[loop] = os.getpid(), client
        return client

    async def send(self, request: Request) -> Response:
        """Carry one request."""
        import httpx

        try:
            client = self._ready()
            answer = await client.send(_prepared(client, request), follow_redirects=False, stream=request.sink is not None)
            if request.sink is None:
                return Response(answer.status_code, answer.headers, answer.content)
            async with aclosing(answer):
                request.sink.begin(answer.status_code, answer.headers, encoded=False)
                content = b"".join([piece async for piece in answer.aiter_bytes() if not request.sink.write(piece)])
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _explain(error, request) from None
        return Response(answer.status_code, answer.headers, content)

    async def aclose(self) -> None:
        """Close what this transport opened; a caller's own client stays open."""
        clients, self._clients = list(self._clients.values()), WeakKeyDictionary()
        for _, client in clients:
            await client.aclose()


def multipart(files: Mapping[str, Upload], texts: Mapping[str, str]) -> tuple[str, bytes]:
    """Encode a form with files; gives the content type and the bytes."""
    import httpx

    parts = {name: (upload.filename, upload.content, upload.content_type) for name, upload in files.items()}
    form = httpx.Request("POST", "http://form.invalid/", data=dict(texts), files=parts)
    return form.headers["content-type"], form.read()
