"""Ahead of its end a token is renewed by one caller while the others go on; tickets ride along; a token service of one's own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import define

from siyu_sdk import AsyncWeCom, DecodeError, InputError, NotSent, TokenExpired, UsageError, WeCom
from siyu_sdk.caches import MemoryTokenCache, Token
from siyu_sdk.wecom.tickets import Tickets

SECRET = "CANARY-corpsecret"


@define
class Clock:
    at: float = 1_790_000_000.0

    def time(self) -> float:
        return self.at

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)

    def sleep(self, seconds: float) -> float:
        return 0.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def wecom(platform: Any, clock: Clock) -> Iterator[WeCom]:
    with WeCom("corp1", SECRET, base_url=platform.url, clock=clock, timeout=10) as client:
        yield client


# Ahead of the end


def test_one_caller_renews_while_the_others_go_on_with_the_old_token(wecom: WeCom, platform: Any, clock: Clock) -> None:
    wecom.customers.get("corp1")
    old = dict(platform.valid)
    fetching, over = threading.Event(), threading.Event()

    def slow() -> None:
        fetching.set()
        over.wait(10)

    platform.trouble = slow
    clock.at += 6970
    with ThreadPoolExecutor(21) as pool:
        first = pool.submit(wecom.customers.get, "corp1")
        assert fetching.wait(5)
        for done in [pool.submit(wecom.customers.get, "corp1") for _ in range(20)]:
            done.result(5)  # nobody else waits
        assert platform.valid == old
        assert not first.done()
        over.set()
        platform.valid.clear()
        first.result(5)
    wecom.customers.get("corp1")
    assert len(platform.fetched) == 2
    assert platform.refused == 0


async def test_the_same_holds_for_tasks(platform: Any, clock: Clock) -> None:
    async with AsyncWeCom("corp1", SECRET, base_url=platform.url, clock=clock) as wecom:
        await wecom.customers.get("corp1")
        clock.at += 6970
        platform.delay = 0.3
        await asyncio.gather(*(wecom.customers.get("corp1") for _ in range(50)))
    assert len(platform.fetched) == 2


def test_a_platform_that_cannot_renew_ahead_fails_no_call_and_is_left_alone_for_a_while(
    wecom: WeCom, platform: Any, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    wecom.customers.get("corp1")
    platform.trouble = lambda: {"errcode": 40001, "errmsg": "invalid credential"}
    clock.at += 6970
    for _ in range(10):
        wecom.customers.get("corp1")
    assert len(platform.fetched) == 2
    assert "the old one is used on" in caplog.text
    clock.at += 16
    wecom.customers.get("corp1")
    assert len(platform.fetched) == 3
    platform.trouble = None
    clock.at += 16
    wecom.customers.get("corp1")
    assert platform.valid["corp1"].endswith("-4")


def test_a_token_is_not_used_in_its_last_half_minute(wecom: WeCom, platform: Any, clock: Clock) -> None:
    wecom.customers.get("corp1")
    platform.trouble = lambda: {"errcode": 40001, "errmsg": "invalid credential"}
    clock.at += 7171
    with pytest.raises(Exception, match="40001"):
        wecom.customers.get("corp1")
    assert platform.calls == 1


def test_tokens_that_were_fetched_together_are_renewed_one_after_another() -> None:
    due = [Token.living(f"token-{n}", 7200, 0).spread().expires_at for n in range(1000)]
    assert 6900 <= min(due) < 6905
    assert 6955 < max(due) <= 6960
    assert Token.living("t", 60, 0).spread() == Token.living("t", 60, 0)


def test_a_clock_that_jumps_costs_a_token_and_no_more(wecom: WeCom, platform: Any, clock: Clock) -> None:
    for jump in (0, 30 * 86400, -60 * 86400, 30 * 86400):
        clock.at += jump
        platform.void()
        wecom.customers.get("corp1")
    assert len(platform.fetched) == 4


# Tickets


def test_a_ticket_is_kept_as_tokens_are(wecom: WeCom, platform: Any, clock: Clock) -> None:
    tickets = {wecom.ticket(Tickets.jsapi()) for _ in range(5)}
    assert len(tickets) == 1
    assert platform.count == {"corp1": 1, "ticket of corp1": 1}
    clock.at += 7200
    assert wecom.ticket(Tickets.jsapi()) not in tickets
    (void,) = tickets
    wecom.ticket(Tickets.jsapi(), refused=void)  # somebody has replaced it already
    assert platform.count["ticket of corp1"] == 2
    wecom.ticket(Tickets.jsapi(), refused=wecom.ticket(Tickets.jsapi()))
    assert platform.count["ticket of corp1"] == 3


async def test_a_crowd_of_tasks_fetches_one_ticket(platform: Any) -> None:
    async with AsyncWeCom("corp1", SECRET, base_url=platform.url) as wecom:
        tickets = await asyncio.gather(*(wecom.ticket(Tickets.jsapi()) for _ in range(50)))
    assert len(set(tickets)) == 1
    assert platform.count == {"corp1": 1, "ticket of corp1": 1}


# A token service of one's own


class Service:
    """A 中控 that gives the platform's tokens out, and may be wrong about them."""

    def __init__(self, platform: Any, *, seconds: Any = 7200) -> None:
        self.platform, self.seconds = platform, seconds
        self.asked: list[bool] = []

    def __call__(self, *, refresh: bool) -> tuple[str, float]:
        self.asked.append(refresh)
        if refresh or "corp1" not in self.platform.valid:
            self.platform.valid["corp1"] = f"CANARY-token-corp1-{len(self.asked)}"
        return self.platform.valid["corp1"], self.seconds


def test_tokens_come_from_the_service_and_are_remembered(platform: Any) -> None:
    service = Service(platform)
    with WeCom("corp1", token_provider=service, base_url=platform.url) as wecom:
        for _ in range(5):
            wecom.customers.get("corp1")
    assert service.asked == [False]
    assert platform.fetched == []
    assert "CANARY" not in repr(wecom) + repr(wecom.session)


def test_a_service_that_lies_about_the_end_is_asked_again_once(platform: Any) -> None:
    service = Service(platform, seconds=10**9)
    with WeCom("corp1", token_provider=service, base_url=platform.url) as wecom:
        wecom.customers.get("corp1")
        platform.valid["corp1"] = "another"
        with ThreadPoolExecutor(20) as pool:
            list(pool.map(wecom.customers.get, ["corp1"] * 40))
    assert service.asked == [False, True]


def test_a_service_that_insists_on_a_void_token_is_an_error_and_no_loop(platform: Any) -> None:
    asked: list[bool] = []

    def stubborn(*, refresh: bool) -> tuple[str, float]:
        asked.append(refresh)
        return "void", 7200

    platform.code = 40014  # void, not ended
    with WeCom("corp1", token_provider=stubborn, base_url=platform.url) as wecom, pytest.raises(TokenExpired):
        wecom.customers.get("corp1")
    assert asked == [False, True]
    assert platform.calls == 2


@pytest.mark.parametrize("answer", [None, "token", ("token",), ("", 7200), (7, 7200), ("t", "soon"), ("t", float("nan")), ("t", None)])
def test_a_service_that_answers_nonsense_is_told_so(answer: Any, platform: Any) -> None:
    with (
        WeCom("corp1", token_provider=lambda *, refresh: answer, base_url=platform.url) as wecom,
        pytest.raises(UsageError, match="a pair"),
    ):
        wecom.customers.get("corp1")
    assert platform.calls == 0


def test_a_service_that_fails_sends_nothing(platform: Any) -> None:
    def broken(*, refresh: bool) -> tuple[str, float]:
        raise RuntimeError("CANARY-password")

    with WeCom("corp1", token_provider=broken, base_url=platform.url) as wecom, pytest.raises(NotSent, match="RuntimeError") as caught:
        wecom.customers.get("corp1")
    assert "CANARY" not in str(caught.value)
    assert isinstance(caught.value.__cause__, RuntimeError)


async def test_a_slow_service_does_not_block_the_loop(platform: Any) -> None:
    def slow(*, refresh: bool) -> tuple[str, float]:
        time.sleep(0.3)
        platform.valid["corp1"] = "CANARY-token-corp1-0"
        return "CANARY-token-corp1-0", 7200

    async with AsyncWeCom("corp1", token_provider=slow, base_url=platform.url) as wecom:
        calls = asyncio.gather(*(wecom.customers.get("corp1") for _ in range(10)))
        turns = 0
        while not calls.done():
            await asyncio.sleep(0.01)
            turns += 1
        await calls
    assert turns > 10


def test_what_cannot_be_a_service_or_is_too_much_is_refused() -> None:
    async def later(*, refresh: bool) -> tuple[str, float]:
        return "t", 7200

    with pytest.raises(InputError, match="a plain function"):
        WeCom("corp1", token_provider=later)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="not both"):
        WeCom("corp1", SECRET, token_provider=lambda *, refresh: ("t", 1))


def test_two_services_of_one_company_do_not_mix(platform: Any) -> None:
    cache = MemoryTokenCache()
    platform.valid["corp1"] = "a"
    with WeCom("corp1", token_provider=lambda *, refresh: ("a", 7200), base_url=platform.url, cache=cache) as one:
        one.customers.get("corp1")
    platform.valid["corp1"] = "b"
    with WeCom("corp1", token_provider=lambda *, refresh: ("b", 7200), base_url=platform.url, cache=cache) as two:
        two.customers.get("corp1")
    assert platform.refused == 0


# Refused more than once


def overtaken(platform: Any, cache: MemoryTokenCache, key: str, times: int) -> None:
    """While a call is under way, another process voids its token and puts a newer one into the cache."""
    check, numbers = platform.check, iter(range(times))

    def first(whose: str, token: str | None) -> dict[str, Any] | None:
        if (number := next(numbers, None)) is not None:
            platform.valid[whose] = f"CANARY-token-{whose}-newer-{number}"
            cache.put(key, Token(platform.valid[whose], 9e9))
        return check(whose, token)  # type: ignore[no-any-return]

    platform.check = first


def test_a_call_that_others_overtake_goes_on_with_their_tokens_and_fetches_none(platform: Any) -> None:
    cache = MemoryTokenCache()
    with WeCom("corp1", SECRET, base_url=platform.url, cache=cache) as wecom:
        key = wecom.session.auth("access_token").source.key  # type: ignore[attr-defined]
        overtaken(platform, cache, key, 3)
        wecom.customers.get("corp1")
    assert (len(platform.fetched), platform.refused) == (1, 3)


def test_a_call_that_is_overtaken_for_ever_ends(platform: Any) -> None:
    platform.code = 40014  # void, not ended
    cache = MemoryTokenCache()
    with WeCom("corp1", SECRET, base_url=platform.url, cache=cache) as wecom:
        key = wecom.session.auth("access_token").source.key  # type: ignore[attr-defined]
        overtaken(platform, cache, key, 1000)
        with pytest.raises(TokenExpired):
            wecom.customers.get("corp1")
    assert (len(platform.fetched), platform.refused) == (1, 5)


# Who gives tokens out may lie about their end


@pytest.mark.parametrize("seconds", [0, -1, -(10**400), "0", "7200", None, 3.15e8, 10**400], ids=lambda s: repr(s)[:9])
def test_a_platform_that_lies_about_the_end_costs_one_token(seconds: Any, wecom: WeCom, platform: Any, clock: Clock) -> None:
    platform.lives = seconds
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(wecom.customers.get, ["corp1"] * 40))
    assert len(platform.fetched) == 1
    clock.at += 7200
    wecom.customers.get("corp1")
    assert len(platform.fetched) == 2, "no token lives for more than two hours, whatever it is said to"


@pytest.mark.parametrize("seconds", ["soon", [], {}, float("nan"), float("inf")])
def test_a_platform_that_talks_nonsense_about_the_end_is_an_error_of_ours(seconds: Any, wecom: WeCom, platform: Any) -> None:
    platform.lives = seconds
    with pytest.raises(DecodeError, match="expires_in"):
        wecom.customers.get("corp1")
    assert (len(platform.fetched), platform.calls) == (1, 0)


@pytest.mark.parametrize("seconds", [0, -7200, 10**400, 3.15e8], ids=lambda s: repr(s)[:9])
def test_a_service_of_ones_own_that_lies_about_the_end_is_asked_once(seconds: Any, platform: Any, clock: Clock) -> None:
    service = Service(platform, seconds=seconds)
    with WeCom("corp1", token_provider=service, base_url=platform.url, clock=clock) as wecom, ThreadPoolExecutor(20) as pool:
        list(pool.map(wecom.customers.get, ["corp1"] * 40))
        assert service.asked == [False]
        clock.at += 7200
        wecom.customers.get("corp1")
    assert service.asked == [False, False]


def test_a_ticket_does_not_outlive_a_clock_that_is_turned_back(wecom: WeCom, platform: Any, clock: Clock) -> None:
    """Nobody refuses a ticket here: the page would be refused its signature, for as long as the clock was ahead."""
    clock.at += 30 * 86400
    wecom.ticket(Tickets.jsapi())
    for jump in (-30 * 86400, 30 * 86400, -30 * 86400):
        clock.at += jump
        wecom.ticket(Tickets.jsapi())
    assert platform.count["ticket of corp1"] == 4
    wecom.ticket(Tickets.jsapi())
    clock.at -= 60
    wecom.ticket(Tickets.jsapi())
    assert platform.count["ticket of corp1"] == 4, "what NTP corrects costs nothing"
