"""What neither ledger nor platform can tell, a person decides; the ledger keeps who, when and why."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from siyu_sdk import InputError, Message, SiyuError, Step, UsageError
from siyu_sdk.ledger import BatchState, State

SEND = "*/add_msg_template"
AMY = {"by": "amy", "why": "looked into the console"}


def colleague(shop: Any, text: str, customers: list[str]) -> None:
    """A colleague made the same message by hand in the same minute, and withdrew it."""
    shop.sandbox.wecom.add_task(text, (), customers, "amy").cancelled = True


def of_amy(shop: Any) -> list[str]:
    return [row.external_userid for row in shop.broadcast().rows if row.sender == "amy"]


def on_hold(shop: Any, *, arrived: bool) -> Any:
    """One batch of amy's, on hold: the answer was lost, and two tasks could be it."""
    who = of_amy(shop)
    shop.sandbox.faults.add(path=SEND, kind="drop_after_commit" if arrived else "reset", times=1)
    for customer in who[: 1 if arrived else 2]:
        colleague(shop, "你好", [customer])
    plan = shop.broadcast(audience=shop.siyu.audience.people(who))
    shop.apply(plan)
    assert shop.states("hello") == {State.HELD: len(who)}
    return plan


@pytest.fixture
def plan(shop: Any) -> Any:
    return on_hold(shop, arrived=True)


@pytest.fixture
def batch(shop: Any, plan: Any) -> str:
    held = shop.siyu.broadcast.report("hello").on_hold
    assert all("could all be it" in reason for reason in held.values())
    return str(next(iter(held)))


def ours(shop: Any, customers: int) -> str:
    tasks = shop.sandbox.wecom.tasks.values()
    return next(task.msgid for task in tasks if any(len(todo.rows) == customers for todo in task.todos.values()))


def test_it_arrived_and_the_message_is_known(shop: Any, plan: Any, batch: str) -> None:
    assert shop.siyu.broadcast.decide("hello", batch, arrived=True, msgid=ours(shop, len(plan.rows)), **AMY) == len(plan.rows)
    assert shop.siyu.broadcast.report("hello").awaiting_member == len(plan.rows)
    report = shop.settled(plan)
    assert report.sent == len(plan.rows)
    assert shop.sandbox.calls.count(SEND) == 1
    (decision,) = report.decisions
    assert (decision.batch, decision.arrived, decision.by, decision.why) == (batch, True, "amy", "looked into the console")
    assert 0 <= shop.sandbox.clock.time() - decision.at < 5 * 3600


def test_it_arrived_as_far_as_one_can_see(shop: Any, plan: Any, batch: str) -> None:
    shop.siyu.broadcast.decide("hello", batch, arrived=True, **AMY)
    report = shop.siyu.broadcast.report("hello")
    assert report.sent == len(plan.rows)
    assert report.reasons() == {"decided by amy: looked into the console": len(plan.rows)}
    for step in (shop.siyu.broadcast.tick, partial(shop.siyu.broadcast.resume, "hello", retry_held=True)):
        step()
    assert shop.sandbox.calls.count(SEND) == 1


def test_it_did_not_arrive_and_goes_out_now(shop: Any) -> None:
    plan = on_hold(shop, arrived=False)
    assert shop.siyu.ledger.running() == []
    (batch,) = shop.siyu.broadcast.report("hello").on_hold
    assert shop.siyu.broadcast.decide("hello", batch, arrived=False, **AMY) == len(plan.rows)
    assert shop.states("hello") == {State.PLANNED: len(plan.rows)}
    shop.siyu.broadcast.tick()
    report = shop.settled(plan)
    assert report.sent == len(plan.rows)
    assert [(d.batch, d.arrived) for d in report.decisions] == [(batch, False)]


def test_who_is_planned_again_is_judged_again(shop: Any) -> None:
    plan = on_hold(shop, arrived=False)
    (batch,) = shop.siyu.broadcast.report("hello").on_hold
    shop.siyu.audience.opt_out(plan.rows[0].external_userid)
    shop.siyu.broadcast.decide("hello", batch, arrived=False, **AMY)
    shop.siyu.broadcast.tick()
    states = {row.person: row.state for row in shop.rows("hello")}
    assert states.pop(plan.rows[0].person) == State.SKIPPED
    assert set(states.values()) == {State.AWAITING}


def test_only_what_is_on_hold_can_be_decided_and_only_once(shop: Any, plan: Any, batch: str) -> None:
    decide = shop.siyu.broadcast.decide
    decide("hello", batch, arrived=True, **AMY)
    before = shop.states("hello")
    for arrived in (True, False):
        with pytest.raises(UsageError, match="is sent, not on hold"):
            decide("hello", batch, arrived=arrived, **AMY)
    with pytest.raises(UsageError, match="none of this campaign"):
        decide("hello", "hello/message/0123456789abcdef", arrived=True, **AMY)
    shop.apply(shop.broadcast("other", "别的"))
    with pytest.raises(UsageError, match="none of this campaign"):
        decide("other", batch, arrived=True, **AMY)
    with pytest.raises(UsageError, match="no campaign named"):
        decide("never", batch, arrived=True, **AMY)
    assert shop.states("hello") == before
    assert len(shop.siyu.ledger.decisions("hello")) == 1


@pytest.mark.parametrize(
    ("given", "field"),
    [({"by": " "}, "by"), ({"why": ""}, "why"), ({"arrived": False, "msgid": "m"}, "msgid")],
    ids=["nobody", "no reason", "a message that is none"],
)
def test_a_decision_says_who_and_why(shop: Any, plan: Any, batch: str, given: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as caught:
        shop.siyu.broadcast.decide("hello", batch, **({"arrived": True} | AMY | given))
    assert caught.value.field == field
    assert shop.states("hello") == {State.HELD: len(plan.rows)}


def test_the_message_of_another_batch_is_refused(shop: Any, plan: Any, batch: str) -> None:
    shop.apply(shop.broadcast("other", "别的"))
    shop.sandbox.advance(minutes=1)
    known = next(b.msgid for b in shop.siyu.ledger.batches("other") if b.sender == "amy")
    others = next(b.msgid for b in shop.siyu.ledger.batches("other") if b.sender != "amy")
    for msgid in (others, "msg-misspelt"):
        with pytest.raises(SiyuError):
            shop.siyu.broadcast.decide("hello", batch, arrived=True, msgid=msgid, **AMY)
    with pytest.raises(InputError, match="another batch"):
        shop.siyu.broadcast.decide("hello", batch, arrived=True, msgid=known, **AMY)
    assert shop.states("hello") == {State.HELD: len(plan.rows)}


def test_two_people_who_decide_at_once_and_one_who_asks_again(shop: Any, plan: Any, batch: str, together: Any) -> None:
    hubs = [shop.hub() for _ in range(3)]
    decided = together(
        lambda: hubs[0].broadcast.decide("hello", batch, arrived=True, **AMY),
        lambda: hubs[1].broadcast.decide("hello", batch, arrived=False, by="bob", why="nobody got it"),
        lambda: hubs[2].broadcast.resume("hello", retry_held=True),
    )
    refused = [r for r in decided[:2] if isinstance(r, UsageError)]
    done = [r for r in decided[:2] if r == len(plan.rows)]
    assert len(refused) + len(done) == 2
    assert len(shop.siyu.ledger.decisions("hello")) == len(done) <= 1
    assert not isinstance(decided[2], BaseException)


def test_what_is_being_asked_about_is_not_decided(shop: Any, plan: Any, batch: str) -> None:
    with shop.web() as web:
        web.broadcast.resume("hello", retry_held=True)
    (again,) = shop.siyu.ledger.batches("hello", [BatchState.INTENT])
    for name in (batch, again.id):
        with pytest.raises(UsageError, match="not on hold"):
            shop.siyu.broadcast.decide("hello", name, arrived=False, **AMY)


def test_a_cancelled_campaign_sends_nothing_more_whatever_is_decided(shop: Any, plan: Any, batch: str) -> None:
    shop.siyu.broadcast.cancel("hello")
    shop.siyu.broadcast.decide("hello", batch, arrived=False, **AMY)
    assert shop.states("hello") == {State.CANCELLED: len(plan.rows)}
    shop.siyu.broadcast.resume("hello")
    assert shop.sandbox.calls.count(SEND) == 1


def test_coupons_need_no_decision(shop: Any) -> None:
    plan = shop.siyu.coupons.plan("gift", shop.some(3, coupons=True), shop.coupon)
    shop.sandbox.pay.stocks[shop.coupon.stock_id].state = "PAUSED"
    shop.apply(plan)
    (batch,) = shop.siyu.coupons.report("gift").on_hold
    with pytest.raises(UsageError, match="same numbers"):
        shop.siyu.coupons.decide("gift", batch, arrived=True, **AMY)


def test_a_later_step_follows_what_was_decided(shop: Any) -> None:
    who = of_amy(shop)
    shop.sandbox.faults.add(path=SEND, kind="drop_after_commit", times=1)
    colleague(shop, "一", who[:1])
    steps = (Step("first", message=Message("一")), Step("second", message=Message("二"), after="first"))
    plan = shop.siyu.sop.plan(shop.campaign(*steps), shop.siyu.audience.people(who))
    shop.apply(plan)
    (batch,) = shop.siyu.sop.report("sop").on_hold
    shop.siyu.sop.decide("sop", batch, arrived=True, msgid=ours(shop, len(who)), **AMY)
    shop.sandbox.advance(hours=4)
    shop.siyu.sop.refresh("sop")
    shop.siyu.sop.tick()
    assert shop.settled(plan).sent == len(plan.rows)
