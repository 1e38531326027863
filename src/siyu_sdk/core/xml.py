"""XML of callbacks: into plain dictionaries, safely, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast
from xml.etree.ElementTree import ParseError
from xml.etree.ElementTree import fromstring as fast_parser
from xml.sax.saxutils import escape

from .errors import DecodeError, InputError


def parse_xml(text: str | bytes) -> dict[str, Any]:
    """Read an XML text: elements become keys, repeated elements lists, all leaves strings.

    Raises:
        DecodeError: no XML, or one with a document type or entities, which no platform sends.
    """
    try:
        root = _tree(text)
    except (ParseError, ValueError, LookupError, RecursionError) as error:
        raw = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
        raise DecodeError.of(error, "callback", raw) from None
    value = _read(root, 0)
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


DEPTH = 64


def _tree(text: str | bytes) -> Any:
    """Entities live in document types. Text without one is safe for the fast parser; defusedxml, four times slower, judges all the rest."""
    try:
        plain = text if isinstance(text, str) else text.decode()
    except UnicodeDecodeError:
        plain = None
    if plain is not None and "<!DOCTYPE" not in plain:
        return fast_parser(plain)  # noqa: S314 -- as `str`: an encoding that the text declares for itself does not count
    from defusedxml.ElementTree import fromstring

    return fromstring(text, forbid_dtd=True)


def _read(element: Any, depth: int) -> Any:
    if depth > DEPTH:
        raise DecodeError("callback: the XML is nested deeper than any event", call="callback")
    if not len(element):
        return element.text or ""
    value: dict[str, Any] = {}
    for child in element:
        tag, item = child.tag, _read(child, depth + 1) if len(child) else child.text or ""
        if tag not in value:
            value[tag] = item
        elif isinstance(value[tag], list):
            value[tag].append(item)
        else:
            value[tag] = [value[tag], item]
    return value


def to_xml(fields: Mapping[str, Any], root: str = "xml") -> str:
    """Write an XML text: mappings become elements with elements in them, lists repeated elements.

    Raises:
        InputError: a text has a character that XML cannot carry.
    """
    return f"<{root}>{''.join(_write(name, value) for name, value in fields.items())}</{root}>"


FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _write(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return to_xml(cast("Mapping[str, Any]", value), name)
    if isinstance(value, (list, tuple)):
        return "".join(_write(name, item) for item in cast("Sequence[Any]", value))
    text = str(value)
    if found := FORBIDDEN.search(text):
        raise InputError(f"{name}: XML cannot carry the character {found[0]!r}", name)
    return f"<{name}>{escape(text)}</{name}>"
