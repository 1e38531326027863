"""Token caches that processes and machines share: `from siyu_sdk.caches import RedisTokenCache`.

Each is imported when it is used, and brings its own extra: `files`, `redis` or `sql`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .core.caches.file import FileTokenCache
    from .core.caches.redis import RedisTokenCache
    from .core.caches.shared import SharedTokenCache
    from .core.caches.sql import SQLTokenCache
    from .core.tokens import MemoryTokenCache, PushedTicket, Token, TokenCache, TokenProvider

_HOMES = {
    "FileTokenCache": "core.caches.file",
    "MemoryTokenCache": "core.tokens",
    "PushedTicket": "core.tokens",
    "RedisTokenCache": "core.caches.redis",
    "SQLTokenCache": "core.caches.sql",
    "SharedTokenCache": "core.caches.shared",
    "Token": "core.tokens",
    "TokenCache": "core.tokens",
    "TokenProvider": "core.tokens",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __package__), name)


__all__ = [
    "FileTokenCache",
    "MemoryTokenCache",
    "PushedTicket",
    "RedisTokenCache",
    "SQLTokenCache",
    "SharedTokenCache",
    "Token",
    "TokenCache",
    "TokenProvider",
]
