"""The client of Redis behind caches, limits and callbacks: one that was given, or one for a URL."""

from __future__ import annotations

import inspect
from contextlib import suppress
from typing import Any, cast

from .errors import InputError, UsageError


def connected(client: Any, who: str) -> Any:
    """A client for threads; for a URL one with time-outs of a second, which connects when it is first used.

    Raises:
        InputError: it is a client for tasks, or a URL that cannot be read. What it says is not repeated: it may hold a password.
    """
    if not isinstance(client, str):
        if inspect.iscoroutinefunction(getattr(client, "execute_command", None)):
            raise InputError("client: a redis-py client for threads is needed; async clients of this SDK call it in a thread", "client")
        return client
    try:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError:  # pragma: no cover -- an environment without the extra
        raise UsageError(f'{who} needs redis: pip install "siyu-sdk[redis]"') from None
    once = Retry(NoBackoff(), 1)  # for a connection that was closed while it rested
    with suppress(ValueError):
        return cast("Any", Redis).from_url(client, socket_timeout=1.0, socket_connect_timeout=1.0, retry=once)
    raise InputError(
        "client: a URL such as redis://:password@host:6379/0 is expected; what a password has of /, # or ? is written as %2F, %23 or %3F",
        "client",
    )
