"""Handing customers and groups over: from members who stay (在职继承), and from members who have left (离职继承).

A transfer is asked for, not done: ask `results` what became of it, or wait for the events. Tags and remarks do not move completely:
read a customer again once they have moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from ..core.call import Call
from ..core.endpoint import POST, paged
from ..core.model import MaxChars, MaxItems, NotEmpty, OpenIntEnum, Reply, Timestamp, WireModel
from .common import ItemResult
from .resource import CursorReply, M, WeComResource


class TransferCode(OpenIntEnum):
    """Whether the transfer of one customer has begun, and why not (转接错误码)."""

    STARTED = 0
    UNKNOWN_CUSTOMER = 40096
    GIVER_HAS_NOT_LEFT = 40097
    TAKER_NOT_VERIFIED = 40098
    """The taker has not proved their real name."""
    TAKER_FULL = 40099
    ALREADY_BEING_MOVED = 40100
    TOO_OFTEN = 40128
    """Two transfers of one customer in 90 calendar days are the most."""
    ALREADY_RUNNING = 40129
    SAME_MEMBER = 40130
    NOT_FOLLOWED_BY_GIVER = 40131
    NO_RELATION = 84061


class GroupTransferCode(OpenIntEnum):
    """Why one group was not handed over (转接错误码)."""

    OWNER_HAS_NOT_LEFT = 90500
    NOT_A_CUSTOMER_GROUP = 90501
    OWNER_HAS_LEFT = 90502
    FULL = 90503
    """The group is full of people from WeChat: the client has to confirm."""
    SAME_OWNER = 90504
    RUNNING = 90507
    ALREADY_DONE = 90508
    """Counts as success."""
    NOT_A_WECOM_GROUP = 90509
    COMPANY_INACTIVE = 90510


class TransferStatus(OpenIntEnum):
    """What became of the transfer of one customer (接替状态)."""

    DONE = 1
    WAITING = 2
    REFUSED = 3
    """By the customer."""
    TAKER_FULL = 4
    NO_RECORD = 5


class TransferredCustomer(ItemResult[TransferCode]):
    """Whether the transfer of one customer has begun; `error` has the reason as an error, else None."""

    external_userid: str


class TransferStarted(Reply):
    """What became of each customer that was asked for."""

    customer: tuple[TransferredCustomer, ...] = ()


class TransferResult(WireModel):
    """How far the transfer of one customer is."""

    external_userid: str
    status: TransferStatus | None = None
    takeover_time: Timestamp | None = None
    """When the taker got, or will get, the customer; the platform sends 0 (1970) where that is never."""


class TransferResultPage(CursorReply):
    """A page of transfers."""

    customer: tuple[TransferResult, ...] = ()

    def items(self) -> Sequence[TransferResult]:
        """Give the transfers of this page."""
        return self.customer


class FailedGroup(ItemResult[GroupTransferCode]):
    """A group that was not handed over; `error` has the reason as an error."""

    chat_id: str


class GroupsTransferred(Reply):
    """The groups that were not handed over; all others were."""

    failed_chat_list: tuple[FailedGroup, ...] = ()


class UnassignedCustomer(WireModel):
    """A customer of a member who has left."""

    handover_userid: str
    """The member who has left."""
    external_userid: str
    dimission_time: Timestamp | None = None
    """When they left."""


class UnassignedPage(CursorReply):
    """A page of customers whom nobody looks after."""

    info: tuple[UnassignedCustomer, ...] = ()
    is_last: bool | None = None

    def items(self) -> Sequence[UnassignedCustomer]:
        """Give the customers of this page."""
        return self.info


class OnjobTransfer(WeComResource[M]):
    """From members who stay in the company (在职继承). A third-party app needs the right of that name."""

    @POST("/cgi-bin/externalcontact/transfer_customer", docs=92125)
    def customers(
        self,
        external_userid: Annotated[Sequence[str], NotEmpty, MaxItems(100)],
        *,
        handover_userid: str,
        takeover_userid: str,
        transfer_success_msg: Annotated[str, MaxChars(200)] | None = None,
    ) -> Call[TransferStarted]:
        """Begin to hand up to 100 customers over to another member (分配在职成员的客户).

        `errcode` 0 of a customer means: begun. They are told and may refuse; after 24 hours without a word the transfer completes itself.
        No error is raised for single customers: look at `customer[…].errcode` or `.error`. Each may be handed over twice in 90 calendar
        days (40128). `transfer_success_msg` (200 characters) greets them in the taker's name; the platform has a text of its own.
        """
        ...

    @POST("/cgi-bin/externalcontact/transfer_result", docs=94088, idempotent=True)
    def result(self, *, handover_userid: str, takeover_userid: str, cursor: str | None = None) -> Call[TransferResultPage]:
        """List how far the transfers between two members are, one page of up to 1,000 (查询客户接替状态)."""
        ...

    @paged
    def results(self, *, handover_userid: str, takeover_userid: str) -> Call[TransferResultPage]:
        """Every transfer between two members, one by one, page after page (查询客户接替状态)."""
        return OnjobTransfer.result(handover_userid=handover_userid, takeover_userid=takeover_userid)

    @POST("/cgi-bin/externalcontact/groupchat/onjob_transfer", docs=95703)
    def groups(self, chat_id_list: Annotated[Sequence[str], NotEmpty, MaxItems(100)], *, new_owner: str) -> Call[GroupsTransferred]:
        """Hand up to 100 groups over to a new owner (分配在职成员的客户群).

        The new owner needs 客户联系 and must have used WeCom. A group may be handed over twice in 90 calendar days. No error is raised for
        single groups: look at `failed_chat_list`.
        """
        ...


class ResignedTransfer(WeComResource[M]):
    """From members who have left the company (离职继承). A third-party app needs the right 离职分配."""

    @POST("/cgi-bin/externalcontact/get_unassigned_list", docs=92124, idempotent=True)
    def unassigned(
        self,
        *,
        cursor: str | None = None,
        page_size: Annotated[int, Field(ge=1, le=1000)] | None = None,
        page_id: Annotated[int, Field(ge=0)] | None = None,
    ) -> Call[UnassignedPage]:
        """List the customers of members who have left, one page, the latest first (获取待分配的离职成员列表).

        `page_size` is 1 to 1,000 (1,000 if left out). `page_id` is the old way to turn pages: it ends at 50,000 rows, and gives no cursor.
        """
        ...

    @paged
    def all_unassigned(self, *, page_size: int = 1000) -> Call[UnassignedPage]:
        """Every customer of members who have left, one by one, page after page (获取待分配的离职成员列表)."""
        return ResignedTransfer.unassigned(page_size=page_size)

    @POST("/cgi-bin/externalcontact/resigned/transfer_customer", docs=94081)
    def customers(
        self,
        external_userid: Annotated[Sequence[str], NotEmpty, MaxItems(100)],
        *,
        handover_userid: str,
        takeover_userid: str,
        transfer_success_msg: Annotated[str, MaxChars(200)] | None = None,
    ) -> Call[TransferStarted]:
        """Begin to hand up to 100 customers of a member who has left over to another (分配离职成员的客户).

        `errcode` 0 of a customer means: begun. They may refuse; after 24 hours without a word the transfer completes itself. No error is
        raised for single customers: look at `customer[…].errcode` or `.error`; 40097 means that the giver has not left.
        Do not count on `transfer_success_msg`: the official page knows it for members who stay only.
        """
        ...

    @POST("/cgi-bin/externalcontact/resigned/transfer_result", docs=94082, idempotent=True)
    def result(self, *, handover_userid: str, takeover_userid: str, cursor: str | None = None) -> Call[TransferResultPage]:
        """List how far the transfers between two members are, one page of up to 1,000 (查询客户接替状态)."""
        ...

    @paged
    def results(self, *, handover_userid: str, takeover_userid: str) -> Call[TransferResultPage]:
        """Every transfer between two members, one by one, page after page (查询客户接替状态)."""
        return ResignedTransfer.result(handover_userid=handover_userid, takeover_userid=takeover_userid)

    @POST("/cgi-bin/externalcontact/groupchat/transfer", docs=92127)
    def groups(self, chat_id_list: Annotated[Sequence[str], NotEmpty, MaxItems(100)], *, new_owner: str) -> Call[GroupsTransferred]:
        """Hand up to 100 groups whose owner has left over to a new owner (分配离职成员的客户群).

        The new owner needs 客户联系, must have used WeCom, and takes at most 300 groups a day. No error is raised for single groups: look
        at `failed_chat_list`; 90508 in it means that the group has been handed over before.
        """
        ...
