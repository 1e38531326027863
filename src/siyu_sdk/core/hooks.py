"""Watching calls: one log line per attempt, and hooks for whoever counts or traces. Neither sees a secret."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from attrs import Factory, define, field, frozen

logger = logging.getLogger("siyu_sdk")


@define(eq=False)
class Sending:
    """One call from its beginning to its end, however many attempts it takes. It changes while it goes on."""

    platform: str
    method: str
    path: str
    """As declared, with placeholders: fit for a metric's label."""
    base_url: str
    attempts: int = 0
    refreshes: int = 0
    """Tokens that were refused and replaced."""
    waited: float = 0.0
    """Seconds that a limit held it back."""
    elapsed: float = 0.0
    """Seconds in all, known at the end."""
    error: BaseException | None = None
    """What it ended with; a cancellation too."""
    notes: dict[str, Any] = field(factory=dict[str, Any], repr=False)
    """Room for what a hook has to remember from the beginning to the end."""


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
    sending: Sending | None = field(default=None, repr=False, eq=False)
    """The call that it belongs to."""


@frozen
class Hooks:
    """Called in the thread or task of the call; must be quick, and what they raise stops the call."""

    on_request: Callable[[Attempt], None] | None = None
    on_response: Callable[[Attempt], None] | None = None
    """After each attempt, also one that failed or brought no answer."""
    on_retry: Callable[[Attempt], None] | None = None
    on_begin: Callable[[Sending], None] | None = None
    """Before anything of a call is done: fetching a token for it is a call of its own, inside of it."""
    on_end: Callable[[Sending], None] | None = None
    watching: bool = field(init=False, repr=False, default=Factory(lambda self: self._any(), takes_self=True))
    """Whether there is anybody to tell."""

    def _any(self) -> bool:
        return any((self.on_request, self.on_response, self.on_retry, self.on_begin, self.on_end))

    def __add__(self, other: Hooks) -> Hooks:
        """Both: these first, then the others."""
        return Hooks(*(_both(getattr(self, name), getattr(other, name)) for name in NAMES))


NAMES = ("on_request", "on_response", "on_retry", "on_begin", "on_end")


def _both(first: Callable[[Any], None] | None, second: Callable[[Any], None] | None) -> Callable[[Any], None] | None:
    if first is None or second is None:
        return first or second

    def tell(event: Any) -> None:
        first(event)
        second(event)

    return tell


def log(attempt: Attempt, then: str = "") -> None:
    """Write one line for an attempt, and what happens then; the credential and the body are never part of it."""
    level = logging.DEBUG if attempt.error is None else logging.INFO
    if not logger.isEnabledFor(level):
        return
    error, seconds = attempt.error, attempt.elapsed
    outcome = str(attempt.status) if error is None else f"{type(error).__name__}: {error}"
    more = f"; {then}" if then else ""
    call = attempt.platform, attempt.method, attempt.path, attempt.number
    logger.log(level, "%s %s %s attempt %d: %s in %.0f ms%s", *call, outcome, seconds * 1000, more)
