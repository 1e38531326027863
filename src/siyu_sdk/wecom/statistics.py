"""Statistics (统计管理): what members and groups did, by day. Yesterday's figures may still change until the next morning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta, timezone
from typing import Annotated, Any, Final

from attrs import field, frozen
from pydantic import Field

from ..core.call import Call, Flow, Gather
from ..core.endpoint import POST, flow, paged
from ..core.errors import InputError
from ..core.model import Flag, MaxItems, OpenIntEnum, OrDict, Reply, Timestamp, WireModel
from .common import all_of, clock_of, either, within
from .group_chats import OwnerFilter
from .resource import M, WeComResource

BEIJING: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
"""Where a day begins. Fixed: China has no summer time."""
DAYS_A_CALL: Final = 30
DAYS_BACK: Final = 180
PROVISIONAL: Final = 3
"""Figures of so many days before today may still change: read them again tomorrow."""


class GroupOrder(OpenIntEnum):
    """By what groups' figures are sorted (排序方式)."""

    NEW_CHATS = 1
    CHATS = 2
    NEW_MEMBERS = 3
    MEMBERS = 4


class Behavior(WireModel):
    """What was done on one day (联系客户统计)."""

    stat_time: Timestamp
    """The day, at 0 o'clock in Beijing."""
    chat_cnt: int | None = None
    """Chats with customers, groups apart."""
    message_cnt: int | None = None
    """Messages sent to customers, groups apart."""
    reply_percentage: float | None = None
    """Of the chats that customers began, how many were answered that day: 0 to 100. None on a day without any."""
    avg_reply_time: int | None = None
    """Minutes until the first answer, on average. None on a day without any."""
    negative_feedback_cnt: int | None = None
    """Customers who deleted or blocked a member."""
    new_apply_cnt: int | None = None
    """Requests that members sent to add somebody."""
    new_contact_cnt: int | None = None
    """New customers: who was added by two members counts twice."""


class BehaviorData(Reply):
    """One row for each day."""

    behavior_data: tuple[Behavior, ...] = ()


class GroupFigures(WireModel):
    """What happened in groups (群聊数据统计)."""

    new_chat_cnt: int | None = None
    chat_total: int | None = None
    chat_has_msg: int | None = None
    """Groups in which anybody wrote."""
    new_member_cnt: int | None = None
    member_total: int | None = None
    member_has_msg: int | None = None
    """People who wrote."""
    msg_total: int | None = None
    migrate_trainee_chat_cnt: int | None = None
    """Groups that were moved over; only of companies in education."""


class OwnerFigures(WireModel):
    """The figures of one owner."""

    owner: str
    data: GroupFigures


class OwnerFiguresPage(Reply):
    """A page of owners."""

    owners: tuple[OwnerFigures, ...] = Field((), alias="items")
    total: int | None = None
    next_offset: int | None = None

    def items(self) -> Sequence[OwnerFigures]:
        """Give the owners of this page."""
        return self.owners

    def next_page(self, arguments: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Give the next offset, or None at the end."""
        reached = self.next_offset or 0
        return {"offset": reached} if (arguments.get("offset") or 0) < reached < (self.total or 0) else None


class DayFigures(WireModel):
    """The figures of one day."""

    stat_time: Timestamp
    """The day, at 0 o'clock in Beijing."""
    data: GroupFigures


class DayFiguresList(Reply):
    """One row for each day."""

    items: tuple[DayFigures, ...] = ()


@frozen
class MemberDay:
    """What one member did on one day. Store it by (userid, day), and write it over when it comes again."""

    userid: str
    day: date
    """In Beijing."""
    provisional: bool
    """Of the last three days: the platform may still correct it."""
    chat_cnt: int | None = None
    message_cnt: int | None = None
    reply_percentage: float | None = None
    """None on a day on which no customer began a chat: no zero. Weigh it with the chats before you average it."""
    avg_reply_time: int | None = None
    """Minutes. None as before."""
    negative_feedback_cnt: int | None = None
    new_apply_cnt: int | None = None
    new_contact_cnt: int | None = None


@frozen
class DailyFigures:
    """Rows of members and days."""

    rows: tuple[MemberDay, ...] = field(repr=False)
    failed: Mapping[str, Exception]
    """Members of whom some days at least could not be read, and why."""


_days = within(30, "day_begin_time", "day_end_time")


class Statistics(WeComResource[M]):
    """Statistics (统计管理): whole days, yesterday at the latest and up to 180 days back, at most 30 days in one call.

    Times are rounded down to the day in Beijing.
    """

    @POST(
        "/cgi-bin/externalcontact/get_user_behavior_data",
        docs=92132,
        idempotent=True,
        check=all_of(either("userid", "partyid"), within(30)),
    )
    def behavior(
        self,
        *,
        start_time: Timestamp,
        end_time: Timestamp,
        userid: Annotated[Sequence[str], MaxItems(100)] | None = None,
        partyid: Annotated[Sequence[int], MaxItems(100)] | None = None,
    ) -> Call[BehaviorData]:
        """Tell what members did with customers, day by day (获取「联系客户统计」数据).

        Of several members or departments (up to 100 of each) come the **sums**, which tell nobody apart: ask for one member at a time to
        compare them.
        """
        ...

    @POST("/cgi-bin/externalcontact/groupchat/statistic", docs=92133, idempotent=True, check=_days)
    def groups(
        self,
        *,
        day_begin_time: Timestamp,
        owner_filter: OrDict[OwnerFilter],
        day_end_time: Timestamp | None = None,
        order_by: GroupOrder | None = None,
        order_asc: Flag | None = None,
        offset: Annotated[int, Field(ge=0)] | None = None,
        limit: Annotated[int, Field(ge=1, le=1000)] | None = None,
    ) -> Call[OwnerFiguresPage]:
        """Tell what happened in the groups of up to 100 owners, owner by owner, one page (按群主聚合的方式).

        One day if `day_end_time` is left out. Sorted by new groups, the most first, unless you say otherwise. `limit` is 1 to 1,000 (500 if
        left out).
        """
        ...

    @paged
    def all_groups(
        self,
        *,
        day_begin_time: Timestamp,
        owner_filter: OrDict[OwnerFilter],
        day_end_time: Timestamp | None = None,
        order_by: GroupOrder | None = None,
        order_asc: Flag | None = None,
        limit: int = 1000,
    ) -> Call[OwnerFiguresPage]:
        """Every owner's figures, one by one, page after page (按群主聚合的方式)."""
        return Statistics.groups(
            day_begin_time=day_begin_time,
            day_end_time=day_end_time,
            owner_filter=owner_filter,
            order_by=order_by,
            order_asc=order_asc,
            limit=limit,
        )

    @POST("/cgi-bin/externalcontact/groupchat/statistic_group_by_day", docs=92133, idempotent=True, check=_days)
    def groups_by_day(
        self, *, day_begin_time: Timestamp, owner_filter: OrDict[OwnerFilter], day_end_time: Timestamp | None = None
    ) -> Call[DayFiguresList]:
        """Tell what happened in the groups of up to 100 owners together, day by day (按自然日聚合的方式)."""
        ...

    # What takes several calls

    @flow
    def daily(self, userid: Sequence[str], *, first: date | None = None, last: date | None = None, limit: int = 8) -> Flow[DailyFigures]:
        """Tell what each of these members did, day by day (获取「联系客户统计」数据).

        Every member is asked about alone, for of several the platform gives sums, in spans of 30 days. `last` is yesterday unless said
        otherwise, `first` the day two days earlier: a job that runs every morning corrects what has changed since. The platform keeps 180
        days, and has yesterday's figures from about 6 o'clock in Beijing. Days outside are refused before anything is sent.
        A member who cannot be read is `failed`, and hinders nobody else.
        """
        today = clock_of(self).now().astimezone(BEIJING).date()
        last = last or today - timedelta(days=1)
        first = first or last - timedelta(days=PROVISIONAL - 1)
        _within_memory(first, last, today)
        if isinstance(userid, str) or not userid:
            raise InputError("userid: name members, in a list", "userid")
        spans = tuple(_spans(first, last))
        asked = [(one, span) for one in dict.fromkeys(userid) for span in spans]
        calls = [Statistics.behavior(userid=[one], start_time=_midnight(start), end_time=_midnight(end)) for one, (start, end) in asked]
        replies = yield from Gather(calls, limit=limit)
        rows, failed = list[MemberDay](), dict[str, Exception]()
        for (one, _), reply in zip(asked, replies, strict=True):
            if isinstance(reply, Exception):
                failed.setdefault(one, reply)
            else:
                rows += (_member_day(one, figures, today) for figures in reply.behavior_data)
        return DailyFigures(tuple(rows), failed)


def _within_memory(first: date, last: date, today: date) -> None:
    if last >= today:
        raise InputError(f"last: there are figures up to yesterday, {today - timedelta(days=1)}; got {last}", "last")
    if first > last:
        raise InputError(f"first: {first} is after last, {last}", "first")
    if (today - first).days > DAYS_BACK:
        raise InputError(f"first: the platform keeps {DAYS_BACK} days, back to {today - timedelta(days=DAYS_BACK)}; got {first}", "first")


def _spans(first: date, last: date) -> Iterator[tuple[date, date]]:
    while first <= last:
        end = min(first + timedelta(days=DAYS_A_CALL - 1), last)
        yield first, end
        first = end + timedelta(days=1)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), BEIJING)


def _member_day(userid: str, figures: Behavior, today: date) -> MemberDay:
    day = figures.stat_time.astimezone(BEIJING).date()
    return MemberDay(
        userid,
        day,
        (today - day).days <= PROVISIONAL,
        figures.chat_cnt,
        figures.message_cnt,
        figures.reply_percentage,
        figures.avg_reply_time,
        figures.negative_feedback_cnt,
        figures.new_apply_cnt,
        figures.new_contact_cnt,
    )
