"""The calls that the fake WeChat Pay answers, in the order of the documentation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime

from ..clock import rfc3339
from ..keys import CERTIFICATE_FROM, CERTIFICATE_TO
from ..platform import Fields, Json, Refusal, Request, Router, json_object, page
from .errors import plain, refuse
from .state import DISCOUNT, THRESHOLD, Coupon, PayPlatform, Stock

router: Router[PayPlatform] = Router()
_BASE = "/v3/marketing/partner/product-coupon"
_NUMBER = re.compile(r"[0-9A-Za-z_-]+")
_COUPON_FIELDS = ("product_coupon_id", "brand_id", "stock_id", "appid")


@router.on("GET", "/v3/certificates")
def certificates(pay: PayPlatform, _request: Request) -> Json:
    """下载平台证书. Merchants that have only a public key get nothing here."""
    if pay.signed_by == "public_key":
        raise plain("NOT_FOUND", "there is no usable platform certificate, use the public key")
    ids = pay.world.credentials
    row = {
        "serial_no": ids.certificate_serial_no,
        "effective_time": rfc3339(CERTIFICATE_FROM.timestamp()),
        "expire_time": rfc3339(CERTIFICATE_TO.timestamp()),
        "encrypt_certificate": pay.sealed(ids.certificate.encode(), "certificate"),
    }
    return {"data": [row]}


@router.on("GET", _BASE + "/product-coupons/{product_coupon_id}")
def get_product_coupon(pay: PayPlatform, request: Request) -> Json:
    """查询商品券详情."""
    _brand(pay, _query(request, "brand_id"))
    if request.placeholders["product_coupon_id"] != pay.world.credentials.product_coupon_id:
        raise refuse(268578608, "product_coupon_id")
    return _product_coupon(pay)


@router.on("GET", _BASE + "/product-coupons/{product_coupon_id}/stocks/{stock_id}")
def get_stock(pay: PayPlatform, request: Request) -> Json:
    """查询商品券批次详情."""
    query = _query(request, "brand_id")
    _brand(pay, query)
    return _stock(pay, _find_stock(pay, request.placeholders["product_coupon_id"], request.placeholders["stock_id"]))


@router.on("POST", _BASE + "/users/{openid}/coupons")
def send_coupon(pay: PayPlatform, request: Request) -> Json:
    """向用户发放商品券: one number, one coupon, however often it is asked."""
    body = _body(request, (*_COUPON_FIELDS, "coupon_code", "send_request_no", "attach", "coupon_tag_info"))
    number = _number(body, "send_request_no", 128)
    asked = (request.placeholders["openid"], body.values)
    if number in pay.sends:
        before, coupon = pay.sends[number]
        if before != asked:
            raise refuse(268578927)
        return _coupon(pay, coupon)
    _brand(pay, body)
    openid = _openid(pay, request, body.text("appid"))
    stock = _find_stock(pay, body.text("product_coupon_id"), body.text("stock_id"))
    if stock.state != "SENDING":
        raise refuse(268577984, stock.state)
    if "coupon_code" in body.values:
        raise refuse(268435461, "coupon_code is for stocks in API_ASSIGN mode")
    if len(body.text_or("attach")) > 150:
        raise refuse(268435462, "attach")
    _within_limits(pay, stock, openid)
    coupon = pay.issue(stock, openid, appid=body.text("appid"), send_request_no=number, attach=body.text_or("attach") or None)
    pay.sends[number] = (asked, coupon)
    return _coupon(pay, coupon)


def _within_limits(pay: PayPlatform, stock: Stock, openid: str) -> None:
    """Unconfirmed coupons count. While one of them is open, another number is a repeated issue rather than a new wish."""
    held = [c for c in pay.coupons.values() if c.openid == openid and c.stock is stock and c.state not in ("DEACTIVATED", "DELETED")]
    if len(held) >= stock.max_count_per_user:
        raise refuse(272755200 if any(coupon.state == "CONFIRMING" for coupon in held) else 272756740)
    pay.count_today(stock)
    if stock.sent >= stock.max_count or stock.sent_today >= stock.max_count_per_day:
        raise plain("INVALID_REQUEST", "the stock's budget is used up")


@router.on("GET", _BASE + "/users/{openid}/coupons")
def list_coupons(pay: PayPlatform, request: Request) -> Json:
    """查询用户商品券列表: 50 a page at most."""
    query = _query(request, "brand_id", "appid")
    _brand(pay, query)
    openid = _openid(pay, request, query.text("appid"))
    size = query.text_or("page_size", "20")
    if not size.isdigit() or not 1 <= int(size) <= 50:
        raise refuse(268435464, "page_size")
    wanted = {"product_coupon_id": query.text_or("product_coupon_id"), "stock_id": query.text_or("stock_id")}
    state, token = query.text_or("coupon_state"), query.text_or("page_token")
    found = [
        coupon
        for coupon in pay.coupons.values()
        if coupon.openid == openid
        and wanted["stock_id"] in ("", coupon.stock.stock_id)
        and wanted["product_coupon_id"] in ("", coupon.stock.product_coupon_id)
        and state in ("", pay.refreshed(coupon).state)
    ]
    rows, following = page(found, token, int(size))
    reply: Json = {"user_coupon_list": [_coupon(pay, coupon) for coupon in rows]}
    if not token:
        reply["total_count"] = len(found)
    return {**reply, "next_page_token": following} if following else reply


@router.on("GET", _BASE + "/users/{openid}/coupons/{coupon_code}")
def get_coupon(pay: PayPlatform, request: Request) -> Json:
    """查询用户商品券详情."""
    return _coupon(pay, _find_coupon(pay, request, _query(request, *_COUPON_FIELDS)))


@router.on("POST", _BASE + "/users/{openid}/coupons/{coupon_code}/confirm")
def confirm_coupon(pay: PayPlatform, request: Request) -> Json:
    """确认发放用户商品券: until then the coupon cannot be used."""

    def act(coupon: Coupon, body: Fields) -> None:
        _state(coupon, "CONFIRMING")
        pay.confirmed(coupon, body.text("out_request_no"))

    return _once(pay, request, (), act)


@router.on("POST", _BASE + "/users/{openid}/coupons/{coupon_code}/use")
def use_coupon(pay: PayPlatform, request: Request) -> Json:
    """核销用户商品券."""

    def act(coupon: Coupon, body: Fields) -> None:
        if coupon.state == "USED":
            raise refuse(272756745, f"use_request_no {coupon.use_request_no}")
        _state(coupon, "EFFECTIVE")
        order = body.object("associated_order_info")
        if order is None:
            raise refuse(268435461, "associated_order_info is missing")
        if not order.text_or("transaction_id") and not (order.text_or("out_trade_no") and order.text_or("mchid")):
            raise refuse(268435461, "associated_order_info names no order")
        if not coupon.receive_time - 1 <= _moment(body, "use_time") <= coupon.valid_end:
            raise refuse(272755715)
        coupon.state, coupon.use_request_no = "USED", body.text("out_request_no")
        coupon.use_time, coupon.order_info = body.text("use_time"), dict(order.values)
        coupon.return_request_no = coupon.return_time = None

    return _once(pay, request, ("use_time", "associated_order_info", "sequential_coupon_index"), act)


@router.on("POST", _BASE + "/users/{openid}/coupons/{coupon_code}/return")
def return_coupon(pay: PayPlatform, request: Request) -> Json:
    """退券: from USED only."""

    def act(coupon: Coupon, body: Fields) -> None:
        _state(coupon, "USED")
        coupon.state, coupon.return_request_no = "EFFECTIVE", body.text("out_request_no")
        coupon.return_time = pay.world.clock.time()

    return _once(pay, request, ("sequential_coupon_index",), act)


@router.on("POST", _BASE + "/users/{openid}/coupons/{coupon_code}/deactivate")
def deactivate_coupon(pay: PayPlatform, request: Request) -> Json:
    """失效用户商品券: before it is used."""

    def act(coupon: Coupon, body: Fields) -> None:
        reason = body.text("deactivate_reason")
        if len(reason) > 150:
            raise refuse(268435462, "deactivate_reason")
        _state(coupon, "CONFIRMING", "EFFECTIVE")
        coupon.state, coupon.deactivate_request_no = "DEACTIVATED", body.text("out_request_no")
        coupon.deactivate_time, coupon.deactivate_reason = pay.world.clock.time(), reason

    return _once(pay, request, ("deactivate_reason",), act)


def _once(pay: PayPlatform, request: Request, more: Iterable[str], act: Callable[[Coupon, Fields], None]) -> Json:
    """Does `act` to the coupon unless this number has done it already; refuses the number with anything else in it."""
    body = _body(request, (*_COUPON_FIELDS, "out_request_no", *more))
    number = _number(body, "out_request_no", 40)
    coupon = _find_coupon(pay, request, body)
    asked = (request.path, body.values)
    if number in pay.requests:
        if pay.requests[number] != asked:
            raise refuse(268578927)
        return _coupon(pay, coupon)
    act(coupon, body)
    pay.requests[number] = asked
    return _coupon(pay, coupon)


def _state(coupon: Coupon, *allowed: str) -> None:
    if coupon.state == "EXPIRED":
        raise refuse(268578776)
    if coupon.state not in allowed:
        raise refuse(268578367, coupon.state)


def _find_coupon(pay: PayPlatform, request: Request, fields: Fields) -> Coupon:
    _brand(pay, fields)
    openid = _openid(pay, request, fields.text("appid"))
    _find_stock(pay, fields.text("product_coupon_id"), fields.text("stock_id"))
    coupon = pay.coupons.get(request.placeholders["coupon_code"])
    if coupon is None or coupon.openid != openid or coupon.stock.stock_id != fields.text("stock_id"):
        raise refuse(268578851)
    return pay.refreshed(coupon)


def _find_stock(pay: PayPlatform, product_coupon_id: str, stock_id: str) -> Stock:
    stock = pay.stocks.get(stock_id)
    if stock is None or stock.product_coupon_id != product_coupon_id:
        raise refuse(268578608, "stock_id")
    return stock


def _brand(pay: PayPlatform, fields: Fields) -> None:
    if fields.text("brand_id") != pay.world.credentials.brand_id:
        raise refuse(268578608, "brand_id")


def _openid(pay: PayPlatform, request: Request, appid: str) -> str:
    """The openid of the path, which must be one of the app id."""
    ids, openid = pay.world.credentials, request.placeholders["openid"]
    if appid not in ids.openid_appids:
        raise refuse(268578704)
    person = pay.world.by_openid.get(openid)
    expected = person and (person.miniprogram_openid if appid == ids.miniprogram_appid else person.store_openid)
    if expected != openid:
        raise refuse(268578526)
    return openid


def _number(body: Fields, name: str, longest: int) -> str:
    number = body.text(name)
    if not 6 <= len(number) <= longest:
        raise refuse(268435462 if len(number) > longest else 268435463, name)
    if not _NUMBER.fullmatch(number):
        raise refuse(268435461, name)
    return number


def _moment(body: Fields, name: str) -> float:
    try:
        moment = datetime.fromisoformat(body.text(name))
    except ValueError:
        raise refuse(268435461, f"{name} is not RFC 3339") from None
    if moment.tzinfo is None:
        raise refuse(268435461, f"{name} has no offset")
    return moment.timestamp()


def _query(request: Request, *required: str) -> Fields:
    query = Fields(request.query, _missing, _wrong)
    for name in required:
        query.text(name)
    return query


def _body(request: Request, known: Iterable[str]) -> Fields:
    value = json_object(request.body)
    if value is None:
        raise refuse(268578101)
    unknown = set(value) - set(known)
    if unknown:
        raise refuse(270924358, ", ".join(sorted(unknown)))
    return Fields(value, _missing, _wrong)


def _missing(name: str) -> Refusal:
    return refuse(268435461, f"{name} is missing")


def _wrong(name: str) -> Refusal:
    return refuse(268578101, f"{name} has the wrong type")


def _coupon(pay: PayPlatform, coupon: Coupon) -> Json:
    used = {
        "use_request_no": coupon.use_request_no,
        "use_time": coupon.use_time,
        "associated_order_info": coupon.order_info,
        "return_request_no": coupon.return_request_no,
        "return_time": coupon.return_time and rfc3339(coupon.return_time),
    }
    detail = {name: value for name, value in used.items() if value}
    optional = {
        "confirm_request_no": coupon.confirm_request_no,
        "confirm_time": coupon.confirm_time and rfc3339(coupon.confirm_time),
        "deactivate_request_no": coupon.deactivate_request_no,
        "deactivate_time": coupon.deactivate_time and rfc3339(coupon.deactivate_time),
        "deactivate_reason": coupon.deactivate_reason,
        "single_usage_detail": detail or None,
        "attach": coupon.attach,
    }
    return {
        "brand_id": pay.world.credentials.brand_id,
        "coupon_code": coupon.code,
        "coupon_state": pay.refreshed(coupon).state,
        "valid_begin_time": rfc3339(coupon.receive_time),
        "valid_end_time": rfc3339(coupon.valid_end),
        "receive_time": rfc3339(coupon.receive_time),
        "send_request_no": coupon.send_request_no,
        "send_channel": "API",
        **{name: value for name, value in optional.items() if value},
        "product_coupon": _product_coupon(pay),
        "stock": _stock(pay, coupon.stock),
    }


def _product_coupon(pay: PayPlatform) -> Json:
    ids = pay.world.credentials
    return {
        "product_coupon_id": ids.product_coupon_id,
        "brand_id": ids.brand_id,
        "scope": "ALL",
        "type": "NORMAL",
        "usage_mode": "SINGLE",
        "single_usage_info": {"normal_coupon": {"threshold": THRESHOLD, "discount_amount": DISCOUNT}},
        "display_info": {
            "name": "榴莲满50减10",
            "image_url": "https://wxpaylogo.qpic.cn/wxpaylogo/sandbox/image",
            "background_url": "https://wxpaylogo.qpic.cn/wxpaylogo/sandbox/background",
        },
        "out_product_no": "durian-2026",
        "state": "EFFECTIVE",
    }


def _stock(pay: PayPlatform, stock: Stock) -> Json:
    pay.count_today(stock)
    ids = pay.world.credentials
    return {
        "product_coupon_id": stock.product_coupon_id,
        "brand_id": ids.brand_id,
        "stock_id": stock.stock_id,
        "remark": stock.remark,
        "coupon_code_mode": "WECHATPAY",
        "coupon_code_count_info": {"total_count": 0, "available_count": 0},
        "stock_send_rule": {
            "max_count": stock.max_count,
            "max_count_per_day": stock.max_count_per_day,
            "max_count_per_user": stock.max_count_per_user,
        },
        "single_usage_rule": {
            "coupon_available_period": {
                "available_begin_time": "2026-01-01T00:00:00+08:00",
                "available_end_time": "2026-12-31T23:59:59+08:00",
                "available_days": 15,
            }
        },
        "usage_rule_display_info": {
            "coupon_usage_method_list": ["MINI_PROGRAM"],
            "mini_program_appid": ids.miniprogram_appid,
            "mini_program_path": "/pages/durian/index",
            "usage_description": "全场可用",
            "coupon_available_store_info": {"description": "全部门店"},
        },
        "coupon_display_info": {"code_display_mode": "QRCODE", "background_color": "Color010"},
        "notify_config": {"notify_appid": ids.miniprogram_appid},
        "store_scope": "ALL",
        "sent_count_info": {"total_count": stock.sent, "today_count": stock.sent_today},
        "state": stock.state,
    }
