"""The engine: what carries batches of work to their end, over crashes. Small, so that another one can take its place.

A batch is one unit of work in the ledger (a mass message of one sender, a handful of coupons). Its work is a function that may be
called any number of times: it looks at the ledger, does what is safe to do, and says after how many seconds to look again, or None
when the batch has come to its end. Exactly-once is the ledger's affair (intent, send, reconcile); the engine only promises
at-least-once: a batch submitted is worked on until it ends, whoever dies meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from ..core.call import Flow, Gather, Sleep

Work = Callable[[str], Flow[float | None]]
"""One look at a batch, by its id."""


class Engine(Protocol):
    """Carries batches to their end."""

    def submit(self, batches: Sequence[str], work: Work) -> Flow[None]:
        """Take on these batches; one that was submitted before is not taken on twice."""
        ...


class InlineEngine:
    """Works in the calling process, and returns when every batch has ended: for scripts and tests.

    If the process dies, nothing is lost or doubled: `resume` takes up where the ledger stands. What a worker of its own process
    offers beyond this is that somebody does resume; see `siyu_sdk.sop.dbos_engine`.
    """

    def __init__(self, concurrency: int = 4) -> None:
        self.concurrency = concurrency

    def submit(self, batches: Sequence[str], work: Work) -> Flow[None]:
        """Work through the batches, some at a time."""
        for outcome in (yield from Gather([self._to_the_end(batch, work) for batch in batches], self.concurrency)):
            if isinstance(outcome, Exception):
                raise outcome

    def _to_the_end(self, batch: str, work: Work) -> Flow[None]:
        while (pause := (yield from work(batch))) is not None:
            yield from Sleep(pause)
