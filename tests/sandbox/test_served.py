"""People whom the company has served: customers and strangers in groups; and the openid of a customer."""

from __future__ import annotations

from siyu_sdk.sandbox import Sandbox
from siyu_sdk.wecom.client import WeCom

from .conftest import refused


def test_everybody_once_for_each_member_and_group(sandbox: Sandbox, corp: WeCom) -> None:
    chat_id = sandbox.wecom.member_opens_chat("amy", "榴莲团")
    friend = sandbox.wecom.customer_adds("amy")
    sandbox.wecom.customer_joins(friend, chat_id=chat_id)
    stranger = sandbox.world.new_customer("李开")
    sandbox.wecom.customer_joins(stranger, chat_id=chat_id)

    rows = list(corp.served_contacts.all(limit=50))
    relations = sum(len(contacts) for contacts in sandbox.world.contacts.values())
    seats = sum(seat.customer for group in sandbox.wecom.chats.living() for seat in group.seats.values())
    assert len(rows) == relations + seats
    hers = [row for row in rows if row.external_userid == friend]
    assert [(row.follow_userid, row.chat_id) for row in hers] == [("amy", None), (None, chat_id)]
    assert len({row.tmp_openid for row in hers}) == 1, "one person, one passing id"
    (unknown,) = [row for row in rows if not row.is_customer]
    assert (unknown.name, unknown.external_userid, unknown.chat_name) == ("***开", None, "榴莲团")
    assert unknown.add_time


def test_ids_pass_and_cursors_end(sandbox: Sandbox, corp: WeCom) -> None:
    first, again = corp.served_contacts.list(limit=1), corp.served_contacts.list(limit=1)
    assert first.info_list[0].external_userid == again.info_list[0].external_userid
    assert first.info_list[0].tmp_openid != again.info_list[0].tmp_openid
    assert corp.served_contacts.list(limit=1, cursor=first.next_cursor).info_list[0] != first.info_list[0]
    sandbox.advance(hours=4)
    assert refused(lambda: corp.served_contacts.list(limit=1, cursor=first.next_cursor)) == 40058


def test_the_openid_for_payments_of_the_company(sandbox: Sandbox, corp: WeCom) -> None:
    openid = corp.external_ids.to_openid("wm0").openid
    assert openid == corp.external_ids.to_openid("wm0").openid
    assert openid not in sandbox.world.by_openid, "it is not the mini-program's"
    assert refused(lambda: corp.external_ids.to_openid("wm-nobody")) == 40096
    for userid in list(sandbox.world.follows["wm0"]):
        sandbox.wecom.member_deletes("wm0", userid)
    assert refused(lambda: corp.external_ids.to_openid("wm0")) == 84061
