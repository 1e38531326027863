"""A WeChat Pay of our own on loopback: it verifies real RSA signatures over raw bytes, and signs what it answers."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from attrs import define, field, frozen
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from siyu_sdk import AsyncPay, Pay

from ..loopback import Answer, Clock, Seen, serve
from ..wechatpay import API_V3_KEY, NOW, PUBLIC_KEY_ID, Keys, signed_headers

MCHID, SERIAL_NO = "1900005005", "5A4DB0C5A4DB0C5A4DB0C5A4DB0C5A4DB0C00001"


def authorization(request: Seen) -> dict[str, str]:
    """The fields of the Authorization header."""
    return dict(re.findall(r'(\w+)="([^"]*)"', request.headers["authorization"]))


@frozen
class Signed(Answer):
    """An answer to sign. Headers come beside, or in place of, the signature's."""

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
    received: list[Seen] = field(factory=list)
    queue: list[Signed] = field(factory=list)
    otherwise: Signed = Signed(b"{}")

    def answer(self, *answers: Signed) -> None:
        self.queue.extend(answers)

    def refuse(self, status: int, code: str, *, request_id: str = "08E8F1C2-0", always: bool = False, **headers: str) -> None:
        body = json.dumps({"code": code, "message": "说明"}, ensure_ascii=False).encode()
        answer = Signed(body, status, {"Request-ID": request_id, **headers})
        if always:
            self.otherwise = answer
        else:
            self.queue.append(answer)

    def give(self, value: Any, **options: Any) -> None:
        self.queue.append(Signed(json.dumps(value, ensure_ascii=False).encode(), **options))

    def is_signed(self, request: Seen) -> bool:
        """Whether the merchant's signature covers exactly what arrived."""
        fields = authorization(request)
        message = f"{request.method}\n{request.target}\n{fields['timestamp']}\n{fields['nonce_str']}\n".encode() + request.body + b"\n"
        try:
            self.keys.merchant.public_key().verify(base64.b64decode(fields["signature"]), message, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return False
        return fields["mchid"] == MCHID and fields["serial_no"] == SERIAL_NO

    def reply(self, request: Seen) -> Answer:
        self.received.append(request)
        answer = self.queue.pop(0) if self.queue else self.otherwise
        if not self.is_signed(request):
            answer = Signed(b'{"code":"SIGN_ERROR","message":"wrong signature"}', 401)
        if answer.dropped:
            raise EOFError
        serial = answer.serial or request.headers["wechatpay-serial"]
        headers = signed_headers(self.keys, answer.body, serial=serial, at=answer.at) | answer.headers
        return Answer(answer.body, answer.status, {name: value for name, value in headers.items() if value})


@pytest.fixture(scope="session")
def loopback(keys: Keys) -> Iterator[WeChatPay]:
    platform = WeChatPay(keys)
    with serve(platform.reply) as platform.url:
        yield platform


@pytest.fixture
def wechat(loopback: WeChatPay) -> WeChatPay:
    loopback.received.clear()
    loopback.queue.clear()
    loopback.otherwise = Signed(b"{}")
    return loopback


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
