from __future__ import annotations

import multiprocessing
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from siyu_sdk import UsageError
from siyu_sdk.batches import group_batches
from siyu_sdk.ledger import AMBIGUOUS, OPEN, BatchState, Decision, Delivery, Ledger, State


@pytest.fixture(params=["file", "memory", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "postgresql":
        address = str(request.getfixturevalue("postgres_url")).replace("postgresql:", "postgresql+psycopg:")
        _drop(address)
        yield address
    else:
        yield f"sqlite:///{tmp_path}/ledger.db" if request.param == "file" else "sqlite://"


def _drop(url: str) -> None:
    from siyu_sdk import records

    book = Ledger(url)
    records.META.drop_all(book._engine)
    book.close()


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    ledger = Ledger(url)
    yield ledger
    ledger.close()


def rows(count: int, campaign: str = "c") -> list[Delivery]:
    return [
        Delivery(campaign, "s", f"p{n:04}", "message", f"wm{n}", f"m{n % 3}", f"n{n}", "", "h", float(n), request_no=f"r{n}")
        for n in range(count)
    ]


def fill(ledger: Ledger, count: int = 30) -> None:
    assert ledger.create_campaign("c", "sop", "f", {"名": "值"}, rows(count), 1.0)
    made = group_batches(ledger.deliveries("c"), {("s", "h"): {"text": "x", "attachments": []}}, {"message": 5})
    assert ledger.queue(made, 2.0) == count


def test_a_campaign_is_written_whole_or_not_at_all(ledger: Ledger) -> None:
    assert ledger.create_campaign("c", "sop", "f", {"名": "值"}, rows(1000), 1.0)
    assert not ledger.create_campaign("c", "sop", "f", {}, rows(3), 2.0)
    with pytest.raises(UsageError, match="another plan"):
        ledger.create_campaign("c", "sop", "g", {}, rows(3), 2.0)
    assert ledger.campaign("c")["definition"] == {"名": "值"}
    assert ledger.counts("c") == {("s", State.PLANNED): 1000}
    twice = [*rows(2, "d"), *rows(1, "d")]
    with pytest.raises(Exception, match=r"(?i)unique"):
        ledger.create_campaign("d", "sop", "f", {}, twice, 1.0)
    assert ledger.deliveries("d") == []
    assert ledger.running() == ["c"]


def test_batches_live_and_end(ledger: Ledger) -> None:
    fill(ledger)
    batches = ledger.batches("c", OPEN)
    assert len(batches) == 6
    for batch in batches:
        assert ledger.take(batch.id, "t", 3.0)
        mine = ledger.batch(batch.id)
        people = [r.person for r in ledger.in_batch(batch.id)]
        assert ledger.close_batch(mine, BatchState.SENT, 4.0, rows={State.AWAITING: (people, "")}, msgid=f"m-{batch.id}")
    assert ledger.counts("c") == {("s", State.AWAITING): 30}
    assert len(ledger.msgids()) == 6
    assert ledger.finish("c")
    assert ledger.running() == []
    assert {len(times) for times in ledger.recent_messages([f"wm{n}" for n in range(30)], 9.0).values()} == {1}


def test_who_is_who(ledger: Ledger) -> None:
    assert ledger.learn("app", [("u1", "o1"), ("u2", "o2"), ("", "o3"), ("u4", "")]) == 2
    assert ledger.learn("app", [("u1", "o1"), ("u2", "o2b")]) == 1
    assert ledger.learn("other", [("u1", "x1")]) == 1
    assert ledger.openids("app") == {"u1": "o1", "u2": "o2b"}
    ledger.opt_out("wm1", "", 1.0)
    ledger.opt_out("wm1", "again", 2.0)
    assert ledger.opted_out() == {"wm1"}
    assert ledger.by_request("r1") is None
    assert ledger.by_request("") is None


def _work(url: str, number: int, done: Any) -> None:
    """Another process: take what can be taken, and say what that was."""
    ledger = Ledger(url)
    mine = list[str]()
    while batches := ledger.batches("c", [BatchState.WAITING]):
        for batch in batches:
            if ledger.take(batch.id, f"{number}", 3.0):
                held = ledger.batch(batch.id)
                mine += [r.person for r in ledger.in_batch(batch.id)]
                assert ledger.close_batch(held, BatchState.SENT, 4.0, rows={State.AWAITING: (mine, "")}, msgid="m")
    ledger.learn("app", [(f"u{n}", f"o{number}") for n in range(20)])
    ledger.close()
    done.put(mine)


def test_processes_share_one_ledger(url: str, ledger: Ledger) -> None:
    if url == "sqlite://":
        pytest.skip("a ledger in memory belongs to one process")
    fill(ledger, 60)
    spawn = multiprocessing.get_context("spawn")
    done: Any = spawn.Queue()
    processes = [spawn.Process(target=_work, args=(url, n, done)) for n in range(2)]
    for process in processes:
        process.start()
    _work(url, 9, done)
    taken = [person for _ in range(3) for person in done.get(timeout=30)]
    for process in processes:
        process.join(30)
        assert process.exitcode == 0
    assert Counter(taken) == Counter(r.person for r in ledger.deliveries("c"))
    assert ledger.counts("c") == {("s", State.AWAITING): 60}
    assert len(ledger.openids("app")) == 20


def test_threads_share_one_ledger(ledger: Ledger, together: Any) -> None:
    fill(ledger, 30)

    def work(number: int) -> int:
        taken = 0
        while waiting := ledger.batches("c", [BatchState.WAITING]):
            for batch in waiting:
                if ledger.take(batch.id, f"{number}", 3.0):
                    taken += 1
                    assert ledger.give_back(ledger.batch(batch.id), "") or True
                    assert ledger.take(batch.id, f"{number}", 3.0) or True
                    ledger.close_batch(ledger.batch(batch.id), BatchState.SENT, 4.0, rows={})
        return taken

    results = together(*(lambda n=n: work(n) for n in range(4)))
    assert [r for r in results if isinstance(r, BaseException)] == []
    assert {b.state for b in ledger.batches("c")} == {BatchState.SENT}


def test_queueing_at_once_from_many_connections(url: str, ledger: Ledger, together: Any) -> None:
    ledger.create_campaign("c", "sop", "f", {}, rows(400), 1.0)
    planned = ledger.deliveries("c")
    books = [ledger if url == "sqlite://" else Ledger(url) for _ in range(4)]
    payload = {("s", "h"): {"text": "x", "attachments": []}}

    def queue(n: int) -> int:
        return books[n].queue(group_batches(planned[n * 30 :] + planned[: n * 10], payload, {"message": 37}), 2.0)

    put = together(*(lambda n=n: queue(n) for n in range(4)))
    assert [p for p in put if isinstance(p, BaseException)] == []
    assert sum(put) == 400
    inside = Counter(r.person for b in ledger.batches("c") for r in ledger.in_batch(b.id))
    assert set(inside.values()) == {1}
    assert len(inside) == 400
    for book in books:
        book.close()


@pytest.mark.parametrize("moment", range(3))
def test_a_worker_that_takes_a_batch_while_its_campaign_is_cancelled(url: str, ledger: Ledger, moment: int) -> None:
    """Either it is stopped, or its message is on the way and its people are not called cancelled."""
    if not url.startswith("postgresql"):
        pytest.skip("SQLite has one writer at a time")
    fill(ledger, 5)
    batch, worker, statements = ledger.batches("c")[0], Ledger(url), [0]

    @event.listens_for(ledger._engine, "before_cursor_execute")
    def between(*_: Any) -> None:
        statements[0] += 1
        if statements[0] == moment + 1:
            taker.start()
            taker.join(0.5)  # it may have to wait until the cancellation is through

    taker = threading.Thread(target=worker.take, args=(batch.id, "worker", 3.0))
    ledger.cancel("c", 3.0)
    taker.join(10)
    state = {r.state for r in ledger.in_batch(batch.id)}
    assert (ledger.batch(batch.id).state, state) in [
        (BatchState.INTENT, {State.QUEUED}),
        (BatchState.CANCELLED, {State.CANCELLED}),
    ]
    worker.close()


def test_a_day_has_room_for_one_message_whoever_queues_at_once(url: str, ledger: Ledger, together: Any) -> None:
    names = [f"c{n}" for n in range(4)]
    for name in names:
        ledger.create_campaign(name, "sop", "f", {}, rows(60, name), 1.0)
    payload = {("s", "h"): {"text": "x", "attachments": []}}
    books = [ledger if url == "sqlite://" else Ledger(url) for _ in names]
    made = [group_batches(ledger.deliveries(name), payload, {"message": 7}) for name in names]
    put = together(
        *(lambda book=book, mine=mine: book.queue(mine, 2.0, lambda times: not times) for book, mine in zip(books, made, strict=True))
    )
    assert [p for p in put if isinstance(p, BaseException)] == []
    assert sum(put) == 60
    inside = Counter(r.external_userid for name in names for b in ledger.batches(name) for r in ledger.in_batch(b.id))
    assert set(inside.values()) == {1}
    for book in books:
        book.close()


def test_a_batch_on_hold_is_decided_or_taken_up_by_one(url: str, ledger: Ledger, together: Any) -> None:
    fill(ledger, 15)
    for batch in ledger.batches("c"):
        assert ledger.take(batch.id, "t", 3.0)
        people = [r.person for r in ledger.in_batch(batch.id)]
        note = f"{AMBIGUOUS}nobody knows"
        assert ledger.close_batch(ledger.batch(batch.id), BatchState.HELD, 4.0, rows={State.HELD: (people, note)}, note=note)
    assert ledger.finish("c")
    batch = ledger.batches("c")[0]
    books = [ledger if url == "sqlite://" else Ledger(url) for _ in range(6)]

    def decide(book: Ledger, n: int) -> int:
        return book.decide(Decision(batch.id, "c", bool(n % 2), f"person {n}", "I looked", 5.0))

    results = together(
        *(lambda n=n, book=book: decide(book, n) for n, book in enumerate(books[1:])),
        lambda: books[0].release_held("c", 5.0),
    )
    decided = [r for r in results[:-1] if r == 5]
    assert len(decided) + sum(isinstance(r, UsageError) for r in results[:-1]) == 5
    assert results[-1] is None
    assert len(ledger.decisions("c")) == len(decided) <= 1
    again = [b for b in ledger.batches("c", OPEN) if b.state == BatchState.INTENT]
    assert len(again) == 3 - len(decided)
    assert sum(len(ledger.in_batch(b.id)) for b in again) == 15 - sum(decided)
    assert ledger.running() == ["c"]
    for book in books:
        book.close()


def test_many_who_open_a_new_ledger_at_once(url: str, together: Any) -> None:
    if url == "sqlite://":
        pytest.skip("a ledger in memory belongs to one process")
    books = [Ledger(url) for _ in range(5)]
    assert together(*(book.running for book in books)) == [[]] * 5
    for book in books:
        book.close()


def test_nothing_is_opened_before_it_is_needed(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/later.db")
    assert not (tmp_path / "later.db").exists()
    assert ledger.running() == []
    assert (tmp_path / "later.db").exists()
    ledger.close()


def test_a_password_is_not_shown() -> None:
    assert "geheim" not in repr(Ledger("postgresql+psycopg://user:geheim@127.0.0.1:1/x"))
