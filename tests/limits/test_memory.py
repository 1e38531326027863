"""The limiter of one process: windows, calls in flight, the line, and what refusals teach."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from siyu_sdk import AsyncWeCom, InputError, WeCom
from siyu_sdk.core.limits import Learnt, Rule, Turn
from siyu_sdk.limits import Limit, MemoryLimiter, Refusal
from siyu_sdk.wecom.customers import Customers

FLOOD = Refusal(concurrent=False, seconds=60)
CROWD = Refusal(concurrent=True, seconds=0)


def test_so_many_in_a_window_that_slides(line: Any) -> None:
    line = line(MemoryLimiter(), Limit(per_minute=3))
    assert [line.call(now) for now in (0.0, 10.0, 20.0)] == [0, 0, 0]
    assert line.call(30.0) == pytest.approx(30.6)
    assert line.call(60.7) == 0
    assert line.call(60.8) == pytest.approx(9.8)
    assert line.call(1000.0) == 0


def test_several_windows_at_once_and_the_longest_wait_counts(line: Any) -> None:
    line = line(MemoryLimiter(), Limit(per_second=2, per_minute=3))
    assert [line.call(0.0), line.call(0.0)] == [0, 0]
    assert line.call(0.5) == pytest.approx(0.51)
    assert line.call(2.0) == 0
    assert line.call(4.0) == pytest.approx(56.6)


def test_a_call_counts_until_a_window_after_its_end_whatever_the_network_does(line: Any) -> None:
    line = line(MemoryLimiter(), Limit(per_second=1))
    _, slow = line.ask(0.0)
    assert line.call(5.0) >= 1
    line.end(slow, 9.0)
    assert line.call(9.5) > 0.4
    assert line.call(10.02) == 0


def test_so_many_in_flight_first_come_first_served(line: Any) -> None:
    line = line(MemoryLimiter(), Limit(concurrent=2))
    (_, one), (_, two) = line.ask(0.0), line.ask(0.0)
    wait, third = line.ask(0.0)
    _, fourth = line.ask(0.0)
    assert wait > 1
    assert not third.called.done()
    line.end(one, 1.0)
    assert third.called.done()
    assert not fourth.called.done()
    assert line.ask(1.0)[0] > 0, "a newcomer does not overtake"
    assert line.ask(1.0, fourth)[0] > 0
    assert line.ask(1.0, third)[0] == 0
    line.end(two, 1.0)
    assert line.ask(1.0, fourth)[0] == 0


def test_whoever_gives_up_makes_way(line: Any) -> None:
    line = line(MemoryLimiter(), Limit(concurrent=1))
    _, one = line.ask(0.0)
    _, two = line.ask(0.0)
    _, three = line.ask(0.0)
    line.end(one, 1.0)
    assert two.called.done()
    line.end(two, 1.0)
    assert three.called.done()
    assert line.ask(1.0, three)[0] == 0
    assert line.ask(1.0, two) == (0, two), "one that was given up counts for nothing"
    line.end(two, 1.0)
    line.end(three, 1.0)
    assert line.limiter.flying == 0


def test_what_counts_for_two_things_takes_a_place_of_both_or_of_none() -> None:
    limiter, one, two = MemoryLimiter(), Rule("one", Limit(concurrent=9)), Rule("two", Limit(concurrent=1))
    both, first = Turn((one, two)), Turn((two,))
    assert limiter.acquire(first, 0.0) == 0
    assert limiter.acquire(both, 0.0) > 0
    assert limiter._scopes["one"].flying == 0
    limiter.release(first, 0.0)
    assert limiter.acquire(both, 0.0) == 0
    assert (limiter._scopes["one"].flying, limiter._scopes["two"].flying) == (1, 1)


def test_a_long_line_is_no_reason_to_give_up_but_a_used_up_day_is(line: Any) -> None:
    minute = line(MemoryLimiter(), Limit(per_minute=10))
    assert all(minute.call(0.0) == 0 for _ in range(10))
    assert max(minute.ask(1.0)[0] for _ in range(100)) <= 120
    day = line(MemoryLimiter(), Limit(per_day=1))
    day.call(0.0)
    assert day.call(10.0) > 86_000


def test_a_clock_that_is_turned_back_frees_what_it_counted(line: Any) -> None:
    line = line(MemoryLimiter(), Limit(per_minute=1))
    assert line.call(10_000.0) == 0
    assert line.call(50.0) == 0
    assert line.call(51.0) > 0


def test_an_api_that_is_shut_opens_again_though_the_clock_was_turned_back(line: Any) -> None:
    line = line(MemoryLimiter(), Limit(per_minute=100))
    day = 86_400.0
    assert line.call(9 * day, FLOOD) == 0
    assert line.call(day) == pytest.approx(60), "the window, not the days between"
    wait, probe = line.ask(day + 61)
    assert wait == 0
    assert line.end(probe, day + 62, FLOOD) == pytest.approx(120), "what it is told now, it learns now"
    assert line.call(day + 190) == 0
    assert line.call(day + 191) == 0
    assert line.limiter._scopes["k"].learnt.rate(day + 191 + 1200) == 1


def test_a_forked_child_has_no_calls_in_flight(line: Any) -> None:
    line = line(MemoryLimiter(), Limit(concurrent=1))
    _, mine = line.ask(0.0)
    line.limiter._lock.acquire()  # another thread of the parent is in the midst of it
    child = os.fork()
    if child == 0:
        line.end(mine, 0.0)
        os._exit(0 if line.ask(0.0)[0] == 0 else 1)
    line.limiter._lock.release()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_keys_that_are_quiet_are_forgotten(line: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryLimiter, "MOST", 50)
    limiter = MemoryLimiter()
    for n in range(500):
        line(limiter, Limit(per_second=5), f"k{n}").call(float(n))
    assert len(limiter._scopes) <= 50
    assert line(limiter, Limit(per_second=5), "k499").call(499.0) == 0
    assert limiter._scopes["k499"].windows[0].total == 2


def test_what_is_in_use_is_never_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryLimiter, "MOST", 2)
    limiter, account = MemoryLimiter(), Rule("account", Limit(concurrent=1))
    limiter.release(Turn((Rule("other", Limit()),)), 0.0)
    first = Turn((account, Rule("address", Limit(concurrent=9)), Rule("third", Limit(concurrent=9))))
    assert limiter.acquire(first, 0.0) == 0
    assert limiter.acquire(Turn((account,)), 0.0) > 0, "there is room for one"


def test_many_busy_keys_are_not_looked_through_at_every_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = 0

    def quiet(self: Any, now: float) -> bool:
        nonlocal looked
        looked += 1
        return False

    monkeypatch.setattr(MemoryLimiter, "MOST", 50)
    monkeypatch.setattr("siyu_sdk.core.limits._Scope.quiet", quiet)
    limiter = MemoryLimiter()
    for n in range(5000):
        limiter.acquire(Turn((Rule(f"k{n}", Limit(per_day=5)),)), float(n))
    assert looked < 3 * 5000


@pytest.mark.parametrize("name", ["concurrent", "per_second", "per_minute", "per_hour", "per_day", "per_month"])
@pytest.mark.parametrize("figure", [0, -1])
def test_a_limit_of_nothing_is_refused(name: str, figure: int) -> None:
    with pytest.raises(InputError, match=name):
        Limit(**{name: figure})


# What refusals teach


def test_a_flood_shuts_the_api_for_its_window_and_one_call_tries_first(line: Any) -> None:
    line = line(MemoryLimiter(), Limit(per_minute=100))
    assert line.call(0.5) == 0
    (_, one), (_, two) = line.ask(1.0), line.ask(1.0)
    assert line.end(one, 1.1, FLOOD) == 60
    assert line.end(two, 1.2, FLOOD) == pytest.approx(59.9), "it was in flight already: no new lesson"
    assert line.call(30.0) == pytest.approx(31.1)
    wait, probe = line.ask(61.2)
    assert wait == 0
    assert line.ask(61.2)[0] > 0, "the others wait for the one that tries"
    line.end(probe, 61.3)
    assert line.call(61.4) == 0
    assert 50 <= 100 * line.limiter._scopes["k"].learnt.rate(61.4) < 56


def test_one_that_is_refused_again_waits_twice_as_long(line: Any) -> None:
    line = line(MemoryLimiter(), Limit(per_minute=100))
    now, shut = 0.0, list[float]()
    for _ in range(9):
        _, turn = line.ask(now)
        shut.append(line.end(turn, now, FLOOD))
        now += shut[-1] + 0.1
    assert [round(seconds) for seconds in shut] == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert line.limiter._scopes["k"].learnt.share >= 0.05


def test_the_rate_comes_back_slowly(line: Any) -> None:
    line = line(MemoryLimiter(), Limit(per_minute=100))
    line.call(0.0, FLOOD)
    line.call(61.0)
    rates = [round(line.limiter._scopes["k"].learnt.rate(now), 2) for now in (61.0, 120.0, 300.0, 590.0)]
    assert rates == [0.55, 0.6, 0.75, 0.99]
    line.call(700.0)
    assert line.limiter._scopes["k"].learnt is None


def test_a_crowd_halves_what_is_in_flight_even_where_no_figure_is_known(line: Any) -> None:
    line = line(MemoryLimiter(), Limit())
    turns = [line.ask(1.0)[1] for _ in range(8)]
    for turn in turns[:3]:
        assert line.end(turn, 1.1, CROWD) == 0
    for turn in turns[3:]:
        line.end(turn, 1.2)
    assert sum(line.ask(2.0)[0] == 0 for _ in range(10)) == 4
    assert Learnt(at_once=4, since=1.1).room(32.0, None) == 7


def test_what_the_platform_asks_for_goes_before_what_one_would_guess(line: Any) -> None:
    line = line(MemoryLimiter(), Limit())
    assert line.call(1.0, Refusal(concurrent=False, seconds=17.0)) == 0
    assert line.call(2.0) == pytest.approx(16)


# Clients


@pytest.mark.parametrize("mode", ["threads", "tasks"])
async def test_however_many_call_at_once_no_more_than_five_are_in_flight_and_none_polls(strict: Any, mode: str) -> None:
    platform = strict(mode == "tasks", clock=_Real(), latency=0.005)
    limiter = _Counting()
    marks = [Customers.mark_tag("amy", f"wm{n}", add_tag=["t"]) for n in range(200)]
    if mode == "tasks":
        async with AsyncWeCom("ww1", "s", transport=platform, limiter=limiter) as client:
            await asyncio.gather(*(client.send(mark) for mark in marks))
    else:

        def work() -> None:
            with WeCom("ww1", "s", transport=platform, limiter=limiter) as client, ThreadPoolExecutor(40) as pool:
                list(pool.map(client.send, marks))

        await asyncio.to_thread(work)
    assert (platform.refused, platform.most) == ([], 5)
    assert len(platform.served) == 200
    assert limiter.asked <= 201 * 2.2, "asked once, and again when called"


class _Real:
    time = staticmethod(time.time)


class _Counting(MemoryLimiter):
    asked = 0

    def acquire(self, turn: Turn, now: float) -> float:
        self.asked += 1
        return super().acquire(turn, now)


async def test_a_task_that_is_cancelled_in_line_makes_way(strict: Any) -> None:
    platform = strict(True, clock=_Real(), latency=0.2, at_once=1)
    limiter = MemoryLimiter()
    own = {"/cgi-bin/externalcontact/mark_tag": Limit(concurrent=1)}
    async with AsyncWeCom("ww1", "s", transport=platform, limiter=limiter, limits=own) as client:
        await client.customers.mark_tag("amy", "wm0", add_tag=["t"])
        first, second, third = (asyncio.create_task(client.customers.mark_tag("amy", f"wm{n}", add_tag=["t"])) for n in range(3))
        await asyncio.sleep(0.05)
        second.cancel()
        await first
        await asyncio.wait_for(third, 1)
        with pytest.raises(asyncio.CancelledError):
            await second
    assert limiter.flying == 0
    assert platform.refused == []


def test_the_token_is_fetched_after_the_wait_not_before(strict: Any) -> None:
    """What is signed before it stands in line may be too old when it is sent."""
    platform = strict(False, clock=_Real(), latency=0.0)
    limiter, seen = MemoryLimiter(), list[str]()
    own = Limit(concurrent=1)
    holder = Turn((Rule("wecom:ww1:POST /cgi-bin/externalcontact/mark_tag", own),))
    limiter.acquire(holder, time.time())

    class Watching(type(platform)):  # type: ignore[misc]
        def send(self, request: Any) -> Any:
            seen.append(request.target)
            return super().send(request)

    with WeCom("ww1", "s", transport=Watching(clock=_Real()), limiter=limiter, limits={"*": own}) as client:
        marking = threading.Thread(target=client.customers.mark_tag, args=("amy", "wm1"), kwargs={"add_tag": ["t"]})
        marking.start()
        time.sleep(0.1)
        assert seen == []
        limiter.release(holder, time.time())
        marking.join(5)
    assert ["gettoken" in target for target in seen] == [True, False]
