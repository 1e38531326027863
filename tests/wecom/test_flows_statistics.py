"""Figures by member and day."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from siyu_sdk import InputError, NotFound, WeCom

PATH = "/cgi-bin/externalcontact/get_user_behavior_data"
BEIJING = timezone(timedelta(hours=8))
TODAY = date(2026, 11, 2)


def figures(asked: Any) -> dict[str, Any]:
    if asked["userid"] == ["gone"]:
        return {"errcode": 60111, "errmsg": "nobody"}
    days = range(asked["start_time"], asked["end_time"] + 1, 86400)
    return {"behavior_data": [{"stat_time": day, "chat_cnt": len(asked["userid"]), "new_contact_cnt": 2} for day in days]}


def test_each_member_is_asked_about_alone(loopback: Any, either: Any) -> None:
    loopback.answer(PATH, figures)
    result = either(lambda wecom: wecom.statistics.daily(["amy", "gone", "bob", "amy"]))
    assert [(row.userid, row.day) for row in result.rows] == [
        (userid, TODAY - timedelta(days=back)) for userid in ("amy", "bob") for back in (3, 2, 1)
    ]
    assert {(row.chat_cnt, row.new_contact_cnt, row.avg_reply_time) for row in result.rows} == {(1, 2, None)}
    assert all(row.provisional for row in result.rows)
    assert isinstance(result.failed["gone"], NotFound)


def test_long_times_are_asked_for_in_spans_of_thirty_days(loopback: Any, either: Any) -> None:
    loopback.answer(PATH, figures)
    first = TODAY - timedelta(days=180)
    result = either(lambda wecom: wecom.statistics.daily(["amy"], first=first, limit=1))
    days = [row.day for row in result.rows]
    assert days == [first + timedelta(days=n) for n in range(180)]  # none twice, none left out
    assert [row.day for row in result.rows if row.provisional] == days[-3:]
    spans = [call.json["end_time"] - call.json["start_time"] for call in loopback.calls(PATH)]
    assert spans == [29 * 86400] * 6
    assert datetime.fromtimestamp(loopback.calls(PATH)[0].json["start_time"], BEIJING).hour == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"userid": ["amy"], "first": TODAY - timedelta(days=181)}, "keeps 180 days, back to 2026-05-06"),
        ({"userid": ["amy"], "last": TODAY}, "up to yesterday, 2026-11-01"),
        ({"userid": ["amy"], "first": TODAY - timedelta(days=1), "last": TODAY - timedelta(days=2)}, "is after last"),
        ({"userid": "amy"}, "name members, in a list"),
        ({"userid": []}, "name members, in a list"),
    ],
)
def test_days_that_the_platform_does_not_have_are_refused(loopback: Any, either: Any, arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        either(lambda wecom: wecom.statistics.daily(**arguments))
    assert loopback.seen == []


def test_midnight_is_in_beijing(loopback: Any, watch: Any, either: Any) -> None:
    watch.at = datetime(2026, 11, 2, 0, 30, tzinfo=BEIJING).timestamp()  # in London it is yesterday still
    loopback.answer(PATH, figures)
    assert either(lambda wecom: wecom.statistics.daily(["amy"], first=TODAY - timedelta(days=1))).rows[0].day == date(2026, 11, 1)


def test_sums_stay_sums(loopback: Any, wecom: WeCom) -> None:
    """What the plain call does, and why nobody should compare members with it."""
    loopback.answer(PATH, figures)
    day = datetime(2026, 11, 1, tzinfo=BEIJING)
    (row,) = wecom.statistics.behavior(userid=["amy", "bob"], start_time=day, end_time=day).behavior_data
    assert row.chat_cnt == 2
