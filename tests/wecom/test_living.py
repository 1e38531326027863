"""Live rooms, and the archive of conversations."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from siyu_sdk import InputError
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.living import ExternalViewer, Livings, LivingType, MemberViewer
from siyu_sdk.wecom.msgaudit import AgreeStatus, Conversation, MessageArchive

NOW = datetime(2024, 5, 6, 9, tzinfo=UTC)


def test_a_room_is_booked(loopback: Any, wecom: WeCom) -> None:
    loopback.answer("/cgi-bin/living/create", {"livingid": "l1"})
    made = wecom.livings.create(
        anchor_userid="amy",
        theme="榴莲专场",
        living_start=NOW,
        living_duration=3600,
        type=LivingType.EVENT,
        activity_detail={"description": "开榴莲", "image_list": ["m1"]},
    )
    assert made.livingid == "l1"
    assert loopback.seen[0].json == {
        "anchor_userid": "amy",
        "theme": "榴莲专场",
        "living_start": 1_714_986_000,
        "living_duration": 3600,
        "type": 4,
        "activity_detail": {"description": "开榴莲", "image_list": ["m1"]},
    }


def test_viewers_of_both_kinds_come_until_the_platform_says_the_end(loopback: Any, wecom: WeCom) -> None:
    members = {"users": [{"userid": "amy", "watch_time": 30, "is_comment": 1, "is_mic": 0}], "external_users": []}
    customers = {"users": [], "external_users": [{"external_userid": "wm1", "type": 1, "invitor_userid": "amy"}]}
    path = "/cgi-bin/living/get_watch_stat"
    loopback.answer(path, {"ending": 0, "next_key": "k1", "stat_info": members}, {"ending": 1, "next_key": "k2", "stat_info": customers})
    member, customer = wecom.livings.viewers("l1")
    assert isinstance(member, MemberViewer)
    assert (member.is_comment, member.is_mic) == (True, False)
    assert isinstance(customer, ExternalViewer)
    assert customer.invitor_userid == "amy"
    assert [seen.json for seen in loopback.calls(path)] == [{"livingid": "l1"}, {"livingid": "l1", "next_key": "k1"}]


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"theme": "题" * 21}, "theme", "60 bytes"),
        ({"description": "述" * 101}, "description", "300 bytes"),
        ({"living_duration": -1}, "living_duration", "greater than or equal"),
    ],
)
def test_what_no_room_can_have_is_refused(changes: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        Livings.update("l1", **changes)
    assert caught.value.field == field


def test_a_room_is_booked_in_characters_and_loses_no_picture() -> None:
    room: dict[str, Any] = {"anchor_userid": "amy", "living_start": NOW, "living_duration": 60}
    Livings.create(**room, theme="题" * 20, description="述" * 100, activity_detail={"image_list": ["m"] * 5})
    for changes, field in (
        ({"theme": "t" * 21}, "theme"),
        ({"theme": "t", "description": "d" * 101}, "description"),
        ({"theme": "t", "activity_detail": {"image_list": ["m"] * 6}}, "activity_detail.image_list"),
    ):
        with pytest.raises(InputError) as caught:
            Livings.create(**room, **changes)
        assert caught.value.field == field
    with pytest.raises(InputError, match="nothing to change"):
        Livings.update("l1")


def test_agreements_keep_the_names_of_the_platform(loopback: Any, wecom: WeCom) -> None:
    told = [{"userid": "amy", "exteranalopenid": "wm1", "agree_status": "Default_Agree", "status_change_time": 1_562_766_651}]
    loopback.answer("/cgi-bin/msgaudit/check_single_agree", {"agreeinfo": told})
    (agreement,) = wecom.message_archive.check_single_agree([Conversation(userid="amy", exteranalopenid="wm1")]).agreeinfo
    assert agreement.agree_status is AgreeStatus.DEFAULT_AGREE
    assert loopback.seen[0].json == {"info": [{"userid": "amy", "exteranalopenid": "wm1"}]}
    with pytest.raises(InputError, match="at most 100"):
        MessageArchive.check_single_agree([Conversation(userid="amy", exteranalopenid="wm1")] * 101)
