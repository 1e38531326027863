"""Tokens in a database: for processes on many machines that share one anyway."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import Any, Final

from ..errors import InputError, UsageError
from ..tokens import Token
from .shared import LEASE, SharedTokenCache

try:
    import sqlalchemy as sa
    from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError
except ImportError:  # pragma: no cover -- an environment without the extra
    raise UsageError('SQLTokenCache needs SQLAlchemy: pip install "siyu-sdk[sql]"') from None

TABLE: Final = sa.Table(
    "siyu_tokens",
    sa.MetaData(),
    sa.Column("key", sa.String(200), primary_key=True),
    sa.Column("value", sa.Text, nullable=False, default=""),
    sa.Column("expires_at", sa.Double, nullable=False, default=0.0),
    sa.Column("ends_at", sa.Double, nullable=False, default=0.0),
    sa.Column("lease_owner", sa.String(32), nullable=False, default=""),
    sa.Column("lease_until", sa.Double, nullable=False, default=0.0),
)
C: Final = TABLE.c
FAR: Final = 10
"""Of our own leases, that nobody takes one for."""
_POSTGRES: Final = {"connect_timeout": 3, "tcp_user_timeout": 5000, "options": "-c statement_timeout=5000"}


class SQLTokenCache(SharedTokenCache):
    """Shares tokens over SQLite (one machine) or PostgreSQL: `SQLTokenCache("postgresql://…")`, or with a SQLAlchemy engine of your own.

    One table, `siyu_tokens`, made where it is missing; one statement for each step, no transaction stays open. The table holds the tokens
    themselves, under hashed keys: keep it from those who must not have them. Needs `pip install "siyu-sdk[sql]"`.
    """

    def __init__(self, engine: str | sa.Engine, *, lease: float = LEASE) -> None:
        """`engine` is a URL or an engine; a URL gets time-outs of a few seconds."""
        super().__init__(lease=lease)
        self._engine = _engine(engine) if isinstance(engine, str) else engine.execution_options(isolation_level="AUTOCOMMIT")
        self._own = isinstance(engine, str)
        self._pid = os.getpid()
        self._made = False

    def read(self, key: str) -> tuple[object, float, float] | None:
        """What the row says."""
        row = self._run(sa.select(C.value, C.expires_at, C.ends_at).where(C.key == key, C.value != ""))
        return (row.value, row.expires_at, row.ends_at) if row is not None else None

    def write(self, key: str, token: Token, owner: str) -> bool:
        """Update the row, if the lease is still this owner's."""
        values = {"value": token.value, "expires_at": token.expires_at, "ends_at": token.ends_at}
        ours = (C.key == key, C.lease_owner == owner) if owner else (C.key == key,)
        update = TABLE.update().where(*ours).values(values)
        if self._run(update):
            return True
        return not owner and (self._insert(key, values) or bool(self._run(update)))

    def remove(self, key: str, value: str) -> None:
        """Empty the row if it holds that token."""
        self._run(TABLE.update().where(C.key == key, C.value == value).values(value="", expires_at=0.0, ends_at=0.0))

    def take(self, key: str, owner: str) -> bool:
        """Write our name into the row if no other name is there, or its time is over, by the database's clock, which may be turned back."""
        now = self._now()
        free = (C.lease_owner == "") | (C.lease_until < now) | (C.lease_until > now + FAR * self.lease)
        values = {"lease_owner": owner, "lease_until": now + self.lease}
        return bool(self._run(TABLE.update().where(C.key == key, free).values(values))) or self._insert(key, values)

    def free(self, key: str, owner: str) -> None:
        """Take our name out again."""
        self._run(TABLE.update().where(C.key == key, C.lease_owner == owner).values(lease_owner=""))

    def close(self) -> None:
        """Close the connections to a URL; an engine of your own stays open."""
        if self._own:
            self._engine.dispose()

    def _insert(self, key: str, values: dict[str, Any]) -> bool:
        """Make the row; False where somebody was quicker, or it is there already."""
        with suppress(IntegrityError):
            return bool(self._run(TABLE.insert().values(key=key, **values)))
        return False

    def _now(self) -> Any:
        """Machines may disagree about the time; there is one database. A SQLite file is on this machine."""
        if self._engine.dialect.name == "sqlite":
            return time.time()
        return sa.extract("epoch", sa.func.clock_timestamp())

    def _run(self, statement: Any) -> Any:
        """Give the first row, or how many rows were changed."""
        if self._pid != os.getpid():  # a forked child makes connections of its own, and lets the parent's alone
            self._engine.dispose(close=False)
            self._pid = os.getpid()
        with self._engine.connect() as connection:
            if not self._made:
                self._make(connection)
            result = connection.execute(statement)
            return result.first() if result.returns_rows else result.rowcount

    def _make(self, connection: sa.Connection) -> None:
        with suppress(DatabaseError):  # another process makes it at the same moment
            TABLE.metadata.create_all(connection)
        self._made = sa.inspect(connection).has_table(TABLE.name)


def _engine(url: str) -> sa.Engine:
    with suppress(ArgumentError, ValueError):
        return _opened(sa.make_url(url))
    raise InputError(
        "engine: a URL such as postgresql://user:password@host/database is expected; what a password has of / or @ is written as %2F, %40",
        "engine",
    )


def _opened(address: sa.URL) -> sa.Engine:
    if address.drivername == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    options: dict[str, Any] = {"hide_parameters": True, "isolation_level": "AUTOCOMMIT"}
    if address.get_backend_name() == "sqlite":
        return sa.create_engine(address, connect_args={"timeout": 5}, **options)
    arguments = dict(_POSTGRES) if address.drivername == "postgresql+psycopg" else {}
    return sa.create_engine(address, connect_args=arguments, pool_pre_ping=True, pool_timeout=10, **options)
