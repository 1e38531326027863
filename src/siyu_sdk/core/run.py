"""The two drivers: they do what a generator asks for, one step at a time, and hand the result back.

Everything that decides lives in generators (`exchange`, flows); everything that waits lives here, twice: with threads and with
tasks.
"""

from __future__ import annotations

import contextvars
import inspect
import sys
import time
import warnings
from collections.abc import AsyncIterable, Callable, Coroutine, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast
from weakref import WeakKeyDictionary

from attrs import frozen

from .call import Call, Flow, Gather, Local, Sleep
from .clock import Clock, SystemClock
from .errors import InputError, SiyuError, UsageError
from .files import drain
from .http import AsyncTransport, Request, Response, Transport
from .tokens import TokenCache, TokenLock

if TYPE_CHECKING:
    import asyncio  # noqa: TC004 -- a tenth of the time of an import: at run time the first async client brings it

T = TypeVar("T")
R = TypeVar("R")
PACKAGE = f"{__name__.partition('.')[0]}."


@frozen
class Transmit:
    """Put a request on the wire."""

    request: Request
    transport: Transport | AsyncTransport


@frozen
class Hold:
    """Wait, by the client's clock, but not longer than until one is called."""

    seconds: float
    called: Future[None]


@frozen
class Drain:
    """Read a stream of bytes to its end."""

    stream: AsyncIterable[bytes]

    def __iter__(self) -> Generator[Any, Any, bytes]:
        return cast("bytes", (yield self))


@frozen
class Guarded(Generic[T]):
    """Run a generator while holding a cache's lock: one runner at a time, over threads, tasks and (if the cache can) processes.

    Whoever has something to go on with in the meantime says what, with `instead`, and gets that where somebody else has the lock.
    """

    cache: TokenCache
    key: str
    inner: Callable[[], Flow[T]]
    instead: T | None = None

    def __iter__(self) -> Generator[Any, Any, T]:
        return cast("T", (yield self))


class Runner:
    """Runs flows by waiting in the calling thread."""

    is_async: ClassVar[bool] = False
    clock: Clock = SystemClock()
    _warned = False

    def exchange(self, call: Call[R]) -> Flow[R]:
        """What sending a call takes; each client says."""
        raise UsageError(f"{type(self).__name__} cannot send {call!r}: it is no client")

    def send(self, call: Call[R]) -> R:
        """Send a call made as a value, and return its reply."""
        return self.run(self.exchange(call))

    def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end and return its result."""
        loops = sys.modules.get("asyncio")  # nothing runs in a loop before somebody has imported it
        if loops is not None and not self._warned and loops._get_running_loop() is not None:  # noqa: SLF001 -- the public one raises, at ten times the cost
            self._warned = True
            _warn(f"{type(self).__name__} blocks the running event loop; use Async{type(self).__name__} there")
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
        perform = self._STEPS.get(step.__class__)
        if perform is None:
            raise _no_step(step)
        return perform(self, step)

    def _transmit(self, step: Transmit) -> Response:
        return cast("Transport", step.transport).send(step.request)

    def _local(self, step: Local[Any]) -> Any:
        return step.function(*step.arguments)

    def _call(self, step: Call[Any]) -> Any:
        return self.run(self.exchange(step))

    def _sleep(self, step: Sleep) -> None:
        time.sleep(self.clock.sleep(step.seconds))

    def _hold(self, step: Hold) -> None:
        with suppress(TimeoutError):
            step.called.result(self.clock.sleep(step.seconds))

    def _drain(self, step: Drain) -> bytes:  # noqa: ARG002 -- as all steps are performed
        raise InputError(f"an async iterator is read by an async client only: {type(self).__name__} takes a path, bytes or a file", "file")

    def _guarded(self, step: Guarded[Any]) -> Any:
        lock = step.cache.lock(step.key)
        if not lock.acquire(blocking=step.instead is None):
            return step.instead
        try:
            return self.run(step.inner())
        finally:
            lock.release()

    def _gather(self, step: Gather[Any]) -> list[Any]:
        items = list(step.calls)  # before the first is sent: one that cannot be made stops all
        with ThreadPoolExecutor(max_workers=step.limit, thread_name_prefix="siyu") as pool:
            return list(pool.map(self._attempt, items, [contextvars.copy_context() for _ in items]))

    _STEPS: ClassVar[dict[type, Callable[[Any, Any], Any]]] = {
        Transmit: _transmit,
        Local: _local,
        Call: _call,
        Sleep: _sleep,
        Hold: _hold,
        Drain: _drain,
        Guarded: _guarded,
        Gather: _gather,
    }

    def _attempt(self, item: Call[Any] | Flow[Any], context: contextvars.Context) -> Any:
        try:
            return context.run(self.run, iter(item))  # what it does traces as done by whoever gathers
        except SiyuError as error:
            return error


def _warn(message: str) -> None:
    """Warn at the line outside of this package that made the call."""
    frame, level = inspect.currentframe(), 1
    while frame is not None and str(frame.f_globals.get("__name__", "")).startswith(PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, RuntimeWarning, stacklevel=level)


def _no_step(step: object) -> UsageError:
    return UsageError(f"a flow yielded {step!r}, which is no step; did you forget `yield from`?")


async def _try(lock: TokenLock, *, blocking: bool) -> bool:
    """Take a lock if it is free."""
    if not blocking:
        return lock.acquire(blocking=False)
    trying = asyncio.ensure_future(asyncio.to_thread(lock.acquire, blocking=False))
    try:
        return await asyncio.shield(trying)
    except asyncio.CancelledError:  # the thread cannot be stopped: what it gets is given back as soon as it comes
        trying.add_done_callback(lambda done: lock.release() if not done.cancelled() and done.result() else None)
        raise


class AsyncRunner:
    """Runs flows as coroutines."""

    is_async: ClassVar[bool] = True
    clock: Clock = SystemClock()

    def __init__(self) -> None:
        global asyncio  # noqa: PLW0603 -- see above
        import asyncio

        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, asyncio.Lock]] = WeakKeyDictionary()

    def exchange(self, call: Call[R]) -> Flow[R]:
        """What sending a call takes; each client says."""
        raise UsageError(f"{type(self).__name__} cannot send {call!r}: it is no client")

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
        perform = self._STEPS.get(step.__class__)
        if perform is None:
            raise _no_step(step)
        return await perform(self, step)

    async def _transmit(self, step: Transmit) -> Response:
        return await cast("AsyncTransport", step.transport).send(step.request)

    async def _local(self, step: Local[Any]) -> Any:
        if step.blocking:
            return await asyncio.to_thread(step.function, *step.arguments)
        return step.function(*step.arguments)

    async def _call(self, step: Call[Any]) -> Any:
        return await self.run(self.exchange(step))

    async def _sleep(self, step: Sleep) -> None:
        await asyncio.sleep(self.clock.sleep(step.seconds))

    async def _hold(self, step: Hold) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self.clock.sleep(step.seconds)):
                await asyncio.wrap_future(step.called)

    async def _drain(self, step: Drain) -> bytes:
        return await drain(step.stream)

    async def _guarded(self, step: Guarded[Any]) -> Any:
        """Tasks queue on a lock of this loop; only its holder tries for the lock that threads and processes share."""
        turn = self._locks.setdefault(asyncio.get_running_loop(), {}).setdefault(step.key, asyncio.Lock())
        if turn.locked() and step.instead is not None:
            return step.instead
        async with turn:
            lock, blocking = step.cache.lock(step.key), step.cache.blocking
            pause = 0.001
            while not await _try(lock, blocking=blocking):  # a thread that waits would take one from whoever has the lock
                if step.instead is not None:
                    return step.instead
                await asyncio.sleep(pause)
                pause = min(2 * pause, 0.02)
            try:
                return await self.run(step.inner())
            finally:
                if blocking:
                    await asyncio.shield(asyncio.to_thread(lock.release))
                else:
                    lock.release()

    async def _gather(self, step: Gather[Any]) -> list[Any]:
        items = list(step.calls)
        results: list[Any] = [None] * len(items)
        waiting = iter(enumerate(items))

        async def work() -> None:
            for index, item in waiting:
                try:
                    results[index] = await self.run(iter(item))
                except SiyuError as error:
                    results[index] = error

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(step.limit, len(items))):
                    group.create_task(work())
        except BaseExceptionGroup as failed:  # a mistake in a flow is raised as itself, as the sync driver does
            raise failed.exceptions[0] from None
        return results

    _STEPS: ClassVar[dict[type, Callable[[Any, Any], Coroutine[Any, Any, Any]]]] = {
        Transmit: _transmit,
        Local: _local,
        Call: _call,
        Sleep: _sleep,
        Hold: _hold,
        Drain: _drain,
        Guarded: _guarded,
        Gather: _gather,
    }
