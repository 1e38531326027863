"""What a typed call costs over plain httpx: the same GET against a server on loopback, client CPU and wall time for each call.

The server is a process of its own, so the CPU figures are the client's alone. The arms take turns, round by round, and the median
is shown: on a busy machine trust the CPU column and the ratio.

Usage: `python benchmarks/run.py [--calls 300] [--rounds 7]`
"""

from __future__ import annotations

import argparse
import asyncio
import http.server
import json
import multiprocessing
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from typing import Any

import httpx

from siyu_sdk import AsyncWeCom, WeCom
from siyu_sdk.wecom.customers import Customers

PATH = "/cgi-bin/externalcontact/get"
DETAIL = {
    "errcode": 0,
    "errmsg": "ok",
    "external_contact": {"external_userid": "wm1", "name": "小榴莲🍈", "type": 1, "gender": 0, "unionid": "ozy1"},
    "follow_user": [
        {
            "userid": f"member{n}",
            "remark": "榴莲老客",
            "description": "",
            "createtime": 1763280000 + n,
            "tags": [{"group_name": "购买", "tag_name": name, "tag_id": f"et{name}", "type": 1} for name in ("榴莲", "山竹")],
            "oper_userid": f"member{n}",
            "add_way": 1,
            "state": "shop-3",
        }
        for n in range(3)
    ],
}


class Handler(http.server.BaseHTTPRequestHandler):
    """Two paths: a token, and one customer."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet an answer

    def do_GET(self) -> None:
        """Answer with a constant."""
        reply = DETAIL if self.path.startswith(PATH) else {"errcode": 0, "errmsg": "ok", "access_token": "t", "expires_in": 7200}
        body = json.dumps(reply, ensure_ascii=False).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def serve(pipe: Connection) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        pipe.send(server.server_address[1])
        server.serve_forever()


@contextmanager
def server() -> Generator[str]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        process.terminate()
        process.join()


def measure(arms: dict[str, Callable[[int], None]], count: int, rounds: int) -> dict[str, tuple[float, float]]:
    """Median CPU and wall microseconds for one call of each arm."""
    for run in arms.values():
        run(50)
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in arms}
    for _ in range(rounds):
        for name, run in arms.items():
            cpu, wall = time.process_time(), time.perf_counter()
            run(count)
            taken[name].append(((time.process_time() - cpu) / count * 1e6, (time.perf_counter() - wall) / count * 1e6))
    return {name: (statistics.median(c for c, _ in rows), statistics.median(w for _, w in rows)) for name, rows in taken.items()}


def import_seconds(statement: str) -> float:
    """Median time of a cold process that runs this statement, less that of one that does nothing."""

    def once(code: str) -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - started

    return statistics.median(once(statement) for _ in range(5)) - statistics.median(once("pass") for _ in range(5))


def calls(url: str, stack: ExitStack) -> dict[str, Callable[[int], None]]:
    """What is compared: each arm makes n calls, one after another."""
    plain = stack.enter_context(httpx.Client())
    wecom = stack.enter_context(WeCom("ww1", "secret", base_url=url))
    runner = stack.enter_context(asyncio.Runner())
    async_plain = httpx.AsyncClient()
    async_wecom = AsyncWeCom("ww1", "secret", base_url=url)
    stack.callback(lambda: runner.run(async_plain.aclose()))
    stack.callback(lambda: runner.run(async_wecom.aclose()))
    query = {"external_userid": "wm1", "access_token": "t"}
    parse = Customers.get.spec.parse

    def dicts(n: int) -> None:
        for _ in range(n):
            json.loads(plain.get(url + PATH, params=query).content)

    def models(n: int) -> None:
        for _ in range(n):
            parse(plain.get(url + PATH, params=query).content)

    def typed(n: int) -> None:
        for _ in range(n):
            wecom.customers.get("wm1")

    async def async_dicts(n: int) -> None:
        for _ in range(n):
            json.loads((await async_plain.get(url + PATH, params=query)).content)

    async def async_typed(n: int) -> None:
        for _ in range(n):
            await async_wecom.customers.get("wm1")

    return {
        "httpx, dicts": dicts,
        "httpx, models": models,
        "siyu_sdk": typed,
        "httpx async, dicts": lambda n: runner.run(async_dicts(n)),
        "siyu_sdk async": lambda n: runner.run(async_typed(n)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="What a typed call costs over plain httpx.")
    parser.add_argument("--calls", type=int, default=300, help="calls in a round")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()

    with server() as url, ExitStack() as stack:
        figures = measure(calls(url, stack), options.calls, options.rounds)

    print(f"{'one call':20} {'CPU µs':>8} {'wall µs':>8} {'CPU, times dicts':>17}")
    for name, (cpu, wall) in figures.items():
        base = figures["httpx async, dicts" if "async" in name else "httpx, dicts"][0]
        print(f"{name:20} {cpu:8.0f} {wall:8.0f} {cpu / base:17.2f}")
    print()
    for statement in ("import httpx, pydantic", "import siyu_sdk", "from siyu_sdk import WeCom; WeCom('c', 's').customers"):
        print(f"{import_seconds(statement) * 1000:6.0f} ms  {statement}")


if __name__ == "__main__":
    main()
