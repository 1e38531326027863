"""What all shared token caches have in common: a memory in front of the store, a lease as lock, and a store that may fail.

The store is asked only where the memory does not know: at the first call, when a token is due or was refused. A store that is away, slow or
full of garbage costs a warning, never a call: this process then goes on alone, and looks again every ten seconds.
"""

from __future__ import annotations

import logging
import math
import random
import time
import uuid
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, Self, TypeVar

from ..errors import InputError
from ..tokens import MemoryTokenCache, Token, TokenLock

R = TypeVar("R")

logger = logging.getLogger("siyu_sdk")

LEASE: Final = 30.0
"""Seconds after which the lock of a process that died with it is free again."""
BROKEN: Final = (ValueError, TypeError, KeyError, IndexError, RecursionError)
"""What reading garbage raises."""
LONG: Final = 2048
"""Characters that no token has; it would not fit into an address."""
REST: Final = 10.0
"""Seconds before a store that failed is asked again."""


class SharedTokenCache(ABC):
    """Base of caches over a store; a store of your own needs the five methods at the end.

    They may raise whatever they like. `read` gives what is there as (value, expires_at, ends_at), and is not trusted.
    """

    blocking = True

    def __init__(self, *, lease: float = LEASE) -> None:
        """`lease`: seconds after which a lock whose holder has died is free; longer than fetching a token takes."""
        if not 0 < lease < math.inf:
            raise InputError(f"lease: some seconds are needed, got {lease}", "lease")
        self.lease = lease
        self._front = MemoryTokenCache()
        self._refused: dict[str, str] = {}
        self._owners: dict[str, str] = {}
        self._asked_again_at = 0.0
        self._warned = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    # What clients ask

    def peek(self, key: str) -> Token | None:
        """What this process remembers: no file and no network."""
        return self._front.get(key)

    def get(self, key: str) -> Token | None:
        """The token in the store; what this process remembers, where the store has none or is away."""
        found = self._ask(self._read, key)
        if found is None or found.value == self._refused.get(key):  # read before it was refused: it must not come back
            return self._front.get(key)
        self._front.put(key, found)
        return found

    def put(self, key: str, token: Token) -> None:
        """Keep a token, unless its fetcher took so long that somebody else has the lock now."""
        if self._refused.get(key) == token.value:  # the platform hands it out again
            del self._refused[key]
        if self._ask(self.write, key, token, self._owners.get(key, "")) is not False:
            self._front.put(key, token)

    def discard(self, key: str, value: str) -> None:
        """Drop the token, here and in the store, if it still is the one that failed."""
        known = self._refused.get(key) == value
        self._refused[key] = value
        self._front.discard(key, value)
        if not known:  # 200 callers are refused at once; the first of them tells the store
            self._ask(self.remove, key, value)

    def lock(self, key: str) -> TokenLock:
        """One caller of this process at a time tries for the lease in the store."""
        return _Lock(self, key, self._front.lock(key))

    def begin_lease(self, key: str) -> str | None:
        """Give the owner of a new lease, empty where the store is away; None where somebody else has it."""
        owner = uuid.uuid4().hex
        taken = self._ask(self.take, key, owner)
        if taken:
            self._owners[key] = owner
        return None if taken is False else owner if taken else ""

    def end_lease(self, key: str, owner: str) -> None:
        """Let others fetch."""
        self._owners.pop(key, None)
        self._ask(self.free, key, owner)

    def close(self) -> None:  # noqa: B027 -- not every store has something to close
        """Close the connections that this cache opened; a client or an engine of your own stays open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    # The store may fail

    def _ask(self, question: Callable[..., R], *arguments: object) -> R | None:
        now = time.monotonic()
        if now < self._asked_again_at:
            return None
        if self._asked_again_at:
            self._asked_again_at = now + REST  # this caller tries; the others do not wait for a second failure
        try:
            answer = question(*arguments)
        except Exception as error:  # noqa: BLE001 -- a cache that fails must not fail a call, whatever its client library raises
            self._asked_again_at = time.monotonic() + REST
            self._complain(f"cannot be reached ({type(error).__name__}): this process keeps its tokens to itself for now")
            return None
        self._asked_again_at = 0.0
        return answer

    def _read(self, key: str) -> Token | None:
        try:
            found = self.read(key)
            if found is None:
                return None
            value, expires_at, ends_at = found
            if not (isinstance(value, str) and 0 < len(value) <= LONG and value.isprintable()):
                raise ValueError("no token")
            if not (math.isfinite(expires_at) and math.isfinite(ends_at)):
                raise ValueError("no end")
            return Token(value, float(expires_at), float(ends_at))
        except BROKEN:
            self._complain("holds something that is no token; it is fetched anew")
            return None

    def _complain(self, trouble: str) -> None:
        """Warn once, and write each trouble into the log. What went wrong may hold a token or a password: its type is all that is said."""
        logger.warning("%s %s", type(self).__name__, trouble)
        if not self._warned:
            self._warned = True
            with suppress(RuntimeWarning):  # where warnings are errors (-W error): a call must not fail for it
                warnings.warn(f"{type(self).__name__} {trouble}", RuntimeWarning, stacklevel=2)

    # What a store has to do

    @abstractmethod
    def read(self, key: str) -> tuple[object, float, float] | None:
        """What is there: value, expires_at, ends_at."""

    @abstractmethod
    def write(self, key: str, token: Token, owner: str) -> bool:
        """Keep a token; False, and nothing is kept, where the lease is no more this owner's. Without owner there is no condition."""

    @abstractmethod
    def remove(self, key: str, value: str) -> None:
        """Drop what is there if that is its value, in one step."""

    @abstractmethod
    def take(self, key: str, owner: str) -> bool:
        """Get the lease for `self.lease` seconds; False where somebody has it."""

    @abstractmethod
    def free(self, key: str, owner: str) -> None:
        """Give the lease back, if it still is this owner's."""


class _Lock:
    """This process's lock, then the store's lease. Who finds a token that this process fetched meanwhile needs no lease."""

    def __init__(self, cache: SharedTokenCache, key: str, local: TokenLock) -> None:
        self._cache, self._key, self._local = cache, key, local
        self._seen = cache.peek(key)
        self._owner = ""
        self._patience = time.monotonic() + cache.lease * 1.2

    def acquire(self, blocking: bool = True) -> bool:  # noqa: FBT001, FBT002 -- the shape of threading.Lock
        if not self._local.acquire(blocking=blocking):
            return False
        taken = False
        try:
            while not (taken := self._take()) and blocking:
                time.sleep(random.uniform(0.01, 0.03))  # noqa: S311 -- so that waiters do not come in step
        finally:
            if not taken:
                self._local.release()
        return taken

    def _take(self) -> bool:
        cache, key = self._cache, self._key
        here = cache.peek(key)
        if (here is not None and here != self._seen) or time.monotonic() > self._patience:
            return True  # or its holder hangs: better one token too many than none
        owner = cache.begin_lease(key)
        self._owner = owner or ""
        return owner is not None  # where the store is away, this process's lock has to do

    def release(self) -> None:
        owner, self._owner = self._owner, ""
        try:
            if owner:
                self._cache.end_lease(self._key, owner)
        finally:
            self._local.release()

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()
