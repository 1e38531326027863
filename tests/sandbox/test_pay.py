"""WeChat Pay: signatures in both directions, and the life of a product coupon."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

from siyu_sdk.core.crypto import gcm_decrypt, load_certificate, load_public_key, rsa_verify
from siyu_sdk.sandbox import Humans, Sandbox

from .conftest import Listener, PayCaller

BASE = "/v3/marketing/partner/product-coupon"


def fine_code(response: httpx.Response) -> int:
    return int(response.headers["Request-ID"].rsplit("-", 1)[1])


def check_signature(sandbox: Sandbox, headers: Any, body: bytes) -> str:
    """Verifies as a merchant does; returns the serial that signed."""
    ids = sandbox.credentials
    serial, key = load_certificate(ids.certificate)
    trusted = {ids.public_key_id: load_public_key(ids.public_key), serial: key}
    message = f"{headers['Wechatpay-Timestamp']}\n{headers['Wechatpay-Nonce']}\n".encode() + body + b"\n"
    rsa_verify(trusted[headers["Wechatpay-Serial"]], message, headers["Wechatpay-Signature"])
    assert abs(int(headers["Wechatpay-Timestamp"]) - sandbox.clock.time()) < 10
    return str(headers["Wechatpay-Serial"])


def stock_path(sandbox: Sandbox) -> str:
    ids = sandbox.credentials
    return f"{BASE}/product-coupons/{ids.product_coupon_id}/stocks/{ids.stock_id}?brand_id={ids.brand_id}"


def test_requests_must_be_signed_and_answers_are(sandbox: Sandbox, pay: PayCaller, http: httpx.Client) -> None:
    answer = pay("GET", stock_path(sandbox))
    assert answer.status_code == 200
    assert answer.json()["state"] == "SENDING"
    assert check_signature(sandbox, answer.headers, answer.content) == sandbox.credentials.public_key_id
    product = pay("GET", stock_path(sandbox).split("/stocks")[0] + f"?brand_id={sandbox.credentials.brand_id}")
    assert product.json()["single_usage_info"]["normal_coupon"] == {"threshold": 5000, "discount_amount": 1000}
    unsigned = http.get(sandbox.pay_url + stock_path(sandbox))
    assert (unsigned.status_code, unsigned.json()["code"]) == (401, "SIGN_ERROR")
    check_signature(sandbox, unsigned.headers, unsigned.content)


@pytest.mark.parametrize(
    "tampering",
    [
        {"signature": base64.b64encode(b"x" * 256).decode()},
        {"mchid": "1900000000"},
        {"serial_no": "00"},
        {"timestamp": "1"},
        {"timestamp": "soon"},
        {"sent_to": BASE + "/product-coupons/200000001/stocks/100232302?brand_id=120344"},
        {"sent": b"{}"},
    ],
)
def test_any_change_breaks_the_signature(sandbox: Sandbox, pay: PayCaller, tampering: dict[str, Any]) -> None:
    answer = pay("GET", stock_path(sandbox), **tampering)
    assert (answer.status_code, answer.json()["code"]) == (401, "SIGN_ERROR")


def test_a_nonce_works_once_and_a_timestamp_five_minutes(sandbox: Sandbox, pay: PayCaller) -> None:
    at = int(sandbox.clock.time())
    assert pay("GET", stock_path(sandbox), nonce="n1").status_code == 200
    assert pay("GET", stock_path(sandbox), nonce="n1").status_code == 401
    assert pay("GET", stock_path(sandbox), timestamp=str(at - 290)).status_code == 200
    assert pay("GET", stock_path(sandbox), timestamp=str(at + 310)).status_code == 401
    assert pay("GET", stock_path(sandbox), headers={"Wechatpay-Serial": "PUB_KEY_ID_0"}).json()["code"] == "PARAM_ERROR"


def test_the_key_that_signs_is_a_setting(sandbox: Sandbox, pay: PayCaller) -> None:
    ids = sandbox.credentials
    assert pay("GET", "/v3/certificates").status_code == 404, "a merchant with a public key only gets none"
    sandbox.pay.signed_by = "certificate"
    answer = pay("GET", "/v3/certificates")
    assert check_signature(sandbox, answer.headers, answer.content) == ids.certificate_serial_no
    (row,) = answer.json()["data"]
    sealed = row["encrypt_certificate"]
    pem = gcm_decrypt(ids.api_v3_key.encode(), sealed["nonce"].encode(), sealed["ciphertext"], sealed["associated_data"].encode())
    assert (row["serial_no"], pem.decode()) == (ids.certificate_serial_no, ids.certificate)
    sandbox.pay.signed_by = "both"
    answers = [pay("GET", stock_path(sandbox)) for _ in range(4)]
    serials = {check_signature(sandbox, answer.headers, answer.content) for answer in answers}
    assert serials == {ids.public_key_id, ids.certificate_serial_no}


def test_one_number_gives_one_coupon_however_often_it_is_sent(sandbox: Sandbox, pay: PayCaller, openid: str) -> None:
    first = pay.send(openid, "campaign-step-1")
    again = pay.send(openid, "campaign-step-1")
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert first.json()["coupon_state"] == "CONFIRMING"
    other_body = pay.send(openid, "campaign-step-1", attach="changed")
    assert (other_body.status_code, fine_code(other_body)) == (400, 268578927)
    assert fine_code(pay.send(openid, "campaign-step-2")) == 272755200, "the first one is still open"
    code = first.json()["coupon_code"]
    assert pay.act("confirm", openid, code, "confirm-1").json()["coupon_state"] == "EFFECTIVE"
    assert fine_code(pay.send(openid, "campaign-step-2")) == 272756740, "the person's limit is one"
    assert len(sandbox.wallet(openid)) == 1
    assert pay("GET", stock_path(sandbox)).json()["sent_count_info"] == {"total_count": 1, "today_count": 1}
    assert sandbox.invariants() == []


@pytest.mark.parametrize(
    ("change", "status", "expected"),
    [
        ({"stock_id": "100232302"}, 400, 268577984),
        ({"stock_id": "1"}, 404, 268578608),
        ({"brand_id": "1"}, 404, 268578608),
        ({"appid": "wx0"}, 400, 268578704),
        ({"send_request_no": "short"}, 400, 268435463),
        ({"send_request_no": "n" * 129}, 400, 268435462),
        ({"send_request_no": "with space"}, 400, 268435461),
        ({"coupon_code": "C1"}, 400, 268435461),
        ({"surprise": 1}, 400, 270924358),
    ],
)
def test_what_an_issue_refuses(pay: PayCaller, openid: str, change: dict[str, Any], status: int, expected: int) -> None:
    answer = pay.send(openid, "number-1", **change)
    assert (answer.status_code, fine_code(answer)) == (status, expected)
    assert set(answer.json()) == {"code", "message", "detail"}


def test_an_openid_belongs_to_one_appid(sandbox: Sandbox, pay: PayCaller, openid: str) -> None:
    assert fine_code(pay.send("oSomebody", "number-1")) == 268578526
    assert fine_code(pay.send(openid, "number-1", appid=sandbox.credentials.store_appid)) == 268578526


def test_the_life_of_a_coupon(sandbox: Sandbox, pay: PayCaller, openid: str) -> None:
    code = pay.send(openid, "number-1").json()["coupon_code"]
    usage = {"use_time": "2026-11-16T10:00:00+08:00", "associated_order_info": {"transaction_id": "42"}}
    assert fine_code(pay.act("use", openid, code, "use-01", **usage)) == 268578367, "it was never confirmed"
    assert pay.act("confirm", openid, code, "confirm").json()["confirm_request_no"] == "confirm"
    assert pay.act("confirm", openid, code, "confirm").status_code == 200, "the same number again is the same act"
    assert fine_code(pay.act("confirm", openid, code, "other-confirm")) == 268578367
    assert fine_code(pay.act("use", openid, code, "use-01", **{**usage, "use_time": "2027-11-16T10:00:00+08:00"})) == 272755715
    assert fine_code(pay.act("use", openid, code, "use-01", **{**usage, "associated_order_info": {}})) == 268435461
    used = pay.act("use", openid, code, "use-01", **usage).json()
    assert (used["coupon_state"], used["single_usage_detail"]["use_request_no"]) == ("USED", "use-01")
    assert pay.act("use", openid, code, "use-01", **usage).json() == used
    assert fine_code(pay.act("use", openid, code, "use-02", **usage)) == 272756745
    assert pay.act("return", openid, code, "return-01").json()["coupon_state"] == "EFFECTIVE"
    assert fine_code(pay.act("deactivate", openid, code, "use-01", deactivate_reason="x")) == 268578927
    gone = pay.act("deactivate", openid, code, "deact-01", deactivate_reason="活动取消").json()
    assert (gone["coupon_state"], gone["deactivate_reason"]) == ("DEACTIVATED", "活动取消")
    assert fine_code(pay.act("use", openid, "000000", "use-03", **usage)) == 268578851
    assert sandbox.invariants() == []


def test_coupons_are_listed_in_pages_and_expire(sandbox: Sandbox, pay: PayCaller, openid: str) -> None:
    ids = sandbox.credentials
    sandbox.pay.stocks[ids.stock_id].max_count_per_user = 3
    codes = [pay.send(openid, f"number-{n}").json()["coupon_code"] for n in range(3)]
    path = f"{BASE}/users/{openid}/coupons?brand_id={ids.brand_id}&appid={ids.miniprogram_appid}&stock_id={ids.stock_id}&page_size=2"
    first = pay("GET", path).json()
    second = pay("GET", f"{path}&page_token={first['next_page_token']}").json()
    assert [row["coupon_code"] for row in first["user_coupon_list"] + second["user_coupon_list"]] == codes
    assert first["total_count"] == 3
    assert "total_count" not in second
    sandbox.advance(days=16)
    one = pay("GET", f"{BASE}/users/{openid}/coupons/{codes[0]}?brand_id={ids.brand_id}&appid={ids.miniprogram_appid}"
              f"&product_coupon_id={ids.product_coupon_id}&stock_id={ids.stock_id}").json()  # fmt: skip
    assert one["coupon_state"] == "EXPIRED"
    assert fine_code(pay.act("confirm", openid, codes[0], "confirm")) == 268578776


def test_a_budget_ends(sandbox: Sandbox, pay: PayCaller) -> None:
    stock = sandbox.pay.stocks[sandbox.credentials.stock_id]
    stock.max_count_per_day = 1
    first, second = [p.miniprogram_openid for p in sandbox.world.people if p.miniprogram_openid][:2]
    assert pay.send(first, "number-1").status_code == 200
    assert pay.send(second, "number-2").json()["code"] == "INVALID_REQUEST"
    sandbox.advance(days=1)
    assert pay.send(second, "number-2").status_code == 200


def open_notice(sandbox: Sandbox, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    check_signature(sandbox, headers, body)
    notice = json.loads(body)
    assert (notice["event_type"], notice["resource_type"]) == ("PRODUCT_COUPON_SP.SEND", "encrypt-resource")
    sealed = notice["resource"]
    key = sandbox.credentials.api_v3_key.encode()
    plain = gcm_decrypt(key, sealed["nonce"].encode(), sealed["ciphertext"], sealed["associated_data"].encode())
    return {"id": notice["id"], **json.loads(plain)}


def test_every_issue_is_told_signed_and_encrypted(sandbox: Sandbox, pay: PayCaller, openid: str, listener: Listener) -> None:
    sandbox.pay_callback_url = listener.url
    coupon = pay.send(openid, "number-1", attach="durian").json()
    ((_, headers, body),) = listener.wait_for(1)
    notice = open_notice(sandbox, headers, body)
    for name in ("coupon_code", "send_request_no", "valid_begin_time", "valid_end_time", "receive_time", "attach"):
        assert notice[name] == coupon[name]
    assert (notice["openid"], notice["unionid"]) == (openid, sandbox.world.by_openid[openid].unionid)
    pay.send(openid, "number-1", attach="durian")
    sandbox.advance(minutes=1)
    assert len(listener.received) == 1, "a repeated send issues nothing"


def test_a_notice_comes_again_until_it_is_answered(sandbox: Sandbox, pay: PayCaller, openid: str, listener: Listener) -> None:
    sandbox.pay_callback_url = listener.url
    listener.answer = lambda _path: (503 if len(listener.received) < 4 else 204, b"")
    pay.send(openid, "number-1")
    listener.wait_for(1)
    sandbox.advance(minutes=30)
    assert len(listener.received) == 4
    assert len({json.loads(body)["id"] for _, _, body in listener.received}) == 1
    assert len({headers["Wechatpay-Timestamp"] for _, headers, _ in listener.received}) == 4, "every delivery is signed anew"


def test_people_use_confirmed_coupons_and_buy_with_them() -> None:
    with Sandbox(seed=7, customers=100, humans=Humans(redeems=1)) as sandbox, httpx.Client() as http:
        pay = PayCaller(sandbox, http)
        confirmed, unconfirmed = [p.miniprogram_openid for p in sandbox.world.people if p.miniprogram_openid][:2]
        code = pay.send(confirmed, "number-1").json()["coupon_code"]
        pay.send(unconfirmed, "number-2")
        pay.act("confirm", confirmed, code, "confirm")
        before = len(sandbox.world.orders["miniprogram"])
        sandbox.advance(days=7)
        assert [coupon.state for coupon in sandbox.wallet(confirmed)] == ["USED"]
        assert [coupon.state for coupon in sandbox.wallet(unconfirmed)] == ["CONFIRMING"]
        assert len(sandbox.world.orders["miniprogram"]) == before + 1
        assert sandbox.world.orders["miniprogram"][-1].openid == confirmed
        assert sandbox.invariants() == []
