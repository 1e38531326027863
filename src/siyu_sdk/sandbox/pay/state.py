"""What the fake WeChat Pay remembers: the product coupon (商品券) of the brand, its stocks, who holds which coupon.

Simulated: request signatures checked for real, answers and notices signed with public key or certificate, issue notices that have to be
confirmed, limits for each user, each day and in all, idempotency by request number, validity and expiry, customers who use their coupons
(the till's own `use` call, with an order of that day). Not simulated: making and changing coupons and stocks, bundles, pre-send, codes of
your own, stores, the brand's own access (`/brand/…`), payments.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
from typing import Any, Literal

from attrs import define

from ...core.crypto import gcm_encrypt, rsa_sign
from ..clock import beijing, rfc3339
from ..keys import keys
from ..platform import Answer, Refusal, Request, dump
from ..push import Message, Push
from ..seed import DURIAN, make_order
from ..world import Person, World
from . import errors
from .authorization import Authorizations

Signer = Literal["public_key", "certificate", "both"]
AVAILABLE_DAYS = 15
DISCOUNT = 1000
THRESHOLD = 5000


@define
class Stock:
    """One stock (批次) of the product coupon."""

    product_coupon_id: str
    stock_id: str
    state: str
    remark: str
    max_count: int = 100_000
    max_count_per_day: int = 50_000
    max_count_per_user: int = 1
    sent: int = 0
    sent_today: int = 0
    today: str = ""


@define
class Coupon:
    """One coupon of one user. States: CONFIRMING, EFFECTIVE, USED, EXPIRED, DELETED, DEACTIVATED."""

    code: str
    stock: Stock
    person: Person
    openid: str
    appid: str
    send_request_no: str
    receive_time: float
    valid_end: float
    state: str = "CONFIRMING"
    attach: str | None = None
    confirm_request_no: str | None = None
    confirm_time: float | None = None
    use_request_no: str | None = None
    use_time: str | None = None
    order_info: dict[str, Any] | None = None
    return_request_no: str | None = None
    return_time: float | None = None
    deactivate_request_no: str | None = None
    deactivate_time: float | None = None
    deactivate_reason: str | None = None


class PayPlatform:
    """The state of the fake WeChat Pay."""

    name = "pay"

    def __init__(self, world: World, push: Push) -> None:
        from .routes import router  # routes name this class

        self.world = world
        self.push = push
        self.signed_by: Signer = "public_key"
        """Which key signs answers and notices; "both" takes turns, as during a switch."""
        self.stocks: dict[str, Stock] = {}
        self.coupons: dict[str, Coupon] = {}
        self.sends: dict[str, tuple[object, Coupon]] = {}
        """send_request_no -> what was asked, what came of it"""
        self.requests: dict[str, object] = {}
        """out_request_no -> what was asked"""
        self._router = router
        self._authorizations = Authorizations(world)
        self._turn = 0
        self._turning = threading.Lock()

    def plant(self) -> None:
        """One stock in SENDING, one in PAUSED."""
        ids = self.world.credentials
        for stock_id, state, remark in ((ids.stock_id, "SENDING", "榴莲满50减10"), (ids.paused_stock_id, "PAUSED", "新品满50减10")):
            self.stocks[stock_id] = Stock(ids.product_coupon_id, stock_id, state, remark)

    # requests and answers

    def answer(self, request: Request) -> Answer:
        """What the platform answers, signed; refusals come in its own form, signed too."""
        try:
            with self.world.lock:
                self._authorizations.check(request)
                found = self._router.find(request)
                if found is None:
                    raise errors.plain("NOT_FOUND", "no such path")
                route, request = found
                reply = route.handler(self, request)
        except Refusal as refusal:
            return self.refuse(request, refusal)
        return self._signed(dump(reply), 200, 0, 0)

    def refuse(self, request: Request, refusal: Refusal) -> Answer:
        """A refusal: HTTP status, code and message, and the fine code behind the Request-ID."""
        body = dump({"code": refusal.code, "message": refusal.message, "detail": {"location": request.path}})
        return self._signed(body, refusal.status, refusal.code, refusal.fine_code)

    def refusal(self, code: int | str) -> Refusal:
        """The error of this main code (SYSTEM_ERROR) or fine code (268577984), for injected faults."""
        return errors.by_code(code)

    def _signed(self, body: bytes, status: int, code: int | str, fine_code: int) -> Answer:
        headers = {"Request-ID": f"08{secrets.token_hex(16).upper()}CF05-{fine_code}", **self.signature(body)}
        return Answer(body, status, headers=headers, code=code)

    def signature(self, body: bytes) -> dict[str, str]:
        """The Wechatpay-* headers over a body, for this moment."""
        with self._turning:
            self._turn += 1
            certified = self.signed_by == "certificate" or (self.signed_by == "both" and self._turn % 2 == 0)
        ring, ids = keys(), self.world.credentials
        key, serial = (ring.certified, ids.certificate_serial_no) if certified else (ring.public, ids.public_key_id)
        timestamp, nonce = str(self.world.now()), secrets.token_hex(16)
        return {
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": rsa_sign(key, b"\n".join((timestamp.encode(), nonce.encode(), body, b""))),
            "Wechatpay-Serial": serial,
            "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
        }

    def sealed(self, plain: bytes, associated_data: str) -> dict[str, str]:
        """Something encrypted with the merchant's APIv3 key."""
        nonce = secrets.token_hex(6)
        cipher = gcm_encrypt(self.world.credentials.api_v3_key.encode(), nonce.encode(), plain, associated_data.encode())
        return {"algorithm": "AEAD_AES_256_GCM", "nonce": nonce, "associated_data": associated_data, "ciphertext": cipher}

    # coupons

    def refreshed(self, coupon: Coupon) -> Coupon:
        """The coupon as it is now: validity runs out without anybody's doing."""
        if coupon.state in ("CONFIRMING", "EFFECTIVE") and self.world.clock.time() > coupon.valid_end:
            coupon.state = "EXPIRED"
        return coupon

    def issue(self, stock: Stock, openid: str, *, appid: str, send_request_no: str, attach: str | None) -> Coupon:
        """A new coupon, unconfirmed, and the notice of it. The caller has checked everything."""
        now = self.world.clock.time()
        self.count_today(stock)
        stock.sent += 1
        stock.sent_today += 1
        number = int(self.world.dice.token(12, "coupon", len(self.coupons)), 16) % 10**12
        coupon = Coupon(
            code=f"{len(self.coupons):06d}{number:012d}",
            stock=stock,
            person=self.world.by_openid[openid],
            openid=openid,
            appid=appid,
            send_request_no=send_request_no,
            receive_time=now,
            valid_end=now + AVAILABLE_DAYS * 86400,
            attach=attach,
        )
        self.coupons[coupon.code] = coupon
        self.world.events.append({"ChangeType": "PRODUCT_COUPON_SP.SEND", "coupon_code": coupon.code})
        notice_id = self.world.dice.token(32, "notice", coupon.code)
        self.push.send(lambda: self._notice(notice_id, coupon))
        return coupon

    def count_today(self, stock: Stock) -> None:
        """Starts the day's count anew at midnight in Beijing."""
        today = f"{beijing(self.world.clock.time()):%Y-%m-%d}"
        if stock.today != today:
            stock.today, stock.sent_today = today, 0

    def confirmed(self, coupon: Coupon, request_no: str) -> None:
        """The coupon is usable from now on; some people will use it."""
        coupon.state, coupon.confirm_request_no, coupon.confirm_time = "EFFECTIVE", request_no, self.world.clock.time()
        roll = self.world.dice.roll
        if roll("redeem", coupon.openid, coupon.stock.stock_id) < self.world.humans.redeems:
            wait = 7200 + roll("redeem when", coupon.openid) * 6 * 86400
            self.world.timeline.after(wait, lambda: self.redeem(coupon.code))

    def redeem(self, code: str) -> None:
        """The customer shows the coupon at the till, which uses it with an order of this moment; nothing happens to one not EFFECTIVE."""
        with self.world.lock:
            coupon = self.refreshed(self.coupons[code])
            if coupon.state != "EFFECTIVE":
                return
            item = DURIAN[int(self.world.dice.roll("fruit", code) * len(DURIAN))]
            now = self.world.now()
            channel: Literal["miniprogram", "store"] = "miniprogram" if coupon.openid == coupon.person.miniprogram_openid else "store"
            state = 1 if channel == "miniprogram" else 20
            order = make_order(self.world, channel, coupon.person, (item,), paid_at=now, state=state, discount=DISCOUNT)
            self.world.add_order(order)
            coupon.state, coupon.use_request_no, coupon.use_time = "USED", f"TILL{order.order_id}", rfc3339(now)
            coupon.order_info = {
                "transaction_id": order.transaction_id,
                "out_trade_no": order.order_id,
                "mchid": self.world.credentials.mchid,
            }

    def _notice(self, notice_id: str, coupon: Coupon) -> Message:
        resource = {
            "brand_id": self.world.credentials.brand_id,
            "coupon_code": coupon.code,
            "product_coupon_id": coupon.stock.product_coupon_id,
            "stock_id": coupon.stock.stock_id,
            "appid": coupon.appid,
            "openid": coupon.openid,
            "unionid": coupon.person.unionid or "",
            "receive_time": rfc3339(coupon.receive_time),
            "send_request_no": coupon.send_request_no,
            "send_channel": "API",
            "valid_begin_time": rfc3339(coupon.receive_time),
            "valid_end_time": rfc3339(coupon.valid_end),
            **({"attach": coupon.attach} if coupon.attach else {}),
        }
        sealed = self.sealed(json.dumps(resource, ensure_ascii=False).encode(), "product_coupon_sp")
        body = dump(
            {
                "id": notice_id,
                "create_time": rfc3339(coupon.receive_time),
                "event_type": "PRODUCT_COUPON_SP.SEND",
                "resource_type": "encrypt-resource",
                "summary": "商品券领券",
                "resource": {"original_type": "product_coupon", **sealed},
            }
        )
        headers = {"Content-Type": "application/json", "Request-ID": f"08{base64.b32encode(notice_id[:10].encode()).decode()}-0"}
        return Message(body, headers={**headers, **self.signature(body)})
