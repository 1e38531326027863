"""A server of our own on loopback, and a clock: what every folder needs that tries a client over real HTTP."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from attrs import define, field, frozen

OK = {"errcode": 0, "errmsg": "ok"}


@define
class Clock:
    """A clock that moves when somebody sleeps by it, or by hand, and never waits."""

    at: float = 1_790_000_000.0
    slept: list[float] = field(factory=list)

    def time(self) -> float:
        return self.at

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)

    def sleep(self, seconds: float) -> float:
        self.slept.append(seconds)
        self.at += seconds
        return 0.0


@frozen
class Seen:
    """One request as its bytes arrived."""

    method: str
    target: str
    headers: dict[str, str] = field(repr=False)
    """Names in lower case."""
    body: bytes = field(repr=False)

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.target.partition("?")[2]))

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def token(self) -> str | None:
        return self.query.get("access_token")


@frozen
class Answer:
    """Bytes to answer with, in place of a JSON object."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(factory=dict)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512  # a crowd of cold threads connects at once

    def handle_error(self, *_: Any) -> None:
        pass


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet
    reply: Callable[[Seen], Any]

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            reply = self.reply(Seen(self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        except EOFError:
            self.close_connection = True
            return
        except ConnectionAbortedError:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close means reset
            self.connection.close()
            raise
        answer = reply if isinstance(reply, Answer) else Answer(json.dumps(reply, ensure_ascii=False).encode())
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 -- named by the standard library

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serve(reply: Callable[[Seen], Any]) -> Iterator[str]:
    """Serve on a free port; gives the address. `reply` gives JSON or an `Answer`.

    Where it raises EOFError the connection ends without an answer, where it raises ConnectionAbortedError it is torn down.
    """
    server = _Server(("127.0.0.1", 0), type("Bound", (_Handler,), {"reply": staticmethod(reply)}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
