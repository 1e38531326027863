"""Login (小程序登录)."""

from __future__ import annotations

from pydantic import Field

from ..core.call import Call
from ..core.endpoint import GET
from ..core.model import Reply, Secret
from .resource import M, MiniProgramResource


class LoginSession(Reply):
    """Who has logged in."""

    openid: str
    unionid: str | None = None
    """Only where the app is bound to an open-platform account (开放平台)."""
    session_key: str = Field(repr=False)
    """Decrypts and signs what this customer's client sends. A secret: keep it on the server."""


class Login(MiniProgramResource[M]):
    """Login (小程序登录)."""

    @GET(
        "/sns/jscode2session",
        docs="https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/code2Session.html",
        auth="app_secret",
        idempotent=False,
    )
    def session(self, js_code: Secret, *, grant_type: str = "authorization_code") -> Call[LoginSession]:
        """Turn the code of `wx.login` into openid, unionid and session key (小程序登录 code2Session).

        The client adds its appid and secret. A code lives 5 minutes and works once, so an unknown outcome is not tried again: let the
        client log in anew. At most 100 logins a customer a minute.
        Raises AuthenticationError (40029: no such code; 40163: used before) and RateLimited (45011).
        """
        ...
