"""Tokens in Redis: for processes on many machines."""

from __future__ import annotations

from typing import Any, Final

from ..redis_client import connected
from ..tokens import Token
from .shared import LEASE, SharedTokenCache

KEEP: Final = 24 * 3600
"""Seconds after which Redis forgets: no token lives as long."""

# Compare and act in one step. The token and its lease are in one slot of a cluster: the braces say so.
_WRITE: Final = """
if ARGV[1] ~= '' and redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'value', ARGV[2], 'expires_at', ARGV[3], 'ends_at', ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[5])
return 1
"""
_REMOVE: Final = "if redis.call('HGET', KEYS[1], 'value') == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
_TAKE: Final = """
if redis.call('PTTL', KEYS[1]) == -1 then redis.call('DEL', KEYS[1]) end
return redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0
"""
_FREE: Final = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class RedisTokenCache(SharedTokenCache):
    """Shares tokens over Redis: `RedisTokenCache("redis://…")`, or with a client of your own.

    Any client of redis-py for threads will do: single, cluster, or a master from Sentinel; async clients of this SDK call it in a
    thread. Give your own client time-outs (`socket_timeout`): a URL gets one second. Redis holds the tokens themselves, under hashed
    keys: protect it like a database of passwords. Needs `pip install "siyu-sdk[redis]"`.
    """

    def __init__(self, client: Any, *, prefix: str = "", lease: float = LEASE) -> None:
        """`client` is a URL or a redis-py client; `prefix` tells environments on one Redis apart."""
        super().__init__(lease=lease)
        self._own = isinstance(client, str)
        self._client = connected(client, type(self).__name__)
        self._prefix = prefix

    def read(self, key: str) -> tuple[object, float, float] | None:
        """What the hash says."""
        try:
            kept: dict[Any, Any] = self._client.hgetall(self._name(key))
        except Exception as error:
            if "WRONGTYPE" in str(error):  # the name is taken by something else: that is no failure of Redis
                raise ValueError("no hash") from None
            raise
        if not kept:
            return None
        text = {_text(name): _text(value) for name, value in kept.items()}
        return text["value"], float(text["expires_at"]), float(text["ends_at"])

    def write(self, key: str, token: Token, owner: str) -> bool:
        """Set the hash, if the lease is still this owner's."""
        values = (owner, token.value, repr(token.expires_at), repr(token.ends_at), KEEP)
        return bool(self._client.eval(_WRITE, 2, self._name(key), self._lease(key), *values))

    def remove(self, key: str, value: str) -> None:
        """Delete the hash if it holds that token."""
        self._client.eval(_REMOVE, 1, self._name(key), value)

    def take(self, key: str, owner: str) -> bool:
        """Set the lease if there is none; Redis ends it by itself. One that would never end is no lease of ours."""
        return bool(self._client.eval(_TAKE, 1, self._lease(key), owner, max(1, int(self.lease * 1000))))

    def free(self, key: str, owner: str) -> None:
        """Delete the lease if it is still this owner's."""
        self._client.eval(_FREE, 1, self._lease(key), owner)

    def close(self) -> None:
        """Close the connections to a URL; a client of your own stays open."""
        if self._own:
            self._client.close()

    def _name(self, key: str) -> str:
        return f"{self._prefix}{{{key}}}"

    def _lease(self, key: str) -> str:
        return f"{self._name(key)}:lease"


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
