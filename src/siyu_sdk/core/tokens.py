"""Tokens: fetched once however many ask at once, replaced only by who saw them fail.

The rule is compare, then expire: a refresh drops a token from the cache only if it is still the one that failed, so a newer token
fetched by somebody else survives. Whoever waited for the lock looks again inside it before fetching.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from attrs import field, frozen

from .call import Call

MARGIN = 300.0
"""A token is not used in its last five minutes: the platform may replace it there, and the call still has to travel."""


@frozen
class Token:
    """A credential with an end."""

    value: str = field(repr=False)
    expires_at: float
    """Unix seconds after which it is not used any more."""

    def fresh(self, now: float) -> bool:
        """Whether it may be used at that moment."""
        return now < self.expires_at

    @classmethod
    def living(cls, value: str, expires_in: float, now: float) -> Token:
        """A token that the platform lets live so many seconds; a short life keeps nine tenths."""
        return cls(value, now + max(expires_in - MARGIN, expires_in * 0.9 if expires_in <= 2 * MARGIN else 0))


FORCE_GAP = 24 * 3600 / 20
"""Seconds between two forced refreshes: the platform allows 20 a day, and never two within 30 s."""


class TokenCache(Protocol):
    """Where tokens are shared: threads, processes or machines. Keys are hashes; they never hold a secret."""

    blocking: bool
    """Whether `get`, `put` and `discard` may wait (a file, a network): an async client then calls them in a thread."""

    def get(self, key: str) -> Token | None:
        """The token under a key, fresh or not."""
        ...

    def put(self, key: str, token: Token) -> None:
        """Keep a token."""
        ...

    def discard(self, key: str, value: str) -> None:
        """Drop the token, if it still is the one that failed."""
        ...

    def lock(self, key: str) -> AbstractContextManager[Any]:
        """Held by whoever fetches a token. May be entered and left in different threads."""
        ...


class MemoryTokenCache:
    """Shared by the threads and tasks of this process."""

    blocking = False

    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def get(self, key: str) -> Token | None:
        """The token under a key, fresh or not."""
        return self._tokens.get(key)

    def put(self, key: str, token: Token) -> None:
        """Keep a token."""
        self._tokens[key] = token

    def discard(self, key: str, value: str) -> None:
        """Drop the token, if it still is the one that failed."""
        with self._guard:
            held = self._tokens.get(key)
            if held is not None and held.value == value:
                del self._tokens[key]

    def lock(self, key: str) -> AbstractContextManager[Any]:
        """A plain lock: it may be released by another thread than took it."""
        with self._guard:
            return self._locks.setdefault(key, threading.Lock())


def cache_key(platform: str, *parts: str) -> str:
    """A key that tells apps apart and shows nothing: a hash over the id, the secret and what else makes the token differ."""
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
    return f"siyu:{platform}:{digest}"


@frozen
class TokenSource:
    """Where a token comes from: the call that fetches it, and what its reply says."""

    key: str
    request: Callable[[], Call[Any]]
    read: Callable[[Any, float], Token]
    """From the reply and the present unix time."""
    forced: Callable[[], Call[Any]] | None = None
    """Where tokens are stable: the call that replaces the present token for everybody. The platform allows 20 a day."""
