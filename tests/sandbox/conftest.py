"""What the stories share: a small sandbox, callers that speak raw HTTP to it, and a listener for its callbacks."""

from __future__ import annotations

import base64
import functools
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from attrs import define, field
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from tenacity import stop_after_attempt

from siyu_sdk import ApiError
from siyu_sdk.core.retry import Retry
from siyu_sdk.sandbox import Humans, Sandbox
from siyu_sdk.wecom.client import WeCom

PLAIN_PEOPLE = Humans(never_confirms=0, next_day=0, hours=0, deselects=0, leaves=0, redeems=0, refuses=0)
"""People without whims: everybody confirms within half an hour, nobody leaves, nobody refuses."""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=7, members=4, shops=2, customers=60, days=90, humans=PLAIN_PEOPLE) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=10) as client:
        yield client


@define
class WeComCaller:
    """`wecom("/cgi-bin/…", name=value)` posts JSON, `wecom.get` asks; both with a token."""

    sandbox: Sandbox
    http: httpx.Client
    _token: str = ""

    def token(self) -> str:
        if not self._token:
            ids = self.sandbox.credentials
            reply = self.get("/cgi-bin/gettoken", token=None, corpid=ids.corpid, corpsecret=ids.corpsecret)
            self._token = reply["access_token"]
        return self._token

    def __call__(self, path: str, **body: Any) -> Any:
        return self.http.post(self.sandbox.wecom_url + path, params={"access_token": self.token()}, json=body).json()

    def get(self, path: str, *, token: str | None = "", **query: Any) -> Any:
        if token is not None:
            query["access_token"] = token or self.token()
        return self.http.get(self.sandbox.wecom_url + path, params=query).json()

    def send(self, text: str, customers: list[str], sender: str = "") -> Any:
        return self(
            "/cgi-bin/externalcontact/add_msg_template",
            chat_type="single",
            external_userid=customers,
            sender=sender,
            text={"content": text},
        )

    def results(self, msgid: str, userid: str) -> dict[str, int]:
        reply = self("/cgi-bin/externalcontact/get_groupmsg_send_result", msgid=msgid, userid=userid)
        return {row["external_userid"]: row["status"] for row in reply["send_list"]}


@pytest.fixture
def wecom(sandbox: Sandbox, http: httpx.Client) -> WeComCaller:
    return WeComCaller(sandbox, http)


@pytest.fixture
def corp(sandbox: Sandbox) -> Iterator[WeCom]:
    """The SDK's own client, which gives up at the first refusal."""
    with sandbox.wecom_client(retry=Retry(stop=stop_after_attempt(1))) as corp:
        yield corp


def refused(call: Callable[[], object]) -> int | str:
    """The code with which the platform refuses a call."""
    with pytest.raises(ApiError) as caught:
        call()
    return caught.value.code


def told(sandbox: Sandbox, *names: str) -> list[tuple[Any, ...]]:
    """These fields of all events so far."""
    return [tuple(event.get(name) for name in names) for event in sandbox.world.events]


@functools.cache
def private_key(pem: str) -> RSAPrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), None)
    assert isinstance(key, RSAPrivateKey)
    return key


@define
class PayCaller:
    """Signs as a merchant has to, and hands back the whole response."""

    sandbox: Sandbox
    http: httpx.Client

    def __call__(self, method: str, target: str, body: Any = None, **tampering: Any) -> httpx.Response:
        ids = self.sandbox.credentials
        content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        timestamp = tampering.get("timestamp", str(int(self.sandbox.clock.time())))
        nonce = tampering.get("nonce", secrets.token_hex(16))
        message = f"{method}\n{target}\n{timestamp}\n{nonce}\n".encode() + content + b"\n"
        signature = base64.b64encode(private_key(ids.private_key).sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()
        fields = {"mchid": ids.mchid, "nonce_str": nonce, "timestamp": timestamp, "serial_no": ids.serial_no, "signature": signature}
        fields |= {name: value for name, value in tampering.items() if name in fields}
        header = "WECHATPAY2-SHA256-RSA2048 " + ",".join(f'{name}="{value}"' for name, value in fields.items())
        headers = {"Authorization": header, "Content-Type": "application/json", **tampering.get("headers", {})}
        return self.http.request(
            method, self.sandbox.pay_url + tampering.get("sent_to", target), content=tampering.get("sent", content), headers=headers
        )

    def send(self, openid: str, number: str, **more: Any) -> httpx.Response:
        ids = self.sandbox.credentials
        body = {
            "product_coupon_id": ids.product_coupon_id,
            "stock_id": ids.stock_id,
            "appid": ids.miniprogram_appid,
            "send_request_no": number,
            "brand_id": ids.brand_id,
            **more,
        }
        return self("POST", f"/v3/marketing/partner/product-coupon/users/{openid}/coupons", body)

    def act(self, action: str, openid: str, code: str, number: str, **more: Any) -> httpx.Response:
        ids = self.sandbox.credentials
        body = {
            "product_coupon_id": ids.product_coupon_id,
            "stock_id": ids.stock_id,
            "appid": ids.miniprogram_appid,
            "out_request_no": number,
            "brand_id": ids.brand_id,
            **more,
        }
        return self("POST", f"/v3/marketing/partner/product-coupon/users/{openid}/coupons/{code}/{action}", body)


@pytest.fixture
def pay(sandbox: Sandbox, http: httpx.Client) -> PayCaller:
    return PayCaller(sandbox, http)


@pytest.fixture
def openid(sandbox: Sandbox) -> str:
    return next(p.miniprogram_openid for p in sandbox.world.people if p.miniprogram_openid and p.unionid)


@define
class Listener:
    """Somebody's callback server: keeps what comes, answers what `answer` says."""

    url: str = ""
    received: list[tuple[str, dict[str, str], bytes]] = field(factory=list)
    answer: Callable[[str], tuple[int, bytes]] = lambda _path: (200, b"")
    arrived: threading.Condition = field(factory=threading.Condition)

    def wait_for(self, count: int, seconds: float = 5) -> list[tuple[str, dict[str, str], bytes]]:
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.received) >= count, seconds), (
                f"only {len(self.received)} of {count} callbacks came"
            )
            return list(self.received)


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with listener.arrived:
                listener.received.append((self.path, dict(self.headers.items()), body))
                listener.arrived.notify_all()
            status, reply = listener.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        do_GET = do_POST = handle_any  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    listener.url = f"http://127.0.0.1:{server.server_address[1]}/callback"
    yield listener
    server.shutdown()
    server.server_close()
    thread.join()
