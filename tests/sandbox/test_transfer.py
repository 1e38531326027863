"""Handing over: who can be handed over, who refuses, what moves after a day, and groups."""

from __future__ import annotations

from siyu_sdk.sandbox import Sandbox
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.group_chats import GroupStatus
from siyu_sdk.wecom.transfer_models import GroupTransferCode, TransferCode, TransferStatus

from .conftest import refused, told


def only(sandbox: Sandbox, userid: str, without: str, count: int) -> list[str]:
    """Customers of one member whom another does not follow."""
    return [c for c in sandbox.world.contacts[userid] if c not in sandbox.world.contacts[without]][:count]


def codes(corp: WeCom, customers: list[str], giver: str, taker: str) -> list[TransferCode]:
    started = corp.onjob_transfer.customers(customers, handover_userid=giver, takeover_userid=taker)
    return [row.errcode for row in started.customer]


def statuses(corp: WeCom, giver: str, taker: str) -> dict[str, TransferStatus | None]:
    return {row.external_userid: row.status for row in corp.onjob_transfer.results(handover_userid=giver, takeover_userid=taker)}


def test_after_a_day_customers_move_unless_they_refuse(sandbox: Sandbox, corp: WeCom) -> None:
    patient, choosy = only(sandbox, "amy", "bob", 2)
    assert codes(corp, [patient, choosy], "amy", "bob") == [0, 0]
    assert codes(corp, [patient], "amy", "bob") == [TransferCode.ALREADY_RUNNING]
    waiting = next(iter(corp.onjob_transfer.results(handover_userid="amy", takeover_userid="bob")))
    assert waiting.takeover_time
    assert waiting.takeover_time > sandbox.clock.now(), "when it will complete itself"

    sandbox.wecom.customer_refuses(choosy)
    assert statuses(corp, "amy", "bob") == {patient: TransferStatus.WAITING, choosy: TransferStatus.REFUSED}
    sandbox.advance(hours=25)
    assert statuses(corp, "amy", "bob") == {patient: TransferStatus.DONE, choosy: TransferStatus.REFUSED}
    assert told(sandbox, "ChangeType", "UserID", "ExternalUserID", "Source", "FailReason") == [
        ("transfer_fail", "bob", choosy, None, "customer_refused"),
        ("del_external_contact", "amy", patient, "DELETE_BY_TRANSFER", None),
        ("add_external_contact", "bob", patient, None, None),
    ]
    (follow,) = corp.customers.get(patient).follow_user
    assert (follow.userid, follow.add_way, follow.tags) == ("bob", 202, ())
    assert sandbox.inbox(patient)[-1].kind == "transfer"
    assert sandbox.invariants() == []


def test_every_customer_has_a_reason_of_their_own(sandbox: Sandbox, corp: WeCom) -> None:
    mine, other = only(sandbox, "amy", "bob", 1)[0], only(sandbox, "bob", "amy", 1)[0]
    assert codes(corp, ["wm-nobody", other, mine], "amy", "bob") == [
        TransferCode.UNKNOWN_CUSTOMER,
        TransferCode.NOT_FOLLOWED_BY_GIVER,
        TransferCode.STARTED,
    ]
    assert codes(corp, [mine], "amy", "amy") == [TransferCode.SAME_MEMBER]
    assert codes(corp, [mine], "chen", "dong") == [TransferCode.ALREADY_BEING_MOVED]
    sandbox.wecom.transfers.capacity["chen"] = 1
    assert codes(corp, only(sandbox, "bob", "chen", 1), "bob", "chen") == [TransferCode.TAKER_FULL]
    assert refused(lambda: codes(corp, [mine], "nobody", "bob")) == 40003


def test_the_third_time_in_ninety_days_is_too_often(sandbox: Sandbox, corp: WeCom) -> None:
    (customer,) = only(sandbox, "amy", "bob", 1)
    sandbox.wecom.world.part("chen", customer)
    sandbox.wecom.world.part("dong", customer)
    for giver, taker in (("amy", "bob"), ("bob", "chen")):
        assert codes(corp, [customer], giver, taker) == [0]
        sandbox.advance(days=2)
    assert codes(corp, [customer], "chen", "dong") == [TransferCode.TOO_OFTEN]
    sandbox.advance(days=88)
    assert codes(corp, [customer], "chen", "dong") == [0]


def test_a_taker_who_is_full_by_then(sandbox: Sandbox, corp: WeCom) -> None:
    (customer,) = only(sandbox, "amy", "bob", 1)
    codes(corp, [customer], "amy", "bob")
    sandbox.wecom.transfers.capacity["bob"] = 1
    sandbox.advance(hours=25)
    assert statuses(corp, "amy", "bob") == {customer: TransferStatus.TAKER_FULL}
    assert told(sandbox, "ChangeType", "FailReason") == [("transfer_fail", "customer_limit_exceed")]


def test_customers_of_somebody_who_has_left(sandbox: Sandbox, corp: WeCom) -> None:
    customers = list(sandbox.world.contacts["amy"])
    alone = only(sandbox, "amy", "bob", 3)
    before = corp.resigned_transfer.customers(alone, handover_userid="amy", takeover_userid="bob")
    assert {row.errcode for row in before.customer} == {TransferCode.GIVER_HAS_NOT_LEFT}
    sandbox.wecom.member_resigns("amy")
    assert told(sandbox, "Event", "ChangeType", "UserID") == [("change_contact", "delete_user", "amy")]
    assert refused(lambda: corp.members.get("amy")) == 60111
    assert "amy" not in corp.customers.follow_users().follow_user
    unassigned = list(corp.resigned_transfer.all_unassigned(page_size=4))
    assert [row.external_userid for row in unassigned] == customers
    assert {row.handover_userid for row in unassigned} == {"amy"}
    assert corp.resigned_transfer.unassigned(page_size=4, page_id=1).info == tuple(unassigned[4:8])

    started = corp.resigned_transfer.customers(alone, handover_userid="amy", takeover_userid="bob")
    assert all(row.error is None for row in started.customer)
    assert len(list(corp.resigned_transfer.all_unassigned())) == len(customers) - 3
    sandbox.advance(hours=25)
    done = list(corp.resigned_transfer.results(handover_userid="amy", takeover_userid="bob"))
    assert {row.status for row in done} == {TransferStatus.DONE}
    assert set(alone) <= set(sandbox.world.contacts["bob"])
    assert sandbox.invariants() == []


def test_who_has_left_sends_nothing_any_more(sandbox: Sandbox) -> None:
    task = sandbox.wecom.add_task("hello", (), ["wm0"], "amy")
    sandbox.wecom.member_resigns("amy")
    sandbox.advance(days=1)
    assert task.todos["amy"].sent_at is None
    assert sandbox.invariants() == []


def test_some_refuse_by_themselves() -> None:
    with Sandbox(seed=7, members=2, shops=1, customers=150) as sandbox, sandbox.wecom_client() as corp:
        customers = only(sandbox, "amy", "bob", 70)
        codes(corp, customers, "amy", "bob")
        sandbox.advance(hours=25)
        refusals = sum(status is TransferStatus.REFUSED for status in statuses(corp, "amy", "bob").values())
        assert 1 <= refusals <= 10
        assert sandbox.books.summary()["transfers"]["done"] == len(customers) - refusals


def test_groups_change_their_owner(sandbox: Sandbox, corp: WeCom) -> None:
    groups = list(corp.group_chats.all(owner_filter={"userid_list": ["amy"]}))
    chat_id = groups[0].chat_id

    def failures(chat_id: str, owner: str, *, resigned: bool = False) -> list[int]:
        transfer = corp.resigned_transfer if resigned else corp.onjob_transfer
        return [row.errcode for row in transfer.groups([chat_id], new_owner=owner).failed_chat_list]

    assert failures("wr-nothing", "bob") == [GroupTransferCode.NOT_A_CUSTOMER_GROUP]
    assert failures(chat_id, "amy") == [GroupTransferCode.SAME_OWNER]
    assert failures(chat_id, "bob", resigned=True) == [GroupTransferCode.OWNER_HAS_NOT_LEFT]
    assert failures(chat_id, "bob") == []
    assert failures(chat_id, "chen") == []
    assert failures(chat_id, "bob") == [40128], "the third time within 90 days"
    assert corp.group_chats.get(chat_id).group_chat.owner == "chen"

    sandbox.wecom.member_resigns("chen")
    left = {group.chat_id for group in corp.group_chats.all(status_filter=GroupStatus.OWNER_LEFT)}
    assert chat_id in left
    assert failures(chat_id, "bob") == [GroupTransferCode.OWNER_HAS_LEFT]
    sandbox.wecom.transfers.groups_a_day = 1
    assert failures(chat_id, "bob", resigned=True) == []
    assert failures(chat_id, "dong", resigned=True) == [GroupTransferCode.RUNNING]
    another = min(left - {chat_id})
    assert failures(another, "bob", resigned=True) == [45009], "enough groups for one day"
    assert failures(another, "dong", resigned=True) == []
    sandbox.advance(minutes=2)
    assert failures(chat_id, "dong", resigned=True) == [GroupTransferCode.ALREADY_DONE]
    assert {group.chat_id for group in corp.group_chats.all(status_filter=GroupStatus.HANDED_OVER)} == {chat_id, another}
    assert sandbox.invariants() == []
