"""Making a plan: who gets what from whom, whom a guard keeps out, and what it costs. Reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Literal

from attrs import evolve, frozen

from .audience import Audience, Follow, Person, Snapshot
from .campaign import Campaign, Coupon, Message, Step, due, request_number
from .core.call import Flow, Local
from .core.errors import InputError
from .helper import Hub
from .ledger import Delivery
from .pay.product_coupon_models import StockState
from .pay.product_coupons import ProductCoupons
from .plan import Conflict, Cost, Plan, Why

OLD = timedelta(hours=24)
MAX_TEXT = 4000
"""Bytes of UTF-8 in the text of a mass message."""
MAX_ATTACHMENTS = 9
MAX_PEOPLE = 10_000
"""external_userids in one call of add_msg_template."""

Sender = Literal["first", "latest"] | Mapping[str, str]
"""Whose task it is: the member who added the customer first, or latest, or a mapping external_userid → userid."""


@frozen
class StockFacts:
    """What a plan needs to know of a coupon's stock."""

    coupon: Coupon
    left: int | None
    """Coupons that can still be issued, where the platform says."""


def make_plan(
    hub: Hub, snapshot: Snapshot, campaign: Campaign, audience: Audience, sender: Sender, start: datetime | None = None
) -> Flow[Plan]:
    """Work out the plan of a campaign from what was read; asks the platform only about coupon stocks.

    Raises:
        InputError: an empty audience, a message over the platform's size, a naive date, a stock that cannot be issued from.
    """
    now = hub.clock.now()
    begin = start or now
    if begin.tzinfo is None:
        raise InputError("start: a datetime with a time zone is needed; a naive one could mean any hour", "start")
    stocks = yield from check_steps(campaign)
    campaign = evolve(campaign, steps=tuple(evolve(s, coupon=stocks[s.id].coupon) if s.coupon else s for s in campaign.steps))
    meant = audience.select(snapshot)
    if not meant:
        raise InputError("audience: it is empty, nobody would get anything; an empty condition never means everybody", "audience")
    people = [snapshot.people[key] for key in sorted(meant - snapshot.opted_out)]
    openids: dict[str, str] = yield from Local(hub.ledger.openids, hub.appid)
    recent = yield from Local(hub.ledger.recent_messages, [p.external_userid for p in people], now.timestamp())
    rows, conflicts = list[Delivery](), list[Conflict]()
    if opted := meant & snapshot.opted_out:
        conflicts.append(Conflict(Why.OPTED_OUT, "", tuple(sorted(opted))))
    if snapshot.failed_members:
        conflicts.append(Conflict(Why.UNREAD, "", snapshot.failed_members, waits=True))
    if now - snapshot.read_at > OLD:
        conflicts.append(Conflict(Why.STALE, "", tuple(sorted(meant)), waits=True))
    pick = _picker(sender)
    for step in campaign.steps:
        reachable = people
        if step.after is not None:  # whom the earlier step cannot reach, this one will not reach either
            before = {row.external_userid for row in rows if row.step == step.after}
            reachable = [person for person in people if person.external_userid in before]
        made, found = _step_rows(campaign, step, reachable, pick, openids, due(begin, step, campaign.guards.zone))
        rows += made
        conflicts += found
        conflicts += _guard_conflicts(campaign, step, made, recent, now)
        if step.id in stocks:
            check_budget(
                stocks[step.id], step.id, sum(row.kind == "coupon" and row.content == stocks[step.id].coupon.stock_id for row in rows)
            )
    return Plan(campaign, audience, tuple(rows), tuple(conflicts), _cost(rows), now, frozenset(meant - snapshot.opted_out), start)


def check_steps(campaign: Campaign) -> Flow[dict[str, StockFacts]]:
    """Refuse messages that are too large and stocks that give nothing; gives what is known of the stocks, by step."""
    stocks = dict[str, StockFacts]()
    for step in campaign.steps:
        if step.message is not None:
            check_message(step.message, step.id)
        if step.coupon is not None:
            stocks[step.id] = yield from check_stock(step.coupon, step.id)
    return stocks


def check_message(message: Message, step: str) -> None:
    """Refuse what the platform would refuse, with placeholders filled by names of ordinary length."""
    check_size(message.render(nickname="字" * 10, member="字" * 6), step)
    if len(message.attachments) > MAX_ATTACHMENTS:
        raise InputError(
            f"step {step!r}: message.attachments has {len(message.attachments)} entries, at most {MAX_ATTACHMENTS} are allowed",
            "message.attachments",
        )


def check_size(message: Message, step: str, whom: str = "") -> None:
    """Refuse a text that is too long as it would be sent."""
    size = len(message.text.encode())
    if size > MAX_TEXT:
        raise InputError(f"step {step!r}: message.text has {size} bytes of UTF-8{whom}, at most {MAX_TEXT} are allowed", "message.text")


def check_stock(coupon: Coupon, step: str) -> Flow[StockFacts]:
    """Read a coupon's stock; only one that is SENDING can be issued from."""
    stock = yield from ProductCoupons.get_stock(coupon.product_coupon_id, coupon.stock_id, brand_id=coupon.brand_id)
    if stock.state != StockState.SENDING:
        raise InputError(
            f"step {step!r}: coupon stock {coupon.stock_id} is {stock.state}, not SENDING: nothing can be issued from it", "coupon"
        )
    fen = coupon.fen
    if not fen:  # the discount stands on the stock of a coupon for single goods, on the product coupon of one for everything
        product = yield from ProductCoupons.get_product_coupon(coupon.product_coupon_id, brand_id=coupon.brand_id)
        normal = (stock.single_usage_rule and stock.single_usage_rule.normal_coupon) or (
            product.single_usage_info and product.single_usage_info.normal_coupon
        )
        fen = normal.discount_amount if normal else 0
    limit, sent = stock.stock_send_rule, stock.sent_count_info
    left = None
    if limit is not None and limit.max_count is not None and sent is not None and sent.total_count is not None:
        left = max(limit.max_count - sent.total_count, 0)
    return StockFacts(evolve(coupon, fen=fen), left)


def check_budget(stock: StockFacts, step: str, planned: int) -> None:
    """Refuse more coupons than a stock can still give; `planned` counts all steps up to this one that take from it."""
    if stock.left is not None and planned > stock.left:
        raise InputError(
            f"step {step!r}: {planned} coupons are planned, the stock has {stock.left} left; raise its budget or choose fewer people",
            "coupon",
        )


def _picker(sender: Sender) -> Callable[[Person], Follow | None]:
    if isinstance(sender, Mapping):
        chosen = sender

        def pick(person: Person) -> Follow | None:
            return next((f for f in person.follows if f.userid == chosen.get(person.external_userid)), None)

        return pick
    if sender not in ("first", "latest"):
        raise InputError(f"sender: 'first', 'latest' or a mapping external_userid → userid is expected, got {sender!r}", "sender")
    place = 0 if sender == "first" else -1
    return lambda person: person.follows[place] if person.follows else None


def _step_rows(
    campaign: Campaign,
    step: Step,
    people: list[Person],
    pick: Callable[[Person], Follow | None],
    openids: Mapping[str, str],
    due_at: float,
) -> tuple[list[Delivery], list[Conflict]]:
    rows, kept = list[Delivery](), defaultdict[Why, list[str]](list)
    seen = set[str]()
    for person in people:
        if person.key in seen:
            kept[Why.DUPLICATE_PERSON].append(person.external_userid)
            continue
        follow, openid = pick(person), openids.get(person.unionid, "") if person.unionid else ""
        if follow is None:
            kept[Why.NOBODY_FOLLOWS].append(person.external_userid)
            continue
        if step.coupon is not None and not openid:
            kept[Why.NO_OPENID if person.unionid else Why.NO_UNIONID].append(person.external_userid)
            continue
        message = step.message.render(nickname=person.name, member=follow.userid) if step.message else None
        if message is not None:
            check_size(message, step.id, f" for {person.external_userid}")
        seen.add(person.key)
        rows.append(
            Delivery(
                campaign=campaign.key,
                step=step.id,
                person=person.key,
                kind=step.kind,
                external_userid=person.external_userid,
                sender=follow.userid,
                name=person.name,
                openid=openid,
                content=message.hash if message else step.coupon.stock_id if step.coupon else "",
                due=due_at,
                request_no=request_number(campaign.key, step.id, person.key) if step.coupon else "",
                fen=step.coupon.fen if step.coupon else 0,
            )
        )
    return rows, [Conflict(why, step.id, tuple(who)) for why, who in kept.items()]


def _guard_conflicts(
    campaign: Campaign, step: Step, rows: list[Delivery], recent: Mapping[str, list[float]], now: datetime
) -> list[Conflict]:
    if step.kind != "message" or not rows:
        return []
    guards, found = campaign.guards, list[Conflict]()
    at = max(now, datetime.fromtimestamp(rows[0].due, guards.zone))
    if guards.next_allowed(at) != at:
        found.append(Conflict(Why.QUIET_HOURS, step.id, tuple(r.external_userid for r in rows), waits=True))
    full = tuple(r.external_userid for r in rows if not guards.room(recent.get(r.external_userid, ()), at))
    if full:
        found.append(Conflict(Why.OVER_QUOTA, step.id, full, waits=True))
    return found


def _cost(rows: list[Delivery]) -> Cost:
    messages = [r for r in rows if r.kind == "message"]
    coupons = [r for r in rows if r.kind == "coupon"]
    sizes = defaultdict[tuple[str, str, str], int](int)
    for row in messages:
        sizes[row.step, row.sender, row.content] += 1
    return Cost(
        messages=len(messages),
        confirmations=sum(-(-size // MAX_PEOPLE) for size in sizes.values()),
        members=len({r.sender for r in messages}),
        coupons=len(coupons),
        max_fen=sum(r.fen for r in coupons),
    )


def drift(plan: Plan, snapshot: Snapshot) -> tuple[frozenset[str], frozenset[str]]:
    """Who has left the audience since the plan was made, and who has joined it."""
    meant = plan.audience.select(snapshot) - snapshot.opted_out
    return plan.people - meant, meant - plan.people
