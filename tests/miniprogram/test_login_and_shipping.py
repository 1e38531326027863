"""Login without the secret in sight, and the shipping information of orders."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from typing import Any

import pytest

from siyu_sdk import AsyncMiniProgram, AuthenticationError, Conflict, InputError, MiniProgram, NotFound
from siyu_sdk.miniprogram.login import Login
from siyu_sdk.miniprogram.shipping import DeliveryMode, LogisticsType, OrderKey, OrderNumberType, Parcel, Payer, Shipping, ShippingState

SECRET = "sandbox-secret-0123456789abcdef"
SHIPPED_AT = datetime(2026, 9, 21, 9, 30, 15, 120_000, tzinfo=UTC)


def test_a_code_becomes_a_session(miniprogram: MiniProgram, weixin: Any) -> None:
    weixin.answers["/sns/jscode2session"] = lambda _: {"openid": "oA1", "unionid": "uA1", "session_key": "c2Vzc2lvbg=="}
    session = miniprogram.login.session("code-1")
    assert (session.openid, session.unionid, session.session_key) == ("oA1", "uA1", "c2Vzc2lvbg==")
    assert "c2Vzc2lvbg" not in repr(session)
    (request,) = weixin.received  # no token is fetched for it
    assert request.query == {"js_code": "code-1", "grant_type": "authorization_code", "appid": "wx5a4db0c5a4db0c02", "secret": SECRET}


def test_the_secret_is_no_part_of_the_call(miniprogram: MiniProgram) -> None:
    call = Login.session("code-1")
    assert SECRET not in repr(call) + str(call.to_wire()) + str(pickle.dumps(call)) + repr(miniprogram.session)
    assert pickle.loads(pickle.dumps(call)) == call


async def test_a_used_code_is_refused(async_miniprogram: AsyncMiniProgram, weixin: Any) -> None:
    weixin.answers["/sns/jscode2session"] = lambda _: {"errcode": 40163, "errmsg": "code been used, rid: 65aa-3"}
    with pytest.raises(AuthenticationError) as caught:
        await async_miniprogram.login.session("code-1")
    assert caught.value.code == 40163
    assert SECRET not in str(caught.value)


def upload(**changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "order_key": OrderKey(order_number_type=OrderNumberType.TRANSACTION_ID, transaction_id="42000"),
        "logistics_type": LogisticsType.EXPRESS,
        "delivery_mode": DeliveryMode.UNIFIED,
        "shipping_list": [Parcel(tracking_no="SF1", express_company="SF", item_desc="榴莲*1 🎁")],
        "upload_time": SHIPPED_AT,
        "payer": Payer(openid="oA1"),
    }
    return {k: v for k, v in {**given, **changes}.items() if v is not None}


def test_shipping_is_told(miniprogram: MiniProgram, weixin: Any) -> None:
    weixin.answers["/wxa/sec/order/upload_shipping_info"] = lambda _: {"errcode": 0, "errmsg": "ok"}
    miniprogram.shipping.upload_shipping_info(**upload())
    assert weixin.calls[0].json == {
        "order_key": {"order_number_type": 2, "transaction_id": "42000"},
        "logistics_type": 1,
        "delivery_mode": 1,
        "shipping_list": [{"tracking_no": "SF1", "express_company": "SF", "item_desc": "榴莲*1 🎁"}],
        "upload_time": "2026-09-21T09:30:15.120+00:00",
        "payer": {"openid": "oA1"},
    }


@pytest.mark.parametrize(("code", "error"), [(10060023, Conflict), (10060002, Conflict), (10060003, Conflict), (10060001, NotFound)])
def test_what_was_told_before_is_a_conflict(miniprogram: MiniProgram, weixin: Any, code: int, error: type[Exception]) -> None:
    weixin.answers["/wxa/sec/order/upload_shipping_info"] = lambda _: {"errcode": code, "errmsg": "说明"}
    with pytest.raises(error):
        miniprogram.shipping.upload_shipping_info(**upload())


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("shipping_list", {"shipping_list": []}),
        ("shipping_list", {"shipping_list": [{}] * 16}),
        ("shipping_list", {"shipping_list": [{}, {}]}),
        ("shipping_list.0.item_desc", {"shipping_list": [{"item_desc": "榴" * 121}]}),
        ("shipping_list.0.tracking", {"shipping_list": [{"tracking": "SF1"}]}),
        ("delivery_mode", {"delivery_mode": DeliveryMode.SPLIT, "logistics_type": LogisticsType.VIRTUAL}),
        ("is_all_delivered", {"delivery_mode": DeliveryMode.SPLIT}),
        ("shipping_list", {"shipping_list": [{"item_desc": "榴莲*1", "tracking_no": "SF1"}]}),
        ("shipping_list", {"shipping_list": [{"item_desc": "榴莲*1", "express_company": "SF"}]}),
        ("shipping_list.0.item_desc", {"shipping_list": [{"tracking_no": "SF1", "express_company": "SF", "item_desc": ""}]}),
        ("order_key", {"order_key": {"order_number_type": 2}}),
        ("order_key", {"order_key": {"order_number_type": 2, "mchid": "1900005005", "out_trade_no": "t1"}}),
        ("order_key", {"order_key": {"order_number_type": 1, "transaction_id": "42000", "mchid": "1900005005"}}),
        ("upload_time", {"upload_time": datetime(2026, 9, 21)}),  # noqa: DTZ001 -- naive on purpose
    ],
)
def test_bad_shipping_never_leaves(field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        Shipping.upload_shipping_info(**upload(**changes))
    assert caught.value.field == field


def test_what_no_courier_carries_has_no_tracking_number() -> None:
    call = Shipping.upload_shipping_info(**upload(logistics_type=LogisticsType.VIRTUAL, shipping_list=[{"item_desc": "会员卡"}]))
    assert call.to_wire()["json"]["shipping_list"] == [{"item_desc": "会员卡"}]


def test_an_order_is_named_by_one_way_or_the_other() -> None:
    with pytest.raises(InputError, match="merchant_trade_no"):
        Shipping.get_order(merchant_id="1")
    assert Shipping.get_order(merchant_id="1", merchant_trade_no="t1").to_wire()["json"] == {"merchant_id": "1", "merchant_trade_no": "t1"}


async def test_orders_come_page_after_page(async_miniprogram: AsyncMiniProgram, weixin: Any) -> None:
    pages = {
        None: {"order_list": [{"transaction_id": "1", "pay_time": 1790000000, "shipping": {}}], "has_more": True, "last_index": "a"},
        "a": {"order_list": [], "has_more": True, "last_index": "b"},  # an empty page is not the end
        "b": {"order_list": [{"transaction_id": "2", "order_state": 9}], "has_more": False, "last_index": "c"},
    }
    weixin.answers["/wxa/sec/order/get_order_list"] = lambda r: {"errcode": 0, "errmsg": "ok", **pages[r.json.get("last_index")]}
    paid = {"begin_time": datetime.fromtimestamp(1790000000, UTC)}
    orders = [order async for order in async_miniprogram.shipping.all(pay_time_range=paid, order_state=ShippingState.TO_SHIP)]
    assert [order.transaction_id for order in orders] == ["1", "2"]
    assert orders[0].pay_time == datetime.fromtimestamp(1790000000, UTC)
    assert orders[1].order_state == 9  # a state of tomorrow
    assert weixin.calls[0].json == {"pay_time_range": {"begin_time": 1790000000}, "order_state": 1}
