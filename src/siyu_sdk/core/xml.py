"""XML of callbacks: into plain dictionaries, safely, and back."""

from __future__ import annotations

from typing import Any, cast
from xml.sax.saxutils import escape

from .errors import DecodeError


def parse_xml(text: str | bytes) -> dict[str, Any]:
    """Read an XML text: elements become keys, repeated elements lists, all leaves strings.

    Raises:
        DecodeError: no XML, or one with a document type or entities, which no platform sends.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        root = fromstring(text, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError) as error:
        raw = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
        raise DecodeError.of(error, "callback", raw) from None
    value = _read(root, 0)
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


DEPTH = 64


def _read(element: Any, depth: int) -> Any:
    if depth > DEPTH:
        raise DecodeError("callback: the XML is nested deeper than any event", call="callback")
    if len(element) == 0:
        return element.text or ""
    value = dict[str, Any]()
    for child in element:
        item = _read(child, depth + 1)
        if child.tag not in value:
            value[child.tag] = item
        elif isinstance(value[child.tag], list):
            value[child.tag].append(item)
        else:
            value[child.tag] = [value[child.tag], item]
    return value


def to_xml(fields: dict[str, str | int]) -> str:
    """Write a flat `<xml>` text, as passive replies are."""
    return "<xml>" + "".join(f"<{k}>{v if isinstance(v, int) else escape(v)}</{k}>" for k, v in fields.items()) + "</xml>"
