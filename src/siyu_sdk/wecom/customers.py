"""Customers (客户管理): who has been added, by whom, and what the member notes about them.

A relation is a pair of a member and a customer. Remark, tags, source and time belong to the pair, not to the customer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Annotated, Any, Self, cast, overload

from attrs import asdict, evolve, field, frozen
from pydantic import Field

from ..core.call import Call, Flow, Gather
from ..core.endpoint import GET, POST, Async, Sync, flow, paged
from ..core.errors import ApiError, AuthenticationError, InputError, NotFound, PlatformBusy, QuotaExceeded, RateLimited, TokenExpired
from ..core.limits import Limit
from ..core.model import Flag, MaxChars, MaxItems, NotEmpty, OpenIntEnum, Reply, Timestamp, WireModel
from ..core.run import AsyncRunner, Runner
from .common import chunks, clock_of
from .members import ExternalProfile, Gender
from .resource import CursorReply, M, WeComResource

MEMBERS_A_CALL = 100
NO_RELATION = 84061


class AddWay(OpenIntEnum):
    """How a member came to a customer (添加方式). The platform adds numbers now and then: they parse, and keep their value."""

    UNKNOWN = 0
    QR_CODE = 1
    PHONE_SEARCH = 2
    CARD = 3
    GROUP_CHAT = 4
    PHONE_BOOK = 5
    WECHAT_CONTACT = 6
    FRIEND_REQUEST = 7
    THIRD_PARTY_STAFF = 8
    EMAIL_SEARCH = 9
    CHANNELS = 10
    CALENDAR = 11
    MEETING = 12
    WECHAT_FRIENDS_WECOM = 13
    HARDWARE = 14
    ON_SITE_SERVICE = 15
    ACQUISITION_LINK = 16
    CUSTOM_DEVELOPMENT = 17
    REQUIREMENT_REPLY = 18
    INTERNAL_SHARE = 201
    ASSIGNED = 202


class ContactType(OpenIntEnum):
    """Where a customer comes from (外部联系人类型)."""

    WECHAT = 1
    WECOM = 2


class TagType(OpenIntEnum):
    """Whose tag it is (标签类型)."""

    CORP = 1
    PERSONAL = 2
    STRATEGY = 3


class SubscriberInfo(WireModel):
    """What a school notes about a parent (家校沟通)."""

    tag_id: tuple[str, ...] = ()
    remark: str | None = None
    remark_mobiles: tuple[str, ...] = ()


class ExternalContact(WireModel):
    """A customer as a person (外部联系人)."""

    external_userid: str
    """Starts with `wm` for a WeChat user, `wo` for a WeCom user."""
    name: str | None = None
    foreign_key: str | None = None
    unionid: str | None = None
    """Only of WeChat users, and only if the company has bound a WeChat developer account of the same owner."""
    avatar: str | None = None
    type: ContactType | None = None
    gender: Gender | None = None
    position: str | None = None
    corp_name: str | None = None
    corp_full_name: str | None = None
    is_subscribe: Flag | None = None
    """Of parents: whether they follow the school's notices."""
    subscriber_info: SubscriberInfo | None = None
    external_profile: ExternalProfile | None = None


class FollowTag(WireModel):
    """A tag that a member gave a customer."""

    type: TagType | None = None
    tag_id: str | None = None
    """None for personal tags."""
    tag_name: str | None = None
    group_name: str | None = None


class FollowChannels(WireModel):
    """Through which video account the customer came (视频号)."""

    nickname: str | None = None
    source: int | None = None
    """0 unknown, 1 its page, 2 its live page, 3 its live room, and newer ones."""


class Follow(WireModel):
    """A relation: what one member has with one customer (跟进信息)."""

    userid: str
    """The member."""
    remark: str | None = None
    remark_corp_name: str | None = None
    remark_mobiles: tuple[str, ...] = ()
    description: str | None = None
    add_way: AddWay | None = None
    createtime: Timestamp | None = None
    state: str | None = None
    """The contact way or channel that the customer came through, as you set it there."""
    oper_userid: str | None = None
    """Who asked whom: the member's id, or the customer's; for assigned customers, the administrator's."""
    wechat_channels: FollowChannels | None = None


class FollowUser(Follow):
    """A relation as `get` tells it: tags with names and types, personal ones too (跟进成员)."""

    tags: tuple[FollowTag, ...] = ()


class FollowInfo(Follow):
    """A relation as `batch_get` tells it: tags by id alone, corp and strategy tags only (跟进信息)."""

    tag_id: tuple[str, ...] = ()


class FollowUserList(Reply):
    """The members that may have customers."""

    follow_user: tuple[str, ...] = ()


class CustomerList(Reply):
    """The ids of one member's customers."""

    external_userid: tuple[str, ...] = ()


class CustomerDetail(CursorReply):
    """One customer, and the members who follow them: up to 500 on a page."""

    external_contact: ExternalContact
    follow_user: tuple[FollowUser, ...] = ()

    def items(self) -> Sequence[FollowUser]:
        """Give the members of this page."""
        return self.follow_user


class Customer(WireModel):
    """A customer of one member: the same person comes once for each member who follows them."""

    external_contact: ExternalContact
    follow_info: FollowInfo

    @property
    def external_userid(self) -> str:
        """The customer's id."""
        return self.external_contact.external_userid

    @property
    def userid(self) -> str:
        """The member's id."""
        return self.follow_info.userid


class CustomerPage(CursorReply):
    """A page of the customers of some members."""

    external_contact_list: tuple[Customer, ...] = ()

    def items(self) -> Sequence[Customer]:
        """Give the customers of this page."""
        return self.external_contact_list


@frozen
class MembersRead:
    """Some members whose customers are read together, and how far they have been."""

    members: tuple[str, ...]
    cursor: str = ""
    again: bool = False
    """Whether they were begun anew, because their cursor was refused."""
    reason: str = ""
    """Why they could not be read, of failed ones."""


@frozen
class CustomerSync:
    """How far a reading of all customers has come. A value: store it with what was read (`to_json`), and go on from it, today or later."""

    generation: int
    """When it began, in unix milliseconds: stamp with it what was read."""
    open: tuple[MembersRead, ...] = field(default=(), repr=False)
    stopped: tuple[MembersRead, ...] = field(default=(), repr=False)

    @classmethod
    def begin(cls, members: Sequence[str], *, generation: int, limit: int = 8) -> Self:
        """Plan to read these members, in pieces that keep `limit` calls busy."""
        named = tuple(dict.fromkeys(members))
        size = max(1, min(MEMBERS_A_CALL, len(named) // (4 * max(limit, 1))))
        return cls(generation, tuple(MembersRead(tuple(some)) for some in chunks(named, size)))

    @property
    def done(self) -> bool:
        """Whether everybody was read, or failed."""
        return not self.open

    @property
    def failed(self) -> Mapping[str, str]:
        """Members who could not be read, and why. Their customers are unknown, not gone."""
        return {userid: part.reason for part in self.stopped for userid in part.members}

    def retry(self) -> Self:
        """The same reading with the failed members before it again, each from where it stopped."""
        return evolve(self, open=(*self.open, *(evolve(part, again=False, reason="") for part in self.stopped)), stopped=())

    def to_json(self) -> dict[str, Any]:
        """The value as JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The value from JSON."""

        def parts(name: str) -> tuple[MembersRead, ...]:
            return tuple(MembersRead(tuple(part["members"]), part["cursor"], part["again"], part["reason"]) for part in value[name])

        return cls(value["generation"], parts("open"), parts("stopped"))


@frozen
class SyncedCustomers:
    """A stretch of customers, and the progress that they make. Store both together."""

    customers: tuple[Customer, ...] = field(repr=False)
    """Relations, each a member with a customer. After a restart some come a second time: write them over."""
    completed: tuple[str, ...]
    """Members read to the end with this stretch: what is stored of them with an older generation is gone. Of nobody else is that known."""
    progress: CustomerSync

    @property
    def generation(self) -> int:
        """The stamp of this reading."""
        return self.progress.generation


def _one_remark(arguments: Mapping[str, Any]) -> None:
    if not arguments.keys() & {"remark", "remark_company", "remark_mobiles", "remark_pic_mediaid", "description"}:
        raise InputError("give at least one of remark, description, remark_company, remark_mobiles, remark_pic_mediaid", "remark")


def _one_tag(arguments: Mapping[str, Any]) -> None:
    if not arguments.get("add_tag") and not arguments.get("remove_tag"):
        raise InputError("give add_tag or remove_tag", "add_tag")


class Customers(WeComResource[M]):
    """The customers (外部联系人) that members have added."""

    @GET("/cgi-bin/externalcontact/get_follow_user_list", docs=92571)
    def follow_users(self) -> Call[FollowUserList]:
        """List the members who may have customers: those with 客户联系 switched on (获取配置了客户联系功能的成员列表)."""
        ...

    @GET("/cgi-bin/externalcontact/list", docs=92113)
    def list(self, userid: str) -> Call[CustomerList]:
        """List the ids of one member's customers (获取客户列表).

        Raises NotFound (84061) where the member has none, PermissionDenied where 客户联系 is off for the member.
        """
        ...

    @GET("/cgi-bin/externalcontact/get", docs=92114)
    def get(self, external_userid: str, *, cursor: str | None = None) -> Call[CustomerDetail]:
        """Fetch one customer and the members who follow them (获取客户详情).

        A customer followed by more than 500 members comes in pages: pass the reply's `next_cursor` back, or use `followers`.
        Raises NotFound (84061) where the customer is nobody's contact any more, InvalidArgument (40096) for an id of another subject.
        """
        ...

    @paged
    def followers(self, external_userid: str) -> Call[CustomerDetail]:
        """Every member who follows this customer, one by one, page after page (获取客户详情)."""
        return Customers.get(external_userid)

    @POST("/cgi-bin/externalcontact/batch/get_by_user", docs=92994, idempotent=True)
    def batch_get(
        self,
        userid_list: Annotated[Sequence[str], NotEmpty, MaxItems(100)],
        *,
        cursor: str | None = None,
        limit: Annotated[int, Field(ge=1, le=100)] | None = None,
    ) -> Call[CustomerPage]:
        """Fetch the customers of up to 100 members, one page (批量获取客户详情).

        `limit` is 1 to 100 (50 if left out). Tags come by id only, and personal tags not at all: `get` has names.
        """
        ...

    @paged
    def all(self, userid_list: Sequence[str], *, limit: int = 100) -> Call[CustomerPage]:
        """Every customer of up to 100 members, one by one, page after page (批量获取客户详情).

        A customer of two of these members comes twice, once with each relation.
        """
        return Customers.batch_get(userid_list, limit=limit)

    @POST("/cgi-bin/externalcontact/remark", docs=92115, idempotent=True, check=_one_remark)
    def remark(
        self,
        userid: str,
        external_userid: str,
        *,
        remark: Annotated[str, MaxChars(20)] | None = None,
        description: Annotated[str, MaxChars(150)] | None = None,
        remark_company: Annotated[str, MaxChars(20)] | None = None,
        remark_mobiles: Sequence[str] | None = None,
        remark_pic_mediaid: str | None = None,
    ) -> Call[Reply]:
        """Set what a member notes about a customer (修改客户备注信息).

        What is left out stays; "" clears a text, `[""]` clears the phone numbers; numbers given replace all. `remark` and
        `remark_company` have at most 20 characters, `description` 150. `remark_company` holds for WeChat users only.
        No event follows: the platform reports only what members change by hand.
        """
        ...

    @POST("/cgi-bin/externalcontact/mark_tag", docs=92118, idempotent=True, limit=Limit(concurrent=5), check=_one_tag)
    def mark_tag(
        self,
        userid: str,
        external_userid: str,
        *,
        add_tag: Sequence[str] | None = None,
        remove_tag: Sequence[str] | None = None,
    ) -> Call[Reply]:
        """Give a customer tags of the company, or take them away, for one member (编辑客户企业标签).

        Ids of corp tags, from `tags.list`. Setting a tag twice changes nothing. At most 5 calls are in flight at once: the platform
        refuses more (45033, RateLimited). Raises NotFound (84061) where this member does not follow the customer. No event follows.
        """
        ...

    # What takes several calls

    @flow
    def sync_step(
        self, progress: CustomerSync | None = None, *, members: Sequence[str] | None = None, limit: int = 8
    ) -> Flow[SyncedCustomers]:
        """Read the next stretch of all customers, up to `limit` pages at once, and tell how to go on (批量获取客户详情).

        Without `progress` it begins: with these members, or with all who may have customers. See `sync_iter`.
        """
        if progress is None:
            if members is None:
                members = (yield from Customers.follow_users()).follow_user
            progress = CustomerSync.begin(members, generation=int(clock_of(self).time() * 1000), limit=limit)
        elif members is not None:
            raise InputError("members: a reading that was begun has its members already", "members")
        return (yield from _read_on(progress, limit))

    @overload
    def sync_iter(
        self: Customers[Sync], progress: CustomerSync | None = None, *, members: Sequence[str] | None = None, limit: int = 8
    ) -> Iterator[SyncedCustomers]: ...
    @overload
    def sync_iter(
        self: Customers[Async], progress: CustomerSync | None = None, *, members: Sequence[str] | None = None, limit: int = 8
    ) -> AsyncIterator[SyncedCustomers]: ...
    def sync_iter(self, progress: CustomerSync | None = None, *, members: Sequence[str] | None = None, limit: int = 8) -> Any:
        """Read all customers of all members, stretch by stretch, up to `limit` pages at once (批量获取客户详情).

        Write down each stretch with its `progress` in one transaction, and pass the last stored one back after a crash: the reading goes
        on from there. What was stamped with an older `generation` may be swept for the members in `completed`, and for no others:
        a member who could not be read, or is listed no more, has lost nobody.

        One bad member does not spoil the others: who cannot be read is found out, and stands in `progress.failed` in the end, with the
        reason; `progress.retry()` takes them up again. What concerns everybody (a wrong secret) is raised, and loses nothing either.
        """
        walk = self._sync_async if self.client.is_async else self._sync
        return walk(progress, members, limit)

    def _sync(self, progress: CustomerSync | None, members: Sequence[str] | None, limit: int) -> Iterator[SyncedCustomers]:
        while progress is None or not progress.done:
            stretch = cast("Runner", self.client).run(Customers.sync_step.of(self, progress, members=members, limit=limit))
            progress, members = stretch.progress, None
            yield stretch

    async def _sync_async(self, progress: CustomerSync | None, members: Sequence[str] | None, limit: int) -> AsyncIterator[SyncedCustomers]:
        while progress is None or not progress.done:
            stretch = await cast("AsyncRunner", self.client).run(Customers.sync_step.of(self, progress, members=members, limit=limit))
            progress, members = stretch.progress, None
            yield stretch


def _read_on(progress: CustomerSync, limit: int) -> Flow[SyncedCustomers]:
    wave, later = progress.open[:limit], progress.open[limit:]
    replies = yield from Gather([Customers.batch_get(p.members, cursor=p.cursor or None, limit=100) for p in wave], limit=limit)
    customers, completed = list[Customer](), list[str]()
    ahead, stopped = list[MembersRead](), list[MembersRead]()
    for part, reply in zip(wave, replies, strict=True):
        if isinstance(reply, Exception):
            if _has_nobody(part, reply):
                completed += part.members
            elif instead := _after_failure(part, reply):
                ahead += instead
            else:
                stopped.append(evolve(part, reason=str(reply)))
        elif reply.next_cursor and reply.next_cursor == part.cursor:
            stopped.append(evolve(part, reason="the platform gave the same cursor twice"))
        else:
            customers += reply.external_contact_list
            if reply.next_cursor:
                ahead.append(evolve(part, cursor=reply.next_cursor))
            else:
                completed += part.members
    then = CustomerSync(progress.generation, (*ahead, *later), (*progress.stopped, *stopped))
    return SyncedCustomers(tuple(customers), tuple(completed), then)


def _has_nobody(part: MembersRead, error: Exception) -> bool:
    """A member without any customer is told as an error (84061): read to the end, with nothing in it."""
    return len(part.members) == 1 and not part.cursor and isinstance(error, NotFound) and error.code == NO_RELATION


def _after_failure(part: MembersRead, error: Exception) -> tuple[MembersRead, ...]:
    """What to try instead: the beginning, if a cursor was refused; else the halves, to find out whom it is about. None: it has failed."""
    if isinstance(error, (AuthenticationError, TokenExpired)):
        raise error
    if not isinstance(error, ApiError) or isinstance(error, (RateLimited, QuotaExceeded, PlatformBusy)):
        return ()  # it is about nobody in particular
    if part.cursor and not part.again:
        return (MembersRead(part.members, again=True),)
    middle = len(part.members) // 2
    return tuple(MembersRead(half, again=True) for half in (part.members[:middle], part.members[middle:])) if middle else ()
