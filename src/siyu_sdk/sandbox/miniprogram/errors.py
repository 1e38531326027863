"""The mini-program platform's error codes as far as the sandbox answers them."""

from __future__ import annotations

from ..platform import ErrorTable

TABLE = ErrorTable(
    messages={
        -1: "system error",
        40001: "invalid credential, access_token is invalid or not latest",
        40003: "invalid openid",
        40013: "invalid appid",
        40029: "invalid code",
        40097: "invalid args",
        40125: "invalid appsecret",
        40163: "code been used",
        41001: "access_token missing",
        42001: "access_token expired",
        45009: "reach max api daily quota limit",
        45033: "api concurrent out of limit",
        47001: "data format error",
        10060001: "pay order not exist",
        10060002: "pay order has been shipped",
        10060003: "re-ship chance used up",
        10060004: "pay order can not be shipped",
        10060005: "invalid logistics type or number of parcels",
        10060006: "split delivery is for express only",
        10060007: "is_all_delivered missing",
        10060008: "item_desc missing",
        10060009: "item_desc too long",
        10060023: "shipping info not changed",
        10060031: "pay order is not of this openid",
        268485226: "tracking_no missing",
        268485227: "express_company missing",
    },
    tokens={"missing": 41001, "invalid": 40001, "expired": 42001},
    malformed=47001,
    missing=40097,
)
refusal = TABLE.refusal
