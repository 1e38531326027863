"""What an app can send beside what everybody can (消息类型): to members, to its group chats, and as a school to parents."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from ..core.model import MaxBytes, MaxChars, MaxItems, NotEmpty, WireModel
from .messages import (
    Content,
    Envelope,
    File,
    KfMiniProgramPage,
    MaxTextBytes,
    Needs,
    ShortText,
    Text,
    UploadedImage,
    Video,
    Voice,
)
from .template_cards import TaskId, TemplateCard


class TitledVideo(Video):
    """A video with a title (视频)."""

    title: Annotated[str, MaxBytes(128)] | None = None
    description: Annotated[str, MaxBytes(512)] | None = None


class TextCard(Content):
    """A card with a title and a text (文本卡片)."""

    msgtype = "textcard"

    title: Annotated[str, NotEmpty, MaxChars(128)]
    description: Annotated[str, NotEmpty, MaxChars(512)]
    """Some HTML: `<br>`, and `<div class="gray">`, `normal` or `highlight`."""
    url: Annotated[str, NotEmpty, MaxBytes(2048)]
    btntxt: Annotated[str, MaxChars(4)] | None = None
    """«详情» if left out."""


class Article(WireModel):
    """An article: it opens `url`, or `pagepath` of the mini-program `appid`, which wins (图文)."""

    title: Annotated[str, NotEmpty, MaxChars(128)]
    description: Annotated[str, MaxChars(512)] | None = None
    url: Annotated[str, MaxBytes(2048)] | None = None
    picurl: str | None = None
    """1068 × 455 looks best in the first one, 150 × 150 in the others."""
    appid: str | None = None
    pagepath: Annotated[str, MaxBytes(128)] | None = None
    btntxt: str | None = None


class News(Content):
    """1 to 8 articles on pages of your own (图文news)."""

    msgtype = "news"

    articles: Annotated[tuple[Article, ...], NotEmpty, MaxItems(8)]


class MpArticle(WireModel):
    """An article that the platform keeps (图文)."""

    title: Annotated[str, NotEmpty, MaxBytes(128)]
    thumb_media_id: str
    """The cover, from `media.upload`."""
    author: Annotated[str, MaxBytes(64)] | None = None
    content_source_url: str | None = None
    content: Annotated[str, NotEmpty, MaxBytes(666 * 1024)]
    """HTML."""
    digest: Annotated[str, MaxBytes(512)] | None = None


class MpNews(Content):
    """1 to 8 articles that the platform keeps (图文mpnews)."""

    msgtype = "mpnews"

    articles: Annotated[tuple[MpArticle, ...], NotEmpty, MaxItems(8)]


class Markdown(Content):
    """Text with a part of Markdown (markdown). WeCom shows it; the WeChat plugin does not."""

    msgtype = "markdown"

    content: Annotated[str, NotEmpty, MaxBytes(2048)]


class KeyValue(WireModel):
    """A line of a notice: a key of at most 10 Chinese characters, a value of at most 30."""

    key: str
    value: str


class MiniProgramNotice(Content):
    """A notice of the mini-program that is bound to the app (小程序通知)."""

    msgtype = "miniprogram_notice"

    appid: str
    page: Annotated[str, MaxBytes(1024)] | None = None
    """Without it nothing opens. Only pages of the mini-program, parameters allowed."""
    title: str
    """4 to 12 Chinese characters."""
    description: str | None = None
    """4 to 12 Chinese characters."""
    emphasis_first_item: bool | None = None
    content_item: Annotated[tuple[KeyValue, ...], MaxItems(10)] = ()


class TaskCardButton(WireModel):
    """A button of a task card."""

    key: Annotated[str, MaxBytes(128)]
    name: str
    color: str | None = None
    """`red`, or `blue` if left out."""
    is_bold: bool | None = None


class TaskCard(Content):
    """A card with one or two buttons (任务卡片). New code takes `ButtonInteraction`, which can do more."""

    msgtype = "interactive_taskcard"

    title: Annotated[str, NotEmpty, MaxBytes(128)]
    description: Annotated[str, MaxBytes(512)]
    url: Annotated[str, MaxBytes(2048)] | None = None
    task_id: TaskId
    btn: Annotated[tuple[TaskCardButton, ...], NotEmpty, MaxItems(2)]


class MiniProgramTarget(WireModel):
    """A page of a mini-program."""

    appid: str
    pagepath: str


class TemplateMessage(Content):
    """A message after a template, of third-party apps (模板消息)."""

    msgtype = "template_msg"

    template_id: str
    url: str | None = None
    miniprogram: MiniProgramTarget | None = None
    content_item: tuple[KeyValue, ...] = ()


class ChatText(Text):
    """Text that calls members of the chat by name (文本)."""

    mentioned_list: tuple[str, ...] = ()
    """Members, or `@all`."""
    mentioned_mobile_list: tuple[str, ...] = ()
    """Their phone numbers, or `@all`."""


class ChatMarkdown(Markdown):
    """Text with a part of Markdown that calls members of the chat by name (markdown)."""

    mentioned_list: tuple[str, ...] = ()
    mentioned_mobile_list: tuple[str, ...] = ()


_Common: TypeAlias = ShortText | UploadedImage | Voice | TitledVideo | Video | File | TextCard | News | MpNews

AppContent: TypeAlias = Annotated[
    _Common | Markdown | MiniProgramNotice | TaskCard | TemplateCard | TemplateMessage,
    Envelope(spread=True),
]
"""What an app can send to members."""

ChatContent: TypeAlias = Annotated[
    Annotated[ChatText, Needs("content"), MaxTextBytes(2048)] | _Common | ChatMarkdown | Markdown,
    Envelope(spread=True),
]
"""What an app can send to its group chats."""

NoticeContent: TypeAlias = Annotated[_Common | KfMiniProgramPage, Envelope(spread=True)]
"""What a school can send to parents."""
