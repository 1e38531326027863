"""Credentials and addresses of the platform (获取access_token, 获取企业微信服务器IP段). Clients fetch tokens by themselves."""

from __future__ import annotations

from ..core.call import Call
from ..core.endpoint import GET
from ..core.model import Reply, Secret
from .resource import M, WeComResource


class AccessToken(Reply):
    """A token of one app."""

    access_token: Secret = ""
    expires_in: int = 7200
    """Seconds; the platform may end a token earlier."""


class MassCallTicket(Reply):
    """What lets a newly authorised third-party app call more often for a while."""

    mass_call_ticket: Secret = ""


class IpList(Reply):
    """Addresses of the platform; they change now and then."""

    ip_list: tuple[str, ...] = ()
    """Single addresses, or ranges such as `101.226.103.*` and `101.226.103.0/25`."""


class Tokens(WeComResource[M]):
    """Tokens (access_token)."""

    @GET("/cgi-bin/gettoken", docs=91039, auth="none")
    def get(self, corpid: str, corpsecret: Secret) -> Call[AccessToken]:
        """Fetch a token for one app (获取access_token).

        Every app has a secret, and so a token, of its own. Frequent fetching is blocked by the platform: clients cache.
        Raises AuthenticationError (40001, 40013) where the secret or the corpid is wrong: a refresh cannot help then.
        """
        ...

    @GET("/cgi-bin/corp/apply_mass_call_ticket", docs=96168, idempotent=False)
    def apply_mass_call_ticket(self) -> Call[MassCallTicket]:
        """Ask for a ticket for many calls at once (获取接口高频调用凭据).

        For a provider's apps, within 3 months of a company's authorisation. A company has one, once, and it lives 7 days.
        """
        ...


class Servers(WeComResource[M]):
    """Addresses of the platform, for firewalls (企业微信服务器IP段). Read them anew once a day."""

    @GET("/cgi-bin/get_api_domain_ip", docs=92520)
    def api_ips(self) -> Call[IpList]:
        """List the addresses behind qyapi.weixin.qq.com, for your outgoing calls (获取企业微信接口IP段)."""
        ...

    @GET("/cgi-bin/getcallbackip", docs=92521)
    def callback_ips(self) -> Call[IpList]:
        """List the addresses that callbacks come from, for your incoming ones (获取企业微信回调IP段)."""
        ...
