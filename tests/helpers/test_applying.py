from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from siyu_sdk import Drifted, Flow, InputError, Message, SiyuError, Step, UsageError, campaigns
from siyu_sdk.ledger import State

SEND = "*/add_msg_template"


def test_the_fingerprint_of_another_plan_is_refused(shop: Any) -> None:
    one, two = shop.broadcast("one"), shop.broadcast("two")
    with pytest.raises(InputError, match="another plan") as caught:
        shop.siyu.broadcast.apply(one, confirm=two.fingerprint)
    assert caught.value.field == "confirm"
    assert shop.sandbox.calls.count(SEND) == 0


def test_an_audience_that_drifted_is_refused_and_nothing_is_sent(shop: Any) -> None:
    who = shop.ids(60)
    shop.siyu.tags.apply(who, add=["购买/榴莲"])
    plan = shop.broadcast(audience=shop.siyu.audience.tagged("购买/榴莲"))
    shop.siyu.tags.apply(who[:1], remove=["购买/榴莲"])
    new = (set(shop.siyu.snapshot.people) - set(who) - shop.siyu.snapshot.opted_out).pop()
    shop.siyu.tags.apply([new], add=["购买/榴莲"])
    with pytest.raises(Drifted) as caught:
        shop.apply(plan)
    assert (caught.value.gone, caught.value.new) == (1, 1)
    assert shop.sandbox.calls.count(SEND) == 0
    assert shop.siyu.ledger.running() == []


def test_below_two_percent_who_left_is_skipped_and_who_joined_gets_nothing(shop: Any) -> None:
    who = shop.ids(60)
    shop.siyu.tags.apply(who, add=["购买/榴莲"])
    plan = shop.broadcast(audience=shop.siyu.audience.tagged("购买/榴莲"))
    shop.siyu.tags.apply(who[:1], remove=["购买/榴莲"])
    shop.apply(plan)
    report = shop.settled(plan)
    assert shop.got("你好").keys() == set(who[1:])
    assert report.reasons() == {"left the audience before it began": 1}


def test_the_same_plan_twice_resumes_and_sends_nothing_twice(shop: Any, settle_all: Any) -> None:
    plan = shop.broadcast()
    shop.apply(plan)
    sends = shop.sandbox.calls.count(SEND)
    assert shop.apply(plan).queued == 0
    assert shop.siyu.broadcast.resume("hello").queued == 0
    assert shop.siyu.broadcast.tick() == ()
    assert shop.sandbox.calls.count(SEND) == sends == plan.cost.confirmations
    settle_all(plan)


def test_the_same_plan_resumes_even_if_its_audience_has_drifted_since(shop: Any) -> None:
    who = shop.ids(20)
    shop.siyu.tags.apply(who, add=["购买/榴莲"])
    steps = (Step("one", message=Message("一")), Step("two", message=Message("二"), day=1))
    plan = shop.siyu.sop.plan(shop.campaign(*steps), shop.siyu.audience.tagged("购买/榴莲"))
    shop.apply(plan)
    shop.siyu.tags.apply(who[:10], remove=["购买/榴莲"])
    shop.sandbox.advance(days=1)
    assert shop.apply(plan).queued == 20


def test_another_plan_under_the_same_name_is_refused(shop: Any) -> None:
    shop.apply(shop.broadcast())
    other = shop.broadcast(text="另一条")
    sends = shop.sandbox.calls.count(SEND)
    with pytest.raises(UsageError, match="another plan"):
        shop.apply(other)
    assert shop.sandbox.calls.count(SEND) == sends


def test_two_who_apply_the_same_plan_at_once_are_one(shop: Any, together: Any, settle_all: Any) -> None:
    plan = shop.broadcast()
    hubs = [shop.hub() for _ in range(3)]
    results = together(*(lambda hub=hub: hub.sop.apply(plan, confirm=plan.fingerprint) for hub in hubs))
    assert [r for r in results if isinstance(r, BaseException)] == []
    assert sum(r.queued for r in results) == len(plan.rows)
    settle_all(plan)


def test_a_campaign_that_nobody_knows_is_an_error(shop: Any) -> None:
    for method in (shop.siyu.sop.resume, shop.siyu.sop.report, shop.siyu.sop.cancel):
        with pytest.raises(UsageError, match="no campaign named"):
            method("never")


def test_a_campaign_that_is_through_costs_a_tick_nothing(shop: Any) -> None:
    plan = shop.broadcast()
    shop.apply(plan)
    assert shop.siyu.ledger.running() == []
    assert shop.states("hello") == {State.AWAITING: len(plan.rows)}


def test_one_campaign_that_fails_does_not_keep_the_others_from_their_turn(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = shop.sandbox.clock.now() + timedelta(hours=1)
    for name in ("bad", "good"):
        shop.apply(shop.broadcast(name, name, shop.some(3), start=begin))
    shop.sandbox.advance(hours=2)
    plain = campaigns.tick_one

    def tick_one(hub: Any, name: str) -> Flow[Any]:
        if name == "bad":
            raise SiyuError("this one is broken")
        return (yield from plain(hub, name))

    monkeypatch.setattr(campaigns, "tick_one", tick_one)
    with pytest.raises(SiyuError, match="broken"):
        shop.siyu.sop.tick()
    assert shop.states("good") == {State.AWAITING: 3}
