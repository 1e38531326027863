"""Many companies in one process: each gets its client when it is first needed, and all share their connections, tokens and limits.

def load(corpid: str, shared: Options) -> WeCom:
    row = database.company(corpid)
    return WeCom(CustomApp(corpid, row.permanent_code), **shared)

with Tenants(load, cache=RedisTokenCache("redis://…")) as tenants:
    tenants["ww…"].customers.get("wm…")
"""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, Unpack, cast, overload

from .core.client import Options
from .core.connections import async_transport, transport
from .core.errors import InputError
from .core.http import AsyncTransport, Transport
from .core.limits import MemoryLimiter
from .core.tokens import MemoryTokenCache

T = TypeVar("T")


class _Registry(Generic[T]):
    """Who is loaded, and since when nobody asked for it. Changes are single dictionary operations under one short lock."""

    def __init__(self, most: int, idle: float, options: Options, connections: Transport | AsyncTransport) -> None:
        if most < 1 or idle <= 0:
            raise InputError(
                f"most and idle: at least 1 tenant and some seconds are needed, got {most} and {idle}", "most" if most < 1 else "idle"
            )
        self._most, self._idle = most, idle
        self._connections = connections
        self._shared: Options = {"cache": MemoryTokenCache(), "limiter": MemoryLimiter(), **options, "transport": connections}
        self._shared.pop("proxy", None)  # the connections know it
        self._own = "transport" not in options
        self._kept: OrderedDict[str, tuple[T, float]] = OrderedDict()
        self._guard = threading.Lock()
        self._pid = os.getpid()

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, tenant: str) -> bool:
        return tenant in self._kept

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self)} loaded>"

    def forget(self, tenant: str) -> None:
        """Let one go, after its credential has changed or its owner has left; the next call loads it anew."""
        with self._safe():
            self._kept.pop(tenant, None)

    def _find(self, tenant: str) -> T | None:
        with self._safe():
            kept = self._kept.get(tenant)
            if kept is None:
                return None
            self._kept[tenant] = kept[0], time.monotonic()
            self._kept.move_to_end(tenant)
            return kept[0]

    def _keep(self, tenant: str, value: T) -> T:
        now = time.monotonic()
        with self._safe():
            self._kept[tenant] = value, now
            self._kept.move_to_end(tenant)
            while len(self._kept) > self._most or now - next(iter(self._kept.values()))[1] > self._idle:
                self._kept.popitem(last=False)  # calls under way go on: what they need is theirs, the connections are everybody's
        return value

    def _safe(self) -> threading.Lock:
        if self._pid != os.getpid():  # in a forked child nobody would ever release the parent's lock
            self._pid, self._guard = os.getpid(), threading.Lock()
        return self._guard


class Tenants(_Registry[T]):
    """The clients of many companies, for threads: `tenants[corpid]` gives the company's client, loading it where need be.

    `load(tenant, shared)` makes one: a client, a hub, whatever you work with; pass `**shared` on to the clients that it makes. It runs once
    for each tenant, however many threads ask, and may read a database; what it raises reaches whoever asked, and nothing is kept.

    `most` tenants stay loaded; those that nobody asked for in `idle` seconds go when another one comes. The other options (`cache`,
    `limiter`, `hooks`, …) go to all clients.
    """

    def __init__(self, load: Callable[[str, Options], T], *, most: int = 1000, idle: float = 3600.0, **options: Unpack[Options]) -> None:
        super().__init__(most, idle, options, options.get("transport") or transport(None, proxy=options.get("proxy")))
        self._load = load
        self._loading: dict[tuple[int, str], threading.Lock] = {}

    def __getitem__(self, tenant: str) -> T:
        found = self._find(tenant)
        if found is not None:
            return found
        place = (os.getpid(), tenant)
        with self._loading.setdefault(place, threading.Lock()):
            try:
                found = self._find(tenant)  # somebody may have loaded it while this caller waited
                return self._keep(tenant, self._load(tenant, cast("Options", {**self._shared}))) if found is None else found
            finally:
                self._loading.pop(place, None)

    def close(self) -> None:
        """Let all go, and close the connections, unless they were given."""
        with self._safe():
            self._kept.clear()
        if self._own:
            cast("Transport", self._connections).close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class AsyncTenants(_Registry[T]):
    """The same for tasks: `await tenants.get(corpid)`. `load` may be a coroutine function; a plain one runs in a thread."""

    @overload
    def __init__(
        self, load: Callable[[str, Options], Awaitable[T]], *, most: int = 1000, idle: float = 3600.0, **options: Unpack[Options]
    ) -> None: ...
    @overload
    def __init__(
        self, load: Callable[[str, Options], T], *, most: int = 1000, idle: float = 3600.0, **options: Unpack[Options]
    ) -> None: ...
    def __init__(self, load: Callable[[str, Options], Any], *, most: int = 1000, idle: float = 3600.0, **options: Unpack[Options]) -> None:
        super().__init__(most, idle, options, options.get("transport") or async_transport(None, proxy=options.get("proxy")))
        self._load = load
        self._loading: dict[tuple[int, str], asyncio.Lock] = {}

    async def get(self, tenant: str) -> T:
        """Give a company's client, loading it where need be."""
        found = self._find(tenant)
        if found is not None:
            return found
        place = (id(asyncio.get_running_loop()), tenant)
        async with self._loading.setdefault(place, asyncio.Lock()):
            try:
                found = self._find(tenant)  # another task may have loaded it while this one waited
                return self._keep(tenant, await self._make(tenant)) if found is None else found
            finally:
                self._loading.pop(place, None)

    async def _make(self, tenant: str) -> T:
        shared = cast("Options", {**self._shared})
        if inspect.iscoroutinefunction(self._load):
            return cast("T", await self._load(tenant, shared))
        return cast("T", await asyncio.to_thread(self._load, tenant, shared))

    async def aclose(self) -> None:
        """Let all go, and close the connections, unless they were given."""
        with self._safe():
            self._kept.clear()
        if self._own:
            await cast("AsyncTransport", self._connections).aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()


__all__ = ["AsyncTenants", "Options", "Tenants"]
