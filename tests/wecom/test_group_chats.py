"""Customer groups and the ways to join them."""

from __future__ import annotations

from typing import Any

import pytest

from siyu_sdk import InputError
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.contact_ways import Scene
from siyu_sdk.wecom.group_chats import GroupChats, GroupJoinScene, GroupMemberType, GroupStatus, JoinWays, OwnerFilter

LIST = "/cgi-bin/externalcontact/groupchat/list"


def test_groups_are_listed_page_by_page_with_a_limit_that_the_platform_demands(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(
        LIST,
        {"group_chat_list": [{"chat_id": "wr1", "status": 0}], "next_cursor": "c"},
        {"group_chat_list": [{"chat_id": "wr2", "status": 1}]},
    )
    groups = list(wecom.group_chats.all(owner_filter=OwnerFilter(userid_list=["amy"])))
    assert [(group.chat_id, group.status) for group in groups] == [("wr1", GroupStatus.NORMAL), ("wr2", GroupStatus.OWNER_LEFT)]
    assert loopback.seen[0].json == {"owner_filter": {"userid_list": ["amy"]}, "limit": 1000}
    assert GroupChats.list().to_wire()["json"] == {"limit": 1000}


def test_the_people_of_a_group(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(
        "/cgi-bin/externalcontact/groupchat/get",
        {
            "group_chat": {
                "chat_id": "wr1",
                "owner": "amy",
                "member_list": [
                    {"userid": "amy", "type": 1, "join_time": 1_700_000_000, "join_scene": 1},
                    {"userid": "wm1", "type": 2, "join_scene": 3, "state": "门店", "invitor": {"userid": "amy"}},
                ],
                "member_version": "v1",
            }
        },
    )
    group = wecom.group_chats.get("wr1", need_name=True).group_chat
    assert loopback.seen[0].json == {"chat_id": "wr1", "need_name": 1}
    customer = group.member_list[1]
    assert (customer.type, customer.join_scene, customer.state) == (GroupMemberType.CUSTOMER, GroupJoinScene.SCANNED, "门店")


@pytest.mark.parametrize(
    ("make", "field", "says"),
    [
        (lambda: GroupChats.list(owner_filter={"userid_list": ["u"] * 101}), "owner_filter.userid_list", "at most 100"),
        (lambda: GroupChats.list(owner_filter={"userid_list": []}), "owner_filter.userid_list", "at least one"),
        (lambda: GroupChats.list(limit=1001), "limit", "1000"),
        (lambda: JoinWays.create(["wr"] * 6, scene=Scene.QR_CODE), "chat_id_list", "at most 5"),
        (lambda: JoinWays.create([], scene=Scene.QR_CODE), "chat_id_list", "at least one"),
        (lambda: JoinWays.create(["wr"], scene=Scene.QR_CODE, state="渠" * 31), "state", "30 characters"),
        (lambda: JoinWays.create(["wr"], scene=Scene.QR_CODE, room_base_name="名" * 41), "room_base_name", "40 characters"),
    ],
)
def test_what_the_platform_would_refuse_is_refused_here(make: Any, field: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        make()
    assert caught.value.field == field


def test_a_join_way_is_read_and_written_back_whole(loopback: Any, wecom: WeCom) -> None:
    told = {"config_id": "j1", "scene": 2, "auto_create_room": 1, "room_base_name": "榴莲群", "chat_id_list": ["wr1"], "state": "门店"}
    loopback.answer("/cgi-bin/externalcontact/groupchat/get_join_way", {"join_way": told})
    way = wecom.join_ways.get("j1").join_way
    assert way.auto_create_room is True
    assert way.scene is Scene.QR_CODE
    wecom.join_ways.update(
        "j1",
        scene=way.scene,
        chat_id_list=[*way.chat_id_list, "wr2"],
        state=way.state,
        auto_create_room=way.auto_create_room,
        room_base_name=way.room_base_name,
    )
    assert loopback.seen[1].json == {**told, "chat_id_list": ["wr1", "wr2"]}
