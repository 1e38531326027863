"""The same story with tasks instead of threads."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from siyu_sdk import AsyncMiniProgram, AsyncPay, AsyncSiyu, AsyncStore, AsyncWeCom, Message, Step
from siyu_sdk.ledger import BatchState, Ledger, State

SEND = "*/add_msg_template"


def async_hub(shop: Any, **options: Any) -> AsyncSiyu:
    sandbox, ids = shop.sandbox, shop.sandbox.credentials
    return AsyncSiyu(
        wecom=AsyncWeCom(ids.corpid, ids.corpsecret, base_url=sandbox.wecom_url, clock=sandbox.clock),
        miniprogram=AsyncMiniProgram(ids.miniprogram_appid, ids.miniprogram_secret, base_url=sandbox.miniprogram_url, clock=sandbox.clock),
        store=AsyncStore(ids.store_appid, ids.store_secret, base_url=sandbox.store_url, clock=sandbox.clock),
        pay=AsyncPay(
            ids.mchid,
            ids.serial_no,
            ids.private_key,
            ids.api_v3_key,
            public_key=ids.public_key,
            public_key_id=ids.public_key_id,
            base_url=sandbox.pay_url,
            clock=sandbox.clock,
        ),
        **{"ledger": shop.ledger, "clock": sandbox.clock, "settle": shop.siyu.settle, **options},
    )


@pytest.fixture
async def siyu(shop: Any) -> AsyncIterator[AsyncSiyu]:
    async with async_hub(shop) as siyu:
        yield siyu


async def test_the_whole_story(shop: Any, siyu: AsyncSiyu) -> None:
    assert (await siyu.tags.apply(siyu.audience.bought("榴莲"), add=["购买/榴莲"])).failed == {}
    steps = (
        Step("coupon", coupon=shop.coupon),
        Step("tell", message=Message("{{ member }}给您留了券"), after="coupon"),
        Step("remind", message=Message("快用"), day=3, after="coupon", when="not redeemed(coupon)"),
    )
    plan = await siyu.sop.plan(shop.campaign(*steps), siyu.audience.tagged("购买/榴莲"))
    assert plan.cost.coupons > 3
    for path in (SEND, "/v3/marketing/partner/product-coupon/users/*/coupons"):
        shop.sandbox.faults.add(path=path, kind="drop_after_commit", times=2)
    await siyu.sop.apply(plan, confirm=plan.fingerprint)
    await siyu.coupons.refresh("sop")
    await siyu.sop.tick()
    for row in shop.rows("sop", "coupon")[:2]:
        shop.sandbox.pay.redeem(row.coupon_code)
    await asyncio.to_thread(shop.sandbox.advance, days=3)
    await siyu.coupons.refresh("sop")
    await siyu.sop.tick()
    await asyncio.to_thread(shop.sandbox.advance, hours=4)
    report = await siyu.sop.report("sop")
    coupons = plan.cost.coupons
    assert (report.total[State.CONFIRMED], report.total[State.REDEEMED]) == (coupons - 2, 2)
    assert report.sent == 2 * coupons - 2
    assert shop.sandbox.invariants() == []
    assert set(shop.coupons().values()) == {1}
    await asyncio.to_thread(shop.settled, plan)


async def test_a_task_that_is_cancelled_leaves_a_ledger_that_resumes(shop: Any, siyu: AsyncSiyu) -> None:
    plan = await siyu.broadcast.plan(
        "hello", siyu.audience.everyone(), Message("你好"), guards=shop.campaign(Step("s", message=Message("x"))).guards
    )
    shop.sandbox.faults.add(path=SEND, kind="slow", seconds=0.2)
    applying = asyncio.create_task(siyu.broadcast.apply(plan, confirm=plan.fingerprint))
    while not shop.siyu.ledger.batches("hello", [BatchState.INTENT]):  # noqa: ASYNC110 -- it is a database that is waited for
        await asyncio.sleep(0.01)
    applying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await applying
    shop.sandbox.faults.clear()
    await siyu.broadcast.resume("hello")
    report = await asyncio.to_thread(shop.settled, plan)
    assert report.sent == len(plan.rows)
    assert set(shop.got("你好").values()) == {1}


async def test_the_ledger_does_not_block_the_event_loop(shop: Any, siyu: AsyncSiyu, monkeypatch: pytest.MonkeyPatch) -> None:
    loop_thread, blocked = asyncio.get_running_loop(), list[str]()
    from siyu_sdk import records

    plain = Ledger._transaction

    def transaction(self: Ledger, **more: Any) -> Any:
        if asyncio._get_running_loop() is loop_thread:
            blocked.append("the ledger was worked on by the event loop")
        return plain(self, **more)

    def create_all(*args: Any, **more: Any) -> None:
        if asyncio._get_running_loop() is loop_thread:
            blocked.append("tables were made by the event loop")
        made(*args, **more)

    made = records.META.create_all
    monkeypatch.setattr(Ledger, "_transaction", transaction)
    monkeypatch.setattr(records.META, "create_all", create_all)
    plan = await siyu.broadcast.plan("hello", siyu.audience.everyone(), Message("你好"))
    await siyu.broadcast.apply(plan, confirm=plan.fingerprint)
    await siyu.broadcast.remind("hello")
    await siyu.audience.opt_out(plan.rows[0].external_userid)
    await siyu.broadcast.report("hello")
    await siyu.broadcast.cancel("hello")
    assert blocked == []


async def test_other_tasks_go_on_while_a_slow_ledger_works(shop: Any, siyu: AsyncSiyu, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = await siyu.broadcast.plan("hello", siyu.audience.everyone(), Message("你好"))
    plain = Ledger.create_campaign

    def create_campaign(*args: Any) -> bool:
        time.sleep(0.5)
        return plain(*args)

    monkeypatch.setattr(Ledger, "create_campaign", create_campaign)
    longest, last = 0.0, time.monotonic()
    task = asyncio.create_task(siyu.broadcast.apply(plan, confirm=plan.fingerprint))
    while not task.done():
        await asyncio.sleep(0.005)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    await task
    assert longest < 0.4


async def test_a_ledger_in_memory_serves_all_threads(shop: Any) -> None:
    async with async_hub(shop, ledger="sqlite://") as siyu:
        plan = await siyu.broadcast.plan("hello", siyu.audience.everyone(), Message("你好"))
        assert (await siyu.broadcast.apply(plan, confirm=plan.fingerprint)).queued == len(plan.rows)
