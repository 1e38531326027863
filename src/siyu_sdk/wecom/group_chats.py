"""Customer groups (客户群管理): which there are, who is in them, and the codes by which customers join."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, TypedDict, Unpack

from attrs import frozen
from pydantic import Field

from ..core.call import Call, Flow, Gather, Sleep
from ..core.endpoint import POST, flow, paged
from ..core.errors import ApiError, InputError, SiyuError
from ..core.model import Flag, MaxChars, MaxItems, NotEmpty, OpenIntEnum, OrDict, Reply, Timestamp, WireModel
from .common import chunks, clock_of, keeping, refuse_if_changed
from .contact_ways import Scene
from .customers import Customers
from .resource import CursorReply, M, WeComResource

if TYPE_CHECKING:  # whoever only reads needs no events
    from .events.external_contact import GroupUpdated

TOO_MANY_MEMBERS = 81017
OWNERS_A_CALL = 100


class GroupStatus(OpenIntEnum):
    """Who looks after a group (跟进状态)."""

    NORMAL = 0
    """Its owner. As a filter: all groups."""
    OWNER_LEFT = 1
    """Nobody: the owner has left the company."""
    HANDING_OVER = 2
    HANDED_OVER = 3


class GroupMemberType(OpenIntEnum):
    """Who someone in a group is (成员类型)."""

    MEMBER = 1
    CUSTOMER = 2


class GroupJoinScene(OpenIntEnum):
    """How someone came into a group (入群方式). The numbers are not those of the group events."""

    INVITED = 1
    INVITED_BY_LINK = 2
    SCANNED = 3


class OwnerFilter(WireModel):
    """The groups of these owners."""

    userid_list: Annotated[Sequence[str], NotEmpty, MaxItems(100)]


class GroupChatId(WireModel):
    """A group, by its id."""

    chat_id: str
    status: GroupStatus | None = None


class GroupChatPage(CursorReply):
    """A page of groups."""

    group_chat_list: tuple[GroupChatId, ...] = ()

    def items(self) -> Sequence[GroupChatId]:
        """Give the groups of this page."""
        return self.group_chat_list


class GroupUser(WireModel):
    """A member of the company, named in a group."""

    userid: str


class GroupMember(WireModel):
    """Someone in a group."""

    userid: str
    """A member's id, or a customer's: see `type`."""
    type: GroupMemberType | None = None
    unionid: str | None = None
    """Only of WeChat users, and only if the company has bound a WeChat developer account of the same owner."""
    name: str | None = None
    """Only with `need_name`."""
    group_nickname: str | None = None
    invitor: GroupUser | None = None
    """Only of customers whom a member invited."""
    join_scene: GroupJoinScene | None = None
    join_time: Timestamp | None = None
    state: str | None = None
    """Of the join way that they came through."""


class GroupChat(WireModel):
    """A customer group (客户群)."""

    chat_id: str
    name: str | None = None
    """Empty where nobody named the group."""
    owner: str | None = None
    notice: str | None = None
    member_list: tuple[GroupMember, ...] = ()
    admin_list: tuple[GroupUser, ...] = ()
    create_time: Timestamp | None = None
    member_version: str | None = None
    """Changes with the members: the same one as in the event of a change."""


class GroupChatDetail(Reply):
    """One group."""

    group_chat: GroupChat


class GroupChatOf(Reply):
    """The group behind an `opengid`."""

    chat_id: str


class JoinWay(WireModel):
    """A way to join groups (加入群聊)."""

    config_id: str
    scene: Scene | None = None
    remark: str | None = None
    auto_create_room: Flag | None = None
    room_base_name: str | None = None
    room_base_id: int | None = None
    chat_id_list: tuple[str, ...] = ()
    qr_code: str | None = None
    """Address of the picture; only of `Scene.QR_CODE`."""
    state: str | None = None
    mark_source: bool | None = None


class AddedJoinWay(Reply):
    """A new join way; `get` tells its code."""

    config_id: str


class JoinWayDetail(Reply):
    """One join way."""

    join_way: JoinWay


@frozen
class AllGroups:
    """Every group that was listed, by id: as it is, or the error that kept it from being read."""

    entries: Mapping[str, GroupChat | Exception]

    @property
    def groups(self) -> tuple[GroupChat, ...]:
        """Those that were read."""
        return tuple(entry for entry in self.entries.values() if isinstance(entry, GroupChat))

    @property
    def failed(self) -> Mapping[str, Exception]:
        """Those that were not: NotFound (86003) where one was closed meanwhile. None of them is lost for that."""
        return {chat_id: entry for chat_id, entry in self.entries.items() if isinstance(entry, Exception)}


class JoinWayChanges(TypedDict, total=False):
    """What `change` can change; what is not named stays."""

    scene: Scene
    chat_id_list: Sequence[str]
    state: str
    remark: str
    auto_create_room: bool
    room_base_name: str
    room_base_id: int
    mark_source: bool


class GroupChats(WeComResource[M]):
    """Customer groups (客户群)."""

    @POST("/cgi-bin/externalcontact/groupchat/list", docs=92120, idempotent=True)
    def list(
        self,
        *,
        status_filter: GroupStatus | None = None,
        owner_filter: OrDict[OwnerFilter] | None = None,
        limit: Annotated[int, Field(ge=1, le=1000)] = 1000,
        cursor: str | None = None,
    ) -> Call[GroupChatPage]:
        """List groups by id, one page (获取客户群列表).

        All groups, or those of up to 100 owners: without `owner_filter`, an app that sees more than 1,000 members is refused with
        81017. `limit` is 1 to 1,000.
        """
        ...

    @paged
    def all(
        self, *, status_filter: GroupStatus | None = None, owner_filter: OrDict[OwnerFilter] | None = None, limit: int = 1000
    ) -> Call[GroupChatPage]:
        """Every group by its id, one by one, page after page (获取客户群列表)."""
        return GroupChats.list(status_filter=status_filter, owner_filter=owner_filter, limit=limit)

    @POST("/cgi-bin/externalcontact/groupchat/get", docs=92122, idempotent=True)
    def get(self, chat_id: str, *, need_name: Flag | None = None) -> Call[GroupChatDetail]:
        """Fetch one group and everybody in it (获取客户群详情). `need_name` adds the names of customers.

        Just after an event it may still tell the old state: compare its `member_version` with the event's. Raises NotFound (86003)
        where there is no such group.
        """
        ...

    @POST("/cgi-bin/externalcontact/opengid_to_chatid", docs=94822, idempotent=True)
    def opengid_to_chatid(self, opengid: str) -> Call[GroupChatOf]:
        """Find the group from which a mini-program was opened (客户群opengid转换).

        The mini-program decrypts the `opengid` from `wx.getGroupEnterInfo`; it must be bound to the company.
        """
        ...

    # What takes several calls

    @flow
    def all_details(
        self,
        *,
        owners: Sequence[str] | None = None,
        status_filter: GroupStatus | None = None,
        need_name: bool | None = None,
        limit: int = 8,
    ) -> Flow[AllGroups]:
        """Every group with everybody in it, up to `limit` read at once (获取客户群列表, 获取客户群详情).

        All groups, or those of any number of `owners`. Where the platform refuses to list all at once (81017), it is asked owner by
        owner. A group that cannot be read stands in its place with its error and keeps nobody else from being read; a list that cannot be
        read to its end raises, as nobody could tell what is missing.
        """
        if owners is not None and not owners:
            raise InputError("owners: nobody is named; leave it out for the groups of all owners", "owners")
        try:
            found = yield from _listed(owners, status_filter)
        except ApiError as error:
            if error.code != TOO_MANY_MEMBERS or owners is not None:
                raise
            found = yield from _listed((yield from Customers.follow_users()).follow_user, status_filter)
        ids = tuple(dict.fromkeys(group.chat_id for group in found))
        replies = yield from Gather([GroupChats.get(chat_id, need_name=need_name) for chat_id in ids], limit=limit)
        entries = (reply if isinstance(reply, Exception) else reply.group_chat for reply in replies)
        return AllGroups(dict(zip(ids, entries, strict=True)))

    @flow
    def after(self, event: GroupUpdated, *, need_name: bool | None = None, timeout: float = 20) -> Flow[GroupChat]:
        """Read a group as it is after an event, not before it (客户群变更事件, 获取客户群详情).

        Just after the event the group may still be told as it was. This asks again, after longer and longer pauses, until the group's
        `member_version` is the event's, or another new one. Events that carry no version are read once. Raises SiyuError where `timeout`
        seconds do not suffice.
        """
        if not event.chat_id:
            raise InputError("event: it names no group (ChatId)", "event")
        clock, pause = clock_of(self), 0.5
        end = clock.time() + timeout
        while True:
            group = (yield from GroupChats.get(event.chat_id, need_name=need_name)).group_chat
            wanted, old = event.cur_mem_ver, event.last_mem_ver
            if not wanted or group.member_version == wanted or (old and group.member_version != old):
                return group
            if clock.time() + pause > end:
                raise SiyuError(f"group {event.chat_id} is still told as it was before the event, after {timeout:g} s; read it again later")
            yield from Sleep(pause)
            pause *= 2


def _listed(owners: Sequence[str] | None, status_filter: GroupStatus | None) -> Flow[tuple[GroupChatId, ...]]:
    """The ids of all groups, or of those of any number of owners."""
    if owners is None:
        return tuple((yield from GroupChats.all(status_filter=status_filter)))
    found: tuple[GroupChatId, ...] = ()
    for some in chunks(tuple(dict.fromkeys(owners)), OWNERS_A_CALL):
        found += tuple((yield from GroupChats.all(status_filter=status_filter, owner_filter=OwnerFilter(userid_list=some))))
    return found


class JoinWays(WeComResource[M]):
    """Ways to join customer groups (「加入群聊」): codes that survive a full group. They count with the contact ways: 500,000 in all."""

    @POST("/cgi-bin/externalcontact/groupchat/add_join_way", docs=92229)
    def create(
        self,
        chat_id_list: Annotated[Sequence[str], NotEmpty, MaxItems(5)],
        *,
        scene: Scene,
        state: Annotated[str, MaxChars(30)] | None = None,
        remark: Annotated[str, MaxChars(30)] | None = None,
        auto_create_room: Flag | None = None,
        room_base_name: Annotated[str, MaxChars(40)] | None = None,
        room_base_id: int | None = None,
        mark_source: bool | None = None,
    ) -> Call[AddedJoinWay]:
        """Make a way to join up to 5 groups (配置客户群进群方式).

        The groups fill one after another. Once all are full, the platform makes a new one, unless `auto_create_room` is False: its name is
        `room_base_name` (40 characters) and a number that counts up from `room_base_id`. `state` (30 characters) comes back with everybody
        who joined this way. Raises QuotaExceeded (41045) when there are too many. Repeating it makes another join way.
        """
        ...

    @POST("/cgi-bin/externalcontact/groupchat/get_join_way", docs=92229, idempotent=True)
    def get(self, config_id: str) -> Call[JoinWayDetail]:
        """Fetch one join way, with its code (获取客户群进群方式配置). Raises NotFound (41044) where there is none."""
        ...

    @POST("/cgi-bin/externalcontact/groupchat/update_join_way", docs=92229, idempotent=True)
    def update(
        self,
        config_id: str,
        *,
        scene: Scene,
        chat_id_list: Annotated[Sequence[str], NotEmpty, MaxItems(5)],
        state: Annotated[str, MaxChars(30)] | None = None,
        remark: Annotated[str, MaxChars(30)] | None = None,
        auto_create_room: Flag | None = None,
        room_base_name: Annotated[str, MaxChars(40)] | None = None,
        room_base_id: int | None = None,
        mark_source: bool | None = None,
    ) -> Call[Reply]:
        """Write a join way anew (更新客户群进群方式配置).

        This **overwrites**: what is left out is lost, `state` too. Read it with `get` first, and give everything that shall stay.
        """
        ...

    @POST("/cgi-bin/externalcontact/groupchat/del_join_way", docs=92229)
    def delete(self, config_id: str) -> Call[Reply]:
        """Delete a join way: its code stops working, the groups stay (删除客户群进群方式配置)."""
        ...

    # What takes several calls

    @flow
    def change(self, config_id: str, *, seen: JoinWay | None = None, **changes: Unpack[JoinWayChanges]) -> Flow[JoinWay]:
        """Change what is named, and keep everything else: `change(config_id, chat_id_list=["wr1", "wr2"])` (更新客户群进群方式配置).

        `update` overwrites; this reads the join way, and writes it back in full: `state`, `auto_create_room`, the names of groups to come,
        and fields that the SDK does not know. Where nothing would change, nothing is written. "" clears a text. Bad input, unknown names
        included, is refused before anything is sent.

        Pass as `seen` what you showed to whoever decided: if it has changed since, `ChangedMeanwhile` is raised and nothing is written.
        The platform has no lock: a change within the milliseconds between reading and writing is still lost.
        """
        update = JoinWays.update.spec
        if not any(value is not None for value in changes.values()):
            raise InputError(f"there is nothing to change: give at least one of {', '.join(JoinWayChanges.__annotations__)}", "changes")
        update.call({"config_id": config_id, "scene": Scene.QR_CODE, "chat_id_list": ["any"], **changes})  # bad input is refused here
        now = (yield from JoinWays.get(config_id)).join_way
        refuse_if_changed(seen, now, f"join way {config_id}")
        call = update.call({"config_id": config_id, "scene": now.scene, "chat_id_list": now.chat_id_list, **changes})
        then = JoinWay.model_validate({**now.to_wire(), **call.body()})
        if then.to_wire() == now.to_wire():
            return now
        yield from keeping(call, now, {"qr_code"})
        return then
