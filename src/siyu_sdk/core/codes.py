"""The table of error codes: what a code means on its platform, and what to do. The same number differs between platforms."""

from __future__ import annotations

import functools
import json
from typing import Any

from attrs import frozen

from . import errors
from .redact import redact, scrub


@frozen
class Code:
    """One row of the table."""

    kind: str
    retry: str
    """`no`, `backoff`, `after_refresh_token` or `next_day`."""
    meaning: str
    hint: str


REACTIONS: dict[str, type[errors.ApiError]] = {
    "invalid_argument": errors.InvalidArgument,
    "permission": errors.PermissionDenied,
    "auth": errors.AuthenticationError,
    "token": errors.TokenExpired,
    "not_found": errors.NotFound,
    "conflict": errors.Conflict,
    "rate_limit": errors.RateLimited,
    "quota": errors.QuotaExceeded,
    "temporary": errors.PlatformBusy,
    "internal": errors.ApiError,
}

# Codes that are not in the table: the HTTP status decides.
_BY_STATUS = {
    400: "invalid_argument",
    401: "auth",
    403: "permission",
    404: "not_found",
    405: "invalid_argument",
    409: "conflict",
    429: "rate_limit",
}


@functools.cache
def _table() -> dict[tuple[str, str], Code]:
    from importlib.resources import files

    rows = json.loads(files("siyu_sdk.core").joinpath("data/errors.json").read_text(encoding="utf-8"))
    return {(row["platform"], str(row["code"])): Code(row["kind"], row["retry"], row["meaning_zh"], row["hint"]) for row in rows}


def look_up(platform: str, *codes: int | str, status: int = 200) -> Code:
    """Find the row of the first known code; an unknown one is judged by the HTTP status."""
    for code in codes:
        row = _table().get((platform, str(code)))
        if row is not None:
            return row
    if status >= 500:
        return Code("temporary", "backoff", "", "The platform has trouble of its own; try again later.")
    kind = _BY_STATUS.get(status, "internal")
    return Code(kind, "backoff" if kind == "rate_limit" else "no", "", "")


def refusal(
    platform: str,
    code: int | str,
    message: str,
    call: str,
    *,
    fine: int | str = "",
    status: int = 200,
    request_id: str = "",
    retry_after: float | None = None,
    details: Any = None,
) -> tuple[errors.ApiError, Code]:
    """Make the error for a code, of the type that asks for the right reaction."""
    row = look_up(platform, *((fine,) if fine else ()), code, status=status)
    meaning = row.meaning if row.meaning and row.meaning not in message else ""
    error = REACTIONS.get(row.kind, errors.ApiError)(
        fine or code,
        redact(message),
        call,
        hint=" ".join(part for part in (f"({meaning})" if meaning else "", row.hint) if part),
        request_id=request_id,
        http_status=status,
        retry_after=retry_after,
        retryable=row.retry != "no",
        details=scrub(details),
    )
    return error, row
