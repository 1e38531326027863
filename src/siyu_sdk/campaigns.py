"""Carrying campaigns out: apply a plan, take the steps whose day has come, ask what came of them, report.

`siyu.broadcast`, `siyu.coupons` and `siyu.sop` are three doors to the same room: a campaign is a list of steps, a broadcast has one
step with a message, a coupon campaign one with a coupon.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from .audience import Audience, Audiences, current, read_opted_out, same_people
from .batches import OPTED_OUT, group_batches
from .campaign import Campaign, Condition, Step
from .core.call import Flow, Gather, Local, Sleep
from .core.endpoint import M, flow
from .core.errors import ApiError, InputError, SiyuError
from .delivery import FRESH, look
from .helper import Helper
from .ledger import DONE, ENDED, OPEN, Batch, BatchState, Decision, Delivery, State
from .plan import Drifted, Plan, Report
from .planning import MAX_PEOPLE, Sender, drift, make_plan
from .wecom.mass_messages import MassMessages, SendStatus, TaskStatus

if TYPE_CHECKING:
    from .helper import Hub

logger = logging.getLogger("siyu_sdk")

TOLERANCE = 0.02
"""An audience may drift by this much between plan and apply."""
BATCH_SIZES = {"message": MAX_PEOPLE, "coupon": 100}
LATE = 24 * 3600.0
"""After a day, a step with `late="skip"` is not taken any more."""
STALE = 7 * 24 * 3600.0
"""After a week nothing is sent that could not be sent before: it has lost its occasion."""
DEALT_OUT = 3600.0
"""Seconds after a member pressed send in which the platform may not have told of every customer yet."""
WITHDRAWN = 41093
DISPATCHING = 41063


@frozen
class Run:
    """A campaign under way."""

    campaign: str
    queued: int = 0
    """Deliveries put into batches just now."""
    skipped: int = 0
    waiting: int = 0
    """Deliveries whose day has not come, or whose guard or condition makes them wait."""


@frozen
class Refreshed:
    """What asking the platform brought."""

    changed: int = 0
    """Deliveries that are in another state now."""
    failed: int = 0
    """Tasks or coupons that could not be asked about; the next refresh asks again."""


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
                f"confirm: {confirm!r} is the fingerprint of another plan; this one's is {plan.fingerprint!r}. Look at the plan you apply",
                "confirm",
            )
        hub, campaign = self.hub, plan.campaign
        if (yield from Local(hub.ledger.knows, campaign.key, plan.fingerprint)):
            return (yield from tick_one(hub, campaign.key))
        snapshot = yield from Audiences.read.of(hub.audience)
        if snapshot.failed_members:
            raise SiyuError(
                f"the customers of {', '.join(snapshot.failed_members[:5])} could not be read, so it is not known who left and who opted "
                "out; nothing was sent. Apply the same plan again later"
            )
        gone, new = drift(plan, snapshot)
        if (len(gone) + len(new)) > max(len(plan.people), 1) * TOLERANCE:
            raise Drifted(
                f"the audience of {plan.campaign.key!r} has drifted since it was planned: {len(gone)} left, {len(new)} joined, of "
                f"{len(plan.people)}; plan again, look, and apply that",
                gone=len(gone),
                new=len(new),
            )
        left = "left the audience before it began"
        rows = [evolve(row, state=State.SKIPPED, reason=left) if row.external_userid in gone else row for row in plan.rows]
        yield from Local(
            hub.ledger.create_campaign, campaign.key, campaign.kind, plan.fingerprint, campaign.to_json(), rows, hub.clock.time()
        )
        return (yield from tick_one(hub, campaign.key))

    @flow
    def resume(self, name: str, *, retry_held: bool = False) -> Flow[Run]:
        """Go on with a campaign after a crash, a stop or a hold: what is in doubt is reconciled first, and nothing is sent twice.

        `retry_held` takes up what was held because of a configuration error, once that is repaired. What was certainly not sent is
        judged anew, as on its day. Where a message may have been sent, the platform is asked once more; what stays ambiguous is held
        again, and somebody has to `decide`.

        Raises:
            UsageError: there is no such campaign, or `retry_held` was asked for one that was cancelled.
        """
        if retry_held:
            yield from Local(self.hub.ledger.release_held, name, self.hub.clock.time())
        return (yield from tick_one(self.hub, name))

    @flow
    def decide(self, name: str, batch: str, *, arrived: bool, by: str, why: str, msgid: str = "") -> Flow[int]:
        """Say what became of messages on hold, where neither ledger nor platform can tell: `report.on_hold` names their batches.

        `arrived=True`: the task exists, nothing is sent again. Name its `msgid` if you know it, and the report follows what its member
        does; otherwise its customers count as reached. `arrived=False`: it certainly does not exist; its people are planned again, and
        the next `tick` or `resume` sends to those who are still meant. If you cannot be certain, it arrived. Who decided (`by`), when
        and `why` stays in the ledger and stands in the report. Gives how many deliveries were on hold.

        Raises:
            InputError: `by` or `why` is empty; `msgid` is given for what did not arrive, is another batch's, or none of this sender's.
            UsageError: the batch is not on hold (any more), or has coupons: those are settled by `resume(…, retry_held=True)`.
        """
        hub = self.hub
        for field, text in (("by", by), ("why", why)):
            if not text.strip():
                raise InputError(f"decide: {field} is needed; it stands in the report", field)
        if msgid and not arrived:
            raise InputError("decide: a message that did not arrive has no msgid", "msgid")
        yield from Local(hub.ledger.campaign, name)
        if msgid:
            sender = (yield from Local(hub.ledger.batch, batch)).sender
            if sender not in {task.userid for task in (yield from MassMessages.tasks(msgid))}:
                raise InputError(f"decide: {msgid!r} is no message that {sender} was asked to send", "msgid")
        decision = Decision(batch, name, arrived, by, why, hub.clock.time())
        return (yield from Local(hub.ledger.decide, decision, msgid))

    @flow
    def tick(self) -> Flow[tuple[Run, ...]]:
        """Take every step whose time has come, of all running campaigns. Call it from cron; running it twice does nothing twice.

        Conditions are judged by what the ledger knows: let `siyu.coupons.refresh` and `refresh` ask the platform before. A campaign
        that fails does not keep the others from their turn; its error is raised at the end.
        """
        runs, failure = list[Run](), None
        for name in (yield from Local(self.hub.ledger.running)):
            try:
                runs.append((yield from tick_one(self.hub, name)))
            except SiyuError as error:
                failure = failure or error
        if failure is not None:
            raise failure
        return tuple(runs)

    @flow
    def wait(self, name: str, *, timeout: float = 600.0) -> Flow[bool]:
        """Wait until every batch that was queued has come to its end; False if that takes longer than `timeout` (real) seconds.

        Of use where an engine works elsewhere: the inline engine has ended them all when `apply` and `tick` return. What was put back
        because of quiet hours is planned again, and waits for a `tick`.
        """
        end = time.monotonic() + timeout
        while (yield from Local(self.hub.ledger.batches, name, OPEN)):
            if time.monotonic() > end:
                return False
            yield from Sleep(0.1)
        return True

    @flow
    def refresh(self, name: str) -> Flow[Refreshed]:
        """Ask the platform what became of messages that wait for their member; coupons are asked for by `siyu.coupons.refresh`."""
        return (yield from refresh_messages(self.hub, name))

    @flow
    def report(self, name: str, *, refresh: bool = True) -> Flow[Report]:
        """Say what came of a campaign: every planned delivery is in exactly one state. Asks the platform first, unless told not to."""
        yield from Local(self.hub.ledger.campaign, name)
        if refresh:
            yield from refresh_messages(self.hub, name)
        rows, decisions = (yield from Local(self.hub.ledger.deliveries, name)), (yield from Local(self.hub.ledger.decisions, name))
        return Report(name, tuple(rows), tuple(decisions))

    @flow
    def remind(self, name: str) -> Flow[int]:
        """Remind the members who have not pressed send (提醒成员群发); gives how many tasks. The platform takes 3 reminders in 24 hours."""
        batches = yield from _awaiting(self.hub, name)
        outcomes = yield from Gather([MassMessages.remind(batch.msgid) for batch in batches])
        return _succeeded(outcomes)

    @flow
    def cancel(self, name: str) -> Flow[Run]:
        """Stop a campaign: nothing more is sent, tasks nobody confirmed are withdrawn (停止企业群发). What was sent stays sent.

        What is being sent this moment comes to its end first. Raises the error of a task that could not be withdrawn, after all others
        are; cancel again then.
        """
        hub = self.hub
        yield from Local(hub.ledger.campaign, name)
        stopped = yield from Local(hub.ledger.cancel, name, hub.clock.time())
        for batch in (yield from Local(hub.ledger.batches, name, OPEN)):
            while (pause := (yield from look(hub, batch.id))) is not None:
                yield from Sleep(pause)
        batches = yield from _awaiting(hub, name)
        outcomes = yield from Gather([MassMessages.cancel(batch.msgid) for batch in batches])
        refused = {b.id: o for b, o in zip(batches, outcomes, strict=True) if isinstance(o, Exception) and not _withdrawn(o)}
        read = yield from _read_results(hub, batches)
        failed = {**read.errors, **refused}
        withdrawn = {batch.id for batch in batches} - failed.keys() - read.confirmed
        rows = yield from Local(lambda: hub.ledger.deliveries(name, states=[State.AWAITING]))
        ended = [evolve(r, state=State.CANCELLED, reason="withdrawn before the member sent it") for r in rows if r.batch in withdrawn]
        stopped += yield from Local(lambda: hub.ledger.save(ended, hub.clock.time(), only_if=(State.AWAITING,)))
        if failed:
            raise next(iter(failed.values()))
        return Run(name, skipped=stopped)


def _succeeded(outcomes: Sequence[Any]) -> int:
    for outcome in outcomes:
        if isinstance(outcome, Exception) and not isinstance(outcome, ApiError):
            raise outcome
    return sum(not isinstance(outcome, Exception) for outcome in outcomes)


def _withdrawn(error: Exception) -> bool:
    return isinstance(error, ApiError) and error.code == WITHDRAWN


def _awaiting(hub: Hub, name: str) -> Flow[list[Batch]]:
    open_batches = {row.batch for row in (yield from Local(lambda: hub.ledger.deliveries(name, states=[State.AWAITING])))}
    return [b for b in (yield from Local(hub.ledger.batches, name, [BatchState.SENT])) if b.id in open_batches and b.msgid]


# Taking steps


def tick_one(hub: Hub, name: str) -> Flow[Run]:
    """Take the due steps of one campaign: decide, queue, and hand every open batch to the engine."""
    stored = yield from Local(hub.ledger.campaign, name)
    if stored["state"] != "running":
        return Run(name)
    campaign = Campaign.from_json(stored["definition"])
    now = hub.clock.time()
    yield from _put_back(hub, name)
    due = yield from Local(lambda: hub.ledger.deliveries(name, states=[State.PLANNED], due_by=now))
    queued = skipped = 0
    if due:
        unfit, ready = yield from _decide(hub, campaign, due)
        skipped = yield from Local(lambda: hub.ledger.save(unfit, now, only_if=(State.PLANNED,)))
        payload = {(row.step, row.content): _payload(campaign.step(row.step), row) for row in ready}
        room = partial(campaign.guards.room, now=hub.clock.now())
        queued = yield from Local(hub.ledger.queue, group_batches(ready, payload, BATCH_SIZES), now, room)
    unfinished = yield from Local(hub.ledger.batches, name, OPEN)
    if unfinished:
        yield from hub.engine.submit([batch.id for batch in unfinished], hub.work)
    counts = yield from Local(hub.ledger.counts, name)
    yield from Local(hub.ledger.finish, name)
    return Run(name, queued, skipped, sum(n for (_, state), n in counts.items() if state == State.PLANNED))


def _put_back(hub: Hub, name: str) -> Flow[None]:
    """Let everything be judged anew that was queued long ago and never sent: nobody worked on it."""
    now = hub.clock.time()
    for batch in (yield from Local(hub.ledger.batches, name, [BatchState.WAITING])):
        if now - batch.created > FRESH:
            yield from Local(hub.ledger.put_back, batch, "it waited for too long", now)


def _payload(step: Step, row: Delivery) -> Mapping[str, Any]:
    if step.message is not None:
        return step.message.render(nickname=row.name, member=row.sender).to_json()
    return step.coupon.to_json() if step.coupon is not None else {}


def _decide(hub: Hub, campaign: Campaign, due: Sequence[Delivery]) -> Flow[tuple[list[Delivery], list[Delivery]]]:
    """Sort due deliveries into those to skip (with the reason) and those to send now; the rest waits."""
    now = hub.clock.now()
    states = defaultdict[str, dict[str, State]](dict)
    for row in (yield from Local(hub.ledger.deliveries, campaign.key)):
        states[row.person][row.step] = row.state
    customers = [row.external_userid for row in due if row.kind == "message"]
    recent = yield from Local(hub.ledger.recent_messages, customers, now.timestamp())
    quiet = campaign.guards.next_allowed(now) != now
    skipped, ready = list[Delivery](), list[Delivery]()
    for row in due:
        verdict = _verdict(campaign, row, states[row.person], now)
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
    if ready:
        out, unread = yield from _unwilling(hub)
        skipped += [evolve(row, state=State.SKIPPED, reason=OPTED_OUT) for row in ready if row.external_userid in out or row.person in out]
        ready = [row for row in ready if row.external_userid not in out and row.person not in out]
        if ready and unread:
            logger.warning(
                "%s: nothing is sent to %d customers yet: those of %s could not be read, and any of them may have opted out",
                *(campaign.key, len(ready), ", ".join(unread[:5]) + (", …" if len(unread) > 5 else "")),
            )
            ready = []
    return skipped, ready


def _unwilling(hub: Hub) -> Flow[tuple[frozenset[str], tuple[str, ...]]]:
    """Who wants nothing, as of now; and the members whose customers could not be read.

    Colleagues set the opt-out tag in the console while a campaign runs, and a worker or a cron job may have read nothing at all. Any
    member's tag counts, so where one member cannot be read, it is not known of anybody that they carry none.
    """
    stored = yield from Local(hub.ledger.opted_out)
    snapshot = hub.snapshot
    if snapshot is not None and not snapshot.failed_members and 0 <= hub.clock.time() - snapshot.read_at.timestamp() < FRESH:
        return stored | snapshot.opted_out | same_people(snapshot.people, stored), ()
    out, failed = yield from read_opted_out(hub, stored)
    return out if snapshot is None else out | snapshot.opted_out, failed


def _verdict(campaign: Campaign, row: Delivery, states: Mapping[str, State], now: datetime) -> str | None:
    """None: go. A reason: skip. Empty: wait."""
    step = campaign.step(row.step)
    if step.late == "skip" and now.timestamp() - row.due > LATE:
        return "its day has passed"
    for condition in campaign.stop_when:
        if Condition.parse(condition).holds(states):
            return f"stopped: {condition}"
    if step.after is not None:
        before = states.get(step.after, State.SKIPPED)
        if before in ENDED - DONE - {State.HELD}:  # what is held may go on yet
            return f"step {step.after} did not reach them: {before}"
        if before not in (State.SENT, State.CONFIRMED, State.REDEEMED):
            return ""
    if step.when is not None and not Condition.parse(step.when).holds(states):
        return f"not so on the day: {step.when}"
    return None


# What came of it


def refresh_messages(hub: Hub, name: str) -> Flow[Refreshed]:
    """Read the results of every task that has deliveries waiting, and write them down.

    Raises the first error of a task that could not be read, after all others are written down; one that is still being dispatched is
    none.
    """
    read = yield from _read_results(hub, (yield from _awaiting(hub, name)))
    for error in read.errors.values():
        raise error
    return Refreshed(read.changed, read.dispatching)


@frozen
class _Read:
    """What reading the results of tasks brought."""

    changed: int
    dispatching: int
    """Tasks of which the platform says nothing yet."""
    confirmed: frozenset[str]
    """Batches whose member has pressed send."""
    errors: Mapping[str, Exception]
    """By batch, why it could not be read."""


def _read_results(hub: Hub, batches: Sequence[Batch]) -> Flow[_Read]:
    """Write down what became of these tasks."""
    outcomes = yield from Gather([_results(batch) for batch in batches])
    changed, confirmed, errors = 0, set[str](), dict[str, Exception]()
    for batch, outcome in zip(batches, outcomes, strict=True):
        if isinstance(outcome, Exception):
            errors[batch.id] = outcome
            continue
        sent_at, statuses = outcome
        if sent_at is not None:
            confirmed.add(batch.id)
        dealt_out = sent_at is not None and hub.clock.time() - sent_at > DEALT_OUT
        rows = yield from Local(hub.ledger.in_batch, batch.id)
        judged = [(row, *_outcome(row, dealt_out, statuses)) for row in rows if row.state == State.AWAITING]
        ended = [evolve(row, state=state, reason=reason) for row, state, reason in judged if state != State.AWAITING]
        changed += yield from Local(partial(hub.ledger.save, ended, hub.clock.time(), only_if=(State.AWAITING,)))
    unread = {name: error for name, error in errors.items() if not (isinstance(error, ApiError) and error.code == DISPATCHING)}
    return _Read(changed, len(errors) - len(unread), frozenset(confirmed), unread)


def _results(batch: Batch) -> Flow[tuple[float | None, dict[str, SendStatus | None]]]:
    """When the member pressed send, if so, and what became of each customer."""
    tasks = yield from MassMessages.tasks(batch.msgid)
    results = yield from MassMessages.results(batch.msgid, batch.sender)
    sent = [task.send_time for task in tasks if task.userid == batch.sender and task.status == TaskStatus.SENT]
    sent_at = min((at.timestamp() if at is not None else 0.0 for at in sent), default=None)
    return sent_at, {r.external_userid: r.status for r in results if r.external_userid}


def _outcome(row: Delivery, dealt_out: bool, statuses: Mapping[str, SendStatus | None]) -> tuple[State, str]:  # noqa: FBT001 -- private
    match statuses.get(row.external_userid):
        case SendStatus.SENT:
            return State.SENT, ""
        case SendStatus.NOT_A_FRIEND:
            return State.NOT_FRIEND, "deleted the member"
        case SendStatus.OVER_LIMIT:
            return State.OVER_LIMIT, "the platform's cap for this customer was reached"
        case _:
            return (State.SKIPPED, "deselected by the member") if dealt_out else (State.AWAITING, "")


def plan_campaign(helper: Helper[Any], campaign: Campaign, audience: Audience, sender: Sender, start: datetime | None) -> Flow[Plan]:
    """What every door's `plan` does."""
    snapshot = yield from current(helper)
    return (yield from make_plan(helper.hub, snapshot, campaign, audience, sender, start))
