"""All groups with everybody in them, and groups as they are after an event."""

from __future__ import annotations

from typing import Any

import pytest

from siyu_sdk import ApiError, InputError, NotFound, SiyuError, WeCom
from siyu_sdk.wecom.events.external_contact import GroupUpdated

PREFIX = "/cgi-bin/externalcontact"
LIST = f"{PREFIX}/groupchat/list"
GET = f"{PREFIX}/groupchat/get"


def group(asked: Any) -> dict[str, Any]:
    if asked["chat_id"] == "wr2":
        return {"errcode": 86003, "errmsg": "closed"}
    return {"group_chat": {"chat_id": asked["chat_id"], "name": asked["chat_id"].upper(), "member_version": "v1"}}


def listed(*ids: str) -> list[dict[str, Any]]:
    return [{"chat_id": chat_id, "status": 0} for chat_id in ids]


def test_every_group_is_read_and_a_closed_one_stands_in_its_place(loopback: Any, either: Any) -> None:
    loopback.answer(LIST, {"group_chat_list": listed("wr1", "wr2"), "next_cursor": "c"}, {"group_chat_list": listed("wr3")})
    loopback.answer(GET, group)
    everything = either(lambda wecom: wecom.group_chats.all_details(need_name=True))
    assert list(everything.entries) == ["wr1", "wr2", "wr3"]
    assert [entry.name for entry in everything.groups] == ["WR1", "WR3"]
    assert isinstance(everything.failed["wr2"], NotFound)
    assert {call.json["need_name"] for call in loopback.calls(GET)} == {1}


def test_where_a_list_of_all_is_refused_owners_are_asked_in_hundreds(loopback: Any, either: Any) -> None:
    owners = [f"m{n}" for n in range(150)]

    def list_of(asked: Any) -> dict[str, Any]:
        if "owner_filter" not in asked:
            return {"errcode": 81017, "errmsg": "too many"}
        return {"group_chat_list": listed(*(f"wr-{owner}" for owner in asked["owner_filter"]["userid_list"]))}

    loopback.answer(LIST, list_of)
    loopback.answer(GET, group)
    loopback.answer(f"{PREFIX}/get_follow_user_list", {"follow_user": owners})
    assert len(either(lambda wecom: wecom.group_chats.all_details()).groups) == 150
    assert [len(call.json["owner_filter"]["userid_list"]) for call in loopback.calls(LIST)[1:]] == [100, 50]


def test_a_list_that_breaks_off_is_raised(loopback: Any, either: Any) -> None:
    loopback.answer(LIST, {"group_chat_list": listed("wr1"), "next_cursor": "c"}, {"errcode": 40058, "errmsg": "cursor"})
    with pytest.raises(ApiError, match="40058"):
        either(lambda wecom: wecom.group_chats.all_details(owners=["amy"]))


def test_no_owner_is_nobody_not_everybody(wecom: WeCom) -> None:
    with pytest.raises(InputError, match="nobody is named"):
        wecom.group_chats.all_details(owners=[])


def event(**changes: Any) -> GroupUpdated:
    return GroupUpdated.model_validate({"ChatId": "wr1", "LastMemVer": "v1", "CurMemVer": "v2", **changes})


def version(name: str) -> dict[str, Any]:
    return {"group_chat": {"chat_id": "wr1", "member_version": name}}


def test_a_group_is_waited_for_until_it_is_as_the_event_says(loopback: Any, either: Any, watch: Any) -> None:
    loopback.answer(GET, version("v1"), version("v1"), version("v2"))
    assert either(lambda wecom: wecom.group_chats.after(event())).member_version == "v2"
    assert watch.slept == [0.5, 1]


def test_a_later_change_is_as_good(loopback: Any, either: Any) -> None:
    loopback.answer(GET, version("v3"))
    assert either(lambda wecom: wecom.group_chats.after(event())).member_version == "v3"


def test_an_old_state_is_not_passed_off_as_new(loopback: Any, either: Any) -> None:
    loopback.answer(GET, version("v1"))
    with pytest.raises(SiyuError, match="still told as it was before"):
        either(lambda wecom: wecom.group_chats.after(event(), timeout=5))


def test_an_event_without_versions_is_read_once(loopback: Any, either: Any) -> None:
    loopback.answer(GET, version("v1"))
    either(lambda wecom: wecom.group_chats.after(GroupUpdated.model_validate({"ChatId": "wr1"})))
    assert len(loopback.seen) == 1
    with pytest.raises(InputError, match="names no group"):
        either(lambda wecom: wecom.group_chats.after(GroupUpdated.model_validate({})))
