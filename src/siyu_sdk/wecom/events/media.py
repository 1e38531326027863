"""Events of files, live broadcasts and the chat archive: 素材管理, 直播, 会话内容存档."""

from __future__ import annotations

from pydantic import Field

from ...core.model import OpenIntEnum
from .base import AppEvent, WeComEvent


class UploadMediaJobFinish(WeComEvent, event="upload_media_job_finish"):
    """An upload by address has ended, well or not: fetch its result (异步上传临时素材完成通知)."""

    job_id: str | None = Field(None, alias="JobId")


class LivingStatus(OpenIntEnum):
    """How far a live broadcast is (直播状态)."""

    RESERVED = 0
    LIVE = 1
    ENDED = 2
    EXPIRED = 3
    CANCELLED = 4


class LivingStatusChange(AppEvent, event="living_status_change"):
    """A live broadcast was reserved, began, ended, or was called off (直播回调事件)."""

    living_id: str | None = Field(None, alias="LivingId")
    status: LivingStatus | None = Field(None, alias="Status")


class MsgAuditNotify(AppEvent, event="msgaudit_notify"):
    """The archive has new messages: a mere wake-up, one for many (产生会话回调事件)."""
