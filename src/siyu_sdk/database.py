"""The database under the ledger: SQLite (WAL) by default, PostgreSQL by URL; any number of processes may share it."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from .records import META

import sqlalchemy as sa  # isort: skip -- after records, which says how to install it
from sqlalchemy import event  # isort: skip
from sqlalchemy.exc import IntegrityError, ProgrammingError  # isort: skip

CHUNK = 400
"""Values in one `IN (…)`: SQLite allows 999 variables in its oldest builds."""


def chunks(items: Iterable[str]) -> Iterable[list[str]]:
    """Cut into pieces that fit into one statement."""
    whole = list(items)
    return (whole[i : i + CHUNK] for i in range(0, len(whole), CHUNK))


class Database:
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
            event.listen(self._engine, "connect", _tune_sqlite)
            event.listen(self._engine, "begin", _begin_immediate)
        self._opening = threading.Lock()
        self._open = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._engine.url.render_as_string(hide_password=True)}>"

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


def _tune_sqlite(connection: Any, _record: Any) -> None:
    """Prepare a new connection: a write-ahead log, a sync at checkpoints only, writers that wait for their turn."""
    connection.isolation_level = None  # the driver's own transactions would begin late; see below
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=30000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Any) -> None:
    """Begin a transaction: its execution option `siyu_reads` says that it only reads."""
    # A writer takes its lock at once: a reader that turns writer later could not wait for its turn.
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("siyu_reads") else "BEGIN IMMEDIATE")
