"""What commands print: tables for people, JSON for programs, no secrets for anybody."""

from __future__ import annotations

import json
import re
from typing import Any, cast

from rich.console import Console
from rich.markup import escape

from ..core.call import JSON

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

_SECRET = re.compile(r"secret|(^|_)token$|^ticket$|^session_key$|private_key|aes_key|api_v3_key|^js_code$|^code$", re.IGNORECASE)
HIDDEN = "(hidden)"


def complain(message: str) -> None:
    """Say what went wrong, on stderr."""
    err.print(f"[bold red]error:[/] {escape(message)}")


def note(message: str) -> None:
    """Say something beside the result, on stderr."""
    err.print(f"[dim]{escape(message)}[/]")


def show_json(value: JSON) -> None:
    """Print JSON as it is, secrets hidden: it can be piped."""
    print(json.dumps(hide(value), ensure_ascii=False, indent=2, default=str))


def hide(value: Any) -> Any:
    """Replace tokens, secrets and keys, by the names of their fields."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {name: HIDDEN if isinstance(held, str) and held and _SECRET.search(name) else hide(held) for name, held in fields.items()}
    if isinstance(value, (list, tuple)):
        return [hide(item) for item in cast("list[Any]", value)]
    return value
