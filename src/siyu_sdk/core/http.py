"""Requests, responses, connections. The one module that names httpx, so that a successor can take its place."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, urlencode

import httpx
from attrs import evolve, field, frozen

from .errors import InputError, NotSent, OutcomeUnknown

if TYPE_CHECKING:
    import ssl

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 10.0
UPLOAD_TIMEOUT = 60.0


@frozen
class Request:
    """What goes over the wire, as bytes: what is signed is exactly what is sent."""

    method: str
    base_url: str
    target: str
    """Path and query, percent-encoded, as in the request line; without the credential."""
    headers: Mapping[str, str] = field(factory=dict[str, str], repr=False)
    content: bytes | None = field(default=None, repr=False)
    timeout: float = READ_TIMEOUT
    secret_query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Credentials of the query: kept apart, so that they show nowhere."""
    signed: bytes | None = field(default=None, repr=False)
    """What a signature covers where that is not the body: the `meta` of a Pay upload."""
    call: str = ""

    @property
    def url(self) -> str:
        """The whole address, the credential included."""
        secret = urlencode(self.secret_query, quote_via=quote)
        return self.base_url + self.target + (("&" if "?" in self.target else "?") + secret if secret else "")

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

    def send(self, request: Request) -> Response: ...
    def close(self) -> None: ...


class AsyncTransport(Protocol):
    """The same, for tasks."""

    async def send(self, request: Request) -> Response: ...
    async def aclose(self) -> None: ...


_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.ProxyError)


def _explain(error: httpx.HTTPError | httpx.InvalidURL, request: Request) -> NotSent | OutcomeUnknown:
    what = f"{request.call}: {type(error).__name__}: {error}" if str(error) else f"{request.call}: {type(error).__name__}"
    if isinstance(error, (*_NOT_SENT, httpx.InvalidURL)):
        return NotSent(f"{what}; nothing reached {request.base_url}", request.call)
    return OutcomeUnknown(f"{what}; the call may have taken effect", request.call)


def _arguments(request: Request) -> dict[str, Any]:
    return {
        "headers": dict(request.headers),
        "content": request.content,
        "timeout": httpx.Timeout(request.timeout, connect=min(CONNECT_TIMEOUT, request.timeout)),
        "follow_redirects": False,
    }


class HttpxTransport:
    """Sends through an `httpx.Client`: the caller's own, or one that is remade in a forked child."""

    def __init__(self, client: httpx.Client | None = None, *, verify: ssl.SSLContext | bool = True) -> None:
        self._own = client is None
        self._verify = verify
        self._client = client
        self._pid = os.getpid()

    def _ready(self) -> httpx.Client:
        if self._client is None or (self._own and self._pid != os.getpid()):
            self._client, self._pid = httpx.Client(verify=self._verify, limits=httpx.Limits(max_connections=100)), os.getpid()
        return self._client

    def send(self, request: Request) -> Response:
        """Carry one request."""
        try:
            answer = self._ready().request(request.method, request.url, **_arguments(request))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _explain(error, request) from None
        return Response(answer.status_code, answer.headers, answer.content)

    def close(self) -> None:
        """Close what this transport opened; a caller's own client stays open."""
        if self._own and self._client is not None:
            self._client.close()
            self._client = None


class AsyncHttpxTransport:
    """Sends through an `httpx.AsyncClient`: the caller's own, or one for each event loop."""

    def __init__(self, client: httpx.AsyncClient | None = None, *, verify: ssl.SSLContext | bool = True) -> None:
        self._given = client
        self._verify = verify
        self._clients: dict[tuple[int, int], httpx.AsyncClient] = {}

    def _ready(self) -> httpx.AsyncClient:
        if self._given is not None:
            return self._given
        import asyncio

        place = (os.getpid(), id(asyncio.get_running_loop()))
        client = self._clients.get(place)
        if client is None:
            client = self._clients[place] = httpx.AsyncClient(verify=self._verify, limits=httpx.Limits(max_connections=100))
        return client

    async def send(self, request: Request) -> Response:
        """Carry one request."""
        try:
            answer = await self._ready().request(request.method, request.url, **_arguments(request))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _explain(error, request) from None
        return Response(answer.status_code, answer.headers, answer.content)

    async def aclose(self) -> None:
        """Close what this transport opened; a caller's own client stays open."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.aclose()


@frozen
class Upload:
    """A file to send: bytes with a name, a path, or a binary file object (read once, so that a retry sends the same bytes)."""

    content: bytes = field(repr=False)
    filename: str
    content_type: str

    @classmethod
    def of(cls, source: FileLike, *, filename: str | None = None, content_type: str | None = None) -> Upload:
        """Read what a caller gave; a name without an extension gets the type application/octet-stream."""
        if isinstance(source, Upload):
            return source
        if isinstance(source, (str, os.PathLike)):
            path = Path(source)
            try:
                content, name = path.read_bytes(), path.name
            except OSError as error:
                raise InputError(f"cannot read the file to upload: {error.strerror}: {path}", "file") from None
        elif isinstance(source, (bytes, bytearray)):
            content, name = bytes(source), "file"
        else:
            content, name = source.read(), Path(str(getattr(source, "name", "file"))).name
        name = filename or name
        return cls(content, name, content_type or mimetypes.guess_type(name)[0] or "application/octet-stream")


FileLike = str | os.PathLike[str] | bytes | IO[bytes] | Upload
"""A path, bytes, a binary file object or an `Upload`."""


def multipart(files: Mapping[str, Upload], texts: Mapping[str, str]) -> tuple[str, bytes]:
    """Encode a form with files; gives the content type and the bytes."""
    form = httpx.Request(
        "POST", "http://form.invalid/", data=dict(texts), files={n: (u.filename, u.content, u.content_type) for n, u in files.items()}
    )
    return form.headers["content-type"], form.read()

HttpClient = httpx.Client
"""A caller's own client for sync use: proxies, certificates, event hooks."""
AsyncHttpClient = httpx.AsyncClient
"""The same for async use."""
