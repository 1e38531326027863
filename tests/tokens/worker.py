"""A process of many threads that share a token with other processes. For each line that it reads, every thread makes one call."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from siyu_sdk import WeCom
from siyu_sdk.caches import FileTokenCache, RedisTokenCache, SQLTokenCache

AT = 1_790_000_000.0


class Clock:
    """Stands still, and is moved from outside."""

    moved = 0.0

    def time(self) -> float:
        return AT + self.moved

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time(), UTC)

    def sleep(self, seconds: float) -> float:
        return seconds


def main(kind: str, address: str, url: str, threads: int, lease: float) -> None:
    kinds: dict[str, Any] = {"file": FileTokenCache, "redis": RedisTokenCache, "sqlite": SQLTokenCache, "postgres": SQLTokenCache}
    clock = Clock()
    cache = kinds[kind](address, lease=lease)
    client = WeCom("corp1", "CANARY-corpsecret", base_url=url, clock=clock, cache=cache, timeout=30)
    with cache, client, ThreadPoolExecutor(threads) as pool:
        print("ready", flush=True)
        for line in sys.stdin:
            clock.moved = float(line)
            start = threading.Barrier(threads)

            def one(_: int, start: threading.Barrier = start) -> bool:
                start.wait()
                return client.customers.get("corp1").external_contact.external_userid == "corp1"

            print(sum(pool.map(one, range(threads))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5]))
