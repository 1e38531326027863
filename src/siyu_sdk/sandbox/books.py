"""The sandbox's own books: what was called, what reached whom, who holds which coupon, and whether all of it adds up."""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from attrs import asdict, frozen

from .clock import VirtualClock, beijing
from .world import Delivery, World

if TYPE_CHECKING:  # the platforms' states keep books themselves: importing them here for real would be a circle
    from .pay.state import Coupon, PayPlatform
    from .wecom.state import WeComPlatform


@frozen
class CallRecord:
    """One request that came in. `status` 0: no answer went out."""

    platform: str
    method: str
    path: str
    errcode: int | str
    status: int
    fault: str | None
    at: float


class Calls:
    """Every request to the four platforms, in order of completion."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self._records: list[CallRecord] = []

    def add(self, platform: str, method: str, path: str, *, errcode: int | str, status: int, fault: str | None) -> None:
        """One more request; the control server's do not count."""
        if platform != "control":
            self._records.append(CallRecord(platform, method, path, errcode, status, fault, self.clock.time()))

    def clear(self) -> None:
        """Forget the requests so far."""
        self._records.clear()

    def count(self, path: str = "*", *, platform: str = "*", errcode: int | str | None = None) -> int:
        """How many calls to `path` (a glob), of one platform and with one result code where these are given."""
        return len(self.records(path, platform=platform, errcode=errcode))

    def records(self, path: str = "*", *, platform: str = "*", errcode: int | str | None = None) -> list[CallRecord]:
        """The calls that `count` counts."""
        return [
            record
            for record in tuple(self._records)
            if fnmatchcase(record.path, path) and fnmatchcase(record.platform, platform) and (errcode is None or record.errcode == errcode)
        ]

    def by_path(self) -> dict[str, int]:
        """Calls by "platform path"."""
        return dict(Counter(f"{record.platform} {record.path}" for record in tuple(self._records)))


def _named(event: dict[str, Any]) -> str:
    """What an event is called: its ChangeType, with the event in front where others have types of the same name."""
    name, change = event.get("Event", "change_external_contact"), event.get("ChangeType", "")
    return change if name == "change_external_contact" else f"{name}/{change}".rstrip("/")


class Books:
    """What a test reads, and what `invariants` is held against."""

    def __init__(self, world: World, wecom: WeComPlatform, pay: PayPlatform, calls: Calls) -> None:
        self._world = world
        self._wecom = wecom
        self._pay = pay
        self._calls = calls

    def inbox(self, external_userid: str) -> list[Delivery]:
        """Messages that reached this customer, or this group by its chat_id, oldest first: of every kind."""
        with self._world.lock:
            return list(self._world.inboxes.get(external_userid, ()))

    def wallet(self, person: str) -> list[Coupon]:
        """The coupons of one person, by unionid, openid or external_userid."""
        with self._world.lock:
            coupons = self._pay.coupons.values()
            found = [c for c in coupons if person in (c.openid, c.person.unionid, c.person.external_userid)]
            return [self._pay.refreshed(coupon) for coupon in found]

    def summary(self) -> dict[str, Any]:
        """The whole books as JSON values: tasks and chapters with their counts, coupons by state, deliveries, events, calls."""
        with self._world.lock:
            contacts = self._world.contacts
            deliveries = [delivery for inbox in self._world.inboxes.values() for delivery in inbox]
            return {
                "now": beijing(self._world.clock.time()).isoformat(timespec="seconds"),
                "members": [{**asdict(member), "contacts": len(contacts[member.userid])} for member in self._world.members.values()],
                "customers": len(self._world.customers),
                "orders": {channel: len(orders) for channel, orders in self._world.orders.items()},
                "tasks": [task.summary() for task in self._wecom.tasks.values() if not task.personal],
                "deliveries": dict(Counter(delivery.kind for delivery in deliveries)),
                "coupons": dict(Counter(self._pay.refreshed(coupon).state for coupon in self._pay.coupons.values())),
                "events": dict(Counter(map(_named, self._world.events))),
                **self._wecom.summary(),
                "calls": self._calls.by_path(),
            }

    def invariants(self) -> list[str]:
        """Everything that must never be, one sentence for each case; an empty list is the good answer."""
        with self._world.lock:
            return [*self._world.timeline.failures, *self._messages(), *self._tasks(), *self._wecom.violations(), *self._coupons()]

    def _messages(self) -> list[str]:
        wrong: list[str] = []
        for customer, inbox in self._world.inboxes.items():
            contents = Counter(delivery.content for delivery in inbox if delivery.kind in ("task", "group"))
            for content, count in contents.items():
                if count > 1:
                    text = next(delivery.text for delivery in inbox if delivery.content == content)
                    wrong.append(f"{customer} got the same message {count} times: {text[:40]!r}")
            counted = [delivery for delivery in inbox if delivery.mass and delivery.at >= self._wecom.quota_rule_since]
            for window, count in Counter(self._wecom.quota_window(delivery.at) for delivery in counted).items():
                limit = self._wecom.quota_limit(next(d.at for d in counted if self._wecom.quota_window(d.at) == window))
                if count > limit:
                    wrong.append(f"{customer} got {count} messages in {window}, the platform's limit is {limit}")
        return wrong

    def _tasks(self) -> list[str]:
        wrong: list[str] = []
        delivered = Counter(delivery.msgid for inbox in self._world.inboxes.values() for delivery in inbox)
        for task in self._wecom.tasks.values():
            counts = task.summary()
            rows = sum(counts["rows"].values())
            if rows != counts["recipients"]:
                wrong.append(f"task {task.msgid} has {counts['recipients']} recipients but {rows} result rows")
            if delivered[task.msgid] != counts["rows"]["sent"]:
                wrong.append(f"task {task.msgid} counts {counts['rows']['sent']} sent, {delivered[task.msgid]} arrived")
        return wrong

    def _coupons(self) -> list[str]:
        wrong: list[str] = []
        owned: Counter[tuple[str, str]] = Counter()
        for coupon in self._pay.coupons.values():
            state = self._pay.refreshed(coupon).state
            if state not in ("CONFIRMING", "PENDING", "EFFECTIVE", "USED", "EXPIRED", "DELETED", "DEACTIVATED"):
                wrong.append(f"coupon {coupon.code} is in no known state: {state}")
            if state in ("EFFECTIVE", "USED") and not coupon.confirm_request_no:
                wrong.append(f"coupon {coupon.code} is {state} but was never confirmed")
            if state == "USED" and not coupon.use_request_no:
                wrong.append(f"coupon {coupon.code} is USED by no request")
            if state not in ("DELETED", "DEACTIVATED"):
                owned[coupon.person.unionid or coupon.openid, coupon.stock.stock_id] += 1
        for (person, stock_id), count in owned.items():
            limit = self._pay.stocks[stock_id].max_count_per_user
            if count > limit:
                wrong.append(f"{person} holds {count} coupons of stock {stock_id}, {limit} allowed")
        for stock in self._pay.stocks.values():
            issued = sum(coupon.stock is stock for coupon in self._pay.coupons.values())
            if issued != stock.sent:
                wrong.append(f"stock {stock.stock_id} counts {stock.sent} issued, {issued} exist")
        return wrong
