"""Keep the table of error codes in its one form: checked, sorted, one row a line.

Without an option it rewrites the table in its canonical form. `--check` changes nothing and exits 1 if the table is wrong or not in
that form (`make check` runs it); `--merge new.json` adds or replaces rows by (platform, code) first.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from tables import PLATFORMS, Row, keep

FIELDS = ("platform", "code", "kind", "retry", "meaning_en", "meaning_zh", "hint")
KINDS = frozenset(
    {"internal", "invalid_argument", "auth", "token", "permission", "not_found", "conflict", "rate_limit", "quota", "temporary"}
)
RETRIES = frozenset({"no", "backoff", "after_refresh_token", "next_day"})


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


def merged(rows: list[Row], file: list[Row]) -> list[Row]:
    added = [{field: row[field] for field in FIELDS} for row in file]
    return list({key(row): row for row in [*rows, *added]}.values())


if __name__ == "__main__":
    sys.exit(keep("errors", __doc__, order=order, problems=problems, merged=merged))
