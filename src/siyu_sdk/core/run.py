"""The two drivers: they do what a generator asks for, one step at a time, and hand the result back.

Everything that decides lives in generators (`exchange`, flows); everything that waits lives here, twice: with threads and with
tasks.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, Generic, TypeVar, cast
from weakref import WeakKeyDictionary

from attrs import frozen

from .call import Call, Flow, Gather, Local, Sleep
from .clock import Clock, SystemClock
from .errors import SiyuError, UsageError
from .http import AsyncTransport, Request, Transport
from .tokens import TokenCache

T = TypeVar("T")
R = TypeVar("R")


@frozen
class Transmit:
    """Put a request on the wire."""

    request: Request
    transport: Transport | AsyncTransport


@frozen
class Guarded(Generic[T]):
    """Run a generator while holding a cache's lock: one runner at a time, over threads, tasks and (if the cache can) processes."""

    cache: TokenCache
    key: str
    inner: Callable[[], Flow[T]]

    def __iter__(self) -> Generator[Any, Any, T]:
        return cast("T", (yield self))


class Runner:
    """Runs flows by waiting in the calling thread."""

    is_async: ClassVar[bool] = False
    clock: Clock = SystemClock()
    _warned = False

    def exchange(self, call: Call[R]) -> Flow[R]:
        """What sending a call takes; each client says."""
        raise UsageError(f"{type(self).__name__} sends no calls")

    def send(self, call: Call[R]) -> R:
        """Send a call made as a value, and return its reply."""
        if asyncio._get_running_loop() is not None and not self._warned:  # noqa: SLF001 -- the public one raises, at ten times the cost
            self._warned = True
            warnings.warn(
                f"{type(self).__name__} blocks the running event loop; use Async{type(self).__name__} there",
                RuntimeWarning,
                stacklevel=3,
            )
        return self.run(self.exchange(call))

    def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end and return its result."""
        step: Any
        try:
            step = next(flow)
            while True:
                try:
                    result = self._perform(step)
                except Exception as error:  # noqa: BLE001 -- handed to the flow, which handles it or raises it
                    step = flow.throw(error)
                else:
                    step = flow.send(result)
        except StopIteration as stop:
            return cast("T", stop.value)
        finally:
            flow.close()

    def _perform(self, step: Any) -> Any:
        match step:
            case Transmit(request, transport):
                return cast("Transport", transport).send(request)
            case Local():
                local: Local[Any] = step
                return local.function(*local.arguments)
            case Call():
                call: Call[Any] = step
                return self.run(self.exchange(call))
            case Sleep(seconds):
                return _nap(self.clock.sleep(seconds))
            case Guarded():
                guarded: Guarded[Any] = step
                with guarded.cache.lock(guarded.key):
                    return self.run(guarded.inner())
            case Gather():
                gather: Gather[Any] = step
                with ThreadPoolExecutor(max_workers=gather.limit, thread_name_prefix="siyu") as pool:
                    return list(pool.map(self._attempt, gather.calls))
            case _:
                raise UsageError(f"a flow yielded {step!r}, which is no step; did you forget `yield from`?")

    def _attempt(self, item: Call[Any] | Flow[Any]) -> Any:
        try:
            return self._perform(item) if isinstance(item, Call) else self.run(item)
        except SiyuError as error:
            return error


def _nap(seconds: float) -> None:
    import time

    time.sleep(seconds)


class AsyncRunner:
    """Runs flows as coroutines."""

    is_async: ClassVar[bool] = True
    clock: Clock = SystemClock()

    def __init__(self) -> None:
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, asyncio.Lock]] = WeakKeyDictionary()

    def exchange(self, call: Call[R]) -> Flow[R]:
        """What sending a call takes; each client says."""
        raise UsageError(f"{type(self).__name__} sends no calls")

    def send(self, call: Call[R]) -> Coroutine[Any, Any, R]:
        """Send a call made as a value, and return its reply."""
        return self.run(self.exchange(call))

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end and return its result."""
        step: Any
        try:
            step = next(flow)
            while True:
                try:
                    result = await self._perform(step)
                except Exception as error:  # noqa: BLE001 -- handed to the flow, which handles it or raises it
                    step = flow.throw(error)
                else:
                    step = flow.send(result)
        except StopIteration as stop:
            return cast("T", stop.value)
        finally:
            flow.close()

    async def _perform(self, step: Any) -> Any:
        match step:
            case Transmit(request, transport):
                return await cast("AsyncTransport", transport).send(request)
            case Local():
                local: Local[Any] = step
                if local.blocking:
                    return await asyncio.to_thread(local.function, *local.arguments)
                return local.function(*local.arguments)
            case Call():
                call: Call[Any] = step
                return await self.run(self.exchange(call))
            case Sleep(seconds):
                return await asyncio.sleep(self.clock.sleep(seconds))
            case Guarded():
                guarded: Guarded[Any] = step
                return await self._guarded(guarded.cache, guarded.key, guarded.inner)
            case Gather():
                gather: Gather[Any] = step
                return await self._gather(list(gather.calls), gather.limit)
            case _:
                raise UsageError(f"a flow yielded {step!r}, which is no step; did you forget `yield from`?")

    async def _guarded(self, cache: TokenCache, key: str, inner: Callable[[], Flow[Any]]) -> Any:
        """Tasks queue on a lock of this loop; only its holder contends, in a thread, for the lock that threads and processes share."""
        locks = self._locks.setdefault(asyncio.get_running_loop(), {})
        async with locks.setdefault(key, asyncio.Lock()):
            shared = cache.lock(key)
            await asyncio.to_thread(shared.__enter__)
            try:
                return await self.run(inner())
            finally:
                await asyncio.shield(asyncio.to_thread(shared.__exit__, None, None, None))

    async def _gather(self, items: list[Call[Any] | Flow[Any]], limit: int) -> list[Any]:
        results: list[Any] = [None] * len(items)
        waiting = iter(enumerate(items))

        async def work() -> None:
            for index, item in waiting:
                try:
                    results[index] = await (self._perform(item) if isinstance(item, Call) else self.run(item))
                except SiyuError as error:
                    results[index] = error

        async with asyncio.TaskGroup() as group:
            for _ in range(min(limit, len(items))):
                group.create_task(work())
        return results
