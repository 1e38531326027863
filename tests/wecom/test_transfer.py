"""Transfers: single customers and groups fail without an error of the call, each with a reason of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from siyu_sdk import ApiError, Conflict, InputError, QuotaExceeded
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.transfer import OnjobTransfer, ResignedTransfer
from siyu_sdk.wecom.transfer_models import GroupTransferCode, TransferCode, TransferStatus

PREFIX = "/cgi-bin/externalcontact"


def test_each_customer_has_a_reason_of_its_own(loopback: Any, wecom: WeCom) -> None:
    codes = [0, 40128, 40129, 123456]
    loopback.answer(f"{PREFIX}/transfer_customer", {"customer": [{"external_userid": f"wm{c}", "errcode": c} for c in codes]})
    ids = [f"wm{c}" for c in codes]
    started, too_often, running, unknown = wecom.onjob_transfer.customers(ids, handover_userid="amy", takeover_userid="bob").customer
    assert started.errcode is TransferCode.STARTED
    assert started.error is None
    assert too_often.errcode is TransferCode.TOO_OFTEN
    assert isinstance(too_often.error, QuotaExceeded)
    assert isinstance(running.error, Conflict)
    assert unknown.errcode == 123456
    assert not unknown.errcode.is_known
    assert isinstance(unknown.error, ApiError)
    assert loopback.seen[0].json == {"external_userid": ids, "handover_userid": "amy", "takeover_userid": "bob"}


def test_results_come_page_by_page(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(
        f"{PREFIX}/resigned/transfer_result",
        {"customer": [{"external_userid": "wm1", "status": 1, "takeover_time": 1_588_262_400}], "next_cursor": "c"},
        {"customer": [{"external_userid": "wm2", "status": 3, "takeover_time": 0}]},
    )
    done, refused = wecom.resigned_transfer.results(handover_userid="amy", takeover_userid="bob")
    assert (done.status, done.takeover_time) == (TransferStatus.DONE, datetime(2020, 4, 30, 16, tzinfo=UTC))
    assert refused.status is TransferStatus.REFUSED
    assert loopback.seen[1].json == {"handover_userid": "amy", "takeover_userid": "bob", "cursor": "c"}


def test_groups_that_stay_behind_are_named(loopback: Any, wecom: WeCom) -> None:
    failed = [{"chat_id": "wr1", "errcode": 90508, "errmsg": "done before"}, {"chat_id": "wr2", "errcode": 90500, "errmsg": "stays"}]
    loopback.answer(f"{PREFIX}/groupchat/transfer", {"failed_chat_list": failed})
    before, stays = wecom.resigned_transfer.groups(["wr1", "wr2", "wr3"], new_owner="bob").failed_chat_list
    assert before.errcode is GroupTransferCode.ALREADY_DONE
    assert stays.errcode is GroupTransferCode.OWNER_HAS_NOT_LEFT
    assert isinstance(stays.error, Conflict)
    assert "90500 stays" in str(stays.error)


def test_everybody_who_is_left_behind_is_found(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(
        f"{PREFIX}/get_unassigned_list",
        {"info": [{"handover_userid": "amy", "external_userid": "wm1", "dimission_time": 1_550_838_571}], "next_cursor": "c"},
        {"info": [], "next_cursor": "d", "is_last": False},
        {"info": [{"handover_userid": "amy", "external_userid": "wm2"}], "is_last": True},
    )
    assert [row.external_userid for row in wecom.resigned_transfer.all_unassigned()] == ["wm1", "wm2"]


@pytest.mark.parametrize("transfer", [OnjobTransfer, ResignedTransfer])
def test_what_the_platform_would_refuse_is_refused_here(transfer: Any) -> None:
    for wrong, says in ((["wm"] * 101, "at most 100"), ([], "at least one")):
        with pytest.raises(InputError, match=says):
            transfer.customers(wrong, handover_userid="amy", takeover_userid="bob")
        with pytest.raises(InputError, match=says):
            transfer.groups(wrong, new_owner="bob")
    with pytest.raises(InputError, match="200 characters"):
        transfer.customers(["wm"], handover_userid="amy", takeover_userid="bob", transfer_success_msg="好" * 201)
