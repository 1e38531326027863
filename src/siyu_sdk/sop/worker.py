"""The worker: a process that carries the batches of a database to their end, one short look after another."""

from __future__ import annotations

import hashlib
import logging
import os
import signal
import sqlite3
import threading
from collections.abc import Generator, Iterable
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, ClassVar, Final, Protocol, Self, TypeVar

from ..core.call import Flow
from ..core.clock import Clock
from ..core.errors import InputError, UsageError
from . import dbos_engine as shared  # first: it silences the engine's own logging, and says how to install what is missing

import sqlalchemy as sa  # isort: skip
from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer  # isort: skip

T = TypeVar("T")
log = logging.getLogger(__name__)

POLL: Final = 0.5
"""Seconds between two questions to the queue."""
AHEAD: Final = 8
"""Looks taken from the queue for each one that runs at a time, so that there is work until the next question."""
LEDGER_RETRY: Final = 60.0
"""Seconds until the next look where not even a failure could be written down."""
TIDY: Final = 3600.0
"""Seconds between two times that what has ended is forgotten."""


class Books(Protocol):
    """What a worker needs of the ledger: who of the workers lives, and which batches have ended."""

    def beat(self, name: str, /) -> None:
        """Say that this worker lives."""
        ...

    def silent(self, seconds: float, /) -> list[str]:
        """Name the workers that have not been heard of for so long."""
        ...

    def forget(self, name: str, /) -> None:
        """Strike out a worker that is gone, and whose work is adopted."""
        ...

    def ended(self, batches: Iterable[str], /) -> list[str]:
        """Name those of these batches that nobody will work on any more."""
        ...


class Hub(Protocol):
    """What a worker works with: `Siyu`, or anything that does the same."""

    @property
    def clock(self) -> Clock:
        """What pauses are measured by."""
        ...

    @property
    def ledger(self) -> Any:  # Books; said so, pyright would refuse a hub whose ledger is a cached_property
        """Where workers leave signs of life."""
        ...

    def run(self, flow: Flow[T], /) -> T:
        """Run a flow."""
        ...

    def work(self, batch: str, /) -> Flow[float | None]:
        """Look at a batch: gives seconds until the next look, or None when it has ended. Safe at any time, in any process."""
        ...

    def hold(self, batch: str, reason: str, /) -> Flow[None]:
        """Keep a batch for an operator."""
        ...


class Worker:
    """Works on the batches that `DBOSEngine` took on, in a process of its own.

    `name` is who this worker is: the same after a restart, another one in every other process of this database (the name of a live
    worker is refused). `concurrency` is how many looks it runs at once; the worker that started last decides on the pace of all.
    A worker that is killed goes on where it was when it is back; if it does not come back, the others adopt its work after
    `silence` seconds. Stopping waits up to `grace` seconds for looks that are under way, and leaves the rest in the database.

        Worker(siyu, "sqlite:///siyu.db", name="worker-1").run()        # until SIGTERM or Ctrl-C

    One worker in a process, and no DBOS application of your own beside it: the engine knows one owner in each process.
    """

    _live: ClassVar[Worker | None] = None
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(
        self,
        hub: Hub,
        database_url: str = "sqlite:///siyu.db",
        *,
        name: str,
        queue: str = "siyu",
        concurrency: int = 4,
        silence: float = 15.0,
        grace: float = 30.0,
    ) -> None:
        if not name.strip():
            raise InputError("name: a worker needs a name of its own", "name")
        if concurrency < 1:
            raise InputError(f"concurrency: at least 1, not {concurrency}", "concurrency")
        if silence < 1:
            raise InputError(f"silence: at least 1 second, not {silence}", "silence")
        self.hub = hub
        self.database_url = shared.checked_url(database_url)
        self.name = name
        self.queue = queue
        self.concurrency = concurrency
        self.silence = silence
        self.grace = grace
        self._books: Books = hub.ledger
        self._slots = threading.BoundedSemaphore(concurrency)
        self._stopping = threading.Event()
        self._stopped = threading.Event()
        self._exits = ExitStack()

    def __repr__(self) -> str:
        return f"<Worker {self.name!r} queue={self.queue!r} concurrency={self.concurrency}>"

    @property
    def address(self) -> str:
        """The database, without its password."""
        return sa.make_url(self.database_url).render_as_string(hide_password=True)

    # Life

    def run(self) -> int:
        """Work until SIGTERM or Ctrl-C; gives the exit code, 0 or 130. For the main thread of a process."""
        caught: list[int] = []

        def catch(number: int, _frame: FrameType | None) -> None:
            if caught:
                os._exit(130)  # asked twice: what is under way stays in the database, as after a crash
            caught.append(number)
            self._stopping.set()

        before = {number: signal.signal(number, catch) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            with self:
                self._stopping.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return 130 if signal.SIGINT in caught else 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to work, in threads of this process.

        Raises:
            UsageError: this process has a worker or a DBOS application already, or a live worker elsewhere has this name.
        """
        with Worker._lock:
            if Worker._live is not None:
                raise UsageError(f"this process has a worker already, {Worker._live!r}: the engine knows one owner in each process")
            Worker._live = self
        self._exits.callback(self._leave)
        try:
            self._open()
        except BaseException:
            self._exits.close()
            raise

    def stop(self) -> None:
        """Take no more work, wait for what is under way, and leave the rest to the next start or to other workers."""
        self._stopping.set()
        self._exits.close()

    def _leave(self) -> None:
        with Worker._lock:
            Worker._live = None

    def _open(self) -> None:
        """Open what a worker needs; each thing says how it is closed, in the other order."""
        self._exits.enter_context(_name_claimed(self.database_url, self.name))
        client, engine = self._exits.enter_context(shared.open_client(self.database_url, pool_size=20))
        # A sign of life goes before the first piece of work: whoever never gave one could not be missed.
        self._books.beat(self.name)
        self._exits.callback(self._sign_off, client)
        for name, work in (("siyu-heartbeat", self._watch), ("siyu-tidy", self._tidy)):
            thread = threading.Thread(target=work, args=(client,), name=name, daemon=True)
            thread.start()
            self._exits.callback(thread.join)
        self._exits.callback(self._stopped.set)
        client.register_queue(
            self.queue,
            worker_concurrency=self.concurrency * AHEAD,
            polling_interval_sec=POLL,
            on_conflict="always_update",
            application_name=shared.APPLICATION,
        )
        self._launch(client, engine)

    def _launch(self, client: DBOSClient, engine: sa.Engine) -> None:
        DBOS(
            config={
                "name": shared.APPLICATION,
                "system_database_engine": engine,
                "application_version": shared.VERSION,
                "executor_id": self.name,
                "serializer": DBOSPortableJSONSerializer(),
                "log_level": "WARNING",
            }
        )
        if DBOS.executor_id != self.name:  # a second DBOS() gives the first one back, and drops its settings without a word
            raise UsageError("this process has a DBOS application of its own; run the worker in another process")
        self._exits.callback(DBOS.destroy, destroy_registry=True, workflow_completion_timeout_sec=max(1, round(self.grace)))

        def look(batch: str) -> float | str:
            return self._look(batch)

        def deliver(batch: str, turn: int) -> str:
            said = DBOS.run_step({"name": "look"}, look, batch)
            if turn > 2:  # the last but one is history: whoever could ask for it has ended. The first stays, as the mark of a known batch
                client.delete_workflow(shared.look_id(batch, turn - 2))
            if isinstance(said, str):
                return said
            DBOS.enqueue_workflow_with_options(shared.look_options(self.queue, batch, turn + 1, said), batch, turn + 1)
            return shared.LATER

        DBOS.workflow(name=shared.WORKFLOW)(deliver)
        DBOS.listen_queues([self.queue])
        DBOS.launch()

    # Work

    def _look(self, batch: str) -> float | str:
        """Look once; gives the real seconds until the next look, or the last word."""
        with self._slots:
            if self._stopping.is_set():
                return 0.0
            try:
                pause = self.hub.run(self.hub.work(batch))
            except Exception as error:
                log.exception("batch %s is held: looking at it failed", batch)
                return self._hold(batch, error)
        return shared.ENDED if pause is None else self.hub.clock.sleep(max(pause, 0.0))

    def _hold(self, batch: str, error: Exception) -> float | str:
        try:
            self.hub.run(self.hub.hold(batch, f"{type(error).__name__}: {error}"[:500]))
        except Exception:
            log.exception("batch %s could not be held either; next look in %.0f s", batch, LEDGER_RETRY)
            return LEDGER_RETRY
        return shared.HELD

    # Neighbours

    def _watch(self, client: DBOSClient) -> None:
        """Give signs of life, and adopt the work of workers that have stopped to."""
        while not self._stopped.wait(self.silence / 3):
            try:
                self._books.beat(self.name)
                for name in self._books.silent(self.silence):
                    if name != self.name:
                        self._adopt(client, name)
            except Exception:
                log.exception("%r could not give a sign of life; it tries again", self)

    def _adopt(self, client: DBOSClient, name: str) -> None:
        stranded = _under_way(client, name)
        for workflow in stranded:
            client.resume_workflow(workflow, queue_name=self.queue)  # unnamed, it would go to a queue that is not ours
        self._books.forget(name)
        log.warning("%s has been silent for %.0f s; %s adopted %d looks of it", name, self.silence, self.name, len(stranded))

    def _tidy(self, client: DBOSClient) -> None:
        """Forget what the engine knows of batches that have ended: nothing else grows with time."""
        while not self._stopped.wait(TIDY):
            try:
                log.info("%d looks at batches that have ended were forgotten", shared.purge(client, self._books.ended))
            except Exception:
                log.exception("%r could not forget what has ended; it tries again", self)

    def _sign_off(self, client: DBOSClient) -> None:
        """Leave no trace, unless looks are still under way: then the silence that follows has them adopted."""
        if not _under_way(client, self.name):
            self._books.forget(self.name)


def _under_way(client: DBOSClient, name: str) -> list[str]:
    rows = client.list_workflows(status="PENDING", executor_id=name, name=shared.WORKFLOW, load_input=False, load_output=False)
    return [row.workflow_id for row in rows]


@contextmanager
def _name_claimed(url: str, name: str) -> Generator[None]:
    """Hold a lock on a worker's name that the system releases when the process dies, however it dies."""
    parsed = sa.make_url(url)
    taken = UsageError(f"a worker named {name!r} is at work on this database already; give this one another name")
    digest = hashlib.sha256(name.encode()).digest()
    if parsed.get_backend_name() == "sqlite":
        path = Path(f"{parsed.database}.{digest.hex()[:8]}.lock")
        lock = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            try:
                lock.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError:
                raise taken from None
            yield
            with suppress(OSError):
                path.unlink()
        finally:
            lock.close()
    else:
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                if not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(int.from_bytes(digest[:8], signed=True)))):
                    raise taken
                yield
        finally:
            engine.dispose()
