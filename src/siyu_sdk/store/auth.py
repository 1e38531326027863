"""Stable tokens (获取稳定版接口调用凭据) of a store. Clients do this by themselves; nobody needs to call it."""

from __future__ import annotations

from ..core.call import Call
from ..core.endpoint import POST
from ..core.errors import InputError
from ..core.exchange import StableTokenAuth
from ..core.model import Reply, Secret
from ..core.tokens import Token, TokenSource, cache_key
from .resource import M, StoreResource


class StableToken(Reply):
    """A token of a store."""

    access_token: str
    expires_in: int = 7200
    """Seconds, 300 to 7200: the platform tells what is left."""


class Tokens(StoreResource[M]):
    """Tokens (接口调用凭据)."""

    @POST(
        "/cgi-bin/stable_token",
        docs="https://developers.weixin.qq.com/doc/store/shop/API/basics/getStableAccessToken.html",
        auth="none",
        idempotent=True,
    )
    def get(self, appid: str, secret: Secret, *, force_refresh: bool = False, grant_type: str = "client_credential") -> Call[StableToken]:
        """Fetch the token of a store: the same one, to whoever asks, while it lives (获取稳定版接口调用凭据).

        `force_refresh=True` ends the present token for everybody: at most 20 times a day, 30 s apart; too early, it silently gives
        the present token. Raises AuthenticationError (40013, 40125) where appid or secret is wrong.
        """
        ...


def token_auth(appid: str, secret: str) -> StableTokenAuth:
    """The token of one store."""
    if not appid or not secret:
        raise InputError("a store needs appid and secret", "secret" if appid else "appid")

    def read(reply: StableToken, now: float) -> Token:
        return Token.living(reply.access_token, reply.expires_in, now)

    return StableTokenAuth(
        TokenSource(
            cache_key("store", appid, secret),
            lambda: Tokens.get(appid, secret),
            read,
            lambda: Tokens.get(appid, secret, force_refresh=True),
        )
    )
