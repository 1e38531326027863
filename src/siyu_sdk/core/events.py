"""Events: what a platform tells us of its own accord. Each is a type; what no type covers is an `UnknownEvent` that keeps everything."""

from __future__ import annotations

import json
from typing import Any, ClassVar, cast

from pydantic import ValidationError

from .errors import DecodeError
from .model import WireModel
from .xml import parse_xml

_TYPES: dict[tuple[str, str, str], type[Event]] = {}


class Event(WireModel):
    """Base of all events. A subclass says which it is: `class Added(Event, event="change_external_contact", change_type="add_…")`."""

    platform: ClassVar[str] = ""

    def __init_subclass__(cls, *, event: str | tuple[str, ...] = (), change_type: str | tuple[str, ...] = "", **options: Any) -> None:
        super().__init_subclass__(**options)
        for name in (event,) if isinstance(event, str) else event:
            for change in (change_type,) if isinstance(change_type, str) else change_type:
                _TYPES[cls.platform, name, change] = cls


class UnknownEvent(Event):
    """An event of no known type; `payload` has all that came."""

    @property
    def payload(self) -> dict[str, Any]:
        """Everything, as it came."""
        return dict(self.model_extra or {})


def read_event(platform: str, name: str, change_type: str, fields: dict[str, Any]) -> Event:
    """Make the event of a name; falls back from (name, change) to (name), then to `UnknownEvent`."""
    kind = _TYPES.get((platform, name, change_type)) or _TYPES.get((platform, name, "")) or UnknownEvent
    try:
        return kind.model_validate(fields)
    except ValidationError:
        return UnknownEvent.model_validate(fields)  # a known event whose shape drifted is kept whole, never lost


def load_text(text: str | bytes) -> dict[str, Any]:
    """Read a decrypted text, JSON or XML: which it is, is a setting of the platform's console."""
    raw = text.encode() if isinstance(text, str) else text
    if not raw.lstrip().startswith((b"{", b"[")):
        return parse_xml(raw)
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise DecodeError.of(error, "callback", raw) from None
    if not isinstance(value, dict):
        raise DecodeError.of(ValueError("an object is expected"), "callback", raw)
    return cast("dict[str, Any]", value)
