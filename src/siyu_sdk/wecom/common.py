"""What several chapters of 客户联系 share: ranges of members, results for single items, and rules over parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from pydantic import AfterValidator, ValidationInfo
from pydantic_core import PydanticCustomError

from ..core.codes import refusal
from ..core.errors import ApiError, InputError
from ..core.model import OUTGOING, MaxItems, WireModel
from .messages import Content

C = TypeVar("C", bound=int)

Rule = Callable[[Mapping[str, Any]], None]
"""A rule over several parameters, for `check=`."""


class MemberRange(WireModel):
    """Members, by themselves and by department (成员范围)."""

    user_list: tuple[str, ...] = ()
    department_list: tuple[int, ...] = ()
    """Each with the departments below it."""


class MaxMembers(MaxItems):
    """At most so many members in the `user_list` of a `MemberRange`; nobody but the platform can count those of departments."""

    unit = "members"

    def measure(self, value: MemberRange) -> int:
        """Count the members named one by one."""
        return len(value.user_list)


class ItemResult(WireModel, Generic[C]):
    """What became of one item of a list: the whole call succeeds (`errcode` 0) even where every item failed."""

    errcode: C
    errmsg: str | None = None

    @property
    def error(self) -> ApiError | None:
        """None where it went well, else the error that a call of its own would have raised, of the type that fits the reaction."""
        return refusal("wecom", self.errcode, self.errmsg or "", type(self).__name__)[0] if self.errcode else None


def complete(value: Content, info: ValidationInfo) -> Content:
    """Refuse a content outside an envelope that lacks what the platform demands for sending."""
    if info.context == OUTGOING:
        for names in value.needs:
            if not any(getattr(value, name) for name in names.split("|")):
                wanted = {"kind": type(value).__name__, "names": names.replace("|", " or ")}
                raise PydanticCustomError("missing", "{kind} needs {names}", wanted)
    return value


Complete = AfterValidator(complete)
"""A content that stands in a field of its own, complete when it is sent: `Annotated[Image, Complete]`."""


def either(*names: str) -> Rule:
    """Ask for at least one of these parameters, not empty."""

    def check(arguments: Mapping[str, Any]) -> None:
        if not any(arguments.get(name) for name in names):
            raise InputError(f"give {' or '.join(names)}", names[0])

    return check


def some_change(*names: str) -> Rule:
    """Ask for at least one of these parameters; an empty one counts, for it clears a field."""

    def check(arguments: Mapping[str, Any]) -> None:
        if not arguments.keys() & set(names):
            raise InputError(f"there is nothing to change: give at least one of {', '.join(names)}", names[0])

    return check


def within(days: int, start: str = "start_time", end: str = "end_time") -> Rule:
    """Ask for a span of at most so many days, forwards in time."""
    longest = timedelta(days=days)

    def check(arguments: Mapping[str, Any]) -> None:
        first: datetime | None = arguments.get(start)
        last: datetime | None = arguments.get(end)
        if first is not None and last is not None and not timedelta(0) <= last - first <= longest:
            raise InputError(f"{end} may be up to {days} days after {start}, got {last - first}", end)

    return check


def all_of(*rules: Rule) -> Rule:
    """Ask for each of these rules, in this order."""

    def check(arguments: Mapping[str, Any]) -> None:
        for rule in rules:
            rule(arguments)

    return check
