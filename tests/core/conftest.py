"""A platform of our own on loopback: it hands out tokens, answers what a test tells it, and misbehaves on request."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from attrs import define, field
from hypothesis import settings

from siyu_sdk import AsyncWeCom, MiniProgram, WeCom

from ..loopback import OK, Answer, Clock, Seen, serve

settings.register_profile("siyu", deadline=None)  # two busy cores are no reason to fail
settings.load_profile("siyu")

SECRET = "CANARY-corpsecret-5f0c"
CUSTOMER = {**OK, "external_contact": {"external_userid": "wm1", "name": "小榴莲🍈"}, "follow_user": []}

Reply = dict[str, Any] | Answer | Callable[[Seen], Any]


@define
class Platform:
    """The server, from a test's side. Tokens are `CANARY-token-1`, `-2`, …"""

    url: str = ""
    seen: list[Seen] = field(factory=list)
    replies: dict[str, list[Reply]] = field(factory=lambda: defaultdict(list))
    tokens_given: int = 0
    current: str = ""
    """Set it to a token to have all others refused with 40014."""
    most_in_flight: int = 0
    _in_flight: int = 0
    lock: Any = field(factory=threading.Lock, repr=False)

    # What a test says

    def answer(self, path: str, *replies: Reply) -> None:
        """Answer a path with these in turn; the last one stays."""
        self.replies[path] = list(replies)

    def calls(self, path: str | None = None) -> list[Seen]:
        """What arrived, the fetching of tokens apart."""
        return [s for s in self.seen if (s.path == path if path else "token" not in s.path)]

    def wait_for(self, path: str, count: int = 1) -> None:
        """Wait until so many calls of a path have arrived."""
        end = time.monotonic() + 10
        while len(self.calls(path)) < count:
            if time.monotonic() > end:
                raise TimeoutError(f"{len(self.calls(path))} of {count} calls of {path} have arrived")
            time.sleep(0.002)

    @property
    def token_requests(self) -> int:
        return sum("token" in s.path for s in self.seen)

    @staticmethod
    def text(body: str | bytes, status: int = 200, **headers: str) -> Answer:
        content = body if isinstance(body, bytes) else body.encode()
        return Answer(content, status, {k.replace("_", "-"): v for k, v in headers.items()})

    @staticmethod
    def json(value: Any, status: int = 200, **headers: str) -> Answer:
        return Answer(json.dumps(value).encode(), status, {k.replace("_", "-"): v for k, v in headers.items()})

    @staticmethod
    def reset(_: Seen) -> Answer:
        """Tear the connection down after the request has been read."""
        raise ConnectionAbortedError

    @staticmethod
    def silent(seconds: float) -> Callable[[Seen], Any]:
        """Answer, but too late."""

        def wait(_: Seen) -> dict[str, Any]:
            time.sleep(seconds)
            return OK

        return wait

    # What the server does

    def reply(self, seen: Seen) -> Any:
        with self.lock:
            self.seen.append(seen)
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
        try:
            return self._reply(seen)
        finally:
            with self.lock:
                self._in_flight -= 1

    def _reply(self, seen: Seen) -> Any:
        with self.lock:
            queue = self.replies[seen.path]
            chosen = queue.pop(0) if len(queue) > 1 else queue[0] if queue else None
            if chosen is None and "token" in seen.path:
                self.tokens_given += 1
                return {**OK, "access_token": f"CANARY-token-{self.tokens_given}", "expires_in": 7200}
        if self.current and seen.token and seen.token != self.current:
            return {"errcode": 40014, "errmsg": "invalid access_token"}
        if callable(chosen):
            return chosen(seen)
        return CUSTOMER if chosen is None else chosen


@pytest.fixture
def platform() -> Iterator[Platform]:
    platform = Platform()
    with serve(platform.reply) as platform.url:
        yield platform


@pytest.fixture
def wecom(platform: Platform, clock: Clock) -> Iterator[WeCom]:
    with WeCom("ww1", SECRET, base_url=platform.url, clock=clock, timeout=5) as client:
        yield client


@pytest.fixture
async def async_wecom(platform: Platform, clock: Clock) -> Any:
    async with AsyncWeCom("ww1", SECRET, base_url=platform.url, clock=clock, timeout=5) as client:
        yield client


@pytest.fixture
def miniprogram(platform: Platform, clock: Clock) -> Iterator[MiniProgram]:
    with MiniProgram("wx1", SECRET, base_url=platform.url, clock=clock, timeout=5) as client:
        yield client


@pytest.fixture
def dead_url() -> str:
    """An address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"
