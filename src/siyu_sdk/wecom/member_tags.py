"""Tags of members (标签管理): who may be written to, or may see an app, as a group. Customers have tags of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from ..core.call import Call
from ..core.endpoint import GET, POST
from ..core.model import MaxChars, MaxItems, NotEmpty, Reply, WireModel, joined
from .common import either
from .resource import M, WeComResource

TagName = Annotated[str, NotEmpty, MaxChars(32)]


class MemberTag(WireModel):
    """A tag of members (标签)."""

    tagid: int
    tagname: str = ""


class CreatedMemberTag(Reply):
    """A new tag."""

    tagid: int


class MemberTagList(Reply):
    """The tags that the app may see."""

    taglist: tuple[MemberTag, ...] = ()


class TaggedMember(WireModel):
    """A member who has a tag."""

    userid: str
    name: str | None = None
    """None for apps that may see ids alone."""


class MemberTagDetail(Reply):
    """Who has a tag: members, and departments with everybody in them."""

    tagname: str = ""
    userlist: tuple[TaggedMember, ...] = ()
    partylist: tuple[int, ...] = ()


class TagChange(Reply):
    """Whom a change passed over: unknown, or outside the app's range. No error is raised for them."""

    invalidlist: Annotated[tuple[str, ...], joined("|")] = ()
    invalidparty: tuple[int, ...] = ()


class MemberTags(WeComResource[M]):
    """Tags of members (标签管理). An app changes its own tags alone, the directory sync (通讯录同步) all: PermissionDenied (81011)."""

    @POST("/cgi-bin/tag/create", docs=90210)
    def create(self, tagname: TagName, *, tagid: Annotated[int, Field(ge=0)] | None = None) -> Call[CreatedMemberTag]:
        """Add a tag (创建标签). Names have at most 32 characters and are unique. Without `tagid` the platform picks one."""
        ...

    @POST("/cgi-bin/tag/update", docs=90211, idempotent=True)
    def update(self, tagid: int, tagname: TagName) -> Call[Reply]:
        """Rename a tag (更新标签名字)."""
        ...

    @GET("/cgi-bin/tag/delete", docs=90212, idempotent=False)
    def delete(self, tagid: int) -> Call[Reply]:
        """Delete a tag (删除标签). Members lose it."""
        ...

    @GET("/cgi-bin/tag/get", docs=90213)
    def get(self, tagid: int) -> Call[MemberTagDetail]:
        """List who has a tag, as far as the app may see them (获取标签成员)."""
        ...

    @POST("/cgi-bin/tag/addtagusers", docs=90214, idempotent=True, check=either("userlist", "partylist"))
    def add_users(
        self,
        tagid: int,
        *,
        userlist: Annotated[Sequence[str], MaxItems(1000)] | None = None,
        partylist: Annotated[Sequence[int], MaxItems(100)] | None = None,
    ) -> Call[TagChange]:
        """Give a tag to up to 1,000 members and 100 departments (增加标签成员).

        The reply names whom it passed over; where that is everybody, InvalidArgument (40070) is raised.
        """
        ...

    @POST("/cgi-bin/tag/deltagusers", docs=90215, idempotent=True, check=either("userlist", "partylist"))
    def delete_users(
        self,
        tagid: int,
        *,
        userlist: Annotated[Sequence[str], MaxItems(1000)] | None = None,
        partylist: Annotated[Sequence[int], MaxItems(100)] | None = None,
    ) -> Call[TagChange]:
        """Take a tag from up to 1,000 members and 100 departments (删除标签成员).

        The reply names whom it passed over; where that is everybody, InvalidArgument (40070) is raised.
        """
        ...

    @GET("/cgi-bin/tag/list", docs=90216)
    def list(self) -> Call[MemberTagList]:
        """List the tags that the app may see (获取标签列表)."""
        ...
