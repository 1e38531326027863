"""HTTP/1.1 without the waiting: where to go, the bytes of a request, and the reply that received bytes make.

`h11` reads and writes the protocol; this adds what a client needs around it: bounds, time-outs, and when a connection may be used again.
"""

from __future__ import annotations

import functools
import os
import ssl
import time
import zlib
from collections.abc import Mapping
from typing import Any, Final, cast
from urllib.parse import quote, urlsplit

import h11
from attrs import frozen

from .files import GZIP
from .http import Request, Response

MAX_IDLE: Final = 30.0
"""Seconds that a connection may rest. Servers drop idle ones after 60 or more: what is used before that does not meet a closed door."""
MAX_HEAD: Final = 64 * 1024
MAX_BODY: Final = 256 * 1024 * 1024
"""Bytes of one reply: more than any bill or file of the platforms."""
SLOWEST: Final = 16 * 1024
"""Bytes a second that a reply must bring on average, once the time-out is over: one that drips does not hold a caller for ever."""


@frozen
class Place:
    """Where a base URL points to, taken apart once."""

    host: str
    port: int
    tls: bool
    authority: str
    """What the Host header says."""
    prefix: str

    @classmethod
    def of(cls, base_url: str) -> Place | None:
        """Take a base URL apart. None if it is more than scheme, host, port and path: httpx takes it, or says what is wrong with it."""
        parts = urlsplit(base_url)
        try:
            host = (parts.hostname or "").encode("idna" if not (parts.hostname or "").isascii() else "ascii").decode()
            port = parts.port
        except ValueError:
            return None
        if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or parts.query or parts.fragment:
            return None
        tls = parts.scheme == "https"
        shown = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
        return cls(host, port or (443 if tls else 80), tls, shown, quote(parts.path, safe="/%:@!$&'()*+,;=~"))


def direct_place(base_url: str) -> Place | None:
    """The place, unless the environment (or the system's settings) names a proxy for it: those are httpx's business."""
    from urllib.request import getproxies, proxy_bypass

    place = Place.of(base_url)
    if place is None or (getproxies().keys() & {"https" if place.tls else "http", "all"} and not proxy_bypass(place.host)):
        return None
    return place


@functools.cache
def _trust(cert_file: str | None, cert_dir: str | None) -> ssl.SSLContext:
    if cert_file or cert_dir:
        context = ssl.create_default_context(cafile=cert_file, capath=cert_dir)
    else:
        import certifi

        context = ssl.create_default_context(cafile=certifi.where())
    context.set_alpn_protocols(["http/1.1"])
    return context


def shared_context() -> ssl.SSLContext:
    """One for all clients, as reading the authorities takes 20 ms: those of SSL_CERT_FILE or SSL_CERT_DIR, otherwise certifi's."""
    return _trust(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


class Broken(Exception):
    """The conversation failed after the request was taken, at least in part."""


class Talk:
    """One connection's side of HTTP/1.1 without the waiting: bytes to send, bytes received, and whether they make a reply."""

    __slots__ = ("_deadline", "_head", "_heard", "_http", "_parts", "_same", "_sink", "_size", "rested", "timeout")

    def __init__(self) -> None:
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
        self._same: tuple[Mapping[str, str], int | None, Any] | None = None
        self.rested = 0.0
        """When it came to rest; a connection is too old `MAX_IDLE` later."""

    def ask(self, request: Request, place: Place) -> bytes:
        """The bytes of a request.

        Raises:
            h11.LocalProtocolError: a target or header that cannot be sent.
        """
        self._head: h11.Response | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._sink = request.sink
        self.timeout = request.timeout
        content, http = request.content, self._http
        length = None if content is None and request.method not in ("POST", "PUT", "PATCH") else len(content or b"")
        if self._same is None or self._same[:2] != (request.headers, length):  # h11's check of six headers takes a tenth of a small call
            headers = [("host", place.authority), *request.headers.items(), ("accept-encoding", "identity")]
            if length is not None:
                headers.append(("content-length", str(length)))
            self._same = request.headers, length, h11.Request(method=request.method, target="/", headers=headers).headers
        data = http.send(h11.Request(method=request.method, target=place.prefix + request.whole_target, headers=self._same[2])) or b""
        if content:
            data += http.send(h11.Data(data=content)) or b""
        http.send(h11.EndOfMessage())
        self.began()
        return data

    def began(self) -> None:
        """From now on a reply may be expected."""
        self._heard = time.monotonic()
        self._deadline = self._heard + self.timeout

    def patience(self) -> float:
        """Seconds to wait for the next bytes."""
        return min(self._heard + self.timeout, self._deadline + self._size / SLOWEST) - time.monotonic()

    def hear(self, data: bytes) -> bool:
        """Take bytes (none: the server has closed); True once the reply is complete."""
        http = self._http
        self._heard = time.monotonic()
        try:
            http.receive_data(data)
            while True:
                event = http.next_event()
                if event is h11.NEED_DATA:
                    return False
                if isinstance(event, h11.Data):
                    self._size += len(event.data)
                    if self._sink is not None and self._sink.write(event.data):
                        continue
                    self._parts.append(event.data)
                    if self._size > MAX_BODY:
                        raise Broken(f"the reply is longer than {MAX_BODY} bytes")
                elif isinstance(event, h11.Response):
                    self._head = event
                    if self._sink is not None:
                        self._sink.begin(event.status_code, _headers(event))
                elif isinstance(event, h11.EndOfMessage):
                    return True
                elif not isinstance(event, h11.InformationalResponse):
                    raise Broken("the server spoke out of turn")
        except h11.RemoteProtocolError as error:
            if not data and self._head is None:
                raise Broken("the server closed the connection without an answer") from None
            raise Broken(str(error)) from None

    def finish(self) -> tuple[Response, bool]:
        """The reply, and whether the connection may carry another request."""
        http, head = self._http, cast("h11.Response", self._head)
        headers = _headers(head)
        content = b"".join(self._parts)
        self._head, self._parts, self._sink = None, [], None  # the body lives no longer than its caller wants it
        if "content-encoding" in headers:
            content = _plain(content, headers["content-encoding"])
        # Bytes beyond the reply would be read as the answer to the next request: such a connection is not used again.
        again = http.our_state is h11.DONE and http.their_state is h11.DONE and not http.trailing_data[0]
        if again:
            http.start_next_cycle()
            self.rested = time.monotonic()
        return Response(head.status_code, headers, content), again


def _headers(head: h11.Response) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in head.headers:
        name, value = raw_name.decode("ascii"), _text(raw_value)
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _plain(content: bytes, encoding: str) -> bytes:
    """Undo a compression that was not asked for. What cannot be undone stays: reading it then says what is wrong."""
    if encoding.strip().lower() not in ("gzip", "x-gzip", "deflate"):
        return content
    unzip = zlib.decompressobj(GZIP)
    try:
        plain = unzip.decompress(content, MAX_BODY)
    except zlib.error:
        return content
    if unzip.unconsumed_tail:
        raise Broken(f"the reply is longer than {MAX_BODY} bytes")
    return plain
