"""Sessions of customer service (会话分配): who answers a customer of an account at present."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from ..core.call import Call
from ..core.endpoint import POST
from ..core.errors import InputError
from ..core.model import OpenIntEnum, Reply
from .resource import M, WeComResource


class ServiceState(OpenIntEnum):
    """Who answers a customer (会话状态)."""

    UNHANDLED = 0
    """A new conversation: the API may answer, or hand it on."""
    ASSISTANT = 1
    """The API answers."""
    QUEUED = 2
    """Waits for a member."""
    SERVICER = 3
    """A member answers."""
    ENDED = 4
    """It is over, or has not begun: sending is refused until the customer writes again."""


class SessionState(Reply):
    """Who answers a customer."""

    service_state: ServiceState
    servicer_userid: str | None = None
    """Only where a member answers."""


class TransferredSession(Reply):
    """A session that was handed on."""

    msg_code: str | None = Field(None, repr=False)
    """For one message by `kf_messages.send_on_event`: within 20 seconds where the session ended, else within 48 hours."""


def _servicer(arguments: Mapping[str, Any]) -> None:
    if arguments["service_state"] == ServiceState.SERVICER and not arguments.get("servicer_userid"):
        raise InputError("service_state 3 needs servicer_userid: the member who takes over", "servicer_userid")


class KfSessions(WeComResource[M]):
    """Who answers a customer of an account (会话状态)."""

    @POST("/cgi-bin/kf/service_state/get", docs=94669, idempotent=True)
    def get(self, open_kfid: str, external_userid: str) -> Call[SessionState]:
        """Tell who answers a customer at present (获取会话状态)."""
        ...

    @POST("/cgi-bin/kf/service_state/trans", docs=94669, check=_servicer)
    def transfer(
        self, open_kfid: str, external_userid: str, *, service_state: ServiceState, servicer_userid: str | None = None
    ) -> Call[TransferredSession]:
        """Hand a conversation on, or end it (变更会话状态).

        State 3 needs `servicer_userid`: a member who serves the account (95014, 60253) and has not stopped (Conflict, 95019). Not every
        change is allowed, and none once the session is over: Conflict (95016, 95013); read the state again before deciding. Nothing is
        repeated by itself: the `msg_code` comes once.
        """
        ...
