"""50 calls at once for 100 companies with every fault on (SIYU_SOAK_SECONDS=300 for the long version): nobody gets another's data.

Clients come and go all the time, as only 20 companies stay loaded; tokens end, answers break off, come late, are cut short or are no
JSON. What has to hold: a reply is always the asked company's, memory stays flat, no socket is left behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from attrs import define, field
from tenacity import stop_after_attempt, wait_fixed

from siyu_sdk import AsyncWeCom, DecodeError, OutcomeUnknown, PlatformBusy, Retry, TokenExpired, WeCom
from siyu_sdk.core.client import Options
from siyu_sdk.tenants import AsyncTenants, Tenants

from ..transport.test_lifecycle import sockets
from ..transport.test_soak import resident

SECONDS = float(os.environ.get("SIYU_SOAK_SECONDS", "12"))
AT_ONCE, COMPANIES, LOADED = 50, 100, 20
EXPECTED = (DecodeError, OutcomeUnknown, PlatformBusy, TokenExpired)
QUICK = Retry(stop=stop_after_attempt(4), wait=wait_fixed(0.01))


@define
class Companies:
    """A platform with 100 companies: each token belongs to one, and every answer says whose it is."""

    url: str = ""
    dice: random.Random = field(factory=lambda: random.Random(7))
    generations: Counter[str] = field(factory=Counter[str])
    faults: Counter[str] = field(factory=Counter[str])
    strangers: int = 0

    def body(self, target: str) -> bytes:
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/cgi-bin/gettoken":
            corp = query["corpid"]
            self.strangers += query["corpsecret"] != f"secret of {corp}"
            return said(access_token=f"{corp}/{self.generations[corp]}", expires_in=7200)
        corp, _, generation = query["access_token"].partition("/")
        self.strangers += query["userid"] != f"amy of {corp}"
        if int(generation) != self.generations[corp]:
            return said(42001, "access_token expired")
        return said(userid=query["userid"], name=corp)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                target = head.split(b" ", 2)[1].decode()
                body, fault = self.body(target), self.fault(target)
                if fault == "reset":
                    writer.transport.abort()
                    return
                if fault == "42001":
                    self.generations[parse_qs(urlsplit(target).query)["access_token"][0].partition("/")[0]] += 1
                    body = said(42001, "access_token expired")
                if fault == "slow":
                    await asyncio.sleep(0.05)
                status, kind = ("503 Busy", "text/html") if fault == "503" else ("200 OK", "application/json")
                body = {"503": b"<html>busy</html>", "busy": said(-1, "system busy"), "cut": body[:-3]}.get(fault, body)
                told = len(body) + (9 if fault == "broken off" else 0)
                writer.write(f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {told}\r\n\r\n".encode() + body)
                await writer.drain()
                if fault == "broken off":
                    break
        writer.close()

    def fault(self, target: str) -> str:
        if target.startswith("/cgi-bin/gettoken"):
            return ""
        rolled = self.dice.random()
        for name, rate in (
            ("42001", 0.05),
            ("503", 0.03),
            ("reset", 0.02),
            ("broken off", 0.02),
            ("busy", 0.02),
            ("cut", 0.01),
            ("slow", 0.02),
        ):
            if rolled < rate:
                self.faults[name] += 1
                return name
            rolled -= rate
        return ""


def said(errcode: int = 0, errmsg: str = "ok", **more: object) -> bytes:
    return json.dumps({"errcode": errcode, "errmsg": errmsg, **more}).encode()


@pytest.fixture
def companies() -> Iterator[Companies]:
    companies, ready = Companies(), threading.Event()
    loop = asyncio.new_event_loop()

    async def listen() -> None:
        server = await asyncio.start_server(companies.serve, "127.0.0.1", 0)
        companies.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ready.set()
        async with server:
            with contextlib.suppress(asyncio.CancelledError):
                await server.serve_forever()

    task = loop.create_task(listen())
    thread = threading.Thread(target=loop.run_until_complete, args=(task,), daemon=True)
    thread.start()
    assert ready.wait(5)
    yield companies
    loop.call_soon_threadsafe(task.cancel)
    thread.join(5)
    for left in asyncio.all_tasks(loop):
        left.cancel()
    loop.run_until_complete(asyncio.sleep(0.05))
    loop.close()


@define
class Tally:
    """How the calls ended, and how big the process was on the way."""

    end: float
    fine: int = 0
    failed: Counter[str] = field(factory=Counter[str])
    wrong: int = 0
    sizes: list[float] = field(factory=list[float])

    def goes_on(self) -> bool:
        return time.monotonic() < self.end

    def right(self, corp: str, name: str | None) -> None:
        self.fine += 1
        self.wrong += name != corp
        if self.fine % 500 == 0:
            self.sizes.append(resident())


def with_threads(url: str, tally: Tally) -> None:
    def load(corp: str, shared: Options) -> WeCom:
        return WeCom(corp, f"secret of {corp}", **shared)

    def work(number: int, tenants: Tenants[WeCom]) -> None:
        dice = random.Random(number)
        while tally.goes_on():
            corp = f"ww{dice.randrange(COMPANIES)}"
            try:
                tally.right(corp, tenants[corp].members.get(f"amy of {corp}").name)
            except EXPECTED as error:
                tally.failed[type(error).__name__] += 1

    with Tenants(load, most=LOADED, base_url=url, retry=QUICK) as tenants:
        crowd = [threading.Thread(target=work, args=(number, tenants)) for number in range(AT_ONCE)]
        for thread in crowd:
            thread.start()
        for thread in crowd:
            thread.join()
        assert len(tenants) == LOADED


async def with_tasks(url: str, tally: Tally) -> None:
    async def load(corp: str, shared: Options) -> AsyncWeCom:
        await asyncio.sleep(0)  # as one does who asks a database
        return AsyncWeCom(corp, f"secret of {corp}", **shared)

    async def work(number: int, tenants: AsyncTenants[AsyncWeCom]) -> None:
        dice = random.Random(number)
        while tally.goes_on():
            corp = f"ww{dice.randrange(COMPANIES)}"
            try:
                wecom = await tenants.get(corp)
                tally.right(corp, (await wecom.members.get(f"amy of {corp}")).name)
            except EXPECTED as error:
                tally.failed[type(error).__name__] += 1

    async with AsyncTenants(load, most=LOADED, base_url=url, retry=QUICK) as tenants:
        await asyncio.gather(*(work(number, tenants) for number in range(AT_ONCE)))
        assert len(tenants) == LOADED


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 60)
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="measures by /proc")
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_long_run_mixes_no_two_companies_and_leaves_nothing_behind(companies: Companies, mode: str) -> None:
    before, tally = sockets(), Tally(time.monotonic() + SECONDS / 2)  # both modes share the time
    with_threads(companies.url, tally) if mode == "sync" else asyncio.run(with_tasks(companies.url, tally))
    time.sleep(0.3)
    gc.collect()
    sizes, half, failed = tally.sizes, len(tally.sizes) // 2, sum(tally.failed.values())
    print(f"{mode}: {tally.fine} fine, failed {dict(tally.failed)}, faults {dict(companies.faults)}")
    print(f"{sizes[half // 2]:.1f} MB, at last {sizes[-1]:.1f} MB")
    assert tally.wrong == 0
    assert companies.strangers == 0
    assert min(companies.faults[name] for name in ("42001", "503", "reset", "broken off", "busy", "cut", "slow")) > 0
    assert failed < tally.fine * 0.02  # a cut answer is not asked for again; whatever else fails can be tried again
    assert sockets() <= before
    assert min(sizes[half:]) < sizes[half // 2] + 3, "memory grows"
