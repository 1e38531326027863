"""Payments that members take from customers (对外收款). All sums are fen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from ..core.call import Call
from ..core.endpoint import POST, paged
from ..core.model import OpenIntEnum, OrDict, Reply, Timestamp, WireModel
from .common import within
from .resource import CursorReply, M, WeComResource


class BillType(OpenIntEnum):
    """What a row of the list is (交易类型)."""

    PAYMENT = 0
    REFUND = 1


class TradeState(OpenIntEnum):
    """How far a payment is (交易状态)."""

    DONE = 1
    DONE_WITH_REFUND = 3


class PaymentType(OpenIntEnum):
    """How it was paid (收款方式)."""

    CHAT = 0
    QR_CODE = 1
    LIVE_ROOM = 2
    PRODUCT_ALBUM = 3
    TRANSFER = 4
    MINIPROGRAM = 5


class RefundStatus(OpenIntEnum):
    """How far a refund is (退款状态)."""

    APPLIED = 0
    PROCESSING = 1
    SUCCESS = 2
    CLOSED = 3
    ABNORMAL = 4
    IN_APPROVAL = 5
    APPROVAL_FAILED = 6
    APPROVAL_CANCELLED = 7


class UseScope(WireModel):
    """Who may take payments for a merchant (使用范围)."""

    user: Sequence[str] = ()
    partyid: Sequence[int] = ()
    tagid: Sequence[int] = ()


class MerchantInfo(Reply):
    """A merchant of WeChat Pay, as the company uses it."""

    mch_id: str
    merchant_name: str = ""
    bind_status: int | None = None
    allow_use_scope: UseScope | None = None


class PayerInfo(WireModel):
    """What the payer left, where the member asked for it (联系人信息). Personal data: it does not show in `repr`."""

    name: str | None = Field(None, repr=False)
    phone: str | None = Field(None, repr=False)
    address: str | None = Field(None, repr=False)


class Commodity(WireModel):
    """What was paid for (商品)."""

    description: str = ""
    amount: int | None = None
    """How many."""


class BillRefund(WireModel):
    """A refund of a payment (退款)."""

    out_refund_no: str
    refund_userid: str | None = None
    """The member who refunded."""
    refund_comment: str | None = None
    refund_reqtime: Timestamp | None = None
    refund_status: RefundStatus | None = None
    refund_fee: int | None = None
    """Fen."""


class PaidMiniProgram(WireModel):
    """Where it was paid (小程序)."""

    appid: str
    name: str | None = None


class Bill(WireModel):
    """A payment, or a refund as a row of its own (交易单)."""

    transaction_id: str | None = None
    """WeChat Pay's number."""
    bill_type: BillType | None = None
    trade_state: TradeState | None = None
    pay_time: Timestamp | None = None
    out_trade_no: str | None = None
    """The merchant's number."""
    out_refund_no: str | None = None
    """Of refunds."""
    external_userid: str | None = None
    """The payer; None where that is nobody's contact."""
    total_fee: int | None = None
    """Fen."""
    payee_userid: str | None = None
    payment_type: PaymentType | None = None
    mch_id: str | None = None
    remark: str | None = None
    commodity_list: tuple[Commodity, ...] = ()
    total_refund_fee: int | None = None
    """Fen, all refunds together."""
    refund_list: tuple[BillRefund, ...] = ()
    payer_info: PayerInfo | None = None
    miniprogram_info: PaidMiniProgram | None = None


class BillPage(CursorReply):
    """A page of payments."""

    bill_list: tuple[Bill, ...] = ()

    def items(self) -> Sequence[Bill]:
        """Give the payments of this page."""
        return self.bill_list


class BillNumber(WireModel):
    """A payment by its number."""

    out_trade_no: str


class PaymentInfo(Reply):
    """The payments that came of one request."""

    bill_list: tuple[BillNumber, ...] = ()


class ExternalPay(WeComResource[M]):
    """Payments that members take from customers (对外收款). Needs an app that may use them, else PermissionDenied."""

    @POST("/cgi-bin/externalpay/addmerchant", docs=93666)
    def add_merchant(self, mch_id: str, *, merchant_name: str) -> Call[Reply]:
        """Bind a merchant of WeChat Pay; its administrator still has to confirm (新建商户号). `merchant_name` is its full legal name."""
        ...

    @POST("/cgi-bin/externalpay/getmerchant", docs=93666, idempotent=True)
    def get_merchant(self, mch_id: str) -> Call[MerchantInfo]:
        """Fetch a merchant, and who may take payments for it (查询商户号详情)."""
        ...

    @POST("/cgi-bin/externalpay/delmerchant", docs=93666)
    def delete_merchant(self, mch_id: str) -> Call[Reply]:
        """Unbind a merchant (删除商户号)."""
        ...

    @POST("/cgi-bin/externalpay/set_mch_use_scope", docs=93666, idempotent=True)
    def set_use_scope(self, mch_id: str, allow_use_scope: OrDict[UseScope]) -> Call[Reply]:
        """Say who may take payments for a merchant; this replaces what was said before (设置商户号使用范围)."""
        ...

    @POST("/cgi-bin/externalpay/get_bill_list", docs=93667, idempotent=True, check=within(31, "begin_time"))
    def list(
        self,
        *,
        begin_time: Timestamp,
        end_time: Timestamp,
        payee_userid: str | None = None,
        cursor: str | None = None,
        limit: Annotated[int, Field(ge=1, le=1000)] | None = None,
    ) -> Call[BillPage]:
        """List payments and refunds of up to a month, of all members or one, one page (获取对外收款记录). `limit` is 1 to 1,000.

        What members outside the app's visible range took is left out, so that pages may be short.
        """
        ...

    @paged
    def all(self, *, begin_time: Timestamp, end_time: Timestamp, payee_userid: str | None = None, limit: int = 1000) -> Call[BillPage]:
        """Every payment and refund, one by one, page after page (获取对外收款记录)."""
        return ExternalPay.list(begin_time=begin_time, end_time=end_time, payee_userid=payee_userid, limit=limit)

    @POST("/cgi-bin/externalpay/get_payment_info", docs=95944, idempotent=True)
    def payment_info(self, payment_id: str) -> Call[PaymentInfo]:
        """List the payments of one request, which this app made by the JS-SDK (获取收款项目的商户单号)."""
        ...
