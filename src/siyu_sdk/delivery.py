"""Doing what the ledger says, exactly once: intent, send, reconcile.

No engine and no database gives exactly-once over a network; this loop does. A batch's intent is committed before anything is sent.
Whoever finds an intent that is not their own does not send: they wait until a sent task must show, ask the platform what exists, and
only if it certainly does not exist take a new intent. What is ambiguous is held for an operator; nothing is ever guessed.

Coupons are simpler: the platform knows their request numbers, so an unknown outcome is asked again with the same number.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import uuid4

from attrs import evolve

from .campaign import Coupon
from .core.call import Call, Flow, Gather, Local
from .core.errors import (
    ApiError,
    AuthenticationError,
    DecodeError,
    InputError,
    NotSent,
    PermissionDenied,
    PlatformBusy,
    QuotaExceeded,
    RateLimited,
    SiyuError,
    TokenExpired,
    TransportError,
)
from .core.run import Transmit
from .ledger import AMBIGUOUS, OPEN, Batch, BatchState, Delivery, State
from .pay.product_coupons import ProductCoupons
from .wecom.mass_messages import MassMessage, MassMessages

if TYPE_CHECKING:
    from .helper import Hub

R = TypeVar("R")

MOST_ATTEMPTS = 12
"""Looks at a batch that cannot be sent for certain (no connection, limits) before it is held for an operator."""
BUSY_PAUSE = 0.25
LONGEST_PAUSE = 60.0
SLACK = 120.0
"""Seconds by which the platform's clock may differ from ours."""
LONGEST_DELAY = 7 * 86400.0
"""Seconds after its intent within which a task is looked for: the platform lists a month at most, a doubt may be older."""

_WAIT = (RateLimited, QuotaExceeded, PlatformBusy, TokenExpired)
_CONFIGURATION = (AuthenticationError, PermissionDenied, InputError)
DISPATCHING = 41063
NOBODY_LEFT = 41048
PAUSED_STOCK = 268577984
OPTED_OUT = "opted out"
NOT_THEIRS = "the platform did not accept this customer for this sender"


def look(hub: Hub, batch_id: str) -> Flow[float | None]:
    """Do for a batch what is safe to do now; gives the seconds until the next look, or None when the batch has ended."""
    batch = yield from Local(hub.ledger.batch, batch_id)
    if batch.state not in OPEN:
        return None
    if batch.kind == "message" and batch.state == BatchState.INTENT:
        return (yield from _settle(hub, batch))
    if (yield from Local(hub.ledger.is_cancelled, batch.campaign)):
        yield from _drop(hub, batch, State.CANCELLED, "the campaign was cancelled")
        return None
    return (yield from (_give_coupons(hub, batch) if batch.kind == "coupon" else _send(hub, batch)))


def pause(attempts: int) -> float:
    """Seconds before another look: doubling from a fifth of a second to a minute."""
    return min(0.2 * 2.0 ** min(attempts, 20), LONGEST_PAUSE)


# Mass messages


def _send(hub: Hub, batch: Batch) -> Flow[float | None]:
    ledger, token = hub.ledger, uuid4().hex
    if not (yield from Local(ledger.take, batch.id, token, hub.clock.time())):
        return (yield from _make_way(hub, batch))
    batch = yield from Local(ledger.batch, batch.id)
    if batch.token != token:
        return BUSY_PAUSE  # this process slept for so long that the intent was given to another
    rows = yield from _willing(hub, (yield from Local(ledger.in_batch, batch.id)))
    if not rows:
        yield from _drop(hub, batch, State.SKIPPED, OPTED_OUT)
        return None
    try:
        reply = yield from _in_time(hub, mass_message(batch, rows), batch.taken_at + hub.settle.total_seconds() / 2)
    except (NotSent, *_WAIT) as error:
        return (yield from _try_later(hub, batch, rows, error))
    except _CONFIGURATION as error:
        yield from _hold(hub, batch, rows, str(error))
    except ApiError as error:
        reason = "no longer a friend, or over the limit" if error.code == NOBODY_LEFT else f"{error.code} {error.message}"
        yield from _close(hub, batch, BatchState.REFUSED, {State.REFUSED: ([r.person for r in rows], reason)}, note=str(error))
    except SiyuError as error:
        yield from Local(ledger.doubt, batch, str(error))
        return hub.settle.total_seconds()
    else:
        yield from _sent(hub, batch, rows, reply.msgid, frozenset(reply.fail_list))
    return None


def _make_way(hub: Hub, batch: Batch) -> Flow[float]:
    """Another message of this sender is in flight. If whoever sent it died, nobody else may ever look at it: settle it for them."""
    other = yield from Local(hub.ledger.in_flight, batch.sender)
    if other is not None and other.id != batch.id and other.taken_at + hub.settle.total_seconds() <= time.time():
        yield from _settle(hub, other)
    return BUSY_PAUSE


def _in_time(hub: Hub, call: Call[R], until: float) -> Flow[R]:
    """Send a call, but put nothing on the wire after `until`: by then others may take its sender for dead, and send themselves.

    A call can wait for long before it goes out: for a token, for its turn, for the pause that the platform asked for.
    """
    exchange = hub.exchange(call)
    try:
        step = next(exchange)
        while True:
            try:
                if isinstance(step, Transmit) and time.time() > until:
                    raise NotSent(f"{call.spec}: its turn came too late; nothing was sent", str(call.spec))  # noqa: TRY301 -- the exchange shall know
                result = yield step
            except Exception as error:  # noqa: BLE001 -- handed to the exchange, which handles it or raises it
                step = exchange.throw(error)
            else:
                step = exchange.send(result)
    except StopIteration as stop:
        return cast("R", stop.value)
    finally:
        exchange.close()


def _willing(hub: Hub, rows: Sequence[Delivery]) -> Flow[list[Delivery]]:
    """Those still to be served, whoever opted out since they were queued left aside, and told so."""
    rows = [row for row in rows if row.state == State.QUEUED]
    out = yield from Local(hub.ledger.opted_out)
    if hub.snapshot is not None:
        out |= hub.snapshot.opted_out
    unwilling = [evolve(row, state=State.SKIPPED, reason=OPTED_OUT) for row in rows if row.external_userid in out or row.person in out]
    yield from Local(lambda: hub.ledger.save(unwilling, hub.clock.time(), only_if=(State.QUEUED,)))
    gone = {row.person for row in unwilling}
    return [row for row in rows if row.person not in gone]


def _drop(hub: Hub, batch: Batch, state: State, reason: str) -> Flow[None]:
    """End a batch of which nothing is to be sent any more."""
    rows = yield from Local(hub.ledger.in_batch, batch.id)
    yield from _close(hub, batch, BatchState.CANCELLED, {state: ([r.person for r in rows], reason)}, note=reason)


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


def _sent(hub: Hub, batch: Batch, rows: Sequence[Delivery], msgid: str, failed: frozenset[str]) -> Flow[None]:
    states: dict[State, tuple[Sequence[str], str]] = {
        State.AWAITING: ([r.person for r in rows if r.external_userid not in failed], ""),
        State.REFUSED: ([r.person for r in rows if r.external_userid in failed], NOT_THEIRS),
    }
    yield from _close(hub, batch, BatchState.SENT, states, msgid=msgid)


def _settle(hub: Hub, batch: Batch) -> Flow[float | None]:
    """An intent that this run did not take: never send on it."""
    left = batch.taken_at + hub.settle.total_seconds() - time.time()
    if left > 0:
        return left
    rows = yield from Local(hub.ledger.in_batch, batch.id)
    try:
        found = yield from find_task(hub, batch, rows)
    except (TransportError, DecodeError, *_WAIT):
        return pause(min(batch.attempts, 5))  # reading failed: ask again, the intent stays
    except ApiError as error:
        yield from _hold(hub, batch, rows, f"{AMBIGUOUS}cannot find out whether it was sent: {error}")
        return None
    if found is None:
        attempts = yield from Local(hub.ledger.tried, batch.id)
        if attempts < MOST_ATTEMPTS:
            return pause(attempts)
        yield from _hold(hub, batch, rows, f"{AMBIGUOUS}a task says the same, and the platform does not tell to whom")
        return None
    if len(found) > 1:
        yield from _hold(hub, batch, rows, f"{AMBIGUOUS}tasks {', '.join(found)} could all be it")
        return None
    if not found:
        yield from Local(hub.ledger.give_back, batch, "reconciled: it does not exist")
        return 0.0
    msgid, reached = next(iter(found.items()))
    yield from _sent(hub, batch, rows, msgid, frozenset(r.external_userid for r in rows) - reached)
    return None


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
        yield from _hold(hub, batch, rows, f"given up after {batch.attempts} attempts: {error}")
        return None
    yield from Local(hub.ledger.give_back, batch, str(error))
    asked = error.retry_after if isinstance(error, ApiError) else None
    return max(asked or 0.0, pause(batch.attempts - 1))


def _hold(hub: Hub, batch: Batch, rows: Sequence[Delivery], note: str) -> Flow[None]:
    yield from _close(
        hub, batch, BatchState.HELD, {State.HELD: ([r.person for r in rows if r.state == State.QUEUED], note[:500])}, note=note[:500]
    )


def hold(hub: Hub, batch_id: str, note: str) -> Flow[None]:
    """Take a batch out of work after an error nobody foresaw; an operator looks at it, and `resume` takes it up again."""
    batch = yield from Local(hub.ledger.batch, batch_id)
    if batch.state in OPEN:
        rows = yield from Local(hub.ledger.in_batch, batch_id)
        doubtful = batch.state == BatchState.INTENT and batch.kind == "message"
        yield from _hold(hub, batch, rows, AMBIGUOUS + note if doubtful else note)


def _close(
    hub: Hub, batch: Batch, state: BatchState, rows: Mapping[State, tuple[Sequence[str], str]], *, msgid: str = "", note: str = ""
) -> Flow[None]:
    yield from Local(lambda: hub.ledger.close_batch(batch, state, hub.clock.time(), rows=rows, msgid=msgid, note=note))


# Coupons

SLICE = 25
"""Coupons between two entries in the ledger: so many are asked for again after a crash, under their old numbers."""

TAKEN_FOR_LOST = (State.HELD, State.REFUSED, State.SKIPPED, State.CANCELLED)
"""States of coupons that were not issued as far as we knew; the platform knows better."""
ALREADY_HAS: Mapping[int | str, str] = {
    272756740: "the limit of coupons for one person is reached",
    272755200: "a coupon was issued under another number",
}


def _give_coupons(hub: Hub, batch: Batch) -> Flow[float | None]:
    """Issue what is not issued yet; a repeated number gives the same coupon, so every doubt is settled by asking again."""
    coupon = Coupon(**batch.payload)
    if batch.state == BatchState.WAITING:
        yield from Local(hub.ledger.take, batch.id, uuid4().hex, hub.clock.time())
        batch = yield from Local(hub.ledger.batch, batch.id)
    rows = yield from _willing(hub, (yield from Local(hub.ledger.in_batch, batch.id)))
    later = list[str]()
    for start in range(0, len(rows), SLICE):
        if (yield from Local(hub.ledger.is_cancelled, batch.campaign)):
            return 0.0
        later += yield from _give_some(hub, coupon, rows[start : start + SLICE])
    if not later:
        held = [row.reason for row in (yield from Local(hub.ledger.in_batch, batch.id)) if row.state == State.HELD]
        yield from _close(hub, batch, BatchState.HELD if held else BatchState.SENT, {}, note=held[0] if held else "")
        return None
    attempts = yield from Local(hub.ledger.tried, batch.id)
    if attempts >= MOST_ATTEMPTS:
        left = yield from Local(hub.ledger.in_batch, batch.id)
        yield from _hold(hub, batch, left, f"given up after {attempts} attempts: {later[0]}")
        return None
    return pause(attempts)


def _give_some(hub: Hub, coupon: Coupon, rows: Sequence[Delivery]) -> Flow[list[str]]:
    """Issue some coupons and write down what came of it; gives why others have to be asked for again."""
    outcomes: list[Any] = yield from Gather([send_coupon(coupon, row) for row in rows])
    issued, ended, later = list[Delivery](), list[Delivery](), list[str]()
    for row, outcome in zip(rows, outcomes, strict=True):
        if not isinstance(outcome, Exception):
            issued.append(evolve(row, state=State.ISSUED, coupon_code=outcome.coupon_code))
        elif isinstance(outcome, ApiError) and outcome.code in ALREADY_HAS:  # a quota, but none that a pause renews
            ended.append(evolve(row, state=State.REFUSED, reason=ALREADY_HAS[outcome.code]))
        elif isinstance(outcome, _CONFIGURATION) or (isinstance(outcome, ApiError) and outcome.code == PAUSED_STOCK):
            ended.append(evolve(row, state=State.HELD, reason=str(outcome)[:500]))
        elif isinstance(outcome, ApiError) and not isinstance(outcome, _WAIT):
            ended.append(evolve(row, state=State.REFUSED, reason=f"{outcome.code} {outcome.message}"[:500]))
        else:
            later.append(str(outcome))  # unknown, or to be tried later: the same number goes out again
    # A notice may have overtaken us and confirmed the coupon already: that stands. What was issued is issued, whatever else was
    # written down meanwhile by a cancellation, or by another process that asked under the same number and was refused.
    now = hub.clock.time()
    yield from Local(lambda: hub.ledger.save(issued, now, only_if=(State.QUEUED, *TAKEN_FOR_LOST)))
    yield from Local(lambda: hub.ledger.save(ended, now, only_if=(State.QUEUED,)))
    return later


def send_coupon(coupon: Coupon, row: Delivery) -> Call[Any]:
    """The call that issues one coupon, under the number its row has had since it was planned."""
    return ProductCoupons.send(
        row.openid,
        appid=coupon.appid,
        brand_id=coupon.brand_id,
        product_coupon_id=coupon.product_coupon_id,
        stock_id=coupon.stock_id,
        send_request_no=row.request_no,
    )


def group_batches(
    rows: Sequence[Delivery], payload: Mapping[tuple[str, str], Mapping[str, Any]], size: Mapping[str, int]
) -> list[tuple[Batch, list[str]]]:
    """Group deliveries into batches: one campaign, step, sender and content each, never more people than the platform takes."""
    from .campaign import digest

    groups = defaultdict[tuple[str, str, str, str, str], list[Delivery]](list)
    for row in rows:
        groups[row.campaign, row.step, row.kind, row.sender if row.kind == "message" else "", row.content].append(row)
    made = list[tuple[Batch, list[str]]]()
    for (campaign, step, kind, sender, content), members in sorted(groups.items()):
        for start in range(0, len(members), size[kind]):
            people = [row.person for row in members[start : start + size[kind]]]
            batch_id = f"{campaign}/{step}/{digest([sender, content, people], 16)}"
            made.append((Batch(batch_id, campaign, step, kind, sender, payload[step, content]), people))
    return made
