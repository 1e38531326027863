"""What the pages of the product coupon chapter (商品券) share: the coupon, its stocks, and what a customer holds.

Money is in fen, times of day are in seconds since midnight.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from pydantic import ValidationInfo, model_validator

from ..core.model import OUTGOING, OpenStrEnum, Rfc3339, WireModel


class ProductCouponState(OpenStrEnum):
    """Of a product coupon. DEACTIVATED is final; coupons that customers hold stay valid."""

    AUDITING = "AUDITING"
    EFFECTIVE = "EFFECTIVE"
    DEACTIVATED = "DEACTIVATED"


class StockState(OpenStrEnum):
    """Of a stock. Only SENDING can be issued; STOPPED (the end time has come) and DEACTIVATED are final."""

    AUDITING = "AUDITING"
    SENDING = "SENDING"
    PAUSED = "PAUSED"
    STOPPED = "STOPPED"
    DEACTIVATED = "DEACTIVATED"


class UserCouponState(OpenStrEnum):
    """Of a customer's coupon. Confirm brings it from CONFIRMING to PENDING or EFFECTIVE; EXPIRED, DELETED and DEACTIVATED are final."""

    CONFIRMING = "CONFIRMING"
    PENDING = "PENDING"
    EFFECTIVE = "EFFECTIVE"
    USED = "USED"
    EXPIRED = "EXPIRED"
    DELETED = "DELETED"
    """By the customer, in the card pack; no notice tells."""
    DEACTIVATED = "DEACTIVATED"


class SendChannel(OpenStrEnum):
    """How a customer came to a coupon."""

    API = "API"
    BRAND_MANAGE = "BRAND_MANAGE"
    RECEIVE_COMPONENT = "RECEIVE_COMPONENT"
    MEMBER = "MEMBER"
    MERCHANT_CARD = "MERCHANT_CARD"
    SMALL_ACTIVITY = "SMALL_ACTIVITY"


class CouponScope(OpenStrEnum):
    """What a coupon is good for: ALL the brand sells, or a SINGLE product."""

    ALL = "ALL"
    SINGLE = "SINGLE"
    CATEGORY = "CATEGORY"


class CouponType(OpenStrEnum):
    """Money off (NORMAL), percent off (DISCOUNT), or a fixed price (EXCHANGE, with scope SINGLE only)."""

    NORMAL = "NORMAL"
    DISCOUNT = "DISCOUNT"
    EXCHANGE = "EXCHANGE"


class UsageMode(OpenStrEnum):
    """One use, or several. SEQUENTIAL is the older form of PROGRESSIVE_BUNDLE."""

    SINGLE = "SINGLE"
    SEQUENTIAL = "SEQUENTIAL"
    PROGRESSIVE_BUNDLE = "PROGRESSIVE_BUNDLE"


class CouponCodeMode(OpenStrEnum):
    """Where codes come from: WeChat Pay, an upload, or each send (API_ASSIGN)."""

    WECHATPAY = "WECHATPAY"
    UPLOAD = "UPLOAD"
    API_ASSIGN = "API_ASSIGN"


class StoreScope(OpenStrEnum):
    """Where a coupon can be used; SPECIFIC needs stores to be associated."""

    NONE = "NONE"
    ALL = "ALL"
    SPECIFIC = "SPECIFIC"


# What a coupon is worth


class NormalCoupon(WireModel):
    """Money off from a threshold, in fen."""

    threshold: int
    discount_amount: int


class DiscountCoupon(WireModel):
    """Percent off from a threshold in fen: 30 is 30 % off (7折)."""

    threshold: int
    percent_off: int


class ExchangeCoupon(WireModel):
    """A fixed price from a threshold, in fen."""

    threshold: int
    exchange_price: int


class SingleUsageInfo(WireModel):
    """The worth of a coupon with one use and scope ALL."""

    normal_coupon: NormalCoupon | None = None
    discount_coupon: DiscountCoupon | None = None


class SequentialUsageInfo(WireModel):
    """Several uses, the older form."""

    type: str | None = None
    """INCREMENTAL or EQUAL."""
    count: int | None = None
    available_days: int | None = None
    interval_days: int | None = None


class ProgressiveBundleUsageInfo(WireModel):
    """Several uses, one coupon for each."""

    count: int | None = None
    interval_days: int | None = None


class ComboChoice(WireModel):
    """One product to choose; `price` in fen."""

    name: str
    price: int | None = None
    count: int | None = None
    image_url: str | None = None
    mini_program_appid: str | None = None
    mini_program_path: str | None = None


class ComboPackage(WireModel):
    """Products of which a customer may choose some."""

    name: str
    pick_count: int | None = None
    choice_list: tuple[ComboChoice, ...] = ()


class ProductCouponDisplay(WireModel):
    """What customers see; `original_price` in fen."""

    name: str | None = None
    image_url: str | None = None
    background_url: str | None = None
    detail_image_url_list: tuple[str, ...] = ()
    original_price: int | None = None
    combo_package_list: tuple[ComboPackage, ...] = ()


class ProductCoupon(WireModel):
    """A product coupon (商品券)."""

    product_coupon_id: str
    brand_id: str | None = None
    scope: CouponScope | None = None
    type: CouponType | None = None
    usage_mode: UsageMode | None = None
    single_usage_info: SingleUsageInfo | None = None
    sequential_usage_info: SequentialUsageInfo | None = None
    progressive_bundle_usage_info: ProgressiveBundleUsageInfo | None = None
    display_info: ProductCouponDisplay | None = None
    out_product_no: str | None = None
    state: ProductCouponState | None = None
    deactivate_request_no: str | None = None
    deactivate_time: Rfc3339 | None = None
    deactivate_reason: str | None = None


# Stocks


class SendRule(WireModel):
    """How many may be sent."""

    max_count: int | None = None
    max_count_per_day: int | None = None
    max_count_per_user: int | None = None
    """Counts coupons that are not confirmed as well."""


class DayPeriod(WireModel):
    """A time of day, in seconds since midnight."""

    begin_time: int
    end_time: int


class WeeklyPeriod(WireModel):
    """Days of the week (MONDAY …) and times of these days."""

    day_list: tuple[str, ...] = ()
    day_period_list: tuple[DayPeriod, ...] = ()


class Period(WireModel):
    """A span of time."""

    begin_time: Rfc3339
    end_time: Rfc3339


class AvailablePeriod(WireModel):
    """When a coupon can be used."""

    available_begin_time: Rfc3339 | None = None
    available_end_time: Rfc3339 | None = None
    available_days: int | None = None
    wait_days_after_receive: int | None = None
    weekly_available_period: WeeklyPeriod | None = None
    irregular_available_period_list: tuple[Period, ...] = ()


class SingleUsageRule(WireModel):
    """When a coupon can be used; with scope SINGLE, its worth too. The same shape describes one coupon of a bundle."""

    coupon_available_period: AvailablePeriod | None = None
    normal_coupon: NormalCoupon | None = None
    discount_coupon: DiscountCoupon | None = None
    exchange_coupon: ExchangeCoupon | None = None


class SequentialUsageRule(WireModel):
    """When a coupon of several uses can be used, and the worth of each use."""

    coupon_available_period: AvailablePeriod | None = None
    normal_coupon_list: tuple[NormalCoupon, ...] = ()
    discount_coupon_list: tuple[DiscountCoupon, ...] = ()
    exchange_coupon_list: tuple[ExchangeCoupon, ...] = ()
    special_first: bool | None = None


class StoreDescription(WireModel):
    """Which stores take a coupon, in words."""

    description: str | None = None
    mini_program_appid: str | None = None
    mini_program_path: str | None = None


class UsageRuleDisplay(WireModel):
    """How a coupon is used, as customers see it."""

    coupon_usage_method_list: tuple[str, ...] = ()
    usage_description: str | None = None
    mini_program_appid: str | None = None
    mini_program_path: str | None = None
    app_path: str | None = None
    app_jump_type: str | None = None
    passcode_link: str | None = None
    coupon_available_store_info: StoreDescription | None = None


class MiniProgramEntrance(WireModel):
    """A link to a mini-program."""

    appid: str | None = None
    path: str | None = None
    entrance_wording: str | None = None
    guidance_wording: str | None = None


class OfficialAccountEntrance(WireModel):
    """A link to an official account."""

    appid: str | None = None


class FinderEntrance(WireModel):
    """A link to a channel (视频号) and one of its videos."""

    finder_id: str | None = None
    finder_video_id: str | None = None
    finder_video_cover_image_url: str | None = None


class StockDisplay(WireModel):
    """What a coupon looks like."""

    code_display_mode: str | None = None
    background_color: str | None = None
    entrance_mini_program: MiniProgramEntrance | None = None
    entrance_official_account: OfficialAccountEntrance | None = None
    entrance_finder: FinderEntrance | None = None


class NotifyConfig(WireModel):
    """The app whose openids notices carry."""

    notify_appid: str | None = None


class CodeCount(WireModel):
    """Codes there are."""

    total_count: int | None = None
    available_count: int | None = None


class SentCount(WireModel):
    """Coupons sent."""

    total_count: int | None = None
    today_count: int | None = None


class StockBundleInfo(WireModel):
    """The bundle a stock belongs to, and its place there."""

    stock_bundle_id: str
    stock_bundle_index: int | None = None


class Stock(WireModel):
    """A stock of a product coupon (商品券批次)."""

    product_coupon_id: str | None = None
    stock_id: str
    brand_id: str | None = None
    remark: str | None = None
    coupon_code_mode: CouponCodeMode | None = None
    coupon_code_count_info: CodeCount | None = None
    stock_send_rule: SendRule | None = None
    single_usage_rule: SingleUsageRule | None = None
    sequential_usage_rule: SequentialUsageRule | None = None
    progressive_bundle_usage_rule: SingleUsageRule | None = None
    stock_bundle_info: StockBundleInfo | None = None
    usage_rule_display_info: UsageRuleDisplay | None = None
    coupon_display_info: StockDisplay | None = None
    notify_config: NotifyConfig | None = None
    store_scope: StoreScope | None = None
    sent_count_info: SentCount | None = None
    state: StockState
    deactivate_request_no: str | None = None
    deactivate_time: Rfc3339 | None = None
    deactivate_reason: str | None = None


# What a customer holds


class OrderReference(WireModel):
    """A payment order: `transaction_id`, or `out_trade_no` with its `mchid`."""

    transaction_id: str | None = None
    out_trade_no: str | None = None
    mchid: str | None = None
    sub_mchid: str | None = None

    @model_validator(mode="after")
    def _names_an_order(self, info: ValidationInfo) -> Self:
        if info.context == OUTGOING and not (self.transaction_id or (self.out_trade_no and self.mchid)):
            raise ValueError("transaction_id, or out_trade_no with mchid, is needed")
        return self


class PayScoreOrderReference(WireModel):
    """A pay-score order (支付分): `order_id`, or `out_order_no` with its `mchid`."""

    order_id: str | None = None
    out_order_no: str | None = None
    mchid: str | None = None
    sub_mchid: str | None = None

    @model_validator(mode="after")
    def _names_an_order(self, info: ValidationInfo) -> Self:
        if info.context == OUTGOING and not (self.order_id or (self.out_order_no and self.mchid)):
            raise ValueError("order_id, or out_order_no with mchid, is needed")
        return self


class UsageDetail(WireModel):
    """One use and its return. An unknown outcome is settled here: a number equal to yours means that your call was done."""

    use_request_no: str | None = None
    use_time: Rfc3339 | None = None
    associated_order_info: OrderReference | None = None
    associated_pay_score_order_info: PayScoreOrderReference | None = None
    return_request_no: str | None = None
    return_time: Rfc3339 | None = None


class SequentialUsage(UsageDetail):
    """One of several uses."""

    detail_state: UserCouponState | None = None
    valid_begin_time: Rfc3339 | None = None
    valid_end_time: Rfc3339 | None = None
    delete_time: Rfc3339 | None = None


class SequentialUsageDetail(WireModel):
    """Several uses of one coupon, the older form."""

    total_count: int | None = None
    used_count: int | None = None
    detail_item_list: tuple[SequentialUsage, ...] = ()


class UserCouponBundle(WireModel):
    """The bundle a coupon belongs to, and its place there."""

    user_coupon_bundle_id: str
    user_coupon_bundle_index: int | None = None
    total_count: int | None = None
    used_count: int | None = None


class MemberTag(WireModel):
    """A member card."""

    member_card_id: str


class CouponTagInfo(WireModel):
    """Labels of a customer's coupon, such as MEMBER."""

    coupon_tag_list: tuple[str, ...] = ()
    member_tag_info: MemberTag | None = None


class UserCoupon(WireModel):
    """A coupon that a customer holds (用户商品券)."""

    brand_id: str | None = None
    coupon_code: str
    coupon_state: UserCouponState
    valid_begin_time: Rfc3339 | None = None
    valid_end_time: Rfc3339 | None = None
    receive_time: Rfc3339 | None = None
    send_request_no: str | None = None
    send_channel: SendChannel | None = None
    confirm_request_no: str | None = None
    confirm_time: Rfc3339 | None = None
    deactivate_request_no: str | None = None
    deactivate_time: Rfc3339 | None = None
    deactivate_reason: str | None = None
    single_usage_detail: UsageDetail | None = None
    sequential_usage_detail: SequentialUsageDetail | None = None
    progressive_bundle_usage_detail: UsageDetail | None = None
    user_product_coupon_bundle_info: UserCouponBundle | None = None
    product_coupon: ProductCoupon | None = None
    stock: Stock | None = None
    attach: str | None = None
    channel_custom_info: str | None = None
    coupon_tag_info: CouponTagInfo | None = None


class UserCouponPage(WireModel):
    """A page of a customer's coupons."""

    user_coupon_list: tuple[UserCoupon, ...] = ()
    next_page_token: str | None = None
    total_count: int | None = None
    """On the first page only."""

    def items(self) -> Sequence[UserCoupon]:
        """The coupons of this page."""
        return self.user_coupon_list

    def next_page(self, arguments: Mapping[str, Any]) -> Mapping[str, Any] | None:  # noqa: ARG002 -- part of the page protocol
        """Where the next page begins."""
        return {"page_token": self.next_page_token} if self.next_page_token else None
