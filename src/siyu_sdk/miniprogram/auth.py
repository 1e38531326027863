"""Stable tokens (获取稳定版接口调用凭据) and the app's secret. Clients do this by themselves; nobody needs to call it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ..core.call import Call, Flow, Local
from ..core.client import Session
from ..core.endpoint import POST
from ..core.errors import InputError
from ..core.exchange import NoAuth, RawReply, TokenAuth, exchange
from ..core.http import Request
from ..core.model import Reply
from ..core.run import Guarded
from ..core.tokens import Token, TokenSource, cache_key
from .resource import M, MiniProgramResource

FORCE_GAP: Final = 24 * 3600 / 20
"""Seconds between two forced refreshes: the platform allows 20 a day, and never two within 30 s."""


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
    def get(self, appid: str, secret: str, *, force_refresh: bool = False, grant_type: str = "client_credential") -> Call[StableToken]:
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


class StableTokenAuth(TokenAuth):
    """A stable token, renewed when it is refused.

    A stable token is shared by everybody who asks, so a refusal mostly means that somebody else has renewed it: asking again in normal
    mode gives the new one and costs nothing. Only where the platform hands out the very token that it refuses is a forced refresh
    the one way left. It ends the token for every other process and there are 20 a day, so one is made in 72 minutes at most; the mark
    of the last one is kept in the token cache, where all processes that share the cache see it. Until then the error tells.
    """

    def __init__(self, source: TokenSource, forced: Callable[[], Call[Any]]) -> None:
        super().__init__(source)
        self._forced = forced

    def refused(self, session: Session, request: Request) -> Flow[bool]:
        """Replace that token, unless somebody has replaced it already."""
        value = dict(request.secret_query).get(self.parameter, "")
        yield from Guarded(session.cache, self.source.key, lambda: self._renew(session, value))
        return True

    def _renew(self, session: Session, refused: str) -> Flow[None]:
        cache, key, now = session.cache, self.source.key, session.clock.time()
        yield from Local(cache.discard, key, refused, blocking=cache.blocking)
        held = yield from Local(cache.get, key, blocking=cache.blocking)
        if held is not None and held.fresh(now):
            return
        token = yield from self._fetch(session, self.source.request())
        if token.value == refused:
            mark = f"{key}:forced"
            last = yield from Local(cache.get, mark, blocking=cache.blocking)
            if last is None or not last.fresh(now):
                yield from Local(cache.put, mark, Token("", now + FORCE_GAP), blocking=cache.blocking)
                token = yield from self._fetch(session, self._forced())
        yield from Local(cache.put, key, token, blocking=cache.blocking)

    def _fetch(self, session: Session, call: Call[Any]) -> Flow[Token]:
        raw: RawReply[Any] = yield from exchange(session, call)
        return self.source.read(raw.reply, session.clock.time())


def token_auth(appid: str, secret: str) -> StableTokenAuth:
    """The token of one app."""
    if not appid or not secret:
        raise InputError("a mini-program needs appid and secret", "secret" if appid else "appid")

    def read(reply: StableToken, now: float) -> Token:
        return Token.living(reply.access_token, reply.expires_in, now)

    source = TokenSource(cache_key("miniprogram", appid, secret), lambda: Tokens.get(appid, secret), read)
    return StableTokenAuth(source, lambda: Tokens.get(appid, secret, force_refresh=True))
