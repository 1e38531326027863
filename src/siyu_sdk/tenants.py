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
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, Unpack, cast, overload

from attrs import define

from .core.client import Options
from .core.connections import async_transport, transport
from .core.errors import InputError, UsageError
from .core.http import AsyncTransport, Transport
from .core.limits import MemoryLimiter
from .core.tokens import MemoryTokenCache

T = TypeVar("T")
L = TypeVar("L", threading.Lock, asyncio.Lock)


@define(eq=False)
class _Line(Generic[L]):
    """Those who want a tenant that is not loaded."""

    lock: L
    length: int = 0


class _Registry(Generic[T, L]):
    """Who is loaded, and since when nobody asked for it. Changes are a few dictionary operations under one short lock."""

    def __init__(
        self, most: int, idle: float, options: Options, connect: Callable[..., Transport | AsyncTransport], lock: Callable[[], L]
    ) -> None:
        if most < 1 or idle <= 0:
            raise InputError(
                f"most and idle: at least 1 tenant and some seconds are needed, got {most} and {idle}", "most" if most < 1 else "idle"
            )
        given = options.get("transport")
        if given is not None and "proxy" in options:
            raise UsageError("give transport= or proxy=: connections that are shared already know how they go")
        self._most, self._idle = most, idle
        self._own = given is None
        self._connections = connect(None, proxy=options.get("proxy")) if given is None else given
        self._shared: Options = {"cache": MemoryTokenCache(), "limiter": MemoryLimiter(), **options, "transport": self._connections}
        self._shared.pop("proxy", None)  # the connections know it
        self._kept: OrderedDict[str, tuple[T, float]] = OrderedDict()
        self._forgotten = 0
        self._make_lock: Callable[[], L] = lock
        self._lines: dict[tuple[int, str], _Line[L]] = {}
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
            self._forgotten += 1  # whoever is being loaded at this moment may have been read from the database before

    def _find(self, tenant: str) -> T | None:
        with self._safe():
            kept = self._kept.get(tenant)
            return None if kept is None else self._touch(tenant, kept[0])

    def _keep(self, tenant: str, value: T, forgotten: int) -> T:
        with self._safe():
            return self._touch(tenant, value) if forgotten == self._forgotten else value

    def _touch(self, tenant: str, value: T) -> T:
        now = time.monotonic()
        self._kept[tenant] = value, now
        self._kept.move_to_end(tenant)
        while len(self._kept) > self._most or now - next(iter(self._kept.values()))[1] > self._idle:
            self._kept.popitem(last=False)  # calls under way go on: what they need is theirs, the connections are everybody's
        return value

    @contextmanager
    def _line(self, where: int, tenant: str) -> Generator[L]:
        """What those who load a tenant hold in turn: the same for all who come before the last of them has gone."""
        with self._safe():
            line = self._lines.setdefault((where, tenant), _Line(self._make_lock()))
            line.length += 1
        try:
            yield line.lock
        finally:
            with self._safe():
                line.length -= 1
                if not line.length:
                    self._lines.pop((where, tenant), None)

    def _safe(self) -> threading.Lock:
        if self._pid != os.getpid():  # in a forked child nobody would ever release the parent's lock
            self._guard, self._pid = threading.Lock(), os.getpid()
        return self._guard


class Tenants(_Registry[T, threading.Lock]):
    """The clients of many companies, for threads: `tenants[corpid]` gives the company's client, loading it where need be.

    `load(tenant, shared)` makes one: a client, a hub, whatever you work with; pass `**shared` on to the clients that it makes. It runs once
    for each tenant, however many threads ask, and may read a database; what it raises reaches whoever asked, and nothing is kept.

    `most` tenants stay loaded; those that nobody asked for in `idle` seconds go when another one is asked for. The other options (`cache`,
    `limiter`, `hooks`, …) go to all clients.
    """

    def __init__(self, load: Callable[[str, Options], T], *, most: int = 1000, idle: float = 3600.0, **options: Unpack[Options]) -> None:
        super().__init__(most, idle, options, transport, threading.Lock)
        self._load = load

    def __getitem__(self, tenant: str) -> T:
        found = self._find(tenant)
        if found is not None:
            return found
        with self._line(os.getpid(), tenant) as lock, lock:
            found = self._find(tenant)  # somebody may have loaded it while this caller waited
            if found is not None:
                return found
            forgotten = self._forgotten
            return self._keep(tenant, self._load(tenant, cast("Options", {**self._shared})), forgotten)

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


class AsyncTenants(_Registry[T, asyncio.Lock]):
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
        super().__init__(most, idle, options, async_transport, asyncio.Lock)
        self._load = load

    async def get(self, tenant: str) -> T:
        """Give a company's client, loading it where need be."""
        found = self._find(tenant)
        if found is not None:
            return found
        with self._line(id(asyncio.get_running_loop()), tenant) as lock:
            async with lock:
                found = self._find(tenant)  # another task may have loaded it while this one waited
                if found is not None:
                    return found
                forgotten = self._forgotten
                return self._keep(tenant, await self._make(tenant), forgotten)

    async def _make(self, tenant: str) -> T:
        shared = cast("Options", {**self._shared})
        if inspect.iscoroutinefunction(self._load):
            return cast("T", await self._load(tenant, shared))
        made = await asyncio.to_thread(self._load, tenant, shared)
        return cast("T", await made if inspect.isawaitable(made) else made)  # a lambda around a coroutine function does not look like one

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
