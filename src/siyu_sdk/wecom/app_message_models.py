"""What an app can send (消息类型): models of their own here, as a message on the wire together with `msgtype`."""

from __future__ import annotations

from typing import Annotated, Any, Self, TypeAlias

from pydantic import GetCoreSchemaHandler, model_validator
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from ..core.model import Checked, MaxBytes, MaxChars, MaxItems, NotEmpty, WireModel
from .messages import Content, File, Image, MaxTextBytes, Text, Video
from .template_cards import (
    ButtonInteraction,
    Card,
    MultipleInteraction,
    NewsNotice,
    TemplateCard,
    TextNotice,
    VoteInteraction,
)


class Voice(Content):
    """A voice message (语音)."""

    msgtype = "voice"

    media_id: str
    """From `media.upload`, lives 3 days."""


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
    page: str | None = None
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
    task_id: Annotated[str, MaxBytes(128)]
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


def _uploaded(image: Image) -> Image:
    if not image.media_id:
        raise ValueError("media_id is needed here, from media.upload: an address is not enough")
    return image


def _worded(text: Text) -> Text:
    if not text.content:
        raise ValueError("content is empty")
    return text


class _Message(WireModel):
    """A message on the wire: `msgtype` names the one content that counts; the platform ignores any other."""

    msgtype: str
    image: Annotated[Image, Checked(_uploaded)] | None = None
    voice: Voice | None = None
    video: TitledVideo | None = None
    file: File | None = None
    textcard: TextCard | None = None
    news: News | None = None
    mpnews: MpNews | None = None

    @model_validator(mode="after")
    def _has_content(self) -> Self:
        kinds = [name for name in type(self).model_fields if name != "msgtype"]
        if self.msgtype not in kinds:
            raise PydanticCustomError("msgtype", "msgtype {msgtype} is not possible here; it may be {kinds}", self._words(kinds))
        if getattr(self, self.msgtype) is None:
            raise PydanticCustomError("msgtype", "msgtype is {msgtype}, but there is no {msgtype}", self._words(kinds))
        return self

    def _words(self, kinds: list[str]) -> dict[str, Any]:
        return {"msgtype": self.msgtype, "kinds": ", ".join(sorted(kinds))}


class AppMessage(_Message):
    """A message of an app on the wire."""

    text: Annotated[Text, Checked(_worded), MaxTextBytes(2048)] | None = None
    markdown: Markdown | None = None
    miniprogram_notice: MiniProgramNotice | None = None
    interactive_taskcard: TaskCard | None = None
    template_card: TemplateCard | None = None
    template_msg: TemplateMessage | None = None


class ChatMessage(_Message):
    """A message to a group chat on the wire."""

    text: Annotated[ChatText, Checked(_worded), MaxTextBytes(2048)] | None = None
    markdown: ChatMarkdown | None = None


class _Enveloped:
    """Reads a content model as the message that it becomes on the wire; a dict has to be that message already."""

    def __init__(self, message: type[_Message]) -> None:
        self.message = message

    def __get_pydantic_core_schema__(self, _source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._wrap, handler.generate_schema(self.message))

    def _wrap(self, value: Any) -> Any:
        if isinstance(value, (Text, Content, Card)):
            msgtype = "text" if isinstance(value, Text) else value.msgtype
            return {"msgtype": msgtype, msgtype: value.to_wire()}
        return value


AppContent: TypeAlias = Annotated[
    Text
    | Image
    | Voice
    | Video
    | File
    | TextCard
    | News
    | MpNews
    | Markdown
    | MiniProgramNotice
    | TaskCard
    | TextNotice
    | NewsNotice
    | ButtonInteraction
    | VoteInteraction
    | MultipleInteraction
    | TemplateMessage
    | AppMessage,
    _Enveloped(AppMessage),
]
"""What an app can send to members."""

ChatContent: TypeAlias = Annotated[
    Text | Image | Voice | Video | File | TextCard | News | MpNews | Markdown | ChatMessage,
    _Enveloped(ChatMessage),
]
"""What an app can send to its group chats."""
