"""What the package declares, and events by the platform that sent them. The conformance checks stand on these."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from .core.call import Spec
from .core.endpoint import declared
from .core.errors import UsageError
from .core.events import Event, load_text, read_event

PLATFORMS = ("wecom", "miniprogram", "store", "pay")


def _load(platform: str) -> None:
    package = importlib.import_module(f".{platform}", __package__)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)


def endpoints() -> list[Spec[Any]]:
    """Every declared endpoint, of all platforms: method, path, platform, official page, parameters, reply type."""
    for platform in PLATFORMS:
        _load(platform)
    return [spec for spec in declared() if spec.platform in PLATFORMS]


def parse_event(platform: str, text: str | bytes, *, event_type: str = "") -> Event:
    """Turn a decrypted event (XML or JSON text) into its own type, or `UnknownEvent`.

    `event_type` names Pay's events, whose text is the decrypted resource; `original_type` is not needed to tell those apart here.
    """
    if platform not in PLATFORMS:
        raise UsageError(f"unknown platform {platform!r}; one of {', '.join(PLATFORMS)}")
    _load(platform)
    fields = load_text(text)
    name = event_type or str(fields.get("Event") or fields.get("InfoType") or fields.get("MsgType") or "")
    return read_event(platform, name, str(fields.get("ChangeType", "")), fields)
