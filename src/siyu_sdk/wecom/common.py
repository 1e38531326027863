"""What several chapters of 客户联系 share: ranges of members, results for single items, rules over parameters, full-body updates."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from ..core.call import Call
from ..core.clock import Clock, SystemClock
from ..core.codes import refusal
from ..core.endpoint import Resource
from ..core.errors import ApiError, InputError, SiyuError
from ..core.model import MaxItems, WireModel

T = TypeVar("T")
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


# What flows share

SKEW = timedelta(minutes=5)
"""By how much the platform's clock may differ from this one."""


def clock_of(bound: Resource[Any] | None) -> Clock:
    """The clock of the client that runs a flow; a flow made on the class, for another flow, is bound to none."""
    return SystemClock() if bound is None else bound.client.clock


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Cut a list into pieces that one call takes."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


class ChangedMeanwhile(SiyuError):
    """Somebody changed it since you looked: nothing was written. Show what is there now, and decide again."""

    def __init__(self, message: str, fields: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.fields = fields
        """What differs from what you saw."""


def refuse_if_changed(seen: WireModel | None, now: WireModel, what: str) -> None:
    """Compare what the caller looked at with what is there; the address of a picture may change by itself."""
    if seen is None:
        return
    before, after = seen.to_wire(), now.to_wire()
    names = tuple(name for name in sorted({*before, *after} - {"qr_code"}) if before.get(name) != after.get(name))
    if names:
        raise ChangedMeanwhile(f"{what} has changed since you read it: {', '.join(names)}; nothing was written", names)


def keeping(call: Call[Any], now: WireModel, leave_out: Collection[str]) -> Call[Any]:
    """Fill an update that overwrites everything with what is there: as it came, unknown fields included."""
    given = call.body()
    return call.options(extra={name: value for name, value in now.to_wire().items() if name not in given and name not in leave_out})
