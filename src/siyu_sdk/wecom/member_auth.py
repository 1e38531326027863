"""Members who authorised a third-party app themselves (成员授权)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from ..core.call import Call
from ..core.endpoint import POST, paged
from ..core.model import Reply, Secret, WireModel
from .resource import CursorReply, M, WeComResource


class AuthorizedMember(WireModel):
    """A member who authorised the app."""

    open_userid: str


class AuthorizedMembers(CursorReply):
    """A page of members who authorised the app."""

    member_auth_list: tuple[AuthorizedMember, ...] = ()

    def items(self) -> Sequence[AuthorizedMember]:
        """Give the members of this page."""
        return self.member_auth_list


class MemberAuthorized(Reply):
    """Whether a member authorised the app."""

    is_member_auth: bool = False


class SelectedMembers(Reply):
    """Whom a member picked in the page (选人)."""

    operator_open_userid: str = ""
    """Who picked."""
    open_userid_list: tuple[str, ...] = ()
    unauth_open_userid_list: tuple[str, ...] = ()
    """Picked, but they have not authorised the app."""
    total: int = 0
    """How many were picked, those that the app may not see included."""


class MemberAuths(WeComResource[M]):
    """Members who authorised a third-party app themselves (成员授权)."""

    @POST("/cgi-bin/user/list_member_auth", docs=94513, idempotent=True)
    def list(self, *, cursor: str | None = None, limit: Annotated[int, Field(ge=1, le=1000)] | None = None) -> Call[AuthorizedMembers]:
        """List the members who authorised the app, one page (获取成员授权列表). `limit` is 1 to 1,000 (1,000 if left out)."""
        ...

    @paged
    def all(self, *, limit: int = 1000) -> Call[AuthorizedMembers]:
        """Every member who authorised the app, one by one, page after page (获取成员授权列表)."""
        return MemberAuths.list(limit=limit)

    @POST("/cgi-bin/user/check_member_auth", docs=94514, idempotent=True)
    def check(self, open_userid: str) -> Call[MemberAuthorized]:
        """Tell whether a member authorised the app (查询成员用户是否已授权)."""
        ...

    @POST("/cgi-bin/user/list_selected_ticket_user", docs=94894, idempotent=True)
    def selected(self, selected_ticket: Secret) -> Call[SelectedMembers]:
        """List whom a member picked in the page: the ticket comes from the picker of the JS-SDK (获取选人ticket对应的用户)."""
        ...
