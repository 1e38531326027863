"""What happens to one call: sent once or again, refused, broken, or lost on the way."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import httpx
import pytest
from tenacity import stop_after_attempt, stop_after_delay, wait_fixed

from siyu_sdk import GET as READS
from siyu_sdk import (
    ApiError,
    AsyncWeCom,
    Attempt,
    Call,
    Conflict,
    DecodeError,
    Hooks,
    InvalidArgument,
    M,
    NotFound,
    NotSent,
    OutcomeUnknown,
    PermissionDenied,
    PlatformBusy,
    QuotaExceeded,
    RateLimited,
    Retry,
    SiyuError,
    UsageError,
    WeCom,
)
from siyu_sdk.core.limits import Limit, MemoryLimiter
from siyu_sdk.core.model import Reply
from siyu_sdk.wecom.customers import Customers
from siyu_sdk.wecom.mass_messages import MassMessages
from siyu_sdk.wecom.resource import WeComResource

GET = "/cgi-bin/externalcontact/get"
MARK = "/cgi-bin/externalcontact/mark_tag"
REMIND = "/cgi-bin/externalcontact/remind_groupmsg_send"
READ, SEND = Customers.get("wm1"), MassMessages.remind("msg1")  # safe to repeat, and not


# Lost on the way


def test_a_refused_connection_is_tried_again_and_then_certainly_not_sent(dead_url: str, clock: Any) -> None:
    with WeCom("ww1", "s", base_url=dead_url, clock=clock) as client, pytest.raises(NotSent) as caught:
        client.send(SEND)
    assert len(clock.slept) == 3
    assert not caught.value.may_have_arrived
    assert caught.value.call == "GET /cgi-bin/gettoken"


@pytest.mark.parametrize("how", ["reset", "silence"])
def test_a_read_that_breaks_is_tried_again(platform: Any, clock: Any, how: str) -> None:
    platform.answer(GET, platform.reset if how == "reset" else platform.silent(0.5), {"external_contact": {"external_userid": "wm1"}})
    with WeCom("ww1", "s", base_url=platform.url, clock=clock, timeout=0.15) as client:
        assert client.send(READ).external_contact.external_userid == "wm1"
    assert len(platform.calls(GET)) == 2


@pytest.mark.parametrize("how", ["reset", "silence"])
def test_a_send_that_breaks_is_never_repeated_and_its_outcome_unknown(platform: Any, clock: Any, how: str) -> None:
    platform.answer(REMIND, platform.reset if how == "reset" else platform.silent(0.5))
    with WeCom("ww1", "s", base_url=platform.url, clock=clock, timeout=0.15) as client, pytest.raises(OutcomeUnknown) as caught:
        client.send(SEND)
    assert caught.value.may_have_arrived
    assert caught.value.call == f"POST {REMIND}"
    assert len(platform.calls(REMIND)) == 1
    assert clock.slept == []


async def test_the_same_holds_for_coroutines(platform: Any, clock: Any) -> None:
    platform.answer(REMIND, platform.reset)
    platform.answer(GET, platform.reset, {"external_contact": {"external_userid": "wm1"}})
    async with AsyncWeCom("ww1", "s", base_url=platform.url, clock=clock) as client:
        with pytest.raises(OutcomeUnknown):
            await client.send(SEND)
        await client.send(READ)
    assert (len(platform.calls(REMIND)), len(platform.calls(GET))) == (1, 2)


def test_a_read_that_never_succeeds_ends_after_four_tries(wecom: WeCom, platform: Any) -> None:
    platform.answer(GET, platform.reset)
    with pytest.raises(OutcomeUnknown):
        wecom.send(READ)
    assert len(platform.calls(GET)) == 4


# The platform has trouble


@pytest.mark.parametrize("trouble", [{"errcode": -1, "errmsg": "system busy"}, {"errcode": 50000, "status": 500}], ids=["busy", "500"])
def test_trouble_is_waited_out_where_repeating_is_safe(wecom: WeCom, platform: Any, clock: Any, trouble: dict[str, Any]) -> None:
    bad = platform.json({"errcode": -1}, 500) if "status" in trouble else trouble
    platform.answer(GET, bad, bad, {"external_contact": {"external_userid": "wm1"}})
    wecom.send(READ)
    assert len(platform.calls(GET)) == 3
    assert len(clock.slept) == 2


def test_trouble_that_stays_is_platform_busy(wecom: WeCom, platform: Any) -> None:
    platform.answer(GET, {"errcode": -1, "errmsg": "system busy"})
    with pytest.raises(PlatformBusy) as caught:
        wecom.send(READ)
    assert caught.value.retryable
    assert len(platform.calls(GET)) == 4


@pytest.mark.parametrize("status", [200, 500, 503])
def test_trouble_on_a_send_is_an_unknown_outcome(wecom: WeCom, platform: Any, status: int) -> None:
    platform.answer(REMIND, platform.json({"errcode": -1, "errmsg": "system busy"}, status))
    with pytest.raises(OutcomeUnknown) as caught:
        wecom.send(SEND)
    assert isinstance(caught.value.__cause__, PlatformBusy)
    assert "may have taken effect" in str(caught.value)
    assert len(platform.calls(REMIND)) == 1


@pytest.mark.parametrize("code", [45009, 45033])
def test_a_limit_refuses_before_anything_is_done_so_even_a_send_waits_and_goes_on(
    wecom: WeCom, platform: Any, clock: Any, code: int
) -> None:
    platform.answer(REMIND, {"errcode": code, "errmsg": "reach max api limit"}, {"errcode": 0})
    wecom.send(SEND)
    assert len(platform.calls(REMIND)) == 2
    assert len(clock.slept) == 1


def test_a_limit_that_stays_is_rate_limited(wecom: WeCom, platform: Any) -> None:
    platform.answer(REMIND, {"errcode": 45009, "errmsg": "reach max api daily quota limit"})
    with pytest.raises(RateLimited) as caught:
        wecom.send(SEND)
    assert caught.value.code == 45009
    assert 2 <= len(platform.calls(REMIND)) <= 4


def test_retry_after_is_waited_for(wecom: WeCom, platform: Any, clock: Any) -> None:
    platform.answer(REMIND, platform.json({"errcode": 45009}, 429, Retry_After="17"), {"errcode": 0})
    wecom.send(SEND)
    assert clock.slept == [17]


def test_a_retry_after_beyond_two_minutes_is_the_callers_business(wecom: WeCom, platform: Any, clock: Any) -> None:
    platform.answer(REMIND, platform.text("Too many requests", 429, Retry_After="3600"))
    with pytest.raises(RateLimited) as caught:
        wecom.send(SEND)
    assert caught.value.retry_after == 3600
    assert (clock.slept, len(platform.calls(REMIND))) == ([], 1)


@pytest.mark.parametrize("header", ["Fri, 31 Dec 1999 23:59:59 GMT", "-5", "soon", "", "1e9", "inf"])
def test_a_retry_after_that_is_no_number_of_seconds_is_ignored(wecom: WeCom, platform: Any, clock: Any, header: str) -> None:
    platform.answer(REMIND, platform.json({"errcode": 45009}, 429, Retry_After=header), {"errcode": 0})
    wecom.send(SEND)
    assert len(platform.calls(REMIND)) == 2
    assert 0 < sum(clock.slept) <= 60


@pytest.mark.parametrize(
    ("code", "kind"),
    [(40058, InvalidArgument), (84061, NotFound), (48002, PermissionDenied), (40071, Conflict), (40126, QuotaExceeded), (987654, ApiError)],
)
def test_what_cannot_succeed_unchanged_is_not_tried_again(wecom: WeCom, platform: Any, code: int, kind: type[ApiError]) -> None:
    platform.answer(GET, {"errcode": code, "errmsg": "no; hint: [1700000000_abc]", "more": [1]})
    with pytest.raises(kind) as caught:
        wecom.send(READ)
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.details, caught.value.http_status) == (code, {"more": [1]}, 200)
    assert caught.value.call == f"GET {GET}"
    assert str(code) in str(caught.value)
    assert len(platform.calls(GET)) == 1


def test_an_error_code_written_as_text_is_a_number_all_the_same(wecom: WeCom, platform: Any) -> None:
    platform.answer(GET, {"errcode": "84061", "errmsg": "not external contact"})
    with pytest.raises(NotFound) as caught:
        wecom.send(READ)
    assert caught.value.code == 84061


def test_the_policy_can_be_replaced(platform: Any, clock: Any) -> None:
    platform.answer(GET, {"errcode": -1})
    for retry, tries in ((Retry(stop=stop_after_attempt(1)), 1), (Retry(stop=stop_after_delay(10), wait=wait_fixed(4)), 4)):
        platform.seen.clear()
        with WeCom("ww1", "s", base_url=platform.url, clock=clock, retry=retry) as client, pytest.raises(PlatformBusy):
            client.send(READ)
        assert len(platform.calls(GET)) == tries


# Replies that cannot be read

PAGE = "<!DOCTYPE html><html><head><title>502 网关错误</title></head><body>" + "x" * 300 + "</body></html>"
BROKEN = {
    "a page": PAGE,
    "nothing": "",
    "cut off": '{"errcode": 0, "external_contact": {"external_us',
    "a list": "[1, 2]",
    "a number": "7",
    "a null": "null",
    "no UTF-8": b'{"errcode": 0, "errmsg": "\xff\xfe"}',
    "wrong types": '{"errcode": 0, "external_contact": {"external_userid": {"id": 1}}}',
    "a wrong code": '{"errcode": {"code": 1}, "external_contact": {"external_userid": "wm1"}}',
    "what is needed missing": '{"errcode": 0}',
    "deep": '{"a":' * 3000 + "1" + "}" * 3000,
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_reply_is_a_decode_error_with_the_call_and_the_first_200_characters(wecom: WeCom, platform: Any, name: str) -> None:
    platform.answer(GET, platform.text(BROKEN[name]))
    with pytest.raises(DecodeError) as caught:
        wecom.send(READ)
    body = BROKEN[name]
    text = body if isinstance(body, str) else body.decode("utf-8", "replace")
    assert caught.value.excerpt == text[:200]
    assert caught.value.call.startswith(f"GET {GET}")
    assert GET in str(caught.value)
    assert len(platform.calls(GET)) == 1  # an answer with status 200 is an answer


@pytest.mark.parametrize(("status", "tries"), [(200, 1), (302, 4), (500, 4), (502, 4)])
def test_a_page_of_a_proxy_in_place_of_a_read_has_changed_nothing(wecom: WeCom, platform: Any, status: int, tries: int) -> None:
    platform.answer(GET, platform.text(PAGE, status))
    with pytest.raises(DecodeError) as caught:
        wecom.send(READ)
    assert not caught.value.may_have_arrived
    assert len(platform.calls(GET)) == tries


@pytest.mark.parametrize("status", [200, 302, 502])
def test_a_page_of_a_proxy_in_place_of_a_send_may_hide_that_it_was_done(wecom: WeCom, platform: Any, status: int) -> None:
    platform.answer(REMIND, platform.text(PAGE, status))
    with pytest.raises(DecodeError) as caught:
        wecom.send(SEND)
    assert caught.value.may_have_arrived
    assert str(status) in str(caught.value) or status == 200
    assert len(platform.calls(REMIND)) == 1


@pytest.mark.parametrize(("status", "kind"), [(403, PermissionDenied), (404, NotFound), (429, RateLimited)])
def test_a_page_with_a_telling_status_is_the_error_of_that_status(platform: Any, clock: Any, status: int, kind: type[ApiError]) -> None:
    platform.answer(REMIND, platform.text("<html>no</html>", status))
    once = Retry(stop=stop_after_attempt(1))
    with WeCom("ww1", "s", base_url=platform.url, clock=clock, retry=once) as client, pytest.raises(kind) as caught:
        client.send(SEND)
    assert caught.value.http_status == status
    assert "<html>no</html>" in caught.value.message


def test_a_null_in_place_of_an_absent_field_is_tolerated(wecom: WeCom, platform: Any) -> None:
    platform.answer(GET, {"errcode": 0, "errmsg": None, "external_contact": {"external_userid": "wm1", "name": None}, "follow_user": None})
    reply = wecom.send(READ)
    assert (reply.follow_user, reply.errmsg, reply.external_contact.name) == ((), "", None)


def test_unknown_values_and_unknown_fields_are_kept(wecom: WeCom, platform: Any) -> None:
    body = {
        "errcode": 0,
        "errmsg": "ok",
        "external_contact": {"external_userid": "wm1", "type": 77, "badge": {"level": "gold"}},
        "follow_user": [{"userid": "zhang", "add_way": 9999, "createtime": 1_700_000_000, "mood": "🙂"}],
        "version": 2,
    }
    platform.answer(GET, body)
    reply = wecom.send(READ)
    assert reply.external_contact.type == 77
    assert not reply.external_contact.type.is_known  # type: ignore[union-attr]
    assert reply.follow_user[0].add_way == 9999
    assert reply.to_wire() == body
    assert set(reply.unknown_fields()) == {"version", "external_contact.badge", "follow_user.0.mood"}


# Around the reply


def test_raw_gives_status_headers_and_body_beside_the_reply(wecom: WeCom, platform: Any) -> None:
    platform.answer(GET, platform.json({"errcode": 0, "external_contact": {"external_userid": "wm1"}}, X_Trace="t-1"))
    raw = wecom.raw(READ)
    assert (raw.status, raw.headers["x-trace"], raw.reply.external_contact.external_userid) == (200, "t-1", "wm1")
    assert raw.body == b'{"errcode": 0, "external_contact": {"external_userid": "wm1"}}'


def test_extra_sends_what_a_declaration_lacks(wecom: WeCom, platform: Any) -> None:
    wecom.send(SEND.options(extra={"new_field": ["a"]}))
    wecom.send(READ.options(extra={"lang": "zh", "debug": True}))
    assert platform.calls(REMIND)[0].json == {"msgid": "msg1", "new_field": ["a"]}
    assert platform.calls(GET)[0].query.items() >= {"external_userid": "wm1", "lang": "zh", "debug": "true"}.items()


def test_one_call_can_have_a_time_limit_of_its_own(platform: Any, clock: Any) -> None:
    platform.answer(REMIND, platform.silent(0.4))
    with WeCom("ww1", "s", base_url=platform.url, clock=clock, timeout=0.1) as client:
        client.send(SEND.options(timeout=3))
        began = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            client.send(SEND)
        assert time.monotonic() - began < 0.35


def test_a_call_of_another_platform_is_refused(miniprogram: Any, platform: Any) -> None:
    with pytest.raises(UsageError, match=r"'wecom'.*'miniprogram'"):
        miniprogram.send(READ)
    assert platform.seen == []


# Hooks and the log


def test_hooks_see_every_attempt_in_order(platform: Any, clock: Any) -> None:
    platform.answer(GET, {"errcode": -1}, {"external_contact": {"external_userid": "wm1"}})
    told = list[tuple[str, Attempt]]()
    hooks = Hooks(*(lambda attempt, name=name: told.append((name, attempt)) for name in ("request", "response", "retry")))
    with WeCom("ww1", "s", base_url=platform.url, clock=clock, hooks=hooks) as client:
        client.send(READ)
    assert [(name, attempt.path.rpartition("/")[2], attempt.number) for name, attempt in told] == [
        ("request", "gettoken", 1),
        ("response", "gettoken", 1),
        ("request", "get", 1),
        ("response", "get", 1),
        ("retry", "get", 1),
        ("request", "get", 2),
        ("response", "get", 2),
    ]
    busy, retry, fine = told[3][1], told[4][1], told[6][1]
    assert isinstance(busy.error, PlatformBusy)
    assert busy.status == 200
    assert retry.pause == clock.slept[0]
    assert (fine.error, fine.status, fine.platform, fine.method) == (None, 200, "wecom", "GET")


def test_what_a_hook_raises_stops_the_call_and_gives_its_place_back(platform: Any, clock: Any) -> None:
    def raising(attempt: Attempt) -> None:
        if attempt.path == MARK:
            raise ZeroDivisionError

    for hooks in (Hooks(on_request=raising), Hooks(on_response=raising)):
        with WeCom("ww1", "s", base_url=platform.url, clock=clock, hooks=hooks) as client:
            for _ in range(7):  # more than there are places
                with pytest.raises(ZeroDivisionError):
                    client.customers.mark_tag("zhang", "wm1", add_tag=["t"])


def test_one_log_line_for_each_attempt(wecom: WeCom, platform: Any, caplog: pytest.LogCaptureFixture) -> None:
    platform.answer(GET, {"errcode": -1, "errmsg": "busy"}, {"external_contact": {"external_userid": "wm1"}})
    with caplog.at_level(logging.DEBUG, "siyu_sdk"):
        wecom.send(READ)
    lines = [r.getMessage() for r in caplog.records if r.name == "siyu_sdk"]
    assert [line.split(" attempt ")[0] for line in lines] == ["wecom GET /cgi-bin/gettoken", f"wecom GET {GET}", f"wecom GET {GET}"]
    assert "-1 busy" in lines[1]
    assert "200 in" in lines[2]


def test_without_the_level_nothing_is_logged(wecom: WeCom, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        wecom.send(READ)
    assert [r for r in caplog.records if r.name.startswith("siyu")] == []


# Limits on our side


def test_at_most_five_marks_are_in_flight_however_many_threads_call(platform: Any) -> None:
    def answer(_: Any) -> dict[str, Any]:
        time.sleep(0.01)
        return {"errcode": 0}

    platform.answer(MARK, answer)
    with WeCom("ww1", "s", base_url=platform.url) as client, ThreadPoolExecutor(50) as pool:
        client.customers.get("wm1")
        list(pool.map(lambda n: client.customers.mark_tag("zhang", f"wm{n}", add_tag=["t"]), range(50)))
    assert 2 <= platform.most_in_flight <= 5
    assert len(platform.calls(MARK)) == 50


async def test_at_most_five_marks_are_in_flight_however_many_tasks_call(platform: Any) -> None:
    def answer(_: Any) -> dict[str, Any]:
        time.sleep(0.01)
        return {"errcode": 0}

    platform.answer(MARK, answer)
    async with AsyncWeCom("ww1", "s", base_url=platform.url) as client:
        await asyncio.gather(*(client.customers.mark_tag("zhang", f"wm{n}", add_tag=["t"]) for n in range(50)))
    assert 2 <= platform.most_in_flight <= 5


class Shelf(WeComResource[M]):
    """An endpoint of our own with a limit by time."""

    @READS("/shelf", docs="none", limit=Limit(per_minute=3))
    def look(self) -> Call[Reply]:
        """Look."""
        ...


def test_so_many_a_minute_by_the_clients_clock(wecom: WeCom, platform: Any, clock: Any) -> None:
    shelf = Shelf(wecom)
    for _ in range(3):
        shelf.look()
    assert clock.slept == []
    shelf.look()
    assert 59 < sum(clock.slept) < 62
    assert len(platform.calls("/shelf")) == 4


def test_two_accounts_that_share_a_limiter_do_not_share_a_limit(platform: Any, clock: Any) -> None:
    hold = threading.Event()
    platform.answer(MARK, lambda seen: hold.wait(10) and {"errcode": 0} if seen.json["userid"] == "one" else {"errcode": 0})
    options: Any = {"base_url": platform.url, "clock": clock, "limiter": MemoryLimiter()}
    with WeCom("ww1", "s", **options) as one, WeCom("ww2", "s", **options) as two, ThreadPoolExecutor(5) as pool:
        busy = [pool.submit(one.customers.mark_tag, "one", f"wm{n}", add_tag=["t"]) for n in range(5)]
        platform.wait_for(MARK, 5)
        two.customers.mark_tag("two", "wm1", add_tag=["t"])
        hold.set()
        assert [done.result().errcode for done in busy] == [0] * 5


TWICE_OVER = range(11)  # more often than there are places: one that is not given back would keep the last calls waiting for ever
ENDINGS: list[Any] = [{"errcode": 0}, {"errcode": 84061}, {"errcode": -1}, "reset", "<html>", {"errcode": 40014}]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("reply", ENDINGS, ids=str)
def test_a_place_is_given_back_whatever_happens(wecom: WeCom, platform: Any, reply: Any) -> None:
    platform.answer(MARK, platform.reset if reply == "reset" else platform.text(reply) if isinstance(reply, str) else reply)
    for _ in TWICE_OVER:
        with nullcontext() if reply == {"errcode": 0} else pytest.raises(SiyuError):
            wecom.customers.mark_tag("zhang", "wm1", add_tag=["t"])


@pytest.mark.timeout(20)
def test_a_place_is_given_back_on_ctrl_c(wecom: WeCom, platform: Any) -> None:
    class Interrupted:
        def send(self, request: Any) -> Any:
            raise KeyboardInterrupt

        def close(self) -> None: ...

    wecom.customers.get("wm1")
    whole = wecom.session.transport
    object.__setattr__(wecom.session, "transport", Interrupted())
    for _ in TWICE_OVER:
        with pytest.raises(KeyboardInterrupt):
            wecom.customers.mark_tag("zhang", "wm1", add_tag=["t"])
    object.__setattr__(wecom.session, "transport", whole)
    wecom.customers.mark_tag("zhang", "wm1", add_tag=["t"])
    assert len(platform.calls(MARK)) == 1


@pytest.mark.timeout(20)
async def test_a_place_is_given_back_by_a_task_that_is_cancelled(platform: Any) -> None:
    platform.answer(MARK, platform.silent(0.3))
    async with AsyncWeCom("ww1", "s", base_url=platform.url) as client:
        await client.customers.get("wm1")
        for _ in range(3):
            before = len(platform.calls(MARK))
            tasks = [asyncio.create_task(client.customers.mark_tag("zhang", f"wm{n}", add_tag=["t"])) for n in range(5)]
            await asyncio.to_thread(platform.wait_for, MARK, before + 5)
            for task in tasks:
                task.cancel()
            assert all(isinstance(done, asyncio.CancelledError) for done in await asyncio.gather(*tasks, return_exceptions=True))


# A client of the caller's own


def test_the_callers_own_httpx_client_is_used_and_left_open(platform: Any, clock: Any) -> None:
    heads = list[str]()
    with httpx.Client(event_hooks={"request": [lambda request: heads.append(request.headers["user-agent"])]}) as mine:
        with WeCom("ww1", "s", base_url=platform.url, clock=clock, http=mine) as client:
            client.send(READ)
        assert not mine.is_closed
        assert mine.get(f"{platform.url}{GET}").status_code == 200
    assert heads[0].startswith("siyu-sdk/")


async def test_the_callers_own_async_client_is_used_and_left_open(platform: Any, clock: Any) -> None:
    async with httpx.AsyncClient() as mine:
        async with AsyncWeCom("ww1", "s", base_url=platform.url, clock=clock, http=mine) as client:
            await client.send(READ)
        assert not mine.is_closed


def test_a_closed_client_opens_again_when_it_is_used(platform: Any, clock: Any) -> None:
    client = WeCom("ww1", "s", base_url=platform.url, clock=clock)
    for close in (client.close, client.close):
        client.send(READ)
        close()
    assert platform.token_requests == 1
