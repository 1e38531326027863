"""Stable tokens: fetched once, shared, forced only where nothing else can help."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from siyu_sdk import AsyncMiniProgram, AuthenticationError, InputError, MiniProgram, TokenExpired
from siyu_sdk.core.tokens import MemoryTokenCache

PATH = "/wxa/sec/order/get_order"
FOUND = {"errcode": 0, "errmsg": "ok", "order": {"transaction_id": "42000"}}


@pytest.fixture(autouse=True)
def _orders(weixin: Any) -> None:
    weixin.answers[PATH] = lambda _: FOUND


def test_a_token_is_fetched_at_the_first_call_and_kept(miniprogram: MiniProgram, weixin: Any) -> None:
    for _ in range(3):
        assert miniprogram.shipping.get_order("42000").order.transaction_id == "42000"
    assert weixin.token_requests == [False]
    assert weixin.received[0].json["grant_type"] == "client_credential"
    assert {r.query["access_token"] for r in weixin.calls} == {"token-1"}


def test_a_token_that_nears_its_end_is_fetched_again(miniprogram: MiniProgram, weixin: Any, clock: Any) -> None:
    miniprogram.shipping.get_order("42000")
    clock.at += 7000
    weixin.renew()
    miniprogram.shipping.get_order("42000")
    assert weixin.token_requests == [False, False]


def test_many_cold_threads_fetch_one_token(miniprogram: MiniProgram, weixin: Any) -> None:
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(miniprogram.shipping.get_order, ["42000"] * 40))
    assert weixin.token_requests == [False]


async def test_many_cold_tasks_fetch_one_token(async_miniprogram: AsyncMiniProgram, weixin: Any) -> None:
    await asyncio.gather(*(async_miniprogram.shipping.get_order("42000") for _ in range(40)))
    assert weixin.token_requests == [False]


@pytest.mark.parametrize("code", [40001, 40014, 42001])
def test_a_token_that_somebody_else_renewed_is_asked_for_again_without_force(miniprogram: MiniProgram, weixin: Any, code: int) -> None:
    miniprogram.shipping.get_order("42000")
    weixin.code = code
    weixin.renew()  # another process, without a shared cache
    miniprogram.shipping.get_order("42000")
    assert weixin.token_requests == [False, False]
    assert [r.query["access_token"] for r in weixin.calls] == ["token-1", "token-1", "token-2"]


def test_a_token_that_is_current_and_refused_is_forced_once(miniprogram: MiniProgram, weixin: Any) -> None:
    weixin.refuse.add("token-1")
    miniprogram.shipping.get_order("42000")
    assert weixin.token_requests == [False, False, True]
    assert weixin.calls[-1].query["access_token"] == "token-2"


def test_a_platform_that_refuses_every_token_is_forced_no_more_than_20_times_a_day(
    miniprogram: MiniProgram, weixin: Any, clock: Any
) -> None:
    weixin.refuse |= {f"token-{n}" for n in range(1, 100)}
    for hour in range(24 * 4):
        with pytest.raises(TokenExpired) as caught:
            miniprogram.shipping.get_order("42000")
        assert caught.value.code == 40001
        if hour == 0:
            assert weixin.token_requests == [False, False, True]
            assert len(weixin.calls) == 2  # one refresh a call, never more
        clock.at += 900
    assert weixin.token_requests.count(True) <= 20


def test_processes_that_share_a_cache_share_the_count(weixin: Any, clock: Any) -> None:
    cache = MemoryTokenCache()
    weixin.refuse |= {f"token-{n}" for n in range(1, 100)}
    for _ in range(3):
        with (
            MiniProgram("wx5a4db0c5a4db0c02", "sandbox-secret-0123456789abcdef", base_url=weixin.url, clock=clock, cache=cache) as client,
            pytest.raises(TokenExpired),
        ):
            client.shipping.get_order("42000")
    assert weixin.token_requests.count(True) == 1


async def test_many_tasks_whose_token_was_replaced_renew_it_once(async_miniprogram: AsyncMiniProgram, weixin: Any) -> None:
    await async_miniprogram.shipping.get_order("42000")
    weixin.renew()
    await asyncio.gather(*(async_miniprogram.shipping.get_order("42000") for _ in range(30)))
    assert weixin.token_requests == [False, False]


def test_a_wrong_secret_is_no_matter_of_tokens(weixin: Any, clock: Any) -> None:
    with MiniProgram("wx1", "wrong-secret", base_url=weixin.url, clock=clock) as client:
        with pytest.raises(AuthenticationError) as caught:
            client.shipping.get_order("42000")
        assert "wrong-secret" not in repr((caught.value, client, client.session, vars(client)))
    assert caught.value.code == 40125
    assert caught.value.request_id == "65aa-1"
    assert len(weixin.received) == 1


def test_credentials_are_needed() -> None:
    for given, field in (("", "appid"), ("wx1", "secret")):
        with pytest.raises(InputError) as caught:
            MiniProgram(given, "" if given else "s")
        assert caught.value.field == field
