"""What all shared caches keep: one fetch for a crowd, no I/O for a hit, compare then expire, fencing, and calls that survive the store."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from siyu_sdk import AsyncWeCom, InputError, TokenExpired, WeCom
from siyu_sdk.caches import FileTokenCache, RedisTokenCache, SharedTokenCache, SQLTokenCache, Token, TokenCache
from siyu_sdk.callbacks.seen import RedisSeen
from siyu_sdk.core.caches import shared
from siyu_sdk.limits import RedisLimiter

from ..servers import redis_server, sentinel

SECRET = "CANARY-corpsecret"
CROWD = 200


def wecom(platform: Any, cache: TokenCache, **options: Any) -> WeCom:
    return WeCom("corp1", SECRET, base_url=platform.url, cache=cache, timeout=30, **options)


def crowd(client: WeCom) -> None:
    start = threading.Barrier(CROWD)

    def one(_: int) -> None:
        start.wait()
        client.customers.get("corp1")

    with ThreadPoolExecutor(CROWD) as pool:
        list(pool.map(one, range(CROWD)))


# The stampede


def test_200_threads_fetch_one_token_cold_and_when_it_has_ended(store: Any, platform: Any) -> None:
    with wecom(platform, store.cache()) as client:
        crowd(client)
        assert len(platform.fetched) == 1
        platform.void()
        crowd(client)
    assert len(platform.fetched) == 2


async def test_200_tasks_fetch_one_token_cold_and_when_it_has_ended(store: Any, platform: Any) -> None:
    async with AsyncWeCom("corp1", SECRET, base_url=platform.url, cache=store.cache(), timeout=30) as client:
        for tokens in (1, 2):
            await asyncio.gather(*(client.customers.get("corp1") for _ in range(CROWD)))
            assert len(platform.fetched) == tokens
            platform.void()


async def test_threads_and_tasks_share_one_cache(store: Any, platform: Any) -> None:
    cache = store.cache()
    with wecom(platform, cache) as sync:
        async with AsyncWeCom("corp1", SECRET, base_url=platform.url, cache=cache, timeout=30) as client:
            threads = [asyncio.to_thread(sync.customers.get, "corp1") for _ in range(5)]
            await asyncio.gather(*threads, *(client.customers.get("corp1") for _ in range(20)))
    assert len(platform.fetched) == 1


# What one process does, the others see


def test_a_process_that_is_refused_finds_the_newer_token_and_fetches_none(store: Any, platform: Any) -> None:
    with wecom(platform, store.cache()) as one, wecom(platform, store.cache()) as two:
        one.customers.get("corp1")
        two.customers.get("corp1")
        platform.void()
        one.customers.get("corp1")
        assert len(platform.fetched) == 2
        two.customers.get("corp1")
        assert (len(platform.fetched), platform.refused) == (2, 2)


def test_a_newer_token_survives_the_refusal_of_an_older_one(store: Any) -> None:
    one, two = store.cache(), store.cache()
    one.put("k", Token("old", 9e9))
    assert two.get("k") == Token("old", 9e9)
    one.discard("k", "old")
    one.put("k", Token("new", 9e9))
    two.discard("k", "old")
    assert two.peek("k") is None
    assert two.get("k") == Token("new", 9e9)
    assert one.get("k") == Token("new", 9e9)
    two.discard("k", "new")
    assert store.cache().get("k") is None


def test_tokens_of_many_apps_do_not_touch_each_other(store: Any) -> None:
    cache = store.cache()
    for number in range(20):
        cache.put(f"siyu:wecom:{number}", Token(f"t{number}", 9e9, 9.5e9))
    fresh = store.cache()
    fresh.discard("siyu:wecom:3", "t3")
    kept = [fresh.get(f"siyu:wecom:{number}") for number in range(20)]
    assert kept == [None if n == 3 else Token(f"t{n}", 9e9, 9.5e9) for n in range(20)]


def test_a_lock_is_held_by_one_process_at_a_time(store: Any) -> None:
    one, two = store.cache(), store.cache()
    with one.lock("k"):
        assert not two.lock("k").acquire(blocking=False)
        assert two.lock("other").acquire(blocking=False)
    lock = two.lock("k")
    assert lock.acquire(blocking=False)
    lock.release()


@pytest.mark.parametrize("store", ["redis", "sqlite", "postgres"], indirect=True)
def test_who_comes_back_after_its_lease_does_not_overwrite_the_newer_token(store: Any) -> None:
    slow, quick = store.cache(lease=0.2), store.cache(lease=0.2)
    with slow.lock("k"):  # … and then the process is stopped for a while
        time.sleep(0.25)
        with quick.lock("k"):
            quick.put("k", Token("new", 9e9))
        slow.put("k", Token("old", 9e9))
        assert slow.get("k") == quick.get("k") == Token("new", 9e9)
    with quick.lock("k"):  # the slow one has not given away what is not its own
        assert not slow.lock("k").acquire(blocking=False)


def test_who_hangs_with_the_lock_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    one, two = FileTokenCache(tmp_path, lease=0.3), FileTokenCache(tmp_path, lease=0.3)
    with one.lock("k"):
        started = time.monotonic()
        with two.lock("k"):
            assert time.monotonic() - started < 1


# A hit costs nothing


class Dictionary(SharedTokenCache):
    """A store of one's own."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, Token] = {}
        self.leases: dict[str, str] = {}
        self.asked: list[str] = []

    def read(self, key: str) -> tuple[object, float, float] | None:
        self.asked.append("read")
        row = self.rows.get(key)
        return row and (row.value, row.expires_at, row.ends_at)

    def write(self, key: str, token: Token, owner: str) -> bool:
        self.asked.append("write")
        self.rows[key] = token
        return True

    def remove(self, key: str, value: str) -> None:
        self.asked.append("remove")
        if key in self.rows and self.rows[key].value == value:
            del self.rows[key]

    def take(self, key: str, owner: str) -> bool:
        self.asked.append("take")
        return self.leases.setdefault(key, owner) == owner

    def free(self, key: str, owner: str) -> None:
        self.asked.append("free")
        del self.leases[key]


def test_a_hundred_calls_ask_the_store_once(platform: Any) -> None:
    cache = Dictionary()
    with wecom(platform, cache) as client:
        for _ in range(100):
            client.customers.get("corp1")
    assert cache.asked == ["read", "take", "read", "write", "free"]


def test_a_crowd_that_waits_in_one_process_takes_one_lease(platform: Any) -> None:
    cache = Dictionary()
    with wecom(platform, cache) as client:
        crowd(client)
        platform.void()
        crowd(client)
    assert cache.asked.count("take") == cache.asked.count("write") == 2
    assert cache.asked.count("remove") == 1


# The store fails


def quietly(client: WeCom, calls: int = 3) -> list[str]:
    """Make some calls; give the warnings that they cost."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for _ in range(calls):
            client.customers.get("corp1")
    return [str(w.message) for w in seen]


def dead(kind: str, tmp_path: Path) -> SharedTokenCache:
    port = 1
    match kind:
        case "redis":
            return RedisTokenCache(f"redis://:CANARY-password@127.0.0.1:{port}/0")
        case "postgres":
            return SQLTokenCache(f"postgresql://siyu:CANARY-password@127.0.0.1:{port}/siyu")
        case "sqlite":
            return SQLTokenCache(f"sqlite:///{tmp_path}/missing/tokens.db")
        case _:
            (tmp_path / "file").write_text("here")
            return FileTokenCache(tmp_path / "file" / "tokens")


@pytest.mark.parametrize("kind", ["file", "redis", "sqlite", "postgres"])
def test_a_store_that_is_away_costs_one_warning_and_no_call(
    kind: str, platform: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    started = time.monotonic()
    with dead(kind, tmp_path) as cache, wecom(platform, cache) as client:
        said = quietly(client)
        platform.void()
        said += quietly(client)
    assert len(said) == 1
    assert "keeps its tokens to itself" in said[0]
    assert len(platform.fetched) == 2
    assert time.monotonic() - started < 5
    assert "CANARY" not in "".join([*said, caplog.text, repr(cache)])


def test_warnings_as_errors_fail_no_call(platform: Any, tmp_path: Path) -> None:
    with dead("redis", tmp_path) as cache, wecom(platform, cache) as client:
        client.customers.get("corp1")  # the tests run with warnings as errors


def test_a_redis_that_hangs_is_given_up_after_its_time_out(platform: Any) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(200)
        started = time.monotonic()
        with RedisTokenCache(f"redis://127.0.0.1:{silent.getsockname()[1]}") as cache, wecom(platform, cache) as client:
            crowd(client)
    assert time.monotonic() - started < 8
    assert len(platform.fetched) == 1


async def test_tasks_survive_a_dead_store_too(platform: Any, tmp_path: Path) -> None:
    with dead("redis", tmp_path) as cache:
        async with AsyncWeCom("corp1", SECRET, base_url=platform.url, cache=cache) as client:
            await asyncio.gather(*(client.customers.get("corp1") for _ in range(50)))
    assert len(platform.fetched) == 1


def test_a_redis_that_goes_and_comes_back_is_used_again(platform: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "REST", 0.2)
    with redis_server() as (port, _):
        address = f"redis://127.0.0.1:{port}/0"
        cache = RedisTokenCache(address)
        client = wecom(platform, cache)
        client.customers.get("corp1")
    platform.void()
    assert len(quietly(client)) == 1
    assert len(platform.fetched) == 2
    with redis_server(port=port):
        time.sleep(0.25)
        platform.void()
        assert quietly(client) == []
        with RedisTokenCache(address) as other:
            key = client.session.auth("access_token").source.key  # type: ignore[attr-defined]
            held = other.get(key)
            assert held is not None
            assert held.value == platform.valid["corp1"]
        client.close()
        cache.close()


GARBAGE = [b"", b"\x00\xff\xfe", b"{", b"null", b"[]", b'{"value": 7}', b'{"value": "", "expires_at": 9e9, "ends_at": 9e9}']
GARBAGE += [b'{"value": "t\\nt", "expires_at": 9e9, "ends_at": 9e9}', b'{"value": "t", "expires_at": NaN, "ends_at": 1}', b"[" * 100_000]
GARBAGE += [b'{"value": "%b", "expires_at": 9e9, "ends_at": 9e9}' % (b"t" * 100_000), b'{"value": "t", "expires_at": null, "ends_at": 9e9}']


@pytest.mark.parametrize("content", GARBAGE, ids=lambda c: repr(c[:40]))
def test_a_broken_file_is_a_miss(content: bytes, platform: Any, tmp_path: Path) -> None:
    first = FileTokenCache(tmp_path)
    with wecom(platform, first) as client:
        client.customers.get("corp1")
    (file,) = tmp_path.glob("*.json")
    file.write_bytes(content)
    with wecom(platform, FileTokenCache(tmp_path)) as client:
        assert len(quietly(client)) == 1
    assert len(platform.fetched) == 2
    assert json.loads(file.read_bytes())["value"] == platform.valid["corp1"]


@pytest.mark.parametrize("spoil", ["SET {0} x", "HSET {0} value t expires_at soon ends_at 1", "HSET {0} foo bar", "RPUSH {0} 1 2"])
def test_a_broken_value_in_redis_is_a_miss(spoil: str, redis_url: str, platform: Any) -> None:
    import redis

    with redis.Redis.from_url(redis_url) as raw, RedisTokenCache(redis_url) as cache, wecom(platform, cache) as client:
        raw.flushall()
        name = cache._name(client.session.auth("access_token").source.key)  # type: ignore[attr-defined]
        raw.execute_command(*spoil.format(name).split())
        assert len(quietly(client)) == 1
        assert raw.hget(name, "value") == platform.valid["corp1"].encode()
    assert len(platform.fetched) == 1


def test_a_lease_that_would_never_end_is_nobodys(redis_url: str, platform: Any, tmp_path: Path) -> None:
    """Left behind by a clock that was turned back, or by whoever else writes there: nobody waits for its end."""
    import redis
    import sqlalchemy as sa

    engine = sa.create_engine(f"sqlite:///{tmp_path}/tokens.db")
    for cache in (RedisTokenCache(redis_url), SQLTokenCache(engine)):
        with wecom(platform, cache) as client:
            key = client.session.auth("access_token").source.key  # type: ignore[attr-defined]
            cache.put(key, Token("old", 0.0))
            if isinstance(cache, RedisTokenCache):
                with redis.Redis.from_url(redis_url) as raw:
                    raw.set(cache._lease(key), "somebody")
            else:
                with engine.begin() as connection:
                    connection.execute(sa.text("UPDATE siyu_tokens SET lease_owner = 'somebody', lease_until = 9e12"))
            began = time.monotonic()
            client.customers.get("corp1")
            assert time.monotonic() - began < 5
        cache.close()
    engine.dispose()


def test_a_value_that_lies_about_its_end_is_refused_and_replaced(store: Any, platform: Any) -> None:
    cache = store.cache()
    with wecom(platform, cache) as client:
        cache.put(client.session.auth("access_token").source.key, Token("forged", 9e12))  # type: ignore[attr-defined]
        client.customers.get("corp1")
    assert len(platform.fetched) == 1


def test_a_platform_that_refuses_all_it_gives_costs_two_tokens(store: Any, platform: Any) -> None:
    platform.code = 40014  # void, not ended
    platform.trouble = lambda: {"access_token": "CANARY-token-corp1-void", "expires_in": 7200}
    with wecom(platform, store.cache()) as client, pytest.raises(TokenExpired):
        client.customers.get("corp1")
    assert (len(platform.fetched), platform.calls) == (2, 2)


# Other clients of Redis


def test_a_sentinel_and_a_client_that_decodes(platform: Any) -> None:
    from redis.sentinel import Sentinel

    with redis_server() as (port, _), sentinel(port) as watcher:
        master = Sentinel([("127.0.0.1", watcher)], socket_timeout=1).master_for("siyu", socket_timeout=1, decode_responses=True)
        with wecom(platform, RedisTokenCache(master)) as one, wecom(platform, RedisTokenCache(master, prefix="")) as two:
            one.customers.get("corp1")
            two.customers.get("corp1")
        assert len(platform.fetched) == 1
        with wecom(platform, RedisTokenCache(master, prefix="staging:")) as elsewhere:
            elsewhere.customers.get("corp1")
        assert len(platform.fetched) == 2
        master.close()


def test_a_cluster(platform: Any) -> None:
    import redis

    with redis_server("--cluster-enabled", "yes") as (port, _):
        with redis.Redis(port=port) as node:
            node.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            while node.cluster("info")["cluster_state"] != "ok":
                time.sleep(0.05)
        cluster = redis.RedisCluster(host="127.0.0.1", port=port)
        with wecom(platform, RedisTokenCache(cluster)) as client:
            crowd(client)
            platform.void()
            crowd(client)
        cluster.close()
    assert len(platform.fetched) == 2


ADDRESSES = ("redis://:CANARY/x@host/0", "redis://:CANARY#x@host/0", "redis://:p@host/0?db=CANARY", "CANARY", "http://:CANARY@host")
DATABASES = ("postgresql://u:CANARY@host:port/d", "CANARY")


UNREADABLE = [(make, url) for make in (RedisTokenCache, RedisLimiter, RedisSeen) for url in ADDRESSES]
UNREADABLE += [(SQLTokenCache, url) for url in DATABASES]


@pytest.mark.parametrize(("make", "url"), UNREADABLE, ids=[f"{make.__name__} {url}" for make, url in UNREADABLE])
def test_an_address_that_cannot_be_read_is_refused_without_its_password(make: Any, url: str) -> None:
    with pytest.raises(InputError, match="a URL such as") as caught:
        make(url)
    assert "CANARY" not in str(caught.value)
    assert caught.value.__context__ is None, "nobody shows what the parser said"


def test_an_async_client_of_redis_is_refused() -> None:
    from redis.asyncio import Redis

    with pytest.raises(InputError, match="for threads"):
        RedisTokenCache(Redis())


def test_an_engine_of_ones_own_stays_open(tmp_path: Path, platform: Any) -> None:
    import sqlalchemy as sa

    engine = sa.create_engine(f"sqlite:///{tmp_path}/mine.db")
    with SQLTokenCache(engine) as cache, wecom(platform, cache) as client:
        client.customers.get("corp1")
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM siyu_tokens")).scalar() == 1
    engine.dispose()


# Forks, folders, secrets


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_uses_connections_of_its_own(store: Any, platform: Any) -> None:
    cache = store.cache()
    with wecom(platform, cache) as client:
        client.customers.get("corp1")
        with cache.lock("other"):
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    platform_token = client.session.auth("access_token").source.key  # type: ignore[attr-defined]
                    cache.discard(platform_token, "something else")
                    cache.put("child", Token("from the child", 9e9))
                    code = 0 if cache.get(platform_token) is not None else 2
                finally:
                    os._exit(code)
            _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert cache.get("child") == Token("from the child", 9e9)
        platform.void()
        client.customers.get("corp1")
    assert len(platform.fetched) == 2


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_files_are_their_owners_alone(tmp_path: Path, platform: Any) -> None:
    with wecom(platform, FileTokenCache(tmp_path / "deep" / "tokens")) as client:
        client.customers.get("corp1")
    assert stat.S_IMODE((tmp_path / "deep" / "tokens").stat().st_mode) == 0o700
    files = list((tmp_path / "deep" / "tokens").iterdir())
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert not [file for file in files if file.suffix == ".new"]
    with pytest.raises(InputError, match="is a file"):
        FileTokenCache(files[0])


def test_no_secret_is_in_a_key_a_name_a_log_or_a_repr(store: Any, platform: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The tokens themselves have to be stored; nothing else may be."""
    caplog.set_level("DEBUG")
    cache = store.cache()
    with wecom(platform, cache) as client:
        client.customers.get("corp1")
        platform.void()
        client.customers.get("corp1")
        shown = [repr(cache), repr(client), repr(client.session), repr(cache.peek(client.session.auth("access_token").source.key))]  # type: ignore[attr-defined]
    kept = dump(store)
    assert "CANARY-token" in kept
    assert SECRET not in kept
    assert "corp1:" not in kept
    assert "CANARY" not in "".join(shown) + caplog.text


def dump(store: Any) -> str:
    if store.kind == "file":
        return "".join(f"{f.name}: {f.read_text()}" for f in Path(store.address).iterdir())
    if store.kind == "redis":
        import redis

        with redis.Redis.from_url(store.address, decode_responses=True) as raw:
            return "".join(f"{name}: {raw.hgetall(name)}" for name in raw.keys("*"))
    import sqlalchemy as sa

    engine = sa.create_engine(store.address.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT * FROM siyu_tokens")).all()
    engine.dispose()
    return str(rows)


def test_nothing_is_imported_before_it_is_used() -> None:
    import subprocess
    import sys

    code = "import sys, siyu_sdk.caches, siyu_sdk.tenants; print(*{m.partition('.')[0] for m in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"redis", "sqlalchemy", "filelock", "psycopg"} & set(loaded)
