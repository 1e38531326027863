"""The mini-program clients and their tree of resources."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Generic, Unpack, cast

from ..core.client import AsyncClient, Client, Options
from ..core.endpoint import Async, M, Sync
from ..core.errors import InputError
from ..core.exchange import Auth
from ..core.http import AsyncHttpClient, HttpClient
from ..core.run import AsyncRunner, Runner
from .auth import AppSecretAuth, token_auth
from .component import Components, Credential
from .login import Login
from .shipping import Shipping

HOST = "https://api.weixin.qq.com"


class MiniProgramAPI(Generic[M]):
    """The chapters of the mini-program documentation."""

    @cached_property
    def login(self) -> Login[M]:
        """Login (小程序登录)."""
        return Login(cast("Runner | AsyncRunner", self))

    @cached_property
    def components(self) -> Components[M]:
        """Third-party platforms (第三方平台)."""
        return Components(cast("Runner | AsyncRunner", self))

    @cached_property
    def shipping(self) -> Shipping[M]:
        """Shipping information of orders (发货信息管理)."""
        return Shipping(cast("Runner | AsyncRunner", self))


def _auths(appid: str | Credential, secret: str) -> tuple[str, Mapping[str, Auth]]:
    if isinstance(appid, str):
        return appid, {"access_token": token_auth(appid, secret), "app_secret": AppSecretAuth(appid, secret)}
    if secret:
        raise InputError("secret: a credential says all by itself", "secret")
    return appid.appid, appid.auths()


class MiniProgram(MiniProgramAPI[Sync], Client):
    """A mini-program, for threads: `with MiniProgram(appid, secret) as miniprogram: miniprogram.login.session(js_code)`.

    In place of the appid it takes a credential of `siyu_sdk.miniprogram.component`. `http` is an `httpx.Client` of your own; it stays
    yours to close.
    """

    platform, host = "miniprogram", HOST

    def __init__(self, appid: str | Credential, secret: str = "", *, http: HttpClient | None = None, **options: Unpack[Options]) -> None:
        self.appid, auths = _auths(appid, secret)
        self._open(tenant=self.appid, auths=auths, options=options, http=http)


class AsyncMiniProgram(MiniProgramAPI[Async], AsyncClient):
    """A mini-program, for tasks: `async with AsyncMiniProgram(appid, secret) as miniprogram: await miniprogram.login.session(js_code)`.

    In place of the appid it takes a credential of `siyu_sdk.miniprogram.component`. `http` is an `httpx.AsyncClient` of your own; it stays
    yours to close.
    """

    platform, host = "miniprogram", HOST

    def __init__(
        self, appid: str | Credential, secret: str = "", *, http: AsyncHttpClient | None = None, **options: Unpack[Options]
    ) -> None:
        super().__init__()
        self.appid, auths = _auths(appid, secret)
        self._open(tenant=self.appid, auths=auths, options=options, http=http)
