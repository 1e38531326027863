"""Upgrades of customer service: what the console allows, what the API offers, what the customer takes."""

from __future__ import annotations

import pytest

from siyu_sdk.sandbox import Sandbox
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.kf import UpgradeType
from siyu_sdk.wecom.kf_sessions import ServiceState

from .conftest import WeComCaller, refused, told


@pytest.fixture
def kfid(sandbox: Sandbox) -> str:
    """An account to which wm0 has just written, and which Amy answers."""
    open_kfid = next(iter(sandbox.wecom.kf.accounts))
    sandbox.wecom.kf_customer_writes(open_kfid, "wm0", "hello")
    sandbox.wecom.kf.change(open_kfid, "wm0", ServiceState.SERVICER, "amy")
    return open_kfid


def test_a_customer_is_offered_a_member_and_adds_them(sandbox: Sandbox, corp: WeCom, kfid: str) -> None:
    config = corp.kf_customers.upgrade_config()
    assert config.member_range
    assert config.member_range.userid_list == ("amy", "bob")
    corp.kf_customers.upgrade(kfid, "wm0", type=UpgradeType.MEMBER, member={"userid": "bob", "wording": "您的专属顾问"})
    assert sandbox.inbox("wm0") == [], "the member who serves has to pass it on"
    with pytest.raises(LookupError):
        sandbox.wecom.kf_customer_accepts(kfid, "wm0")
    with pytest.raises(LookupError):
        sandbox.wecom.kf_servicer_recommends(kfid, "wm0", "bob")
    sandbox.wecom.kf_servicer_recommends(kfid, "wm0", "amy")
    (card,) = sandbox.inbox("wm0")
    assert (card.kind, card.text, card.attachments[0]["business_card"]) == ("kf_offer", "您的专属顾问", {"userid": "bob"})
    sandbox.wecom.member_deletes("wm0", "bob")
    sandbox.wecom.kf_customer_accepts(kfid, "wm0")
    assert told(sandbox, "ChangeType", "UserID", "ExternalUserID")[-1] == ("add_external_contact", "bob", "wm0")
    with pytest.raises(LookupError):
        sandbox.wecom.kf_customer_accepts(kfid, "wm0")
    assert sandbox.books.summary()["kf"]["offers"] == {"made": 1, "recommended": 1, "accepted": 1}
    assert sandbox.invariants() == []


def test_a_customer_is_offered_a_group_and_joins(sandbox: Sandbox, corp: WeCom, kfid: str) -> None:
    config = corp.kf_customers.upgrade_config()
    assert config.groupchat_range
    chat_id = config.groupchat_range.chat_id_list[0]
    stranger = sandbox.wecom.customer_adds("amy")
    sandbox.wecom.kf_customer_writes(kfid, stranger, "hello")
    sandbox.wecom.kf.change(kfid, stranger, ServiceState.SERVICER, "amy")
    corp.kf_customers.upgrade(kfid, stranger, type=UpgradeType.GROUP_CHAT, groupchat={"chat_id": chat_id})
    sandbox.wecom.kf_servicer_recommends(kfid, stranger, "amy")
    sandbox.wecom.chats.capacity = 0
    with pytest.raises(LookupError, match="full"):
        sandbox.wecom.kf_customer_accepts(kfid, stranger)
    sandbox.wecom.chats.capacity = 200
    sandbox.wecom.kf_customer_accepts(kfid, stranger)
    assert stranger in sandbox.wecom.chats.groups[chat_id].seats


def test_an_offer_is_taken_back(sandbox: Sandbox, corp: WeCom, kfid: str) -> None:
    corp.kf_customers.upgrade(kfid, "wm0", type=UpgradeType.MEMBER, member={"userid": "bob"})
    for _ in range(2):
        corp.kf_customers.cancel_upgrade(kfid, "wm0")
    with pytest.raises(LookupError):
        sandbox.wecom.kf_servicer_recommends(kfid, "wm0", "amy")


def test_only_what_the_console_allows_within_forty_eight_hours(sandbox: Sandbox, corp: WeCom, kfid: str) -> None:
    def offer(*, member: dict[str, str] | None = None, groupchat: dict[str, str] | None = None) -> int | str:
        kind = UpgradeType.MEMBER if member else UpgradeType.GROUP_CHAT
        return refused(lambda: corp.kf_customers.upgrade(kfid, "wm0", type=kind, member=member, groupchat=groupchat))

    assert offer(member={"userid": "chen"}) == 95021
    assert offer(groupchat={"chat_id": "wr-nowhere"}) == 95021
    closed = sandbox.wecom.kf.upgrades.chats[0]
    sandbox.wecom.chats.dismiss(closed)
    assert offer(groupchat={"chat_id": closed}) == 95021
    sandbox.wecom.member_resigns("bob")
    assert offer(member={"userid": "bob"}) == 95021
    sandbox.wecom.kf.upgrades.departments = [1]
    corp.kf_customers.upgrade(kfid, "wm0", type=UpgradeType.MEMBER, member={"userid": "chen"})
    sandbox.wecom.kf.upgrades.dedicated.add("wm0")
    assert offer(member={"userid": "amy"}) == 95015
    sandbox.advance(hours=49)
    assert offer(member={"userid": "amy"}) == 95031


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        ({"open_kfid": "wk-nothing"}, 95004),
        ({"external_userid": "wm-nobody"}, 40096),
        ({"type": 3}, 40058),
        ({"type": "1"}, 40058),
        ({"member": None}, 40063),
        ({"member": {}}, 40063),
        ({"type": 2}, 40063),
    ],
)
def test_what_is_no_offer(wecom: WeComCaller, kfid: str, change: dict[str, object], errcode: int) -> None:
    body = {"open_kfid": kfid, "external_userid": "wm0", "type": 1, "member": {"userid": "bob"}, **change}
    assert wecom("/cgi-bin/kf/customer/upgrade_service", **body)["errcode"] == errcode
