"""Opening, closing, forgetting, forking: no socket is shared, lost or left behind."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import subprocess
import sys
import textwrap
import threading
import warnings
from pathlib import Path

import pytest

from siyu_sdk import AsyncWeCom, UsageError, WeCom
from siyu_sdk.core.connections import AsyncDirectTransport, DirectTransport

from .conftest import Peer, Wire, answer, ask


def sockets() -> int:
    """Open sockets of this process."""
    found = 0
    for handle in Path("/proc/self/fd").iterdir():
        try:
            found += str(handle.readlink()).startswith("socket:")
        except OSError:
            continue
    return found


linux = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts sockets in /proc")


# asyncio's debug mode complains of each step that takes longer than 0.1 s: that is about the machine, not about us.
NO_STOPWATCH = """
import logging
logging.getLogger("asyncio").addFilter(lambda record: not record.getMessage().startswith("Executing "))
"""


def run_alone(code: str, *arguments: str) -> str:
    """Run a script in a process of its own, every warning an error; what it prints."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", NO_STOPWATCH + textwrap.dedent(code), *arguments],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env={k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@linux
def test_closing_closes_and_the_next_call_opens_again(wire: Wire, peer: Peer) -> None:
    for _ in range(2):
        wire.send(ask(peer.url))
        wire.close() if wire.name == "sync" else wire.runner.run(wire.transport.aclose())  # type: ignore[attr-defined]
    assert peer.connections == 2


def test_what_was_under_way_when_the_client_was_closed_ends_well_and_leaves_nothing(peer: Peer) -> None:
    transport, there, go = DirectTransport(), threading.Event(), threading.Event()

    def wait(link: object) -> bool:
        there.set()
        go.wait(5)
        return answer()(link)  # type: ignore[arg-type]

    peer.then(wait)
    statuses: list[int] = []
    caller = threading.Thread(target=lambda: statuses.append(transport.send(ask(peer.url)).status))
    caller.start()
    there.wait(5)
    before = sockets() if Path("/proc/self/fd").is_dir() else 0
    transport.close()
    go.set()
    caller.join(5)
    assert statuses == [200]
    if before:
        assert sockets() < before


FORGET = """
    import asyncio, gc, sys
    from siyu_sdk import AsyncWeCom, WeCom
    from siyu_sdk.core.http import Request

    def ask():
        return Request("GET", sys.argv[1], "/x", {}, None, 60, call="GET /x")

    async def forget():
        wecom = AsyncWeCom("ww1", "secret", base_url=sys.argv[1])
        print((await wecom.session.transport.send(ask())).status)

    async def forget_and_collect():
        await forget()
        gc.collect()

    wecom = WeCom("ww1", "secret", base_url=sys.argv[1])
    print(wecom.session.transport.send(ask()).status)
    del wecom
    gc.collect()
    asyncio.run(forget_and_collect())
    if sys.argv[2:]:
        asyncio.run(forget())
        gc.collect()
"""


def test_a_forgotten_client_goes_without_a_warning(peer: Peer) -> None:
    assert run_alone(FORGET, peer.url, "also after its loop").split() == ["200"] * 3


def test_a_forgotten_client_goes_without_a_warning_over_tls_too(tls_peer: Peer, trusted: None) -> None:
    assert run_alone(FORGET, tls_peer.url).split() == ["200"] * 2


def test_a_forked_child_never_uses_the_sockets_of_its_parent(peer: Peer) -> None:
    printed = run_alone(
        """
        import os, sys
        from siyu_sdk.core.connections import DirectTransport
        from siyu_sdk.core.http import Request

        request, transport = Request("GET", sys.argv[1], "/x", {}, None, 60, call="GET /x"), DirectTransport()
        transport.send(request)
        child = os.fork()
        print(transport.send(request).status, flush=True)
        if child:
            assert os.waitpid(child, 0)[1] == 0
            print(transport.send(request).status, flush=True)
        """,
        peer.url,
    )
    assert printed.count("200") == 3
    assert peer.connections == 2  # one for the parent, which goes on using it, and one for the child


def test_a_forked_child_has_event_loops_of_its_own(peer: Peer) -> None:
    printed = run_alone(
        """
        import asyncio, os, sys
        from siyu_sdk.core.connections import AsyncDirectTransport
        from siyu_sdk.core.http import Request

        request, transport = Request("GET", sys.argv[1], "/x", {}, None, 60, call="GET /x"), AsyncDirectTransport()

        async def once():
            print((await transport.send(request)).status, flush=True)

        async def twice():
            await once()
            await transport.aclose()

        with asyncio.Runner() as runner:
            runner.run(once())
            child = os.fork()
            if not child:
                asyncio.events._set_running_loop(None)
                asyncio.run(twice())
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
            runner.run(twice())
        """,
        peer.url,
    )
    assert printed.count("200") == 3
    assert peer.connections == 2


def test_each_event_loop_has_connections_of_its_own(peer: Peer) -> None:
    transport = AsyncDirectTransport()

    async def twice() -> list[int]:
        found = [(await transport.send(ask(peer.url))).status for _ in range(2)]
        await transport.aclose()
        return found

    for _ in range(3):
        assert asyncio.run(twice()) == [200, 200]
    assert peer.connections == 3


def test_loops_in_threads_do_not_meet(peer: Peer) -> None:
    transport, found = AsyncDirectTransport(), list[int]()

    async def some() -> None:
        for _ in range(20):
            found.append((await transport.send(ask(peer.url))).status)

    async def end() -> None:
        await asyncio.gather(*(some() for _ in range(3)))
        await transport.aclose()

    threads = [threading.Thread(target=asyncio.run, args=(end(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == [200] * 180


@linux
def test_a_cancelled_call_gives_up_its_connection(peer: Peer) -> None:
    async def give_up() -> None:
        transport = AsyncDirectTransport()
        peer.usual = lambda _link: not threading.Event().wait(0.3)
        before = sockets()
        for _ in range(10):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await transport.send(ask(peer.url))
        await asyncio.sleep(0.5)
        assert sockets() <= before + 10  # the peer's own ends, until its threads notice
        peer.hang_up()
        await asyncio.sleep(0.05)
        assert sockets() <= before
        await transport.aclose()

    asyncio.run(give_up())


def test_many_threads_share_few_connections(peer: Peer) -> None:
    transport = DirectTransport()
    bad: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(30):
                assert transport.send(ask(peer.url)).status == 200
        except BaseException as error:
            bad.append(error)

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    transport.close()
    assert bad == []
    assert peer.connections <= 20
    assert len(peer.seen) == 600


def test_clients_are_context_managers(peer: Peer) -> None:
    peer.usual = answer(b'{"errcode":0,"access_token":"t","expires_in":7200}')
    with WeCom("ww1", "secret", base_url=peer.url) as wecom:
        assert wecom.request("GET", "/cgi-bin/x")["errcode"] == 0

    async def use() -> None:
        async with AsyncWeCom("ww1", "secret", base_url=peer.url) as wecom:
            assert (await wecom.request("GET", "/cgi-bin/x"))["errcode"] == 0

    asyncio.run(use())


def test_a_blocking_call_in_a_running_loop_warns_once_and_names_the_other_client(peer: Peer) -> None:
    peer.usual = answer(b'{"errcode":0,"access_token":"t","expires_in":7200}')

    async def mistake() -> None:
        with WeCom("ww1", "secret", base_url=peer.url) as wecom:
            with pytest.warns(RuntimeWarning, match="AsyncWeCom"):
                wecom.request("GET", "/cgi-bin/x")
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                wecom.request("GET", "/cgi-bin/x")

    asyncio.run(mistake())


@pytest.mark.parametrize("kind", [WeCom, AsyncWeCom])
def test_a_client_is_not_pickled_with_its_secrets(kind: type[WeCom]) -> None:
    with pytest.raises(UsageError, match="in each process"):
        pickle.dumps(kind("ww1", "secret"))


def test_importing_the_package_loads_no_platform_and_nothing_heavy() -> None:
    loaded = run_alone("import siyu_sdk, sys; print(*sys.modules)").split()
    assert not {m for m in loaded if m.startswith(("siyu_sdk.", "cryptography", "tenacity", "httpx", "pydantic"))} - {"siyu_sdk._version"}
    loaded = run_alone("from siyu_sdk import WeCom; import sys; WeCom('ww1', 's'); print(*sys.modules)").split()
    assert not {m for m in loaded if m.partition(".")[0] in ("cryptography", "httpx", "anyio", "sqlalchemy", "redis", "defusedxml")}


def test_nothing_is_left_for_the_collector_after_a_call(peer: Peer) -> None:
    transport = DirectTransport()
    transport.send(ask(peer.url))
    gc.collect()
    gc.disable()
    try:
        for _ in range(50):
            transport.send(ask(peer.url))
        assert gc.collect() < 50  # no cycles: replies go as soon as nobody holds them
    finally:
        gc.enable()
        transport.close()
