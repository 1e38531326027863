"""What all events of WeCom share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, cast

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from ...core.events import Event, event_name, load_text, read_event
from ...core.model import Timestamp, WireModel

WELCOME_LIFE = timedelta(seconds=20)
"""A welcome code works so long after the event's `CreateTime`."""


def _without_empty(fields: Any) -> Any:
    """Take an empty element for an absent one: in XML nobody can tell them apart, and "" is no number, time or list.

    A message of blanks is a message all the same.
    """
    if not isinstance(fields, dict):
        return fields
    given = cast("dict[str, Any]", fields)
    empty = [name for name, value in given.items() if value.__class__ is str and (not value or value.isspace()) and name != "Content"]
    return {name: value for name, value in given.items() if name not in empty} if empty else given


class XmlElement(WireModel):
    """An element with elements in it."""

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, fields: Any) -> Any:
        return _without_empty(fields)


class WeComEvent(Event):
    """Base of WeCom's events.

    An app of the company itself gets `create_time` and `event`, a third-party app `time_stamp`, `info_type` and `suite_id`: both become
    the same type.
    """

    platform: ClassVar[str] = "wecom"

    to_user_name: str | None = Field(None, alias="ToUserName")
    """The company."""
    from_user_name: str | None = Field(None, alias="FromUserName")
    """The member, or `sys`."""
    create_time: Timestamp | None = Field(None, alias="CreateTime")
    msg_type: str | None = Field(None, alias="MsgType")
    event: str | None = Field(None, alias="Event")
    suite_id: str | None = Field(None, alias="SuiteId")
    auth_corp_id: str | None = Field(None, alias="AuthCorpId")
    info_type: str | None = Field(None, alias="InfoType")
    time_stamp: Timestamp | None = Field(None, alias="TimeStamp")
    change_type: str | None = Field(None, alias="ChangeType")

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, fields: Any) -> Any:
        return _without_empty(fields)

    @property
    def corpid(self) -> str | None:
        """The company that it is about, in both forms."""
        return self.auth_corp_id or self.to_user_name

    @property
    def happened_at(self) -> datetime | None:
        """When it happened, to the second, in both forms."""
        return self.create_time or self.time_stamp

    def welcome_until(self, code: str | None) -> datetime | None:
        """When a welcome code that came with this event stops working."""
        return self.happened_at + WELCOME_LIFE if code and self.happened_at else None


class AppEvent(WeComEvent):
    """Base of events that concern one app."""

    agent_id: int | None = Field(None, alias="AgentID")
    """The app."""


def _joined(read: Callable[[str], Any]) -> tuple[BeforeValidator, PlainSerializer]:
    def split(value: object) -> object:
        return tuple(read(part.strip()) for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    def join(values: Iterable[int]) -> str:
        return ",".join(str(int(value)) for value in values)

    return BeforeValidator(split), PlainSerializer(join, return_type=str, when_used="json")


JoinedNumbers = Annotated[tuple[int, ...], *_joined(str)]
"""Numbers; one string joined with commas on the wire."""

JoinedFlags = Annotated[tuple[bool, ...], *_joined(str)]
"""Booleans; zeros and ones joined with commas on the wire."""


def parse(text: str | bytes) -> Event:
    """Turn a decrypted callback into its event, or `UnknownEvent`.

    Raises:
        DecodeError: it is neither XML nor JSON.
    """
    fields = load_text(text)
    return read_event("wecom", event_name(fields), str(fields.get("ChangeType", "")).strip(), fields)
