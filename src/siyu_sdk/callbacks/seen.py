"""Which events have been handled: so that a redelivery is handled once, and a failed event again.

A store keeps one row for each fingerprint. A delivery takes it; whoever took it says `done`, or gives it back for the next delivery.
Who dies while holding one loses it after `LEASE` seconds.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from enum import StrEnum
from secrets import token_hex
from time import time
from typing import TYPE_CHECKING, Any, Protocol

from attrs import define, frozen

from ..core.errors import InputError, UsageError
from ..core.redis_client import connected

if TYPE_CHECKING:
    import sqlalchemy as sa

TTL = 26 * 3600.0
"""Seconds to remember: WeChat Pay repeats itself for 24 hours, WeCom for half a minute."""

LEASE = 12.0
"""Seconds after which somebody who took an event and said nothing more counts as dead.

Longer than a platform waits for an answer, and short enough for WeCom's last delivery to find the event free after a crash.
"""

MOST = 100_000
"""How many fingerprints memory keeps: the oldest go first."""


class Claim(StrEnum):
    """What a delivery finds."""

    MINE = "mine"
    """Handle it."""
    BUSY = "busy"
    """Another delivery is being handled at this moment, and may still fail."""
    DONE = "done"
    """It has been handled."""


@frozen
class Turn:
    """What came of taking a fingerprint."""

    claim: Claim
    attempt: int = 0
    """1 for the first delivery that is handled, 2 after one failure …"""
    token: str = ""
    """Tells holders apart: one whose lease is over cannot end the turn of the next."""


class Seen(Protocol):
    """Where fingerprints are kept: shared by all processes that answer at one address."""

    blocking: bool
    """Whether it may wait (a network, a disk): an async router then asks it in a thread."""

    def take(self, key: str) -> Turn:
        """Take a fingerprint, unless somebody has it or has done with it."""
        ...

    def done(self, key: str, turn: Turn) -> None:
        """It is handled."""
        ...

    def release(self, key: str, turn: Turn) -> None:
        """It failed: the next delivery is to be handled."""
        ...


@define
class _Row:
    done: bool
    attempt: int
    token: str
    until: float


class MemorySeen:
    """Remembers in this process alone: for one worker, tests, and handlers that are harmless to repeat."""

    blocking = False

    def __init__(self, *, ttl: float = TTL, lease: float = LEASE, most: int = MOST, clock: Callable[[], float] = time) -> None:
        if most < 1:
            raise InputError("most must be at least 1", "most")
        self._ttl, self._lease, self._most, self._clock = ttl, lease, most, clock
        self._rows: OrderedDict[str, _Row] = OrderedDict()
        self._guard = threading.Lock()

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, key: str) -> Turn:
        """Take a fingerprint."""
        now = self._clock()
        with self._guard:
            row = self._rows.get(key)
            if row is not None and row.token and now < row.until:
                return Turn(Claim.DONE if row.done else Claim.BUSY)
            tried = row.attempt if row is not None and not row.done else 0
            turn = Turn(Claim.MINE, tried + 1, token_hex(8))
            self._rows[key] = _Row(done=False, attempt=turn.attempt, token=turn.token, until=now + self._lease)
            self._rows.move_to_end(key)
            while len(self._rows) > self._most:
                self._rows.popitem(last=False)
            return turn

    def done(self, key: str, turn: Turn) -> None:
        """It is handled."""
        with self._guard:
            row = self._rows.get(key)
            if row is not None and row.token == turn.token:
                row.done, row.until = True, self._clock() + self._ttl

    def release(self, key: str, turn: Turn) -> None:
        """It failed."""
        with self._guard:
            row = self._rows.get(key)
            if row is not None and row.token == turn.token:
                row.done, row.token = False, ""


_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local row = redis.call('HMGET', KEYS[1], 'token', 'attempt', 'done', 'until')
if row[3] == '1' then return {2, 0} end
if row[1] and row[1] ~= '' and tonumber(row[4]) > now then return {1, 0} end
local attempt = (tonumber(row[2]) or 0) + 1
redis.call('HSET', KEYS[1], 'token', ARGV[1], 'attempt', attempt, 'done', '0', 'until', now + ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {0, attempt}
"""
_END = """
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
if ARGV[2] == 'done' then redis.call('HSET', KEYS[1], 'done', '1') else redis.call('HSET', KEYS[1], 'token', '') end
return redis.call('PEXPIRE', KEYS[1], ARGV[3])
"""
_CLAIMS = (Claim.MINE, Claim.BUSY, Claim.DONE)


class RedisSeen:
    """Remembers in Redis, for all processes that answer at one address: `RedisSeen("redis://…")`, or a `redis.Redis` of your own.

    Needs `pip install "siyu-sdk[redis]"`. What is kept are hashes, under `prefix`; they go by themselves.
    """

    blocking = True

    def __init__(self, redis: Any, *, prefix: str = "siyu:seen:", ttl: float = TTL, lease: float = LEASE) -> None:
        self._redis: Any = connected(redis, type(self).__name__)
        self._prefix = prefix
        self._ttl, self._lease = int(ttl * 1000), int(lease * 1000)

    def take(self, key: str) -> Turn:
        """Take a fingerprint."""
        token = token_hex(8)
        found: list[int] = self._redis.eval(_TAKE, 1, self._prefix + key, token, self._lease, self._ttl)
        return Turn(_CLAIMS[found[0]], found[1], token)

    def done(self, key: str, turn: Turn) -> None:
        """It is handled."""
        self._redis.eval(_END, 1, self._prefix + key, turn.token, "done", self._ttl)

    def release(self, key: str, turn: Turn) -> None:
        """It failed."""
        self._redis.eval(_END, 1, self._prefix + key, turn.token, "failed", self._ttl)


class SqlSeen:
    """Remembers in a table of your database, `siyu_callback`: `SqlSeen("postgresql+psycopg://…")`, or an SQLAlchemy engine of your own.

    Needs `pip install "siyu-sdk[sql]"`. Old rows are deleted now and then.
    """

    blocking = True

    def __init__(self, engine: sa.Engine | str, *, ttl: float = TTL, lease: float = LEASE, clock: Callable[[], float] = time) -> None:
        try:
            import sqlalchemy as sa
            from sqlalchemy.exc import IntegrityError
        except ImportError:  # pragma: no cover -- an environment without the extra
            raise UsageError('SqlSeen needs SQLAlchemy: pip install "siyu-sdk[sql]"') from None
        self._sa, self._conflict = sa, IntegrityError
        self._engine = sa.create_engine(engine) if isinstance(engine, str) else engine
        self._ttl, self._lease, self._clock = ttl, lease, clock
        meta = sa.MetaData()
        self._rows = sa.Table(
            "siyu_callback",
            meta,
            sa.Column("key", sa.String(64), primary_key=True),
            sa.Column("token", sa.String(16), nullable=False),
            sa.Column("attempt", sa.Integer, nullable=False),
            sa.Column("done", sa.Boolean, nullable=False),
            sa.Column("until", sa.Float, nullable=False, index=True),
        )
        meta.create_all(self._engine)
        self._swept = clock()

    def take(self, key: str) -> Turn:
        """Take a fingerprint."""
        rows, now, token = self._rows.c, self._clock(), token_hex(8)
        self._sweep(now)
        mine = {"token": token, "done": False, "until": now + self._lease}
        again = self._rows.update().where(rows.key == key, rows.until <= now)
        with self._engine.begin() as connection:
            attempt = self._sa.case((rows.done, 1), else_=rows.attempt + 1)
            if connection.execute(again.values(**mine, attempt=attempt)).rowcount:
                tried = connection.execute(self._sa.select(rows.attempt).where(rows.key == key)).scalar_one()
                return Turn(Claim.MINE, tried, token)
        try:
            with self._engine.begin() as connection:
                connection.execute(self._rows.insert().values(key=key, attempt=1, **mine))
        except self._conflict:
            with self._engine.begin() as connection:
                ended = connection.execute(self._sa.select(rows.done).where(rows.key == key)).scalar()
            return Turn(Claim.DONE if ended else Claim.BUSY)
        return Turn(Claim.MINE, 1, token)

    def done(self, key: str, turn: Turn) -> None:
        """It is handled."""
        self._end(key, turn, done=True, until=self._clock() + self._ttl)

    def release(self, key: str, turn: Turn) -> None:
        """It failed."""
        self._end(key, turn, done=False, until=self._clock())

    def _end(self, key: str, turn: Turn, **values: Any) -> None:
        with self._engine.begin() as connection:
            connection.execute(self._rows.update().where(self._rows.c.key == key, self._rows.c.token == turn.token).values(**values))

    def _sweep(self, now: float) -> None:
        if now - self._swept > self._ttl / 24:
            self._swept = now
            with self._engine.begin() as connection:
                connection.execute(self._rows.delete().where(self._rows.c.until < now - self._ttl))
