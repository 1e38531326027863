"""Tokens: fetched once however many ask at once, replaced only by who saw them fail.

The rule is compare, then expire: a refresh drops a token from the cache only if it is still the one that failed, so a newer token
fetched by somebody else survives. Whoever waited for the lock looks again inside it before fetching. In the last minutes of a token one
caller fetches its successor while the others go on with the old one.
"""

from __future__ import annotations

import hashlib
import inspect
import math
import os
import threading
import zlib
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, cast

from attrs import evolve, field, frozen

from .call import Call, Flow, Local
from .errors import DecodeError, InputError, NotSent, UsageError

if TYPE_CHECKING:
    from .client import Session

MARGIN = 300.0
"""Seconds before its end from which on a token's successor is fetched: the platform may replace it there."""
LAST = 30.0
"""Seconds before its end from which on a token is not used any more: the call still has to travel."""
SPREAD = 60.0
"""Tokens that were fetched together are renewed over so many seconds, not all at once."""
SHORTEST, LONGEST = 30.0, 7200.0
"""Seconds that a token lives. Who says less or more is not believed: a void token is refused and replaced, but a lie would have every call
fetch another one, or keep a void ticket, which nobody refuses, for good."""
AHEAD = 2 * LONGEST
"""Seconds to its end that no token has, unless the clock was turned back since it came."""


NEVER = 9e9
"""A moment that does not come: what has it as its end is kept until it is replaced."""


@frozen
class Token:
    """A credential with an end."""

    value: str = field(repr=False)
    expires_at: float
    """Unix seconds from which on a new one is fetched."""
    ends_at: float = 0.0
    """Unix seconds until which it may still be used while somebody fetches the new one."""

    def fresh(self, now: float) -> bool:
        """Whether it may be used at that moment, and nobody has to think of the next one."""
        return now < self.expires_at < now + AHEAD or self.expires_at >= NEVER

    def usable(self, now: float) -> bool:
        """Whether it may be used at that moment, though its successor is due."""
        return self.fresh(now) or now < self.ends_at < now + AHEAD

    @classmethod
    def living(cls, value: str, expires_in: float, now: float) -> Token:
        """A token that the platform lets live so many seconds; a short life keeps nine tenths."""
        expires_in = min(max(expires_in, SHORTEST), LONGEST)
        used = max(expires_in - MARGIN, expires_in * 0.9 if expires_in <= 2 * MARGIN else 0)
        return cls(value, now + used, now + max(used, expires_in - LAST))

    def spread(self) -> Token:
        """The same token, to be renewed at a moment of its own within the minute after it is due."""
        room = min(SPREAD, (self.ends_at - self.expires_at) / 2)
        return evolve(self, expires_at=self.expires_at + room * (zlib.crc32(self.value.encode()) % 1000) / 1000) if room > 0 else self


FORCE_GAP = 24 * 3600 / 20
"""Seconds between two forced refreshes: the platform allows 20 a day, and never two within 30 s."""


class TokenLock(Protocol):
    """Held by whoever fetches a token; shaped like `threading.Lock`. May be taken and given back in different threads."""

    def acquire(self, blocking: bool = True) -> bool:  # noqa: FBT001, FBT002 -- the shape of threading.Lock
        """Take it, waiting if `blocking`; False where somebody else has it."""
        ...

    def release(self) -> None:
        """Give it back."""
        ...

    def __enter__(self) -> Any: ...
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /) -> None: ...


class TokenCache(Protocol):
    """Where tokens are shared: threads, processes or machines. Keys are hashes; they never hold a secret.

    To write one for another store, derive from `SharedTokenCache`: it brings the memory in front of the store, and the store's failures.
    """

    blocking: bool
    """Whether all but `peek` may wait (a file, a network): an async client then calls them in a thread."""

    def peek(self, key: str) -> Token | None:
        """What this process remembers, without waiting; asked at every call."""
        ...

    def get(self, key: str) -> Token | None:
        """The token under a key, fresh or not, as all who share the cache see it."""
        ...

    def put(self, key: str, token: Token) -> None:
        """Keep a token."""
        ...

    def discard(self, key: str, value: str) -> None:
        """Drop the token, if it still is the one that failed."""
        ...

    def lock(self, key: str) -> TokenLock:
        """Held by whoever fetches a token."""
        ...


class MemoryTokenCache:
    """Shared by the threads and tasks of this process."""

    blocking = False

    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}
        self._locks: dict[tuple[int, str], threading.Lock] = {}

    def get(self, key: str) -> Token | None:
        """The token under a key, fresh or not."""
        return self._tokens.get(key)

    peek = get

    def put(self, key: str, token: Token) -> None:
        """Keep a token."""
        with self._lock(""):
            self._tokens[key] = token

    def discard(self, key: str, value: str) -> None:
        """Drop the token, if it still is the one that failed."""
        with self._lock(""):
            held = self._tokens.get(key)
            if held is not None and held.value == value:
                del self._tokens[key]

    def lock(self, key: str) -> TokenLock:
        """A plain lock: it may be released by another thread than took it."""
        return self._lock(key)

    def _lock(self, name: str) -> threading.Lock:
        """Of this process: in a forked child nobody would ever release what a thread of the parent holds."""
        return self._locks.setdefault((os.getpid(), name), threading.Lock())


def cache_key(platform: str, *parts: str) -> str:
    """A key that tells apps apart and shows nothing: a hash over the id, the secret and what else makes the token differ."""
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
    return f"siyu:{platform}:{digest}"


# Where tokens come from


class Source(Protocol):
    """Where a token comes from."""

    @property
    def key(self) -> str:
        """Its place in the cache."""
        ...

    @property
    def cache(self) -> TokenCache | None:
        """The cache, where it is not the client's."""
        ...

    def fetch(self, session: Session) -> Flow[Token]:
        """Get a token; called by one caller at a time."""
        ...


@frozen
class TokenSource:
    """A token that one call fetches: the call, and what its reply says."""

    key: str
    request: Callable[[], Call[Any] | Flow[Call[Any]]]
    """The call, or a flow that makes it where something has to be looked up first."""
    read: Callable[[Any, float], Token | Flow[Token]]
    """From the reply and the present unix time; a flow where something has to be kept."""
    forced: Callable[[], Call[Any]] | None = None
    """Where tokens are stable: the call that replaces the present token for everybody. The platform allows 20 a day."""
    cache: TokenCache | None = None

    def fetch(self, session: Session) -> Flow[Token]:
        """Send the call and read its reply."""
        request = self.request()
        call = request if isinstance(request, Call) else (yield from request)
        return (yield from self.ask(session, call))

    def ask(self, session: Session, call: Call[Any]) -> Flow[Token]:
        """Send that call and read its reply."""
        from .exchange import RawReply, exchange

        raw: RawReply[Any] = yield from exchange(session, call)
        read = self.read(raw.reply, session.clock.time())
        token = read if isinstance(read, Token) else (yield from read)
        if not token.value:
            raise DecodeError.of(ValueError("there is no token in it"), str(call.spec), raw.body)
        return token.spread()


class TokenProvider(Protocol):
    """A token service of your own (中控): gives a token and the seconds it lives.

    `refresh=True` says that the platform has refused the token given last, whatever its time says: give another one. It is a plain
    function; async clients call it in a thread.
    """

    def __call__(self, *, refresh: bool) -> tuple[str, float]:
        """Give a token and its seconds."""
        ...


class ProvidedSource:
    """A token that a provider gives. It is remembered in this process only: the service is what is shared."""

    def __init__(self, key: str, provider: TokenProvider) -> None:
        if inspect.iscoroutinefunction(provider) or inspect.iscoroutinefunction(getattr(provider, "__call__", None)):  # noqa: B004 -- not whether, but which
            raise InputError("token_provider: a plain function is needed; async clients call it in a thread", "token_provider")
        self.key = key
        self.cache: TokenCache | None = MemoryTokenCache()
        self._provider = provider

    def fetch(self, session: Session) -> Flow[Token]:
        """Ask the service."""
        return self.ask(session, refresh=False)

    def ask(self, session: Session, *, refresh: bool) -> Flow[Token]:
        """Ask the service, and check what it gives."""
        try:
            answer = yield from Local(lambda: self._provider(refresh=refresh))
        except Exception as error:
            raise NotSent(f"the token provider failed: {type(error).__name__}") from error
        match cast("Any", answer):
            case (str(value), int() | float() as lives) if value and (isinstance(lives, int) or math.isfinite(lives)):
                return Token.living(value, lives, session.clock.time()).spread()
            case _:
                raise UsageError("the token provider has to give a pair: the token, and the seconds it lives")


class PushedTicket:
    """The newest ticket that the platform pushed (suite_ticket, component_verify_ticket), kept where tokens are kept.

    Save it where callbacks arrive; whichever process needs a token then finds it. It is called to give the ticket.
    """

    def __init__(self, cache: TokenCache, name: str) -> None:
        """`name` is the SuiteId or the component's appid."""
        self._cache = cache
        self._key = cache_key("ticket", name)

    def save(self, ticket: str) -> None:
        """Keep a ticket; the platform pushes one every ten minutes."""
        self._cache.put(self._key, Token(ticket, NEVER))

    def __call__(self) -> str:
        """Give the newest ticket; empty where none has arrived yet."""
        held = self._cache.get(self._key)
        return held.value if held is not None else ""


def pushed(ticket: Callable[[], str], name: str) -> Flow[str]:
    """Look a pushed ticket up.

    Raises:
        UsageError: none has arrived yet.
    """
    value = cast("str | None", (yield from Local(ticket)))
    if not value:
        raise UsageError(f"no {name} has arrived yet: the platform pushes one every ten minutes to the callback address; keep the newest")
    return value
