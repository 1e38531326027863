"""What payments in mini-programs are made of (小程序接入对外收款): applications, orders, refunds. All sums are fen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from ..core.model import OpenStrEnum, OrDict, Reply, Rfc3339, WireModel


class UploadedPicture(Reply):
    """A picture for an application."""

    open_wx_pay_media_id: str


class BusinessLicense(WireModel):
    """The licence of a business (营业执照). Days are `yyyy-MM-dd`; the last may be «长期»."""

    cert_type: int | None = None
    business_license_copy_open_wx_pay_media_id: str
    business_license_number: str
    merchant_name: str
    legal_person: str
    company_address: str | None = None
    business_time_begin_time: str | None = None
    business_time_end_time: str | None = None


class FinanceInstitution(WireModel):
    """The licence of a financial institution (金融机构信息)."""

    finance_type: str
    finance_license_pics_open_wx_pay_media_id: Sequence[str]


class IdCard(WireModel):
    """An identity document (证件信息). Days are `yyyy-MM-dd`; the last may be «长期». Name, number and address do not show in `repr`."""

    id_doc_type: int
    id_card_copy_open_wx_pay_media_id: str
    """The side with the portrait."""
    id_card_national_open_wx_pay_media_id: str | None = None
    """The side with the emblem; documents other than identity cards have none."""
    id_card_name: str = Field(repr=False)
    id_card_number: str = Field(repr=False)
    id_card_address: str | None = Field(None, repr=False)
    id_card_valid_time_begin: str
    id_card_valid_time: str


class ContactPerson(WireModel):
    """Who administers the merchant (超级管理员)."""

    contact_type: str
    """`65` the legal person, `66` somebody else, who needs the letter."""
    contact_info: OrDict[IdCard]
    business_authorization_letter_open_wx_pay_media_id: str | None = None
    mobile_phone: str | None = Field(None, repr=False)
    contact_email: str | None = Field(None, repr=False)


class BankCardSupplement(WireModel):
    """What else proves an account (银行卡补充资料)."""

    settlement_certificate_open_wx_pay_media_id: str | None = None
    relationship_certificate_open_wx_pay_media_id: str | None = None
    other_certificate_open_wx_pay_media_id: Sequence[str] = ()


class BankAccount(WireModel):
    """Where money is paid out to (结算账户)."""

    bank_account_type: int | None = None
    account_bank: str
    account_name: str = Field(repr=False)
    account_number: str = Field(repr=False)
    bank_address_code: str
    bank_name: str | None = None
    bank_card_supplement: OrDict[BankCardSupplement] | None = None


class Pictures(WireModel):
    """Pictures by id (补充材料)."""

    id: Sequence[str]


class Application(Reply):
    """An application that was taken, or what is wrong with it."""

    error_description: str | None = None


class RejectedParameter(WireModel):
    """What was refused (驳回原因)."""

    param_name: str
    reject_reason: str | None = None


class AccountValidation(WireModel):
    """The transfer with which a company proves its account (汇款账户验证信息)."""

    account_name: str | None = Field(None, repr=False)
    account_no: str | None = Field(None, repr=False)
    pay_amount: int | None = None
    """Fen."""
    destination_account_number: str | None = None
    destination_account_name: str | None = None
    destination_account_bank: str | None = None
    remark: str | None = None
    deadline: str | None = None


class ApplicationDetail(WireModel):
    """How far WeChat Pay is with an application (申请单信息)."""

    applyment_state: str | None = None
    applyment_state_desc: str | None = None
    sign_state: str | None = None
    sign_url: str | None = None
    sub_mchid: str | None = None
    """The merchant, once it is there."""
    audit_detail: tuple[RejectedParameter, ...] = ()
    account_validation: AccountValidation | None = None
    legal_validation_url: str | None = None


class ApplicationStatus(Reply):
    """How far an application is."""

    status: ApplicationDetail | None = None
    apply_state: int | None = None
    real_sign_state: int | None = None
    reject_reason: str | None = None


class Amount(WireModel):
    """A sum to pay (订单金额)."""

    total: Annotated[int, Field(ge=1)]
    """Fen."""
    currency: str = "CNY"


class Payer(WireModel):
    """Who pays (支付者)."""

    openid: str
    """Of the user in the mini-program."""


class StoreInfo(WireModel):
    """A shop (门店信息)."""

    id: str
    name: str | None = None
    area_code: str | None = None
    address: str | None = None


class SceneInfo(WireModel):
    """Where it is paid (场景信息)."""

    payer_client_ip: str | None = None
    """Needed for ordering."""
    device_id: str | None = None
    store_info: OrDict[StoreInfo] | None = None


class OrderedGoods(WireModel):
    """Goods of an order (单品)."""

    merchant_goods_id: str
    wechatpay_goods_id: str | None = None
    goods_name: str | None = None
    quantity: int
    unit_price: int
    """Fen."""


class OrderDetail(WireModel):
    """What is paid for (商品信息)."""

    cost_price: int | None = None
    """Fen."""
    invoice_id: str | None = None
    goods_detail: Sequence[OrderedGoods] = ()


class PrepaidOrder(Reply):
    """An order to pay."""

    prepay_id: str
    """For `sign` and `wx.requestPayment`; lives 2 hours."""


class TradeState(OpenStrEnum):
    """How far a payment is (交易状态)."""

    SUCCESS = "SUCCESS"
    REFUND = "REFUND"
    NOTPAY = "NOTPAY"
    CLOSED = "CLOSED"
    REVOKED = "REVOKED"
    USERPAYING = "USERPAYING"
    PAYERROR = "PAYERROR"
    ACCEPT = "ACCEPT"
    """Taken; the money is still to come."""


class PaidAmount(WireModel):
    """A sum that was paid (金额信息)."""

    total: int | None = None
    """Fen."""
    currency: str | None = None
    payer_total: int | None = None
    """Fen: what the customer paid, coupons taken off."""
    payer_currency: str | None = None


class DiscountedGoods(WireModel):
    """Goods that a coupon was for (单品)."""

    goods_id: str
    quantity: int | None = None
    unit_price: int | None = None
    """Fen."""
    discount_amount: int | None = None
    """Fen."""
    goods_remark: str | None = None


class Promotion(WireModel):
    """A coupon that was used (优惠信息)."""

    coupon_id: str
    name: str | None = None
    scope: str | None = None
    type: str | None = None
    amount: int | None = None
    """Fen."""
    stock_id: str | None = None
    wechatpay_contribute: int | None = None
    """Fen, from WeChat Pay."""
    merchant_contribute: int | None = None
    """Fen, from the merchant."""
    other_contribute: int | None = None
    """Fen, from others."""
    currency: str | None = None
    goods_detail: tuple[DiscountedGoods, ...] = ()


class MiniAppOrder(Reply):
    """An order and its payment (订单)."""

    mchid: str
    out_trade_no: str
    transaction_id: str | None = None
    """WeChat Pay's number, once it is paid."""
    trade_type: str | None = None
    trade_state: TradeState | None = None
    trade_state_desc: str | None = None
    bank_type: str | None = None
    attach: str | None = None
    success_time: Rfc3339 | None = None
    payer: Payer | None = None
    amount: PaidAmount | None = None
    scene_info: SceneInfo | None = None
    promotion_detail: tuple[Promotion, ...] = ()


class PaySignature(Reply):
    """A signature for `wx.requestPayment`."""

    pay_sign: str


class RefundAmount(WireModel):
    """A sum to refund (退款金额)."""

    refund: Annotated[int, Field(ge=1)]
    """Fen."""
    total: Annotated[int, Field(ge=1)]
    """Fen: the whole order."""
    currency: str = "CNY"


class RefundedAmount(WireModel):
    """A sum that was refunded (退款金额)."""

    refund: int | None = None
    """Fen."""
    payer_refund: int | None = None
    """Fen: what the customer gets."""
    discount_refund: int | None = None
    """Fen: what goes back to whoever gave the coupon."""
    currency: str | None = None


class RefundedPromotion(WireModel):
    """A coupon that was refunded (优惠退款信息)."""

    promotion_id: str
    scope: str | None = None
    type: str | None = None
    amount: int | None = None
    """Fen."""
    refund_amount: int | None = None
    """Fen."""


class Refund(Reply):
    """A refund that was taken: the money follows later."""

    out_refund_no: str
    amount: RefundedAmount | None = None
    promotion_detail: tuple[RefundedPromotion, ...] = ()


class RefundState(OpenStrEnum):
    """How far a refund is (退款状态)."""

    SUCCESS = "SUCCESS"
    CLOSE = "CLOSE"
    """As the page writes it; WeChat Pay itself has CLOSED."""
    CLOSED = "CLOSED"
    PROCESSING = "PROCESSING"
    ABNORMAL = "ABNORMAL"


class RefundDetail(Refund):
    """A refund and how far it is (退款详情)."""

    refund_id: str | None = None
    transaction_id: str | None = None
    out_trade_no: str | None = None
    channel: str | None = None
    user_received_account: str | None = None
    """Where the money went, in words."""
    success_time: Rfc3339 | None = None
    create_time: Rfc3339 | None = None
    status: RefundState | None = None


class BillDownload(Reply):
    """Where a bill lies."""

    hash_type: str | None = None
    hash_value: str | None = None
    """Of the file as it is when unpacked."""
    download_url: str = Field(repr=False)
    auth: str | None = Field(None, repr=False)
    """The header with which to download it."""
