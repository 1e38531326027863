"""The sandbox's clock for another process: a worker started beside it lives in the same virtual time."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime
from urllib.request import urlopen

from .clock import LONGEST_SLEEP

_FRESH_FOR = 0.2


class RemoteClock:
    """Reads virtual time from a sandbox's control server (`SIYU_CLOCK_URL`). Implements the `Clock` protocol of the SDK.

    The difference to real time is remembered for 0.2 s, so asking often costs nothing. Raises OSError where no sandbox answers.
    """

    def __init__(self, control_url: str) -> None:
        if not control_url.startswith(("http://", "https://")):
            raise ValueError(f"control_url must be an http URL, not {control_url!r}")
        self._url = control_url.rstrip("/") + "/clock"
        self._lock = threading.Lock()
        self._base = 0.0
        self._read_at = float("-inf")

    def time(self) -> float:
        """Unix seconds of virtual time."""
        with self._lock:
            if time.monotonic() - self._read_at > _FRESH_FOR:
                with urlopen(self._url, timeout=5) as answer:  # noqa: S310 (http only, checked above)
                    virtual = float(json.load(answer)["time"])
                self._read_at = time.monotonic()
                self._base = virtual - self._read_at
            return self._base + time.monotonic()

    def now(self) -> datetime:
        """Virtual time as an aware datetime (UTC)."""
        return datetime.fromtimestamp(self.time(), UTC)

    def sleep(self, seconds: float) -> float:
        """The real seconds to wait for `seconds` of this clock: never more than two."""
        return min(seconds, LONGEST_SLEEP)

    def __repr__(self) -> str:
        return f"<RemoteClock {self._url}>"
