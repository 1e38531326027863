"""The ledger: what was planned, intended, sent and confirmed, in tables of our own.

It is the authority for «never twice». Every remote write is preceded by a committed row: a batch takes its intent before a mass
message is created, a delivery has its request number before a coupon is sent. SQLite (WAL) by default, PostgreSQL by URL; any number
of processes may share it. Times are unix seconds.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs

from .core.errors import InputError, UsageError
from .database import chunks
from .records import (
    BATCHES,
    CAMPAIGNS,
    DECISIONS,
    DELIVERIES,
    DONE,
    ENDED,
    OPEN,
    Batch,
    BatchState,
    Decision,
    Delivery,
    State,
    batch_of,
    delivery_of,
    new_batch_id,
    stored,
    unchanged,
)
from .registers import Registers

import sqlalchemy as sa  # isort: skip -- after records, which says how to install it
from sqlalchemy.exc import IntegrityError  # isort: skip

__all__ = ["AMBIGUOUS", "DONE", "ENDED", "OPEN", "Batch", "BatchState", "Decision", "Delivery", "Ledger", "Room", "State"]

AMBIGUOUS = "ambiguous: "
"""How the note of a batch begins whose message may have been sent: only a person can tell."""

AT_ONCE = 200
"""Batches that are made in one transaction: others want to write too."""
REMEMBERED = 32 * 86400.0
"""Seconds for which a message counts: a month, and a day for time zones."""
QUEUEING = 0x53495955
"""Whoever puts people into batches holds this lock on PostgreSQL: what one of them takes of a customer's day, the next one sees."""

Room = Callable[[Sequence[float]], bool]
"""Whether a customer who was written to at those (unix) times may be written to again."""


class Ledger(Registers):
    """The tables behind one URL: `sqlite:///siyu.db`, `postgresql+psycopg://…`."""

    # Campaigns

    def create_campaign(
        self, name: str, kind: str, fingerprint: str, definition: Mapping[str, Any], rows: Sequence[Delivery], now: float
    ) -> bool:
        """Write a campaign and all its deliveries in one transaction; False if this very campaign is there already.

        Raises:
            UsageError: another campaign has that name.
        """
        values = [attrs.asdict(row) for row in rows]
        try:
            with self._transaction() as connection:
                connection.execute(
                    CAMPAIGNS.insert(),
                    {
                        "name": name,
                        "kind": kind,
                        "fingerprint": fingerprint,
                        "definition": json.dumps(definition, ensure_ascii=False),
                        "state": "running",
                        "created": now,
                    },
                )
                if values:
                    connection.execute(DELIVERIES.insert(), values)
        except IntegrityError:
            if not self.knows(name, fingerprint):
                raise
            return False
        return True

    def campaign(self, name: str) -> Mapping[str, Any]:
        """One campaign, its definition read."""
        rows = self._do(sa.select(CAMPAIGNS).where(CAMPAIGNS.c.name == name))
        if not rows:
            raise UsageError(f"there is no campaign named {name!r} in this ledger")
        return {**rows[0], "definition": json.loads(rows[0]["definition"])}

    def running(self) -> list[str]:
        """The names of campaigns that go on."""
        return [
            row["name"] for row in self._do(sa.select(CAMPAIGNS.c.name).where(CAMPAIGNS.c.state == "running").order_by(CAMPAIGNS.c.created))
        ]

    def finish(self, name: str) -> bool:
        """Mark a running campaign as done if nothing of it is planned or under way: `running` names it no more."""
        under_way = sa.exists().where(DELIVERIES.c.campaign == name, DELIVERIES.c.state.in_([State.PLANNED, State.QUEUED]))
        open_batch = sa.exists().where(BATCHES.c.campaign == name, BATCHES.c.state.in_([str(s) for s in OPEN]))
        with self._transaction() as connection:
            if self._lock(connection, name) != "running":
                return False
            through = CAMPAIGNS.update().where(CAMPAIGNS.c.name == name, ~under_way, ~open_batch)
            return bool(connection.execute(through.values(state="done")).rowcount)

    def _lock(self, connection: sa.Connection, campaign: str) -> str:
        """Wait until nobody else plans, queues or cancels in this campaign, and give its state."""
        # SQLite has one writer at a time. On PostgreSQL the order is: campaign, batches, deliveries; or there would be deadlocks.
        query = sa.select(CAMPAIGNS.c.state).where(CAMPAIGNS.c.name == campaign).with_for_update()
        return connection.execute(query).scalar() or ""

    @staticmethod
    def _run_on(connection: sa.Connection, campaign: str) -> None:
        connection.execute(CAMPAIGNS.update().where(CAMPAIGNS.c.name == campaign, CAMPAIGNS.c.state == "done").values(state="running"))

    def knows(self, name: str, fingerprint: str) -> bool:
        """Whether this very plan has been applied under this name.

        Raises:
            UsageError: another plan has.
        """
        rows = self._do(sa.select(CAMPAIGNS.c.fingerprint).where(CAMPAIGNS.c.name == name))
        if rows and rows[0]["fingerprint"] != fingerprint:
            raise UsageError(f"a campaign named {name!r} exists with another plan; choose another name, or resume that one")
        return bool(rows)

    def is_cancelled(self, name: str) -> bool:
        """Whether nothing more may be sent for a campaign."""
        return bool(self._do(sa.select(CAMPAIGNS.c.name).where(CAMPAIGNS.c.name == name, CAMPAIGNS.c.state == "cancelled")))

    def cancel(self, name: str, now: float) -> int:
        """Stop a campaign in one transaction: what is planned or waits in a batch is not sent any more. Gives how many deliveries."""
        with self._transaction() as connection:
            connection.execute(CAMPAIGNS.update().where(CAMPAIGNS.c.name == name).values(state="cancelled"))
            # Batches first: a worker may take one this moment, and then its people are no longer ours to stop.
            connection.execute(
                BATCHES.update()
                .where(BATCHES.c.campaign == name, BATCHES.c.state == BatchState.WAITING)
                .values(state=BatchState.CANCELLED, note="the campaign was cancelled")
            )
            ended = sa.select(BATCHES.c.id).where(BATCHES.c.campaign == name, BATCHES.c.state == BatchState.CANCELLED)
            unsent = sa.or_(DELIVERIES.c.state == State.PLANNED, sa.and_(DELIVERIES.c.state == State.QUEUED, DELIVERIES.c.batch.in_(ended)))
            return connection.execute(
                DELIVERIES.update().where(DELIVERIES.c.campaign == name, unsent).values(state=State.CANCELLED, changed=now)
            ).rowcount

    # Deliveries

    def deliveries(self, campaign: str, *, states: Iterable[State] | None = None, due_by: float | None = None) -> list[Delivery]:
        """The deliveries of a campaign, in the order of steps and people."""
        query = sa.select(DELIVERIES).where(DELIVERIES.c.campaign == campaign)
        if states is not None:
            query = query.where(DELIVERIES.c.state.in_([str(s) for s in states]))
        if due_by is not None:
            query = query.where(DELIVERIES.c.due <= due_by)
        return [delivery_of(row) for row in self._do(query.order_by(DELIVERIES.c.due, DELIVERIES.c.step, DELIVERIES.c.person))]

    def counts(self, campaign: str) -> dict[tuple[str, State], int]:
        """How many deliveries of each step stand where: cheap, for a progress bar."""
        columns = (DELIVERIES.c.step, DELIVERIES.c.state)
        query = sa.select(*columns, sa.func.count().label("n")).where(DELIVERIES.c.campaign == campaign).group_by(*columns)
        return {(row["step"], State(row["state"])): row["n"] for row in self._do(query)}

    def in_batch(self, batch: str) -> list[Delivery]:
        """The deliveries of a batch."""
        query = sa.select(DELIVERIES).where(DELIVERIES.c.batch == batch).order_by(DELIVERIES.c.person)
        return [delivery_of(row) for row in self._do(query)]

    def by_request(self, request_no: str) -> Delivery | None:
        """The delivery with that request number."""
        if not request_no:  # a coupon of another channel; every message has none either
            return None
        rows = self._do(sa.select(DELIVERIES).where(DELIVERIES.c.request_no == request_no))
        return delivery_of(rows[0]) if rows else None

    def save(self, rows: Iterable[Delivery], now: float, *, only_if: Iterable[State]) -> int:
        """Write these deliveries back, in one transaction, where they still stand in one of these states; gives how many.

        Whoever writes has read them before, and another process may have been quicker: what it did stands.
        """
        changing = ("state", "reason", "msgid", "coupon_code", "due")
        values = [
            {
                "b_campaign": r.campaign,
                "b_step": r.step,
                "b_person": r.person,
                **{name: getattr(r, name) for name in changing},
                "changed": now,
            }
            for r in rows
        ]
        if not values:
            return 0
        key: list[Any] = [
            sa.or_(*(DELIVERIES.c.state == state for state in only_if)),
            DELIVERIES.c.campaign == sa.bindparam("b_campaign"),
            DELIVERIES.c.step == sa.bindparam("b_step"),
            DELIVERIES.c.person == sa.bindparam("b_person"),
        ]
        columns: dict[str, Any] = {name: sa.bindparam(name) for name in (*changing, "changed")}
        with self._transaction() as connection:
            return connection.execute(DELIVERIES.update().where(*key).values(columns), values).rowcount

    def recent_messages(self, people: Iterable[str], now: float) -> dict[str, list[float]]:
        """When each of these customers was written to in the last month: what the frequency guard counts.

        A message counts from when it went out; one that waits for its turn counts as one of this moment.
        """
        with self._transaction(reads=True) as connection:
            return self._recent_messages(connection, people, now)

    @staticmethod
    def _recent_messages(connection: sa.Connection, people: Iterable[str], now: float) -> dict[str, list[float]]:
        found = dict[str, list[float]]()
        for chunk in chunks(people):
            query = sa.select(DELIVERIES.c.external_userid, BATCHES.c.state, BATCHES.c.intent_at).where(
                DELIVERIES.c.batch == BATCHES.c.id,
                DELIVERIES.c.kind == "message",
                DELIVERIES.c.external_userid.in_(chunk),
                DELIVERIES.c.state.in_([State.QUEUED, State.AWAITING, State.SENT, State.HELD]),
                sa.or_(BATCHES.c.intent_at >= now - REMEMBERED, BATCHES.c.state == BatchState.WAITING),
            )
            for customer, state, sent_at in connection.execute(query):
                found.setdefault(customer, []).append(now if state == BatchState.WAITING else sent_at)
        return found

    # Batches

    def queue(self, batches: Sequence[tuple[Batch, Sequence[str]]], now: float, room: Room | None = None) -> int:
        """Put people into new batches, a delivery into one batch or none. Gives how many people were put.

        Another process may have decided on the same people: who is not `planned` any more is left where they are, and a batch that
        nobody is left for is not made. Nor are customers put who have no `room` for a message any more, whichever campaign took it.
        """
        return sum(self._queue(batches[start : start + AT_ONCE], now, room) for start in range(0, len(batches), AT_ONCE))

    def _queue(self, batches: Sequence[tuple[Batch, Sequence[str]]], now: float, room: Room | None) -> int:
        put = 0
        with self._transaction() as connection:
            if self._engine.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(QUEUEING)))
            for campaign in sorted({batch.campaign for batch, _ in batches}):
                self._lock(connection, campaign)
            for batch, people in batches:
                found = 0
                fitting = self._with_room(connection, batch, people, now, room) if room and batch.kind == "message" else people
                for chunk in chunks(fitting):
                    found += connection.execute(
                        DELIVERIES.update()
                        .where(
                            DELIVERIES.c.campaign == batch.campaign,
                            DELIVERIES.c.step == batch.step,
                            DELIVERIES.c.person.in_(chunk),
                            DELIVERIES.c.state + "" == State.PLANNED,  # "": else SQLite walks all that is planned, for each batch
                        )
                        .values(state=State.QUEUED, batch=batch.id, changed=now)
                    ).rowcount
                if found:
                    connection.execute(BATCHES.insert(), stored(attrs.evolve(batch, created=now)))
                put += found
        return put

    def _with_room(self, connection: sa.Connection, batch: Batch, people: Sequence[str], now: float, room: Room) -> list[str]:
        customers = dict[str, str]()
        for chunk in chunks(people):
            mine = (DELIVERIES.c.campaign == batch.campaign, DELIVERIES.c.step == batch.step, DELIVERIES.c.person.in_(chunk))
            query = sa.select(DELIVERIES.c.person, DELIVERIES.c.external_userid).where(*mine)
            customers |= {row.person: row.external_userid for row in connection.execute(query)}
        times = self._recent_messages(connection, customers.values(), now)
        return [person for person in people if room(times.get(customers[person], ()))]

    def put_back(self, batch: Batch, note: str, now: float) -> bool:
        """Dissolve a batch of which nothing was sent: its people are planned again, and judged anew by the next tick.

        False: it does not wait any more, or its campaign was cancelled.
        """
        with self._transaction() as connection:
            waiting = (*unchanged(batch), BATCHES.c.state == BatchState.WAITING)
            dissolved = {"state": BatchState.CANCELLED, "note": f"put back: {note}"}
            if self._lock(connection, batch.campaign) == "cancelled":
                return False
            if not connection.execute(BATCHES.update().where(*waiting).values(dissolved)).rowcount:
                return False
            queued = (DELIVERIES.c.batch == batch.id, DELIVERIES.c.state == State.QUEUED)
            connection.execute(DELIVERIES.update().where(*queued).values(state=State.PLANNED, batch="", changed=now))
        return True

    def batch(self, batch_id: str) -> Batch:
        """One batch."""
        rows = self._do(sa.select(BATCHES).where(BATCHES.c.id == batch_id))
        if not rows:
            raise UsageError(f"there is no batch {batch_id!r} in this ledger: do worker and client use the same one?")
        return batch_of(rows[0])

    def ended(self, batches: Iterable[str]) -> list[str]:
        """Those of these batches that nobody will work on any more."""
        closed = BATCHES.c.state.not_in([str(s) for s in OPEN])
        query = (sa.select(BATCHES.c.id).where(BATCHES.c.id.in_(chunk), closed) for chunk in chunks(batches))
        return [row["id"] for part in query for row in self._do(part)]

    def batches(self, campaign: str, states: Iterable[BatchState] | None = None) -> list[Batch]:
        """The batches of a campaign."""
        query = sa.select(BATCHES).where(BATCHES.c.campaign == campaign)
        if states is not None:
            query = query.where(BATCHES.c.state.in_([str(s) for s in states]))
        return [batch_of(row) for row in self._do(query.order_by(BATCHES.c.created, BATCHES.c.id))]

    def take(self, batch_id: str, token: str, now: float) -> bool:
        """Take the intent of a waiting batch; committed before anything is sent.

        False: somebody else has it, another message of that sender is in flight, or the campaign is cancelled.
        """
        table = BATCHES
        cancelled = sa.exists().where(CAMPAIGNS.c.name == table.c.campaign, CAMPAIGNS.c.state == "cancelled")
        try:
            return bool(
                self._do(
                    table.update()
                    .where(table.c.id == batch_id, table.c.state == BatchState.WAITING, ~cancelled)
                    .values(
                        state=BatchState.INTENT,
                        token=token,
                        intent_at=now,
                        taken_at=time.time(),
                        attempts=table.c.attempts + 1,
                        flight=sa.case((table.c.kind == "message", table.c.sender), else_=None),
                    )
                )
            )
        except IntegrityError:
            return False

    def in_flight(self, sender: str) -> Batch | None:
        """The batch of this sender that is being sent, or whose outcome is in doubt."""
        rows = self._do(sa.select(BATCHES).where(BATCHES.c.flight == sender))
        return batch_of(rows[0]) if rows else None

    # Whoever looked at a batch may act on it only as long as nobody else has taken it since: the token tells. Otherwise two who
    # find the same intent in doubt could both give it back, the second one under the hands of a third who is sending.

    def give_back(self, batch: Batch, note: str) -> bool:
        """Nothing was sent, for certain: the batch waits again, and the next look takes a new intent."""
        changes = {"state": BatchState.WAITING, "token": "", "flight": None, "note": note[:500]}
        return bool(self._do(BATCHES.update().where(*unchanged(batch)).values(changes)))

    def tried(self, batch_id: str) -> int:
        """Count another look at a batch; gives how many there were."""
        self._do(BATCHES.update().where(BATCHES.c.id == batch_id).values(attempts=BATCHES.c.attempts + 1))
        return self.batch(batch_id).attempts

    def doubt(self, batch: Batch, note: str) -> bool:
        """The outcome is unknown: the intent stays, and the settling time begins anew."""
        return bool(self._do(BATCHES.update().where(*unchanged(batch)).values(taken_at=time.time(), note=note[:500])))

    def close_batch(
        self,
        batch: Batch,
        state: BatchState,
        now: float,
        *,
        rows: Mapping[State, tuple[Sequence[str], str]],
        msgid: str = "",
        note: str = "",
    ) -> bool:
        """End a batch and tell its deliveries, in one transaction: `rows` maps a state to (people, reason).

        False: the batch is not the caller's any more, and nothing was changed.
        """
        ended = {"state": state, "msgid": msgid, "note": note, "flight": None, "token": ""}
        with self._transaction() as connection:
            if not connection.execute(BATCHES.update().where(*unchanged(batch)).values(ended)).rowcount:
                return False
            for row_state, (people, reason) in rows.items():
                for chunk in chunks(people):
                    connection.execute(
                        DELIVERIES.update()
                        .where(DELIVERIES.c.batch == batch.id, DELIVERIES.c.person.in_(chunk), DELIVERIES.c.state == State.QUEUED)
                        .values(state=row_state, reason=reason, msgid=msgid, changed=now)
                    )
        return True

    def msgids(self) -> set[str]:
        """Every task that is known to be ours: a doubtful batch cannot be one of these."""
        return {row["msgid"] for row in self._do(sa.select(BATCHES.c.msgid).where(BATCHES.c.msgid != ""))}

    # What is on hold

    def release_held(self, campaign: str, now: float) -> None:
        """Take up what is on hold, and let the campaign go on.

        What was certainly not sent is planned again, and judged anew. Where that is in doubt, and for coupons, which may be asked for
        again, a new batch begins in doubt too (an engine never works on one again that has come to its end).

        Raises:
            UsageError: the campaign was cancelled.
        """
        with self._transaction() as connection:
            if self._lock(connection, campaign) == "cancelled":
                raise UsageError(
                    f"campaign {campaign!r} was cancelled: nothing of it is sent any more; `decide` says what became of a batch"
                )
            query = sa.select(BATCHES).where(BATCHES.c.campaign == campaign, BATCHES.c.state == BatchState.HELD).with_for_update()
            for batch in [batch_of(dict[str, Any](row)) for row in connection.execute(query).mappings()]:
                doubtful = batch.kind == "coupon" or batch.note.startswith(AMBIGUOUS)
                new = new_batch_id(batch.campaign, batch.step)
                again = attrs.evolve(batch, id=new, token=new, state=BatchState.INTENT, taken_at=time.time(), attempts=0, note="")
                changes = {"state": State.QUEUED, "batch": new} if doubtful else {"state": State.PLANNED, "batch": ""}
                held = (DELIVERIES.c.batch == batch.id, DELIVERIES.c.state == State.HELD)
                moved = connection.execute(DELIVERIES.update().where(*held).values(**changes, reason="", changed=now)).rowcount
                if moved and doubtful:
                    connection.execute(BATCHES.insert(), stored(again))
                note = f"taken up again as {new}" if doubtful else "planned again"
                left = {"state": BatchState.CANCELLED, "note": note} if moved else {"state": BatchState.SENT}
                connection.execute(BATCHES.update().where(BATCHES.c.id == batch.id).values(left))
            self._run_on(connection, campaign)

    def decide(self, decision: Decision, msgid: str = "") -> int:
        """Write down what a person says became of a batch on hold, and act on it, in one transaction. Gives how many deliveries.

        Raises:
            UsageError: the batch is not on hold, or has coupons.
            InputError: the message id is another batch's.
        """
        with self._transaction() as connection:
            cancelled = self._lock(connection, decision.campaign) == "cancelled"
            this = (BATCHES.c.id == decision.batch, BATCHES.c.campaign == decision.campaign)
            batch = connection.execute(sa.select(BATCHES.c.kind, BATCHES.c.state).where(*this).with_for_update()).one_or_none()
            if batch is None or batch.state != BatchState.HELD:
                state = f"is {batch.state}" if batch else "is none of this campaign"
                raise UsageError(f"batch {decision.batch!r} {state}, not on hold: there is nothing to decide; see `report.on_hold`")
            if batch.kind == "coupon":
                raise UsageError(
                    f"batch {decision.batch!r} has coupons, which need no decision: `resume(…, retry_held=True)` asks for them again under "
                    "the same numbers, and nobody gets a second one"
                )
            if msgid and connection.execute(sa.select(BATCHES.c.id).where(BATCHES.c.msgid == msgid)).first():
                raise InputError(f"msgid: {msgid!r} is known as the message of another batch", "msgid")
            said = f"decided by {decision.by}: {decision.why}"
            held = (DELIVERIES.c.batch == decision.batch, DELIVERIES.c.state == State.HELD)
            if decision.arrived:
                ended = {"state": BatchState.SENT, "msgid": msgid, "note": said}
                changes = {"state": State.AWAITING if msgid else State.SENT, "reason": said, "msgid": msgid}
            else:
                ended = {"state": BatchState.CANCELLED, "note": said}
                changes = {"state": State.CANCELLED, "reason": said} if cancelled else {"state": State.PLANNED, "reason": "", "batch": ""}
                self._run_on(connection, decision.campaign)
            connection.execute(BATCHES.update().where(*this).values(ended))
            connection.execute(DECISIONS.insert(), attrs.asdict(decision))
            return connection.execute(DELIVERIES.update().where(*held).values(**changes, changed=decision.at)).rowcount

    def decisions(self, campaign: str) -> list[Decision]:
        """What people decided in a campaign, oldest first."""
        query = sa.select(DECISIONS).where(DECISIONS.c.campaign == campaign).order_by(DECISIONS.c.at, DECISIONS.c.batch)
        return [Decision(**row) for row in self._do(query)]
