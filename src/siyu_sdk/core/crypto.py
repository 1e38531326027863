"""Signing and encryption primitives of the platforms: RSA-SHA256, AES-256-GCM, and the AES-CBC envelope of callbacks.

Comparisons are constant-time, failures are `SignatureError` and `DecryptError`, and no message tells more than what was wrong.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import struct
from collections.abc import Iterable
from contextlib import suppress

from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .errors import DecryptError, InputError, SignatureError

BLOCK = 32
"""Callbacks pad to 32 bytes, not to the 16 of the cipher."""


def load_private_key(pem: str | bytes) -> RSAPrivateKey:
    """Read an RSA private key from PEM text."""
    try:
        key = serialization.load_pem_private_key(pem.encode() if isinstance(pem, str) else pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError("private_key is no unencrypted PEM private key (apiclient_key.pem)", "private_key") from error
    if not isinstance(key, RSAPrivateKey):
        raise InputError("private_key is no RSA key", "private_key")
    return key


def load_public_key(pem: str | bytes) -> RSAPublicKey:
    """Read an RSA public key from PEM text."""
    try:
        key = serialization.load_pem_public_key(pem.encode() if isinstance(pem, str) else pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError("public_key is no PEM public key (pub_key.pem)", "public_key") from error
    if not isinstance(key, RSAPublicKey):
        raise InputError("public_key is no RSA key", "public_key")
    return key


def load_certificates(pem: str | bytes) -> list[tuple[str, RSAPublicKey]]:
    """Read one certificate or several from PEM text; gives serial numbers (upper-case hex, as the platform writes them) and keys."""
    try:
        found = x509.load_pem_x509_certificates(pem.encode() if isinstance(pem, str) else pem)
    except ValueError as error:
        raise InputError("certificates: no PEM certificate", "certificates") from error
    return [(f"{certificate.serial_number:X}", _rsa_key(certificate)) for certificate in found]


def load_certificate(pem: str | bytes) -> tuple[str, RSAPublicKey]:
    """Read the first certificate of a PEM text."""
    return load_certificates(pem)[0]


def _rsa_key(certificate: x509.Certificate) -> RSAPublicKey:
    with suppress(UnsupportedAlgorithm):  # SM2 (国密)
        key = certificate.public_key()
        if isinstance(key, RSAPublicKey):
            return key
    raise InputError("certificates: no RSA certificate", "certificates")


def rsa_sign(key: RSAPrivateKey, message: bytes) -> str:
    """Sign with PKCS#1 v1.5 and SHA-256; base64."""
    return base64.b64encode(key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()


def rsa_verify(key: RSAPublicKey, message: bytes, signature: str) -> None:
    """Check such a signature.

    Raises:
        SignatureError: it is not the key's, or no signature at all.
    """
    try:
        key.verify(base64.b64decode(signature, validate=True), message, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        raise SignatureError("the signature does not fit the message: it was changed on the way, or signed by another key") from None


def gcm_encrypt(key: bytes, nonce: bytes, plain: bytes, associated: bytes) -> str:
    """Encrypt with AES-GCM; base64 of ciphertext and tag."""
    return base64.b64encode(AESGCM(key).encrypt(nonce, plain, associated)).decode()


def gcm_decrypt(key: bytes, nonce: bytes, cipher: str, associated: bytes) -> bytes:
    """Decrypt what `gcm_encrypt` made.

    Raises:
        DecryptError: another key, or a changed text.
    """
    try:
        return AESGCM(key).decrypt(nonce, base64.b64decode(cipher, validate=True), associated)
    except (InvalidTag, ValueError):
        raise DecryptError("the resource cannot be decrypted: is api_v3_key the key of this merchant?") from None


def sha1_signature(*parts: str) -> str:
    """The signature of callbacks: SHA-1 over the sorted parts, joined."""
    return hashlib.sha1("".join(sorted(parts)).encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def jssdk_signature(ticket: str, nonce: str, timestamp: int, url: str) -> str:
    """The signature of a page that uses a JS-SDK: SHA-1 over these four, in this order. `url` has no fragment and is not encoded."""
    text = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={url}"
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class CallbackCodec:
    """The envelope of WeCom and official-account callbacks: AES-256-CBC inside, a SHA-1 signature with the token outside."""

    def __init__(self, token: str, encoding_aes_key: str, receive_ids: Iterable[str]) -> None:
        if len(encoding_aes_key) != 43:
            raise InputError(f"encoding_aes_key must have 43 characters, got {len(encoding_aes_key)}", "encoding_aes_key")
        try:
            key = base64.b64decode(encoding_aes_key + "=", validate=True)
        except ValueError:
            raise InputError("encoding_aes_key is no base64", "encoding_aes_key") from None
        self._cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16]))
        self._token = token
        self._receive_ids = frozenset(receive_ids)

    def __repr__(self) -> str:
        return f"<CallbackCodec for {sorted(self._receive_ids)}>"

    def sign(self, timestamp: str, nonce: str, encrypted: str) -> str:
        """The `msg_signature` of an encrypted text."""
        return sha1_signature(self._token, timestamp, nonce, encrypted)

    def verify(self, signature: str, timestamp: str, nonce: str, encrypted: str) -> None:
        """Check a `msg_signature` in constant time.

        Raises:
            SignatureError: it is not the platform's.
        """
        expected = self.sign(timestamp, nonce, encrypted)
        if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
            raise SignatureError("msg_signature does not fit: is the token the one of this callback URL?")

    def encrypt(self, message: bytes, receive_id: str, random: bytes | None = None) -> str:
        """Wrap a message; `random` (16 bytes) only for tests."""
        plain = (random or os.urandom(16)) + struct.pack(">I", len(message)) + message + receive_id.encode()
        pad = BLOCK - len(plain) % BLOCK
        encryptor = self._cipher.encryptor()
        return base64.b64encode(encryptor.update(plain + bytes([pad]) * pad) + encryptor.finalize()).decode()

    def decrypt(self, encrypted: str) -> bytes:
        """Give the message alone; see `unwrap`."""
        return self.unwrap(encrypted)[0]

    def unwrap(self, encrypted: str) -> tuple[bytes, str]:
        """Unwrap a message: its text, and whom it is meant for.

        Raises:
            DecryptError: broken text, another key, or meant for another receiver.
        """
        try:
            cipher = base64.b64decode(encrypted, validate=True)
            decryptor = self._cipher.decryptor()
            plain = decryptor.update(cipher) + decryptor.finalize()
        except ValueError:
            raise DecryptError("the callback cannot be decrypted: truncated, or not base64") from None
        pad = plain[-1] if plain else 0
        if not 1 <= pad <= BLOCK or len(plain) < 20 + pad:
            raise DecryptError("the callback cannot be decrypted: is encoding_aes_key the one of this callback URL?")
        (length,) = struct.unpack(">I", plain[16:20])
        content, receive_id = plain[20 : 20 + length], plain[20 + length : -pad]
        if length > len(plain) - 20 - pad:
            raise DecryptError("the callback cannot be decrypted: is encoding_aes_key the one of this callback URL?")
        try:
            receiver = receive_id.decode()
        except UnicodeDecodeError:
            raise DecryptError("the callback cannot be decrypted: is encoding_aes_key the one of this callback URL?") from None
        if receiver not in self._receive_ids:
            raise DecryptError(f"the callback is meant for {receiver[:64]!r}, not for {sorted(self._receive_ids)}")
        return content, receiver
