"""Issuing coupons exactly once: the platform knows their request numbers, so an unknown outcome is asked again with the same number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from attrs import evolve

from .batches import CONFIGURATION, MOST_ATTEMPTS, OPTED_OUT, WAIT, close, hold_batch, parted, pause, skip
from .campaign import Coupon
from .core.call import Call, Flow, Gather, Local
from .core.errors import ApiError
from .ledger import Batch, BatchState, Delivery, State
from .pay.product_coupons import ProductCoupons

if TYPE_CHECKING:
    from .helper import Hub

SLICE = 25
"""Coupons between two entries in the ledger: so many are asked for again after a crash, under their old numbers."""
PAUSED_STOCK = 268577984

TAKEN_FOR_LOST = (State.HELD, State.REFUSED, State.SKIPPED, State.CANCELLED)
"""States of coupons that were not issued as far as we knew; the platform knows better."""
ALREADY_HAS: Mapping[int | str, str] = {
    272756740: "the limit of coupons for one person is reached",
    272755200: "a coupon was issued under another number",
}


def give_coupons(hub: Hub, batch: Batch) -> Flow[float | None]:
    """Issue what is not issued yet; a repeated number gives the same coupon, so every doubt is settled by asking again."""
    coupon, begun = Coupon(**batch.payload), batch.state == BatchState.INTENT
    if not begun:
        yield from Local(hub.ledger.take, batch.id, uuid4().hex, hub.clock.time())
        batch = yield from Local(hub.ledger.batch, batch.id)
    rows, unwilling = yield from parted(hub, batch)
    later = list[str]()
    if begun:
        later += yield from leave_out(hub, coupon, unwilling, State.SKIPPED, OPTED_OUT)
    else:
        yield from skip(hub, unwilling)
    for start in range(0, len(rows), SLICE):
        if (yield from Local(hub.ledger.is_cancelled, batch.campaign)):
            return 0.0
        later += yield from _give_some(hub, coupon, rows[start : start + SLICE])
    if later:
        return (yield from ask_again(hub, batch, later))
    held = [row.reason for row in (yield from Local(hub.ledger.in_batch, batch.id)) if row.state == State.HELD]
    return (yield from close(hub, batch, BatchState.HELD if held else BatchState.SENT, {}, note=held[0] if held else ""))


def ask_again(hub: Hub, batch: Batch, reasons: Sequence[str]) -> Flow[float | None]:
    """Some coupons have to be asked for, or about, once more: later, and not for ever."""
    attempts = yield from Local(hub.ledger.tried, batch.id)
    if attempts < MOST_ATTEMPTS:
        return pause(attempts)
    left = yield from Local(hub.ledger.in_batch, batch.id)
    return (yield from hold_batch(hub, batch, left, f"given up after {attempts} attempts: {reasons[0]}"))


def _give_some(hub: Hub, coupon: Coupon, rows: Sequence[Delivery]) -> Flow[list[str]]:
    """Issue some coupons and write down what came of it; gives why others have to be asked for again."""
    outcomes: list[Any] = yield from Gather([send_coupon(coupon, row) for row in rows])
    issued, ended, later = list[Delivery](), list[Delivery](), list[str]()
    for row, outcome in zip(rows, outcomes, strict=True):
        if not isinstance(outcome, Exception):
            issued.append(evolve(row, state=State.ISSUED, coupon_code=outcome.coupon_code))
        elif isinstance(outcome, ApiError) and outcome.code in ALREADY_HAS:  # a quota, but none that a pause renews
            ended.append(evolve(row, state=State.REFUSED, reason=ALREADY_HAS[outcome.code]))
        elif isinstance(outcome, CONFIGURATION) or (isinstance(outcome, ApiError) and outcome.code == PAUSED_STOCK):
            ended.append(evolve(row, state=State.HELD, reason=str(outcome)[:500]))
        elif isinstance(outcome, ApiError) and not isinstance(outcome, WAIT):
            ended.append(evolve(row, state=State.REFUSED, reason=f"{outcome.code} {outcome.message}"[:500]))
        else:
            later.append(str(outcome))  # unknown, or to be tried later: the same number goes out again
    yield from _note_coupons(hub, issued, ended)
    return later


def leave_out(hub: Hub, coupon: Coupon, rows: Sequence[Delivery], state: State, reason: str) -> Flow[list[str]]:
    """End coupons that may have been asked for before a crash: whose was issued has it. Gives why others could not be asked about."""
    outcomes: list[Any] = yield from Gather([_find_coupon(coupon, row) for row in rows])
    issued, ended, later = list[Delivery](), list[Delivery](), list[str]()
    for row, outcome in zip(rows, outcomes, strict=True):
        if isinstance(outcome, Exception):
            later.append(str(outcome))
        elif outcome:
            issued.append(evolve(row, state=State.ISSUED, coupon_code=outcome))
        else:
            ended.append(evolve(row, state=state, reason=reason))
    yield from _note_coupons(hub, issued, ended)
    return later


def _find_coupon(coupon: Coupon, row: Delivery) -> Flow[str]:
    """The code of the coupon that was issued under the number of this delivery, if one was."""
    held = yield from ProductCoupons.all(
        row.openid,
        appid=coupon.appid,
        brand_id=coupon.brand_id,
        product_coupon_id=coupon.product_coupon_id,
        stock_id=coupon.stock_id,
    )
    return next((one.coupon_code for one in held if one.send_request_no == row.request_no), "")


def _note_coupons(hub: Hub, issued: Sequence[Delivery], ended: Sequence[Delivery]) -> Flow[None]:
    # A notice may have overtaken us and confirmed the coupon already: that stands. What was issued is issued, whatever else was
    # written down meanwhile by a cancellation, or by another process that asked under the same number and was refused.
    now = hub.clock.time()
    yield from Local(lambda: hub.ledger.save(issued, now, only_if=(State.QUEUED, *TAKEN_FOR_LOST)))
    yield from Local(lambda: hub.ledger.save(ended, now, only_if=(State.QUEUED,)))


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
