"""School notices (学校通知): what a school tells parents, and how parents come to follow it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from ..core.call import Call, Spread
from ..core.endpoint import GET, POST
from ..core.errors import InputError
from ..core.model import Flag, MaxItems, NotEmpty, OpenIntEnum, OrDict, Reply
from .app_message_models import NoticeContent
from .common import ItemResult
from .resource import AgentId, M, WeComResource


class SubscribeMode(OpenIntEnum):
    """Whether parents may come by themselves (关注模式)."""

    OPEN = 1
    """They scan the code, fill in a form, and are in."""
    CLOSED = 2
    """The code does not let in whom the school has not entered before."""


class SubscribeModeReply(Reply):
    """Whether parents may come by themselves."""

    subscribe_mode: SubscribeMode


class SubscribeQrCodes(Reply):
    """The code that parents scan, as addresses of pictures of three sizes."""

    qrcode_big: str | None = None
    qrcode_middle: str | None = None
    qrcode_thumb: str | None = None


class SentNotice(Reply):
    """Whom a notice did not reach: unknown ids, or people who do not follow the notices. No error is raised for them."""

    invalid_external_user: tuple[str, ...] = ()
    invalid_parent_userid: tuple[str, ...] = ()
    invalid_student_userid: tuple[str, ...] = ()
    invalid_party: tuple[int, ...] = ()


class ParentId(ItemResult[int]):
    """The id of a parent; `error` has the reason where there is none."""

    errcode: int = 0
    mobile: str | None = None
    external_userid: str | None = None
    foreign_key: str | None = None


class ParentIds(Reply):
    """The ids of parents, by their phone numbers."""

    success_list: tuple[ParentId, ...] = ()
    fail_list: tuple[ParentId, ...] = ()


TARGETS = ("to_external_user", "to_parent_userid", "to_student_userid", "to_party", "toall")


def _sendable(arguments: Mapping[str, Any]) -> None:
    if not any(arguments.get(name) for name in TARGETS):
        raise InputError(f"nobody would receive it: give one of {', '.join(TARGETS)}", TARGETS[0])


class SchoolNotices(WeComResource[M]):
    """School notices (学校通知), for companies that are schools. Needs the secret of an app that may see the parents."""

    @GET("/cgi-bin/externalcontact/get_subscribe_qr_code", docs=92320)
    def get_subscribe_qr_code(self) -> Call[SubscribeQrCodes]:
        """Give the code that parents scan to follow the notices (获取「学校通知」二维码)."""
        ...

    @POST("/cgi-bin/externalcontact/set_subscribe_mode", docs=92318, idempotent=True)
    def set_subscribe_mode(self, subscribe_mode: SubscribeMode) -> Call[Reply]:
        """Say whether parents may come by themselves (设置关注「学校通知」的模式)."""
        ...

    @GET("/cgi-bin/externalcontact/get_subscribe_mode", docs=92318)
    def get_subscribe_mode(self) -> Call[SubscribeModeReply]:
        """Tell whether parents may come by themselves (获取关注「学校通知」的模式)."""
        ...

    @POST("/cgi-bin/externalcontact/batch_to_external_userid", docs=92506, idempotent=True)
    def batch_to_external_userid(self, mobiles: Annotated[Sequence[str], NotEmpty, MaxItems(100)]) -> Call[ParentIds]:
        """Find parents by up to 100 phone numbers (手机号转外部联系人ID). Each failure stands in `fail_list` with its reason."""
        ...

    @POST("/cgi-bin/externalcontact/message/send", docs=92321, check=_sendable)
    def send(
        self,
        message: Annotated[OrDict[NoticeContent], Spread],
        *,
        agentid: AgentId = None,
        to_external_user: Annotated[Sequence[str], MaxItems(1000)] | None = None,
        to_parent_userid: Annotated[Sequence[str], MaxItems(1000)] | None = None,
        to_student_userid: Annotated[Sequence[str], MaxItems(1000)] | None = None,
        to_party: Annotated[Sequence[int], MaxItems(100)] | None = None,
        toall: Flag | None = None,
        enable_id_trans: Flag | None = None,
        enable_duplicate_check: Flag | None = None,
        duplicate_check_interval: Annotated[int, Field(ge=1, le=14_400)] | None = None,
    ) -> Call[SentNotice]:
        """Send a notice to parents (发送「学校通知」).

        To up to 1,000 customers, parents or students each (their parents get it), up to 100 classes, or all: with `toall` the others are
        ignored. A text has at most 2,048 bytes of UTF-8. Where `agentid` is left out, the client's own app speaks. With
        `enable_duplicate_check` the same notice is not sent twice within `duplicate_check_interval` seconds (1,800 if left out, at most
        4 hours).
        """
        ...
