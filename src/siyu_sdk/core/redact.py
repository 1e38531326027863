"""Taking credentials out of what is shown: excerpts of replies, and messages of proxies that repeat what they were asked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final, cast

_NAME: Final = (
    r"[a-z_]*(?:token|secret|session_?key|ticket|permanent_?code|auth_?code|authorization_?code|js_?code"
    r"|aes_?key|api_?v3_?key|private_?key|password)"
)
_VALUE: Final = r"""(?:(?<=")[^"\\]+|(?<=')[^'\\]+|[^\s"'&<>,;}\\]+)"""
# A `code` is a credential in a query only: errors have codes, too.
_SECRET: Final = re.compile(rf"""((?<![a-z_]){_NAME}\\?["']?\s*(?:[=:]|%3[ad])\s*\\?["']?|[?&]code=){_VALUE}""", re.IGNORECASE)


def redact(text: str) -> str:
    """Hide what follows the name of a credential, in JSON, a query or a header, also where it is cut off."""
    return _SECRET.sub(r"\1***", text)


def scrub(value: Any) -> Any:
    """Hide credentials in what a platform said as JSON, by the names of fields and inside of texts."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {name: "***" if is_secret(name) else scrub(held) for name, held in cast("dict[str, Any]", value).items()}
    return list(map(scrub, cast("Iterable[Any]", value))) if isinstance(value, list) else value


def is_secret(name: str) -> bool:
    """Tell whether a field of this name holds a credential."""
    return re.fullmatch(_NAME, name, re.IGNORECASE) is not None
