"""Taking credentials out of what is shown: excerpts of replies, and messages of proxies that repeat what they were asked."""

from __future__ import annotations

import re
from typing import Final

_NAME: Final = r"[a-z_]*(?:access_token|refresh_token|secret|session_key|ticket)"
_SECRET: Final = re.compile(rf"""({_NAME}\\?["']?\s*(?:[=:]|%3[ad])\s*\\?["']?)[^\s"'&<>,;}}\\]+""", re.IGNORECASE)


def redact(text: str) -> str:
    """Hide what follows the name of a credential, in JSON, a query or a header, also where it is cut off."""
    return _SECRET.sub(r"\1***", text)


def is_secret(name: str) -> bool:
    """Tell whether a field of this name holds a credential."""
    return re.fullmatch(_NAME, name, re.IGNORECASE) is not None
