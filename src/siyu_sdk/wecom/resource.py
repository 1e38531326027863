"""What every WeCom chapter derives from."""

from __future__ import annotations

from typing import ClassVar

from ..core.endpoint import M, Resource


class WeComResource(Resource[M]):
    """A group of WeCom endpoints."""

    platform: ClassVar[str] = "wecom"
