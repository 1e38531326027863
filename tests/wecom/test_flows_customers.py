"""Reading all customers: nobody is lost because somebody else could not be read, and a killed reading goes on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from siyu_sdk import AuthenticationError, InputError, WeCom
from siyu_sdk.wecom.customers import CustomerSync, SyncedCustomers

MEMBERS = "/cgi-bin/externalcontact/get_follow_user_list"
BATCH = "/cgi-bin/externalcontact/batch/get_by_user"
STARTED = 1_793_584_800_000


def company(has: dict[str, int], *, page: int = 100, broken: dict[str, int] | None = None) -> Any:
    """Answers like the platform: members with so many customers each, pages, and members that are refused with a code."""

    def answer(asked: Any) -> dict[str, Any]:
        for userid in asked["userid_list"]:
            if code := (broken or {}).get(userid):
                return {"errcode": code, "errmsg": f"{userid} is broken"}
        rows = [
            {"external_contact": {"external_userid": f"wm-{userid}-{n}"}, "follow_info": {"userid": userid}}
            for userid in asked["userid_list"]
            for n in range(has[userid])
        ]
        if not rows:
            return {"errcode": 84061, "errmsg": "no relation"}
        start = int(asked.get("cursor") or 0)
        return {"external_contact_list": rows[start : start + page], "next_cursor": str(start + page) if start + page < len(rows) else ""}

    return answer


def told(stretches: list[SyncedCustomers]) -> set[tuple[str, str]]:
    return {(customer.userid, customer.external_userid) for stretch in stretches for customer in stretch.customers}


def completed(stretches: list[SyncedCustomers]) -> list[str]:
    return sorted(userid for stretch in stretches for userid in stretch.completed)


def test_all_customers_of_all_members_come_in_stretches(loopback: Any, either: Any) -> None:
    has = {"amy": 5, "bob": 0, "cat": 1}
    loopback.answer(MEMBERS, {"follow_user": list(has)})
    loopback.answer(BATCH, company(has, page=2))
    stretches = either(lambda wecom: wecom.customers.sync_iter())
    assert len(told(stretches)) == 6
    assert completed(stretches) == ["amy", "bob", "cat"]  # who has nobody was read to the end, too
    last = stretches[-1].progress
    assert last.done
    assert last.failed == {}
    assert {stretch.generation for stretch in stretches} == {STARTED}
    assert {call.json["limit"] for call in loopback.calls(BATCH)} == {100}


def test_one_bad_member_is_found_out_and_spoils_nobody(loopback: Any, either: Any) -> None:
    has = {f"m{n}": 1 for n in range(100)}
    loopback.answer(MEMBERS, {"follow_user": list(has)})
    loopback.answer(BATCH, company(has, broken={"m42": 84074}))
    stretches = either(lambda wecom: wecom.customers.sync_iter(limit=1))  # 25 members in a call
    assert len(told(stretches)) == 99
    failed = stretches[-1].progress.failed
    assert list(failed) == ["m42"]
    assert "84074 m42 is broken" in failed["m42"]
    assert "m42" not in completed(stretches)  # its customers are unknown, not gone
    assert len(loopback.calls(BATCH)) < 20


def test_a_killed_reading_goes_on_from_what_was_stored(loopback: Any, either: Any) -> None:
    has = {f"m{n}": 250 for n in range(12)}
    loopback.answer(MEMBERS, {"follow_user": list(has)})
    loopback.answer(BATCH, company(has))
    kept = list[SyncedCustomers]()
    stored = ""
    for _ in range(4):  # four stretches, each in a process of its own
        progress = CustomerSync.from_json(json.loads(stored)) if stored else None
        stretch = either(lambda wecom, progress=progress: wecom.customers.sync_step(progress, limit=4))
        stored = json.dumps(stretch.progress.to_json())
        kept.append(stretch)
    before = len(loopback.seen)
    rest = either(lambda wecom: wecom.customers.sync_iter(CustomerSync.from_json(json.loads(stored)), limit=4))
    assert len(told(kept + rest)) == 12 * 250
    assert completed(kept + rest) == sorted(has)
    assert len(loopback.calls(MEMBERS)) == 1
    assert len(loopback.seen) - before == 12 * 3 - 4 * 4  # no page twice
    assert {stretch.generation for stretch in kept + rest} == {STARTED}


def test_only_members_that_were_read_completely_may_be_swept(loopback: Any, wecom: WeCom) -> None:
    """The use that it is made for: a table of relations, stamped, swept member by member."""
    table = {("amy", "wm-amy-0"): 1, ("amy", "wm-gone"): 1, ("bob", "wm-bob-0"): 1, ("zoe", "wm-zoe-0"): 1}
    loopback.answer(MEMBERS, {"follow_user": ["amy", "bob"]})  # zoe is listed no more
    loopback.answer(BATCH, company({"amy": 1, "bob": 1}, broken={"bob": 60111}))
    for stretch in wecom.customers.sync_iter():
        table |= {(c.userid, c.external_userid): stretch.generation for c in stretch.customers}
        stale = [key for key, stamp in table.items() if key[0] in stretch.completed and stamp < stretch.generation]
        for key in stale:
            del table[key]
    assert set(table) == {("amy", "wm-amy-0"), ("bob", "wm-bob-0"), ("zoe", "wm-zoe-0")}


def test_a_cursor_that_is_refused_later_begins_anew(loopback: Any, wecom: WeCom) -> None:
    whole = company({"amy": 3}, page=2)

    def forgetful(asked: Any) -> dict[str, Any]:
        return {"errcode": 40058, "errmsg": "cursor"} if asked.get("cursor") == "old" else whole(asked)

    loopback.answer(BATCH, forgetful)
    began = wecom.customers.sync_step(members=["amy"])
    stored = json.loads(json.dumps(began.progress.to_json()).replace('"cursor": "2"', '"cursor": "old"'))
    stretches = list(wecom.customers.sync_iter(CustomerSync.from_json(stored)))
    assert len(told(stretches)) == 3
    assert completed(stretches) == ["amy"]


def test_what_failed_can_be_taken_up_again(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(BATCH, company({"amy": 1, "bob": 2}, broken={"bob": 84074}))
    *_, last = wecom.customers.sync_iter(members=["amy", "bob"])
    assert list(last.progress.failed) == ["bob"]
    loopback.answer(BATCH, company({"amy": 1, "bob": 2}))
    again = list(wecom.customers.sync_iter(last.progress.retry()))
    assert completed(again) == ["bob"]
    assert again[-1].progress.failed == {}


def test_a_wrong_secret_is_raised_and_loses_nothing(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(BATCH, {"errcode": 40001, "errmsg": "invalid credential"})
    with pytest.raises(AuthenticationError):
        wecom.customers.sync_step(members=["amy"])


def test_a_page_that_points_to_itself_fails_instead_of_going_round(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(BATCH, {"external_contact_list": [], "next_cursor": "c"})
    *_, last = wecom.customers.sync_iter(members=["amy"])
    assert last.progress.failed == {"amy": "the platform gave the same cursor twice"}


def test_a_reading_under_way_takes_no_other_members(wecom: WeCom) -> None:
    with pytest.raises(InputError, match="has its members already"):
        wecom.customers.sync_step(CustomerSync(1), members=["amy"])


def test_a_company_without_members_is_read_at_once(loopback: Any, wecom: WeCom) -> None:
    (only,) = wecom.customers.sync_iter()
    assert only.progress.done
    assert loopback.calls(BATCH) == []


def test_pieces_keep_the_calls_busy() -> None:
    few, many = (CustomerSync.begin([str(n) for n in range(size)], generation=1) for size in (12, 5000))
    assert {len(part.members) for part in few.open} == {1}
    assert max(len(part.members) for part in many.open) == 100
