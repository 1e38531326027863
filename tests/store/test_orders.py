"""Orders of a WeChat store, and the token they are read with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from siyu_sdk import AsyncStore, AuthenticationError, InputError, Store, TokenExpired
from siyu_sdk.store.orders import Orders, OrderStatus, TimeRange

WEEK = TimeRange(start_time=datetime.fromtimestamp(1658505600, UTC), end_time=datetime.fromtimestamp(1658509200, UTC))
ORDER = {
    "order_id": "37423523451235145",
    "status": 20,
    "openid": "oA1",
    "unionid": "uA1",
    "create_time": 1658505600,
    "order_detail": {
        "product_infos": [
            {"product_id": "10000000234245", "sku_id": 23424, "sku_cnt": 2, "title": "金枕榴莲", "real_price": 19800, "is_free_gift": 0}
        ],
        "price_info": {"order_price": 19800, "is_discounted": False},
        "sku_sharer_infos": [{"sharer_openid": "oS1", "sku_id": "23424", "from_wecom": True}],
    },
}


def test_an_order_is_read_and_nothing_is_lost(store: Store, weixin: Any) -> None:
    newer = {**ORDER, "next_year": {"a": 1}}
    weixin.answers["/channels/ec/order/get"] = lambda _: {"errcode": 0, "errmsg": "ok", "order": newer}
    order = store.orders.get("37423523451235145").order
    assert order.status is OrderStatus.TO_SHIP
    assert order.create_time == datetime.fromtimestamp(1658505600, UTC)
    assert order.order_detail is not None
    (bought,) = order.order_detail.product_infos
    assert (bought.product_id, bought.sku_id, bought.real_price, bought.is_free_gift) == (10000000234245, 23424, 19800, False)
    assert order.order_detail.sku_sharer_infos[0].from_wecom
    assert order.to_wire() == newer  # ids go back in the form they came in
    assert weixin.calls[0].json == {"order_id": "37423523451235145"}


def test_ids_that_come_as_numbers_are_read_too() -> None:
    order = Orders.get.spec.parse(b'{"errcode":0,"order":{"order_id":37423523451235145,"status":999}}').order
    assert order.order_id == "37423523451235145"
    assert order.status == 999


async def test_ids_come_page_after_page(async_store: AsyncStore, weixin: Any) -> None:
    pages = {
        None: {"order_id_list": ["1", "2"], "has_more": True, "next_key": "k2"},
        "k2": {"order_id_list": [], "has_more": True, "next_key": "k3"},  # an empty page is not the end
        "k3": {"order_id_list": [3], "has_more": False, "next_key": "k4"},
    }
    weixin.answers["/channels/ec/order/list/get"] = lambda r: {"errcode": 0, "errmsg": "ok", **pages[r.json.get("next_key")]}
    ids = [one async for one in async_store.orders.all(create_time_range=WEEK, status=OrderStatus.FINISHED)]
    assert ids == ["1", "2", "3"]
    assert weixin.calls[0].json == {
        "create_time_range": {"start_time": 1658505600, "end_time": 1658509200},
        "status": 100,
        "page_size": 100,
    }


def test_bad_input_never_leaves() -> None:
    with pytest.raises(InputError, match="page_size"):
        Orders.list(create_time_range=WEEK, page_size=101)
    with pytest.raises(InputError, match="create_time_range or update_time_range is needed"):
        Orders.list(openid="oA1")
    for end in (WEEK.start_time + timedelta(days=7, seconds=1), WEEK.start_time - timedelta(seconds=1)):
        with pytest.raises(InputError, match="at most seven days"):
            Orders.all(update_time_range={"start_time": WEEK.start_time, "end_time": end})
    with pytest.raises(InputError, match="create_time_range"):
        Orders.list(create_time_range={"start_time": datetime(2026, 9, 1), "end_time": datetime(2026, 9, 2)})  # noqa: DTZ001 -- naive on purpose


def test_a_refused_token_is_asked_for_again_and_forced_only_if_it_is_still_the_same(store: Store, weixin: Any) -> None:
    weixin.answers["/channels/ec/order/get"] = lambda _: {"errcode": 0, "errmsg": "ok", "order": ORDER}
    store.orders.get("1")
    weixin.renew()
    store.orders.get("1")
    assert weixin.token_requests == [False, False]
    weixin.refuse |= {weixin.token, "token-3"}
    with pytest.raises(TokenExpired):
        store.orders.get("1")
    assert weixin.token_requests == [False, False, False, True]
    with pytest.raises(TokenExpired):
        store.orders.get("1")
    assert weixin.token_requests.count(True) == 1  # 20 a day for everybody: not for every call


def test_a_wrong_secret_is_fatal(weixin: Any, clock: Any) -> None:
    with Store("wx1", "wrong-secret", base_url=weixin.url, clock=clock) as store, pytest.raises(AuthenticationError):
        store.orders.get("1")
    with pytest.raises(InputError):
        Store("wx1", "")
