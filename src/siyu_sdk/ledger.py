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
from enum import StrEnum
from typing import Any

import attrs
from attrs import frozen

from .core.errors import UsageError

try:
    import sqlalchemy as sa
    from sqlalchemy import event
    from sqlalchemy.exc import IntegrityError
    from sqlalchemy.pool import StaticPool
except ImportError:  # pragma: no cover -- an environment without the extra
    raise UsageError('the ledger needs SQLAlchemy: pip install "siyu-sdk[sop]"') from None


class State(StrEnum):
    """Where the delivery of one step to one person stands."""

    PLANNED = "planned"
    """Its day has not come, or what it waits for has not happened."""
    QUEUED = "queued"
    """In a batch that is being worked on."""
    AWAITING = "awaiting"
    """The task exists; the member has not pressed send."""
    SENT = "sent"
    NOT_FRIEND = "not_friend"
    OVER_LIMIT = "over_limit"
    """The platform's cap for this customer was reached."""
    ISSUED = "issued"
    """The coupon is in the wallet, and cannot be used before it is confirmed."""
    CONFIRMED = "confirmed"
    REDEEMED = "redeemed"
    REFUSED = "refused"
    SKIPPED = "skipped"
    HELD = "held"
    """Its outcome is ambiguous: an operator decides."""
    CANCELLED = "cancelled"


DONE = frozenset({State.SENT, State.ISSUED, State.CONFIRMED, State.REDEEMED})
"""The person has it."""
ENDED = DONE | {State.NOT_FRIEND, State.OVER_LIMIT, State.REFUSED, State.SKIPPED, State.HELD, State.CANCELLED}


class BatchState(StrEnum):
    """Where a batch stands."""

    WAITING = "waiting"
    INTENT = "intent"
    """Somebody is sending it, or died while doing so."""
    SENT = "sent"
    REFUSED = "refused"
    HELD = "held"
    CANCELLED = "cancelled"


OPEN = (BatchState.WAITING, BatchState.INTENT)


@frozen
class Delivery:
    """One step for one person."""

    campaign: str
    step: str
    person: str
    kind: str
    """`message` or `coupon`."""
    external_userid: str
    sender: str
    name: str
    openid: str
    content: str
    """The hash of what is said: a batch has one content."""
    due: float
    state: State = State.PLANNED
    reason: str = ""
    batch: str = ""
    msgid: str = ""
    request_no: str = ""
    coupon_code: str = ""
    fen: int = 0
    """What the coupon takes off when it is used."""
    changed: float = 0.0


@frozen
class Batch:
    """One unit of remote work."""

    id: str
    campaign: str
    step: str
    kind: str
    sender: str
    payload: Mapping[str, Any]
    """What is sent: the message, or the coupon."""
    state: BatchState = BatchState.WAITING
    token: str = ""
    """Who took the intent: one run of one process."""
    intent_at: float = 0.0
    """By the client's clock, so that the platform's list can be searched from there."""
    taken_at: float = 0.0
    """By the machine's clock: settling takes real seconds."""
    attempts: int = 0
    msgid: str = ""
    note: str = ""
    created: float = 0.0


_meta = sa.MetaData()
_text: type[sa.types.TypeEngine[str]] = sa.String
_number: type[sa.types.TypeEngine[float]] = sa.Float

_campaigns = sa.Table(
    "siyu_campaign",
    _meta,
    sa.Column("name", _text, primary_key=True),
    sa.Column("kind", _text, nullable=False),
    sa.Column("fingerprint", _text, nullable=False),
    sa.Column("definition", sa.Text, nullable=False),
    sa.Column("state", _text, nullable=False),
    sa.Column("created", _number, nullable=False),
)
_deliveries = sa.Table(
    "siyu_delivery",
    _meta,
    sa.Column("campaign", _text, primary_key=True),
    sa.Column("step", _text, primary_key=True),
    sa.Column("person", _text, primary_key=True),
    *(sa.Column(name, _text, nullable=False) for name in ("kind", "external_userid", "sender", "name", "openid", "content")),
    sa.Column("due", _number, nullable=False),
    *(sa.Column(name, _text, nullable=False) for name in ("state", "reason", "batch", "msgid", "request_no", "coupon_code")),
    sa.Column("fen", sa.Integer, nullable=False),
    sa.Column("changed", _number, nullable=False),
    sa.Index("siyu_delivery_due", "campaign", "state", "due"),
    sa.Index("siyu_delivery_batch", "batch"),
    sa.Index("siyu_delivery_request", "request_no"),
    sa.Index("siyu_delivery_person", "external_userid", "changed"),
)
_batches = sa.Table(
    "siyu_batch",
    _meta,
    sa.Column("id", _text, primary_key=True),
    *(sa.Column(name, _text, nullable=False) for name in ("campaign", "step", "kind", "sender")),
    sa.Column("payload", sa.Text, nullable=False),
    *(sa.Column(name, _text, nullable=False) for name in ("state", "token")),
    sa.Column("intent_at", _number, nullable=False),
    sa.Column("taken_at", _number, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    *(sa.Column(name, _text, nullable=False) for name in ("msgid", "note")),
    sa.Column("created", _number, nullable=False),
    # The sender while a message of theirs is in flight, else null: unique, so that a sender has one at a time and a match in the
    # platform's list of tasks is unambiguous.
    sa.Column("flight", _text, unique=True),
    sa.Index("siyu_batch_campaign", "campaign", "state"),
)
_coupons = sa.Table(
    "siyu_coupon",
    _meta,
    sa.Column("coupon_code", _text, primary_key=True),
    *(sa.Column(name, _text, nullable=False) for name in ("stock_id", "product_coupon_id", "appid", "openid", "request_no", "state")),
    sa.Column("changed", _number, nullable=False),
)
_identities = sa.Table(
    "siyu_identity",
    _meta,
    sa.Column("unionid", _text, primary_key=True),
    sa.Column("appid", _text, primary_key=True),
    sa.Column("openid", _text, nullable=False),
    sa.Index("siyu_identity_openid", "openid"),
)
_opt_outs = sa.Table(
    "siyu_opt_out",
    _meta,
    sa.Column("person", _text, primary_key=True),
    sa.Column("reason", _text, nullable=False),
    sa.Column("at", _number, nullable=False),
)
_heartbeats = sa.Table("siyu_heartbeat", _meta, sa.Column("name", _text, primary_key=True), sa.Column("at", _number, nullable=False))

AMBIGUOUS = "ambiguous: "
"""How the note of a batch begins whose message may have been sent: only a person can tell."""

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
            {"connect_args": {"check_same_thread": False}, "poolclass": StaticPool} if memory else {"pool_pre_ping": True}
        )
        self._engine = sa.create_engine(url, hide_parameters=True, **options)
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _tune_sqlite)
            event.listen(self._engine, "begin", _begin_immediate)
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
                    _meta.create_all(self._engine)
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
                    _campaigns.insert(),
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
                    connection.execute(_deliveries.insert(), values)
        except IntegrityError:
            if not self.knows(name, fingerprint):
                raise
            return False
        return True

    def campaign(self, name: str) -> Mapping[str, Any]:
        """One campaign, its definition read."""
        rows = self._do(sa.select(_campaigns).where(_campaigns.c.name == name))
        if not rows:
            raise UsageError(f"there is no campaign named {name!r} in this ledger")
        return {**rows[0], "definition": json.loads(rows[0]["definition"])}

    def running(self) -> list[str]:
        """The names of campaigns that go on."""
        return [
            row["name"]
            for row in self._do(sa.select(_campaigns.c.name).where(_campaigns.c.state == "running").order_by(_campaigns.c.created))
        ]

    def finish(self, name: str) -> bool:
        """Mark a running campaign as done if nothing of it is planned or under way: `running` names it no more."""
        under_way = sa.exists().where(_deliveries.c.campaign == name, _deliveries.c.state.in_([State.PLANNED, State.QUEUED]))
        open_batch = sa.exists().where(_batches.c.campaign == name, _batches.c.state.in_([str(s) for s in OPEN]))
        mine = (_campaigns.c.name == name, _campaigns.c.state == "running")
        return bool(self._do(_campaigns.update().where(*mine, ~under_way, ~open_batch).values(state="done")))

    def reopen(self, name: str) -> None:
        """Let a campaign that was done go on: something that was held is taken up again."""
        self._do(_campaigns.update().where(_campaigns.c.name == name, _campaigns.c.state == "done").values(state="running"))

    def knows(self, name: str, fingerprint: str) -> bool:
        """Whether this very plan has been applied under this name.

        Raises:
            UsageError: another plan has.
        """
        rows = self._do(sa.select(_campaigns.c.fingerprint).where(_campaigns.c.name == name))
        if rows and rows[0]["fingerprint"] != fingerprint:
            raise UsageError(f"a campaign named {name!r} exists with another plan; choose another name, or resume that one")
        return bool(rows)

    def is_cancelled(self, name: str) -> bool:
        """Whether nothing more may be sent for a campaign."""
        return bool(self._do(sa.select(_campaigns.c.name).where(_campaigns.c.name == name, _campaigns.c.state == "cancelled")))

    def cancel(self, name: str, now: float) -> int:
        """Stop a campaign in one transaction: what is planned or waits in a batch is not sent any more. Gives how many deliveries."""
        waiting = sa.select(_batches.c.id).where(_batches.c.campaign == name, _batches.c.state == BatchState.WAITING)
        with self._transaction() as connection:
            connection.execute(_campaigns.update().where(_campaigns.c.name == name).values(state="cancelled"))
            stopped = connection.execute(
                _deliveries.update()
                .where(
                    _deliveries.c.campaign == name,
                    sa.or_(
                        _deliveries.c.state == State.PLANNED,
                        sa.and_(_deliveries.c.state == State.QUEUED, _deliveries.c.batch.in_(waiting)),
                    ),
                )
                .values(state=State.CANCELLED, changed=now)
            ).rowcount
            connection.execute(
                _batches.update()
                .where(_batches.c.campaign == name, _batches.c.state == BatchState.WAITING)
                .values(state=BatchState.CANCELLED, note="the campaign was cancelled")
            )
        return stopped

    # Deliveries

    def deliveries(
        self, campaign: str, *, step: str | None = None, states: Iterable[State] | None = None, due_by: float | None = None
    ) -> list[Delivery]:
        """The deliveries of a campaign, in the order of steps and people."""
        query = sa.select(_deliveries).where(_deliveries.c.campaign == campaign)
        if step is not None:
            query = query.where(_deliveries.c.step == step)
        if states is not None:
            query = query.where(_deliveries.c.state.in_([str(s) for s in states]))
        if due_by is not None:
            query = query.where(_deliveries.c.due <= due_by)
        return [_delivery(row) for row in self._do(query.order_by(_deliveries.c.due, _deliveries.c.step, _deliveries.c.person))]

    def counts(self, campaign: str) -> dict[tuple[str, State], int]:
        """How many deliveries of each step stand where: cheap, for a progress bar."""
        columns = (_deliveries.c.step, _deliveries.c.state)
        query = sa.select(*columns, sa.func.count().label("n")).where(_deliveries.c.campaign == campaign).group_by(*columns)
        return {(row["step"], State(row["state"])): row["n"] for row in self._do(query)}

    def in_batch(self, batch: str) -> list[Delivery]:
        """The deliveries of a batch."""
        query = sa.select(_deliveries).where(_deliveries.c.batch == batch).order_by(_deliveries.c.person)
        return [_delivery(row) for row in self._do(query)]

    def by_request(self, request_no: str) -> Delivery | None:
        """The delivery with that request number."""
        if not request_no:  # a coupon of another channel; every message has none either
            return None
        rows = self._do(sa.select(_deliveries).where(_deliveries.c.request_no == request_no))
        return _delivery(rows[0]) if rows else None

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
            sa.or_(*(_deliveries.c.state == state for state in only_if)),
            _deliveries.c.campaign == sa.bindparam("b_campaign"),
            _deliveries.c.step == sa.bindparam("b_step"),
            _deliveries.c.person == sa.bindparam("b_person"),
        ]
        columns: dict[str, Any] = {name: sa.bindparam(name) for name in (*changing, "changed")}
        with self._transaction() as connection:
            return connection.execute(_deliveries.update().where(*key).values(columns), values).rowcount

    def messages_since(self, since: float, people: Iterable[str]) -> dict[str, list[float]]:
        """When each of these customers was last put into a mass message of ours: what the frequency guard counts."""
        found = dict[str, list[float]]()
        for chunk in _chunks(people):
            query = sa.select(_deliveries.c.external_userid, _batches.c.created).where(
                _deliveries.c.batch == _batches.c.id,
                _deliveries.c.kind == "message",
                _batches.c.created >= since,
                _deliveries.c.external_userid.in_(chunk),
                _deliveries.c.state.in_([State.QUEUED, State.AWAITING, State.SENT, State.HELD]),
            )
            for row in self._do(query):
                found.setdefault(row["external_userid"], []).append(row["created"])
        return found

    # Batches

    def queue(self, batches: Sequence[tuple[Batch, Sequence[str]]], now: float) -> int:
        """Put people into new batches, in one transaction: a delivery is in one batch or none. Gives how many people were put.

        Another process may have decided on the same people: who is not `planned` any more is left where they are, and a batch that
        nobody is left for is not made.
        """
        put = 0
        with self._transaction() as connection:
            for campaign in sorted({batch.campaign for batch, _ in batches}):  # one at a time, or PostgreSQL finds deadlocks
                connection.execute(sa.select(_campaigns.c.name).where(_campaigns.c.name == campaign).with_for_update())
            for batch, people in batches:
                found = 0
                for chunk in _chunks(people):
                    found += connection.execute(
                        _deliveries.update()
                        .where(
                            _deliveries.c.campaign == batch.campaign,
                            _deliveries.c.step == batch.step,
                            _deliveries.c.person.in_(chunk),
                            _deliveries.c.state == State.PLANNED,
                        )
                        .values(state=State.QUEUED, batch=batch.id, changed=now)
                    ).rowcount
                if found:
                    connection.execute(_batches.insert(), _stored(attrs.evolve(batch, created=now)))
                put += found
        return put

    def batch(self, batch_id: str) -> Batch:
        """One batch."""
        rows = self._do(sa.select(_batches).where(_batches.c.id == batch_id))
        if not rows:
            raise UsageError(f"there is no batch {batch_id!r} in this ledger: do worker and client use the same one?")
        return _batch(rows[0])

    def batches(self, campaign: str, states: Iterable[BatchState] | None = None) -> list[Batch]:
        """The batches of a campaign."""
        query = sa.select(_batches).where(_batches.c.campaign == campaign)
        if states is not None:
            query = query.where(_batches.c.state.in_([str(s) for s in states]))
        return [_batch(row) for row in self._do(query.order_by(_batches.c.created, _batches.c.id))]

    def take(self, batch_id: str, token: str, now: float) -> bool:
        """Take the intent of a waiting batch; committed before anything is sent.

        False: somebody else has it, another message of that sender is in flight, or the campaign is cancelled.
        """
        table = _batches
        cancelled = sa.exists().where(_campaigns.c.name == table.c.campaign, _campaigns.c.state == "cancelled")
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
        rows = self._do(sa.select(_batches).where(_batches.c.flight == sender))
        return _batch(rows[0]) if rows else None

    # Whoever looked at a batch may act on it only as long as nobody else has taken it since: the token tells. Otherwise two who
    # find the same intent in doubt could both give it back, the second one under the hands of a third who is sending.

    def give_back(self, batch: Batch, note: str) -> bool:
        """Nothing was sent, for certain: the batch waits again, and the next look takes a new intent."""
        changes = {"state": BatchState.WAITING, "token": "", "flight": None, "note": note[:500]}
        return bool(self._do(_batches.update().where(*_unchanged(batch)).values(changes)))

    def tried(self, batch_id: str) -> int:
        """Count another look at a batch; gives how many there were."""
        self._do(_batches.update().where(_batches.c.id == batch_id).values(attempts=_batches.c.attempts + 1))
        return self.batch(batch_id).attempts

    def doubt(self, batch: Batch, note: str) -> bool:
        """The outcome is unknown: the intent stays, and the settling time begins anew."""
        return bool(self._do(_batches.update().where(*_unchanged(batch)).values(taken_at=time.time(), note=note[:500])))

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
            if not connection.execute(_batches.update().where(*_unchanged(batch)).values(ended)).rowcount:
                return False
            for row_state, (people, reason) in rows.items():
                for chunk in _chunks(people):
                    connection.execute(
                        _deliveries.update()
                        .where(_deliveries.c.batch == batch.id, _deliveries.c.person.in_(chunk), _deliveries.c.state == State.QUEUED)
                        .values(state=row_state, reason=reason, msgid=msgid, changed=now)
                    )
        return True

    def msgids(self) -> set[str]:
        """Every task that is known to be ours: a doubtful batch cannot be one of these."""
        return {row["msgid"] for row in self._do(sa.select(_batches.c.msgid).where(_batches.c.msgid != ""))}

    def release_held(self, campaign: str, now: float) -> None:
        """Take up held deliveries again, in batches of their own: an engine never works on a batch again that has come to its end.

        Where it is in doubt whether the message was sent, the new batch begins in doubt too: it is asked about once more.
        """
        with self._transaction() as connection:
            query = sa.select(_batches).where(_batches.c.campaign == campaign, _batches.c.state == BatchState.HELD)
            for batch in [_batch(dict[str, Any](row)) for row in connection.execute(query.with_for_update()).mappings()]:
                base, _, n = batch.id.partition("~")
                again = attrs.evolve(batch, id=f"{base}~{int(n or 1) + 1}", state=BatchState.WAITING, attempts=0, note="")
                if batch.note.startswith(AMBIGUOUS):
                    again = attrs.evolve(again, state=BatchState.INTENT, token=again.id, taken_at=time.time())
                moved = connection.execute(
                    _deliveries.update()
                    .where(_deliveries.c.batch == batch.id, _deliveries.c.state == State.HELD)
                    .values(state=State.QUEUED, batch=again.id, reason="", changed=now)
                ).rowcount
                if moved:
                    connection.execute(_batches.insert(), _stored(again))
                left = {"state": BatchState.CANCELLED, "note": f"taken up again as {again.id}"} if moved else {"state": BatchState.SENT}
                connection.execute(_batches.update().where(_batches.c.id == batch.id).values(left))

    # Coupons

    def keep_coupon(self, coupon: Mapping[str, Any], now: float) -> None:
        """Write down a coupon we were told of, before anything is done about it. A known one keeps its state."""
        try:
            self._do(_coupons.insert(), {**coupon, "changed": now})
        except IntegrityError:
            return

    def coupon(self, coupon_code: str) -> Mapping[str, Any] | None:
        """A coupon by its code."""
        rows = self._do(sa.select(_coupons).where(_coupons.c.coupon_code == coupon_code))
        return rows[0] if rows else None

    def coupons(self, states: Iterable[str]) -> list[Mapping[str, Any]]:
        """Coupons in these states."""
        return list(self._do(sa.select(_coupons).where(_coupons.c.state.in_(list(states))).order_by(_coupons.c.coupon_code)))

    def set_coupon(self, coupon_code: str, state: str, now: float) -> None:
        """Note where a coupon stands."""
        self._do(_coupons.update().where(_coupons.c.coupon_code == coupon_code).values(state=state, changed=now))

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
                    connection.execute(_identities.delete().where(_identities.c.appid == appid, _identities.c.unionid.in_(chunk)))
                connection.execute(_identities.insert(), new)

    def openids(self, appid: str) -> dict[str, str]:
        """Every openid of one app, by unionid."""
        return {row["unionid"]: row["openid"] for row in self._do(sa.select(_identities).where(_identities.c.appid == appid))}

    def opt_out(self, person: str, reason: str, now: float) -> None:
        """Never message this person (external_userid or unionid) again."""
        try:
            self._do(_opt_outs.insert(), {"person": person, "reason": reason, "at": now})
        except IntegrityError:
            return

    def opted_out(self) -> frozenset[str]:
        """Everybody who opted out."""
        return frozenset(row["person"] for row in self._do(sa.select(_opt_outs.c.person)))

    def beat(self, name: str, now: float | None = None) -> None:
        """A worker lives."""
        at = time.time() if now is None else now
        if not self._do(_heartbeats.update().where(_heartbeats.c.name == name).values(at=at)):
            try:
                self._do(_heartbeats.insert(), {"name": name, "at": at})
            except IntegrityError:
                return

    def silent(self, seconds: float) -> list[str]:
        """Workers that have not been heard of for so many (real) seconds."""
        return [row["name"] for row in self._do(sa.select(_heartbeats.c.name).where(_heartbeats.c.at < time.time() - seconds))]

    def forget(self, name: str) -> None:
        """A worker is gone, and its work adopted."""
        self._do(_heartbeats.delete().where(_heartbeats.c.name == name))


def _tune_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver's own transactions would begin late; see _begin_immediate
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=30000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Any) -> None:
    # A writer takes its lock at once: a reader that turns writer later could not wait for its turn.
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("siyu_reads") else "BEGIN IMMEDIATE")


def _delivery(row: Mapping[str, Any]) -> Delivery:
    fields: dict[str, Any] = {**row, "state": State(row["state"])}
    return Delivery(**fields)


def _unchanged(batch: Batch) -> tuple[Any, ...]:
    """The batch as it was read: still open, and in the same hands."""
    return _batches.c.id == batch.id, _batches.c.state.in_([str(s) for s in OPEN]), _batches.c.token == batch.token


def _stored(batch: Batch) -> dict[str, Any]:
    return {**attrs.asdict(batch), "payload": json.dumps(batch.payload, ensure_ascii=False), "flight": None}


def _batch(row: Mapping[str, Any]) -> Batch:
    fields: dict[str, Any] = {name: value for name, value in row.items() if name != "flight"}
    fields["state"], fields["payload"] = BatchState(row["state"]), json.loads(row["payload"])
    return Batch(**fields)
