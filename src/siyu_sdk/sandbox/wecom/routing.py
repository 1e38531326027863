"""The table in which all chapters register their calls, and what their handlers share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..clock import beijing
from ..platform import Fields, Router
from ..world import Member
from .errors import refusal

if TYPE_CHECKING:  # the platform holds the chapters, and the chapters register here: a real import would be a circle
    from .state import WeComPlatform

router: Router[WeComPlatform] = Router()
DAY = 86400


def page_size(body: Fields, most: int, default: int, name: str = "limit") -> int:
    """A page size; one that is too large silently becomes the default."""
    limit = body.number_or(name, default)
    return limit if 0 < limit <= most else default


def a_member(wecom: WeComPlatform, body: Fields, name: str = "userid") -> Member:
    """The member whom a field names; 40003 for nobody of the company."""
    member = wecom.world.members.get(body.text(name))
    if member is None:
        raise refusal(40003, name)
    return member


def members_of(wecom: WeComPlatform, userids: Iterable[str], departments: Iterable[int]) -> list[str]:
    """Members by themselves and by department, each once; department 1 is the company."""
    wanted = set(departments)
    inside = (member.userid for member in wecom.world.members.values() if member.shop.id in wanted or 1 in wanted)
    return list(dict.fromkeys((*userids, *inside)))


def known_members(wecom: WeComPlatform, userids: Iterable[str], name: str) -> None:
    """40003 for the first who is nobody of the company."""
    for userid in userids:
        if userid not in wecom.world.members:
            raise refusal(40003, f"{name}: {userid}")


def known_departments(wecom: WeComPlatform, numbers: Iterable[int], name: str) -> None:
    """60123 for the first that is neither the company (1) nor a shop."""
    shops = {1, *(shop.id for shop in wecom.world.shops)}
    for number in numbers:
        if number not in shops:
            raise refusal(60123, f"{name}: {number}")


def short(body: Fields, name: str, characters: int) -> str:
    """A text that may be missing; 40058 where it is too long."""
    value = body.text_or(name)
    if len(value) > characters:
        raise refusal(40058, f"{name} is longer than {characters} characters")
    return value


def span(body: Fields, days: int) -> tuple[int, int]:
    """start_time and end_time; 40058 where they lie further apart than allowed."""
    start, end = body.number("start_time"), body.number("end_time")
    if not start <= end <= start + days * DAY:
        raise refusal(40058, f"start_time and end_time lie more than {days} days apart")
    return start, end


def midnight(at: float) -> int:
    """The beginning of the day in Beijing; 40058 for what is no time of this age."""
    if not 0 <= at < 1 << 32:
        raise refusal(40058, "a time is given in unix seconds")
    return int(beijing(at).replace(hour=0, minute=0, second=0, microsecond=0).timestamp())
