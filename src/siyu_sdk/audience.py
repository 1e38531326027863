"""Who is meant: sets of customers, by tags, purchases and dates, with set algebra.

Two rules keep a mistake from reaching everybody: an empty condition is an empty set, and whoever opted out is in no set that is sent
to. Everybody is only ever meant by writing `everyone()`.
"""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from attrs import evolve, field, frozen

from .core.call import Flow, Local
from .core.endpoint import M, flow
from .core.errors import InputError
from .helper import Helper, Hub

ORDERS_DAYS = 90


@frozen
class Follow:
    """A member who added the customer."""

    userid: str
    added: datetime
    tags: frozenset[str]
    """Ids of corp tags: they hang on this pair of member and customer."""


@frozen
class Person:
    """One customer."""

    external_userid: str
    name: str = ""
    unionid: str = ""
    follows: tuple[Follow, ...] = ()

    @property
    def key(self) -> str:
        """What makes it one person: the unionid where there is one."""
        return self.unionid or self.external_userid

    @property
    def tags(self) -> frozenset[str]:
        """Tags that any member has put on."""
        return frozenset(tag for follow in self.follows for tag in follow.tags)


@frozen
class Purchase:
    """One line of an order. Who bought is told by unionid or by an openid of the mini-program."""

    order_id: str
    product: str
    paid_at: datetime
    quantity: int = 1
    unionid: str = ""
    openid: str = ""
    fen: int = 0


@frozen
class Snapshot:
    """Customers, tags and purchases as they were read at one moment."""

    people: Mapping[str, Person] = field(repr=False)
    """By external_userid."""
    tag_ids: Mapping[str, str] = field(repr=False)
    """«group/tag» → id."""
    purchases: Mapping[str, Sequence[Purchase]] = field(repr=False)
    """By external_userid."""
    opted_out: frozenset[str] = field(repr=False)
    read_at: datetime
    failed_members: tuple[str, ...] = ()
    """Members whose customers could not be read: nobody may be taken for lost because of it."""
    orders_days: int = ORDERS_DAYS
    """For how many days before `read_at` the purchases are known; 0 where there is nowhere to read them."""

    def with_tags(
        self,
        changes: Mapping[tuple[str, str], tuple[frozenset[str], frozenset[str]]],
        tag_ids: Mapping[str, str],
        opt_out_tag: str = "",
    ) -> Snapshot:
        """The snapshot after tags were put on and taken off: (member, customer) → (added, removed).

        Who got the opt-out tag is out from now on; who lost it may still be out by the ledger: the next read tells.
        """
        people = dict(self.people)
        for (userid, external_userid), (added, removed) in changes.items():
            person = people[external_userid]
            follows = tuple(evolve(f, tags=(f.tags | added) - removed) if f.userid == userid else f for f in person.follows)
            people[external_userid] = evolve(person, follows=follows)
        tag_ids = {**self.tag_ids, **tag_ids}
        changed = {key: people[key] for _, key in changes}
        out = self.opted_out | same_people(people, carriers(changed, tag_ids.get(opt_out_tag)))
        return evolve(self, people=people, tag_ids=tag_ids, opted_out=out)


class Audience(ABC):
    """A set of customers, as an expression: combine with `&`, `|` and `-`."""

    @abstractmethod
    def select(self, snapshot: Snapshot) -> frozenset[str]:
        """The external_userids that are meant."""

    def describe(self) -> str:
        """The expression as text: part of a plan's fingerprint."""
        return repr(self)

    def __and__(self, other: Audience) -> Audience:
        return _Both(self, other)

    def __or__(self, other: Audience) -> Audience:
        return _Either(self, other)

    def __sub__(self, other: Audience) -> Audience:
        return _Without(self, other)

    def added_before(self, *, days: int) -> Audience:
        """Those whom a member added at least so many days ago."""
        return self & AddedBefore(days)

    def added_within(self, *, days: int) -> Audience:
        """Those whom a member added in the last so many days."""
        return self - AddedBefore(days)


@frozen
class _Both(Audience):
    left: Audience
    right: Audience

    def describe(self) -> str:
        return f"({self.left.describe()} & {self.right.describe()})"

    def select(self, snapshot: Snapshot) -> frozenset[str]:
        return self.left.select(snapshot) & self.right.select(snapshot)


@frozen
class _Either(Audience):
    left: Audience
    right: Audience

    def describe(self) -> str:
        return f"({self.left.describe()} | {self.right.describe()})"

    def select(self, snapshot: Snapshot) -> frozenset[str]:
        return self.left.select(snapshot) | self.right.select(snapshot)


@frozen
class _Without(Audience):
    left: Audience
    right: Audience

    def describe(self) -> str:
        return f"({self.left.describe()} - {self.right.describe()})"

    def select(self, snapshot: Snapshot) -> frozenset[str]:
        return self.left.select(snapshot) - self.right.select(snapshot)


@frozen
class Everyone(Audience):
    """All customers that members have added."""

    def select(self, snapshot: Snapshot) -> frozenset[str]:
        """Everybody."""
        return frozenset(snapshot.people)


@frozen
class People(Audience):
    """Customers by external_userid."""

    external_userids: frozenset[str]

    def select(self, snapshot: Snapshot) -> frozenset[str]:
        """Those of them who are (still) customers."""
        return self.external_userids & frozenset(snapshot.people)

    def describe(self) -> str:
        """Sorted, so that it does not depend on the order of a set."""
        return f"People({sorted(self.external_userids)})"


@frozen
class Tagged(Audience):
    """Customers with at least one of these tags; none named, nobody meant."""

    names: tuple[str, ...]

    def select(self, snapshot: Snapshot) -> frozenset[str]:
        """Who carries one of them, from any member.

        Raises:
            InputError: a tag does not exist. A misspelt tag must not pass for one that nobody has.
        """
        ids = set[str]()
        for name in self.names:
            if name not in snapshot.tag_ids:
                near = difflib.get_close_matches(name, snapshot.tag_ids, 1)
                raise InputError(f"audience: there is no tag {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""), "tagged")
            ids.add(snapshot.tag_ids[name])
        return frozenset(key for key, person in snapshot.people.items() if person.tags & ids)


@frozen
class FollowedBy(Audience):
    """Customers whom at least one of these members has added."""

    userids: frozenset[str]

    def select(self, snapshot: Snapshot) -> frozenset[str]:
        """Their customers."""
        return frozenset(key for key, p in snapshot.people.items() if any(f.userid in self.userids for f in p.follows))

    def describe(self) -> str:
        """Sorted, so that it does not depend on the order of a set."""
        return f"FollowedBy({sorted(self.userids)})"


@frozen
class AddedBefore(Audience):
    """Customers whom a member added at least so many days ago."""

    days: int

    def select(self, snapshot: Snapshot) -> frozenset[str]:
        """Whose first relation is that old."""
        limit = snapshot.read_at - timedelta(days=self.days)
        return frozenset(key for key, p in snapshot.people.items() if any(f.added <= limit for f in p.follows))


@frozen
class Bought(Audience):
    """Customers who bought a product (a part of its name) in at least so many orders within so many days."""

    product: str
    times: int = 1
    within_days: int = 90

    def select(self, snapshot: Snapshot) -> frozenset[str]:
        """Who did; an empty name means nobody.

        Raises:
            InputError: orders were read for fewer days than are asked about, so that buyers would be missed, or nowhere.
        """
        if self.product and not snapshot.orders_days:
            raise InputError("bought: orders are read from a mini-program or a store, and this hub has neither: give it one", "bought")
        if self.product and self.within_days > snapshot.orders_days:
            raise InputError(
                f"bought: within_days is {self.within_days}, orders were read for {snapshot.orders_days} days; "
                f"siyu.audience.read(orders_days={self.within_days}) first",
                "within_days",
            )
        since = snapshot.read_at - timedelta(days=self.within_days)
        found = set[str]()
        for key, lines in snapshot.purchases.items():
            orders = {line.order_id for line in lines if self.product and self.product in line.product and line.paid_at >= since}
            if len(orders) >= max(self.times, 1):
                found.add(key)
        return frozenset(found)


@frozen
class OptedOut(Audience):
    """Customers who want nothing: by the opt-out tag, or by the ledger."""

    def select(self, snapshot: Snapshot) -> frozenset[str]:
        """Who opted out."""
        return snapshot.opted_out


class Audiences(Helper[M]):
    """Sets of customers, and reading what they are judged by."""

    @staticmethod
    def everyone() -> Audience:
        """All customers; nothing else means everybody."""
        return Everyone()

    @staticmethod
    def tagged(*names: str) -> Audience:
        """Customers with at least one of the tags («group/tag»). For several at once: `tagged(a) & tagged(b)`."""
        return Tagged(names)

    @staticmethod
    def people(external_userids: Iterable[str]) -> Audience:
        """Customers by id."""
        return People(frozenset(external_userids))

    @staticmethod
    def followed_by(*userids: str) -> Audience:
        """Customers whom one of these members has added."""
        return FollowedBy(frozenset(userids))

    @staticmethod
    def bought(product: str, *, times: int = 1, within_days: int = 90) -> Audience:
        """Customers who bought a product in at least `times` orders of the last days; `product` is a part of its name."""
        return Bought(product, times, within_days)

    @staticmethod
    def opted_out() -> Audience:
        """Customers who want nothing. They are out of every audience anyway."""
        return OptedOut()

    @flow
    def opt_out(self, external_userid: str, reason: str = "") -> Flow[None]:
        """Never message this customer again; kept in the ledger, and honoured by every plan and every send from now on."""
        hub, ids = self.hub, {external_userid}
        if hub.snapshot is not None:
            known = hub.snapshot.people.get(external_userid, Person(external_userid))
            ids |= {known.key}  # another external_userid of the same person is the same person
            hub.snapshot = evolve(hub.snapshot, opted_out=hub.snapshot.opted_out | same_people(hub.snapshot.people, ids))
        for person in sorted(ids):
            yield from Local(hub.ledger.opt_out, person, reason, hub.clock.time())

    @flow
    def read(self, *, orders_days: int | None = None) -> Flow[Snapshot]:
        """Read customers, tags and orders anew, page by page, and keep them for the helpers.

        Orders of the last `orders_days` are read: 90, or as many as last time. A member whose customers cannot be read is reported in
        `failed_members`; nobody is taken for lost because of it.
        """
        from .reading import read_customers, read_purchases, read_tag_ids

        hub = self.hub
        days = orders_days or (hub.snapshot.orders_days if hub.snapshot is not None else ORDERS_DAYS)
        people, failed = yield from read_customers()
        hub.tag_ids = tag_ids = yield from read_tag_ids()
        identities: dict[str, str] = yield from Local(hub.ledger.openids, hub.appid)
        by_openid = {openid: unionid for unionid, openid in identities.items()}
        by_unionid = {p.unionid: key for key, p in people.items() if p.unionid}
        purchases = defaultdict[str, list[Purchase]](list)
        for line in (yield from read_purchases(hub, days)):
            key = by_unionid.get(line.unionid or by_openid.get(line.openid, ""))
            if key is not None:
                purchases[key].append(line)
        stored: frozenset[str] = yield from Local(hub.ledger.opted_out)
        out = same_people(people, stored | carriers(people, tag_ids.get(hub.opt_out_tag)))
        known_days = days if hub.has_miniprogram or hub.has_store else 0
        hub.snapshot = Snapshot(people, tag_ids, purchases, out, hub.clock.now(), failed, known_days)
        return hub.snapshot

    @flow
    def select(self, audience: Audience) -> Flow[tuple[Person, ...]]:
        """The people who are meant, whoever opted out left aside; reads customers first if none have been read yet."""
        snapshot = yield from current(self)
        meant = audience.select(snapshot) - snapshot.opted_out
        return tuple(snapshot.people[key] for key in sorted(meant))


def carriers(people: Mapping[str, Person], tag_id: str | None) -> frozenset[str]:
    """Who carries a tag, from any member."""
    return frozenset(key for key, person in people.items() if tag_id in person.tags)


def same_people(people: Mapping[str, Person], ids: Iterable[str]) -> frozenset[str]:
    """Every external_userid of these people, who are named by external_userid or unionid: one person may have several."""
    named = frozenset(ids)
    keys = named | {people[key].key for key in named if key in people}
    return frozenset(key for key, person in people.items() if key in keys or person.key in keys)


def read_opted_out(hub: Hub, stored: frozenset[str]) -> Flow[tuple[frozenset[str], tuple[str, ...]]]:
    """Who has opted out by now, by tag or by the ledger (`stored`), and the members whose customers could not be read."""
    from .reading import read_customers, read_tag_ids

    people, failed = yield from read_customers()
    tag_ids = yield from read_tag_ids()
    return stored | same_people(people, stored | carriers(people, tag_ids.get(hub.opt_out_tag))), failed


def current(helper: Helper[Any]) -> Flow[Snapshot]:
    """The snapshot at hand, or a new one."""
    hub = helper.hub
    if hub.snapshot is not None:
        return hub.snapshot
    return (yield from Audiences.read.of(hub.audience))
