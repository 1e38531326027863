"""What every WeChat Pay chapter derives from."""

from __future__ import annotations

from typing import ClassVar, Final

from ..core.endpoint import M, Resource

__all__ = ["SIGNED", "M", "PayResource"]


class PayResource(Resource[M]):
    """A group of WeChat Pay endpoints."""

    platform: ClassVar[str] = "pay"


SIGNED: Final = "wechatpay-v3"
"""The credential of a merchant: a signed Authorization header. Endpoints say `auth=SIGNED`."""
