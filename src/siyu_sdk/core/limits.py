"""How much at once and in a time: what holds calls back, so that the platform need not refuse them.

A limiter is asked before each call and told after it. It answers with seconds to wait, 0 meaning «go»; the waiting itself is a step of the
exchange, so one limiter serves sync and async clients. A call counts until a window after its *end*: whatever the network does to the
order of calls, the platform never sees more of them in a window than it allows.
"""

from __future__ import annotations

import itertools
import os
import threading
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Final, Protocol

from attrs import evolve, field, fields, frozen

from .errors import InputError

SECONDS: Final = {"per_second": 1.0, "per_minute": 60.0, "per_hour": 3600.0, "per_day": 86400.0, "per_month": 30 * 86400.0}
LONGEST: Final = 120.0
"""Seconds that a call is held back at most. What is exhausted for longer is the caller's business: the error says for how long."""


def _positive(_instance: object, attribute: object, value: int | None) -> None:
    if value is not None and value < 1:
        name = getattr(attribute, "name", "limit")
        raise InputError(f"{name}: at least 1 call has to be allowed, got {value}; None stands for no limit", name)


@frozen
class Limit:
    """What is allowed for one API, one account or one address; None where there is no figure."""

    concurrent: int | None = field(default=None, validator=_positive)
    """Calls in flight at once."""
    per_minute: int | None = field(default=None, validator=_positive)
    per_second: int | None = field(default=None, validator=_positive)
    per_hour: int | None = field(default=None, validator=_positive)
    per_day: int | None = field(default=None, validator=_positive)
    per_month: int | None = field(default=None, validator=_positive)

    def over(self, base: Limit) -> Limit:
        """These figures, and those of `base` where there is none."""
        known = {a.name: value for a in fields(Limit) if (value := getattr(self, a.name)) is not None}
        return evolve(base, **known)

    def windows(self) -> list[tuple[float, int]]:
        """Seconds and calls of each window, the shortest first."""
        return [(seconds, calls) for name, seconds in SECONDS.items() if (calls := getattr(self, name)) is not None]


@frozen
class Rule:
    """One thing that is counted: what shares the key shares the limit."""

    key: str
    limit: Limit


@frozen
class Refusal:
    """How the platform refused a call for a limit."""

    concurrent: bool
    """Too many in flight, not too many in a time."""
    seconds: float
    """How long the platform refuses on, as far as one knows."""


class Turn:
    """One attempt's turn: it waits in line, is in flight, has ended. Made for each attempt, and told to the limiter throughout."""

    numbers = itertools.count()

    number = -1
    """Its place in line; -1 where it did not have to wait."""
    granted = False
    sent = True
    """False as long as another place, which is asked after this one, holds it back."""
    ended = False
    began = 0.0
    place = ""
    """Its name where several processes count."""
    let_go = 0.0
    """When it was let go there, by the time of that place."""
    called: Future[None] | None = None
    """Done when it is worth asking again before the time is over."""
    scopes: Sequence[_Scope] = ()

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        """`rules` is what the call counts for; the first is its own API, about which refusals teach."""
        self.rules = rules


class Limiter(Protocol):
    """Holds calls back so that the platform need not refuse them. Must be safe across threads."""

    blocking: bool
    """Whether asking may wait for a network: an async client then asks in a thread."""

    def acquire(self, turn: Turn, now: float) -> float:
        """Let it go (0), or give the seconds after which to ask again, or earlier where `turn.called` is done."""
        ...

    def release(self, turn: Turn, now: float, refusal: Refusal | None = None) -> float:
        """Count the end of a call, or of the waiting for it; gives the seconds for which its API is shut after a refusal."""
        ...


# What refusals teach

LEAST_SHARE: Final = 0.05
RECOVERY: Final = 0.05 / 60
"""Of the known rate, that comes back in a second."""
ONE_MORE: Final = 10.0
"""Seconds after which one more call may be in flight."""
UNKNOWN: Final = 64
"""Calls in flight from which on a cap that was learnt, where none is known, is forgotten."""
LONGEST_SHUT: Final = 3600.0
TURNED_BACK: Final = 5.0
"""Seconds before the last lesson that only a clock gives which was turned back."""


@frozen
class Learnt:
    """What refusals have taught about one API: fast to shrink, slow to grow again, shut for as long as the platform refuses."""

    share: float = 1.0
    """Of the known rates, at `since`."""
    at_once: int | None = None
    """Calls in flight, at `since`."""
    since: float = 0.0
    until: float = 0.0
    """No call before."""
    shut: float = 0.0
    """Seconds of the last shutting."""
    probing: bool = False
    """One call at a time, until one of them succeeds."""

    def at(self, now: float) -> Learnt:
        """The same; as if it had just been learnt, where the clock was turned back: or an API would be shut for as long as that."""
        if now >= self.since - TURNED_BACK:
            return self
        return evolve(self, since=now, until=now + max(0.0, self.until - self.since))

    def rate(self, now: float) -> float:
        """The share of the known rates."""
        return min(1.0, self.share + max(0.0, now - self.since) * RECOVERY)

    def room(self, now: float, known: int | None) -> int | None:
        """The calls that may be in flight, None where nothing limits them."""
        return 1 if self.probing else self._grown(now, known)

    def _grown(self, now: float, known: int | None) -> int | None:
        if self.at_once is None:
            return known
        grown = self.at_once + int(max(0.0, now - self.since) / ONE_MORE)
        return min(grown, known) if known is not None else grown

    def over(self, now: float, known: int | None) -> bool:
        """Whether all is as it was before."""
        room = self.room(now, known)
        return not self.probing and now >= self.until and self.rate(now) >= 1 and (room is None or room >= (known or UNKNOWN))

    def refused(self, refusal: Refusal, began: float, now: float, flying: int, known: int | None) -> Learnt:
        """The lesson of a refusal. Calls that were in flight already when the last one was learnt teach nothing new."""
        if self.since and began <= self.since:
            return self
        if refusal.concurrent:
            room = min(flying, self.room(now, known) or flying)
            return evolve(self, share=self.rate(now), at_once=max(1, room // 2), since=now, probing=False)
        shut = min(self.shut * 2, LONGEST_SHUT) if self.probing else refusal.seconds  # still refused after all the waiting: wait longer
        return evolve(
            self,
            share=max(LEAST_SHARE, self.rate(now) / 2),
            at_once=None if self.at_once is None else self._grown(now, known),
            since=now,
            until=now + shut,
            shut=shut,
            probing=True,
        )

    def succeeded(self, began: float) -> Learnt:
        """A call that began after the last refusal went through."""
        return evolve(self, probing=False, until=0.0) if self.probing and began > self.since else self


# In this process


class _Window:
    """Calls that ended in the last so many seconds, in a hundred heaps."""

    __slots__ = ("calls", "heaps", "seconds", "total", "width")

    def __init__(self, seconds: float, calls: int) -> None:
        self.seconds, self.calls = seconds, calls
        self.width = seconds / 100
        self.total = 0
        self.heaps: deque[list[float]] = deque()
        """[until when calls are put on it, how many there are]"""

    def count(self, now: float) -> int:
        heaps = self.heaps
        gone, ahead = now - self.seconds, now + self.width
        while heaps and not gone < heaps[0][0] <= ahead:  # over, or of a clock that has been turned back
            self.total -= int(heaps.popleft()[1])
        return self.total

    def add(self, now: float) -> None:
        heaps = self.heaps
        self.total += 1
        if heaps and now <= heaps[-1][0] <= now + self.width:
            heaps[-1][1] += 1
        else:
            self.count(now)
            heaps.append([now + self.width, 1])

    def until(self, now: float, places: int) -> float:
        """Seconds until so many places are free again."""
        for end, calls in self.heaps:
            places -= int(calls)
            if places <= 0:
                return max(end + self.seconds - now, 0.001)
        return self.seconds + self.width  # those in flight have to end first


class _Scope:
    """What is counted under one key."""

    __slots__ = ("concurrent", "flying", "learnt", "waiting", "windows")

    def __init__(self, limit: Limit) -> None:
        self.concurrent = limit.concurrent
        self.windows = [_Window(seconds, calls) for seconds, calls in limit.windows()]
        self.flying = 0
        self.waiting: list[Turn] = []
        self.learnt: Learnt | None = None

    def wait(self, ahead: int, now: float) -> float:
        """Seconds to wait, with so many in line before; 0 if there is room."""
        flying, limit, learnt = self.flying, self.concurrent, self.learnt
        taken = flying + ahead
        if learnt is None and (limit is None or taken < limit):
            for window in self.windows:
                if taken + window.total >= window.calls:  # those that are over may still be among them
                    break
            else:
                return 0.0
        longest = first = 0.0
        rate = 1.0
        if learnt is not None:
            learnt = self.learnt = learnt.at(now)
            if now < learnt.until:
                return learnt.until - now
            rate, limit = learnt.rate(now), learnt.room(now, limit)
        for window in self.windows:
            calls = window.calls if rate == 1.0 else max(1, int(window.calls * rate))
            missing = taken + 1 - calls + window.count(now)
            if missing > 0:
                longest = max(longest, window.until(now, missing))
                if missing > ahead:
                    first = max(first, window.until(now, missing - ahead))
        if not longest and limit is not None and taken >= limit:
            longest = LONGEST  # called when somebody ends
        return min(longest, max(first, LONGEST))  # the length of the line alone is no reason to give up

    def ahead(self, turn: Turn) -> int:
        waiting = self.waiting
        return len(waiting) if turn.number < 0 else bisect_left(waiting, turn.number, key=_number)

    def join(self, turn: Turn) -> None:
        place = bisect_left(self.waiting, turn.number, key=_number)
        if place == len(self.waiting) or self.waiting[place] is not turn:
            insort(self.waiting, turn, key=_number)

    def leave(self, turn: Turn) -> None:
        place = bisect_left(self.waiting, turn.number, key=_number)
        if place < len(self.waiting) and self.waiting[place] is turn:
            del self.waiting[place]

    def call(self, now: float) -> None:
        """Tell the first of those who wait that there is room."""
        for ahead, turn in enumerate(self.waiting):
            if self.wait(ahead, now):
                return
            if turn.called is not None and not turn.called.done():
                with suppress(InvalidStateError):  # it has given up waiting just now
                    turn.called.set_result(None)

    @property
    def idle(self) -> bool:
        return not self.flying and not self.waiting and self.learnt is None

    def quiet(self, now: float) -> bool:
        return self.idle and not any(window.count(now) for window in self.windows)


def _number(turn: Turn) -> int:
    return turn.number


class MemoryLimiter:
    """Counts within this process: several windows at once, calls in flight, and what refusals teach. First come, first served.

    Each client has one of its own; give clients that share an account, or an address, the same one (and the same figures: the first that it
    hears of a thing stay).
    """

    blocking = False
    MOST = 4096
    """Keys from which on those that are quiet are forgotten."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._scopes: dict[str, _Scope] = {}
        self._most = self.MOST

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def _of(self, rule: Rule) -> _Scope:
        scope = self._scopes.get(rule.key)
        if scope is None:
            scope = self._scopes[rule.key] = _Scope(rule.limit)
        return scope

    def _forget(self, now: float) -> None:
        self._scopes = {key: scope for key, scope in self._scopes.items() if not scope.quiet(now)}
        self._most = max(self.MOST, 2 * len(self._scopes))  # or those that stay would be looked through again and again

    @property
    def flying(self) -> int:
        """Calls in flight, of those that count for several things the most."""
        return max((scope.flying for scope in list(self._scopes.values())), default=0)

    def acquire(self, turn: Turn, now: float) -> float:
        """Let it go, or give the seconds after which to ask again."""
        if self._pid != os.getpid():  # in a forked child: the parent's calls are not in flight here
            self._begin()
        with self._lock:
            if turn.ended:  # given up, while a thread was still asking for it
                return 0.0
            if len(self._scopes) >= self._most:
                self._forget(now)
            scopes = turn.scopes = [self._of(rule) for rule in turn.rules]
            longest = 0.0
            for scope in scopes:
                wait = scope.wait(scope.ahead(turn) if scope.waiting else 0, now)
                if wait:
                    if turn.number < 0:
                        turn.number = next(Turn.numbers)
                    scope.join(turn)
                    longest = max(longest, wait)
            if longest:
                turn.called = Future()
                return longest
            for scope in scopes:
                scope.flying += 1
                if scope.waiting:
                    scope.leave(turn)
            turn.granted, turn.began, turn.called = True, now, None
            return 0.0

    def release(self, turn: Turn, now: float, refusal: Refusal | None = None) -> float:
        """Count the end of a call, or of the waiting for it."""
        if self._pid != os.getpid():  # in a child that was forked in the midst of a call
            turn.ended = True
            return 0.0
        shut = 0.0
        with self._lock:
            if turn.ended:
                return shut
            turn.ended = True
            scopes = turn.scopes
            if turn.granted and (refusal is not None or scopes[0].learnt is not None):
                shut = _learn(scopes[0], turn, now, refusal)
            for scope in scopes:
                if turn.granted:
                    scope.flying -= 1
                    if turn.sent:
                        for window in scope.windows:
                            window.add(now)
                if scope.waiting:
                    scope.leave(turn)
                    scope.call(now)
        return shut


def _learn(scope: _Scope, turn: Turn, now: float, refusal: Refusal | None) -> float:
    known, learnt = scope.concurrent, scope.learnt and scope.learnt.at(now)
    if refusal is not None:
        scope.learnt = learnt = (learnt or Learnt()).refused(refusal, turn.began, now, scope.flying, known)
        return max(0.0, learnt.until - now)
    if learnt is not None:
        learnt = learnt.succeeded(turn.began)
        scope.learnt = None if learnt.over(now, known) else learnt
    return 0.0
