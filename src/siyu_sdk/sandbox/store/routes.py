"""The calls that the fake store answers, in the order of the documentation."""

from __future__ import annotations

from ..miniprogram.routes import stable_token_reply
from ..platform import Fields, Json, Request, Router, page
from ..world import Item, Order
from .errors import refusal
from .state import StorePlatform

router: Router[StorePlatform] = Router()
_SPAN = 7 * 86400
_FREIGHT = 800


@router.on("POST", "/cgi-bin/stable_token", token=False, bare=True)
def stable_token(store: StorePlatform, request: Request) -> Json:
    """获取稳定版接口调用凭据."""
    return stable_token_reply(store.tokens, store.body(request), (store.appid, store.secret))


@router.on("POST", "/channels/ec/order/list/get")
def order_list(store: StorePlatform, request: Request) -> Json:
    """获取订单列表: a time range of 7 days at most, 100 a page at most."""
    body = store.body(request)
    created, updated = body.object("create_time_range"), body.object("update_time_range")
    if created is None and updated is None:
        raise refusal(40097, "create_time_range or update_time_range is needed")
    spans = [(_range(created), True)] if created else []
    spans += [(_range(updated), False)] if updated else []
    size = body.number("page_size")
    if not 1 <= size <= 100:
        raise refusal(40097, "page_size must lie between 1 and 100")
    status, openid = body.number_or("status", 0), body.text_or("openid")
    found = [
        order
        for order in store.orders
        if all(start <= (_created(order) if by_creation else _updated(order)) <= end for (start, end), by_creation in spans)
        and status in (0, order.state)
        and openid in ("", order.openid)
    ]
    rows, following = page(found, body.text_or("next_key"), size)
    return {"order_id_list": [order.order_id for order in rows], "next_key": following, "has_more": bool(following)}


@router.on("POST", "/channels/ec/order/get")
def order_get(store: StorePlatform, request: Request) -> Json:
    """获取订单详情."""
    order_id = store.body(request).text("order_id")
    order = store.world.order_numbers.get(order_id)
    if order is None or order.channel != "store":
        raise refusal(40097, "order_id")
    return {"order": _order(order)}


def _range(span: Fields) -> tuple[int, int]:
    start, end = span.number("start_time"), span.number("end_time")
    if not start <= end <= start + _SPAN:
        raise refusal(40097, "the time range must not exceed 7 days")
    return start, end


def _created(order: Order) -> int:
    return order.paid_at - 30


def _updated(order: Order) -> int:
    return order.paid_at if order.state == 20 else order.paid_at + 86400


def _order(order: Order) -> Json:
    reply: Json = {
        "order_id": order.order_id,
        "status": order.state,
        "create_time": _created(order),
        "update_time": _updated(order),
        "order_detail": {
            "product_infos": [_product(item) for item in order.items],
            "pay_info": {
                "prepay_id": f"up_{order.order_id}",
                "prepay_time": order.paid_at - 10,
                "transaction_id": order.transaction_id,
                "pay_time": order.paid_at,
                "payment_method": 1,
            },
            "price_info": {
                "product_price": order.amount,
                "order_price": order.amount + _FREIGHT,
                "freight": _FREIGHT,
                "discounted_price": 0,
                "is_discounted": False,
                "merchant_receieve_price": order.amount + _FREIGHT,
                "merchant_discounted_price": 0,
                "finder_discounted_price": 0,
            },
            "ext_info": {"customer_notes": "", "merchant_notes": "", "order_scene": 1},
        },
        "aftersale_detail": {"aftersale_order_list": [], "on_aftersale_order_cnt": 0},
        "openid": order.openid,
        "is_present": False,
        "is_flash_sale_order": False,
    }
    return {**reply, "unionid": order.person.unionid} if order.person.unionid else reply


def _product(item: Item) -> Json:
    return {
        "product_id": item.product_id,
        "sku_id": f"{item.product_id}01",
        "sku_cnt": item.count,
        "on_aftersale_sku_cnt": 0,
        "finish_aftersale_sku_cnt": 0,
        "title": item.title,
        "thumb_img": f"https://mmecimage.cn/p/sandbox/{item.product_id}",
        "market_price": item.price,
        "sale_price": item.price,
        "real_price": item.price * item.count,
        "sku_attrs": [{"attr_key": "规格", "attr_value": item.title.split(" ")[-1]}],
    }
