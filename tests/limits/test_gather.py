"""Many calls at once, as fast as the platform allows, and not one refused."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import pytest

from siyu_sdk import AsyncWeCom, Flow, Gather, RateLimited, SiyuError, WeCom
from siyu_sdk.limits import Limit
from siyu_sdk.sandbox import Sandbox
from siyu_sdk.wecom.customers import Customers

MARK = "/cgi-bin/externalcontact/mark_tag"


def marks(count: int, limit: int = 8) -> Flow[list[Any]]:
    return (yield from Gather((Customers.mark_tag("amy", f"wm{n}", add_tag=["t"]) for n in range(count)), limit=limit))


def steady(platform: Any) -> float:
    """The share of the permitted rate, from the moment on at which the first window was full."""
    served = platform.served
    rest = served[platform.calls - 1 :]
    return (len(rest) - 1) / (rest[-1] - rest[0]) / (platform.calls / platform.seconds)


def gathered(quickly: Any, platform: Any, count: int, limit: int = 8, **options: Any) -> list[Any]:
    async def work() -> list[Any]:
        async with AsyncWeCom("ww1", "s", transport=platform, clock=platform.clock, **options) as client:
            return await client.run(marks(count, limit))

    outcomes: list[Any] = quickly(work())
    return outcomes


def test_10_000_tag_operations_at_the_permitted_rate(strict: Any, quickly: Any) -> None:
    platform = strict(True, calls=2000)
    outcomes = gathered(quickly, platform, 10_000, limits={MARK: Limit(per_minute=2000)})
    assert not any(isinstance(outcome, SiyuError) for outcome in outcomes)
    assert (platform.refused, len(platform.served)) == ([], 10_000)
    assert platform.most == 5
    share = steady(platform)
    print(f"steady {share:.1%} of the permitted rate")
    assert share >= 0.95


def test_room_for_five_is_used_by_five(strict: Any, quickly: Any) -> None:
    platform = strict(True)
    gathered(quickly, platform, 1000, limit=50)
    took = platform.served[-1] - platform.served[0] + platform.latency
    assert (platform.refused, platform.most) == ([], 5)
    assert 1000 / 5 * platform.latency / took >= 0.95


def test_two_windows_are_kept_at_once(strict: Any, quickly: Any) -> None:
    platform = strict(True, calls=50, seconds=1.0, latency=0.005)
    gathered(quickly, platform, 600, limits={MARK: Limit(per_second=50, per_minute=400)})
    served = [at - platform.served[0] for at in platform.served]
    assert platform.refused == []
    assert sum(at < 60 for at in served) == 400
    assert 400 / 50 - 1 <= served[399] <= (400 / 50 - 1) * 1.05 + 0.1


def test_threads_too_are_refused_nothing(strict: Any) -> None:
    platform = strict(False, calls=100, latency=0.001)
    own = {MARK: Limit(per_minute=100)}
    with WeCom("ww1", "s", transport=platform, clock=platform.clock, limits=own) as client:
        outcomes = client.run(marks(350, limit=16))
    assert not any(isinstance(outcome, SiyuError) for outcome in outcomes)
    assert (platform.refused, len(platform.served)) == ([], 350)
    print(f"steady {steady(platform):.1%} of the permitted rate")


def test_on_the_sandbox_which_refuses_a_sixth_in_flight() -> None:
    with Sandbox(seed=7, customers=40, members=2, shops=1, days=5) as sandbox, sandbox.wecom_client() as wecom:
        members = wecom.customers.follow_users().follow_user
        pairs = [(member, one.external_userid) for member in members for one in wecom.customers.all([member])]
        (group,) = (wecom.tags.add(group_name="g", tag=[{"name": "n"}]).tag_group,)
        tag = group.tag[0].id
        calls = [Customers.mark_tag(member, customer, add_tag=[tag]) for member, customer in pairs * 4]
        sandbox.calls.clear()
        began = time.monotonic()
        outcomes = wecom.run(iter(Gather(calls, limit=20)))
        took = time.monotonic() - began
        assert not any(isinstance(outcome, SiyuError) for outcome in outcomes)
        assert sandbox.calls.count("*/mark_tag", errcode=45033) == 0
        print(f"{len(calls)} marks in {took:.2f} s, 5 at a time of 20 ms each: {len(calls) / 5 * 0.02 / took:.0%}")


# A platform that allows less than is published


def test_a_rate_that_is_smaller_than_one_thinks_is_learnt_without_hammering(strict: Any, quickly: Any) -> None:
    platform = strict(True, calls=100)
    outcomes = gathered(quickly, platform, 1000, limits={MARK: Limit(per_minute=150)})
    assert not any(isinstance(outcome, SiyuError) for outcome in outcomes)
    assert len(platform.served) == 1000
    assert set(platform.refused) == {45009}
    assert len(platform.refused) <= 5 * 5, "at most those in flight, each time"


def test_a_room_that_is_smaller_than_one_thinks_is_learnt(strict: Any, quickly: Any) -> None:
    platform = strict(True, at_once=2)
    outcomes = gathered(quickly, platform, 2000, limit=30)
    assert not any(isinstance(outcome, SiyuError) for outcome in outcomes)
    assert len(platform.refused) <= 2000 * 0.02


class _Stand:
    """A clock that moves when somebody sleeps by it."""

    def __init__(self) -> None:
        self.at, self.slept = 1_790_000_000.0, list[float]()

    def time(self) -> float:
        return self.at

    def now(self) -> Any:
        raise NotImplementedError

    def sleep(self, seconds: float) -> float:
        self.slept.append(round(seconds, 1))
        self.at += seconds
        return 0.0


def refusing(strict: Any, *codes: int) -> tuple[Any, WeCom]:
    base = strict(False, clock=_Stand(), latency=0.0)
    kind, left = type(base), list(codes)

    class Refusing(kind):  # type: ignore[misc, valid-type]
        def begin(self, request: Any) -> int:
            super().begin(request)
            code = left.pop(0) if left and "gettoken" not in request.target else 0
            if code:
                self.refused.append(code)
            return code

    platform = Refusing(clock=base.clock, latency=0.0)
    return platform, WeCom("ww1", "s", transport=platform, clock=base.clock)


def test_a_shut_api_is_left_alone_for_its_window(strict: Any) -> None:
    platform, client = refusing(strict, 45009)
    assert client.customers.mark_tag("amy", "wm1", add_tag=["t"]) is not None
    assert platform.clock.slept == [60.0]
    assert (platform.refused, len(platform.served)) == ([45009], 1)


def test_one_that_stays_shut_is_the_callers_business_and_nothing_is_sent_meanwhile(strict: Any) -> None:
    platform, client = refusing(strict, *[45009] * 20)
    with pytest.raises(RateLimited) as caught:
        client.customers.mark_tag("amy", "wm1", add_tag=["t"])
    assert (caught.value.code, caught.value.retry_after) == (45009, 240)
    assert platform.clock.slept == [60.0, 120.0]
    sent = len(platform.refused)
    with pytest.raises(RateLimited) as held:
        client.customers.mark_tag("amy", "wm2", add_tag=["t"])
    assert held.value.code == "held_back"
    assert held.value.retry_after == pytest.approx(240)
    assert not held.value.may_have_arrived
    assert len(platform.refused) == sent == 3


def test_two_accounts_and_two_apis_do_not_shut_each_other(strict: Any) -> None:
    platform, client = refusing(strict, *[45009] * 3)
    other = WeCom("ww2", "s", transport=platform, clock=platform.clock, limiter=client.session.limiter)
    with pytest.raises(RateLimited):
        client.customers.mark_tag("amy", "wm1", add_tag=["t"])
    slept = list(platform.clock.slept)
    other.customers.mark_tag("amy", "wm1", add_tag=["t"])
    client.customers.remark("amy", "wm1", remark="x")
    with pytest.raises(RateLimited):
        client.customers.mark_tag("amy", "wm1", add_tag=["t"])
    assert platform.clock.slept == slept


def test_the_log_has_a_line_for_each_attempt(strict: Any, caplog: pytest.LogCaptureFixture) -> None:
    platform, client = refusing(strict, 45033)
    with caplog.at_level(logging.INFO, "siyu_sdk"):
        client.customers.mark_tag("amy", "wm1", add_tag=["t"])
    (line,) = caplog.messages
    assert line.startswith("wecom POST /cgi-bin/externalcontact/mark_tag attempt 1: RateLimited: ")
    assert "; again in 0." in line
    assert platform.refused == [45033]


async def test_a_cancelled_gather_leaves_nothing_in_flight(strict: Any) -> None:
    platform = strict(True, latency=0.05)
    async with AsyncWeCom("ww1", "s", transport=platform, clock=platform.clock) as client:
        task = asyncio.create_task(client.run(marks(100, limit=50)))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert client.session.limiter.flying == 0  # type: ignore[attr-defined]
        await asyncio.wait_for(client.customers.mark_tag("amy", "wm1", add_tag=["t"]), 2)
