"""Pages inside WeCom that call its functions (JS-SDK): the signatures they need, made on the server.

A page calls `wx.config` with the company's signature, then `wx.agentConfig` with the app's: each has a ticket of its own, fetched, kept and
renewed like a token. Only signatures leave the server, never a ticket.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any, cast
from urllib.parse import urlsplit

from attrs import frozen

from ..core.call import Flow
from ..core.client import Session
from ..core.crypto import jssdk_signature
from ..core.endpoint import flow
from ..core.errors import InputError, UsageError
from ..core.exchange import ticket
from .resource import M, WeComResource
from .tickets import Tickets


@frozen
class PageSignature:
    """What one page calls `wx.config` or `wx.agentConfig` with."""

    corpid: str
    timestamp: int
    nonce: str
    signature: str
    url: str
    """What was signed: the page's address without the fragment."""
    agentid: int | None = None
    """Of `agent_config`."""

    def to_js(self, js_api_list: Iterable[str]) -> dict[str, Any]:
        """Give the object for the page; `js_api_list` are the functions that it uses, such as `getCurExternalContact`."""
        signed = {"timestamp": self.timestamp, "nonceStr": self.nonce, "signature": self.signature, "jsApiList": list(js_api_list)}
        if self.agentid is None:
            return {"beta": True, "debug": False, "appId": self.corpid, **signed}
        return {"corpid": self.corpid, "agentid": str(self.agentid), **signed}


class JsSdk(WeComResource[M]):
    """Signatures of pages (JS-SDK使用权限签名算法)."""

    @flow
    def config(self, url: str) -> Flow[PageSignature]:
        """Sign a page for `wx.config` (通过config接口注入权限验证配置).

        `url` is the page's whole address as the browser has it, with its query; a fragment is cut off. Its domain must be a trusted one
        of the app.
        """
        page = _page(url)
        value = yield from ticket(self._session, Tickets.jsapi())
        return self._sign(value, page)

    @flow
    def agent_config(self, url: str) -> Flow[PageSignature]:
        """Sign a page for `wx.agentConfig` (通过agentConfig注入应用的权限). Needs a client with `agentid`; otherwise as `config`."""
        agentid = cast("Any", self.client).agentid
        if agentid is None:
            raise UsageError("agent_config signs for one app: make the client with agentid=…")
        page = _page(url)
        value = yield from ticket(self._session, Tickets.agent_config())
        return self._sign(value, page, agentid)

    @property
    def _session(self) -> Session:
        return cast("Session", cast("Any", self.client).session)

    def _sign(self, value: str, page: str, agentid: int | None = None) -> PageSignature:
        now, nonce = int(self.client.clock.time()), secrets.token_hex(8)
        return PageSignature(cast("Any", self.client).corpid, now, nonce, jssdk_signature(value, nonce, now, page), page, agentid)


def _page(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or any(letter.isspace() for letter in url):
        raise InputError(f"url: the whole address of the page is signed, https://…; got {url[:80]!r}", "url")
    return url.partition("#")[0]
