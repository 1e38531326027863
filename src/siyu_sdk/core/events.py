"""Events: what a platform tells us of its own accord. Each is a type; what no type covers is an `UnknownEvent` that keeps everything."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, cast

from attrs import frozen
from pydantic import ValidationError

from .errors import DecodeError
from .model import WireModel
from .xml import parse_xml

logger = logging.getLogger("siyu_sdk")

_TYPES: dict[tuple[str, str, str], type[Event]] = {}


class Event(WireModel):
    """Base of all events. A subclass says which it is: `class Added(Event, event="change_external_contact", change_type="add_…")`.

    Pay's events say `event="TRANSACTION.SUCCESS", original_type="profitsharing"` where one name carries several products.
    """

    platform: ClassVar[str] = ""

    def __init_subclass__(
        cls,
        *,
        event: str | tuple[str, ...] = (),
        change_type: str | tuple[str, ...] = "",
        original_type: str | tuple[str, ...] = "",
        **options: Any,
    ) -> None:
        super().__init_subclass__(**options)
        variant = original_type or change_type
        for name in (event,) if isinstance(event, str) else event:
            for change in (variant,) if isinstance(variant, str) else variant:
                _TYPES[cls.platform, name, change] = cls

    @property
    def usable_until(self) -> datetime | None:
        """When what the event hands out (a welcome code) stops working; None where it hands out nothing."""
        return None


class UnknownEvent(Event):
    """An event of no known type; `payload` has all that came."""

    @property
    def payload(self) -> dict[str, Any]:
        """Everything, as it came."""
        return dict(self.model_extra or {})


@frozen
class Incoming:
    """An event as it was delivered: verified, decrypted, and with what tells a redelivery from a second event."""

    event: Event
    fingerprint: str
    """A hash of all that was said: equal for each delivery of one event, different for two events of the same second."""
    happened_at: datetime | None = None
    receive_id: str = ""
    """Whom it was meant for, where the envelope says so."""


def fingerprint(*parts: str | bytes) -> str:
    """Hash everything that an event says; where one part ends and the next begins counts too."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.hexdigest()


def event_name(fields: Mapping[str, Any]) -> str:
    """Find an event's name: `Event`, a suite's `InfoType`, or the `MsgType` of a message. The platform puts blanks around some."""
    return str(fields.get("Event") or fields.get("InfoType") or fields.get("MsgType") or "").strip()


def read_event(platform: str, name: str, variant: str, fields: dict[str, Any]) -> Event:
    """Make the event of a name; falls back from (name, variant) to (name), then to `UnknownEvent`.

    The variant is WeCom's `ChangeType`, and the `original_type` of Pay.
    """
    kind = _TYPES.get((platform, name, variant)) or _TYPES.get((platform, name, "")) or UnknownEvent
    try:
        return kind.model_validate(fields)
    except (ValidationError, RecursionError) as error:  # a known event whose shape drifted is kept whole, and its handlers will not see it
        logger.warning("%s event %s is no %s: %s; it is kept as an UnknownEvent", platform, name, kind.__name__, _fault(error))
        return UnknownEvent.model_validate(fields)


def _fault(error: ValidationError | RecursionError) -> str:
    """The field and the kind of fault, nothing of its content."""
    if isinstance(error, RecursionError):
        return "nested too deep"
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['type']}"


def load_text(text: str | bytes) -> dict[str, Any]:
    """Read a decrypted text, JSON or XML: which it is, is a setting of the platform's console."""
    if isinstance(text, str) and text.startswith("<"):  # nearly always: what was decrypted was decoded already
        return parse_xml(text)
    raw = text.encode("utf-8", "replace") if isinstance(text, str) else text
    if not raw.lstrip().startswith((b"{", b"[")):
        return parse_xml(raw)
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise DecodeError.of(error, "callback", raw) from None
    if not isinstance(value, dict):
        raise DecodeError.of(ValueError("an object is expected"), "callback", raw)
    return cast("dict[str, Any]", value)
