"""Replies in all the shapes that HTTP allows, and which connections are used again."""

from __future__ import annotations

import gzip
import time
import zlib

import pytest

from siyu_sdk.core import connections
from siyu_sdk.core import wire as http11
from siyu_sdk.core.errors import NotSent, OutcomeUnknown

from .conftest import Behaviour, Peer, Wire, answer, ask, reset, say

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def test_a_call_says_what_it_has_to_and_no_more(wire: Wire, peer: Peer) -> None:
    wire.send(ask(peer.url, "POST", b'{"a":1}').with_secret("access_token", "t/+&"))
    head, _, body = peer.seen[0].partition(b"\r\n\r\n")
    line, *headers = head.split(b"\r\n")
    assert line == b"POST /cgi-bin/some?access_token=t%2F%2B%26 HTTP/1.1"
    assert {h.partition(b":")[0].lower() for h in headers} == {b"host", b"accept", b"accept-encoding", b"content-length"}
    assert b"accept-encoding: identity" in head.lower()
    assert body == b'{"a":1}'


def test_the_path_of_a_base_url_comes_first(wire: Wire, peer: Peer) -> None:
    wire.send(ask(f"{peer.url}/gate/微信"))
    assert peer.seen[0].startswith(b"GET /gate/%E5%BE%AE%E4%BF%A1/cgi-bin/some HTTP/1.1")


@pytest.mark.parametrize(
    ("behaviour", "again"),
    [
        pytest.param(answer(b"{}"), True, id="with a length"),
        pytest.param(answer(b"{}", "Connection: close", keep=False), False, id="last one"),
        pytest.param(say(b"HTTP/1.0 200 OK\r\n\r\n{}"), False, id="HTTP/1.0, ended by closing"),
        pytest.param(say(b"HTTP/1.1 200 OK\r\n\r\n{", b"}"), False, id="ended by closing"),
        pytest.param(say(CHUNKED, b"1\r\n{\r\n", b"1;x=y\r\n}\r\n0\r\nX-After: 1\r\n\r\n", keep=True), True, id="chunked"),
        pytest.param(say(b"HTTP/1.1 100 Continue\r\n\r\n", WHOLE, keep=True), True, id="100 first"),
        pytest.param(say(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + WHOLE, keep=True), True, id="103 first"),
        pytest.param(say(*[bytes([b]) for b in WHOLE], keep=True), True, id="byte by byte"),
        pytest.param(answer(gzip.compress(b"{}"), "Content-Encoding: gzip"), True, id="gzip, unasked"),
        pytest.param(answer(zlib.compress(b"{}"), "Content-Encoding: deflate"), True, id="deflate, unasked"),
    ],
)
def test_a_reply_is_read_whatever_its_shape(wire: Wire, peer: Peer, behaviour: Behaviour, again: bool) -> None:
    peer.then(behaviour, behaviour)
    for _ in range(2):
        reply = wire.send(ask(peer.url))
        assert (reply.status, reply.content) == (200, b"{}")
    assert peer.connections == (1 if again else 2)


def test_an_empty_reply_is_one(wire: Wire, peer: Peer) -> None:
    peer.then(say(b"HTTP/1.1 204 No Content\r\n\r\n", keep=True))
    reply = wire.send(ask(peer.url, "POST", b"{}"))
    assert (reply.status, reply.content) == (204, b"")


def test_a_redirect_is_not_followed(wire: Wire, peer: Peer) -> None:
    peer.then(answer(b"", "Location: http://127.0.0.1:1/", status="302 Found"))
    assert wire.send(ask(peer.url, "POST", b"{}")).status == 302
    assert len(peer.seen) == 1


def test_header_names_are_in_lower_case_and_repeated_ones_joined(wire: Wire, peer: Peer) -> None:
    peer.then(answer(b"{}", "Request-ID: 1-2", "X-A: 1", "x-a: 2", "X-Name: 榴莲"))
    headers = wire.send(ask(peer.url)).headers
    assert headers["request-id"] == "1-2"
    assert headers["x-a"] == "1, 2"
    assert headers["x-name"] == "榴莲"


def test_what_is_packed_wrongly_is_handed_on_as_it_came(wire: Wire, peer: Peer) -> None:
    peer.then(answer(b"no gzip", "Content-Encoding: gzip"), answer(b"brotli?", "Content-Encoding: br"))
    assert wire.send(ask(peer.url)).content == b"no gzip"
    assert wire.send(ask(peer.url)).content == b"brotli?"


# Keep-alive


def test_calls_share_a_connection(wire: Wire, peer: Peer) -> None:
    for _ in range(5):
        wire.send(ask(peer.url))
    assert peer.connections == 1


def test_a_connection_that_was_closed_at_rest_does_not_lose_a_post(wire: Wire, peer: Peer) -> None:
    for _ in range(5):
        wire.send(ask(peer.url, "POST", b"{}"))
        peer.hang_up()
        time.sleep(0.05)
    assert (len(peer.seen), peer.connections) == (5, 5)


def test_a_connection_that_rested_too_long_is_left(wire: Wire, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    wire.send(ask(peer.url))
    monkeypatch.setattr(connections, "MAX_IDLE", 0.0)
    wire.send(ask(peer.url, "POST", b"{}"))
    assert peer.connections == 2


def test_bytes_beyond_a_reply_are_never_the_answer_to_the_next_call(wire: Wire, peer: Peer) -> None:
    forged = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
    peer.then(say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" + forged, keep=True))
    assert wire.send(ask(peer.url)).content == b"{}"
    assert wire.send(ask(peer.url)).content == b'{"errcode":0}'
    peer.then(say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", forged, pause=0.05, keep=True))
    assert wire.send(ask(peer.url)).content == b"{}"
    time.sleep(0.1)
    assert wire.send(ask(peer.url)).content == b'{"errcode":0}'
    assert peer.connections == 3


def test_a_failure_spoils_its_own_connection_only(wire: Wire, peer: Peer) -> None:
    wire.send(ask(peer.url))
    peer.then(reset)
    with pytest.raises(OutcomeUnknown):
        wire.send(ask(peer.url, "POST", b"{}"))
    wire.send(ask(peer.url))
    assert peer.connections == 2


def test_an_upload_arrives_whole(wire: Wire, peer: Peer) -> None:
    content = bytes(range(256)) * 40_000
    wire.send(ask(peer.url, "POST", content))
    assert peer.seen[0].partition(b"\r\n\r\n")[2] == content


# TLS


def test_a_certificate_that_nobody_vouches_for_is_not_sent(wire: Wire, tls_peer: Peer) -> None:
    with pytest.raises(NotSent, match=r"(?i)certificate"):
        wire.send(ask(tls_peer.url, "POST", b"{}").with_secret("access_token", "secret"))
    assert tls_peer.seen == []


def test_a_certificate_of_another_host_is_not_sent(wire: Wire, tls_peer: Peer, trusted: None) -> None:
    with pytest.raises(NotSent, match=r"(?i)certificate|match"):
        wire.send(ask(tls_peer.url.replace("localhost", "127.0.0.1"), "POST", b"{}"))
    assert tls_peer.seen == []


def test_a_trusted_certificate_carries_calls_and_keeps_the_connection(wire: Wire, tls_peer: Peer, trusted: None) -> None:
    for _ in range(3):
        assert wire.send(ask(tls_peer.url, "POST", b"x" * 100_000)).status == 200
    assert tls_peer.connections == 1


def test_a_plain_server_behind_an_https_address_is_not_sent(wire: Wire, peer: Peer) -> None:
    with pytest.raises(NotSent):
        wire.send(ask(peer.url.replace("http:", "https:"), timeout=1))


def test_the_authorities_are_read_once() -> None:
    assert http11.shared_context() is http11.shared_context()
