from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from siyu_sdk import PermissionDenied, SiyuError
from siyu_sdk.ledger import State
from siyu_sdk.sandbox import Humans, Sandbox

SLOW_PEOPLE = Humans(never_confirms=0.25, next_day=0.25, hours=0.25, deselects=0.2, leaves=0, redeems=0)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=7, members=4, shops=2, customers=120, humans=SLOW_PEOPLE) as sandbox:
        sandbox.wecom.list_lag, sandbox.wecom.dispatch_lag = 0.1, 0.2
        yield sandbox


def habits(shop: Any, habit: str) -> set[str]:
    return {m.userid for m in shop.sandbox.world.members.values() if m.habit == habit}


def test_members_confirm_late_or_never_and_take_people_off(shop: Any) -> None:
    plan = shop.broadcast()
    shop.apply(plan)
    never = habits(shop, "never")
    report = shop.siyu.broadcast.report("hello")
    assert report.awaiting_member == len(plan.rows)
    shop.sandbox.advance(hours=3)
    early = shop.siyu.broadcast.report("hello")
    assert 0 < early.sent < len(plan.rows)
    shop.sandbox.advance(days=2)
    late = shop.settled(plan)
    waiting = {row.sender for row in late.rows if row.state == State.AWAITING}
    assert waiting == never & {row.sender for row in plan.rows}
    reasons = late.reasons()
    assert reasons["deselected by the member"] == late.total[State.SKIPPED] > 5
    assert late.over_limit == reasons.get("the platform's cap for this customer was reached", 0)
    assert late.sent + late.awaiting_member + late.over_limit + late.total[State.SKIPPED] == len(plan.rows)


def test_the_platforms_own_cap_is_read_from_its_answers(shop: Any) -> None:
    shop.sandbox.wecom.quota_rule = "1_a_day"
    shop.sandbox.wecom.tasks.clear()  # what was sent by hand before
    shop.sandbox.world.inboxes.clear()
    for name in ("one", "two"):
        shop.apply(shop.broadcast(name, name))
    shop.sandbox.advance(hours=10)
    first, second = shop.siyu.broadcast.report("one"), shop.siyu.broadcast.report("two")
    over = first.over_limit + second.over_limit
    assert over > 0
    assert sum(r.reasons().get("the platform's cap for this customer was reached", 0) for r in (first, second)) == over
    assert not {r.external_userid for r in second.rows if r.state == State.SENT} & {
        r.external_userid for r in first.rows if r.state == State.SENT
    }
    assert shop.sandbox.invariants() == []


def test_sums_by_step_and_member_are_the_plan(shop: Any) -> None:
    plan = shop.broadcast()
    shop.apply(plan)
    shop.sandbox.advance(hours=3)
    report = shop.siyu.broadcast.report("hello")
    assert sum(f.planned for f in report.by_member()) == sum(f.planned for f in report.by_step()) == report.total.planned == len(plan.rows)
    for funnel in report.by_member():
        assert funnel.planned == sum(row.sender == funnel.name for row in plan.rows)
        assert funnel.reached == funnel[State.SENT]


def test_who_deleted_the_member_meanwhile_is_told_as_that(shop: Any) -> None:
    plan = shop.broadcast()
    shop.apply(plan)
    gone = [row for row in plan.rows if row.sender in habits(shop, "next_day")][:3]
    for row in gone:
        shop.sandbox.wecom.customer_deletes(row.external_userid, row.sender)
    shop.sandbox.advance(days=2)
    report = shop.settled(plan)
    marked = {row.external_userid for row in report.rows if row.state == State.NOT_FRIEND}
    assert marked <= {row.external_userid for row in gone}
    assert report.not_friend == len(marked) > 0


def test_reminding_asks_only_those_who_have_not_pressed_send_three_times_a_day(shop: Any) -> None:
    plan = shop.broadcast()
    shop.apply(plan)
    shop.sandbox.advance(hours=3)
    shop.siyu.broadcast.refresh("hello")
    waiting = {row.sender for row in shop.rows("hello") if row.state == State.AWAITING}
    assert 0 < len(waiting) < plan.cost.members
    assert [shop.siyu.broadcast.remind("hello") for _ in range(4)] == [len(waiting)] * 3 + [0]
    shop.sandbox.advance(days=1)
    assert shop.siyu.broadcast.remind("hello") >= 1


def test_a_reminder_that_cannot_be_sent_is_an_error(shop: Any) -> None:
    shop.apply(shop.broadcast())
    shop.sandbox.faults.add(path="*/remind_groupmsg_send", kind="reset")
    with pytest.raises(SiyuError):
        shop.siyu.broadcast.remind("hello")


def test_cancelling_withdraws_what_nobody_confirmed_and_leaves_what_was_sent(shop: Any) -> None:
    plan = shop.broadcast()
    shop.apply(plan)
    shop.sandbox.advance(hours=3)
    run = shop.siyu.broadcast.cancel("hello")
    report = shop.siyu.broadcast.report("hello")
    assert report.sent > 0
    assert run.skipped == report.total[State.CANCELLED] > 0
    before = shop.got("你好").total()
    shop.sandbox.advance(days=3)
    report = shop.siyu.broadcast.report("hello")
    assert report.awaiting_member == 0  # only now: of whoever pressed send a moment ago the platform tells the rest within the hour
    assert shop.got("你好").total() == before == report.sent
    assert shop.siyu.broadcast.cancel("hello").skipped == 0
    assert shop.siyu.broadcast.resume("hello").queued == 0


def test_what_could_not_be_withdrawn_is_not_called_cancelled(shop: Any) -> None:
    plan = shop.broadcast()
    shop.apply(plan)
    shop.sandbox.faults.add(path="*/cancel_groupmsg_send", kind="errcode", code=48002)
    with pytest.raises(PermissionDenied):
        shop.siyu.broadcast.cancel("hello")
    assert shop.states("hello") == {State.AWAITING: len(plan.rows)}
    shop.sandbox.faults.clear()
    shop.siyu.broadcast.cancel("hello")
    assert shop.states("hello") == {State.CANCELLED: len(plan.rows)}
    shop.sandbox.advance(days=3)
    assert shop.got("你好").total() == 0


def test_a_task_that_cannot_be_read_does_not_hide_the_others(shop: Any) -> None:
    plan = shop.broadcast()
    shop.apply(plan)
    shop.sandbox.advance(days=2)  # all but one have pressed send
    shop.sandbox.faults.add(path="*/get_groupmsg_task", kind="errcode", code=40058, times=1)
    with pytest.raises(SiyuError):
        shop.siyu.broadcast.refresh("hello")
    assert shop.siyu.broadcast.report("hello", refresh=False).sent > 0
    assert shop.siyu.broadcast.refresh("hello").failed == 0


def test_just_after_sending_the_platform_says_nothing_yet(shop: Any) -> None:
    shop.sandbox.wecom.dispatch_lag = 3600.0
    plan = shop.broadcast()
    shop.apply(plan)
    assert shop.siyu.broadcast.refresh("hello").failed == plan.cost.confirmations
    assert shop.siyu.broadcast.report("hello", refresh=False).awaiting_member == len(plan.rows)


def test_a_table_for_spreadsheets_comes_back_as_it_was(shop: Any, tmp_path: Path) -> None:
    plan = shop.broadcast(name="双11，“预热”\n第一波")
    shop.apply(plan)
    report = shop.siyu.broadcast.report(plan.campaign.key, refresh=False)
    text = report.to_csv(tmp_path / "名单.csv")
    assert (tmp_path / "名单.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    for source in (text, (tmp_path / "名单.csv").read_text(encoding="utf-8-sig")):
        rows = list(csv.DictReader(io.StringIO(source, newline="")))
        assert [(r["campaign"], r["external_userid"], r["state"]) for r in rows] == [
            (plan.campaign.key, r.external_userid, "awaiting") for r in report.rows
        ]
