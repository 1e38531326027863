"""Tokens: fetched once however many ask, renewed once however many are refused, and never shown."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from siyu_sdk import AsyncWeCom, AuthenticationError, DecodeError, MiniProgram, NotSent, TokenExpired, WeCom
from siyu_sdk.core.tokens import MemoryTokenCache, Token, cache_key
from siyu_sdk.wecom.customers import Customers

GET = "/cgi-bin/externalcontact/get"
MARK = "/cgi-bin/externalcontact/mark_tag"
ORDER = "/wxa/sec/order/get_order"
SECRET = "CANARY-corpsecret-5f0c"
CROWD = 200


def test_200_cold_threads_fetch_one_token(wecom: WeCom, platform: Any) -> None:
    start = threading.Barrier(CROWD)

    def one(_: int) -> str:
        start.wait()
        return wecom.customers.get("wm1").external_contact.external_userid

    with ThreadPoolExecutor(CROWD) as pool:
        assert set(pool.map(one, range(CROWD))) == {"wm1"}
    assert platform.token_requests == 1
    assert len(platform.calls()) == CROWD


async def test_200_cold_tasks_fetch_one_token(async_wecom: AsyncWeCom, platform: Any) -> None:
    await asyncio.gather(*(async_wecom.customers.get("wm1") for _ in range(CROWD)))
    assert platform.token_requests == 1
    assert len(platform.calls()) == CROWD


def test_when_a_token_ends_early_all_who_are_refused_share_one_new_token(wecom: WeCom, platform: Any) -> None:
    wecom.customers.get("wm1")
    platform.current = "CANARY-token-2"
    with ThreadPoolExecutor(50) as pool:
        list(pool.map(wecom.customers.get, ["wm1"] * 100))
    assert platform.token_requests == 2


async def test_the_same_holds_for_tasks(async_wecom: AsyncWeCom, platform: Any) -> None:
    await async_wecom.customers.get("wm1")
    platform.current = "CANARY-token-2"
    await asyncio.gather(*(async_wecom.customers.get("wm1") for _ in range(100)))
    assert platform.token_requests == 2


def test_a_platform_that_refuses_every_token_costs_two_tokens_and_two_calls(wecom: WeCom, platform: Any) -> None:
    platform.answer(GET, {"errcode": 40014, "errmsg": "invalid access_token"})
    with pytest.raises(TokenExpired) as caught:
        wecom.customers.get("wm1")
    assert caught.value.code == 40014
    assert (platform.token_requests, len(platform.calls())) == (2, 2)


async def test_the_same_holds_for_coroutines(async_wecom: AsyncWeCom, platform: Any) -> None:
    platform.answer(GET, {"errcode": 40014, "errmsg": "invalid access_token"})
    with pytest.raises(TokenExpired):
        await async_wecom.customers.get("wm1")
    assert (platform.token_requests, len(platform.calls())) == (2, 2)


def test_where_somebody_ends_every_token_the_call_outlives_it_with_pauses(wecom: WeCom, platform: Any, clock: Any) -> None:
    ended = {"errcode": 42001, "errmsg": "access_token expired"}
    platform.answer(GET, ended, ended, ended, {"errcode": 0, "external_contact": {"external_userid": "wm1"}})
    began = clock.time()
    assert wecom.customers.get("wm1").external_contact.external_userid == "wm1"
    assert [s.token[-1] for s in platform.calls()] == ["1", "2", "3", "4"]
    assert clock.time() - began >= 0.2 + 0.4  # the first renewal is at once, each later one waits as any retry does


def test_where_every_token_ends_at_once_the_policy_ends_the_call(wecom: WeCom, platform: Any) -> None:
    platform.answer(GET, {"errcode": 42001, "errmsg": "access_token expired"})
    with pytest.raises(TokenExpired):
        wecom.customers.get("wm1")
    assert (platform.token_requests, len(platform.calls())) == (5, 5)  # one renewal, then the three retries of the policy


def test_a_token_is_renewed_once_even_if_the_platform_is_busy_in_between(wecom: WeCom, platform: Any) -> None:
    platform.answer(GET, {"errcode": -1}, {"errcode": 40014}, {"errcode": -1}, {"errcode": 40014})
    with pytest.raises(TokenExpired):
        wecom.customers.get("wm1")
    assert (platform.token_requests, len(platform.calls())) == (2, 4)


def test_a_call_that_must_not_be_repeated_is_repeated_with_a_new_token_for_a_refused_one_has_done_nothing(
    wecom: WeCom, platform: Any
) -> None:
    platform.answer("/cgi-bin/externalcontact/remind_groupmsg_send", {"errcode": 42001}, {"errcode": 0})
    wecom.mass_messages.remind("msg1")
    assert (platform.token_requests, len(platform.calls())) == (2, 2)


# Compare, then expire


def test_a_newer_token_survives_the_refusal_of_an_older_one(wecom: WeCom, platform: Any) -> None:
    """Two callers hold token 1. The first is refused and fetches token 2; only then does the second one's refusal arrive."""
    first_is_done = threading.Event()

    def slow_refusal(seen: Any) -> dict[str, Any]:
        first_is_done.wait(5)
        return {"errcode": 40014, "errmsg": "invalid access_token"}

    def by_customer(seen: Any) -> dict[str, Any]:
        if seen.token == "CANARY-token-1":
            return slow_refusal(seen) if seen.query["external_userid"] == "slow" else {"errcode": 40014, "errmsg": "invalid"}
        return {"errcode": 0, "external_contact": {"external_userid": seen.query["external_userid"]}}

    platform.answer(GET, by_customer)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(wecom.customers.get, "slow")
        platform.wait_for(GET)
        wecom.customers.get("quick")
        first_is_done.set()
        assert slow.result().external_contact.external_userid == "slow"
    assert platform.token_requests == 2
    assert [s.token[-1] for s in platform.calls()] == ["1", "1", "2", "2"]


def test_discarding_compares_first() -> None:
    cache = MemoryTokenCache()
    old, new = Token("old", 1.0), Token("new", 2.0)
    cache.put("k", old)
    cache.put("k", new)
    cache.discard("k", "old")
    assert cache.get("k") is new
    cache.discard("k", "new")
    assert cache.get("k") is None
    cache.discard("k", "new")  # a second refusal of the same token finds nothing to do


# The life of a token


def test_a_token_is_replaced_in_its_last_five_minutes(wecom: WeCom, platform: Any, clock: Any) -> None:
    wecom.customers.get("wm1")
    clock.at += 7200 - 301
    wecom.customers.get("wm1")
    assert platform.token_requests == 1
    clock.at += 62  # each token has a moment of its own within this minute
    wecom.customers.get("wm1")
    assert platform.token_requests == 2


@pytest.mark.parametrize(("life", "used_for"), [(7200, 6900), (600, 540), (300, 270), (60, 54), (0, 27), (-5, 27)])
def test_a_short_life_keeps_nine_tenths(life: int, used_for: int) -> None:
    token = Token.living("t", life, 1000.0)
    assert token.fresh(1000.0)
    assert token.fresh(1000.0 + used_for - 0.1)
    assert not token.fresh(1000.0 + used_for)


@pytest.mark.parametrize("reply", [{"errcode": 0, "errmsg": "ok"}, {"access_token": "", "expires_in": 7200}], ids=["missing", "empty"])
def test_a_reply_without_a_token_is_an_error_and_no_token(wecom: WeCom, platform: Any, reply: dict[str, Any]) -> None:
    platform.answer("/cgi-bin/gettoken", reply, {"access_token": "CANARY-token-9", "expires_in": 7200})
    with pytest.raises(DecodeError, match="gettoken"):
        wecom.customers.get("wm1")
    assert platform.calls() == []
    wecom.customers.get("wm1")  # nothing was kept
    assert platform.calls()[0].token == "CANARY-token-9"


GARBAGE = ["<html>Bad gateway</html>", "[]", '{"access_token": 7}', '{"access_token": "x", "expires_in": "soon"}', ""]


@pytest.mark.parametrize("body", GARBAGE)
def test_a_token_source_that_answers_garbage_is_a_decode_error_of_its_own_call(wecom: WeCom, platform: Any, body: str) -> None:
    platform.answer("/cgi-bin/gettoken", platform.text(body))
    with pytest.raises(DecodeError) as caught:
        wecom.customers.get("wm1")
    assert caught.value.call.startswith("GET /cgi-bin/gettoken")
    assert platform.calls() == []


def test_40001_is_a_wrong_secret_on_wecom_and_fatal_at_once(wecom: WeCom, platform: Any) -> None:
    platform.answer("/cgi-bin/gettoken", {"errcode": 40001, "errmsg": "invalid credential"})
    with pytest.raises(AuthenticationError) as caught:
        wecom.customers.get("wm1")
    assert not caught.value.retryable
    assert "secret" in caught.value.hint
    assert (platform.token_requests, platform.calls()) == (1, [])


def test_40001_is_an_old_token_on_the_mini_program_and_renewed(miniprogram: MiniProgram, platform: Any) -> None:
    platform.answer(ORDER, {"errcode": 40001, "errmsg": "invalid credential"}, {"errcode": 0, "order": {"transaction_id": "42"}})
    assert miniprogram.shipping.get_order("42").order.transaction_id == "42"
    assert [s.token for s in platform.calls()] == ["CANARY-token-1", "CANARY-token-2"]


def test_two_apps_of_one_company_do_not_share_a_token(platform: Any, clock: Any) -> None:
    cache = MemoryTokenCache()
    for secret in ("app-1", "app-2", "app-1"):
        with WeCom("ww1", secret, base_url=platform.url, clock=clock, cache=cache) as client:
            client.customers.get("wm1")
    assert platform.token_requests == 2


def test_cache_keys_hold_a_hash_and_no_two_parts_run_together() -> None:
    assert SECRET not in cache_key("wecom", "ww1", SECRET)
    assert cache_key("wecom", "a", "bc") != cache_key("wecom", "ab", "c")
    assert cache_key("wecom", "a", "b") != cache_key("store", "a", "b")


# Loops, threads, forks


def test_one_async_client_serves_one_loop_after_another(platform: Any, clock: Any) -> None:
    client = AsyncWeCom("ww1", SECRET, base_url=platform.url, clock=clock)

    async def work() -> None:
        await asyncio.gather(*(client.customers.get("wm1") for _ in range(5)))

    for _ in range(10):  # a new loop often gets the address of the last one
        asyncio.run(work())
    asyncio.run(client.aclose())
    gc.collect()  # what was left open would say so here
    assert platform.token_requests == 1
    assert len(platform.calls()) == 50


def test_one_async_client_serves_several_loops_at_once(platform: Any, clock: Any) -> None:
    client = AsyncWeCom("ww1", SECRET, base_url=platform.url, clock=clock)

    async def work() -> None:
        await asyncio.gather(*(client.customers.get("wm1") for _ in range(20)))

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(asyncio.run, work()) for _ in range(4)]:
            done.result()
    asyncio.run(client.aclose())
    gc.collect()  # what was left open would say so here
    assert platform.token_requests == 1


def test_threads_and_loops_that_share_a_cache_fetch_one_token(platform: Any, clock: Any) -> None:
    cache = MemoryTokenCache()
    sync = WeCom("ww1", SECRET, base_url=platform.url, clock=clock, cache=cache)

    async def tasks() -> None:
        async with AsyncWeCom("ww1", SECRET, base_url=platform.url, clock=clock, cache=cache) as client:
            await asyncio.gather(*(client.customers.get("wm1") for _ in range(20)))

    with sync, ThreadPoolExecutor(24) as pool:
        started = [pool.submit(asyncio.run, tasks()) for _ in range(4)]
        started += [pool.submit(sync.customers.get, "wm1") for _ in range(20)]
        for done in started:
            done.result()
    assert platform.token_requests == 1


async def test_many_async_clients_on_one_cache_and_one_loop_do_not_block_each_other(platform: Any, clock: Any) -> None:
    """More clients than the loop's pool has threads all want the lock, and its holder has to be able to let go."""
    cache = MemoryTokenCache()
    clients = [AsyncWeCom("ww1", SECRET, base_url=platform.url, clock=clock, cache=cache) for _ in range(60)]
    async with asyncio.timeout(20):
        await asyncio.gather(*(client.customers.get("wm1") for client in clients))
    for client in clients:
        await client.aclose()
    assert platform.token_requests == 1


async def test_whoever_is_cancelled_while_it_waits_for_the_token_leaves_the_lock_behind(async_wecom: AsyncWeCom, platform: Any) -> None:
    cache = async_wecom.session.cache
    key = async_wecom.session.auth("access_token").source.key  # type: ignore[attr-defined]
    with cache.lock(key):  # another thread or process is fetching
        waiting = asyncio.create_task(async_wecom.customers.get("wm1"))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    async with asyncio.timeout(5):
        await async_wecom.customers.get("wm1")


async def test_cancelling_the_task_that_fetches_hands_the_work_to_the_next(async_wecom: AsyncWeCom, platform: Any) -> None:
    fetching = threading.Event()

    def slow(_: Any) -> dict[str, Any]:
        fetching.set()
        threading.Event().wait(0.3)
        return {"access_token": "CANARY-token-0", "expires_in": 7200}

    platform.answer("/cgi-bin/gettoken", slow, {"access_token": "CANARY-token-1", "expires_in": 7200})
    first = asyncio.create_task(async_wecom.customers.get("wm1"))
    second = asyncio.create_task(async_wecom.customers.get("wm1"))
    await asyncio.to_thread(fetching.wait, 5)
    first.cancel()
    assert (await second).external_contact.external_userid == "wm1"
    assert platform.calls()[0].token == "CANARY-token-1"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_connections_and_locks_of_its_own(wecom: WeCom, platform: Any, clock: Any) -> None:
    """The fork happens while a thread of the parent is fetching a token and five others mark tags: they hold locks and places."""
    hold, fetching = threading.Event(), threading.Event()

    def slow_token(_: Any) -> dict[str, Any]:
        fetching.set()
        hold.wait(10)
        return {"access_token": "CANARY-token-2", "expires_in": 7200}

    def slow_mark(seen: Any) -> dict[str, Any]:
        if seen.json["userid"] == "parent":
            hold.wait(10)
        return {"errcode": 0}

    token = {"access_token": "CANARY-token-1", "expires_in": 7200}
    platform.answer("/cgi-bin/gettoken", token, slow_token, {**token, "access_token": "CANARY-token-3"})
    platform.answer(MARK, slow_mark)
    with ThreadPoolExecutor(6) as pool:
        marking = [pool.submit(wecom.customers.mark_tag, "parent", f"wm{n}", add_tag=["t"]) for n in range(5)]
        platform.wait_for(MARK, 5)
        clock.at += 7200
        parent = pool.submit(wecom.customers.get, "wm1")
        assert fetching.wait(5)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                done = threading.Event()

                def work() -> None:
                    wecom.customers.get("wm1")
                    wecom.customers.mark_tag("child", "wm1", add_tag=["t"])
                    done.set()

                threading.Thread(target=work, daemon=True).start()
                code = 0 if done.wait(5) else 2
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        hold.set()
        assert parent.result().external_contact.external_userid == "wm1"
        assert [mark.result().errcode for mark in marking] == [0] * 5
    assert os.waitstatus_to_exitcode(status) == 0
    assert len(platform.calls(MARK)) == 6


# Never shown


def broken_token(platform: Any) -> None:
    platform.answer("/cgi-bin/gettoken", platform.text('{"errcode": 0, "access_token": "CANARY-token-x'))


def spaced_token(platform: Any) -> None:
    platform.answer("/cgi-bin/gettoken", platform.text('{"access_token" : "CANARY-token-x", "expires_in": {}}'))


def wrong_secret(platform: Any) -> None:
    platform.answer("/cgi-bin/gettoken", {"errcode": 40001, "errmsg": "invalid credential"})


def echoing(status: int) -> Callable[[Any], None]:
    def setup(platform: Any) -> None:
        """A proxy's page that repeats the address it was asked for."""

        def page(seen: Any) -> Any:
            return platform.text(f"<html>Cannot reach {seen.path}?access_token={seen.token}&amp;x=1</html>", status)

        platform.answer(GET, page)

    setup.__qualname__ = f"echoing_{status}"
    return setup


def talkative(platform: Any) -> None:
    platform.answer(GET, lambda seen: {"errcode": 40058, "errmsg": f"bad request access_token={seen.token}", "access_token": seen.token})


def refusing(platform: Any) -> None:
    platform.answer(GET, {"errcode": 40014, "errmsg": "invalid access_token"})


def resetting(platform: Any) -> None:
    platform.answer(GET, platform.reset)


def token_reset(platform: Any) -> None:
    platform.answer("/cgi-bin/gettoken", platform.reset)


def token_mute(platform: Any) -> None:
    platform.answer("/cgi-bin/gettoken", platform.silent(0.5))


def redirected(platform: Any) -> None:
    platform.answer(GET, lambda seen: platform.text("", 302, Location=f"{platform.url}/login?from=access_token%3D{seen.token}"))


def drifted(platform: Any) -> None:
    platform.answer(GET, lambda seen: {"errcode": 0, "external_contact": f"access_token%3D{seen.token}"})


def fine(platform: Any) -> None:
    pass


TROUBLE = [
    fine, broken_token, spaced_token, wrong_secret, echoing(200), echoing(403), echoing(502), talkative, refusing, resetting, token_reset,
    token_mute, redirected, drifted,
]  # fmt: skip


@pytest.mark.parametrize("setup", TROUBLE, ids=lambda setup: setup.__qualname__)
def test_no_secret_shows_in_errors_logs_hooks_or_reprs(setup: Any, platform: Any, clock: Any, caplog: pytest.LogCaptureFixture) -> None:
    import pickle
    import traceback

    from siyu_sdk import Hooks, SiyuError

    caplog.set_level("DEBUG")  # of every library, httpx and httpcore too
    setup(platform)
    seen: list[object] = []
    hooks = Hooks(seen.append, seen.append, seen.append)
    shown = list[str]()
    with WeCom("ww1", SECRET, base_url=platform.url, clock=clock, hooks=hooks, timeout=0.2) as client:
        try:
            reply = client.raw(type(client.customers).get("wm1"))
            shown.append(repr(reply))
        except SiyuError as error:
            shown += [repr(error), repr(vars(error)), *traceback.format_exception(error), repr(pickle.dumps(error))]
        shown += [repr(client), repr(client.session), repr(vars(client)), repr(client.customers), repr(client.session.cache)]
    shown += map(repr, seen)
    shown += [record.getMessage() for record in caplog.records] + [repr(record.args) for record in caplog.records]
    assert "CANARY" not in "\n".join(shown)


def test_no_secret_shows_where_nobody_listens(dead_url: str, clock: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with WeCom("ww1", SECRET, base_url=dead_url, clock=clock) as client, pytest.raises(NotSent) as caught:
        client.customers.get("wm1")
    assert "CANARY" not in repr(caught.value) + caplog.text


def test_the_steps_of_an_exchange_do_not_show_secrets(wecom: WeCom) -> None:
    """A flow's steps are printed by whoever debugs one."""
    shown = list[str]()

    class Loud(WeCom):
        def _perform(self, step: Any) -> Any:
            shown.append(repr(step))
            return super()._perform(step)

    with Loud("ww1", SECRET, base_url=wecom.session.base_url) as client:
        client.send(Customers.get("wm1"))
    assert any("Transmit" in text for text in shown)
    assert "CANARY" not in "\n".join(shown)


def test_a_cold_crowd_in_a_fresh_process_builds_every_model_once(platform: Any) -> None:
    """Models and argument types are built at first use: many threads may be the first at once."""
    code = f"""
    import threading
    from concurrent.futures import ThreadPoolExecutor
    from siyu_sdk import WeCom
    start = threading.Barrier(16)
    with WeCom("ww1", "s", base_url={platform.url!r}) as wecom, ThreadPoolExecutor(16) as pool:
        def one(_):
            start.wait()
            return wecom.customers.get("wm1").external_contact.name, wecom.customers.batch_get(["a"]).external_contact_list
        assert set(pool.map(one, range(16))) == {{("小榴莲🍈", ())}}
    """
    platform.answer("/cgi-bin/externalcontact/batch/get_by_user", {"errcode": 0, "external_contact_list": []})
    subprocess.run([sys.executable, "-W", "error", "-c", textwrap.dedent(code)], check=True, timeout=30)
    assert platform.token_requests == 1
