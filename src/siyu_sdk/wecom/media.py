"""Files (素材管理): uploaded once, then named by id."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from ..core.call import Call, File, Query
from ..core.endpoint import POST
from ..core.errors import InputError
from ..core.http import FileLike, Upload
from ..core.model import Reply, Timestamp, TimestampText
from .resource import M, WeComResource

MediaType = Literal["image", "voice", "video", "file"]
"""What a file is: a picture (JPG, PNG), a voice message (AMR, up to 60 s), a video (MP4), or any file."""

MEGABYTE = 1024 * 1024
LARGEST = {"image": 10 * MEGABYTE, "voice": 2 * MEGABYTE, "video": 10 * MEGABYTE, "file": 20 * MEGABYTE}
SMALLEST = 6


class AttachmentType(IntEnum):
    """What an attachment is for (附件类型): the ids of one use are refused in the other."""

    MOMENT = 1
    PRODUCT_ALBUM = 2


class UploadedMedia(Reply):
    """A file that lives 3 days."""

    type: str = ""
    media_id: str
    created_at: TimestampText | None = None


class UploadedImage(Reply):
    """A picture that lives for ever."""

    url: str


class UploadedAttachment(Reply):
    """An attachment that lives 3 days."""

    type: str = ""
    media_id: str
    created_at: Timestamp | None = None


def _size(source: Any) -> int | None:
    """Bytes of a file, without reading it; None for a stream that cannot tell."""
    if isinstance(source, Upload):
        return len(source.content)
    if isinstance(source, (bytes, bytearray)):
        return len(source)
    try:
        if isinstance(source, (str, os.PathLike)):
            return Path(cast("str | os.PathLike[str]", source)).stat().st_size
        here = source.tell()
        size: int = source.seek(0, os.SEEK_END) - here
        source.seek(here)
    except (OSError, AttributeError, ValueError):
        return None  # a missing file is refused when it is read
    return size


def _fits(arguments: Mapping[str, Any]) -> None:
    kind = arguments.get("type") or arguments.get("media_type") or "image"
    size, most = _size(arguments["media"]), LARGEST[kind]
    if size is not None and not SMALLEST <= size <= most:
        raise InputError(f"media: a file of type {kind} has {SMALLEST} to {most:,} bytes, got {size:,}", "media")


class Media(WeComResource[M]):
    """Files to send (素材管理).

    A file is a path, bytes, a binary file object or an `Upload`. `Upload.of(content, filename="报价单.pdf")` gives it another name;
    the name is what the receiver of a file sees. Too large a file is refused before it is sent: picture 10 MB, voice 2 MB, video 10 MB,
    file 20 MB, and none under 6 bytes.
    """

    @POST("/cgi-bin/media/upload", docs=90253, idempotent=True, check=_fits)
    def upload(self, media: Annotated[FileLike, File], *, type: Annotated[MediaType, Query]) -> Call[UploadedMedia]:
        """Upload a file for 3 days (上传临时素材).

        The `media_id` may be used by all apps of the company until it ends: then sending with it fails (40007), and so does a member who
        confirms a mass message too late. Uploading again gives a new id and spoils nothing.
        """
        ...

    @POST("/cgi-bin/media/uploadimg", docs=90256, idempotent=True, check=_fits)
    def upload_image(self, media: Annotated[FileLike, File]) -> Call[UploadedImage]:
        """Upload a picture for good and get its address, for `pic_url` and texts (上传图片).

        A company may upload 3,000 a month and 1,000 a day.
        """
        ...

    @POST("/cgi-bin/media/upload_attachment", docs=95098, idempotent=True, check=_fits)
    def upload_attachment(
        self,
        media: Annotated[FileLike, File],
        *,
        media_type: Annotated[MediaType, Query],
        attachment_type: Annotated[AttachmentType, Query],
    ) -> Call[UploadedAttachment]:
        """Upload an attachment of a moment or of the product album, for 3 days (上传附件资源).

        These two take no other ids (41072). Pictures up to 10 MB and 1440 × 1080, videos up to 10 MB and 30 s.
        """
        ...
