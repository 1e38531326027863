"""Files that go straight to disk: whole or not at all, over our own connections and through a caller's httpx client alike."""

from __future__ import annotations

import asyncio
import gzip
import io
import re
import socket
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import httpx
import pytest

from siyu_sdk import AsyncWeCom, DownloadError, InputError, InvalidArgument, OutcomeUnknown, Retry, SavedFile, UsageError, WeCom
from siyu_sdk.wecom.customers import Customers
from siyu_sdk.wecom.media import Media

from .conftest import Behaviour, Peer, answer, hang_up, say

PICTURE = bytes(range(256)) * 1024
NAMED = 'Content-Disposition: attachment; filename="durian.jpg"'
TOKEN = answer(b'{"errcode":0,"access_token":"token","expires_in":7200}')
GONE = b'{"errcode":40007,"errmsg":"invalid media_id"}'

Download = Callable[..., SavedFile]


@pytest.fixture(params=["sync", "async", "sync httpx", "async httpx"])
def download(request: pytest.FixtureRequest, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Download]:
    """`media.download` of each kind of client; the token is fetched already, and retries wait for nobody."""
    from tenacity import stop_after_attempt, wait_none

    monkeypatch.setenv("NO_PROXY", "localhost")
    retry, own = Retry(stop=stop_after_attempt(3), wait=wait_none()), "httpx" in request.param
    peer.then(TOKEN)

    if request.param.startswith("sync"):
        with ExitStack() as stack:
            http = stack.enter_context(httpx.Client()) if own else None
            yield stack.enter_context(WeCom("ww1", "secret", base_url=peer.url, retry=retry, http=http)).media.download
        return
    with asyncio.Runner() as runner:
        client = httpx.AsyncClient() if own else None
        wecom = AsyncWeCom("ww1", "secret", base_url=peer.url, retry=retry, http=client)
        yield lambda *args, **kwargs: runner.run(wecom.media.download(*args, **kwargs))
        runner.run(wecom.aclose())
        if client is not None:
            runner.run(client.aclose())


def picture(*headers: str, body: bytes = PICTURE) -> Behaviour:
    return answer(body, "Content-Type: image/jpeg", NAMED, *headers)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def broken_off(link: socket.socket) -> bool:
    link.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 99999\r\n\r\n" + PICTURE[:5000])
    return False


def test_a_file_is_saved_under_a_path(download: Download, peer: Peer, tmp_path: Path) -> None:
    peer.then(picture())
    saved = download("m1", tmp_path / "榴莲.jpg")
    assert saved == SavedFile(tmp_path / "榴莲.jpg", "durian.jpg", "image/jpeg", len(PICTURE))
    assert (tmp_path / "榴莲.jpg").read_bytes() == PICTURE
    assert names(tmp_path) == ["榴莲.jpg"]
    assert b"media_id=m1" in peer.seen[1]


def test_a_file_object_is_written_from_where_it_stands(download: Download, peer: Peer) -> None:
    peer.then(picture())
    file = io.BytesIO(b"before-after")
    file.seek(7)
    assert download("m1", file).path is None
    assert file.getvalue() == b"before-" + PICTURE


def test_a_download_that_breaks_off_begins_anew(download: Download, peer: Peer, tmp_path: Path) -> None:
    peer.then(broken_off, hang_up, picture())
    download("m1", tmp_path / "a.jpg")
    assert (tmp_path / "a.jpg").read_bytes() == PICTURE
    file = io.BytesIO(b"x")
    file.seek(1)
    peer.then(broken_off, picture())
    download("m1", file)
    assert file.getvalue() == b"x" + PICTURE


def test_one_that_never_comes_whole_leaves_what_was_there(download: Download, peer: Peer, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"yesterday")
    peer.then(broken_off, broken_off, broken_off)
    with pytest.raises(OutcomeUnknown):
        download("m1", tmp_path / "a.jpg")
    assert names(tmp_path) == ["a.jpg"]
    assert (tmp_path / "a.jpg").read_bytes() == b"yesterday"
    file = io.BytesIO(b"kept")
    file.seek(4)
    peer.then(broken_off, broken_off, broken_off)
    with pytest.raises(OutcomeUnknown):
        download("m1", file)
    assert file.getvalue() == b"kept"


def test_one_that_is_too_long_is_given_up_at_once(download: Download, peer: Peer, tmp_path: Path) -> None:
    peer.then(picture())
    with pytest.raises(DownloadError, match="longer than max_bytes \\(1,000\\)"):
        download("m1", tmp_path / "a.jpg", max_bytes=1000)
    assert names(tmp_path) == []
    assert len(peer.seen) == 2  # never asked for again
    peer.then(picture(body=b"x" * 1000))
    assert download("m1", tmp_path / "a.jpg", max_bytes=1000).size == 1000


@pytest.mark.parametrize("content_type", ["application/json; charset=UTF-8", "text/plain"])
def test_an_error_in_place_of_a_file_is_an_error(download: Download, peer: Peer, tmp_path: Path, content_type: str) -> None:
    peer.then(answer(GONE, f"Content-Type: {content_type}"))
    with pytest.raises(InvalidArgument, match="40007"):
        download("m1", tmp_path / "a.jpg")
    assert names(tmp_path) == []


def test_a_compressed_one_is_unpacked_on_the_way(download: Download, peer: Peer, tmp_path: Path) -> None:
    packed = gzip.compress(PICTURE)
    peer.then(picture("Content-Encoding: gzip", body=packed))
    assert download("m1", tmp_path / "a.jpg").size == len(PICTURE)
    assert (tmp_path / "a.jpg").read_bytes() == PICTURE
    bomb = gzip.compress(bytes(50_000_000))
    peer.then(picture("Content-Encoding: gzip", body=bomb))
    with pytest.raises(DownloadError, match="max_bytes"):
        download("m1", tmp_path / "b.jpg", max_bytes=1_000_000)
    assert names(tmp_path) == ["a.jpg"]


def test_what_cannot_be_written_to_is_refused_before_anything_is_sent(download: Download, peer: Peer, tmp_path: Path) -> None:
    wrong: list[Any] = [tmp_path, tmp_path / "no-folder" / "a.jpg", tmp_path / "nul\0byte", io.StringIO(), 7, None]
    for to in wrong:
        with pytest.raises(InputError, match=r"^to: ") as caught:
            download("m1", to)
        assert caught.value.field == "to"
    with pytest.raises(InputError, match="max_bytes: at least 1 byte"):
        download("m1", tmp_path / "a", max_bytes=0)
    assert not peer.seen


class Pipe(io.RawIOBase):
    """A stream that takes bytes and cannot go back."""

    def __init__(self) -> None:
        self.got = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.got += bytes(data)
        return len(data)


def test_what_cannot_go_back_is_not_written_to_twice(download: Download, peer: Peer) -> None:
    pipe: Any = Pipe()
    peer.then(broken_off, picture())
    with pytest.raises(DownloadError, match="cannot take back; give a path"):
        download("m1", pipe)
    assert pipe.got == PICTURE[:5000]


class FullDisk(io.BytesIO):
    def write(self, data: Any) -> int:
        raise OSError(28, "No space left on device")


def test_a_full_disk_is_told_and_not_tried_again(download: Download, peer: Peer) -> None:
    full: IO[bytes] = FullDisk()
    peer.then(picture())
    with pytest.raises(DownloadError, match="No space left"):
        download("m1", full)
    assert len(peer.seen) == 2


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("attachment; filename*=UTF-8''%E6%A6%B4%E8%8E%B2.jpg", "榴莲.jpg"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\temp\\\\a.jpg"', "a.jpg"),
        ("attachment", ""),
    ],
)
def test_the_name_is_the_platforms_without_its_folders(peer: Peer, tmp_path: Path, header: str, name: str) -> None:
    peer.then(TOKEN, answer(PICTURE, "Content-Type: image/jpeg", f"Content-Disposition: {header}"))
    with WeCom("ww1", "secret", base_url=peer.url) as wecom:
        assert wecom.media.download("m1", tmp_path / "a").filename == name


def test_memory_does_not_grow_with_the_file(peer: Peer, tmp_path: Path) -> None:
    size, piece = 64 * 1024 * 1024, PICTURE
    head = f"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: {size}\r\n\r\n".encode()
    peer.then(TOKEN, say(head, *[piece] * (size // len(piece))))
    with WeCom("ww1", "secret", base_url=peer.url) as wecom:
        tracemalloc.start()
        saved = wecom.media.download("m1", tmp_path / "a.mp4")
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert saved.size == (tmp_path / "a.mp4").stat().st_size == size
    assert most < 4 * 1024 * 1024


def test_any_call_of_a_file_can_be_saved_as_a_value(peer: Peer, tmp_path: Path) -> None:
    import pickle

    call = Media.get_voice("m1").save(tmp_path / "voice.speex", max_bytes=2_000_000)
    assert pickle.loads(pickle.dumps(call)) == call != Media.get_voice("m1")
    peer.then(TOKEN, answer(b"speex", "Content-Type: voice/speex"))
    with WeCom("ww1", "secret", base_url=peer.url) as wecom:
        raw = wecom.raw(call)
    assert raw.reply.size == 5
    assert raw.headers["content-type"] == raw.reply.content_type
    with pytest.raises(UsageError, match=re.escape("externalcontact/get gives no file")):
        Customers.get("wm1").save(tmp_path / "x")
