"""What `siyu doctor` looks at: each check says what it found, and what to do where that is wrong. None of them changes anything."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, build_opener
from urllib.request import Request as UrlRequest

import attrs
from attrs import frozen
from tenacity import stop_after_attempt

from ..core.call import Call
from ..core.clock import Clock
from ..core.errors import (
    ApiError,
    AuthenticationError,
    DecryptError,
    InputError,
    NotFound,
    SignatureError,
    SiyuError,
    TransportError,
    UsageError,
)
from ..core.exchange import TokenAuth, obtain
from ..core.http import Request
from ..core.redact import redact
from ..core.retry import Retry
from ..environment import clients_from

SKEW: Final = 60.0
"""Seconds of difference that are worth a word: Pay refuses from 300 on, tokens are used that much too long."""
SILENCE: Final = (86400, 3600, 300, 60, 15)
"""Seconds without a sign of life, the longest first; the last is when a worker counts as dead."""
AT_ONCE: Final = 1.0
"""Seconds in which a callback address has to answer when it is saved."""
ADDRESSES: Final = {
    "60020": "as 企业可信IP of the app in the admin console",
    "40164": "into the IP白名单 of this appid, under 开发管理 of its console",
}
"""Where the addresses are listed that may call, by the code of the refusal."""
ONCE: Final = Retry(stop=stop_after_attempt(1))


@frozen
class Finding:
    """What one check found."""

    area: str
    check: str
    ok: bool | None
    """None where there was nothing to check."""
    detail: str
    fix: str = ""


def examine(environment: Mapping[str, str], *, clock: Clock | None = None, ledger: str = "") -> Iterator[Finding]:
    """Check everything that the environment configures, one thing after another.

    Raises:
        InputError: it configures no platform at all.
    """
    names = set[str]()
    for platform, variable in (("wecom", "CORPID"), ("miniprogram", "APPID"), ("store", "APPID"), ("pay", "MCHID")):
        prefix = f"SIYU_{platform.upper()}_"
        mine = {name: value for name, value in environment.items() if name.startswith(prefix) and value}
        if not mine:
            continue
        names |= mine.keys()
        if _given(mine, prefix + variable) or f"{prefix}{variable}_FILE" in mine:
            yield from _platform(platform, mine, clock)
        elif rest := sorted(name for name in mine if "_CALLBACK_" not in name and not name.endswith("_BASE_URL")):
            yield Finding(platform, "configuration", False, f"{rest[0]} is set, {prefix}{variable} is not", f"Set {prefix}{variable}.")
    if not names:
        clients_from({}, is_async=False)  # says what is missing
    yield from _callback(environment)
    yield from _ledger(ledger or _given(environment, "SIYU_LEDGER"))


def _platform(name: str, environment: Mapping[str, str], clock: Clock | None) -> Iterator[Finding]:
    try:
        client = clients_from(environment, is_async=False, clock=clock)[name]
    except InputError as error:
        yield Finding(name, "configuration", False, str(error), _variable(name, error.field))
        return
    blank = sorted(key for key, value in environment.items() if value != value.strip())
    fix = f"Take the blanks or the line break at the end of {', '.join(blank)} away." if blank and name != "pay" else ""
    yield Finding(name, "configuration", not fix, _summary(client), fix)
    client.session = attrs.evolve(client.session, retry=ONCE)
    with client:
        if name == "pay":
            yield from _pay_keys(environment, client)
        findings = list(_reach(name, client))
        yield from findings
        if findings[0].ok is False:
            return
        in_time = all(finding.ok for finding in findings)
        if name == "pay":
            yield from _signed(environment, client, in_time=in_time)
            return
        token = _token(name, client)
        yield token
        if token.ok:
            yield from (_allowed(name, client, what, call) for what, call in _reads(name, client))


def _variable(platform: str, field: str) -> str:
    name = field if field.startswith("SIYU_") else f"SIYU_{platform.upper()}_{field.upper()}"
    return f"Correct {name}; keys may also be given as a path, in {name}_FILE."


def _summary(client: Any) -> str:
    account: str = client.session.tenant.partition(":")[2]
    return f"{account} at {client.session.base_url}" + (f", agentid {client.agentid}" if getattr(client, "agentid", None) else "")


# The way there, and the time


def _reach(name: str, client: Any) -> Iterator[Finding]:
    session = client.session
    method, path = {"wecom": ("GET", "/cgi-bin/gettoken"), "pay": ("GET", "/v3/certificates")}.get(name, ("POST", "/cgi-bin/stable_token"))
    headers, content = {"user-agent": session.user_agent, "accept": "application/json"}, b"{}" if method == "POST" else None
    try:
        before = session.clock.time()
        answer = session.transport.send(Request(method, session.base_url, path, headers, content, call=f"{method} {path}"))
        took = session.clock.time() - before
    except TransportError as error:
        fix = f"Nothing answers there: look at DNS, firewall, proxy (HTTPS_PROXY) and SIYU_{name.upper()}_BASE_URL."
        yield Finding(name, "connection", False, str(error), fix)
        return
    try:
        json.loads(answer.content)
    except ValueError:
        kind, begins = answer.headers.get("content-type", "no content type"), redact(answer.content[:80].decode("utf-8", "replace"))
        fix = f"A proxy, a login page or another server answers in its place: look at HTTPS_PROXY and SIYU_{name.upper()}_BASE_URL."
        yield Finding(name, "connection", False, f"this is not the platform: HTTP {answer.status}, {kind}, {begins!r}", fix)
        return
    yield Finding(name, "connection", True, f"answers in {took * 1000:.0f} ms")
    with suppress(KeyError, ValueError, TypeError):
        skew = before + took / 2 - parsedate_to_datetime(answer.headers["date"]).timestamp()
        right = abs(skew) < SKEW
        detail = f"{_span(abs(skew))} {'ahead of' if skew > 0 else 'behind'} the platform" if abs(skew) >= 2 else "agrees with the platform"
        fix = "" if right else "Set this machine's clock (NTP): tokens are kept too long, and WeChat Pay refuses signatures 300 s off."
        yield Finding(name, "clock", right, detail, fix)


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 7200 else f"{seconds / 3600:.0f} h" if seconds < 172800 else f"{seconds / 86400:.0f} days"


# Tokens and permissions


def _token(name: str, client: Any) -> Finding:
    auth = client.session.auth("access_token")
    if not isinstance(auth, TokenAuth):
        return Finding(name, "token", None, "this client has no token")
    try:
        client.run(obtain(client.session, auth.source))
    except SiyuError as error:
        return _refused(name, "token", error)
    return Finding(name, "token", True, "fetched")


def _reads(name: str, client: Any) -> Iterator[tuple[str, Callable[[], Call[Any]]]]:
    if name == "wecom":
        from ..wecom.agents import Agents
        from ..wecom.customers import Customers
        from ..wecom.tags import CorpTags

        yield "read customers (客户联系)", Customers.follow_users
        yield "read customer tags (企业客户标签)", CorpTags.list
        if client.agentid is not None:
            yield "read the app's settings (应用)", lambda: Agents.get(client.agentid)
    elif name == "miniprogram":
        from ..miniprogram.shipping import Shipping

        yield "read orders (发货信息管理)", lambda: Shipping.get_order_list(page_size=1)
    elif name == "store":
        from ..store.orders import Orders

        now = client.clock.now()
        span = {"start_time": now - timedelta(days=1), "end_time": now}
        yield "read orders (订单管理)", lambda: Orders.list(create_time_range=span, page_size=1)


def _allowed(name: str, client: Any, what: str, call: Callable[[], Call[Any]]) -> Finding:
    made = call()
    try:
        client.send(made)
    except NotFound as error:
        if error.http_status == 404:
            return Finding(name, what, None, f"{made.spec} is not known there")
        return Finding(name, what, True, f"{made.spec}: allowed, nothing there")
    except SiyuError as error:
        return _refused(name, what, error)
    return Finding(name, what, True, str(made.spec))


def _refused(name: str, check: str, error: SiyuError) -> Finding:
    """What to do about an error: its hint, with the address where the platform names it."""
    fix = (
        error.hint if isinstance(error, ApiError) else "Try again; if it stays, look at what stands between this machine and the platform."
    )
    if isinstance(error, ApiError) and str(error.code) in ADDRESSES:
        address = re.search(r"\bip:? ?([0-9a-fA-F.:]*[.:][0-9a-fA-F.:]*[0-9a-fA-F])", error.message)
        fix = f"Enter {address[1] if address else 'the egress address of this machine'} {ADDRESSES[str(error.code)]}."
    elif isinstance(error, AuthenticationError) and check == "token" and name != "wecom":
        fix = f"SIYU_{name.upper()}_SECRET is not the AppSecret of this appid: copy it anew. {fix}".strip()
    detail = f"{error.call} -> {error.code} {error.message}" if isinstance(error, ApiError) else str(error)
    return Finding(name, check, False, detail, fix)


# WeChat Pay


def _pay_keys(environment: Mapping[str, str], client: Any) -> Iterator[Finding]:
    """What the keys tell without asking anybody. They could be read, or there would be no client: the APIv3 key has its 32 bytes."""
    from ..core.crypto import load_private_key, load_public_key

    yield Finding("pay", "APIv3 key", True, "has 32 bytes")
    own = load_private_key(_given(environment, "SIYU_PAY_PRIVATE_KEY")).public_key().public_numbers()
    public = _given(environment, "SIYU_PAY_PUBLIC_KEY")
    if public:
        mistaken = load_public_key(public).public_numbers() == own
        yield Finding(
            "pay",
            "public key",
            not mistaken,
            "it belongs to the merchant's own private key" if mistaken else _given(environment, "SIYU_PAY_PUBLIC_KEY_ID"),
            "SIYU_PAY_PUBLIC_KEY has to be WeChat Pay's (微信支付公钥, pub_key.pem), with its PUB_KEY_ID." if mistaken else "",
        )
    serial = client.serial_no.lstrip("0")
    if pem := _given(environment, "SIYU_PAY_CERTIFICATE"):
        number, numbers, ends = _certificate(pem)
        wrong = "SIYU_PAY_CERTIFICATE is the merchant's own certificate; WeChat Pay's is needed." if numbers == own else ""
        if number == serial:
            wrong = "SIYU_PAY_SERIAL_NO is the serial of the platform's certificate; that of apiclient_cert.pem is needed."
        yield _valid("platform certificate", number, ends, client.clock.now(), wrong)
    if pem := _given(environment, "SIYU_PAY_MERCHANT_CERTIFICATE"):
        number, numbers, ends = _certificate(pem)
        wrong = (
            ""
            if numbers == own
            else "SIYU_PAY_PRIVATE_KEY is the key of another certificate: apiclient_key.pem and apiclient_cert.pem go together."
        )
        if number != serial:
            wrong = f"SIYU_PAY_SERIAL_NO has to be {number}, the serial of the merchant's certificate."
        yield _valid("merchant certificate", number, ends, client.clock.now(), wrong)


def _certificate(pem: str) -> tuple[str, Any, datetime]:
    from cryptography import x509

    from ..core.crypto import load_certificate

    number, key = load_certificate(pem)
    return number, key.public_numbers(), x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc


def _valid(what: str, number: str, ends: datetime, now: datetime, wrong: str) -> Finding:
    if ends < now:
        wrong = wrong or f"The {what} has ended: take the new one from the merchant console (pay.weixin.qq.com), or use the public key."
    return Finding("pay", what, not wrong, f"serial {number}, ends on {ends:%Y-%m-%d}", wrong)


def _signed(environment: Mapping[str, str], client: Any, *, in_time: bool) -> Iterator[Finding]:
    """A signed GET: it proves mchid, serial and private key to them, and their key to us; what it brings proves the APIv3 key."""
    check = "signed GET /v3/certificates"
    try:
        reply = client.request("GET", "/v3/certificates")
    except NotFound:
        yield Finding("pay", check, True, "our signature is accepted; this merchant has the public key and no certificates")
        return
    except SignatureError as error:
        yield Finding(
            "pay", check, False, str(error), "Configure the key that WeChat Pay signs with: 微信支付公钥 with its id, or the certificate."
        )
        return
    except AuthenticationError as error:
        fix = "SIYU_PAY_MCHID, SIYU_PAY_SERIAL_NO and SIYU_PAY_PRIVATE_KEY do not belong together."
        fix = fix if in_time else f"Set the clock first: signatures are refused from 300 s on. If it stays: {fix}"
        yield Finding("pay", check, False, f"{error.code} {error.message}", fix)
        return
    except SiyuError as error:
        yield _refused("pay", check, error)
        return
    yield Finding("pay", check, True, "our signature is accepted, theirs is verified")
    yield from _decrypted(_given(environment, "SIYU_PAY_API_V3_KEY"), reply)


def _decrypted(key: str, reply: Any) -> Iterator[Finding]:
    from ..core.crypto import gcm_decrypt

    try:
        sealed = reply["data"][0]["encrypt_certificate"]
        gcm_decrypt(key.encode(), sealed["nonce"].encode(), sealed["ciphertext"], sealed.get("associated_data", "").encode())
    except (KeyError, IndexError, TypeError):
        return
    except DecryptError:
        fix = "SIYU_PAY_API_V3_KEY is not this merchant's APIv3密钥: copy it anew, or set a new one in the merchant console."
        yield Finding("pay", "APIv3 key opens what WeChat Pay seals", False, "a certificate cannot be decrypted with it", fix)
    else:
        yield Finding("pay", "APIv3 key opens what WeChat Pay seals", True, "a certificate was decrypted")


# Callbacks


def _callback(environment: Mapping[str, str]) -> Iterator[Finding]:
    given = {name: _given(environment, f"SIYU_WECOM_{name}") for name in ("CALLBACK_TOKEN", "CALLBACK_AES_KEY", "CORPID")}
    url = _given(environment, "SIYU_WECOM_CALLBACK_URL")
    missing = [f"SIYU_WECOM_{name}" for name, value in given.items() if not value]
    if not (url or given["CALLBACK_TOKEN"] or given["CALLBACK_AES_KEY"]):
        yield Finding("callback", "token and key", None, "SIYU_WECOM_CALLBACK_TOKEN and SIYU_WECOM_CALLBACK_AES_KEY are not set")
        return
    if missing:
        yield Finding("callback", "token and key", False, f"{' and '.join(missing)} not set", "Set it too: callbacks need all of them.")
        return
    token, key, corpid = given.values()
    from ..core.crypto import CallbackCodec
    from ..wecom.callbacks import Callbacks

    word, stamp = f"siyu-doctor-{time.time_ns()}", str(int(time.time()))
    try:
        codec = CallbackCodec(token, key, [corpid])
        sealed = codec.encrypt(word.encode(), corpid)
        asked = {"msg_signature": codec.sign(stamp, "doctor", sealed), "timestamp": stamp, "nonce": "doctor", "echostr": sealed}
        if Callbacks(token, key, corpid).verify_url(**asked) != word:
            raise DecryptError("the text came back changed")
    except SiyuError as error:
        yield Finding(
            "callback", "token and key", False, str(error), "Copy Token and EncodingAESKey (43 characters) from 接收消息服务器配置."
        )
        return
    yield Finding("callback", "token and key", True, "a check of the address was encrypted and read back")
    if url:
        yield _asked(url, asked, word)


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any) -> None:
        """The answer counts as it is."""


def _asked(url: str, asked: Mapping[str, str], word: str) -> Finding:
    """Ask the address as the console does when it is saved."""
    place = _place(url)

    def finding(detail: str, fix: str = "") -> Finding:
        return Finding("callback", "address", not fix, f"{place}: {detail}" if place else detail, fix)

    if not place:
        return finding("not an address that begins with http:// or https://", "Correct SIYU_WECOM_CALLBACK_URL.")
    began = time.monotonic()
    request = UrlRequest(f"{url}{'&' if '?' in url else '?'}{urlencode(asked)}")  # noqa: S310 -- http only, checked above
    try:
        with build_opener(_Stay).open(request, timeout=5) as answer:
            said, kind = answer.read(4096).decode("utf-8", "replace"), answer.headers.get("content-type", "no content type")
    except HTTPError as error:
        with error:
            if 300 <= error.code < 400:
                return finding(f"redirects (HTTP {error.code})", "Give the address that answers by itself, with no login page before it.")
            fix = "Look at its log. 404: the path is another one; 4xx and 5xx also where token and key there are not these."
            return finding(f"answers with HTTP {error.code}", fix)
    except (URLError, HTTPException, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or type(error).__name__
        fix = "Start it, and look at DNS, certificate and firewall: Tencent's servers have to reach it."
        return finding(f"cannot be reached from here ({reason})", fix)
    took = time.monotonic() - began
    if said == word:
        if took <= AT_ONCE:
            return finding(f"answers as it should, in {took * 1000:.0f} ms")
        return finding(f"answers rightly, but after {took:.1f} s", "It has to answer within a second: answer first, work later.")
    if said.strip("\ufeff\"' \r\n\t") == word:
        return finding("answers with quotes, a BOM or blanks around the text", "Answer with the decrypted echostr, bare, and not as JSON.")
    fix = "Another program answers there, or token and key there are not these. It has to answer with the decrypted echostr, bare."
    return finding(f"answers with something else: {kind}, {redact(said[:80])!r}", fix)


def _place(url: str) -> str:
    """The address without what may be secret in it; empty where it is none."""
    with suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname:
            return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"
    return ""


# The ledger, and who works on it


def _ledger(url: str) -> Iterator[Finding]:
    if not url:
        yield Finding("ledger", "database", None, "SIYU_LEDGER is not set")
        return
    try:
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import SQLAlchemyError

        from ..ledger import Ledger
    except (ImportError, UsageError) as error:
        yield Finding("ledger", "database", False, str(error), 'pip install "siyu-sdk[sop]"')
        return
    try:
        parsed = make_url(url)
        shown = redact(parsed.render_as_string(hide_password=True))  # its query may hold one, too
        file = parsed.database if parsed.get_backend_name() == "sqlite" else None
        if file not in (None, "", ":memory:") and not Path(str(file)).exists():
            yield Finding("ledger", "database", None, f"{shown} is not there yet; the first campaign makes it")
            return
        ledger = Ledger(url)
        names = ledger.silent(-86400)
        silent = {name: seconds for seconds in reversed(SILENCE) for name in ledger.silent(seconds)}
    except (SQLAlchemyError, SiyuError, OSError, ImportError, ValueError) as error:
        reason = type(getattr(error, "orig", None) or error).__name__
        yield Finding(
            "ledger", "database", False, f"cannot be used ({reason})", "Look at SIYU_LEDGER: host, name, password, and the driver."
        )
        return
    yield Finding("ledger", "database", True, shown)
    if not names:
        yield Finding("ledger", "workers", None, "none has signed in")
    for name in names:
        if name in silent:
            fix = f"Start it again with `siyu worker --name {name}`, or let another worker adopt its work."
            yield Finding("ledger", f"worker {name}", False, f"no sign of life for more than {silent[name]} s", fix)
        else:
            yield Finding("ledger", f"worker {name}", True, f"alive in the last {SILENCE[-1]} s")


def _given(environment: Mapping[str, str], name: str) -> str:
    if environment.get(name):
        return environment[name]
    path = environment.get(f"{name}_FILE")
    with suppress(OSError, UnicodeDecodeError):
        return Path(path).read_text(encoding="utf-8").strip() if path else ""
    return ""
