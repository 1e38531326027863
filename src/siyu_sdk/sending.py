"""Sending a mass message exactly once: intent, send, reconcile.

A batch's intent is committed before anything is sent. Whoever finds an intent that is not their own does not send: they wait until a
sent task must show, ask the platform what exists, and only if it certainly does not exist take a new intent. What is ambiguous is held
for an operator; nothing is ever guessed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import uuid4

from .batches import BUSY_PAUSE, CONFIGURATION, MOST_ATTEMPTS, OPTED_OUT, WAIT, close, hold_batch, parted, pause, skip
from .campaign import Guards
from .core.call import Call, Flow, Local
from .core.errors import ApiError, DecodeError, NotSent, SiyuError, TransportError
from .core.run import Transmit
from .ledger import AMBIGUOUS, Batch, BatchState, Delivery, State
from .wecom.mass_messages import MassMessage, MassMessages

if TYPE_CHECKING:
    from .helper import Hub

R = TypeVar("R")

MOST_WATCHED = 10_000
SLACK = 3600.0
"""Seconds by which the platform's clock may differ from ours."""
LONGEST_DELAY = 7 * 86400.0
"""Seconds after its intent within which a task is looked for: the platform lists a month at most, a doubt may be older."""

NOBODY_LEFT = 41048
QUIET = "quiet hours have begun"
NOT_THEIRS = "the platform did not accept this customer for this sender"


def send_message(hub: Hub, batch: Batch, guards: Guards) -> Flow[float | None]:
    """Take the intent of a waiting batch, and send it; whatever is unclear afterwards stays an intent, in doubt."""
    ledger, token, began = hub.ledger, uuid4().hex, time.monotonic()
    if not (yield from Local(ledger.take, batch.id, token, hub.clock.time())):
        return (yield from _make_way(hub, batch))
    batch = yield from Local(ledger.batch, batch.id)
    if batch.token != token:
        return BUSY_PAUSE  # this process slept for so long that the intent was given to another
    rows, unwilling = yield from parted(hub, batch)
    yield from skip(hub, unwilling)
    if not rows:
        return (yield from close(hub, batch, BatchState.CANCELLED, {}, note=OPTED_OUT))
    try:
        reply = yield from _in_time(hub, mass_message(batch, rows), batch, guards, began)
    except (NotSent, *WAIT) as error:
        return (yield from _try_later(hub, batch, rows, error))
    except CONFIGURATION as error:
        return (yield from hold_batch(hub, batch, rows, str(error)))
    except ApiError as error:
        reason = "no longer a friend, or over the limit" if error.code == NOBODY_LEFT else f"{error.code} {error.message}"
        refused = {State.REFUSED: ([r.person for r in rows], reason)}
        return (yield from close(hub, batch, BatchState.REFUSED, refused, note=str(error)))
    except SiyuError as error:
        yield from Local(ledger.doubt, batch, str(error))
        hub.watched[batch.token] = time.monotonic()
        return hub.settle.total_seconds()
    return (yield from _sent(hub, batch, rows, reply.msgid, frozenset(reply.fail_list)))


def _make_way(hub: Hub, batch: Batch) -> Flow[float]:
    """Another message of this sender is in flight. If whoever sent it died, nobody else may ever look at it: settle it for them."""
    other = yield from Local(hub.ledger.in_flight, batch.sender)
    if other is not None and other.id != batch.id:
        yield from settle(hub, other)
    return BUSY_PAUSE


def _unwatched(hub: Hub, batch: Batch) -> float:
    """The seconds until the sender of a message may be taken for dead.

    By the clock that all machines read; and so long must this process itself have seen that intent, for clocks are set, and differ.
    """
    if len(hub.watched) > MOST_WATCHED:  # nearly all of them have ended; what has not is watched a little longer
        hub.watched.clear()
    long, now, elapsed = hub.settle.total_seconds(), time.monotonic(), time.time() - batch.taken_at
    seen = hub.watched.setdefault(batch.token, now)
    return max(seen + long - now, long - elapsed if elapsed >= 0 else 0.0)


def _in_time(hub: Hub, call: Call[R], batch: Batch, guards: Guards, began: float) -> Flow[R]:
    """Send a call, but put nothing on the wire too late: not in quiet hours, nor half a settling time after the intent.

    A call can wait for long before it goes out: for a token, for its turn, for the pause that the platform asked for. By then others
    may take its sender for dead. The intent is timed by the wall, which goes on while a machine sleeps, and from the beginning of this
    run (`began`), whatever clocks are set to.
    """
    half = hub.settle.total_seconds() / 2
    exchange = hub.exchange(call)
    try:
        step = next(exchange)
        while True:
            try:
                if isinstance(step, Transmit):
                    late = max(time.time() - batch.taken_at, time.monotonic() - began) > half
                    if late or quiet(hub, guards):
                        note = "its turn came too late" if late else QUIET
                        raise NotSent(f"{call.spec}: {note}; nothing was sent", str(call.spec))  # noqa: TRY301 -- the exchange shall know
                result = yield step
            except Exception as error:  # noqa: BLE001 -- handed to the exchange, which handles it or raises it
                step = exchange.throw(error)
            else:
                step = exchange.send(result)
    except StopIteration as stop:
        return cast("R", stop.value)
    finally:
        exchange.close()


def quiet(hub: Hub, guards: Guards) -> bool:
    """Whether nobody shall be written to at this hour."""
    now = hub.clock.now()
    return guards.next_allowed(now) != now


def mass_message(batch: Batch, rows: Sequence[Delivery]) -> Call[Any]:
    """The call that creates the task of a batch."""
    text, attachments = batch.payload["text"], batch.payload["attachments"]
    return MassMessages.create(
        chat_type="single",
        external_userid=[row.external_userid for row in rows],
        sender=batch.sender,
        text={"content": text} if text else None,
        attachments=attachments or None,
    )


def _sent(hub: Hub, batch: Batch, rows: Sequence[Delivery], msgid: str, failed: frozenset[str]) -> Flow[float | None]:
    states: dict[State, tuple[Sequence[str], str]] = {
        State.AWAITING: ([r.person for r in rows if r.external_userid not in failed], ""),
        State.REFUSED: ([r.person for r in rows if r.external_userid in failed], NOT_THEIRS),
    }
    return (yield from close(hub, batch, BatchState.SENT, states, msgid=msgid))


def settle(hub: Hub, batch: Batch) -> Flow[float | None]:
    """An intent that this run did not take: never send on it."""
    left = _unwatched(hub, batch)
    if left > 0:
        return left
    rows = yield from Local(hub.ledger.in_batch, batch.id)
    try:
        found = yield from find_task(hub, batch, rows)
    except (TransportError, DecodeError, *WAIT):
        return pause(min(batch.attempts, 5))  # reading failed: ask again, the intent stays
    except ApiError as error:
        return (yield from hold_batch(hub, batch, rows, f"{AMBIGUOUS}cannot find out whether it was sent: {error}"))
    if found is None:
        attempts = yield from Local(hub.ledger.tried, batch.id)
        if attempts < MOST_ATTEMPTS:
            return pause(attempts)
        return (yield from hold_batch(hub, batch, rows, f"{AMBIGUOUS}a task says the same, and the platform does not tell to whom"))
    if len(found) > 1:
        return (yield from hold_batch(hub, batch, rows, f"{AMBIGUOUS}tasks {', '.join(found)} could all be it"))
    if not found:
        yield from Local(hub.ledger.give_back, batch, "reconciled: it does not exist")
        return 0.0
    msgid, reached = next(iter(found.items()))
    return (yield from _sent(hub, batch, rows, msgid, frozenset(r.external_userid for r in rows) - reached))


def find_task(hub: Hub, batch: Batch, rows: Sequence[Delivery]) -> Flow[dict[str, frozenset[str]] | None]:
    """Ask the platform for tasks that can only be this batch: same content, this sender, our customers, not known otherwise.

    None: a task may be it, but its customers do not show yet.
    """
    ours = frozenset(row.external_userid for row in rows)
    known = yield from Local(hub.ledger.msgids)
    tasks: list[MassMessage] = yield from MassMessages.all(
        chat_type="single",
        start_time=_moment(batch.intent_at - SLACK),
        end_time=_moment(min(max(hub.clock.time(), batch.intent_at), batch.intent_at + LONGEST_DELAY) + SLACK),
    )
    found = dict[str, frozenset[str]]()
    for task in tasks:
        if task.msgid in known or not same_content(task, batch.payload):
            continue
        members = yield from MassMessages.tasks(task.msgid)
        if batch.sender not in {member.userid for member in members}:
            continue  # the same words from another member: asked for this one's results, the platform would answer with an error
        results = yield from MassMessages.results(task.msgid, batch.sender)
        reached = frozenset(r.external_userid for r in results if r.external_userid)
        if not reached:
            return None
        if reached <= ours:
            found[task.msgid] = reached
    return found


def same_content(task: MassMessage, payload: Mapping[str, Any]) -> bool:
    """Whether a task of the platform's list says what we meant to say."""
    said = task.text.content if task.text is not None else ""
    kinds = [attachment.msgtype for attachment in task.attachments]
    return _words(said) == _words(payload["text"]) and kinds == [attachment["msgtype"] for attachment in payload["attachments"]]


def _words(text: str) -> list[str]:
    """A text without its spacing: a platform may store it a little differently, and «not found» would mean sending again."""
    return text.split()


def _moment(unix: float) -> datetime:
    return datetime.fromtimestamp(unix, UTC)


def _try_later(hub: Hub, batch: Batch, rows: Sequence[Delivery], error: SiyuError) -> Flow[float | None]:
    """It certainly was not sent: give the intent back, and hold the batch when this goes on for too long."""
    if batch.attempts >= MOST_ATTEMPTS:
        return (yield from hold_batch(hub, batch, rows, f"given up after {batch.attempts} attempts: {error}"))
    yield from Local(hub.ledger.give_back, batch, str(error))
    asked = error.retry_after if isinstance(error, ApiError) else None
    return max(asked or 0.0, pause(batch.attempts - 1))
