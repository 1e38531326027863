"""Tickets of the JS-SDK (JS-SDK使用权限签名算法): what page signatures are made of."""

from __future__ import annotations

from ..core.call import Call
from ..core.endpoint import GET
from ..core.model import Reply, Secret
from .resource import M, WeComResource


class Ticket(Reply):
    """A ticket. Keep it on the server: whoever has it can sign pages."""

    ticket: Secret = ""
    expires_in: int = 7200
    """Seconds."""


class Tickets(WeComResource[M]):
    """Tickets of the JS-SDK (jsapi_ticket). The two kinds do not stand in for each other.

    Cache them: a company may fetch 400 an hour, each of its apps 100.
    """

    @GET("/cgi-bin/get_jsapi_ticket", docs=90506)
    def jsapi(self) -> Call[Ticket]:
        """Fetch the company's ticket, for `wx.config` (获取企业的jsapi_ticket)."""
        ...

    @GET("/cgi-bin/ticket/get", docs=90506)
    def agent_config(self, *, type: str = "agent_config") -> Call[Ticket]:
        """Fetch the app's own ticket, for `wx.agentConfig` (获取应用的jsapi_ticket)."""
        ...
