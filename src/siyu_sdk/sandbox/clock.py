"""The virtual clock, and the list of what is going to happen.

Virtual time is the start, plus the real time since the start, plus what was skipped by `advance`. Nothing in the sandbox asks the
machine for the time: tokens, welcome codes, quotas and coupons all live by this clock.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8), "Beijing")
START = datetime(2026, 11, 16, 9, 30, tzinfo=BEIJING)
"""A Monday morning in the middle of a month, so that a week of simulation stays inside one monthly quota."""

LONGEST_SLEEP = 2.0
"""Real seconds that a wait on a virtual clock takes at most: back-off and settling stay real, hours do not."""


def beijing(at: float) -> datetime:
    """The moment `at` (unix seconds) as an aware datetime in Beijing."""
    return datetime.fromtimestamp(at, BEIJING)


def rfc3339(at: float) -> str:
    """The moment `at` (unix seconds) as WeChat Pay writes it: 2026-11-16T09:30:00+08:00."""
    return beijing(at).isoformat(timespec="seconds")


class VirtualClock:
    """Runs at the speed of real time and can be moved forward, never back. Implements the `Clock` protocol of the SDK."""

    def __init__(self, start: datetime = START) -> None:
        self._base = start.timestamp() - time.monotonic()
        self._moving = threading.Lock()

    def time(self) -> float:
        """Unix seconds of virtual time."""
        return self._base + time.monotonic()

    def now(self) -> datetime:
        """Virtual time as an aware datetime (UTC)."""
        return datetime.fromtimestamp(self.time(), UTC)

    def sleep(self, seconds: float) -> float:
        """The real seconds to wait for `seconds` of this clock: never more than `LONGEST_SLEEP`."""
        return min(seconds, LONGEST_SLEEP)

    def jump(self, to: float) -> None:
        """Move forward to `to` (unix seconds); no effect where that is past."""
        with self._moving:
            self._base = max(self._base, to - time.monotonic())

    def __repr__(self) -> str:
        return f"<VirtualClock {beijing(self.time()).isoformat(timespec='seconds')}>"


class Timeline:
    """What is going to happen, in order of time: members confirm, customers act, notices go out.

    A thread runs entries as real time reaches them; `advance` runs them at once, each at its own virtual moment. One entry runs at a
    time. Entries that change the world run under the world's lock; deliveries (requests to somebody's server) run outside of it.
    """

    def __init__(self, clock: VirtualClock, lock: AbstractContextManager[object]) -> None:
        self._clock = clock
        self._lock = lock
        self._order = itertools.count()
        self._heap: list[tuple[float, int, bool, Callable[[], None]]] = []
        self._changed = threading.Condition()
        self._running = threading.RLock()
        self._stopped = False
        self.failures: list[str] = []
        self._thread = threading.Thread(target=self._follow_real_time, name="sandbox-timeline", daemon=True)

    def start(self) -> None:
        """Let real time run the list."""
        self._thread.start()

    def stop(self) -> None:
        """Nothing happens any more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(timeout=2)

    def at(self, when: float, action: Callable[[], None], *, delivery: bool = False) -> None:
        """Run `action` at the virtual moment `when`. Deliveries run without the world's lock, for they call other servers."""
        with self._changed:
            heapq.heappush(self._heap, (when, next(self._order), delivery, action))
            self._changed.notify_all()

    def after(self, seconds: float, action: Callable[[], None], *, delivery: bool = False) -> None:
        """Run `action` that many virtual seconds from now."""
        self.at(self._clock.time() + seconds, action, delivery=delivery)

    def advance(self, seconds: float) -> int:
        """Skip `seconds` of virtual time, running everything that falls into them, in order. Returns how many entries ran."""
        end = self._clock.time() + seconds
        ran = self._run_until(end)
        self._clock.jump(end)
        return ran

    def _run_until(self, end: float) -> int:
        ran = 0
        with self._running:
            while not self._stopped:
                with self._changed:
                    if not self._heap or self._heap[0][0] > end:
                        break
                    due, _, delivery, action = heapq.heappop(self._heap)
                self._clock.jump(due)
                self._run(action, delivery=delivery)
                ran += 1
        return ran

    def _run(self, action: Callable[[], None], *, delivery: bool) -> None:
        try:
            if delivery:
                action()
            else:
                with self._lock:
                    action()
        except Exception as failure:  # noqa: BLE001 (one broken entry must not stop the world; invariants() reports it)
            self.failures.append(f"a scheduled action failed: {failure!r}")

    def _follow_real_time(self) -> None:
        while not self._stopped:
            with self._changed:
                wait = self._heap[0][0] - self._clock.time() if self._heap else 3600.0
                if wait > 0:
                    self._changed.wait(wait)
            if not self._stopped:
                self._run_until(self._clock.time())
