from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

import pytest

from siyu_sdk import Campaign, Guards, Message, Step
from siyu_sdk.campaign import BEIJING, Condition
from siyu_sdk.campaigns import _verdict
from siyu_sdk.ledger import Delivery, State

WEEK = timedelta(days=7)


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 16, hour, minute, tzinfo=BEIJING)


@pytest.mark.parametrize(
    ("guards", "now", "then"),
    [
        (Guards(), at(9), at(9)),
        (Guards(), at(20, 59), at(20, 59)),
        (Guards(), at(21), at(9) + timedelta(days=1)),
        (Guards(), at(3), at(9)),
        (Guards(), at(8, 59), at(9)),
        (Guards(time(12), time(14)), at(13), at(14)),
        (Guards(time(12), time(14)), at(14), at(14)),
        (Guards(time(0), time(0)), at(3), at(3)),
    ],
    ids=range(8),
)
def test_quiet_hours(guards: Guards, now: datetime, then: datetime) -> None:
    assert guards.next_allowed(now) == then


def test_room_is_counted_by_days_and_months_in_beijing() -> None:
    guards, now = Guards(per_day=1, per_month=3), at(10)
    assert guards.room([], now)
    assert not guards.room([at(0, 30).timestamp()], now), "half past midnight is today in Beijing, yesterday in UTC"
    assert guards.room([at(23).timestamp() - 86400], now)
    month = [at(10).timestamp() - 86400 * n for n in (1, 2, 3)]
    assert not guards.room(month, now)
    assert guards.room([datetime(2026, 10, 31, 23, tzinfo=BEIJING).timestamp()] * 3, now)
    assert Guards(per_day=None, per_month=None).room(month * 9, now)


def test_nothing_is_sent_in_the_evening_and_all_in_the_morning(shop: Any) -> None:
    shop.sandbox.advance(hours=12)  # half past nine in the evening
    plan = shop.broadcast(audience=shop.some(5), guards=Guards())
    assert "quiet hours" in {str(c.kind) for c in plan.conflicts}
    assert shop.apply(plan).waiting == 5
    shop.siyu.sop.tick()
    shop.sandbox.advance(hours=11, minutes=20)  # ten to nine
    shop.siyu.sop.tick()
    assert shop.states("hello") == {State.PLANNED: 5}
    shop.sandbox.advance(minutes=20)
    assert shop.siyu.sop.tick()[0].queued == 5
    assert shop.settled(plan).sent == 5


def test_coupons_disturb_nobody_and_may_be_given_at_night(shop: Any) -> None:
    shop.sandbox.advance(hours=12)
    plan = shop.siyu.coupons.plan("gift", shop.some(3, coupons=True), shop.coupon)
    assert shop.apply(plan).queued == 3


def test_one_message_a_day_over_all_campaigns(shop: Any) -> None:
    who = shop.some(5)
    first = shop.broadcast("one", "一", who, guards=Guards())
    second = shop.broadcast("two", "二", who, guards=Guards())
    third = shop.broadcast("three", "三", shop.some(6), guards=Guards())
    assert shop.apply(first).queued == 5
    assert (shop.apply(second).waiting, shop.apply(third).queued) == (5, 1)
    for _ in range(3):
        shop.sandbox.advance(days=1)
        shop.siyu.sop.tick()
    shop.sandbox.advance(hours=4)
    for customer in shop.ids(5):
        days = [int((d.at + 8 * 3600) // 86400) for d in shop.sandbox.inbox(customer)]
        assert len(days) == len(set(days)) == 3


def test_so_many_messages_a_month(shop: Any) -> None:
    who, guards = shop.some(2), Guards(per_day=None, per_month=2)
    plans = [shop.broadcast(f"n{n}", f"第{n}条", who, guards=guards) for n in range(3)]
    assert [shop.apply(plan).queued for plan in plans] == [2, 2, 0]
    shop.sandbox.advance(days=6)
    assert [run.queued for run in shop.siyu.sop.tick()] == [0]
    shop.sandbox.advance(days=8, hours=16)  # the first of December, after a week of waiting
    shop.siyu.sop.tick()
    assert shop.states("n2") == {State.SKIPPED: 2}
    assert shop.siyu.sop.report("n2").reasons() == {"waited a week, and had lost its occasion": 2}


def test_two_steps_of_one_day_are_two_days(shop: Any) -> None:
    campaign = Campaign("sop", (Step("one", message=Message("一")), Step("two", message=Message("二"))))
    plan = shop.siyu.sop.plan(campaign, shop.some(4))
    run = shop.apply(plan)
    assert (run.queued, run.waiting) == (4, 4)
    assert shop.siyu.sop.tick()[0].queued == 0
    shop.sandbox.advance(days=1)
    assert shop.siyu.sop.tick()[0].queued == 4
    assert shop.settled(plan).sent == 8


@pytest.mark.parametrize(("late", "state"), [("skip", State.SKIPPED), ("send_late", State.AWAITING)])
def test_nobody_ran_the_campaign_on_its_day(shop: Any, late: str, state: State) -> None:
    begin = shop.sandbox.clock.now() + timedelta(days=1)
    plan = shop.siyu.sop.plan(shop.campaign(Step("s", message=Message("迟"), late=late)), shop.some(3), start=begin)
    shop.apply(plan)
    shop.sandbox.advance(days=3)
    shop.siyu.sop.tick()
    assert shop.states("sop") == {state: 3}


def test_a_time_of_day_is_kept(shop: Any) -> None:
    plan = shop.siyu.sop.plan(shop.campaign(Step("s", message=Message("早"), day=1, at=time(10, 30))), shop.some(3))
    shop.apply(plan)
    shop.sandbox.advance(days=1, minutes=30)  # ten o'clock
    assert shop.siyu.sop.tick()[0].queued == 0
    shop.sandbox.advance(minutes=31)
    assert shop.siyu.sop.tick()[0].queued == 3


# Conditions


def verdict(campaign: Campaign, states: dict[str, State], step: str = "tell") -> str | None:
    row = Delivery(campaign.key, step, "p", "message", "wm", "amy", "", "", "", at(10).timestamp())
    return _verdict(campaign, row, states, at(10, 1))


@pytest.mark.parametrize("state", list(State))
def test_a_step_after_another_for_every_state_of_that_one(shop: Any, state: State) -> None:
    campaign = Campaign("c", (Step("coupon", coupon=shop.coupon), Step("tell", message=Message("x"), after="coupon")))
    goes = {State.SENT, State.CONFIRMED, State.REDEEMED}
    waits = {State.PLANNED, State.QUEUED, State.AWAITING, State.ISSUED, State.HELD}
    said = verdict(campaign, {"coupon": state})
    if state in goes:
        assert said is None
    elif state in waits:
        assert said == ""
    else:
        assert said == f"step coupon did not reach them: {state}"


def test_a_step_after_one_that_this_person_never_had(shop: Any) -> None:
    campaign = Campaign("c", (Step("coupon", coupon=shop.coupon), Step("tell", message=Message("x"), after="coupon")))
    assert verdict(campaign, {}) == "step coupon did not reach them: skipped"


@pytest.mark.parametrize("state", list(State))
def test_conditions_for_every_state(state: State) -> None:
    reached = state in {State.SENT, State.ISSUED, State.CONFIRMED, State.REDEEMED}
    assert Condition.parse("received(s)").holds({"s": state}) is reached
    assert Condition.parse(" not  received( s ) ").holds({"s": state}) is not reached
    assert Condition.parse("redeemed(s)").holds({"s": state}) is (state == State.REDEEMED)
    assert Condition.parse("not redeemed(s)").holds({"s": state}) is (state != State.REDEEMED)
    assert not Condition.parse("received(s)").holds({})


def test_what_is_held_may_go_on_yet_and_so_may_what_comes_after(shop: Any) -> None:
    steps = (Step("coupon", coupon=shop.coupon), Step("tell", message=Message("券到了"), after="coupon"))
    plan = shop.siyu.sop.plan(shop.campaign(*steps), shop.some(4, coupons=True))
    shop.sandbox.pay.stocks[shop.coupon.stock_id].state = "PAUSED"
    shop.apply(plan)
    shop.siyu.sop.tick()
    assert shop.states("sop") == {State.HELD: 4, State.PLANNED: 4}
    shop.sandbox.pay.stocks[shop.coupon.stock_id].state = "SENDING"
    shop.siyu.sop.resume("sop", retry_held=True)
    shop.siyu.coupons.refresh("sop")
    shop.siyu.sop.tick()
    assert shop.settled(plan).sent == 4


def test_who_redeemed_gets_no_reminder_and_no_further_step(shop: Any) -> None:
    steps = (
        Step("coupon", coupon=shop.coupon),
        Step("tell", message=Message("券到了"), after="coupon"),
        Step("remind", message=Message("快用"), day=3, after="coupon", when="not redeemed(coupon)"),
        Step("last", message=Message("最后一天"), day=5),
    )
    plan = shop.siyu.sop.plan(shop.campaign(*steps, stop_when=("redeemed(coupon)",)), shop.some(8, coupons=True))
    shop.apply(plan)
    shop.siyu.coupons.refresh("sop")
    shop.siyu.sop.tick()
    used = shop.rows("sop", "coupon")[:3]
    for row in used:
        shop.sandbox.pay.redeem(row.coupon_code)
    for _ in range(6):
        shop.sandbox.advance(days=1)
        shop.siyu.coupons.refresh("sop")
        shop.siyu.sop.tick()
    report = shop.settled(plan)
    assert shop.got("快用").keys() == shop.got("最后一天").keys() == {r.external_userid for r in shop.rows("sop", "coupon")[3:]}
    assert report.reasons() == {"stopped: redeemed(coupon)": 6}
    assert shop.siyu.ledger.running() == []
