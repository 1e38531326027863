"""What every WeCom chapter derives from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..core.endpoint import M, Resource
from ..core.model import Reply

__all__ = ["CursorReply", "M", "WeComResource"]


class WeComResource(Resource[M]):
    """A group of WeCom endpoints."""

    platform: ClassVar[str] = "wecom"


class CursorReply(Reply):
    """A reply that comes in pages. Only an empty `next_cursor` ends them: a page may be short, or empty, in the middle."""

    next_cursor: str = ""

    def next_page(self, arguments: Mapping[str, Any]) -> Mapping[str, Any] | None:  # noqa: ARG002 -- what `@paged` asks of a page
        """Give what to change for the next page, or None at the end."""
        return {"cursor": self.next_cursor} if self.next_cursor else None
