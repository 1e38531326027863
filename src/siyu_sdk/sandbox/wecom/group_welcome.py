"""Welcome templates of customer groups (入群欢迎语素材): up to 100; who joins a group that uses one gets it, from the group's owner.

An owner picks a template in the client: here `sandbox.wecom.chats.use_template(chat_id, template_id)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..platform import Fields, Json, Request
from . import mass
from .errors import refusal
from .routing import router

if TYPE_CHECKING:  # see routing
    from .state import WeComPlatform

_KINDS = ("image", "link", "miniprogram", "file", "video")
_PATH = "/cgi-bin/externalcontact/group_welcome_template"


class GroupWelcomes:
    """The templates of the company."""

    def __init__(self) -> None:
        self.templates: dict[str, Json] = {}
        self.most = 100
        self.foreign: set[str] = set()
        """Templates that another app made: 41058 for whoever edits or deletes them."""


@router.on("POST", _PATH + "/add")
def add_template(wecom: WeComPlatform, request: Request) -> Json:
    """添加入群欢迎语素材."""
    content = _content(wecom, wecom.body(request))
    if len(wecom.group_welcomes.templates) >= wecom.group_welcomes.most:
        raise refusal(41055)
    template_id = wecom.new_id("msgT")
    wecom.group_welcomes.templates[template_id] = content
    return {"template_id": template_id}


@router.on("POST", _PATH + "/edit")
def edit_template(wecom: WeComPlatform, request: Request) -> Json:
    """编辑入群欢迎语素材: all of it."""
    body = wecom.body(request)
    template_id = _own(wecom, body)
    wecom.group_welcomes.templates[template_id] = _content(wecom, body)
    return {}


@router.on("POST", _PATH + "/get")
def get_template(wecom: WeComPlatform, request: Request) -> Json:
    """获取入群欢迎语素材."""
    return wecom.group_welcomes.templates[_id(wecom, wecom.body(request))]


@router.on("POST", _PATH + "/del")
def del_template(wecom: WeComPlatform, request: Request) -> Json:
    """删除入群欢迎语素材."""
    del wecom.group_welcomes.templates[_own(wecom, wecom.body(request))]
    return {}


def _content(wecom: WeComPlatform, body: Fields) -> Json:
    content = mass.standing(body, _KINDS, wecom.living_media)
    if not content:
        raise refusal(40063, "text and all other contents")
    return content


def _id(wecom: WeComPlatform, body: Fields) -> str:
    template_id = body.text("template_id")
    if template_id not in wecom.group_welcomes.templates:
        raise refusal(40058, "template_id")
    return template_id


def _own(wecom: WeComPlatform, body: Fields) -> str:
    template_id = _id(wecom, body)
    if template_id in wecom.group_welcomes.foreign:
        raise refusal(41058)
    return template_id
