"""What the stories share: a small shop on a sandbox, and what must be true of it in the end."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import define
from tenacity import wait_none

from siyu_sdk import Campaign, Coupon, Guards, Hooks, Message, Plan, Report, Retry, Siyu, SiyuError, Step
from siyu_sdk.audience import Audience
from siyu_sdk.core.hooks import Attempt
from siyu_sdk.ledger import OPEN, Delivery, State
from siyu_sdk.sandbox import Humans, Sandbox

PLAIN_PEOPLE = Humans(never_confirms=0, next_day=0, hours=0, deselects=0, leaves=0, redeems=0)
"""Everybody confirms within half an hour, nobody leaves, nobody buys."""
SETTLE = timedelta(seconds=0.6)
SEND = "*/add_msg_template"
GIVE = "/v3/marketing/partner/product-coupon/users/*/coupons"
ALWAYS = Guards(per_day=None, per_month=None)
IN_TIME = Retry(wait=wait_none())


class Later:
    """An engine whose workers have not come yet."""

    def submit(self, batches: Any, work: Any) -> Any:
        yield from ()


@define
class Shop:
    """A hub on a sandbox, and the questions that every story ends with."""

    sandbox: Sandbox
    siyu: Siyu
    ledger: str

    def hub(self, *, watch: Callable[[Attempt], None] | None = None, timeout: float | None = None, **options: Any) -> Siyu:
        """A second process, so to speak: another hub on the same ledger. `watch` sees each WeCom attempt before it goes out."""
        client: dict[str, Any] = {"retry": IN_TIME, **({"timeout": timeout} if timeout else {})}
        settings: dict[str, Any] = {
            "ledger": self.ledger,
            "settle": SETTLE,
            "wecom": self.sandbox.wecom_client(hooks=Hooks(on_request=watch), **client),
            "pay": self.sandbox.pay_client(**client),
            **options,
        }
        return self.sandbox.siyu(**settings)

    def web(self) -> Siyu:
        """A process that takes work on and leaves it to workers."""
        return self.hub(engine=Later())

    # What is sent

    @property
    def coupon(self) -> Coupon:
        ids = self.sandbox.credentials
        return Coupon(ids.product_coupon_id, ids.stock_id, ids.miniprogram_appid, ids.brand_id)

    @property
    def everyone(self) -> Audience:
        return self.siyu.audience.everyone()

    def some(self, count: int, *, coupons: bool = False) -> Audience:
        """So many customers; with `coupons`, such as can get one."""
        return self.siyu.audience.people(self.ids(count, coupons=coupons))

    def ids(self, count: int, *, coupons: bool = False) -> list[str]:
        if self.siyu.snapshot is None:
            self.siyu.audience.read()
        snapshot = self.siyu.snapshot
        assert snapshot is not None
        openids = self.siyu.ledger.openids(self.siyu.appid)
        fit = [k for k, p in sorted(snapshot.people.items()) if k not in snapshot.opted_out and (not coupons or p.unionid in openids)]
        assert len(fit) >= count
        return fit[:count]

    def broadcast(self, name: str = "hello", text: str = "你好", audience: Audience | None = None, **more: Any) -> Plan:
        return self.siyu.broadcast.plan(name, audience or self.everyone, Message(text), **{"guards": ALWAYS, **more})

    def campaign(self, *steps: Step, name: str = "sop", **more: Any) -> Campaign:
        return Campaign(name, steps, **{"guards": ALWAYS, **more})

    def apply(self, plan: Plan) -> Any:
        return self.siyu.sop.apply(plan, confirm=plan.fingerprint)

    def queued(self, plan: Plan | None = None, **more: Any) -> Plan:
        """A plan that is applied and queued, and that nobody works on yet."""
        plan = plan or self.broadcast(**more)
        with self.web() as web:
            web.sop.apply(plan, confirm=plan.fingerprint)
        return plan

    def carry(self, name: str, seconds: float = 20.0) -> None:
        """Resume until every batch has ended, as a person would who sees an error."""
        for _ in range(20):
            try:
                self.siyu.sop.resume(name)
            except SiyuError:
                continue
            if not self.siyu.ledger.batches(name, OPEN):
                return
        raise AssertionError("it did not come to an end")

    # What came of it

    def rows(self, name: str, step: str | None = None) -> list[Delivery]:
        return [row for row in self.siyu.ledger.deliveries(name) if step in (None, row.step)]

    def states(self, name: str, step: str | None = None) -> dict[State, int]:
        return dict(Counter(row.state for row in self.rows(name, step)))

    def texts(self, customer: str) -> list[str]:
        return [d.text for d in self.sandbox.inbox(customer) if d.kind == "task"]

    def got(self, text: str) -> Counter[str]:
        """How often each customer got this text."""
        return Counter(c for c in self.sandbox.world.customers for t in self.texts(c) if t == text)

    def coupons(self) -> Counter[int]:
        """How many coupons each person holds."""
        return Counter(coupon.person.number for coupon in self.sandbox.pay.coupons.values())

    def settled(self, plan: Plan) -> Report:
        """Let members confirm; then: nothing lost, nothing doubled, the books in order, planned = reported."""
        self.sandbox.advance(hours=4)
        report = self.siyu.sop.report(plan.campaign.key)
        assert self.sandbox.invariants() == []
        assert Counter((r.step, r.person) for r in report.rows) == Counter((r.step, r.person) for r in plan.rows)
        told = Counter((r.external_userid, r.msgid) for r in report.rows if r.kind == "message" and r.state == State.SENT)
        ours = {r.msgid for r in report.rows if r.msgid}
        customers = self.sandbox.world.customers
        arrived = Counter((c, d.msgid) for c in customers for d in self.sandbox.inbox(c) if d.kind == "task")
        assert {k: n for k, n in arrived.items() if k[1] in ours} == told
        holders = {c.send_request_no for c in self.sandbox.pay.coupons.values()}
        issued = {r.request_no for r in report.rows if r.state in (State.ISSUED, State.CONFIRMED, State.REDEEMED)}
        assert {r.request_no for r in report.rows if r.kind == "coupon"} & holders == issued
        return report


def settled_messages(shop: Shop, plan: Plan) -> None:
    report = shop.settled(plan)
    assert report.total[State.SENT] == len(plan.rows), report.reasons()
    assert shop.got(plan.campaign.steps[0].message.text if plan.campaign.steps[0].message else "").total() == len(plan.rows)


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wait on the sandbox's clock takes a third of a second at most: what waits looks again."""
    monkeypatch.setattr("siyu_sdk.sandbox.clock.LONGEST_SLEEP", 0.3)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=7, members=4, shops=2, customers=80, humans=PLAIN_PEOPLE) as sandbox:
        sandbox.wecom.list_lag, sandbox.wecom.dispatch_lag = 0.1, 0.2
        sandbox.wecom.tasks.clear()  # no messages made by hand: nobody's month is used up
        sandbox.world.inboxes.clear()
        yield sandbox


@pytest.fixture
def shop(sandbox: Sandbox, tmp_path: Path) -> Iterator[Shop]:
    made = Shop(sandbox, None, f"sqlite:///{tmp_path}/siyu.db")  # type: ignore[arg-type]
    with made.hub() as siyu:
        made.siyu = siyu
        siyu.ledger.learn(siyu.appid, [(login.unionid or "", login.openid) for login in sandbox.logins()])
        yield made


@pytest.fixture
def siyu(shop: Shop) -> Siyu:
    return shop.siyu


@pytest.fixture
def together() -> Callable[..., list[Any]]:
    """Run functions at the same time; give results or errors in order."""

    def run(*functions: Callable[[], Any]) -> list[Any]:
        results: list[Any] = [None] * len(functions)
        start = threading.Barrier(len(functions))

        def work(place: int, function: Callable[[], Any]) -> None:
            start.wait()
            try:
                results[place] = function()
            except BaseException as error:
                results[place] = error

        threads = [threading.Thread(target=work, args=pair) for pair in enumerate(functions)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        return results

    return run


@pytest.fixture
def settle_all(shop: Shop) -> Callable[[Plan], None]:
    return lambda plan: settled_messages(shop, plan)


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    for item in items:
        if "helpers" in str(item.fspath):
            item.add_marker(pytest.mark.timeout(60))
