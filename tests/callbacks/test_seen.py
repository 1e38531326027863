"""Stores of fingerprints: one delivery handles an event, over threads and processes, and a dead holder does not keep it."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from siyu_sdk import InputError
from siyu_sdk.callbacks import Claim, MemorySeen, RedisSeen, Seen, SqlSeen

Make = Callable[..., Seen]


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("there is no redis-server")
    place = tmp_path_factory.mktemp("redis") / "s"
    server = subprocess.Popen([program, "--port", "0", "--unixsocket", str(place), "--save", ""], stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 10
        while not place.exists():
            assert time.monotonic() < until
            time.sleep(0.02)
        yield f"unix://{place}"
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(params=["memory", "sql", "redis"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    made = list[Seen]()

    def build(**options: float) -> Seen:
        if request.param == "memory":
            made.append(MemorySeen(**options))  # type: ignore[arg-type]
        elif request.param == "sql":
            made.append(SqlSeen(f"sqlite:///{tmp_path}/seen.db", **options))  # type: ignore[arg-type]
        else:
            made.append(RedisSeen(request.getfixturevalue("redis_url"), prefix=f"{tmp_path}:", **options))
        return made[-1]

    yield build
    for store in made:
        if isinstance(store, SqlSeen):
            store._engine.dispose()
        elif isinstance(store, RedisSeen):
            store._redis.close()


def test_an_event_is_taken_once_and_done_for_ever(make: Make) -> None:
    store = make()
    turn = store.take("a")
    assert (turn.claim, turn.attempt) == (Claim.MINE, 1)
    assert store.take("a").claim is Claim.BUSY
    assert store.take("b").claim is Claim.MINE
    store.done("a", turn)
    assert store.take("a").claim is Claim.DONE


def test_a_released_event_is_free_and_its_attempts_are_counted(make: Make) -> None:
    store = make()
    for attempt in (1, 2, 3):
        turn = store.take("a")
        assert (turn.claim, turn.attempt) == (Claim.MINE, attempt)
        store.release("a", turn)


def test_a_dead_holder_loses_it_and_cannot_end_the_turn_of_the_next(make: Make) -> None:
    store = make(lease=1.0)
    dead = store.take("a")
    assert store.take("a").claim is Claim.BUSY
    time.sleep(1.1)
    late = make(lease=30.0) if not isinstance(store, MemorySeen) else store
    turn = late.take("a")
    assert (turn.claim, turn.attempt) == (Claim.MINE, 2)
    store.release("a", dead)
    store.done("a", dead)
    if late is not store:
        assert late.take("a").claim is Claim.BUSY
    late.done("a", turn)
    assert late.take("a").claim is Claim.DONE


def test_what_is_done_is_forgotten_after_its_time(make: Make) -> None:
    store = make(ttl=1.0)
    store.done("a", store.take("a"))
    time.sleep(1.1)
    turn = store.take("a")
    assert (turn.claim, turn.attempt) == (Claim.MINE, 1)


def test_of_many_at_once_one_gets_it(make: Make) -> None:
    store = make()
    gate = threading.Barrier(8)

    def take(_: int) -> Claim:
        gate.wait()
        return store.take("a").claim

    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(take, range(8)))
    assert sorted(claims) == [Claim.BUSY] * 7 + [Claim.MINE]


def test_memory_is_bounded() -> None:
    store = MemorySeen(most=3)
    for key in "abcd":
        store.done(key, store.take(key))
    assert len(store) == 3
    assert [store.take(key).claim for key in "dcb"] == [Claim.DONE] * 3
    assert store.take("a").claim is Claim.MINE
    with pytest.raises(InputError, match="most"):
        MemorySeen(most=0)


def test_old_rows_go(tmp_path: Path) -> None:
    now = [1000.0]
    store = SqlSeen(f"sqlite:///{tmp_path}/seen.db", ttl=24.0, clock=lambda: now[0])
    for key in "abc":
        store.done(key, store.take(key))
    now[0] += 100
    store.take("d")
    with store._engine.begin() as connection:
        assert [row.key for row in connection.execute(store._rows.select())] == ["d"]
    store._engine.dispose()
