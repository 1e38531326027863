"""The archive of conversations (会话内容存档), as far as it is a web API: who is in it, and who has agreed.

The conversations themselves come through Tencent's own library, not through these calls. They need the secret of the archive, not that of
an app, and its list of trusted addresses is one of its own (PermissionDenied, 301042).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from ..core.call import Call
from ..core.endpoint import GET, POST
from ..core.model import MaxItems, NotEmpty, OpenIntEnum, OpenStrEnum, OrDict, Reply, Timestamp, WireModel
from .resource import M, WeComResource


class Edition(OpenIntEnum):
    """What a member's conversations are archived for (版本)."""

    OFFICE = 1
    SERVICE = 2
    ENTERPRISE = 3


class AgreeStatus(OpenStrEnum):
    """Whether a customer agrees to the archive (同意情况)."""

    AGREE = "Agree"
    DISAGREE = "Disagree"
    DEFAULT_AGREE = "Default_Agree"
    """Nothing was said, which counts as yes."""


class ArchivedMembers(Reply):
    """The members whose conversations are archived."""

    ids: tuple[str, ...] = ()


class Conversation(WireModel):
    """A member and a customer who talk (会话)."""

    userid: str
    exteranalopenid: str
    """The customer's external_userid; the name is the platform's."""


class Agreement(WireModel):
    """What a customer said to the archive (同意情况)."""

    userid: str | None = None
    """The member; None in groups."""
    exteranalopenid: str
    """The customer's external_userid; the name is the platform's."""
    agree_status: AgreeStatus | None = None
    status_change_time: Timestamp | None = None


class Agreements(Reply):
    """What customers said to the archive."""

    agreeinfo: tuple[Agreement, ...] = ()


class RoomMember(WireModel):
    """A member of a group (群成员)."""

    memberid: str
    jointime: Timestamp | None = None


class Room(Reply):
    """A group of members (内部群)."""

    roomname: str | None = None
    creator: str | None = None
    room_create_time: Timestamp | None = None
    notice: str | None = None
    members: tuple[RoomMember, ...] = ()


class Robot(WireModel):
    """A robot that speaks in groups (机器人)."""

    robot_id: str
    name: str | None = None
    creator_userid: str | None = None


class RobotInfo(Reply):
    """One robot."""

    data: Robot


class MessageArchive(WeComResource[M]):
    """Who is in the archive of conversations, and who has agreed (会话内容存档)."""

    @POST("/cgi-bin/msgaudit/get_permit_user_list", docs=91614, idempotent=True)
    def permitted_users(self, *, type: Edition | None = None) -> Call[ArchivedMembers]:
        """List the members whose conversations are archived, of all editions or one (获取会话内容存档开启成员列表)."""
        ...

    @POST("/cgi-bin/msgaudit/check_single_agree", docs=91782, idempotent=True)
    def check_single_agree(self, info: Annotated[Sequence[OrDict[Conversation]], NotEmpty, MaxItems(100)]) -> Call[Agreements]:
        """Tell whether customers agree to the archive, up to 100 conversations (获取会话同意情况, 单聊)."""
        ...

    @POST("/cgi-bin/msgaudit/check_room_agree", docs=91782, idempotent=True)
    def check_room_agree(self, roomid: str) -> Call[Agreements]:
        """Tell whether the customers in a group agree to the archive (获取会话同意情况, 群聊)."""
        ...

    @POST("/cgi-bin/msgaudit/groupchat/get", docs=92951, idempotent=True)
    def get_room(self, roomid: str) -> Call[Room]:
        """Fetch a group of members alone (获取会话内容存档内部群信息). Raises InvalidArgument (301059) for a customer group."""
        ...

    @GET("/cgi-bin/msgaudit/get_robot_info", docs=91774)
    def get_robot(self, robot_id: str) -> Call[RobotInfo]:
        """Fetch a robot; its id, which starts with `wb`, is that of a sender in the archive (获取机器人信息)."""
        ...
