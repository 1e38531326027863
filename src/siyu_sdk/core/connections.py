"""Connections of our own: keep-alive HTTP/1.1 on plain sockets, kept in free lists.

Used where the caller brings no httpx client and no proxy is set. What httpx adds (cookies, redirects, URL parsing, a pool that walks
over all its connections at every call) is two thirds of the time of a small call, and at 50 calls at once nine tenths.

Whether a call arrived is decided here: `NotSent` until the first byte of the request was taken, `OutcomeUnknown` from then on.
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
import ssl
import threading
import time
import warnings
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary

import h11

from .errors import DownloadError, NotSent, OutcomeUnknown, UsageError
from .http import AsyncHttpxTransport, AsyncTransport, HttpxTransport, Request, Response, Transport, connect_timeout
from .wire import MAX_IDLE, Broken, Place, Talk, direct_place, shared_context

if TYPE_CHECKING:
    from .http import AsyncHttpClient, HttpClient

MAX_CONNECTIONS: Final = 100
CHUNK: Final = 256 * 1024


def _readable(handle: int) -> bool:
    """Whether bytes, or an end, wait on a connection at rest: either way it is of no use any more."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([handle], [], [], 0)[0])


def _not_sent(request: Request, error: object) -> NotSent:
    return NotSent(f"{request.call}: {_words(error)}; nothing reached {request.base_url}", request.call)


def _unknown(request: Request, error: object) -> OutcomeUnknown:
    return OutcomeUnknown(f"{request.call}: {_words(error)}; the call may have taken effect", request.call)


def _words(error: object) -> str:
    if isinstance(error, TimeoutError):
        return f"time-out: {error}" if str(error) not in ("", "timed out") else "time-out"
    return f"{type(error).__name__}: {error}" if isinstance(error, Exception) and not isinstance(error, Broken) else str(error)


# With threads


class Connection(Talk):
    """A socket and its conversation. Whoever has it has it alone."""

    __slots__ = ("_socket",)

    def __init__(self, place: Place, timeout: float, context: ssl.SSLContext | None) -> None:
        super().__init__()
        self._socket = socket.create_connection((place.host, place.port), connect_timeout(timeout))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if place.tls:
            try:
                self._socket = (context or shared_context()).wrap_socket(self._socket, server_hostname=place.host)
            except BaseException:
                self.close()
                raise

    def __del__(self) -> None:
        if hasattr(self, "_socket"):
            self.close()  # a forgotten client leaves no ResourceWarning

    def close(self) -> None:
        """Let go; in a forked child the parent's side goes on."""
        self._socket.close()

    def usable(self, now: float) -> bool:
        """Whether it still stands, as far as can be known without sending."""
        return now - self.rested < MAX_IDLE and not _readable(self._socket.fileno())

    def carry(self, data: bytes) -> tuple[Response, bool]:
        """Send and receive.

        Raises:
            OSError: not a byte was taken.
            Broken: some were, and there is no whole reply.
        """
        link, view = self._socket, memoryview(data)
        link.settimeout(self.timeout)
        failed: OSError | None = None
        while view and failed is None:
            try:
                view = view[link.send(view) :]
            except OSError as error:
                if len(view) == len(data):
                    raise
                failed = error  # a server may answer (413) before it has read everything: then that answer counts
        self.began()
        try:
            while not self.hear(self._receive()):
                pass
        except OSError as error:
            raise Broken(_words(failed or error)) from None
        response, again = self.finish()
        return response, again and failed is None

    def _receive(self) -> bytes:
        patience = self.patience()
        if patience <= 0:
            raise TimeoutError
        self._socket.settimeout(patience)
        return self._socket.recv(CHUNK)


class Idle(Protocol):
    """A connection at rest."""

    rested: float

    def usable(self, now: float) -> bool:
        """Whether it still stands, as far as can be known without sending."""
        ...

    def close(self) -> None:
        """Let go."""
        ...


C = TypeVar("C", bound=Idle)


class Origin(Generic[C]):
    """The idle connections to one place, the youngest on top: taking one costs the same with 1 as with 100."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._idle = deque[C]()  # its methods are atomic: no lock

    def take(self) -> C | None:
        """A connection that still stands, if there is one."""
        now = time.monotonic()
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was quicker
                return None
            if connection.usable(now):
                return connection
            connection.close()
        return None

    def put(self, connection: C) -> None:
        """Take a connection back, and let go of one that has rested for too long."""
        with suppress(IndexError):
            oldest = self._idle.popleft()
            if connection.rested - oldest.rested < MAX_IDLE:
                self._idle.appendleft(oldest)
            else:
                oldest.close()
        self._idle.append(connection)

    def close(self) -> None:
        """Let go of all."""
        with suppress(IndexError):
            while True:
                self._idle.pop().close()


class Pool(Generic[C]):
    """The connections of one transport in one process (and on one event loop): a forked child begins a pool of its own."""

    def __init__(self, slots: Any) -> None:
        self.pid = os.getpid()
        self.slots = slots
        self.closed = False
        self._origins: dict[str, Origin[C] | None] = {}

    def origin(self, base_url: str) -> Origin[C] | None:
        """The idle connections to a base URL; None where httpx has to go there."""
        try:
            return self._origins[base_url]
        except KeyError:
            place = direct_place(base_url)
            return self._origins.setdefault(base_url, Origin[C](place) if place is not None else None)

    def put(self, origin: Origin[C], connection: C) -> None:
        """Take a connection back, unless the client was closed in the meantime."""
        origin.put(connection)
        if self.closed:
            self.close()

    def close(self) -> None:
        """Let go of all connections at rest; those under way are let go when they come back."""
        self.closed = True
        for origin in self._origins.values():
            if origin is not None:
                origin.close()


class DirectTransport:
    """Sends over connections of its own. Safe to share between threads; what a proxy has to carry goes through httpx."""

    def __init__(self, *, context: ssl.SSLContext | None = None) -> None:
        self._context = context
        self._pool: Pool[Connection] | None = None
        self._plain: HttpxTransport | None = None

    def send(self, request: Request) -> Response:
        """Carry one request."""
        pool = self._pool
        if pool is None or pool.pid != os.getpid():
            pool = self._pool = Pool(threading.Semaphore(MAX_CONNECTIONS))
        origin = pool.origin(request.base_url)
        if origin is None:
            if self._plain is None:
                self._plain = HttpxTransport(verify=self._context or True)
            return self._plain.send(request)
        if not pool.slots.acquire(timeout=request.timeout):
            raise _not_sent(request, f"{MAX_CONNECTIONS} calls are under way already")
        try:
            return self._carry(pool, origin, request)
        finally:
            pool.slots.release()

    def _carry(self, pool: Pool[Connection], origin: Origin[Connection], request: Request) -> Response:
        while True:
            old = origin.take()
            try:
                connection = old or Connection(origin.place, request.timeout, self._context)
            except (OSError, UnicodeError) as error:
                raise _not_sent(request, error) from None
            try:
                response, again = connection.carry(connection.ask(request, origin.place))
            except (OSError, h11.LocalProtocolError) as error:
                connection.close()
                if old is None or isinstance(error, h11.LocalProtocolError):
                    raise _not_sent(request, error) from None
                continue  # it closed while it rested, and took nothing: on to the next
            except Broken as error:
                connection.close()
                raise _unknown(request, error) from None
            except BaseException:
                connection.close()
                raise
            if again:
                pool.put(origin, connection)
            else:
                connection.close()
            return response

    def close(self) -> None:
        """Close what this transport opened."""
        pool, self._pool, plain, self._plain = self._pool, None, self._plain, None
        if pool is not None:
            pool.close()
        if plain is not None:
            plain.close()


# With tasks


class AsyncConnection(Talk, asyncio.Protocol):
    """A stream of an event loop and its conversation. Whoever has it has it alone."""

    __slots__ = ("_loop", "_lost", "_stream", "_unsent", "_waiter")

    _stream: asyncio.Transport

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._loop = loop
        self._lost = False
        self._waiter: asyncio.Future[None] | None = None

    @classmethod
    async def open(cls, place: Place, patience: float, context: ssl.SSLContext | None) -> AsyncConnection:
        """Connect.

        Raises:
            OSError: it could not be reached, or is not whom it should be; TimeoutError is one.
        """
        loop, tls = asyncio.get_running_loop(), (context or shared_context()) if place.tls else None
        async with asyncio.timeout(connect_timeout(patience)):
            name = place.host if tls else None
            _, connection = await loop.create_connection(lambda: cls(loop), place.host, place.port, ssl=tls, server_hostname=name)
        return connection

    # What the loop tells

    def connection_made(self, transport: Any) -> None:
        """Remember the stream."""
        self._stream = transport

    def data_received(self, data: bytes) -> None:
        """Read; whoever speaks unasked is not listened to again."""
        waiter = self._waiter
        if waiter is None or waiter.done():
            self.close()
            return
        try:
            if self.hear(data):
                waiter.set_result(None)
        except (Broken, DownloadError) as error:
            waiter.set_exception(error)

    def eof_received(self) -> None:
        """The server has nothing more to say: that may end a reply, or break it off."""
        self._lost = True
        if self._waiter is not None and not self._waiter.done():
            self.data_received(b"")

    def connection_lost(self, exc: Exception | None) -> None:
        """The stream is gone."""
        self._lost = True
        if self._waiter is not None and not self._waiter.done():
            if exc is None:
                self.data_received(b"")
            else:
                self._waiter.set_exception(Broken(_words(exc)))

    # What the pool asks

    def usable(self, now: float) -> bool:
        """Whether it still stands, as far as can be known without sending."""
        return self._stands() and now - self.rested < MAX_IDLE and not _readable(self._stream.get_extra_info("socket").fileno())

    def _stands(self) -> bool:
        return not self._lost and not self._stream.is_closing()

    async def carry(self, data: bytes) -> tuple[Response, bool]:
        """Send and receive.

        Raises:
            OSError: not a byte was taken.
            Broken: some were, and there is no whole reply.
        """
        if not self._stands():
            raise ConnectionResetError("the server closed the connection")
        waiter = self._waiter = self._loop.create_future()
        self._stream.write(data)
        self._unsent = self._stream.get_write_buffer_size()
        timer = self._loop.call_later(self.timeout, self._look)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiter = None
        response, again = self.finish()
        return response, again and self._stands() and not self._stream.get_write_buffer_size()

    def _look(self) -> None:
        """See whether anything moves; the timer of a call that has ended finds nobody waiting."""
        if self._waiter is None or self._waiter.done():
            return
        unsent = self._stream.get_write_buffer_size()
        if unsent < self._unsent:  # an upload that moves is no time-out
            self._unsent = unsent
            self.began()
        patience = self.patience()
        if patience > 0:
            self._loop.call_later(patience, self._look)
        else:
            self._waiter.set_exception(Broken("time-out"))

    def close(self) -> None:
        """Let go, from whatever thread, also when the loop is closed already."""
        self._lost = True
        if self._loop.is_closed():
            with warnings.catch_warnings():  # asyncio cannot close a stream without its loop: dropping it closes the socket
                warnings.simplefilter("ignore", ResourceWarning)
                del self._stream
        else:
            self._loop.call_soon_threadsafe(self._stream.abort)


class AsyncDirectTransport:
    """The same for tasks; each event loop has connections of its own."""

    def __init__(self, *, context: ssl.SSLContext | None = None) -> None:
        self._context = context
        self._pools: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncPool] = WeakKeyDictionary()
        self._plain: AsyncHttpxTransport | None = None

    async def send(self, request: Request) -> Response:
        """Carry one request."""
        loop = asyncio.get_running_loop()
        pool = self._pools.get(loop)
        if pool is None or pool.pid != os.getpid():
            pool = self._pools[loop] = AsyncPool(asyncio.Semaphore(MAX_CONNECTIONS))
            pool.watch = self._until_it_ends(loop, pool)
            await anext(pool.watch)
        origin = pool.origin(request.base_url)
        if origin is None:
            if self._plain is None:
                self._plain = AsyncHttpxTransport(verify=self._context or True)
            return await self._plain.send(request)
        if pool.slots.locked():
            try:
                async with asyncio.timeout(request.timeout):
                    await pool.slots.acquire()
            except TimeoutError:
                raise _not_sent(request, f"{MAX_CONNECTIONS} calls are under way already") from None
        else:
            await pool.slots.acquire()
        try:
            return await self._carry(pool, origin, request)
        finally:
            pool.slots.release()

    async def _until_it_ends(self, loop: asyncio.AbstractEventLoop, pool: AsyncPool) -> AsyncGenerator[None]:
        """Close the connections with their loop: before it closes, a loop ends the generators that began on it."""
        try:
            yield
        finally:
            if self._pools.get(loop) is pool:
                del self._pools[loop]
            pool.close()
            await _streams_closed()

    async def _carry(self, pool: AsyncPool, origin: Origin[AsyncConnection], request: Request) -> Response:
        while True:
            old = origin.take()
            try:
                connection = old or await AsyncConnection.open(origin.place, request.timeout, self._context)
            except (OSError, UnicodeError) as error:
                raise _not_sent(request, error) from None
            try:
                response, again = await connection.carry(connection.ask(request, origin.place))
            except (OSError, h11.LocalProtocolError) as error:
                connection.close()
                if old is None or isinstance(error, h11.LocalProtocolError):
                    raise _not_sent(request, error) from None
                continue  # it closed while it rested, and took nothing: on to the next
            except Broken as error:
                connection.close()
                raise _unknown(request, error) from None
            except BaseException:
                connection.close()
                raise
            if again:
                pool.put(origin, connection)
            else:
                connection.close()
            return response

    async def aclose(self) -> None:
        """Close what this transport opened, on whatever loop."""
        pools, self._pools = list(self._pools.values()), WeakKeyDictionary()
        plain, self._plain = self._plain, None
        for pool in pools:
            pool.close()
        if plain is not None:
            await plain.aclose()
        await _streams_closed()


async def _streams_closed() -> None:
    for _ in range(2):  # streams close one turn of the loop after they are told, TLS ones two
        await asyncio.sleep(0)


class AsyncPool(Pool[AsyncConnection]):
    """The connections of one event loop."""

    watch: AsyncGenerator[None] | None = None

    def __del__(self) -> None:
        if self.pid == os.getpid():  # a child must not touch its parent's loop: they share the selector
            self.close()


def transport(client: HttpClient | None = None, *, proxy: str | None = None) -> Transport:
    """What a client sends through: the caller's own `httpx.Client`, httpx for a proxy, or connections of our own."""
    if client is not None and proxy is not None:
        raise UsageError("give http= or proxy=, not both: a client of your own brings its own proxies")
    return HttpxTransport(client, proxy=proxy) if client is not None or proxy is not None else DirectTransport()


def async_transport(client: AsyncHttpClient | None = None, *, proxy: str | None = None) -> AsyncTransport:
    """The same for tasks."""
    if client is not None and proxy is not None:
        raise UsageError("give http= or proxy=, not both: a client of your own brings its own proxies")
    return AsyncHttpxTransport(client, proxy=proxy) if client is not None or proxy is not None else AsyncDirectTransport()
