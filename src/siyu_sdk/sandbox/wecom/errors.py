"""WeCom's error codes as far as the sandbox answers them."""

from __future__ import annotations

from ..platform import ErrorTable

TABLE = ErrorTable(
    messages={
        -1: "system busy",
        40001: "invalid credential",
        40003: "invalid UserID",
        40006: "invalid media size",
        40007: "invalid media_id",
        40013: "invalid corpid",
        40014: "invalid access_token",
        40058: "invalid request parameter",
        40063: "some parameters are empty",
        40068: "invalid tagid",
        40071: "invalid or existing tag name",
        41001: "access_token missing",
        41002: "corpid missing",
        41004: "corpsecret missing",
        41005: "missing media data",
        41048: "no customer to send",
        41050: "welcome code is invalid or expired",
        41051: "the chat with the customer has begun",
        41063: "group message is being dispatched",
        41064: "too many attachments",
        41093: "group message has been cancelled",
        41094: "group message reminded too often",
        42001: "access_token expired",
        45002: "content size out of limit",
        45009: "api freq out of limit",
        45033: "api concurrent out of limit",
        60111: "userid not found",
        84061: "not external contact",
    },
    tokens={"missing": 41001, "invalid": 40014, "expired": 42001},
    malformed=40058,
    missing=40063,
)
refusal = TABLE.refusal
