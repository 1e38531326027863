"""The RSA keys of the sandbox's merchant and of its WeChat Pay."""

from __future__ import annotations

import functools
from datetime import UTC, datetime

from attrs import frozen
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

CERTIFICATE_FROM = datetime(2026, 1, 1, tzinfo=UTC)
CERTIFICATE_TO = datetime(2031, 1, 1, tzinfo=UTC)


@frozen(repr=False)
class Keys:
    """Private keys, and what goes out of them in PEM."""

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
        .not_valid_before(CERTIFICATE_FROM)
        .not_valid_after(CERTIFICATE_TO)
        .sign(certified, hashes.SHA256())
    )
    pem, spki = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    private = merchant.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Keys(
        merchant=merchant,
        public=public,
        certified=certified,
        merchant_pem=private.decode(),
        public_pem=public.public_key().public_bytes(pem, spki).decode(),
        certificate_pem=certificate.public_bytes(pem).decode(),
        certificate_serial_no=f"{serial:X}",
    )
