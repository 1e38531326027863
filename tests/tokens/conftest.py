"""A platform on loopback that counts tokens and checks whose they are, and the stores that tokens are shared in."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from attrs import define, field

from siyu_sdk.caches import FileTokenCache, RedisTokenCache, SharedTokenCache, SQLTokenCache


@define(slots=False)  # tests put their own methods on it
class Platform:
    """Tokens are `CANARY-token-<corp>-<number>`; one that is not the company's newest is refused."""

    url: str = ""
    fetched: list[str] = field(factory=list)
    """Whom tokens were fetched for."""
    calls: int = 0
    refused: int = 0
    code: int = 42001
    """With which tokens are refused."""
    mixed: list[str] = field(factory=list)
    """Calls that came with another company's token."""
    bodies: list[dict[str, Any]] = field(factory=list)
    lives: Any = 7200
    """Seconds, as far as it says."""
    delay: float = 0.05
    """Seconds that fetching takes."""
    trouble: Callable[[], dict[str, Any] | None] | None = None
    """Asked before a token is given: what it gives is answered instead."""
    valid: dict[str, str] = field(factory=dict)
    lock: Any = field(factory=threading.Lock, repr=False)

    def void(self) -> None:
        """End all tokens before their time."""
        with self.lock:
            self.valid.clear()

    @property
    def count(self) -> Counter[str]:
        return Counter(self.fetched)

    def give(self, whose: str, name: str = "access_token", **more: Any) -> dict[str, Any]:
        with self.lock:
            self.fetched.append(whose)
            number = len(self.fetched)
        trouble = self.trouble() if self.trouble else None
        if trouble is not None:
            return trouble
        time.sleep(self.delay)
        with self.lock:
            token = self.valid[whose] = f"CANARY-token-{whose}-{number}"
        return {"errcode": 0, "errmsg": "ok", name: token, "expires_in": self.lives, **more}

    def check(self, whose: str, token: str | None) -> dict[str, Any] | None:
        with self.lock:
            self.calls += 1
            if token and not token.startswith(f"CANARY-token-{whose}-"):
                self.mixed.append(f"{whose}: {token}")
            if token != self.valid.get(whose):
                self.refused += 1
                return {"errcode": self.code, "errmsg": "access_token expired"}
        return None

    def answer(self, path: str, query: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:  # noqa: PLR0911 -- one for each path
        self.bodies.append({"path": path, **body})
        match path.removeprefix("/cgi-bin/"):
            case "gettoken":
                return self.give(query["corpid"])
            case "stable_token":
                return self.give(body["appid"])
            case "service/get_suite_token":
                if body["suite_ticket"] == "old":
                    return {"errcode": 40085, "errmsg": "invalid suite ticket"}
                return self.give(body["suite_id"], "suite_access_token")
            case "service/get_corp_token":
                bad = self.check("suite1", query.get("suite_access_token"))
                return {**bad, "errcode": 42009} if bad else self.give(body["auth_corpid"])
            case "service/get_pre_auth_code" | "component/api_create_preauthcode" as code:
                whose, kind = ("suite1", "suite") if code.startswith("service") else ("wxcomponent", "component")
                bad = self.check(whose, query.get(f"{kind}_access_token"))
                return bad or {"errcode": 0, "pre_auth_code": "pre", "expires_in": 1200}
            case "service/get_provider_token":
                return self.give(body["corpid"], "provider_access_token")
            case "component/api_component_token":
                return self.give(body["component_appid"], "component_access_token")
            case "component/api_authorizer_token":
                bad = self.check("wxcomponent", query.get("component_access_token"))
                number = int(body["authorizer_refresh_token"].rpartition("-")[2])
                if bad is None and number != len([w for w in self.fetched if w == body["authorizer_appid"]]):
                    return {"errcode": 61023, "errmsg": "refresh_token is invalid"}
                more = {"authorizer_refresh_token": f"CANARY-refresh-{number + 1}"}
                return {**bad, "errcode": 42006} if bad else self.give(body["authorizer_appid"], "authorizer_access_token", **more)
            case "get_jsapi_ticket":
                whose = query["access_token"].split("-")[2]
                return self.check(whose, query["access_token"]) or self.give(f"ticket of {whose}", "ticket")
            case _:
                whose = query.get("external_userid", "") or body.get("whose", "") or (query.get("access_token", "") + "--").split("-")[2]
                ok = {"errcode": 0, "external_contact": {"external_userid": whose}, "order": {"transaction_id": "1"}}
                return self.check(whose, query.get("access_token")) or ok


@pytest.fixture
def platform() -> Iterator[Platform]:
    platform = Platform()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            path, _, query = self.path.partition("?")
            answer = json.dumps(platform.answer(path, dict(parse_qsl(query)), json.loads(body) if body else {})).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = handle_any  # noqa: N815 -- named by the standard library

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 512

        def handle_error(self, *_: Any) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    platform.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield platform
    server.shutdown()
    server.server_close()
    thread.join()


# Stores


@define
class Store:
    """A store, and how to reach it from here and from another process."""

    kind: str
    address: str
    made: list[SharedTokenCache] = field(factory=list)

    def cache(self, **options: Any) -> SharedTokenCache:
        """A cache of its own, as another process would have it: only the store is shared."""
        kinds: dict[str, Any] = {"file": FileTokenCache, "redis": RedisTokenCache, "sqlite": SQLTokenCache, "postgres": SQLTokenCache}
        self.made.append(kinds[self.kind](self.address, **options))
        return self.made[-1]


KINDS = ("file", "redis", "sqlite", "postgres")


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    kind: str = request.param
    if kind == "redis":
        address = str(request.getfixturevalue("redis_url"))
    elif kind == "postgres":
        import sqlalchemy as sa

        address = str(request.getfixturevalue("postgres_url"))
        engine = sa.create_engine(address.replace("postgresql:", "postgresql+psycopg:"))
        with engine.begin() as connection:
            connection.execute(sa.text("DROP TABLE IF EXISTS siyu_tokens"))
        engine.dispose()
    else:
        address = str(tmp_path / "tokens") if kind == "file" else f"sqlite:///{tmp_path}/tokens.db"
    store = Store(kind, address)
    yield store
    for cache in store.made:
        cache.close()
