"""The store: order ids by time range, orders one by one."""

from __future__ import annotations

from typing import Any

import httpx

from siyu_sdk.sandbox import Sandbox

DAY = 86400


def test_orders_week_by_week_then_one_by_one(sandbox: Sandbox, http: httpx.Client) -> None:
    ids = sandbox.credentials
    body = {"grant_type": "client_credential", "appid": ids.store_appid, "secret": ids.store_secret}
    token = http.post(sandbox.store_url + "/cgi-bin/stable_token", json=body).json()["access_token"]

    def call(path: str, **body: Any) -> Any:
        return http.post(sandbox.store_url + path, params={"access_token": token}, json=body).json()

    now = int(sandbox.clock.time())
    found: list[str] = []
    for week in range(14):
        span = {"start_time": now - (week + 1) * 7 * DAY + 1, "end_time": now - week * 7 * DAY}
        key, more = "", True
        while more:
            reply = call("/channels/ec/order/list/get", create_time_range=span, page_size=2, next_key=key)
            found += reply["order_id_list"]
            key, more = reply["next_key"], reply["has_more"]
    assert sorted(found) == sorted(order.order_id for order in sandbox.store.orders)

    known = sandbox.store.orders[0]
    order = call("/channels/ec/order/get", order_id=known.order_id)["order"]
    assert order["openid"] == known.openid
    assert order.get("unionid") == known.person.unionid
    assert [item["title"] for item in order["order_detail"]["product_infos"]] == [item.title for item in known.items]
    assert isinstance(order["order_detail"]["product_infos"][0]["product_id"], str)

    span = {"start_time": now - 8 * DAY, "end_time": now}
    assert call("/channels/ec/order/list/get", create_time_range=span, page_size=2)["errcode"] == 40097
    assert call("/channels/ec/order/list/get", page_size=2)["errcode"] == 40097
    assert call("/channels/ec/order/list/get", update_time_range={"start_time": now, "end_time": now}, page_size=101)["errcode"] == 40097
    assert call("/channels/ec/order/get", order_id="1")["errcode"] == 40097
    mini = http.post(sandbox.miniprogram_url + "/wxa/sec/order/get_order_list", params={"access_token": token}, json={}).json()
    assert mini["errcode"] == 40001, "the store's token is not the mini-program's"
