"""Statistics of customer service are counted from what was said in the sandbox."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from siyu_sdk.sandbox import Sandbox
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.kf import UpgradeType
from siyu_sdk.wecom.kf_sessions import ServiceState
from siyu_sdk.wecom.kf_statistics import KfCorpStatistic, KfServicerStatistic
from siyu_sdk.wecom.messages import Text

from .conftest import WeComCaller, refused


@pytest.fixture
def kfid(sandbox: Sandbox) -> str:
    return next(iter(sandbox.wecom.kf.accounts))


def next_morning(sandbox: Sandbox) -> datetime:
    """Half past nine on the day after, and the moment a day before it."""
    yesterday = sandbox.clock.now()
    sandbox.advance(days=1)
    return yesterday


def of_company(corp: WeCom, day: datetime, open_kfid: str | None = None) -> KfCorpStatistic | None:
    (row,) = corp.kf_statistics.corp(start_time=day, end_time=day, open_kfid=open_kfid).statistic_list
    return row.statistic


def of_member(corp: WeCom, day: datetime, userid: str | None = None) -> KfServicerStatistic | None:
    (row,) = corp.kf_statistics.servicer(start_time=day, end_time=day, servicer_userid=userid).statistic_list
    return row.statistic


def test_a_day_of_customer_service(sandbox: Sandbox, corp: WeCom, kfid: str) -> None:
    wecom = sandbox.wecom
    wecom.kf_customer_writes(kfid, "wm0", "在吗")  # the API answers, then Amy does
    corp.kf_messages.send(kfid, "wm0", Text(content="您好"))
    wecom.kf_customer_writes(kfid, "wm0", "人工")
    corp.kf_sessions.transfer(kfid, "wm0", service_state=ServiceState.SERVICER, servicer_userid="amy")
    sandbox.advance(seconds=30)
    wecom.kf_servicer_writes(kfid, "wm0", "amy", "我是Amy")
    wecom.kf_customer_writes(kfid, "wm1", "有榴莲吗")  # the API alone
    corp.kf_sessions.transfer(kfid, "wm1", service_state=ServiceState.ASSISTANT)
    wecom.kf_customer_writes(kfid, "wm2", "投诉")  # Bob, who says nothing
    corp.kf_sessions.transfer(kfid, "wm2", service_state=ServiceState.SERVICER, servicer_userid="bob")
    wecom.kf_customer_writes(kfid, "wm3", "喂")  # nobody
    yesterday = next_morning(sandbox)

    day = of_company(corp, yesterday, kfid)
    assert day
    assert (day.session_cnt, day.customer_cnt, day.customer_msg_cnt) == (3, 4, 5), "a session counts once somebody or the API has it"
    assert (day.ai_session_reply_cnt, day.ai_transfer_rate, day.ai_knowledge_hit_rate) == (2, 0.5, None)
    assert (day.upgrade_service_customer_cnt, day.msg_rejected_customer_cnt) == (0, 0)

    both, amy, bob = (of_member(corp, yesterday, userid) for userid in (None, "amy", "bob"))
    assert both
    assert amy
    assert bob
    assert [(row.session_cnt, row.customer_cnt, row.customer_msg_cnt) for row in (both, amy, bob)] == [(2, 2, 3), (1, 1, 2), (1, 1, 1)]
    assert [row.reply_rate for row in (both, amy, bob)] == [0.5, 1, 0]
    assert amy.first_reply_average_sec == both.first_reply_average_sec == pytest.approx(30, abs=2)
    assert bob.first_reply_average_sec is None
    assert (both.satisfaction_investgate_cnt, both.satisfied_rate) == (0, None)
    assert of_member(corp, yesterday, "chen") is None


def test_who_takes_an_offer_and_who_refuses_messages(sandbox: Sandbox, corp: WeCom, kfid: str) -> None:
    wecom = sandbox.wecom
    for who in ("wm0", "wm1"):
        wecom.kf_customer_writes(kfid, who, "hello")
    wecom.kf.refusing.add("wm1")
    for _ in range(2):
        corp.kf_messages.send(kfid, "wm1", Text(content="您好"))
    corp.kf_sessions.transfer(kfid, "wm0", service_state=ServiceState.SERVICER, servicer_userid="amy")
    chat_id = wecom.kf.upgrades.chats[0]
    corp.kf_customers.upgrade(kfid, "wm0", type=UpgradeType.GROUP_CHAT, groupchat={"chat_id": chat_id})
    wecom.kf_servicer_recommends(kfid, "wm0", "amy")
    wecom.kf_customer_accepts(kfid, "wm0")
    for _ in range(2):
        corp.kf_customers.upgrade(kfid, "wm0", type=UpgradeType.MEMBER, member={"userid": "bob"})
        wecom.kf_servicer_recommends(kfid, "wm0", "amy")
    wecom.kf_customer_accepts(kfid, "wm0")
    yesterday = next_morning(sandbox)

    day, amy, bob = of_company(corp, yesterday), of_member(corp, yesterday, "amy"), of_member(corp, yesterday, "bob")
    assert day
    assert amy
    assert bob is None
    assert (day.upgrade_service_customer_cnt, day.msg_rejected_customer_cnt) == (1, 1)
    assert (amy.upgrade_service_member_invite_cnt, amy.upgrade_service_member_customer_cnt) == (2, 1)
    assert (amy.upgrade_service_groupchat_invite_cnt, amy.upgrade_service_groupchat_customer_cnt) == (1, 1)
    assert (amy.upgrade_service_customer_cnt, amy.msg_rejected_customer_cnt) == (1, 0)


def test_a_new_conversation_after_the_end_of_one(sandbox: Sandbox, corp: WeCom, kfid: str) -> None:
    for _ in range(2):
        sandbox.wecom.kf_customer_writes(kfid, "wm0", "hello")
        corp.kf_sessions.transfer(kfid, "wm0", service_state=ServiceState.SERVICER, servicer_userid="amy")
        sandbox.wecom.kf_servicer_ends(kfid, "wm0")
    yesterday = next_morning(sandbox)
    sandbox.wecom.kf_customer_writes(kfid, "wm0", "again")
    amy = of_member(corp, yesterday, "amy")
    assert amy
    assert (amy.session_cnt, amy.customer_cnt, amy.customer_msg_cnt) == (2, 1, 2)


def test_figures_come_in_the_next_morning_and_only_where_there_are_any(sandbox: Sandbox, corp: WeCom, kfid: str) -> None:
    sandbox.wecom.kf_customer_writes(kfid, "wm0", "hello")
    corp.kf_messages.send(kfid, "wm0", Text(content="您好"))
    today = sandbox.clock.now()
    assert refused(lambda: corp.kf_statistics.corp(start_time=today, end_time=today)) == 40058, "today is not over"
    sandbox.advance(hours=17)  # half past two at night
    assert of_company(corp, today) is None
    sandbox.advance(hours=7)
    assert of_company(corp, today)
    rows = corp.kf_statistics.corp(start_time=today - timedelta(days=2), end_time=today + timedelta(days=1)).statistic_list
    assert [row.statistic is not None for row in rows] == [False, False, True]
    assert [row.stat_time.hour for row in rows] == [16, 16, 16], "midnight in China"


@pytest.mark.parametrize(
    ("path", "change", "errcode"),
    [
        ("get_corp_statistic", {"open_kfid": "wk-nothing"}, 95004),
        ("get_corp_statistic", {"end_time": None}, 40063),
        ("get_corp_statistic", {"start_time": -32}, 40058),
        ("get_corp_statistic", {"start_time": -182, "end_time": -181}, 40058),
        ("get_servicer_statistic", {"servicer_userid": "nobody"}, 40003),
        ("get_servicer_statistic", {"start_time": -2, "end_time": -3}, 40058),
        ("get_servicer_statistic", {"end_time": 10**20}, 40058),
        ("get_servicer_statistic", {"start_time": -32, "end_time": -1}, 0),
    ],
)
def test_what_statistics_refuse(sandbox: Sandbox, wecom: WeComCaller, path: str, change: dict[str, object], errcode: int) -> None:
    now = int(sandbox.clock.time())
    days = {"start_time": -2, "end_time": 0, **change}
    body = {name: now + value * 86400 if isinstance(value, int) else value for name, value in days.items()}
    assert wecom(f"/cgi-bin/kf/{path}", **body)["errcode"] == errcode
