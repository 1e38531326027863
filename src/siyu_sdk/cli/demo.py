"""`siyu demo`: the whole story on the sandbox, in under a minute. What it claims at the end, it has counted in the sandbox's own books."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from datetime import time as clock_time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from ..campaign import Campaign, Coupon, Message, Step
from ..core.errors import SiyuError
from ..ledger import OPEN, State
from ..plan import Why
from ..sandbox import Sandbox
from ..sandbox.clock import beijing
from ..sop.dbos_engine import DBOSEngine
from .screen import out

if TYPE_CHECKING:
    from ..pay.client import Pay
    from ..plan import Plan, Report
    from ..siyu import Siyu

COLUMNS = {
    State.SENT: "sent",
    State.AWAITING: "waiting",
    State.NOT_FRIEND: "gone",
    State.OVER_LIMIT: "cap",
    State.ISSUED: "issued",
    State.CONFIRMED: "confirmed",
    State.REDEEMED: "redeemed",
    State.SKIPPED: "skipped",
    State.REFUSED: "refused",
}
"""States that a delivery can end in, as the report heads them; «waiting» is for the member to press send."""
TAG = "购买/榴莲"
NAME = "榴莲复购-11月"
TELL = "{{ member }}为您留了一张榴莲券，已放进卡包，本周到店可用。"
REMIND = "您的榴莲券还没有用，周末前都有效，需要帮您留果吗？"


def demo(
    seed: Annotated[int, typer.Option("--seed", help="Decides on people, orders and chance: the same seed, the same world.")] = 7,
    customers: Annotated[int, typer.Option("--customers", min=50, help="How many customers the shops have.")] = 2000,
) -> None:
    """Run the main job on the built-in sandbox: durian buyers get a coupon, a message from their own assistant, and a reminder.

    Everything is real but the platform: typed calls over HTTP, RSA signatures, encrypted notices, a durable worker in a process of its
    own that is killed in the middle. At the end the report is held against the sandbox's own books; the exit code is 1 if anything was
    lost or doubled.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="siyu-demo-") as folder, Sandbox(seed=seed, customers=customers) as sandbox:
        ledger = f"sqlite:///{folder}/siyu.db"
        sandbox.faults.add(path="*/add_msg_template", kind="drop_after_commit", rate=1, times=1)
        sandbox.faults.add(path="/v3/marketing/partner/product-coupon/users/*/coupons", kind="drop_after_commit", rate=0.02)
        with sandbox.siyu(ledger=ledger, engine=DBOSEngine(ledger)) as siyu, _notices(siyu, sandbox.pay_client()) as url:
            sandbox.pay_callback_url = url
            _title(1, "A fake WeChat is up", f"seed {seed}; in Beijing it is {beijing(sandbox.clock.time()):%A %H:%M}")
            out.print(
                f"   WeCom {sandbox.wecom_url}  mini-program {sandbox.miniprogram_url}  store {sandbox.store_url}  Pay {sandbox.pay_url}"
            )
            _tag(sandbox, siyu)
            plan = _plan(sandbox, siyu)
            _apply(sandbox, siyu, plan, Path(folder))
            report = siyu.sop.report(NAME)
            _show(report)
            wrong = check(sandbox, siyu, plan, report)
    took = time.monotonic() - began
    for sentence in wrong:
        out.print(f"   [bold red]WRONG[/] {sentence}")
    if wrong:
        raise typer.Exit(1)
    out.print(
        f"   [bold green]✓[/] nobody got a step twice, no coupon twice, no quota broken, nobody who opted out was written to, "
        f"planned = reported ({len(plan.rows)}).  {took:.0f} s"
    )


def _title(number: int, title: str, more: str = "") -> None:
    out.print(f"\n[bold cyan]{number}[/] [bold]{title}[/]{f'  [dim]{more}[/]' if more else ''}")


# 2: read and tag


def _tag(sandbox: Sandbox, siyu: Siyu) -> None:
    _title(2, "Who bought durian?", "customers page by page, 90 days of orders of mini-program and store")
    siyu.ledger.learn(siyu.appid, ((login.unionid or "", login.openid) for login in sandbox.logins()))
    snapshot = siyu.audience.read()
    lines = sum(map(len, snapshot.purchases.values()))
    out.print(f"   read {len(snapshot.people)} customers and {lines} purchases of theirs in {sandbox.calls.count()} calls")
    buyers = siyu.audience.bought("榴莲", times=2, within_days=90)
    first = siyu.tags.apply(buyers, add=[TAG])
    before = sandbox.calls.count()
    again = siyu.tags.apply(buyers, add=[TAG])
    out.print(f"   «{TAG}»: {first.changed} relations tagged, {len(first.failed)} failed, at most 5 calls at once as the platform allows")
    out.print(f"   a second run: {again.changed} changed, {again.unchanged} as they should be, {sandbox.calls.count() - before} calls")


# 3: plan


def _plan(sandbox: Sandbox, siyu: Siyu) -> Plan:
    ids = sandbox.credentials
    coupon = Coupon(ids.product_coupon_id, ids.stock_id, ids.miniprogram_appid, ids.brand_id)
    campaign = Campaign(
        NAME,
        (
            Step("coupon", coupon=coupon),
            Step("tell", message=Message(TELL), after="coupon"),
            Step("remind", message=Message(REMIND), day=3, at=clock_time(10), after="coupon", when="not redeemed(coupon)"),
        ),
        stop_when=("redeemed(coupon)",),
    )
    _title(3, "The plan", "nothing has been sent")
    plan = siyu.sop.plan(campaign, siyu.audience.tagged(TAG))
    table = Table("step", "customers", "from", box=None, padding=(0, 3))
    for step in campaign.steps:
        rows = [row for row in plan.rows if row.step == step.id]
        table.add_row(f"   {step.id}", str(len(rows)), f"{len({row.sender for row in rows})} members" if step.message else "WeChat Pay")
    out.print(table)
    cost = plan.cost
    out.print(f"   cost: {cost.confirmations} confirmations by {cost.members} members, {cost.coupons} coupons, at most {cost.max_fen} fen")
    for why in (Why.OPTED_OUT, Why.OVER_QUOTA, Why.NO_OPENID, Why.NO_UNIONID, Why.NOBODY_FOLLOWS, Why.QUIET_HOURS):
        people = [person for conflict in plan.conflicts if conflict.kind == why for person in conflict.people]
        out.print(f"   [yellow]{why}[/]: {len(people)}{', e.g. ' if people else ''}{', '.join(people[:3])}")
    out.print(f"   fingerprint {plan.fingerprint}")
    return plan


# 4 and 5: apply, die, come back, and let a week pass


def _apply(sandbox: Sandbox, siyu: Siyu, plan: Plan, folder: Path) -> None:
    _title(4, "Apply it, in a worker that is killed in the middle")
    coupons = sum(row.kind == "coupon" for row in plan.rows)
    worker = _worker(sandbox, siyu, folder)
    try:
        siyu.sop.apply(plan, confirm=plan.fingerprint)
        with _bars() as bars:
            bar = bars.add_task("   coupons", total=coupons)
            while _progress(siyu, "coupon") < max(coupons * 0.3, 1):
                bars.update(bar, completed=_progress(siyu, "coupon"))
                _alive(worker, folder)
                time.sleep(0.02)
            worker.send_signal(signal.SIGKILL)
            worker.wait()
            done = _progress(siyu, "coupon")
            bars.update(bar, completed=done, description=f"   coupons [red]SIGKILL at {done}[/]")
            worker = _worker(sandbox, siyu, folder)
            _until_ended(siyu, worker, folder, lambda: bars.update(bar, completed=_progress(siyu, "coupon")))
            bars.update(bar, completed=_progress(siyu, "coupon"))
            siyu.coupons.refresh(NAME)  # whatever notice was lost meanwhile
            siyu.sop.tick()
            tell = bars.add_task("   messages", total=sum(row.step == "tell" for row in plan.rows))
            _until_ended(siyu, worker, folder, lambda: bars.update(tell, completed=_progress(siyu, "tell")))
            bars.update(tell, completed=_progress(siyu, "tell"))
        dropped = sum(record.fault == "drop_after_commit" for record in sandbox.calls.records())
        out.print(f"   {dropped} answers were dropped after the platform had done the work: each was asked for again, none was sent again")
        _week(sandbox, siyu, worker, folder)
    finally:
        worker.terminate()
        worker.wait(30)


def _week(sandbox: Sandbox, siyu: Siyu, worker: subprocess.Popen[bytes], folder: Path) -> None:
    _title(5, "Seven days pass", "members confirm late or never, customers redeem, deselect, leave")
    with _bars() as bars:
        bar = bars.add_task("   days", total=7)
        for half_day in range(14):
            sandbox.advance(hours=12)
            if half_day % 2 == 0:  # 21:30: nothing is sent at night
                continue
            if half_day == 1:
                siyu.sop.remind(NAME)
            siyu.coupons.refresh(NAME)
            siyu.sop.refresh(NAME)
            siyu.sop.tick()
            _until_ended(siyu, worker, folder)
            bars.update(bar, completed=(half_day + 1) // 2)
    siyu.coupons.refresh(NAME)


def _progress(siyu: Siyu, step: str) -> int:
    under_way = (State.PLANNED, State.QUEUED)
    return sum(n for (name, state), n in siyu.ledger.counts(NAME).items() if name == step and state not in under_way)


def _until_ended(siyu: Siyu, worker: subprocess.Popen[bytes], folder: Path, show: object = None) -> None:
    while siyu.ledger.batches(NAME, OPEN):
        if callable(show):
            show()
        _alive(worker, folder)
        time.sleep(0.05)


def _worker(sandbox: Sandbox, siyu: Siyu, folder: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, **sandbox.environment(), "SIYU_SETTLE": str(siyu.settle.total_seconds())}
    command = [sys.executable, "-m", "siyu_sdk.cli", "worker", "--ledger", siyu.ledger.url, "--name", "worker-1"]
    with (folder / "worker.log").open("ab") as log:
        return subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: S603 -- our own command line


def _alive(worker: subprocess.Popen[bytes], folder: Path) -> None:
    if worker.poll() is not None:
        raise SiyuError(f"the worker ended by itself:\n{(folder / 'worker.log').read_text(encoding='utf-8')[-2000:]}")


def _bars() -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=out)


@contextmanager
def _notices(siyu: Siyu, pay: Pay) -> Generator[str]:
    """What a brand's backend has behind its notify URL: verify, write down, confirm."""

    class Receiver(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Stay quiet."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            try:
                siyu.coupons.receive(pay.notifications.receive(dict(self.headers.items()), body))
            except SiyuError:
                self.send_response(500)
            else:
                self.send_response(204)
            self.send_header("content-length", "0")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/notices"
    finally:
        server.shutdown()
        server.server_close()


# 6: report, and the truth


def _show(report: Report) -> None:
    _title(6, "What came of it")
    columns = {state: name for state, name in COLUMNS.items() if report.total[state] or state not in (State.ISSUED, State.REFUSED)}
    for title, funnels in (("by step", report.by_step()), ("by member", report.by_member())):
        headings = (Column(name, justify="right", no_wrap=True) for name in ("planned", *columns.values()))
        table = Table(Column(f"   [dim]{title}[/]", no_wrap=True, min_width=12), *headings, box=None, padding=(0, 1))
        for funnel in funnels:
            table.add_row(f"   {funnel.name}", str(funnel.planned), *(str(funnel[state] or "·") for state in columns))
        out.print(table)
    for reason, count in Counter(report.reasons()).most_common(8):
        out.print(f"   [dim]{count:4} {reason[:120]}[/]")
    out.print(f"   coupons took off {report.redeemed_fen / 100:.2f} yuan so far")


def check(sandbox: Sandbox, siyu: Siyu, plan: Plan, report: Report) -> list[str]:
    """Hold the report against the sandbox's own books; one sentence for everything that does not agree."""
    wrong = list(sandbox.invariants())
    if Counter((r.step, r.person) for r in plan.rows) != Counter((r.step, r.person) for r in report.rows):
        wrong.append("planned and reported deliveries are not the same people")
    if any(row.state in (State.PLANNED, State.QUEUED, State.HELD) for row in report.rows):
        wrong.append("some deliveries have not come to an end")
    wrong += _messages(sandbox, siyu, report)
    wrong += _coupons(sandbox, report)
    return wrong


def _messages(sandbox: Sandbox, siyu: Siyu, report: Report) -> Iterable[str]:
    snapshot = siyu.audience.read()
    arrived = Counter((customer, d.msgid) for customer in snapshot.people for d in sandbox.inbox(customer) if d.kind == "task")
    reported = Counter((r.external_userid, r.msgid) for r in report.rows if r.kind == "message" and r.state == State.SENT)
    if arrived != reported:
        extra, missing = sum((arrived - reported).values()), sum((reported - arrived).values())
        yield f"{extra} messages arrived unreported, {missing} were reported and did not"
    for customer in snapshot.opted_out:
        if any(delivery.kind == "task" for delivery in sandbox.inbox(customer)):  # what a member writes by hand is the member's own
            yield f"{customer} opted out and was written to"
    for customer in snapshot.people:
        days = Counter(beijing(d.at).date() for d in sandbox.inbox(customer) if d.kind == "task")
        if any(count > 2 for count in days.values()):  # one a day is asked for; what a member confirms a day late may meet the next one
            yield f"{customer} got more than two messages in a day"


def _coupons(sandbox: Sandbox, report: Report) -> Iterable[str]:
    for row in (r for r in report.rows if r.kind == "coupon"):
        wallet = [c for c in sandbox.wallet(row.openid) if c.state not in ("DELETED", "DEACTIVATED")]
        expected = {State.CONFIRMED: ("EFFECTIVE",), State.REDEEMED: ("USED",)}.get(row.state, ())
        if row.coupon_code and [c.code for c in wallet] != [row.coupon_code]:
            yield f"{row.openid} should hold coupon {row.coupon_code} and holds {[c.code for c in wallet]}"
        elif expected and wallet[0].state not in expected:
            yield f"coupon {row.coupon_code} is {wallet[0].state}, and was reported {row.state}"
