"""The keys of a merchant and of its WeChat Pay, and what WeChat Pay signs with them: replies and notices."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import frozen
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID

NOW = 1_790_000_000
API_V3_KEY = "0123456789abcdef0123456789abcdef"
PUBLIC_KEY_ID = "PUB_KEY_ID_0119000050052026010100000001"

RECEIVED = {
    "brand_id": "120344",
    "coupon_code": "123446565767",
    "product_coupon_id": "200000001",
    "stock_id": "100232301",
    "appid": "wx233544546545989",
    "openid": "oA1",
    "unionid": "uA1",
    "receive_time": "2026-09-21T17:33:20+08:00",
    "send_request_no": "durian-step1-wm7",
    "send_channel": "API",
    "valid_begin_time": "2026-09-21T17:33:20+08:00",
    "valid_end_time": "2026-09-28T17:33:20+08:00",
    "attach": "榴莲 🎁",
}


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


def certificate(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, serial: int) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "platform")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(serial)
    return made.not_valid_before(start).not_valid_after(start + timedelta(days=1825)).sign(key, hashes.SHA256())


def make_keys() -> Keys:
    merchant, public, certified = (rsa.generate_private_key(65537, 2048) for _ in range(3))
    certified_as = certificate(certified, 0x0ABCDEF0123456789ABCDEF0123456789ABCDEF0)
    return Keys(
        merchant,
        public,
        certified,
        merchant.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode(),
        public.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode(),
        certified_as.public_bytes(serialization.Encoding.PEM).decode(),
        f"{certified_as.serial_number:040X}",  # with its leading zero, as some tools write it
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


def notice(event_type: str, resource: Any, *, key: str = API_V3_KEY, associated: str = "product_coupon_sp", **changes: Any) -> bytes:
    """The body of a notification, its resource encrypted."""
    nonce = "fdasflkja484"
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
