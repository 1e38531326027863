"""A thousand companies in one process: loaded once, small while idle, let go when nobody asks, never mixed."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
import threading
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from siyu_sdk import AsyncWeCom, InputError, MiniProgram, UsageError, WeCom
from siyu_sdk.tenants import AsyncTenants, Options, Tenants
from siyu_sdk.wecom.customers import Customers

CORPS = [f"corp{number}" for number in range(1000)]


def test_1000_tenants_on_one_pool_are_never_mixed(platform: Any) -> None:
    platform.delay = 0
    loaded = Counter[str]()

    def load(corp: str, shared: Options) -> WeCom:
        loaded[corp] += 1
        return WeCom(corp, f"CANARY-secret-{corp}", **shared)

    order = random.Random(7)
    work = [corp for corp in CORPS for _ in range(3)]
    order.shuffle(work)
    with Tenants(load, base_url=platform.url, timeout=30) as tenants:

        def one(corp: str) -> bool:
            if order.random() < 0.02:
                platform.valid.pop(corp, None)
            return tenants[corp].customers.get(corp).external_contact.external_userid == corp

        with ThreadPoolExecutor(50) as pool:
            assert all(pool.map(one, work))
        assert len({id(tenants[corp].session.transport) for corp in CORPS}) == 1
        assert len(tenants) == 1000
    assert platform.mixed == []
    assert set(loaded.values()) == {1}


async def test_tasks_never_mix_tenants_either(platform: Any) -> None:
    platform.delay = 0
    loaded = Counter[str]()

    async def load(corp: str, shared: Options) -> AsyncWeCom:
        loaded[corp] += 1
        await asyncio.sleep(0)
        return AsyncWeCom(corp, "secret", **shared)

    async with AsyncTenants(load, base_url=platform.url, timeout=30) as tenants:

        async def one(corp: str) -> bool:
            return (await (await tenants.get(corp)).customers.get(corp)).external_contact.external_userid == corp

        assert all(await asyncio.gather(*(one(corp) for corp in CORPS[:200] * 3)))
    assert platform.mixed == []
    assert set(loaded.values()) == {1}


async def test_50_tasks_over_100_tenants_never_get_anothers_token_though_tenants_come_and_go(platform: Any) -> None:
    platform.delay = 0.001
    loaded = Counter[str]()
    order = random.Random(11)

    async def load(corp: str, shared: Options) -> AsyncWeCom:
        loaded[corp] += 1
        await asyncio.sleep(order.random() / 500)
        return AsyncWeCom(corp, "secret", **shared)

    async with AsyncTenants(load, most=10, base_url=platform.url, timeout=30) as tenants:

        async def work(number: int) -> None:
            for step in range(20):
                corp = f"corp{order.randrange(100)}"
                wecom = await tenants.get(corp)
                await asyncio.sleep(0)  # others load and evict between this and the call
                assert wecom.corpid == corp
                assert (await wecom.customers.get(corp)).external_contact.external_userid == corp
                if (number + step) % 15 == 0:
                    tenants.forget(corp)
                    platform.valid.pop(f"corp{order.randrange(100)}", None)  # its token ends before its time

        await asyncio.gather(*map(work, range(50)))
        assert len(tenants) <= 10
        assert tenants._lines == {}
    assert platform.mixed == []
    assert sum(loaded.values()) > 200  # most of them were let go, and came back


def test_an_idle_tenant_takes_less_than_50_kilobytes(platform: Any) -> None:
    platform.delay = 0
    with Tenants(lambda corp, shared: WeCom(corp, "secret", **shared), base_url=platform.url) as tenants:
        tenants["warm"].customers.get("warm")
        tracemalloc.start()
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for corp in CORPS[:200]:
            tenants[corp].customers.get(corp)
        platform.bodies.clear()
        gc.collect()
        each = (tracemalloc.get_traced_memory()[0] - before) / 200
        tracemalloc.stop()
    print(f"{each / 1024:.1f} KB for each idle tenant")
    assert each < 50 * 1024


def test_a_crowd_loads_a_tenant_once_and_what_loading_raises_reaches_all() -> None:
    loads = Counter[str]()

    def load(name: str, shared: Options) -> str:
        loads[name] += 1
        time.sleep(0.05)
        if name == "unknown":
            raise LookupError(name)
        return name.upper()

    tenants = Tenants(load)
    start = threading.Barrier(50)

    def one(_: int) -> str:
        start.wait()
        return tenants["corp"]

    with ThreadPoolExecutor(50) as pool:
        assert set(pool.map(one, range(50))) == {"CORP"}
    assert loads["corp"] == 1
    for _ in range(2):
        with pytest.raises(LookupError):
            tenants["unknown"]
    assert loads["unknown"] == 2
    assert tenants._lines == {}


def test_after_a_load_that_failed_there_is_still_one_at_a_time() -> None:
    running, most, loads = 0, 0, 0
    third_is_here = threading.Event()

    def load(name: str, shared: Options) -> str:
        nonlocal running, most, loads
        running, loads = running + 1, loads + 1
        most = max(most, running)
        try:
            if loads == 1:
                wait_for(lambda: length() == 2)
                raise LookupError(name)
            third.start()
            third_is_here.wait(5)
            return name
        finally:
            running -= 1

    def ask() -> None:
        with contextlib.suppress(LookupError):
            tenants["corp"]

    def ask_third() -> None:
        threading.Timer(0.05, third_is_here.set).start()
        ask()

    def length() -> int:
        return sum(line.length for line in tenants._lines.values())

    tenants = Tenants(load)
    first, second, third = (threading.Thread(target=ask), threading.Thread(target=ask), threading.Thread(target=ask_third))
    first.start()
    second.start()
    for thread in (first, second):
        thread.join()
    third.join()
    assert (most, loads) == (1, 2)


def wait_for(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not happened():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.001)


def test_who_is_forgotten_while_loading_is_not_kept_with_the_old_credential() -> None:
    database = {"corp": "old secret"}
    read, changed = threading.Event(), threading.Event()

    def load(name: str, shared: Options) -> str:
        secret = database[name]
        read.set()
        changed.wait(5)
        return secret

    tenants = Tenants(load)
    with ThreadPoolExecutor(1) as pool:
        early = pool.submit(lambda: tenants["corp"])
        read.wait(5)
        database["corp"] = "new secret"
        tenants.forget("corp")
        changed.set()
        assert early.result() == "old secret"
    assert tenants["corp"] == "new secret"


async def test_a_plain_function_that_gives_a_coroutine_is_awaited() -> None:
    async def read(name: str) -> str:
        return name.upper()

    tenants = AsyncTenants(lambda name, shared: read(name))
    assert [await tenants.get("corp") for _ in range(2)] == ["CORP", "CORP"]
    await tenants.aclose()


def test_who_was_not_asked_for_goes_and_keeps_its_token(platform: Any) -> None:
    loads: list[str] = []

    def load(corp: str, shared: Options) -> WeCom:
        loads.append(corp)
        return WeCom(corp, "secret", **shared)

    with Tenants(load, most=2, base_url=platform.url) as tenants:
        first = tenants["corp1"]
        for corp in ("corp1", "corp2", "corp1", "corp3"):
            tenants[corp].customers.get(corp)
        assert ("corp1" in tenants, "corp2" in tenants, "corp3" in tenants) == (True, False, True)
        tenants["corp2"].customers.get("corp2")
        first.customers.get("corp1")  # gone from the registry, not from whoever holds it
        assert loads == ["corp1", "corp2", "corp3", "corp2"]
        assert set(platform.count.values()) == {1}
        tenants.forget("corp2")
        tenants.forget("nobody")
        assert tenants["corp2"] is not None
        assert loads[-1] == "corp2"
        assert len(loads) == 5


def test_idle_tenants_go_when_another_one_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("siyu_sdk.tenants.time", SimpleNamespace(monotonic=lambda: now))
    tenants = Tenants(lambda name, shared: name, idle=60)
    for name in "abc":
        assert tenants[name] == name
    now = 50
    assert tenants["b"] == "b"  # known already: nothing has to be loaded for the idle ones to go
    now = 100
    assert tenants["b"] == "b"
    assert ("a" in tenants, "b" in tenants, "c" in tenants) == (False, True, False)
    now = 200
    assert tenants["d"] == "d"
    assert repr(tenants) == "<Tenants: 1 loaded>"


def test_a_tenant_may_be_several_clients(platform: Any) -> None:
    def load(name: str, shared: Options) -> tuple[WeCom, MiniProgram]:
        return WeCom(name, "secret", **shared), MiniProgram(f"wx{name}", "secret", **shared)

    with Tenants(load, base_url=platform.url) as tenants:
        wecom, miniprogram = tenants["corp1"]
        wecom.customers.get("corp1")
        miniprogram.shipping.get_order("1")
        wecom.close()
        miniprogram.shipping.get_order("1")  # the connections are the registry's
    assert platform.mixed == []


def test_shared_connections_are_for_one_kind_of_client_and_closed_by_who_made_them(platform: Any) -> None:
    owner = WeCom("corp1", "secret", base_url=platform.url)
    with WeCom("corp2", "secret", base_url=platform.url, transport=owner.session.transport) as guest:
        guest.customers.get("corp2")
    owner.send(Customers.get("corp1"))
    with pytest.raises(UsageError, match="share no connections"):
        AsyncWeCom("corp2", "secret", transport=owner.session.transport)
    with pytest.raises(UsageError, match="made already"):
        WeCom("corp2", "secret", transport=owner.session.transport, proxy="http://127.0.0.1:1")
    owner.close()
    with pytest.raises(UsageError, match="transport= or proxy="):
        Tenants(lambda name, shared: name, transport=owner.session.transport, proxy="http://127.0.0.1:1")
    with pytest.raises(InputError, match="most"):
        Tenants(lambda name, shared: name, most=0)
