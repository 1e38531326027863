"""What an app sends to members and to its chats: every content in its form, and what cannot arrive is never sent."""

from __future__ import annotations

import itertools
import pickle
from typing import Any

import pytest

from siyu_sdk import AsyncWeCom, Conflict, InputError, OutcomeUnknown
from siyu_sdk.wecom.app_chats import AppChats
from siyu_sdk.wecom.app_message_models import (
    Article,
    ChatText,
    Markdown,
    MiniProgramNotice,
    News,
    TextCard,
    TitledVideo,
)
from siyu_sdk.wecom.app_messages import AppMessages, Secrecy
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.messages import File, Image, Link, Other, Text, Video, Voice
from siyu_sdk.wecom.template_cards import (
    Action,
    ActionMenu,
    Button,
    ButtonInteraction,
    Checkbox,
    Jump,
    NewsNotice,
    Option,
    Target,
    TextNotice,
    Title,
    VoteInteraction,
)

SEND = "/cgi-bin/message/send"
OPEN = Jump(type=Target.URL, url="https://example.com")
VOTE = Checkbox(question_key="fruit", option_list=(Option(id="1", text="榴莲"),))


@pytest.mark.parametrize(
    ("content", "wire"),
    [
        (Text(content="榴莲到了🍈"), {"msgtype": "text", "text": {"content": "榴莲到了🍈"}}),
        (Image(media_id="m1"), {"msgtype": "image", "image": {"media_id": "m1"}}),
        (Voice(media_id="m1"), {"msgtype": "voice", "voice": {"media_id": "m1"}}),
        (Video(media_id="m1"), {"msgtype": "video", "video": {"media_id": "m1"}}),
        (TitledVideo(media_id="m1", title="开榴莲"), {"msgtype": "video", "video": {"media_id": "m1", "title": "开榴莲"}}),
        (File(media_id="m1"), {"msgtype": "file", "file": {"media_id": "m1"}}),
        (
            TextCard(title="领奖", description="榴莲一个", url="https://example.com"),
            {"msgtype": "textcard", "textcard": {"title": "领奖", "description": "榴莲一个", "url": "https://example.com"}},
        ),
        (
            News(articles=(Article(title="榴莲", url="https://example.com"),)),
            {"msgtype": "news", "news": {"articles": [{"title": "榴莲", "url": "https://example.com"}]}},
        ),
        (Markdown(content="**榴莲**"), {"msgtype": "markdown", "markdown": {"content": "**榴莲**"}}),
        (
            TextNotice(main_title=Title(title="榴莲"), card_action=OPEN),
            {
                "msgtype": "template_card",
                "template_card": {
                    "card_type": "text_notice",
                    "main_title": {"title": "榴莲"},
                    "card_action": {"type": 1, "url": "https://example.com"},
                },
            },
        ),
        ({"msgtype": "text", "text": {"content": "hi"}}, {"msgtype": "text", "text": {"content": "hi"}}),
    ],
    ids=itertools.count(),
)
def test_a_content_becomes_a_message(loopback: Any, wecom: WeCom, content: Any, wire: dict[str, Any]) -> None:
    wecom.app_messages.send(content, touser=["amy"], agentid=7)
    assert loopback.seen[0].json == {"touser": "amy", "agentid": 7, **wire}


def test_receivers_are_joined_and_whoever_was_passed_over_is_named(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(SEND, {"msgid": "m1", "invaliduser": "carl|dora", "invalidparty": "3", "invalidtag": "", "response_code": "r1"})
    sent = wecom.app_messages.send(
        Text(content="hi"), touser=["amy", "bob"], toparty=[1, 2], totag=[3], agentid=7, safe=Secrecy.CONFIDENTIAL
    )
    assert sent.invaliduser == ("carl", "dora")
    assert sent.invalidparty == (3,)
    assert sent.invalidtag == ()
    assert sent.to_wire()["invaliduser"] == "carl|dora"
    body = loopback.seen[0].json
    assert (body["touser"], body["toparty"], body["totag"], body["safe"]) == ("amy|bob", "1|2", "3", 1)


def test_everybody_is_a_receiver_of_its_own() -> None:
    assert AppMessages.send(Text(content="hi"), touser=["@all"], agentid=7) == AppMessages.send(
        Text(content="hi"), touser="@all", agentid=7
    )


def test_a_send_is_a_value_like_any_call() -> None:
    call = AppMessages.send(ButtonInteraction(task_id="t1", button_list=(Button(text="好", key="yes"),)), touser=["amy"], agentid=7)
    assert pickle.loads(pickle.dumps(call)) == call
    assert AppMessages.send.spec.load(call.to_wire()["json"]) == call


@pytest.mark.parametrize(
    ("content", "field", "words"),
    [
        (Text(content="林" * 683), "message.text", "at most 2048 bytes of UTF-8 are allowed, got 2049"),
        (Text(content=""), "message.text", "Text needs content here, got nothing"),
        (Image(), "message.image", "Image needs media_id here, got nothing"),
        (Image(pic_url="https://example.com/1.png"), "message.image", "Image needs media_id here, got pic_url"),
        (Link(title="榴莲", url="https://example.com"), "message", "Link is not possible here; it may be Text, Image"),
        (Other(name="sticker", content={}), "message", "Other is not possible here"),
        ({"msgtype": "sticker", "sticker": {"id": 1}}, "message", "msgtype sticker is not possible here; it may be text, image"),
        ({"text": {"content": "hi"}}, "message", "msgtype and its content do not fit"),
        ({"msgtype": "text", "image": {"media_id": "m1"}}, "message", "msgtype and its content do not fit"),
        ({"msgtype": "text", "text": {"content": "hi"}, "imgae": {}}, "message.imgae", "unknown parameter"),
        ({"msgtype": "text", "text": {"contnt": "hi"}}, "message.text.contnt", "unknown parameter"),
        ({"msgtype": "text", "text": {"content": "hi", "colour": "red"}}, "message.text.colour", "unknown parameter"),
        ({"msgtype": "text", "text": {"content": "hi", "mentioned_list": ["amy"]}}, "message.text.mentioned_list", "unknown parameter"),
        (ChatText(content="hi", mentioned_list=("amy",)), "message", "ChatText is not possible here"),
        (News(articles=(Article(title="榴莲"),) * 9), "message.news.articles", "at most 8 items"),
        (News(articles=(Article(title="榴" * 129),)), "message.news.articles.0.title", "at most 128 characters"),
        (Markdown(content="榴" * 683), "message.markdown.content", "2048 bytes"),
        (VoteInteraction(checkbox=VOTE), "message.template_card.task_id", "task_id is needed"),
        (
            TextNotice(sub_title_text="榴莲", card_action=OPEN, action_menu=ActionMenu(action_list=(Action(text="不再推送", key="stop"),))),
            "message.template_card.task_id",
            "task_id is needed",
        ),
        (TextNotice(sub_title_text="榴莲"), "message.template_card.text_notice", "TextNotice needs card_action here"),
        (TextNotice(card_action=OPEN), "message.template_card.text_notice", "TextNotice needs main_title or sub_title_text here"),
        (
            NewsNotice(main_title=Title(title="榴莲"), card_action=OPEN),
            "message.template_card.news_notice",
            "needs card_image or image_text_area",
        ),
        (
            TextNotice(sub_title_text="榴莲", card_action=OPEN, task_id="t" * 129),
            "message.template_card.text_notice.task_id",
            "128 bytes",
        ),
        ({"msgtype": "template_card", "template_card": {"card_type": "hologram"}}, "message.template_card", "card_type"),
        (
            {"msgtype": "template_card", "template_card": {"card_type": "text_notice", "tilte": {}}},
            "message.template_card.tilte",
            "unknown",
        ),
        (5, "message", "a message content is expected (Text, Image"),
    ],
    ids=itertools.count(),
)
def test_what_cannot_be_shown_is_refused(content: Any, field: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        AppMessages.send(content, touser=["amy"], agentid=7)
    assert caught.value.field == field
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({}, "touser"),
        ({"touser": []}, "touser"),
        ({"touser": ["x"] * 1001}, "touser"),
        ({"toparty": [1] * 101}, "toparty"),
        ({"totag": [1] * 101}, "totag"),
        ({"touser": ["x"], "duplicate_check_interval": 14_401}, "duplicate_check_interval"),
    ],
    ids=itertools.count(),
)
def test_a_message_needs_receivers_and_keeps_the_limits(options: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as caught:
        AppMessages.send(Text(content="hi"), agentid=7, **options)
    assert caught.value.field == field


def test_a_mini_program_notice_cannot_go_to_everybody() -> None:
    notice = MiniProgramNotice(appid="wx1", title="预订成功")
    with pytest.raises(InputError, match="@all"):
        AppMessages.send(notice, touser=["@all"], agentid=7)
    AppMessages.send(notice, touser=["amy"], agentid=7)


def test_a_busy_platform_may_have_sent_it_so_it_is_not_sent_again(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(SEND, {"errcode": -1, "errmsg": "system busy"})
    with pytest.raises(OutcomeUnknown):
        wecom.app_messages.send(Text(content="hi"), touser=["amy"], agentid=7)
    assert len(loopback.calls(SEND)) == 1


def test_a_card_that_was_answered_is_updated_once(loopback: Any, wecom: WeCom) -> None:
    loopback.answer("/cgi-bin/message/update_template_card", {"invaliduser": ["carl"]})
    done = VoteInteraction(checkbox=VOTE, replace_text="已提交")
    assert wecom.app_messages.update_template_card("r1", agentid=7, atall=True, template_card=done).invaliduser == ("carl",)
    body = loopback.seen[0].json
    assert body["template_card"]["card_type"] == "vote_interaction"
    assert body["atall"] == 1
    with pytest.raises(InputError, match="button or template_card"):
        AppMessages.update_template_card("r1", agentid=7)


def test_a_message_of_yesterday_cannot_be_taken_back(loopback: Any, wecom: WeCom) -> None:
    loopback.answer("/cgi-bin/message/recall", {"errcode": 42052, "errmsg": "msgid expired"})
    with pytest.raises(Conflict):
        wecom.app_messages.recall("m1")


async def test_a_chat_is_made_and_written_to(loopback: Any) -> None:
    loopback.answer("/cgi-bin/appchat/create", {"chatid": "durian"})
    async with AsyncWeCom("ww1", "secret", base_url=loopback.url) as wecom:
        chat = await wecom.app_chats.create(["amy", "bob"], name="榴莲", chatid="durian")
        await wecom.app_chats.send(chat.chatid, ChatText(content="开会", mentioned_list=("amy",)), safe=True)
    assert loopback.seen[1].json == {
        "chatid": "durian",
        "msgtype": "text",
        "text": {"content": "开会", "mentioned_list": ["amy"]},
        "safe": 1,
    }


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: AppChats.create(["amy"]), "userlist"),
        (lambda: AppChats.create(["x"] * 2001), "userlist"),
        (lambda: AppChats.create(["amy", "bob"], name="榴" * 51), "name"),
        (lambda: AppChats.create(["amy", "bob"], chatid="with space"), "chatid"),
        (lambda: AppChats.send("c", MiniProgramNotice(appid="wx1", title="预订成功")), "message"),  # type: ignore[arg-type]
    ],
    ids=itertools.count(),
)
def test_a_chat_keeps_the_limits(make: Any, field: str) -> None:
    with pytest.raises(InputError) as caught:
        make()
    assert caught.value.field == field
