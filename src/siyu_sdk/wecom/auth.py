"""Getting a token (获取access_token). Clients do it by themselves; nobody needs to call it."""

from __future__ import annotations

from ..core.call import Call
from ..core.endpoint import GET
from ..core.model import Reply, Secret
from .resource import M, WeComResource


class AccessToken(Reply):
    """A token of one app."""

    access_token: str = ""
    expires_in: int = 7200
    """Seconds; the platform may end a token earlier."""


class Tokens(WeComResource[M]):
    """Tokens (access_token)."""

    @GET("/cgi-bin/gettoken", docs=91039, auth="none")
    def get(self, corpid: str, corpsecret: Secret) -> Call[AccessToken]:
        """Fetch a token for one app (获取access_token).

        Every app has a secret, and so a token, of its own. Frequent fetching is blocked by the platform: clients cache.
        Raises AuthenticationError (40001, 40013) where the secret or the corpid is wrong: a refresh cannot help then.
        """
        ...
