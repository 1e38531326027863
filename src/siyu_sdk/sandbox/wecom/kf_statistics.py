"""Statistics of customer service (统计管理), counted from the sandbox's own conversations: whole days, up to yesterday, back to 180 days.

Simulated: figures that are missing for a day on which nothing happened and for yesterday before six in the morning, shares and averages
that are missing where nobody asked. A conversation counts on a day on which the customer wrote in it, once somebody or the API answers.
Always zero or missing, because the API assigns sessions here: questions about satisfaction, hits in the knowledge.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..platform import Fields, Json, Request
from .kf import SYSTEM, Conversation
from .kf_upgrades import TO_GROUP, TO_MEMBER
from .routing import DAY, a_member, router

if TYPE_CHECKING:  # see routing
    from .state import WeComPlatform

_PATH = "/cgi-bin/kf"
_LONGEST = 31


@router.on("POST", _PATH + "/get_corp_statistic")
def get_corp_statistic(wecom: WeComPlatform, request: Request) -> Json:
    """获取「客户数据统计」企业汇总数据."""
    body = wecom.body(request)
    open_kfid = _account(wecom, body)
    return _days(wecom, body, lambda day: _of_company(wecom, open_kfid, day))


@router.on("POST", _PATH + "/get_servicer_statistic")
def get_servicer_statistic(wecom: WeComPlatform, request: Request) -> Json:
    """获取「客户数据统计」接待人员明细数据: of one member, or of all together."""
    body = wecom.body(request)
    open_kfid, userid = _account(wecom, body), body.text_or("servicer_userid")
    if userid:
        a_member(wecom, body, "servicer_userid")
    return _days(wecom, body, lambda day: _of_servicers(wecom, open_kfid, userid, day))


def _account(wecom: WeComPlatform, body: Fields) -> str:
    open_kfid = body.text_or("open_kfid")
    return wecom.kf.account(open_kfid).open_kfid if open_kfid else ""


def _days(wecom: WeComPlatform, body: Fields, figures: Callable[[int], Json]) -> Json:
    rows: list[Json] = []
    for day in wecom.statistics.days(body.number("start_time"), body.number("end_time"), _LONGEST):
        row: Json = {"stat_time": day}
        counted = figures(day) if wecom.statistics.ready(day) else {}
        rows.append({**row, "statistic": counted} if any(counted.values()) else row)
    return {"statistic_list": rows}


def _within(day: int, at: float | None) -> bool:
    return at is not None and day <= at < day + DAY


def _met_by(at: float | None, end: float) -> bool:
    return at is not None and at < end


def _going_on(wecom: WeComPlatform, open_kfid: str, day: int) -> list[Conversation]:
    """The conversations in which the customer wrote on that day."""
    return [talk for talk in wecom.kf.conversations if open_kfid in ("", talk.open_kfid) and any(_within(day, at) for at in talk.written)]


def _counts(talks: list[Conversation], day: int) -> Json:
    return {
        "session_cnt": len(talks),
        "customer_cnt": len({talk.external_userid for talk in talks}),
        "customer_msg_cnt": sum(_within(day, at) for talk in talks for at in talk.written),
    }


def _of_company(wecom: WeComPlatform, open_kfid: str, day: int) -> Json:
    end = day + DAY
    talks = _going_on(wecom, open_kfid, day)
    automatic = [talk for talk in talks if _met_by(talk.automatic, end)]
    by_members = sum(not _met_by(talk.automatic, end) and any(at < end for at, _ in talk.handed) for talk in talks)
    row: Json = {
        **_counts(talks, day),
        "session_cnt": len(automatic) + by_members,
        "upgrade_service_customer_cnt": len(_accepted(wecom, open_kfid, "", day)),
        "ai_session_reply_cnt": len(automatic),
        "msg_rejected_customer_cnt": len(_refusing(wecom, open_kfid, day)),
    }
    if automatic:
        row["ai_transfer_rate"] = round(sum(_met_by(talk.handed_on, end) for talk in automatic) / len(automatic), 4)
    return row


def _of_servicers(wecom: WeComPlatform, open_kfid: str, userid: str, day: int) -> Json:
    end = day + DAY
    talks = [talk for talk in _going_on(wecom, open_kfid, day) if any(at < end and userid in ("", member) for at, member in talk.handed)]
    replies = [seconds for talk in talks if (seconds := _first_reply(talk, userid, day)) is not None]
    refusing = _refusing(wecom, open_kfid, day)
    invited = [
        offer.kind
        for offer in wecom.kf.upgrades.offers
        for at, member in offer.recommended
        if open_kfid in ("", offer.open_kfid) and userid in ("", member) and _within(day, at)
    ]
    accepted = _accepted(wecom, open_kfid, userid, day)
    row: Json = {
        **_counts(talks, day),
        "satisfaction_investgate_cnt": 0,
        "upgrade_service_customer_cnt": len(accepted),
        "upgrade_service_member_invite_cnt": invited.count(TO_MEMBER),
        "upgrade_service_member_customer_cnt": sum(kinds.count(TO_MEMBER) for kinds in accepted.values()),
        "upgrade_service_groupchat_invite_cnt": invited.count(TO_GROUP),
        "upgrade_service_groupchat_customer_cnt": sum(kinds.count(TO_GROUP) for kinds in accepted.values()),
        "msg_rejected_customer_cnt": len(refusing & {talk.external_userid for talk in talks} if userid else refusing),
    }
    if talks:
        row["reply_rate"] = round(len(replies) / len(talks), 4)
    if replies:
        row["first_reply_average_sec"] = round(sum(replies) / len(replies), 2)
    return row


def _first_reply(talk: Conversation, userid: str, day: int) -> float | None:
    """Seconds from the customer's first word to a member (or from the moment the member had it) to the answer, on the same day."""
    handed = min(at for at, member in talk.handed if userid in ("", member))
    asked = max(handed, min(at for at in talk.written if _within(day, at)))
    answers = [at for at, member in talk.answered if at >= asked and _within(day, at) and userid in ("", member)]
    return min(answers) - asked if answers else None


def _accepted(wecom: WeComPlatform, open_kfid: str, userid: str, day: int) -> dict[str, list[int]]:
    """Customers who took an offer on that day, and of which kinds; it counts for the member who passed it on last."""
    kinds: dict[str, list[int]] = {}
    for offer in wecom.kf.upgrades.offers:
        if open_kfid in ("", offer.open_kfid) and _within(day, offer.accepted) and userid in ("", offer.recommended[-1][1]):
            kinds.setdefault(offer.external_userid, []).append(offer.kind)
    return kinds


def _refusing(wecom: WeComPlatform, open_kfid: str, day: int) -> set[str]:
    """Customers to whom a message could not be delivered because they refuse them."""
    told = (entry.message for entry in wecom.kf.log if entry.message and open_kfid in ("", entry.open_kfid) and _within(day, entry.at))
    events = [message["event"] for message in told if message["origin"] == SYSTEM]
    return {event["external_userid"] for event in events if event["event_type"] == "msg_send_fail"}
