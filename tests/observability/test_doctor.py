"""`siyu doctor` on a sandbox that is well, and on one with everything that people get wrong."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from attrs import evolve, frozen
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

pytest.importorskip("typer")
from siyu_sdk.cli.app import run
from siyu_sdk.core.clock import SystemClock
from siyu_sdk.core.crypto import load_private_key
from siyu_sdk.ledger import Ledger
from siyu_sdk.sandbox import Sandbox
from siyu_sdk.wecom.callbacks import Callbacks


@frozen
class Told:
    code: int
    text: str
    findings: dict[str, dict[str, Any]]

    def wrong(self) -> set[str]:
        return {name for name, finding in self.findings.items() if finding["ok"] is False}


Doctor = Callable[..., Told]


@pytest.fixture
def doctor(sandbox: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Doctor:
    for name in [name for name in os.environ if name.startswith("SIYU_")]:
        monkeypatch.delenv(name)
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "200")

    def doctor(*arguments: str, **environment: str | None) -> Told:
        for name, value in environment.items():
            if value is None:
                monkeypatch.delenv(f"SIYU_{name}")
            else:
                monkeypatch.setenv(f"SIYU_{name}", value)
        code = run(["doctor", "--json", *arguments])
        shown = capsys.readouterr().out
        checks = json.loads(shown)["checks"] if shown else []
        return Told(code, shown, {f"{check['area']}: {check['check']}": check for check in checks})

    return doctor


def test_all_is_well(doctor: Doctor) -> None:
    told = doctor()
    assert told.code == 0, told.text
    assert json.loads(told.text)["ok"]
    for name in (
        "wecom: token",
        "wecom: clock",
        "miniprogram: token",
        "store: token",
        "pay: signed GET /v3/certificates",
        "callback: token and key",
    ):
        assert told.findings[name]["ok"], name
    assert told.findings["ledger: database"]["ok"] is None


def test_the_table_is_for_people(doctor: Doctor, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(["doctor"]) == 0
    shown = capsys.readouterr()
    assert "✓" in shown.out
    assert "✗" not in shown.out
    assert "checks are well" in shown.err
    monkeypatch.setenv("SIYU_WECOM_CORPSECRET", "wrong")
    assert run(["doctor"]) == 1
    shown = capsys.readouterr()
    assert "✗" in shown.out
    assert "→" in shown.out
    assert "1 of" in shown.err


def test_a_wrong_secret(doctor: Doctor) -> None:
    told = doctor(WECOM_CORPSECRET="CANARY-wrong", MINIPROGRAM_SECRET="CANARY-wrong")
    assert told.code == 1
    assert told.wrong() == {"wecom: token", "miniprogram: token"}
    assert "corpsecret" in told.findings["wecom: token"]["fix"]
    assert "SIYU_MINIPROGRAM_SECRET" in told.findings["miniprogram: token"]["fix"]
    assert "CANARY" not in told.text


def test_a_clock_that_is_wrong(doctor: Doctor, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SystemClock, "time", lambda _: sandbox.clock.time() + 600)
    told = doctor(CLOCK_URL=None)  # the machine's own time, where the sandbox lives in its own
    assert {"wecom: clock", "pay: clock"} <= told.wrong()
    assert re.search(r"^(59\d|60\d) s ahead", told.findings["wecom: clock"]["detail"])
    assert "NTP" in told.findings["pay: clock"]["fix"]
    assert "pay: signed GET /v3/certificates" in told.wrong(), "signatures are refused from 300 s on"
    assert told.findings["pay: signed GET /v3/certificates"]["fix"].startswith("Set the clock first")


@pytest.fixture
def own_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def certificate(sandbox: Sandbox, key: str, serial: int, days: int = 100) -> str:
    private = load_private_key(key)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "merchant")])
    now = sandbox.clock.now()
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key()).serial_number(serial)
    made = made.not_valid_before(now - timedelta(days=1000)).not_valid_after(now + timedelta(days=days))
    return made.sign(private, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def test_a_private_key_of_somebody_else(doctor: Doctor, own_key: str) -> None:
    told = doctor(PAY_PRIVATE_KEY=own_key)
    assert told.wrong() == {"pay: signed GET /v3/certificates"}
    assert "do not belong together" in told.findings["pay: signed GET /v3/certificates"]["fix"]
    assert own_key[60:100] not in told.text


def test_keys_that_are_mixed_up(doctor: Doctor, sandbox: Sandbox) -> None:
    ids = sandbox.credentials
    private = load_private_key(ids.private_key)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    mine = private.public_key().public_bytes(serialization.Encoding.PEM, form).decode()
    told = doctor(PAY_PUBLIC_KEY=mine)
    assert "pay: public key" in told.wrong()
    assert "微信支付公钥" in told.findings["pay: public key"]["fix"]


def test_the_serial_and_the_certificate_of_the_merchant(doctor: Doctor, sandbox: Sandbox, own_key: str) -> None:
    ids = sandbox.credentials
    serial = int(ids.serial_no, 16)
    right = doctor(PAY_MERCHANT_CERTIFICATE=certificate(sandbox, ids.private_key, serial))
    assert right.findings["pay: merchant certificate"]["ok"]
    other = doctor(PAY_MERCHANT_CERTIFICATE=certificate(sandbox, own_key, serial))
    assert "another certificate" in other.findings["pay: merchant certificate"]["fix"]
    wrong = doctor(PAY_MERCHANT_CERTIFICATE=certificate(sandbox, ids.private_key, serial + 1))
    assert f"{serial + 1:X}" in wrong.findings["pay: merchant certificate"]["fix"]
    ended = doctor(PAY_MERCHANT_CERTIFICATE=certificate(sandbox, ids.private_key, serial, days=-3))
    assert "ended" in ended.findings["pay: merchant certificate"]["fix"]
    swapped = doctor(PAY_SERIAL_NO=ids.certificate_serial_no, PAY_MERCHANT_CERTIFICATE=None)
    assert "serial of the platform's" in swapped.findings["pay: platform certificate"]["fix"]


def test_an_apiv3_key_of_the_wrong_length_and_one_that_opens_nothing(doctor: Doctor, sandbox: Sandbox) -> None:
    short = doctor(PAY_API_V3_KEY="too-short")
    assert short.wrong() == {"pay: configuration"}
    assert "SIYU_PAY_API_V3_KEY" in short.findings["pay: configuration"]["fix"]
    sandbox.pay.signed_by = "certificate"
    try:
        good = doctor(PAY_API_V3_KEY=sandbox.credentials.api_v3_key)
        bad = doctor(PAY_API_V3_KEY="another-key-of-thirty-two-bytes!")
    finally:
        sandbox.pay.signed_by = "public_key"
    assert good.findings["pay: APIv3 key opens what WeChat Pay seals"]["ok"], good.text
    assert bad.wrong() == {"pay: APIv3 key opens what WeChat Pay seals"}


def test_an_address_that_is_not_allowed_is_named(doctor: Doctor, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    mini = sandbox.miniprogram._errors
    message = "invalid ip 203.0.113.8 ipv6 ::ffff:203.0.113.8, not in whitelist"
    monkeypatch.setattr(sandbox.miniprogram, "_errors", evolve(mini, messages={**mini.messages, 40164: message}))
    sandbox.faults.add(path="*/wxa/sec/order/get_order_list", kind="errcode", code=40164)
    table = sandbox.wecom._errors
    said = {60020: "not allow to access from your ip, from ip: 203.0.113.7", 48002: "api forbidden"}
    monkeypatch.setattr(sandbox.wecom, "_errors", evolve(table, messages={**table.messages, **said}))
    sandbox.faults.add(path="*/get_follow_user_list", kind="errcode", code=60020)
    sandbox.faults.add(path="*/get_corp_tag_list", kind="errcode", code=48002)
    told = doctor()
    orders = "miniprogram: read orders (发货信息管理)"
    assert told.wrong() == {"wecom: read customers (客户联系)", "wecom: read customer tags (企业客户标签)", orders}
    assert "Enter 203.0.113.8 into the IP白名单" in told.findings[orders]["fix"]
    assert "203.0.113.7" in told.findings["wecom: read customers (客户联系)"]["fix"]
    assert "可调用接口的应用" in told.findings["wecom: read customer tags (企业客户标签)"]["fix"]


def test_nobody_there(doctor: Doctor) -> None:
    told = doctor(WECOM_BASE_URL="http://127.0.0.1:9", STORE_BASE_URL="http://127.0.0.1:9")
    assert told.wrong() == {"wecom: connection", "store: connection"}
    assert "wecom: token" not in told.findings
    assert "proxy" in told.findings["wecom: connection"]["fix"]


@pytest.fixture
def address(sandbox: Sandbox) -> Iterator[Any]:
    """Somebody's callback address, on loopback."""
    ids = sandbox.credentials
    settings = {"token": ids.callback_token, "key": ids.callback_aes_key, "said": "", "around": "", "to": "", "after": ""}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if settings["to"]:
                self.send_response(302)
                self.send_header("location", settings["to"])
                self.end_headers()
                return
            query = {name: value for name, value in parse_qsl(urlsplit(self.path).query) if name != "x"}
            try:
                said = settings["said"] or Callbacks(settings["token"], settings["key"], ids.corpid).verify_url(**query)
            except Exception:
                self.send_error(500)
                return
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            time.sleep(float(settings["after"] or 0))
            self.wfile.write((settings["around"] + said + settings["around"]).encode())

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/wecom?x=1", settings
    server.shutdown()
    server.server_close()


def test_the_callback_address_is_asked_as_the_console_asks(doctor: Doctor, address: Any) -> None:
    url, settings = address
    assert doctor(WECOM_CALLBACK_URL=url).findings["callback: address"]["ok"]
    settings["said"] = "<html>Welcome to nginx!</html>"
    told = doctor()
    assert "something else: text/html, '<html>Welcome to nginx!" in told.findings["callback: address"]["detail"]
    assert "Another program" in told.findings["callback: address"]["fix"]
    settings |= {"said": "", "around": '"'}
    assert "quotes, a BOM or blanks" in doctor().findings["callback: address"]["detail"]
    settings |= {"around": "", "after": "1.1"}
    assert "within a second" in doctor().findings["callback: address"]["fix"]
    settings |= {"after": "", "to": "https://login.example/?secret=CANARY"}
    told = doctor()
    assert "redirects (HTTP 302)" in told.findings["callback: address"]["detail"]
    assert "CANARY" not in told.text
    settings |= {"to": "", "token": "another"}
    assert "HTTP 500" in doctor().findings["callback: address"]["detail"]
    assert doctor(WECOM_CALLBACK_URL="http://127.0.0.1:9/").wrong() == {"callback: address"}
    for odd in ("http://user:CANARY@127.0.0.1:9/?key=CANARY", "http://127.0.0.1:CANARY/", "CANARY"):
        told = doctor(WECOM_CALLBACK_URL=odd)
        assert told.wrong() == {"callback: address"}
        assert "CANARY" not in told.text
    assert doctor(WECOM_CALLBACK_URL="file:///etc/passwd").wrong() == {"callback: address"}
    told = doctor(WECOM_CALLBACK_URL=None, WECOM_CALLBACK_AES_KEY="too-short")
    assert "43 characters" in told.findings["callback: token and key"]["fix"]


def test_the_ledger_and_its_workers(doctor: Doctor, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/siyu.db"
    assert doctor("--ledger", url).findings["ledger: database"]["ok"] is None
    assert not (tmp_path / "siyu.db").exists(), "looking makes nothing"
    ledger = Ledger(url)
    ledger.opted_out()
    assert doctor(LEDGER=url).findings["ledger: workers"]["ok"] is None
    ledger.beat("worker-1")
    ledger.beat("worker-2", time.time() - 400)
    told = doctor()
    assert told.findings["ledger: worker worker-1"]["ok"]
    assert told.wrong() == {"ledger: worker worker-2"}
    assert "300 s" in told.findings["ledger: worker worker-2"]["detail"]
    away = doctor(LEDGER="postgresql+psycopg://siyu:CANARY@127.0.0.1:9/siyu?password=CANARY")
    assert away.wrong() == {"ledger: database"}
    assert doctor(LEDGER="postgresql+psycopg://siyu:CANARY@127.0.0.1:port/siyu").wrong() == {"ledger: database"}
    assert "CANARY" not in away.text


def test_something_else_answers_in_the_place_of_a_platform(doctor: Doctor, address: Any) -> None:
    url, settings = address
    settings["said"] = "<html>Please log in</html>"
    told = doctor(WECOM_BASE_URL=url.partition("/wecom")[0])
    assert told.wrong() == {"wecom: connection"}
    assert "this is not the platform: HTTP 200, text/html, '<html>Please log in" in told.findings["wecom: connection"]["detail"]
    assert "SIYU_WECOM_BASE_URL" in told.findings["wecom: connection"]["fix"]
    assert "wecom: clock" not in told.findings, "a proxy's clock is none"


def test_what_is_half_configured_or_misspelt(doctor: Doctor, sandbox: Sandbox, tmp_path: Path) -> None:
    ids = sandbox.credentials
    half = doctor(WECOM_CALLBACK_AES_KEY=None)
    assert half.wrong() == {"callback: token and key"}
    assert half.findings["callback: token and key"]["detail"] == "SIYU_WECOM_CALLBACK_AES_KEY not set"
    blank = doctor(WECOM_CALLBACK_AES_KEY=ids.callback_aes_key, WECOM_CORPSECRET=f"{ids.corpsecret}\n")
    assert blank.wrong() == {"wecom: configuration", "wecom: token"}
    assert "SIYU_WECOM_CORPSECRET" in blank.findings["wecom: configuration"]["fix"]
    missing = doctor(WECOM_CORPSECRET=ids.corpsecret, WECOM_CORPID=None, WECOM_CORP_ID=ids.corpid)
    assert missing.findings["wecom: configuration"]["fix"] == "Set SIYU_WECOM_CORPID."
    (tmp_path / "corpid").write_text(f"{ids.corpid}\n", encoding="utf-8")
    assert doctor(WECOM_CORP_ID=None, WECOM_CORPID_FILE=str(tmp_path / "corpid")).code == 0


def test_a_clock_that_cannot_be_read(doctor: Doctor, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIYU_CLOCK_URL", "http://127.0.0.1:9")
    assert run(["doctor"]) == 1
    assert "start the sandbox, or unset it" in capsys.readouterr().err


def test_nothing_configured_is_said_at_once(doctor: Doctor, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in [name for name in os.environ if name.startswith("SIYU_")]:
        monkeypatch.delenv(name)
    assert run(["doctor"]) == 1
    assert "SIYU_WECOM_CORPID" in capsys.readouterr().err


def test_a_file_that_cannot_be_read(doctor: Doctor) -> None:
    told = doctor(PAY_PRIVATE_KEY=None, PAY_PRIVATE_KEY_FILE="/nowhere/key.pem")
    assert told.wrong() == {"pay: configuration"}
    assert "/nowhere/key.pem" in told.findings["pay: configuration"]["detail"]
