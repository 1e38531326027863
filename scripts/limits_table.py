"""Keep the table of limits in its one form: checked, sorted, one row a line.

Without an option it rewrites the table in its canonical form. `--check` changes nothing and exits 1 if the table is wrong or not in
that form (`make check` runs it); `--merge facts.json` takes over the rows of a collection of facts that a machine can use: how often
(rate), how many at once (concurrency), how much in one call (size). What is written in words only is left out.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

TABLE = Path(__file__).resolve().parent.parent / "src" / "siyu_sdk" / "core" / "data" / "limits.json"
FIELDS = ("platform", "api", "kind", "limit", "seconds", "unit", "scope", "code", "confidence", "what", "source")
PLATFORMS = ("wecom", "miniprogram", "store", "pay", "official")
KINDS = ("rate", "concurrency", "size")
CONFIDENCE = ("high", "medium", "low", "none")
ENFORCED = ("account+api", "app+api", "ip")
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

Row = dict[str, Any]


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
    apis = [api for api in fact["api"] if re.fullmatch(r"\*|/[^ \[]*", api)]
    found = list(figures(fact))
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
                "scope": "call" if kind == "size" else SCOPES.get(fact["scope"], fact["scope"]),
                "code": fact["error_code"] or "",
                "confidence": fact["confidence"],
                "what": fact["what"],
                "source": fact["source"],
            }


def figures(fact: Row) -> Iterator[tuple[str, int | None, int | None, str]]:
    limit, unit = fact["limit"], fact["unit"].partition(";")[0].strip()
    short = unit.partition(",")[0].lower()
    if unit == "concurrency":
        yield "concurrency", limit, None, "calls"
    elif isinstance(limit, int) and (timed := re.fullmatch(r"(person-times )?per (second|minute|hour|day|month|24 h)", unit)):
        yield "rate", limit, WINDOWS[timed[2]], "person-times" if timed[1] else "calls"
    elif isinstance(limit, int) and short in UNITS:
        yield "size", limit, None, UNITS[short]
    elif isinstance(limit, str) and re.fullmatch(r"([\d,]+/\w+(, |; | and )?)+", limit):  # several figures for one thing
        for number, window in re.findall(r"([\d,]+)/(s|min|hour|h|day|month)\b", limit):
            yield "rate", int(number.replace(",", "")), WINDOWS[window], "calls"


def platforms(group: str, api: str) -> tuple[str, ...]:
    if group != "mp":
        return (group.partition(".")[0],)
    if api.startswith(("/wxa/", "/sns/")) or "subscribe" in api:
        return ("miniprogram",)
    return ("official",) if "/message/" in api else ("miniprogram", "store", "official")


def text_of(rows: Iterable[Row]) -> str:
    lines = [json.dumps(row, ensure_ascii=False) for row in sorted(rows, key=order)]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="Keep the table of limits in its one form.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if the table is wrong or not in its form")
    parser.add_argument("--merge", type=Path, metavar="FILE", help='a collection of facts: {"limits": […]}')
    options = parser.parse_args()

    current = TABLE.read_text(encoding="utf-8") if TABLE.exists() else "[]"
    rows: list[Row] = json.loads(current)
    if options.merge:
        facts: list[Row] = json.loads(options.merge.read_text(encoding="utf-8"))["limits"]
        added = [row for fact in facts for row in converted(fact)]
        rows = list({key(row): row for row in [*added, *rows]}.values())  # what was corrected here stays

    found = list(problems(rows))
    if found:
        print("\n".join(found), file=sys.stderr)
        return 1
    text = text_of(rows)
    if options.check:
        if text != current:
            print(f"{TABLE.name} is not in its canonical form: run python scripts/limits_table.py", file=sys.stderr)
            return 1
        return 0
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_text(text, encoding="utf-8")
    print(f"{len(rows)} limits")
    return 0


if __name__ == "__main__":
    sys.exit(main())
