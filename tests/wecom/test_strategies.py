"""Rule groups, their ranges and their tags."""

from __future__ import annotations

from typing import Any

import pytest

from siyu_sdk import InputError
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.strategies import CustomerPrivilege, CustomerStrategies, MomentStrategies, NodeType, StrategyNode
from siyu_sdk.wecom.strategy_tags import StrategyTags

AMY = StrategyNode(type=NodeType.MEMBER, userid="amy")


@pytest.mark.parametrize("kind", ["customer", "moment"])
def test_groups_and_their_ranges_come_page_by_page(kind: str, loopback: Any, wecom: WeCom) -> None:
    prefix = f"/cgi-bin/externalcontact/{kind}_strategy"
    resource = wecom.customer_strategies if kind == "customer" else wecom.moment_strategies
    loopback.answer(f"{prefix}/list", {"strategy": [{"strategy_id": 1}], "next_cursor": "c"}, {"strategy": [{"strategy_id": 2}]})
    loopback.answer(
        f"{prefix}/get_range", {"range": [{"type": 1, "userid": "amy"}], "next_cursor": "c"}, {"range": [{"type": 2, "partyid": 1}]}
    )
    assert [group.strategy_id for group in resource.all()] == [1, 2]
    assert list(resource.nodes(1)) == [AMY, StrategyNode(type=NodeType.DEPARTMENT, partyid=1)]


def test_a_group_is_made_with_the_rights_that_are_named() -> None:
    call = CustomerStrategies.create("华东", admin_list=["amy"], privilege=CustomerPrivilege(contact_me=True), range=[AMY])
    assert call.to_wire()["json"] == {
        "strategy_name": "华东",
        "admin_list": ["amy"],
        "privilege": {"contact_me": True},
        "range": [{"type": 1, "userid": "amy"}],
    }


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"admin_list": ["u"] * 21}, "admin_list", "at most 20"),
        ({"range": []}, "range", "at least one"),
        ({"range": [AMY] * 101}, "range", "at most 100"),
        ({"range": [AMY, {"type": 1, "partyid": 1}]}, "range.1.userid", "userid"),
        ({"range": [{"type": 2, "userid": "amy"}]}, "range.0.partyid", "partyid"),
        ({"privilege": {"contactme": True}}, "privilege.contactme", "unknown"),
    ],
)
def test_what_cannot_be_a_group_is_refused(changes: dict[str, Any], field: str, says: str) -> None:
    given = {"strategy_name": "华东", "admin_list": ["amy"], "privilege": {}, "range": [AMY], **changes}
    for resource in (CustomerStrategies, MomentStrategies):
        with pytest.raises(InputError, match=says) as caught:
            resource.create(**given)
        assert caught.value.field == field


def test_a_change_changes_something() -> None:
    with pytest.raises(InputError, match="nothing to change"):
        MomentStrategies.update(1)
    with pytest.raises(InputError, match="userid"):
        CustomerStrategies.update(1, range_del=[{"type": 1}])


def test_tags_of_a_group_are_the_company_s_tags_with_the_group_s_id(loopback: Any, wecom: WeCom) -> None:
    told = {"group_id": "eg1", "group_name": "口味", "strategy_id": 1, "tag": [{"id": "et1", "name": "榴莲"}]}
    loopback.answer("/cgi-bin/externalcontact/add_strategy_tag", {"tag_group": told})
    group = wecom.strategy_tags.add([{"name": "榴莲"}], strategy_id=1, group_name="口味").tag_group
    assert (group.strategy_id, group.tag[0].id) == (1, "et1")
    with pytest.raises(InputError, match="group_name or group_id"):
        StrategyTags.add([{"name": "榴莲"}], strategy_id=1)
    with pytest.raises(InputError, match="30 characters"):
        StrategyTags.edit("et1", name="名" * 31)
    with pytest.raises(InputError, match="tag_id or group_id"):
        StrategyTags.delete()
