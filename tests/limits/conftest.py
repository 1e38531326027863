"""A clock that runs fast, and a platform that counts calls as strictly as one could: what it refuses, it remembers."""

from __future__ import annotations

import asyncio
import heapq
import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import define, field

from siyu_sdk.core.http import Request, Response
from siyu_sdk.core.limits import Rule, Turn
from siyu_sdk.limits import Limit, Limiter, Refusal

MARK = "/cgi-bin/externalcontact/mark_tag"


@define
class FastClock:
    """Real time, so many times as fast."""

    speed: float = 60.0
    began: float = field(factory=time.monotonic)

    def time(self) -> float:
        return 1_790_000_000 + (time.monotonic() - self.began) * self.speed

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time(), UTC)

    def sleep(self, seconds: float) -> float:
        return seconds / self.speed


class QuickLoop(asyncio.SelectorEventLoop):
    """An event loop that does not wait: where nothing is left to do, the next timer's time has come. The machine's pace plays no part."""

    _at = 0.0

    def __init__(self) -> None:
        super().__init__()
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self._at

    def _run_once(self) -> None:
        timers: Any = self._scheduled  # type: ignore[attr-defined]
        while timers and timers[0]._cancelled:
            self._timer_cancelled_count -= 1  # type: ignore[attr-defined]
            heapq.heappop(timers)._scheduled = False
        if timers and not self._ready:  # type: ignore[attr-defined]
            self._at = max(self._at, timers[0]._when)
        super()._run_once()  # type: ignore[misc]


class LoopClock:
    """The time of the running event loop."""

    def time(self) -> float:
        return 1_790_000_000 + asyncio.get_running_loop().time()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time(), UTC)

    def sleep(self, seconds: float) -> float:
        return seconds


@pytest.fixture
def quickly() -> Iterator[Any]:
    """Runs a coroutine in a loop that does not wait."""
    with asyncio.Runner(loop_factory=QuickLoop) as runner:
        yield runner.run


@define(eq=False)
class Strict:
    """Refuses the call that is one too many in any window, or in flight. What it refused counts as well: hammering does not help."""

    clock: Any = field(factory=FastClock)
    calls: int = 10_000
    seconds: float = 60.0
    at_once: int = 5
    latency: float = 0.02
    refused: list[int] = field(factory=list)
    served: list[float] = field(factory=list)
    """When each call was answered, by the platform's clock."""
    most: int = 0
    flying: int = 0
    tokens: int = 0
    shut_until: float = 0.0
    recent: deque[float] = field(factory=deque)
    lock: Any = field(factory=threading.Lock)

    def begin(self, request: Request) -> int:
        """The errcode of a call that arrives."""
        now = self.clock.time()
        with self.lock:
            if "gettoken" in request.target:
                self.tokens += 1
                return 0
            self.flying += 1
            self.most = max(self.most, self.flying)
            if self.flying > self.at_once:
                code = 45033
            else:
                while self.recent and self.recent[0] <= now - self.seconds:
                    self.recent.popleft()
                code = 45009 if now < self.shut_until or len(self.recent) >= self.calls else 0
                if code:
                    self.shut_until = max(self.shut_until, now + self.seconds)
            if code:
                self.refused.append(code)
            else:
                self.recent.append(now)
            return code

    def end(self, request: Request, code: int) -> Response:
        body: dict[str, Any] = {"errcode": code, "errmsg": "ok" if not code else "limit"}
        if "gettoken" in request.target:
            body |= {"access_token": f"t{self.tokens}", "expires_in": 7200}
        else:
            with self.lock:
                self.flying -= 1
                if not code:
                    self.served.append(self.clock.time())
        return Response(200, {"content-type": "application/json"}, json.dumps(body).encode())


class StrictAsync(Strict):
    """As a transport for tasks."""

    async def send(self, request: Request) -> Response:
        code = self.begin(request)
        try:
            await asyncio.sleep(self.latency)
        except asyncio.CancelledError:
            self.end(request, code)
            raise
        return self.end(request, code)

    async def aclose(self) -> None: ...


class StrictSync(Strict):
    """As a transport for threads."""

    def send(self, request: Request) -> Response:
        code = self.begin(request)
        time.sleep(self.latency)
        return self.end(request, code)

    def close(self) -> None: ...


@pytest.fixture
def strict() -> Any:
    """Makes platforms: `strict(is_async, calls=…)`."""

    def make(is_async: bool, **figures: Any) -> Strict:
        return (StrictAsync if is_async else StrictSync)(**({"clock": LoopClock()} if is_async else {}) | figures)

    return make


class Line:
    """A limiter with one rule, asked as the exchange asks it."""

    def __init__(self, limiter: Limiter, limit: Limit, key: str = "k") -> None:
        self.limiter, self.rules = limiter, (Rule(key, limit),)

    def ask(self, now: float, turn: Turn | None = None) -> tuple[float, Turn]:
        turn = turn or Turn(self.rules)
        return round(self.limiter.acquire(turn, now), 6), turn

    def end(self, turn: Turn, now: float, refusal: Refusal | None = None) -> float:
        return self.limiter.release(turn, now, refusal)

    def call(self, now: float, refusal: Refusal | None = None) -> float:
        """One call that takes no time: the seconds to wait for it, or 0."""
        wait, turn = self.ask(now)
        self.end(turn, now, refusal)
        return wait


@pytest.fixture
def line() -> Any:
    return Line
