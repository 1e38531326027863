"""Reading what audiences are judged by: customers, tags and orders, page by page, of all platforms that the hub has."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from .audience import Follow, Person, Purchase
from .core.call import Flow, Gather
from .miniprogram.shipping import Shipping, ShippingState
from .store.order_models import OrderStatus
from .store.orders import Orders
from .wecom.customers import Customer, Customers
from .wecom.tags import CorpTags

if TYPE_CHECKING:
    from .helper import Hub

MEMBERS_A_CALL = 100
GIVEN_BACK = (OrderStatus.ALL_RETURNED, OrderStatus.CANCELLED)
EPOCH = datetime.fromtimestamp(0, UTC)


def read_customers() -> Flow[tuple[dict[str, Person], tuple[str, ...]]]:
    """All customers by external_userid, with every relation; and the members that could not be read."""
    members = (yield from Customers.follow_users()).follow_user
    chunks = [members[i : i + MEMBERS_A_CALL] for i in range(0, len(members), MEMBERS_A_CALL)]
    results: list[list[Customer] | Exception] = yield from Gather([iter_pages(chunk) for chunk in chunks], limit=4)
    people, failed = dict[str, Person](), list[str]()
    for chunk, entries in zip(chunks, results, strict=True):
        if isinstance(entries, Exception):
            failed += chunk
            continue
        for entry in entries:
            contact, relation = entry.external_contact, entry.follow_info
            follow = Follow(relation.userid, relation.createtime or EPOCH, frozenset(relation.tag_id))
            known = people.get(contact.external_userid)
            follows = tuple(sorted((*(known.follows if known else ()), follow), key=lambda f: (f.added, f.userid)))
            people[contact.external_userid] = Person(contact.external_userid, contact.name or "", contact.unionid or "", follows)
    return people, tuple(failed)


def iter_pages(members: Sequence[str]) -> Flow[list[Customer]]:
    """The customers of up to 100 members."""
    return (yield from Customers.all(members))


def read_tag_ids() -> Flow[dict[str, str]]:
    """«group/tag» → id, deleted ones left out."""
    library = yield from CorpTags.list()
    return {
        f"{group.group_name}/{tag.name}": tag.id for group in library.tag_group if not group.deleted for tag in group.tag if not tag.deleted
    }


def read_purchases(hub: Hub, days: int) -> Flow[list[Purchase]]:
    """Paid orders of the last days, of mini-program and store, a line for each product; what was given back is none."""
    until = hub.clock.now()
    since = until - timedelta(days=days)
    found = list[Purchase]()
    if hub.has_miniprogram:
        found += yield from _miniprogram(since, until)
    if hub.has_store:
        found += yield from _store(since, until)
    return found


def _miniprogram(since: datetime, until: datetime) -> Flow[list[Purchase]]:
    orders = yield from Shipping.all(pay_time_range={"begin_time": int(since.timestamp()), "end_time": int(until.timestamp())})
    return [
        Purchase(
            o.transaction_id or o.merchant_trade_no or "",
            o.description or "",
            o.pay_time or EPOCH,
            openid=o.openid or "",
            fen=o.paid_amount or 0,
        )
        for o in orders
        if o.order_state != ShippingState.REFUNDED
    ]


STORE_SPAN = timedelta(days=7)
"""The store lists orders of at most seven days at once."""


def _store(since: datetime, until: datetime) -> Flow[list[Purchase]]:
    ids = list[str]()
    begin = since
    while begin < until:
        end = min(begin + STORE_SPAN, until)
        ids += yield from Orders.all(create_time_range={"start_time": int(begin.timestamp()), "end_time": int(end.timestamp())})
        begin = end
    found = list[Purchase]()
    for outcome in (yield from Gather([Orders.get(order_id) for order_id in dict.fromkeys(ids)], limit=8)):
        if isinstance(outcome, Exception):
            raise outcome  # a half-read list of orders would make a wrong audience
        order = outcome.order
        detail = order.order_detail
        if order.status in GIVEN_BACK or detail is None or detail.pay_info is None or detail.pay_info.pay_time is None:
            continue
        paid_at = detail.pay_info.pay_time
        found += [
            Purchase(
                order.order_id,
                product.title or "",
                paid_at,
                product.sku_cnt or 1,
                unionid=order.unionid or "",
                openid=order.openid or "",
                fen=product.real_price or 0,
            )
            for product in detail.product_infos
        ]
    return found
