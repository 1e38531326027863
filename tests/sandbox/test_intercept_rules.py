"""Sensitive words: rules, whom they apply to, and what they catch."""

from __future__ import annotations

from typing import Any

import pytest

from siyu_sdk.sandbox import Sandbox
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.intercept_rules import InterceptType, Semantics

from .conftest import WeComCaller, refused

EC = "/cgi-bin/externalcontact"


def test_a_rule_is_made_read_changed_and_deleted(corp: WeCom) -> None:
    made = corp.intercept_rules.create(
        "承诺",
        word_list=["保证", "最便宜"],
        intercept_type=InterceptType.WARN,
        applicable_range={"user_list": ["amy"], "department_list": [3]},
        semantics_list=[Semantics.EMAIL],
    ).rule_id
    assert [(rule.rule_id, rule.rule_name) for rule in corp.intercept_rules.list().rule_list] == [(made, "承诺")]
    rule = corp.intercept_rules.get(made).rule
    assert rule.rule_id == made, "a number here, a text there"
    assert (rule.word_list, rule.intercept_type) == (("保证", "最便宜"), InterceptType.WARN)
    assert rule.extra_rule
    assert rule.extra_rule.semantics_list == (Semantics.EMAIL,)

    corp.intercept_rules.update(
        rule.rule_id,
        word_list=["包退"],
        add_applicable_range={"user_list": ["bob"]},
        remove_applicable_range={"user_list": ["amy"], "department_list": [3]},
    )
    rule = corp.intercept_rules.get(rule.rule_id).rule
    assert rule.applicable_range
    assert (rule.rule_name, rule.word_list, rule.applicable_range.user_list) == ("承诺", ("包退",), ("bob",))
    assert rule.applicable_range.department_list == ()
    assert refused(lambda: corp.intercept_rules.update(made, remove_applicable_range={"user_list": ["bob"]})) == 40063
    corp.intercept_rules.delete(made)
    assert refused(lambda: corp.intercept_rules.get(made)) == 41071
    assert refused(lambda: corp.intercept_rules.get("99")) == 41070
    assert refused(lambda: corp.intercept_rules.get("xxx")) == 41070
    assert corp.intercept_rules.list().rule_list == ()


def test_rules_catch_what_members_write(sandbox: Sandbox, corp: WeCom) -> None:
    def rule(name: str, kind: InterceptType, words: list[str], semantics: list[Semantics], **where: Any) -> None:
        corp.intercept_rules.create(name, word_list=words, intercept_type=kind, applicable_range=where, semantics_list=semantics)

    rule("私单", InterceptType.WARN_AND_STOP, ["转我微信"], [Semantics.PHONE_NUMBER], user_list=["amy"])
    rule("邮箱", InterceptType.WARN, ["保证"], [Semantics.EMAIL], department_list=[1])
    catches = sandbox.wecom.intercept_rules.catches
    assert catches("amy", "转我微信吧") == 1
    assert catches("bob", "转我微信吧") is None
    assert catches("amy", "打13800138000") == 1
    assert catches("amy", "订单113800138000号") is None
    assert catches("bob", "发到 a.b@c.cn") == 2
    assert catches("amy", "保证转我微信") == 1, "the stricter one wins"
    assert catches("amy", "您好") is None


def test_names_are_taken_until_the_rule_is_gone(corp: WeCom) -> None:
    def add(name: str) -> str:
        where = {"department_list": [1]}
        return corp.intercept_rules.create(name, word_list=["x"], intercept_type=InterceptType.WARN, applicable_range=where).rule_id

    first, second = add("a"), add("b")
    assert refused(lambda: add("a")) == 41077
    assert refused(lambda: corp.intercept_rules.update(second, rule_name="a")) == 41077
    corp.intercept_rules.update(first, rule_name="a")
    corp.intercept_rules.delete(first)
    third = add("a")
    assert third not in (first, second)
    for n in range(98):
        add(f"rule {n}")
    assert refused(lambda: add("one too many")) == 41069


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        ({"rule_name": "x" * 21}, 40058),
        ({"rule_name": ""}, 40063),
        ({"word_list": []}, 40063),
        ({"word_list": ["x"] * 301}, 41068),
        ({"word_list": ["x" * 33]}, 41083),
        ({"word_list": [""]}, 41083),
        ({"semantics_list": [4]}, 41084),
        ({"intercept_type": 3}, 40058),
        ({"intercept_type": None}, 40063),
        ({"applicable_range": {}}, 40063),
        ({"applicable_range": {"user_list": ["nobody"]}}, 40003),
        ({"applicable_range": {"department_list": [99]}}, 60123),
        ({"applicable_range": {"user_list": ["amy"] * 1001}}, 41076),
    ],
)
def test_what_is_no_rule(sandbox: Sandbox, wecom: WeComCaller, change: dict[str, object], errcode: int) -> None:
    body = {"rule_name": "x", "word_list": ["x"], "intercept_type": 1, "applicable_range": {"department_list": [1]}, **change}
    assert wecom(EC + "/add_intercept_rule", **body)["errcode"] == errcode
    assert sandbox.wecom.intercept_rules.rules == {}
