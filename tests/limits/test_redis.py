"""Limits that processes keep together, over a real Redis."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("redis")
import redis
import redis.asyncio
from attrs import define
from redis.backoff import NoBackoff
from redis.retry import Retry

from siyu_sdk import AsyncWeCom, Gather, InputError, SiyuError, WeCom
from siyu_sdk.core import redis_limits
from siyu_sdk.core.limits import Turn
from siyu_sdk.limits import Limit, RedisLimiter, Refusal
from siyu_sdk.wecom.customers import Customers

from ..servers import free_port, redis_server

MARK = "/cgi-bin/externalcontact/mark_tag"
FLOOD = Refusal(concurrent=False, seconds=60)
CROWD = Refusal(concurrent=True, seconds=0)

STANDING = ("redis.call('TIME')", "{redis.call('GET', '{siyu-limits}:clock'), 0}")
"""Of the script: whence it has the time, and whence where the test moves it."""

WORKER = f"""
import json, os, sys, threading, time
from siyu_sdk.core import redis_limits
from siyu_sdk.core.limits import Rule, Turn
from siyu_sdk.limits import Limit, RedisLimiter

if os.environ.get("STANDING"):
    redis_limits.SCRIPT = redis_limits.SCRIPT.replace{STANDING!r}
url, what, count = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
limiter, rules, spans, lock = RedisLimiter(url, lease=20.0), (Rule("k", Limit(**what)),), [], threading.Lock()

def work():
    for _ in range(count):
        turn = Turn(rules)
        while wait := limiter.acquire(turn, time.time()):
            time.sleep(wait) if turn.called is None else turn.called.result(wait)
        began = time.monotonic()
        time.sleep(0.003)
        with lock:
            spans.append((began, time.monotonic()))
        if os.environ.get("HANG"):
            with lock:
                print("in flight", flush=True)
            time.sleep(60)
        limiter.release(turn, time.time())

threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(json.dumps(spans))
"""


@define
class Moved:
    """Redis's time and that of its callers: it moves when the test says so."""

    client: redis.Redis
    now: float = 1_790_000_000.0

    def forward(self, seconds: float) -> float:
        self.now += seconds
        self.client.set("{siyu-limits}:clock", self.now)
        return self.now


@pytest.fixture
def moved(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Moved]:
    assert STANDING[0] in redis_limits.SCRIPT
    monkeypatch.setattr(redis_limits, "SCRIPT", redis_limits.SCRIPT.replace(*STANDING))
    with redis.Redis.from_url(redis_url) as client:
        moved = Moved(client)
        moved.forward(0)
        yield moved


def worker(url: str, limit: dict[str, int], count: int, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WORKER, url, json.dumps(limit), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})


def test_four_processes_together_keep_to_a_rate_and_to_a_room(redis_url: str) -> None:
    workers = [worker(redis_url, {"per_second": 100, "concurrent": 6}, 10) for _ in range(4)]
    spans = sorted((tuple(span) for one in workers for span in json.loads(one.communicate(timeout=60)[0])), key=lambda span: span[0])
    assert len(spans) == 320
    begins = [began for began, _ in spans]
    assert all(later - earlier >= 0.999 for earlier, later in zip(begins, begins[100:], strict=False))
    assert max(sum(1 for began, ended in spans if began <= at < ended) for at in begins) <= 6
    print(f"320 calls at 100 a second in {begins[-1] - begins[0]:.2f} s")


def test_a_killed_process_gives_its_places_back(redis_url: str, moved: Moved, line: Any) -> None:
    dying = worker(redis_url, {"concurrent": 2}, 1, HANG="1", STANDING="1")
    assert dying.stdout is not None
    assert dying.stdout.readline() == "in flight\n"
    assert dying.stdout.readline() == "in flight\n"
    dying.kill()
    dying.wait()
    dying.stdout.close()
    line = line(RedisLimiter(redis_url), Limit(concurrent=2))
    wait, turn = line.ask(moved.forward(19))
    assert 0 < wait < 0.1, "full: one looks again soon"
    assert line.ask(moved.forward(2), turn)[0] == 0


def test_several_windows_and_several_things_at_once(redis_url: str, moved: Moved, line: Any) -> None:
    line = line(RedisLimiter(redis_url), Limit(per_second=5, per_minute=7))
    assert [line.call(moved.now) for _ in range(5)] == [0] * 5
    assert line.call(moved.now) == pytest.approx(1.01)
    moved.forward(1.02)
    assert [line.call(moved.now) for _ in range(2)] == [0, 0]
    assert line.call(moved.now) == pytest.approx(60.6 - 1.02)


def test_what_one_learns_holds_for_all(redis_url: str, moved: Moved, line: Any) -> None:
    one, two = (line(RedisLimiter(redis_url), Limit(per_minute=1000)) for _ in range(2))
    assert two.call(moved.now) == 0
    _, turn = one.ask(moved.now)
    assert one.end(turn, moved.forward(1), FLOOD) == pytest.approx(60, abs=1)
    assert two.call(moved.forward(20)) == pytest.approx(40, abs=1)
    wait, probe = two.ask(moved.forward(41))
    assert wait == 0
    assert one.call(moved.now) > 0, "while one tries, the others wait"
    two.end(probe, moved.forward(1))
    assert one.call(moved.now) == 0
    learnt = json.loads(moved.client.get("{siyu-limits}:k:learnt") or b"{}")  # type: ignore[arg-type]
    assert learnt["share"] == 0.5
    assert not learnt["probing"]


def test_calls_that_are_held_back_elsewhere_use_nothing_up_here(redis_url: str, moved: Moved, line: Any) -> None:
    one, two = (line(RedisLimiter(redis_url), Limit(per_minute=3)) for _ in range(2))
    assert [two.call(moved.now) for _ in range(3)] == [0] * 3
    assert all(one.call(moved.now) > 0 for _ in range(50)), "sent by nobody"
    assert [one.call(moved.forward(61)) for _ in range(1)] == [0]
    assert one.limiter._near._scopes["k"].windows[0].total == 1


def test_a_crowd_is_learnt_once_for_all(redis_url: str, moved: Moved, line: Any) -> None:
    lines = [line(RedisLimiter(redis_url), Limit(concurrent=8)) for _ in range(2)]
    turns = [(one, one.ask(moved.now)[1]) for one in lines for _ in range(4)]
    for one, turn in turns[2:6]:  # two of each, which take their time to say so
        now = moved.now
        moved.forward(0.5)
        one.end(turn, now, CROWD)
    for one, turn in turns:
        one.end(turn, moved.now)
    free = [one.ask(moved.now)[0] == 0 for one in lines * 4]
    assert sum(free) == 4


def test_a_redis_that_is_away_costs_one_warning_and_no_call(line: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from siyu_sdk.core import redis_limits

    monkeypatch.setattr(redis_limits, "REST", 0.3)
    with redis_server() as (port, process):
        line = line(RedisLimiter(f"redis://127.0.0.1:{port}"), Limit(concurrent=2))
        _, begun = line.ask(time.time())
        process.terminate()
        process.wait()
        with pytest.warns(RuntimeWarning, match="RedisLimiter cannot be reached"):
            line.end(begun, time.time())
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            (_, one), (_, two) = line.ask(time.time()), line.ask(time.time())
            assert line.call(time.time()) > 0, "each process counts for itself"
            line.end(one, time.time())
            line.end(two, time.time())
        with redis_server(port=port):
            time.sleep(0.35)
            assert line.call(time.time()) == 0
            with redis.Redis(port=port) as client:
                assert client.exists("{siyu-limits}:k:flights") == 0
                assert line.ask(time.time())[0] == 0
                assert client.zcard("{siyu-limits}:k:flights") == 1


def test_a_warning_that_is_an_error_fails_no_call(line: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert line(RedisLimiter(f"redis://127.0.0.1:{free_port()}"), Limit(concurrent=2)).call(time.time()) == 0


def test_a_redis_that_hangs_is_waited_for_by_one_caller_at_a_time(line: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(200)
        client = redis.Redis(port=silent.getsockname()[1], socket_timeout=0.5, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 0))
        line = line(RedisLimiter(client), Limit(concurrent=100))
        with pytest.warns(RuntimeWarning):
            line.call(time.time())
        line.limiter._asked_again_at = time.monotonic() - 1  # ten seconds later
        began = time.monotonic()
        callers = [threading.Thread(target=line.call, args=(time.time(),)) for _ in range(20)]
        took = list[float]()
        callers += [threading.Thread(target=lambda: (line.call(time.time()), took.append(time.monotonic() - began))) for _ in range(20)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        assert sum(seconds > 0.4 for seconds in took) <= 1
        client.close()


@pytest.mark.parametrize(
    "garbage", ["[1, 2", "7", '{"until": "soon"}', '{"until": NaN}', '{"since": null, "probing": 3}', '{"share": "all"}']
)
def test_what_is_not_understood_teaches_nothing(garbage: str, redis_url: str, line: Any) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.set("{siyu-limits}:k:learnt", garbage)
    line = line(RedisLimiter(redis_url), Limit(concurrent=2))
    assert line.call(time.time()) == 0
    assert line.call(time.time(), FLOOD) == 0
    assert line.call(time.time()) > 0


def test_one_that_gives_up_while_a_thread_asks_leaves_nothing_behind(redis_url: str, line: Any) -> None:
    limiter = RedisLimiter(redis_url)
    line = line(limiter, Limit(concurrent=1))
    turn = Turn(line.rules)
    ask = limiter._ask

    def slowly(what: str, turn: Turn, *more: Any) -> str | None:
        limiter._ask = ask  # type: ignore[method-assign]
        answer = ask(what, turn, *more)
        line.end(turn, time.time())
        return answer

    limiter._ask = slowly  # type: ignore[assignment, method-assign]
    line.ask(time.time(), turn)
    with redis.Redis.from_url(redis_url) as client:
        assert client.zcard("{siyu-limits}:k:flights") == 0
    assert line.call(time.time()) == 0


async def test_two_clients_for_tasks_share_a_room(redis_url: str, strict: Any) -> None:
    platform = strict(True, latency=0.004)
    clients = [AsyncWeCom("ww1", "s", transport=platform, limiter=RedisLimiter(redis_url)) for _ in range(2)]
    calls = [Customers.mark_tag("amy", f"wm{n}", add_tag=["t"]) for n in range(60)]
    outcomes = await asyncio.gather(*(client.run(iter(Gather(calls, limit=10))) for client in clients))
    assert not any(isinstance(outcome, SiyuError) for both in outcomes for outcome in both)
    assert (platform.refused, len(platform.served)) == ([], 120)
    assert platform.most <= 5


async def test_a_task_that_is_cancelled_gives_its_place_back(redis_url: str, strict: Any) -> None:
    platform = strict(True, latency=5.0)
    client = AsyncWeCom("ww1", "s", transport=platform, limiter=RedisLimiter(redis_url), cache=_tokens())
    task = asyncio.create_task(client.customers.mark_tag("amy", "wm1", add_tag=["t"]))
    while not platform.flying:  # noqa: ASYNC110 -- the platform is no part of this loop
        await asyncio.sleep(0.01)
    with redis.Redis.from_url(redis_url) as plain:
        (key,) = [key for key in plain.keys("*mark_tag:flights")]  # noqa: C416 -- typed as an awaitable too
        assert plain.zcard(key) == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert plain.zcard(key) == 0


def _tokens() -> Any:
    from siyu_sdk.caches import MemoryTokenCache, Token

    class Given(MemoryTokenCache):
        def peek(self, key: str) -> Token:
            return Token("t", 9e9)

    return Given()


def test_a_cluster_finds_all_keys_in_one_slot(redis_url: str, strict: Any) -> None:
    platform = strict(False, latency=0.0)
    with WeCom("ww1", "s", transport=platform, limiter=RedisLimiter(redis_url, prefix="test:")) as client:
        client.customers.mark_tag("amy", "wm1", add_tag=["t"])
    with redis.Redis.from_url(redis_url) as plain:
        keys = [key.decode() for key in plain.keys("*")]
    assert keys
    assert all(key.startswith("test:{siyu-limits}:") for key in keys)
    assert not any("ww1-secret" in key for key in keys)


def test_what_cannot_work_is_refused(redis_url: str) -> None:
    with pytest.raises(InputError, match="threads"):
        RedisLimiter(redis.asyncio.Redis.from_url(redis_url))
    with pytest.raises(InputError, match="lease"):
        RedisLimiter(redis_url, lease=0)
    assert "127.0.0.1" not in repr(RedisLimiter(redis_url))
