"""An api.weixin.qq.com of our own on loopback, with stable tokens that behave like the platform's."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import pytest
from attrs import define, field, frozen

from siyu_sdk import AsyncMiniProgram, MiniProgram

APPID, SECRET = "wx5a4db0c5a4db0c02", "sandbox-secret-0123456789abcdef"
OK = {"errcode": 0, "errmsg": "ok"}


@define
class Clock:
    """A clock that moves when it is told to, and never waits."""

    at: float = 1_790_000_000

    def time(self) -> float:
        return self.at

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)

    def sleep(self, seconds: float) -> float:
        self.at += seconds
        return 0.0


@frozen
class Received:
    method: str
    path: str
    query: dict[str, str]
    json: Any


@define
class Weixin:
    """Tokens and answers; `answers` gives the reply of each path."""

    url: str = ""
    token: str = "token-1"
    renewals: int = 0
    received: list[Received] = field(factory=list)
    answers: dict[str, Callable[[Received], Any]] = field(factory=dict)
    refuse: set[str] = field(factory=set)
    """Tokens that are refused, current or not."""
    code: int = 40001
    lock: Any = field(factory=threading.Lock)

    def renew(self) -> str:
        self.renewals += 1
        self.token = f"token-{self.renewals + 1}"
        return self.token

    @property
    def token_requests(self) -> list[bool]:
        """Whether each fetch of a token was forced."""
        return [r.json["force_refresh"] for r in self.received if r.path == "/cgi-bin/stable_token"]

    @property
    def calls(self) -> list[Received]:
        return [r for r in self.received if r.path != "/cgi-bin/stable_token"]

    def answer(self, request: Received) -> Any:
        with self.lock:
            self.received.append(request)
            if request.path == "/cgi-bin/stable_token":
                if request.json["secret"] != SECRET:
                    return {"errcode": 40125, "errmsg": "invalid appsecret rid: 65aa-1"}
                if request.json["force_refresh"]:
                    self.renew()
                return {"access_token": self.token, "expires_in": 7200}
            if request.path != "/sns/jscode2session" and (
                request.query["access_token"] != self.token or request.query["access_token"] in self.refuse
            ):
                return {"errcode": self.code, "errmsg": "invalid credential, access_token is invalid or not latest rid: 65aa-2"}
            return self.answers[request.path](request)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # a crowd of cold threads connects at once


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet
    weixin: Weixin

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        path, _, query = self.path.partition("?")
        reply = self.weixin.answer(Received(self.command, path, dict(parse_qsl(query)), json.loads(body) if body else None))
        content = reply if isinstance(reply, bytes) else json.dumps(reply, ensure_ascii=False).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = handle_any  # noqa: N815 -- named by the standard library

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def weixin() -> Iterator[Weixin]:
    weixin = Weixin()
    server = Server(("127.0.0.1", 0), type("Bound", (Handler,), {"weixin": weixin}))
    weixin.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield weixin
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def miniprogram(weixin: Weixin, clock: Clock) -> Iterator[MiniProgram]:
    with MiniProgram(APPID, SECRET, base_url=weixin.url, clock=clock) as client:
        yield client


@pytest.fixture
async def async_miniprogram(weixin: Weixin, clock: Clock) -> Any:
    async with AsyncMiniProgram(APPID, SECRET, base_url=weixin.url, clock=clock) as client:
        yield client
