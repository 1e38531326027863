"""Tokens in a directory: for the processes of one machine."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path
from typing import Any

from ..errors import InputError, UsageError
from ..tokens import Token
from .shared import BROKEN, LEASE, SharedTokenCache

try:
    import filelock
except ImportError:  # pragma: no cover -- an environment without the extra
    raise UsageError('FileTokenCache needs filelock: pip install "siyu-sdk[files]"') from None


class FileTokenCache(SharedTokenCache):
    """Shares tokens among the processes of one machine: `FileTokenCache("/var/lib/myapp/tokens")`.

    One file for each token, readable by its owner only, replaced in one step; file locks that the system frees when their holder dies. The
    files hold the tokens themselves: keep the directory on a local disk, and away from backups. Needs `pip install "siyu-sdk[files]"`.
    """

    def __init__(self, directory: str | os.PathLike[str], *, lease: float = LEASE) -> None:
        super().__init__(lease=lease)
        self._directory = Path(directory)
        self._held: dict[str, filelock.BaseFileLock] = {}
        if self._directory.exists() and not self._directory.is_dir():
            raise InputError(f"directory: {self._directory} is a file", "directory")

    def read(self, key: str) -> tuple[object, float, float] | None:
        """What the file says."""
        try:
            kept: Any = json.loads(self._path(key, ".json").read_bytes())
        except FileNotFoundError:
            return None
        return kept["value"], kept["expires_at"], kept["ends_at"]

    def write(self, key: str, token: Token, owner: str) -> bool:  # noqa: ARG002 -- a file lock cannot be lost while its holder lives
        """Replace the file in one step."""
        path = self._path(key, ".json")
        fresh = path.with_name(f"{path.stem}.{uuid.uuid4().hex}.new")
        content = json.dumps({"value": token.value, "expires_at": token.expires_at, "ends_at": token.ends_at})
        with self._guard(key):
            try:
                with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                    file.write(content)
                fresh.replace(path)
            except BaseException:
                fresh.unlink(missing_ok=True)
                raise
        return True

    def remove(self, key: str, value: str) -> None:
        """Delete the file if it holds that token."""
        with self._guard(key):
            try:
                held = self.read(key)
            except BROKEN:  # it holds no token; the next one replaces it
                return
            if held is not None and held[0] == value:
                self._path(key, ".json").unlink(missing_ok=True)

    def take(self, key: str, owner: str) -> bool:
        """Take the file lock; the system gives it back when the process ends, however it ends."""
        lock = self._lock(key, ".lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            return False
        self._held[owner] = lock
        return True

    def free(self, key: str, owner: str) -> None:  # noqa: ARG002 -- other stores need the key
        """Give the file lock back."""
        self._held.pop(owner).release()

    def _path(self, key: str, suffix: str) -> Path:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._directory / (key.replace(":", "-") + suffix)

    def _guard(self, key: str) -> Any:
        """Held for the moment of a change: it tells a newer token from the one that is to be removed."""
        return self._lock(key, ".guard", timeout=2)

    def _lock(self, key: str, suffix: str, timeout: float = -1) -> Any:
        return filelock.FileLock(self._path(key, suffix), timeout=timeout, mode=0o600, thread_local=False)
