"""Rules on sensitive words (聊天敏感词).

Simulated: limits and codes, names that are taken, rules that were deleted, whom a rule applies to, and what it does with something that a
member writes (`catches`). Ids come as text or as number, as the page itself shows them. Not simulated: red packets, notices to
administrators.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import define, field

from ..platform import Fields, Json, Request
from .errors import refusal
from .routing import known_departments, known_members, members_of, router

if TYPE_CHECKING:  # see routing
    from .state import WeComPlatform

_PATH = "/cgi-bin/externalcontact"
MOST_RULES, MOST_WORDS, MOST_NODES = 100, 300, 1000
WARN_AND_STOP, WARN = 1, 2
_SEMANTICS = {1: r"(?<!\d)1[3-9]\d{9}(?!\d)", 2: r"[\w.+-]+@[\w-]+\.[\w.]+", 3: ""}
"""Phone numbers, e-mail addresses, red packets (which are no text)."""


@define
class Rule:
    """One rule."""

    rule_id: int
    name: str
    created: int
    words: list[str]
    semantics: list[int]
    intercept_type: int
    users: list[str] = field(factory=list[str])
    departments: list[int] = field(factory=list[int])
    deleted: bool = False

    def matches(self, text: str) -> bool:
        """Whether the text has one of the words, or is of such a kind."""
        patterns = (_SEMANTICS[number] for number in self.semantics)
        return any(word in text for word in self.words) or any(pattern and re.search(pattern, text) for pattern in patterns)


class InterceptRules:
    """All rules, deleted ones included."""

    def __init__(self, wecom: WeComPlatform) -> None:
        self._wecom = wecom
        self.rules: dict[int, Rule] = {}

    def living(self) -> list[Rule]:
        """Those that were not deleted."""
        return [rule for rule in self.rules.values() if not rule.deleted]

    def find(self, rule_id: str) -> Rule:
        """A rule; 41070 where there never was one, 41071 where it was deleted."""
        rule = self.rules.get(int(rule_id)) if rule_id.isdecimal() else None
        if rule is None or rule.deleted:
            raise refusal(41071 if rule else 41070, rule_id)
        return rule

    def catches(self, userid: str, text: str) -> int | None:
        """What happens when this member writes this: 1 it is not sent, 2 it is sent with a warning, None nothing."""
        hits = [
            rule.intercept_type
            for rule in self.living()
            if rule.matches(text) and userid in members_of(self._wecom, rule.users, rule.departments)
        ]
        return min(hits, default=None)

    def check_name(self, name: str, rule: Rule | None = None) -> str:
        """40058 for a name that is too long, 41077 for one that another rule has."""
        if not 1 <= len(name) <= 20:
            raise refusal(40058, "rule_name has 1 to 20 characters")
        if any(other.name == name and other is not rule for other in self.living()):
            raise refusal(41077)
        return name

    def place(self, rule: Rule, users: list[str], departments: list[int]) -> None:
        """Where the rule applies from now on; 40063 for nowhere, 41076 for too many."""
        if not users and not departments:
            raise refusal(40063, "applicable_range")
        if len(users) > MOST_NODES or len(departments) > MOST_NODES:
            raise refusal(41076)
        rule.users, rule.departments = users, departments


@router.on("POST", _PATH + "/add_intercept_rule")
def add_intercept_rule(wecom: WeComPlatform, request: Request) -> Json:
    """新建敏感词规则."""
    body, rules = wecom.body(request), wecom.intercept_rules
    name, words, semantics = rules.check_name(body.text("rule_name")), _words(body), _semantics(body)
    rule = Rule(len(rules.rules) + 1, name, wecom.world.now(), words, semantics, _type(body.number("intercept_type")))
    rules.place(rule, *_range(wecom, body, "applicable_range"))
    if len(rules.living()) >= MOST_RULES:
        raise refusal(41069)
    rules.rules[rule.rule_id] = rule
    return {"rule_id": str(rule.rule_id)}


@router.on("GET", _PATH + "/get_intercept_rule_list")
def get_intercept_rule_list(wecom: WeComPlatform, _request: Request) -> Json:
    """获取敏感词规则列表."""
    rules = wecom.intercept_rules.living()
    return {"rule_list": [{"rule_id": str(rule.rule_id), "rule_name": rule.name, "create_time": rule.created} for rule in rules]}


@router.on("POST", _PATH + "/get_intercept_rule")
def get_intercept_rule(wecom: WeComPlatform, request: Request) -> Json:
    """获取敏感词规则详情: the id is a number here."""
    rule = _rule(wecom, wecom.body(request))
    return {
        "rule": {
            "rule_id": rule.rule_id,
            "rule_name": rule.name,
            "create_time": rule.created,
            "word_list": rule.words,
            "extra_rule": {"semantics_list": rule.semantics},
            "intercept_type": rule.intercept_type,
            "applicable_range": {"user_list": rule.users, "department_list": rule.departments},
        }
    }


@router.on("POST", _PATH + "/update_intercept_rule")
def update_intercept_rule(wecom: WeComPlatform, request: Request) -> Json:
    """修改敏感词规则: what is left out stays, the range is added to and taken from."""
    body, rules = wecom.body(request), wecom.intercept_rules
    rule, extra = _rule(wecom, body), body.object("extra_rule")
    name = rules.check_name(body.text_or("rule_name", rule.name), rule)
    words = _words(body) if "word_list" in body.values else rule.words
    semantics = _semantics(extra) if extra else rule.semantics
    kind = _type(body.number_or("intercept_type", rule.intercept_type))
    (users, departments), (no_users, no_departments) = (
        _range(wecom, body, "add_applicable_range"),
        _range(wecom, body, "remove_applicable_range"),
    )
    rules.place(
        rule,
        [userid for userid in dict.fromkeys((*rule.users, *users)) if userid not in no_users],
        [number for number in dict.fromkeys((*rule.departments, *departments)) if number not in no_departments],
    )
    rule.name, rule.words, rule.semantics, rule.intercept_type = name, words, semantics, kind
    return {}


@router.on("POST", _PATH + "/del_intercept_rule")
def del_intercept_rule(wecom: WeComPlatform, request: Request) -> Json:
    """删除敏感词规则."""
    _rule(wecom, wecom.body(request)).deleted = True
    return {}


def _rule(wecom: WeComPlatform, body: Fields) -> Rule:
    given = body.values.get("rule_id")
    return wecom.intercept_rules.find(str(body.number("rule_id")) if isinstance(given, int) else body.text("rule_id"))


def _words(body: Fields) -> list[str]:
    words = body.texts("word_list")
    if not words:
        raise refusal(40063, "word_list")
    if len(words) > MOST_WORDS:
        raise refusal(41068)
    if not all(1 <= len(word) <= 32 for word in words):
        raise refusal(41083, "a word has 1 to 32 characters")
    return words


def _semantics(body: Fields) -> list[int]:
    numbers = body.numbers("semantics_list")
    if not set(numbers) <= set(_SEMANTICS):
        raise refusal(41084)
    return numbers


def _type(number: int) -> int:
    if number not in (WARN_AND_STOP, WARN):
        raise refusal(40058, "intercept_type")
    return number


def _range(wecom: WeComPlatform, body: Fields, name: str) -> tuple[list[str], list[int]]:
    asked = body.object(name)
    users, departments = (asked.texts("user_list"), asked.numbers("department_list")) if asked else ([], [])
    known_members(wecom, users, f"{name}.user_list")
    known_departments(wecom, departments, f"{name}.department_list")
    return users, departments
