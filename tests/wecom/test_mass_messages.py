"""Mass messages: what may be sent, how content travels, and what became of it."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from siyu_sdk import InputError, OutcomeUnknown
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.mass_messages import CreateType, MassMessages, SendStatus, TagFilter, TagGroup, TaskStatus
from siyu_sdk.wecom.messages import File, Image, Link, MiniProgramPage, Other, Text, Video

CREATE = "/cgi-bin/externalcontact/add_msg_template"
NOW = datetime(2024, 5, 6, 9, tzinfo=UTC)

FLAT = [
    Image(media_id="m1"),
    Link(title="榴莲到货", url="https://example.com/durian"),
    MiniProgramPage(title="下单", appid="wx1", page="/index", pic_media_id="m2"),
    Video(media_id="m3"),
    File(media_id="m4"),
]
WIRE = [
    {"msgtype": "image", "image": {"media_id": "m1"}},
    {"msgtype": "link", "link": {"title": "榴莲到货", "url": "https://example.com/durian"}},
    {"msgtype": "miniprogram", "miniprogram": {"title": "下单", "appid": "wx1", "page": "/index", "pic_media_id": "m2"}},
    {"msgtype": "video", "video": {"media_id": "m3"}},
    {"msgtype": "file", "file": {"media_id": "m4"}},
]


def create(**changes: Any) -> Any:
    return MassMessages.create(**{"text": Text(content="榴莲到货"), "sender": "amy", "external_userid": ["wm1"], **changes})


def test_a_message_is_created_for_the_customers_of_a_member(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(CREATE, {"msgid": "msg1", "fail_list": ["wm9"]})
    made = wecom.mass_messages.create(text={"content": "榴莲到货"}, attachments=FLAT, sender="amy", external_userid=["wm1", "wm9"])
    assert made.msgid == "msg1"
    assert made.fail_list == ("wm9",)
    assert loopback.seen[0].json == {
        "chat_type": "single",
        "external_userid": ["wm1", "wm9"],
        "sender": "amy",
        "text": {"content": "榴莲到货"},
        "attachments": WIRE,
    }


def test_models_and_wire_dicts_make_the_same_call() -> None:
    flat, wire = create(attachments=FLAT), create(attachments=WIRE)
    assert flat == wire
    assert flat.arguments["attachments"] == FLAT == wire.arguments["attachments"]
    assert pickle.loads(pickle.dumps(flat)) == flat
    assert MassMessages.create.spec.load(flat.to_wire()["json"]) == flat


def test_content_of_tomorrow_travels_untouched() -> None:
    sticker = {"msgtype": "sticker", "sticker": {"id": 1, "note": None}}
    call = create(attachments=[sticker, Other(name="sticker", content={"id": 2})])
    assert call.to_wire()["json"]["attachments"] == [sticker, {"msgtype": "sticker", "sticker": {"id": 2}}]


def test_what_is_read_comes_back_as_the_same_models_and_loses_nothing() -> None:
    told = [
        *WIRE,
        {"msgtype": "image", "image": {"pic_url": "https://example.com/1", "new": 1}, "beside": True},
        {"msgtype": "sticker", "sticker": {"id": 1}},
        {"msgtype": "link", "link": {"title": "a link that lost its address"}},
        {"msgtype": "image"},
        {},
    ]
    page = {"errcode": 0, "group_msg_list": [{"msgid": "msg1", "create_type": 0, "create_time": 1_715_000_000, "attachments": told}]}
    reply = MassMessages.list.spec.parse(json.dumps(page).encode())
    (message,) = reply.group_msg_list
    assert message.create_type is CreateType.CORP
    assert list(message.attachments[:5]) == FLAT
    assert isinstance(message.attachments[5], Image)
    assert message.attachments[5].beside == {"beside": True}
    assert [type(content) for content in message.attachments[6:9]] == [Other, Other, Other]
    out = reply.to_wire()
    assert out["group_msg_list"][0]["attachments"][:-1] == told[:-1]


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"external_userid": ["x"] * 10_001}, "external_userid", "10000"),
        ({"external_userid": []}, "external_userid", "at least one"),
        ({"external_userid": None, "sender": None}, "external_userid", "nobody"),
        ({"external_userid": None, "sender": ""}, "external_userid", "nobody"),
        ({"chat_type": "group", "sender": None, "external_userid": None, "chat_id_list": ["wr1"]}, "sender", "group"),
        ({"chat_type": "group", "external_userid": None, "chat_id_list": []}, "chat_id_list", "at least one"),
        ({"chat_type": "group", "external_userid": None, "chat_id_list": ["wr"] * 2001}, "chat_id_list", "2000"),
        ({"chat_type": "groups"}, "chat_type", "single"),
        ({"text": None}, "text", "nothing to send"),
        ({"text": Text(content=""), "attachments": []}, "text", "nothing to send"),
        ({"text": Text(content="好" * 1334)}, "text", "4000 bytes"),
        ({"text": {"contents": "hi"}}, "text.contents", "unknown"),
        ({"attachments": [Image(media_id="m")] * 10}, "attachments", "at most 9"),
        ({"attachments": [Image()]}, "attachments.0.image", "media_id or pic_url"),
        ({"attachments": [{"msgtype": "image", "image": {"media": "m"}}]}, "attachments.0.image.media", "unknown"),
        ({"attachments": [{"msgtype": "image", "image": {"media_id": "m"}, "imge": 1}]}, "attachments.0.imge", "unknown"),
        ({"attachments": [{"msgtype": "image", "image": {"media_id": "m"}, "link": {}}]}, "attachments.0.link", "unknown"),
        ({"attachments": [{"msgtype": "imgae", "image": {"media_id": "m"}}]}, "attachments.0", "msgtype"),
        ({"attachments": [Text(content="hi")]}, "attachments.0", "Image, Link"),
        ({"attachments": [Link(title="标" * 43, url="u")]}, "attachments.0.link.title", "128 bytes"),
        ({"attachments": [Link(title="t", url="u" * 2049)]}, "attachments.0.link.url", "2048 bytes"),
        ({"attachments": [Link(title="t", url="u", desc="d" * 513)]}, "attachments.0.link.desc", "512 bytes"),
        (
            {"attachments": [MiniProgramPage(title="t" * 65, appid="a", page="p", pic_media_id="m")]},
            "attachments.0.miniprogram.title",
            "64 bytes",
        ),
        ({"attachments": [MiniProgramPage(title="t", appid="a", page="p")]}, "attachments.0.miniprogram", "pic_media_id"),
        ({"attachments": [Link(title="t", url="u", picurl="p" * 2049)]}, "attachments.0.link.picurl", "2048 bytes"),
        ({"external_userid": None, "tag_filter": {"group_list": [{"tag_list": ["et"] * 101}]}}, "tag_filter.group_list.0.tag_list", "100"),
        ({"external_userid": None, "tag_filter": TagFilter(group_list=[])}, "tag_filter.group_list", "at least one"),
        ({"external_userid": None, "tag_filter": {"group_list": [{"tag_list": []}]}}, "tag_filter.group_list.0.tag_list", "at least one"),
    ],
)
def test_what_cannot_be_sent_is_refused_naming_field_and_limit(changes: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        create(**changes)
    assert caught.value.field == field
    assert "POST /cgi-bin/externalcontact/add_msg_template" in str(caught.value)


def test_the_limits_themselves_are_allowed() -> None:
    create(external_userid=["x"] * 10_000, text=Text(content="好" * 1333 + "a"), attachments=[Image(media_id="m")] * 9)
    create(external_userid=None, tag_filter=TagFilter(group_list=[TagGroup(tag_list=["et1"])]))
    create(text=None, attachments=[Image(pic_url="https://example.com/1")])
    create(chat_type="group", external_userid=None)


def test_tasks_and_results_tell_what_became_of_it(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(
        "/cgi-bin/externalcontact/get_groupmsg_task",
        {"task_list": [{"userid": "amy", "status": 2, "send_time": 1_715_000_000}], "next_cursor": "c"},
        {"task_list": [{"userid": "bob", "status": 0}]},
    )
    statuses = [0, 1, 2, 3, 9]
    loopback.answer(
        "/cgi-bin/externalcontact/get_groupmsg_send_result",
        {"send_list": [{"userid": "amy", "external_userid": f"wm{n}", "status": n} for n in statuses]},
    )
    assert [(task.userid, task.status) for task in wecom.mass_messages.tasks("msg1")] == [
        ("amy", TaskStatus.SENT),
        ("bob", TaskStatus.UNSENT),
    ]
    results = [result.status for result in wecom.mass_messages.results("msg1", "amy")]
    assert results[:4] == [SendStatus.UNSENT, SendStatus.SENT, SendStatus.NOT_A_FRIEND, SendStatus.OVER_LIMIT]
    assert results[4] is not None
    assert not results[4].is_known
    assert loopback.seen[1].json == {"msgid": "msg1", "limit": 1000, "cursor": "c"}


def test_messages_are_listed_within_a_month(loopback: Any, wecom: WeCom) -> None:
    loopback.answer("/cgi-bin/externalcontact/get_groupmsg_list_v2", {"group_msg_list": [{"msgid": "msg1"}]})
    (message,) = wecom.mass_messages.all(start_time=NOW - timedelta(days=31), end_time=NOW)
    assert message.msgid == "msg1"
    assert loopback.seen[0].json == {"start_time": 1_712_307_600, "end_time": 1_714_986_000, "chat_type": "single", "limit": 100}
    with pytest.raises(InputError, match="31 days"):
        MassMessages.list(start_time=NOW - timedelta(days=32), end_time=NOW)
    with pytest.raises(InputError, match="end_time"):
        MassMessages.list(start_time=NOW, end_time=NOW - timedelta(seconds=1))
    with pytest.raises(InputError, match="timezone"):
        MassMessages.list(start_time=datetime(2024, 5, 1), end_time=NOW)  # noqa: DTZ001 -- that is the point


def test_a_message_is_never_created_twice_on_its_own(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(CREATE, {"errcode": -1, "errmsg": "system busy"})
    with pytest.raises(OutcomeUnknown):
        wecom.send(create())
    assert len(loopback.seen) == 1


def test_reminding_and_cancelling(loopback: Any, wecom: WeCom) -> None:
    wecom.mass_messages.remind("msg1")
    wecom.mass_messages.cancel("msg1")
    assert [(seen.path.rpartition("/")[2], seen.json) for seen in loopback.seen] == [
        ("remind_groupmsg_send", {"msgid": "msg1"}),
        ("cancel_groupmsg_send", {"msgid": "msg1"}),
    ]
