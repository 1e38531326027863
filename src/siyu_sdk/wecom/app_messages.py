"""Messages of an app to members (发送应用消息), and what can be done to them afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer

from ..core.call import Call, Spread
from ..core.endpoint import POST
from ..core.errors import InputError
from ..core.model import Flag, MaxItems, OpenIntEnum, OrDict, Reply, WireModel, joined
from .app_message_models import AppContent, MiniProgramNotice
from .common import either
from .messages import Content
from .resource import AgentId, M, WeComResource
from .template_cards import Card, TemplateCard


class Secrecy(OpenIntEnum):
    """Whether a message may leave the company (保密消息)."""

    OPEN = 0
    CONFIDENTIAL = 1
    """It cannot be shared, and shows a watermark."""
    INTERNAL = 2
    """It can be shared inside the company; of `MpNews` only."""


class StatisticsDay(OpenIntEnum):
    """Which day to count (查询哪天的数据)."""

    TODAY = 0
    YESTERDAY = 1


def _split(value: object) -> object:
    return [part for part in value.split("|") if part] if isinstance(value, str) else value


def _join(values: Sequence[int]) -> str:
    return "|".join(map(str, values))


_Numbers = (BeforeValidator(_split), PlainSerializer(_join, return_type=str, when_used="json"))
Users = Annotated[Sequence[str], joined("|"), MaxItems(1000)]
Numbers = Annotated[Sequence[int], *_Numbers, MaxItems(100)]
Strings = Annotated[tuple[str, ...], joined("|")]


class SentMessage(Reply):
    """A message that was sent. Whoever it passed over is named; no error is raised for them."""

    msgid: str = ""
    """For `recall`."""
    response_code: str | None = None
    """For `update_template_card`: lives 72 hours, and works once."""
    invaliduser: Strings = ()
    invalidparty: Annotated[tuple[int, ...], *_Numbers] = ()
    invalidtag: Annotated[tuple[int, ...], *_Numbers] = ()
    unlicenseduser: Strings = ()
    """Members without a licence of the service provider's app (基础接口许可)."""


class UpdatedCard(Reply):
    """A card that was updated."""

    invaliduser: tuple[str, ...] = ()
    """Members whose card stays as it was."""


class ReplacedButton(WireModel):
    """A button that cannot be pressed any more."""

    replace_name: str
    """What it says from now on."""
    task_id: str | None = None


class AppStatistics(WireModel):
    """How many messages of one app arrived."""

    agentid: int
    app_name: str = ""
    count: int = 0


class MessageStatistics(Reply):
    """How many messages of each app arrived."""

    statistics: tuple[AppStatistics, ...] = ()


def _addressed(arguments: Mapping[str, Any]) -> None:
    if not any(arguments.get(name) for name in ("touser", "toparty", "totag", "selected_ticket_list")):
        raise InputError('nobody would receive it: give touser (["@all"] for everybody), toparty or totag', "touser")
    message: Content = arguments["message"]
    if isinstance(message, MiniProgramNotice) and "@all" in arguments.get("touser", ()):
        raise InputError("a mini-program notice cannot go to @all", "touser")
    if isinstance(message, Card) and not message.task_id and (message.interactive or message.action_menu is not None):
        raise InputError("task_id is needed: it tells which card a pressed button belongs to", "message.template_card.task_id")


class AppMessages(WeComResource[M]):
    """Messages of an app to members (应用消息). Where `agentid` is left out, the client's own app speaks."""

    @POST("/cgi-bin/message/send", docs=90236, check=_addressed)
    def send(
        self,
        message: Annotated[OrDict[AppContent], Spread],
        *,
        agentid: AgentId = None,
        touser: Users | None = None,
        toparty: Numbers | None = None,
        totag: Numbers | None = None,
        selected_ticket_list: Sequence[str] | None = None,
        safe: Secrecy | None = None,
        enable_id_trans: Flag | None = None,
        enable_duplicate_check: Flag | None = None,
        duplicate_check_interval: Annotated[int, Field(ge=1, le=14_400)] | None = None,
    ) -> Call[SentMessage]:
        """Send a message to members, at once (发送应用消息).

        Up to 1,000 members, 100 departments and 100 tags together; `["@all"]` means everybody who sees the app. Text and Markdown have at
        most 2,048 bytes of UTF-8. A dict is `{"msgtype": "text", "text": {"content": "…"}}`.

        Not all may receive it: the reply names members, departments and tags that are unknown or outside the app's range;
        InvalidArgument (81013) where that is everybody. Beyond 30 messages a minute or 1,000 an hour of one app, a member gets no more, and
        nothing tells. In a day an app may reach 200 times as many people as the company may have accounts: RateLimited (45009).

        Repeating it sends it twice, unless `enable_duplicate_check=True`: then the same content to the same people is dropped for
        `duplicate_check_interval` seconds (1,800 if left out, at most 14,400).
        """
        ...

    @POST("/cgi-bin/message/update_taskcard", docs=91579)
    def update_task_card(
        self,
        userids: Annotated[Sequence[str], MaxItems(1000)],
        *,
        task_id: str,
        replace_name: str,
        agentid: AgentId = None,
        original_task_id: str | None = None,
    ) -> Call[UpdatedCard]:
        """Grey out the buttons of a task card, for these members (更新任务卡片消息状态). `replace_name` stands in their place."""
        ...

    @POST("/cgi-bin/message/update_template_card", docs=94888, check=either("button", "template_card"))
    def update_template_card(
        self,
        response_code: str,
        *,
        agentid: AgentId = None,
        userids: Annotated[Sequence[str], MaxItems(1000)] | None = None,
        partyids: Annotated[Sequence[int], MaxItems(100)] | None = None,
        tagids: Annotated[Sequence[int], MaxItems(100)] | None = None,
        atall: Flag | None = None,
        button: OrDict[ReplacedButton] | None = None,
        template_card: OrDict[TemplateCard] | None = None,
        enable_id_trans: Flag | None = None,
    ) -> Call[UpdatedCard]:
        """Grey out the button of a template card, or put another card in its place (更新模版卡片消息).

        `response_code` comes from `send` or from the event of the card; it lives 72 hours and works once. `atall=True` updates everybody's
        card; otherwise the card of these up to 1,000 members, 100 departments and 100 tags, or of the member whose event brought the code.
        """
        ...

    @POST("/cgi-bin/message/get_statistics", docs=92369, idempotent=True)
    def statistics(self, *, time_type: StatisticsDay | None = None) -> Call[MessageStatistics]:
        """Count the messages that arrived today (or yesterday), by app (查询应用消息发送统计)."""
        ...

    @POST("/cgi-bin/message/recall", docs=94867, idempotent=True)
    def recall(self, msgid: str) -> Call[Reply]:
        """Take back a message within 24 hours (撤回应用消息). Raises Conflict (42052) after that.

        WeCom hides it; the WeChat plugin goes on showing it.
        """
        ...
