"""Moments (客户朋友圈): the company writes them, members publish them to their customers.

`create` starts a job; `job` tells the `moment_id` once it is done. Then each member finds a task in WeCom and publishes, later or never:
`tasks` says who did, `customers` who was chosen to see it, `reached` who got it in the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeAlias

from attrs import field, frozen
from pydantic import Field

from ..core.call import Call, Flow, Gather, Sleep
from ..core.endpoint import GET, POST, flow, paged
from ..core.errors import InputError, OutcomeUnknown, SiyuError
from ..core.model import MaxBytes, MaxItems, OpenIntEnum, OrDict, Reply, Timestamp, WireModel
from .common import SKEW, ItemResult, MaxMembers, MemberRange, clock_of, within
from .mass_messages import CreateType, FilterType
from .messages import Content, Envelope, Image, MaxTextChars, Other, Text, UploadedImage, Video
from .resource import CursorReply, M, WeComResource


class VisibleType(OpenIntEnum):
    """Who may see a moment (可见类型)."""

    SOME = 0
    EVERYBODY = 1


class JobStatus(OpenIntEnum):
    """How far the making of a moment is (任务状态)."""

    STARTED = 1
    RUNNING = 2
    DONE = 3


class PublishStatus(OpenIntEnum):
    """What a member did with a moment (发表状态)."""

    UNPUBLISHED = 0
    PUBLISHED = 1


class MomentLink(Content):
    """A card that opens a page, in a moment: its cover is an uploaded file, unlike that of a message's `Link` (图文)."""

    msgtype = "link"
    needs = ("media_id",)

    title: Annotated[str, MaxBytes(128)] | None = None
    url: str
    media_id: str | None = None
    """The cover, from `media.upload_attachment`. Needed for sending."""


class MomentVideo(Video):
    """A video that was published."""

    thumb_media_id: str | None = None
    """Its cover."""


MomentAttachment: TypeAlias = Annotated[UploadedImage | MomentLink | Video | Other, Envelope()]
"""What goes with the text of a moment."""


class CustomerTags(WireModel):
    """Customers with any of these tags of the company; tags of rule groups do not count."""

    tag_list: tuple[str, ...] = ()


class VisibleRange(WireModel):
    """Who publishes a moment, and to whom (发表范围)."""

    sender_list: Annotated[MemberRange, MaxMembers(100_000)] | None = None
    """All members who may have customers if left out."""
    external_contact_list: CustomerTags | None = None
    """All their customers if left out."""


class CreatedJob(Reply):
    """A job that makes a moment; its id lives 24 hours."""

    jobid: str


class JobResult(ItemResult[int]):
    """What a job brought; `error` has the reason of a failure, else None."""

    moment_id: str | None = None
    invalid_sender_list: MemberRange | None = None
    """Members and departments that were left out: unknown, or without 客户联系."""
    invalid_external_contact_list: CustomerTags | None = None
    """Tags that were left out."""


class Job(Reply):
    """How far a job is."""

    status: JobStatus | None = None
    type: str | None = None
    result: JobResult | None = None
    """Only once it is done."""


class Location(WireModel):
    """Where a moment was published."""

    latitude: str | float | None = None
    """Degrees; the platform writes them as text."""
    longitude: str | float | None = None
    name: str | None = None


class Moment(WireModel):
    """A moment that was made (朋友圈)."""

    moment_id: str
    creator: str | None = None
    """None for moments made through the API."""
    create_time: Timestamp | None = None
    create_type: CreateType | None = None
    visible_type: VisibleType | None = None
    text: Text | None = None
    image: tuple[Image, ...] = ()
    video: MomentVideo | None = None
    link: MomentLink | None = None
    location: Location | None = None


class MomentPage(CursorReply):
    """A page of moments."""

    moment_list: tuple[Moment, ...] = ()

    def items(self) -> Sequence[Moment]:
        """Give the moments of this page."""
        return self.moment_list


class MomentTask(WireModel):
    """What a member did with a moment."""

    userid: str
    publish_status: PublishStatus | None = None


class MomentTaskPage(CursorReply):
    """A page of members' tasks."""

    task_list: tuple[MomentTask, ...] = ()

    def items(self) -> Sequence[MomentTask]:
        """Give the tasks of this page."""
        return self.task_list


class MomentCustomer(WireModel):
    """A customer of a moment."""

    external_userid: str
    userid: str | None = None
    """The member who publishes it to them."""


class MomentCustomerPage(CursorReply):
    """A page of customers."""

    customer_list: tuple[MomentCustomer, ...] = ()

    def items(self) -> Sequence[MomentCustomer]:
        """Give the customers of this page."""
        return self.customer_list


class Reaction(WireModel):
    """A comment or a like: of a customer, or of a member."""

    external_userid: str | None = None
    userid: str | None = None
    create_time: Timestamp | None = None


class MomentComments(Reply):
    """Who commented on a moment, and who liked it. What they wrote is not told."""

    comment_list: tuple[Reaction, ...] = ()
    like_list: tuple[Reaction, ...] = ()


# What flows give


@frozen
class Publication:
    """A moment that members were asked to publish, or the job that still makes it."""

    jobid: str
    """Empty where the answer that told it was lost."""
    moment_id: str | None = None
    """None while the job runs: go on with `finish(jobid)`."""
    invalid_senders: MemberRange = field(factory=MemberRange)
    """Members and departments that were left out: unknown, or without 客户联系."""
    invalid_tags: tuple[str, ...] = ()
    """Tags that were left out."""


@frozen
class MemberMoment:
    """What one member did with a moment."""

    userid: str
    published: bool
    reached: tuple[str, ...] = field(default=(), repr=False)
    """Customers who got it."""
    error: Exception | None = None
    """Why the customers could not be read."""


@frozen
class MomentReport:
    """Who published a moment, and whom it reached."""

    moment_id: str
    members: tuple[MemberMoment, ...] = field(repr=False)

    @property
    def published(self) -> tuple[str, ...]:
        """Members who have published it."""
        return tuple(member.userid for member in self.members if member.published)

    @property
    def unpublished(self) -> tuple[str, ...]:
        """Members who have not, yet."""
        return tuple(member.userid for member in self.members if not member.published)

    @property
    def reached(self) -> frozenset[str]:
        """Customers who got it from anybody, each once."""
        return frozenset(customer for member in self.members for customer in member.reached)

    @property
    def failed(self) -> Mapping[str, Exception]:
        """Members whose customers could not be read, and why."""
        return {member.userid: member.error for member in self.members if member.error is not None}


def _publishable(arguments: Mapping[str, Any]) -> None:
    """A content. That the kinds exclude each other is the platform's to say: its own example has all three."""
    text: Text | None = arguments.get("text")
    attachments: Sequence[Content] = arguments.get("attachments") or ()
    if (text is None or not text.content) and not attachments:
        raise InputError("there is nothing to publish: give text, attachments, or both", "text")
    kinds = Counter(content.msgtype for content in attachments)
    for kind in ("video", "link"):
        if kinds[kind] > 1:
            raise InputError(f"attachments: at most 1 {kind} is allowed, got {kinds[kind]}", "attachments")


class Moments(WeComResource[M]):
    """Moments of the company and of its members (客户朋友圈)."""

    @POST("/cgi-bin/externalcontact/add_moment_task", docs=95094, check=_publishable)
    def create(
        self,
        *,
        text: Annotated[OrDict[Text], MaxTextChars(2000)] | None = None,
        attachments: Annotated[Sequence[OrDict[MomentAttachment]], MaxItems(9)] | None = None,
        visible_range: OrDict[VisibleRange] | None = None,
    ) -> Call[CreatedJob]:
        """Ask members to publish a moment (创建发表任务).

        Nothing is published yet: a job makes the moment, then members have to publish it. At least text (2,000 characters) or attachments:
        up to 9 pictures, **or** 1 video, **or** 1 link; a mixture is refused by the platform (InvalidArgument). Their ids come from
        `media.upload_attachment` with `AttachmentType.MOMENT`, and no other ids are taken (41072).
        A range that is left out means everybody; up to 100,000 members. 10 moments a minute; RateLimited (41078) while too many jobs run.
        Repeating it makes a second moment: after OutcomeUnknown look for the moment with `list` first.
        """
        ...

    @GET("/cgi-bin/externalcontact/get_moment_task_result", docs=95094)
    def job(self, jobid: str) -> Call[Job]:
        """Tell how far a job is, and the `moment_id` once it is done (获取任务创建结果). NotFound (40088) after 24 hours."""
        ...

    @POST("/cgi-bin/externalcontact/cancel_moment_task", docs=97612)
    def cancel(self, moment_id: str) -> Call[Reply]:
        """Stop a moment (停止发表企业朋友圈). What members have published stays published."""
        ...

    @POST("/cgi-bin/externalcontact/get_moment_list", docs=93333, idempotent=True, check=within(30))
    def list(
        self,
        *,
        start_time: Timestamp,
        end_time: Timestamp,
        creator: str | None = None,
        filter_type: FilterType | None = None,
        limit: Annotated[int, Field(ge=1, le=20)] | None = None,
        cursor: str | None = None,
    ) -> Call[MomentPage]:
        """List moments made within at most 30 days, one page (获取企业全部的发表列表).

        `filter_type` says whose (all if left out). `limit` is 1 to 20: older copies of the page say 100, but too large a limit falls back
        to the default without a word. The newest page names only apps of the company that may call 客户联系, not its own secret.
        """
        ...

    @paged
    def all(
        self,
        *,
        start_time: Timestamp,
        end_time: Timestamp,
        creator: str | None = None,
        filter_type: FilterType | None = None,
        limit: int = 20,
    ) -> Call[MomentPage]:
        """Every moment made within at most 30 days, one by one, page after page (获取企业全部的发表列表)."""
        return Moments.list(start_time=start_time, end_time=end_time, creator=creator, filter_type=filter_type, limit=limit)

    @POST("/cgi-bin/externalcontact/get_moment_task", docs=93333, idempotent=True)
    def task(
        self, moment_id: str, *, limit: Annotated[int, Field(ge=1, le=1000)] | None = None, cursor: str | None = None
    ) -> Call[MomentTaskPage]:
        """List what members did with a moment of the company, one page (获取客户朋友圈企业发表的列表).

        `limit` is 1 to 1,000 (500 if left out). Raises InvalidArgument (41067) for a moment that a member made, PlatformBusy (41079) while
        it is still handed out.
        """
        ...

    @paged
    def tasks(self, moment_id: str, *, limit: int = 1000) -> Call[MomentTaskPage]:
        """Every member's task, one by one, page after page (获取客户朋友圈企业发表的列表)."""
        return Moments.task(moment_id, limit=limit)

    @POST("/cgi-bin/externalcontact/get_moment_customer_list", docs=93333, idempotent=True)
    def customer(
        self, moment_id: str, userid: str, *, limit: Annotated[int, Field(ge=1, le=1000)] | None = None, cursor: str | None = None
    ) -> Call[MomentCustomerPage]:
        """List the customers who were chosen to see one member's moment, one page (获取客户朋友圈发表时选择的可见范围).

        `limit` is 1 to 1,000 (500 if left out).
        """
        ...

    @paged
    def customers(self, moment_id: str, userid: str, *, limit: int = 1000) -> Call[MomentCustomerPage]:
        """Every customer who was chosen to see one member's moment, page after page (获取客户朋友圈发表时选择的可见范围)."""
        return Moments.customer(moment_id, userid, limit=limit)

    @POST("/cgi-bin/externalcontact/get_moment_send_result", docs=93333, idempotent=True)
    def result(
        self, moment_id: str, userid: str, *, limit: Annotated[int, Field(ge=1, le=5000)] | None = None, cursor: str | None = None
    ) -> Call[MomentCustomerPage]:
        """List the customers whom one member's moment reached, one page (获取客户朋友圈发表后的可见客户列表).

        `limit` is 1 to 5,000 (3,000 if left out). Raises Conflict (41062) where the member has not published it yet.
        """
        ...

    @paged
    def reached(self, moment_id: str, userid: str, *, limit: int = 5000) -> Call[MomentCustomerPage]:
        """Every customer whom one member's moment reached, page after page (获取客户朋友圈发表后的可见客户列表)."""
        return Moments.result(moment_id, userid, limit=limit)

    @POST("/cgi-bin/externalcontact/get_moment_comments", docs=93333, idempotent=True)
    def comments(self, moment_id: str, userid: str) -> Call[MomentComments]:
        """Tell who commented on one member's moment, and who liked it (获取客户朋友圈的互动数据)."""
        ...

    # What takes several calls

    @flow
    def publish(
        self,
        *,
        text: OrDict[Text] | None = None,
        attachments: Sequence[OrDict[MomentAttachment]] | None = None,
        visible_range: OrDict[VisibleRange] | None = None,
        timeout: float = 120,
    ) -> Flow[Publication]:
        """Make a moment, and wait up to `timeout` seconds for its id (创建发表任务, 获取任务创建结果).

        Members still have to publish it: see `report`. What is created may not be created twice: where the answer to `create` is lost,
        the list of moments is searched for this content, made since. One that is found is it; otherwise OutcomeUnknown is raised: look
        with `find` before you publish again. Raises the job's error where it made nothing.
        """
        call = Moments.create(text=text, attachments=attachments, visible_range=visible_range)
        clock = clock_of(self)
        began = clock.now()
        try:
            jobid = (yield from call).jobid
        except SiyuError as error:
            if not error.may_have_arrived:
                raise
            end, pause = clock.time() + timeout, 5.0
            found: tuple[Moment, ...] = ()
            while not found and clock.time() + pause <= end:
                yield from Sleep(pause)
                pause *= 2
                found = yield from Moments.find.of(self, text=text, attachments=attachments, since=began)
            if len(found) != 1:
                seen = f"{len(found)} are like it" if found else "it is not in the list yet"
                what = f"the moment may have been made, and {seen}: look with moments.find before you publish it again"
                raise OutcomeUnknown(what, str(call.spec)) from error
            return Publication("", found[0].moment_id)
        return (yield from Moments.finish.of(self, jobid, timeout=timeout))

    @flow
    def finish(self, jobid: str, *, timeout: float = 120) -> Flow[Publication]:
        """Wait until a job is done, up to `timeout` seconds (获取任务创建结果). NotFound (40088) after 24 hours."""
        clock, pause = clock_of(self), 1.0
        end = clock.time() + timeout
        while True:
            job = yield from Moments.job(jobid)
            if job.status == JobStatus.DONE and job.result is not None:
                made = job.result
                if made.error is not None:
                    raise made.error
                tags = made.invalid_external_contact_list or CustomerTags()
                return Publication(jobid, made.moment_id, made.invalid_sender_list or MemberRange(), tags.tag_list)
            if clock.time() + pause > end:
                return Publication(jobid)
            yield from Sleep(pause)
            pause = min(pause * 2, 15)

    @flow
    def find(
        self, *, text: OrDict[Text] | None = None, attachments: Sequence[OrDict[MomentAttachment]] | None = None, since: datetime
    ) -> Flow[tuple[Moment, ...]]:
        """Look for moments of this content that the API made since a time (获取企业全部的发表列表).

        Text, link and the number of pictures and videos are compared: the platform gives files other ids. For after a crash or an
        OutcomeUnknown. Five minutes more are searched, as clocks differ; `since` may lie 30 days back.
        """
        wanted = _likeness(Moments.create(text=text, attachments=attachments))
        start, end = since - SKEW, clock_of(self).now() + SKEW
        listed = yield from Moments.all(start_time=max(start, end - timedelta(days=30)), end_time=end, filter_type=FilterType.CORP)
        return tuple(moment for moment in listed if not moment.creator and _likeness_of(moment) == wanted)

    @flow
    def report(self, moment_id: str, *, limit: int = 8) -> Flow[MomentReport]:
        """Tell who has published a moment of the company, and whom it reached (获取客户朋友圈企业发表的列表, …发表后的可见客户列表).

        Up to `limit` members are asked about at once. One of whom nothing can be learnt has an `error`, and hinders nobody else.
        """
        tasks = yield from Moments.tasks(moment_id)
        published = [task.userid for task in tasks if task.publish_status == PublishStatus.PUBLISHED]
        replies = yield from Gather([_reached(moment_id, userid) for userid in published], limit=limit)
        reached = dict(zip(published, replies, strict=True))
        return MomentReport(moment_id, tuple(_member(task, reached.get(task.userid)) for task in tasks))


def _likeness(call: Call[CreatedJob]) -> tuple[str, str, int, int]:
    """Text, link, how many pictures, how many videos."""
    text: Text | None = call.arguments.get("text")
    attachments: Sequence[Content] = call.arguments.get("attachments") or ()
    kinds = Counter(content.msgtype for content in attachments)
    link = next((content.url for content in attachments if isinstance(content, MomentLink)), "")
    return (text.content if text else "").strip(), link, kinds["image"], kinds["video"]


def _likeness_of(moment: Moment) -> tuple[str, str, int, int]:
    text, link = moment.text.content if moment.text else "", moment.link.url if moment.link else ""
    return text.strip(), link, len(moment.image), int(moment.video is not None)


def _reached(moment_id: str, userid: str) -> Flow[tuple[str, ...]]:
    return tuple(customer.external_userid for customer in (yield from Moments.reached(moment_id, userid)))


def _member(task: MomentTask, reached: tuple[str, ...] | Exception | None) -> MemberMoment:
    if isinstance(reached, Exception):
        return MemberMoment(task.userid, published=True, error=reached)
    return MemberMoment(task.userid, reached is not None, reached or ())
