"""The provider's till (服务商收款工具): orders that a provider sends to its customers, and the invoices for them. All sums are fen.

Calls are made with the provider's token; those on orders are signed besides, with the secret of the till:

    wecom.send(signed(PayTool.close_order("N0000…"), secret))
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar, cast

from pydantic import Field

from ..core.call import Call
from ..core.endpoint import POST, paged
from ..core.errors import InputError
from ..core.model import Flag, MaxBytes, MaxItems, NotEmpty, OrDict, Reply, Timestamp, WireModel
from .paging import HasMoreReply
from .resource import M, WeComResource

PROVIDER = "provider_access_token"

R = TypeVar("R")


def _leaves(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in cast("Mapping[str, Any]", value).items():
            yield from _leaves(inner, key)
    elif isinstance(value, (list, tuple)):
        for inner in cast("Sequence[Any]", value):
            yield from _leaves(inner, name)
    elif value is not None and value != "":
        yield f"{name}={value}"


def signature(body: Mapping[str, Any], secret: str) -> str:
    """Sign the body of a call on orders (签名算法).

    Every value that is not empty, however deep, counts as `key=value` under its own key, `sig` apart; sorted, joined with `&`, and signed
    with HMAC-SHA256; base64.
    """
    text = "&".join(sorted(_leaves({key: value for key, value in body.items() if key != "sig"})))
    return base64.b64encode(hmac.digest(secret.encode(), text.encode(), "sha256")).decode()


def signed(call: Call[R], secret: str, *, ts: datetime | None = None, nonce_str: str | None = None) -> Call[R]:
    """Make the same call with `nonce_str`, `ts` and `sig` (签名算法).

    Sign just before sending: `ts` may be 15 minutes off, and a nonce counts once in that time.

    Raises:
        InputError: calls like this one are not signed.
    """
    if not any(parameter.name == "sig" for parameter in call.spec.parameters):
        raise InputError(f"{call.spec} is not signed", "call")
    dated = call.replace(nonce_str=nonce_str or secrets.token_hex(16), ts=ts or datetime.now(UTC), sig=None)
    return dated.replace(sig=signature(dated.body(), secret))


class DiscountInfo(WireModel):
    """A discount (优惠信息)."""

    discount_type: int
    """1 by an amount, 2 by a share."""
    discount_amount: int | None = None
    """Fen off."""
    discount_ratio: int | None = None
    """Percent that are left to pay: 75 is a quarter off."""
    discount_remarks: str | None = None


class BuyInfo(WireModel):
    """An app that is sold (购买应用). Which fields it has depends on what is sold; prices only where `…_price` is told or asked for."""

    suiteid: str
    appid: int | None = None
    """Of old suites with several apps."""
    edition_id: str | None = None
    """Of third-party apps."""
    user_count: int | None = None
    duration_days: int | None = None
    take_effect_date: str | None = None
    """`yyyyMMdd`."""
    discount_info: OrDict[DiscountInfo] | None = None
    """Of third-party apps."""
    total_price: int | None = None
    """Fen; of custom-developed apps, when ordering."""
    origin_price: int | None = None
    """Fen."""
    paid_price: int | None = None
    """Fen."""


class AppProduct(WireModel):
    """Apps that are sold together (应用商品)."""

    order_type: int
    """0 for a new order; more users, or a longer time, are others."""
    buy_info_list: Annotated[Sequence[BuyInfo], MaxItems(20)] = ()
    notify_custom_corp: Flag | None = None
    """Whether the customer is asked in WeCom to confirm."""


class PromotionCase(AppProduct):
    """A solution that is sold (行业解决方案商品)."""

    case_id: str
    promotion_edition_name: str | None = None
    duration_days: int | None = None
    take_effect_date: str | None = None
    """`yyyyMMdd`."""


class ProductList(WireModel):
    """What is sold: the one that fits the order's `business_type` (商品信息)."""

    third_app: AppProduct | None = None
    customized_app: AppProduct | None = None
    promotion_case: PromotionCase | None = None


class OpenedOrder(Reply):
    """A new order."""

    order_id: str
    order_url: str | None = None
    """Where the customer pays."""
    origin_price: int | None = None
    """Fen."""
    paid_price: int | None = None
    """Fen, after the discount."""


class PayOrder(WireModel):
    """An order (收款订单)."""

    order_id: str
    custom_corpid: str | None = None
    """The customer."""
    create_time: Timestamp | None = None
    buy_content: str | None = None
    origin_price: int | None = None
    """Fen."""
    paid_price: int | None = None
    """Fen."""
    order_status: int | None = None
    order_from: int | None = None
    creator: str | None = None
    pay_type: int | None = None


class PayOrderDetail(PayOrder):
    """An order with its payment (收款订单)."""

    custom_corp_name: str | None = None
    business_type: int | None = None
    pay_channel: int | None = None
    channel_order_id: str | None = None
    paid_time: Timestamp | None = None
    income_type: int | None = None
    income_time: Timestamp | None = None
    income_amount: int | None = None
    """Fen."""
    product_list: ProductList | None = None


class PayOrderPage(HasMoreReply):
    """A page of orders."""

    pay_order_list: tuple[PayOrder, ...] = ()

    def items(self) -> Sequence[PayOrder]:
        """Give the orders of this page."""
        return self.pay_order_list


class PayOrderInfo(Reply):
    """One order."""

    pay_order: PayOrderDetail


class Invoice(WireModel):
    """An invoice that a customer wants (发票). Where it goes to does not show in `repr`."""

    order_id: str
    custom_corpid: str | None = None
    apply_time: Timestamp | None = None
    invoice_type: int | None = None
    paid_price: int | None = None
    """Fen."""
    invoice_status: int | None = None
    invoice_title: str | None = None
    tax_number: str | None = None
    send_way: int | None = None
    contact_name: str | None = Field(None, repr=False)
    contact_tel: str | None = Field(None, repr=False)
    contact_addr: str | None = Field(None, repr=False)
    contact_postcode: str | None = Field(None, repr=False)
    receive_email: str | None = Field(None, repr=False)
    company_addr: str | None = None
    company_tel: str | None = None
    bank_name: str | None = None
    bank_account_number: str | None = Field(None, repr=False)
    invoice_note: str | None = None


class InvoicePage(HasMoreReply):
    """A page of invoices."""

    invoice_list: tuple[Invoice, ...] = ()

    def items(self) -> Sequence[Invoice]:
        """Give the invoices of this page."""
        return self.invoice_list


def _both_ends(arguments: Mapping[str, Any]) -> None:
    if ("start_time" in arguments) != ("end_time" in arguments):
        missing = "end_time" if "start_time" in arguments else "start_time"
        raise InputError("start_time and end_time come together", missing)


class PayTool(WeComResource[M]):
    """The provider's till (收款工具). Needs a client with the provider's credential; calls on orders are to be `signed`."""

    @POST("/cgi-bin/paytool/open_order", docs=98045, auth=PROVIDER)
    def open_order(
        self,
        *,
        business_type: int,
        pay_type: int,
        product_list: OrDict[ProductList],
        custom_corpid: str | None = None,
        bank_receipt_media_id: str | None = None,
        creator: str | None = None,
        nonce_str: str | None = None,
        ts: Timestamp | None = None,
        sig: str | None = None,
    ) -> Call[OpenedOrder]:
        """Send a customer an order to pay (创建收款订单).

        `business_type` is 1 for third-party apps, 2 for custom-developed ones, 3 for solutions. Repeating it makes a second order: after
        OutcomeUnknown look for it with `list_orders` first.
        """
        ...

    @POST("/cgi-bin/paytool/close_order", docs=98046, auth=PROVIDER)
    def close_order(
        self, order_id: str, *, nonce_str: str | None = None, ts: Timestamp | None = None, sig: str | None = None
    ) -> Call[Reply]:
        """Give an order up that is not paid (取消收款订单)."""
        ...

    @POST("/cgi-bin/paytool/get_order_list", docs=98053, auth=PROVIDER, idempotent=True)
    def list_orders(
        self,
        *,
        business_type: int | None = None,
        start_time: Timestamp | None = None,
        end_time: Timestamp | None = None,
        cursor: str | None = None,
        limit: Annotated[int, Field(ge=0, le=2000)] = 100,
        nonce_str: str | None = None,
        ts: Timestamp | None = None,
        sig: str | None = None,
    ) -> Call[PayOrderPage]:
        """List orders, one page (获取收款订单列表). `limit` is up to 2,000.

        The signature covers the cursor, so that every page is `signed` anew.
        """
        ...

    @POST("/cgi-bin/paytool/get_order_detail", docs=98054, auth=PROVIDER, idempotent=True)
    def get_order(
        self, order_id: str, *, nonce_str: str | None = None, ts: Timestamp | None = None, sig: str | None = None
    ) -> Call[PayOrderInfo]:
        """Fetch an order with its payment (获取收款订单详情)."""
        ...

    @POST("/cgi-bin/paytool/get_invoice_list", docs=99436, auth=PROVIDER, idempotent=True, check=_both_ends)
    def list_invoices(
        self,
        *,
        start_time: Timestamp | None = None,
        end_time: Timestamp | None = None,
        cursor: str | None = None,
        limit: Annotated[int, Field(ge=1, le=100)] | None = None,
    ) -> Call[InvoicePage]:
        """List the invoices that customers want, one page (获取发票列表). Only `has_more` tells whether to go on.

        `start_time` and `end_time` come together. `limit` is 1 to 100 (50 if left out).
        """
        ...

    @paged
    def all_invoices(self, *, start_time: Timestamp | None = None, end_time: Timestamp | None = None) -> Call[InvoicePage]:
        """Every invoice that customers want, one by one, page after page (获取发票列表)."""
        return PayTool.list_invoices(start_time=start_time, end_time=end_time, limit=100)

    @POST("/cgi-bin/paytool/mark_invoice_status", docs=99437, auth=PROVIDER, idempotent=True)
    def mark_invoice(
        self,
        order_id: Annotated[str, NotEmpty],
        *,
        invoice_status: int,
        invoice_note: Annotated[str, MaxBytes(200)],
        oper_userid: str | None = None,
    ) -> Call[Reply]:
        """Say what became of an invoice (标记开票状态).

        `invoice_status` is 1 for one on paper that is in the post, 2 for one that went by e-mail, 3 for one that is called off. An invoice
        that is out already stays as it is. The customer sees `invoice_note`, of up to 200 bytes.
        """
        ...
