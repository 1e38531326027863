"""Signatures of WeChat Pay APIv3: ours on requests, theirs on replies and notifications."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from ..core.call import Flow
from ..core.client import Session
from ..core.crypto import load_certificates, load_private_key, load_public_key, rsa_sign, rsa_verify
from ..core.errors import InputError, SignatureError
from ..core.exchange import NoAuth
from ..core.http import Request, Response

SCHEME: Final = "WECHATPAY2-SHA256-RSA2048"
SKEW: Final = 300
"""Seconds that a signed message and this clock may be apart; older ones may be replays."""


class Verifier:
    """Checks that WeChat Pay signed a message; each message names the key it was signed with.

    Holds the public key (微信支付公钥), platform certificates (平台证书), or both: while a merchant changes from the one to the
    other, messages come signed by either. Certificates are PEM text, one in each or several; several are held while WeChat Pay replaces
    an old one.
    """

    def __init__(
        self,
        *,
        public_key: str | bytes | None = None,
        public_key_id: str | None = None,
        certificates: Iterable[str | bytes] = (),
    ) -> None:
        keys = list[tuple[str, RSAPublicKey]]()
        if public_key is not None:
            if not re.fullmatch(r"PUB_KEY_ID_[0-9A-Za-z_]+", public_key_id or ""):
                raise InputError("public_key_id is the id shown beside the public key, and begins with PUB_KEY_ID_", "public_key_id")
            keys.append((public_key_id or "", load_public_key(public_key)))
        elif public_key_id is not None:
            raise InputError("public_key is missing: public_key_id names it", "public_key")
        given = (certificates,) if isinstance(certificates, (str, bytes)) else certificates
        keys += [key for pem in given for key in load_certificates(pem)]
        if not keys:
            raise InputError("replies cannot be verified: give public_key and public_key_id, or certificates", "public_key")
        self.serial_no = keys[0][0]
        """The key that replies are asked to be signed with: the public key where there is one."""
        self._keys = {_plain(serial): key for serial, key in keys}

    def __repr__(self) -> str:
        return f"<Verifier with {', '.join(self._keys)}>"

    def verify(self, headers: Mapping[str, str], body: bytes, now: float, what: str) -> None:
        """Check the signature of a body. `headers` have lower-case names, `now` is in unix seconds, `what` names the message in errors.

        Raises:
            SignatureError: signed by nobody, by an unknown key, more than five minutes ago, or over another body. WeChat Pay now and
                then sends a wrong signature on purpose (it begins with WECHATPAY/SIGNTEST/): it fails here like any other.
        """
        serial, timestamp, nonce, signature = (_header(headers, name, what) for name in ("Serial", "Timestamp", "Nonce", "Signature"))
        if not re.fullmatch(r"[0-9]{1,12}", timestamp) or abs(now - int(timestamp)) > SKEW:
            raise SignatureError(
                f"{what}: Wechatpay-Timestamp {timestamp[:20]!r} is more than {SKEW} s from this clock ({int(now)}): "
                "an old message sent again, or a clock that is wrong"
            )
        key = self._keys.get(_plain(serial))
        if key is None:
            wanted = "public_key and public_key_id" if serial.startswith("PUB_KEY_ID_") else "the platform certificate in certificates"
            raise SignatureError(
                f"{what}: signed with key {serial[:64]!r}, which is not configured (known: {', '.join(self._keys)}). "
                f"Give {wanted}, if the merchant console shows that key"
            )
        message = f"{timestamp}\n{nonce}\n".encode("utf-8", "replace") + body + b"\n"
        try:
            rsa_verify(key, message, signature)
        except SignatureError as error:
            raise SignatureError(f"{what}: {error}") from None


def _plain(serial: str) -> str:
    return serial.strip().upper().lstrip("0")  # some tools write serial numbers with leading zeros, some without


def _header(headers: Mapping[str, str], name: str, what: str) -> str:
    value = headers.get(f"wechatpay-{name.lower()}", "")
    if not value:
        raise SignatureError(f"{what}: header Wechatpay-{name} is missing: not sent by WeChat Pay, or a proxy dropped it")
    return value


class PayAuth(NoAuth):
    """The signature of a merchant on each request, and the check of WeChat Pay's on each reply."""

    def __init__(self, mchid: str, serial_no: str, private_key: str | bytes, verifier: Verifier) -> None:
        if not re.fullmatch(r"[0-9]+", mchid):
            raise InputError("mchid is the merchant number: digits only", "mchid")
        if not re.fullmatch(r"[0-9A-Fa-f]+", serial_no):
            raise InputError("serial_no is the serial number of the merchant's API certificate: hexadecimal, without colons", "serial_no")
        self.mchid, self.serial_no, self.verifier = mchid, serial_no.upper(), verifier
        self._key = load_private_key(private_key)

    def __repr__(self) -> str:
        return f"<PayAuth of {self.mchid}>"

    def sign(self, session: Session, request: Request) -> Flow[Request]:
        """Sign method, target and body exactly as they are sent; of an upload, the `meta` part alone."""
        body = request.signed if request.signed is not None else request.content or b""
        authorization = self.authorization(request.method, request.target, body, int(session.clock.time()))
        yield from ()  # nothing to wait for
        # Wechatpay-Serial asks for replies signed by the key we hold; without it they come signed by a certificate.
        return request.with_headers({"authorization": authorization, "wechatpay-serial": self.verifier.serial_no})

    def authorization(self, method: str, target: str, body: bytes, timestamp: int) -> str:
        """The value of the Authorization header (签名生成)."""
        nonce = secrets.token_hex(16)
        message = f"{method}\n{target}\n{timestamp}\n{nonce}\n".encode() + body + b"\n"
        return (
            f'{SCHEME} mchid="{self.mchid}",nonce_str="{nonce}",timestamp="{timestamp}",serial_no="{self.serial_no}",'
            f'signature="{rsa_sign(self._key, message)}"'
        )

    def check(self, session: Session, response: Response, call: str) -> None:
        """Verify a reply before it is read.

        Raises:
            SignatureError: WeChat Pay, or somebody in between, has answered: `may_have_arrived` is set, but for a GET.
        """
        try:
            self.verifier.verify(response.headers, response.content, session.clock.time(), call)
        except SignatureError as error:
            error.may_have_arrived = not call.startswith("GET ")
            raise
