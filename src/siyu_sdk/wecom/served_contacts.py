"""People whom the company has served (获取已服务的外部联系人): customers, and strangers in its groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from ..core.call import Call
from ..core.endpoint import POST, paged
from ..core.model import Timestamp, WireModel
from .resource import CursorReply, M, WeComResource


class ServedContact(WireModel):
    """Somebody in a chat with a member, or in a group (已服务的外部联系人): once for each of these."""

    is_customer: bool | None = None
    tmp_openid: str | None = None
    """A passing id, for those who are no customers too: whoever reads the first page again gets other ones."""
    external_userid: str | None = None
    """Only of customers."""
    name: str | None = None
    """Of those who are no customers, and veiled: `***开`."""
    follow_userid: str | None = None
    """The member who has them, or who owns the group."""
    chat_id: str | None = None
    chat_name: str | None = None
    add_time: Timestamp | None = None


class ServedContactPage(CursorReply):
    """A page of people."""

    info_list: tuple[ServedContact, ...] = ()

    def items(self) -> Sequence[ServedContact]:
        """Give the people of this page."""
        return self.info_list


class ServedContacts(WeComResource[M]):
    """People whom the company has served (已服务的外部联系人)."""

    @POST("/cgi-bin/externalcontact/contact_list", docs=99434, idempotent=True)
    def list(self, *, cursor: str | None = None, limit: Annotated[int, Field(ge=1, le=1000)] | None = None) -> Call[ServedContactPage]:
        """List the people whom members have served, one page (获取已服务的外部联系人).

        `limit` is 1 to 1,000 (1,000 if left out). A cursor lives 4 hours: read on at once, and do not store it.
        """
        ...

    @paged
    def all(self, *, limit: int = 1000) -> Call[ServedContactPage]:
        """Everybody whom members have served, one by one, page after page (获取已服务的外部联系人)."""
        return ServedContacts.list(limit=limit)
