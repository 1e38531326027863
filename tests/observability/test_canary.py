"""A recognisable secret in every credential, a run over every way in which a call can fail, and then a look at all that was shown.

Whoever speaks for the platform here is as indiscreet as a gateway can be: it repeats the request line, with the token in it, in messages,
pages and headers.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import logging
import os
import pickle
import re
import secrets
import socket
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tenacity import stop_after_attempt

pytest.importorskip("typer")
pytest.importorskip("opentelemetry.sdk")
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from siyu_sdk import AsyncMiniProgram, AsyncPay, AsyncWeCom, Hooks, MiniProgram, Pay, Retry, SiyuError, Store, WeCom, parse_event
from siyu_sdk.caches import FileTokenCache, MemoryTokenCache, RedisTokenCache, SQLTokenCache
from siyu_sdk.callbacks import Request
from siyu_sdk.callbacks.seen import RedisSeen, SqlSeen
from siyu_sdk.cli.app import run
from siyu_sdk.core.crypto import CallbackCodec
from siyu_sdk.core.xml import to_xml
from siyu_sdk.ledger import Ledger
from siyu_sdk.limits import MemoryLimiter, RedisLimiter
from siyu_sdk.miniprogram.login import Login
from siyu_sdk.miniprogram.shipping import Shipping
from siyu_sdk.sop.dbos_engine import DBOSEngine, open_client
from siyu_sdk.store.orders import Orders
from siyu_sdk.telemetry import instrument
from siyu_sdk.wecom.callbacks import Callbacks
from siyu_sdk.wecom.credentials import CustomApp, Provider, Suite, SuiteCorp
from siyu_sdk.wecom.customers import Customers
from siyu_sdk.wecom.mass_messages import MassMessages
from siyu_sdk.wecom.oauth import MiniProgramLogins, OAuth
from siyu_sdk.wecom.suite import Suites
from siyu_sdk.wecom.tickets import Tickets
from siyu_sdk.weixin.component import Components
from siyu_sdk.weixin.credentials import Authorizer, Component

BIRD = "CAN" + "ARY"  # in two, as tracebacks show the lines of this file
RETRY = Retry(stop=stop_after_attempt(2))


def pem() -> tuple[str, str]:
    """A private key, and its public half; the secret to look for is in the middle of the former."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain).decode()
    public = key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    return private, public


PRIVATE, _ = pem()
_, PLATFORM = pem()
AES = base64.b64encode(b"%b-AES" % BIRD.encode() + secrets.token_bytes(22)).decode().rstrip("=")
API_V3 = f"{BIRD}-api-v3-key-of-32-bytes-ok"
NEEDLES = (BIRD, AES, AES[:12], *PRIVATE.splitlines()[3:20])


TOKENS = ("access_token", "suite_access_token", "provider_access_token", "component_access_token", "authorizer_access_token")
TOKENS += ("authorizer_refresh_token",)
GIVEN: dict[str, dict[str, Any]] = {
    "jscode2session": {"openid": "o1", "session_key": f"{BIRD}-session-key", "userid": "amy", "corpid": "ww1"},
    "get_jsapi_ticket": {"ticket": f"{BIRD}-jsapi-ticket", "expires_in": 7200},
    "get_permanent_code": {"permanent_code": f"{BIRD}-permanent", "access_token": f"{BIRD}-token"},
    "get_pre_auth_code": {"pre_auth_code": f"{BIRD}-pre-auth", "expires_in": 1200},
    "api_create_preauthcode": {"pre_auth_code": f"{BIRD}-pre-auth", "expires_in": 1200},
    "api_query_auth": {"authorization_info": {"authorizer_appid": "wx5", **dict.fromkeys(TOKENS[4:], f"{BIRD}-given")}},
    "getuserinfo": {"userid": "amy", "user_ticket": f"{BIRD}-user-ticket"},
}
"""What the platform hands out in answers, by a piece of the path."""


class Gossip(BaseHTTPRequestHandler):
    """Answers as `mode` says, and repeats what it was asked."""

    protocol_version = "HTTP/1.1"
    mode = "fine"
    count = 0

    def handle_any(self) -> None:
        cls = type(self)
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode("utf-8", "replace")
        asked = f"{self.command} {self.path} {body} {dict(self.headers)}"
        if re.search(r"gettoken|stable_token|get_\w+_token|api_\w+_token", self.path) and cls.mode != "token":
            cls.count += 1
            self._say({**dict.fromkeys(TOKENS, f"{BIRD}-token-{cls.count}"), "expires_in": 7200})
            return
        answer: Callable[[], None] = getattr(self, f"_{cls.mode}")
        self._asked = asked
        answer()

    do_GET = do_POST = handle_any  # noqa: N815 -- the standard library's names

    def _say(self, value: Any, status: int = 200, kind: str = "application/json", **headers: str) -> None:
        data = value if isinstance(value, bytes) else (value if isinstance(value, str) else json.dumps(value)).encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        for name, text in headers.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)

    def _fine(self) -> None:
        given = {part: value for part, value in GIVEN.items() if part in self.path}
        self._say({"errcode": 0, "errmsg": "ok", **next(iter(given.values()), {})})

    def _token(self) -> None:
        self._say({"errcode": 40001, "errmsg": f"invalid credential, corpsecret={BIRD}-corpsecret, asked {self._asked}"})

    def _refused(self) -> None:
        self._say({"errcode": 40014, "errmsg": f"invalid access_token: {self._asked}"})

    def _limited(self) -> None:
        self._say({"errcode": 45033, "errmsg": f"concurrent {self._asked}", "access_token": f"{BIRD}-again"})

    def _busy(self) -> None:
        self._say({"errcode": -1, "errmsg": f"system busy {self._asked}"})

    def _unknown(self) -> None:
        self._say({"errcode": 987654, "errmsg": self._asked, "details": {"access_token": f"{BIRD}-deep"}})

    def _html(self) -> None:
        self._say(f"<html>502 for {self._asked}</html>", 200, "text/html")

    def _gateway(self) -> None:
        self._say(f"Bad gateway: {self._asked}", 502, "text/plain")

    def _forbidden(self) -> None:
        self._say(f"Forbidden: {self._asked}", 403, "text/plain")

    def _cut(self) -> None:
        self._say(b'{"errcode": 0, "access_token": "%b-cut' % BIRD.encode())

    def _drift(self) -> None:
        wrong = {"external_contact": f"access_token={BIRD}-drift {self._asked}"} if "externalcontact/get" in self.path else {}
        self._say({"errcode": 0, **wrong})

    def _moved(self) -> None:
        self._say("", 302, location=f"http://127.0.0.1{self.path}")

    def _silent(self) -> None:
        time.sleep(0.3)
        self.close_connection = True

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _unsigned(self) -> None:
        self._say({"code": "SIGN_ERROR", "message": f"bad signature over {self._asked}"}, 401)

    def _forged(self) -> None:
        headers = {"wechatpay-serial": "PUB_KEY_ID_1", "wechatpay-timestamp": str(int(time.time())), "wechatpay-nonce": "n"}
        self._say({"data": []}, 200, **headers, **{"wechatpay-signature": base64.b64encode(b"a signature").decode()})

    def log_message(self, *_: Any) -> None: ...


MODES = (
    "fine", "token", "refused", "limited", "busy", "unknown", "html", "gateway", "forbidden", "cut", "drift", "moved", "silent", "reset",
    "unsigned", "forged",
)  # fmt: skip


@pytest.fixture(scope="module")
def gossip() -> Iterator[str]:
    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None: ...

    server = Server(("127.0.0.1", 0), Gossip)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """All that is shown with an error, by tracebacks and by who collects errors."""
    if error is not None:
        yield error
        yield from chain(error.__cause__)
        if not error.__suppress_context__:
            yield from chain(error.__context__)


class Shown:
    """Everything that anybody could have seen."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.errors = 0

    def add(self, *things: object) -> None:
        self.texts += [thing if isinstance(thing, str) else repr(thing) for thing in things]

    def error(self, error: BaseException) -> None:
        self.errors += 1
        self.add(*traceback.format_exception(error), pickle.dumps(error))
        for each in (*chain(error), pickle.loads(pickle.dumps(error))):
            self.add(each, str(each), each.args, vars(each))

    def check(self, where: str) -> None:
        whole = "\n".join(self.texts)
        for needle in NEEDLES:
            place = whole.find(needle)
            assert place < 0, f"{where}: …{whole[max(0, place - 200) : place + 60]}…"


@pytest.fixture
def shown(caplog: pytest.LogCaptureFixture) -> Iterator[Shown]:
    caplog.set_level(logging.DEBUG)
    shown = Shown()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        yield shown
    shown.add(*(str(warning.message) for warning in warned))
    shown.add(caplog.text, *(record.args for record in caplog.records), *(record.getMessage() for record in caplog.records))
    shown.check("log and warnings")


class Traced:
    def __init__(self) -> None:
        self.exporter, self.reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers, self.meters = TracerProvider(), MeterProvider([self.reader])
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.events: list[Any] = []
        self.hooks = instrument(self.tracers, self.meters) + Hooks(*[self.events.append] * 5)

    def show(self, shown: Shown) -> int:
        spans = self.exporter.get_finished_spans()
        shown.add(*(span.to_json() for span in spans), *self.events)
        data = self.reader.get_metrics_data()
        shown.add(data.to_json() if data else "")
        self.tracers.shutdown()
        self.meters.shutdown()
        return len(spans)


def options(url: str, hooks: Hooks, **more: Any) -> dict[str, Any]:
    return {"base_url": url, "hooks": hooks, "timeout": 0.15, "retry": RETRY, "limiter": MemoryLimiter(), **more}


def wecoms(**more: Any) -> Iterator[WeCom]:
    suite = Suite("ww-suite", f"{BIRD}-suite-secret", lambda: f"{BIRD}-ticket")
    yield WeCom("ww1", f"{BIRD}-corpsecret", **more)
    yield WeCom(CustomApp("ww1", f"{BIRD}-permanent-code"), **more)
    yield WeCom(SuiteCorp(suite, "ww2", f"{BIRD}-permanent-code"), **more)
    yield WeCom(suite, **more)
    yield WeCom(Provider("ww3", f"{BIRD}-provider-secret"), **more)
    yield WeCom("ww4", token_provider=lambda *, refresh: (f"{BIRD}-provided", 7200.0), **more)


def accounts(**more: Any) -> Iterator[MiniProgram | Store]:
    component = Component("wx-component", f"{BIRD}-component-secret", lambda: f"{BIRD}-verify-ticket")
    authorizer = Authorizer(component, "wx5", lambda: f"{BIRD}-refresh-token", lambda _: None)
    yield MiniProgram("wx1", f"{BIRD}-app-secret", **more)
    yield MiniProgram(authorizer, **more)
    yield MiniProgram(component, **more)
    yield Store("wx2", f"{BIRD}-store-secret", **more)
    yield Store(authorizer, **more)


FREELY = (
    Tickets.jsapi(),
    Suites.permanent_code(f"{BIRD}-auth-code"),
    Suites.pre_auth_code(),
    OAuth.get(f"{BIRD}-oauth-code"),
    MiniProgramLogins.get(f"{BIRD}-js-code"),
)
THEIRS = (
    Login.session(f"{BIRD}-js-code"),
    Shipping.get_order_list(),
    Components.pre_auth_code("wx-component"),
    Components.query_auth("wx-component", f"{BIRD}-authorization-code"),
    Components.start_push_ticket("wx-component", f"{BIRD}-component-secret"),
)
"""Calls that carry a credential of their own, or bring one. A client without the right for one refuses it: that is shown, too."""


def keys(**more: Any) -> dict[str, Any]:
    return {"public_key": PLATFORM, "public_key_id": "PUB_KEY_ID_1", **more}


def attempt(shown: Shown, client: Any, work: Callable[[], Any]) -> None:
    try:
        shown.add(work())
    except SiyuError as error:
        shown.error(error)
    shown.add(client, client.session, vars(client), client.session.cache, client.session.limiter, client.session.rulebook)
    limiter = getattr(client.session.limiter, "_near", client.session.limiter)
    shown.add(list(getattr(client.session.cache, "_tokens", {})), list(limiter._scopes))


@pytest.mark.parametrize("mode", MODES)
def test_threads(gossip: str, shown: Shown, mode: str, tmp_path: Path) -> None:
    Gossip.mode = mode
    traced = Traced()
    cache = FileTokenCache(tmp_path / "tokens")
    for number, client in enumerate(wecoms(**options(gossip, traced.hooks, cache=cache if mode == "fine" else MemoryTokenCache()))):
        with client:
            attempt(shown, client, lambda: client.raw(Customers.get("wm1")))  # noqa: B023 -- called at once
            if number == 0:
                attempt(shown, client, lambda: client.send(MassMessages.remind("m1")))  # noqa: B023
                attempt(shown, client, lambda: client.request("POST", "/cgi-bin/free", json={"a": 1}))  # noqa: B023
            for call in FREELY:
                attempt(shown, client, lambda: (call, client.send(call)))  # noqa: B023
            if number == 0:
                attempt(shown, client, lambda: len(client.ticket(Tickets.jsapi())))  # noqa: B023
    for account in accounts(**options(gossip, traced.hooks)):
        with account:
            for call in (*THEIRS, Orders.get("1")):
                if call.spec.platform == account.platform:
                    attempt(shown, account, lambda: (call, account.send(call)))  # noqa: B023
    with Pay("1900000001", "AB12", PRIVATE, API_V3, **keys(), **options(gossip, traced.hooks)) as pay:
        attempt(shown, pay, lambda: pay.request("GET", "/v3/certificates"))
        shown.add(pay.notifications)
    assert traced.show(shown) >= 8
    assert shown.errors >= (0 if mode == "fine" else 5)
    shown.add(*(str(path) for path in tmp_path.rglob("*")))
    kept = "\n".join(path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file())
    shown.check(f"threads, {mode}")
    kept = re.sub(BIRD + r"-(token-\d+|jsapi-ticket)", "", kept)  # tokens and tickets are what the cache is for
    assert not any(needle in kept for needle in NEEDLES)


@pytest.mark.parametrize("mode", MODES)
async def test_tasks(gossip: str, shown: Shown, mode: str) -> None:
    Gossip.mode = mode
    traced = Traced()

    async def attempt_all(client: Any, *works: Any) -> None:
        async with client:
            for work in works:
                try:
                    shown.add(await work)
                except SiyuError as error:
                    shown.error(error)
            shown.add(client, client.session, vars(client))

    wecom = AsyncWeCom("ww1", f"{BIRD}-corpsecret", **options(gossip, traced.hooks))
    await attempt_all(wecom, wecom.raw(Customers.get("wm1")), wecom.send(MassMessages.remind("m1")))
    mini = AsyncMiniProgram("wx1", f"{BIRD}-app-secret", **options(gossip, traced.hooks))
    await attempt_all(mini, mini.send(Shipping.get_order_list()))
    pay = AsyncPay("1900000001", "AB12", PRIVATE, API_V3, **keys(), **options(gossip, traced.hooks))
    await attempt_all(pay, pay.request("GET", "/v3/certificates"))
    task = asyncio.create_task(wecom.send(Customers.get("wm1")))
    await asyncio.sleep(0)
    task.cancel()
    outcomes = await asyncio.gather(task, return_exceptions=True)
    shown.add(*outcomes, task)
    traced.show(shown)
    gc.collect()
    shown.check(f"tasks, {mode}")


def test_nobody_listens(shown: Shown) -> None:
    traced = Traced()
    for client in wecoms(**options("http://127.0.0.1:9", traced.hooks)):
        with client:
            attempt(shown, client, lambda: client.customers.get("wm1"))  # noqa: B023
    with WeCom(
        "ww1", f"{BIRD}-corpsecret", **options("http://127.0.0.1:9", traced.hooks, proxy=f"http://user:{BIRD}@127.0.0.1:9")
    ) as proxied:
        attempt(shown, proxied, lambda: proxied.customers.get("wm1"))
    assert shown.errors == 7
    traced.show(shown)
    shown.check("nobody listens")


ADDRESSES = (f"http://u:{BIRD}@127.0.0.1:9", f"http://u:{BIRD}/x@127.0.0.1:9", f"http://u:p@host:{BIRD}", f"http://{BIRD}:x@[host", BIRD)
UNREADABLE = [(make, f"redis://:{BIRD}/x@127.0.0.1:9/0") for make in (RedisTokenCache, RedisLimiter, RedisSeen)]
UNREADABLE += [(SQLTokenCache, f"postgresql://u:{BIRD}@127.0.0.1:port/d"), (Ledger, f"postgresql+psycopg://u:{BIRD}@127.0.0.1:port/d")]


def test_passwords_of_stores_that_are_away(shown: Shown) -> None:
    redis, sql = f"redis://user:{BIRD}@127.0.0.1:9/0", f"postgresql+psycopg://user:{BIRD}@127.0.0.1:9/d"
    caches = (RedisTokenCache(redis), SQLTokenCache(sql), SQLTokenCache(f"{sql}?password={BIRD}"))
    for cache in caches:
        traced = Traced()
        more = options("http://127.0.0.1:9", traced.hooks, cache=cache) | {"limiter": RedisLimiter(redis)}
        with WeCom("ww1", f"{BIRD}-corpsecret", **more) as client:
            attempt(shown, client, lambda: client.customers.get("wm1"))
        traced.show(shown)
        cache.close()
    for question in (
        lambda: RedisSeen(redis).take("k"),
        lambda: SqlSeen(sql).take("k"),
        lambda: Ledger(sql).opted_out(),
        lambda: shown.add(Ledger(sql), DBOSEngine(sql), RedisSeen(redis), RedisLimiter(redis)),
        lambda: open_client(sql),
    ):
        try:
            question()
        except Exception as error:
            shown.add(*traceback.format_exception(error), *(f"{each!r} {each.args}" for each in chain(error)))
    shown.check("stores that are away")


def test_a_proxy_of_the_environment(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, f"http://user:{BIRD}@127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", "")
    with WeCom("ww1", f"{BIRD}-corpsecret", **options("http://nowhere.invalid", Hooks())) as client:
        attempt(shown, client, lambda: client.customers.get("wm1"))
    assert shown.errors == 1
    shown.check("a proxy of the environment")


def test_what_is_wrong_with_a_credential_is_said_without_it(shown: Shown) -> None:
    wrong: list[Callable[[], Any]] = [
        lambda: WeCom("", f"{BIRD}-corpsecret"),
        lambda: Pay("19", "AB12", BIRD + PRIVATE[:400], API_V3, **keys()),
        lambda: Pay("19", "AB12", PRIVATE, f"{BIRD}-too-short", **keys()),
        lambda: Pay("x", "AB12", PRIVATE, API_V3, **keys()),
        lambda: Pay("19", "AB12", PRIVATE, API_V3, public_key=PRIVATE, public_key_id="PUB_KEY_ID_1"),
        lambda: Callbacks(f"{BIRD}-token", AES + "x", "ww1"),
        lambda: Callbacks(f"{BIRD}-token", "!" * 43, "ww1"),
        lambda: WeCom(Suite("", f"{BIRD}-suite", lambda: BIRD)),
        lambda: MiniProgram(Component("", f"{BIRD}-component", lambda: BIRD)),
        lambda: MiniProgram("wx1", ""),
        *(lambda url=url: WeCom("ww1", "s", base_url=url) for url in ADDRESSES),  # type: ignore[misc]
        *(lambda url=url: WeCom("ww1", "s", proxy=url) for url in ADDRESSES[1:]),  # type: ignore[misc]
        *(lambda url=url: AsyncWeCom("ww1", "s", proxy=url) for url in ADDRESSES[1:]),  # type: ignore[misc]
        *(lambda make=make, url=url: make(url) for make, url in UNREADABLE),  # type: ignore[misc]
        lambda: WeCom("ww1", token_provider=lambda *, refresh: f"{BIRD}-no-pair").customers.get("wm1"),  # type: ignore[arg-type, return-value]
    ]
    for make in wrong:
        try:
            shown.add(make())
        except (SiyuError, TypeError, ValueError) as error:
            shown.error(error)
    assert shown.errors == len(wrong)
    shown.check("wrong credentials")


def test_callbacks_and_notices(shown: Shown) -> None:
    callbacks = Callbacks(f"{BIRD}-callback-token", AES, "ww1")
    codec = CallbackCodec(f"{BIRD}-callback-token", AES, ["ww1"])
    other = CallbackCodec(f"{BIRD}-callback-token", base64.b64encode(secrets.token_bytes(32)).decode().rstrip("="), ["ww1"])
    good = codec.encrypt(b"<xml><MsgType>event</MsgType></xml>", "ww1")
    for sealed, sign in (
        (good, codec.sign("1", "n", good)),
        (good, "0" * 40),
        (good[:-8], None),
        (other.encrypt(b"x", "ww1"), None),
        ("~", None),
    ):
        query = (sign or codec.sign("1", "n", sealed), "1", "n")
        body = to_xml({"Encrypt": sealed}).encode()
        try:
            shown.add(callbacks.receive(*query, body))
        except SiyuError as error:
            shown.error(error)
    try:
        callbacks.receive("s", "1", "n", b"<xml>no</xml>")
    except SiyuError as error:
        shown.error(error)
    pay = Pay("1900000001", "AB12", PRIVATE, API_V3, **keys())
    try:
        pay.notifications.receive({"wechatpay-serial": "x"}, b'{"id": "1"}')
    except SiyuError as error:
        shown.error(error)
    for platform, text in (
        ("wecom", f"<xml><InfoType>suite_ticket</InfoType><SuiteId>s</SuiteId><SuiteTicket>{BIRD}-ticket</SuiteTicket></xml>"),
        ("wecom", f"<xml><InfoType>create_auth</InfoType><SuiteId>s</SuiteId><AuthCode>{BIRD}-auth-code</AuthCode></xml>"),
        ("wecom", f"<xml><InfoType>reset_permanent_code</InfoType><SuiteId>s</SuiteId><AuthCode>{BIRD}-code</AuthCode></xml>"),
    ):
        shown.add(parse_event(platform, text))
    shown.add(callbacks, codec, pay.notifications, vars(pay), Request("POST", "/x?msg_signature=1", {}, b""))
    pay.close()
    assert shown.errors >= 6
    shown.check("callbacks")


def test_the_command_line(gossip: str, shown: Shown, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    for name in [name for name in os.environ if name.startswith("SIYU_")]:
        monkeypatch.delenv(name)
    settings = {
        "WECOM_CORPID": "ww1",
        "WECOM_CORPSECRET": f"{BIRD}-corpsecret",
        "WECOM_AGENTID": "1",
        "WECOM_CALLBACK_TOKEN": f"{BIRD}token",
        "WECOM_CALLBACK_AES_KEY": AES,
        "WECOM_CALLBACK_URL": f"http://127.0.0.1:9/?secret={BIRD}",
        "MINIPROGRAM_APPID": "wx1",
        "MINIPROGRAM_SECRET": f"{BIRD}-app",
        "STORE_APPID": "wx2",
        "STORE_SECRET": f"{BIRD}-store",
        "PAY_MCHID": "19",
        "PAY_SERIAL_NO": "AB12",
        "PAY_PRIVATE_KEY": PRIVATE,
        "PAY_API_V3_KEY": API_V3,
        "PAY_PUBLIC_KEY": PLATFORM,
        "PAY_PUBLIC_KEY_ID": "PUB_KEY_ID_1",
        "LEDGER": f"postgresql+psycopg://siyu:{BIRD}@127.0.0.1:9/siyu",
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"SIYU_{name}", value)
    for platform in ("WECOM", "MINIPROGRAM", "STORE", "PAY"):
        monkeypatch.setenv(f"SIYU_{platform}_BASE_URL", gossip)
    for mode, command in {"token": "doctor", "html": "doctor", "unknown": "doctor --json", "forged": "doctor --json"}.items():
        Gossip.mode = mode
        run(command.split())
        run(["call", "GET", "/cgi-bin/externalcontact/get", "-d", '{"external_userid": "wm1"}', "--send"])
    Gossip.mode = "fine"
    run(["call", "GET", "/cgi-bin/gettoken", "-d", json.dumps({"corpid": "ww1", "corpsecret": f"{BIRD}-corpsecret"}), "--send"])
    run(["call", "GET", "/cgi-bin/gettoken", "-d", json.dumps({"corpid": "ww1", "corpsecret": f"{BIRD}-corpsecret"})])
    shown.add(*capfd.readouterr())
    assert "wecom" in shown.texts[0]
    shown.check("command line")
