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
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
NAMES = ("calls", "async", "parse", "paging", "pagingcpu", "callback", "pay", "import", "stampede", "faults")
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
            paths = {"PYTHONPATH": str(ROOT / "src"), "PYTHONDONTWRITEBYTECODE": ""}  # bytecode is kept, as where it is installed
            done = subprocess.run([environment(), "-c", told], capture_output=True, check=True, env={**os.environ, **paths})
            least[place] = min(least[place], float(done.stdout))
    bare, plain, ours = least
    return (ours - bare) / (plain - bare)


def growth(benches: Bench) -> float:
    return float(arm(benches["4. paging"], "siyu", mode="stream")["grow_mb"])


def stampede(benches: Bench) -> float:
    """The most token requests where 200 come at once and share a cache, cold or with an expired token; a failed call counts as one more."""
    rows = [row for row in benches["8. stampede"] if row["arm"] == "siyu" and row["kind"] != "4 processes"]
    return max(float(row["gettoken"] + row["failed"]) for row in rows)


def failed(benches: Bench) -> float:
    return float(sum(row["failed"] for row in benches["9. faults"] if row["arm"] == "siyu"))


def requests_a_call(benches: Bench) -> float:
    """Without «strict», where one refused token refuses whatever is in flight: that is the server's doing, not the client's."""
    return max(float(row["requests"]) / 2000 for row in benches["9. faults"] if row["arm"] == "siyu" and "strict" not in row["kind"])


# What is to be reached, and how it is read from the kit's figures; `most` is an upper bound, otherwise a lower one.
TARGETS: tuple[tuple[str, str, str, float, bool, Callable[[Bench], float]], ...] = (
    (
        "small GET, sync: CPU, times naive httpx.Client",
        "同步小 GET 请求：CPU，相对直接用 httpx.Client",
        "×",
        0.60,
        True,
        cost("1. small call, sync: get"),
    ),
    (
        "small POST, sync: CPU, times naive httpx.Client",
        "同步小 POST 请求：CPU，相对直接用 httpx.Client",
        "×",
        0.60,
        True,
        cost("1. small call, sync: mark_tag"),
    ),
    (
        "50 async calls at once: calls/s, times naive httpx.AsyncClient",
        "50 路异步并发：每秒调用数，相对直接用 httpx.AsyncClient",
        "×",
        5,
        False,
        speed("2. 50 at a time (asyncio)", "raw_httpx"),
    ),
    (
        "50 async calls at once: calls/s, times aiohttp",
        "50 路异步并发：每秒调用数，相对 aiohttp",
        "×",
        0.5,
        False,
        speed("2. 50 at a time (asyncio)", "raw_aiohttp"),
    ),
    (
        "the same on uvloop: calls/s, times aiohttp",
        "同上，uvloop：每秒调用数，相对 aiohttp",
        "×",
        0.5,
        False,
        speed("2. 50 at a time (uvloop)", "raw_aiohttp"),
    ),
    (
        "a page of 66 KB into models: CPU, times json.loads + model_validate",
        "66 KB 的一页解析成模型：CPU，相对 json.loads + model_validate",
        "×",
        0.65,
        True,
        cost("3. parse one page"),
    ),
    ("paging through 20,000 customers: growth of memory", "翻页读 20,000 个客户：内存增长", " MB", 3, True, growth),
    (
        "paging: CPU a page, times httpx + model_validate",
        "翻页：每页 CPU，相对 httpx + model_validate",
        "×",
        1,
        True,
        cost("4b. streamed paging, per page of 100"),
    ),
    (
        "callback verified, decrypted, typed: CPU, times raw primitives",
        "回调验签、解密、解析成类型：CPU，相对直接用密码学原语",
        "×",
        1.15,
        True,
        cost("5. callback"),
    ),
    (
        "Pay order, signed and verified, TLS: CPU, times naive httpx.Client",
        "微信支付下单，签名并验签，TLS：CPU，相对直接用 httpx.Client",
        "×",
        1,
        True,
        cost("6d. jsapi order, TLS"),
    ),
    (
        "200 first calls at once, in threads, tasks, 4 processes with a shared cache: token requests",
        "200 个首次调用同时到来（线程、协程、共享缓存的 4 个进程）：取 token 次数",
        "",
        1,
        True,
        stampede,
    ),
    (
        "faults (token ended 1/20, 503 1/30, reset 1/50): failed of 16,000 calls",
        "故障注入（token 失效 1/20、503 1/30、连接重置 1/50）：16,000 次调用中的失败数",
        "",
        0,
        True,
        failed,
    ),
    ("faults: requests a call", "故障注入：每次调用的请求数", "", 1.15, True, requests_a_call),
    (
        "import siyu_sdk: CPU, times import httpx + BaseModel",
        "import siyu_sdk：CPU，相对 import httpx + BaseModel",
        "×",
        1.15,
        True,
        importing,
    ),
    (
        "from siyu_sdk import WeCom: CPU, times import httpx + one model",
        "from siyu_sdk import WeCom：CPU，相对 import httpx + 一个模型",
        "×",
        1.15,
        True,
        first_client,
    ),
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


HEADS = ("| bench | to reach | reached | |", "| 项目 | 目标 | 实测 | |")


def table(benches: Bench, language: int = 0) -> str:
    """The targets beside what was reached, in English or Chinese; benches that did not run are left out."""
    lines = [HEADS[language], "|---|---|---|---|"]
    for *titles, unit, target, most, figure in TARGETS:
        title = titles[language]
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


def write(summaries: Sequence[str], printed: str, command: str) -> None:
    day = datetime.now(UTC).date().isoformat()
    for (path, page), summary in zip(PAGES.items(), summaries, strict=True):
        filled = page.format(where=machine(), day=day, command=command, summary=summary, printed=printed.strip())
        (ROOT / path).write_text(filled, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", help=f"benches of the kit; {' '.join(NAMES)} if none is named")
    parser.add_argument("--full", action="store_true", help="long rounds: about twenty minutes instead of ten")
    options = parser.parse_args()
    kit = Path(os.environ.get("BENCH_KIT", ROOT.parent / "shared" / "bench"))
    if kit.is_dir():
        printed, benches = run_kit(kit, options.names or NAMES, full=options.full)
        summaries = [table(benches, language) for language in (0, 1)]
    else:
        done = subprocess.run([sys.executable, HERE / "small.py"], stdout=subprocess.PIPE, text=True, encoding="utf-8", check=True)
        printed = done.stdout
        summaries = [
            "The comparison kit is not beside this checkout: this is the reduced bench, against plain httpx.",
            "对比工具不在本检出目录旁边：这里是精简测试，只与直接用 httpx 相比。",
        ]
        print(printed)
    print(f"\n{summaries[0]}")
    if not options.names:
        write(summaries, printed, "make bench" + (' ARGS="--full"' if options.full else ""))


if __name__ == "__main__":
    main()
