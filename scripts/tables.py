"""How a table of the package is kept in its one form; `errors_table.py` and `limits_table.py` say what is right in theirs."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parent.parent / "src" / "siyu_sdk" / "core" / "data"
PLATFORMS = ("wecom", "miniprogram", "store", "pay", "official")

Row = dict[str, Any]


def keep(
    name: str,
    manual: str | None,
    *,
    order: Callable[[Row], tuple[Any, ...]],
    problems: Callable[[Iterable[Row]], Iterator[str]],
    merged: Callable[[list[Row], Any], list[Row]],
) -> int:
    """Do what the command line asks with `<name>.json`; gives the exit code. `merged` takes the rows and the JSON of another file."""
    parser = argparse.ArgumentParser(description=manual, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if the table is wrong or not in its form")
    parser.add_argument("--merge", type=Path, metavar="FILE", help="take over the rows of a JSON file")
    options = parser.parse_args()

    table = DATA / f"{name}.json"
    current = table.read_text(encoding="utf-8") if table.exists() else "[]"
    rows: list[Row] = json.loads(current)
    if options.merge:
        rows = merged(rows, json.loads(options.merge.read_text(encoding="utf-8")))

    found = list(problems(rows))
    if found:
        print("\n".join(found), file=sys.stderr)
        return 1
    lines = [json.dumps(row, ensure_ascii=False) for row in sorted(rows, key=order)]
    text = "[\n" + ",\n".join(lines) + "\n]\n"
    if options.check:
        if text != current:
            print(f"{table.name} is not in its canonical form: run python scripts/{Path(sys.argv[0]).name}", file=sys.stderr)
            return 1
        return 0
    table.parent.mkdir(parents=True, exist_ok=True)
    table.write_text(text, encoding="utf-8")
    print(f"{len(rows)} {name}")
    return 0
