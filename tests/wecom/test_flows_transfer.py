"""Handing over: looked at before, asked for once, followed to the end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from siyu_sdk import InputError, NotFound, PermissionDenied, QuotaExceeded, WeCom
from siyu_sdk.wecom.transfer_models import GroupTransferCode, TransferCode, TransferPlan, TransferStatus

PREFIX = "/cgi-bin/externalcontact"
START = f"{PREFIX}/transfer_customer"
RESULT = f"{PREFIX}/transfer_result"
BETWEEN = {"handover_userid": "amy", "takeover_userid": "bob"}
MONDAY = datetime(2026, 11, 2, 2, tzinfo=UTC)
BUSY = {"errcode": -1, "errmsg": "system busy"}
"""Of a call that must not be repeated blindly, nobody knows whether it took effect."""


def started(asked: Any) -> dict[str, Any]:
    return {"customer": [{"external_userid": key, "errcode": 0} for key in asked["external_userid"]]}


def running(*keys: str) -> dict[str, Any]:
    return {"customer": [{"external_userid": key, "status": 2} for key in keys]}


@pytest.fixture
def company(loopback: Any) -> Any:
    loopback.answer(f"{PREFIX}/get_follow_user_list", {"follow_user": ["amy", "bob"]})
    loopback.answer(f"{PREFIX}/list", {"external_userid": [f"wm{n}" for n in range(250)]})
    loopback.answer(START, started)
    return loopback


def plan(*keys: str) -> TransferPlan:
    return TransferPlan("amy", "bob", keys, ())


def test_a_plan_says_who_can_move_and_why_the_others_cannot(company: Any, either: Any) -> None:
    company.answer(RESULT, running("wm1"))
    made = either(lambda wecom: wecom.onjob_transfer.plan(["wm0", "wm1", "wm-stranger", "wm0"], **BETWEEN))
    assert made.ready == ("wm0",)
    assert {row.external_userid: row.errcode for row in made.blocked} == {
        "wm1": TransferCode.ALREADY_RUNNING,
        "wm-stranger": TransferCode.NOT_FOLLOWED_BY_GIVER,
    }
    assert "原成员不是跟进人" in str(made.blocked[1].error)
    assert company.calls(START) == []


def test_everybody_moves_in_calls_of_a_hundred(company: Any, either: Any) -> None:
    made = either(lambda wecom: wecom.onjob_transfer.plan(**BETWEEN))
    run = either(lambda wecom: wecom.onjob_transfer.start(made, transfer_success_msg="以后由我为您服务"))
    assert [len(call.json["external_userid"]) for call in company.calls(START)] == [100, 100, 50]
    assert len(run.started) == 250
    assert (run.blocked, run.failed, run.in_doubt) == ((), {}, ())
    assert run.started_at == MONDAY
    assert run.completes_at == MONDAY + timedelta(hours=24)


def test_each_refusal_has_its_reason(company: Any, either: Any) -> None:
    company.answer(START, {"customer": [{"external_userid": "wm1", "errcode": 0}, {"external_userid": "wm2", "errcode": 40128}]})
    run = either(lambda wecom: wecom.onjob_transfer.start(plan("wm1", "wm2")))
    assert run.started == ("wm1",)
    (blocked,) = run.blocked
    assert isinstance(blocked.error, QuotaExceeded)
    assert "90 days" in str(blocked.error)


def test_a_lost_answer_starts_nothing_twice(company: Any, either: Any) -> None:
    """The first call took effect. The second says «on the way already»; who of them is ours, the list of results knows."""
    repeated = [{"external_userid": "wm1", "errcode": 40129}, {"external_userid": "wm2", "errcode": 40129}]
    company.answer(START, BUSY, {"customer": repeated})
    company.answer(RESULT, running("wm1", "wm-of-another-call"))
    run = either(lambda wecom: wecom.onjob_transfer.start(plan("wm1", "wm2")))
    assert run.started == ("wm1",)
    assert [row.external_userid for row in run.blocked] == ["wm2"]  # on the way, but to somebody else
    assert run.in_doubt == ()


def test_what_nobody_can_tell_is_in_doubt(company: Any, either: Any) -> None:
    company.answer(START, BUSY)
    company.answer(RESULT, {"errcode": 48002, "errmsg": "no"})
    run = either(lambda wecom: wecom.onjob_transfer.start(plan("wm1")))
    assert (run.started, run.in_doubt) == ((), ("wm1",))


def test_a_later_call_that_fails_does_not_hide_the_first(company: Any, either: Any) -> None:
    keys = [f"wm{n}" for n in range(150)]
    company.answer(START, started, {"errcode": 60011, "errmsg": "no"})
    run = either(lambda wecom: wecom.onjob_transfer.start(plan(*keys)))
    assert len(run.started) == 100
    assert set(run.failed) == set(keys[100:])
    assert isinstance(run.failed["wm100"], PermissionDenied)


def test_a_first_call_that_fails_is_raised(company: Any, either: Any) -> None:
    company.answer(START, {"errcode": 60011, "errmsg": "no"})
    with pytest.raises(PermissionDenied):
        either(lambda wecom: wecom.onjob_transfer.start(plan("wm1")))


def test_the_outcome_names_whom_to_route_anew(loopback: Any, either: Any) -> None:
    old = int((MONDAY - timedelta(days=30)).timestamp())
    rows = [("done", 1, old + 31 * 86400), ("waits", 2, 0), ("refused", 3, 0), ("full", 4, 0), ("moved-last-month", 1, old)]
    loopback.answer(RESULT, {"customer": [{"external_userid": k, "status": s, "takeover_time": t} for k, s, t in rows]})
    asked = [key for key, _, _ in rows] + ["unheard-of"]
    outcome = either(lambda wecom: wecom.onjob_transfer.outcome(asked, started_at=MONDAY, **BETWEEN))
    assert outcome.done == ("done",)
    assert outcome.waiting == ("waits",)
    assert outcome.to_reroute == ("refused", "full")
    assert (outcome.refused, outcome.taker_full) == (("refused",), ("full",))
    assert outcome.unknown == ("moved-last-month", "unheard-of")
    assert outcome.completes_at == MONDAY + timedelta(hours=24)
    assert not outcome.settled


def test_the_outcome_of_everybody_between_two(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(f"{PREFIX}/resigned/transfer_result", {"customer": [{"external_userid": "wm1", "status": 1}]})
    outcome = wecom.resigned_transfer.outcome(**BETWEEN)
    assert outcome.settled
    assert outcome.completes_at is None
    assert [row.status for row in outcome.rows] == [TransferStatus.DONE]


def test_who_left_leaves_customers_behind(company: Any, either: Any) -> None:
    company.answer(f"{PREFIX}/get_follow_user_list", {"follow_user": ["bob"]})
    waiting = [{"handover_userid": "amy", "external_userid": "wm1"}, {"handover_userid": "zoe", "external_userid": "wm2"}]
    company.answer(f"{PREFIX}/get_unassigned_list", {"info": waiting})
    company.answer(f"{PREFIX}/resigned/transfer_customer", started)
    made = either(lambda wecom: wecom.resigned_transfer.plan(**BETWEEN))
    assert made.ready == ("wm1",)
    assert either(lambda wecom: wecom.resigned_transfer.start(made)).started == ("wm1",)


@pytest.mark.parametrize(
    ("door", "between", "says"),
    [
        ("onjob_transfer", {"handover_userid": "amy", "takeover_userid": "amy"}, "same member"),
        ("onjob_transfer", {"handover_userid": "amy", "takeover_userid": "zoe"}, "'zoe' may not have customers"),
        ("resigned_transfer", {"handover_userid": "amy", "takeover_userid": "bob"}, "has not left"),
    ],
)
def test_what_cannot_work_is_refused(company: Any, wecom: WeCom, door: str, between: dict[str, str], says: str) -> None:
    with pytest.raises(InputError, match=says):
        getattr(wecom, door).plan(**between)


def test_a_giver_without_customers_has_nobody_to_hand_over(company: Any, wecom: WeCom) -> None:
    company.answer(f"{PREFIX}/list", {"errcode": 84061, "errmsg": "no relation"})
    assert wecom.onjob_transfer.plan(["wm1"], **BETWEEN).ready == ()


# Groups


def test_groups_that_were_handed_over_before_are_done(loopback: Any, either: Any) -> None:
    failed = [{"chat_id": "wr1", "errcode": 90508}, {"chat_id": "wr2", "errcode": 90500}]
    loopback.answer(f"{PREFIX}/groupchat/transfer", {"failed_chat_list": failed}, {})
    chats = [f"wr{n}" for n in range(120)]
    result = either(lambda wecom: wecom.resigned_transfer.hand_over_groups(chats, new_owner="bob"))
    assert len(result.done) == 119
    assert "wr1" in result.done
    assert [row.errcode for row in result.blocked] == [GroupTransferCode.OWNER_HAS_NOT_LEFT]


def test_after_a_lost_answer_the_same_owner_is_the_one_we_made(loopback: Any, either: Any) -> None:
    same = {"failed_chat_list": [{"chat_id": "wr1", "errcode": 90504}]}
    loopback.answer(f"{PREFIX}/groupchat/onjob_transfer", BUSY, same)
    assert either(lambda wecom: wecom.onjob_transfer.hand_over_groups(["wr1"], new_owner="bob")).done == ("wr1",)


def test_groups_beyond_the_limit_of_a_day_are_named(loopback: Any, either: Any) -> None:
    loopback.answer(f"{PREFIX}/groupchat/transfer", {}, {"errcode": 86003, "errmsg": "no"})
    chats = [f"wr{n}" for n in range(120)]
    result = either(lambda wecom: wecom.resigned_transfer.hand_over_groups(chats, new_owner="bob"))
    assert len(result.done) == 100
    assert len(result.failed) == 20
    assert isinstance(result.failed["wr119"], NotFound)


def test_no_groups_are_no_request(wecom: WeCom) -> None:
    with pytest.raises(InputError, match="at least one group"):
        wecom.onjob_transfer.hand_over_groups([], new_owner="bob")
