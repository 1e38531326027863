"""An order of a store, complete (订单). Money is in fen."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ..core.model import Flag, Int64, OpenIntEnum, Timestamp, WireModel

Text = Annotated[str, Field(coerce_numbers_to_str=True)]
"""An id that the documentation calls a string and the platform may send as a number."""


class OrderStatus(OpenIntEnum):
    """Of an order."""

    UNPAID = 10
    PRESENT_WAITING = 12
    """A present that nobody has accepted yet."""
    GROUP_WAITING = 13
    """Bought together, and still short of buyers."""
    TO_SHIP = 20
    PARTLY_SHIPPED = 21
    SHIPPED = 30
    FINISHED = 100
    ALL_RETURNED = 200
    CANCELLED = 250


# What was bought


class SkuAttribute(WireModel):
    """A property of what was bought."""

    attr_key: str
    attr_value: str


class SkuDelivery(WireModel):
    """When it will be shipped, for presale."""

    stock_type: int | None = None
    predict_delivery_time: Timestamp | None = None
    full_payment_presale_delivery_type: int | None = None


class ExtraService(WireModel):
    """Promises made with it."""

    seven_day_return: int | None = None
    freight_insurance: int | None = None


class ProductDiscount(WireModel):
    """A coupon used for it; `discounted_price` in fen."""

    coupon_type: int | None = None
    """1 the merchant's, 2 the promoter's."""
    user_coupon_id: Text | None = None
    coupon_id: Text | None = None
    discounted_price: int | None = None


class Voucher(WireModel):
    """A group-buying voucher; `voucher_buy_amount` in fen."""

    voucher_code: str
    voucher_type: int | None = None
    voucher_buy_amount: int | None = None
    time_index: int | None = None


class GiftReason(WireModel):
    """The product that a gift came with."""

    product_id: Int64 | None = None
    sku_id: Int64 | None = None
    task_id: Int64 | None = None
    gift_cnt: int | None = None


class FreeGift(WireModel):
    """Why a gift was given."""

    main_product_list: tuple[GiftReason, ...] = ()


class SkuChange(WireModel):
    """A customer's wish for another SKU before shipping."""

    preshipment_change_sku_state: int | None = None
    old_sku_id: Int64 | None = None
    new_sku_id: Int64 | None = None
    ddl_time_stamp: Timestamp | None = None
    """Until then the merchant has to answer."""


class Dropship(WireModel):
    """Who ships in the merchant's place."""

    ds_order_id: Text | None = None


class OrderProduct(WireModel):
    """One SKU of an order. Prices in fen: `sale_price` for one, `real_price` paid for all of the line."""

    product_id: Int64
    sku_id: Int64 | None = None
    sku_cnt: int | None = None
    sku_code: str | None = None
    title: str | None = None
    thumb_img: str | None = None
    sku_attrs: tuple[SkuAttribute, ...] = ()
    product_unique_id: str | None = None
    out_product_id: str | None = None
    out_sku_id: str | None = None
    out_warehouse_id: str | None = None
    on_aftersale_sku_cnt: int | None = None
    finish_aftersale_sku_cnt: int | None = None
    market_price: int | None = None
    sale_price: int | None = None
    real_price: int | None = None
    estimate_price: int | None = None
    is_change_price: bool | None = None
    change_price: int | None = None
    use_deduction: bool | None = None
    deduction_price: int | None = None
    merchant_discounted_price: int | None = None
    finder_discounted_price: int | None = None
    bulkbuy_discounted_price: int | None = None
    cash_coupon_discounted_price: int | None = None
    limited_discount_discounted_price: int | None = None
    platform_activity_merchant_discounted_price: int | None = None
    national_subsidy_discounted_price: int | None = None
    national_subsidy_merchant_discounted_price: int | None = None
    vip_discounted_price: int | None = None
    order_product_coupon_info_list: tuple[ProductDiscount, ...] = ()
    voucher_list: tuple[Voucher, ...] = ()
    sku_deliver_info: SkuDelivery | None = None
    delivery_deadline: Timestamp | None = None
    extra_service: ExtraService | None = None
    is_free_gift: Flag | None = None
    free_gift_info: FreeGift | None = None
    change_sku_info: SkuChange | None = None
    dropship_info: Dropship | None = None
    is_flash_sale: bool | None = None


# Money


class Payment(WireModel):
    """How it was paid."""

    prepay_id: str | None = None
    prepay_time: Timestamp | None = None
    transaction_id: str | None = None
    """WeChat Pay's number."""
    pay_time: Timestamp | None = None
    payment_method: int | None = None


class OrderPrice(WireModel):
    """What it costs, in fen: `order_price` is what the customer pays, `merchant_receieve_price` what the merchant gets."""

    product_price: int | None = None
    order_price: int | None = None
    freight: int | None = None
    discounted_price: int | None = None
    is_discounted: bool | None = None
    original_order_price: int | None = None
    estimate_product_price: int | None = None
    change_down_price: int | None = None
    change_freight: int | None = None
    is_change_freight: bool | None = None
    use_deduction: bool | None = None
    deduction_price: int | None = None
    merchant_receieve_price: int | None = None
    merchant_discounted_price: int | None = None
    finder_discounted_price: int | None = None
    vip_discounted_price: int | None = None
    cash_coupon_discounted_price: int | None = None
    platform_activity_merchant_discounted_price: int | None = None
    bulkbuy_discounted_price: int | None = None
    limited_discount_discounted_price: int | None = None
    national_subsidy_discounted_price: int | None = None
    national_subsidy_merchant_discounted_price: int | None = None


class OrderCoupon(WireModel):
    """The coupon used for the order."""

    user_coupon_id: Text | None = None


class Commission(WireModel):
    """Who gets a share of a SKU's price; `amount` in fen."""

    sku_id: Int64 | None = None
    nickname: str | None = None
    type: int | None = None
    status: int | None = None
    amount: int | None = None
    finder_id: str | None = None
    openfinderid: str | None = None
    talent_id: str | None = None
    agency_id: str | None = None


class Settlement(WireModel):
    """What the platform keeps, in fen."""

    predict_commission_fee: int | None = None
    commission_fee: int | None = None
    predict_wecoin_commission: int | None = None
    wecoin_commission: int | None = None
    settle_time: Timestamp | None = None


class RefundInfo(WireModel):
    """What was refunded, in fen."""

    refund_freight: int | None = None


# Delivery


class TelephoneNumbers(WireModel):
    """Masked and virtual numbers."""

    real_tel_number: str | None = None
    virtual_tel_number: str | None = None
    virtual_tel_expire_time: Timestamp | None = None
    get_virtual_tel_cnt: int | None = None


class Address(WireModel):
    """Where to deliver; masked unless the shop may see it."""

    user_name: str | None = None
    province_name: str | None = None
    city_name: str | None = None
    county_name: str | None = None
    detail_info: str | None = None
    house_number: str | None = None
    postal_code: str | None = None
    tel_number: str | None = None
    lng: float | None = None
    lat: float | None = None
    hash_code: str | None = None
    """The same for the same address of a customer, within the shop."""
    virtual_order_tel_number: str | None = None
    use_tel_number: Flag | None = None
    tel_number_ext_info: TelephoneNumbers | None = None


class ShippedProduct(WireModel):
    """What a parcel holds."""

    product_id: Int64 | None = None
    sku_id: Int64 | None = None
    product_cnt: int | None = None


class ShippedParcel(WireModel):
    """A parcel on its way."""

    waybill_id: str | None = None
    delivery_id: str | None = None
    delivery_name: str | None = None
    delivery_time: Timestamp | None = None
    deliver_type: int | None = None
    product_infos: tuple[ShippedProduct, ...] = ()
    delivery_address: Address | None = None


class QualityInspection(WireModel):
    """The inspection that some goods need before shipping."""

    inspect_status: int | None = None


class Recharge(WireModel):
    """The account that a virtual product is for."""

    account_type: str | None = None
    account_no: str | None = None
    wx_openid: str | None = None


class Delivery(WireModel):
    """How it is delivered."""

    deliver_method: int | None = None
    address_info: Address | None = None
    address_under_review: Address | None = None
    """Asked for by the customer after ordering."""
    address_apply_time: Timestamp | None = None
    delivery_product_info: tuple[ShippedParcel, ...] = ()
    ship_done_time: Timestamp | None = None
    ewaybill_order_code: str | None = None
    quality_inspect_type: int | None = None
    quality_inspect_info: QualityInspection | None = None
    recharge_info: Recharge | None = None
    dropship_flag: int | None = None


# Where the order came from


class Sharer(WireModel):
    """Who shared the link that led to the order: a shop's own assistant, often."""

    sharer_openid: str | None = None
    sharer_unionid: str | None = None
    sharer_type: int | None = None
    share_scene: int | None = None
    handling_progress: int | None = None


class SkuSharer(Sharer):
    """Who shared one SKU."""

    sku_id: Int64 | None = None
    from_wecom: bool | None = None


class Agent(WireModel):
    """The channel that sold on the merchant's behalf."""

    agent_finder_id: str | None = None
    agent_finder_nickname: str | None = None


class Source(WireModel):
    """The account and the content that led to a SKU."""

    sku_id: Int64 | None = None
    sale_channel: int | None = None
    account_type: int | None = None
    account_id: Text | None = None
    account_nickname: str | None = None
    content_type: int | None = None
    content_id: Text | None = None
    promoter_head_supplier_id: Text | None = None
    original_id: str | None = None


class OrderNotes(WireModel):
    """Remarks, and where it was bought."""

    customer_notes: str | None = None
    merchant_notes: str | None = None
    confirm_receipt_time: Timestamp | None = None
    finder_id: str | None = None
    live_id: str | None = None
    order_scene: int | None = None
    vip_order_session_id: str | None = None
    commission_handling_progress: int | None = None


class GreetingCard(WireModel):
    """A card to write."""

    giver_name: str | None = None
    receiver_name: str | None = None
    greeting_message: str | None = None


class Customisation(WireModel):
    """What to print or engrave."""

    custom_type: int | None = None
    custom_img_url: str | None = None
    custom_preview_img_url: str | None = None
    custom_word: str | None = None


class OrderDetail(WireModel):
    """All there is to know of an order."""

    product_infos: tuple[OrderProduct, ...] = ()
    pay_info: Payment | None = None
    price_info: OrderPrice | None = None
    delivery_info: Delivery | None = None
    coupon_info: OrderCoupon | None = None
    ext_info: OrderNotes | None = None
    commission_infos: tuple[Commission, ...] = ()
    settle_info: Settlement | None = None
    sharer_info: Sharer | None = None
    sku_sharer_infos: tuple[SkuSharer, ...] = ()
    agent_info: Agent | None = None
    source_infos: tuple[Source, ...] = ()
    refund_info: RefundInfo | None = None
    greeting_card_info: GreetingCard | None = None
    custom_info: Customisation | None = None


class Aftersale(WireModel):
    """A return or refund."""

    aftersale_order_id: Text
    status: int | None = None


class AftersaleDetail(WireModel):
    """Returns and refunds of an order."""

    aftersale_order_list: tuple[Aftersale, ...] = ()
    on_aftersale_order_cnt: int | None = None


class Present(WireModel):
    """An order that is a present."""

    present_send_type: int | None = None
    present_order_id_str: str | None = None
    present_note: str | None = None
    present_giver_openid: str | None = None
    present_giver_unionid: str | None = None
    is_b2c_free_present: bool | None = None


class IntraCity(WireModel):
    """Delivery within the city."""

    shop_id: Text | None = None
    predict_arrive_time_type: int | None = None
    predict_arrive_start_time: Timestamp | None = None
    predict_arrive_end_time: Timestamp | None = None


class Order(WireModel):
    """An order (订单)."""

    order_id: Text
    status: OrderStatus | None = None
    openid: str | None = None
    unionid: str | None = None
    """Only where the store is bound to an open-platform account (开放平台)."""
    create_time: Timestamp | None = None
    update_time: Timestamp | None = None
    order_detail: OrderDetail | None = None
    aftersale_detail: AftersaleDetail | None = None
    is_present: bool | None = None
    present_send_type: int | None = None
    present_order_id_str: str | None = None
    present_note: str | None = None
    present_giver_openid: str | None = None
    present_giver_unionid: str | None = None
    order_present_info: Present | None = None
    is_flash_sale_order: bool | None = None
    intra_city_order_info: IntraCity | None = None
