"""When to try again, and after how long: tenacity's wait and stop objects as policy, our own generator as loop."""

from __future__ import annotations

from typing import Any, cast

from attrs import field, frozen
from tenacity import RetryCallState, stop_after_attempt, wait_exponential, wait_random
from tenacity.stop import stop_base
from tenacity.wait import wait_base

LONGEST_PAUSE = 120.0
"""A `Retry-After` beyond two minutes is the caller's business: the error carries it."""


@frozen
class Retry:
    """The policy: any `tenacity` stop and wait. `Retry(stop=stop_after_attempt(1))` never tries again."""

    stop: stop_base = field(factory=lambda: stop_after_attempt(4))
    wait: wait_base = field(factory=lambda: wait_exponential(multiplier=0.2, max=10) + wait_random(0, 0.2))

    def pause(self, attempt: int, started: float, now: float, asked: float | None = None) -> float | None:
        """Seconds before the next try after so many, or None to give up. `asked` is the platform's own wish."""
        if asked is not None and asked > LONGEST_PAUSE:
            return None
        state = RetryCallState(cast("Any", None), None, (), {})
        state.attempt_number, state.start_time, state.outcome_timestamp = attempt, started, now
        if self.stop(state):
            return None
        return max(asked or 0.0, self.wait(state))
