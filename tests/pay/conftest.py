"""A WeChat Pay of our own on loopback: it verifies real RSA signatures over raw bytes, and signs what it answers."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from attrs import define, field, frozen
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID

from siyu_sdk import AsyncPay, Pay

NOW = 1_790_000_000
API_V3_KEY = "0123456789abcdef0123456789abcdef"
PUBLIC_KEY_ID = "PUB_KEY_ID_0119000050052026010100000001"
MCHID, SERIAL_NO = "1900005005", "5A4DB0C5A4DB0C5A4DB0C5A4DB0C5A4DB0C00001"


@frozen
class Clock:
    """A clock that stands still and never waits."""

    at: float = NOW
    slept: list[float] = field(factory=list)

    def time(self) -> float:
        return self.at

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)

    def sleep(self, seconds: float) -> float:
        self.slept.append(seconds)
        return 0.0


@frozen
class Keys:
    merchant: rsa.RSAPrivateKey
    public: rsa.RSAPrivateKey
    """What the platform signs with when asked for its public key."""
    certified: rsa.RSAPrivateKey
    """What it signs with when asked for its certificate."""
    merchant_pem: str
    public_pem: str
    certificate_pem: str
    certificate_serial_no: str


@pytest.fixture(scope="session")
def keys() -> Keys:
    merchant, public, certified = (rsa.generate_private_key(65537, 2048) for _ in range(3))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "platform")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(certified.public_key())
        .serial_number(0x0ABCDEF0123456789ABCDEF0123456789ABCDEF0)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=1825))
        .sign(certified, hashes.SHA256())
    )
    return Keys(
        merchant,
        public,
        certified,
        merchant.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode(),
        public.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode(),
        certificate.public_bytes(serialization.Encoding.PEM).decode(),
        f"{certificate.serial_number:040X}",  # with its leading zero, as some tools write it
    )


def sign(key: rsa.RSAPrivateKey, message: bytes) -> str:
    return base64.b64encode(key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()


def signed_headers(keys: Keys, body: bytes, *, serial: str = PUBLIC_KEY_ID, at: float = NOW) -> dict[str, str]:
    """The headers of a reply or a notification."""
    key = keys.public if serial == PUBLIC_KEY_ID else keys.certified
    nonce = "c5ac7061fccab6bf3e254dcf98995b8c"
    return {
        "Wechatpay-Timestamp": str(int(at)),
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Serial": serial,
        "Wechatpay-Signature": sign(key, f"{int(at)}\n{nonce}\n".encode() + body + b"\n"),
        "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
    }


def notice(event_type: str, resource: Any, *, key: str = API_V3_KEY, **changes: Any) -> bytes:
    """The body of a notification, its resource encrypted."""
    nonce, associated = "fdasflkja484", "product_coupon_sp"
    plain = resource if isinstance(resource, bytes) else json.dumps(resource, ensure_ascii=False).encode()
    envelope: dict[str, Any] = {
        "id": "EV-2018022511223320873",
        "create_time": "2026-09-21T17:33:20+08:00",
        "event_type": event_type,
        "resource_type": "encrypt-resource",
        "summary": "用户领取商品券",
        "resource": {
            "original_type": "product_coupon",
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": base64.b64encode(AESGCM(key.encode()).encrypt(nonce.encode(), plain, associated.encode())).decode(),
            "nonce": nonce,
            "associated_data": associated,
        },
    }
    return json.dumps({**envelope, **changes}, ensure_ascii=False).encode()


@frozen
class Received:
    """One request as its bytes arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def authorization(self) -> dict[str, str]:
        return dict(re.findall(r'(\w+)="([^"]*)"', self.headers["authorization"]))

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@frozen
class Answer:
    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(factory=dict)
    """Beside, or in place of, the signature's."""
    serial: str = ""
    """Signed by this key; by the one that the request names unless said otherwise."""
    at: float = NOW
    dropped: bool = False
    """Work is done, and the connection ends without an answer."""


@define
class WeChatPay:
    """What was received, and what to answer: the queue first, then `otherwise`."""

    keys: Keys
    url: str = ""
    received: list[Received] = field(factory=list)
    queue: list[Answer] = field(factory=list)
    otherwise: Answer = field(factory=Answer)

    def answer(self, *answers: Answer) -> None:
        self.queue.extend(answers)

    def refuse(self, status: int, code: str, *, request_id: str = "08E8F1C2-0", always: bool = False, **headers: str) -> None:
        body = json.dumps({"code": code, "message": "说明"}, ensure_ascii=False).encode()
        answer = Answer(status, body, {"Request-ID": request_id, **headers})
        if always:
            self.otherwise = answer
        else:
            self.queue.append(answer)

    def give(self, value: Any, **options: Any) -> None:
        self.queue.append(Answer(body=json.dumps(value, ensure_ascii=False).encode(), **options))

    def is_signed(self, request: Received) -> bool:
        """Whether the merchant's signature covers exactly what arrived."""
        fields = request.authorization
        message = f"{request.method}\n{request.target}\n{fields['timestamp']}\n{fields['nonce_str']}\n".encode() + request.body + b"\n"
        try:
            self.keys.merchant.public_key().verify(base64.b64decode(fields["signature"]), message, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return False
        return fields["mchid"] == MCHID and fields["serial_no"] == SERIAL_NO


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # a crowd of cold threads connects at once


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet
    platform: WeChatPay

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        request = Received(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
        self.platform.received.append(request)
        answer = self.platform.queue.pop(0) if self.platform.queue else self.platform.otherwise
        if not self.platform.is_signed(request):
            answer = Answer(401, b'{"code":"SIGN_ERROR","message":"wrong signature"}')
        if answer.dropped:
            self.close_connection = True
            return
        self.send_response(answer.status)
        headers = signed_headers(self.platform.keys, answer.body, serial=answer.serial or request.headers["wechatpay-serial"], at=answer.at)
        for name, value in {**headers, **answer.headers, "Content-Length": str(len(answer.body))}.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 -- named by the standard library

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="session")
def loopback(keys: Keys) -> Iterator[WeChatPay]:
    platform = WeChatPay(keys)
    server = Server(("127.0.0.1", 0), type("Bound", (Handler,), {"platform": platform}))
    platform.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield platform
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def wechat(loopback: WeChatPay) -> WeChatPay:
    loopback.received.clear()
    loopback.queue.clear()
    loopback.otherwise = Answer()
    return loopback


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def merchant(keys: Keys) -> dict[str, Any]:
    """What both clients are made with."""
    return {
        "mchid": MCHID,
        "serial_no": SERIAL_NO,
        "private_key": keys.merchant_pem,
        "api_v3_key": API_V3_KEY,
        "public_key": keys.public_pem,
        "public_key_id": PUBLIC_KEY_ID,
    }


@pytest.fixture
def pay(wechat: WeChatPay, merchant: dict[str, Any], clock: Clock) -> Iterator[Pay]:
    with Pay(**merchant, base_url=wechat.url, clock=clock) as client:
        yield client


@pytest.fixture
async def async_pay(wechat: WeChatPay, merchant: dict[str, Any], clock: Clock) -> Any:
    async with AsyncPay(**merchant, base_url=wechat.url, clock=clock) as client:
        yield client


@pytest.fixture
def tools() -> Any:
    """The makers of this file, for tests: folders of tests are no packages."""
    import types

    return types.SimpleNamespace(
        Answer=Answer,
        Clock=Clock,
        notice=notice,
        signed_headers=signed_headers,
        sign=sign,
        NOW=NOW,
        API_V3_KEY=API_V3_KEY,
        PUBLIC_KEY_ID=PUBLIC_KEY_ID,
    )
