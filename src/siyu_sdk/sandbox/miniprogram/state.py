"""What the fake mini-program platform remembers.

Simulated: stable tokens with their overlap and forced refresh, one-time login codes, the order list of 发货信息管理 with its cursor, and
the rules of uploading shipping info, the one chance to ship again included. Not simulated: /cgi-bin/token, phone numbers, QR codes,
subscribe messages, settlement.
"""

from __future__ import annotations

import base64

from attrs import define

from ..platform import JsonPlatform
from ..world import Order, World
from .errors import TABLE, refusal

CODE_LIFE = 300
UNKNOWN_FOR = 10
"""Seconds for which an order is not known yet after it was paid."""


@define
class LoginCode:
    """What wx.login gave a user."""

    openid: str
    expires: float
    used: bool = False


class MiniProgramPlatform(JsonPlatform["MiniProgramPlatform"]):
    """The state of the fake mini-program platform."""

    name = "miniprogram"

    def __init__(self, world: World) -> None:
        from .routes import router

        super().__init__(world, router, TABLE)
        self.appid = world.credentials.miniprogram_appid
        self.secret = world.credentials.miniprogram_secret
        self.codes: dict[str, LoginCode] = {}

    def login_code(self, openid: str) -> str:
        """What wx.login would give this user: good for one jscode2session within five minutes. KeyError for an unknown openid."""
        with self.world.lock:
            if self.world.by_openid[openid].miniprogram_openid != openid:
                raise KeyError(openid)
            code = self.world.dice.token(32, "code", openid, len(self.codes))
            self.codes[code] = LoginCode(openid, self.world.clock.time() + CODE_LIFE)
            return code

    def session_key(self, openid: str) -> str:
        """The user's session key: base64 of 16 bytes, the same at every login."""
        return base64.b64encode(self.world.dice.token(16, "session", openid).encode()).decode()

    @property
    def orders(self) -> list[Order]:
        """Oldest first."""
        return self.world.orders["miniprogram"]

    def find(self, transaction_id: str, mchid: str, out_trade_no: str) -> Order:
        """By transaction id, or by merchant and merchant's number; 10060001 where there is none (yet)."""
        by_number = out_trade_no if mchid == self.world.credentials.mchid else ""
        order = self.world.order_numbers.get(transaction_id or by_number)
        if order is None or order.channel != self.name or order.paid_at > self.world.clock.time() - UNKNOWN_FOR:
            raise refusal(10060001)
        return order
