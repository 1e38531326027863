"""Doing what the ledger says: one look at a batch at a time, safe at any moment and in any process.

No engine and no database gives exactly-once over a network; these looks do. How: see `sending` for messages, `issuing` for coupons.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .batches import BUSY_PAUSE, close, hold_batch
from .campaign import Campaign, Coupon, Guards
from .core.call import Flow, Local
from .issuing import ask_again, give_coupons, leave_out
from .ledger import AMBIGUOUS, OPEN, Batch, BatchState, State
from .sending import QUIET, quiet, send_message, settle

if TYPE_CHECKING:
    from .helper import Hub

FRESH = 3600.0
"""Seconds for which is believed what a decision to send was made on: opt-out tags, conditions. What is older is judged anew."""


def look(hub: Hub, batch_id: str) -> Flow[float | None]:
    """Do for a batch what is safe to do now; gives the seconds until the next look, or None when the batch has ended."""
    batch = yield from Local(hub.ledger.batch, batch_id)
    if batch.state not in OPEN:
        return None
    if batch.kind == "message" and batch.state == BatchState.INTENT:
        return (yield from settle(hub, batch))
    stored = yield from Local(hub.ledger.campaign, batch.campaign)
    if stored["state"] == "cancelled":
        return (yield from _stop(hub, batch))
    guards = Campaign.from_json(stored["definition"]).guards
    if batch.state == BatchState.WAITING and (note := _untimely(hub, batch, guards)):
        return None if (yield from Local(hub.ledger.put_back, batch, note, hub.clock.time())) else BUSY_PAUSE
    return (yield from (give_coupons(hub, batch) if batch.kind == "coupon" else send_message(hub, batch, guards)))


def _untimely(hub: Hub, batch: Batch, guards: Guards) -> str:
    """Why a batch that waits shall not be sent now, if so; nothing of it was sent yet."""
    if batch.kind == "message" and quiet(hub, guards):
        return QUIET
    return "it waited for too long" if hub.clock.time() - batch.created > FRESH else ""


def _stop(hub: Hub, batch: Batch) -> Flow[float | None]:
    """End what is left of a batch whose campaign was cancelled."""
    rows, reason = (yield from Local(hub.ledger.in_batch, batch.id)), "the campaign was cancelled"
    left = [row for row in rows if row.state == State.QUEUED]
    if batch.kind == "coupon" and batch.state == BatchState.INTENT:
        if later := (yield from leave_out(hub, Coupon(**batch.payload), left, State.CANCELLED, reason)):
            return (yield from ask_again(hub, batch, later))
        left = []
    return (yield from close(hub, batch, BatchState.CANCELLED, {State.CANCELLED: ([r.person for r in left], reason)}, note=reason))


def hold(hub: Hub, batch_id: str, note: str) -> Flow[None]:
    """Take a batch out of work after an error nobody foresaw; an operator looks at it, and `resume` takes it up again."""
    batch = yield from Local(hub.ledger.batch, batch_id)
    if batch.state in OPEN:
        rows = yield from Local(hub.ledger.in_batch, batch_id)
        doubtful = batch.state == BatchState.INTENT and batch.kind == "message"
        yield from hold_batch(hub, batch, rows, AMBIGUOUS + note if doubtful else note)
