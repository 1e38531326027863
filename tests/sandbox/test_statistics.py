"""Statistics: sums, whole days, zeros in the early morning, and how far back they reach."""

from __future__ import annotations

from datetime import datetime, timedelta

from siyu_sdk.sandbox import Sandbox
from siyu_sdk.sandbox.clock import BEIJING
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.statistics import Behavior

from .conftest import WeComCaller, refused

EC = "/cgi-bin/externalcontact"


def yesterday(sandbox: Sandbox) -> datetime:
    return sandbox.clock.now().astimezone(BEIJING).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)


def behavior(corp: WeCom, day: datetime, *userids: str) -> Behavior:
    (row,) = corp.statistics.behavior(start_time=day, end_time=day, userid=userids).behavior_data
    return row


def test_several_members_are_summed(sandbox: Sandbox, corp: WeCom) -> None:
    day = yesterday(sandbox) - timedelta(days=2)
    amy, bob, both = behavior(corp, day, "amy"), behavior(corp, day, "bob"), behavior(corp, day, "amy", "bob")
    assert both.stat_time == day
    assert both.chat_cnt == (amy.chat_cnt or 0) + (bob.chat_cnt or 0) > 0
    assert both.message_cnt == (amy.message_cnt or 0) + (bob.message_cnt or 0)
    assert min(amy.avg_reply_time or 0, bob.avg_reply_time or 0) <= (both.avg_reply_time or 0)
    department = corp.statistics.behavior(start_time=day, end_time=day, partyid=[2]).behavior_data[0]
    assert department.chat_cnt == behavior(corp, day, "amy", "chen").chat_cnt


def test_what_happened_today_is_told_tomorrow_after_six(sandbox: Sandbox, corp: WeCom) -> None:
    before = behavior(corp, yesterday(sandbox), "amy")
    assert before.chat_cnt is not None
    sandbox.wecom.customer_adds("amy")
    sandbox.wecom.customer_deletes("wm0", "amy")
    for _ in range(3):
        sandbox.wecom.chat("wm1", "amy")
    sandbox.advance(hours=20)  # half past five in the morning
    early = behavior(corp, yesterday(sandbox), "amy")
    assert (early.chat_cnt, early.new_contact_cnt, early.avg_reply_time) == (0, 0, None)
    sandbox.advance(hours=1)
    row = behavior(corp, yesterday(sandbox), "amy")
    assert (row.new_contact_cnt, row.negative_feedback_cnt) == (1, 1)
    assert row.chat_cnt
    assert row.chat_cnt >= 3
    assert row.avg_reply_time


def test_how_far_back_and_how_many_days(sandbox: Sandbox, corp: WeCom, wecom: WeComCaller) -> None:
    day = yesterday(sandbox)
    rows = corp.statistics.behavior(start_time=day - timedelta(days=20), end_time=day, userid=["amy"]).behavior_data
    assert len(rows) == 21
    assert refused(lambda: behavior(corp, day - timedelta(days=200), "amy")) == 40058
    assert refused(lambda: behavior(corp, day + timedelta(days=1), "amy")) == 40058, "today is not over"
    assert refused(lambda: behavior(corp, day, "nobody")) == 40003
    start = int(day.timestamp())
    assert wecom(EC + "/get_user_behavior_data", userid=["amy"], start_time=start - 31 * 86400, end_time=start)["errcode"] == 40058
    assert wecom(EC + "/get_user_behavior_data", userid=["amy"] * 101, start_time=start, end_time=start)["errcode"] == 40032


def test_groups_by_owner_and_by_day(sandbox: Sandbox, corp: WeCom) -> None:
    chat_id = sandbox.wecom.member_opens_chat("amy")
    for _ in range(3):
        sandbox.wecom.customer_joins(chat_id=chat_id)
    sandbox.advance(days=1)
    day, owners = yesterday(sandbox), {"userid_list": ["amy", "bob", "chen"]}
    figures = {row.owner: row.data for row in corp.statistics.all_groups(day_begin_time=day, owner_filter=owners, limit=2)}
    assert figures.keys() == {"amy", "bob", "chen"}
    assert (figures["amy"].new_chat_cnt, figures["bob"].new_chat_cnt) == (1, 0)
    assert (figures["amy"].new_member_cnt or 0) >= 4
    first, second = corp.statistics.groups_by_day(day_begin_time=day - timedelta(days=1), day_end_time=day, owner_filter=owners).items
    assert second.stat_time == day
    assert second.data.chat_total == (first.data.chat_total or 0) + 1
    assert second.data.member_total == sum(data.member_total or 0 for data in figures.values())
