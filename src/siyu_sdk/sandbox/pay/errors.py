"""WeChat Pay's errors as far as the sandbox answers them: HTTP status and code, and the fine code behind the Request-ID.

The platform publishes no fine code for a stock whose budget is used up; 0 stands there.
"""

from __future__ import annotations

from ..platform import Refusal

_STATUS = {
    "PARAM_ERROR": 400,
    "INVALID_REQUEST": 400,
    "ALREADY_EXISTS": 400,
    "SIGN_ERROR": 401,
    "NO_AUTH": 403,
    "NOT_FOUND": 404,
    "RATELIMIT_EXCEEDED": 429,
    "FREQUENCY_LIMITED": 429,
    "SYSTEM_ERROR": 500,
}
_FINE = {
    268435461: ("PARAM_ERROR", "a parameter is not allowed"),
    268435462: ("PARAM_ERROR", "a parameter is too long"),
    268435463: ("PARAM_ERROR", "a parameter is too short"),
    268435464: ("PARAM_ERROR", "a parameter is out of range"),
    268578101: ("PARAM_ERROR", "the body is malformed"),
    270924358: ("PARAM_ERROR", "the body has an unknown field"),
    268577984: ("INVALID_REQUEST", "the stock is not in state SENDING"),
    268578367: ("INVALID_REQUEST", "the coupon is in a state that does not allow this"),
    268578526: ("INVALID_REQUEST", "the openid is not of this appid"),
    268578608: ("NOT_FOUND", "the object does not exist or belongs to another brand"),
    268578704: ("INVALID_REQUEST", "the appid is not linked to the brand"),
    268578776: ("INVALID_REQUEST", "the coupon has expired"),
    268578851: ("NOT_FOUND", "the coupon does not exist"),
    268578927: ("INVALID_REQUEST", "the request number was used with other data"),
    272755200: ("ALREADY_EXISTS", "the same coupon is being issued to this user under another number"),
    272755715: ("INVALID_REQUEST", "the coupon is outside of its validity"),
    272756740: ("INVALID_REQUEST", "the user has reached the limit of this stock"),
    272756745: ("INVALID_REQUEST", "the coupon was used by another request"),
}


def refuse(fine_code: int, detail: str = "") -> Refusal:
    """The refusal for a fine code, `detail` naming the field or the reason."""
    code, message = _FINE[fine_code]
    return plain(code, f"{message}: {detail}" if detail else message, fine_code)


def plain(code: str, message: str, fine_code: int = 0) -> Refusal:
    """A refusal by its main code."""
    return Refusal(code, message, status=_STATUS.get(code, 400), fine_code=fine_code)


def by_code(code: int | str) -> Refusal:
    """The refusal that an injected fault asks for, by main code (SYSTEM_ERROR) or by fine code (268577984)."""
    return refuse(code) if isinstance(code, int) and code in _FINE else plain(str(code), "injected by the sandbox")
