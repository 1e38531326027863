"""Carrying campaigns out: apply a plan, take the steps whose day has come, ask what came of them, report.

`siyu.broadcast`, `siyu.coupons` and `siyu.sop` are three doors to the same room: a campaign is a list of steps, a broadcast has one
step with a message, a coupon campaign one with a coupon.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from .audience import Audience, Audiences, current
from .campaign import Campaign, Condition, Step
from .core.call import Flow, Gather, Local, Sleep
from .core.endpoint import M, flow
from .core.errors import ApiError, InputError
from .delivery import DISPATCHING, group_batches
from .helper import Helper
from .ledger import DONE, ENDED, OPEN, Batch, BatchState, Delivery, State
from .plan import Drifted, Plan, Report
from .planning import MAX_PEOPLE, Sender, drift, make_plan
from .wecom.mass_messages import MassMessages, SendStatus, TaskStatus

if TYPE_CHECKING:
    from .helper import Hub

TOLERANCE = 0.02
"""An audience may drift by this much between plan and apply."""
BATCH_SIZES = {"message": MAX_PEOPLE, "coupon": 100}
LATE = 24 * 3600.0
"""After a day, a step with `late="skip"` is not taken any more."""
STALE = 7 * 24 * 3600.0
"""After a week nothing is sent that could not be sent before: it has lost its occasion."""


@frozen
class Run:
    """A campaign under way."""

    campaign: str
    queued: int = 0
    """Deliveries put into batches just now."""
    skipped: int = 0
    waiting: int = 0
    """Deliveries whose day has not come, or whose guard or condition makes them wait."""


class Campaigns(Helper[M]):
    """What all kinds of campaigns have in common."""

    @flow
    def apply(self, plan: Plan, *, confirm: str) -> Flow[Run]:
        """Carry out a plan exactly as it was shown: `confirm` is its fingerprint.

        Customers are read anew before: if more than 2 % of the audience left or joined since, `Drifted` is raised and nothing is
        sent. Whoever left is left out; whoever joined meanwhile is not in the plan and gets nothing. Applying the same plan again
        resumes it; nobody gets a step twice.
        """
        if confirm != plan.fingerprint:
            raise InputError(
                f"confirm: {confirm!r} is the fingerprint of another plan; this one's is {plan.fingerprint!r}. Look at the plan you apply", "confirm"
            )
        hub = self.hub
        snapshot = yield from Audiences.read.of(hub.audience)
        gone, new = drift(plan, snapshot)
        if (len(gone) + len(new)) > max(len(plan.people), 1) * TOLERANCE:
            raise Drifted(
                f"the audience of {plan.campaign.key!r} has drifted since it was planned: {len(gone)} left, {len(new)} joined, of "
                f"{len(plan.people)}; plan again, look, and apply that",
                gone=len(gone),
                new=len(new),
            )
        rows = [evolve(row, state=State.SKIPPED, reason="left the audience before it began") if row.external_userid in gone else row for row in plan.rows]
        campaign = plan.campaign
        yield from Local(hub.ledger.create_campaign, campaign.key, campaign.kind, plan.fingerprint, campaign.to_json(), rows, hub.clock.time())
        return (yield from tick_one(hub, campaign.key))

    @flow
    def resume(self, name: str, *, retry_held: bool = False) -> Flow[Run]:
        """Go on with a campaign after a crash, a stop or a hold: what is in doubt is reconciled first, and nothing is sent twice.

        `retry_held` takes up batches that were held because of a configuration error, once that is repaired. Ambiguous ones, whose
        message may have been sent, stay held.
        """
        hub = self.hub
        yield from Local(hub.ledger.campaign, name)
        if retry_held:
            yield from Local(hub.ledger.release_held, name, hub.clock.time())
        return (yield from tick_one(hub, name))

    @flow
    def tick(self) -> Flow[tuple[Run, ...]]:
        """Take every step whose time has come, of all running campaigns. Call it from cron; running it twice does nothing twice."""
        runs = list[Run]()
        for name in (yield from Local(self.hub.ledger.running)):
            runs.append((yield from tick_one(self.hub, name)))  # noqa: PERF401 -- a generator cannot yield from inside a comprehension
        return tuple(runs)

    @flow
    def wait(self, name: str, *, timeout: float = 600.0) -> Flow[bool]:
        """Wait until every batch that was queued has come to its end; False if that takes longer than `timeout` (real) seconds.

        Of use where an engine works elsewhere: the inline engine has ended them all when `apply` and `tick` return.
        """
        end = time.monotonic() + timeout
        while (yield from Local(self.hub.ledger.batches, name, OPEN)):
            if time.monotonic() > end:
                return False
            yield from Sleep(0.1)
        return True

    @flow
    def refresh(self, name: str) -> Flow[None]:
        """Ask the platform what became of messages that wait for their member; coupons are asked for by `siyu.coupons.refresh`."""
        yield from refresh_messages(self.hub, name)

    @flow
    def report(self, name: str, *, refresh: bool = True) -> Flow[Report]:
        """Say what came of a campaign: every planned delivery is in exactly one state. Asks the platform first, unless told not to."""
        if refresh:
            yield from refresh_messages(self.hub, name)
        yield from Local(self.hub.ledger.campaign, name)
        return Report(name, tuple((yield from Local(self.hub.ledger.deliveries, name))))

    @flow
    def remind(self, name: str) -> Flow[int]:
        """Remind the members who have not pressed send (提醒成员群发); gives how many tasks. The platform takes 3 reminders in 24 hours."""
        batches = yield from _awaiting(self.hub, name)
        outcomes = yield from Gather([MassMessages.remind(batch.msgid) for batch in batches])
        return _succeeded(outcomes)

    @flow
    def cancel(self, name: str) -> Flow[Run]:
        """Stop a campaign: nothing more is sent, tasks nobody confirmed are withdrawn (停止企业群发). What was sent stays sent."""
        hub = self.hub
        yield from Local(hub.ledger.set_campaign_state, name, "cancelled")
        batches = yield from _awaiting(hub, name)
        yield from Gather([MassMessages.cancel(batch.msgid) for batch in batches])
        yield from refresh_messages(hub, name)
        rows = yield from Local(hub.ledger.deliveries, name)
        stopped = [evolve(r, state=State.CANCELLED) for r in rows if r.state in (State.PLANNED, State.AWAITING)]
        yield from Local(hub.ledger.save, stopped, hub.clock.time())
        return Run(name, skipped=len(stopped))


def _succeeded(outcomes: Sequence[Any]) -> int:
    for outcome in outcomes:
        if isinstance(outcome, Exception) and not isinstance(outcome, ApiError):
            raise outcome
    return sum(not isinstance(outcome, Exception) for outcome in outcomes)


def _awaiting(hub: Hub, name: str) -> Flow[list[Batch]]:
    open_batches = {row.batch for row in (yield from Local(lambda: hub.ledger.deliveries(name, states=[State.AWAITING])))}
    return [b for b in (yield from Local(hub.ledger.batches, name, [BatchState.SENT])) if b.id in open_batches and b.msgid]


# Taking steps


def tick_one(hub: Hub, name: str) -> Flow[Run]:
    """Take the due steps of one campaign: decide, queue in one transaction, and hand every open batch to the engine."""
    stored = yield from Local(hub.ledger.campaign, name)
    if stored["state"] != "running":
        return Run(name)
    campaign = Campaign.from_json(stored["definition"])
    rows = yield from Local(hub.ledger.deliveries, name)
    skipped, ready = yield from _decide(hub, campaign, rows)
    now = hub.clock.time()
    yield from Local(hub.ledger.save, skipped, now)
    if ready:
        payload = {row.content: _payload(campaign.step(row.step), row) for row in ready}
        yield from Local(hub.ledger.queue, group_batches(ready, payload, BATCH_SIZES), now)
    unfinished = yield from Local(hub.ledger.batches, name, OPEN)
    if unfinished:
        yield from hub.engine.submit([batch.id for batch in unfinished], hub.work)
    waiting = sum(row.state == State.PLANNED for row in rows) - len(skipped) - len(ready)
    return Run(name, len(ready), len(skipped), waiting)


def _payload(step: Step, row: Delivery) -> Mapping[str, Any]:
    if step.message is not None:
        return step.message.render(nickname=row.name, member=row.sender).to_json()
    return step.coupon.to_json() if step.coupon is not None else {}


def _decide(hub: Hub, campaign: Campaign, rows: Sequence[Delivery]) -> Flow[tuple[list[Delivery], list[Delivery]]]:
    """Sort due deliveries into those to skip (with the reason) and those to send now; the rest waits."""
    now = hub.clock.now()
    due = [row for row in rows if row.state == State.PLANNED and row.due <= now.timestamp()]
    if not due:
        return [], []
    states = defaultdict[str, dict[str, State]](dict)
    for row in rows:
        states[row.person][row.step] = row.state
    out = yield from Local(hub.ledger.opted_out)
    if hub.snapshot is not None:
        out |= hub.snapshot.opted_out
    recent = yield from Local(hub.ledger.messages_since, now.timestamp() - 32 * 86400, [r.external_userid for r in due if r.kind == "message"])
    quiet = campaign.guards.next_allowed(now) != now
    skipped, ready = list[Delivery](), list[Delivery]()
    for row in due:
        verdict = _verdict(campaign, row, states[row.person], now, opted_out=row.external_userid in out or row.person in out)
        if verdict is None and row.kind == "message":
            times = recent.setdefault(row.external_userid, [])
            if quiet or not campaign.guards.room(times, now):
                verdict = ""
            else:
                times.append(now.timestamp())  # a second step of the same day waits for tomorrow
        if verdict is None:
            ready.append(row)
        elif verdict:
            skipped.append(evolve(row, state=State.SKIPPED, reason=verdict))
        elif now.timestamp() - row.due > STALE:
            skipped.append(evolve(row, state=State.SKIPPED, reason="waited a week, and had lost its occasion"))
    return skipped, ready


def _verdict(campaign: Campaign, row: Delivery, states: Mapping[str, State], now: datetime, *, opted_out: bool) -> str | None:
    """None: go. A reason: skip. Empty: wait."""
    step = campaign.step(row.step)
    if opted_out:
        return "opted out"
    if step.late == "skip" and now.timestamp() - row.due > LATE:
        return "its day has passed"
    for condition in campaign.stop_when:
        if Condition.parse(condition).holds(states):
            return f"stopped: {condition}"
    if step.after is not None:
        before = states.get(step.after, State.SKIPPED)
        if before in ENDED and before not in DONE:
            return f"step {step.after} did not reach them: {before}"
        if before not in (State.SENT, State.CONFIRMED, State.REDEEMED):
            return ""
    if step.when is not None and not Condition.parse(step.when).holds(states):
        return f"not so on the day: {step.when}"
    return None


# What came of it


def refresh_messages(hub: Hub, name: str) -> Flow[None]:
    """Read the results of every task that has deliveries waiting, and write them down."""
    batches = yield from _awaiting(hub, name)
    outcomes = yield from Gather([_results(batch) for batch in batches])
    for batch, outcome in zip(batches, outcomes, strict=True):
        if isinstance(outcome, ApiError) and outcome.code == DISPATCHING:
            continue
        if isinstance(outcome, Exception):
            raise outcome
        confirmed, statuses = outcome
        rows = yield from Local(hub.ledger.in_batch, batch.id)
        changed = [evolve(row, state=state, reason=reason) for row in rows if row.state == State.AWAITING for state, reason in [_outcome(row, confirmed, statuses)]]
        yield from Local(hub.ledger.save, [row for row in changed if row.state != State.AWAITING], hub.clock.time())


def _results(batch: Batch) -> Flow[tuple[bool, dict[str, SendStatus | None]]]:
    tasks = yield from MassMessages.tasks(batch.msgid)
    results = yield from MassMessages.results(batch.msgid, batch.sender)
    confirmed = any(task.userid == batch.sender and task.status == TaskStatus.SENT for task in tasks)
    return confirmed, {r.external_userid: r.status for r in results if r.external_userid}


def _outcome(row: Delivery, confirmed: bool, statuses: Mapping[str, SendStatus | None]) -> tuple[State, str]:  # noqa: FBT001 -- private
    match statuses.get(row.external_userid):
        case SendStatus.SENT:
            return State.SENT, ""
        case SendStatus.NOT_A_FRIEND:
            return State.NOT_FRIEND, "deleted the member"
        case SendStatus.OVER_LIMIT:
            return State.OVER_LIMIT, "the platform's cap for this customer was reached"
        case _:
            return (State.SKIPPED, "deselected by the member") if confirmed else (State.AWAITING, "")


def plan_campaign(helper: Helper[Any], campaign: Campaign, audience: Audience, sender: Sender, start: datetime | None) -> Flow[Plan]:
    """What every door's `plan` does."""
    snapshot = yield from current(helper)
    return (yield from make_plan(helper.hub, snapshot, campaign, audience, sender, start))


