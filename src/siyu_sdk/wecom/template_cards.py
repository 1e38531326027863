"""Template cards (模板卡片型消息): five kinds of cards with texts, links, buttons and choices.

`card_type` tells them apart. The figures named «about» are advice: longer texts are cut on small screens.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from ..core.model import MaxBytes, MaxItems, NotEmpty, OpenIntEnum, Tagged, WireModel
from .messages import Content

Key = Annotated[str, MaxBytes(1024)]
"""Comes back in the event of the button."""

TaskId = Annotated[str, NotEmpty, MaxBytes(128)]
"""Digits, letters, `_`, `-` and `@`; unique in the app. Comes back in the events of the card."""


class Target(OpenIntEnum):
    """Where a tap leads (跳转类型)."""

    NONE = 0
    URL = 1
    MINIPROGRAM = 2


class DetailType(OpenIntEnum):
    """What the value of a line opens (链接类型)."""

    NONE = 0
    URL = 1
    FILE = 2
    MEMBER = 3


class SourceColor(OpenIntEnum):
    """Colour of the source (来源文字的颜色)."""

    GREY = 0
    BLACK = 1
    RED = 2
    GREEN = 3


class Jump(WireModel):
    """Where a tap leads: `type` says whether to `url`, or to `appid` and `pagepath`."""

    type: Target | None = None
    url: str | None = None
    appid: str | None = None
    """Of a mini-program that is bound to the app."""
    pagepath: str | None = None


class Source(WireModel):
    """Where the card comes from (卡片来源)."""

    icon_url: str | None = None
    desc: str | None = None
    """About 13 characters."""
    desc_color: SourceColor | None = None


class Title(WireModel):
    """A title with a description (标题)."""

    title: str | None = None
    """About 36 characters in the main title, 14 in the emphasised figure."""
    desc: str | None = None


class Quote(Jump):
    """A quotation (引用文献)."""

    title: str | None = None
    quote_text: str | None = None


class CardImage(WireModel):
    """A picture (图片样式)."""

    url: str
    aspect_ratio: Annotated[float, Field(ge=1.3, le=2.25)] | None = None
    """Width by height: 1.3 to 2.25, 1.3 if left out."""


class ImageText(Jump):
    """A picture with a text beside it (左图右文样式)."""

    title: str | None = None
    desc: str | None = None
    image_url: str


class Detail(WireModel):
    """A line with a name and a value (二级标题+文本列表)."""

    keyname: str
    value: str | None = None
    type: DetailType | None = None
    url: str | None = None
    media_id: str | None = None
    userid: str | None = None


class TitledJump(Jump):
    """A link of the card (跳转指引)."""

    title: str


class Action(WireModel):
    """An entry of the card's menu."""

    text: str
    key: Key


class ActionMenu(WireModel):
    """The menu in the corner of the card (右上角更多操作按钮). It needs a `task_id`."""

    desc: str | None = None
    action_list: Annotated[tuple[Action, ...], NotEmpty, MaxItems(3)]


class Button(WireModel):
    """A button (按钮)."""

    type: int | None = None
    """0 (if left out): an event comes back. 1: it opens `url`."""
    text: str
    """About 10 characters."""
    style: int | None = None
    """1 to 4."""
    key: Key | None = None
    url: str | None = None


class Option(WireModel):
    """Something to choose (选项)."""

    id: Annotated[str, MaxBytes(128)]
    text: str
    is_checked: bool | None = None
    disable: bool | None = None


class Checkbox(WireModel):
    """A question with up to 20 answers (选择题)."""

    question_key: Key
    mode: int | None = None
    """0: one answer. 1: several."""
    option_list: Annotated[tuple[Option, ...], NotEmpty, MaxItems(20)]
    disable: bool | None = None
    """Of a card that is updated: nothing can be chosen any more."""


class Select(WireModel):
    """A drop-down list with up to 10 choices (下拉式的选择器)."""

    question_key: Key
    title: str | None = None
    selected_id: str | None = None
    option_list: Annotated[tuple[Option, ...], NotEmpty, MaxItems(10)]
    disable: bool | None = None
    """Of a card that is updated: nothing can be chosen any more."""


class SubmitButton(WireModel):
    """The button that sends the choices (提交按钮)."""

    text: str
    key: Key


class Card(Tagged, Content):
    """What all cards have."""

    msgtype = "template_card"
    interactive: ClassVar[bool] = False
    """Whether it reports back: it needs a `task_id` then."""

    source: Source | None = None
    main_title: Title | None = None
    task_id: TaskId | None = None
    action_menu: ActionMenu | None = None
    card_action: Jump | None = None
    """Where a tap on the card leads."""

    def unknown_fields(self) -> Iterator[str]:
        """Name the fields that no card has. What another kind of card has is no mistake: the platform ignores it."""
        known = {name for kind in CARDS for name in kind.model_fields}
        return (name for name in super().unknown_fields() if name not in known)


class _Notice(Card):
    quote_area: Quote | None = None
    horizontal_content_list: Annotated[tuple[Detail, ...], MaxItems(6)] = ()
    jump_list: Annotated[tuple[TitledJump, ...], MaxItems(3)] = ()


class TextNotice(_Notice):
    """Texts (文本通知型). It needs `card_action`, and `main_title.title` or `sub_title_text`."""

    needs = ("card_action", "main_title|sub_title_text")

    card_type: Literal["text_notice"] = "text_notice"
    emphasis_content: Title | None = None
    """A figure, large."""
    sub_title_text: str | None = None
    """About 160 characters."""


class NewsNotice(_Notice):
    """A picture and texts (图文展示型). It needs `main_title`, `card_action`, and `card_image` or `image_text_area`."""

    needs = ("main_title", "card_action", "card_image|image_text_area")

    card_type: Literal["news_notice"] = "news_notice"
    image_text_area: ImageText | None = None
    card_image: CardImage | None = None
    vertical_content_list: Annotated[tuple[Title, ...], MaxItems(4)] = ()


class ButtonInteraction(Card):
    """Texts and up to 6 buttons (按钮交互型)."""

    interactive = True

    card_type: Literal["button_interaction"] = "button_interaction"
    quote_area: Quote | None = None
    sub_title_text: str | None = None
    horizontal_content_list: Annotated[tuple[Detail, ...], MaxItems(6)] = ()
    button_selection: Select | None = None
    button_list: Annotated[tuple[Button, ...], NotEmpty, MaxItems(6)]
    replace_text: str | None = None
    """Of a card that is updated: in place of the button that was pressed."""


class VoteInteraction(Card):
    """A question with answers to tick (投票选择型)."""

    interactive = True

    card_type: Literal["vote_interaction"] = "vote_interaction"
    checkbox: Checkbox
    submit_button: SubmitButton | None = None
    replace_text: str | None = None
    """Of a card that is updated: in place of the button."""


class MultipleInteraction(Card):
    """Up to 3 drop-down lists (多项选择型)."""

    interactive = True

    card_type: Literal["multiple_interaction"] = "multiple_interaction"
    select_list: Annotated[tuple[Select, ...], NotEmpty, MaxItems(3)]
    submit_button: SubmitButton | None = None
    replace_text: str | None = None
    """Of a card that is updated: in place of the button."""


CARDS: tuple[type[Card], ...] = (TextNotice, NewsNotice, ButtonInteraction, VoteInteraction, MultipleInteraction)

TemplateCard: TypeAlias = Annotated[
    TextNotice | NewsNotice | ButtonInteraction | VoteInteraction | MultipleInteraction, Field(discriminator="card_type")
]
"""Any of the five."""
