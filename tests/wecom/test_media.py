"""Uploads: the bytes and the name arrive as they are, and what is too large is never sent."""

from __future__ import annotations

import asyncio
import email
import io
from collections.abc import AsyncIterator
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from siyu_sdk import AsyncWeCom, InputError, Upload
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.media import LARGEST, AttachmentType, Media

UPLOAD = "/cgi-bin/media/upload"
PICTURE = b"\x89PNG\r\n\x1a\n--boundary-like\r\n" + bytes(range(256))


def part(seen: Any) -> Message:
    form = email.message_from_bytes(f"Content-Type: {seen.content_type}\r\n\r\n".encode() + seen.body)
    (only,) = form.get_payload()
    assert isinstance(only, Message)
    return only


@pytest.mark.parametrize("kind", ["path", "string", "bytes", "file", "stream"])
def test_a_file_is_uploaded_from_anything_with_its_chinese_name(loopback: Any, wecom: WeCom, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "榴莲 报价.png"
    path.write_bytes(PICTURE)
    loopback.answer(UPLOAD, {"type": "image", "media_id": "m1", "created_at": "1715000000"})
    with path.open("rb") as opened:
        source: Any = {
            "path": path,
            "string": str(path),
            "bytes": Upload.of(PICTURE, filename=path.name),
            "file": opened,
            "stream": Upload.of(io.BytesIO(PICTURE), filename=path.name),
        }[kind]
        media = wecom.media.upload(source, type="image")
    assert media.media_id == "m1"
    assert media.created_at is not None
    assert media.to_wire()["created_at"] == "1715000000"
    (seen,) = loopback.seen
    assert seen.query == {"type": "image", "access_token": "token-1"}
    sent = part(seen)
    assert sent.get_payload(decode=True) == PICTURE
    assert sent.get_content_type() == "image/png"
    assert 'name="media"; filename="榴莲 报价.png"'.encode() in seen.body


def test_pictures_and_attachments_go_to_their_own_addresses(loopback: Any, wecom: WeCom) -> None:
    loopback.answer("/cgi-bin/media/uploadimg", {"url": "https://example.com/1"})
    loopback.answer("/cgi-bin/media/upload_attachment", {"type": "video", "media_id": "m2", "created_at": 1_715_000_000})
    assert wecom.media.upload_image(PICTURE).url == "https://example.com/1"
    made = wecom.media.upload_attachment(PICTURE, media_type="video", attachment_type=AttachmentType.MOMENT)
    assert made.media_id == "m2"
    assert loopback.seen[1].query == {"media_type": "video", "attachment_type": "1", "access_token": "token-1"}


@pytest.mark.parametrize("kind", ["image", "voice", "video", "file"])
def test_too_large_and_too_small_are_refused_unsent(kind: Any, tmp_path: Path) -> None:
    most = LARGEST[kind]
    Media.upload(bytes(most), type=kind)
    stream = io.BytesIO(bytes(most + 1))
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(most + 1)
    for source in (bytes(most + 1), stream, large, str(large), Upload.of(bytes(most + 1)), b"12345"):
        with pytest.raises(InputError, match=f"{most:,} bytes") as caught:
            Media.upload(source, type=kind)
        assert caught.value.field == "media"


def test_a_missing_file_and_an_unknown_type_are_refused(loopback: Any, wecom: WeCom) -> None:
    with pytest.raises(InputError, match="cannot read the file"):
        wecom.media.upload("no-such-file.png", type="image")
    with pytest.raises(InputError, match="'image', 'voice', 'video' or 'file'"):
        wecom.media.upload(PICTURE, type="picture")  # type: ignore[arg-type]
    assert loopback.seen == []


async def pieces(*parts: Any) -> AsyncIterator[Any]:
    for part in parts:
        yield part


def test_a_file_is_uploaded_as_it_comes_from_an_async_iterator(loopback: Any) -> None:
    loopback.answer(UPLOAD, {"type": "file", "media_id": "m1", "created_at": "1715000000"})

    async def use() -> str:
        async with AsyncWeCom("ww1", "secret", base_url=loopback.url) as wecom:
            stream = pieces(PICTURE[:10], bytearray(PICTURE[10:20]), b"", PICTURE[20:])
            media = await wecom.media.upload(Upload.of(stream, filename="报价单.pdf"), type="file")
            with pytest.raises(InputError, match=f"{LARGEST['voice']:,} bytes, got {LARGEST['voice'] + 2:,}"):
                await wecom.media.upload(pieces(b"xx", bytes(LARGEST["voice"])), type="voice")
            with pytest.raises(InputError, match="gave str, bytes are expected"):
                await wecom.media.upload(pieces("text"), type="voice")
            with pytest.raises(InputError, match="got 0"):
                await wecom.media.upload(stream, type="voice")  # an iterator gives what it has once
        return media.media_id

    assert asyncio.run(use()) == "m1"
    (seen,) = loopback.calls(UPLOAD)
    assert part(seen).get_payload(decode=True) == PICTURE
    assert part(seen).get_content_type() == "application/pdf"


def test_threads_cannot_read_an_async_iterator(loopback: Any, wecom: WeCom) -> None:
    with pytest.raises(InputError, match="by an async client only"):
        wecom.media.upload(pieces(PICTURE), type="image")
    assert loopback.seen == []
