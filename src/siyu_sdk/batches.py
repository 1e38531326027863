"""Batches of deliveries: how they are cut, whom of one is still to be served, and how one ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import evolve

from .core.call import Flow, Local
from .core.errors import (
    AuthenticationError,
    InputError,
    PermissionDenied,
    PlatformBusy,
    QuotaExceeded,
    RateLimited,
    TokenExpired,
)
from .ledger import Batch, BatchState, Delivery, State
from .records import new_batch_id

if TYPE_CHECKING:
    from .helper import Hub

MOST_ATTEMPTS = 12
"""Looks at a batch that cannot be sent for certain (no connection, limits) before it is held for an operator."""
BUSY_PAUSE = 0.25
LONGEST_PAUSE = 60.0

WAIT = (RateLimited, QuotaExceeded, PlatformBusy, TokenExpired)
"""What passes by itself."""
CONFIGURATION = (AuthenticationError, PermissionDenied, InputError)
"""What somebody has to repair."""
OPTED_OUT = "opted out"


def group_batches(
    rows: Sequence[Delivery], payload: Mapping[tuple[str, str], Mapping[str, Any]], size: Mapping[str, int]
) -> list[tuple[Batch, list[str]]]:
    """Group deliveries into batches: one campaign, step, sender and content each, never more people than the platform takes."""
    groups = defaultdict[tuple[str, str, str, str, str], list[Delivery]](list)
    for row in rows:
        groups[row.campaign, row.step, row.kind, row.sender if row.kind == "message" else "", row.content].append(row)
    made = list[tuple[Batch, list[str]]]()
    for (campaign, step, kind, sender, content), members in sorted(groups.items()):
        for start in range(0, len(members), size[kind]):
            people = [row.person for row in members[start : start + size[kind]]]
            made.append((Batch(new_batch_id(campaign, step), campaign, step, kind, sender, payload[step, content]), people))
    return made


def pause(attempts: int) -> float:
    """Seconds before another look: doubling from a fifth of a second to a minute."""
    return min(0.2 * 2.0 ** min(attempts, 20), LONGEST_PAUSE)


def parted(hub: Hub, batch: Batch) -> Flow[tuple[list[Delivery], list[Delivery]]]:
    """Whom of a batch to serve still, and who has opted out since it was queued."""
    rows = [row for row in (yield from Local(hub.ledger.in_batch, batch.id)) if row.state == State.QUEUED]
    out = yield from Local(hub.ledger.opted_out)
    if hub.snapshot is not None:
        out |= hub.snapshot.opted_out
    unwilling = {row.person for row in rows if row.external_userid in out or row.person in out}
    return [row for row in rows if row.person not in unwilling], [row for row in rows if row.person in unwilling]


def skip(hub: Hub, rows: Sequence[Delivery]) -> Flow[None]:
    """Leave these out who have opted out, and tell so."""
    skipped = [evolve(row, state=State.SKIPPED, reason=OPTED_OUT) for row in rows]
    yield from Local(lambda: hub.ledger.save(skipped, hub.clock.time(), only_if=(State.QUEUED,)))


def close(
    hub: Hub, batch: Batch, state: BatchState, rows: Mapping[State, tuple[Sequence[str], str]], *, msgid: str = "", note: str = ""
) -> Flow[float | None]:
    """End a batch: None. Where somebody else has it by now, an engine that was told of an end would leave it alone for good: look again."""
    closed = yield from Local(lambda: hub.ledger.close_batch(batch, state, hub.clock.time(), rows=rows, msgid=msgid, note=note))
    return None if closed else BUSY_PAUSE


def hold_batch(hub: Hub, batch: Batch, rows: Sequence[Delivery], note: str) -> Flow[float | None]:
    """End a batch for an operator to look at: what is still queued in it is on hold."""
    held = {State.HELD: ([r.person for r in rows if r.state == State.QUEUED], note[:500])}
    return (yield from close(hub, batch, BatchState.HELD, held, note=note[:500]))
