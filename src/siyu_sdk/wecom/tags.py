"""Tags of the company for customers (管理企业标签): groups, and tags in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeAlias

from pydantic import Field

from ..core.call import Call
from ..core.endpoint import POST
from ..core.errors import InputError
from ..core.model import MaxChars, NotEmpty, OrDict, Reply, Timestamp, WireModel
from .resource import M, WeComResource


class CorpTag(WireModel):
    """A tag (企业标签)."""

    id: str
    name: str = ""
    order: int | None = None
    """Higher comes first."""
    create_time: Timestamp | None = None
    deleted: bool | None = None
    """True only for a tag that was asked for by id."""


class CorpTagGroup(WireModel):
    """A group of tags (企业标签组). Names are unique inside it."""

    group_id: str
    group_name: str = ""
    order: int | None = None
    create_time: Timestamp | None = None
    deleted: bool | None = None
    tag: tuple[CorpTag, ...] = ()


class CorpTagList(Reply):
    """All groups with their tags."""

    tag_group: tuple[CorpTagGroup, ...] = ()


class AddedCorpTags(Reply):
    """The group, with the tags that were added."""

    tag_group: CorpTagGroup


Order: TypeAlias = Annotated[int, Field(ge=0, lt=2**32)]
"""0 to 2³² - 1; higher comes first."""


class NewTag(WireModel):
    """A tag to add."""

    name: Annotated[str, NotEmpty, MaxChars(30)]
    order: Order | None = None


def _group_named(arguments: Mapping[str, Any]) -> None:
    if not arguments.get("group_id") and not arguments.get("group_name"):
        raise InputError("give group_id, or the group_name of a new or an existing group", "group_name")


def _something_to_delete(arguments: Mapping[str, Any]) -> None:
    if not arguments.get("tag_id") and not arguments.get("group_id"):
        raise InputError("give tag_id or group_id", "tag_id")


class CorpTags(WeComResource[M]):
    """Tags of the company for customers (企业标签). A company may have 3,000, strategy tags included."""

    @POST("/cgi-bin/externalcontact/get_corp_tag_list", docs=92117, idempotent=True)
    def list(self, *, tag_id: Sequence[str] | None = None, group_id: Sequence[str] | None = None) -> Call[CorpTagList]:
        """List tags with their groups: all of them, or these (获取企业标签库). With `group_id`, `tag_id` is ignored."""
        ...

    @POST("/cgi-bin/externalcontact/add_corp_tag", docs=92117, check=_group_named)
    def add(
        self,
        tag: Annotated[Sequence[OrDict[NewTag]], NotEmpty],
        *,
        group_id: str | None = None,
        group_name: Annotated[str, MaxChars(30)] | None = None,
        order: Order | None = None,
        agentid: int | None = None,
    ) -> Call[AddedCorpTags]:
        """Add tags to a group, making the group if its name is new (添加企业客户标签).

        With `group_id`, `group_name` and `order` (the group's) are ignored. Names have at most 30 characters; a name given twice is
        added once. Raises Conflict (40071) where the group has such a tag already: look it up and use its id; QuotaExceeded (40126)
        at 3,000 tags. Write tags one call at a time: parallel writes get in each other's way.
        """
        ...

    @POST("/cgi-bin/externalcontact/edit_corp_tag", docs=92117, idempotent=True)
    def edit(
        self,
        id: str,
        *,
        name: Annotated[str, NotEmpty, MaxChars(30)] | None = None,
        order: Order | None = None,
        agentid: int | None = None,
    ) -> Call[Reply]:
        """Rename or move a tag or a group (编辑企业客户标签). Raises Conflict (40071) where the name is taken."""
        ...

    @POST("/cgi-bin/externalcontact/del_corp_tag", docs=92117, check=_something_to_delete)
    def delete(
        self, *, tag_id: Sequence[str] | None = None, group_id: Sequence[str] | None = None, agentid: int | None = None
    ) -> Call[Reply]:
        """Delete tags, or groups with all their tags (删除企业客户标签). Customers lose them.

        A group without tags is deleted too. Raises InvalidArgument (40068) for an id that does not exist any more.
        """
        ...
