"""50 calls at once with faults, for 20 seconds (SIYU_SOAK_SECONDS=300 for the long version): flat memory, no socket left behind."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import socket
import threading
import time
from pathlib import Path

import pytest

from siyu_sdk.core.connections import AsyncDirectTransport, DirectTransport
from siyu_sdk.core.errors import TransportError
from siyu_sdk.core.http import Request

from .conftest import Peer, answer, ask, hang_up, reset, say
from .test_lifecycle import sockets

SECONDS = float(os.environ.get("SIYU_SOAK_SECONDS", "20"))
AT_ONCE = 50
FAULTS = (reset, hang_up, say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), say(b"nonsense\r\n\r\n"))
FINE = (answer(b"x" * 3000), answer(b"{}", "Connection: close", keep=False), say(b"HTTP/1.1 200 OK\r\n\r\n{}"))


def resident() -> float:
    """Megabytes of this process."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


class Tally:
    """How the calls ended, and how big the process was on the way."""

    def __init__(self, peer: Peer) -> None:
        self.peer, self.dice = peer, random.Random(7)
        self.fine = self.failed = 0
        self.sizes: list[float] = []
        self.end = time.monotonic() + SECONDS / 2  # both modes share the time

    def request(self) -> Request:
        return ask(self.peer.url, self.dice.choice(("GET", "POST")), timeout=5)

    def count(self, error: TransportError | None = None) -> None:
        self.fine, self.failed = self.fine + (error is None), self.failed + (error is not None)
        if (self.fine + self.failed) % 500 == 0:
            self.peer.seen.clear()
            self.sizes.append(resident())


def with_threads(tally: Tally) -> None:
    transport = DirectTransport()

    def work() -> None:
        while time.monotonic() < tally.end:
            try:
                transport.send(tally.request())
            except TransportError as error:
                tally.count(error)
            else:
                tally.count()

    crowd = [threading.Thread(target=work) for _ in range(AT_ONCE)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    transport.close()


async def with_tasks(tally: Tally) -> None:
    transport = AsyncDirectTransport()

    async def work() -> None:
        while time.monotonic() < tally.end:
            try:
                await transport.send(tally.request())
            except TransportError as error:
                tally.count(error)
            else:
                tally.count()

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    await transport.aclose()


@pytest.mark.slow
@pytest.mark.timeout(SECONDS * 2 + 60)
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="measures by /proc")
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_long_run_with_faults_stays_as_small_as_it_began(peer: Peer, mode: str) -> None:
    ordinary, before, tally = answer(), sockets(), Tally(peer)

    def behave(link: socket.socket) -> bool:
        rolled = tally.dice.random()
        return (tally.dice.choice(FAULTS) if rolled < 0.1 else tally.dice.choice(FINE) if rolled < 0.3 else ordinary)(link)

    peer.usual = behave
    with_threads(tally) if mode == "sync" else asyncio.run(with_tasks(tally))
    peer.hang_up()
    time.sleep(0.3)
    gc.collect()
    sizes, half = tally.sizes, len(tally.sizes) // 2
    print(f"{mode}: {tally.fine} fine, {tally.failed} failed; {sizes[half // 2]:.1f} MB, at last {sizes[-1]:.1f} MB")
    assert 0.05 < tally.failed / (tally.fine + tally.failed) < 0.15
    assert sockets() <= before
    assert min(sizes[half:]) < sizes[half // 2] + 3, "memory grows"
