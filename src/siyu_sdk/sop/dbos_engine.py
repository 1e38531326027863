"""The durable engine: DBOS carries batches over crashes, restarts and waits of days.

Two halves. `DBOSEngine` takes batches on; it is for any process, a web server too, since it never owns the engine. `Worker` (in
`siyu_sdk.sop.worker`) works on them, in a process of its own.

What happens to a batch: each look at it is one short workflow. When the look says «again in so many seconds», the workflow enqueues
the next look with that delay, and ends. So a batch that waits for days is a row and nothing else: it holds no thread and no place
in the queue, it cannot starve a batch that could be sent now, and its history does not grow. The first look has the batch's own
id, those after it are called `<batch>#<turn>`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from ..core.call import Flow, Local
from ..core.errors import InputError, UsageError
from .engine import Work

logging.getLogger("dbos").addHandler(logging.NullHandler())  # before its first use: DBOS prints on a logger that nobody has claimed

try:
    import sqlalchemy as sa
    from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer, EnqueueOptions, WorkflowStatus
    from dbos import error as dbos_error
    from sqlalchemy import event
    from sqlalchemy.exc import ArgumentError
except ImportError:  # pragma: no cover -- an environment without the extra
    raise UsageError('the durable engine needs DBOS: pip install "siyu-sdk[sop]"') from None

APPLICATION: Final = "siyu"
VERSION: Final = "siyu-1"
"""Pinned: left to itself it is a hash of the source, and an upgrade would strand whatever was begun before it."""
WORKFLOW: Final = "deliver"
LINK: Final = "#"

ENDED: Final = "ended"
"""A look's last word: the batch has come to its end."""
HELD: Final = "held"
"""… the batch waits for an operator."""
LATER: Final = "later"
"""… the next look is in the queue."""

ACTIVE: Final = ("PENDING", "ENQUEUED", "DELAYED")
CHUNK: Final = 100
"""Batches in one transaction: others that write wait for some 50 ms at most."""


class DBOSEngine:
    """Hands batches to the workers of a database: `sqlite:///siyu.db` on one machine, `postgresql+psycopg://…` on many.

    `submit` returns at once; `siyu worker` (or a `Worker` of your own) has to run somewhere. The tables are created at first use.
    """

    def __init__(self, database_url: str = "sqlite:///siyu.db", queue: str = "siyu") -> None:
        self.database_url = checked_url(database_url)
        self.queue = queue

    def __repr__(self) -> str:
        return f"<DBOSEngine {sa.make_url(self.database_url).render_as_string(hide_password=True)} queue={self.queue!r}>"

    def submit(self, batches: Sequence[str], work: Work) -> Flow[None]:  # noqa: ARG002 -- each worker has the work from its own hub
        """Take on these batches. One that is being carried, or has ended, is left alone; one that was held is taken up again.

        Raises:
            InputError: a batch id is empty or has a `#`.
        """
        for batch in batches:
            if not batch.strip() or LINK in batch:
                raise InputError(f"batches: {batch!r} cannot be the id of a batch: it must not be empty, nor contain {LINK!r}", "batches")
        yield from Local(self._submit, list(dict.fromkeys(batches)))

    def _submit(self, batches: list[str]) -> None:
        with open_client(self.database_url) as (client, engine):
            for chunk in chunks(batches):
                with engine.begin() as connection:
                    for batch in chunk:
                        client.enqueue_in_transaction(connection, look_options(self.queue, batch, 0), batch, 0)
                stopped = [row.workflow_id for row in _rows(client, chunk) if row.status not in ACTIVE and row.output != ENDED]
                for rows in _chains(client, stopped).values():
                    self._take_up_again(client, rows[-1])

    def _take_up_again(self, client: DBOSClient, last: WorkflowStatus) -> None:
        """Go on where a chain of looks stopped: after a hold, a cancellation, or too many crashes in one look."""
        if last.status in ACTIVE or last.output == ENDED:
            return
        try:
            client.rewind_workflow(last.workflow_id, queue_name=self.queue, application_version=VERSION)
        except dbos_error.DBOSException:
            logging.getLogger(__name__).debug("somebody else took up %s", last.workflow_id)


def purge(client: DBOSClient, ended: Callable[[list[str]], Iterable[str]]) -> int:
    """Forget the looks at batches that have ended; `ended` says of some which have. Gives the number of rows removed.

    Nothing else grows with time. A batch that was forgotten too soon would be taken on anew, and its first look finds that it has ended.
    """
    removed = 0
    done = client.list_workflows(name=WORKFLOW, status="SUCCESS", load_input=False, load_output=False)
    for chunk in chunks(dict.fromkeys(_batch(row) for row in done)):
        chains = _chains(client, list(ended(chunk))).values()
        finished = [row.workflow_id for rows in chains if not any(row.status in ACTIVE for row in rows) for row in rows]
        client.delete_workflows(finished)
        removed += len(finished)
    return removed


def look_options(queue: str, batch: str, turn: int, delay: float = 0.0) -> EnqueueOptions:
    """How the look number `turn` at a batch is enqueued; doing it twice is doing it once, as its id says."""
    options: EnqueueOptions = {
        "workflow_name": WORKFLOW,
        "queue_name": queue,
        "workflow_id": look_id(batch, turn),
        "app_version": VERSION,
        "application_name": APPLICATION,
    }
    if delay > 0:
        options["delay_seconds"] = delay
    return options


def look_id(batch: str, turn: int) -> str:
    """The workflow id of a look."""
    return f"{batch}{LINK}{turn}" if turn else batch


def _rows(client: DBOSClient, batches: Sequence[str]) -> list[WorkflowStatus]:
    return client.list_workflows(workflow_ids=list(batches), name=WORKFLOW, load_input=False) if batches else []


def _chains(client: DBOSClient, batches: Sequence[str]) -> dict[str, list[WorkflowStatus]]:
    """What is kept of the looks at these batches, in their order: the first, and the newest ones."""
    rows = _rows(client, batches)
    if batches:
        prefixes = [f"{batch}{LINK}" for batch in batches]
        rows += client.list_workflows(workflow_id_prefix=prefixes, name=WORKFLOW, load_input=False)
    found: dict[str, list[WorkflowStatus]] = {}
    for row in sorted(rows, key=_turn):
        found.setdefault(_batch(row), []).append(row)
    return found


def _batch(row: WorkflowStatus) -> str:
    return row.workflow_id.partition(LINK)[0]


def _turn(row: WorkflowStatus) -> int:
    return int(row.workflow_id.partition(LINK)[2] or 0)


def chunks(batches: Iterable[str]) -> Iterator[list[str]]:
    """Cut into pieces that fit into one transaction."""
    whole = list(batches)
    return (whole[start : start + CHUNK] for start in range(0, len(whole), CHUNK))


# The database


def checked_url(url: str) -> str:
    """Refuse what processes cannot share."""
    try:
        parsed = sa.make_url(url)
    except ArgumentError:
        raise InputError("database_url is no database URL; write sqlite:///siyu.db or postgresql+psycopg://…", "database_url") from None
    if parsed.get_backend_name() == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            raise InputError("database_url: a database in memory cannot be shared with a worker; name a file", "database_url")
    elif parsed.get_backend_name() == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    else:
        raise InputError(f"database_url: SQLite or PostgreSQL, not {parsed.get_backend_name()}", "database_url")
    return parsed.render_as_string(hide_password=False)


def open_engine(url: str, pool_size: int = 5) -> sa.Engine:
    """Connect to the database. SQLite: write-ahead log, a sync at checkpoints only, writers that wait for their turn."""
    sqlite = url.startswith("sqlite")
    options = {} if sqlite else {"options": "-c idle_in_transaction_session_timeout=60000"}  # a frozen process shall not keep its locks
    engine = sa.create_engine(url, pool_size=pool_size, max_overflow=0, pool_timeout=30, pool_pre_ping=True, connect_args=options)
    if sqlite:
        event.listen(engine, "connect", _tune_sqlite)
    return engine


def _tune_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = "IMMEDIATE"  # a transaction that begins as a reader could not wait for the writers before it
    for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


@contextmanager
def open_client(url: str, pool_size: int = 5) -> Generator[tuple[DBOSClient, sa.Engine]]:
    """A client of the engine, and the connections under it; the tables are made where they are missing."""
    engine = open_engine(url, pool_size)
    try:
        schema = None if engine.dialect.name == "sqlite" else "dbos"
        if not sa.inspect(engine).has_table("workflow_status", schema=schema):
            DBOS.migrate(url)
        client = DBOSClient(system_database_engine=engine, serializer=DBOSPortableJSONSerializer(), application_name=APPLICATION)
        try:
            yield client, engine
        finally:
            client.destroy()
    finally:
        engine.dispose()
