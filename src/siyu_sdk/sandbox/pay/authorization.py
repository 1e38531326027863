"""How WeChat Pay checks who calls: the Authorization header, verified for real."""

from __future__ import annotations

import re

from ...core.crypto import rsa_verify
from ...core.errors import SignatureError
from ..keys import keys
from ..platform import Request
from ..world import World
from .errors import plain

_SCHEME = "WECHATPAY2-SHA256-RSA2048 "
_TOLERANCE = 300


class Authorizations:
    """Verifies one merchant's requests: scheme, ids, time within five minutes, nonce used once, signature over the bytes as sent."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._nonces: dict[str, float] = {}

    def check(self, request: Request) -> None:
        """SIGN_ERROR (401) with the reason; PARAM_ERROR where Wechatpay-Serial names a key that is not the merchant's."""
        header = request.headers.get("authorization", "")
        if not header.startswith(_SCHEME):
            raise plain("SIGN_ERROR", "Authorization is missing or of another scheme")
        given = dict(re.findall(r'(\w+)="([^"]*)"', header))
        ids, now = self._world.credentials, self._world.clock.time()
        if given.get("mchid") != ids.mchid or given.get("serial_no") != ids.serial_no:
            raise plain("SIGN_ERROR", "mchid or serial_no is unknown")
        timestamp, nonce = given.get("timestamp", ""), given.get("nonce_str", "")
        if not timestamp.isdigit() or abs(int(timestamp) - now) > _TOLERANCE:
            raise plain("SIGN_ERROR", "the timestamp lies more than five minutes away")
        if not nonce or nonce in self._nonces:
            raise plain("SIGN_ERROR", "the nonce is missing or was used before")
        lines = (request.method.encode(), request.target.encode(), timestamp.encode(), nonce.encode(), request.body, b"")
        try:
            rsa_verify(keys().merchant.public_key(), b"\n".join(lines), given.get("signature", ""))
        except SignatureError:
            raise plain("SIGN_ERROR", "the signature does not fit the request") from None
        self._remember(nonce, now)
        serial = request.headers.get("wechatpay-serial")
        if serial and serial not in (ids.public_key_id, ids.certificate_serial_no):
            raise plain("PARAM_ERROR", "Wechatpay-Serial names no key of this merchant")

    def _remember(self, nonce: str, now: float) -> None:
        if len(self._nonces) > 50_000:
            self._nonces = {old: at for old, at in self._nonces.items() if now - at < 2 * _TOLERANCE}
        self._nonces[nonce] = now
