"""Live rooms (直播): booked by members, watched by colleagues and customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from ..core.call import Call
from ..core.endpoint import GET, POST, paged
from ..core.model import Flag, MaxBytes, MaxChars, MaxItems, NotEmpty, OpenIntEnum, OrDict, Reply, Timestamp, WireModel
from .common import some_change
from .resource import CursorReply, M, WeComResource


class LivingType(OpenIntEnum):
    """What kind of room it is (直播类型)."""

    GENERAL = 0
    SMALL_CLASS = 1
    BIG_CLASS = 2
    TRAINING = 3
    EVENT = 4


class LivingStatus(OpenIntEnum):
    """How far it is (直播状态)."""

    BOOKED = 0
    LIVE = 1
    ENDED = 2
    EXPIRED = 3
    CANCELLED = 4


class ReplayStatus(OpenIntEnum):
    """How far its recording is (回放状态)."""

    IN_THE_MAKING = 0
    READY = 1
    DELETED = 2
    FAILED = 3


class ViewerType(OpenIntEnum):
    """Who watches from outside (外部成员类型)."""

    WECHAT = 1
    WECOM = 2


class ActivityDetail(WireModel):
    """What an event says of itself (活动直播详情)."""

    description: str | None = None
    image_list: Annotated[tuple[str, ...], MaxItems(5)] = ()
    """Pictures by id, from `media.upload`: the platform would drop a sixth without a word."""


class CreatedLiving(Reply):
    """A room that is booked."""

    livingid: str


class Living(WireModel):
    """A live room (直播)."""

    livingid: str | None = None
    theme: str | None = None
    living_start: Timestamp | None = None
    """When it really began."""
    living_duration: int | None = None
    """Seconds that it really lasted."""
    status: LivingStatus | None = None
    reserve_start: Timestamp | None = None
    """When it was booked to begin."""
    reserve_living_duration: int | None = None
    """Seconds that it was booked for."""
    description: str | None = None
    anchor_userid: str | None = None
    main_department: int | None = None
    """Of the host."""
    viewer_num: int | None = None
    comment_num: int | None = None
    mic_num: int | None = None
    """Viewers who spoke."""
    open_replay: Flag | None = None
    replay_status: ReplayStatus | None = None
    """Only where a recording is made."""
    type: LivingType | None = None
    push_stream_url: str | None = Field(None, repr=False)
    """Where an encoder sends the pictures: whoever knows it can broadcast. Only of events that have not begun."""
    online_count: int | None = None
    subscribe_count: int | None = None


class LivingInfo(Reply):
    """One room."""

    living_info: Living


class LivingIds(CursorReply):
    """A page of rooms by id."""

    livingid_list: tuple[str, ...] = ()

    def items(self) -> Sequence[str]:
        """Give the ids of this page."""
        return self.livingid_list


class Viewer(WireModel):
    """Somebody who watched (观众)."""

    watch_time: int | None = None
    """Seconds."""
    is_comment: Flag | None = None
    is_mic: Flag | None = None
    """Whether they spoke."""
    invitor_userid: str | None = None
    """The member who invited them."""
    invitor_external_userid: str | None = None
    """The customer who invited them."""


class MemberViewer(Viewer):
    """A member who watched (观看直播的成员)."""

    userid: str


class ExternalViewer(Viewer):
    """Somebody from outside who watched (观看直播的外部成员)."""

    external_userid: str
    type: ViewerType | None = None
    name: str | None = None


class WatchStatistics(WireModel):
    """Who watched."""

    users: tuple[MemberViewer, ...] = ()
    external_users: tuple[ExternalViewer, ...] = ()


class WatchPage(Reply):
    """A page of viewers."""

    ending: Flag = True
    next_key: str | None = None
    stat_info: WatchStatistics = Field(default_factory=WatchStatistics)

    def items(self) -> Sequence[MemberViewer | ExternalViewer]:
        """Give the viewers of this page, members first."""
        return (*self.stat_info.users, *self.stat_info.external_users)

    def next_page(self, arguments: Mapping[str, Any]) -> Mapping[str, Any] | None:  # noqa: ARG002 -- what `@paged` asks of a page
        """Give what to change for the next page, or None at the end: the last page has a `next_key` too."""
        return {"next_key": self.next_key} if self.next_key and not self.ending else None


class LivingShare(Reply):
    """Who came from a room to a shop, and who had invited them: ids of members or of customers."""

    livingid: str | None = None
    viewer_userid: str | None = None
    viewer_external_userid: str | None = None
    invitor_userid: str | None = None
    invitor_external_userid: str | None = None


class LivingCode(Reply):
    """A ticket to a room."""

    living_code: str = Field(repr=False)


# The pages count differently: booking a room in characters, changing it in bytes.
Theme = Annotated[str, NotEmpty, MaxChars(20)]
Description = Annotated[str, MaxChars(100)]
Seconds = Annotated[int, Field(ge=0)]


_changed = some_change("theme", "living_start", "living_duration", "type", "description", "remind_time")


class Livings(WeComResource[M]):
    """Live rooms (直播). An app needs the right to them, and changes only those that it has booked itself."""

    @POST("/cgi-bin/living/create", docs=93637)
    def create(
        self,
        *,
        anchor_userid: str,
        theme: Theme,
        living_start: Timestamp,
        living_duration: Seconds,
        type: LivingType | None = None,
        description: Description | None = None,
        remind_time: Seconds | None = None,
        agentid: int | None = None,
        activity_cover_mediaid: str | None = None,
        activity_share_mediaid: str | None = None,
        activity_detail: OrDict[ActivityDetail] | None = None,
    ) -> Call[CreatedLiving]:
        """Book a room (创建预约直播).

        `living_duration` and `remind_time` (how long before the start viewers are told) are seconds; `theme` has up to 20 characters,
        `description` 100. Events have their description and up to 5 pictures in `activity_detail`, and alone take the three `activity_…`.
        """
        ...

    @POST("/cgi-bin/living/modify", docs=93640, idempotent=True, check=_changed)
    def update(
        self,
        livingid: str,
        *,
        theme: Annotated[str, NotEmpty, MaxBytes(60)] | None = None,
        living_start: Timestamp | None = None,
        living_duration: Seconds | None = None,
        type: LivingType | None = None,
        description: Annotated[str, MaxBytes(300)] | None = None,
        remind_time: Seconds | None = None,
    ) -> Call[Reply]:
        """Change a room before it begins; what is left out stays (修改预约直播).

        `theme` has up to 60 bytes of UTF-8, `description` 300.
        """
        ...

    @POST("/cgi-bin/living/cancel", docs=93638)
    def cancel(self, livingid: str) -> Call[Reply]:
        """Give a booked room up (取消预约直播)."""
        ...

    @POST("/cgi-bin/living/delete_replay_data", docs=93874)
    def delete_replay(self, livingid: str) -> Call[Reply]:
        """Delete a recording for ever (删除直播回放)."""
        ...

    @POST("/cgi-bin/living/get_living_code", docs=93641, idempotent=True)
    def code(self, livingid: str, openid: str) -> Call[LivingCode]:
        """Fetch a ticket with which a WeChat user watches a room or its recording (获取微信观看直播凭证).

        It works in WeChat alone, and may be used again and again for 5 minutes.
        """
        ...

    @POST("/cgi-bin/living/get_user_all_livingid", docs=93634, idempotent=True)
    def list(self, userid: str, *, cursor: str | None = None, limit: Annotated[int, Field(ge=1, le=100)] | None = None) -> Call[LivingIds]:
        """List the ids of a member's rooms, one page (获取成员直播ID列表). `limit` is 1 to 100 (100 if left out)."""
        ...

    @paged
    def all(self, userid: str, *, limit: int = 100) -> Call[LivingIds]:
        """Every room of a member by id, one by one, page after page (获取成员直播ID列表)."""
        return Livings.list(userid, limit=limit)

    @GET("/cgi-bin/living/get_living_info", docs=93635)
    def get(self, livingid: str) -> Call[LivingInfo]:
        """Fetch a room (获取直播详情)."""
        ...

    @POST("/cgi-bin/living/get_watch_stat", docs=93636, idempotent=True)
    def watch_statistics(self, livingid: str, *, next_key: str | None = None) -> Call[WatchPage]:
        """Fetch who watched a room, one page (获取直播观看明细)."""
        ...

    @paged
    def viewers(self, livingid: str) -> Call[WatchPage]:
        """Everybody who watched a room, one by one, page after page (获取直播观看明细)."""
        return Livings.watch_statistics(livingid)

    @POST("/cgi-bin/living/get_living_share_info", docs=94442, idempotent=True)
    def share_info(self, ww_share_code: str) -> Call[LivingShare]:
        """Tell who came from a room to a shop's mini-program, and by whose invitation (获取跳转小程序商城的直播观众信息).

        `ww_share_code` is in the address that the mini-program was opened with, and lives 5 minutes. The company must have bound it.
        """
        ...
