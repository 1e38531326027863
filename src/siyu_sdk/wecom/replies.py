"""Passive replies (被动回复消息): what a callback can be answered with at once, within 5 seconds.

A handler of `siyu_sdk.callbacks.Router` returns one; it is addressed to whoever wrote, and encrypted. What takes longer is sent as the
app, later. Limits: a text has at most 2048 bytes, a title 128, a description 512, and there are at most 8 articles.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field, ValidationError

from ..core.errors import InputError
from ..core.model import OUTGOING, MaxBytes, MaxItems, NotEmpty, WireModel
from ..core.xml import to_xml
from .events import WeComEvent


class PassiveReply(WireModel):
    """Base of passive replies."""

    msg_type: ClassVar[str] = ""

    def to_xml(self, event: WeComEvent, *, at: float) -> str:
        """Write the reply to an event; `at` is unix seconds. `Callbacks.encrypt_reply` wraps it.

        Raises:
            InputError: a text is too long, or the event has nobody to answer.
        """
        if not event.from_user_name or not event.to_user_name:
            raise InputError(f"a {type(event).__name__} has nobody to answer: passive replies are for messages and menus", "event")
        try:
            checked = type(self).model_validate(self.model_dump(), context=OUTGOING)
        except ValidationError as error:
            raise InputError.of(error, type(self).__name__) from None
        return to_xml(
            {
                "ToUserName": event.from_user_name,
                "FromUserName": event.to_user_name,
                "CreateTime": int(at),
                "MsgType": self.msg_type,
                **checked.body(),
            }
        )

    def body(self) -> dict[str, Any]:
        """Give the elements of this kind of reply."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class TextReply(PassiveReply):
    """A text (文本消息)."""

    msg_type = "text"

    content: Annotated[str, NotEmpty, MaxBytes(2048)] = Field(serialization_alias="Content")


class _MediaReply(PassiveReply):
    media_id: str = Field(serialization_alias="MediaId")
    """From `media.upload`."""

    def body(self) -> dict[str, Any]:
        """Give the file in its element."""
        return {self.msg_type.capitalize(): super().body()}


class ImageReply(_MediaReply):
    """A picture (图片消息)."""

    msg_type = "image"


class VoiceReply(_MediaReply):
    """A voice message (语音消息)."""

    msg_type = "voice"


class VideoReply(_MediaReply):
    """A video (视频消息)."""

    msg_type = "video"

    title: Annotated[str | None, MaxBytes(128)] = Field(None, serialization_alias="Title")
    description: Annotated[str | None, MaxBytes(512)] = Field(None, serialization_alias="Description")


class ReplyArticle(WireModel):
    """One article."""

    title: Annotated[str, MaxBytes(128)] = Field(serialization_alias="Title")
    description: Annotated[str | None, MaxBytes(512)] = Field(None, serialization_alias="Description")
    pic_url: str | None = Field(None, serialization_alias="PicUrl")
    """1068 × 455 pixels for the first, 150 × 150 for the others."""
    url: str | None = Field(None, serialization_alias="Url")


class NewsReply(PassiveReply):
    """One to eight articles (图文消息)."""

    msg_type = "news"

    articles: Annotated[tuple[ReplyArticle, ...], NotEmpty, MaxItems(8)]

    def body(self) -> dict[str, Any]:
        """Give the articles as repeated elements, and their number."""
        articles = super().body()["articles"]
        return {"ArticleCount": len(articles), "Articles": {"item": articles}}


class UpdateButtonReply(PassiveReply):
    """Makes the button of a template card grey, with this text, for the member who pressed it (更新按钮为不可点击状态)."""

    msg_type = "update_button"

    replace_name: Annotated[str, NotEmpty] = Field(serialization_alias="ReplaceName")

    def body(self) -> dict[str, Any]:
        """Give the button."""
        return {"Button": super().body()}


class UpdateTaskCardReply(PassiveReply):
    """Makes the button of a task card grey, with this text, for the member who pressed it (任务卡片更新消息)."""

    msg_type = "update_taskcard"

    replace_name: Annotated[str, NotEmpty] = Field(serialization_alias="ReplaceName")

    def body(self) -> dict[str, Any]:
        """Give the button."""
        return {"TaskCard": super().body()}


class UpdateTemplateCardReply(PassiveReply):
    """Replaces a template card for the member who pressed its button (更新点击用户的整张卡片).

    `template_card` has the element names of the official page: `{"CardType": "text_notice", "MainTitle": {"Title": "…"}, …}`; a list
    stands for repeated elements.
    """

    msg_type = "update_template_card"

    template_card: Mapping[str, Any] = Field(serialization_alias="TemplateCard")
