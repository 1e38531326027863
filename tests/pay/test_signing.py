"""Who signs what: the merchant each request, WeChat Pay each reply."""

from __future__ import annotations

import base64
import json
import pickle
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from siyu_sdk import AsyncPay, DecodeError, InputError, Pay, SignatureError
from siyu_sdk.core.http import Request
from siyu_sdk.core.run import Runner
from siyu_sdk.pay.signing import PayAuth, Verifier

from ..loopback import Clock, Seen
from ..wechatpay import NOW, PUBLIC_KEY_ID, Keys, certificate
from .conftest import Signed, WeChatPay, authorization

TEXT = st.text(alphabet=st.characters(codec="utf-8"), max_size=30)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(TEXT, VALUES, min_size=1, max_size=5), query=st.dictionaries(TEXT.filter(bool), TEXT, max_size=3))
def test_the_signature_covers_exactly_what_arrives(pay: Pay, wechat: WeChatPay, body: dict[str, Any], query: dict[str, str]) -> None:
    wechat.received.clear()
    wechat.give({"优惠": "🎁", "echo": body})
    reply = pay.request("POST", "/v3/any/path", json=body, query=query)
    (arrived,) = wechat.received
    assert wechat.is_signed(arrived)
    assert arrived.json == body
    assert reply == {"优惠": "🎁", "echo": body}  # … and the reply's own signature was verified over its raw bytes


def test_a_get_signs_an_empty_body_and_its_query(pay: Pay, wechat: WeChatPay) -> None:
    pay.request("GET", "/v3/certificates", query={"name": "榴莲 & 山竹", "empty": ""})
    (arrived,) = wechat.received
    assert arrived.body == b""
    assert arrived.target == "/v3/certificates?name=%E6%A6%B4%E8%8E%B2%20%26%20%E5%B1%B1%E7%AB%B9&empty="
    assert wechat.is_signed(arrived)


def test_each_request_has_a_nonce_of_its_own_and_says_which_key_it_expects(pay: Pay, wechat: WeChatPay) -> None:
    for _ in range(3):
        pay.request("GET", "/v3/x")
    nonces = {authorization(request)["nonce_str"] for request in wechat.received}
    assert len(nonces) == 3
    assert all(len(nonce) == 32 for nonce in nonces)
    for request in wechat.received:
        assert request.headers["authorization"].startswith("WECHATPAY2-SHA256-RSA2048 mchid=")
        assert authorization(request)["timestamp"] == str(NOW)
        assert request.headers["wechatpay-serial"] == PUBLIC_KEY_ID
        assert request.headers["accept"] == "application/json"


def test_of_an_upload_only_the_meta_part_is_signed(pay: Pay, keys: Keys, wechat: WeChatPay) -> None:
    meta = b'{"filename":"durian.png","sha256":"00"}'
    auth = pay.session.auth("wechatpay-v3")
    request = Request("POST", wechat.url, "/v3/upload", content=b"--form--", signed=meta)
    signed = Runner().run(auth.sign(pay.session, request))
    arrived = Seen("POST", "/v3/upload", dict(signed.headers), meta)
    assert wechat.is_signed(arrived)
    assert signed.content == b"--form--"


FORGERIES: dict[str, dict[str, Any]] = {
    "another body was signed": {"headers": {"Wechatpay-Signature": "c29tZXRoaW5n"}},
    "not base64": {"headers": {"Wechatpay-Signature": "***"}},
    "a probe by the platform": {"headers": {"Wechatpay-Signature": "WECHATPAY/SIGNTEST/dGVzdA=="}},
    "no signature": {"headers": {"Wechatpay-Signature": ""}},
    "no serial": {"headers": {"Wechatpay-Serial": ""}},
    "no nonce": {"headers": {"Wechatpay-Nonce": ""}},
    "another nonce": {"headers": {"Wechatpay-Nonce": "other"}},
    "no timestamp": {"headers": {"Wechatpay-Timestamp": ""}},
    "no number": {"headers": {"Wechatpay-Timestamp": "soon"}},
    "301 s old": {"at": 1_790_000_000 - 301},
    "301 s in the future": {"at": 1_790_000_000 + 301},
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
def test_a_reply_that_is_not_signed_properly_is_refused(pay: Pay, wechat: WeChatPay, forgery: dict[str, Any]) -> None:
    wechat.answer(Signed(body=b'{"ok":1}', **forgery))
    with pytest.raises(SignatureError, match="POST /v3/send") as caught:
        pay.request("POST", "/v3/send", json={"a": 1})
    assert len(wechat.received) == 1
    assert caught.value.may_have_arrived  # the call was answered: whether it was done has to be asked
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert again.may_have_arrived


def test_five_minutes_are_still_fresh(pay: Pay, wechat: WeChatPay) -> None:
    for shift in (-300, 300):
        wechat.give({"ok": 1}, at=NOW + shift)
        assert pay.request("GET", "/v3/x") == {"ok": 1}


def test_an_empty_204_is_verified_too(pay: Pay, wechat: WeChatPay) -> None:
    wechat.answer(Signed(b"", 204))
    assert pay.request("POST", "/v3/close", json={}) is None
    wechat.answer(Signed(b"", 204, {"Wechatpay-Signature": "c29tZXRoaW5n"}))
    with pytest.raises(SignatureError):
        pay.request("POST", "/v3/close", json={})


def test_nothing_where_something_was_declared_is_a_decode_error(pay: Pay, wechat: WeChatPay) -> None:
    wechat.answer(Signed(b"", 204))
    with pytest.raises(DecodeError, match="cannot be read"):
        pay.product_coupons.get_stock("p", "s", brand_id="b")


def test_an_unknown_serial_says_what_to_configure(pay: Pay, wechat: WeChatPay, keys: Keys) -> None:
    wechat.give({}, serial=keys.certificate_serial_no)
    with pytest.raises(SignatureError, match="certificates") as caught:
        pay.request("GET", "/v3/x")
    assert keys.certificate_serial_no in str(caught.value)
    wechat.give({}, serial="PUB_KEY_ID_999")
    with pytest.raises(SignatureError, match="public_key and public_key_id"):
        pay.request("GET", "/v3/x")


def test_while_the_merchant_changes_over_both_keys_are_good(merchant: dict[str, Any], wechat: WeChatPay, keys: Keys, clock: Clock) -> None:
    with Pay(**merchant, certificates=[keys.certificate_pem], base_url=wechat.url, clock=clock) as pay:
        for serial in (PUBLIC_KEY_ID, keys.certificate_serial_no, keys.certificate_serial_no.lstrip("0").lower()):
            wechat.give({"by": serial}, serial=serial)
            assert pay.request("GET", "/v3/x") == {"by": serial}
        assert {r.headers["wechatpay-serial"] for r in wechat.received} == {PUBLIC_KEY_ID}  # the public key is asked for


def test_what_was_only_read_has_nothing_to_reconcile(pay: Pay, wechat: WeChatPay) -> None:
    wechat.answer(Signed(b"{}", headers={"Wechatpay-Signature": "WECHATPAY/SIGNTEST/dGVzdA=="}))
    with pytest.raises(SignatureError) as caught:
        pay.request("GET", "/v3/x")
    assert not caught.value.may_have_arrived


def test_one_text_may_hold_several_certificates(merchant: dict[str, Any], wechat: WeChatPay, keys: Keys, clock: Clock) -> None:
    del merchant["public_key"], merchant["public_key_id"]
    old = certificate(keys.public, 0x1234).public_bytes(Encoding.PEM).decode()  # as in a file that an environment variable names
    with Pay(**merchant, certificates=[old + keys.certificate_pem], base_url=wechat.url, clock=clock) as pay:
        assert "1234, ABCDEF" in repr(pay.notifications)
        wechat.give({"ok": 1}, serial=keys.certificate_serial_no)
        assert pay.request("GET", "/v3/x") == {"ok": 1}


async def test_a_certificate_alone_will_do(merchant: dict[str, Any], wechat: WeChatPay, keys: Keys, clock: Clock) -> None:
    del merchant["public_key"], merchant["public_key_id"]
    async with AsyncPay(**merchant, certificates=keys.certificate_pem, base_url=wechat.url, clock=clock) as pay:
        wechat.give({"ok": 1})
        assert await pay.request("GET", "/v3/x") == {"ok": 1}
    assert wechat.received[0].headers["wechatpay-serial"] == keys.certificate_serial_no.lstrip("0")


def in_national_algorithms() -> bytes:
    """A certificate of an SM2 key (国密), which merchants may have beside the RSA ones."""
    p256, sm2 = bytes.fromhex("06082a8648ce3d030107"), bytes.fromhex("06082a811ccf5501822d")
    der = certificate(ec.generate_private_key(ec.SECP256R1()), 1).public_bytes(Encoding.DER)
    return b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der.replace(p256, sm2)) + b"-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("mchid", {"mchid": ""}),
        ("mchid", {"mchid": '19",x="'}),
        ("serial_no", {"serial_no": "5A:4D:B0"}),
        ("private_key", {"private_key": "-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----"}),
        ("private_key", {"private_key": b""}),
        ("api_v3_key", {"api_v3_key": "secret"}),
        ("api_v3_key", {"api_v3_key": "密" * 32}),
        ("public_key", {"public_key": "secret"}),
        ("public_key", {"public_key": None}),
        ("public_key", {"public_key": None, "public_key_id": None}),
        ("public_key_id", {"public_key_id": None}),
        ("public_key_id", {"public_key_id": "5A4DB0"}),
        ("certificates", {"certificates": ["secret"]}),
        ("certificates", {"certificates": [in_national_algorithms()]}),
    ],
)
def test_wrong_credentials_are_refused_by_name(merchant: dict[str, Any], field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        Pay(**{**merchant, **changes})
    assert caught.value.field == field
    assert "secret" not in str(caught.value)


def test_secrets_do_not_show(pay: Pay, merchant: dict[str, Any], keys: Keys) -> None:
    auth = pay.session.auth("wechatpay-v3")
    assert isinstance(auth, PayAuth)
    verifier = Verifier(public_key=keys.public_pem, public_key_id=merchant["public_key_id"])
    shown = " ".join(map(repr, (pay, pay.session, auth, pay.notifications, pay.product_coupons, verifier)))
    shown += str(vars(pay))
    assert merchant["api_v3_key"] not in shown
    assert not any(line in shown for line in keys.merchant_pem.splitlines() if line)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "PARAM_ERROR", "InvalidArgument"),
        (401, "SIGN_ERROR", "AuthenticationError"),
        (403, "NO_AUTH", "PermissionDenied"),
        (404, "NOT_FOUND", "NotFound"),
        (429, "RATELIMIT_EXCEEDED", "RateLimited"),
        (418, "SOMETHING_NEW", "ApiError"),
    ],
)
def test_refusals_become_errors_by_reaction(pay: Pay, wechat: WeChatPay, status: int, code: str, error: str) -> None:
    wechat.refuse(status, code, always=True)
    with pytest.raises(Exception, match=code) as caught:
        pay.request("POST", "/v3/x", json={})
    assert type(caught.value).__name__ == error
    assert caught.value.code == code
    assert caught.value.http_status == status
    assert caught.value.request_id == "08E8F1C2-0"
    assert len(wechat.received) == (4 if status == 429 else 1)  # what was refused for its rate was not done: it is tried again
    assert json.loads(json.dumps(caught.value.args))
