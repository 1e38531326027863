"""All benches, one table: printed, and written to docs/benchmarks.md with machine and date.

Where the comparison kit lies beside the project (../shared/bench, or $BENCH_KIT), siyu_sdk runs in it as one arm among others, in a
virtual environment of its own ($BENCH_VENV). Otherwise `small.py` compares with plain httpx alone.

Usage: `python benchmarks/run.py [name…] [--full]`; names as the kit has them (calls async parse paging pagingcpu callback pay import
stampede faults limits pool techniques). Without --full each bench is short.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
NAMES = ("calls", "async", "parse", "paging", "pagingcpu", "callback", "pay", "import")
ARMS = "raw_httpx,raw_httpx_typed,raw_requests,raw_aiohttp,wechatpy1,wechatpayv3_,siyu"
NEEDS = (
    "wechatpy[cryptography]",
    "wechatpayv3",
    "httpx[http2]",
    "requests",
    "requests-pkcs12",
    "aiohttp",
    "httpx-aiohttp",
    "pydantic",
    "tenacity",
    "cryptography",
    "attrs",
    "defusedxml",
    "filelock",
    "h11",
    "msgspec",
    "orjson",
    "httptools",
    "uvloop",
)

Row = dict[str, Any]
Bench = dict[str, list[Row]]


def median(row: Row, figure: str) -> float:
    return float(row[figure][0])


def arm(rows: Iterable[Row], name: str, **more: Any) -> Row:
    return next(row for row in rows if row["arm"] == name and all(row[k] == v for k, v in more.items()))


def cost(bench: str) -> Callable[[Bench], float]:
    """CPU, as a multiple of the bench's base."""
    return lambda benches: median(arm(benches[bench], "siyu"), "ratio_cpu")


def speed(bench: str, other: str) -> Callable[[Bench], float]:
    """Calls a second, as a multiple of another arm's."""
    return lambda benches: median(arm(benches[bench], "siyu"), "cpu") / median(arm(benches[bench], other), "cpu")


def importing(benches: Bench) -> float:
    rows = benches["7. import"]
    return median(arm(rows, "import siyu_sdk"), "cpu") / median(arm(rows, "floor: httpx + pydantic.BaseModel"), "cpu")


def first_client(_benches: Bench) -> float:
    """The kit imports the package alone; here its first client class, beside httpx and one model of its own."""
    codes = ("pass", "import httpx, pydantic\nclass A(pydantic.BaseModel): x: int = 0", "from siyu_sdk import WeCom")
    least = [9.0] * len(codes)
    for _ in range(7):
        for place, code in enumerate(codes):
            told = f"{code}\nimport time; print(time.process_time())"
            done = subprocess.run(
                [environment(), "-c", told], capture_output=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT / "src")}
            )
            least[place] = min(least[place], float(done.stdout))
    bare, plain, ours = least
    return (ours - bare) / (plain - bare)


def growth(benches: Bench) -> float:
    return float(arm(benches["4. paging"], "siyu", mode="stream")["grow_mb"])


# What is to be reached, and how it is read from the kit's figures; `most` is an upper bound, otherwise a lower one.
TARGETS: tuple[tuple[str, str, float, bool, Callable[[Bench], float]], ...] = (
    ("small GET, sync: CPU, times naive httpx.Client", "×", 0.60, True, cost("1. small call, sync: get")),
    ("small POST, sync: CPU, times naive httpx.Client", "×", 0.60, True, cost("1. small call, sync: mark_tag")),
    ("50 async calls at once: calls/s, times naive httpx.AsyncClient", "×", 5, False, speed("2. 50 at a time (asyncio)", "raw_httpx")),
    ("50 async calls at once: calls/s, times aiohttp", "×", 0.5, False, speed("2. 50 at a time (asyncio)", "raw_aiohttp")),
    ("the same on uvloop: calls/s, times aiohttp", "×", 0.5, False, speed("2. 50 at a time (uvloop)", "raw_aiohttp")),
    ("a page of 66 KB into models: CPU, times json.loads + model_validate", "×", 0.65, True, cost("3. parse one page")),
    ("paging through 20,000 customers: growth of memory", " MB", 3, True, growth),
    ("paging: CPU a page, times httpx + model_validate", "×", 1, True, cost("4b. streamed paging, per page of 100")),
    ("callback verified, decrypted, typed: CPU, times raw primitives", "×", 1.15, True, cost("5. callback")),
    ("Pay order, signed and verified, TLS: CPU, times naive httpx.Client", "×", 1, True, cost("6d. jsapi order, TLS")),
    ("import siyu_sdk: CPU, times import httpx + BaseModel", "×", 1.15, True, importing),
    ("from siyu_sdk import WeCom: CPU, times import httpx + one model", "×", 1.15, True, first_client),
)


def machine() -> str:
    """What it was measured on."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text(encoding="utf-8").splitlines() if known.exists() else []
    cpu = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor())
    return (
        f"{cpu or platform.machine()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}"
    )


def environment() -> Path:
    """The Python that has what the kit compares with; made at the first run."""
    place = Path(os.environ.get("BENCH_VENV", Path(tempfile.gettempdir()) / "siyu-bench-venv"))
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        print(f"making {place} with {', '.join(NEEDS)}", file=sys.stderr)
        venv.create(place, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *NEEDS], check=True)
    return python


def run_kit(kit: Path, names: Iterable[str], *, full: bool) -> tuple[str, Bench]:
    """Run benches on a copy of the kit that has our arm in it; what they print, and their rows."""
    with tempfile.TemporaryDirectory(prefix="siyu-bench-") as folder:
        copy = Path(folder) / "kit"
        shutil.copytree(kit, copy, ignore=shutil.ignore_patterns("__pycache__"), copy_function=shutil.copyfile)
        for place in (copy, copy / "adapters"):
            place.chmod(0o755)
        shutil.copyfile(HERE / "siyu_adapter.py", copy / "adapters" / "siyu.py")
        rows = Path(folder) / "rows.jsonl"
        wanted = {
            "PYTHONPATH": str(ROOT / "src"),
            "PYTHONDONTWRITEBYTECODE": "",
            "BENCH_OUT": str(rows),
            "BENCH_ARMS": os.environ.get("BENCH_ARMS", ARMS),
            "BENCH_QUICK": "" if full else "1",
        }
        process = subprocess.Popen(
            [environment(), "run.py", *names], cwd=copy, env={**os.environ, **wanted}, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        printed = ""
        for line in process.stdout or ():
            print(line, end="", flush=True)
            printed += line
        if process.wait():
            raise SystemExit(process.returncode)
        found = [json.loads(line) for line in rows.read_text(encoding="utf-8").splitlines()]
        return printed, {row["bench"]: row["rows"] for row in found}


def table(benches: Bench) -> str:
    """The targets beside what was reached; benches that did not run are left out."""
    lines = ["| bench | to reach | reached | |", "|---|---|---|---|"]
    for title, unit, target, most, figure in TARGETS:
        try:
            reached = figure(Prefixed(benches))
        except (KeyError, StopIteration):
            continue
        sign, good = ("≤", reached <= target) if most else ("≥", reached >= target)
        lines.append(f"| {title} | {sign} {target:g}{unit} | {reached:.2f}{unit} | {'✓' if good else '✗'} |")
    return "\n".join(lines)


class Prefixed(dict[str, list[Row]]):
    """Some titles end in a number of bytes: the beginning is enough."""

    def __missing__(self, key: str) -> list[Row]:
        return next(rows for title, rows in self.items() if title.startswith(key))


PAGES = {
    "docs/benchmarks.md": """# Benchmarks

{where}; {day}; `{command}`.

All servers are on loopback. Arms take turns, and ratios are taken round by round, so that a busy machine slows all of them alike:
trust ratios of CPU time, not absolute times. How it is measured: `benchmarks/README.md`.

{summary}

What was printed:

```text
{printed}
```
""",
    "docs/zh/benchmarks.md": """# 性能基准

{where}；{day}；`{command}`。

所有服务端都在本机回环上。各方案轮流执行，比值逐轮计算，机器忙的时候大家一起变慢：请看 CPU 时间的比值，不要看绝对耗时。
测法见 `benchmarks/README.md`。

{summary}

原始输出：

```text
{printed}
```
""",
}


def write(summary: str, printed: str, command: str) -> None:
    day = datetime.now(UTC).date().isoformat()
    for path, page in PAGES.items():
        filled = page.format(where=machine(), day=day, command=command, summary=summary, printed=printed.strip())
        (ROOT / path).write_text(filled, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", help=f"benches of the kit; {' '.join(NAMES)} if none is named")
    parser.add_argument("--full", action="store_true", help="long rounds: about ten minutes instead of two")
    options = parser.parse_args()
    kit = Path(os.environ.get("BENCH_KIT", ROOT.parent / "shared" / "bench"))
    if kit.is_dir():
        printed, benches = run_kit(kit, options.names or NAMES, full=options.full)
        summary = table(benches)
    else:
        done = subprocess.run([sys.executable, HERE / "small.py"], stdout=subprocess.PIPE, text=True, encoding="utf-8", check=True)
        printed = done.stdout
        summary = "The comparison kit is not beside this checkout: this is the reduced bench, against plain httpx."
        print(printed)
    print(f"\n{summary}")
    if not options.names:
        write(summary, printed, "make bench" + (' ARGS="--full"' if options.full else ""))


if __name__ == "__main__":
    main()
