"""Handing over (在职继承, 离职继承): customers are asked, may refuse, and move after a day; groups change their owner.

Simulated: the reason of each customer and group that cannot be handed over, refusals, takers who are full, the limits of 90 days and of a
day, customers whom nobody looks after, events. Tags and remarks do not move. Not simulated: members without real names, or long inactive.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from attrs import define

from ..platform import Fields, Json, Request, page
from ..world import Delivery, Relation
from .chats import HANDED_OVER, HANDING_OVER, INVITED, OWNER_LEFT, Group, Seat
from .errors import item, refusal
from .routing import DAY, a_member, midnight, page_size, router

if TYPE_CHECKING:  # see routing
    from .state import WeComPlatform

DONE, WAITING, REFUSED, TAKER_FULL, NO_RECORD = 1, 2, 3, 4, 5
ASSIGNED = 202
"""add_way of a customer who was handed over."""
_PATH = "/cgi-bin/externalcontact"
_QUARTER = 90 * DAY
_GREETING = "您好，您的服务已升级，后续将由我的同事接替我的工作，继续为您服务。"


@define
class Transfer:
    """One customer on the way from one member to another."""

    giver: str
    taker: str
    external_userid: str
    asked: float
    resigned: bool
    greeting: str
    status: int = WAITING
    takeover_time: int = 0


class Transfers:
    """All transfers of customers, and the rules for those of groups."""

    def __init__(self, wecom: WeComPlatform) -> None:
        self._wecom = wecom
        self._world = wecom.world
        self.rows: list[Transfer] = []
        self.capacity: dict[str, int] = {}
        """userid -> how many customers they may have, where that is not 20,000."""
        self.group_handover = 60.0
        """Seconds for which a group of somebody who has left is on its way."""
        self.groups_a_day = 300
        """Groups of members who have left that a new owner may get in a day."""
        self._taken: dict[tuple[str, int], int] = {}

    # customers

    def ask(self, giver: str, taker: str, customer: str, *, resigned: bool, greeting: str) -> int:
        """Begins to hand one customer over. Gives the errcode of this customer, 0 for begun."""
        code = self._obstacle(giver, taker, customer, resigned=resigned)
        if code == 0:
            now = self._world.clock.time()
            transfer = Transfer(giver, taker, customer, now, resigned, greeting, takeover_time=int(now + DAY))
            self.rows.append(transfer)
            if self._world.dice.roll("refuse", giver, taker, customer) < self._world.humans.refuses:
                patience = self._world.dice.roll("refuse when", giver, taker, customer) * (DAY - 600) + 300
                self._world.timeline.at(now + patience, partial(self._refuse, transfer))
            self._world.timeline.at(now + DAY, partial(self._complete, transfer))
        return code

    def _obstacle(self, giver: str, taker: str, customer: str, *, resigned: bool) -> int:
        if resigned and giver not in self._world.leavers:
            return 40097
        if giver == taker:
            return 40130
        if customer not in self._world.customers:
            return 40096
        waiting = self.waiting(customer)
        if waiting:
            return 40129 if waiting.giver == giver else 40100
        if self._world.relation(giver, customer) is None:
            return 40131
        since = self._world.clock.time() - _QUARTER
        moved = sum(t.status == DONE and t.takeover_time >= since for t in self.rows if t.external_userid == customer and not t.resigned)
        if not resigned and moved >= 2:
            return 40128
        return 40099 if self._full(taker, customer) else 0

    def waiting(self, customer: str) -> Transfer | None:
        """The transfer of this customer that is under way."""
        return next((t for t in reversed(self.rows) if t.external_userid == customer and t.status == WAITING), None)

    def _full(self, taker: str, customer: str) -> bool:
        contacts = self._world.contacts[taker]
        return customer not in contacts and len(contacts) >= self.capacity.get(taker, 20_000)

    def refuse(self, customer: str) -> None:
        """The customer does not want to be handed over (transfer_fail). LookupError where nobody has asked."""
        transfer = self.waiting(customer)
        if transfer is None:
            raise LookupError(f"nobody is handing {customer} over")
        self._refuse(transfer)

    def _refuse(self, transfer: Transfer) -> None:
        if transfer.status == WAITING:
            self._fail(transfer, REFUSED, "customer_refused")

    def _fail(self, transfer: Transfer, status: int, reason: str) -> None:
        transfer.status, transfer.takeover_time = status, 0
        customer = transfer.external_userid
        self._wecom.event("transfer_fail", transfer.taker, customer, FailReason=reason)

    def _complete(self, transfer: Transfer) -> None:
        """A day has gone by without a word: the customer moves."""
        giver, taker, customer = transfer.giver, transfer.taker, transfer.external_userid
        if transfer.status != WAITING:
            return
        if self._world.relation(giver, customer) is None:
            transfer.status, transfer.takeover_time = NO_RECORD, 0
            return
        if taker not in self._world.members or self._full(taker, customer):
            self._fail(transfer, TAKER_FULL, "customer_limit_exceed")
            return
        transfer.status, transfer.takeover_time = DONE, self._world.now()
        known = self._world.relation(taker, customer) is not None
        self._world.part(giver, customer)
        if not transfer.resigned:
            self._wecom.event("del_external_contact", giver, customer, Source="DELETE_BY_TRANSFER")
        if not known:
            now = self._world.now()
            self._world.befriend(Relation(taker, customer, self._world.customers[customer].name, now, ASSIGNED, now))
            self._wecom.event("add_external_contact", taker, customer)
            msgid = f"transfer-{giver}-{taker}-{now}"
            delivery = Delivery(msgid, customer, taker, "transfer", transfer.greeting or _GREETING, (), self._world.clock.time())
            self._world.inboxes[customer].append(delivery)

    def between(self, giver: str, taker: str, *, resigned: bool) -> list[Transfer]:
        """The last transfer of each customer between these two."""
        last = {t.external_userid: t for t in self.rows if (t.giver, t.taker, t.resigned) == (giver, taker, resigned)}
        return list(last.values())

    def unassigned(self) -> list[Json]:
        """Customers of members who have left, whom nobody is taking over; the latest leavers first."""
        leavers = sorted(self._world.leavers.items(), key=lambda row: -row[1].at)
        busy = {t.external_userid for t in self.rows if t.resigned and t.status == WAITING}
        return [
            {"handover_userid": userid, "external_userid": customer, "dimission_time": leaver.at}
            for userid, leaver in leavers
            for customer in self._world.contacts[userid]
            if customer not in busy
        ]

    # groups

    def hand_group(self, chat_id: str, owner: str, *, resigned: bool) -> int:
        """Gives a group another owner. The errcode of this group, 0 for success."""
        group = self._wecom.chats.groups.get(chat_id)
        if group is None or group.dismissed is not None:
            return 90501
        code = self._resigned_obstacle(group, owner) if resigned else self._onjob_obstacle(group, owner)
        if code == 0:
            if resigned:
                group.seats.pop(group.owner, None)
            group.seats.setdefault(owner, Seat(owner, customer=False, joined=self._world.now(), scene=INVITED))
            group.owner = owner
            group.handed_over.append(self._world.clock.time())
            if resigned:
                group.status = HANDING_OVER
                self._world.timeline.after(self.group_handover, partial(setattr, group, "status", HANDED_OVER))
                today = owner, midnight(self._world.now())
                self._taken[today] = self._taken.get(today, 0) + 1
        return code

    def _resigned_obstacle(self, group: Group, owner: str) -> int:
        if group.status in (HANDING_OVER, HANDED_OVER):
            return 90507 if group.status == HANDING_OVER else 90508
        if group.status != OWNER_LEFT:
            return 90500
        return 45009 if self._taken.get((owner, midnight(self._world.now())), 0) >= self.groups_a_day else 0

    def _onjob_obstacle(self, group: Group, owner: str) -> int:
        if group.status == OWNER_LEFT:
            return 90502
        if group.owner == owner:
            return 90504
        if owner not in group.seats and self._wecom.chats.full(group):
            return 90503
        since = self._world.clock.time() - _QUARTER
        return 40128 if sum(at >= since for at in group.handed_over) >= 2 else 0

    # books

    def summary(self) -> Json:
        """Transfers by what became of them, as JSON values."""
        names = {DONE: "done", WAITING: "waiting", REFUSED: "refused", TAKER_FULL: "taker_full", NO_RECORD: "no_record"}
        counts = dict.fromkeys(names.values(), 0)
        for transfer in self.rows:
            counts[names[transfer.status]] += 1
        return counts

    def violations(self) -> list[str]:
        """Nobody is on two ways at once, and nobody moved three times in a quarter between members who stay."""
        wrong: list[str] = []
        moved: dict[str, list[int]] = {}
        waiting: dict[str, int] = {}
        for t in self.rows:
            if t.status == WAITING:
                waiting[t.external_userid] = waiting.get(t.external_userid, 0) + 1
            elif t.status == DONE and not t.resigned:
                moved.setdefault(t.external_userid, []).append(t.takeover_time)
        wrong.extend(f"{customer} is being handed over {count} times at once" for customer, count in waiting.items() if count > 1)
        for customer, times in moved.items():
            if any(last - first <= _QUARTER for first, last in zip(times, times[2:], strict=False)):
                wrong.append(f"{customer} was handed over three times within 90 days")
        return wrong


@router.on("POST", _PATH + "/transfer_customer")
def transfer_customer(wecom: WeComPlatform, request: Request) -> Json:
    """分配在职成员的客户."""
    body = wecom.body(request)
    return _ask(wecom, body, a_member(wecom, body, "handover_userid").userid, resigned=False)


@router.on("POST", _PATH + "/transfer_result")
def transfer_result(wecom: WeComPlatform, request: Request) -> Json:
    """查询客户接替状态."""
    return _results(wecom, wecom.body(request), resigned=False)


@router.on("POST", _PATH + "/groupchat/onjob_transfer")
def groupchat_onjob_transfer(wecom: WeComPlatform, request: Request) -> Json:
    """分配在职成员的客户群."""
    return _hand_groups(wecom, wecom.body(request), resigned=False)


@router.on("POST", _PATH + "/get_unassigned_list")
def get_unassigned_list(wecom: WeComPlatform, request: Request) -> Json:
    """获取待分配的离职成员列表: by cursor, or by number of the page, which gives no cursor."""
    body = wecom.body(request)
    size, found = page_size(body, 1000, 1000, "page_size"), wecom.transfers.unassigned()
    number = body.number_or("page_id", 0)
    if number and not body.text_or("cursor"):
        return {"info": found[number * size : (number + 1) * size], "is_last": (number + 1) * size >= len(found)}
    rows, following = page(found, body.text_or("cursor"), size)
    return {"info": list(rows), "is_last": not following, "next_cursor": following}


@router.on("POST", _PATH + "/resigned/transfer_customer")
def resigned_transfer_customer(wecom: WeComPlatform, request: Request) -> Json:
    """分配离职成员的客户."""
    body = wecom.body(request)
    giver = body.text("handover_userid")
    if giver not in wecom.world.members and giver not in wecom.world.leavers:
        raise refusal(40003, "handover_userid")
    return _ask(wecom, body, giver, resigned=True)


@router.on("POST", _PATH + "/resigned/transfer_result")
def resigned_transfer_result(wecom: WeComPlatform, request: Request) -> Json:
    """查询客户接替状态."""
    return _results(wecom, wecom.body(request), resigned=True)


@router.on("POST", _PATH + "/groupchat/transfer")
def groupchat_transfer(wecom: WeComPlatform, request: Request) -> Json:
    """分配离职成员的客户群."""
    return _hand_groups(wecom, wecom.body(request), resigned=True)


def _ask(wecom: WeComPlatform, body: Fields, giver: str, *, resigned: bool) -> Json:
    taker = a_member(wecom, body, "takeover_userid").userid
    customers, greeting = body.texts("external_userid"), body.text_or("transfer_success_msg")
    if not customers:
        raise refusal(40063, "external_userid")
    if len(customers) > 100:
        raise refusal(40058, "external_userid has more than 100 entries")
    if len(greeting) > 200:
        raise refusal(40058, "transfer_success_msg is longer than 200 characters")
    greeting = "" if resigned else greeting
    codes = [(who, wecom.transfers.ask(giver, taker, who, resigned=resigned, greeting=greeting)) for who in dict.fromkeys(customers)]
    return {"customer": [{"external_userid": who, **item(code)} for who, code in codes]}


def _results(wecom: WeComPlatform, body: Fields, *, resigned: bool) -> Json:
    found = wecom.transfers.between(body.text("handover_userid"), body.text("takeover_userid"), resigned=resigned)
    rows, following = page(found, body.text_or("cursor"), 1000)
    told = [{"external_userid": t.external_userid, "status": t.status, "takeover_time": t.takeover_time} for t in rows]
    return {"customer": told, "next_cursor": following}


def _hand_groups(wecom: WeComPlatform, body: Fields, *, resigned: bool) -> Json:
    owner, chat_ids = a_member(wecom, body, "new_owner").userid, body.texts("chat_id_list")
    if not chat_ids:
        raise refusal(40063, "chat_id_list")
    if len(chat_ids) > 100:
        raise refusal(40058, "chat_id_list has more than 100 entries")
    codes = [(chat_id, wecom.transfers.hand_group(chat_id, owner, resigned=resigned)) for chat_id in dict.fromkeys(chat_ids)]
    return {"failed_chat_list": [{"chat_id": chat_id, **item(code)} for chat_id, code in codes if code]}
