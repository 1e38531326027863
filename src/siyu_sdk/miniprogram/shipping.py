"""Shipping information of orders (发货信息管理).

Where the platform has switched it on, every WeChat Pay order of the mini-program needs it, virtual goods too, within 48 hours after
payment; without it the money stays unsettled. Money is in fen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import ValidationInfo, model_validator

from ..core.call import Call
from ..core.endpoint import POST, paged
from ..core.errors import InputError
from ..core.model import OUTGOING, MaxChars, MaxItems, NotEmpty, OpenIntEnum, OrDict, Reply, Rfc3339, Timestamp, WireModel
from .resource import M, MiniProgramResource

PAGE = "https://developers.weixin.qq.com/miniprogram/dev/platform-capabilities/business-capabilities/order-shipping/order-shipping.html"


class OrderNumberType(OpenIntEnum):
    """Which number names an order."""

    OUT_TRADE_NO = 1
    """`mchid` and `out_trade_no`."""
    TRANSACTION_ID = 2


class LogisticsType(OpenIntEnum):
    """How goods reach the customer."""

    EXPRESS = 1
    SAME_CITY = 2
    VIRTUAL = 3
    SELF_PICKUP = 4


class DeliveryMode(OpenIntEnum):
    """In one parcel, or in several (express only)."""

    UNIFIED = 1
    SPLIT = 2


class ShippingState(OpenIntEnum):
    """Of an order."""

    TO_SHIP = 1
    SHIPPED = 2
    RECEIVED = 3
    FINISHED = 4
    REFUNDED = 5
    SETTLEMENT_PENDING = 6


class OrderKey(WireModel):
    """Names an order; the type says by which numbers."""

    order_number_type: OrderNumberType
    transaction_id: str | None = None
    mchid: str | None = None
    out_trade_no: str | None = None

    @model_validator(mode="after")
    def _has_its_numbers(self, info: ValidationInfo) -> Self:
        if info.context == OUTGOING:
            if self.order_number_type is OrderNumberType.OUT_TRADE_NO and not (self.mchid and self.out_trade_no):
                raise ValueError("mchid and out_trade_no are needed for OUT_TRADE_NO")
            if self.order_number_type is OrderNumberType.TRANSACTION_ID and not self.transaction_id:
                raise ValueError("transaction_id is needed for TRANSACTION_ID")
        return self


class Payer(WireModel):
    """Who has paid."""

    openid: str


class Contact(WireModel):
    """Telephone numbers with digits masked: `+86-177****1234`. SF Express wants one of them."""

    consignor_contact: str | None = None
    receiver_contact: str | None = None


class Parcel(WireModel):
    """One parcel to tell; `item_desc` has at most 120 characters, express needs `tracking_no` and `express_company`."""

    tracking_no: str | None = None
    express_company: str | None = None
    item_desc: Annotated[str, MaxChars(120), NotEmpty] | None = None
    contact: Contact | None = None


class ShippedParcel(WireModel):
    """One parcel, as told before."""

    tracking_no: str | None = None
    express_company: str | None = None
    goods_desc: str | None = None
    contact: Contact | None = None
    upload_time: Timestamp | None = None


class ShippingInfo(WireModel):
    """What has been told of an order's shipping; empty before."""

    delivery_mode: DeliveryMode | None = None
    logistics_type: LogisticsType | None = None
    finish_shipping: bool | None = None
    finish_shipping_count: int | None = None
    """How often shipping was completed; a second time uses the one chance to ship again."""
    goods_desc: str | None = None
    shipping_list: tuple[ShippedParcel, ...] = ()


class ShippingOrder(WireModel):
    """A paid order (支付单); `paid_amount` in fen."""

    transaction_id: str | None = None
    merchant_id: str | None = None
    sub_merchant_id: str | None = None
    merchant_trade_no: str | None = None
    description: str | None = None
    openid: str | None = None
    paid_amount: int | None = None
    order_state: ShippingState | None = None
    trade_create_time: Timestamp | None = None
    pay_time: Timestamp | None = None
    in_complaint: bool | None = None
    shipping: ShippingInfo | None = None


class ShippingOrderReply(Reply):
    """One order."""

    order: ShippingOrder


class PayTimeRange(WireModel):
    """Unix seconds on the wire; both ends are optional."""

    begin_time: Timestamp | None = None
    end_time: Timestamp | None = None


class ShippingOrderPage(Reply):
    """A page of orders."""

    order_list: tuple[ShippingOrder, ...] = ()
    last_index: str | None = None
    has_more: bool = False

    def items(self) -> Sequence[ShippingOrder]:
        """The orders of this page."""
        return self.order_list

    def next_page(self, arguments: Mapping[str, Any]) -> Mapping[str, Any] | None:  # noqa: ARG002 -- part of the page protocol
        """Where the next page begins."""
        return {"last_index": self.last_index} if self.has_more else None


def _parcels_fit(arguments: Mapping[str, Any]) -> None:
    mode, parcels = arguments["delivery_mode"], arguments["shipping_list"]
    by_express = arguments["logistics_type"] is LogisticsType.EXPRESS
    if by_express and not all(parcel.tracking_no and parcel.express_company for parcel in parcels):
        raise InputError("shipping_list: express needs tracking_no and express_company of each parcel", "shipping_list")
    if mode is DeliveryMode.UNIFIED and len(parcels) != 1:
        raise InputError(f"shipping_list: one parcel in mode UNIFIED, got {len(parcels)}", "shipping_list")
    if mode is DeliveryMode.SPLIT and not by_express:
        raise InputError("delivery_mode: SPLIT is for express only", "delivery_mode")
    if mode is DeliveryMode.SPLIT and "is_all_delivered" not in arguments:
        raise InputError("is_all_delivered is needed in mode SPLIT", "is_all_delivered")


def _names_an_order(arguments: Mapping[str, Any]) -> None:
    if "transaction_id" not in arguments and not {"merchant_id", "merchant_trade_no"} <= arguments.keys():
        raise InputError("transaction_id, or merchant_id with merchant_trade_no, is needed", "transaction_id")


class Shipping(MiniProgramResource[M]):
    """Shipping information (发货信息管理)."""

    @POST("/wxa/sec/order/upload_shipping_info", docs=PAGE, idempotent=True, check=_parcels_fit)
    def upload_shipping_info(
        self,
        order_key: OrDict[OrderKey],
        *,
        logistics_type: LogisticsType,
        delivery_mode: DeliveryMode,
        shipping_list: Annotated[Sequence[OrDict[Parcel]], MaxItems(15), NotEmpty],
        upload_time: Rfc3339,
        payer: OrDict[Payer],
        is_all_delivered: bool | None = None,
    ) -> Call[Reply]:
        """Tell how an order was shipped (发货信息录入接口).

        One parcel in mode UNIFIED; up to 15 in mode SPLIT, in one call or several, with `is_all_delivered` each time. `upload_time` must
        grow from call to call for an order. Repeating the same data does no harm: it raises Conflict (10060002, 10060023), which then
        means that it is done. Other data after completion uses the only chance to ship again (10060003 afterwards).
        Raises NotFound (10060001) for some 10 s after the payment notice: try again then.
        """
        ...

    @POST("/wxa/sec/order/get_order", docs=PAGE, idempotent=True, check=_names_an_order)
    def get_order(
        self,
        transaction_id: str | None = None,
        *,
        merchant_id: str | None = None,
        sub_merchant_id: str | None = None,
        merchant_trade_no: str | None = None,
    ) -> Call[ShippingOrderReply]:
        """Fetch an order's shipping state, by `transaction_id` or by `merchant_id` and `merchant_trade_no` (查询订单发货状态)."""
        ...

    @POST("/wxa/sec/order/get_order_list", docs=PAGE, idempotent=True)
    def get_order_list(
        self,
        *,
        pay_time_range: OrDict[PayTimeRange] | None = None,
        order_state: ShippingState | None = None,
        openid: str | None = None,
        last_index: str | None = None,
        page_size: int | None = None,
    ) -> Call[ShippingOrderPage]:
        """List orders by payment time, state or payer (查询订单列表)."""
        ...

    @paged
    def all(
        self,
        *,
        pay_time_range: OrDict[PayTimeRange] | None = None,
        order_state: ShippingState | None = None,
        openid: str | None = None,
        page_size: int | None = None,
    ) -> Call[ShippingOrderPage]:
        """Every such order, page after page (查询订单列表)."""
        return Shipping.get_order_list(pay_time_range=pay_time_range, order_state=order_state, openid=openid, page_size=page_size)
