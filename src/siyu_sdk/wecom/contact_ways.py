"""Contact ways (联系我): QR codes and mini-program buttons by which customers add members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypedDict, Unpack

from pydantic import Field

from ..core.call import Call, Flow
from ..core.endpoint import POST, flow, paged
from ..core.errors import InputError
from ..core.model import MaxChars, MaxItems, OpenIntEnum, OrDict, Reply, Timestamp, WireModel
from .common import keeping, refuse_if_changed
from .messages import Link, MaxTextBytes, MiniProgramPage, Text, UploadedImage
from .resource import CursorReply, M, WeComResource

LONGEST_LIFE = 14 * 24 * 3600
"""Seconds: 14 days."""


class ContactWayType(OpenIntEnum):
    """Whom a contact way leads to (联系方式类型)."""

    SINGLE = 1
    """One member."""
    MULTI = 2
    """One of several members, as the platform picks."""


class Scene(OpenIntEnum):
    """Where a contact way or a join way is shown (场景)."""

    MINIPROGRAM = 1
    QR_CODE = 2


class Conclusions(WireModel):
    """What a customer gets when a temporary session ends (结束语).

    A text, and one thing with it: of several the platform sends only the first, in the order image, link, mini-program page.
    """

    text: Annotated[Text, MaxTextBytes(4000)] | None = None
    image: UploadedImage | None = None
    """Sent by `media_id`, told by `pic_url`."""
    link: Link | None = None
    miniprogram: MiniProgramPage | None = None


class ContactWayId(WireModel):
    """A contact way, by its id alone."""

    config_id: str


class ContactWay(ContactWayId):
    """A contact way (联系我)."""

    type: ContactWayType | None = None
    scene: Scene | None = None
    style: int | None = None
    remark: str | None = None
    skip_verify: bool | None = None
    state: str | None = None
    qr_code: str | None = None
    """Address of the picture; only of `Scene.QR_CODE`."""
    user: tuple[str, ...] = ()
    party: tuple[int, ...] = ()
    is_temp: bool | None = None
    expires_in: int | None = None
    """Seconds that the code lives, of a temporary one."""
    chat_expires_in: int | None = None
    """Seconds that a session lives once the customer has been added."""
    unionid: str | None = None
    is_exclusive: bool | None = None
    mark_source: bool | None = None
    conclusions: Conclusions | None = None


class AddedContactWay(Reply):
    """A new contact way."""

    config_id: str
    qr_code: str | None = None
    """Address of the picture; only of `Scene.QR_CODE`."""


class ContactWayDetail(Reply):
    """One contact way."""

    contact_way: ContactWay


class ContactWayPage(CursorReply):
    """A page of contact ways."""

    contact_way: tuple[ContactWayId, ...] = ()

    def items(self) -> Sequence[ContactWayId]:
        """Give the contact ways of this page."""
        return self.contact_way


class ContactWayChanges(TypedDict, total=False):
    """What `change` can change; what is not named stays."""

    user: Sequence[str]
    party: Sequence[int]
    state: str
    remark: str
    skip_verify: bool
    style: int
    expires_in: int
    chat_expires_in: int
    unionid: str
    is_exclusive: bool
    mark_source: bool
    conclusions: OrDict[Conclusions]


FIXED = frozenset({"config_id", "type", "scene", "qr_code"})
"""Told, but not to be written."""
OF_TEMPORARY = frozenset({"is_temp", "expires_in", "chat_expires_in", "unionid", "conclusions"})


def _reaches_somebody(arguments: Mapping[str, Any]) -> None:
    if arguments["type"] == ContactWayType.SINGLE and not arguments.get("user"):
        raise InputError("a contact way of type 1 needs user: the member that it leads to", "user")
    if not arguments.get("user") and not arguments.get("party"):
        raise InputError("nobody would be added: give user or party", "user")


class ContactWays(WeComResource[M]):
    """Contact ways (联系我) that the API made. Those made in the console are out of its sight.

    A company may have 500,000, together with the join ways of groups. Needs the secret of 客户联系, or an app that may call it.
    """

    @POST("/cgi-bin/externalcontact/add_contact_way", docs=92228, check=_reaches_somebody)
    def create(
        self,
        *,
        type: ContactWayType,
        scene: Scene,
        user: Annotated[Sequence[str], MaxItems(100)] | None = None,
        party: Sequence[int] | None = None,
        state: Annotated[str, MaxChars(30)] | None = None,
        remark: Annotated[str, MaxChars(30)] | None = None,
        skip_verify: bool | None = None,
        style: int | None = None,
        is_temp: bool | None = None,
        expires_in: Annotated[int, Field(ge=1, le=LONGEST_LIFE)] | None = None,
        chat_expires_in: Annotated[int, Field(ge=1, le=LONGEST_LIFE)] | None = None,
        unionid: str | None = None,
        is_exclusive: bool | None = None,
        mark_source: bool | None = None,
        conclusions: OrDict[Conclusions] | None = None,
    ) -> Call[AddedContactWay]:
        """Make a contact way (配置客户联系「联系我」方式).

        Type 1 leads to one member in `user`, type 2 to several: up to 100, those of the departments in `party` counted in (41041).
        Each must have 客户联系 switched on. `state` (30 characters) comes back in the event of adding and with the customer: it is how
        you learn by which way they came. Customers need not be confirmed unless `skip_verify` is False. `style` is the look of the
        button, for scene 1.

        `is_temp` opens a temporary session with the customer `unionid`, of type 1 only, up to 100,000 a day: the code lives `expires_in`
        seconds (7 days if left out), the session `chat_expires_in` (24 hours); both at most 14 days. `conclusions` is for these alone.
        Raises QuotaExceeded (41045) when there are too many. Repeating it makes another contact way.
        """
        ...

    @POST("/cgi-bin/externalcontact/get_contact_way", docs=92228, idempotent=True)
    def get(self, config_id: str) -> Call[ContactWayDetail]:
        """Fetch one contact way (获取企业已配置的「联系我」方式). Raises NotFound (41044) where there is none."""
        ...

    @POST("/cgi-bin/externalcontact/list_contact_way", docs=92228, idempotent=True)
    def list(
        self,
        *,
        start_time: Timestamp | None = None,
        end_time: Timestamp | None = None,
        cursor: str | None = None,
        limit: Annotated[int, Field(ge=1, le=1000)] | None = None,
    ) -> Call[ContactWayPage]:
        """List the ids of contact ways by the time when they were made, one page (获取企业已配置的「联系我」列表).

        The last 90 days if no time is given. Temporary ones, and those made before 10 July 2021, are not listed. `limit` is 1 to 1,000
        (100 if left out).
        """
        ...

    @paged
    def all(self, *, start_time: Timestamp | None = None, end_time: Timestamp | None = None, limit: int = 1000) -> Call[ContactWayPage]:
        """Every contact way by its id, one by one, page after page (获取企业已配置的「联系我」列表).

        The last 90 days if no time is given.
        """
        return ContactWays.list(start_time=start_time, end_time=end_time, limit=limit)

    @POST("/cgi-bin/externalcontact/update_contact_way", docs=92228, idempotent=True)
    def update(
        self,
        config_id: str,
        *,
        user: Annotated[Sequence[str], MaxItems(100)] | None = None,
        party: Sequence[int] | None = None,
        state: Annotated[str, MaxChars(30)] | None = None,
        remark: Annotated[str, MaxChars(30)] | None = None,
        skip_verify: bool | None = None,
        style: int | None = None,
        is_temp: bool | None = None,
        expires_in: Annotated[int, Field(ge=1, le=LONGEST_LIFE)] | None = None,
        chat_expires_in: Annotated[int, Field(ge=1, le=LONGEST_LIFE)] | None = None,
        unionid: str | None = None,
        is_exclusive: bool | None = None,
        mark_source: bool | None = None,
        conclusions: OrDict[Conclusions] | None = None,
    ) -> Call[Reply]:
        """Write a contact way anew (更新企业已配置的「联系我」方式).

        This **overwrites**: lists replace the old ones, and what is left out may fall back to its default, `state` too. Read it with `get`
        first, and give everything that shall stay. Type and scene stay as they are.
        """
        ...

    @POST("/cgi-bin/externalcontact/del_contact_way", docs=92228)
    def delete(self, config_id: str) -> Call[Reply]:
        """Delete a contact way: its code stops working (删除企业已配置的「联系我」方式).

        Temporary ones cannot be deleted before they expire: `close_temp_chat` ends their sessions. Raises NotFound (41044) where there
        is none.
        """
        ...

    @POST("/cgi-bin/externalcontact/close_temp_chat", docs=92572, idempotent=True)
    def close_temp_chat(self, userid: str, external_userid: str) -> Call[Reply]:
        """End a temporary session: member and customer can write no more, and the `conclusions` are sent (结束临时会话).

        Raises NotFound (84061) where the two have no session.
        """
        ...

    # What takes several calls

    @flow
    def change(self, config_id: str, *, seen: ContactWay | None = None, **changes: Unpack[ContactWayChanges]) -> Flow[ContactWay]:
        """Change what is named, and keep everything else: `change(config_id, user=["amy", "bob"])` (更新企业已配置的「联系我」方式).

        `update` overwrites; this reads the contact way, and writes it back in full, `state` and fields that the SDK does not know
        included. Where nothing would change, nothing is written. "" clears a text. Bad input, unknown names included, is refused before
        anything is sent.

        Pass as `seen` what you showed to whoever decided: if it has changed since, `ChangedMeanwhile` is raised and nothing is written.
        The platform has no lock: a change within the milliseconds between reading and writing is still lost.
        The picture of `conclusions` is told by its address but written by its media_id: where there is one, name `conclusions` anew.
        """
        call = ContactWays.update.spec.call({"config_id": config_id, **changes})
        if len(call.arguments) == 1:
            raise InputError(f"there is nothing to change: give at least one of {', '.join(ContactWayChanges.__annotations__)}", "changes")
        now = (yield from ContactWays.get(config_id)).contact_way
        refuse_if_changed(seen, now, f"contact way {config_id}")
        then = ContactWay.model_validate({**now.to_wire(), **call.body()})
        if then.to_wire() == now.to_wire():
            return now
        picture = now.conclusions.image if now.conclusions else None
        if picture is not None and not picture.media_id and "conclusions" not in call.arguments:
            raise InputError(
                "conclusions has a picture whose media_id the platform does not tell: give conclusions anew, or it would be lost",
                "conclusions",
            )
        yield from keeping(call, now, FIXED if now.is_temp else FIXED | OF_TEMPORARY)
        return then
