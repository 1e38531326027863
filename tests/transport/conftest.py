"""A peer on loopback that behaves as badly as a test tells it, and one way to send for threads and tasks alike."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import pytest
from attrs import define, field

from siyu_sdk.core.connections import AsyncDirectTransport, DirectTransport
from siyu_sdk.core.http import Request, Response

Behaviour = Callable[[socket.socket], bool]
"""What to do on a connection once a request was read; True: and wait for the next one."""


def answer(body: bytes = b'{"errcode":0}', *headers: str, status: str = "200 OK", keep: bool = True) -> Behaviour:
    """Answer properly."""
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""])
    return say(head.encode() + body, keep=keep)


def say(*pieces: bytes, keep: bool = False, pause: float = 0.0) -> Behaviour:
    """Write just these bytes."""

    def behave(link: socket.socket) -> bool:
        for piece in pieces:
            link.sendall(piece)
            time.sleep(pause)
        return keep

    return behave


def reset(link: socket.socket) -> bool:
    """Break the connection off."""
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def silence(link: socket.socket) -> bool:
    """Say nothing until the client gives up."""
    with contextlib.suppress(OSError):
        link.recv(1)
    return False


def hang_up(_link: socket.socket) -> bool:
    """Close without a word."""
    return False


def read_request(link: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = link.recv(65536)
        if not chunk:
            return b""
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        chunk = link.recv(65536)
        if not chunk:
            break
        body += chunk
    return head + b"\r\n\r\n" + body


@define
class Peer:
    """The server, from a test's side."""

    url: str = ""
    seen: list[bytes] = field(factory=list)
    connections: int = 0
    plan: list[Behaviour] = field(factory=list)
    usual: Behaviour = field(factory=answer)
    greet: Behaviour | None = None
    links: list[socket.socket] = field(factory=list)

    def then(self, *behaviours: Behaviour) -> None:
        """What to do on the next requests, one after the other; after these, answer properly."""
        self.plan += behaviours

    def serve(self, link: socket.socket, context: ssl.SSLContext | None) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            if context is not None:
                link = context.wrap_socket(link, server_side=True)
            stack.callback(link.close)
            self.links.append(link)
            if self.greet is not None and not self.greet(link):
                return
            while request := read_request(link):
                self.seen.append(request)
                if not (self.plan.pop(0) if self.plan else self.usual)(link):
                    return

    def hang_up(self) -> None:
        """Close all connections, as a server does with idle ones."""
        for link in self.links:
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
        self.links.clear()


@contextlib.contextmanager
def running(context: ssl.SSLContext | None = None) -> Iterator[Peer]:
    peer = Peer()
    with socket.create_server(("127.0.0.1", 0)) as door:
        peer.url = f"{'https' if context else 'http'}://localhost:{door.getsockname()[1]}"

        def listen() -> None:
            with contextlib.suppress(OSError):
                while True:
                    link, _ = door.accept()
                    peer.connections += 1
                    threading.Thread(target=peer.serve, args=(link, context), daemon=True).start()

        threading.Thread(target=listen, daemon=True).start()
        yield peer
        peer.hang_up()
        with contextlib.suppress(OSError):
            door.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def peer() -> Iterator[Peer]:
    with running() as peer:
        yield peer


class Wire(Protocol):
    """A transport, with or without tasks."""

    name: str

    def send(self, request: Request) -> Response: ...
    def close(self) -> None: ...


class Threads:
    name = "sync"

    def __init__(self, **options: Any) -> None:
        self.transport = DirectTransport(**options)
        self.send, self.close = self.transport.send, self.transport.close


class Tasks:
    name = "async"

    def __init__(self, **options: Any) -> None:
        self.transport = AsyncDirectTransport(**options)
        self.runner = asyncio.Runner()

    def send(self, request: Request) -> Response:
        return self.runner.run(self.transport.send(request))

    def close(self) -> None:
        self.runner.run(self.transport.aclose())
        self.runner.close()


@pytest.fixture(params=[Threads, Tasks], ids=["sync", "async"])
def make_wire(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Wire]]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    made: list[Wire] = []

    def make(**options: Any) -> Wire:
        made.append(request.param(**options))
        return made[-1]

    yield make
    for wire in made:
        wire.close()


@pytest.fixture
def wire(make_wire: Callable[..., Wire]) -> Wire:
    return make_wire()


def ask(url: str, method: str = "GET", content: bytes | None = None, timeout: float = 5.0, **more: Any) -> Request:
    return Request(method, url, "/cgi-bin/some", {"accept": "application/json"}, content, timeout, call=f"{method} /cgi-bin/some", **more)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Files with a certificate for `localhost`, signed by itself, and its key."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder, pem = tmp_path_factory.mktemp("tls"), serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return str(folder / "cert.pem"), str(folder / "key.pem")


@pytest.fixture
def tls_peer(certificate: tuple[str, str]) -> Iterator[Peer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with running(context) as peer:
        yield peer


@pytest.fixture
def trusted(certificate: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate stands among the authorities of the environment."""
    monkeypatch.setenv("SSL_CERT_FILE", certificate[0])
