"""Limits that processes keep together, over a real Redis."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
import warnings
from typing import Any

import pytest

pytest.importorskip("redis")
import redis
import redis.asyncio

from siyu_sdk import AsyncWeCom, Gather, InputError, SiyuError, WeCom
from siyu_sdk.core.limits import Turn
from siyu_sdk.limits import Limit, RedisLimiter, Refusal
from siyu_sdk.wecom.customers import Customers

MARK = "/cgi-bin/externalcontact/mark_tag"
FLOOD = Refusal(concurrent=False, seconds=0.4)
CROWD = Refusal(concurrent=True, seconds=0)

WORKER = """
import json, os, sys, threading, time
from siyu_sdk.core.limits import Rule, Turn
from siyu_sdk.limits import Limit, RedisLimiter

url, what, count = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
limiter, rules, spans, lock = RedisLimiter(url, lease=2.0), (Rule("k", Limit(**what)),), [], threading.Lock()

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
    took = begins[-1] - begins[0]
    print(f"320 calls at 100 a second in {took:.2f} s")
    assert took < 6


def test_a_killed_process_gives_its_places_back(redis_url: str, line: Any) -> None:
    dying = worker(redis_url, {"concurrent": 2}, 1, HANG="1")
    assert dying.stdout is not None
    assert dying.stdout.readline() == "in flight\n"
    assert dying.stdout.readline() == "in flight\n"
    dying.kill()
    dying.wait()
    dying.stdout.close()
    line = line(RedisLimiter(redis_url, lease=2.0), Limit(concurrent=2))
    began = time.monotonic()
    wait, turn = line.ask(time.time())
    assert 0 < wait < 0.1
    while line.ask(time.time(), turn)[0]:
        time.sleep(0.05)
    assert time.monotonic() - began < 3


def test_several_windows_and_several_things_at_once(redis_url: str, line: Any) -> None:
    line = line(RedisLimiter(redis_url), Limit(per_second=5, per_minute=7))
    now = time.time()
    assert [line.call(now) for _ in range(5)] == [0] * 5
    assert 0.5 < line.call(now) <= 1.02
    time.sleep(1.05)
    assert [line.call(time.time()) for _ in range(2)] == [0, 0]
    assert 50 < line.call(time.time()) <= 61


def test_what_one_learns_holds_for_all(redis_url: str, line: Any) -> None:
    one, two = (line(RedisLimiter(redis_url), Limit(per_minute=1000)) for _ in range(2))
    assert two.call(time.time()) == 0
    _, turn = one.ask(time.time())
    assert 0.3 < one.end(turn, time.time(), FLOOD) <= 0.41
    assert 0.2 < two.call(time.time()) <= 0.41
    time.sleep(0.45)
    wait, probe = two.ask(time.time())
    assert wait == 0
    assert one.call(time.time()) > 0, "while one tries, the others wait"
    two.end(probe, time.time())
    assert one.call(time.time()) == 0
    with redis.Redis.from_url(redis_url) as client:
        learnt = json.loads(client.get("{siyu-limits}:k:learnt") or b"{}")
    assert 0.5 <= learnt["share"] < 0.51
    assert not learnt["probing"]


def test_a_crowd_is_learnt_once_for_all(redis_url: str, line: Any) -> None:
    lines = [line(RedisLimiter(redis_url), Limit(concurrent=8)) for _ in range(2)]
    turns = [(one, one.ask(time.time())[1]) for one in lines for _ in range(4)]
    for one, turn in turns[2:6]:  # two of each
        one.end(turn, time.time(), CROWD)
    for one, turn in turns:
        one.end(turn, time.time())
    free = [one.ask(time.time())[0] == 0 for one in lines * 4]
    assert sum(free) == 4


def test_a_redis_that_is_away_costs_one_warning_and_no_call(servers: Any, line: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from siyu_sdk.core import redis_limits

    monkeypatch.setattr(redis_limits, "REST", 0.3)
    with servers.redis_server() as (port, process):
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
        with servers.redis_server(port=port):
            time.sleep(0.35)
            assert line.call(time.time()) == 0
            with redis.Redis(port=port) as client:
                assert client.exists("{siyu-limits}:k:flights") == 0
                assert line.ask(time.time())[0] == 0
                assert client.zcard("{siyu-limits}:k:flights") == 1


def test_a_warning_that_is_an_error_fails_no_call(servers: Any, line: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert line(RedisLimiter(f"redis://127.0.0.1:{servers.free_port()}"), Limit(concurrent=2)).call(time.time()) == 0


def test_what_is_not_understood_teaches_nothing(redis_url: str, line: Any) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.set("{siyu-limits}:k:learnt", "[1, 2")
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
