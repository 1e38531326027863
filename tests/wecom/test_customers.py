"""Customers, tags and members over real HTTP: who follows whom, page by page, in both modes."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

import pytest

from siyu_sdk import AsyncWeCom, Call, Conflict, Flow, InputError, NotFound
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.customers import AddWay, ContactType, Customer, Customers, TagType
from siyu_sdk.wecom.members import Gender, Members
from siyu_sdk.wecom.tags import CorpTags, NewTag

GET = "/cgi-bin/externalcontact/get"
BATCH = "/cgi-bin/externalcontact/batch/get_by_user"


def relation(number: int, userid: str = "amy") -> dict[str, Any]:
    return {
        "external_contact": {"external_userid": f"wm{number}", "name": "榴莲🍈'客户\"", "type": 1, "gender": 2},
        "follow_info": {"userid": userid, "createtime": 1_700_000_000, "tag_id": ["et1"], "add_way": 1},
    }


def test_a_customer_comes_with_the_members_who_follow_them(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(
        GET,
        {
            "external_contact": {"external_userid": "wm1", "name": "林小姐", "type": 1, "gender": 2, "brand_new": {"x": 1}},
            "follow_user": [
                {
                    "userid": "amy",
                    "createtime": 1_700_000_000,
                    "add_way": 777,
                    "tags": [{"group_name": "购买", "tag_name": "榴莲", "type": 1, "tag_id": "et1"}, {"tag_name": "爱笑", "type": 2}],
                }
            ],
        },
    )
    detail = wecom.customers.get("wm1")
    (follow,) = detail.follow_user
    assert detail.external_contact.type is ContactType.WECHAT
    assert detail.external_contact.gender is Gender.FEMALE
    assert follow.createtime == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert follow.add_way == 777
    assert isinstance(follow.add_way, AddWay)  # a number that nobody knew yesterday
    assert [tag.type for tag in follow.tags] == [TagType.CORP, TagType.PERSONAL]
    assert detail.to_wire()["external_contact"]["brand_new"] == {"x": 1}
    (seen,) = loopback.seen
    assert seen.query == {"external_userid": "wm1", "access_token": "token-1"}


def test_a_customer_of_more_than_500_members_comes_page_by_page(loopback: Any, wecom: WeCom) -> None:
    person = {"external_contact": {"external_userid": "wm1"}}
    loopback.answer(
        GET,
        person | {"follow_user": [{"userid": "amy"}], "next_cursor": "c1"},
        person | {"follow_user": [{"userid": "bob"}]},
    )
    assert [follow.userid for follow in wecom.customers.followers("wm1")] == ["amy", "bob"]
    assert [seen.query.get("cursor") for seen in loopback.seen] == [None, "c1"]


PAGES = (
    {"external_contact_list": [relation(1), relation(2)], "next_cursor": "c1"},
    {"external_contact_list": [], "next_cursor": "c2"},  # an empty page is no end
    {"external_contact_list": [relation(3)], "next_cursor": ""},
)


def test_all_customers_are_read_over_short_and_empty_pages(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(BATCH, *PAGES)
    customers = list(wecom.customers.all(["amy", "bob"]))
    assert [customer.external_userid for customer in customers] == ["wm1", "wm2", "wm3"]
    assert customers[0].userid == "amy"
    assert customers[0].follow_info.tag_id == ("et1",)
    assert [seen.json.get("cursor") for seen in loopback.seen] == [None, "c1", "c2"]
    assert {tuple(seen.json["userid_list"]) for seen in loopback.seen} == {("amy", "bob")}


async def test_the_same_in_tasks_and_in_a_flow(loopback: Any) -> None:
    loopback.answer(BATCH, *PAGES, *PAGES)

    def count() -> Flow[int]:
        found: list[Customer] = yield from Customers.all(["amy"])
        return len(found)

    async with AsyncWeCom("ww1", "secret", base_url=loopback.url) as wecom:
        assert [customer.external_userid async for customer in wecom.customers.all(["amy"])] == ["wm1", "wm2", "wm3"]
        assert await wecom.run(count()) == 3


def test_who_is_nobodys_contact_any_more_is_not_found(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(GET, {"errcode": 84061, "errmsg": "not external contact"})
    with pytest.raises(NotFound) as caught:
        wecom.customers.get("wm1")
    assert caught.value.code == 84061
    assert not caught.value.retryable
    assert len(loopback.seen) == 1


def test_tagging_and_remarks_send_only_what_is_given(loopback: Any, wecom: WeCom) -> None:
    wecom.customers.mark_tag("amy", "wm1", add_tag=["et1"])
    wecom.customers.remark("amy", "wm1", remark="林小姐", remark_mobiles=[""])
    mark, remark = loopback.seen
    assert mark.json == {"userid": "amy", "external_userid": "wm1", "add_tag": ["et1"]}
    assert remark.json == {"userid": "amy", "external_userid": "wm1", "remark": "林小姐", "remark_mobiles": [""]}
    assert Customers.mark_tag.spec.limit is not None
    assert Customers.mark_tag.spec.limit.concurrent == 5
    assert Customers.mark_tag.spec.idempotent


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Customers.batch_get([]), "userid_list"),
        (lambda: Customers.batch_get(["x"] * 101), "userid_list"),
        (lambda: Customers.batch_get(["x"], limit=101), "limit"),
        (lambda: Customers.mark_tag("amy", "wm1"), "add_tag"),
        (lambda: Customers.mark_tag("amy", "wm1", add_tag=[], remove_tag=[]), "add_tag"),
        (lambda: Customers.remark("amy", "wm1"), "remark"),
        (lambda: Customers.remark("amy", "wm1", remark="林" * 21), "remark"),
        (lambda: Customers.remark("amy", "wm1", description="林" * 151), "description"),
        (lambda: CorpTags.add([NewTag(name="榴莲")]), "group_name"),
        (lambda: CorpTags.add([], group_name="购买"), "tag"),
        (lambda: CorpTags.add([{"name": "榴" * 31}], group_name="购买"), "tag.0.name"),
        (lambda: CorpTags.add([{"name": "榴莲", "ordr": 1}], group_name="购买"), "tag.0.ordr"),
        (lambda: CorpTags.add([{"name": "榴莲", "order": 2**32}], group_name="购买"), "tag.0.order"),
        (lambda: CorpTags.edit("et1", order=-1), "order"),
        (CorpTags.delete, "tag_id"),
        (lambda: Members.list_id(limit=10_001), "limit"),
    ],
    ids=itertools.count(),
)
def test_bad_input_is_refused_before_anything_is_sent(make: Any, field: str) -> None:
    with pytest.raises(InputError) as caught:
        make()
    assert caught.value.field == field


def test_tags_are_listed_added_and_taken(loopback: Any, wecom: WeCom) -> None:
    group = {"group_id": "g1", "group_name": "购买", "create_time": 1_557_838_797, "tag": [{"id": "et1", "name": "榴莲", "order": 1}]}
    loopback.answer("/cgi-bin/externalcontact/get_corp_tag_list", {"tag_group": [group]})
    loopback.answer("/cgi-bin/externalcontact/add_corp_tag", {"tag_group": group}, {"errcode": 40071, "errmsg": "tag name exist"})
    assert wecom.tags.list().tag_group[0].tag[0].id == "et1"
    assert loopback.seen[0].json == {}
    assert wecom.tags.add([NewTag(name="榴莲")], group_name="购买").tag_group.group_id == "g1"
    with pytest.raises(Conflict):
        wecom.tags.add([{"name": "榴莲"}], group_name="购买")
    assert loopback.seen[-1].json == {"tag": [{"name": "榴莲"}], "group_name": "购买"}
    assert not CorpTags.add.spec.idempotent


def test_members_are_read_with_what_the_app_may_see(loopback: Any, wecom: WeCom) -> None:
    loopback.answer("/cgi-bin/user/get", {"userid": "amy", "department": [1, 2], "is_leader_in_dept": [1, 0], "gender": "2", "status": 1})
    loopback.answer("/cgi-bin/user/list_id", {"dept_user": [{"userid": "amy", "department": 1}], "next_cursor": "c"}, {"dept_user": []})
    member = wecom.members.get("amy")
    assert member.is_leader_in_dept == (True, False)
    assert member.gender is Gender.FEMALE
    assert member.name is None
    assert member.to_wire()["gender"] == "2"
    assert [row.userid for row in wecom.members.ids()] == ["amy"]
    assert loopback.seen[-1].json == {"limit": 10_000, "cursor": "c"}
    wecom.members.simplelist(1, fetch_child=True)
    assert loopback.seen[-1].query["fetch_child"] == "1"


def test_calls_are_values() -> None:
    call: Call[Any] = Customers.get("wm1")
    assert call == Customers.get("wm1")
    assert call.to_wire() == {"method": "GET", "path": GET, "query": {"external_userid": "wm1"}, "json": None}
