"""What the robot knows: groups and questions, which may not come twice, and how much of them there may be."""

from __future__ import annotations

import pytest

from siyu_sdk import Upload
from siyu_sdk.sandbox import Sandbox
from siyu_sdk.sandbox.wecom import kf_knowledge
from siyu_sdk.wecom.client import WeCom

from .conftest import WeComCaller, refused

KNOWLEDGE = "/cgi-bin/kf/knowledge"
ANSWER = {"text": {"content": "是的"}}


def question(text: str) -> dict[str, object]:
    return {"text": {"content": text}}


def test_groups_come_and_go_but_for_the_default_one(corp: WeCom) -> None:
    (default,) = corp.kf_knowledge.all_groups()
    assert (default.name, default.is_default) == ("默认分组", True)
    made = corp.kf_knowledge.add_group("配送").group_id
    assert refused(lambda: corp.kf_knowledge.add_group("配送")) == 40058
    corp.kf_knowledge.rename_group(made, "物流")
    corp.kf_knowledge.rename_group(made, "物流")
    assert refused(lambda: corp.kf_knowledge.rename_group(made, "默认分组")) == 40058
    assert refused(lambda: corp.kf_knowledge.rename_group(default.group_id, "其他")) == 40058
    assert refused(lambda: corp.kf_knowledge.delete_group(default.group_id)) == 40058
    assert [group.name for group in corp.kf_knowledge.list_groups(group_id=made).group_list] == ["物流"]
    corp.kf_knowledge.add_intent(made, question=question("多久到货"), answers=[ANSWER])
    corp.kf_knowledge.delete_group(made)
    assert list(corp.kf_knowledge.all_intents()) == []
    assert [group.name for group in corp.kf_knowledge.all_groups()] == ["默认分组"]
    assert refused(lambda: corp.kf_knowledge.delete_group(made)) == 40058


def test_a_hundred_groups_and_no_more(corp: WeCom) -> None:
    for n in range(99):
        corp.kf_knowledge.add_group(f"组{n}")
    assert refused(lambda: corp.kf_knowledge.add_group("第一百零一")) == 40058
    first = corp.kf_knowledge.list_groups(limit=60)
    second = corp.kf_knowledge.list_groups(limit=60, cursor=first.next_cursor)
    assert [(len(page.group_list), page.has_more) for page in (first, second)] == [(60, True), (40, False)]


def test_questions_are_asked_once(corp: WeCom) -> None:
    (default,) = corp.kf_knowledge.all_groups()
    other = corp.kf_knowledge.add_group("配送").group_id
    similar = {"items": [question("什么时候到"), question("几天到")]}
    made = corp.kf_knowledge.add_intent(
        default.group_id, question=question("多久到货"), similar_questions=similar, answers=[ANSWER]
    ).intent_id

    def ask(text: str) -> object:
        return corp.kf_knowledge.add_intent(other, question=question(text), answers=[ANSWER])

    assert [refused(lambda: ask("多久到货")), refused(lambda: ask("几天到"))] == [40058, 40058]
    corp.kf_knowledge.update_intent(made, answers=[{"text": {"content": "明天"}}])
    (intent,) = corp.kf_knowledge.all_intents(group_id=default.group_id)
    assert intent.question
    assert intent.similar_questions
    assert (intent.question.text.content, intent.answers[0].text.content) == ("多久到货", "明天")
    assert [item.text.content for item in intent.similar_questions.items] == ["什么时候到", "几天到"]
    corp.kf_knowledge.update_intent(made, similar_questions={"items": []})
    assert corp.kf_knowledge.add_intent(other, question=question("几天到"), answers=[ANSWER]).intent_id
    assert refused(lambda: corp.kf_knowledge.update_intent(made, question=question("几天到"))) == 40058
    corp.kf_knowledge.delete_intent(made)
    assert refused(lambda: corp.kf_knowledge.delete_intent(made)) == 40058


def test_two_hundred_questions_in_a_group(monkeypatch: pytest.MonkeyPatch, corp: WeCom) -> None:
    assert kf_knowledge.MOST_INTENTS == 200
    monkeypatch.setattr(kf_knowledge, "MOST_INTENTS", 3)
    (default,) = corp.kf_knowledge.all_groups()
    for n in range(3):
        corp.kf_knowledge.add_intent(default.group_id, question=question(f"问题{n}"), answers=[ANSWER])
    assert refused(lambda: corp.kf_knowledge.add_intent(default.group_id, question=question("再问"), answers=[ANSWER])) == 40058
    first = corp.kf_knowledge.list_intents(limit=2)
    assert (len(first.intent_list), first.has_more) == (2, True)
    assert len(corp.kf_knowledge.list_intents(limit=2, cursor=first.next_cursor).intent_list) == 1


def test_pictures_are_given_by_id_and_told_by_name(corp: WeCom) -> None:
    (default,) = corp.kf_knowledge.all_groups()
    picture = corp.media.upload(Upload(b"not quite a picture", "durian.png", "image/png"), type="image").media_id
    answer = {
        "text": {"content": "看图"},
        "attachments": [
            {"msgtype": "image", "image": {"media_id": picture}},
            {"msgtype": "link", "link": {"title": "榴莲", "url": "https://a.cn"}},
            {"msgtype": "miniprogram", "miniprogram": {"appid": "wx1", "pagepath": "p", "title": "店", "thumb_media_id": picture}},
        ],
    }
    corp.kf_knowledge.add_intent(default.group_id, question=question("长什么样"), answers=[answer])
    (intent,) = corp.kf_knowledge.all_intents()
    assert [(type(part).__name__, part.to_wire()) for part in intent.answers[0].attachments] == [
        ("AnswerImage", {"name": "durian.png"}),
        ("AnswerLink", {"title": "榴莲", "url": "https://a.cn"}),
        ("KfMiniProgramPage", {"appid": "wx1", "pagepath": "p", "title": "店"}),
    ]


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        ({"group_id": "kfg-nothing"}, 40058),
        ({"question": question("问" * 201)}, 40058),
        ({"question": {}}, 40063),
        ({"question": question("")}, 40063),
        ({"similar_questions": {"items": [question("x")] * 101}}, 40058),
        ({"similar_questions": {"items": [question("x")] * 2}}, 40058),
        ({"answers": []}, 40063),
        ({"answers": [ANSWER] * 2}, 40058),
        ({"answers": [{"text": {"content": "答" * 501}}]}, 40058),
        ({"answers": [{**ANSWER, "attachments": [{"msgtype": "link", "link": {"title": "t", "url": "https://a.cn"}}] * 5}]}, 41064),
        ({"answers": [{**ANSWER, "attachments": [{"msgtype": "file", "file": {"media_id": "m"}}]}]}, 41065),
        ({"answers": [{**ANSWER, "attachments": [{"msgtype": "image", "image": {"media_id": "gone"}}]}]}, 40007),
        ({"answers": [{**ANSWER, "attachments": [{"msgtype": "link", "link": {"title": "t"}}]}]}, 40063),
    ],
)
def test_what_is_no_question(sandbox: Sandbox, wecom: WeComCaller, change: dict[str, object], errcode: int) -> None:
    body = {"group_id": next(iter(sandbox.wecom.kf.knowledge.groups)), "question": question("问"), "answers": [ANSWER], **change}
    assert wecom(KNOWLEDGE + "/add_intent", **body)["errcode"] == errcode
    assert sandbox.wecom.kf.knowledge.intents == {}


def test_names_of_groups(wecom: WeComCaller) -> None:
    assert wecom(KNOWLEDGE + "/add_group", name="十二个字刚好可以的分组名")["errcode"] == 0
    assert wecom(KNOWLEDGE + "/add_group", name="十三个字就超过了分组名长度")["errcode"] == 40058
    assert wecom(KNOWLEDGE + "/add_group")["errcode"] == 40063
