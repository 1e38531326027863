"""Welcome templates for customer groups (入群欢迎语素材): group owners pick one in the client, and new people in the group get it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from ..core.call import Call
from ..core.endpoint import POST
from ..core.errors import InputError
from ..core.model import Flag, OrDict, Reply
from .messages import File, Image, Link, MaxTextBytes, MiniProgramPage, Text, Video
from .resource import M, WeComResource

CONTENTS = ("text", "image", "link", "miniprogram", "file", "video")


class GroupWelcomeTemplate(Reply):
    """A template. Pictures are told by `pic_url`, whichever way they were given."""

    text: Text | None = None
    image: Image | None = None
    link: Link | None = None
    miniprogram: MiniProgramPage | None = None
    file: File | None = None
    video: Video | None = None
    agentid: int | None = None


class AddedGroupWelcomeTemplate(Reply):
    """A new template."""

    template_id: str


def _says_something(arguments: Mapping[str, Any]) -> None:
    text: Text | None = arguments.get("text")
    if (text is None or not text.content) and not any(arguments.get(name) for name in CONTENTS[1:]):
        raise InputError(f"a template needs content: give at least one of {', '.join(CONTENTS)}", "text")


class GroupWelcome(WeComResource[M]):
    """Welcome templates for customer groups (入群欢迎语素材): up to 100 of a company.

    A text of up to 3,000 bytes of UTF-8 (`%NICKNAME%` stands for the customer's name), and one thing with it: of several the platform takes
    only the first, in the order image, link, mini-program page, file, video. `agentid` is for old third-party suites of several apps alone.
    """

    @POST("/cgi-bin/externalcontact/group_welcome_template/add", docs=92366, check=_says_something)
    def create(
        self,
        *,
        text: Annotated[OrDict[Text], MaxTextBytes(3000)] | None = None,
        image: OrDict[Image] | None = None,
        link: OrDict[Link] | None = None,
        miniprogram: OrDict[MiniProgramPage] | None = None,
        file: OrDict[File] | None = None,
        video: OrDict[Video] | None = None,
        notify: Flag | None = None,
        agentid: int | None = None,
    ) -> Call[AddedGroupWelcomeTemplate]:
        """Make a template (添加入群欢迎语素材).

        Members are told that it is there, unless `notify` is False. Raises QuotaExceeded (41055) at 100. Repeating it makes another one.
        """
        ...

    @POST("/cgi-bin/externalcontact/group_welcome_template/edit", docs=92366, idempotent=True, check=_says_something)
    def update(
        self,
        template_id: str,
        *,
        text: Annotated[OrDict[Text], MaxTextBytes(3000)] | None = None,
        image: OrDict[Image] | None = None,
        link: OrDict[Link] | None = None,
        miniprogram: OrDict[MiniProgramPage] | None = None,
        file: OrDict[File] | None = None,
        video: OrDict[Video] | None = None,
        agentid: int | None = None,
    ) -> Call[Reply]:
        """Write the content of a template anew, all of it (编辑入群欢迎语素材). PermissionDenied (41058): another app made it."""
        ...

    @POST("/cgi-bin/externalcontact/group_welcome_template/get", docs=92366, idempotent=True)
    def get(self, template_id: str) -> Call[GroupWelcomeTemplate]:
        """Fetch one template (获取入群欢迎语素材)."""
        ...

    @POST("/cgi-bin/externalcontact/group_welcome_template/del", docs=92366)
    def delete(self, template_id: str, *, agentid: int | None = None) -> Call[Reply]:
        """Delete a template (删除入群欢迎语素材). PermissionDenied (41058): another app made it."""
        ...
