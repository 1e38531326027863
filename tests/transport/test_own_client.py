"""A caller's own httpx client, and proxies: the plain path, with the same promises."""

from __future__ import annotations

import asyncio
import logging
import socket

import httpx
import pytest

from siyu_sdk import AsyncWeCom, NotSent, OutcomeUnknown, UsageError, WeCom
from siyu_sdk.core.connections import DirectTransport
from siyu_sdk.core.http import AsyncHttpxTransport, HttpxTransport

from .conftest import Peer, Wire, answer, ask, hang_up, silence

TOKEN = b'{"errcode":0,"access_token":"CANARY-77aa","expires_in":7200}'


def test_hooks_and_headers_of_an_own_client_take_part(peer: Peer) -> None:
    peer.usual = answer(TOKEN)
    heard: list[str] = []
    with httpx.Client(headers={"x-mine": "1"}, event_hooks={"request": [lambda r: heard.append(f"{r.method} {r.url}")]}) as own:
        with WeCom("ww1", "CANARY-secret", base_url=peer.url, http=own) as wecom:
            wecom.request("GET", "/cgi-bin/x")
        assert not own.is_closed  # it stays the caller's to close
    assert all(b"x-mine: 1" in request for request in peer.seen)
    assert heard == [f"GET {peer.url}/cgi-bin/gettoken", f"GET {peer.url}/cgi-bin/x"]  # a hook that prints prints no credential


def test_httpx_logs_no_credential(peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    peer.usual = answer(TOKEN)
    caplog.set_level(logging.DEBUG)
    with httpx.Client() as own, WeCom("ww1", "CANARY-secret", base_url=peer.url, http=own) as wecom:
        wecom.request("GET", "/cgi-bin/x")

    async def use() -> None:
        async with httpx.AsyncClient() as own, AsyncWeCom("ww1", "CANARY-secret", base_url=peer.url, http=own) as wecom:
            await wecom.request("GET", "/cgi-bin/x")

    asyncio.run(use())
    assert "HTTP Request" in caplog.text
    assert "CANARY" not in caplog.text
    assert sum(b"CANARY" in request for request in peer.seen) == 4


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_errors_mean_the_same(peer: Peer, mode: str) -> None:
    def send(url: str) -> None:
        request = ask(url, "POST", b"{}", timeout=0.3)
        if mode == "sync":
            with httpx.Client() as client:
                HttpxTransport(client).send(request)
        else:

            async def once() -> None:
                async with httpx.AsyncClient() as client:
                    await AsyncHttpxTransport(client).send(request)

            asyncio.run(once())

    with socket.create_server(("127.0.0.1", 0)) as door:
        closed = f"http://127.0.0.1:{door.getsockname()[1]}"
    for url in (closed, "http://nowhere.invalid", "ftp://127.0.0.1", "http://127.0.0.1:port"):
        with pytest.raises(NotSent, match="nothing reached"):
            send(url)
    peer.then(silence, hang_up)
    for _ in range(2):
        with pytest.raises(OutcomeUnknown, match="may have taken effect"):
            send(peer.url)


# Proxies


def test_a_proxy_of_the_environment_is_used(wire: Wire, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", peer.url)
    monkeypatch.setenv("http_proxy", peer.url)
    monkeypatch.setenv("no_proxy", "")
    assert wire.send(ask("http://qyapi.invalid")).status == 200
    assert peer.seen[0].startswith(b"GET http://qyapi.invalid/cgi-bin/some HTTP/1.1")


def test_a_host_that_needs_no_proxy_gets_none(wire: Wire, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "localhost")
    assert wire.send(ask(peer.url)).status == 200
    assert peer.seen[0].startswith(b"GET /cgi-bin/some HTTP/1.1")


def test_a_proxy_can_be_given(peer: Peer) -> None:
    peer.usual = answer(TOKEN)
    with WeCom("ww1", "s", base_url="http://qyapi.invalid", proxy=peer.url) as wecom:
        assert wecom.request("GET", "/cgi-bin/x")["errcode"] == 0
    assert peer.seen[1].startswith(b"GET http://qyapi.invalid/cgi-bin/x?access_token=")


def test_a_proxy_beside_an_own_client_is_a_mistake() -> None:
    with httpx.Client() as own, pytest.raises(UsageError, match="not both"):
        WeCom("ww1", "s", http=own, proxy="http://127.0.0.1:1")


def test_a_base_url_with_a_password_goes_through_httpx(peer: Peer) -> None:
    transport = DirectTransport()
    assert transport.send(ask(peer.url.replace("://", "://me:pass@"))).status == 200
    transport.close()
    assert b"basic" in peer.seen[0].lower()


@pytest.mark.parametrize("proxy", ["http://user:CANARY@host:port", "http://user:CANARY/77@host:1", "gopher://user:CANARY@host:1"])
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_proxy_of_the_environment_that_cannot_be_read_is_told_without_its_password(
    monkeypatch: pytest.MonkeyPatch, proxy: str, mode: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    request = ask("https://qyapi.weixin.qq.com")
    with pytest.raises(UsageError, match="HTTPS_PROXY") as caught:
        HttpxTransport().send(request) if mode == "sync" else asyncio.run(AsyncHttpxTransport().send(request))
    assert "CANARY" not in str(caught.value)
