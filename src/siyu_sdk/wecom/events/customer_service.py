"""Events of customer service (微信客服)."""

from __future__ import annotations

from pydantic import Field

from ...core.model import XmlList
from .base import WeComEvent


class KfMessageOrEvent(WeComEvent, event="kf_msg_or_event"):
    """Something happened in a service account: a mere wake-up (接收消息和事件).

    Fetch with `sync_msg`, the `token` and your own cursor, until `has_more` ends. One event may stand for many messages, or for none.
    """

    token: str | None = Field(None, alias="Token", repr=False)
    """For `sync_msg`; lives 10 minutes, and lifts its limit of frequency."""
    open_kf_id: str | None = Field(None, alias="OpenKfId")


class KfAccountAuthChange(WeComEvent, event="kf_account_auth_change"):
    """The app may now manage other service accounts than before (客服账号授权变更事件)."""

    auth_add_open_kf_id: XmlList[str] = Field((), alias="AuthAddOpenKfId")
    auth_del_open_kf_id: XmlList[str] = Field((), alias="AuthDelOpenKfId")
