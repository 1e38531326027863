"""Two processes, one ledger: whoever is slow, frozen or quick, a customer is sent a message once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve

from siyu_sdk import Retry
from siyu_sdk.batches import group_batches
from siyu_sdk.core.hooks import Attempt
from siyu_sdk.ledger import Batch, BatchState, Delivery, Ledger, State

SEND = "*/add_msg_template"


def at_send(action: Callable[[], Any], *, nth: int = 1) -> Callable[[Attempt], None]:
    """Do something when a mass message is just about to go out."""
    seen = [0]

    def watch(attempt: Attempt) -> None:
        if attempt.path.endswith("add_msg_template"):
            seen[0] += 1
            if seen[0] == nth:
                action()

    return watch


def one_member(shop: Any) -> Any:
    rows = [row for row in shop.broadcast().rows if row.sender == "amy"]
    return shop.siyu.audience.people([row.external_userid for row in rows])


def row(person: str, **more: Any) -> Delivery:
    return Delivery("c", "s", person, "message", person, "amy", person, "", "hash", 0.0, **more)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(f"sqlite:///{tmp_path}/races.db")
    ledger.create_campaign("c", "sop", "f", {}, [row(f"p{n}") for n in range(6)], 0.0)
    return ledger


def batches(rows: list[Delivery]) -> list[tuple[Batch, list[str]]]:
    return group_batches(rows, {("s", "hash"): {"text": "x", "attachments": []}}, {"message": 10_000})


# Deciding


def test_two_who_decided_on_the_same_people_make_one_batch(ledger: Ledger) -> None:
    rows = ledger.deliveries("c")
    assert ledger.queue(batches(rows), 1.0) == 6
    assert ledger.queue(batches(rows), 2.0) == 0
    assert len(ledger.batches("c")) == 1


def test_two_who_decided_on_overlapping_people_put_nobody_into_two_batches(ledger: Ledger) -> None:
    rows = ledger.deliveries("c")
    assert ledger.queue(batches(rows[:4]), 1.0) == 4
    assert ledger.queue(batches(rows[2:]), 2.0) == 2
    assert ledger.queue(batches(rows[1:]), 3.0) == 0
    inside = [r.person for b in ledger.batches("c") for r in ledger.in_batch(b.id)]
    assert sorted(inside) == [r.person for r in rows]
    assert len(ledger.batches("c")) == 2, "no batch without people"


def test_many_who_decide_at_once(ledger: Ledger, together: Any) -> None:
    rows = ledger.deliveries("c")
    ledgers = [Ledger(ledger.url) for _ in range(6)]
    put = together(*(lambda n=n, own=own: own.queue(batches(rows[n:] + rows[: n // 2]), 1.0) for n, own in enumerate(ledgers)))
    assert sum(put) == 6
    inside = [r.person for b in ledger.batches("c") for r in ledger.in_batch(b.id)]
    assert sorted(inside) == [r.person for r in rows]


def test_what_is_on_its_way_is_not_skipped_by_a_slower_process(ledger: Ledger) -> None:
    rows = ledger.deliveries("c")
    ledger.queue(batches(rows), 1.0)
    assert ledger.save([evolve(r, state=State.SKIPPED) for r in rows], 2.0, only_if=(State.PLANNED,)) == 0
    assert {r.state for r in ledger.deliveries("c")} == {State.QUEUED}


def test_two_processes_tick_at_once(shop: Any, together: Any, settle_all: Any) -> None:
    begin = shop.sandbox.clock.now() + timedelta(hours=1)
    plan = shop.broadcast(start=begin)
    shop.apply(plan)
    shop.sandbox.advance(hours=1, minutes=1)
    results = together(*(shop.hub().sop.tick for _ in range(4)))
    assert [r for r in results if isinstance(r, BaseException)] == []
    assert sum(run.queued for runs in results for run in runs) == len(plan.rows)
    settle_all(plan)


# Intents: whoever's they are not any more


def intent(ledger: Ledger, token: str = "a") -> Batch:
    ledger.queue(batches(ledger.deliveries("c")), 1.0)
    batch = ledger.batches("c")[0]
    assert ledger.take(batch.id, token, 1.0)
    return ledger.batch(batch.id)


def test_an_intent_is_taken_by_one(ledger: Ledger, together: Any) -> None:
    ledger.queue(batches(ledger.deliveries("c")), 1.0)
    batch = ledger.batches("c")[0]
    taken = together(*(lambda n=n: Ledger(ledger.url).take(batch.id, str(n), 1.0) for n in range(6)))
    assert taken.count(True) == 1


def test_a_sender_has_one_message_in_flight(ledger: Ledger) -> None:
    rows = ledger.deliveries("c")
    ledger.queue(batches(rows[:3]) + batches(rows[3:]), 1.0)
    one, two = ledger.batches("c")
    assert ledger.take(one.id, "a", 1.0)
    assert not ledger.take(two.id, "b", 1.0)
    assert ledger.in_flight("amy") == ledger.batch(one.id)
    assert ledger.give_back(ledger.batch(one.id), "")
    assert ledger.take(two.id, "b", 1.0)


def test_only_the_first_of_two_who_settle_gives_the_intent_back(ledger: Ledger) -> None:
    both_see = intent(ledger)
    assert ledger.give_back(both_see, "absent")
    assert ledger.take(both_see.id, "b", 2.0), "the first sends again"
    assert not ledger.give_back(both_see, "absent"), "the second must not take it out of the first one's hands"
    assert ledger.batch(both_see.id).token == "b"


@pytest.mark.parametrize("act", ["close", "doubt", "give back"])
def test_a_runner_that_lost_its_batch_changes_nothing_any_more(ledger: Ledger, act: str) -> None:
    stale = intent(ledger)
    ledger.give_back(stale, "absent")
    ledger.take(stale.id, "b", 2.0)
    mine = ledger.batch(stale.id)
    people = [r.person for r in ledger.in_batch(stale.id)]
    if act == "close":
        assert not ledger.close_batch(stale, BatchState.HELD, 3.0, rows={State.HELD: (people, "")})
    elif act == "doubt":
        assert not ledger.doubt(stale, "")
    else:
        assert not ledger.give_back(stale, "")
    assert ledger.batch(stale.id) == mine
    assert {r.state for r in ledger.deliveries("c")} == {State.QUEUED}
    assert ledger.close_batch(mine, BatchState.SENT, 4.0, rows={State.AWAITING: (people, "")}, msgid="m")
    assert not ledger.close_batch(mine, BatchState.REFUSED, 5.0, rows={State.REFUSED: (people, "")})
    assert {r.state for r in ledger.deliveries("c")} == {State.AWAITING}


def test_two_processes_settle_the_same_doubt_at_once(shop: Any, together: Any, settle_all: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = shop.queued()
    for batch in shop.siyu.ledger.batches("hello"):
        assert shop.siyu.ledger.take(batch.id, "somebody who died", shop.sandbox.clock.time())
    plain, slow = Ledger.give_back, threading.local()

    def give_back(ledger: Ledger, batch: Batch, note: str) -> bool:
        if not getattr(slow, "done", False):
            slow.done = True
            time.sleep(0.05 if threading.get_ident() % 2 else 0.3)
        return plain(ledger, batch, note)

    monkeypatch.setattr(Ledger, "give_back", give_back)
    results = together(*(partial(shop.hub().broadcast.resume, "hello") for _ in range(3)))
    assert [r for r in results if isinstance(r, BaseException)] == []
    assert shop.sandbox.calls.count(SEND) == plan.cost.confirmations
    settle_all(plan)


def test_a_process_that_froze_before_sending_does_not_send_after_another_took_over(shop: Any, settle_all: Any) -> None:
    plan = shop.queued(audience=one_member(shop))
    other = shop.hub()

    def freeze() -> None:
        time.sleep(0.8)  # longer than it takes for others to believe that this process died
        other.broadcast.resume("hello")

    with shop.hub(watch=at_send(freeze)) as frozen:
        frozen.broadcast.resume("hello")
    assert shop.sandbox.calls.count(SEND) == 1
    settle_all(plan)


def test_a_pause_that_the_platform_asks_for_does_not_outlive_the_intent(
    shop: Any, settle_all: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Limits are retried inside of one call: what waited for too long must not go out on an intent that is not believed any more."""
    from tenacity import wait_fixed

    monkeypatch.setattr("siyu_sdk.sandbox.clock.LONGEST_SLEEP", 2.0)
    plan = shop.queued(audience=one_member(shop))
    shop.sandbox.faults.add(path=SEND, kind="errcode", code=45009, times=1)
    slow = shop.sandbox.wecom_client(retry=Retry(wait=wait_fixed(1.2)))
    other, done = shop.hub(), threading.Event()

    def later() -> None:
        time.sleep(0.8)
        other.broadcast.resume("hello")
        done.set()

    thread = threading.Thread(target=later)
    thread.start()
    with shop.hub(wecom=slow) as patient:
        patient.broadcast.resume("hello")
    thread.join()
    assert done.is_set()
    settle_all(plan)


def test_a_process_that_froze_after_sending_finds_its_message_settled(shop: Any, settle_all: Any) -> None:
    plan = shop.queued(audience=one_member(shop))
    other, seen = shop.hub(), [0]

    def answered(attempt: Attempt) -> None:
        if attempt.path.endswith("add_msg_template") and not seen[0]:
            seen[0] = 1
            time.sleep(0.8)
            other.broadcast.resume("hello")

    from siyu_sdk import Hooks

    with shop.hub(wecom=shop.sandbox.wecom_client(hooks=Hooks(on_response=answered))) as frozen:
        frozen.broadcast.resume("hello")
    assert shop.sandbox.calls.count(SEND) == 1
    settle_all(plan)


def test_a_campaign_whose_process_died_does_not_block_its_senders_for_others(shop: Any) -> None:
    dead, plan = shop.queued(name="dead", text="一"), shop.queued(name="alive", text="二")
    for batch in shop.siyu.ledger.batches("dead"):
        assert shop.siyu.ledger.take(batch.id, "somebody who died", shop.sandbox.clock.time())
    began = time.monotonic()
    shop.siyu.broadcast.resume("alive")
    assert time.monotonic() - began < 10
    shop.settled(plan)
    assert shop.got("二").total() == len(plan.rows)
    assert shop.got("一").total() == 0
    shop.carry("dead")
    assert shop.settled(dead).sent == len(dead.rows)


def test_a_look_whose_batch_was_taken_over_does_not_call_it_ended(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine never looks again at what was called ended: whoever has it now may still have to come back to it."""
    plan = shop.queued(audience=one_member(shop))
    batch, plain = shop.siyu.ledger.batches("hello")[0], Ledger.close_batch

    def overtaken(ledger: Ledger, mine: Batch, *args: Any, **more: Any) -> bool:
        monkeypatch.undo()
        assert ledger.give_back(mine, "another process took this one for dead")
        assert ledger.take(mine.id, "another", shop.sandbox.clock.time())
        return plain(ledger, mine, *args, **more)

    monkeypatch.setattr(Ledger, "close_batch", overtaken)
    shop.sandbox.faults.add(path=SEND, kind="errcode", code=48002, times=1)
    assert shop.siyu.run(shop.siyu.work(batch.id)) is not None
    shop.carry("hello")
    assert shop.settled(plan).sent == len(plan.rows)


def test_a_clock_that_jumps_does_not_make_a_living_sender_a_dead_one(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from siyu_sdk import sending

    shop.queued(audience=one_member(shop))
    batch = shop.siyu.ledger.batches("hello")[0]
    assert shop.siyu.ledger.take(batch.id, "somebody who is sending", shop.sandbox.clock.time())
    plain = time.time
    monkeypatch.setattr(sending.time, "time", lambda: plain() + 3600)
    left = shop.siyu.run(shop.siyu.work(batch.id))
    assert left == pytest.approx(0.6, abs=0.2)
    assert shop.siyu.ledger.batch(batch.id).token == "somebody who is sending"


def test_a_clock_that_is_set_back_keeps_nothing_waiting(shop: Any, settle_all: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from siyu_sdk import sending

    plan = shop.queued(audience=one_member(shop))
    batch = shop.siyu.ledger.batches("hello")[0]
    assert shop.siyu.ledger.take(batch.id, "somebody who died", shop.sandbox.clock.time())
    plain = time.time
    monkeypatch.setattr(sending.time, "time", lambda: plain() - 3600)
    shop.siyu.broadcast.resume("hello")
    settle_all(plan)


@define
class Ahead:
    """The clock of a machine that nobody has set."""

    right: Any
    seconds: float

    def time(self) -> float:
        return float(self.right.time()) + self.seconds

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time(), UTC)

    def sleep(self, seconds: float) -> float:
        return float(self.right.sleep(seconds))


@pytest.mark.parametrize("minutes", [-20, 20])
def test_a_clock_some_minutes_off_does_not_hide_what_was_sent(shop: Any, minutes: int) -> None:
    plan = shop.queued(audience=one_member(shop))
    shop.sandbox.faults.add(path=SEND, kind="drop_after_commit", times=1)
    with shop.hub(clock=Ahead(shop.sandbox.clock, minutes * 60.0)) as off:
        off.broadcast.resume("hello")
    assert shop.sandbox.calls.count(SEND) == 1
    assert shop.settled(plan).sent == len(plan.rows)


# Coupons


def test_two_processes_issue_the_same_coupons_at_once(shop: Any, together: Any) -> None:
    plan = shop.siyu.coupons.plan("gift", shop.some(40, coupons=True), shop.coupon)
    shop.queued(plan)
    results = together(*(partial(shop.hub().coupons.resume, "gift") for _ in range(3)))
    assert [r for r in results if isinstance(r, BaseException)] == []
    assert set(shop.coupons().values()) == {1}
    assert shop.settled(plan).total.reached == 40


# Cancelling


def test_cancelling_what_waits_for_a_worker(shop: Any) -> None:
    plan = shop.queued()
    assert shop.siyu.broadcast.cancel("hello").skipped == len(plan.rows)
    shop.siyu.broadcast.resume("hello")
    for batch in shop.siyu.ledger.batches("hello"):
        assert shop.siyu.run(shop.siyu.work(batch.id)) is None
    assert shop.states("hello") == {State.CANCELLED: len(plan.rows)}
    assert shop.sandbox.calls.count(SEND) == 0


def test_what_is_given_back_after_a_cancellation_is_taken_by_nobody(ledger: Ledger) -> None:
    batch = intent(ledger)
    ledger.cancel("c", 2.0)
    assert ledger.give_back(batch, "no connection")
    assert not ledger.take(batch.id, "b", 3.0)


def test_cancelling_while_a_message_is_on_its_way_withdraws_it(shop: Any) -> None:
    plan = shop.queued()
    reached, told = threading.Event(), threading.Event()

    def hold_on() -> None:
        reached.set()
        told.wait(5)
        time.sleep(0.1)

    with shop.hub(watch=at_send(hold_on)) as worker:
        thread = threading.Thread(target=worker.broadcast.resume, args=("hello",))
        thread.start()
        reached.wait(5)
        canceller = threading.Thread(target=shop.siyu.broadcast.cancel, args=("hello",))
        canceller.start()
        told.set()
        thread.join()
        canceller.join()
    report = shop.settled(plan)
    assert report.total[State.CANCELLED] == len(plan.rows)
    assert shop.got("你好").total() == 0


def test_cancelling_settles_what_is_in_doubt_first(shop: Any) -> None:
    plan = shop.queued(audience=one_member(shop))
    batch = shop.siyu.ledger.batches("hello")[0]
    shop.siyu.ledger.take(batch.id, "somebody who died", shop.sandbox.clock.time())
    shop.sandbox.wecom.add_task("你好", (), [r.external_userid for r in plan.rows], "amy")  # … after sending it
    shop.siyu.broadcast.cancel("hello")
    report = shop.settled(plan)
    assert report.total[State.CANCELLED] == len(plan.rows)
    assert shop.got("你好").total() == 0


def test_cancelling_coupons_in_the_middle_stops_and_tells_the_truth(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from siyu_sdk import issuing

    monkeypatch.setattr(issuing, "SLICE", 5)
    plan = shop.siyu.coupons.plan("gift", shop.some(40, coupons=True), shop.coupon)
    plain, saves = Ledger.save, [0]

    def save(ledger: Ledger, *args: Any, **more: Any) -> int:
        saves[0] += 1
        if saves[0] == 6:
            shop.siyu.coupons.cancel("gift")
        return plain(ledger, *args, **more)

    monkeypatch.setattr(Ledger, "save", save)
    shop.apply(plan)
    report = shop.settled(plan)
    assert 0 < report.total.reached < 40
    assert report.total.reached + report.total[State.CANCELLED] == 40
    assert shop.coupons().total() == report.total.reached


def test_what_a_dead_process_issued_before_the_campaign_was_cancelled_is_not_called_cancelled(
    shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = issued_by_a_dead_process(shop, monkeypatch)
    given = shop.coupons().total()
    assert 0 < given < len(plan.rows)
    shop.sandbox.faults.add(path="/v3/*/coupons", kind="errcode", code="SYSTEM_ERROR", times=6)
    shop.siyu.coupons.cancel("gift")
    report = shop.settled(plan)
    assert report.total.reached == given == shop.coupons().total()
    assert report.total[State.CANCELLED] == len(plan.rows) - given
    shop.siyu.coupons.refresh("gift")
    assert shop.states("gift")[State.CONFIRMED] == given, "and it can be used"


def test_what_a_dead_process_issued_to_who_opted_out_since_is_not_called_skipped(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = issued_by_a_dead_process(shop, monkeypatch)
    given = {coupon.send_request_no for coupon in shop.sandbox.pay.coupons.values()}
    has = next(r for r in plan.rows if r.request_no in given)
    has_not = next(r for r in plan.rows if r.request_no not in given)
    for row in (has, has_not):
        shop.siyu.audience.opt_out(row.external_userid)
    shop.carry("gift")
    states = {row.person: row.state for row in shop.rows("gift")}
    assert (states[has.person], states[has_not.person]) == (State.ISSUED, State.SKIPPED)
    assert shop.settled(plan).total.reached == len(plan.rows) - 1


def issued_by_a_dead_process(shop: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A campaign of 12 coupons whose process died when five were issued, and none was written down."""
    from siyu_sdk import issuing

    def die(_: Ledger, rows: list[Delivery], *__: Any, **___: Any) -> int:
        if rows:
            raise KeyboardInterrupt
        return 0

    plan = shop.queued(shop.siyu.coupons.plan("gift", shop.some(12, coupons=True), shop.coupon))
    with monkeypatch.context() as patch:
        patch.setattr(issuing, "SLICE", 5)
        patch.setattr(Ledger, "save", die)
        with pytest.raises(KeyboardInterrupt):
            shop.siyu.coupons.resume("gift")
    return plan
