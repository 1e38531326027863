"""The ledger: what was planned, intended, sent and confirmed, in tables of our own.

It is the authority for «never twice». Every remote write is preceded by a committed row: a batch takes its intent before a mass
message is created, a delivery has its request number before a coupon is sent. SQLite (WAL) by default, PostgreSQL by URL; any number
of processes may share it. Times are unix seconds.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import attrs

from .core.errors import UsageError
from .records import (
    BATCHES,
    CAMPAIGNS,
    COUPONS,
    DELIVERIES,
    DONE,
    ENDED,
    HEARTBEATS,
    IDENTITIES,
    META,
    OPEN,
    OPT_OUTS,
    Batch,
    BatchState,
    Delivery,
    State,
    batch_of,
    begin_immediate,
    delivery_of,
    stored,
    tune_sqlite,
    unchanged,
)

import sqlalchemy as sa  # isort: skip -- after records, which says how to install it
from sqlalchemy import event  # isort: skip
from sqlalchemy.exc import IntegrityError, ProgrammingError  # isort: skip

__all__ = ["AMBIGUOUS", "DONE", "ENDED", "OPEN", "Batch", "BatchState", "Delivery", "Ledger", "State"]

AMBIGUOUS = "ambiguous: "
"""How the note of a batch begins whose message may have been sent: only a person can tell."""

AT_ONCE = 200
"""Batches that are made in one transaction: others want to write too."""
CHUNK = 400
"""Values in one `IN (…)`: SQLite allows 999 variables in its oldest builds."""


def _chunks(items: Iterable[str]) -> Iterable[list[str]]:
    whole = list(items)
    return (whole[i : i + CHUNK] for i in range(0, len(whole), CHUNK))


class Ledger:
    """The tables behind one URL: `sqlite:///siyu.db`, `postgresql+psycopg://…`."""

    def __init__(self, url: str = "sqlite:///siyu.db") -> None:
        self.url = url
        memory = url in ("sqlite://", "sqlite:///:memory:")
        self._turn: AbstractContextManager[Any] = threading.RLock() if memory else nullcontext()
        options: dict[str, Any] = (
            {"connect_args": {"check_same_thread": False}, "poolclass": sa.StaticPool} if memory else {"pool_pre_ping": True}
        )
        self._engine = sa.create_engine(url, hide_parameters=True, **options)
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", tune_sqlite)
            event.listen(self._engine, "begin", begin_immediate)
        self._opening = threading.Lock()
        self._open = False

    def __repr__(self) -> str:
        return f"<Ledger {self._engine.url.render_as_string(hide_password=True)}>"

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def _make_tables(self) -> None:
        """At first use, not when the ledger is made: that may be on an event loop."""
        if not self._open:
            with self._opening:
                if not self._open:
                    try:
                        META.create_all(self._engine)
                    except (IntegrityError, ProgrammingError):  # on PostgreSQL another process may be making them this moment
                        META.create_all(self._engine)
                    self._open = True

    @contextmanager
    def _transaction(self, *, reads: bool = False) -> Generator[sa.Connection]:
        self._make_tables()
        with self._turn, self._engine.connect().execution_options(siyu_reads=reads) as connection, connection.begin():
            yield connection

    def _do(self, statement: Any, values: Any = None) -> Any:
        reads = isinstance(statement, sa.Select)
        with self._transaction(reads=reads) as connection:
            result = connection.execute(statement, values) if values is not None else connection.execute(statement)
            return result.mappings().all() if reads else result.rowcount

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
        mine = (CAMPAIGNS.c.name == name, CAMPAIGNS.c.state == "running")
        return bool(self._do(CAMPAIGNS.update().where(*mine, ~under_way, ~open_batch).values(state="done")))

    def reopen(self, name: str) -> None:
        """Let a campaign that was done go on: something that was held is taken up again."""
        self._do(CAMPAIGNS.update().where(CAMPAIGNS.c.name == name, CAMPAIGNS.c.state == "done").values(state="running"))

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
        waiting = sa.select(BATCHES.c.id).where(BATCHES.c.campaign == name, BATCHES.c.state == BatchState.WAITING)
        with self._transaction() as connection:
            connection.execute(CAMPAIGNS.update().where(CAMPAIGNS.c.name == name).values(state="cancelled"))
            stopped = connection.execute(
                DELIVERIES.update()
                .where(
                    DELIVERIES.c.campaign == name,
                    sa.or_(
                        DELIVERIES.c.state == State.PLANNED,
                        sa.and_(DELIVERIES.c.state == State.QUEUED, DELIVERIES.c.batch.in_(waiting)),
                    ),
                )
                .values(state=State.CANCELLED, changed=now)
            ).rowcount
            connection.execute(
                BATCHES.update()
                .where(BATCHES.c.campaign == name, BATCHES.c.state == BatchState.WAITING)
                .values(state=BatchState.CANCELLED, note="the campaign was cancelled")
            )
        return stopped

    # Deliveries

    def deliveries(
        self, campaign: str, *, step: str | None = None, states: Iterable[State] | None = None, due_by: float | None = None
    ) -> list[Delivery]:
        """The deliveries of a campaign, in the order of steps and people."""
        query = sa.select(DELIVERIES).where(DELIVERIES.c.campaign == campaign)
        if step is not None:
            query = query.where(DELIVERIES.c.step == step)
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

    def messages_since(self, since: float, people: Iterable[str]) -> dict[str, list[float]]:
        """When each of these customers was last put into a mass message of ours: what the frequency guard counts."""
        found = dict[str, list[float]]()
        for chunk in _chunks(people):
            query = sa.select(DELIVERIES.c.external_userid, BATCHES.c.created).where(
                DELIVERIES.c.batch == BATCHES.c.id,
                DELIVERIES.c.kind == "message",
                BATCHES.c.created >= since,
                DELIVERIES.c.external_userid.in_(chunk),
                DELIVERIES.c.state.in_([State.QUEUED, State.AWAITING, State.SENT, State.HELD]),
            )
            for row in self._do(query):
                found.setdefault(row["external_userid"], []).append(row["created"])
        return found

    # Batches

    def queue(self, batches: Sequence[tuple[Batch, Sequence[str]]], now: float) -> int:
        """Put people into new batches, a delivery into one batch or none. Gives how many people were put.

        Another process may have decided on the same people: who is not `planned` any more is left where they are, and a batch that
        nobody is left for is not made.
        """
        return sum(self._queue(batches[start : start + AT_ONCE], now) for start in range(0, len(batches), AT_ONCE))

    def _queue(self, batches: Sequence[tuple[Batch, Sequence[str]]], now: float) -> int:
        put = 0
        with self._transaction() as connection:
            for campaign in sorted({batch.campaign for batch, _ in batches}):  # one at a time, or PostgreSQL finds deadlocks
                connection.execute(sa.select(CAMPAIGNS.c.name).where(CAMPAIGNS.c.name == campaign).with_for_update())
            for batch, people in batches:
                found = 0
                for chunk in _chunks(people):
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

    def batch(self, batch_id: str) -> Batch:
        """One batch."""
        rows = self._do(sa.select(BATCHES).where(BATCHES.c.id == batch_id))
        if not rows:
            raise UsageError(f"there is no batch {batch_id!r} in this ledger: do worker and client use the same one?")
        return batch_of(rows[0])

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
                for chunk in _chunks(people):
                    connection.execute(
                        DELIVERIES.update()
                        .where(DELIVERIES.c.batch == batch.id, DELIVERIES.c.person.in_(chunk), DELIVERIES.c.state == State.QUEUED)
                        .values(state=row_state, reason=reason, msgid=msgid, changed=now)
                    )
        return True

    def msgids(self) -> set[str]:
        """Every task that is known to be ours: a doubtful batch cannot be one of these."""
        return {row["msgid"] for row in self._do(sa.select(BATCHES.c.msgid).where(BATCHES.c.msgid != ""))}

    def release_held(self, campaign: str, now: float) -> None:
        """Take up held deliveries again, in batches of their own: an engine never works on a batch again that has come to its end.

        Where it is in doubt whether the message was sent, the new batch begins in doubt too: it is asked about once more.
        """
        with self._transaction() as connection:
            query = sa.select(BATCHES).where(BATCHES.c.campaign == campaign, BATCHES.c.state == BatchState.HELD)
            for batch in [batch_of(dict[str, Any](row)) for row in connection.execute(query.with_for_update()).mappings()]:
                base, _, n = batch.id.partition("~")
                again = attrs.evolve(batch, id=f"{base}~{int(n or 1) + 1}", state=BatchState.WAITING, attempts=0, note="")
                if batch.note.startswith(AMBIGUOUS):
                    again = attrs.evolve(again, state=BatchState.INTENT, token=again.id, taken_at=time.time())
                moved = connection.execute(
                    DELIVERIES.update()
                    .where(DELIVERIES.c.batch == batch.id, DELIVERIES.c.state == State.HELD)
                    .values(state=State.QUEUED, batch=again.id, reason="", changed=now)
                ).rowcount
                if moved:
                    connection.execute(BATCHES.insert(), stored(again))
                left = {"state": BatchState.CANCELLED, "note": f"taken up again as {again.id}"} if moved else {"state": BatchState.SENT}
                connection.execute(BATCHES.update().where(BATCHES.c.id == batch.id).values(left))

    # Coupons

    def keep_coupon(self, coupon: Mapping[str, Any], now: float) -> None:
        """Write down a coupon we were told of, before anything is done about it. A known one keeps its state."""
        try:
            self._do(COUPONS.insert(), {**coupon, "changed": now})
        except IntegrityError:
            return

    def coupon(self, coupon_code: str) -> Mapping[str, Any] | None:
        """A coupon by its code."""
        rows = self._do(sa.select(COUPONS).where(COUPONS.c.coupon_code == coupon_code))
        return rows[0] if rows else None

    def coupons(self, states: Iterable[str]) -> list[Mapping[str, Any]]:
        """Coupons in these states."""
        return list(self._do(sa.select(COUPONS).where(COUPONS.c.state.in_(list(states))).order_by(COUPONS.c.coupon_code)))

    def set_coupon(self, coupon_code: str, state: str, now: float) -> None:
        """Note where a coupon stands."""
        self._do(COUPONS.update().where(COUPONS.c.coupon_code == coupon_code).values(state=state, changed=now))

    # Who is who, who wants nothing, who lives

    def learn(self, appid: str, pairs: Iterable[tuple[str, str]]) -> int:
        """Keep (unionid, openid) pairs of an app; gives how many were new."""
        given = {u: o for u, o in pairs if u and o}
        known = self.openids(appid)
        new = [{"unionid": u, "appid": appid, "openid": o} for u, o in given.items() if known.get(u) != o]
        try:
            self._replace_openids(appid, new)
        except IntegrityError:  # another process learnt one of them this very moment; now it is there to be replaced
            self._replace_openids(appid, new)
        return len(new)

    def _replace_openids(self, appid: str, new: Sequence[Mapping[str, str]]) -> None:
        if new:
            with self._transaction() as connection:
                for chunk in _chunks(row["unionid"] for row in new):
                    connection.execute(IDENTITIES.delete().where(IDENTITIES.c.appid == appid, IDENTITIES.c.unionid.in_(chunk)))
                connection.execute(IDENTITIES.insert(), new)

    def openids(self, appid: str) -> dict[str, str]:
        """Every openid of one app, by unionid."""
        return {row["unionid"]: row["openid"] for row in self._do(sa.select(IDENTITIES).where(IDENTITIES.c.appid == appid))}

    def opt_out(self, person: str, reason: str, now: float) -> None:
        """Never message this person (external_userid or unionid) again."""
        try:
            self._do(OPT_OUTS.insert(), {"person": person, "reason": reason, "at": now})
        except IntegrityError:
            return

    def opted_out(self) -> frozenset[str]:
        """Everybody who opted out."""
        return frozenset(row["person"] for row in self._do(sa.select(OPT_OUTS.c.person)))

    def beat(self, name: str, now: float | None = None) -> None:
        """A worker lives."""
        at = time.time() if now is None else now
        if not self._do(HEARTBEATS.update().where(HEARTBEATS.c.name == name).values(at=at)):
            try:
                self._do(HEARTBEATS.insert(), {"name": name, "at": at})
            except IntegrityError:
                return

    def silent(self, seconds: float) -> list[str]:
        """Workers that have not been heard of for so many (real) seconds."""
        return [row["name"] for row in self._do(sa.select(HEARTBEATS.c.name).where(HEARTBEATS.c.at < time.time() - seconds))]

    def forget(self, name: str) -> None:
        """A worker is gone, and its work adopted."""
        self._do(HEARTBEATS.delete().where(HEARTBEATS.c.name == name))
