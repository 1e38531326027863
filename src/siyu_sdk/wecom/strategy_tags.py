"""Tags of a rule group for customers (管理企业规则组下的客户标签): like the company's, but each in one rule group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from ..core.call import Call
from ..core.endpoint import POST
from ..core.model import MaxChars, NotEmpty, OrDict, Reply
from .common import either, some_change
from .resource import M, WeComResource
from .tags import CorpTagGroup, NewTag


class StrategyTagGroup(CorpTagGroup):
    """A group of tags in a rule group (规则组标签组)."""

    strategy_id: int | None = None


class StrategyTagList(Reply):
    """Groups with their tags."""

    tag_group: tuple[StrategyTagGroup, ...] = ()


class AddedStrategyTags(Reply):
    """The group, with the tags that were added."""

    tag_group: StrategyTagGroup


class StrategyTags(WeComResource[M]):
    """Tags of rule groups (规则组标签). An app sees and changes only those that it has made itself.

    They count with the company's tags, of which there is room for thousands (the pages have named 3,000 and 10,000). Write them one call
    at a time: parallel writes are refused (6000, Conflict). Customers get them with `customers.mark_tag`.
    """

    @POST("/cgi-bin/externalcontact/get_strategy_tag_list", docs=94882, idempotent=True)
    def list(
        self,
        *,
        strategy_id: int | None = None,
        tag_id: Sequence[str] | None = None,
        group_id: Sequence[str] | None = None,
    ) -> Call[StrategyTagList]:
        """List tags with their groups: all of them, those of one rule group, or these (获取指定规则组下的企业客户标签).

        With `tag_id` or `group_id`, `strategy_id` is ignored; with `group_id`, `tag_id` is.
        """
        ...

    @POST("/cgi-bin/externalcontact/add_strategy_tag", docs=94882, check=either("group_name", "group_id"))
    def add(
        self,
        tag: Annotated[Sequence[OrDict[NewTag]], NotEmpty],
        *,
        strategy_id: int,
        group_id: str | None = None,
        group_name: Annotated[str, MaxChars(30)] | None = None,
        order: int | None = None,
    ) -> Call[AddedStrategyTags]:
        """Add tags to a group of a rule group, making the group if its name is new (为指定规则组创建企业客户标签).

        Only rule groups of the first level have tags. With `group_id`, `group_name` and `order` (the group's) are ignored. Names have at
        most 30 characters. Raises Conflict (40071) where the group has such a tag already, QuotaExceeded (40126) where there are too many.
        """
        ...

    @POST("/cgi-bin/externalcontact/edit_strategy_tag", docs=94882, idempotent=True, check=some_change("name", "order"))
    def edit(self, id: str, *, name: Annotated[str, NotEmpty, MaxChars(30)] | None = None, order: int | None = None) -> Call[Reply]:
        """Rename or move a tag or a group (编辑指定规则组下的企业客户标签). Raises Conflict (40071) where the name is taken."""
        ...

    @POST("/cgi-bin/externalcontact/del_strategy_tag", docs=94882, check=either("tag_id", "group_id"))
    def delete(self, *, tag_id: Sequence[str] | None = None, group_id: Sequence[str] | None = None) -> Call[Reply]:
        """Delete tags, or groups with all their tags (删除指定规则组下的企业客户标签). Customers lose them."""
        ...
