"""Messages that members send to an app (接收普通消息). Answer within 5 seconds with a passive reply, or later as the app.

`from_user_name` is the member.
"""

from __future__ import annotations

from pydantic import Field

from ...core.model import Int64
from .base import AppEvent


class ReceivedMessage(AppEvent):
    """Base of messages."""

    msg_id: Int64 | None = Field(None, alias="MsgId")
    """The same in each delivery of one message."""


class TextMessage(ReceivedMessage, event="text"):
    """A text (文本消息)."""

    content: str | None = Field(None, alias="Content")


class ImageMessage(ReceivedMessage, event="image"):
    """A picture (图片消息)."""

    pic_url: str | None = Field(None, alias="PicUrl")
    media_id: str | None = Field(None, alias="MediaId")
    """For `media.download`; lives 3 days."""


class VoiceMessage(ReceivedMessage, event="voice"):
    """A voice message (语音消息)."""

    media_id: str | None = Field(None, alias="MediaId")
    """For `media.download`; lives 3 days."""
    format: str | None = Field(None, alias="Format")
    """`amr`, `speex` …"""


class VideoMessage(ReceivedMessage, event="video"):
    """A video (视频消息)."""

    media_id: str | None = Field(None, alias="MediaId")
    """For `media.download`; lives 3 days."""
    thumb_media_id: str | None = Field(None, alias="ThumbMediaId")


class LocationMessage(ReceivedMessage, event="location"):
    """A place (位置消息)."""

    location_x: float | None = Field(None, alias="Location_X")
    """Latitude."""
    location_y: float | None = Field(None, alias="Location_Y")
    """Longitude."""
    scale: float | None = Field(None, alias="Scale")
    label: str | None = Field(None, alias="Label")
    app_type: str | None = Field(None, alias="AppType")


class LinkMessage(ReceivedMessage, event="link"):
    """A link (链接消息)."""

    title: str | None = Field(None, alias="Title")
    description: str | None = Field(None, alias="Description")
    url: str | None = Field(None, alias="Url")
    pic_url: str | None = Field(None, alias="PicUrl")
