"""School notices, parents' ids, and people whom the company has served."""

from __future__ import annotations

from typing import Any

import pytest

from siyu_sdk import InputError
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.external_ids import ExternalIds
from siyu_sdk.wecom.messages import Image, KfMiniProgramPage, MiniProgramPage, Text
from siyu_sdk.wecom.school_notices import SchoolNotices


def test_a_notice_is_sent_to_parents(loopback: Any, wecom: WeCom) -> None:
    loopback.answer("/cgi-bin/externalcontact/message/send", {"invalid_parent_userid": ["p9"]})
    sent = wecom.school_notices.send(Text(content="明天放假"), agentid=1, to_parent_userid=["p1", "p9"], enable_duplicate_check=True)
    assert sent.invalid_parent_userid == ("p9",)
    assert loopback.seen[0].json == {
        "msgtype": "text",
        "agentid": 1,
        "to_parent_userid": ["p1", "p9"],
        "text": {"content": "明天放假"},
        "enable_duplicate_check": 1,
    }


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"toall": False}, "to_external_user", "nobody"),
        ({"message": {"msgtype": "image"}}, "message", "msgtype and its content do not fit"),
        ({"message": Image(pic_url="u")}, "message.image", "media_id"),
        ({"message": {"msgtype": "sticker", "sticker": {}}}, "message", "it may be text, image"),
        ({"message": Text(content="好" * 683)}, "message.text", "2048 bytes"),
        ({"message": MiniProgramPage(title="t", appid="wx1", page="p", pic_media_id="m")}, "message", "KfMiniProgramPage"),
        ({"message": KfMiniProgramPage(title="t", appid="wx1", pagepath="p")}, "message.miniprogram", "needs thumb_media_id"),
        ({"to_external_user": ["wm"] * 1001}, "to_external_user", "at most 1000"),
        ({"duplicate_check_interval": 14_401}, "duplicate_check_interval", "14400"),
    ],
)
def test_what_cannot_be_sent_is_refused(changes: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        SchoolNotices.send(**{"message": {"msgtype": "text", "text": {"content": "明天放假"}}, "agentid": 1, "toall": True, **changes})
    assert caught.value.field == field


def test_parents_are_found_by_phone_number_one_by_one(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(
        "/cgi-bin/externalcontact/batch_to_external_userid",
        {
            "success_list": [{"mobile": "1", "external_userid": "wm1"}],
            "fail_list": [{"mobile": "2", "errcode": 60136, "errmsg": "record not found"}],
        },
    )
    found = wecom.school_notices.batch_to_external_userid(["1", "2"])
    assert [parent.external_userid for parent in found.success_list if parent.error is None] == ["wm1"]
    assert "60136 record not found" in str(found.fail_list[0].error)
    with pytest.raises(InputError, match="at most 100"):
        SchoolNotices.batch_to_external_userid(["1"] * 101)


def test_everybody_who_was_served_comes_page_by_page(loopback: Any, wecom: WeCom) -> None:
    stranger = {"is_customer": False, "name": "***开", "tmp_openid": "t1", "add_time": 1_694_418_699}
    customer = {"is_customer": True, "external_userid": "wm1", "tmp_openid": "t2"}
    path = "/cgi-bin/externalcontact/contact_list"
    loopback.answer(path, {"info_list": [stranger], "next_cursor": "c"}, {"info_list": [customer]})
    assert [(person.is_customer, person.external_userid) for person in wecom.served_contacts.all()] == [(False, None), (True, "wm1")]


def test_a_thousand_ids_are_converted_at_a_time() -> None:
    ExternalIds.new(["wm"] * 1000)
    with pytest.raises(InputError, match="at most 1000"):
        ExternalIds.new(["wm"] * 1001)
    with pytest.raises(InputError, match="at least one"):
        ExternalIds.new_in_group("wr1", [])
