"""Watching calls: one log line per attempt, and hooks for whoever counts or traces. Neither sees a secret."""

from __future__ import annotations

import logging
from collections.abc import Callable

from attrs import frozen

logger = logging.getLogger("siyu_sdk")


@frozen
class Attempt:
    """One attempt of one call."""

    platform: str
    method: str
    path: str
    """As declared, with placeholders: fit for a metric's label."""
    number: int
    """1 for the first."""
    status: int | None = None
    """The HTTP status, once there is one."""
    error: Exception | None = None
    elapsed: float = 0.0
    """Seconds."""
    pause: float | None = None
    """Seconds before the next attempt, on `on_retry`."""


@frozen
class Hooks:
    """Called in the thread or task of the call; must be quick, and what they raise stops the call."""

    on_request: Callable[[Attempt], None] | None = None
    on_response: Callable[[Attempt], None] | None = None
    on_retry: Callable[[Attempt], None] | None = None


def log(attempt: Attempt) -> None:
    """Write one line for an attempt; the credential and the body are never part of it."""
    if not logger.isEnabledFor(logging.DEBUG):
        return
    outcome = attempt.error if attempt.error is not None else attempt.status
    logger.debug("%s %s %s attempt %d: %s in %.0f ms", attempt.platform, attempt.method, attempt.path, attempt.number, outcome, attempt.elapsed * 1000)
