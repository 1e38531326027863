"""Stable tokens (获取稳定版接口调用凭据) and the app's secret. Clients do this by themselves; nobody needs to call it."""

from __future__ import annotations

from ..core.call import Call, Flow
from ..core.client import Session
from ..core.endpoint import POST
from ..core.errors import InputError
from ..core.exchange import NoAuth, StableTokenAuth
from ..core.http import Request
from ..core.model import Reply, Secret
from ..core.tokens import Token, TokenSource, cache_key
from .resource import M, MiniProgramResource


class StableToken(Reply):
    """A token of a mini-program."""

    access_token: str
    expires_in: int = 7200
    """Seconds, 300 to 7200: the platform tells what is left."""


class Tokens(MiniProgramResource[M]):
    """Tokens (接口调用凭据)."""

    @POST(
        "/cgi-bin/stable_token",
        docs="https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-access-token/getStableAccessToken.html",
        auth="none",
        idempotent=True,
    )
    def get(self, appid: str, secret: Secret, *, force_refresh: bool = False, grant_type: str = "client_credential") -> Call[StableToken]:
        """Fetch the token of an app: the same one, to whoever asks, while it lives (获取稳定版接口调用凭据).

        `force_refresh=True` ends the present token for everybody: at most 20 times a day, 30 s apart; too early, it silently gives
        the present token. Raises AuthenticationError (40013, 40125) where appid or secret is wrong.
        """
        ...


class AppSecretAuth(NoAuth):
    """The app's id and secret in the query, where an endpoint wants them in place of a token."""

    def __init__(self, appid: str, secret: str) -> None:
        self.appid = appid
        self._secret = secret

    def sign(self, session: Session, request: Request) -> Flow[Request]:  # noqa: ARG002 -- the protocol's signature
        """Add them, kept apart from the call: a call can be printed and stored, a secret must not."""
        yield from ()  # nothing to wait for
        return request.with_secret("appid", self.appid).with_secret("secret", self._secret)


def token_auth(appid: str, secret: str) -> StableTokenAuth:
    """The token of one app."""
    if not appid or not secret:
        raise InputError("a mini-program needs appid and secret", "secret" if appid else "appid")

    def read(reply: StableToken, now: float) -> Token:
        return Token.living(reply.access_token, reply.expires_in, now)

    return StableTokenAuth(
        TokenSource(
            cache_key("miniprogram", appid, secret),
            lambda: Tokens.get(appid, secret),
            read,
            lambda: Tokens.get(appid, secret, force_refresh=True),
        )
    )
