"""siyu_sdk: private-domain operation (私域运营) in the WeChat ecosystem, typed, sync and async, safe to run twice."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from .campaign import Campaign, Coupon, Guards, Message, Step
    from .core.call import Call, Flow, Gather, Local, Sleep, Spec
    from .core.endpoint import DELETE, GET, PATCH, POST, PUT, Async, M, Resource, Sync, flow, paged
    from .core.errors import (
        ApiError,
        AuthenticationError,
        Conflict,
        DecodeError,
        DecryptError,
        DownloadError,
        InputError,
        InvalidArgument,
        NotAllowed,
        NotFound,
        NotSent,
        OutcomeUnknown,
        PermissionDenied,
        PlatformBusy,
        QuotaExceeded,
        RateLimited,
        SignatureError,
        SiyuError,
        TokenExpired,
        TransportError,
        UsageError,
    )
    from .core.events import Event, UnknownEvent
    from .core.files import SavedFile, Upload
    from .core.hooks import Attempt, Hooks
    from .core.retry import Retry
    from .introspection import endpoints, parse_event
    from .miniprogram.client import AsyncMiniProgram, MiniProgram
    from .pay.client import AsyncPay, Pay
    from .plan import Drifted, Plan, Report
    from .siyu import AsyncSiyu, Siyu
    from .store.client import AsyncStore, Store
    from .wecom.client import AsyncWeCom, WeCom

_HOMES = {
    "campaign": ("Campaign", "Coupon", "Guards", "Message", "Step"),
    "core.call": ("Call", "Flow", "Gather", "Local", "Sleep", "Spec"),
    "core.endpoint": ("DELETE", "GET", "PATCH", "POST", "PUT", "Async", "M", "Resource", "Sync", "flow", "paged"),
    "core.errors": (
        "ApiError",
        "AuthenticationError",
        "Conflict",
        "DecodeError",
        "DecryptError",
        "DownloadError",
        "InputError",
        "InvalidArgument",
        "NotAllowed",
        "NotFound",
        "NotSent",
        "OutcomeUnknown",
        "PermissionDenied",
        "PlatformBusy",
        "QuotaExceeded",
        "RateLimited",
        "SignatureError",
        "SiyuError",
        "TokenExpired",
        "TransportError",
        "UsageError",
    ),
    "core.events": ("Event", "UnknownEvent"),
    "core.files": ("SavedFile", "Upload"),
    "core.hooks": ("Attempt", "Hooks"),
    "core.retry": ("Retry",),
    "introspection": ("endpoints", "parse_event"),
    "miniprogram.client": ("AsyncMiniProgram", "MiniProgram"),
    "pay.client": ("AsyncPay", "Pay"),
    "plan": ("Drifted", "Plan", "Report"),
    "siyu": ("AsyncSiyu", "Siyu"),
    "store.client": ("AsyncStore", "Store"),
    "wecom.client": ("AsyncWeCom", "WeCom"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import on first use: `import siyu_sdk` alone loads no platform."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})


__all__ = [
    "DELETE",
    "GET",
    "PATCH",
    "POST",
    "PUT",
    "ApiError",
    "Async",
    "AsyncMiniProgram",
    "AsyncPay",
    "AsyncSiyu",
    "AsyncStore",
    "AsyncWeCom",
    "Attempt",
    "AuthenticationError",
    "Call",
    "Campaign",
    "Conflict",
    "Coupon",
    "DecodeError",
    "DecryptError",
    "DownloadError",
    "Drifted",
    "Event",
    "Flow",
    "Gather",
    "Guards",
    "Hooks",
    "InputError",
    "InvalidArgument",
    "Local",
    "M",
    "Message",
    "MiniProgram",
    "NotAllowed",
    "NotFound",
    "NotSent",
    "OutcomeUnknown",
    "Pay",
    "PermissionDenied",
    "Plan",
    "PlatformBusy",
    "QuotaExceeded",
    "RateLimited",
    "Report",
    "Resource",
    "Retry",
    "SavedFile",
    "SignatureError",
    "Siyu",
    "SiyuError",
    "Sleep",
    "Spec",
    "Step",
    "Store",
    "Sync",
    "TokenExpired",
    "TransportError",
    "UnknownEvent",
    "Upload",
    "UsageError",
    "WeCom",
    "__version__",
    "endpoints",
    "flow",
    "paged",
    "parse_event",
]
