"""The mini-program clients and their tree of resources."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Generic, Unpack, cast

from ..core.client import AsyncClient, Client, Options
from ..core.endpoint import Async, M, Sync
from ..core.http import AsyncHttpClient, HttpClient
from ..core.run import AsyncRunner, Runner
from ..weixin.credentials import Credential, credential
from .login import Login
from .shipping import Shipping

if TYPE_CHECKING:  # who speaks for one account needs it never
    from .auth import Components

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
        from .auth import Components

        return Components(cast("Runner | AsyncRunner", self))

    @cached_property
    def shipping(self) -> Shipping[M]:
        """Shipping information of orders (发货信息管理)."""
        return Shipping(cast("Runner | AsyncRunner", self))


class MiniProgram(MiniProgramAPI[Sync], Client):
    """A mini-program, for threads: `with MiniProgram(appid, secret) as miniprogram: miniprogram.login.session(js_code)`.

    In place of the appid it takes any credential of `siyu_sdk.weixin.credentials`. `http` is an `httpx.Client` of your own; it stays
    yours to close.
    """

    platform, host = "miniprogram", HOST

    def __init__(self, appid: str | Credential, secret: str = "", *, http: HttpClient | None = None, **options: Unpack[Options]) -> None:
        right = credential(appid, secret)
        self.appid = right.tenant
        self._open(tenant=right.tenant, auths=right.auths(), options=options, http=http)


class AsyncMiniProgram(MiniProgramAPI[Async], AsyncClient):
    """A mini-program, for tasks: `async with AsyncMiniProgram(appid, secret) as miniprogram: await miniprogram.login.session(js_code)`.

    In place of the appid it takes any credential of `siyu_sdk.weixin.credentials`. `http` is an `httpx.AsyncClient` of your own; it stays
    yours to close.
    """

    platform, host = "miniprogram", HOST

    def __init__(
        self, appid: str | Credential, secret: str = "", *, http: AsyncHttpClient | None = None, **options: Unpack[Options]
    ) -> None:
        super().__init__()
        right = credential(appid, secret)
        self.appid = right.tenant
        self._open(tenant=right.tenant, auths=right.auths(), options=options, http=http)
