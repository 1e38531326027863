"""Handing customers and groups over: from members who stay (在职继承), and from members who have left (离职继承).

A transfer is asked for, not done: ask `results` what became of it, or wait for the events. Tags and remarks do not move completely:
read a customer again once they have moved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial, update_wrapper
from typing import Annotated, Concatenate, Final, ParamSpec, TypeAlias, TypeVar

from pydantic import Field

from ..core.call import Call, Flow, Pages
from ..core.endpoint import POST, FlowMethod, flow, paged
from ..core.errors import InputError, NotFound, SiyuError
from ..core.model import MaxChars, MaxItems, NotEmpty
from .common import SKEW, chunks, clock_of
from .customers import Customers
from .resource import M, WeComResource
from .transfer_models import (
    BEGUN_BEFORE,
    TAKES,
    FailedGroup,
    GroupsHandedOver,
    GroupsTransferred,
    GroupTransferCode,
    TransferCode,
    TransferOutcome,
    TransferPlan,
    TransferredCustomer,
    TransferResult,
    TransferResultPage,
    TransferRun,
    TransferStarted,
    TransferStatus,
    UnassignedPage,
)

P = ParamSpec("P")
T = TypeVar("T")

A_CALL: Final = 100

Results: TypeAlias = Callable[..., Pages[TransferResult]]
"""Lists the transfers between two members; each kind of transfer has its own."""


def _outcome(
    results: Results,
    external_userid: Sequence[str] | None = None,
    *,
    handover_userid: str,
    takeover_userid: str,
    started_at: datetime | None = None,
) -> Flow[TransferOutcome]:
    """Ask how far a transfer is, for these customers or for all between the two (查询客户接替状态).

    `started_at` leaves out transfers of earlier times, and tells when those who wait will have moved. Ask 24 hours after it.
    """
    found = dict[str, TransferResult]()
    for row in (yield from results(handover_userid=handover_userid, takeover_userid=takeover_userid)):
        if started_at and row.status == TransferStatus.DONE and row.takeover_time and row.takeover_time < started_at - SKEW:
            continue  # an earlier transfer between the same two
        if row.external_userid not in found or row.status == TransferStatus.WAITING:
            found[row.external_userid] = row
    if external_userid is not None:
        unknown = TransferStatus.NO_RECORD
        found = {key: found.get(key) or TransferResult(external_userid=key, status=unknown) for key in dict.fromkeys(external_userid)}
    return TransferOutcome(tuple(found.values()), started_at + TAKES if started_at else None)


def _of(results: Results, function: Callable[Concatenate[Results, P], Flow[T]]) -> FlowMethod[P, T]:
    """A helper that both kinds of transfer have, made out of a function that takes the list of the one kind."""

    def helper(_self: object, /, *args: P.args, **kwargs: P.kwargs) -> Flow[T]:
        return function(results, *args, **kwargs)

    update_wrapper(helper, function)
    helper.__name__ = helper.__qualname__ = function.__name__.lstrip("_")
    return flow(helper)


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

    # What takes several calls

    @flow
    def plan(self, external_userid: Sequence[str] | None = None, *, handover_userid: str, takeover_userid: str) -> Flow[TransferPlan]:
        """Look who of these customers (all of the giver's, if left out) can be handed over (分配在职成员的客户).

        Nothing is asked for yet. Who does not belong to the giver, or is on the way to this taker, is `blocked`. How often somebody was
        handed over in the last 90 calendar days the platform tells only when it is asked (40128). Raises InputError where the taker may
        not have customers.
        """
        yield from _may_take(handover_userid, takeover_userid)
        try:
            theirs = (yield from Customers.list(handover_userid)).external_userid
        except NotFound:
            theirs = ()
        return (yield from _planned(external_userid, theirs, OnjobTransfer.results, handover_userid, takeover_userid))

    @flow
    def start(self, plan: TransferPlan, *, transfer_success_msg: str | None = None) -> Flow[TransferRun]:
        """Ask for what was planned, in calls of 100 customers (分配在职成员的客户).

        The customers are told and may refuse; after 24 hours without a word they have moved. A call whose answer was lost is asked for
        again, which starts nothing twice: the platform says of each customer who is on the way already. Store what it gives, or at
        least its `started_at`, and ask for the `outcome` a day later.
        """
        customers = partial(OnjobTransfer.customers, transfer_success_msg=transfer_success_msg)
        return (yield from _started(plan, customers, OnjobTransfer.results, clock_of(self).now()))

    outcome = _of(results, _outcome)

    @flow
    def hand_over_groups(self, chat_id_list: Sequence[str], *, new_owner: str) -> Flow[GroupsHandedOver]:
        """Hand any number of groups over to a new owner, 100 in a call (分配在职成员的客户群).

        A group may be handed over twice in 90 calendar days. A call whose answer was lost is repeated: that the owner is the same now
        (90504) means that it had arrived.
        """
        return (yield from _groups_handed_over(chat_id_list, lambda some: OnjobTransfer.groups(some, new_owner=new_owner)))


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

    # What takes several calls

    @flow
    def plan(self, external_userid: Sequence[str] | None = None, *, handover_userid: str, takeover_userid: str) -> Flow[TransferPlan]:
        """Look who of these customers (all that wait for somebody, if left out) can be handed over (分配离职成员的客户).

        Nothing is asked for yet. Who is not in the list of the giver's unassigned customers, or is on the way to this taker, is `blocked`.
        Raises InputError where the taker may not have customers, or the giver has not left. The list of unassigned customers is the
        company's: it is read whole.
        """
        members = yield from _may_take(handover_userid, takeover_userid)
        if handover_userid in members:
            raise InputError(
                f"handover_userid: {handover_userid!r} has not left the company; that is a case for onjob_transfer", "handover_userid"
            )
        waiting = yield from ResignedTransfer.all_unassigned()
        theirs = tuple(row.external_userid for row in waiting if row.handover_userid == handover_userid)
        return (yield from _planned(external_userid, theirs, ResignedTransfer.results, handover_userid, takeover_userid))

    @flow
    def start(self, plan: TransferPlan) -> Flow[TransferRun]:
        """Ask for what was planned, in calls of 100 customers (分配离职成员的客户).

        The customers are told and may refuse; after 24 hours without a word they have moved. A call whose answer was lost is asked for
        again, which starts nothing twice: the platform says of each customer who is on the way already. Store what it gives, or at
        least its `started_at`, and ask for the `outcome` a day later.
        """
        return (yield from _started(plan, ResignedTransfer.customers, ResignedTransfer.results, clock_of(self).now()))

    outcome = _of(results, _outcome)

    @flow
    def hand_over_groups(self, chat_id_list: Sequence[str], *, new_owner: str) -> Flow[GroupsHandedOver]:
        """Hand any number of groups whose owner has left over to a new one, 100 in a call (分配离职成员的客户群).

        The new owner takes 300 groups a day. Those that had been handed over before (90508) count as done, so repeating it is harmless.
        """
        return (yield from _groups_handed_over(chat_id_list, lambda some: ResignedTransfer.groups(some, new_owner=new_owner)))


# Both kinds


def _may_take(giver: str, taker: str) -> Flow[tuple[str, ...]]:
    """The members who may have customers, the taker among them."""
    if giver == taker:
        raise InputError("takeover_userid: giver and taker are the same member", "takeover_userid")
    members = (yield from Customers.follow_users()).follow_user
    if taker not in members:
        raise InputError(f"takeover_userid: {taker!r} may not have customers: switch 客户联系 on for them", "takeover_userid")
    return members


def _planned(asked: Sequence[str] | None, theirs: Sequence[str], results: Results, giver: str, taker: str) -> Flow[TransferPlan]:
    listed = yield from results(handover_userid=giver, takeover_userid=taker)
    running = {row.external_userid for row in listed if row.status == TransferStatus.WAITING}
    owned = frozenset(theirs)
    reasons = dict[str, TransferCode | None]()
    for key in theirs if asked is None else asked:
        reasons[key] = TransferCode.ALREADY_RUNNING if key in running else None if key in owned else TransferCode.NOT_FOLLOWED_BY_GIVER
    blocked = tuple(TransferredCustomer(external_userid=key, errcode=code) for key, code in reasons.items() if code is not None)
    return TransferPlan(giver, taker, tuple(key for key, code in reasons.items() if code is None), blocked)


def _started(plan: TransferPlan, customers: Callable[..., Call[TransferStarted]], results: Results, now: datetime) -> Flow[TransferRun]:
    pair = {"handover_userid": plan.handover_userid, "takeover_userid": plan.takeover_userid}
    started, blocked, in_doubt = list[str](), list(plan.blocked), list[str]()
    failed = dict[str, Exception]()
    calls = [customers(some, **pair) for some in chunks(plan.ready, A_CALL)]  # all are made before the first is sent: bad input stops all
    for number, call in enumerate(calls):
        some: Sequence[str] = call.arguments["external_userid"]
        try:
            rows = (yield from call).customer
        except SiyuError as error:
            if not error.may_have_arrived:
                if not number:
                    raise  # nothing has begun, and what is wrong is most likely wrong for everybody
                failed |= dict.fromkeys(some, error)
                continue
            rows = yield from _asked_again(call, results(**pair))
        told = {row.external_userid for row in rows}
        started += [row.external_userid for row in rows if row.errcode == TransferCode.STARTED]
        blocked += [row for row in rows if row.errcode != TransferCode.STARTED]
        in_doubt += [key for key in some if key not in told]
    return TransferRun(plan.handover_userid, plan.takeover_userid, now, tuple(started), tuple(blocked), failed, tuple(in_doubt))


def _asked_again(call: Call[TransferStarted], results: Pages[TransferResult]) -> Flow[tuple[TransferredCustomer, ...]]:
    """Repeat a call whose answer was lost. The plan found nobody of them on the way between these two: who is so now has begun with it."""
    customers: Sequence[str] = call.arguments["external_userid"]
    told, running, known = dict[str, TransferredCustomer](), frozenset[str](), False
    with suppress(SiyuError):
        told = {row.external_userid: row for row in (yield from call).customer}
    with suppress(SiyuError):
        running = frozenset(row.external_userid for row in (yield from results) if row.status == TransferStatus.WAITING)
        known = True
    for key in customers:
        if key in running:
            told[key] = TransferredCustomer(external_userid=key, errcode=TransferCode.STARTED)
        elif not known and key in told and told[key].errcode in BEGUN_BEFORE:
            del told[key]  # on the way, but to whom?
    return tuple(told.values())


def _groups_handed_over(chat_ids: Sequence[str], ask: Callable[[Sequence[str]], Call[GroupsTransferred]]) -> Flow[GroupsHandedOver]:
    if not chat_ids:
        raise InputError("chat_id_list: name at least one group", "chat_id_list")
    done, blocked, failed = list[str](), list[FailedGroup](), dict[str, Exception]()
    calls = [ask(some) for some in chunks(tuple(dict.fromkeys(chat_ids)), A_CALL)]
    for number, call in enumerate(calls):
        groups: Sequence[str] = call.arguments["chat_id_list"]
        as_done = {GroupTransferCode.ALREADY_DONE}
        try:
            try:
                rows = (yield from call).failed_chat_list
            except SiyuError as error:
                if not error.may_have_arrived:
                    raise
                as_done.add(GroupTransferCode.SAME_OWNER)  # as the lost call made it
                rows = (yield from call).failed_chat_list
        except SiyuError as error:
            if not number and not error.may_have_arrived:
                raise
            failed |= dict.fromkeys(groups, error)
            continue
        stay = {row.chat_id: row for row in rows if row.errcode not in as_done}
        blocked += stay.values()
        done += [chat_id for chat_id in groups if chat_id not in stay]
    return GroupsHandedOver(tuple(done), tuple(blocked), failed)
