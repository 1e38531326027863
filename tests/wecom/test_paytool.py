"""Money in WeCom: the signature of the provider's till, payments taken by members, payments in mini-programs."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, date, datetime
from typing import Any

import pytest

from siyu_sdk import InputError
from siyu_sdk.core.errors import UsageError
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.external_pay import ExternalPay, PaymentType, RefundStatus
from siyu_sdk.wecom.miniapp_pay import MiniAppPay
from siyu_sdk.wecom.miniapp_pay_models import RefundAmount, TradeState
from siyu_sdk.wecom.paytool import AppProduct, BuyInfo, PayTool, ProductList, signature, signed

NOW = datetime(2024, 5, 6, 9, tzinfo=UTC)
SECRET = "secret-of-the-till"


def mac(text: str) -> str:
    return base64.b64encode(hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).digest()).decode()


def test_every_leaf_counts_under_its_own_key_sorted_and_empty_ones_do_not() -> None:
    body = {
        "sig": "old",
        "ts": 1548302135,
        "creator": "",
        "product_list": {"third_app": {"order_type": 0, "buy_info_list": [{"suiteid": "wx2"}, {"suiteid": "wx1", "appid": 1}]}},
        "nonce_str": "129031823",
    }
    assert signature(body, SECRET) == mac("appid=1&nonce_str=129031823&order_type=0&suiteid=wx1&suiteid=wx2&ts=1548302135")


def test_a_call_is_signed_over_what_is_sent() -> None:
    call = signed(PayTool.close_order("N1"), SECRET, ts=NOW, nonce_str="n")
    assert call.to_wire()["json"] == {
        "order_id": "N1",
        "nonce_str": "n",
        "ts": 1714986000,
        "sig": mac("nonce_str=n&order_id=N1&ts=1714986000"),
    }
    assert SECRET not in repr(call)


def test_signing_again_makes_a_new_nonce_and_a_signature_that_fits() -> None:
    product = ProductList(third_app=AppProduct(order_type=0, buy_info_list=[BuyInfo(suiteid="wx1", edition_id="sp1", user_count=10)]))
    once = signed(PayTool.open_order(business_type=1, pay_type=1, product_list=product), SECRET)
    twice = signed(once, SECRET)
    assert once.arguments["nonce_str"] != twice.arguments["nonce_str"]
    assert twice.arguments["sig"] == signature(twice.body(), SECRET) != once.arguments["sig"]


def test_what_is_not_signed_says_so() -> None:
    with pytest.raises(InputError, match="is not signed"):
        signed(PayTool.list_invoices(), SECRET)


def test_the_till_wants_the_credential_of_a_provider(wecom: WeCom) -> None:
    with pytest.raises(UsageError, match="provider_access_token"):
        wecom.paytool.get_order("N1")


def test_payments_come_page_by_page_and_hide_the_payer(loopback: Any, wecom: WeCom) -> None:
    bill = {"transaction_id": "4200", "payment_type": 5, "total_fee": 100, "payer_info": {"name": "张三", "phone": "138"}}
    refund = {"out_refund_no": "r1", "refund_status": 2, "refund_fee": 30}
    loopback.answer(
        "/cgi-bin/externalpay/get_bill_list", {"bill_list": [bill], "next_cursor": "c"}, {"bill_list": [{"refund_list": [refund]}]}
    )
    first, second = wecom.external_pay.all(begin_time=NOW, end_time=NOW)
    assert first.payment_type is PaymentType.MINIPROGRAM
    assert "张三" not in repr(first)
    assert second.refund_list[0].refund_status is RefundStatus.SUCCESS
    for wrong in (datetime(2024, 5, 5, tzinfo=UTC), datetime(2024, 6, 7, tzinfo=UTC)):
        with pytest.raises(InputError, match="up to 31 days after begin_time") as caught:
            ExternalPay.list(begin_time=NOW, end_time=wrong)
        assert caught.value.field == "end_time"


def test_a_refund_is_never_more_than_the_order() -> None:
    numbers = {"appid": "wx1", "mchid": "1900000109", "out_trade_no": "t1", "out_refund_no": "r1"}
    call = MiniAppPay.refund(**numbers, amount=RefundAmount(refund=30, total=100))
    assert call.to_wire()["json"]["amount"] == {"refund": 30, "total": 100}
    with pytest.raises(InputError, match=r"up to amount\.total \(100\)") as caught:
        MiniAppPay.refund(**numbers, amount={"refund": 101, "total": 100})
    assert caught.value.field == "amount.refund"


def test_an_order_needs_the_address_of_the_customers_device() -> None:
    order: dict[str, Any] = {"appid": "wx1", "mchid": "m", "out_trade_no": "t1", "description": "榴莲", "payer": {"openid": "o1"}}
    with pytest.raises(InputError, match="payer_client_ip") as caught:
        MiniAppPay.create_order(**order, amount={"total": 100}, scene_info={})
    assert caught.value.field == "scene_info.payer_client_ip"
    with pytest.raises(InputError, match="greater than or equal to 1"):
        MiniAppPay.create_order(**order, amount={"total": 0}, scene_info={"payer_client_ip": "127.0.0.1"})


def test_times_days_and_states_of_an_order(loopback: Any, wecom: WeCom) -> None:
    paid = {"mchid": "m", "out_trade_no": "t1", "trade_state": "SUCCESS", "success_time": "2024-05-06T17:00:00+08:00"}
    loopback.answer("/cgi-bin/miniapppay/get_order", paid)
    order = wecom.miniapp_pay.get_order(mchid="m", out_trade_no="t1")
    assert (order.trade_state, order.success_time) == (TradeState.SUCCESS, NOW)
    loopback.answer("/cgi-bin/miniapppay/get_bill", {"download_url": "https://example.com/secret", "auth": "secret"})
    bill = wecom.miniapp_pay.get_bill(mchid="m", bill_date=date(2024, 5, 5))
    assert (loopback.seen[-1].method, loopback.seen[-1].json) == ("POST", {"mchid": "m", "bill_date": "2024-05-05"})
    assert "secret" not in repr(bill)


def test_only_what_the_page_promises_is_repeated_by_itself() -> None:
    assert MiniAppPay.refund.spec.idempotent, "one number refunds once, however often it is asked"
    assert not any(endpoint.spec.idempotent for endpoint in (MiniAppPay.create_order, MiniAppPay.apply, PayTool.open_order))


def test_what_the_till_would_refuse_is_refused_before() -> None:
    with pytest.raises(InputError, match="come together") as caught:
        PayTool.list_invoices(start_time=NOW)
    assert caught.value.field == "end_time"
    assert PayTool.all_invoices().first.body() == {"limit": 100}
    with pytest.raises(InputError, match="less than or equal to 100"):
        PayTool.list_invoices(limit=101)
    with pytest.raises(InputError, match="less than or equal to 2000"):
        PayTool.list_orders(limit=2001)
    with pytest.raises(InputError, match="200 bytes"):
        PayTool.mark_invoice("N1", invoice_status=2, invoice_note="票" * 67)


def test_a_picture_travels_as_a_file(loopback: Any, wecom: WeCom) -> None:
    loopback.answer("/cgi-bin/miniapppay/upload_image", {"open_wx_pay_media_id": "NF_1"})
    assert wecom.miniapp_pay.upload_image(b"\x89PNG picture").open_wx_pay_media_id == "NF_1"
    assert loopback.seen[0].content_type.startswith("multipart/form-data")
    assert b'name="media"' in loopback.seen[0].body
