"""Customer service: accounts, servicers, sessions, figures, and what the robot knows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from siyu_sdk import InputError
from siyu_sdk.core.errors import Conflict
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.kf import KfAccounts, KfCustomers, KfServicers, ServicerStatus, UpgradeType
from siyu_sdk.wecom.kf_knowledge import AnswerImage, AnswerLink, KfKnowledge, KnowledgeAnswer, Question
from siyu_sdk.wecom.kf_sessions import KfSessions, ServiceState
from siyu_sdk.wecom.kf_statistics import KfStatistics
from siyu_sdk.wecom.messages import KfMiniProgramPage, Text

NOW = datetime(2024, 5, 6, tzinfo=UTC)
LIST = "/cgi-bin/kf/account/list"


def test_accounts_go_on_until_a_page_is_empty(loopback: Any, wecom: WeCom) -> None:
    full = [{"open_kfid": f"wk{n}", "name": "客服"} for n in range(2)]
    loopback.answer(LIST, {"account_list": full}, {"account_list": [{"open_kfid": "wk9"}]}, {"account_list": []})
    assert [account.open_kfid for account in wecom.kf_accounts.all(limit=2)] == ["wk0", "wk1", "wk9"]
    assert [seen.json for seen in loopback.calls(LIST)] == [{"limit": 2}, {"limit": 2, "offset": 2}, {"limit": 2, "offset": 3}]


def test_servicers_fail_one_by_one_without_an_error(loopback: Any, wecom: WeCom) -> None:
    results = [{"userid": "amy", "errcode": 0, "errmsg": "ignored"}, {"userid": "bob", "errcode": 95014, "errmsg": "no servicer"}]
    loopback.answer("/cgi-bin/kf/servicer/add", {"result_list": results})
    amy, bob = wecom.kf_servicers.add("wk1", ["amy", "bob"]).result_list
    assert amy.error is None
    assert bob.error is not None
    assert bob.error.code == 95014


def test_servicers_are_members_and_departments(loopback: Any, wecom: WeCom) -> None:
    told = [{"userid": "amy", "status": 1, "stop_type": 1}, {"department_id": 2}]
    loopback.answer("/cgi-bin/kf/servicer/list", {"servicer_list": told})
    member, department = wecom.kf_servicers.list("wk1").servicer_list
    assert member.status is ServicerStatus.STOPPED
    assert (department.userid, department.department_id, department.status) == (None, 2, None)


def test_a_session_is_handed_on_and_never_by_itself_twice(loopback: Any, wecom: WeCom) -> None:
    path = "/cgi-bin/kf/service_state/trans"
    loopback.answer(path, {"msg_code": "code-1"}, {"errcode": 95016, "errmsg": "not allowed"})
    done = wecom.kf_sessions.transfer("wk1", "wm1", service_state=ServiceState.SERVICER, servicer_userid="amy")
    assert done.msg_code == "code-1"
    with pytest.raises(Conflict):
        wecom.kf_sessions.transfer("wk1", "wm1", service_state=ServiceState.QUEUED)
    assert [seen.json["service_state"] for seen in loopback.calls(path)] == [3, 2]
    assert not KfSessions.transfer.spec.idempotent


@pytest.mark.parametrize(
    ("make", "field", "says"),
    [
        (lambda: KfAccounts.add("名" * 17, media_id="m"), "name", "at most 16 characters"),
        (lambda: KfAccounts.contact_link("wk1", scene="a b"), "scene", "32 characters out of"),
        (lambda: KfAccounts.contact_link("wk1", scene="x" * 33), "scene", "got 33"),
        (lambda: KfServicers.add("wk1"), "userid_list", "department_id_list"),
        (lambda: KfServicers.add("wk1", ["u"] * 101), "userid_list", "at most 100"),
        (lambda: KfServicers.add("wk1", department_id_list=[1] * 21), "department_id_list", "at most 20"),
        (lambda: KfServicers.delete("wk1", []), "userid_list", "give userid_list"),
        (lambda: KfCustomers.batch_get([]), "external_userid_list", "at least one"),
        (lambda: KfCustomers.batch_get(["wm"] * 101), "external_userid_list", "at most 100"),
        (lambda: KfCustomers.upgrade("wk1", "wm1", type=UpgradeType.GROUP_CHAT, member={"userid": "amy"}), "groupchat", "needs groupchat"),
        (lambda: KfSessions.transfer("wk1", "wm1", service_state=ServiceState.SERVICER), "servicer_userid", "who takes over"),
        (lambda: KfStatistics.corp(start_time=NOW, end_time=NOW + timedelta(days=32)), "end_time", "31 days"),
        (lambda: KfStatistics.servicer(start_time=NOW, end_time=NOW - timedelta(days=1)), "end_time", "days after"),
        (lambda: KfKnowledge.update_intent("i1"), "question", "nothing to change"),
    ],
)
def test_what_cannot_work_is_refused_naming_field_and_limit(make: Any, field: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        make()
    assert caught.value.field == field


def test_the_robot_learns_an_answer_with_attachments(loopback: Any, wecom: WeCom) -> None:
    loopback.answer("/cgi-bin/kf/knowledge/add_intent", {"intent_id": "i1"})
    answer = KnowledgeAnswer(
        text=Text(content="明天"),
        attachments=(
            AnswerImage(media_id="m1"),
            AnswerLink(title="物流", url="https://example.com/1"),
            KfMiniProgramPage(appid="wx1", pagepath="/index", thumb_media_id="m2"),
        ),
    )
    made = wecom.kf_knowledge.add_intent("g1", question=Question(text=Text(content="何时发货")), answers=[answer])
    assert made.intent_id == "i1"
    assert loopback.seen[0].json["answers"] == [
        {
            "text": {"content": "明天"},
            "attachments": [
                {"msgtype": "image", "image": {"media_id": "m1"}},
                {"msgtype": "link", "link": {"title": "物流", "url": "https://example.com/1"}},
                {"msgtype": "miniprogram", "miniprogram": {"appid": "wx1", "pagepath": "/index", "thumb_media_id": "m2"}},
            ],
        }
    ]


ANSWER = KnowledgeAnswer(text=Text(content="明天"))
ASK = Question(text=Text(content="何时发货"))


@pytest.mark.parametrize(
    ("make", "field", "says"),
    [
        (lambda: KfKnowledge.add_group("榴" * 13), "name", "12 characters"),
        (lambda: KfKnowledge.list_intents(limit=1001), "limit", "1000"),
        (
            lambda: KfKnowledge.add_intent("g1", question={"text": {"content": "问" * 201}}, answers=[ANSWER]),
            "question.text",
            "200 characters",
        ),
        (lambda: KfKnowledge.add_intent("g1", question={"text": {"content": ""}}, answers=[ANSWER]), "question.text", "Text needs content"),
        (lambda: KfKnowledge.add_intent("g1", question=ASK, answers=[ANSWER] * 2), "answers", "at most 1"),
        (
            lambda: KfKnowledge.add_intent("g1", question=ASK, answers=[{"text": {"content": "答" * 501}}]),
            "answers.0.text",
            "500 characters",
        ),
        (
            lambda: KfKnowledge.update_intent("i1", answers=[{**ANSWER.to_wire(), "attachments": (AnswerImage(media_id="m"),) * 5}]),
            "answers.0.attachments",
            "at most 4",
        ),
        (lambda: KfKnowledge.update_intent("i1", similar_questions={"items": [ASK] * 101}), "similar_questions.items", "at most 100"),
    ],
)
def test_a_question_keeps_the_limits(make: Any, field: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        make()
    assert caught.value.field == field


def test_an_answer_as_told_cannot_be_given_back(loopback: Any, wecom: WeCom) -> None:
    told = {"text": {"content": "明天"}, "attachments": [{"msgtype": "image", "image": {"name": "榴莲.jpg"}}]}
    page = {"intent_list": [{"intent_id": "i1", "answers": [told]}]}
    loopback.answer(
        "/cgi-bin/kf/knowledge/list_intent", {**page, "has_more": 1, "next_cursor": "c"}, {**page, "has_more": 0, "next_cursor": "d"}
    )
    first, second = wecom.kf_knowledge.all_intents(group_id="g1")
    assert first == second
    assert first.answers[0].attachments[0] == AnswerImage(name="榴莲.jpg")
    with pytest.raises(InputError, match="AnswerImage needs media_id"):
        wecom.kf_knowledge.update_intent("i1", answers=first.answers)
