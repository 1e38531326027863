"""A small HTTP server on loopback that answers what a test tells it, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from attrs import define, field

from siyu_sdk.wecom.client import AsyncWeCom, WeCom

from ..loopback import Clock

SHARED = Path(__file__).resolve().parents[3] / "shared"


@define
class Seen:
    """One request that arrived."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes
    content_type: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Reply = dict[str, Any] | Callable[[Any], dict[str, Any]]


@define
class Loopback:
    """The server, from a test's side."""

    url: str = ""
    seen: list[Seen] = field(factory=list)
    answers: dict[str, list[Reply]] = field(factory=lambda: defaultdict(list))

    def answer(self, path: str, *replies: Reply) -> None:
        """Answer calls of a path with these replies in turn; the last one stays. A function is asked with the JSON of each call."""
        self.answers[path] = list(replies)

    def calls(self, path: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.path == path]

    def reply(self, seen: Seen) -> dict[str, Any]:
        if seen.path == "/cgi-bin/gettoken":
            return {"errcode": 0, "errmsg": "ok", "access_token": "token-1", "expires_in": 7200}
        self.seen.append(seen)
        queue = self.answers[seen.path]
        chosen = queue.pop(0) if len(queue) > 1 else queue[0] if queue else {}
        if callable(chosen):
            chosen = chosen(seen.json)
        return {"errcode": 0, "errmsg": "ok", **chosen}


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    server = Loopback()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            target = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            seen = Seen(self.command, target.path, dict(parse_qsl(target.query)), body, self.headers.get("content-type", ""))
            answer = json.dumps(server.reply(seen), ensure_ascii=False).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json; charset=UTF-8")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = _serve  # noqa: N815 -- the names that http.server looks for

        def log_message(self, *_: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{http.server_port}"
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    http.shutdown()
    http.server_close()


@pytest.fixture
def wecom(loopback: Loopback) -> Iterator[WeCom]:
    with WeCom("ww1", "secret-of-the-app", base_url=loopback.url) as client:
        yield client


@pytest.fixture
def watch() -> Clock:
    return Clock(datetime(2026, 11, 2, 2, 0, tzinfo=UTC).timestamp())  # a Monday, 10 o'clock in Beijing


@pytest.fixture(params=["sync", "async"])
def either(request: pytest.FixtureRequest, loopback: Loopback, watch: Clock) -> Callable[[Callable[[Any], Any]], Any]:
    """Do something with a client, of either mode: `either(lambda wecom: wecom.moments.publish(…))`; an iterator becomes a list."""

    def with_threads(work: Callable[[Any], Any]) -> Any:
        with WeCom("ww1", "secret-of-the-app", base_url=loopback.url, clock=watch) as client:
            result = work(client)
            return list(result) if isinstance(result, Iterator) else result

    async def with_tasks(work: Callable[[Any], Any]) -> Any:
        async with AsyncWeCom("ww1", "secret-of-the-app", base_url=loopback.url, clock=watch) as client:
            result = work(client)
            return [item async for item in result] if hasattr(result, "__aiter__") else await result

    if request.param == "sync":
        return with_threads
    return lambda work: asyncio.run(with_tasks(work))


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the catalogue of API facts is not beside this checkout")
    return SHARED
