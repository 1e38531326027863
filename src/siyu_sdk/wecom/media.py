"""Files (素材管理): uploaded once, then named by id."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import IntEnum
from pathlib import Path
from typing import IO, Annotated, Any, Literal, cast

from ..core.call import Call, File, Flow, Query
from ..core.endpoint import GET, POST, flow
from ..core.errors import InputError
from ..core.files import FileLike, SavedFile, Upload
from ..core.model import NotEmpty, OpenIntEnum, Reply, Timestamp, TimestampText, WireModel
from .resource import M, WeComResource

MediaType = Literal["image", "voice", "video", "file"]
"""What a file is: a picture (JPG, PNG), a voice message (AMR, up to 60 s), a video (MP4), or any file."""

MEGABYTE = 1024 * 1024
LARGEST = {"image": 10 * MEGABYTE, "voice": 2 * MEGABYTE, "video": 10 * MEGABYTE, "file": 20 * MEGABYTE}
SMALLEST = 6
DOWNLOAD_TIMEOUT = 60.0


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


class UploadScene(OpenIntEnum):
    """What a large file is for (场景值)."""

    GROUP_WELCOME = 1
    """Welcome messages of customer groups (客户联系入群欢迎语素材)."""


class UploadStatus(OpenIntEnum):
    """How far a fetch is (任务状态)."""

    RUNNING = 1
    DONE = 2
    FAILED = 3


class UploadJob(Reply):
    """A fetch that has begun."""

    jobid: str


class FetchedMedia(WireModel):
    """What came of a fetch: a file that lives 3 days, or the reason why there is none."""

    errcode: int = 0
    errmsg: str = ""
    media_id: str | None = None
    created_at: TimestampText | None = None


class UploadResult(Reply):
    """What came of a fetch."""

    status: UploadStatus
    detail: FetchedMedia | None = None
    """Look at its `errcode`: a fetch that failed raises no error."""


def _size(source: Any) -> int | None:
    """Bytes of a file, without reading it; None for a stream that cannot tell."""
    if isinstance(source, Upload):
        return len(source.content) if source.stream is None else None
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

    A file is a path, bytes, a binary file object, an `Upload`, or under an async client an async iterator of bytes, which is read before
    anything is sent. `Upload.of(content, filename="报价单.pdf")` gives it another name; the name is what the receiver of a file sees.
    Too large a file is refused before it is sent: picture 10 MB, voice 2 MB, video 10 MB, file 20 MB, and none under 6 bytes.
    """

    @POST("/cgi-bin/media/upload", docs=90253, idempotent=True, check=_fits)
    def upload(self, media: Annotated[FileLike, File], *, type: Annotated[MediaType, Query]) -> Call[UploadedMedia]:
        """Upload a file for 3 days (上传临时素材): a path, bytes, a file, an async iterator or an `Upload`.

        A picture (JPG, PNG) has up to 10 MB, a voice message (AMR, 60 s) 2 MB, a video (MP4) 10 MB, a file 20 MB, and none under 6 bytes.
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

    @GET("/cgi-bin/media/get", docs=90254, timeout=DOWNLOAD_TIMEOUT)
    def get(self, media_id: str) -> Call[bytes]:
        """Download a file within its 3 days (获取临时素材).

        The whole file is held in memory; `download` writes it to a path as it comes, and tells its name and type. Raises InvalidArgument
        (40007) where the id is unknown or over.
        """
        ...

    @flow
    def download(self, media_id: str, to: str | os.PathLike[str] | IO[bytes], *, max_bytes: int = 200 * MEGABYTE) -> Flow[SavedFile]:
        """Download a file within its 3 days to a path or a binary file object, in constant memory (获取临时素材).

        Gives its name and type as the platform tells them. A path gets the whole file or nothing, and what stood there before stays until
        then; the folder has to exist. Any call that gives a file can do so: `client.send(Media.get_voice(media_id).save("voice.speex"))`.

        Raises:
            DownloadError: it is longer than `max_bytes`, or the disk does not take it; nothing of it is kept.
            InvalidArgument: the id is unknown or over (40007).
        """
        return (yield from Media.get(media_id).save(to, max_bytes=max_bytes))

    @GET("/cgi-bin/media/get/jssdk", docs=90255, timeout=DOWNLOAD_TIMEOUT)
    def get_voice(self, media_id: str) -> Call[bytes]:
        """Download what `uploadVoice` of the JS-SDK recorded, as 16 kHz Speex; `get` gives 8 kHz AMR (获取高清语音素材)."""
        ...

    @POST("/cgi-bin/media/upload_by_url", docs=96219)
    def upload_by_url(
        self,
        url: Annotated[str, NotEmpty],
        *,
        type: Literal["video", "file"],
        filename: Annotated[str, NotEmpty],
        md5: str | None = None,
        scene: UploadScene = UploadScene.GROUP_WELCOME,
    ) -> Call[UploadJob]:
        """Have the platform fetch a file of up to 200 MB, for 3 days (生成异步上传任务).

        The address has to answer range requests (`Range`), from the internet. What came of it tells `upload_result`, or the event
        `upload_media_job_finish`. The `media_id` is good for its scene alone.
        """
        ...

    @POST("/cgi-bin/media/get_upload_by_url_result", docs=96219, idempotent=True)
    def upload_result(self, jobid: str) -> Call[UploadResult]:
        """Ask what came of a fetch (查询异步任务结果). Raises NotFound (40088) for an unknown job."""
        ...
