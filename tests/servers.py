"""Real servers on loopback, each on a free port with its data in a folder of its own, gone when the tests are.

`redis_url` and `postgres_url` are fixtures of every folder: one server of each kind is started for all tests of a process that ask for it.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

REQUIRED = os.environ.get("SIYU_SERVERS") == "required"
"""Set in CI: there a missing server is a failure, not a skip."""


def program(name: str, package: str) -> str:
    """Where a server's program is; skips the test, and says why, where it is not installed."""
    found = shutil.which(name) or next((str(p) for p in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)), None)
    if found is None:
        (pytest.fail if REQUIRED else pytest.skip)(f"{name} is not installed: apt-get install {package}")
    return found


def free_port() -> int:
    while True:  # a Redis cluster listens 10,000 ports higher, too
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = int(taken.getsockname()[1])
        if port < 55_000:
            return port


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        assert process.poll() is None, f"the server ended with {process.returncode}"
        time.sleep(0.02)
    raise TimeoutError(f"no server on port {port}")


@contextmanager
def running(command: list[str], port: int, *, user: str | None = None) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=user, cwd="/")
    try:
        wait_for(port, process)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def redis_server(*options: str, port: int = 0) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    port = port or free_port()
    with tempfile.TemporaryDirectory(prefix="siyu-redis-") as folder:
        command = [program("redis-server", "redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--dir", folder]
        with running([*command, "--save", "", "--appendonly", "no", *options], port) as process:
            yield port, process


@contextmanager
def sentinel(master: int) -> Iterator[int]:
    """A sentinel that watches that master."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="siyu-sentinel-") as folder:
        config = Path(folder) / "sentinel.conf"
        config.write_text(f"port {port}\nbind 127.0.0.1\nsentinel monitor siyu 127.0.0.1 {master} 1\n", encoding="ascii")
        with running([program("redis-server", "redis-server"), str(config), "--sentinel"], port):
            yield port


@contextmanager
def postgres_server() -> Iterator[str]:
    """The URL of a database; PostgreSQL refuses to run as root, so there it runs as the user that its package made."""
    initdb, postgres = program("initdb", "postgresql"), program("postgres", "postgresql")
    user = "postgres" if os.geteuid() == 0 else None
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="siyu-postgres-") as folder:
        if user:
            shutil.chown(folder, user)
        data = f"{folder}/data"
        make = [initdb, "-D", data, "-U", "siyu", "--auth=trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(make, check=True, capture_output=True, user=user, cwd="/")
        settings = ("listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", "fsync=off", "max_connections=60")
        options = [part for setting in settings for part in ("-c", setting)]
        with running([postgres, "-D", data, "-p", str(port), *options], port, user=user):
            url = f"postgresql://siyu@127.0.0.1:{port}/postgres"
            _accepting(url)
            yield url


@pytest.fixture(scope="session")
def redis_for_all() -> Iterator[str]:
    with redis_server() as (port, _):
        yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture
def redis_url(redis_for_all: str) -> str:
    """Emptied before each test."""
    import redis

    with redis.Redis.from_url(redis_for_all) as client:
        client.flushall()
    return redis_for_all


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Tests drop the tables that they need empty."""
    with postgres_server() as url:
        yield url


def _accepting(url: str) -> None:
    """The port is open before the database takes connections («the database system is starting up»)."""
    import psycopg

    end = time.monotonic() + 20
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return
