"""Payments in the company's mini-programs (小程序接入对外收款): opening a merchant, orders, refunds, bills. All sums are fen.

Needs an app that may use 对外收款. `mchid` is a merchant that the company has opened here or bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from ..core.call import Call, File
from ..core.endpoint import POST
from ..core.errors import InputError
from ..core.files import FileLike
from ..core.model import MaxChars, NotEmpty, OrDict, Reply, Rfc3339, Timestamp
from .miniapp_pay_models import (
    Amount,
    Application,
    ApplicationStatus,
    BankAccount,
    BillDownload,
    BusinessLicense,
    ContactPerson,
    FinanceInstitution,
    IdCard,
    MiniAppOrder,
    OrderDetail,
    Payer,
    PaySignature,
    Pictures,
    PrepaidOrder,
    Refund,
    RefundAmount,
    RefundDetail,
    SceneInfo,
    UploadedPicture,
)
from .resource import M, WeComResource

Number = Annotated[str, NotEmpty, MaxChars(32)]
"""A number of your own, of an application or an order."""
RefundNumber = Annotated[str, NotEmpty, MaxChars(64)]


def _whole(arguments: Mapping[str, Any]) -> None:
    amount: RefundAmount = arguments["amount"]
    if amount.refund > amount.total:
        raise InputError(f"amount.refund may be up to amount.total ({amount.total}), got {amount.refund}", "amount.refund")


def _address(arguments: Mapping[str, Any]) -> None:
    if not arguments["scene_info"].payer_client_ip:
        raise InputError("scene_info.payer_client_ip is needed: the address of the customer's device", "scene_info.payer_client_ip")


class MiniAppPay(WeComResource[M]):
    """Payments in the company's mini-programs (小程序接入对外收款)."""

    @POST("/cgi-bin/miniapppay/upload_image", docs=98972, idempotent=True)
    def upload_image(self, media: Annotated[FileLike, File]) -> Call[UploadedPicture]:
        """Upload a picture for an application (提交图片).

        JPG, PNG or BMP, up to 2 MB. Its id lives 30 days, and is of use to this app alone.
        """
        ...

    @POST("/cgi-bin/miniapppay/apply_mch", docs=98973)
    def apply(
        self,
        out_request_no: Number,
        *,
        organization_type: int,
        business_license_info: OrDict[BusinessLicense],
        merchant_short_name: str,
        id_card_info: OrDict[IdCard],
        contact_info: OrDict[ContactPerson],
        account_info: OrDict[BankAccount],
        business_id: int,
        finance_institution_info: OrDict[FinanceInstitution] | None = None,
        owner: bool | None = None,
        ubo_info: OrDict[IdCard] | None = None,
        qualifications: OrDict[Pictures] | None = None,
        business_addition_pics: OrDict[Pictures] | None = None,
        userid: str | None = None,
    ) -> Call[Application]:
        """Apply for a merchant of WeChat Pay (提交创建对外收款账户的申请单).

        `out_request_no` is a number of your own. Pictures come from `upload_image`. `owner` says that the legal person is the one who
        profits; else `ubo_info` says who does. `userid` is the member who may pay out. What is wrong is in the error's `details`.
        """
        ...

    @POST("/cgi-bin/miniapppay/get_applyment_status", docs=98974, idempotent=True)
    def application_status(self, out_request_no: Number) -> Call[ApplicationStatus]:
        """Tell how far an application is, and what has to be signed or proved (查询申请单状态)."""
        ...

    @POST("/cgi-bin/miniapppay/create_order", docs=97322, check=_address)
    def create_order(
        self,
        *,
        appid: str,
        mchid: str,
        out_trade_no: Number,
        description: Annotated[str, NotEmpty, MaxChars(127)],
        amount: OrDict[Amount],
        payer: OrDict[Payer],
        scene_info: OrDict[SceneInfo],
        scenekey: str | None = None,
        time_expire: Rfc3339 | None = None,
        attach: Annotated[str, MaxChars(128)] | None = None,
        goods_tag: Annotated[str, MaxChars(32)] | None = None,
        detail: OrDict[OrderDetail] | None = None,
    ) -> Call[PrepaidOrder]:
        """Make an order that a customer pays in a mini-program (小程序下单).

        `amount.total` is fen. An `out_trade_no` is one order of the merchant: after OutcomeUnknown repeat the call with that number, never
        with a new one. `attach` comes back with the order, `scenekey` counts it for the member who sent the mini-program.
        """
        ...

    @POST("/cgi-bin/miniapppay/get_order", docs=97323, idempotent=True)
    def get_order(self, *, mchid: str, out_trade_no: Number) -> Call[MiniAppOrder]:
        """Fetch an order and its payment (查询订单). Only `trade_state` SUCCESS is paid."""
        ...

    @POST("/cgi-bin/miniapppay/close_order", docs=97324, idempotent=True)
    def close_order(self, *, mchid: str, out_trade_no: Number) -> Call[Reply]:
        """Close an order that is not paid, 5 minutes after it was made at the earliest (关闭订单)."""
        ...

    @POST("/cgi-bin/miniapppay/get_sign", docs=98130, idempotent=True)
    def sign(
        self,
        *,
        appid: str,
        prepay_id: str,
        nonce: Annotated[str, NotEmpty, MaxChars(32)],
        timestamp: Timestamp,
        sign_type: Literal["RSA"] = "RSA",
    ) -> Call[PaySignature]:
        """Sign what `wx.requestPayment` takes (获取支付签名).

        `prepay_id` is up to 2 hours old, `nonce` has up to 32 letters and digits. Give the page the same `nonce` and `timestamp`, the
        latter as text.
        """
        ...

    @POST("/cgi-bin/miniapppay/refund", docs=97333, idempotent=True, check=_whole)
    def refund(
        self,
        *,
        appid: str,
        mchid: str,
        out_trade_no: Number,
        out_refund_no: RefundNumber,
        amount: OrDict[RefundAmount],
        reason: str | None = None,
        funds_account: str | None = None,
    ) -> Call[Refund]:
        """Refund an order, wholly or in part (申请退款).

        All of `amount` is fen. The same `out_refund_no` never refunds twice: after an error repeat it with that number, never a new one. An
        order takes one refund a minute, 50 in all, for a year. The reply only says that it was taken; `get_refund` tells what became of it.
        """
        ...

    @POST("/cgi-bin/miniapppay/get_refund_detail", docs=97352, idempotent=True)
    def get_refund(self, *, mchid: str, out_refund_no: RefundNumber) -> Call[RefundDetail]:
        """Fetch a refund and how far it is (查询退款)."""
        ...

    @POST("/cgi-bin/miniapppay/get_bill", docs=98115, idempotent=True)
    def get_bill(self, *, mchid: str, bill_date: date, bill_type: str | None = None, tar_type: str | None = None) -> Call[BillDownload]:
        """Fetch where the bill of a day lies, up to three months back (交易账单申请).

        `bill_type` is `ALL` (if left out), `SUCCESS` or `REFUND`; `tar_type` `GZIP` packs it. The address lives 30 seconds, and is fetched
        with `auth` as the `Authorization` header.
        """
        ...
