"""Stable tokens (获取稳定版接口调用凭据): declared once, for every platform of api.weixin.qq.com."""

from __future__ import annotations

from ..core.call import Call
from ..core.endpoint import POST, M, Resource
from ..core.model import Reply, Secret


class StableToken(Reply):
    """A token of an account."""

    access_token: Secret = ""
    expires_in: int = 7200
    """Seconds, 300 to 7200: the platform tells what is left."""


class StableTokens(Resource[M]):
    """Tokens (接口调用凭据)."""

    @POST(
        "/cgi-bin/stable_token",
        docs="https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-access-token/getStableAccessToken.html",
        auth="none",
        idempotent=True,
    )
    def get(self, appid: str, secret: Secret, *, force_refresh: bool = False, grant_type: str = "client_credential") -> Call[StableToken]:
        """Fetch the token of an account: the same one, to whoever asks, while it lives (获取稳定版接口调用凭据).

        `force_refresh=True` ends the present token for everybody: at most 20 times a day, 30 s apart; too early, it silently gives
        the present token. Raises AuthenticationError (40013, 40125) where appid or secret is wrong.
        """
        ...
