"""Many processes on one token: exactly one of them fetches it, whatever the store, and also when one dies with the lock."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from siyu_sdk import WeCom

WORKER = Path(__file__).parent / "worker.py"


@contextmanager
def worker(store: Any, platform: Any, threads: int, lease: float = 30.0) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-W", "error", str(WORKER), store.kind, store.address, platform.url, str(threads), str(lease)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def say(process: subprocess.Popen[str], moved: float) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{moved}\n")
    process.stdin.flush()


def hear(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_4_processes_of_50_threads_fetch_one_token_cold_and_ended_and_expired(store: Any, platform: Any) -> None:
    platform.delay = 0.2
    with ExitStack() as stack:
        processes = [stack.enter_context(worker(store, platform, 50)) for _ in range(4)]
        assert [hear(p) for p in processes] == ["ready"] * 4
        for moved, tokens in ((0.0, 1), (0.0, 2), (7300.0, 3)):
            for process in processes:
                say(process, moved)
            assert [hear(p) for p in processes] == ["50"] * 4
            assert len(platform.fetched) == tokens
            platform.void()
            if tokens == 2:
                platform.valid["corp1"] = "nobody has it"  # from here on by the clock, not by a refusal
    assert platform.calls >= 600


def test_a_process_killed_while_it_holds_the_lock_delays_the_others_by_no_more_than_the_lease(store: Any, platform: Any) -> None:
    hanging, over = threading.Event(), threading.Event()

    def first_hangs() -> None:
        if not hanging.is_set():
            hanging.set()
            over.wait(20)

    platform.trouble = first_hangs
    with worker(store, platform, 1, lease=1.5) as process:
        assert hear(process) == "ready"
        say(process, 0.0)
        assert hanging.wait(10)
        started = time.monotonic()
        process.kill()
        process.wait()
        with WeCom("corp1", "CANARY-corpsecret", base_url=platform.url, cache=store.cache(lease=1.5)) as client:
            client.customers.get("corp1")
    assert time.monotonic() - started < 5  # the lease, and a slow machine
    assert len(platform.fetched) == 2
    over.set()
