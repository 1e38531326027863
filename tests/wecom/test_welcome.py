"""Welcome messages for a new customer, and templates for those who join a group."""

from __future__ import annotations

from typing import Any

import pytest

from siyu_sdk import Conflict, InputError
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.group_welcome import GroupWelcome
from siyu_sdk.wecom.messages import File, Image, Link, Text
from siyu_sdk.wecom.welcome import Welcome

SEND = "/cgi-bin/externalcontact/send_welcome_msg"


def test_a_customer_is_greeted_once(loopback: Any, wecom: WeCom) -> None:
    wecom.welcome.send("CODE", text=Text(content="您好"), attachments=[Image(media_id="m1")])
    assert loopback.seen[0].json == {
        "welcome_code": "CODE",
        "text": {"content": "您好"},
        "attachments": [{"msgtype": "image", "image": {"media_id": "m1"}}],
    }
    loopback.answer(SEND, {"errcode": 41096, "errmsg": "another app"})
    with pytest.raises(Conflict):
        wecom.welcome.send("CODE", text={"content": "您好"})


def test_the_code_does_not_show() -> None:
    assert "SECRET-CODE" not in repr(Welcome.send("SECRET-CODE", text={"content": "您好"}))


@pytest.mark.parametrize(
    ("arguments", "field", "says"),
    [
        ({}, "text", "nothing to send"),
        ({"text": Text(content=""), "attachments": []}, "text", "nothing to send"),
        ({"text": Text(content="好" * 1334)}, "text", "4000 bytes"),
        ({"attachments": [File(media_id="m")] * 10}, "attachments", "at most 9"),
        ({"attachments": [Image()]}, "attachments.0.image", "media_id or pic_url"),
    ],
)
def test_what_cannot_be_sent_is_refused(arguments: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        Welcome.send("CODE", **arguments)
    assert caught.value.field == field


def test_a_template_has_each_content_in_a_field_of_its_own(loopback: Any, wecom: WeCom) -> None:
    loopback.answer("/cgi-bin/externalcontact/group_welcome_template/add", {"template_id": "t1"})
    made = wecom.group_welcome.create(text={"content": "%NICKNAME%您好"}, link=Link(title="榴莲", url="https://example.com"), notify=False)
    assert made.template_id == "t1"
    assert loopback.seen[0].json == {
        "text": {"content": "%NICKNAME%您好"},
        "link": {"title": "榴莲", "url": "https://example.com"},
        "notify": 0,
    }


def test_an_empty_or_incomplete_template_is_refused() -> None:
    with pytest.raises(InputError, match="a template needs content"):
        GroupWelcome.create(text={"content": ""})
    GroupWelcome.create(text={"content": "好" * 1000})
    with pytest.raises(InputError, match="3000 bytes"):
        GroupWelcome.create(text={"content": "好" * 1001})
    with pytest.raises(InputError, match="pic_media_id") as caught:
        GroupWelcome.update("t1", miniprogram={"title": "下单", "appid": "wx1", "page": "/index"})
    assert caught.value.field == "miniprogram"
    with pytest.raises(InputError, match=r"image\.media"):
        GroupWelcome.update("t1", image={"media_id": "m", "media": "m"})
