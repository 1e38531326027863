"""Mass messages (企业群发): the company writes them, members send them.

Creating a message reaches no customer yet: each member finds a task in WeCom and presses «send», later or never. So a message has
three stages to look at: the message (`list`), the members' tasks (`task`), the customers' results (`result`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from ..core.call import Call
from ..core.endpoint import POST, paged
from ..core.errors import InputError
from ..core.model import MaxItems, NotEmpty, OpenIntEnum, OrDict, Reply, Timestamp, WireModel
from .messages import Attachment, MaxTextBytes, Text
from .resource import CursorReply, M, WeComResource

ChatType = Literal["single", "group"]
"""To customers one by one, or to customer groups."""

LONGEST_SPAN = timedelta(days=31)


class CreateType(OpenIntEnum):
    """Who made a message (创建类型)."""

    CORP = 0
    PERSONAL = 1


class FilterType(OpenIntEnum):
    """Whose messages to list (创建类型)."""

    CORP = 0
    PERSONAL = 1
    ALL = 2


class TaskStatus(OpenIntEnum):
    """What became of a member's task (发送状态)."""

    UNSENT = 0
    """The member has not confirmed (yet)."""
    SENT = 2


class SendStatus(OpenIntEnum):
    """What became of the message to one customer or group (发送状态)."""

    UNSENT = 0
    """The member has not confirmed (yet)."""
    SENT = 1
    NOT_A_FRIEND = 2
    """Failed: the customer is no longer a contact of the member."""
    OVER_LIMIT = 3
    """Failed: the customer has had as many mass messages as the platform allows."""


class TagGroup(WireModel):
    """Customers with any of these up to 100 tags: of the company, or of a rule group."""

    tag_list: Annotated[Sequence[str], NotEmpty, MaxItems(100)]


class TagFilter(WireModel):
    """Customers who fulfil all of these conditions (标签筛选)."""

    group_list: Annotated[Sequence[TagGroup], NotEmpty]


class CreatedMessage(Reply):
    """A message that waits for its members."""

    msgid: str
    fail_list: tuple[str, ...] = ()
    """Customers or groups that nobody will be asked to send to: unknown ids, or ids that cannot be sent to. No error is raised for them."""


class MassMessage(WireModel):
    """A message that was created."""

    msgid: str
    creator: str | None = None
    """None for messages made through the API."""
    create_type: CreateType | None = None
    create_time: Timestamp | None = None
    text: Text | None = None
    attachments: tuple[Attachment, ...] = ()


class MassMessagePage(CursorReply):
    """A page of messages."""

    group_msg_list: tuple[MassMessage, ...] = ()

    def items(self) -> Sequence[MassMessage]:
        """Give the messages of this page."""
        return self.group_msg_list


class MemberTask(WireModel):
    """What a member did with a message."""

    userid: str
    status: TaskStatus | None = None
    send_time: Timestamp | None = None
    """Only once it is sent."""


class MemberTaskPage(CursorReply):
    """A page of members' tasks."""

    task_list: tuple[MemberTask, ...] = ()

    def items(self) -> Sequence[MemberTask]:
        """Give the tasks of this page."""
        return self.task_list


class SendResult(WireModel):
    """What became of a message to one customer or group. A customer may have several, of several members."""

    userid: str | None = None
    external_userid: str | None = None
    chat_id: str | None = None
    status: SendStatus | None = None
    send_time: Timestamp | None = None
    """Only once it is sent."""


class SendResultPage(CursorReply):
    """A page of results."""

    send_list: tuple[SendResult, ...] = ()

    def items(self) -> Sequence[SendResult]:
        """Give the results of this page."""
        return self.send_list


def _complete(arguments: Mapping[str, Any]) -> None:
    """An audience and a content: without a list of customers, `sender` alone means all customers of that member."""
    if arguments.get("chat_type", "single") == "group":
        if not arguments.get("sender"):
            raise InputError("sender is needed for chat_type 'group': the message goes to groups of that member", "sender")
    elif not arguments.get("external_userid") and not arguments.get("sender"):
        raise InputError("nobody would receive it: give external_userid, or sender for all customers of a member", "external_userid")
    text = arguments.get("text")
    if (text is None or not text.content) and not arguments.get("attachments"):
        raise InputError("there is nothing to send: give text, attachments, or both", "text")


def _span(arguments: Mapping[str, Any]) -> None:
    start: datetime = arguments["start_time"]
    end: datetime = arguments["end_time"]
    if not timedelta(0) <= end - start <= LONGEST_SPAN:
        raise InputError(f"end_time may be up to {LONGEST_SPAN.days} days after start_time, got {end - start}", "end_time")


class MassMessages(WeComResource[M]):
    """Messages to many customers, sent by members (企业群发)."""

    @POST("/cgi-bin/externalcontact/add_msg_template", docs=92135, check=_complete)
    def create(
        self,
        *,
        text: Annotated[OrDict[Text], MaxTextBytes(4000)] | None = None,
        attachments: Annotated[Sequence[OrDict[Attachment]], MaxItems(9)] | None = None,
        sender: str | None = None,
        external_userid: Annotated[Sequence[str], NotEmpty, MaxItems(10_000)] | None = None,
        chat_id_list: Annotated[Sequence[str], NotEmpty, MaxItems(2000)] | None = None,
        tag_filter: OrDict[TagFilter] | None = None,
        chat_type: ChatType = "single",
        allow_select: bool | None = None,
    ) -> Call[CreatedMessage]:
        """Ask members to send a message to customers, or to customer groups (创建企业群发).

        Nothing is sent yet: members have to confirm. With `external_userid` (up to 10,000) and `sender`, that member is asked; without
        `sender`, for each customer the member who last chatted with them. With `sender` alone, the message goes to **all** customers
        of that member, narrowed by `tag_filter`, which does not count beside `external_userid`. A list that is given but empty is refused,
        for it would mean everybody.
        `chat_type="group"` needs `sender`, and goes to the groups in `chat_id_list` (up to 2,000), or to all of that member.

        At least text (4,000 bytes of UTF-8) or attachments (up to 9). A media_id lives 3 days: a member who confirms on the fourth has
        nothing to send. The reply's `fail_list` names who is left out. Raises NotFound (41048) where nobody is left to send to.
        Repeating it makes a second message: after OutcomeUnknown look for the message with `list` first.
        """
        ...

    @POST("/cgi-bin/externalcontact/remind_groupmsg_send", docs=97610)
    def remind(self, msgid: str) -> Call[Reply]:
        """Remind members who have not confirmed yet (提醒成员群发).

        At most 3 times in 24 hours for one message; more raises RateLimited (41094). Conflict (41093) where it was cancelled.
        """
        ...

    @POST("/cgi-bin/externalcontact/cancel_groupmsg_send", docs=97611)
    def cancel(self, msgid: str) -> Call[Reply]:
        """Stop a message (停止企业群发). What members have sent stays sent. Raises Conflict (41093) where it was cancelled before."""
        ...

    @POST("/cgi-bin/externalcontact/get_groupmsg_list_v2", docs=93338, idempotent=True, check=_span)
    def list(
        self,
        *,
        start_time: Timestamp,
        end_time: Timestamp,
        chat_type: ChatType = "single",
        creator: str | None = None,
        filter_type: FilterType | None = None,
        limit: Annotated[int, Field(ge=1, le=100)] | None = None,
        cursor: str | None = None,
    ) -> Call[MassMessagePage]:
        """List messages made within at most a month, one page (获取群发记录列表).

        `filter_type` says whose (all if left out). `limit` is 1 to 100 (50 if left out). Messages made through the API have no `creator`.
        """
        ...

    @paged
    def all(
        self,
        *,
        start_time: Timestamp,
        end_time: Timestamp,
        chat_type: ChatType = "single",
        creator: str | None = None,
        filter_type: FilterType | None = None,
        limit: int = 100,
    ) -> Call[MassMessagePage]:
        """Every message made within at most a month, one by one, page after page (获取群发记录列表)."""
        return MassMessages.list(
            start_time=start_time, end_time=end_time, chat_type=chat_type, creator=creator, filter_type=filter_type, limit=limit
        )

    @POST("/cgi-bin/externalcontact/get_groupmsg_task", docs=93338, idempotent=True)
    def task(
        self, msgid: str, *, limit: Annotated[int, Field(ge=1, le=1000)] | None = None, cursor: str | None = None
    ) -> Call[MemberTaskPage]:
        """List what members did with a message, one page (获取群发成员发送任务列表).

        `limit` is 1 to 1,000 (500 if left out). Just after creation the platform still hands it out: PlatformBusy (41063); ask again later.
        """
        ...

    @paged
    def tasks(self, msgid: str, *, limit: int = 1000) -> Call[MemberTaskPage]:
        """Every member's task, one by one, page after page (获取群发成员发送任务列表)."""
        return MassMessages.task(msgid, limit=limit)

    @POST("/cgi-bin/externalcontact/get_groupmsg_send_result", docs=93338, idempotent=True)
    def result(
        self, msgid: str, userid: str, *, limit: Annotated[int, Field(ge=1, le=1000)] | None = None, cursor: str | None = None
    ) -> Call[SendResultPage]:
        """List what became of one member's sends, one page (获取企业群发成员执行结果).

        `limit` is 1 to 1,000 (500 if left out). Count people by `external_userid`, not by rows. PlatformBusy (41063) just after creation.
        """
        ...

    @paged
    def results(self, msgid: str, userid: str, *, limit: int = 1000) -> Call[SendResultPage]:
        """Every result of one member, one by one, page after page (获取企业群发成员执行结果)."""
        return MassMessages.result(msgid, userid, limit=limit)
