"""A small HTTP server on loopback that answers what a test tells it, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from attrs import define, field

from siyu_sdk.wecom.client import WeCom

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


@define
class Loopback:
    """The server, from a test's side."""

    url: str = ""
    seen: list[Seen] = field(factory=list)
    answers: dict[str, list[dict[str, Any]]] = field(factory=lambda: defaultdict(list))

    def answer(self, path: str, *replies: dict[str, Any]) -> None:
        """Answer calls of a path with these replies in turn; the last one stays."""
        self.answers[path] = list(replies)

    def calls(self, path: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.path == path]

    def reply(self, seen: Seen) -> dict[str, Any]:
        if seen.path == "/cgi-bin/gettoken":
            return {"errcode": 0, "errmsg": "ok", "access_token": "token-1", "expires_in": 7200}
        self.seen.append(seen)
        queue = self.answers[seen.path]
        chosen = queue.pop(0) if len(queue) > 1 else queue[0] if queue else {}
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


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the catalogue of API facts is not beside this checkout")
    return SHARED
