"""How much at once: the limits an endpoint declares, and the limiter that holds calls back.

A limiter is asked before each call and told after it. It answers with seconds to wait, 0 meaning «go»; the waiting itself is a
step of the exchange, so one limiter serves sync and async clients.
"""

from __future__ import annotations

import os
import threading
from collections import defaultdict, deque
from typing import Protocol

from attrs import frozen


@frozen
class Limit:
    """What the platform allows for one endpoint."""

    concurrent: int | None = None
    """Calls in flight at once."""
    per_minute: int | None = None


class Limiter(Protocol):
    """Holds calls back so that the platform need not refuse them. Must be safe across threads."""

    def acquire(self, key: str, limit: Limit, now: float) -> float:
        """Take a place, or give the seconds after which to ask again."""
        ...

    def release(self, key: str, limit: Limit) -> None:
        """Give the place back once the call has ended."""
        ...


class MemoryLimiter:
    """Counts within this process: enough for one worker, or for limits well under the platform's."""

    POLL = 0.005
    """Seconds between two looks at a full endpoint."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._flying = defaultdict[str, int](int)
        self._recent = defaultdict[str, deque[float]](deque)

    def acquire(self, key: str, limit: Limit, now: float) -> float:
        """Take a place, or give the seconds after which to ask again."""
        if self._pid != os.getpid():  # in a forked child: the parent's calls are not in flight here
            self._begin()
        with self._lock:
            if limit.concurrent is not None and self._flying[key] >= limit.concurrent:
                return self.POLL
            if limit.per_minute is not None:
                recent = self._recent[key]
                while recent and recent[0] <= now - 60:
                    recent.popleft()
                if len(recent) >= limit.per_minute:
                    return max(recent[0] + 60 - now, self.POLL)
                recent.append(now)
            self._flying[key] += 1
            return 0.0

    def release(self, key: str, limit: Limit) -> None:  # noqa: ARG002 -- part of the protocol; other limiters need it
        """Give the place back."""
        with self._lock:
            self._flying[key] -= 1
