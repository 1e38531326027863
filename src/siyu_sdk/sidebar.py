"""The sidebar of a chat (聊天工具栏): who looks, and what they may see.

A page in the sidebar learns from the browser which customer the chat is with, and a browser can be made to say anything. So the member is
taken from OAuth, and the platform is asked whether that member follows that customer, before a word about the customer is told.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Any, cast

from attrs import field, frozen

from .core.call import Call, Flow
from .core.endpoint import M, flow
from .core.errors import InputError, InvalidArgument, NotAllowed, NotFound, UsageError
from .helper import Helper
from .wecom.customers import CustomerDetail, Customers, ExternalContact, FollowUser
from .wecom.oauth import OAuth, Scope, authorize_url

CODE_OF_ANOTHER_SUBJECT = 40096


@frozen
class Login:
    """A login that has begun. Keep `state` in the visitor's session until they come back."""

    url: str
    """Where to send the visitor."""
    state: str = field(repr=False)

    def matches(self, state: str | None) -> bool:
        """Whether the visitor came back with the state that they left with: else somebody else's login was slipped to them."""
        return same_state(self.state, state)


def same_state(kept: str | None, returned: str | None) -> bool:
    """Compare the state of a session with the one that came back, in constant time; none is none's equal."""
    return bool(kept) and bool(returned) and hmac.compare_digest((kept or "").encode(), (returned or "").encode("utf-8", "replace"))


@frozen
class Profile:
    """A customer, as one member may see them."""

    userid: str
    """The member who looks."""
    customer: ExternalContact
    follow: FollowUser
    """What this member noted about the customer; nothing of other members."""

    @property
    def tags(self) -> tuple[str, ...]:
        """The names of the tags that this member gave the customer, personal ones too."""
        return tuple(tag.tag_name for tag in self.follow.tags if tag.tag_name)


class Sidebar(Helper[M]):
    """What a page in the sidebar of a chat needs from the server."""

    def login(self, redirect_uri: str, *, scope: Scope = "snsapi_base") -> Login:
        """Begin a login: an address for the visitor, and a random state to keep (构造网页授权链接)."""
        wecom = cast("Any", self.client).wecom
        if wecom is None or wecom.agentid is None:
            raise UsageError("login() needs a hub with wecom=WeCom(…, agentid=…)")
        state = secrets.token_hex(16)
        return Login(authorize_url(wecom.corpid, redirect_uri, agentid=wecom.agentid, scope=scope, state=state), state)

    @flow
    def member(self, code: str) -> Flow[str]:
        """Find out which member came back with this code, once; keep the id in a session that the browser cannot change.

        Raises:
            NotAllowed: the visitor is no member of the company.
        """
        visitor = yield from OAuth.get(code)
        if not visitor.userid:
            raise NotAllowed("the visitor is no member of the company")
        return visitor.userid

    @flow
    def profile(self, external_userid: str, *, code: str | None = None, userid: str | None = None) -> Flow[Profile]:
        """Tell a member about a customer whom they follow.

        The member comes from the `code` of this visit, or from your own signed session as `userid`: never from the page. What is refused
        does not tell whether the customer exists.

        Raises:
            NotAllowed: the visitor is no member, or the member does not follow this customer.
        """
        if (code is None) == (userid is None):
            raise InputError("give code (of this visit) or userid (of your own session), one of them", "code")
        if not external_userid:
            raise InputError("external_userid is empty", "external_userid")
        member = userid if userid is not None else (yield from Sidebar.member(code or ""))
        call: Call[CustomerDetail] | None = Customers.get(external_userid)
        while call is not None:
            try:
                detail = yield from call
            except NotFound:
                break
            except InvalidArgument as error:
                if error.code != CODE_OF_ANOTHER_SUBJECT:
                    raise
                break
            for follow in detail.follow_user:
                if follow.userid == member:
                    return Profile(member, detail.external_contact, follow)
            change = detail.next_page(call.arguments)
            call = call.replace(**change) if change else None
        raise NotAllowed("this member does not follow this customer")
