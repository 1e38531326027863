"""Real sockets for the fake platforms.

`http.server` of the standard library, on purpose: it speaks HTTP/1.1 with keep-alive, needs no event loop, and it lets the sandbox
misbehave at the level of the socket (close without an answer, reset, cut a body), which frameworks above it do not. One thread for each
connection, TCP_NODELAY, one write for each answer. For tests on loopback only: it has no TLS and trusts its callers.
"""

from __future__ import annotations

import os
import socket
import socketserver
import struct
import threading
import time
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from attrs import evolve

from .books import Calls
from .faults import Fault, Faults
from .platform import Answer, Platform, Request

_PROXY_PAGE = b"<html><head><title>504 Gateway Time-out</title></head><body><h1>504 Gateway Time-out</h1></body></html>"
_REASONS = {status.value: status.phrase for status in HTTPStatus}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def handle_any(self) -> None:
        """Any method: read it all, let the server answer, write that, or break the connection."""
        target = self.path
        parts = urlsplit(target)
        request = Request(
            method=self.command,
            target=target,
            path=unquote(parts.path),
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self._read_body(),
        )
        answer = cast("PlatformServer", self.server).serve(request)
        if answer is None:
            self._reset()
        elif answer.status == 0:
            self.close_connection = True
        else:
            self._write(answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 (the standard library's names)

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks: list[bytes] = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _write(self, answer: Answer) -> None:
        lines = [f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, '')}"]
        if answer.status != 204:
            lines.append(f"Content-Type: {answer.content_type}")
        lines.append(f"Content-Length: {len(answer.body)}")
        lines.append(f"Date: {formatdate(cast('PlatformServer', self.server).time(), usegmt=True)}")
        lines.extend(f"{name}: {value}" for name, value in answer.headers.items())
        try:
            self.wfile.write("\r\n".join((*lines, "", "")).encode("latin-1") + answer.body)
            self.wfile.flush()
        except OSError:  # the caller has given up waiting; what was done stays done
            self.close_connection = True

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def log_message(self, format: str, *args: Any) -> None:
        """Silence: `sandbox.calls` is the log."""


class PlatformServer(ThreadingHTTPServer):
    """One platform on its own port."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def __init__(self, platform: Platform, port: int, faults: Faults, calls: Calls) -> None:
        self.platform = platform
        self._faults = faults
        self._calls = calls
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.02}, name=f"sandbox-{platform.name}", daemon=True
        )

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def time(self) -> float:
        """Virtual time: what the Date header says."""
        return self._calls.clock.time()

    def serve_from_now_on(self, platform: Platform, calls: Calls) -> None:
        """Another state behind the same port."""
        self.platform, self._calls = platform, calls

    def server_bind(self) -> None:
        """Binds without the reverse look-up of the host name that http.server makes."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])

    def start(self) -> None:
        """Answer from now on, in threads."""
        self._thread.start()

    def stop(self) -> None:
        """Close the port and every connection."""
        self.shutdown()
        self.server_close()
        for connection in tuple(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:  # closed by the other side meanwhile
                continue

    def process_request(self, request: Any, client_address: Any) -> None:
        """Keeps account of connections, to close them at the end."""
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """A connection less."""
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke is an everyday thing here."""

    def serve(self, request: Request) -> Answer | None:
        """The answer; one with status 0 stands for closing the connection without a word, None for a reset."""
        fault = self._faults.draw(self.platform.name, request.path)
        answer = self._serve(request, fault)
        code, status = (answer.code, answer.status) if answer else (0, 0)
        kind = fault.kind if fault else None
        self._calls.add(self.platform.name, request.method, request.path, errcode=code, status=status, fault=kind)
        return answer

    def _serve(self, request: Request, fault: Fault | None) -> Answer | None:
        if fault is None or fault.kind == "slow":
            if fault:
                time.sleep(fault.seconds)
            return self.platform.answer(request)
        answer: Answer | None = None
        if fault.after or fault.kind in ("drop_after_commit", "truncate"):
            answer = self.platform.answer(request)
        match fault.kind:
            case "reset":
                answer = None
            case "html":
                answer = Answer(_PROXY_PAGE, 200, "text/html; charset=utf-8")
            case "http_500":
                answer = Answer(b"Internal Server Error", 500, "text/plain; charset=utf-8", code=500)
            case "errcode":
                answer = self.platform.refuse(request, self.platform.refusal(fault.code))
            case "drop_after_commit":
                answer = answer and evolve(answer, status=0)
            case "truncate":
                answer = answer and evolve(answer, body=answer.body[: len(answer.body) // 2])
        return answer
