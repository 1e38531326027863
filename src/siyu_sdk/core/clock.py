"""Time, replaceable: tests and the sandbox bring a clock of their own."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where the SDK reads the time and waits."""

    def time(self) -> float:
        """Unix seconds."""
        ...

    def now(self) -> datetime:
        """The same moment as an aware datetime in UTC."""
        ...

    def sleep(self, seconds: float) -> float:
        """Give the real seconds to wait for so many seconds of this clock: a virtual clock may shorten them."""
        ...


class SystemClock:
    """The machine's clock."""

    def time(self) -> float:
        """Unix seconds."""
        return time.time()

    def now(self) -> datetime:
        """The same moment as an aware datetime in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> float:
        """Real seconds are real seconds."""
        return seconds
