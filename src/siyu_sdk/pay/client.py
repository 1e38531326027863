"""The WeChat Pay clients and their tree of resources."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Generic, Unpack, cast

from ..core.client import AsyncClient, Client, Options
from ..core.endpoint import Async, M, Sync
from ..core.http import AsyncHttpClient, HttpClient
from ..core.run import AsyncRunner, Runner
from ..core.styles import HttpStyle
from .notifications import Notifications
from .product_coupons import ProductCoupons
from .resource import SIGNED
from .signing import PayAuth, Verifier

HOST = "https://api.mch.weixin.qq.com"


class PayAPI(Generic[M]):
    """The chapters of the WeChat Pay documentation."""

    mchid: str
    serial_no: str
    notifications: Notifications
    """Reads what WeChat Pay posts to your URL (回调通知): `pay.notifications.receive(headers, body)`."""

    @cached_property
    def product_coupons(self) -> ProductCoupons[M]:
        """Product coupons of a brand, by its partner (商品券)."""
        return ProductCoupons(cast("Runner | AsyncRunner", self))


class Pay(PayAPI[Sync], Client):
    """WeChat Pay, for threads: `with Pay(mchid, serial_no, private_key, api_v3_key, public_key=…, public_key_id=…) as pay: …`.

    `serial_no` and `private_key` (PEM text) are those of the merchant's API certificate, `api_v3_key` has 32 bytes. Replies are verified
    with `public_key` (PEM text, 微信支付公钥) and its `public_key_id`, with platform `certificates` (PEM texts of one or several), or
    with both while the merchant changes over. `http` is an `httpx.Client` of your own; it stays yours to close. The spare host is
    `base_url="https://api2.mch.weixin.qq.com"`.
    """

    platform, host = "pay", HOST

    def __init__(
        self,
        mchid: str,
        serial_no: str,
        private_key: str | bytes,
        api_v3_key: str,
        *,
        public_key: str | bytes | None = None,
        public_key_id: str | None = None,
        certificates: Iterable[str | bytes] = (),
        http: HttpClient | None = None,
        **options: Unpack[Options],
    ) -> None:
        verifier = Verifier(public_key=public_key, public_key_id=public_key_id, certificates=certificates)
        auth = PayAuth(mchid, serial_no, private_key, verifier)
        self.mchid, self.serial_no = mchid, auth.serial_no
        self.notifications = Notifications(verifier, api_v3_key, clock=options.get("clock"))
        self._open(tenant=mchid, auths={SIGNED: auth}, options=options, http=http, style=HttpStyle())


class AsyncPay(PayAPI[Async], AsyncClient):
    """WeChat Pay, for tasks: `async with AsyncPay(mchid, serial_no, private_key, api_v3_key, public_key=…, public_key_id=…) as pay: …`.

    `serial_no` and `private_key` (PEM text) are those of the merchant's API certificate, `api_v3_key` has 32 bytes. Replies are verified
    with `public_key` (PEM text, 微信支付公钥) and its `public_key_id`, with platform `certificates` (PEM texts of one or several), or
    with both while the merchant changes over. `http` is an `httpx.AsyncClient` of your own; it stays yours to close. The spare host is
    `base_url="https://api2.mch.weixin.qq.com"`.
    """

    platform, host = "pay", HOST

    def __init__(
        self,
        mchid: str,
        serial_no: str,
        private_key: str | bytes,
        api_v3_key: str,
        *,
        public_key: str | bytes | None = None,
        public_key_id: str | None = None,
        certificates: Iterable[str | bytes] = (),
        http: AsyncHttpClient | None = None,
        **options: Unpack[Options],
    ) -> None:
        super().__init__()
        verifier = Verifier(public_key=public_key, public_key_id=public_key_id, certificates=certificates)
        auth = PayAuth(mchid, serial_no, private_key, verifier)
        self.mchid, self.serial_no = mchid, auth.serial_no
        self.notifications = Notifications(verifier, api_v3_key, clock=options.get("clock"))
        self._open(tenant=mchid, auths={SIGNED: auth}, options=options, http=http, style=HttpStyle())
