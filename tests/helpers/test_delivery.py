"""Whatever goes wrong between us and the platform: in the end nothing is lost and nothing is doubled."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from siyu_sdk import AuthenticationError, Message, Plan, SiyuError, Step, campaigns, planning
from siyu_sdk.ledger import Batch, BatchState, Ledger, State

SEND = "*/add_msg_template"
GIVE = "/v3/marketing/partner/product-coupon/users/*/coupons"
FAULTS: dict[str, dict[str, Any]] = {
    "the answer is lost": {"kind": "drop_after_commit"},
    "the connection is reset": {"kind": "reset"},
    "500, nothing done": {"kind": "http_500"},
    "500, all done": {"kind": "http_500", "after": True},
    "half an answer": {"kind": "truncate"},
    "a proxy's page, nothing done": {"kind": "html"},
    "a proxy's page, all done": {"kind": "html", "after": True},
}
WECOM_CODES = [-1, 45009, 42001, 40014]
PAY_CODES = ["SYSTEM_ERROR", "FREQUENCY_LIMITED", "RATELIMIT_EXCEEDED"]


def nothing_lost_nothing_doubled(shop: Any, plan: Plan) -> None:
    shop.carry(plan.campaign.key)
    report = shop.settled(plan)
    message = plan.campaign.steps[0].message
    if message is None:
        assert report.total.reached == len(plan.rows), report.reasons()
        assert set(shop.coupons().values()) == {1}
        assert shop.coupons().total() == len(plan.rows)
    else:
        assert report.sent == len(plan.rows), report.reasons()
        assert set(shop.got(message.text).values()) == {1}
        assert len([t for t in shop.sandbox.wecom.tasks.values() if t.text == message.text]) == plan.cost.confirmations
    assert State.HELD not in shop.states(plan.campaign.key)


def apply(shop: Any, plan: Plan) -> None:
    with suppress(SiyuError):  # what a person sees; what they do then is `resume`
        shop.apply(plan)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_message_whose_first_answers_go_wrong(shop: Any, fault: str) -> None:
    plan = shop.broadcast()
    shop.sandbox.faults.add(path=SEND, times=3, **FAULTS[fault])
    apply(shop, plan)
    nothing_lost_nothing_doubled(shop, plan)


@pytest.mark.parametrize("code", WECOM_CODES)
def test_a_message_that_the_platform_refuses_for_now(shop: Any, code: int) -> None:
    plan = shop.broadcast()
    shop.sandbox.faults.add(path=SEND, kind="errcode", code=code, times=3)
    apply(shop, plan)
    nothing_lost_nothing_doubled(shop, plan)


def test_busy_said_after_the_work_was_done(shop: Any) -> None:
    plan = shop.broadcast()
    shop.sandbox.faults.add(path=SEND, kind="errcode", code=-1, times=2, after=True)
    apply(shop, plan)
    nothing_lost_nothing_doubled(shop, plan)


@pytest.mark.parametrize("path", [SEND, GIVE], ids=["message", "coupon"])
def test_an_answer_slower_than_our_patience(shop: Any, path: str) -> None:
    shop.sandbox.faults.add(path=path, kind="slow", seconds=0.7, times=2)
    with shop.hub(timeout=0.3, settle=timedelta(seconds=1.2)) as hub:
        plan = shop.broadcast() if path == SEND else shop.siyu.coupons.plan("gift", shop.some(8, coupons=True), shop.coupon)
        hub.sop.apply(plan, confirm=plan.fingerprint)
    nothing_lost_nothing_doubled(shop, plan)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_coupon_whose_first_answers_go_wrong(shop: Any, fault: str) -> None:
    plan = shop.siyu.coupons.plan("gift", shop.some(12, coupons=True), shop.coupon)
    shop.sandbox.faults.add(path=GIVE, times=5, **FAULTS[fault])
    apply(shop, plan)
    nothing_lost_nothing_doubled(shop, plan)


@pytest.mark.parametrize("code", PAY_CODES)
def test_a_coupon_that_the_platform_refuses_for_now(shop: Any, code: str) -> None:
    plan = shop.siyu.coupons.plan("gift", shop.some(6, coupons=True), shop.coupon)
    shop.sandbox.faults.add(path=GIVE, kind="errcode", code=code, times=3)
    apply(shop, plan)
    nothing_lost_nothing_doubled(shop, plan)


def test_one_answer_in_five_is_lost_everywhere(shop: Any) -> None:
    steps = (Step("coupon", coupon=shop.coupon), Step("tell", message=Message("{{ member }}给您留了券")))
    plan = shop.siyu.sop.plan(shop.campaign(*steps), shop.some(40, coupons=True))
    for path in (SEND, GIVE):
        shop.sandbox.faults.add(path=path, kind="drop_after_commit", rate=0.2)
    apply(shop, plan)
    shop.carry("sop")
    shop.sandbox.faults.clear()
    report = shop.settled(plan)
    assert set(shop.coupons().values()) == {1}
    assert report.sent == 40


# Reconciling


def find(shop: Any, text: str) -> list[Any]:
    return [task for task in shop.sandbox.wecom.tasks.values() if task.text == text]


def test_the_same_words_from_several_members_in_doubt_at_once_are_told_apart(shop: Any) -> None:
    plan = shop.broadcast()
    assert plan.cost.members == 4
    shop.sandbox.faults.add(path=SEND, kind="drop_after_commit", times=4)
    shop.apply(plan)
    nothing_lost_nothing_doubled(shop, plan)


def test_a_task_whose_customers_do_not_show_yet_is_waited_for_not_sent_again(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from siyu_sdk.wecom.mass_messages import SendResultPage

    plain, hidden = SendResultPage.items, [3]

    def items(page: SendResultPage) -> Any:
        hidden[0] -= 1
        return () if hidden[0] >= 0 else plain(page)

    plan = shop.broadcast(audience=shop.siyu.audience.followed_by("amy"), sender="first")
    shop.sandbox.faults.add(path=SEND, kind="drop_after_commit", times=1)
    monkeypatch.setattr(SendResultPage, "items", items)
    shop.apply(plan)
    assert hidden[0] < 0
    nothing_lost_nothing_doubled(shop, plan)


def test_a_task_that_never_shows_its_customers_is_held(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from siyu_sdk import sending
    from siyu_sdk.wecom.mass_messages import SendResultPage

    monkeypatch.setattr(sending, "MOST_ATTEMPTS", 3)
    monkeypatch.setattr(SendResultPage, "items", lambda page: ())
    shop.sandbox.faults.add(path=SEND, kind="drop_after_commit", times=1)
    plan = shop.broadcast(audience=shop.siyu.audience.people([row.external_userid for row in shop.broadcast().rows if row.sender == "amy"]))
    shop.apply(plan)
    assert shop.states("hello") == {State.HELD: len(plan.rows)}
    assert len(find(shop, "你好")) == 1
    monkeypatch.undo()
    shop.siyu.broadcast.resume("hello")
    assert shop.states("hello") == {State.HELD: len(plan.rows)}, "what is held stays held unless one asks"
    shop.siyu.broadcast.resume("hello", retry_held=True)
    nothing_lost_nothing_doubled(shop, plan)


def test_two_tasks_that_could_both_be_it_are_held_and_never_guessed(shop: Any) -> None:
    shop.sandbox.faults.add(path=SEND, kind="drop_after_commit", times=1)
    one = [row.external_userid for row in shop.broadcast().rows if row.sender == "amy"]
    plan = shop.broadcast(audience=shop.siyu.audience.people(one))
    # A colleague makes the same message by hand, for some of the same customers of the same member.
    shop.sandbox.wecom.add_task("你好", (), one[:2], "amy")
    shop.apply(plan)
    assert shop.states("hello") == {State.HELD: len(one)}
    assert "could all be it" in next(iter(shop.siyu.broadcast.report("hello").reasons()))
    shop.siyu.broadcast.resume("hello", retry_held=True)
    assert shop.states("hello") == {State.HELD: len(one)}
    assert len(find(shop, "你好")) == 2


def test_a_doubt_of_last_month_is_settled(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = shop.broadcast()
    shop.sandbox.faults.add(path=SEND, kind="drop_after_commit", times=1)
    monkeypatch.setattr(Ledger, "doubt", _die)
    with pytest.raises(KeyboardInterrupt):
        shop.apply(plan)
    monkeypatch.undo()
    shop.sandbox.advance(days=40)
    shop.carry("hello")
    report = shop.siyu.broadcast.report("hello")
    assert report.sent + report.awaiting_member == len(plan.rows)
    assert len(find(shop, "你好")) == plan.cost.confirmations


def test_spacing_that_the_platform_changes_does_not_make_a_second_message(shop: Any) -> None:
    plan = shop.broadcast(text="你好 ，\r\n今天有榴莲\n")
    plain = shop.sandbox.wecom.add_task
    shop.sandbox.wecom.add_task = lambda text, *rest: plain(text.replace("\r\n", "\n").strip(), *rest)
    shop.sandbox.faults.add(path=SEND, kind="drop_after_commit", times=2)
    shop.apply(plan)
    assert len(shop.sandbox.wecom.tasks) == plan.cost.confirmations


# Dying


def _die(*_args: Any, **_more: Any) -> Any:
    raise KeyboardInterrupt


@pytest.mark.parametrize("moment", ["take", "in_batch", "close_batch"])
def test_ctrl_c_at_any_moment_leaves_a_ledger_that_resumes(shop: Any, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    plan = shop.broadcast()
    plain = getattr(Ledger, moment)
    calls = []

    def interrupted(*args: Any, **more: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            if moment == "take":
                plain(*args, **more)  # the intent is committed, and nothing was sent
            raise KeyboardInterrupt
        return plain(*args, **more)

    monkeypatch.setattr(Ledger, moment, interrupted)
    with pytest.raises(KeyboardInterrupt):
        shop.apply(plan)
    monkeypatch.undo()
    nothing_lost_nothing_doubled(shop, plan)


def test_ctrl_c_while_coupons_are_written_down(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = shop.siyu.coupons.plan("gift", shop.some(30, coupons=True), shop.coupon)
    monkeypatch.setattr(Ledger, "save", lambda *args, **more: _die() if more["only_if"][0] == State.QUEUED and args[1] else 0)
    with pytest.raises(KeyboardInterrupt):
        shop.apply(plan)
    monkeypatch.undo()
    assert shop.coupons().total() > 0
    nothing_lost_nothing_doubled(shop, plan)


KILLED = """
import os, sys
from siyu_sdk import Siyu, Hooks
from siyu_sdk.sandbox import RemoteClock
from siyu_sdk.wecom.client import WeCom
when, count = sys.argv[1], [0]
def seen(attempt):
    count[0] += attempt.path.endswith("add_msg_template")
    if count[0] == 2:
        os.kill(os.getpid(), 9)
from siyu_sdk.environment import clients_from
clock = RemoteClock(os.environ["SIYU_CLOCK_URL"])
made = clients_from(os.environ, is_async=False, clock=clock)
old = made.pop("wecom")
made["wecom"] = WeCom(os.environ["SIYU_WECOM_CORPID"], os.environ["SIYU_WECOM_CORPSECRET"],
                      base_url=os.environ["SIYU_WECOM_BASE_URL"], clock=clock, hooks=Hooks(**{when: seen}))
Siyu(**made, clock=clock).broadcast.resume("hello")
"""


@pytest.mark.parametrize("when", ["on_request", "on_response"])
def test_a_process_killed_before_or_after_the_platform_heard_it(shop: Any, when: str) -> None:
    import os

    plan = shop.broadcast()
    shop.queued(plan)
    environment = {**os.environ, **shop.sandbox.environment(), "SIYU_LEDGER": shop.ledger, "SIYU_SETTLE": "0.6"}
    killed = subprocess.run([sys.executable, "-c", KILLED, when], env=environment, check=False, timeout=30)
    assert killed.returncode == -9
    assert [b.state for b in shop.siyu.ledger.batches("hello")].count(BatchState.INTENT) >= 1
    nothing_lost_nothing_doubled(shop, plan)


# Results that come late: a member has pressed send, and the platform tells of each customer in its own time


def test_customers_of_whom_the_platform_has_not_told_yet_are_not_taken_for_deselected(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from siyu_sdk.wecom.mass_messages import SendResultPage

    plan = shop.broadcast()
    shop.apply(plan)
    told = SendResultPage.items
    monkeypatch.setattr(SendResultPage, "items", lambda page: told(page)[:1])
    shop.sandbox.advance(minutes=40)
    early = shop.siyu.broadcast.report("hello")
    assert (early.sent, early.awaiting_member) == (plan.cost.members, len(plan.rows) - plan.cost.members)
    monkeypatch.undo()
    assert shop.settled(plan).sent == len(plan.rows)


def test_cancelling_does_not_call_withdrawn_what_a_member_has_just_sent(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from siyu_sdk.wecom.mass_messages import SendResultPage

    plan = shop.broadcast()
    shop.apply(plan)
    shop.sandbox.advance(minutes=40)
    monkeypatch.setattr(SendResultPage, "items", lambda page: ())
    shop.siyu.broadcast.cancel("hello")
    monkeypatch.undo()
    assert shop.settled(plan).sent == len(plan.rows)


# How it is cut


def test_more_people_than_a_call_takes_are_cut_into_tasks_of_one_sender_one_after_another(
    shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "MAX_PEOPLE", 7)
    monkeypatch.setitem(campaigns.BATCH_SIZES, "message", 7)
    plan = shop.broadcast()
    in_flight: list[str] = []
    plain = Ledger.take

    def take(ledger: Ledger, batch_id: str, token: str, now: float) -> bool:
        taken = plain(ledger, batch_id, token, now)
        flying = [b.sender for b in ledger.batches("hello", [BatchState.INTENT])]
        in_flight.extend({sender for sender in flying if flying.count(sender) > 1})
        return taken

    monkeypatch.setattr(Ledger, "take", take)
    shop.sandbox.faults.add(path=SEND, kind="drop_after_commit", times=2)
    shop.apply(plan)
    assert in_flight == []
    assert max(len(todo.rows) for task in shop.sandbox.wecom.tasks.values() for todo in task.todos.values()) == 7
    assert plan.cost.confirmations > 8
    nothing_lost_nothing_doubled(shop, plan)


def test_a_batch_has_one_content_and_names_are_put_in_literally(shop: Any) -> None:
    from attrs import evolve

    names = ["{{ member }}", "$1 \\g<0>", "🍉👨‍👩‍👧", "\u202eמחיר\u202c", "<b>&amp;", "{{ nickname }}", "", "同名", "同名"]
    who = shop.ids(len(names))
    customers = shop.sandbox.world.customers
    for key, name in zip(who, names, strict=True):
        customers[key] = evolve(customers[key], name=name)
    shop.siyu.audience.read()
    plan = shop.broadcast(text="{{nickname}}，您好！{{ member }} $1", audience=shop.siyu.audience.people(who))
    shop.apply(plan)
    shop.settled(plan)
    sender = {row.external_userid: row.sender for row in plan.rows}
    for key, name in zip(who, names, strict=True):
        assert shop.texts(key) == [f"{name}，您好！{sender[key]} $1"]


def test_two_steps_with_the_same_words_are_two_messages_with_their_own_attachments(shop: Any) -> None:
    link = {"msgtype": "link", "link": {"title": "t", "url": "https://example.com/"}}
    steps = (Step("a", message=Message("看", [link])), Step("b", message=Message("看")))
    plan = shop.siyu.sop.plan(shop.campaign(*steps), shop.some(6))
    shop.apply(plan)
    shop.sandbox.advance(hours=4)
    for key in shop.ids(6):
        assert sorted(len(d.attachments) for d in shop.sandbox.inbox(key) if d.kind == "task") == [0, 1]


# Configuration


@pytest.mark.parametrize("code", [48002, 60011], ids=["api forbidden", "no privilege"])
def test_a_missing_permission_holds_the_campaign_until_it_is_granted(shop: Any, code: int) -> None:
    plan = shop.broadcast()
    shop.sandbox.faults.add(path=SEND, kind="errcode", code=code)
    shop.apply(plan)
    assert shop.states("hello") == {State.HELD: len(plan.rows)}
    shop.siyu.broadcast.resume("hello")
    assert shop.states("hello") == {State.HELD: len(plan.rows)}
    shop.sandbox.faults.clear()
    shop.siyu.broadcast.resume("hello", retry_held=True)
    nothing_lost_nothing_doubled(shop, plan)


def test_a_wrong_secret_holds_and_names_no_secret(shop: Any) -> None:
    from siyu_sdk.wecom.client import WeCom

    plan = shop.broadcast()
    shop.queued(plan)
    ids = shop.sandbox.credentials
    wrong = WeCom(ids.corpid, "wrong-secret-0123456789", base_url=shop.sandbox.wecom_url, clock=shop.sandbox.clock)
    with shop.hub(wecom=wrong) as broken:
        with pytest.raises(AuthenticationError):
            broken.audience.read()
        broken.broadcast.resume("hello")
    assert shop.states("hello") == {State.HELD: len(plan.rows)}
    assert "wrong-secret" not in str(shop.siyu.ledger.batches("hello"))
    shop.siyu.broadcast.resume("hello", retry_held=True)
    nothing_lost_nothing_doubled(shop, plan)


def test_a_doubt_during_a_missing_permission_is_reconciled_once_it_is_granted(shop: Any) -> None:
    plan = shop.broadcast()
    shop.sandbox.faults.add(path=SEND, kind="drop_after_commit", times=1)
    shop.sandbox.faults.add(path="*/get_groupmsg_list_v2", kind="errcode", code=48002)
    shop.apply(plan)
    assert State.HELD in shop.states("hello")
    shop.sandbox.faults.clear()
    shop.siyu.broadcast.resume("hello", retry_held=True)
    nothing_lost_nothing_doubled(shop, plan)


def test_a_stock_paused_in_the_middle_holds_and_goes_on_when_it_is_resumed(shop: Any) -> None:
    plan = shop.siyu.coupons.plan("gift", shop.some(5, coupons=True), shop.coupon)
    stock = shop.sandbox.pay.stocks[shop.coupon.stock_id]
    stock.state = "PAUSED"
    shop.apply(plan)
    assert shop.states("gift") == {State.HELD: 5}
    stock.state = "SENDING"
    shop.siyu.coupons.resume("gift", retry_held=True)
    nothing_lost_nothing_doubled(shop, plan)


def test_a_held_batch_is_taken_up_by_a_durable_engine_too(shop: Any) -> None:
    """An engine leaves a batch alone that has come to its end: what is taken up again needs a name of its own."""
    submitted: list[str] = []

    class Once:
        def submit(self, batches: Any, work: Any) -> Any:
            for batch in batches:
                if batch not in submitted:
                    submitted.append(batch)
                    while (yield from work(batch)) is not None:
                        pass

    plan = shop.broadcast()
    with shop.hub(engine=Once()) as hub:
        shop.sandbox.faults.add(path=SEND, kind="errcode", code=48002)
        hub.sop.apply(plan, confirm=plan.fingerprint)
        hub.broadcast.resume("hello", retry_held=True)
        assert shop.states("hello") == {State.HELD: len(plan.rows)}
        shop.sandbox.faults.clear()
        hub.broadcast.resume("hello", retry_held=True)
    nothing_lost_nothing_doubled(shop, plan)


def test_a_message_that_can_never_be_sent_is_refused_with_its_reason(shop: Any) -> None:
    who = [row.external_userid for row in shop.broadcast().rows if row.sender == "amy"]
    plan = shop.broadcast(audience=shop.siyu.audience.people(who))
    shop.sandbox.faults.add(path=SEND, kind="errcode", code=41048)
    shop.apply(plan)
    report = shop.siyu.broadcast.report("hello")
    assert (report.total[State.REFUSED], report.sent) == (len(who), 0)
    assert report.reasons() == {"no longer a friend, or over the limit": len(who)}


def test_who_is_no_customer_of_the_sender_any_more_is_refused_alone(shop: Any) -> None:
    rows = [row for row in shop.broadcast().rows if row.sender == "amy"]
    plan = shop.broadcast(audience=shop.siyu.audience.people([row.external_userid for row in rows]), start=None)
    for lost_answer in (False, True):
        name = f"hello{lost_answer}"
        plan = shop.broadcast(
            name, name, shop.siyu.audience.people([row.external_userid for row in rows]), sender={r.external_userid: "amy" for r in rows}
        )
        plain = shop.sandbox.wecom.add_task
        gone = plan.rows[0].external_userid

        def add_task(text: str, attachments: Any, customers: list[str], sender: str, plain: Any = plain, gone: str = gone) -> Any:
            task = plain(text, attachments, [c for c in customers if c != gone], sender)
            task.fail_list.append(gone)
            return task

        shop.sandbox.wecom.add_task = add_task
        if lost_answer:
            shop.sandbox.faults.add(path=SEND, kind="drop_after_commit", times=1)
        shop.apply(plan)
        shop.sandbox.wecom.add_task = plain
        report = shop.settled(plan)
        assert (report.total[State.REFUSED], report.sent) == (1, len(rows) - 1)


def test_limits_that_do_not_end_hold_the_batch_after_some_attempts(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from siyu_sdk import sending

    monkeypatch.setattr(sending, "MOST_ATTEMPTS", 2)
    plan = shop.broadcast()
    shop.sandbox.faults.add(path=SEND, kind="errcode", code=45009)
    shop.apply(plan)
    assert shop.states("hello") == {State.HELD: len(plan.rows)}
    assert all(reason.startswith("given up after 2") for reason in shop.siyu.broadcast.report("hello").reasons())
    shop.sandbox.faults.clear()
    shop.siyu.broadcast.resume("hello", retry_held=True)
    nothing_lost_nothing_doubled(shop, plan)


def test_an_unforeseen_error_is_held_for_an_operator(shop: Any) -> None:
    plan = shop.broadcast()
    batch = Batch("b/1", "b", "s", "message", "amy", {"text": "x", "attachments": []})
    shop.siyu.ledger.create_campaign("b", "broadcast", "f", plan.campaign.to_json(), [], 0.0)
    with shop.siyu.ledger._transaction() as connection:
        from siyu_sdk import records

        connection.execute(records.BATCHES.insert(), records.stored(batch))
    shop.siyu.run(shop.siyu.hold("b/1", "RuntimeError: the disk is full"))
    held = shop.siyu.ledger.batch("b/1")
    assert (held.state, held.note) == (BatchState.HELD, "RuntimeError: the disk is full")


def test_reading_that_fails_while_reconciling_is_tried_again(shop: Any) -> None:
    plan = shop.broadcast()
    shop.sandbox.faults.add(path=SEND, kind="drop_after_commit", times=1)
    shop.sandbox.faults.add(path="*/get_groupmsg_list_v2", kind="html", times=2)
    shop.sandbox.faults.add(path="*/get_groupmsg_task", kind="errcode", code=-1, times=5)
    shop.apply(plan)
    nothing_lost_nothing_doubled(shop, plan)
