"""Keep the table of limits in its one form: checked, sorted, one row a line.

Without an option it rewrites the table in its canonical form. `--check` changes nothing and exits 1 if the table is wrong or not in
that form (`make check` runs it); `--merge facts.json` takes over the rows of a collection of facts that a machine can use: how often
(rate), how many at once (concurrency), how much in one call (size). What it leaves out it names, with the reason; a fact that nobody
has found a reason for is refused.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from tables import PLATFORMS, Row, keep

FIELDS = ("platform", "api", "kind", "limit", "seconds", "unit", "scope", "code", "confidence", "what", "source")
KINDS = ("rate", "concurrency", "size")
CONFIDENCE = ("high", "medium", "low", "none")
ENFORCED = ("account+api", "account+family", "app+api", "ip")
WINDOWS = {"second": 1, "s": 1, "minute": 60, "min": 60, "hour": 3600, "h": 3600, "day": 86400, "24 h": 86400, "month": 2592000}
UNITS = {
    "bytes": "bytes",
    "bytes utf-8": "bytes",
    "characters": "characters",
    "members": "items",
    "records": "items",
    "groups": "items",
    "customers": "items",
    "entries": "items",
    "ids": "items",
    "links": "items",
    "accounts": "items",
    "messages": "items",
    "follow_user entries": "items",
    "items": "items",
    "parcels": "items",
    "per call": "items",
    "per message": "items",
    "members per call": "items",
}
SCOPES = {
    "corp + API": "account+api",
    "corp": "account+api",
    "merchant": "account+api",
    "appid": "account+api",
    "provider": "account+api",
    "app": "app+api",
    "IP": "ip",
    "app/corp": "account+api",
}
LEFT_OUT = (
    (r"None .*", "no figure is published: refusals teach"),
    (r"\d+ (minute|hour|day|second|month)s?\b.*|.* \d+ days back.*", "a time, not an amount: its endpoint's documentation says it"),
    (r"\d+ (total|tags|per corp|uses left)", "a stock, which only the platform counts"),
    (r"\d+ per (\d+ calendar days|payment|order|day, >=30 s apart).*", "of one thing, not of an API: its endpoint's documentation says it"),
    (r"\d+ (yuan|codes)\b.*", "about what is in a call: its declaration keeps to it"),
    (r"words", "in words: its declaration keeps to what can be told before sending, the platform counts the rest"),
)
"""Facts that are no rows, by limit and unit, and why."""


def key(row: Row) -> tuple[Any, ...]:
    return row["platform"], row["api"][0].rpartition(" ")[2], row["kind"], row["seconds"], row["what"]


def order(row: Row) -> tuple[Any, ...]:
    return PLATFORMS.index(row["platform"]), KINDS.index(row["kind"]), row["api"], row["scope"], row["seconds"] or 0, row["what"]


def problems(rows: Iterable[Row]) -> Iterator[str]:
    seen = set[tuple[Any, ...]]()
    for row in rows:
        where = f"{row.get('platform')} {row.get('api')} {row.get('what')}"
        if tuple(row) != FIELDS:
            yield f"{where}: fields are {', '.join(row)}, wanted {', '.join(FIELDS)}"
            continue
        if row["platform"] not in PLATFORMS or row["kind"] not in KINDS or row["confidence"] not in CONFIDENCE:
            yield f"{where}: unknown platform, kind or confidence"
        if not row["api"] or not all(re.fullmatch(r"\*|!?((GET|POST) )?/[^ ]*", api) for api in row["api"]):
            yield f"{where}: an api is a path, with its method before it if need be, or * for each one; ! takes one out"
        if not (isinstance(row["limit"], int) and row["limit"] > 0) and not (row["kind"] == "concurrency" and row["limit"] is None):
            yield f"{where}: a limit is a positive number (null only for a concurrency that nobody knows)"
        if (row["kind"] == "rate") != (row["seconds"] in WINDOWS.values()):
            yield f"{where}: a rate, and nothing else, has one of the windows {sorted(set(WINDOWS.values()))}"
        held = row["kind"] == "rate" and row["unit"] == "calls" and row["scope"] in ENFORCED and row["confidence"] in CONFIDENCE[:2]
        if held and not row["code"]:
            yield f"{where}: the code of the refusal is missing"
        if key(row) in seen:
            yield f"{where}: there twice"
        seen.add(key(row))


def converted(fact: Row) -> Iterator[Row]:
    """The rows of one fact; none where its figure is in words."""
    apis, found = called(fact), list(figures(fact))
    if not apis or fact["confidence"] not in CONFIDENCE or not found:
        return
    for platform in platforms(fact["group"], apis[0]):
        for kind, limit, seconds, unit in found:
            yield {
                "platform": platform,
                "api": apis,
                "kind": kind,
                "limit": limit,
                "seconds": seconds,
                "unit": unit,
                "scope": "call" if kind == "size" else scope(fact, apis),
                "code": fact["error_code"] or "",
                "confidence": fact["confidence"],
                "what": fact["what"],
                "source": fact["source"],
            }


def called(fact: Row) -> list[str]:
    return [api for api in fact["api"] if re.fullmatch(r"\*|/[^ \[]*", api)]


def scope(fact: Row, apis: list[str]) -> str:
    found = SCOPES.get(fact["scope"]) or str(fact["scope"])
    return "account+family" if found == "account+api" and apis[0] != "*" and "*" in apis[0] else found


def left_out(fact: Row) -> str:
    """Why there is no row for a fact; empty where nobody knows."""
    if not called(fact):
        return "no path that is called"
    if fact["confidence"] not in CONFIDENCE:
        return "outdated"
    said = "words" if isinstance(fact["limit"], str) else f"{fact['limit']} {fact['unit']}"
    return next((reason for pattern, reason in LEFT_OUT if re.fullmatch(pattern, said)), "")


def figures(fact: Row) -> Iterator[tuple[str, int | None, int | None, str]]:
    limit, unit = fact["limit"], fact["unit"].partition(";")[0].strip()
    limit = int(limit) if isinstance(limit, str) and limit.isdecimal() else limit
    short = unit.partition(",")[0].lower()
    if unit == "concurrency":
        yield "concurrency", limit if isinstance(limit, int) else None, None, "calls"
    elif isinstance(limit, int) and (timed := re.fullmatch(r"(person-times )?(?:per user )?per (second|minute|hour|day|month|24 h)", unit)):
        yield "rate", limit, WINDOWS[timed[2]], "person-times" if timed[1] else "calls"
    elif isinstance(limit, int) and short in UNITS:
        yield "size", limit, None, UNITS[short]
    elif isinstance(limit, int) and re.match(r"chars\b", short):
        yield "size", limit, None, "characters"
    elif isinstance(limit, str) and re.fullmatch(r"([\d,]+/\w+(, |; | and )?)+", limit):  # several figures for one thing
        for number, window in re.findall(r"([\d,]+)/(s|min|hour|h|day|month)\b", limit):
            yield "rate", int(number.replace(",", "")), WINDOWS[window], "calls"


def platforms(group: str, api: str) -> tuple[str, ...]:
    if group != "mp":
        return (group.partition(".")[0],)
    if api.startswith(("/wxa/", "/sns/")) or "subscribe" in api:
        return ("miniprogram",)
    return ("official",) if "/message/" in api else ("miniprogram", "store", "official")


def merged(rows: list[Row], file: dict[str, list[Row]]) -> list[Row]:
    added = list[Row]()
    for fact in file["limits"]:
        rows_of = list(converted(fact))
        reason = left_out(fact)
        if not (rows_of or reason):
            sys.exit(f"{fact['api']}, {fact['what']}: {fact['limit']} {fact['unit']}: no row, and no reason to leave it out")
        if not rows_of:
            print(f"left out: {', '.join(fact['api'])}: {fact['what']}: {reason}")
        added += rows_of
    return list({key(row): row for row in [*added, *rows]}.values())  # what was corrected here stays


if __name__ == "__main__":
    sys.exit(keep("limits", __doc__, order=order, problems=problems, merged=merged))
