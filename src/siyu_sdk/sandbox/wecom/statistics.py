"""Statistics (统计管理): whole days, up to yesterday, back to 180 days. People are counted, what they say is drawn from the seed.

Simulated: sums over several members, zeros for yesterday before six in the morning, averages that are missing on days without chats, new
and lost customers and people in groups as they truly were. Drawn: chats, messages, requests, reply times, messages in groups.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ..clock import beijing
from ..platform import Fields, Json, Request
from .chats import Group
from .errors import refusal
from .routing import DAY, known_members, members_of, midnight, page_size, router, span

if TYPE_CHECKING:  # see routing
    from .state import WeComPlatform

READY = 6
"""The hour at which yesterday's figures are there."""
_OLDEST = 180 * DAY
_ORDER = {1: "new_chat_cnt", 2: "chat_total", 3: "new_member_cnt", 4: "member_total"}


class Statistics:
    """What members and groups did, by day."""

    def __init__(self, wecom: WeComPlatform) -> None:
        self._wecom = wecom
        self._world = wecom.world
        self.talks: Counter[tuple[str, int]] = Counter()
        """(userid, midnight) -> chats that a test has let happen"""

    def days(self, start: int, end: int, longest: int = 30) -> list[int]:
        """The midnights from one to the other; 40058 where they are out of reach. What is not over yet is left out."""
        today = midnight(self._world.now())
        first, last = midnight(start), midnight(end)
        if first < today - _OLDEST or first >= today:
            raise refusal(40058, "statistics reach from yesterday back to 180 days")
        if not first <= last <= first + longest * DAY:
            raise refusal(40058, f"the time range must not exceed {longest} days")
        return list(range(first, min(last, today - DAY) + 1, DAY))

    def ready(self, day: int) -> bool:
        """Whether the figures of a day are there yet."""
        now = self._world.now()
        return day < midnight(now) - DAY or beijing(now).hour >= READY

    def behavior(self, userids: list[str], day: int) -> Json:
        """What these members did on one day: the sum, which tells nobody apart."""
        if not self.ready(day):
            userids = []
        chats = {userid: self._chats(userid, day) for userid in userids}
        total = sum(chats.values())
        added = sum(day <= r.createtime < day + DAY for userid in userids for r in self._world.contacts[userid].values())
        lost = sum(
            event.get("ChangeType") == "del_follow_user" and event["UserID"] in chats and day <= int(event["CreateTime"]) < day + DAY
            for event in self._world.events
        )
        row: Json = {
            "stat_time": day,
            "chat_cnt": total,
            "message_cnt": sum(count * (2 + self._draw(6, "messages", userid, day)) for userid, count in chats.items()),
            "negative_feedback_cnt": lost,
            "new_apply_cnt": sum(self._draw(4, "requests", userid, day) for userid in userids),
            "new_contact_cnt": added,
        }
        if total:
            minutes = sum(count * (1 + self._draw(30, "minutes", userid, day)) for userid, count in chats.items())
            replied = sum(count * (70 + self._draw(30, "replied", userid, day)) for userid, count in chats.items())
            row |= {"reply_percentage": round(replied / total, 2), "avg_reply_time": minutes // total}
        return row

    def groups(self, groups: list[Group], day: int, last: int) -> Json:
        """What happened in groups from the beginning of one day to the end of another."""
        end = last + DAY
        if not self.ready(last):
            groups = []
        there = [g for g in groups if g.created < end and (g.dismissed is None or g.dismissed >= end)]
        seats = [(seat.joined, end) for g in there for seat in g.seats.values()] + [(s.joined, left) for g in there for s, left in g.gone]
        messages = [self._draw(40, "group messages", g.chat_id, at) for g in there for at in range(day, end, DAY)]
        return {
            "new_chat_cnt": sum(day <= g.created for g in there),
            "chat_total": len(there),
            "chat_has_msg": sum(any(self._draw(40, "group messages", g.chat_id, at) for at in range(day, end, DAY)) for g in there),
            "new_member_cnt": sum(day <= joined < end for joined, _ in seats),
            "member_total": sum(joined < end <= left for joined, left in seats),
            "member_has_msg": sum(count // 3 for count in messages),
            "msg_total": sum(messages),
            "migrate_trainee_chat_cnt": 0,
        }

    def _chats(self, userid: str, day: int) -> int:
        weekend = beijing(day).weekday() == 6
        return self.talks[userid, day] + (0 if weekend else self._draw(25, "chats", userid, day))

    def _draw(self, below: int, *about: object) -> int:
        return int(self._world.dice.roll("statistics", *about) * below)


@router.on("POST", "/cgi-bin/externalcontact/get_user_behavior_data")
def get_user_behavior_data(wecom: WeComPlatform, request: Request) -> Json:
    """获取「联系客户统计」数据: of several members together come the sums."""
    body = wecom.body(request)
    userids, parties = body.texts("userid"), body.numbers("partyid")
    if not userids and not parties:
        raise refusal(40063, "userid and partyid")
    if len(userids) > 100 or len(parties) > 100:
        raise refusal(40032)
    known_members(wecom, userids, "userid")
    start, end = span(body, 30)
    everybody = members_of(wecom, userids, parties)
    return {"behavior_data": [wecom.statistics.behavior(everybody, day) for day in wecom.statistics.days(start, end)]}


@router.on("POST", "/cgi-bin/externalcontact/groupchat/statistic")
def groupchat_statistic(wecom: WeComPlatform, request: Request) -> Json:
    """按群主聚合的方式."""
    body = wecom.body(request)
    owners, days = _owners(wecom, body), _days(wecom, body)
    column = _ORDER.get(body.number_or("order_by", 1))
    if column is None:
        raise refusal(40058, "order_by")
    found: list[Json] = [{"owner": owner, "data": _figures(wecom, owner, days)} for owner in owners]
    found.sort(key=lambda row: row["data"][column], reverse=not body.flag("order_asc"))
    offset, size = body.number_or("offset", 0), page_size(body, 1000, 500)
    rows = found[offset : offset + size]
    return {"total": len(found), "next_offset": offset + len(rows), "items": rows}


@router.on("POST", "/cgi-bin/externalcontact/groupchat/statistic_group_by_day")
def groupchat_statistic_group_by_day(wecom: WeComPlatform, request: Request) -> Json:
    """按自然日聚合的方式."""
    body = wecom.body(request)
    groups = _groups(wecom, set(_owners(wecom, body)))
    return {"items": [{"stat_time": day, "data": wecom.statistics.groups(groups, day, day)} for day in _days(wecom, body)]}


def _figures(wecom: WeComPlatform, owner: str, days: list[int]) -> Json:
    return wecom.statistics.groups(_groups(wecom, {owner}), days[0], days[-1])


def _days(wecom: WeComPlatform, body: Fields) -> list[int]:
    begin = body.number("day_begin_time")
    return wecom.statistics.days(begin, body.number_or("day_end_time", begin))


def _owners(wecom: WeComPlatform, body: Fields) -> list[str]:
    asked = body.object("owner_filter")
    userids = list(dict.fromkeys(asked.texts("userid_list"))) if asked else []
    if not userids:
        raise refusal(40063, "owner_filter.userid_list")
    if len(userids) > 100:
        raise refusal(40032)
    known_members(wecom, userids, "owner_filter.userid_list")
    return userids


def _groups(wecom: WeComPlatform, owners: set[str]) -> list[Group]:
    return [group for group in wecom.chats.groups.values() if group.owner in owners]
