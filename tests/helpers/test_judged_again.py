"""What was queued and not sent is judged anew before it is: hours, days, tags and conditions may be others by then."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from siyu_sdk import Guards, Message, Step, UsageError
from siyu_sdk.ledger import BatchState, Ledger, State

SEND = "*/add_msg_template"


def put_tag_in_console(shop: Any, customer: str, *, member: str = "") -> None:
    _, tag = shop.sandbox.wecom.find_tag(shop.sandbox.wecom.tag_id("状态/免打扰"))
    relations = shop.sandbox.world.follows[customer]
    (relations[member] if member else next(iter(relations.values()))).tags.add(tag.id)


def a_day(shop: Any, customer: str) -> Counter[int]:
    """How many messages this customer was asked to be sent on each day in Beijing."""
    tasks = shop.sandbox.wecom.tasks.values()
    made = [task.created for task in tasks for todo in task.todos.values() if customer in todo.rows and not task.cancelled]
    return Counter(int((at + 8 * 3600) // 86400) for at in made)


# Quiet hours


def test_a_batch_that_is_still_waiting_when_the_quiet_hours_begin_goes_out_in_the_morning(shop: Any) -> None:
    shop.sandbox.advance(hours=11, minutes=20)  # ten to nine in the evening
    plan = shop.queued(guards=Guards())
    assert shop.states("hello") == {State.QUEUED: len(plan.rows)}
    shop.sandbox.advance(minutes=20)
    shop.siyu.broadcast.resume("hello")
    assert shop.states("hello") == {State.PLANNED: len(plan.rows)}
    shop.sandbox.advance(hours=11, minutes=40)  # ten to nine in the morning
    shop.siyu.broadcast.tick()
    assert shop.sandbox.calls.count(SEND) == 0
    shop.sandbox.advance(minutes=20)
    shop.siyu.broadcast.tick()
    assert shop.settled(plan).sent == len(plan.rows)


def test_what_could_not_be_sent_for_lack_of_a_connection_does_not_go_out_at_night(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, given = Ledger.give_back, [0]

    def give_back(ledger: Ledger, *args: Any) -> bool:
        if not given[0]:
            given[0] = 1
            shop.sandbox.advance(hours=12)  # the line was dead until half past nine in the evening
        return plain(ledger, *args)

    monkeypatch.setattr(Ledger, "give_back", give_back)
    shop.sandbox.faults.add(path=SEND, kind="errcode", code=45009, times=12)
    plan = shop.broadcast(audience=shop.some(5), guards=Guards())
    shop.apply(plan)
    shop.sandbox.faults.clear()
    assert [task for task in shop.sandbox.wecom.tasks.values() if task.text == "你好"] == []
    shop.sandbox.advance(hours=12)
    shop.siyu.broadcast.tick()
    assert shop.settled(plan).sent == 5


def test_a_call_that_had_to_wait_for_its_turn_does_not_go_out_at_night(shop: Any) -> None:
    shop.sandbox.advance(hours=11, minutes=20)
    plan = shop.queued(audience=shop.some(5), guards=Guards())

    def watch(attempt: Any) -> None:
        if attempt.path.endswith("gettoken"):
            shop.sandbox.advance(minutes=20)  # the token took its time

    with shop.hub(watch=watch) as worker:
        worker.broadcast.resume("hello")
    assert shop.sandbox.calls.count(SEND) == 0
    assert shop.states("hello") == {State.PLANNED: 5}
    shop.sandbox.advance(hours=12)
    shop.siyu.broadcast.tick()
    assert shop.settled(plan).sent == 5


def test_coupons_wait_for_no_morning(shop: Any) -> None:
    shop.sandbox.advance(hours=11, minutes=20)
    plan = shop.queued(shop.siyu.coupons.plan("gift", shop.some(3, coupons=True), shop.coupon))
    shop.sandbox.advance(minutes=20)
    shop.siyu.coupons.resume("gift")
    assert shop.settled(plan).total.reached == 3


# Long waits


def test_who_got_the_opt_out_tag_while_no_worker_ran_gets_nothing(shop: Any) -> None:
    plan = shop.queued(audience=shop.some(6))
    gift = shop.queued(shop.siyu.coupons.plan("gift", shop.some(6, coupons=True), shop.coupon))
    shop.sandbox.advance(days=2)
    unwilling = {plan.rows[0].external_userid, gift.rows[0].external_userid}
    for customer in unwilling:
        put_tag_in_console(shop, customer)
    with shop.hub() as worker:  # has read nobody
        worker.broadcast.tick()
    assert not shop.got("你好").keys() & unwilling
    assert shop.coupons().total() == sum(row.external_userid not in unwilling for row in gift.rows)
    assert shop.siyu.broadcast.report("hello").reasons()["opted out"] >= 1
    shop.settled(plan)


def test_a_condition_is_judged_on_the_day_of_the_send_not_of_the_queueing(shop: Any) -> None:
    steps = (
        Step("coupon", coupon=shop.coupon),
        Step("remind", message=Message("快用"), day=1, after="coupon", when="not redeemed(coupon)"),
    )
    plan = shop.siyu.sop.plan(shop.campaign(*steps), shop.some(4, coupons=True))
    shop.apply(plan)
    shop.siyu.coupons.refresh("sop")
    shop.sandbox.advance(days=1)
    with shop.web() as cron:
        cron.sop.tick()
    assert shop.states("sop", "remind") == {State.QUEUED: 4}
    used = shop.rows("sop", "coupon")[0]
    shop.sandbox.pay.redeem(used.coupon_code)
    shop.sandbox.advance(hours=3)  # … and the worker comes
    shop.siyu.coupons.refresh("sop")
    shop.siyu.sop.tick()
    shop.settled(plan)
    assert used.external_userid not in shop.got("快用")
    assert shop.got("快用").total() == 3


def test_what_was_held_unsent_is_judged_anew_when_it_is_taken_up(shop: Any) -> None:
    shop.sandbox.faults.add(path=SEND, kind="errcode", code=48002)
    plan = shop.broadcast(audience=shop.some(6), guards=Guards())
    shop.apply(plan)
    assert shop.states("hello") == {State.HELD: 6}
    shop.sandbox.faults.clear()
    shop.sandbox.advance(days=1)
    put_tag_in_console(shop, plan.rows[0].external_userid)
    other = shop.broadcast("other", "别的", shop.siyu.audience.people([plan.rows[1].external_userid]), guards=Guards())
    shop.apply(other)
    with shop.hub() as worker:
        worker.broadcast.resume("hello", retry_held=True)
    states = {row.external_userid: row.state for row in shop.rows("hello")}
    assert states[plan.rows[0].external_userid] == State.SKIPPED
    assert states[plan.rows[1].external_userid] == State.PLANNED, "had one message today"
    shop.sandbox.advance(days=1)
    shop.siyu.broadcast.tick()
    assert shop.settled(plan).sent == 5


# The opt-out tag hangs on the pair of one member and the customer: any member's counts


def test_an_opt_out_that_another_member_was_told_counts_even_where_that_member_cannot_be_read(
    shop: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from siyu_sdk import SiyuError, reading

    follows = shop.sandbox.world.follows
    shared = next(row for row in shop.broadcast().rows if len(follows[row.external_userid]) > 1)
    other = next(userid for userid in follows[shared.external_userid] if userid != shared.sender)
    begin = shop.sandbox.clock.now() + timedelta(days=1)
    plan = shop.broadcast(audience=shop.siyu.audience.people([shared.external_userid]), start=begin)
    shop.apply(plan)
    put_tag_in_console(shop, shared.external_userid, member=other)
    shop.sandbox.advance(days=1, hours=1)
    monkeypatch.setattr(reading, "MEMBERS_A_CALL", 1)
    plain = reading.iter_pages

    def iter_pages(members: Sequence[str]) -> Any:
        if other in members:
            raise SiyuError("this member cannot be read")
        return (yield from plain(members))

    monkeypatch.setattr(reading, "iter_pages", iter_pages)
    with shop.hub() as cron:
        cron.broadcast.tick()
        cron.audience.read()
        cron.broadcast.tick()  # a fresh snapshot that is half-read tells no more
    assert shop.sandbox.calls.count(SEND) == 0
    assert f"those of {other} could not be read" in caplog.text  # a campaign that stands still says why
    monkeypatch.undo()
    with shop.hub() as cron:
        cron.broadcast.tick()
    assert shop.states("hello") == {State.SKIPPED: 1}


# One message a day, whoever decides


def test_two_processes_that_tick_different_campaigns_do_not_both_use_a_customers_day(
    shop: Any, together: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = shop.sandbox.clock.now() + timedelta(hours=1)
    who = shop.some(12)
    for name in ("one", "two", "three"):
        shop.apply(shop.broadcast(name, name, who, guards=Guards(), start=begin))
    shop.sandbox.advance(hours=1, minutes=1)
    decided, plain = threading.Barrier(3), Ledger.queue

    def queue(ledger: Ledger, *args: Any, **more: Any) -> int:
        decided.wait(20)  # all three have looked, and found room
        return plain(ledger, *args, **more)

    monkeypatch.setattr(Ledger, "queue", queue)
    from siyu_sdk.campaigns import tick_one

    hubs = [shop.hub() for _ in range(3)]
    results = together(
        *(lambda hub=hub, name=name: hub.run(tick_one(hub, name)) for hub, name in zip(hubs, ("one", "two", "three"), strict=True))
    )
    assert [r for r in results if isinstance(r, BaseException)] == []
    assert sum(run.queued for run in results) == 12
    assert sum(run.waiting for run in results) == 24
    for customer in shop.ids(12):
        assert a_day(shop, customer).most_common(1)[0][1] == 1


def test_a_message_counts_for_the_day_on_which_it_is_sent(shop: Any) -> None:
    who = shop.some(5)
    guards = Guards(quiet_from=Guards().quiet_to)  # none
    shop.sandbox.advance(hours=14, minutes=20)  # ten to midnight
    first = shop.queued(name="first", text="一", audience=who, guards=guards)
    shop.sandbox.advance(minutes=20)
    shop.siyu.broadcast.resume("first")
    second = shop.broadcast("second", "二", who, guards=guards)
    shop.apply(second)
    assert {a_day(shop, customer).most_common(1)[0][1] for customer in shop.ids(5)} == {1}
    assert shop.states("second") == {State.PLANNED: 5}
    shop.sandbox.advance(days=1, hours=10)
    shop.siyu.broadcast.tick()
    shop.settled(first)
    assert shop.settled(second).sent == 5


def test_a_message_that_waits_for_a_worker_has_taken_the_day_on_which_it_will_go(shop: Any) -> None:
    who = shop.some(5)
    guards = Guards(quiet_from=Guards().quiet_to)
    shop.sandbox.advance(hours=14, minutes=20)
    shop.queued(name="first", text="一", audience=who, guards=guards)
    shop.sandbox.advance(minutes=20)
    shop.apply(shop.broadcast("second", "二", who, guards=guards))  # today, before the worker came
    shop.siyu.broadcast.resume("first")
    assert {a_day(shop, customer).most_common(1)[0][1] for customer in shop.ids(5)} == {1}


# Names and ends


def test_any_name_can_be_taken_up_again(shop: Any) -> None:
    name = "双11~预热 50%_off"
    shop.sandbox.faults.add(path=SEND, kind="drop_after_commit", times=1)
    shop.sandbox.faults.add(path="*/get_groupmsg_list_v2", kind="errcode", code=48002)
    plan = shop.broadcast(name)
    shop.apply(plan)
    shop.sandbox.faults.clear()
    for _ in range(3):
        shop.siyu.broadcast.resume(name, retry_held=True)
    assert shop.settled(plan).sent == len(plan.rows)


def test_what_is_held_of_a_cancelled_campaign_is_not_taken_up(shop: Any) -> None:
    shop.sandbox.faults.add(path=SEND, kind="errcode", code=48002)
    plan = shop.broadcast(audience=shop.some(3))
    shop.apply(plan)
    shop.sandbox.faults.clear()
    shop.siyu.broadcast.cancel("hello")
    with pytest.raises(UsageError, match="cancelled"):
        shop.siyu.broadcast.resume("hello", retry_held=True)
    assert shop.states("hello") == {State.HELD: 3}
    assert shop.siyu.broadcast.resume("hello").queued == 0
    assert {b.state for b in shop.siyu.ledger.batches("hello")} == {BatchState.HELD}
    assert shop.settled(plan).sent == 0
