"""Product coupons of a brand, by its partner (商品券, 服务商).

WeChat Pay never redeems a product coupon by itself: it keeps a state, and the merchant's own till says when a coupon is used or
returned. Each coupon that a customer receives, through whatever channel, has to be confirmed before it can be used.
Every call names the brand; the brand must have authorised the partner, else each call raises PermissionDenied (268579803).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from ..core.call import Call
from ..core.endpoint import GET, POST, paged
from ..core.errors import InputError
from ..core.model import Checked, MaxChars, NotEmpty, OrDict, Rfc3339
from .product_coupon_models import (
    CouponTagInfo,
    OrderReference,
    PayScoreOrderReference,
    ProductCoupon,
    Stock,
    UserCoupon,
    UserCouponPage,
    UserCouponState,
)
from .resource import SIGNED, M, PayResource


def _number(shortest: int, longest: int) -> Any:
    allowed = re.compile(rf"[0-9A-Za-z_-]{{{shortest},{longest}}}")

    def check(value: str) -> str:
        if not allowed.fullmatch(value):
            raise ValueError(f"{shortest} to {longest} characters out of 0-9 A-Z a-z _ - are allowed, got {len(value)}: {value[:60]!r}")
        return value

    return Checked(check)


SendRequestNo = Annotated[str, _number(6, 128)]
"""The number of a send, unique within the brand: 6 to 128 characters out of `0-9A-Za-z_-`. The same number never sends twice."""
OutRequestNo = Annotated[str, _number(6, 40)]
"""The number of a confirm, use, return or deactivation, unique within the brand: 6 to 40 characters out of `0-9A-Za-z_-`."""
CouponCode = Annotated[str, _number(1, 40)]


def _one_order(arguments: Mapping[str, Any]) -> None:
    if len({"associated_order_info", "associated_pay_score_order_info"} & arguments.keys()) != 1:
        raise InputError("exactly one of associated_order_info and associated_pay_score_order_info is needed", "associated_order_info")


class ProductCoupons(PayResource[M]):
    """Product coupons (商品券). The calls on what customers hold may come 500 times a second, those on coupons and stocks 20 times."""

    @GET("/v3/marketing/partner/product-coupon/product-coupons/{product_coupon_id}", docs=4015781284, auth=SIGNED)
    def get_product_coupon(self, product_coupon_id: str, *, brand_id: str) -> Call[ProductCoupon]:
        """Fetch a product coupon (查询商品券).

        Raises NotFound (268578608) for one that another partner has created.
        """
        ...

    @GET("/v3/marketing/partner/product-coupon/product-coupons/{product_coupon_id}/stocks/{stock_id}", docs=4015781542, auth=SIGNED)
    def get_stock(self, product_coupon_id: str, stock_id: str, *, brand_id: str) -> Call[Stock]:
        """Fetch a stock, with what may be and has been sent (查询商品券批次). Only a stock in SENDING can be issued."""
        ...

    @POST("/v3/marketing/partner/product-coupon/users/{openid}/coupons", docs=4015781605, auth=SIGNED, idempotent=True)
    def send(
        self,
        openid: str,
        *,
        brand_id: str,
        product_coupon_id: str,
        stock_id: str,
        appid: str,
        send_request_no: SendRequestNo,
        coupon_code: CouponCode | None = None,
        attach: Annotated[str, MaxChars(150)] | None = None,
        coupon_tag_info: OrDict[CouponTagInfo] | None = None,
    ) -> Call[UserCoupon]:
        """Send a coupon to a customer; it comes as CONFIRMING, and cannot be used before `confirm` (向用户发放商品券).

        Safe to repeat, because `send_request_no` names it: the same number with the same data gives the same coupon. Write the number
        down before the first try, and keep it: another number may send another coupon. `openid` is that of `appid`. `coupon_code`
        (at most 40 characters) is needed in code mode API_ASSIGN and refused in all others; `attach` comes back in the notice.
        Raises Conflict (268577984: the stock is not SENDING; 268578927: the number was used with other data; 272755200: another number
        is under way for this customer) and QuotaExceeded (272756740: the customer has as many as one may have).
        """
        ...

    @GET("/v3/marketing/partner/product-coupon/users/{openid}/coupons", docs=4015781590, auth=SIGNED)
    def list(
        self,
        openid: str,
        *,
        brand_id: str,
        appid: str,
        product_coupon_id: str | None = None,
        stock_id: str | None = None,
        coupon_state: UserCouponState | None = None,
        page_size: Annotated[int, Field(ge=1, le=50)] | None = None,
        page_token: str | None = None,
    ) -> Call[UserCouponPage]:
        """List coupons that a customer holds, 20 a page or up to 50 (查询用户商品券列表).

        This settles an unknown `send` without knowing the code: look for your `send_request_no`.
        """
        ...

    @paged
    def all(
        self,
        openid: str,
        *,
        brand_id: str,
        appid: str,
        product_coupon_id: str | None = None,
        stock_id: str | None = None,
        coupon_state: UserCouponState | None = None,
        page_size: int = 50,
    ) -> Call[UserCouponPage]:
        """Every coupon that a customer holds, page after page (查询用户商品券列表)."""
        return ProductCoupons.list(
            openid,
            brand_id=brand_id,
            appid=appid,
            product_coupon_id=product_coupon_id,
            stock_id=stock_id,
            coupon_state=coupon_state,
            page_size=page_size,
        )

    @GET("/v3/marketing/partner/product-coupon/users/{openid}/coupons/{coupon_code}", docs=4015781582, auth=SIGNED)
    def get(self, openid: str, coupon_code: str, *, brand_id: str, product_coupon_id: str, stock_id: str, appid: str) -> Call[UserCoupon]:
        """Fetch one coupon of a customer (查询用户商品券详情).

        This settles an unknown `confirm`, `use`, `return_` or `deactivate`: the request number in the reply is yours, or it was not done.
        Raises NotFound (268578851).
        """
        ...

    @POST(
        "/v3/marketing/partner/product-coupon/users/{openid}/coupons/{coupon_code}/confirm", docs=4015781575, auth=SIGNED, idempotent=True
    )
    def confirm(
        self,
        openid: str,
        coupon_code: str,
        *,
        brand_id: str,
        product_coupon_id: str,
        stock_id: str,
        appid: str,
        out_request_no: OutRequestNo,
    ) -> Call[UserCoupon]:
        """Confirm that a customer has received a coupon, which makes it usable (确认发放用户商品券).

        Do it for each notice of a received coupon, from any channel, as soon as it is stored: the validity runs already.
        Safe to repeat with the same `out_request_no`.
        """
        ...

    @POST(
        "/v3/marketing/partner/product-coupon/users/{openid}/coupons/{coupon_code}/use",
        docs=4015781608,
        auth=SIGNED,
        idempotent=True,
        check=_one_order,
    )
    def use(
        self,
        openid: str,
        coupon_code: str,
        *,
        brand_id: str,
        product_coupon_id: str,
        stock_id: str,
        appid: str,
        out_request_no: OutRequestNo,
        use_time: Rfc3339,
        associated_order_info: OrDict[OrderReference] | None = None,
        associated_pay_score_order_info: OrDict[PayScoreOrderReference] | None = None,
        sequential_coupon_index: int | None = None,
        store_id: str | None = None,
    ) -> Call[UserCoupon]:
        """Say that a coupon was used for an order (核销用户商品券).

        Name exactly one order: `associated_order_info` or `associated_pay_score_order_info`. Keep one `out_request_no` for one coupon and
        order, and send one at a time for a coupon: safe to repeat with that number. `sequential_coupon_index` counts from 0, for
        SEQUENTIAL coupons. Raises Conflict (272756745: used by another number; 272756746: another use is under way, wait 1 to 2 s;
        268578367: not confirmed yet; 268578776, 272756790: expired; 272756769: the customer has deleted it).
        """
        ...

    @POST("/v3/marketing/partner/product-coupon/users/{openid}/coupons/{coupon_code}/return", docs=4015781599, auth=SIGNED, idempotent=True)
    def return_(
        self,
        openid: str,
        coupon_code: str,
        *,
        brand_id: str,
        product_coupon_id: str,
        stock_id: str,
        appid: str,
        out_request_no: OutRequestNo,
        sequential_coupon_index: int | None = None,
    ) -> Call[UserCoupon]:
        """Give a used coupon back, after a refund of its order (退券).

        Only from USED; of a bundle, only the latest use. Safe to repeat with the same `out_request_no`.
        """
        ...

    @POST(
        "/v3/marketing/partner/product-coupon/users/{openid}/coupons/{coupon_code}/deactivate",
        docs=4015781578,
        auth=SIGNED,
        idempotent=True,
    )
    def deactivate(
        self,
        openid: str,
        coupon_code: str,
        *,
        brand_id: str,
        product_coupon_id: str,
        stock_id: str,
        appid: str,
        out_request_no: OutRequestNo,
        deactivate_reason: Annotated[str, MaxChars(150), NotEmpty],
    ) -> Call[UserCoupon]:
        """Withdraw a coupon that a customer holds; final (失效用户商品券).

        `deactivate_reason` has 1 to 150 characters. Safe to repeat with the same `out_request_no`.
        """
        ...
