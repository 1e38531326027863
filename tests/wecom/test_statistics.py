"""Statistics: spans, and owners page by page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from siyu_sdk import InputError
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.statistics import GroupOrder, Statistics

DAY = datetime(2024, 5, 6, tzinfo=UTC)


def test_what_members_did_comes_day_by_day(loopback: Any, wecom: WeCom) -> None:
    busy = {"stat_time": 1_714_953_600, "chat_cnt": 100, "reply_percentage": 60.25, "avg_reply_time": 1, "new_contact_cnt": 5}
    quiet = {"stat_time": 1_715_040_000, "chat_cnt": 0}
    loopback.answer("/cgi-bin/externalcontact/get_user_behavior_data", {"behavior_data": [busy, quiet]})
    first, second = wecom.statistics.behavior(userid=["amy"], start_time=DAY, end_time=DAY + timedelta(days=1)).behavior_data
    assert (first.stat_time, first.reply_percentage) == (DAY, 60.25)
    assert second.reply_percentage is None
    assert loopback.seen[0].json == {"start_time": 1_714_953_600, "end_time": 1_715_040_000, "userid": ["amy"]}


def test_owners_come_page_by_page_until_the_total_is_reached(loopback: Any, wecom: WeCom) -> None:
    def page(owner: str, reached: int) -> dict[str, Any]:
        return {"items": [{"owner": owner, "data": {"chat_total": 3}}], "total": 2, "next_offset": reached}

    loopback.answer("/cgi-bin/externalcontact/groupchat/statistic", page("amy", 1), page("bob", 2))
    rows = wecom.statistics.all_groups(
        day_begin_time=DAY, owner_filter={"userid_list": ["amy", "bob"]}, order_by=GroupOrder.CHATS, order_asc=False, limit=1
    )
    assert [(row.owner, row.data.chat_total) for row in rows] == [("amy", 3), ("bob", 3)]
    assert [seen.json.get("offset") for seen in loopback.seen] == [None, 1]
    assert loopback.seen[0].json["order_asc"] == 0


def test_what_the_platform_would_refuse_is_refused_here() -> None:
    with pytest.raises(InputError, match="userid or partyid"):
        Statistics.behavior(start_time=DAY, end_time=DAY)
    with pytest.raises(InputError, match="at most 100"):
        Statistics.behavior(userid=["u"] * 101, start_time=DAY, end_time=DAY)
    with pytest.raises(InputError, match="30 days"):
        Statistics.behavior(userid=["u"], start_time=DAY, end_time=DAY + timedelta(days=31))
    with pytest.raises(InputError, match="day_end_time may be up to 30 days after day_begin_time"):
        Statistics.groups_by_day(day_begin_time=DAY, day_end_time=DAY - timedelta(days=1), owner_filter={"userid_list": ["u"]})
    with pytest.raises(InputError, match=r"owner_filter\.userid_list"):
        Statistics.groups(day_begin_time=DAY, owner_filter={"userid_list": []})
