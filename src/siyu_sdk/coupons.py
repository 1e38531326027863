"""Coupons (商品券) to an audience, each exactly once; confirming every issue; and knowing what was redeemed.

The request number of a coupon is derived from campaign, step and person: whatever is unknown is asked again under the same number,
and one person with two openids still gets one coupon. The platform tells of every issue, from any channel, by a notice that must be
answered by a confirm call; until then the customer sees a coupon that cannot be used. Feed notices to `receive`; `refresh` makes up for
lost ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from attrs import evolve

from .audience import Audience
from .campaign import Campaign, Coupon, Step, digest
from .campaigns import Campaigns, Refreshed, plan_campaign
from .core.call import Flow, Gather, Local
from .core.endpoint import M, flow
from .core.errors import SiyuError
from .issuing import TAKEN_FOR_LOST
from .ledger import Delivery, State
from .pay.events import ProductCouponReceived
from .pay.product_coupon_models import UserCouponState
from .pay.product_coupons import ProductCoupons
from .plan import Plan
from .planning import Sender

if TYPE_CHECKING:
    from .helper import Hub
    from .pay.notifications import Notification


class Coupons(Campaigns[M]):
    """Coupons to an audience."""

    @flow
    def plan(self, name: str, audience: Audience, coupon: Coupon, *, sender: Sender = "first", start: datetime | None = None) -> Flow[Plan]:
        """Work out who gets the coupon, who cannot (no openid, no unionid) and what it may cost; nothing is sent.

        Raises:
            InputError: the stock is not SENDING, or has fewer coupons left than are planned.
        """
        campaign = Campaign(name, (Step("coupon", coupon=coupon),), kind="coupons")
        return (yield from plan_campaign(self, campaign, audience, sender, start))

    @flow
    def receive(self, notification: Notification) -> Flow[bool]:
        """Take a verified notice (`pay.notifications.receive(headers, body)`): write the coupon down, then confirm it.

        True if it was an issue notice. Safe to repeat, as the platform does. Raises what the confirm call raises: answer the platform
        with 5xx then, and it will tell again.
        """
        event = notification.event
        if not isinstance(event, ProductCouponReceived):
            return False
        hub = self.hub
        coupon = {
            "coupon_code": event.coupon_code,
            "stock_id": event.stock_id,
            "product_coupon_id": event.product_coupon_id,
            "appid": event.appid,
            "openid": event.openid,
            "request_no": event.send_request_no or "",
            "state": "confirming",
        }
        yield from Local(hub.ledger.keep_coupon, coupon, hub.clock.time())
        yield from confirm(hub, coupon, event.brand_id)
        return True

    @flow
    def refresh(self, name: str) -> Flow[Refreshed]:
        """Ask about every coupon of a campaign: confirm those whose notice was lost, and note which were used."""
        return (yield from refresh_coupons(self.hub, name))

    @flow
    def issued(self, name: str) -> Flow[frozenset[str]]:
        """The external_userids of those who hold a usable coupon of this campaign: whom to tell."""
        states = (State.CONFIRMED, State.REDEEMED)
        return frozenset(
            row.external_userid
            for row in (yield from Local(lambda: self.hub.ledger.deliveries(name, states=states)))
            if row.kind == "coupon"
        )


def confirm(hub: Hub, coupon: Mapping[str, Any], brand_id: str) -> Flow[None]:
    """Confirm one coupon, under a number derived from its code, and write it down."""
    known = yield from Local(hub.ledger.coupon, coupon["coupon_code"])
    if known is None or known["state"] == "confirming":
        yield from ProductCoupons.confirm(
            coupon["openid"],
            coupon["coupon_code"],
            appid=coupon["appid"],
            brand_id=brand_id,
            product_coupon_id=coupon["product_coupon_id"],
            stock_id=coupon["stock_id"],
            out_request_no=f"siyu-c-{digest(coupon['coupon_code'], 24)}",
        )
        yield from Local(hub.ledger.set_coupon, coupon["coupon_code"], "confirmed", hub.clock.time())
    row = yield from Local(hub.ledger.by_request, coupon["request_no"])
    if row is not None:  # the notice may overtake our own reading of the reply: the batch then finds the row done
        done = [evolve(row, state=State.CONFIRMED, reason="", coupon_code=coupon["coupon_code"])]
        before = (State.QUEUED, State.ISSUED, *TAKEN_FOR_LOST)
        yield from Local(partial(hub.ledger.save, done, hub.clock.time(), only_if=before))


def refresh_coupons(hub: Hub, name: str) -> Flow[Refreshed]:
    """Ask about the coupons of a campaign."""
    stored = yield from Local(hub.ledger.campaign, name)
    campaign = Campaign.from_json(stored["definition"])
    rows = [
        r for r in (yield from Local(lambda: hub.ledger.deliveries(name, states=(State.ISSUED, State.CONFIRMED)))) if r.kind == "coupon"
    ]
    by_step = {step.id: step.coupon for step in campaign.steps}
    outcomes = yield from Gather([_ask(hub, row, by_step[row.step]) for row in rows])
    changed = sum(o != row.state for o, row in zip(outcomes, rows, strict=True) if not isinstance(o, Exception))
    return Refreshed(changed, sum(isinstance(o, Exception) for o in outcomes))


def _ask(hub: Hub, row: Delivery, coupon: Coupon | None) -> Flow[State]:
    if coupon is None:
        raise SiyuError(f"step {row.step} gives no coupon")
    held = yield from ProductCoupons.get(
        row.openid,
        row.coupon_code,
        appid=coupon.appid,
        brand_id=coupon.brand_id,
        product_coupon_id=coupon.product_coupon_id,
        stock_id=coupon.stock_id,
    )
    state = row.state
    if held.coupon_state == UserCouponState.CONFIRMING:
        known = {
            "coupon_code": row.coupon_code,
            "stock_id": coupon.stock_id,
            "product_coupon_id": coupon.product_coupon_id,
            "appid": coupon.appid,
            "openid": row.openid,
            "request_no": row.request_no,
            "state": "confirming",
        }
        yield from Local(hub.ledger.keep_coupon, known, hub.clock.time())
        yield from confirm(hub, known, coupon.brand_id)
        return State.CONFIRMED
    if held.coupon_state == UserCouponState.USED:
        state = State.REDEEMED
    elif held.coupon_state in (UserCouponState.EFFECTIVE, UserCouponState.PENDING):
        state = State.CONFIRMED
    if state != row.state:
        changed = [evolve(row, state=state)]
        yield from Local(partial(hub.ledger.save, changed, hub.clock.time(), only_if=(State.ISSUED, row.state)))
    return state
