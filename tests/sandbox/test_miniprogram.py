"""The mini-program platform: stable tokens, login codes, the order list, shipping."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from siyu_sdk.sandbox import Sandbox

ORDERS = "/wxa/sec/order/get_order_list"


def fetch_token(sandbox: Sandbox, http: httpx.Client, **change: Any) -> Any:
    ids = sandbox.credentials
    body = {"grant_type": "client_credential", "appid": ids.miniprogram_appid, "secret": ids.miniprogram_secret, **change}
    return http.post(sandbox.miniprogram_url + "/cgi-bin/stable_token", json=body).json()


Call = Callable[..., Any]


@pytest.fixture
def call(sandbox: Sandbox, http: httpx.Client) -> Call:
    def call(path: str, token: str | None = None, **body: Any) -> Any:
        token = fetch_token(sandbox, http)["access_token"] if token is None else token
        return http.post(sandbox.miniprogram_url + path, params={"access_token": token}, json=body).json()

    return call


def test_stable_tokens_stay_and_overlap(sandbox: Sandbox, http: httpx.Client, call: Call) -> None:
    assert fetch_token(sandbox, http, appid="wx0")["errcode"] == 40013
    assert fetch_token(sandbox, http, secret="no")["errcode"] == 40125
    first = fetch_token(sandbox, http)
    assert first["expires_in"] == 7200
    assert "errcode" not in first
    sandbox.advance(seconds=6800)
    assert fetch_token(sandbox, http)["access_token"] == first["access_token"]
    sandbox.advance(seconds=200)  # 200 s before the end: the successor, both valid
    second = fetch_token(sandbox, http)
    assert second["access_token"] != first["access_token"]
    assert [call(ORDERS, token=t["access_token"])["errcode"] for t in (first, second)] == [0, 0]
    sandbox.advance(seconds=201)
    assert [call(ORDERS, token=t["access_token"])["errcode"] for t in (first, second)] == [42001, 0]
    assert call(ORDERS, token="")["errcode"] == 41001
    assert call(ORDERS, token="made-up")["errcode"] == 40001


def test_a_forced_refresh_voids_the_token_but_not_at_once(sandbox: Sandbox, http: httpx.Client, call: Call) -> None:
    first = fetch_token(sandbox, http)["access_token"]
    second = fetch_token(sandbox, http, force_refresh=True)["access_token"]
    assert second != first
    assert fetch_token(sandbox, http, force_refresh=True)["access_token"] == second, "sooner than 30 s: unchanged"
    assert call(ORDERS, token=first)["errcode"] == 0
    sandbox.advance(seconds=31)
    third = fetch_token(sandbox, http, force_refresh=True)["access_token"]
    assert [call(ORDERS, token=t)["errcode"] for t in (first, second, third)] == [40001, 0, 0]
    for _ in range(18):
        sandbox.advance(seconds=31)
        assert "access_token" in fetch_token(sandbox, http, force_refresh=True)
    sandbox.advance(seconds=31)
    assert fetch_token(sandbox, http, force_refresh=True)["errcode"] == 45009


def test_a_login_code_works_once(sandbox: Sandbox, http: httpx.Client) -> None:
    ids = sandbox.credentials

    def login(code: str, **change: str) -> Any:
        query = {"appid": ids.miniprogram_appid, "secret": ids.miniprogram_secret, "js_code": code, "grant_type": "authorization_code"}
        return http.get(sandbox.miniprogram_url + "/sns/jscode2session", params={**query, **change}).json()

    row = next(row for row in sandbox.logins() if row.unionid)
    code = sandbox.miniprogram.login_code(row.openid)
    assert login(code, secret="no")["errcode"] == 40125
    session = login(code)
    assert (session["openid"], session["unionid"]) == (row.openid, row.unionid)
    assert login(code)["errcode"] == 40163
    assert login("made-up")["errcode"] == 40029
    old = sandbox.miniprogram.login_code(row.openid)
    sandbox.advance(minutes=6)
    assert login(old)["errcode"] == 40029


def test_every_order_once_whatever_happens_meanwhile(sandbox: Sandbox, call: Call) -> None:
    expected = [order.transaction_id for order in sandbox.miniprogram.orders]
    seen: list[str] = []
    last, more = "", True
    while more:
        reply = call(ORDERS, page_size=7, last_index=last)
        seen += [order["transaction_id"] for order in reply["order_list"]]
        last, more = reply["last_index"], reply["has_more"]
    assert seen == expected


def test_orders_by_time_person_and_state(sandbox: Sandbox, call: Call) -> None:
    orders = sandbox.miniprogram.orders
    begin, end = orders[10].paid_at, orders[30].paid_at
    inside = call(ORDERS, pay_time_range={"begin_time": begin, "end_time": end})["order_list"]
    assert [o["transaction_id"] for o in inside] == [o.transaction_id for o in orders if begin <= o.paid_at <= end]
    openid = orders[10].openid
    assert {o["openid"] for o in call(ORDERS, openid=openid)["order_list"]} == {openid}
    assert {o["order_state"] for o in call(ORDERS, order_state=4)["order_list"]} == {4}
    one = inside[0]
    assert {"transaction_id", "merchant_id", "merchant_trade_no", "description", "paid_amount", "openid", "pay_time", "shipping"} <= set(
        one
    )
    assert call("/wxa/sec/order/get_order", transaction_id=one["transaction_id"])["order"] == one
    by_number = call("/wxa/sec/order/get_order", merchant_id=one["merchant_id"], merchant_trade_no=one["merchant_trade_no"])
    assert by_number["order"] == one
    assert call("/wxa/sec/order/get_order", transaction_id="42")["errcode"] == 10060001


def test_shipping_is_uploaded_changed_once_and_then_closed(sandbox: Sandbox, call: Call) -> None:
    order = next(order for order in sandbox.miniprogram.orders if order.state == 4)
    order.state, order.shipping = 1, {}

    def upload(**change: Any) -> int:
        body = {
            "order_key": {"order_number_type": 2, "transaction_id": order.transaction_id},
            "logistics_type": 1,
            "delivery_mode": 1,
            "shipping_list": [{"tracking_no": "SF1", "express_company": "SF", "item_desc": "榴莲*1"}],
            "upload_time": "2026-11-16T10:00:00.120+08:00",
            "payer": {"openid": order.openid},
            **change,
        }
        code = call("/wxa/sec/order/upload_shipping_info", **body)["errcode"]
        assert isinstance(code, int)
        return code

    parcel = {"tracking_no": "SF2", "express_company": "SF", "item_desc": "榴莲*1"}
    assert upload(payer={"openid": "oSomebodyElse"}) == 10060031
    assert upload(shipping_list=[{**parcel, "item_desc": ""}]) == 10060008
    assert upload(shipping_list=[{**parcel, "item_desc": "果" * 121}]) == 10060009
    assert upload(shipping_list=[{**parcel, "tracking_no": ""}]) == 268485226
    assert upload(delivery_mode=2) == 10060007
    assert upload(delivery_mode=2, logistics_type=4) == 10060006
    assert upload(delivery_mode=2, is_all_delivered=True, shipping_list=[parcel] * 16) == 10060005
    assert upload() == 0
    assert order.state == 2
    assert upload() == 10060023
    assert upload(shipping_list=[parcel]) == 0
    assert upload() == 10060003
