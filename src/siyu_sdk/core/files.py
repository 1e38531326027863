"""Files on their way: what a caller gives to send, and where a body goes that is too large for memory."""

from __future__ import annotations

import io
import mimetypes
import os
import secrets
import zlib
from collections.abc import AsyncIterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self, cast

from attrs import evolve, field, frozen

from .errors import DownloadError, InputError

MAX_UPLOAD: Final = 256 * 1024 * 1024
MAX_DOWNLOAD: Final = 256 * 1024 * 1024
GZIP: Final = zlib.MAX_WBITS | 32
"""What zlib calls gzip or deflate, whichever it is."""


@frozen
class Upload:
    """A file to send: bytes with a name, a path, a binary file object or an async iterator of bytes.

    It is read once, so that a retry sends the same bytes.
    """

    content: bytes = field(repr=False)
    filename: str
    content_type: str
    stream: AsyncIterable[bytes] | None = field(default=None, repr=False)
    """Where the content comes from, as long as it has not been read."""

    @classmethod
    def of(cls, source: FileLike, *, filename: str | None = None, content_type: str | None = None) -> Upload:
        """Read what a caller gave; a name without an extension gets the type application/octet-stream.

        An async iterator is read when the call is sent, by an async client only.
        """
        if isinstance(source, Upload):
            return source
        content, name, stream = b"", "file", None
        if isinstance(source, (str, os.PathLike)):
            path = Path(source)
            try:
                content, name = path.read_bytes(), path.name
            except OSError as error:
                raise InputError(f"cannot read the file to upload: {error.strerror}: {path}", "file") from None
        elif isinstance(source, (bytes, bytearray)):
            content = bytes(source)
        elif isinstance(source, AsyncIterable) and not callable(getattr(source, "fileno", None)):
            stream = source
        else:
            read = getattr(source, "read", None)
            given, name = read() if callable(read) else None, Path(str(getattr(source, "name", "file"))).name
            if not isinstance(given, bytes):
                raise InputError(
                    "a path, bytes, a file opened in binary mode, an async iterator of bytes or an Upload is expected, "
                    f"got {type(source).__name__}",
                    "file",
                )
            content = given
        name = filename or name
        return cls(content, name, content_type or mimetypes.guess_type(name)[0] or "application/octet-stream", stream)

    def filled(self, content: bytes) -> Upload:
        """The same file with its stream read."""
        return evolve(self, content=content, stream=None)


FileLike = str | os.PathLike[str] | bytes | IO[bytes] | AsyncIterable[bytes] | Upload
"""A path, bytes, a binary file object, an async iterator of bytes or an `Upload`."""


async def drain(stream: AsyncIterable[bytes]) -> bytes:
    """Read a stream to its end, as long as it is no longer than any platform takes."""
    parts, size = list[bytes](), 0
    async for part in stream:
        if not isinstance(part, (bytes, bytearray)):  # pyright: ignore[reportUnnecessaryIsInstance]  # a caller's generator may yield anything
            raise InputError(f"the stream to upload gave {type(part).__name__}, bytes are expected", "file")
        size += len(part)
        if size > MAX_UPLOAD:
            raise InputError(f"the stream to upload is longer than {MAX_UPLOAD:,} bytes, which no platform takes", "file")
        parts.append(bytes(part))
    return b"".join(parts)


# Downloads


def is_file(headers: Mapping[str, str], start: bytes) -> bool:
    """Whether a successful reply is a file, or an error in its place: those come as JSON, not always with its content type."""
    return "json" not in headers.get("content-type", "") and not start.startswith(b'{"errcode"')


@frozen
class SavedFile:
    """A file that was downloaded."""

    path: Path | None
    """Where it is; None where it went into a file object."""
    filename: str
    """Its name as the platform gives it, without folders; empty where it gives none."""
    content_type: str
    size: int
    """Bytes."""


@frozen
class Destination:
    """Where a download goes: a path, or a file object opened in binary mode."""

    to: str | os.PathLike[str] | IO[bytes]
    max_bytes: int

    def __attrs_post_init__(self) -> None:
        if self.max_bytes < 1:
            raise InputError(f"max_bytes: at least 1 byte has to be allowed, got {self.max_bytes}", "max_bytes")
        text = isinstance(cast("object", self.to), io.TextIOBase)
        if not isinstance(self.to, (str, os.PathLike)) and (text or not callable(getattr(self.to, "write", None))):
            raise InputError(f"to: a path or a file opened in binary mode is expected, got {type(self.to).__name__}", "to")

    def open(self) -> Sink:
        """Get ready to write, before anything is sent.

        Raises:
            InputError: the path cannot be written to.
        """
        if not isinstance(self.to, (str, os.PathLike)):
            return Sink(self.to, None, self.max_bytes)
        path = Path(self.to)
        try:
            if path.is_dir():
                raise IsADirectoryError(0, "it is a folder")
            part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
            return Sink(part.open("xb"), path, self.max_bytes, part)
        except (OSError, ValueError) as error:
            raise InputError(f"to: cannot write to {path}: {getattr(error, 'strerror', None) or error}", "to") from None


class Sink:
    """Takes the body of a reply piece by piece.

    What goes to a path is written beside it and moved there once it is whole, so that nobody finds half of a file. A file object is set
    back to where it stood when the download fails, or begins anew, if it can be.
    """

    def __init__(self, file: IO[bytes], path: Path | None, max_bytes: int, part: Path | None = None) -> None:
        self._file, self._path, self._part, self._max = file, path, part, max_bytes
        self._start = file.tell() if file.seekable() else None
        self._mine: bool | None = None
        self._size = 0
        self._unzip, self._squeezed = zlib.decompressobj(GZIP), False
        self._kept = False

    def begin(self, status: int, headers: Mapping[str, str], *, encoded: bool = True) -> None:
        """A reply begins; its names are in lower case. `encoded` says whether a compression is still to be undone."""
        if self._size:
            self._rewind()
        self._mine = None if 200 <= status < 300 and is_file(headers, b"") else False
        self._squeezed = encoded and headers.get("content-encoding", "").strip().lower() in ("gzip", "x-gzip", "deflate")
        self._unzip = zlib.decompressobj(GZIP)

    def write(self, data: bytes) -> bool:
        """Take a piece; False where the body is no file but an error, which is read from memory.

        Raises:
            DownloadError: it is longer than allowed, broken, or the disk is full.
        """
        if self._mine is None:
            self._mine = is_file({}, data)
        if not self._mine:
            return False
        try:
            if self._squeezed:
                data = self._unzip.decompress(data, self._max - self._size + 1)
            self._size += len(data)
            if self._size > self._max:
                raise DownloadError(f"the file is longer than max_bytes ({self._max:,}); nothing of it is kept")
            self._file.write(data)
        except (OSError, zlib.error) as error:
            raise DownloadError(f"the file cannot be kept: {getattr(error, 'strerror', None) or error}") from None
        return True

    def _rewind(self) -> None:
        if self._start is None:
            raise DownloadError(f"the download broke off after {self._size:,} bytes, which this file object cannot take back; give a path")
        self._file.seek(self._start)
        self._file.truncate()
        self._size = 0

    def keep(self, headers: Mapping[str, str]) -> SavedFile:
        """The reply is whole: put the file where it belongs.

        Raises:
            DownloadError: it was broken, or the disk is full.
        """
        if self._squeezed and self._size and not self._unzip.eof:
            raise DownloadError("the file cannot be kept: its compression breaks off")
        try:
            self._file.flush()
            if self._path is not None and self._part is not None:
                self._file.close()
                self._part.replace(self._path)
        except OSError as error:
            raise DownloadError(f"the file cannot be kept: {error.strerror}") from None
        self._kept = True
        return SavedFile(self._path, _filename(headers), headers.get("content-type", ""), self._size)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._kept:
            return
        if self._part is not None:
            self._file.close()
            self._part.unlink(missing_ok=True)
        elif self._size and self._start is not None:
            self._rewind()


def _filename(headers: Mapping[str, str]) -> str:
    """The name in `content-disposition`, also in its RFC 2231 form, without the folders that somebody may have put before it."""
    from email.message import Message  # it brings half of the standard library with it

    message = Message()
    message["content-disposition"] = headers.get("content-disposition", "")
    return (message.get_filename() or "").replace("\\", "/").rpartition("/")[2]
