"""Acquisition links: customers who come through them, the channel, and quota that runs out or ends."""

from __future__ import annotations

from datetime import timedelta

from siyu_sdk.sandbox import Sandbox
from siyu_sdk.wecom.acquisition import ChatStatus
from siyu_sdk.wecom.client import WeCom

from .conftest import refused, told


def test_a_customer_comes_through_a_link(sandbox: Sandbox, corp: WeCom) -> None:
    link = corp.acquisition.create("双11广告", range={"user_list": ["amy", "bob"]}).link
    link_id = link.link_id or ""
    channel = "广告" * 20
    customer = sandbox.wecom.customer_clicks(link_id, channel=channel)
    silent = sandbox.wecom.customer_clicks(link_id)
    assert customer
    state = ("广告" * 11)[:21]
    assert len(state.encode()) == 63, "64 bytes at most, and no half character"
    assert told(sandbox, "ChangeType", "UserID", "State", "LinkId")[0] == ("add_external_contact", "amy", state, link_id)
    sandbox.wecom.chat(customer, "amy")
    assert told(sandbox, "Event", "ChangeType", "LinkId")[-1] == ("customer_acquisition", "customer_start_chat", link_id)
    rows = list(corp.acquisition.customers(link_id, limit=1))
    assert [(row.external_userid, row.userid, row.chat_status, row.state) for row in rows] == [
        (customer, "amy", ChatStatus.WROTE, state),
        (silent, "bob", ChatStatus.SILENT, ""),
    ]
    assert corp.customers.get(customer).follow_user[0].add_way == 16
    now = sandbox.clock.now()
    figures = corp.acquisition.statistic(link_id, start_time=now - timedelta(days=1), end_time=now + timedelta(minutes=1))
    assert (figures.click_link_customer_cnt, figures.new_customer_cnt) == (2, 2)
    assert sandbox.invariants() == []


def link_to_amy(corp: WeCom, *, skip_verify: bool = True) -> str:
    return corp.acquisition.create("x", range={"user_list": ["amy"]}, skip_verify=skip_verify).link.link_id or ""


def changes(sandbox: Sandbox) -> list[str]:
    return [event["ChangeType"] for event in sandbox.world.events if event["Event"] == "customer_acquisition"]


def test_a_use_is_charged_when_they_are_friends(sandbox: Sandbox, corp: WeCom) -> None:
    link_id = link_to_amy(corp, skip_verify=False)
    customer = sandbox.wecom.customer_clicks(link_id, channel="live")
    assert customer
    assert told(sandbox, "ChangeType", "LinkId", "State") == [("friend_request", link_id, "live")]
    assert corp.acquisition.quota().balance == 1000, "the member has to agree"
    assert list(corp.acquisition.customers(link_id)) == []
    sandbox.advance(hours=1)
    assert corp.customers.get(customer).follow_user[0].state == "live"
    assert corp.acquisition.quota().balance == 999
    sandbox.wecom.chat(customer, "amy")
    assert corp.acquisition.quota().balance == 999, "the first message costs nothing"
    assert sandbox.wecom.customer_clicks(link_id, external_userid=customer) == customer
    sandbox.advance(hours=1)
    assert corp.acquisition.quota().balance == 999, "they are friends already"
    assert sandbox.invariants() == []


def test_a_request_that_comes_too_late_is_not_charged(sandbox: Sandbox, corp: WeCom) -> None:
    link_id = link_to_amy(corp, skip_verify=False)
    sandbox.wecom.acquisition.batches.clear()
    sandbox.wecom.acquisition.buy(1, days=30)
    for _ in range(2):
        assert sandbox.wecom.customer_clicks(link_id)
    sandbox.advance(hours=1)
    assert len(list(corp.acquisition.customers(link_id))) == 1, "one use, two who asked"
    sandbox.wecom.acquisition.buy(5, days=30)
    assert changes(sandbox)[-2:] == ["balance_exhausted", "balance_increased"]
    sandbox.wecom.customer_clicks(link_id)
    sandbox.wecom.member_resigns("amy")
    sandbox.advance(hours=1)
    assert corp.acquisition.quota().balance == 5, "nobody was there to agree"
    assert sandbox.invariants() == []


def test_a_key_tells_how_often_a_customer_has_written(sandbox: Sandbox, corp: WeCom) -> None:
    link_id = link_to_amy(corp)
    customer = sandbox.wecom.customer_clicks(link_id, channel="live")
    silent = sandbox.wecom.customer_clicks(link_id)
    assert customer
    assert silent
    sandbox.wecom.chat(silent, "amy")
    assert changes(sandbox) == [], "without a channel nobody is told of the first message"
    for _ in range(10):
        sandbox.wecom.chat(customer, "amy")
    assert changes(sandbox) == ["customer_start_chat"] + ["message_from_customer"] * 3
    keys = [event["ChatKey"] for event in sandbox.world.events if "ChatKey" in event]
    told_of = corp.acquisition.chat_info(keys[0])
    assert (told_of.userid, told_of.external_userid) == ("amy", customer)
    assert told_of.chat_info
    assert (told_of.chat_info.link_id, told_of.chat_info.state, told_of.chat_info.recv_msg_cnt) == (link_id, "live", 10)
    sandbox.advance(minutes=31)
    assert refused(lambda: corp.acquisition.chat_info(keys[0])) == 40058
    assert refused(lambda: corp.acquisition.chat_info("chat-never")) == 40058


def test_links_are_changed_listed_and_deleted(sandbox: Sandbox, corp: WeCom) -> None:
    made = [corp.acquisition.create(f"link {n}", range={"department_list": [2]}).link.link_id or "" for n in range(3)]
    assert list(corp.acquisition.all(limit=2)) == made
    corp.acquisition.update(made[0], link_name="new", range={"user_list": ["dong"]}, skip_verify=False)
    held = corp.acquisition.get(made[0])
    assert (held.link.link_name, held.link.skip_verify, held.range and held.range.user_list) == ("new", False, ("dong",))
    sandbox.wecom.member_resigns("dong")
    assert told(sandbox, "ChangeType", "LinkId")[-1] == ("link_unavailable", made[0])
    assert sandbox.wecom.customer_clicks(made[0]) is None, "nobody is there"
    corp.acquisition.delete(made[0])
    assert refused(lambda: corp.acquisition.get(made[0])) == 40058
    sandbox.wecom.acquisition.most_links = 2
    assert refused(lambda: corp.acquisition.create("more", range={"user_list": ["amy"]})) == 41095
    assert corp.acquisition.permit().user_list == ("amy", "bob", "chen")


def test_quota_runs_low_and_out(sandbox: Sandbox, corp: WeCom) -> None:
    sandbox.wecom.acquisition.batches.clear()
    sandbox.wecom.acquisition.buy(21, days=30)
    link_id = corp.acquisition.create("x", range={"user_list": ["amy"]}).link.link_id or ""

    def warnings() -> list[str]:
        return [event["ChangeType"] for event in sandbox.world.events if event["Event"] == "customer_acquisition"]

    sandbox.wecom.customer_clicks(link_id)
    assert warnings() == []
    sandbox.wecom.customer_clicks(link_id)
    assert warnings() == ["balance_low"]
    for _ in range(19):
        assert sandbox.wecom.customer_clicks(link_id)
    assert warnings() == ["balance_low", "balance_exhausted"]
    assert sandbox.wecom.customer_clicks(link_id) is None
    assert corp.acquisition.quota().balance == 0
    sandbox.wecom.acquisition.buy(5, days=30)
    assert sandbox.wecom.customer_clicks(link_id)


def test_quota_ends(sandbox: Sandbox, corp: WeCom) -> None:
    sandbox.wecom.acquisition.buy(50, days=10)
    quota = corp.acquisition.quota()
    assert (quota.total, quota.balance, [batch.balance for batch in quota.quota_list]) == (1050, 1050, [50, 1000])
    sandbox.advance(days=4)
    assert told(sandbox, "ChangeType", "ExpireQuotaNum") == [("quota_expire_soon", "50")]
    sandbox.advance(days=5, hours=23)
    assert changes(sandbox) == ["quota_expire_soon"] * 4, "7, 3, 2 and 1 days before"
    sandbox.advance(days=1)
    assert corp.acquisition.quota().balance == 1000
