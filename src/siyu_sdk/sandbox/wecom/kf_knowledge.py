"""What the robot of customer service knows (机器人管理): questions with answers, in groups.

Simulated: the default group, which is always there; names and questions that may not come twice; limits of groups, questions and answers;
pictures and videos that are given by id and told by name. The page names no codes: 40058 names the field. Not simulated: the robot, which
is off where the API assigns sessions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import define

from ..platform import Fields, Json, Request, page
from .errors import refusal
from .routing import page_size, router

if TYPE_CHECKING:  # see routing
    from .state import WeComPlatform

_PATH = "/cgi-bin/kf/knowledge"
MOST_GROUPS, LONGEST_NAME = 100, 12
MOST_INTENTS = 200
"""In one group."""
MOST_SIMILAR, LONGEST_QUESTION = 100, 200
LONGEST_ANSWER, MOST_ATTACHMENTS = 500, 4
_NEEDED = {"image": ("media_id",), "video": ("media_id",), "link": ("title", "url"), "miniprogram": ("appid", "pagepath", "thumb_media_id")}


@define
class Group:
    """One group of questions."""

    group_id: str
    name: str
    default: bool = False


@define
class Intent:
    """One question, other words for it, and the answer."""

    intent_id: str
    group_id: str
    question: str
    similar: list[str]
    answer: Json


class Knowledge:
    """All groups and questions."""

    def __init__(self, wecom: WeComPlatform) -> None:
        self._wecom = wecom
        self.groups: dict[str, Group] = {}
        self.intents: dict[str, Intent] = {}

    def plant(self) -> None:
        """The default group."""
        group = Group("kfg" + self._wecom.world.dice.token(26, "knowledge"), "默认分组", default=True)
        self.groups[group.group_id] = group

    def group(self, body: Fields) -> Group:
        """The group that a body names."""
        group = self.groups.get(body.text("group_id"))
        if group is None:
            raise refusal(40058, "group_id")
        return group

    def own_group(self, body: Fields) -> Group:
        """The same, unless it is the default group, which stays as it is."""
        group = self.group(body)
        if group.default:
            raise refusal(40058, "group_id: the default group cannot be changed")
        return group

    def intent(self, body: Fields) -> Intent:
        """The question that a body names."""
        intent = self.intents.get(body.text("intent_id"))
        if intent is None:
            raise refusal(40058, "intent_id")
        return intent

    def name(self, body: Fields, group: Group | None = None) -> str:
        """A name for a group, which no other one has."""
        name = body.text("name")
        if len(name) > LONGEST_NAME or any(other.name == name and other is not group for other in self.groups.values()):
            raise refusal(40058, f"name: at most {LONGEST_NAME} characters, and no other group may have it")
        return name

    def of_group(self, group_id: str) -> list[Intent]:
        """The questions of one group."""
        return [intent for intent in self.intents.values() if intent.group_id == group_id]

    def check_new(self, questions: list[str], intent: Intent | None = None) -> None:
        """40058 for a question that is asked elsewhere, or twice."""
        others = {text for other in self.intents.values() if other is not intent for text in (other.question, *other.similar)}
        if len(set(questions)) < len(questions) or others & set(questions):
            raise refusal(40058, "question: it is there already")

    def summary(self) -> Json:
        """The counts as JSON values."""
        return {"groups": len(self.groups), "questions": len(self.intents)}


@router.on("POST", _PATH + "/add_group")
def add_group(wecom: WeComPlatform, request: Request) -> Json:
    """添加分组."""
    knowledge = wecom.kf.knowledge
    name = knowledge.name(wecom.body(request))
    if len(knowledge.groups) >= MOST_GROUPS:
        raise refusal(40058, f"there are {MOST_GROUPS} groups already")
    group = Group(wecom.new_id("kfg"), name)
    knowledge.groups[group.group_id] = group
    return {"group_id": group.group_id}


@router.on("POST", _PATH + "/del_group")
def del_group(wecom: WeComPlatform, request: Request) -> Json:
    """删除分组, with its questions; not the default group."""
    knowledge = wecom.kf.knowledge
    group = knowledge.own_group(wecom.body(request))
    del knowledge.groups[group.group_id]
    for intent in knowledge.of_group(group.group_id):
        del knowledge.intents[intent.intent_id]
    return {}


@router.on("POST", _PATH + "/mod_group")
def mod_group(wecom: WeComPlatform, request: Request) -> Json:
    """修改分组; not the default group."""
    body = wecom.body(request)
    group = wecom.kf.knowledge.own_group(body)
    group.name = wecom.kf.knowledge.name(body, group)
    return {}


@router.on("POST", _PATH + "/list_group")
def list_group(wecom: WeComPlatform, request: Request) -> Json:
    """获取分组列表."""
    body = wecom.body(request) if request.body else wecom.fields({})
    groups = list(wecom.kf.knowledge.groups.values()) if not body.text_or("group_id") else [wecom.kf.knowledge.group(body)]
    rows = [{"group_id": group.group_id, "name": group.name, "is_default": int(group.default)} for group in groups]
    return _page("group_list", rows, body)


@router.on("POST", _PATH + "/add_intent")
def add_intent(wecom: WeComPlatform, request: Request) -> Json:
    """添加问答."""
    body, knowledge = wecom.body(request), wecom.kf.knowledge
    group, question, similar, answer = knowledge.group(body), _question(body), _similar(body), _answer(wecom, body)
    knowledge.check_new([question, *similar])
    if len(knowledge.of_group(group.group_id)) >= MOST_INTENTS:
        raise refusal(40058, f"group_id: it has {MOST_INTENTS} questions already")
    intent = Intent(wecom.new_id("kfi"), group.group_id, question, similar, answer)
    knowledge.intents[intent.intent_id] = intent
    return {"intent_id": intent.intent_id}


@router.on("POST", _PATH + "/del_intent")
def del_intent(wecom: WeComPlatform, request: Request) -> Json:
    """删除问答."""
    del wecom.kf.knowledge.intents[wecom.kf.knowledge.intent(wecom.body(request)).intent_id]
    return {}


@router.on("POST", _PATH + "/mod_intent")
def mod_intent(wecom: WeComPlatform, request: Request) -> Json:
    """修改问答: each of the three parts that is given replaces the whole of it."""
    body = wecom.body(request)
    intent = wecom.kf.knowledge.intent(body)
    question = _question(body) if "question" in body.values else intent.question
    similar = _similar(body) if "similar_questions" in body.values else intent.similar
    answer = _answer(wecom, body) if "answers" in body.values else intent.answer
    wecom.kf.knowledge.check_new([question, *similar], intent)
    intent.question, intent.similar, intent.answer = question, similar, answer
    return {}


@router.on("POST", _PATH + "/list_intent")
def list_intent(wecom: WeComPlatform, request: Request) -> Json:
    """获取问答列表."""
    body, knowledge = wecom.body(request) if request.body else wecom.fields({}), wecom.kf.knowledge
    intents = [knowledge.intent(body)] if body.text_or("intent_id") else list(knowledge.intents.values())
    if body.text_or("group_id"):
        intents = [intent for intent in intents if intent.group_id == knowledge.group(body).group_id]
    rows = [
        {
            "group_id": intent.group_id,
            "intent_id": intent.intent_id,
            "question": {"text": {"content": intent.question}},
            "similar_questions": {"items": [{"text": {"content": text}} for text in intent.similar]},
            "answers": [intent.answer],
        }
        for intent in intents
    ]
    return _page("intent_list", rows, body)


def _page(name: str, rows: Sequence[Json], body: Fields) -> Json:
    shown, following = page(rows, body.text_or("cursor"), page_size(body, 1000, 500))
    return {name: list(shown), "has_more": int(bool(following)), "next_cursor": following}


def _text(holder: Fields | None, name: str, longest: int) -> str:
    text = holder.object("text") if holder else None
    if text is None:
        raise refusal(40063, f"{name}.text")
    content = text.text("content")
    if len(content) > longest:
        raise refusal(40058, f"{name}.text.content is longer than {longest} characters")
    return content


def _question(body: Fields) -> str:
    return _text(body.object("question"), "question", LONGEST_QUESTION)


def _similar(body: Fields) -> list[str]:
    holder = body.object("similar_questions")
    items = holder.objects("items") if holder else []
    if len(items) > MOST_SIMILAR:
        raise refusal(40058, f"similar_questions.items has more than {MOST_SIMILAR} entries")
    return [_text(item, "similar_questions.items", LONGEST_QUESTION) for item in items]


def _answer(wecom: WeComPlatform, body: Fields) -> Json:
    """The one answer, as it is told."""
    answers = body.objects("answers")
    if len(answers) != 1:
        raise refusal(40058 if answers else 40063, "answers: one is allowed")
    attachments = answers[0].objects("attachments")
    if len(attachments) > MOST_ATTACHMENTS:
        raise refusal(41064)
    answer: Json = {"text": {"content": _text(answers[0], "answers", LONGEST_ANSWER)}}
    return {**answer, "attachments": [_attachment(wecom, attachment) for attachment in attachments]} if attachments else answer


def _attachment(wecom: WeComPlatform, attachment: Fields) -> Json:
    kind = attachment.text("msgtype")
    part = attachment.object(kind) if kind in _NEEDED else None
    if part is None:
        raise refusal(41065, kind)
    for name in _NEEDED[kind]:
        part.text(name)
    told = {name: value for name, value in part.values.items() if name not in ("media_id", "thumb_media_id")}
    for media_id in filter(None, (part.text_or("media_id"), part.text_or("thumb_media_id"))):
        media = wecom.living_media(media_id)
        if media is None:
            raise refusal(40007, media_id)
        if kind in ("image", "video"):
            told = {"name": media.filename}
    return {"msgtype": kind, kind: told}
