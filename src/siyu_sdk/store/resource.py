"""What every WeChat-store chapter derives from."""

from __future__ import annotations

from typing import ClassVar

from ..core.endpoint import M, Resource

__all__ = ["M", "StoreResource"]


class StoreResource(Resource[M]):
    """A group of WeChat-store endpoints."""

    platform: ClassVar[str] = "store"
