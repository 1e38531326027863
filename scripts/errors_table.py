"""Keep the table of error codes in its one form: checked, sorted, one row a line.

Without an option it rewrites the table in its canonical form. `--check` changes nothing and exits 1 if the table is wrong or not in
that form (`make check` runs it); `--merge new.json` adds or replaces rows by (platform, code) first.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

TABLE = Path(__file__).resolve().parent.parent / "src" / "siyu_sdk" / "core" / "data" / "errors.json"
FIELDS = ("platform", "code", "kind", "retry", "meaning_en", "meaning_zh", "hint")
PLATFORMS = ("wecom", "miniprogram", "store", "pay", "official")
KINDS = frozenset(
    {"internal", "invalid_argument", "auth", "token", "permission", "not_found", "conflict", "rate_limit", "quota", "temporary"}
)
RETRIES = frozenset({"no", "backoff", "after_refresh_token", "next_day"})

Row = dict[str, Any]


def key(row: Row) -> tuple[str, str | int]:
    return row["platform"], row["code"]


def order(row: Row) -> tuple[int, bool, int, str]:
    """By platform, then numbers by value, then names by letter."""
    code = row["code"]
    named = isinstance(code, str)
    return PLATFORMS.index(row["platform"]), named, 0 if named else code, str(code)


def problems(rows: Iterable[Row]) -> Iterator[str]:
    seen: set[tuple[str, str | int]] = set()
    for row in rows:
        where = f"{row.get('platform')} {row.get('code')}"
        if tuple(row) != FIELDS:
            yield f"{where}: fields are {', '.join(row)}, wanted {', '.join(FIELDS)}"
            continue
        if row["platform"] not in PLATFORMS:
            yield f"{where}: unknown platform"
        if row["kind"] not in KINDS:
            yield f"{where}: unknown kind {row['kind']}"
        if row["retry"] not in RETRIES:
            yield f"{where}: unknown retry {row['retry']}"
        if key(row) in seen:
            yield f"{where}: there twice"
        for field in ("meaning_en", "meaning_zh", "hint"):
            if not row[field] or row[field] != " ".join(row[field].split()):
                yield f"{where}: {field} is empty or more than one tidy line"
        seen.add(key(row))


def text_of(rows: Iterable[Row]) -> str:
    lines = [json.dumps(row, ensure_ascii=False) for row in sorted(rows, key=order)]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="Keep the table of error codes in its one form.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if the table is wrong or not in its form")
    parser.add_argument("--merge", type=Path, metavar="FILE", help="a JSON list of rows to add or to replace")
    options = parser.parse_args()

    current = TABLE.read_text(encoding="utf-8") if TABLE.exists() else "[]"
    rows: list[Row] = json.loads(current)
    if options.merge:
        added = [{field: row[field] for field in FIELDS} for row in json.loads(options.merge.read_text(encoding="utf-8"))]
        rows = list({key(row): row for row in [*rows, *added]}.values())

    found = list(problems(rows))
    if found:
        print("\n".join(found), file=sys.stderr)
        return 1
    text = text_of(rows)
    if options.check:
        if text != current:
            print(f"{TABLE.name} is not in its canonical form: run python scripts/errors_table.py", file=sys.stderr)
            return 1
        return 0
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_text(text, encoding="utf-8")
    print(f"{len(rows)} codes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
