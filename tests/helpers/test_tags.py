from __future__ import annotations

from typing import Any

import pytest

from siyu_sdk import InputError
from siyu_sdk.core.errors import Conflict
from siyu_sdk.wecom.tags import CorpTags, NewTag

ADD = "*/add_corp_tag"
MARK = "*/mark_tag"


def test_only_what_is_missing_is_created_and_a_second_run_sends_no_call(shop: Any) -> None:
    book = shop.siyu.tags.ensure("会员等级/金卡", "会员等级/钻石", "购买/榴莲", "购买/荔枝")
    assert book.created == ("会员等级/钻石", "购买/榴莲", "购买/荔枝")
    assert shop.sandbox.calls.count(ADD) == 2
    assert book["购买/榴莲"] == shop.sandbox.wecom.tag_id("购买/榴莲")
    shop.sandbox.calls.clear()
    assert shop.siyu.tags.ensure("购买/榴莲", "会员等级/金卡").created == ()
    assert shop.sandbox.calls.count() == 0


def test_a_colleague_makes_the_same_tag_in_the_console_between_our_look_and_our_call(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    wecom = shop.sandbox.wecom
    plain = wecom.add_tags

    def colleague_first(group: str, names: list[str], *more: Any) -> Any:
        monkeypatch.undo()
        plain(group, ["榴莲"])
        return plain(group, names, *more)

    monkeypatch.setattr(wecom, "add_tags", colleague_first)
    book = shop.siyu.tags.ensure("购买/榴莲", "购买/荔枝")
    assert {name: wecom.tag_id(name) for name in book.ids} == book.ids
    assert shop.sandbox.calls.count(ADD, errcode=40071) == 1


def test_a_name_that_the_platform_refuses_for_good_is_an_error(shop: Any) -> None:
    shop.sandbox.faults.add(path=ADD, kind="errcode", code=40071)
    with pytest.raises(Conflict):
        shop.siyu.tags.ensure("购买/榴莲")


@pytest.mark.parametrize("name", ["榴莲", "购买/", "/榴莲", " / ", "购买/" + "长" * 31, "长" * 31 + "/榴莲", " 购买/榴莲", "购买/榴莲 "])
def test_bad_names_are_refused_before_any_call(shop: Any, name: str) -> None:
    with pytest.raises(InputError, match="tag"):
        shop.siyu.tags.ensure("购买/好", name)
    assert shop.sandbox.calls.count() == 0


def test_only_differences_are_sent_pair_by_pair_and_a_second_run_sends_no_call(shop: Any) -> None:
    people = shop.ids(30)
    pairs = sum(len(shop.siyu.snapshot.people[key].follows) for key in people)
    first = shop.siyu.tags.apply(people, add=["购买/榴莲"])
    assert (first.changed, first.unchanged, first.failed) == (pairs, 0, {})
    assert shop.sandbox.calls.count(MARK) == pairs
    assert shop.sandbox.wecom.tagged("购买/榴莲") == set(people)
    shop.sandbox.calls.clear()
    again = shop.siyu.tags.apply(shop.siyu.audience.tagged("购买/榴莲"), add=["购买/榴莲"])
    assert (again.changed, again.unchanged) == (0, pairs)
    assert shop.sandbox.calls.count() == 0
    taken = shop.siyu.tags.apply(people[:10], remove=["购买/榴莲"])
    assert taken.changed == shop.sandbox.calls.count(MARK)
    assert shop.sandbox.wecom.tagged("购买/榴莲") == set(people[10:])


@pytest.mark.parametrize(("follower", "place"), [("first", 0), ("latest", -1)])
def test_one_relation_can_be_marked_instead_of_all(shop: Any, follower: str, place: int) -> None:
    shop.siyu.audience.read()
    several = next(p for p in shop.siyu.snapshot.people.values() if len(p.follows) > 1)
    assert shop.siyu.tags.apply([several.external_userid], add=["购买/榴莲"], follower=follower).changed == 1
    tag = shop.sandbox.wecom.tag_id("购买/榴莲")
    marked = {userid for userid, r in shop.sandbox.world.follows[several.external_userid].items() if tag in r.tags}
    assert marked == {several.follows[place].userid}
    times = [f.added for f in several.follows]
    assert times == sorted(times)


def test_in_an_exclusive_group_a_person_has_one_level(shop: Any) -> None:
    people = shop.ids(12)
    shop.siyu.tags.apply(people, add=["会员等级/银卡"])
    shop.siyu.tags.apply(people[:5], add=["会员等级/金卡"], exclusive_group="会员等级")
    assert shop.sandbox.wecom.tagged("会员等级/金卡") == set(people[:5])
    assert shop.sandbox.wecom.tagged("会员等级/银卡") == set(people[5:])
    assert shop.sandbox.wecom.tag_id("会员等级/普通"), "no tag is ever deleted"


def test_what_fails_for_a_pair_is_reported_and_tried_again_by_the_next_run(shop: Any) -> None:
    people = shop.ids(20)
    fault = shop.sandbox.faults.add(path=MARK, kind="errcode", code=84061, times=4)
    result = shop.siyu.tags.apply(people, add=["购买/榴莲"])
    assert len(result.failed) == 4
    assert all(error.code == 84061 for error in result.failed.values())
    shop.sandbox.faults.remove(fault)
    shop.sandbox.calls.clear()
    again = shop.siyu.tags.apply(people, add=["购买/榴莲"])
    assert (again.changed, again.failed) == (4, {})
    assert shop.sandbox.calls.count(MARK) == 4
    assert shop.sandbox.wecom.tagged("购买/榴莲") == set(people)


def test_never_more_than_five_at_once(shop: Any) -> None:
    result = shop.siyu.tags.apply(shop.everyone, add=["购买/榴莲"])
    assert result.failed == {}
    assert shop.sandbox.calls.count(MARK, errcode=45033) == 0


def test_a_tag_deleted_in_the_console_is_made_anew_by_the_next_run(shop: Any) -> None:
    people = shop.ids(3)
    shop.siyu.tags.apply(people[:1], add=["购买/榴莲"])
    group, tag = shop.sandbox.wecom.find_tag(shop.sandbox.wecom.tag_id("购买/榴莲"))
    shop.sandbox.wecom.delete_tag(group, tag)
    assert len(shop.siyu.tags.apply(people[1:], add=["购买/榴莲"]).failed) >= 2
    assert shop.siyu.tags.apply(people[1:], add=["购买/榴莲"]).failed == {}
    assert shop.sandbox.wecom.tagged("购买/榴莲") == set(people[1:])


@pytest.mark.parametrize(
    "wrong", [{}, {"add": ["a/b"], "remove": ["a/b"]}, {"add": ["a/b"], "follower": "second"}, {"add": ["a/b"], "audience": "wm1"}]
)
def test_requests_that_make_no_sense_are_refused(shop: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"tags\.apply"):
        shop.siyu.tags.apply(**{"audience": ["wm1"], **wrong})
    assert shop.sandbox.calls.count() == 0


def test_tagging_people_with_the_opt_out_tag_takes_them_out_at_once(shop: Any) -> None:
    who = shop.ids(2)
    shop.siyu.tags.apply(who[:1], add=["状态/免打扰"])
    assert who[0] in shop.siyu.snapshot.opted_out
    assert [p.external_userid for p in shop.siyu.audience.select(shop.siyu.audience.people(who))] == who[1:]


def test_the_library_of_tags_is_read_by_name(shop: Any) -> None:
    shop.siyu.wecom.send(CorpTags.add([NewTag(name="甲")], group_name="组"))
    shop.siyu.audience.read()
    assert "组/甲" in shop.siyu.tag_ids
