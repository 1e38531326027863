"""What goes wrong on the way, and what the caller is told: `NotSent` only where nothing can have arrived."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import pytest

from siyu_sdk.core import connections
from siyu_sdk.core import wire as http11
from siyu_sdk.core.errors import NotSent, OutcomeUnknown, TransportError

from .conftest import Behaviour, Peer, Wire, answer, ask, hang_up, reset, say, silence


def test_a_closed_door_is_not_sent(wire: Wire) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    with pytest.raises(NotSent, match="nothing reached"):
        wire.send(ask(f"http://127.0.0.1:{port}", "POST", b"{}"))


def test_an_unknown_host_is_not_sent(wire: Wire) -> None:
    with pytest.raises(NotSent, match="nothing reached"):
        wire.send(ask("http://nowhere.invalid", "POST", b"{}"))


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "http://", "http://127.0.0.1:port", "nonsense", "http://a..b", "http://" + "a" * 300])
def test_a_base_url_that_leads_nowhere_is_not_sent(wire: Wire, url: str) -> None:
    with pytest.raises(NotSent):
        wire.send(ask(url))


def test_a_door_that_nobody_opens_is_not_sent_after_the_connect_timeout(wire: Wire) -> None:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen(0)
        port = door.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]  # a queue of one is full: further knocks are not heard
        try:
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
            began = time.monotonic()
            with pytest.raises(NotSent, match="time-out"):
                wire.send(ask(f"http://127.0.0.1:{port}", "POST", b"{}", timeout=0.3))
            assert time.monotonic() - began < 3
        finally:
            for filler in fillers:
                filler.close()


def test_no_answer_in_time_leaves_the_outcome_open(wire: Wire, peer: Peer) -> None:
    peer.then(silence)
    began = time.monotonic()
    with pytest.raises(OutcomeUnknown, match="time-out; the call may have taken effect"):
        wire.send(ask(peer.url, "POST", b"{}", timeout=0.3))
    assert 0.25 < time.monotonic() - began < 3


HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(reset, id="reset after the request"),
        pytest.param(hang_up, id="closed without an answer"),
        pytest.param(say(b"HTTP/1.1 200 OK\r\nContent-"), id="half a head"),
        pytest.param(say(HALF), id="half a body"),
        pytest.param(say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"), id="half a chunk"),
        pytest.param(say(b"SSH-2.0-OpenSSH_9.6\r\n"), id="another protocol"),
        pytest.param(say(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"), id="no length"),
        pytest.param(say(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n"), id="huge headers"),
        pytest.param(say(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), id="upgraded unasked"),
    ],
)
def test_whatever_breaks_after_the_request_was_taken_leaves_the_outcome_open(wire: Wire, peer: Peer, behaviour: Behaviour) -> None:
    peer.then(behaviour)
    with pytest.raises(OutcomeUnknown, match="may have taken effect"):
        wire.send(ask(peer.url, "POST", b"{}", timeout=2))
    assert len(peer.seen) == 1  # a POST is not sent again behind the caller's back
    assert wire.send(ask(peer.url)).status == 200  # and the next call has a connection of its own


def test_a_reset_while_the_request_is_on_its_way_leaves_the_outcome_open(wire: Wire, peer: Peer) -> None:
    def slam(link: socket.socket) -> bool:
        link.recv(1000)
        return reset(link)

    peer.greet = slam
    with pytest.raises(OutcomeUnknown):
        wire.send(ask(peer.url, "POST", b"x" * 20_000_000))


def test_an_answer_given_before_the_whole_request_was_read_counts(wire: Wire, peer: Peer) -> None:
    def refuse(link: socket.socket) -> bool:
        link.recv(1000)
        link.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        link.shutdown(socket.SHUT_WR)
        while link.recv(1 << 20):
            pass
        return False

    peer.greet = refuse
    assert wire.send(ask(peer.url, "POST", b"x" * 3_000_000)).status == 413


def test_a_reply_that_drips_does_not_hold_the_caller(wire: Wire, peer: Peer) -> None:
    peer.then(say(HALF, *[b" "] * 40, pause=0.1))
    began = time.monotonic()
    with pytest.raises(OutcomeUnknown, match="time-out"):
        wire.send(ask(peer.url, timeout=0.5))
    assert time.monotonic() - began < 3


def test_a_slow_reply_that_moves_is_waited_for(wire: Wire, peer: Peer) -> None:
    body = b"x" * 50_000
    peer.then(say(b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n", *[body] * 10, pause=0.1))
    assert len(wire.send(ask(peer.url, timeout=0.5)).content) == 500_000


def test_a_reply_without_end_is_refused(wire: Wire, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http11, "MAX_BODY", 100_000)
    peer.then(say(b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 50_000] * 5))
    with pytest.raises(OutcomeUnknown, match="longer than 100000 bytes"):
        wire.send(ask(peer.url))


def test_a_small_reply_that_unpacks_to_a_huge_one_is_refused(wire: Wire, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    import gzip

    monkeypatch.setattr(http11, "MAX_BODY", 100_000)
    peer.then(answer(gzip.compress(b"x" * 1_000_000), "Content-Encoding: gzip"))
    with pytest.raises(OutcomeUnknown, match="longer than 100000 bytes"):
        wire.send(ask(peer.url))


@pytest.mark.parametrize("headers", [{"x-note": "a\r\nHost: elsewhere"}, {"x-note": "a\nb"}, {"bad name": "x"}, {"x-note": "\x00"}])
def test_a_header_that_would_become_two_is_not_sent(wire: Wire, peer: Peer, headers: dict[str, str]) -> None:
    with pytest.raises(NotSent):
        wire.send(ask(peer.url).with_headers(headers))
    assert peer.seen == []


def test_a_target_with_a_line_break_is_not_sent(wire: Wire, peer: Peer) -> None:
    from attrs import evolve

    with pytest.raises(NotSent):
        wire.send(evolve(ask(peer.url), target="/x HTTP/1.1\r\nHost: elsewhere\r\n\r\n"))
    assert peer.seen == []


def test_no_error_shows_a_credential(wire: Wire, peer: Peer) -> None:
    request = ask(peer.url, timeout=0.3).with_secret("access_token", "CANARY-77aa")
    for behaviour in (reset, silence, hang_up, say(b"nonsense\r\n\r\n")):
        peer.then(behaviour)
        with pytest.raises(TransportError) as caught:
            wire.send(request)
        assert "CANARY" not in f"{caught.value!r} {caught.value.__context__!r} {caught.value.__cause__!r}"
        assert caught.value.call == "GET /cgi-bin/some"


def test_more_calls_than_connections_wait_and_then_are_not_sent(
    make_wire: Callable[..., Wire], peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 2)
    wire = make_wire()
    slow, hasty = ask(peer.url), ask(peer.url, timeout=0.1)

    peer.usual = say(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n", b"1", pause=0.5, keep=True)
    if wire.name == "sync":
        with ThreadPoolExecutor(4) as pool:
            first = [pool.submit(wire.send, slow) for _ in range(2)]
            time.sleep(0.1)
            late, patient = pool.submit(wire.send, hasty), pool.submit(wire.send, slow)
            with pytest.raises(NotSent, match="2 calls are under way"):
                late.result()
            assert [f.result().status for f in [*first, patient]] == [200] * 3
    else:

        async def crowd() -> list[object]:
            send = wire.transport.send  # type: ignore[attr-defined]
            first = [asyncio.ensure_future(send(slow)) for _ in range(2)]
            await asyncio.sleep(0.1)
            return await asyncio.gather(send(hasty), send(slow), *first, return_exceptions=True)

        late_one, *others = wire.runner.run(crowd())  # type: ignore[attr-defined]
        assert isinstance(late_one, NotSent)
        assert "2 calls are under way" in str(late_one)
        assert [answered.status for answered in others] == [200] * 3
    assert peer.connections <= 2
