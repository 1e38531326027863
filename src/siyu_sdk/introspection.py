"""What the package declares, and events by the platform that sent them. The conformance checks stand on these."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from typing import Any

from .core.call import Spec
from .core.endpoint import declared
from .core.errors import UsageError
from .core.events import Event, event_name, load_text, read_event

PLATFORMS = ("wecom", "miniprogram", "store", "pay")


@functools.cache
def _load(platform: str) -> None:
    package = importlib.import_module(f".{platform}", __package__)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)


def endpoints() -> list[Spec[Any]]:
    """Every declared endpoint, of all platforms: method, path, platform, official page, parameters, reply type."""
    for platform in PLATFORMS:
        _load(platform)
    return [spec for spec in declared() if spec.platform in PLATFORMS]


def parse_event(platform: str, text: str | bytes, *, event_type: str = "", original_type: str = "") -> Event:
    """Turn a decrypted event (XML or JSON text) into its own type, or `UnknownEvent`.

    Pay's text is the decrypted resource; `event_type` and `original_type` of its envelope name it. The second tells products apart that
    share a name: `TRANSACTION.SUCCESS` with `profitsharing` is a split, not a payment.
    """
    if platform not in PLATFORMS:
        raise UsageError(f"unknown platform {platform!r}; one of {', '.join(PLATFORMS)}")
    _load(platform)
    fields = load_text(text)
    return read_event(platform, event_type or event_name(fields), original_type or str(fields.get("ChangeType", "")).strip(), fields)
