"""A small business to kill workers in: a hub whose batches are rows, and a platform that counts what it was sent.

Run as a program it is a worker of that business: `shop.py URL NAME [SILENCE]`, until SIGTERM.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from siyu_sdk.core.call import Flow, Local
from siyu_sdk.core.run import Runner
from siyu_sdk.ledger import Ledger

SETTLE = 0.5
"""Seconds after which a send whose outcome is unknown shows at the platform, if it ever arrived."""


class Shop(Runner):
    """Batches named `*wait*` wait a moment at their first look; those named `*bad*` fail until they are mended."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"sqlite:///{folder / 'siyu.db'}"
        self.ledger = Ledger(self.url)
        with self._db() as db:
            db.execute("CREATE TABLE IF NOT EXISTS batch (id TEXT PRIMARY KEY, state TEXT, at REAL, note TEXT, looks INT DEFAULT 0)")
            db.execute("CREATE TABLE IF NOT EXISTS sent (batch TEXT, at REAL)")

    @contextmanager
    def _db(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self.folder / "shop.db", timeout=30, isolation_level=None)
        try:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=NORMAL")
            yield db
        finally:
            db.close()

    def plan(self, *batches: str) -> list[str]:
        with self._db() as db:
            db.execute("BEGIN IMMEDIATE")
            db.executemany("INSERT INTO batch (id, state, at, note) VALUES (?, 'new', 0, '')", [(b,) for b in batches])
            db.execute("COMMIT")
        return list(batches)

    def states(self) -> dict[str, str]:
        with self._db() as db:
            return dict(db.execute("SELECT id, state FROM batch").fetchall())

    def count(self, state: str) -> int:
        return list(self.states().values()).count(state)

    def sends(self) -> dict[str, int]:
        with self._db() as db:
            return dict(db.execute("SELECT batch, COUNT(*) FROM sent GROUP BY batch").fetchall())

    def looks(self, batch: str) -> int:
        with self._db() as db:
            return int(db.execute("SELECT looks FROM batch WHERE id = ?", (batch,)).fetchone()[0])

    def note(self, batch: str) -> str:
        with self._db() as db:
            return str(db.execute("SELECT note FROM batch WHERE id = ?", (batch,)).fetchone()[0])

    def change(self, batch: str, state: str, *, was: str | None = None, note: str = "") -> bool:
        with self._db() as db:
            row = db.execute(
                "UPDATE batch SET state = ?, at = ?, note = ? WHERE id = ? AND (? IS NULL OR state = ?)",
                (state, time.time(), note, batch, was, was),
            )
            return row.rowcount == 1

    def _read(self, batch: str) -> tuple[str, float]:
        with self._db() as db:
            db.execute("UPDATE batch SET looks = looks + 1 WHERE id = ?", (batch,))
            return db.execute("SELECT state, at FROM batch WHERE id = ?", (batch,)).fetchone()

    def _send(self, batch: str) -> None:
        time.sleep(0.01)
        with self._db() as db:
            db.execute("INSERT INTO sent VALUES (?, ?)", (batch, time.time()))
        time.sleep(0.01)

    def _arrived(self, batch: str) -> bool:
        return batch in self.sends()

    def work(self, batch: str) -> Flow[float | None]:
        state, at = yield from Local(self._read, batch)
        if state in ("done", "held"):
            return None
        if "bad" in batch and state != "mended":
            raise RuntimeError("this batch is broken")
        if "wait" in batch and state == "new":
            yield from Local(lambda: self.change(batch, "waited", was="new"))
            return 0.3
        if state == "intent":
            if (left := at + SETTLE - time.time()) > 0:
                return left
            arrived = yield from Local(self._arrived, batch)
            yield from Local(lambda: self.change(batch, "done" if arrived else "mended", was="intent"))
            return None if arrived else 0.0
        if not (yield from Local(lambda: self.change(batch, "intent", was=state))):
            return 0.5
        yield from Local(self._send, batch)
        yield from Local(lambda: self.change(batch, "done"))
        return None

    def hold(self, batch: str, reason: str) -> Flow[None]:
        yield from Local(lambda: self.change(batch, "held", note=reason))


def main(folder: str, name: str, silence: str = "15") -> int:
    from siyu_sdk.sop.worker import Worker

    shop = Shop(Path(folder))
    worker = Worker(shop, shop.url, name=name, silence=float(silence), grace=5)
    print("ready", flush=True)
    return worker.run()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
