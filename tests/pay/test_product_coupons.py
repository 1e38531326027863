"""Product coupons: sent once however often the network fails, confirmed, used, given back."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from siyu_sdk import (
    AsyncPay,
    Conflict,
    InputError,
    NotFound,
    OutcomeUnknown,
    Pay,
    PermissionDenied,
    PlatformBusy,
    QuotaExceeded,
)
from siyu_sdk.core import errors
from siyu_sdk.pay.product_coupon_models import OrderReference, StockState, UserCouponState
from siyu_sdk.pay.product_coupons import ProductCoupons

from .conftest import Signed, WeChatPay, authorization

BEIJING = timezone(timedelta(hours=8))
ISSUE = {"brand_id": "120344", "product_coupon_id": "200000001", "stock_id": "100232301", "appid": "wx233544546545989"}
COUPON = {
    "brand_id": "120344",
    "coupon_code": "123446565767",
    "coupon_state": "CONFIRMING",
    "valid_begin_time": "2026-09-21T00:00+08:00",
    "valid_end_time": "2026-09-28T23:59:59+08:00",
    "receive_time": "2026-09-21T17:33:20+08:00",
    "send_request_no": "durian-step1-wm7",
    "send_channel": "API",
    "stock": {"stock_id": "100232301", "state": "SENDING"},
}


def test_a_coupon_is_sent_confirmed_and_used(pay: Pay, wechat: WeChatPay) -> None:
    wechat.give(COUPON)
    coupon = pay.product_coupons.send("oA1", send_request_no="durian-step1-wm7", attach="榴莲 🎁", **ISSUE)
    assert coupon.coupon_state is UserCouponState.CONFIRMING
    assert coupon.valid_end_time == datetime(2026, 9, 28, 23, 59, 59, tzinfo=BEIJING)
    sent = wechat.received[-1]
    assert sent.target == "/v3/marketing/partner/product-coupon/users/oA1/coupons"
    assert sent.json == {**ISSUE, "send_request_no": "durian-step1-wm7", "attach": "榴莲 🎁"}

    wechat.give({**COUPON, "coupon_state": "EFFECTIVE", "confirm_request_no": "confirm-wm7"})
    confirmed = pay.product_coupons.confirm("oA1", coupon.coupon_code, out_request_no="confirm-wm7", **ISSUE)
    assert confirmed.coupon_state is UserCouponState.EFFECTIVE
    assert wechat.received[-1].target.endswith("/users/oA1/coupons/123446565767/confirm")

    wechat.give({**COUPON, "coupon_state": "USED", "single_usage_detail": {"use_request_no": "use-wm7-42000"}})
    used = pay.product_coupons.use(
        "oA1",
        coupon.coupon_code,
        out_request_no="use-wm7-42000",
        use_time=datetime(2026, 9, 22, 10, 0, tzinfo=BEIJING),
        associated_order_info=OrderReference(transaction_id="42000"),
        **ISSUE,
    )
    assert used.single_usage_detail is not None
    assert used.single_usage_detail.use_request_no == "use-wm7-42000"
    assert wechat.received[-1].json["use_time"] == "2026-09-22T10:00:00+08:00"


async def test_the_same_in_tasks(async_pay: AsyncPay, wechat: WeChatPay) -> None:
    wechat.give(COUPON)
    coupon = await async_pay.product_coupons.send("oA1", send_request_no="durian-step1-wm7", **ISSUE)
    assert coupon.coupon_code == "123446565767"
    wechat.give({"user_coupon_list": [COUPON], "total_count": 2, "next_page_token": "p2"})
    wechat.give({"user_coupon_list": [COUPON]})
    assert [c.send_request_no async for c in async_pay.product_coupons.all("oA1", brand_id="120344", appid="wx2")] == [
        "durian-step1-wm7"
    ] * 2
    assert wechat.received[-1].target.endswith("?brand_id=120344&appid=wx2&page_size=50&page_token=p2")


def test_a_stock_tells_whether_it_can_be_issued(pay: Pay, wechat: WeChatPay) -> None:
    wechat.give({"stock_id": "100232301", "state": "PAUSED", "stock_send_rule": {"max_count": 100, "max_count_per_user": 1}})
    stock = pay.product_coupons.get_stock("200000001", "100232301", brand_id="120344")
    assert stock.state is StockState.PAUSED
    wechat.give({"stock_id": "100232301", "state": "THAWING", "new_field": {"a": [1]}})
    newer = pay.product_coupons.get_stock("200000001", "100232301", brand_id="120344")
    assert newer.state == "THAWING"
    assert not newer.state.is_known
    assert newer.to_wire() == {"stock_id": "100232301", "state": "THAWING", "new_field": {"a": [1]}}


def test_a_lost_answer_is_asked_for_again_with_the_very_same_bytes(pay: Pay, wechat: WeChatPay) -> None:
    wechat.answer(Signed(dropped=True))
    wechat.refuse(500, "SYSTEM_ERROR")
    wechat.refuse(429, "RATELIMIT_EXCEEDED", request_id="08E8-270924289")
    wechat.give(COUPON)
    coupon = pay.product_coupons.send("oA1", send_request_no="durian-step1-wm7", **ISSUE)
    assert coupon.send_request_no == "durian-step1-wm7"
    first, *others = wechat.received
    assert len(others) == 3
    assert {r.body for r in others} == {first.body}  # one number, one body …
    assert len({authorization(r)["nonce_str"] for r in wechat.received}) == 4  # … and a fresh signature each time
    assert all(wechat.is_signed(r) for r in wechat.received)


def test_when_no_answer_ever_comes_the_outcome_is_unknown(pay: Pay, wechat: WeChatPay) -> None:
    wechat.otherwise = Signed(dropped=True)
    with pytest.raises(OutcomeUnknown) as caught:
        pay.product_coupons.send("oA1", send_request_no="durian-step1-wm7", **ISSUE)
    assert caught.value.may_have_arrived
    assert len(wechat.received) == 4


def test_a_platform_that_stays_busy_says_so(pay: Pay, wechat: WeChatPay) -> None:
    wechat.refuse(500, "SYSTEM_ERROR", always=True)
    with pytest.raises(PlatformBusy):
        pay.product_coupons.send("oA1", send_request_no="durian-step1-wm7", **ISSUE)
    assert len(wechat.received) == 4


@pytest.mark.parametrize("answer", ["dropped", "busy"])
def test_what_has_no_number_is_never_sent_twice(pay: Pay, wechat: WeChatPay, answer: str) -> None:
    wechat.otherwise = Signed(dropped=True) if answer == "dropped" else Signed(b'{"code":"SYSTEM_ERROR","message":""}', 500)
    with pytest.raises(OutcomeUnknown):
        pay.request("POST", "/v3/marketing/without-a-number", json={"a": 1})
    assert len(wechat.received) == 1


@pytest.mark.parametrize(
    ("status", "code", "fine", "error"),
    [
        (403, "NO_AUTH", 268579803, PermissionDenied),
        (400, "INVALID_REQUEST", 268577984, Conflict),
        (400, "INVALID_REQUEST", 268578927, Conflict),
        (400, "INVALID_REQUEST", 272756740, QuotaExceeded),
        (400, "INVALID_REQUEST", 268578851, NotFound),
    ],
)
def test_the_end_of_the_request_id_says_exactly_why(
    pay: Pay, wechat: WeChatPay, *, status: int, code: str, fine: int, error: type[errors.ApiError]
) -> None:
    wechat.refuse(status, code, request_id=f"08E8F1C2-AB-{fine}")
    with pytest.raises(error) as caught:
        pay.product_coupons.send("oA1", send_request_no="durian-step1-wm7", **ISSUE)
    assert caught.value.code == fine
    assert caught.value.http_status == status
    assert caught.value.request_id == f"08E8F1C2-AB-{fine}"
    assert caught.value.hint
    assert len(wechat.received) == 1


def test_a_proxys_page_is_told_apart(pay: Pay, wechat: WeChatPay) -> None:
    wechat.otherwise = Signed(b"<html>Bad Gateway</html>", 502)
    with pytest.raises(errors.DecodeError) as caught:
        pay.product_coupons.get_product_coupon("200000001", brand_id="120344")
    assert caught.value.excerpt == "<html>Bad Gateway</html>"
    assert caught.value.call.startswith("GET /v3/marketing/partner/product-coupon/product-coupons/{product_coupon_id}")


@pytest.mark.parametrize("number", ["", "short", "a" * 129, "has space", "中文中文中文", "a/b/c/d", "a.b.c.d", "number\n"])
def test_bad_send_numbers_never_leave(number: str) -> None:
    with pytest.raises(InputError, match="6 to 128") as caught:
        ProductCoupons.send("oA1", send_request_no=number, **ISSUE)
    assert caught.value.field == "send_request_no"


@pytest.mark.parametrize("number", ["short", "a" * 41, "has space"])
def test_other_numbers_have_at_most_40_characters(number: str) -> None:
    with pytest.raises(InputError, match="6 to 40"):
        ProductCoupons.confirm("oA1", "code", out_request_no=number, **ISSUE)
    with pytest.raises(InputError, match="6 to 40"):
        ProductCoupons.return_("oA1", "code", out_request_no=number, **ISSUE)
    with pytest.raises(InputError, match="6 to 40"):
        ProductCoupons.deactivate("oA1", "code", out_request_no=number, deactivate_reason="下线", **ISSUE)


def use(**changes: Any) -> Any:
    given: dict[str, Any] = {
        "out_request_no": "use-wm7-42000",
        "use_time": datetime(2026, 9, 22, 10, 0, tzinfo=BEIJING),
        "associated_order_info": {"transaction_id": "42000"},
        **ISSUE,
        **changes,
    }
    return ProductCoupons.use("oA1", "code", **{k: v for k, v in given.items() if v is not None})


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("use_time", {"use_time": datetime(2026, 9, 22, 10, 0)}),  # noqa: DTZ001 -- naive on purpose
        ("associated_order_info", {"associated_order_info": None}),
        ("associated_order_info", {"associated_pay_score_order_info": {"order_id": "1"}}),
        ("associated_order_info", {"associated_order_info": {}}),
        ("associated_order_info", {"associated_order_info": {"out_trade_no": "t1"}}),
        ("associated_order_info.transaction", {"associated_order_info": {"transaction_id": "42000", "transaction": "1"}}),
    ],
)
def test_a_use_names_exactly_one_order_and_a_moment(field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        use(**changes)
    assert caught.value.field == field


def test_a_use_may_name_a_pay_score_order() -> None:
    call = use(associated_order_info=None, associated_pay_score_order_info={"order_id": "1"})
    assert call.to_wire()["json"]["associated_pay_score_order_info"] == {"order_id": "1"}


def test_reasons_and_attachments_have_their_limits() -> None:
    with pytest.raises(InputError, match="at most 150"):
        ProductCoupons.send("oA1", send_request_no="durian-1", attach="榴" * 151, **ISSUE)
    for reason in ("", "榴" * 151):
        with pytest.raises(InputError, match="deactivate_reason"):
            ProductCoupons.deactivate("oA1", "code", out_request_no="deactivate-1", deactivate_reason=reason, **ISSUE)
    with pytest.raises(InputError, match="page_size"):
        ProductCoupons.list("oA1", brand_id="120344", appid="wx2", page_size=51)
