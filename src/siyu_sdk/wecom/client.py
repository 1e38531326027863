"""The WeCom clients and their tree of resources."""

from __future__ import annotations

from functools import cached_property
from typing import Generic, Unpack, cast

from ..core.client import AsyncClient, AsyncHttpxTransport, Client, HttpxTransport, Options
from ..core.endpoint import Async, M, Sync
from ..core.errors import InputError
from ..core.exchange import Auth, TokenAuth
from ..core.http import AsyncHttpClient, HttpClient
from ..core.run import AsyncRunner, Runner
from ..core.tokens import Token, TokenSource, cache_key
from .auth import AccessToken, Tokens
from .customers import Customers
from .mass_messages import MassMessages
from .media import Media
from .members import Members
from .tags import CorpTags

HOST = "https://qyapi.weixin.qq.com"


class WeComAPI(Generic[M]):
    """The chapters of the WeCom documentation."""

    @cached_property
    def customers(self) -> Customers[M]:
        """Customers (客户管理)."""
        return Customers(cast("Runner | AsyncRunner", self))

    @cached_property
    def tags(self) -> CorpTags[M]:
        """Tags of the company for customers (企业客户标签)."""
        return CorpTags(cast("Runner | AsyncRunner", self))

    @cached_property
    def mass_messages(self) -> MassMessages[M]:
        """Messages to many customers, sent by members (企业群发)."""
        return MassMessages(cast("Runner | AsyncRunner", self))

    @cached_property
    def members(self) -> Members[M]:
        """Members of the company (成员管理)."""
        return Members(cast("Runner | AsyncRunner", self))

    @cached_property
    def media(self) -> Media[M]:
        """Temporary files (素材管理)."""
        return Media(cast("Runner | AsyncRunner", self))


def token_source(corpid: str, corpsecret: str) -> TokenSource:
    """The token of one app: its cache key tells apps of one company apart."""
    if not corpid or not corpsecret:
        raise InputError("WeCom needs corpid and corpsecret (the secret of one app)", "corpsecret" if corpid else "corpid")

    def read(reply: AccessToken, now: float) -> Token:
        return Token.living(reply.access_token, reply.expires_in, now)

    return TokenSource(cache_key("wecom", corpid, corpsecret), lambda: Tokens.get(corpid, corpsecret), read)


def _auths(corpid: str, corpsecret: str) -> dict[str, Auth]:
    return {"access_token": TokenAuth(token_source(corpid, corpsecret))}


class WeCom(WeComAPI[Sync], Client):
    """WeCom, for threads: `with WeCom(corpid, corpsecret) as wecom: wecom.customers.get("wm…")`.

    `agentid` is for what is sent as an app. `http` is an `httpx.Client` of your own; it stays yours to close.
    """

    platform, host = "wecom", HOST

    def __init__(
        self, corpid: str, corpsecret: str, *, agentid: int | None = None, http: HttpClient | None = None, **options: Unpack[Options]
    ) -> None:
        self.corpid, self.agentid = corpid, agentid
        self._open(tenant=corpid, auths=_auths(corpid, corpsecret), options=options, transport=HttpxTransport(http))


class AsyncWeCom(WeComAPI[Async], AsyncClient):
    """WeCom, for tasks: `async with AsyncWeCom(corpid, corpsecret) as wecom: await wecom.customers.get("wm…")`.

    `agentid` is for what is sent as an app. `http` is an `httpx.AsyncClient` of your own; it stays yours to close.
    """

    platform, host = "wecom", HOST

    def __init__(
        self, corpid: str, corpsecret: str, *, agentid: int | None = None, http: AsyncHttpClient | None = None, **options: Unpack[Options]
    ) -> None:
        super().__init__()
        self.corpid, self.agentid = corpid, agentid
        self._open(tenant=corpid, auths=_auths(corpid, corpsecret), options=options, transport=AsyncHttpxTransport(http))
