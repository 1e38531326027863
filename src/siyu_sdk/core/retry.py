"""When to try again, and after how long: tenacity's wait and stop objects as policy, our own generator as loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from attrs import field, frozen

if TYPE_CHECKING:  # tenacity is imported when the first client is made
    from tenacity.stop import stop_base
    from tenacity.wait import wait_base

LONGEST_PAUSE = 120.0
"""A `Retry-After` beyond two minutes is the caller's business: the error carries it."""


def _stop() -> stop_base:
    from tenacity import stop_after_attempt

    return stop_after_attempt(4)


def _wait() -> wait_base:
    from tenacity import wait_exponential, wait_random

    return wait_exponential(multiplier=0.2, max=10) + wait_random(0, 0.2)


@frozen
class Retry:
    """The policy: any `tenacity` stop and wait. `Retry(stop=stop_after_attempt(1))` never tries again."""

    stop: stop_base = field(factory=_stop)
    wait: wait_base = field(factory=_wait)

    def pause(self, attempt: int, started: float, now: float, asked: float | None = None) -> float | None:
        """Seconds before the next try after so many, or None to give up. `asked` is the platform's own wish."""
        if asked is not None and asked > LONGEST_PAUSE:
            return None
        from tenacity import RetryCallState

        state = RetryCallState(cast("Any", None), None, (), {})
        state.attempt_number, state.start_time, state.outcome_timestamp = attempt, started, now
        if self.stop(state):
            return None
        return max(asked or 0.0, self.wait(state))
