"""Messages of customer service (消息收发): read what customers write, answer them, within 48 hours and 5 messages.

WeCom tells by callback only that there is something new (`kf_msg_or_event`, with a token); the messages are fetched from where one
stopped last time:

    new = wecom.kf_messages.drain(event.open_kf_id, token=event.token, cursor=saved)
    …  # work new.messages off, and save new.cursor together with the work
"""

from __future__ import annotations

import re
from typing import Annotated, Final, TypeAlias

from attrs import field, frozen
from pydantic import Field

from ..core.call import Call, Flow, Spread, following
from ..core.endpoint import POST, flow, paged
from ..core.errors import ApiError, InputError
from ..core.model import Checked, OpenIntEnum, OrDict, Secret
from .kf_message_models import KfAnswer, KfSendable, ReceivedMessage, ReceivedMessages, SentReceipt
from .resource import M, WeComResource


def _msgid(value: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z_-]{1,32}", value):
        raise ValueError(f"1 to 32 characters out of 0-9 A-Z a-z _ - are allowed, got {len(value)}: {value[:60]!r}")
    return value


MsgId: TypeAlias = Annotated[str, Checked(_msgid)]
"""A message's id of your own: 1 to 32 characters out of `0-9A-Za-z_-`."""


class VoiceFormat(OpenIntEnum):
    """What voice messages are fetched as (语音消息类型)."""

    AMR = 0
    SILK = 1


TOKEN_IS_VOID: Final = 95007


@frozen
class Drained:
    """What was new since a cursor."""

    messages: tuple[ReceivedMessage, ...] = field(repr=False)
    cursor: str | None
    """Where to go on from next time: save it together with the work that the messages make."""
    more: bool = False
    """Whether it stopped at `pages` before the end: go on from `cursor`."""


class KfMessages(WeComResource[M]):
    """Messages of customer service (接收消息和事件, 发送消息)."""

    @POST("/cgi-bin/kf/sync_msg", docs=94670, idempotent=True)
    def sync(
        self,
        open_kfid: str | None = None,
        *,
        cursor: str | None = None,
        token: Secret | None = None,
        limit: Annotated[int, Field(ge=1, le=1000)] | None = None,
        voice_format: VoiceFormat | None = None,
    ) -> Call[ReceivedMessages]:
        """Fetch messages and events since a cursor, one page: those of the last 3 days at most (读取消息).

        `token` is that of the callback and lives 10 minutes (TokenExpired, 95007, after that); without it, calls are strictly limited.
        Without `cursor` it begins 3 days ago. `limit` is 1 to 1,000 (1,000 if left out). Only `has_more` tells whether to go on: a page may
        be empty. What the API has sent does not come back.
        """
        ...

    @paged
    def all(
        self,
        open_kfid: str | None = None,
        *,
        cursor: str | None = None,
        token: Secret | None = None,
        limit: int = 1000,
        voice_format: VoiceFormat | None = None,
    ) -> Call[ReceivedMessages]:
        """Every message and event since a cursor, one by one, page after page (读取消息).

        The cursor to go on from later is that of the last page, which this does not show: use `sync` where it has to be kept.
        """
        return KfMessages.sync(open_kfid, cursor=cursor, token=token, limit=limit, voice_format=voice_format)

    @POST("/cgi-bin/kf/send_msg", docs=94677)
    def send(
        self,
        open_kfid: str,
        touser: str,
        message: Annotated[OrDict[KfSendable], Spread],
        *,
        msgid: MsgId | None = None,
    ) -> Call[SentReceipt]:
        """Send a customer a message: `send("wk1", "wm1", Text(content="您好"))` (发送消息).

        Up to 5 within 48 hours of the customer's last message (QuotaExceeded, 95001 and 95002), and only while the API or nobody answers
        (`service_state` 0 or 1; else Conflict, 95018). A text has up to 2,048 bytes of UTF-8, a menu 10 items. A dict is
        `{"msgtype": "text", "text": {"content": "…"}}`.

        Give a `msgid` of your own: the same one never sends twice. Nothing is resent by itself all the same, since a message without one
        would come twice: after OutcomeUnknown, make the same call again with the same `msgid`.
        """
        ...

    @POST("/cgi-bin/kf/send_msg_on_event", docs=95122)
    def send_on_event(
        self,
        code: Secret,
        message: Annotated[OrDict[KfAnswer], Spread],
        *,
        msgid: MsgId | None = None,
    ) -> Call[SentReceipt]:
        """Answer an event with a text or a menu (发送欢迎语等事件响应消息).

        `code` is the `welcome_code` or `msg_code` of the event, or of `kf_sessions.transfer`. It works once: within 20 seconds for a
        welcome and after the end of a session, within 48 hours for the others (95007 after that).
        """
        ...

    # What takes several calls

    @flow
    def drain(
        self,
        open_kfid: str | None = None,
        *,
        token: str | None = None,
        cursor: str | None = None,
        voice_format: VoiceFormat | None = None,
        pages: int = 100,
    ) -> Flow[Drained]:
        """Fetch everything since a cursor, over empty pages too, and tell where to go on (读取消息).

        For the callback `kf_msg_or_event`: with its `token` and account, and the cursor that was saved last. Where the callback was worked
        off so late that its token is void (95007), it goes on without it, which is strictly limited. An error in the middle is raised and
        loses nothing, as long as you save the cursor only together with the work. Up to 1,000 messages come on each of the `pages`.
        """
        if pages < 1:
            raise InputError(f"pages: at least 1 is needed, got {pages}", "pages")
        messages = list[ReceivedMessage]()
        call = KfMessages.sync(open_kfid, cursor=cursor, token=token, limit=1000, voice_format=voice_format)
        while True:
            try:
                page = yield from call
            except ApiError as error:
                if error.code != TOKEN_IS_VOID or "token" not in call.arguments:
                    raise
                call = call.replace(token=None)
                continue
            pages -= 1
            messages += page.msg_list
            cursor = page.next_cursor or cursor
            ended = following(call, page) is None  # refuses a cursor that stands still
            if ended or not pages:
                return Drained(tuple(messages), cursor, not ended)
            call = call.replace(cursor=page.next_cursor)
