"""What the robot of customer service knows (机器人管理): questions with answers, in groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeAlias

from pydantic import Field

from ..core.call import Call
from ..core.endpoint import POST, paged
from ..core.model import Flag, MaxChars, MaxItems, NotEmpty, OrDict, Reply, WireModel
from .common import some_change
from .messages import Content, Envelope, KfMiniProgramPage, MaxTextChars, Needs, Other, Text
from .paging import HasMoreReply
from .resource import M, WeComResource


class AnswerImage(Content):
    """A picture (图片). It is given by id and told by name."""

    msgtype = "image"
    needs = ("media_id",)

    media_id: str | None = None
    """From `media.upload`."""
    name: str | None = None
    """The file's name, only told."""


class AnswerVideo(Content):
    """A video (视频). It is given by id and told by name."""

    msgtype = "video"
    needs = ("media_id",)

    media_id: str | None = None
    """From `media.upload`."""
    name: str | None = None
    """The file's name, only told."""


class AnswerLink(Content):
    """A card that opens a page (图文)."""

    msgtype = "link"

    title: str
    url: str
    desc: str | None = None
    pic_url: str | None = None
    """Address of the cover."""


AnswerAttachment: TypeAlias = Annotated[AnswerImage | AnswerVideo | AnswerLink | KfMiniProgramPage | Other, Envelope()]
"""What goes with the text of an answer."""


class Question(WireModel):
    """A question (问题): at most 200 characters."""

    text: Annotated[Text, Needs("content"), MaxTextChars(200)]


class SimilarQuestions(WireModel):
    """Other words for the question (相似问题)."""

    items: Annotated[tuple[Question, ...], MaxItems(100)] = ()


class KnowledgeAnswer(WireModel):
    """What the robot answers (回答): at most 500 characters, and up to 4 things with them."""

    text: Annotated[Text, Needs("content"), MaxTextChars(500)]
    attachments: Annotated[tuple[AnswerAttachment, ...], MaxItems(4)] = ()


class Intent(WireModel):
    """A question with its answer (问答)."""

    intent_id: str
    group_id: str | None = None
    question: Question | None = None
    similar_questions: SimilarQuestions | None = None
    answers: tuple[KnowledgeAnswer, ...] = ()


class IntentPage(HasMoreReply):
    """A page of questions."""

    intent_list: tuple[Intent, ...] = ()

    def items(self) -> Sequence[Intent]:
        """Give the questions of this page."""
        return self.intent_list


class CreatedIntent(Reply):
    """A new question."""

    intent_id: str


class KnowledgeGroup(WireModel):
    """A group of questions (知识库分组)."""

    group_id: str
    name: str = ""
    is_default: Flag | None = None
    """The group that is always there."""


class KnowledgeGroupPage(HasMoreReply):
    """A page of groups."""

    group_list: tuple[KnowledgeGroup, ...] = ()

    def items(self) -> Sequence[KnowledgeGroup]:
        """Give the groups of this page."""
        return self.group_list


class CreatedKnowledgeGroup(Reply):
    """A new group."""

    group_id: str


Name: TypeAlias = Annotated[str, NotEmpty, MaxChars(12)]
Limit: TypeAlias = Annotated[int, Field(ge=1, le=1000)]
Answers: TypeAlias = Annotated[Sequence[OrDict[KnowledgeAnswer]], NotEmpty, MaxItems(1)]


class KfKnowledge(WeComResource[M]):
    """What the robot knows (知识库). Changes work at once."""

    @POST("/cgi-bin/kf/knowledge/add_group", docs=95971)
    def add_group(self, name: Name) -> Call[CreatedKnowledgeGroup]:
        """Add a group, with a new name of at most 12 characters (添加分组). There can be 100."""
        ...

    @POST("/cgi-bin/kf/knowledge/del_group", docs=95971)
    def delete_group(self, group_id: str) -> Call[Reply]:
        """Delete a group with its questions; the default group stays (删除分组)."""
        ...

    @POST("/cgi-bin/kf/knowledge/mod_group", docs=95971, idempotent=True)
    def rename_group(self, group_id: str, name: Name) -> Call[Reply]:
        """Give a group another name (修改分组). The default group keeps its own."""
        ...

    @POST("/cgi-bin/kf/knowledge/list_group", docs=95971, idempotent=True)
    def list_groups(
        self, *, group_id: str | None = None, cursor: str | None = None, limit: Limit | None = None
    ) -> Call[KnowledgeGroupPage]:
        """List groups, or one of them, one page (获取分组列表).

        `limit` is 1 to 1,000 (500 if left out). Only `has_more` tells whether to go on.
        """
        ...

    @paged
    def all_groups(self) -> Call[KnowledgeGroupPage]:
        """Every group, one by one, page after page (获取分组列表)."""
        return KfKnowledge.list_groups()

    @POST("/cgi-bin/kf/knowledge/add_intent", docs=95972)
    def add_intent(
        self,
        group_id: str,
        *,
        question: OrDict[Question],
        answers: Answers,
        similar_questions: OrDict[SimilarQuestions] | None = None,
    ) -> Call[CreatedIntent]:
        """Add a question with its answer (添加问答). The platform takes one answer at present, though it is a list.

        A question has at most 200 characters, and 100 similar ones; it is in no other group. A group holds 200 questions.
        """
        ...

    @POST("/cgi-bin/kf/knowledge/del_intent", docs=95972)
    def delete_intent(self, intent_id: str) -> Call[Reply]:
        """Delete a question (删除问答)."""
        ...

    @POST("/cgi-bin/kf/knowledge/mod_intent", docs=95972, idempotent=True, check=some_change("question", "similar_questions", "answers"))
    def update_intent(
        self,
        intent_id: str,
        *,
        question: OrDict[Question] | None = None,
        similar_questions: OrDict[SimilarQuestions] | None = None,
        answers: Answers | None = None,
    ) -> Call[Reply]:
        """Change a question or its answer (修改问答).

        What is left out stays; what is given replaces all of it. An answer as told cannot be given back: its pictures and videos have names
        there in place of ids.
        """
        ...

    @POST("/cgi-bin/kf/knowledge/list_intent", docs=95972, idempotent=True)
    def list_intents(
        self, *, group_id: str | None = None, intent_id: str | None = None, cursor: str | None = None, limit: Limit | None = None
    ) -> Call[IntentPage]:
        """List questions: all, those of a group, or one; one page (获取问答列表).

        `limit` is 1 to 1,000 (500 if left out). Only `has_more` tells whether to go on.
        """
        ...

    @paged
    def all_intents(self, *, group_id: str | None = None) -> Call[IntentPage]:
        """Every question, or every one of a group, one by one, page after page (获取问答列表)."""
        return KfKnowledge.list_intents(group_id=group_id)
