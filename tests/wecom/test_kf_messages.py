"""Messages of customer service: what is read comes typed and whole, what is sent is checked, nothing is sent twice."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from siyu_sdk import InputError
from siyu_sdk.core.errors import DecodeError, OutcomeUnknown
from siyu_sdk.wecom.client import AsyncWeCom, WeCom
from siyu_sdk.wecom.kf_message_models import (
    AcquisitionCard,
    BusinessCard,
    EnterSession,
    FailType,
    KfEvent,
    KfLinkCard,
    Location,
    Menu,
    MenuClick,
    MenuItem,
    MenuItemType,
    MergedMessages,
    MsgSendFail,
    Origin,
    ReceivedText,
    SessionChange,
    SessionStatusChange,
)
from siyu_sdk.wecom.kf_messages import KfMessages
from siyu_sdk.wecom.messages import File, Image, KfMiniProgramPage, Link, Text, Video, Voice

SYNC, SEND = "/cgi-bin/kf/sync_msg", "/cgi-bin/kf/send_msg"
YES = MenuItem(type=MenuItemType.CLICK, click=MenuClick(id="1", content="满意"))


def text(number: int) -> dict[str, Any]:
    return {"msgid": f"m{number}", "msgtype": "text", "origin": 3, "send_time": 1_715_000_000, "text": {"content": str(number)}}


def read(*messages: dict[str, Any]) -> Any:
    return KfMessages.sync.spec.parse(json.dumps({"errcode": 0, "has_more": 0, "msg_list": messages}).encode())


PAGES = (
    {"msg_list": [text(1)], "has_more": 1, "next_cursor": "c1"},
    {"msg_list": [], "has_more": 1, "next_cursor": "c2"},
    {"msg_list": [text(2)], "has_more": 0, "next_cursor": "c3"},
)


def test_reading_goes_on_over_an_empty_page_and_ends_although_there_is_a_cursor(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(SYNC, *PAGES)
    assert [message.msgid for message in wecom.kf_messages.all("wk1", cursor="c0", token="t")] == ["m1", "m2"]
    assert [seen.json.get("cursor") for seen in loopback.calls(SYNC)] == ["c0", "c1", "c2"]
    assert {seen.json["token"] for seen in loopback.calls(SYNC)} == {"t"}


async def test_tasks_read_the_same(loopback: Any) -> None:
    loopback.answer(SYNC, *PAGES)
    async with AsyncWeCom("ww1", "secret-of-the-app", base_url=loopback.url) as wecom:
        assert [message.msgid async for message in wecom.kf_messages.all("wk1", token="t")] == ["m1", "m2"]


def test_a_cursor_that_stands_still_ends_in_an_error_and_not_never(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(SYNC, {"msg_list": [], "has_more": 1, "next_cursor": "c1"})
    with pytest.raises(DecodeError, match="same cursor twice"):
        list(wecom.kf_messages.all("wk1"))


def test_the_token_of_an_event_does_not_show() -> None:
    call = KfMessages.sync("wk1", token="the-token")
    assert "the-token" not in repr(call)
    assert call.to_wire()["json"] == {"open_kfid": "wk1", "token": "the-token"}


def test_content_and_events_come_as_types_of_their_own() -> None:
    page = read(
        {**text(1), "text": {"content": "满意", "menu_id": "101"}, "external_userid": "wm1"},
        {"msgtype": "event", "origin": 4, "event": {"event_type": "enter_session", "welcome_code": "code", "scene": "s"}},
        {"msgtype": "event", "event": {"event_type": "session_status_change", "change_type": 3, "msg_code": "code"}},
        {"msgtype": "event", "event": {"event_type": "msg_send_fail", "fail_msgid": "m1", "fail_type": 6}},
        {"msgtype": "event", "event": {"event_type": "tomorrow", "open_kfid": "wk1", "what": 1}},
        {"msgtype": "note"},
        {"msgtype": "sticker", "sticker": {"id": 1}},
        {"msgtype": "msgid", "msgid": "m9"},
    )
    contents = [message.content for message in page.msg_list]
    assert contents[0] == ReceivedText(content="满意", menu_id="101")
    assert page.msg_list[0].origin is Origin.CUSTOMER
    assert isinstance(contents[1], EnterSession)
    assert contents[1].welcome_code == "code"
    assert isinstance(contents[2], SessionStatusChange)
    assert contents[2].change_type is SessionChange.ENDED
    assert isinstance(contents[3], MsgSendFail)
    assert contents[3].fail_type is FailType.OVER_LIMIT
    assert type(contents[4]) is KfEvent
    assert contents[4].model_extra == {"what": 1}
    assert contents[5:] == [None, None, None]
    assert page.msg_list[6].model_extra == {"sticker": {"id": 1}}
    assert page.to_wire()["msg_list"][4]["event"] == {"event_type": "tomorrow", "open_kfid": "wk1", "what": 1}


def test_messages_passed_on_together_are_read_one_by_one() -> None:
    inner = json.dumps({"msgtype": "text", "text": {"content": "你好"}})
    items = [{"sender_name": "李", "msgtype": "text", "msg_content": inner}, {"msgtype": "text", "msg_content": "no message"}]
    content = read({"msgtype": "merged_msg", "merged_msg": {"title": "聊天记录", "item": items}}).msg_list[0].content
    assert isinstance(content, MergedMessages)
    assert content.item[0].message.content == ReceivedText(content="你好")
    with pytest.raises(DecodeError, match="merged_msg"):
        _ = content.item[1].message


@pytest.mark.parametrize(
    ("content", "wire"),
    [
        (Text(content="您好"), {"msgtype": "text", "text": {"content": "您好"}}),
        (Image(media_id="m"), {"msgtype": "image", "image": {"media_id": "m"}}),
        (Voice(media_id="m"), {"msgtype": "voice", "voice": {"media_id": "m"}}),
        (Video(media_id="m"), {"msgtype": "video", "video": {"media_id": "m"}}),
        (File(media_id="m"), {"msgtype": "file", "file": {"media_id": "m"}}),
        (
            KfLinkCard(title="t", url="u", thumb_media_id="m"),
            {"msgtype": "link", "link": {"title": "t", "url": "u", "thumb_media_id": "m"}},
        ),
        (
            KfMiniProgramPage(appid="wx1", pagepath="p", thumb_media_id="m"),
            {"msgtype": "miniprogram", "miniprogram": {"appid": "wx1", "pagepath": "p", "thumb_media_id": "m"}},
        ),
        (
            Menu(head_content="满意吗", list=(YES,)),
            {
                "msgtype": "msgmenu",
                "msgmenu": {"head_content": "满意吗", "list": [{"type": "click", "click": {"id": "1", "content": "满意"}}]},
            },
        ),
        (Location(latitude=23.1, longitude=113.3), {"msgtype": "location", "location": {"latitude": 23.1, "longitude": 113.3}}),
        (BusinessCard(userid="amy"), {"msgtype": "business_card", "business_card": {"userid": "amy"}}),
        (AcquisitionCard(link_url="u"), {"msgtype": "ca_link", "ca_link": {"link_url": "u"}}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_models_and_wire_dicts_make_the_same_call(content: Any, wire: dict[str, Any]) -> None:
    call = KfMessages.send("wk1", "wm1", content, msgid="my-1")
    assert call.to_wire()["json"] == {"open_kfid": "wk1", "touser": "wm1", "msgid": "my-1", **wire}
    assert KfMessages.send("wk1", "wm1", wire, msgid="my-1") == call
    assert KfMessages.send.spec.load(call.to_wire()["json"]) == call
    assert pickle.loads(pickle.dumps(call)) == call
    assert call.replace(touser="wm2").to_wire()["json"]["touser"] == "wm2"


@pytest.mark.parametrize(
    ("message", "field", "says"),
    [
        (Text(content=""), "message.text", "Text needs content"),
        (Text(content="好" * 683), "message.text", "2048 bytes"),
        (Image(pic_url="https://example.com/1"), "message.image", "Image needs media_id here, got pic_url"),
        (KfLinkCard(title="t", url="u"), "message.link", "needs thumb_media_id"),
        (KfMiniProgramPage(appid="a", pagepath="p"), "message.miniprogram", "needs thumb_media_id"),
        (Menu(list=(YES,) * 11), "message.msgmenu.list", "at most 10"),
        (Menu(list=(MenuItem(type=MenuItemType.CLICK),)), "message.msgmenu.list.0", "type is click, but there is no click"),
        (Menu(head_content="好" * 342), "message.msgmenu.head_content", "1024 bytes"),
        (
            Menu(list=(MenuItem(type=MenuItemType.CLICK, click=MenuClick(content="满" * 43)),)),
            "message.msgmenu.list.0.click.content",
            "128 bytes",
        ),
        (KfLinkCard(title="t", url="u" * 2049, thumb_media_id="m"), "message.link.url", "2048 bytes"),
        ({"msgtype": "text"}, "message", "msgtype and its content do not fit"),
        ({"msgtype": "text", "text": {"contents": "hi"}}, "message.text.contents", "unknown"),
        ({"msgtype": "text", "text": {"content": "hi"}, "txt": {"content": "hi"}}, "message.txt", "unknown"),
        ({"text": {"content": "hi"}}, "message", "msgtype and its content do not fit"),
    ],
)
def test_what_cannot_be_sent_is_refused_naming_field_and_limit(message: Any, field: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        KfMessages.send("wk1", "wm1", message)
    assert caught.value.field == field


def test_a_link_of_a_mass_message_is_none_of_customer_service() -> None:
    with pytest.raises(InputError, match="KfLinkCard"):
        KfMessages.send("wk1", "wm1", Link(title="t", url="u", picurl="p"))  # type: ignore[arg-type]


@pytest.mark.parametrize("msgid", ["", "x" * 33, "a b", "编号"])
def test_an_id_of_ones_own_has_its_form(msgid: str) -> None:
    with pytest.raises(InputError, match="1 to 32 characters"):
        KfMessages.send("wk1", "wm1", Text(content="hi"), msgid=msgid)


def test_a_message_is_never_sent_twice_on_its_own_and_repeating_it_keeps_its_id(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(SEND, {"errcode": -1, "errmsg": "system busy"}, {"msgid": "my-1"})
    call = KfMessages.send("wk1", "wm1", Text(content="hi"), msgid="my-1")
    with pytest.raises(OutcomeUnknown):
        wecom.send(call)
    assert len(loopback.calls(SEND)) == 1
    assert wecom.send(call).msgid == "my-1"
    assert {seen.json["msgid"] for seen in loopback.calls(SEND)} == {"my-1"}


def test_an_event_is_answered_with_a_text_or_a_menu() -> None:
    call = KfMessages.send_on_event("the-code", Text(content="欢迎"))
    assert call.to_wire()["json"] == {"code": "the-code", "msgtype": "text", "text": {"content": "欢迎"}}
    assert "the-code" not in repr(call)
    with pytest.raises(InputError, match="Image is not possible here"):
        KfMessages.send_on_event("the-code", Image(media_id="m"))  # type: ignore[arg-type]
