"""The calls that the fake mini-program platform answers, in the order of the documentation."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime
from typing import Any

from ..platform import Fields, Json, Request, Router
from ..seed import describe
from ..tokens import Tokens
from ..world import Order
from .errors import refusal
from .state import MiniProgramPlatform

router: Router[MiniProgramPlatform] = Router()
EXPRESS, SAME_CITY, VIRTUAL, PICK_UP = 1, 2, 3, 4
TO_SHIP, SHIPPED = 1, 2


def check_app(appid: str, secret: str, expected: tuple[str, str]) -> None:
    """40013 for another appid, 40125 for another secret."""
    if appid != expected[0]:
        raise refusal(40013)
    if secret != expected[1]:
        raise refusal(40125)


def stable_token_reply(tokens: Tokens, body: Fields, expected: tuple[str, str]) -> Json:
    """stable_token for one account; mini-program and store share its rules."""
    if body.text("grant_type") != "client_credential":
        raise refusal(40097, "grant_type")
    check_app(body.text("appid"), body.text("secret"), expected)
    try:
        token, left = tokens.fetch_stable(force=body.flag("force_refresh"))
    except OverflowError:
        raise refusal(45009, "20 forced refreshes a day") from None
    return {"access_token": token, "expires_in": left}


@router.on("POST", "/cgi-bin/stable_token", token=False, bare=True)
def stable_token(platform: MiniProgramPlatform, request: Request) -> Json:
    """获取稳定版接口调用凭据."""
    return stable_token_reply(platform.tokens, platform.body(request), (platform.appid, platform.secret))


@router.on("GET", "/sns/jscode2session", token=False, bare=True)
def jscode2session(platform: MiniProgramPlatform, request: Request) -> Json:
    """小程序登录: 40029 for an unknown or old code, 40163 for one that was used."""
    query = platform.query(request)
    check_app(query.text("appid"), query.text("secret"), (platform.appid, platform.secret))
    if query.text_or("grant_type") != "authorization_code":
        raise refusal(40097, "grant_type")
    code = platform.codes.get(query.text("js_code"))
    if code is None or platform.world.clock.time() > code.expires:
        raise refusal(40029)
    if code.used:
        raise refusal(40163)
    code.used = True
    unionid = platform.world.by_openid[code.openid].unionid
    return {"openid": code.openid, "session_key": platform.session_key(code.openid), **({"unionid": unionid} if unionid else {})}


@router.on("POST", "/wxa/sec/order/upload_shipping_info")
def upload_shipping_info(platform: MiniProgramPlatform, request: Request) -> Json:
    """发货信息录入: one change after the parcel is complete, then 10060003."""
    body = platform.body(request)
    order = _keyed(platform, body)
    payer = body.object("payer")
    if payer is None or payer.text("openid") != order.openid:
        raise refusal(10060031)
    if order.state > SHIPPED:
        raise refusal(10060004)
    shipping = _shipping(body)
    if order.state == SHIPPED and order.shipping.get("finish_shipping"):
        if _essence(order.shipping) == _essence(shipping):
            raise refusal(10060023)
        if order.shipping["finish_shipping_count"] >= 2:
            raise refusal(10060003)
        shipping["finish_shipping_count"] = 2
    order.shipping = shipping
    order.state = SHIPPED if shipping["finish_shipping"] else order.state
    return {}


@router.on("POST", "/wxa/sec/order/get_order")
def get_order(platform: MiniProgramPlatform, request: Request) -> Json:
    """查询订单发货状态: by transaction_id, or merchant_id with merchant_trade_no."""
    body = platform.body(request)
    order = platform.find(body.text_or("transaction_id"), body.text_or("merchant_id"), body.text_or("merchant_trade_no"))
    return {"order": _order(platform, order)}


@router.on("POST", "/wxa/sec/order/get_order_list")
def get_order_list(platform: MiniProgramPlatform, request: Request) -> Json:
    """查询订单列表: oldest first, 100 a page at most."""
    body = platform.body(request)
    span = body.object("pay_time_range")
    begin, end = (span.number_or("begin_time", 0), span.number_or("end_time", 1 << 40)) if span else (0, 1 << 40)
    openid, state = body.text_or("openid"), body.number_or("order_state", 0)
    size = body.number_or("page_size", 100)
    size = size if 0 < size <= 100 else 100
    orders = platform.orders
    start = _place(orders, body.text_or("last_index"))
    rows: list[Order] = []
    for order in orders[start:]:
        if begin <= order.paid_at <= end and openid in ("", order.openid) and state in (0, order.state):
            rows.append(order)
            if len(rows) > size:
                break
    more = len(rows) > size
    rows = rows[:size]
    last = f"{rows[-1].paid_at:x}.{rows[-1].order_id}" if rows else body.text_or("last_index")
    return {"order_list": [_order(platform, order) for order in rows], "last_index": last, "has_more": more}


def _place(orders: list[Order], last_index: str) -> int:
    """Where the next page starts: after that order, whatever was bought meanwhile."""
    if not last_index:
        return 0
    try:
        paid_at, order_id = last_index.split(".")
        return bisect_right(orders, (int(paid_at, 16), order_id), key=lambda order: (order.paid_at, order.order_id))
    except ValueError:
        raise refusal(40097, "last_index") from None


def _keyed(platform: MiniProgramPlatform, body: Fields) -> Order:
    key = body.object("order_key")
    if key is None:
        raise platform.missing("order_key")
    if key.number("order_number_type") == 2:
        return platform.find(key.text("transaction_id"), "", "")
    return platform.find("", key.text("mchid"), key.text("out_trade_no"))


def _shipping(body: Fields) -> dict[str, Any]:
    logistics, mode, parcels = body.number("logistics_type"), body.number("delivery_mode"), body.objects("shipping_list")
    if logistics not in (EXPRESS, SAME_CITY, VIRTUAL, PICK_UP) or not 1 <= len(parcels) <= (15 if mode == 2 else 1):
        raise refusal(10060005)
    if mode == 2 and logistics != EXPRESS:
        raise refusal(10060006)
    if mode == 2 and "is_all_delivered" not in body.values:
        raise refusal(10060007)
    try:
        uploaded = datetime.fromisoformat(body.text("upload_time"))
    except ValueError:
        raise refusal(40097, "upload_time") from None
    rows: list[dict[str, Any]] = []
    for parcel in parcels:
        goods = parcel.text_or("item_desc")
        if not goods:
            raise refusal(10060008)
        if len(goods) > 120:
            raise refusal(10060009)
        row: dict[str, Any] = {"goods_desc": goods, "upload_time": int(uploaded.timestamp())}
        if logistics == EXPRESS:
            for name, code in (("tracking_no", 268485226), ("express_company", 268485227)):
                if not parcel.text_or(name):
                    raise refusal(code)
                row[name] = parcel.text(name)
        rows.append(row)
    return {
        "delivery_mode": mode,
        "logistics_type": logistics,
        "finish_shipping": mode == 1 or body.flag("is_all_delivered"),
        "finish_shipping_count": 1,
        "goods_desc": rows[0]["goods_desc"],
        "shipping_list": rows,
    }


def _essence(shipping: dict[str, Any]) -> object:
    """What makes two uploads the same."""
    parcels = [{name: value for name, value in row.items() if name != "upload_time"} for row in shipping["shipping_list"]]
    return shipping["logistics_type"], shipping["delivery_mode"], parcels


def _order(platform: MiniProgramPlatform, order: Order) -> Json:
    return {
        "transaction_id": order.transaction_id,
        "merchant_trade_no": order.order_id,
        "merchant_id": platform.world.credentials.mchid,
        "sub_merchant_id": "",
        "description": describe(order.items),
        "paid_amount": order.amount,
        "openid": order.openid,
        "trade_create_time": order.paid_at - 20,
        "pay_time": order.paid_at,
        "order_state": order.state,
        "in_complaint": False,
        "shipping": order.shipping,
    }
