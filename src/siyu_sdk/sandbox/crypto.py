"""The platform's half of the cryptography: its keys, its signatures, the encryption of what it sends."""

from __future__ import annotations

import base64
import functools
import hashlib
import os
import struct
from datetime import datetime, timezone

from attrs import frozen
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID


@frozen
class Keys:
    merchant: rsa.RSAPrivateKey
    public: rsa.RSAPrivateKey
    """The private half of the platform's public key (微信支付公钥)."""
    certified: rsa.RSAPrivateKey
    """The private half of the platform's certificate."""
    merchant_pem: str
    public_pem: str
    certificate_pem: str
    certificate_serial_no: str


@functools.cache
def keys() -> Keys:
    """RSA 2048 keys for merchant and platform, made once a process (about 0.15 s)."""
    merchant, public, certified = (rsa.generate_private_key(65537, 2048) for _ in range(3))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "siyu_sdk sandbox platform")])
    serial = 0x5A4DB0C5A4DB0C5A4DB0C5A4DB0C5A4DB0C0CE27
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(certified.public_key())
        .serial_number(serial)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=timezone.utc))
        .not_valid_after(datetime(2031, 1, 1, tzinfo=timezone.utc))
        .sign(certified, hashes.SHA256())
    )
    private_pem = merchant.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public_pem = public.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return Keys(
        merchant=merchant,
        public=public,
        certified=certified,
        merchant_pem=private_pem.decode(),
        public_pem=public_pem.decode(),
        certificate_pem=certificate.public_bytes(serialization.Encoding.PEM).decode(),
        certificate_serial_no=f"{serial:X}",
    )


def sign(key: rsa.RSAPrivateKey, message: bytes) -> str:
    return base64.b64encode(key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()


def verify(key: rsa.RSAPublicKey, message: bytes, signature: str) -> bool:
    try:
        key.verify(base64.b64decode(signature, validate=True), message, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def seal(key: str, nonce: str, plain: bytes, associated_data: str) -> str:
    """AES-256-GCM as WeChat Pay does it: base64 of cipher text and tag."""
    return base64.b64encode(AESGCM(key.encode()).encrypt(nonce.encode(), plain, associated_data.encode())).decode()


def encrypt_callback(aes_key: str, receive_id: str, message: str) -> str:
    """AES-256-CBC as WeCom does it: 16 random bytes, length, message, receive id, padded to 32."""
    key = base64.b64decode(aes_key + "=")
    content = message.encode()
    plain = os.urandom(16) + struct.pack(">I", len(content)) + content + receive_id.encode()
    pad = 32 - len(plain) % 32
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([pad]) * pad) + encryptor.finalize()).decode()


def callback_signature(token: str, timestamp: str, nonce: str, encrypted: str) -> str:
    return hashlib.sha1("".join(sorted((token, timestamp, nonce, encrypted))).encode(), usedforsecurity=False).hexdigest()
