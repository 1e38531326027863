"""Lists that say themselves whether they go on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.model import Flag
from .resource import CursorReply


class HasMoreReply(CursorReply):
    """A reply in pages that end where `has_more` is 0: the last page has a `next_cursor` too, and a page may be empty in the middle."""

    has_more: Flag = False

    def next_page(self, arguments: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Give what to change for the next page, or None at the end."""
        return super().next_page(arguments) if self.has_more else None
