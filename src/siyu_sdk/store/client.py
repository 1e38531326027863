"""The WeChat-store clients and their tree of resources."""

from __future__ import annotations

from functools import cached_property
from typing import Generic, Unpack, cast

from ..core.client import AsyncClient, Client, Options
from ..core.endpoint import Async, M, Sync
from ..core.http import AsyncHttpClient, HttpClient
from ..core.run import AsyncRunner, Runner
from .auth import token_auth
from .orders import Orders

HOST = "https://api.weixin.qq.com"


class StoreAPI(Generic[M]):
    """The chapters of the WeChat-store documentation."""

    @cached_property
    def orders(self) -> Orders[M]:
        """Orders (订单管理)."""
        return Orders(cast("Runner | AsyncRunner", self))


class Store(StoreAPI[Sync], Client):
    """A WeChat store, for threads: `with Store(appid, secret) as store: store.orders.get("3704612354559743232")`.

    `http` is an `httpx.Client` of your own; it stays yours to close.
    """

    platform, host = "store", HOST

    def __init__(self, appid: str, secret: str, *, http: HttpClient | None = None, **options: Unpack[Options]) -> None:
        self.appid = appid
        self._open(tenant=appid, auths={"access_token": token_auth(appid, secret)}, options=options, http=http)


class AsyncStore(StoreAPI[Async], AsyncClient):
    """A WeChat store, for tasks: `async with AsyncStore(appid, secret) as store: await store.orders.get("3704612354559743232")`.

    `http` is an `httpx.AsyncClient` of your own; it stays yours to close.
    """

    platform, host = "store", HOST

    def __init__(self, appid: str, secret: str, *, http: AsyncHttpClient | None = None, **options: Unpack[Options]) -> None:
        super().__init__()
        self.appid = appid
        self._open(tenant=appid, auths={"access_token": token_auth(appid, secret)}, options=options, http=http)
