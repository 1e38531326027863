from __future__ import annotations

import importlib.util
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("dbos")

from siyu_sdk.core.errors import InputError, UsageError
from siyu_sdk.sop.dbos_engine import DBOSEngine, open_client, purge
from siyu_sdk.sop.worker import Worker

SHOP = Path(__file__).parent / "chaos" / "shop.py"
KILLS = min(int(os.environ.get("SIYU_CHAOS_ROUNDS", "2")), 20)


def _shop_class() -> Any:
    spec = importlib.util.spec_from_file_location("chaos_shop", SHOP)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Any]:
    shop = _shop_class()(tmp_path)
    yield shop
    shop.ledger.close()


@pytest.fixture
def engine(shop: Any) -> DBOSEngine:
    return DBOSEngine(shop.url)


def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


@contextmanager
def process(shop: Any, name: str, silence: float = 15.0) -> Iterator[subprocess.Popen[str]]:
    worker = subprocess.Popen([sys.executable, str(SHOP), str(shop.folder), name, str(silence)], stdout=subprocess.PIPE, text=True)
    try:
        assert worker.stdout
        assert worker.stdout.readline() == "ready\n"
        yield worker
    finally:
        worker.kill()
        worker.communicate()


def rows(shop: Any) -> dict[str, str]:
    with open_client(shop.url) as (client, _):
        return {row.workflow_id: row.status for row in client.list_workflows(load_input=False, load_output=False)}


def forget(shop: Any, *ended: str) -> int:
    with open_client(shop.url) as (client, _):
        return purge(client, lambda batches: [batch for batch in batches if batch in ended])


# Taking on


def test_submitting_twice_is_submitting_once(shop: Any, engine: DBOSEngine) -> None:
    batches = shop.plan("a", "b")
    shop.run(engine.submit([*batches, "a"], shop.work))
    shop.run(engine.submit(batches, shop.work))
    assert rows(shop) == {"a": "ENQUEUED", "b": "ENQUEUED"}


def test_submitting_returns_without_working_and_without_owning_the_engine(shop: Any, engine: DBOSEngine) -> None:
    before = threading.active_count()
    shop.run(engine.submit(shop.plan("a"), shop.work))
    assert shop.states() == {"a": "new"}
    assert threading.active_count() == before


@pytest.mark.parametrize("batch", ["", "  ", "a#1"])
def test_an_id_that_could_not_be_told_apart_is_refused(shop: Any, engine: DBOSEngine, batch: str) -> None:
    with pytest.raises(InputError, match="id of a batch"):
        shop.run(engine.submit(["good", batch], shop.work))
    assert not (shop.folder / "siyu.db").exists() or "good" not in rows(shop)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://u:secret@host/x", "not a url with secret"])
def test_a_database_that_cannot_be_shared_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="database_url") as caught:
        DBOSEngine(url)
    assert "secret" not in str(caught.value)


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(DBOSEngine("postgresql://user:secret@host/db"))


def test_the_database_is_in_wal_mode_and_stores_plain_json(shop: Any, engine: DBOSEngine) -> None:
    shop.run(engine.submit(shop.plan("a"), shop.work))
    with open_client(shop.url) as (client, database), database.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1
        assert connection.exec_driver_sql("SELECT inputs FROM workflow_input").scalar() == '{"namedArgs":{},"positionalArgs":["a",0]}'
        assert client.list_workflows()[0].app_version == "siyu-1"


# Working


def test_batches_come_to_their_end_each_sent_once(shop: Any, engine: DBOSEngine) -> None:
    batches = shop.plan(*(f"b{n}" for n in range(20)), "wait1", "wait2", "bad")
    shop.run(engine.submit(batches, shop.work))
    assert forget(shop, *batches) == 0
    with Worker(shop, shop.url, name="worker-1"):
        with pytest.raises(UsageError, match="has a worker already"):
            Worker(shop, shop.url, name="worker-2").start()
        until(lambda: shop.count("done") == 22 and shop.count("held") == 1)
        until(lambda: set(rows(shop).values()) == {"SUCCESS"})
        assert shop.sends() == dict.fromkeys(batches[:-1], 1)
        # What fails is held with its reason, after one look, and stays so …
        assert shop.note("bad") == "RuntimeError: this batch is broken"
        assert shop.looks("bad") == 1
        # … until an operator has mended it: submitting it again takes it up, and leaves the others alone.
        looks = shop.looks("b1"), shop.looks("wait1")
        shop.change("bad", "mended")
        shop.run(engine.submit(batches, shop.work))
        until(lambda: shop.count("done") == 23)
        assert (shop.looks("b1"), shop.looks("wait1")) == looks
    assert shop.ledger.silent(-60) == []  # signed off
    assert shop.sends() == dict.fromkeys(batches, 1)
    assert forget(shop, "wait1") == 2
    assert {"wait1", "wait1#1"}.isdisjoint(rows(shop))
    assert {"b1", "wait2", "wait2#1"} <= set(rows(shop))


def test_a_batch_that_waits_long_holds_no_place_and_gathers_no_history(
    shop: Any, engine: DBOSEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []

    def work(batch: str) -> Any:
        if batch == "quick":
            shop.change(batch, "done")
            return None
        looks.append(batch)
        return 0.0 if looks.count(batch) < 4 else 3600.0
        yield

    monkeypatch.setattr(shop, "work", work)
    slow = [f"slow{n}" for n in range(5)]
    shop.run(engine.submit(slow, shop.work))
    with Worker(shop, shop.url, name="worker-1", concurrency=1):
        until(lambda: list(rows(shop).values()).count("DELAYED") == 5)
        shop.run(engine.submit(shop.plan("quick"), shop.work))
        until(lambda: shop.count("done") == 1)
        until(lambda: "PENDING" not in rows(shop).values())
    assert len(looks) == 20
    assert set(rows(shop)) == {*slow, *(f"{batch}#{turn}" for batch in slow for turn in (2, 3, 4)), "quick"}


def test_a_worker_forgets_what_has_ended_and_nothing_else(shop: Any, engine: DBOSEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    from siyu_sdk.records import BATCHES, Batch, BatchState, stored

    monkeypatch.setattr("siyu_sdk.sop.worker.TIDY", 0.1)
    states = {"gone": BatchState.SENT, "waits": BatchState.HELD, "bad": BatchState.WAITING, "open": BatchState.INTENT}
    batches = shop.plan(*states, "unknown")
    with shop.ledger._transaction() as connection:
        for batch, state in states.items():
            connection.execute(BATCHES.insert(), stored(Batch(batch, "c", "s", "message", "amy", {}, state)))
    shop.run(engine.submit(batches, shop.work))
    with Worker(shop, shop.url, name="worker-1"):
        until(lambda: shop.count("done") == 4 and not {"gone", "waits", "waits#1"} & rows(shop).keys())
        time.sleep(0.5)
        assert set(rows(shop)) == {"bad", "open", "unknown"}
        shop.run(engine.submit(["gone"], shop.work))  # by a process that had read the ledger before
        until(lambda: "gone" not in rows(shop))
    assert shop.sends() == dict.fromkeys(("gone", "waits", "open", "unknown"), 1)


def test_what_cannot_even_be_held_is_looked_at_again_later(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def hold(batch: str, reason: str) -> Any:
        raise OSError("the disk is full")
        yield

    monkeypatch.setattr(shop, "hold", hold)
    shop.plan("bad")
    assert Worker(shop, shop.url, name="worker-1")._look("bad") == 60.0


# One owner, one name


@pytest.mark.parametrize(("given", "field"), [({"name": " "}, "name"), ({"concurrency": 0}, "concurrency"), ({"silence": 0.1}, "silence")])
def test_settings_that_make_no_sense_are_refused(shop: Any, given: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as caught:
        Worker(shop, shop.url, **({"name": "worker-1"} | given))
    assert caught.value.field == field


# Dying


def test_a_signal_ends_the_worker_and_leaves_the_rest_for_the_next(shop: Any, engine: DBOSEngine) -> None:
    batches = shop.plan(*(f"b{n}" for n in range(80)))
    shop.run(engine.submit(batches, shop.work))
    with process(shop, "worker-1") as worker:
        until(lambda: shop.count("done") >= 10)
        worker.send_signal(signal.SIGINT)
        assert worker.wait(10) == 130
    left = 80 - shop.count("done")
    assert left > 0
    assert shop.count("intent") == 0
    assert "PENDING" not in rows(shop).values()
    assert shop.ledger.silent(-60) == []


@pytest.mark.slow
@pytest.mark.chaos
def test_a_worker_killed_again_and_again_loses_and_doubles_nothing(shop: Any, engine: DBOSEngine) -> None:
    batches = shop.plan(*(f"b{n}" for n in range(KILLS * 50)), *(f"wait{n}" for n in range(20)))
    shop.run(engine.submit(batches, shop.work))
    for kill in range(KILLS):
        with process(shop, "worker-1") as worker:
            so_far = shop.count("done") + 40 * bool(kill)
            until(lambda so_far=so_far: shop.count("done") >= so_far + random.randrange(10))  # type: ignore[misc]
            worker.kill()
    with process(shop, "worker-1") as worker:
        until(lambda: shop.count("done") == len(batches))
        worker.terminate()
        assert worker.wait(10) == 0
    assert shop.sends() == dict.fromkeys(batches, 1)


@pytest.mark.chaos
def test_the_work_of_a_worker_that_never_returns_is_adopted(shop: Any, engine: DBOSEngine) -> None:
    batches = shop.plan(*(f"b{n}" for n in range(60)))
    shop.run(engine.submit(batches, shop.work))
    with process(shop, "worker-1") as worker:
        until(lambda: shop.ledger.silent(-60) == ["worker-1"])
        with pytest.raises(UsageError, match="another name"):
            Worker(shop, shop.url, name="worker-1").start()
        until(lambda: shop.count("done") >= 20)
        worker.kill()
        worker.wait()
    assert "PENDING" in rows(shop).values()
    with Worker(shop, shop.url, name="worker-2", silence=1.5):
        until(lambda: shop.count("done") == 60)
        until(lambda: shop.ledger.silent(-60) == ["worker-2"])
    assert shop.sends() == dict.fromkeys(batches, 1)
