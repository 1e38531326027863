"""Limits of the platforms, and what keeps to them: `from siyu_sdk.limits import Limit, RedisLimiter, rules_for`.

Each is imported when it is used; `RedisLimiter` brings the extra `redis`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .core.limits import Limit, Limiter, MemoryLimiter, Refusal, Rule, Turn
    from .core.redis_limits import RedisLimiter
    from .core.rules import Figure, rules_for

_HOMES = {
    "Figure": "core.rules",
    "Limit": "core.limits",
    "Limiter": "core.limits",
    "MemoryLimiter": "core.limits",
    "RedisLimiter": "core.redis_limits",
    "Refusal": "core.limits",
    "Rule": "core.limits",
    "Turn": "core.limits",
    "rules_for": "core.rules",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __package__), name)


__all__ = ["Figure", "Limit", "Limiter", "MemoryLimiter", "RedisLimiter", "Refusal", "Rule", "Turn", "rules_for"]
