"""The little world behind the four platforms: one fruit retailer, its shops, its staff, the people who buy, and what they bought.

Plain data and the lookups that several platforms share. One lock guards all of it: a request is handled from its first read to its
last write without another one in between, as a database transaction would.
"""

from __future__ import annotations

import hashlib
import threading
from collections import defaultdict
from datetime import timedelta
from typing import Any, Literal

from attrs import define, field, frozen

from .clock import Timeline, VirtualClock
from .credentials import Credentials

Habit = Literal["prompt", "hours", "next_day", "never"]
Channel = Literal["miniprogram", "store"]


@frozen
class Sizes:
    """How large the world is."""

    members: int = 12
    shops: int = 5
    customers: int = 2000
    days: int = 90


@frozen
class Humans:
    """How people behave: shares between 0 and 1, drawn from the seed."""

    never_confirms: float = 1 / 12
    """Members who never press send."""
    next_day: float = 0.15
    """Members who press send a day later."""
    hours: float = 0.30
    """Members who press send some hours later. All others do within half an hour. Nobody works between 21 and 9."""
    deselects: float = 0.03
    """Customers whom the member takes off the list before sending."""
    leaves: float = 0.01
    """Customers who delete their member within the first week."""
    redeems: float = 0.35
    """Coupons that are used within six days of being confirmed."""
    refuses: float = 0.05
    """Customers who refuse to be handed over to another member."""
    reacts: float = 0.05
    """Customers who like a moment within some hours; a third of them comment on it too."""


@frozen
class Shop:
    """One shop; its id is its department in WeCom."""

    id: int
    name: str


@frozen
class Member:
    """One member of staff."""

    userid: str
    name: str
    shop: Shop
    habit: Habit


@frozen
class Leaver:
    """A member who has left the company."""

    member: Member
    at: int


@frozen
class Person:
    """Somebody who may buy, whether or not a member has added them. `number` is the place in the world's list."""

    number: int
    name: str
    gender: int
    unionid: str | None
    miniprogram_openid: str | None
    store_openid: str | None
    external_userid: str | None


@define
class Relation:
    """One member's contact with one customer."""

    userid: str
    external_userid: str
    remark: str
    createtime: int
    add_way: int
    last_talked: float
    state: str = ""
    description: str = ""
    remark_company: str = ""
    remark_mobiles: list[str] = field(factory=list[str])
    tags: set[str] = field(factory=set[str])
    deleted_by_customer: bool = False


@frozen
class Item:
    """One product of an order."""

    product_id: str
    title: str
    price: int
    """Fen for one."""
    count: int = 1


@define
class Order:
    """One paid order."""

    channel: Channel
    order_id: str
    transaction_id: str
    person: Person
    openid: str
    items: tuple[Item, ...]
    paid_at: int
    amount: int
    """Fen that were paid."""
    state: int
    """Mini-program: 1 to ship, 2 shipped, 4 finished, 5 refunded. Store: 20 to ship, 30 shipped, 100 finished, 250 cancelled."""
    shipping: dict[str, Any] = field(factory=dict[str, Any])

    @property
    def refunded(self) -> bool:
        """Whether the money went back."""
        return self.state in (5, 250)


@frozen
class Delivery:
    """One message that reached a customer, or a customer group; `external_userid` is the chat_id then.

    `kind`: "task" (a mass message made by API), "personal" (one made by the member), "group" (a mass message to a group), "welcome",
    "conclusion" (of a temporary session), "group_welcome", "transfer" (the greeting of who takes over), "kf" (customer service; the sender
    is the account), "kf_offer" (a member or a group that customer service recommends).
    """

    msgid: str
    external_userid: str
    sender: str
    kind: str
    text: str
    attachments: tuple[dict[str, Any], ...]
    at: float

    @property
    def mass(self) -> bool:
        """Whether it counts against what a customer or a group may get."""
        return self.kind in ("task", "personal", "group")

    @property
    def content(self) -> str:
        """A fingerprint of what was said."""
        return fingerprint(self.text, self.attachments)


def fingerprint(*parts: object) -> str:
    """A short hash of values, the same in every process."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:24]


class Dice:
    """Chance that depends on the seed and on what is asked, not on the order of asking: threads cannot change an outcome."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def roll(self, *about: object) -> float:
        """A number in [0, 1) for this question."""
        digest = hashlib.blake2b(repr((self.seed, *about)).encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64

    def token(self, length: int, *about: object) -> str:
        """A readable random word for this question."""
        return hashlib.shake_128(repr((self.seed, *about)).encode()).hexdigest(length)[:length]


class World:
    """Everything that several platforms look at."""

    def __init__(self, seed: int, sizes: Sizes, humans: Humans, credentials: Credentials, clock: VirtualClock) -> None:
        self.seed = seed
        self.sizes = sizes
        self.humans = humans
        self.credentials = credentials
        self.clock = clock
        self.lock = threading.RLock()
        self.dice = Dice(seed)
        self.timeline = Timeline(clock, self.lock)
        self.shops: list[Shop] = []
        self.members: dict[str, Member] = {}
        self.leavers: dict[str, Leaver] = {}
        """Members who have left. Their contacts stay in `contacts` until somebody takes over, but nobody follows those customers."""
        self.people: list[Person] = []
        self.customers: dict[str, Person] = {}
        self.by_openid: dict[str, Person] = {}
        self.follows: dict[str, dict[str, Relation]] = {}
        """external_userid -> userid -> relation"""
        self.contacts: dict[str, dict[str, Relation]] = {}
        """userid -> external_userid -> relation"""
        self.orders: dict[Channel, list[Order]] = {"miniprogram": [], "store": []}
        """Oldest first."""
        self.order_numbers: dict[str, Order] = {}
        """By order number and by transaction id."""
        self.inboxes: defaultdict[str, list[Delivery]] = defaultdict(list)
        """By external_userid, and by chat_id for what was sent into a group."""
        self.events: list[dict[str, Any]] = []
        """Every callback event that came to be, whether or not anybody listens."""

    def add_order(self, order: Order) -> None:
        """One more order; the newest comes last."""
        self.orders[order.channel].append(order)
        self.order_numbers[order.order_id] = self.order_numbers[order.transaction_id] = order

    def now(self) -> int:
        """Unix seconds of virtual time."""
        return int(self.clock.time())

    def add_person(self, person: Person) -> None:
        """One more person, known by every id they have."""
        self.people.append(person)
        for openid in (person.miniprogram_openid, person.store_openid):
            if openid:
                self.by_openid[openid] = person
        if person.external_userid:
            self.customers[person.external_userid] = person

    def add_member(self, member: Member) -> None:
        """One more member of staff, with no contacts yet."""
        self.members[member.userid] = member
        self.contacts[member.userid] = {}

    def new_customer(self, name: str, unionid: str | None = None) -> str:
        """Somebody from WeChat whom nobody knew before. Returns the external_userid."""
        number = len(self.people)
        person = Person(number, name, 0, unionid or f"oUnion{number:022d}", f"oMini{number:023d}", None, f"wm{number}")
        self.add_person(person)
        return f"wm{number}"

    def resign(self, userid: str) -> None:
        """The member leaves the company; the customers are without one until somebody takes over."""
        self.leavers[userid] = Leaver(self.members.pop(userid), self.now())
        for external_userid in self.contacts[userid]:
            self.follows[external_userid].pop(userid, None)

    def befriend(self, relation: Relation) -> None:
        """Member and customer have added each other."""
        self.follows.setdefault(relation.external_userid, {})[relation.userid] = relation
        self.contacts[relation.userid][relation.external_userid] = relation

    def part(self, userid: str, external_userid: str) -> Relation | None:
        """The member takes the customer off the list: the relation is gone."""
        self.contacts.get(userid, {}).pop(external_userid, None)
        return self.follows.get(external_userid, {}).pop(userid, None)

    def relation(self, userid: str, external_userid: str) -> Relation | None:
        """The contact of these two, one-sided ones included."""
        return self.contacts.get(userid, {}).get(external_userid)

    def bought(self, word: str, *, times: int = 1, within: timedelta = timedelta(days=90)) -> set[Person]:
        """The truth: who paid for `times` or more orders with a product named like `word`, refunded ones apart."""
        since = self.clock.time() - within.total_seconds()
        counts: defaultdict[int, int] = defaultdict(int)
        for order in (*self.orders["miniprogram"], *self.orders["store"]):
            if order.paid_at >= since and not order.refunded and any(word in item.title for item in order.items):
                counts[order.person.number] += 1
        return {self.people[number] for number, count in counts.items() if count >= times}
