"""The directory: members, departments, tags of members, ids; and the apps that see them."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import pytest

from siyu_sdk import Conflict, InputError, UsageError
from siyu_sdk.wecom.agents import (
    Agents,
    KeyData,
    KeyDataItem,
    MenuButton,
    Menus,
    MenuType,
    SubButton,
    Workbench,
    WorkbenchData,
    WorkbenchType,
)
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.departments import Departments
from siyu_sdk.wecom.id_convert import BusinessType, IdConvert, UserType
from siyu_sdk.wecom.member_tags import MemberTags
from siyu_sdk.wecom.members import Attribute, AttributeKind, ExternalProfile, Gender, Members, TextValue


def test_a_member_is_added_in_the_platforms_own_forms(loopback: Any, wecom: WeCom) -> None:
    profile = ExternalProfile(external_attr=(Attribute(type=AttributeKind.TEXT, name="门店", text=TextValue(value="一店")),))
    wecom.members.create(
        "amy",
        "林小姐",
        [1, 2],
        order=[10, 40],
        is_leader_in_dept=[True, False],
        gender=Gender.FEMALE,
        mobile="13800000000",
        enable=True,
        to_invite=False,
        external_profile=profile,
    )
    body = loopback.seen[0].json
    assert body["gender"] == "2"
    assert body["is_leader_in_dept"] == [1, 0]
    assert body["enable"] == 1
    assert body["to_invite"] is False
    assert body["external_profile"] == {"external_attr": [{"type": 0, "name": "门店", "text": {"value": "一店"}}]}


def test_an_id_that_is_taken_is_a_conflict_and_is_not_tried_again(loopback: Any, wecom: WeCom) -> None:
    loopback.answer("/cgi-bin/user/create", {"errcode": 60102, "errmsg": "userid existed"})
    with pytest.raises(Conflict):
        wecom.members.create("amy", "林小姐", [1], email="amy@example.com")
    assert len(loopback.seen) == 1


def test_a_gender_that_an_app_may_not_see_breaks_no_list(loopback: Any, wecom: WeCom) -> None:
    loopback.answer("/cgi-bin/user/list", {"userlist": [{"userid": "amy", "gender": ""}, {"userid": "bob", "gender": "1"}]})
    assert [member.gender for member in wecom.members.list(1).userlist] == [Gender.UNKNOWN, Gender.MALE]


def test_active_members_are_counted_by_day(loopback: Any, wecom: WeCom) -> None:
    loopback.answer("/cgi-bin/user/get_active_stat", {"active_cnt": 100})
    assert wecom.members.active(dt.date(2026, 5, 6)).active_cnt == 100
    assert loopback.seen[0].json == {"date": "2026-05-06"}


def test_members_who_authorised_an_app_come_page_by_page(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(
        "/cgi-bin/user/list_member_auth",
        {"member_auth_list": [{"open_userid": "o1"}], "next_cursor": "c1"},
        {"member_auth_list": [], "next_cursor": "c2"},
        {"member_auth_list": [{"open_userid": "o2"}], "next_cursor": ""},
    )
    assert [member.open_userid for member in wecom.member_auths.all()] == ["o1", "o2"]
    assert [(seen.method, seen.json.get("cursor")) for seen in loopback.seen] == [("POST", None), ("POST", "c1"), ("POST", "c2")]


def test_a_tag_names_whom_it_passed_over(loopback: Any, wecom: WeCom) -> None:
    loopback.answer("/cgi-bin/tag/addtagusers", {"invalidlist": "carl|dora", "invalidparty": [4]})
    change = wecom.member_tags.add_users(12, userlist=["amy", "carl", "dora"], partylist=[4])
    assert change.invalidlist == ("carl", "dora")
    assert change.to_wire()["invalidlist"] == "carl|dora"


def test_temporary_ids_are_customers_or_members_of_other_companies(loopback: Any, wecom: WeCom) -> None:
    rows = [{"tmp_external_userid": "o1", "external_userid": "wm1"}, {"tmp_external_userid": "o2", "corpid": "ww2", "userid": "bob"}]
    loopback.answer("/cgi-bin/idconvert/convert_tmp_external_userid", {"results": rows, "invalid_tmp_external_userid_list": ["o3"]})
    found = wecom.id_convert.tmp_external_userid(["o1", "o2", "o3"], business_type=BusinessType.MEETING, user_type=UserType.CUSTOMER)
    assert [(row.external_userid, row.userid) for row in found.results] == [("wm1", None), (None, "bob")]
    assert found.invalid_tmp_external_userid_list == ("o3",)


def test_what_a_service_provider_asks_needs_the_providers_credential(wecom: WeCom) -> None:
    with pytest.raises(UsageError, match="suite_access_token"):
        wecom.id_convert.upgrade_chatid_for_new_corp()


def test_a_menu_has_its_app_in_the_query(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(
        "/cgi-bin/menu/get", {"button": [{"name": "扫码", "sub_button": [{"type": "hologram", "name": "新", "sub_button": []}]}]}
    )
    below = SubButton(type=MenuType.VIEW, name="今日榴莲和其他水果的价格表", url="https://example.com")
    wecom.menus.create([MenuButton(name="水果", sub_button=(below,))], agentid=7)
    assert loopback.seen[0].query["agentid"] == "7"
    assert loopback.seen[0].json["button"][0]["sub_button"][0]["type"] == "view"
    (button,) = wecom.menus.get(7).button
    assert button.sub_button[0].type is not None
    assert not button.sub_button[0].type.is_known  # a type that nobody knew yesterday


FIGURES = KeyData(items=(KeyDataItem(key="待审批", data="2"),))


def test_the_workbench_shows_what_its_type_says(loopback: Any, wecom: WeCom) -> None:
    wecom.workbench.set_data("amy", agentid=7, type=WorkbenchType.KEYDATA, keydata=FIGURES)
    wecom.workbench.set_template(7, type=WorkbenchType.NORMAL)
    wecom.workbench.set_template(7, type=WorkbenchType.LIST)  # members have data of their own
    assert loopback.seen[0].json["keydata"] == {"items": [{"key": "待审批", "data": "2"}]}
    assert [seen.json for seen in loopback.seen[1:]] == [{"agentid": 7, "type": "normal"}, {"agentid": 7, "type": "list"}]


def test_what_deletes_is_not_repeated_by_itself() -> None:
    assert not any(spec.idempotent for spec in (Menus.delete.spec, Members.delete.spec, Departments.delete.spec, MemberTags.delete.spec))


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Members.create("", "林小姐", [1]), "userid"),
        (lambda: Members.create("a" * 65, "林小姐", [1]), "userid"),
        (lambda: Members.create("amy", "林" * 65, [1]), "name"),
        (lambda: Members.create("amy", "林小姐", []), "department"),
        (lambda: Members.create("amy", "林小姐", list(range(101))), "department"),
        (lambda: Members.create("-amy", "林小姐", [1], email="amy@example.com"), "userid"),
        (lambda: Members.create("林小姐", "林小姐", [1], email="amy@example.com"), "userid"),
        (lambda: Members.create("amy", "林小姐", [1]), "mobile"),
        (lambda: Members.create("amy", "林小姐", [1, 2], email="amy@example.com", order=[1]), "order"),
        (lambda: Members.create("amy", "林小姐", [1], email="amy@example.com", direct_leader=["bob"] * 6), "direct_leader"),
        (lambda: Members.update("amy"), "userid"),
        (lambda: Members.update("amy", new_userid="a b"), "new_userid"),
        (lambda: Members.update("amy", department=[1], is_leader_in_dept=[True, False]), "is_leader_in_dept"),
        (lambda: Members.batch_delete(["x"] * 201), "useridlist"),
        (lambda: Departments.create("林" * 65, parentid=1), "name"),
        (lambda: Departments.create("销售|售后", parentid=1), "name"),
        (lambda: Departments.create("销售", parentid=1, id=1), "id"),
        (lambda: Departments.update(2), "name"),
        (lambda: Agents.set(7), "name"),
        (lambda: Agents.set(7, description="短"), "description"),
        (lambda: MemberTags.create("榴" * 33), "tagname"),
        (lambda: MemberTags.add_users(12), "userlist"),
        (lambda: MemberTags.add_users(12, userlist=["x"] * 1001), "userlist"),
        (lambda: MemberTags.delete_users(12, partylist=[1] * 101), "partylist"),
        (lambda: IdConvert.to_pending_id(["x"] * 101), "external_userid"),
        (lambda: IdConvert.unionid_to_external_userid("o1", ""), "openid"),
        (lambda: IdConvert.chatid(["wr"] * 101), "chat_id_list"),
        (lambda: Menus.create([], agentid=7), "button"),
        (lambda: Menus.create([{"name": "榴" * 6, "type": "click", "key": "k"}], agentid=7), "button.0.name"),
        (lambda: Menus.create([{"name": "水果", "sub_button": [{"name": "榴莲"}] * 6}], agentid=7), "button.0.sub_button"),
        (lambda: Workbench.set_template(7, type=WorkbenchType.IMAGE, keydata=FIGURES), "image"),
        (lambda: Workbench.set_template(7, type=WorkbenchType.KEYDATA, keydata={"items": [{"data": "1"}] * 5}), "keydata.items"),
        (lambda: Workbench.batch_set_data(["amy"], WorkbenchData(type=WorkbenchType.LIST)), "list"),
    ],
    ids=itertools.count(),
)
def test_bad_input_is_refused_before_anything_is_sent(make: Any, field: str) -> None:
    with pytest.raises(InputError) as caught:
        make()
    assert caught.value.field == field
