"""Group chats that an app made (应用发送消息到群聊会话): for members of the company, not for customers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from ..core.call import Call, Spread
from ..core.endpoint import GET, POST
from ..core.model import Flag, MaxChars, MaxItems, NotEmpty, OrDict, Reply, WireModel
from .app_message_models import ChatContent
from .resource import M, WeComResource

Name = Annotated[str, MaxChars(50)]


class AppChat(WireModel):
    """A group chat (群聊)."""

    chatid: str
    name: str = ""
    owner: str | None = None
    userlist: tuple[str, ...] = ()


class CreatedChat(Reply):
    """A new group chat."""

    chatid: str


class ChatDetail(Reply):
    """One group chat."""

    chat_info: AppChat


class AppChats(WeComResource[M]):
    """Group chats that an app made (群聊会话). Only for apps that the whole company sees; each knows its own chats alone (86008)."""

    @POST("/cgi-bin/appchat/create", docs=90245)
    def create(
        self,
        userlist: Annotated[Sequence[str], Field(min_length=2), MaxItems(2000)],
        *,
        name: Name | None = None,
        owner: str | None = None,
        chatid: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{1,32}$")] | None = None,
    ) -> Call[CreatedChat]:
        """Make a group chat of 2 to 2,000 members (创建群聊会话).

        It shows in WeCom with its first message. `name` has at most 50 characters; without `owner` the platform picks one. With a `chatid`
        of your own (letters and digits, at most 32) a repeat raises Conflict (86215) in place of a second chat. 1,000 chats a day.
        """
        ...

    @POST("/cgi-bin/appchat/update", docs=90246, idempotent=True)
    def update(
        self,
        chatid: str,
        *,
        name: Name | None = None,
        owner: str | None = None,
        add_user_list: Annotated[Sequence[str], NotEmpty] | None = None,
        del_user_list: Annotated[Sequence[str], NotEmpty] | None = None,
    ) -> Call[Reply]:
        """Rename a chat, change its owner or its members (修改群聊会话). What is left out stays. 1,000 changes an hour."""
        ...

    @GET("/cgi-bin/appchat/get", docs=90247)
    def get(self, chatid: str) -> Call[ChatDetail]:
        """Fetch a chat with its members (获取群聊会话). Raises NotFound (86003) where it does not exist (any more)."""
        ...

    @POST("/cgi-bin/appchat/send", docs=90248)
    def send(self, chatid: str, message: Annotated[OrDict[ChatContent], Spread], *, safe: Flag | None = None) -> Call[Reply]:
        """Send a message to a chat, at once (应用推送消息).

        Text and Markdown have at most 2,048 bytes of UTF-8; `ChatText` and `ChatMarkdown` call members by name. `safe=True` forbids
        sharing. A member gets at most 200 such messages a minute and 10,000 a day, and nothing tells of the rest; the company may reach
        20,000 people a minute and 300,000 an hour: RateLimited (45009). Repeating it sends it twice.
        """
        ...
