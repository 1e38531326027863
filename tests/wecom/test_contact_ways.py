"""Contact ways: whom they lead to, what they carry, and what a temporary session ends with."""

from __future__ import annotations

from typing import Any

import pytest

from siyu_sdk import InputError
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.contact_ways import Conclusions, ContactWays, ContactWayType, Scene
from siyu_sdk.wecom.messages import Image, Link, MiniProgramPage, Text


def create(**changes: Any) -> Any:
    return ContactWays.create(**{"type": ContactWayType.SINGLE, "scene": Scene.QR_CODE, "user": ["amy"], **changes})


def test_a_code_is_made_and_carries_its_channel(loopback: Any, wecom: WeCom) -> None:
    loopback.answer("/cgi-bin/externalcontact/add_contact_way", {"config_id": "c1", "qr_code": "https://example.com/qr"})
    made = wecom.contact_ways.create(type=ContactWayType.MULTI, scene=Scene.QR_CODE, party=[2], state="门店三号店")
    assert (made.config_id, made.qr_code) == ("c1", "https://example.com/qr")
    assert loopback.seen[0].json == {"type": 2, "scene": 2, "party": [2], "state": "门店三号店"}


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"user": None}, "user", "the member that it leads to"),
        ({"user": None, "party": [2]}, "user", "the member that it leads to"),
        ({"type": 2, "user": [], "party": []}, "user", "nobody"),
        ({"type": 2, "user": ["u"] * 101}, "user", "at most 100"),
        ({"state": "渠" * 31}, "state", "30 characters"),
        ({"remark": "备" * 31}, "remark", "30 characters"),
        ({"expires_in": 14 * 24 * 3600 + 1}, "expires_in", "1209600"),
        ({"chat_expires_in": 0}, "chat_expires_in", "1"),
        ({"conclusions": Conclusions(text=Text(content="好" * 1334))}, "conclusions.text", "4000 bytes"),
        ({"conclusions": {"image": {}}}, "conclusions.image", "needs media_id"),
        ({"conclusions": Conclusions(link=Link(title="标" * 43, url="u"))}, "conclusions.link.title", "128 bytes"),
        (
            {"conclusions": Conclusions(miniprogram=MiniProgramPage(title="t", appid="a", page="p"))},
            "conclusions.miniprogram",
            "pic_media_id",
        ),
        ({"conclusions": {"txt": {"content": "bye"}}}, "conclusions.txt", "unknown"),
    ],
)
def test_what_the_platform_would_refuse_is_refused_here(changes: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        create(**changes)
    assert caught.value.field == field


def test_the_limits_themselves_are_allowed() -> None:
    create(type=2, user=["u"] * 100, state="渠" * 30, remark="备" * 30)
    create(is_temp=True, unionid="o1", expires_in=14 * 24 * 3600, conclusions=Conclusions(image=Image(media_id="m1")))


def test_what_comes_back_can_be_written_back(loopback: Any, wecom: WeCom) -> None:
    told = {
        "config_id": "c1",
        "type": 2,
        "scene": 2,
        "state": "门店",
        "user": ["amy", "bob"],
        "conclusions": {"text": {"content": "再见"}, "link": {"title": "下单", "url": "https://example.com/1"}},
    }
    loopback.answer("/cgi-bin/externalcontact/get_contact_way", {"contact_way": told})
    way = wecom.contact_ways.get("c1").contact_way
    assert way.conclusions is not None
    assert way.conclusions.link == Link(title="下单", url="https://example.com/1")
    wecom.contact_ways.update(way.config_id, user=[*way.user, "cat"], state=way.state, conclusions=way.conclusions)
    assert loopback.seen[1].json == {
        "config_id": "c1",
        "user": ["amy", "bob", "cat"],
        "state": "门店",
        "conclusions": told["conclusions"],
    }


def test_the_picture_that_is_told_by_its_address_cannot_be_written_back() -> None:
    told = ContactWays.get.spec.parse(
        b'{"contact_way": {"config_id": "c1", "conclusions": {"image": {"pic_url": "https://example.com/1"}}}}'
    )
    conclusions = told.contact_way.conclusions
    assert conclusions is not None
    assert conclusions.image == Image(pic_url="https://example.com/1")
    with pytest.raises(InputError, match="Image needs media_id here, got pic_url"):
        ContactWays.update("c1", user=["amy"], conclusions=conclusions)


def test_contact_ways_are_listed_page_by_page(loopback: Any, wecom: WeCom) -> None:
    path = "/cgi-bin/externalcontact/list_contact_way"
    loopback.answer(path, {"contact_way": [{"config_id": "c1"}], "next_cursor": "n"}, {"contact_way": [{"config_id": "c2"}]})
    assert [way.config_id for way in wecom.contact_ways.all()] == ["c1", "c2"]
    assert [seen.json for seen in loopback.seen] == [{"limit": 1000}, {"limit": 1000, "cursor": "n"}]
