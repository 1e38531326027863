"""What notifications tell, each a type of its own (回调通知)."""

from __future__ import annotations

from typing import ClassVar

from ..core.events import Event
from ..core.model import OpenStrEnum, Rfc3339, WireModel
from .product_coupon_models import SendChannel


class PayEvent(Event):
    """Base of what WeChat Pay tells; registered by `event_type`."""

    platform: ClassVar[str] = "pay"


# 商品券


class CouponReceived(PayEvent):
    """A customer has received a product coupon, through any channel. It has to be confirmed: until then it cannot be used.

    Keep the validity told here: it counts from WeChat's own issue time. Comes every 60 s, up to 11 times, until it is answered.
    """

    coupon_code: str
    product_coupon_id: str
    stock_id: str
    stock_bundle_id: str | None = None
    user_coupon_bundle_id: str | None = None
    """Of a bundle; each of its coupons comes, and is confirmed, alone."""
    openid: str
    unionid: str | None = None
    receive_time: Rfc3339
    send_request_no: str | None = None
    """Yours, if you sent it by API; another channel's number otherwise."""
    send_channel: SendChannel | None = None
    valid_begin_time: Rfc3339
    valid_end_time: Rfc3339
    phone_number: str | None = None
    country_code: str | None = None
    attach: str | None = None
    """What you gave when sending; only for coupons sent by API."""
    channel_custom_info: str | None = None


class ProductCouponReceived(CouponReceived, event="PRODUCT_COUPON_SP.SEND"):
    """A customer has received a product coupon of a brand, as told to its partner (商品券领券)."""

    brand_id: str
    appid: str
    """The app that `openid` belongs to: the stock's `notify_appid`."""


class BrandProductCouponReceived(CouponReceived, event="PRODUCT_COUPON.SEND"):
    """A customer has received a product coupon, as told to the brand itself (商品券领券)."""

    brand_id: str | None = None
    appid: str | None = None


class _ProductCouponChanged(PayEvent):
    coupon_code: str | None = None
    product_coupon_id: str | None = None
    stock_id: str | None = None
    openid: str | None = None


class ProductCouponUsed(_ProductCouponChanged, event="PRODUCT_COUPON.USE"):
    """A product coupon has been used (商品券核销). No official page describes it: use is your own call, so do not wait for this."""


class ProductCouponReturned(_ProductCouponChanged, event="PRODUCT_COUPON.RETURN"):
    """A product coupon has been returned (商品券退券). No official page describes it: return is your own call, so do not wait for this."""


class ImageTaskState(OpenStrEnum):
    """How a picture task ended."""

    SUCCESS = "SUCCESS"
    FAIL = "FAIL"


class GeneratedImage(WireModel):
    """A picture that was made."""

    image_url: str


class ProductCouponImageGenerated(PayEvent, event="PRODUCT_COUPON_SP.IMAGE_GENERATION"):
    """A picture task has ended (商品券图片生成结果)."""

    brand_id: str
    task_id: str
    image_generation_type: str
    task_state: ImageTaskState
    combine_image_result: GeneratedImage | None = None
    cut_out_result: GeneratedImage | None = None
