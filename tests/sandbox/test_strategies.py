"""Rule groups: groups in groups, ranges, privileges, and tags that only their members may use."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import Any

import pytest

from siyu_sdk.sandbox import Sandbox
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.strategies import NodeType, StrategyNode

from .conftest import WeComCaller, refused

EC = "/cgi-bin/externalcontact"
EVERYBODY = StrategyNode(type=NodeType.DEPARTMENT, partyid=1)


def member(userid: str) -> StrategyNode:
    return StrategyNode(type=NodeType.MEMBER, userid=userid)


def shop(number: int) -> StrategyNode:
    return StrategyNode(type=NodeType.DEPARTMENT, partyid=number)


def create(corp: WeCom, *nodes: StrategyNode, parent_id: int | None = None, **privilege: bool) -> int:
    return corp.customer_strategies.create(
        "华南", admin_list=["amy"], privilege=privilege, range=nodes or [EVERYBODY], parent_id=parent_id
    ).strategy_id


def test_a_rule_group_is_made_read_changed_and_deleted(corp: WeCom) -> None:
    made = create(corp, shop(2), member("dong"), share_customer=False, contact_me=False)
    strategy = corp.customer_strategies.get(made).strategy
    assert (strategy.strategy_name, strategy.parent_id, strategy.admin_list) == ("华南", 0, ("amy",))
    assert strategy.privilege
    assert strategy.privilege.share_customer is False
    assert strategy.privilege.contact_me is True, "nobody can take this one away"
    assert strategy.privilege.send_group_msg is True, "what is not named is allowed"
    assert [node.userid or node.partyid for node in corp.customer_strategies.nodes(made, limit=1)] == [2, "dong"]

    corp.customer_strategies.update(made, strategy_name="深圳", range_add=[member("bob")], range_del=[shop(2)])
    assert [node.userid for node in corp.customer_strategies.nodes(made)] == ["dong", "bob"]
    strategy = corp.customer_strategies.get(made).strategy
    assert strategy.privilege
    assert (strategy.strategy_name, strategy.privilege.share_customer) == ("深圳", False), "what is left out stays"

    other = create(corp)
    assert [row.strategy_id for row in corp.customer_strategies.all(limit=1)] == [made, other]
    corp.customer_strategies.delete(made)
    assert refused(lambda: corp.customer_strategies.get(made)) == 40058
    assert [row.strategy_id for row in corp.customer_strategies.all()] == [other]


def test_moments_have_rule_groups_of_their_own(corp: WeCom) -> None:
    customers = create(corp)
    made = corp.moment_strategies.create("朋友圈", admin_list=["bob"], privilege={"send_moment": False}, range=[shop(3)]).strategy_id
    privilege = corp.moment_strategies.get(made).strategy.privilege
    assert privilege
    assert (privilege.send_moment, privilege.view_moment_list) == (False, True)
    assert [node.partyid for node in corp.moment_strategies.nodes(made)] == [3]
    assert corp.customer_strategies.get(customers).strategy.strategy_name == "华南"
    corp.moment_strategies.delete(made)
    assert list(corp.moment_strategies.all()) == []
    assert len(list(corp.customer_strategies.all())) == 1


def test_a_group_below_lies_in_the_one_above_and_has_its_privileges(corp: WeCom) -> None:
    top = create(corp, shop(2), share_customer=False)  # amy and chen
    below = create(corp, member("amy"), parent_id=top, share_customer=True)
    privilege = corp.customer_strategies.get(below).strategy.privilege
    assert privilege
    assert privilege.share_customer is False
    assert refused(lambda: create(corp, member("bob"), parent_id=top)) == 40058
    assert refused(lambda: corp.customer_strategies.update(below, range_add=[shop(3)])) == 40058
    assert refused(lambda: corp.customer_strategies.update(top, range_del=[shop(2)])) == 40058, "the group below needs it"
    assert refused(lambda: corp.customer_strategies.delete(top)) == 40058
    corp.customer_strategies.delete(below)
    corp.customer_strategies.delete(top)


def test_five_levels_and_no_more(corp: WeCom) -> None:
    level = create(corp)
    for _ in range(4):
        level = create(corp, parent_id=level)
    assert refused(lambda: create(corp, parent_id=level)) == 40058


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        ({"strategy_name": ""}, 40063),
        ({"admin_list": []}, 40063),
        ({"admin_list": ["nobody"]}, 40003),
        ({"admin_list": ["amy"] * 21}, 40058),
        ({"range": []}, 40063),
        ({"range": [{"type": 1, "userid": "nobody"}]}, 40003),
        ({"range": [{"type": 2, "partyid": 99}]}, 60123),
        ({"range": [{"type": 3, "userid": "amy"}]}, 40058),
        ({"range": [{"type": 2, "userid": "amy"}]}, 40063),
        ({"range": [{"type": 1, "userid": "amy"}] * 101}, 40058),
        ({"parent_id": 99}, 40058),
        ({"privilege": {"share_customer": "yes"}}, 40058),
    ],
)
def test_what_is_no_rule_group(sandbox: Sandbox, wecom: WeComCaller, change: dict[str, object], errcode: int) -> None:
    body: dict[str, Any] = {"strategy_name": "x", "admin_list": ["amy"], "privilege": {}, "range": [{"type": 2, "partyid": 1}], **change}
    assert wecom(EC + "/customer_strategy/create", **body)["errcode"] == errcode
    assert sandbox.wecom.customer_strategies.strategies == {}


def test_two_at_once_are_one_too_many(sandbox: Sandbox, wecom: WeComCaller) -> None:
    def one(_: int) -> int:
        return int(
            wecom(EC + "/customer_strategy/create", strategy_name="x", admin_list=["amy"], range=[{"type": 2, "partyid": 1}])["errcode"]
        )

    wecom.token()
    with ThreadPoolExecutor(2) as pool:
        with sandbox.world.lock:  # the first call waits in the middle of its work
            calls = [pool.submit(one, n) for n in range(2)]
            (refusal,) = wait(calls, return_when=FIRST_COMPLETED).done
        assert sorted(call.result() for call in calls) == [0, 6000]
    assert refusal.result() == 6000
    assert len(sandbox.wecom.customer_strategies.strategies) == 1


# tags


def test_tags_of_a_rule_group_are_kept_apart(sandbox: Sandbox, corp: WeCom) -> None:
    strategy_id = create(corp, member("amy"))
    library = len(corp.tags.list().tag_group)
    group = corp.strategy_tags.add(
        [{"name": "团长", "order": 7}, {"name": "试吃"}], strategy_id=strategy_id, group_name="会员等级"
    ).tag_group
    assert (group.strategy_id, [(tag.name, tag.order) for tag in group.tag]) == (strategy_id, [("团长", 7), ("试吃", 1)])
    assert len(corp.tags.list().tag_group) == library, "the company has a group of the same name, and another one"
    leader, taster = (tag.id or "" for tag in group.tag)
    assert refused(lambda: corp.tags.edit(leader, name="x")) == 40068
    assert refused(lambda: corp.tags.delete(tag_id=[leader])) == 40068
    company = corp.tags.list().tag_group[0].tag[0].id or ""
    assert refused(lambda: corp.strategy_tags.edit(company, name="x")) == 40068
    assert refused(lambda: corp.strategy_tags.delete(tag_id=[company])) == 40068

    customer = next(iter(sandbox.world.contacts["amy"]))
    corp.customers.mark_tag(userid="amy", external_userid=customer, add_tag=[leader, company])
    marks = corp.customers.get(customer).follow_user[0].tags
    assert {(mark.tag_id, mark.type) for mark in marks} == {(leader, 3), (company, 1)}
    others = next(iter(sandbox.world.contacts["bob"]))
    assert refused(lambda: corp.customers.mark_tag(userid="bob", external_userid=others, add_tag=[leader])) == 40068

    corp.strategy_tags.edit(taster, name="试吃官")
    assert refused(lambda: corp.strategy_tags.edit(taster, name="团长")) == 40071
    corp.strategy_tags.delete(tag_id=[leader])
    assert [mark.tag_id for mark in corp.customers.get(customer).follow_user[0].tags] == [company]
    corp.customer_strategies.delete(strategy_id)
    assert corp.strategy_tags.list().tag_group == ()
    assert sandbox.invariants() == []


def test_tags_are_listed_by_rule_group_and_by_id(corp: WeCom) -> None:
    first, second = create(corp), create(corp)
    one = corp.strategy_tags.add([{"name": "a"}, {"name": "b"}], strategy_id=first, group_name="x").tag_group
    two = corp.strategy_tags.add([{"name": "a"}], strategy_id=second, group_name="x").tag_group
    again = corp.strategy_tags.add([{"name": "c"}], strategy_id=first, group_id=one.group_id).tag_group
    assert [tag.name for tag in again.tag] == ["c"]

    def listed(**asked: Any) -> list[tuple[str | None, list[str | None]]]:
        return [(group.group_id, [tag.name for tag in group.tag]) for group in corp.strategy_tags.list(**asked).tag_group]

    assert listed() == [(one.group_id, ["a", "b", "c"]), (two.group_id, ["a"])]
    assert listed(strategy_id=second) == [(two.group_id, ["a"])]
    assert listed(strategy_id=second, tag_id=[one.tag[1].id]) == [(one.group_id, ["b"])]
    assert listed(tag_id=[one.tag[1].id], group_id=[two.group_id]) == [(two.group_id, ["a"])]
    corp.strategy_tags.delete(group_id=[one.group_id or ""])
    assert listed() == [(two.group_id, ["a"])]


def test_what_cannot_be_a_tag_of_a_rule_group(sandbox: Sandbox, corp: WeCom) -> None:
    top = create(corp)
    below = create(corp, parent_id=top)
    assert refused(lambda: corp.strategy_tags.add([{"name": "a"}], strategy_id=below, group_name="x")) == 40058
    assert refused(lambda: corp.strategy_tags.add([{"name": "a"}], strategy_id=99, group_name="x")) == 40058
    assert refused(lambda: corp.strategy_tags.add([{"name": "a"}], strategy_id=top, group_id="et-nothing")) == 40068
    sandbox.wecom.most_tags = 5
    corp.strategy_tags.add([{"name": "a"}], strategy_id=top, group_name="x")
    assert refused(lambda: corp.strategy_tags.add([{"name": "b"}], strategy_id=top, group_name="x")) == 40126
    assert refused(lambda: corp.tags.add([{"name": "b"}], group_name="x")) == 40126, "they count together"
