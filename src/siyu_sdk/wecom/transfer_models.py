"""What handing over tells and gives: reasons, states, and the values that plans, starts and outcomes are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from attrs import field, frozen

from ..core.model import OpenIntEnum, Reply, Timestamp, WireModel
from .common import ItemResult
from .resource import CursorReply

TAKES: Final = timedelta(hours=24)
"""A transfer that the customer does not refuse completes itself after so long."""


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


BEGUN_BEFORE: Final = frozenset({TransferCode.ALREADY_RUNNING, TransferCode.ALREADY_BEING_MOVED})


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


# What flows give


@frozen
class TransferPlan:
    """Which customers can be handed over, as far as can be known before: nothing has been asked for yet."""

    handover_userid: str
    takeover_userid: str
    ready: tuple[str, ...] = field(repr=False)
    blocked: tuple[TransferredCustomer, ...] = field(repr=False)
    """Who will not be asked for, and why (`errcode`, `error`): not the giver's, or on the way already."""


@frozen
class TransferRun:
    """What became of asking for a transfer. Begun is not done: see `outcome`."""

    handover_userid: str
    takeover_userid: str
    started_at: datetime
    started: tuple[str, ...] = field(repr=False)
    blocked: tuple[TransferredCustomer, ...] = field(repr=False)
    """Whom the plan left out or the platform refused, and why (`errcode`, `error`)."""
    failed: Mapping[str, Exception] = field(repr=False)
    """Customers of calls that failed as a whole: for them nothing has begun, and `start` with a new plan may take them up."""
    in_doubt: tuple[str, ...] = field(repr=False)
    """Nobody knows whether theirs has begun: plan anew in a while, which asks the platform."""

    @property
    def completes_at(self) -> datetime:
        """When the last of them is done, unless its customer refuses: 24 hours after the start."""
        return self.started_at + TAKES


@frozen
class TransferOutcome:
    """How far a transfer is, customer by customer."""

    rows: tuple[TransferResult, ...] = field(repr=False)
    completes_at: datetime | None = None
    """When those who wait will have moved, unless they refuse. None if the start is not known."""

    def _with(self, *statuses: TransferStatus) -> tuple[str, ...]:
        return tuple(row.external_userid for row in self.rows if row.status in statuses)

    @property
    def done(self) -> tuple[str, ...]:
        """Who has moved. Tags and remarks do not move completely: read them again."""
        return self._with(TransferStatus.DONE)

    @property
    def waiting(self) -> tuple[str, ...]:
        """Who was told and may still refuse: a transfer completes itself after 24 hours without a word."""
        return self._with(TransferStatus.WAITING)

    @property
    def refused(self) -> tuple[str, ...]:
        """Who does not want to move, and stays with the giver."""
        return self._with(TransferStatus.REFUSED)

    @property
    def taker_full(self) -> tuple[str, ...]:
        """Whom the taker has no room for."""
        return self._with(TransferStatus.TAKER_FULL)

    @property
    def to_reroute(self) -> tuple[str, ...]:
        """Who needs another taker: refused or without room. Each customer may be handed over twice in 90 calendar days."""
        return self._with(TransferStatus.REFUSED, TransferStatus.TAKER_FULL)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Of whom the platform has no record: ask again, or plan anew."""
        return self._with(TransferStatus.NO_RECORD)

    @property
    def settled(self) -> bool:
        """Whether nobody waits any more: asking again brings nothing new."""
        return not self.waiting


@frozen
class GroupsHandedOver:
    """What became of handing groups over."""

    done: tuple[str, ...] = field(repr=False)
    """Those that were handed over before (90508) are among them."""
    blocked: tuple[FailedGroup, ...] = field(repr=False)
    """Which stay, and why (`errcode`, `error`)."""
    failed: Mapping[str, Exception] = field(repr=False)
    """Groups of calls that failed as a whole, such as beyond the 300 that one owner takes a day. Repeating it for them is harmless."""
