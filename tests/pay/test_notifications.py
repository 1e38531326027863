"""Notifications: verified over raw bytes, decrypted, typed; whatever else comes is a typed error."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from siyu_sdk import AsyncPay, DecodeError, DecryptError, Pay, SignatureError, SiyuError, UnknownEvent, UsageError
from siyu_sdk.core.crypto import gcm_decrypt, load_public_key, rsa_verify
from siyu_sdk.pay.events import BrandProductCouponReceived, ProductCouponImageGenerated, ProductCouponReceived, ProductCouponUsed
from siyu_sdk.pay.notifications import Notifications
from siyu_sdk.pay.product_coupon_models import SendChannel

from ..wechatpay import API_V3_KEY, NOW, PUBLIC_KEY_ID, RECEIVED, Keys, notice, signed_headers

VECTORS = Path(__file__).parents[3] / "shared" / "facts" / "crypto_vectors.json"


def test_a_received_coupon_comes_with_all_that_confirm_needs(pay: Pay, keys: Keys) -> None:
    body = notice("PRODUCT_COUPON_SP.SEND", RECEIVED)
    told = pay.notifications.receive(signed_headers(keys, body), body)
    assert (told.id, told.event_type, told.summary) == ("EV-2018022511223320873", "PRODUCT_COUPON_SP.SEND", "用户领取商品券")
    assert told.create_time == datetime(2026, 9, 21, 17, 33, 20, tzinfo=timezone(timedelta(hours=8)))
    event = told.event
    assert isinstance(event, ProductCouponReceived)
    assert event.send_channel is SendChannel.API
    assert not event.model_extra
    assert event.to_wire() == RECEIVED
    call = type(pay.product_coupons).confirm(
        event.openid,
        event.coupon_code,
        brand_id=event.brand_id,
        product_coupon_id=event.product_coupon_id,
        stock_id=event.stock_id,
        appid=event.appid,
        out_request_no="confirm-wm7",
    )
    assert call.path().endswith("/users/oA1/coupons/123446565767/confirm")


async def test_async_clients_read_them_too(async_pay: AsyncPay, keys: Keys) -> None:
    body = notice("PRODUCT_COUPON.SEND", {k: v for k, v in RECEIVED.items() if k not in ("brand_id", "appid")})
    told = async_pay.notifications.receive(signed_headers(keys, body), body)
    assert isinstance(told.event, BrandProductCouponReceived)


def test_header_names_come_in_any_case(pay: Pay, keys: Keys) -> None:
    body = notice("PRODUCT_COUPON.USE", {"coupon_code": "1"})
    for change in (str.lower, str.upper):
        headers = {change(name): value for name, value in signed_headers(keys, body).items()}
        assert isinstance(pay.notifications.receive(headers, body).event, ProductCouponUsed)


def test_other_events_have_types_and_new_ones_keep_everything(pay: Pay, keys: Keys) -> None:
    made = {
        "brand_id": "120344",
        "task_id": "t1",
        "image_generation_type": "CUT_OUT",
        "task_state": "SUCCESS",
        "cut_out_result": {"image_url": "https://x"},
    }
    body = notice("PRODUCT_COUPON_SP.IMAGE_GENERATION", made)
    assert isinstance(pay.notifications.receive(signed_headers(keys, body), body).event, ProductCouponImageGenerated)
    body = notice("NEXT_YEAR.NEWS", {"a": [1, {"b": "🎁"}]})
    event = pay.notifications.receive(signed_headers(keys, body), body).event
    assert isinstance(event, UnknownEvent)
    assert event.payload == {"a": [1, {"b": "🎁"}]}


def test_certificates_sign_notifications_while_the_merchant_changes_over(merchant: dict[str, Any], clock: Any, keys: Keys) -> None:
    body = notice("PRODUCT_COUPON_SP.SEND", RECEIVED)
    headers = signed_headers(keys, body, serial=keys.certificate_serial_no)
    with Pay(**merchant, clock=clock) as pay, pytest.raises(SignatureError, match="certificates"):
        pay.notifications.receive(headers, body)
    with Pay(**merchant, clock=clock, certificates=[keys.certificate_pem]) as pay:
        assert pay.notifications.receive(headers, body).event_type == "PRODUCT_COUPON_SP.SEND"


def test_a_null_is_an_absent_field(pay: Pay, keys: Keys) -> None:
    bare = json.loads(notice("PRODUCT_COUPON_SP.SEND", {**RECEIVED, "unionid": None}, associated=""))
    bare["resource"] |= {"associated_data": None, "original_type": None}
    body = json.dumps({**bare, "summary": None, "resource_type": None}).encode()
    told = pay.notifications.receive(signed_headers(keys, body), body)
    assert isinstance(told.event, ProductCouponReceived)
    assert (told.summary, told.original_type, told.event.unionid) == ("", "", None)


def test_an_event_that_does_not_fit_its_type_is_kept_whole_and_does_not_pass_in_silence(
    pay: Pay, keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    other = {"transaction_id": "42000", "amount": {"total": 100}}
    for resource, field in ((other, "coupon_code"), ({**RECEIVED, "attach": {"secret": "榴莲"}}, "attach")):
        body = notice("PRODUCT_COUPON_SP.SEND", resource)
        event = pay.notifications.receive(signed_headers(keys, body), body).event
        assert isinstance(event, UnknownEvent)
        assert event.payload == resource
        assert f"PRODUCT_COUPON_SP.SEND is no ProductCouponReceived: {field}" in caplog.text
    assert "榴莲" not in caplog.text


@pytest.mark.parametrize("body", [{"id": "EV-1"}, '{"id":"EV-1"}', None, bytearray(b"{}")])
def test_a_body_that_a_framework_has_parsed_says_so(pay: Pay, keys: Keys, body: Any) -> None:
    with pytest.raises(UsageError, match=f"raw body of the request as bytes, got {type(body).__name__}"):
        pay.notifications.receive(signed_headers(keys, b"{}"), body)


@pytest.mark.parametrize("age", [301, -301, 86400])
def test_old_notifications_sent_again_are_refused(pay: Pay, keys: Keys, age: int) -> None:
    body = notice("PRODUCT_COUPON_SP.SEND", RECEIVED)
    with pytest.raises(SignatureError, match="notification: Wechatpay-Timestamp"):
        pay.notifications.receive(signed_headers(keys, body, at=NOW - age), body)


def test_probes_of_the_platform_fail_like_anything_else(pay: Pay, keys: Keys) -> None:
    body = notice("PRODUCT_COUPON_SP.SEND", RECEIVED)
    headers = {**signed_headers(keys, body), "Wechatpay-Signature": "WECHATPAY/SIGNTEST/aGVsbG8="}
    with pytest.raises(SignatureError):
        pay.notifications.receive(headers, body)


def test_the_key_of_another_merchant_cannot_decrypt(pay: Pay, keys: Keys) -> None:
    body = notice("PRODUCT_COUPON_SP.SEND", RECEIVED, key="f" * 32)
    with pytest.raises(DecryptError, match="api_v3_key"):
        pay.notifications.receive(signed_headers(keys, body), body)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", DecodeError),
        (b"<html>", DecodeError),
        (b"[]", DecodeError),
        (b'{"id":"1"}', DecodeError),
        (b'{"id":"1","event_type":"X","resource":null}', DecodeError),
        (b'{"id":"1","event_type":"X","resource":{"nonce":"n","ciphertext":"c"}}', DecryptError),
        (b'{"id":"1","event_type":"X","resource":{"nonce":"\\u4e2d\\u6587","ciphertext":"\\u4e2d"}}', DecryptError),
        (b'{"id":"1","event_type":"X","resource":{"algorithm":"ROT13","nonce":"n","ciphertext":"c"}}', DecryptError),
        (b'{"id":"\\ud800","event_type":"X","resource":{"nonce":"\\ud800","ciphertext":"\\ud800"}}', DecryptError),
        (b"[" * 100_000, DecodeError),
        (b"\xff\xfe", DecodeError),
    ],
)
def test_signed_nonsense_is_a_typed_error(pay: Pay, keys: Keys, body: bytes, error: type[SiyuError]) -> None:
    with pytest.raises(error):
        pay.notifications.receive(signed_headers(keys, body), body)


@pytest.mark.parametrize("plain", [b"", b"no json", b"[1]", b'{"broken', b"\xff"])
def test_a_resource_that_is_no_object_is_a_typed_error(pay: Pay, keys: Keys, plain: bytes) -> None:
    body = notice("PRODUCT_COUPON_SP.SEND", plain)
    with pytest.raises(DecodeError):
        pay.notifications.receive(signed_headers(keys, body), body)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_changes_on_the_way_only_typed_errors_come_out(pay: Pay, keys: Keys, data: st.DataObject) -> None:
    body = notice("PRODUCT_COUPON_SP.SEND", RECEIVED)
    headers = signed_headers(keys, body)
    if data.draw(st.booleans(), "change the body"):
        at = data.draw(st.integers(0, len(body)))
        body = body[:at] + data.draw(st.binary(min_size=1, max_size=3)) + body[at + data.draw(st.integers(0, 3)) :]
        if body == notice("PRODUCT_COUPON_SP.SEND", RECEIVED):
            return
    else:
        name = data.draw(st.sampled_from([n for n in headers if n != "Wechatpay-Signature-Type"]))
        value = data.draw(st.text(max_size=40))
        if value == headers[name]:
            return
        headers[name] = value
        if name == "Wechatpay-Serial" and value.strip().upper() == PUBLIC_KEY_ID:
            return
    with pytest.raises(SignatureError):
        pay.notifications.receive(headers, body)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plain=st.binary(max_size=60), associated=st.text(max_size=8), nonce=st.text(max_size=14))
def test_and_so_do_resources_that_the_platform_has_signed(pay: Pay, keys: Keys, *, plain: bytes, associated: str, nonce: str) -> None:
    good = json.loads(notice("PRODUCT_COUPON_SP.SEND", plain))
    good["resource"] |= {"associated_data": associated, "nonce": nonce}
    body = json.dumps(good).encode()
    with pytest.raises(SiyuError):
        pay.notifications.receive(signed_headers(keys, body), body)


# Published test data


def vector(name: str) -> dict[str, Any]:
    if not VECTORS.exists():
        pytest.skip(f"published vectors are not here: {VECTORS.name}")
    return next(v for v in json.loads(VECTORS.read_text(encoding="utf-8"))["vectors"] if v["id"] == name)


def test_a_published_signature_verifies() -> None:
    found = vector("pay_v3_sha256_rsa_sign")
    key, message = load_public_key(found["inputs"]["public_key_pem"]), found["inputs"]["message"].encode()
    rsa_verify(key, message, found["expected"]["signature_base64"])
    with pytest.raises(SignatureError):
        rsa_verify(key, message + b" ", found["expected"]["signature_base64"])


def test_a_published_request_message_has_our_layout() -> None:
    found, key = vector("pay_v3_request_message_get"), vector("pay_v3_sha256_rsa_sign")["inputs"]["public_key_pem"]
    rsa_verify(load_public_key(key), found["inputs"]["message"].encode(), found["expected"]["signature_base64"])
    method, target, timestamp, nonce, body, end = found["inputs"]["message"].split("\n")
    assert (method, body, end) == ("GET", "", "")
    assert target.startswith("/v3/")
    assert timestamp in found["expected"]["authorization"]
    assert nonce in found["expected"]["authorization"]


def test_a_published_resource_decrypts() -> None:
    found = vector("pay_v3_aes_gcm_small")
    given = found["inputs"]
    plain = gcm_decrypt(given["api_v3_key"].encode(), given["nonce"].encode(), given["ciphertext"], given["associated_data"].encode())
    assert plain.decode() == found["expected"]["plaintext"]


def test_web_processes_may_read_without_a_client(keys: Keys, clock: Any) -> None:
    from siyu_sdk.pay.signing import Verifier

    reader = Notifications(Verifier(public_key=keys.public_pem, public_key_id=PUBLIC_KEY_ID), API_V3_KEY, clock=clock)
    body = notice("PRODUCT_COUPON_SP.SEND", RECEIVED)
    assert reader.receive(signed_headers(keys, body), body).event_type == "PRODUCT_COUPON_SP.SEND"
    assert API_V3_KEY not in repr(reader)
