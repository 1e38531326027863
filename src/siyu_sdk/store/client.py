"""The WeChat-store clients and their tree of resources."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Generic, Unpack, cast

from ..core.client import AsyncClient, Client, Options
from ..core.endpoint import Async, M, Sync
from ..core.http import AsyncHttpClient, HttpClient
from ..core.run import AsyncRunner, Runner
from ..weixin.credentials import Credential, credential
from .orders import Orders

if TYPE_CHECKING:  # who speaks for one account needs it never
    from .auth import Components

HOST = "https://api.weixin.qq.com"


class StoreAPI(Generic[M]):
    """The chapters of the WeChat-store documentation."""

    @cached_property
    def components(self) -> Components[M]:
        """Third-party platforms (第三方平台)."""
        from .auth import Components

        return Components(cast("Runner | AsyncRunner", self))

    @cached_property
    def orders(self) -> Orders[M]:
        """Orders (订单管理)."""
        return Orders(cast("Runner | AsyncRunner", self))


class Store(StoreAPI[Sync], Client):
    """A WeChat store, for threads: `with Store(appid, secret) as store: store.orders.get("3704612354559743232")`.

    In place of the appid it takes any credential of `siyu_sdk.weixin.credentials`. `http` is an `httpx.Client` of your own; it stays yours
    to close.
    """

    platform, host = "store", HOST

    def __init__(self, appid: str | Credential, secret: str = "", *, http: HttpClient | None = None, **options: Unpack[Options]) -> None:
        right = credential(appid, secret)
        self.appid = right.tenant
        self._open(tenant=right.tenant, auths=right.auths(), options=options, http=http)


class AsyncStore(StoreAPI[Async], AsyncClient):
    """A WeChat store, for tasks: `async with AsyncStore(appid, secret) as store: await store.orders.get("3704612354559743232")`.

    In place of the appid it takes any credential of `siyu_sdk.weixin.credentials`. `http` is an `httpx.AsyncClient` of your own; it stays
    yours to close.
    """

    platform, host = "store", HOST

    def __init__(
        self, appid: str | Credential, secret: str = "", *, http: AsyncHttpClient | None = None, **options: Unpack[Options]
    ) -> None:
        super().__init__()
        right = credential(appid, secret)
        self.appid = right.tenant
        self._open(tenant=right.tenant, auths=right.auths(), options=options, http=http)
