"""Who opened the page (身份验证): OAuth login, the second factor, and login in a mini-program."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlencode

from pydantic import Field

from ..core.call import Call
from ..core.endpoint import GET, POST
from ..core.errors import InputError
from ..core.model import Reply, Secret, WireModel
from .members import GenderText
from .resource import M, WeComResource

Scope = Literal["snsapi_base", "snsapi_privateinfo"]
"""Silently, for the id alone; or with the member's consent, for a `user_ticket` too."""

LONGEST_STATE = 128


def authorize_url(corpid: str, redirect_uri: str, *, agentid: int, scope: Scope = "snsapi_base", state: str = "") -> str:
    """Make the address that a page inside WeCom sends its visitor to (构造网页授权链接).

    The visitor comes back to `redirect_uri` with `code` and `state` in its query. Its domain must be a trusted one of the app. `state` has
    letters and digits alone, at most 128: a random value that is checked on return keeps others from logging a visitor in as themselves.
    """
    return (
        "https://open.weixin.qq.com/connect/oauth2/authorize?"
        + urlencode(
            {
                "appid": corpid,
                "redirect_uri": redirect_uri,
                "response_type": "code",
                "scope": scope,
                "state": _state(state),
                "agentid": agentid,
            }
        )
        + "#wechat_redirect"
    )


def login_url(corpid: str, redirect_uri: str, *, agentid: int, state: str = "") -> str:
    """Make the address of the QR-code login of a website outside WeCom (构造企业微信登录链接). It comes back like `authorize_url`."""
    query = {"login_type": "CorpApp", "appid": corpid, "agentid": agentid, "redirect_uri": redirect_uri, "state": _state(state)}
    return "https://login.work.weixin.qq.com/wwlogin/sso/login?" + urlencode(query)


def _state(state: str) -> str:
    if state and not (state.isascii() and state.isalnum() and len(state) <= LONGEST_STATE):
        raise InputError(f"state: letters and digits, at most {LONGEST_STATE}", "state")
    return state


class Visitor(Reply):
    """Who opened the page: a member has `userid`, a customer `external_userid`, anybody else `openid` alone (访问用户身份)."""

    userid: str | None = None
    user_ticket: Secret | None = None
    """For `get_detail`, of a member who consented (`snsapi_privateinfo`). Lives 30 minutes."""
    openid: str | None = None
    external_userid: str | None = None


class VisitorDetail(Reply):
    """What the member agreed to show (访问用户敏感信息)."""

    userid: str
    gender: GenderText | None = None
    avatar: str | None = None
    qr_code: str | None = None
    """Address of the QR code that adds the member as a contact."""
    mobile: str | None = None
    email: str | None = None
    biz_mail: str | None = None
    address: str | None = None


class Parent(WireModel):
    """A parent, in one of the schools that they belong to."""

    corpid: str = ""
    parent_userid: str = ""


class OldVisitor(Reply):
    """Who opened the page, as the older path tells it."""

    userid: str | None = Field(None, alias="UserId")
    openid: str | None = Field(None, alias="OpenId")
    device_id: str | None = Field(None, alias="DeviceId")
    external_userid: str | None = None
    parents: tuple[Parent, ...] = ()


class SecondFactor(Reply):
    """A member who has to pass a second factor."""

    userid: str
    tfa_code: Secret
    """For `pass_tfa`; lives 5 minutes, and works once."""


class MiniProgramSession(Reply):
    """A member's login in a mini-program (小程序登录)."""

    corpid: str | None = None
    """The member's company; None where it is a transferred session."""
    userid: str = ""
    session_key: Secret = ""


class OAuth(WeComResource[M]):
    """Who opened the page (身份验证)."""

    @GET("/cgi-bin/auth/getuserinfo", docs=91023, idempotent=False)
    def get(self, code: Secret) -> Call[Visitor]:
        """Find out who opened the page (获取访问用户身份).

        `code` comes from `authorize_url` or `login_url`, works once and lives 5 minutes: AuthenticationError (40029, 42003, 42022) after
        that; send the visitor through the login again. A member outside the app's visible range raises PermissionDenied (50002).
        """
        ...

    @POST("/cgi-bin/auth/getuserdetail", docs=95833, idempotent=True)
    def get_detail(self, user_ticket: Secret) -> Call[VisitorDetail]:
        """Fetch what a member agreed to show (获取访问用户敏感信息).

        Only what the member ticked is filled. Raises AuthenticationError (84014, 84015) where the ticket is over.
        """
        ...

    @GET("/cgi-bin/user/getuserinfo", docs=91023, idempotent=False)
    def get_old(self, code: Secret) -> Call[OldVisitor]:
        """Find out who opened the page, by the older path (获取访问用户身份). New code takes `get`."""
        ...

    @POST("/cgi-bin/auth/get_tfa_info", docs=99499)
    def get_tfa(self, code: Secret) -> Call[SecondFactor]:
        """Find out which member has to pass the second factor (获取用户二次验证信息).

        `code` comes with the visit to the page that the company set up for the second factor; it works once and lives 5 minutes.
        """
        ...

    @GET("/cgi-bin/user/authsucc", docs=90203)
    def pass_login(self, userid: str) -> Call[Reply]:
        """Let a member in who passed your check at the first login (登录二次验证)."""
        ...

    @POST("/cgi-bin/user/tfa_succ", docs=99500)
    def pass_tfa(self, userid: str, tfa_code: Secret) -> Call[Reply]:
        """Let a member in who passed your second factor (使用二次验证). `tfa_code` comes from `get_tfa`."""
        ...


class MiniProgramLogins(WeComResource[M]):
    """Login of members in a mini-program that runs inside WeCom (小程序登录)."""

    @GET("/cgi-bin/miniprogram/jscode2session", docs=91507, idempotent=False)
    def get(self, js_code: Secret, *, grant_type: str = "authorization_code") -> Call[MiniProgramSession]:
        """Turn the code of `wx.qy.login` into the member and their session (临时登录凭证校验code2Session).

        The mini-program must be bound to the app whose token is used. A code works once: AuthenticationError (40029).
        """
        ...

    @POST("/cgi-bin/miniprogram/transfer_session", docs=93355, idempotent=True)
    def transfer(self, userid: Annotated[str, Field(min_length=1)], session_key: Secret) -> Call[MiniProgramSession]:
        """Turn the session of a downstream company's member into the one inside that company (获取下级/下游企业小程序session).

        To be called with the token of the downstream company (`corpgroup` gives it); `userid` and `session_key` come from `get`.
        """
        ...
