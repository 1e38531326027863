"""Acquisition links: the channel in the address, who they lead to, who came."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from siyu_sdk import InputError
from siyu_sdk.wecom.acquisition import Acquisition, AcquisitionLink, ChatStatus, PriorityOption, PriorityType
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.common import MemberRange

PREFIX = "/cgi-bin/externalcontact/customer_acquisition"
NOW = datetime(2024, 5, 6, tzinfo=UTC)


def test_a_link_is_made_and_its_address_gets_a_channel(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(f"{PREFIX}/create_link", {"link": {"link_id": "l1", "url": "https://work.weixin.qq.com/ca/x"}})
    made = wecom.acquisition.create("榴莲季", range={"user_list": ["amy"]}, priority_option={"priority_type": 1})
    assert made.link.with_channel("抖音&五月") == "https://work.weixin.qq.com/ca/x?customer_channel=%E6%8A%96%E9%9F%B3%26%E4%BA%94%E6%9C%88"
    assert loopback.seen[0].json == {
        "link_name": "榴莲季",
        "range": {"user_list": ["amy"]},
        "priority_option": {"priority_type": 1},
    }


def test_a_channel_that_the_platform_would_cut_is_refused() -> None:
    link = AcquisitionLink(link_id="l1", url="https://work.weixin.qq.com/ca/x?a=1")
    assert link.with_channel("道" * 21 + "x").startswith("https://work.weixin.qq.com/ca/x?a=1&customer_channel=%E9%81%93")
    with pytest.raises(InputError, match="64 bytes"):
        link.with_channel("道" * 22)
    with pytest.raises(InputError, match="64 bytes"):
        link.with_channel("")
    with pytest.raises(InputError, match="no url"):
        AcquisitionLink(link_id="l1").with_channel("x")


def test_a_link_leads_to_somebody() -> None:
    with pytest.raises(InputError, match="user_list or department_list"):
        Acquisition.create("l", range=MemberRange())
    with pytest.raises(InputError, match="at most 500 members"):
        Acquisition.create("l", range={"user_list": ["u"] * 501})
    with pytest.raises(InputError, match="priority_userid_list"):
        Acquisition.create("l", range={"user_list": ["u"]}, priority_option=PriorityOption(priority_type=PriorityType.CHOSEN_FRIENDS))
    with pytest.raises(InputError, match="nothing to change"):
        Acquisition.update("l1")
    with pytest.raises(InputError, match="user_list or department_list"):
        Acquisition.update("l1", range=MemberRange())
    Acquisition.update("l1", skip_verify=False)


def test_customers_come_page_by_page_with_their_channel(loopback: Any, wecom: WeCom) -> None:
    rows = [{"external_userid": f"wm{n}", "userid": "amy", "chat_status": n, "state": "抖音"} for n in (0, 1)]
    loopback.answer(f"{PREFIX}/customer", {"customer_list": rows[:1], "next_cursor": "c"}, {"customer_list": rows[1:]})
    customers = list(wecom.acquisition.customers("l1"))
    assert [customer.chat_status for customer in customers] == [ChatStatus.SILENT, ChatStatus.WROTE]
    assert {customer.state for customer in customers} == {"抖音"}


def test_ids_of_links_come_page_by_page(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(f"{PREFIX}/list_link", {"link_id_list": ["l1", "l2"], "next_cursor": "c"}, {"link_id_list": ["l3"]})
    assert list(wecom.acquisition.all()) == ["l1", "l2", "l3"]


def test_statistics_span_at_most_30_days(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(f"{PREFIX}/statistic", {"click_link_customer_cnt": 3, "new_customer_cnt": 1})
    assert wecom.acquisition.statistic("l1", start_time=NOW - timedelta(days=30), end_time=NOW).new_customer_cnt == 1
    assert loopback.seen[0].method == "POST"
    assert loopback.seen[0].json == {"link_id": "l1", "start_time": 1_712_361_600, "end_time": 1_714_953_600}
    with pytest.raises(InputError, match="30 days"):
        Acquisition.statistic("l1", start_time=NOW - timedelta(days=31), end_time=NOW)


def test_the_quota_is_read_with_get(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(f"{PREFIX}_quota", {"total": 1000, "balance": 500, "quota_list": [{"expire_date": 1_689_350_400, "balance": 200}]})
    quota = wecom.acquisition.quota()
    assert (quota.balance, quota.quota_list[0].balance) == (500, 200)
    assert (loopback.seen[0].method, loopback.seen[0].body) == ("GET", b"")


def test_a_component_is_not_told_who_writes(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(f"{PREFIX}/get_chat_info", {"chat_info": {"recv_msg_cnt": 3, "link_id": "l1"}})
    told = wecom.acquisition.chat_info("key")
    assert (told.userid, told.chat_info and told.chat_info.recv_msg_cnt) == (None, 3)
