"""Standing in line: what a call does while a limiter holds it back, and when it has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .call import Flow, Local, Sleep, Spec
from .errors import RateLimited
from .limits import LONGEST, Refusal, Turn
from .run import Hold

if TYPE_CHECKING:
    from .client import Session


def line_up(session: Session, spec: Spec[Any], turn: Turn, due: float) -> Flow[float]:
    """Wait until the limiter lets this turn go; gives the seconds that it took. `due` is a moment that has been waited for already.

    Raises:
        RateLimited: nothing was sent, as the platform would refuse it for longer than a call is held back.
    """
    limiter, clock = session.limiter, session.clock
    began = now = clock.time()
    now = max(now, due)  # a virtual clock may let a pause be over before its time is
    while True:
        wait = (yield from Local(limiter.acquire, turn, now)) if limiter.blocking else limiter.acquire(turn, now)
        if not wait:
            return now - began
        if wait > LONGEST:
            raise RateLimited(
                "held_back",
                f"not sent: its limit is used up for {wait:.0f} s more",
                str(spec),
                hint="Go on after `retry_after` seconds, and more slowly.",
                http_status=0,
                retry_after=wait,
                retryable=True,
            )
        if turn.called is None:
            yield Sleep(wait)
        else:
            yield Hold(wait, turn.called)
        now = clock.time() if turn.called is not None and turn.called.done() else max(clock.time(), now + wait)


def give_back(session: Session, turn: Turn, refusal: Refusal | None) -> Flow[float]:
    """Tell a limiter over a network that a call has ended; gives the seconds for which its API is shut."""
    return (yield from Local(session.limiter.release, turn, session.clock.time(), refusal))
