"""Updates that overwrite: what is not named survives."""

from __future__ import annotations

from typing import Any

import pytest

from siyu_sdk import Flow, InputError, WeCom
from siyu_sdk.wecom.common import ChangedMeanwhile
from siyu_sdk.wecom.contact_ways import ContactWay, ContactWays
from siyu_sdk.wecom.group_chats import JoinWay, JoinWays

PREFIX = "/cgi-bin/externalcontact"
READ, WRITE = f"{PREFIX}/get_contact_way", f"{PREFIX}/update_contact_way"
READ_JOIN, WRITE_JOIN = f"{PREFIX}/groupchat/get_join_way", f"{PREFIX}/groupchat/update_join_way"
WAY: dict[str, Any] = {
    "config_id": "c1",
    "type": 2,
    "scene": 2,
    "style": 1,
    "remark": "包裹卡",
    "skip_verify": False,
    "state": "SKU-9",
    "qr_code": "https://example.com/1.png",
    "user": ["amy", "bob"],
    "party": [2],
    "is_temp": False,
    "expires_in": 0,
    "conclusions": {},
    "brand_new": {"x": 1},
}
TEMPORARY = {**WAY, "is_temp": True, "expires_in": 86400, "unionid": "o1", "conclusions": {"text": {"content": "再见"}}}
JOIN: dict[str, Any] = {
    "config_id": "j1",
    "scene": 2,
    "remark": "门店群",
    "auto_create_room": 0,
    "room_base_name": "榴莲群",
    "room_base_id": 10,
    "chat_id_list": ["wr1", "wr2"],
    "qr_code": "https://example.com/2.png",
    "state": "store-7",
    "mark_source": True,
}


def test_a_contact_way_keeps_what_is_not_named(loopback: Any, either: Any) -> None:
    loopback.answer(READ, {"contact_way": WAY})
    way = either(lambda wecom: wecom.contact_ways.change("c1", user=["cat"], remark=""))
    body = loopback.calls(WRITE)[0].json
    assert body == {
        "config_id": "c1",
        "style": 1,
        "remark": "",
        "skip_verify": False,
        "state": "SKU-9",
        "user": ["cat"],
        "party": [2],
        "brand_new": {"x": 1},  # what the SDK does not know is not lost either
    }
    assert (way.user, way.state, way.qr_code) == (("cat",), "SKU-9", WAY["qr_code"])


def test_a_temporary_one_keeps_its_life_and_its_last_words(loopback: Any, either: Any) -> None:
    loopback.answer(READ, {"contact_way": TEMPORARY})
    either(lambda wecom: wecom.contact_ways.change("c1", state="SKU-10"))
    body = loopback.calls(WRITE)[0].json
    assert body["state"] == "SKU-10"
    assert {name: body[name] for name in ("is_temp", "expires_in", "unionid", "conclusions")} == {
        "is_temp": True,
        "expires_in": 86400,
        "unionid": "o1",
        "conclusions": {"text": {"content": "再见"}},
    }


def test_a_picture_that_cannot_be_written_back_is_not_lost_in_silence(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(READ, {"contact_way": {**TEMPORARY, "conclusions": {"image": {"pic_url": "https://example.com/p"}}}})
    with pytest.raises(InputError, match="give conclusions anew"):
        wecom.contact_ways.change("c1", state="SKU-10")
    assert loopback.calls(WRITE) == []
    wecom.contact_ways.change("c1", state="SKU-10", conclusions={"image": {"media_id": "m1"}})
    assert loopback.calls(WRITE)[0].json["conclusions"] == {"image": {"media_id": "m1"}}


def test_a_join_way_keeps_its_state_and_its_groups_to_come(loopback: Any, either: Any) -> None:
    loopback.answer(READ_JOIN, {"join_way": JOIN})
    way = either(lambda wecom: wecom.join_ways.change("j1", chat_id_list=["wr3"]))
    assert loopback.calls(WRITE_JOIN)[0].json == {**{k: v for k, v in JOIN.items() if k != "qr_code"}, "chat_id_list": ["wr3"]}
    assert (way.chat_id_list, way.state, way.auto_create_room) == (("wr3",), "store-7", False)


def test_a_change_that_changes_nothing_writes_nothing(loopback: Any, either: Any) -> None:
    loopback.answer(READ, {"contact_way": WAY})
    loopback.answer(READ_JOIN, {"join_way": JOIN})
    assert either(lambda wecom: wecom.contact_ways.change("c1", user=["amy", "bob"])).state == "SKU-9"
    assert either(lambda wecom: wecom.join_ways.change("j1", auto_create_room=False)).state == "store-7"
    assert loopback.calls(WRITE) == loopback.calls(WRITE_JOIN) == []


def test_somebody_else_changed_it_meanwhile(loopback: Any, either: Any) -> None:
    seen, shown = ContactWay.model_validate(WAY), JoinWay.model_validate(JOIN)
    loopback.answer(READ, {"contact_way": {**WAY, "user": ["zoe"], "qr_code": "https://example.com/new"}})
    loopback.answer(READ_JOIN, {"join_way": {**JOIN, "state": "store-8"}})
    with pytest.raises(ChangedMeanwhile, match="contact way c1 has changed") as caught:
        either(lambda wecom: wecom.contact_ways.change("c1", seen=seen, user=["cat"]))
    assert caught.value.fields == ("user",)
    with pytest.raises(ChangedMeanwhile, match="state"):
        either(lambda wecom: wecom.join_ways.change("j1", seen=shown, remark="x"))
    assert loopback.calls(WRITE) == loopback.calls(WRITE_JOIN) == []
    loopback.answer(READ, {"contact_way": {**WAY, "qr_code": "https://example.com/new"}})
    either(lambda wecom: wecom.contact_ways.change("c1", seen=seen, user=["cat"]))  # the address of a picture is no change
    assert len(loopback.calls(WRITE)) == 1


@pytest.mark.parametrize(
    ("door", "changes", "says"),
    [
        ("contact_ways", {"stat": "x"}, "unknown parameter stat"),
        ("contact_ways", {"state": "好" * 31}, "at most 30 characters"),
        ("contact_ways", {}, "nothing to change"),
        ("contact_ways", {"state": None}, "nothing to change"),
        ("join_ways", {"stat": "x"}, "unknown parameter stat"),
        ("join_ways", {"chat_id_list": ["wr"] * 6}, "at most 5"),
        ("join_ways", {}, "nothing to change"),
    ],
)
def test_bad_changes_are_refused_before_anything_is_sent(loopback: Any, wecom: WeCom, door: str, changes: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        getattr(wecom, door).change("c1", **changes)
    assert loopback.seen == []


def test_flows_stand_in_flows(loopback: Any, either: Any) -> None:
    def move(to: str) -> Flow[tuple[str | None, str | None]]:
        way = yield from ContactWays.change("c1", state=to)
        join = yield from JoinWays.change("j1", state=to)
        return way.state, join.state

    loopback.answer(READ, {"contact_way": WAY})
    loopback.answer(READ_JOIN, {"join_way": JOIN})
    assert either(lambda wecom: wecom.run(move("spring"))) == ("spring", "spring")
