"""Flows: written once, run by threads and by tasks, with the same results, the same order and the same errors."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from siyu_sdk import AsyncWeCom, Call, DecodeError, Flow, Gather, InputError, Local, M, NotFound, Sleep, UsageError, WeCom, flow
from siyu_sdk.core.call import following
from siyu_sdk.core.run import AsyncRunner, Runner
from siyu_sdk.wecom.customers import CustomerDetail, CustomerPage, Customers
from siyu_sdk.wecom.resource import WeComResource

GET = "/cgi-bin/externalcontact/get"
PAGES = "/cgi-bin/externalcontact/batch/get_by_user"


class Helpers(WeComResource[M]):
    """Flows as a user would write them."""

    @flow
    def name_of(self, external_userid: str) -> Flow[str]:
        """The name of one customer."""
        detail = yield from Customers.get(external_userid)
        return detail.external_contact.name or ""

    @flow
    def names_of(self, *ids: str, limit: int = 8) -> Flow[list[str | Exception]]:
        """Names, failures in their place."""
        return (yield from Gather((Helpers.name_of(i) for i in ids), limit))

    @flow
    def details_of(self, *ids: str, limit: int = 8) -> Flow[list[CustomerDetail | Exception]]:
        """The same with calls."""
        return (yield from Gather([Customers.get(i) for i in ids], limit))

    @flow
    def forgiving(self, external_userid: str) -> Flow[str]:
        """A failure is an ordinary exception at the yield."""
        try:
            yield from Customers.get(external_userid)
        except NotFound as error:
            return f"gone: {error.code}"
        finally:
            yield from Sleep(1)
        return "there"

    @flow
    def everybody(self) -> Flow[list[str]]:
        """All pages."""
        customers = yield from Customers.all(["zhang"])
        return [c.external_userid for c in customers]

    @flow
    def where(self) -> Flow[tuple[int, int, int]]:
        """In which threads work runs."""
        here = threading.get_ident()
        blocking = yield from Local(threading.get_ident)
        quick = yield from Local(threading.get_ident, blocking=False)
        return here, blocking, quick

    @flow
    def mistaken(self, step: Any) -> Flow[None]:
        """What is no step."""
        yield step


def named(seen: Any) -> dict[str, Any]:
    customer = seen.query["external_userid"]
    if customer == "gone":
        return {"errcode": 84061, "errmsg": "not external contact"}
    time.sleep(0.02 if customer == "slow" else 0)
    return {"errcode": 0, "external_contact": {"external_userid": customer, "name": f"name of {customer}"}}


@pytest.fixture(params=["threads", "tasks"])
def do(request: pytest.FixtureRequest, platform: Any, clock: Any) -> Iterator[Any]:
    """Run a helper on a sync client, and on an async one."""
    platform.answer(GET, named)
    options: Any = {"base_url": platform.url, "clock": clock}

    def with_threads(name: str, *args: Any, **kwargs: Any) -> Any:
        with WeCom("ww1", "s", **options) as client:
            return getattr(Helpers(client), name)(*args, **kwargs)

    def with_tasks(name: str, *args: Any, **kwargs: Any) -> Any:
        async def work() -> Any:
            async with AsyncWeCom("ww1", "s", **options) as client:
                return await getattr(Helpers(client), name)(*args, **kwargs)

        return asyncio.run(work())

    return with_threads if request.param == "threads" else with_tasks


def test_a_flow_gives_its_result(do: Any) -> None:
    assert do("name_of", "wm1") == "name of wm1"


def test_gather_keeps_the_order_and_puts_failures_in_their_place(do: Any) -> None:
    for helper in ("names_of", "details_of"):
        first, failed, last = do(helper, "slow", "gone", "wm3")
        shown = [getattr(getattr(r, "external_contact", None), "name", r) for r in (first, last)]
        assert shown == ["name of slow", "name of wm3"]
        assert isinstance(failed, NotFound)


def test_gather_keeps_its_limit(do: Any, platform: Any) -> None:
    do("details_of", *["slow"] * 20, limit=3)
    assert platform.most_in_flight == 3


def test_gather_of_nothing_is_nothing(do: Any, platform: Any) -> None:
    assert do("names_of") == []
    assert platform.seen == []


def test_gather_needs_room_for_one() -> None:
    with pytest.raises(InputError, match="limit"):
        Gather([Customers.get("wm1")], limit=0)


def test_a_call_that_cannot_be_made_stops_gather_before_anything_is_sent(do: Any, platform: Any) -> None:
    """The calls come from a generator: the bad one is the third."""
    with pytest.raises(InputError):
        do("mistaken", Gather(Customers.get(i) for i in ["a", "b", 3]))
    assert platform.seen == []


def test_a_mistake_inside_gather_is_raised_as_itself(do: Any) -> None:
    def wrong() -> Flow[int]:
        return 1 // (yield from Local(int))

    with pytest.raises(ZeroDivisionError):
        do("mistaken", Gather([wrong(), Customers.get("wm1")]))


def test_failures_are_ordinary_exceptions_in_a_flow(do: Any, clock: Any) -> None:
    assert do("forgiving", "gone") == "gone: 84061"
    assert do("forgiving", "wm1") == "there"
    assert clock.slept == [1, 1]


@pytest.mark.parametrize("step", [None, 7, "wm1", named, (Customers.get("wm1"),)], ids=lambda step: type(step).__name__)
def test_what_is_no_step_is_explained(do: Any, step: Any) -> None:
    with pytest.raises(UsageError, match=r"no step; did you forget `yield from`\?"):
        do("mistaken", step)


def test_a_flow_that_is_yielded_is_explained(do: Any) -> None:
    with pytest.raises(UsageError, match=r"generator object.*yield from"):
        do("mistaken", Helpers.name_of("wm1"))


def test_all_pages_are_read_also_past_an_empty_one(do: Any, platform: Any) -> None:
    platform.answer(PAGES, *pages())
    assert do("everybody") == ["wm1", "wm2", "wm3"]
    assert [s.json.get("cursor") for s in platform.calls(PAGES)] == [None, "c1", "c2"]


def test_blocking_work_runs_off_the_event_loop_and_quick_work_on_it(do: Any, request: pytest.FixtureRequest) -> None:
    here, blocking, quick = do("where")
    assert quick == here
    assert (blocking == here) is ("threads" in request.node.name)


def test_a_runner_alone_runs_local_work_and_says_that_it_sends_nothing() -> None:
    def work() -> Flow[int]:
        return (yield from Local(max, 1, 2))

    assert Runner().run(work()) == asyncio.run(AsyncRunner().run(work())) == 2
    with pytest.raises(UsageError, match="it is no client"):
        Runner().send(Customers.get("wm1"))


# Pages, walked


def customer(n: int) -> dict[str, Any]:
    return {"external_contact": {"external_userid": f"wm{n}"}, "follow_info": {"userid": "zhang"}}


def pages() -> list[dict[str, Any]]:
    return [
        {"external_contact_list": [customer(1), customer(2)], "next_cursor": "c1"},
        {"external_contact_list": [], "next_cursor": "c2"},
        {"external_contact_list": [customer(3)], "next_cursor": ""},
    ]


def test_walking_pages_fetches_them_as_they_are_needed(wecom: WeCom, platform: Any) -> None:
    platform.answer(PAGES, *pages())
    found = wecom.customers.all(["zhang"])
    assert platform.seen == []
    assert [next(found).external_userid, next(found).external_userid] == ["wm1", "wm2"]
    assert len(platform.calls()) == 1
    assert [c.external_userid for c in found] == ["wm3"]
    assert len(platform.calls()) == 3


async def test_walking_pages_with_tasks(async_wecom: AsyncWeCom, platform: Any) -> None:
    platform.answer(PAGES, *pages())
    assert [c.external_userid async for c in async_wecom.customers.all(["zhang"])] == ["wm1", "wm2", "wm3"]


def test_a_cursor_that_stands_still_is_an_error_not_a_loop(wecom: WeCom, platform: Any) -> None:
    platform.answer(PAGES, {"external_contact_list": [customer(1)], "next_cursor": "c1"})
    found = wecom.customers.all(["zhang"])
    assert [next(found).external_userid for _ in range(2)] == ["wm1", "wm1"]
    with pytest.raises(DecodeError, match="same cursor twice"):
        next(found)
    assert len(platform.calls()) == 2


def test_more_without_a_cursor_is_an_error_and_no_way_back_to_the_first_page(wecom: WeCom) -> None:
    class Endless(CustomerPage):
        def next_page(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
            return {"cursor": None}  # it says «more», and leaves the cursor out

    with pytest.raises(DecodeError, match="gives no cursor"):
        following(Customers.batch_get(["zhang"], cursor="c1"), Endless())


def test_help_tells_what_a_walk_gives(wecom: WeCom) -> None:
    assert str(inspect.signature(wecom.customers.all)).endswith("-> 'Iterator[Customer]'")


async def test_the_same_for_tasks_and_in_flows(async_wecom: AsyncWeCom, platform: Any) -> None:
    platform.answer(PAGES, {"external_contact_list": [], "next_cursor": "c1"})
    with pytest.raises(DecodeError, match="same cursor twice"):
        [c async for c in async_wecom.customers.all(["zhang"])]
    with pytest.raises(DecodeError, match="same cursor twice"):
        await Helpers(async_wecom).everybody()


def test_bad_arguments_of_a_page_are_refused_before_the_first(wecom: WeCom, platform: Any) -> None:
    with pytest.raises(InputError):
        next(wecom.customers.all([]))
    with pytest.raises(InputError):
        Customers.all([])
    assert platform.seen == []


# Stopped in the middle


async def test_cancelling_a_flow_leaves_nothing_running(platform: Any) -> None:
    platform.answer(GET, platform.silent(0.2))
    closed = list[str]()

    def one(name: str) -> Flow[None]:
        try:
            yield from Customers.get(name)
        finally:
            closed.append(name)

    async with AsyncWeCom("ww1", "s", base_url=platform.url) as client:
        before = asyncio.all_tasks()
        running = asyncio.create_task(Helpers(client).mistaken(Gather([one(f"wm{n}") for n in range(6)], limit=3)))
        await asyncio.to_thread(platform.wait_for, GET, 3)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert asyncio.all_tasks() == before
    assert sorted(closed) == ["wm0", "wm1", "wm2"]
    await asyncio.sleep(0.1)
    assert len(platform.calls(GET)) == 3


def test_ctrl_c_closes_the_flow(wecom: WeCom) -> None:
    closed = list[str]()

    def work() -> Flow[None]:
        try:
            yield from Local(interrupt)
        finally:
            closed.append("yes")

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        wecom.run(work())
    assert closed == ["yes"]


# The wrong client for the place


async def test_a_sync_call_in_a_running_loop_warns_once_and_names_the_async_client(platform: Any) -> None:
    platform.answer(GET, named)
    with WeCom("ww1", "s", base_url=platform.url) as client:
        with pytest.warns(RuntimeWarning, match="use AsyncWeCom") as caught:
            client.customers.get("wm1")
        assert caught[0].filename == __file__
        client.customers.get("wm1")


async def test_a_sync_flow_in_a_running_loop_warns_too(platform: Any) -> None:
    platform.answer(GET, named)
    with WeCom("ww1", "s", base_url=platform.url) as client, pytest.warns(RuntimeWarning, match="use AsyncWeCom") as caught:
        Helpers(client).name_of("wm1")
    assert caught[0].filename == __file__


def test_on_the_class_a_flow_is_a_generator_of_calls() -> None:
    """A dry run: steps are looked at, nothing is sent."""
    made = Helpers.name_of("wm1")
    step = next(made)
    assert isinstance(step, Call)
    assert step == Customers.get("wm1")
    with pytest.raises(StopIteration) as done:
        made.send(CustomerDetail.model_validate({"external_contact": {"external_userid": "wm1", "name": "小榴莲"}}))
    assert done.value.value == "小榴莲"
