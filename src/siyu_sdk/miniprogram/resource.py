"""What every mini-program chapter derives from."""

from __future__ import annotations

from typing import ClassVar

from ..core.endpoint import M, Resource

__all__ = ["M", "MiniProgramResource"]


class MiniProgramResource(Resource[M]):
    """A group of mini-program endpoints."""

    platform: ClassVar[str] = "miniprogram"
