"""The calls of tags for customers (客户标签管理): those of the company, and those of rule groups (规则组), which are kept apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..platform import Fields, Json, Request
from .errors import refusal
from .routing import router

if TYPE_CHECKING:  # see routing
    from .state import Tag, TagGroup, WeComPlatform

_PATH = "/cgi-bin/externalcontact"


@router.on("POST", _PATH + "/get_corp_tag_list")
def get_corp_tag_list(wecom: WeComPlatform, request: Request) -> Json:
    """获取企业标签库: deleted tags only where ids are asked for."""
    body = wecom.body(request) if request.body else wecom.fields({})
    tag_ids, group_ids = set(body.texts("tag_id")), set(body.texts("group_id"))
    if not tag_ids and not group_ids:
        return {"tag_group": [_shown(group, group.living()) for group in wecom.tag_groups(0)]}
    groups: list[Json] = []
    for group in wecom.groups.values():
        tags = [tag for tag in group.tags.values() if group.id in group_ids or (not group_ids and tag.id in tag_ids)]
        if not group.strategy_id and (tags or group.id in group_ids):
            groups.append(_shown(group, tags, deleted=True))
    return {"tag_group": groups}


@router.on("POST", _PATH + "/add_corp_tag")
def add_corp_tag(wecom: WeComPlatform, request: Request) -> Json:
    """添加企业客户标签: into the group of that name, if there is one."""
    return _add(wecom, wecom.body(request), 0)


@router.on("POST", _PATH + "/edit_corp_tag")
def edit_corp_tag(wecom: WeComPlatform, request: Request) -> Json:
    """编辑企业客户标签."""
    return _edit(wecom, wecom.body(request), of_rule_groups=False)


@router.on("POST", _PATH + "/del_corp_tag")
def del_corp_tag(wecom: WeComPlatform, request: Request) -> Json:
    """删除企业客户标签, with every mark."""
    return _delete(wecom, wecom.body(request), of_rule_groups=False)


@router.on("POST", _PATH + "/get_strategy_tag_list")
def get_strategy_tag_list(wecom: WeComPlatform, request: Request) -> Json:
    """获取指定规则组下的企业客户标签: ids go before the rule group, those of groups before those of tags."""
    body = wecom.body(request) if request.body else wecom.fields({})
    tag_ids, group_ids, strategy_id = set(body.texts("tag_id")), set(body.texts("group_id")), body.number_or("strategy_id", 0)
    groups: list[Json] = []
    for group in (group for group in wecom.tag_groups() if group.strategy_id):
        tags = group.living()
        if group_ids or not tag_ids:
            tags = tags if group.id in group_ids or (not group_ids and strategy_id in (0, group.strategy_id)) else []
        else:
            tags = [tag for tag in tags if tag.id in tag_ids]
        if tags:
            groups.append(_shown(group, tags))
    return {"tag_group": groups}


@router.on("POST", _PATH + "/add_strategy_tag", at_once=1, crowded=6000, seconds=0.005)
def add_strategy_tag(wecom: WeComPlatform, request: Request) -> Json:
    """为指定规则组创建企业客户标签: one call at a time, and only for rule groups that stand in no other."""
    body = wecom.body(request)
    strategy = wecom.customer_strategies.find(body.number("strategy_id"))
    if strategy.parent:
        raise refusal(40058, "strategy_id: only rule groups of the first level have tags")
    return _add(wecom, body, strategy.strategy_id)


@router.on("POST", _PATH + "/edit_strategy_tag", at_once=1, crowded=6000, seconds=0.005)
def edit_strategy_tag(wecom: WeComPlatform, request: Request) -> Json:
    """编辑指定规则组下的企业客户标签: one call at a time."""
    return _edit(wecom, wecom.body(request), of_rule_groups=True)


@router.on("POST", _PATH + "/del_strategy_tag", at_once=1, crowded=6000, seconds=0.005)
def del_strategy_tag(wecom: WeComPlatform, request: Request) -> Json:
    """删除指定规则组下的企业客户标签, with every mark: one call at a time."""
    return _delete(wecom, wecom.body(request), of_rule_groups=True)


def _add(wecom: WeComPlatform, body: Fields, strategy_id: int) -> Json:
    asked = {tag.text("name"): tag for tag in body.objects("tag")}
    if not asked:
        raise refusal(40063, "tag")
    group_name, order = body.text_or("group_name"), body.number_or("order", -1)
    if group_id := body.text_or("group_id"):
        known = next((group for group in wecom.tag_groups(strategy_id) if group.id == group_id), None)
        if known is None:
            raise refusal(40068, group_id)
        group_name, order = known.name, -1
    if not group_name or len(group_name) > 30:
        raise refusal(40071, "group_name")
    group = wecom.add_tags(group_name, list(asked), strategy_id)
    group.order = order if order >= 0 else group.order
    added = [tag for tag in group.living() if tag.name in asked]
    for tag in added:
        tag.order = asked[tag.name].number_or("order", tag.order)
    return {"tag_group": _shown(group, added)}


def _edit(wecom: WeComPlatform, body: Fields, *, of_rule_groups: bool) -> Json:
    target, name = body.text("id"), body.text_or("name")
    found, group = wecom.find_tag(target), wecom.groups.get(target)
    owner = found[0] if found else group
    if owner is None or owner.deleted or bool(owner.strategy_id) != of_rule_groups:
        raise refusal(40068, target)
    edited: Tag | TagGroup = found[1] if found else owner
    if name and name != edited.name:
        if found:
            wecom.check_tag_name(owner, name)
        elif len(name) > 30 or any(other.name == name for other in wecom.tag_groups(owner.strategy_id)):
            raise refusal(40071, name)
        edited.name = name
    edited.order = body.number_or("order", edited.order)
    return {}


def _delete(wecom: WeComPlatform, body: Fields, *, of_rule_groups: bool) -> Json:
    tag_ids, group_ids = body.texts("tag_id"), body.texts("group_id")
    if not tag_ids and not group_ids:
        raise refusal(40063, "tag_id and group_id")
    groups = {group.id: group for group in wecom.tag_groups() if bool(group.strategy_id) == of_rule_groups}
    doomed: list[tuple[TagGroup, Tag]] = []
    for group_id in group_ids:
        if group_id not in groups:
            raise refusal(40068, group_id)
        doomed += [(groups[group_id], tag) for tag in groups[group_id].living()]
    for tag_id in tag_ids:
        found = wecom.find_tag(tag_id)
        if not found or found[0].id not in groups:
            raise refusal(40068, tag_id)
        doomed.append(found)
    for group, tag in doomed:
        wecom.delete_tag(group, tag)
    return {}


def _shown(group: TagGroup, tags: list[Tag], *, deleted: bool = False) -> Json:
    """A group with some of its tags; `deleted` shows only where the company's were asked for by id."""
    rows: list[Json] = [{"id": tag.id, "name": tag.name, "create_time": tag.create_time, "order": tag.order} for tag in tags]
    reply: Json = {"group_id": group.id, "group_name": group.name, "create_time": group.create_time, "order": group.order, "tag": rows}
    if group.strategy_id:
        reply["strategy_id"] = group.strategy_id
    if deleted:
        reply["deleted"] = group.deleted
        for row, tag in zip(rows, tags, strict=True):
            row["deleted"] = tag.deleted
    return reply
