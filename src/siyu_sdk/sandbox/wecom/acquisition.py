"""Acquisition links (获客助手): links that open a chat at once, and the quota that each new customer uses up.

Simulated: quota that ends on a day, warnings below 20 and at 0, links that then lead nowhere, channels cut at 64 bytes, members who have to
agree first, customers who write or stay silent, keys to how often they wrote, links whose members have all left. A use is charged when
customer and member are friends, neither at the click nor at the first message. Not simulated: priorities among members, members' own shares
of the quota, links that are deleted in the console.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from attrs import define, field

from ..platform import Fields, Json, Request, page
from .errors import refusal
from .routing import DAY, known_members, members_of, midnight, page_size, router, span

if TYPE_CHECKING:  # see routing
    from .state import WeComPlatform

_PATH = "/cgi-bin/externalcontact/customer_acquisition"
LONGEST_CHANNEL = 64
LOW = 20
WARNINGS = (14, 7, 3, 2, 1)
"""Days before quota ends."""
COUNTED = (3, 5, 10)
"""The messages of a customer of which an event tells, besides the first."""
KEY_LIFE = 1800


@define
class Acquired:
    """A customer who came through a link."""

    userid: str
    external_userid: str
    state: str
    link_id: str
    at: int
    """When they became friends; until then, when they asked."""
    messages: int = 0
    """Of the customer's."""

    def shown(self) -> Json:
        """As the platform tells it."""
        who: Json = {"external_userid": self.external_userid, "userid": self.userid, "state": self.state}
        return {**who, "chat_status": int(self.messages > 0)}


@define
class Link:
    """One link."""

    link_id: str
    name: str
    users: list[str]
    departments: list[int]
    skip_verify: bool
    mark_source: bool
    priority: Json
    created: int
    customers: list[Acquired] = field(factory=list[Acquired])
    clicks: list[tuple[int, str]] = field(factory=list[tuple[int, str]])

    def shown(self) -> Json:
        """As the platform tells it."""
        return {
            "link_id": self.link_id,
            "link_name": self.name,
            "url": f"https://work.weixin.qq.com/ca/{self.link_id}",
            "create_time": self.created,
            "skip_verify": self.skip_verify,
            "mark_source": self.mark_source,
        }


@define
class Batch:
    """Quota that was bought at once."""

    bought: int
    left: int
    expires: int


class Acquisition:
    """All links, and the quota."""

    def __init__(self, wecom: WeComPlatform) -> None:
        self._wecom = wecom
        self._world = wecom.world
        self.links: dict[str, Link] = {}
        self.most_links = 1000
        """The platform does not publish its figure (41095)."""
        self.batches: list[Batch] = []
        self.customers: list[Acquired] = []
        """Everybody who came through a link, deleted ones included."""
        self.chat_keys: dict[str, tuple[Acquired, float]] = {}
        """Key -> whose chat it opens, until when."""

    def plant(self) -> None:
        """A thousand uses, good for a year."""
        self.buy(1000, days=365)

    def buy(self, uses: int, *, days: float) -> None:
        """More quota, which ends after so many days; 14, 7, 3, 2 and 1 days before, an event says so (quota_expire_soon).

        Where there was none left an event tells of it, too (balance_increased).
        """
        with self._world.lock:
            used_up = bool(self.batches) and not self.balance
            batch = Batch(uses, uses, self._world.now() + int(days * DAY))
            self.batches.append(batch)
            for before in WARNINGS:
                if batch.expires - before * DAY >= self._world.now():
                    self._world.timeline.at(batch.expires - before * DAY, partial(self._warn, batch))
            if used_up:
                self._tell("balance_increased")

    def _warn(self, batch: Batch) -> None:
        if batch.left:
            self._tell("quota_expire_soon", ExpireTime=str(batch.expires), ExpireQuotaNum=str(batch.left))

    def living(self) -> list[Batch]:
        """The quota that can still be used, what ends first first."""
        now = self._world.now()
        return sorted((batch for batch in self.batches if batch.left and batch.expires > now), key=lambda batch: batch.expires)

    @property
    def balance(self) -> int:
        """Uses that are left."""
        return sum(batch.left for batch in self.living())

    def find(self, link_id: str) -> Link:
        """A link; 40058 where there is none."""
        link = self.links.get(link_id)
        if link is None:
            raise refusal(40058, "link_id")
        return link

    def members(self, link: Link) -> list[str]:
        """Whom it leads to, as long as they are with the company."""
        return [userid for userid in members_of(self._wecom, link.users, link.departments) if userid in self._world.members]

    def click(self, link: Link, who: str, channel: str) -> Acquired | None:
        """Somebody opens the link: whom they have come to. None where nothing is left or nobody is there."""
        now = self._world.now()
        link.clicks.append((now, who))
        members = self.members(link)
        if not self.balance or not members:
            return None
        return Acquired(members[len(link.customers) % len(members)], who, cut(channel), link.link_id, now)

    def asked(self, link: Link, acquired: Acquired) -> None:
        """The customer has asked to be a friend, and the member has to agree (friend_request, where the address had a channel)."""
        if acquired.state:
            self._tell("friend_request", LinkId=link.link_id, State=acquired.state)

    def charge(self, link: Link, acquired: Acquired) -> bool:
        """They are friends now: a use. False where none is left by now."""
        batches, before = self.living(), self.balance
        if not batches:
            return False
        batches[0].left -= 1
        acquired.at = self._world.now()
        link.customers.append(acquired)
        self.customers.append(acquired)
        if before == LOW:
            self._tell("balance_low")
        elif before == 1:
            self._tell("balance_exhausted")
        return True

    def wrote(self, external_userid: str, userid: str) -> None:
        """A customer has written to the member.

        The first time an event says so where the address had a channel (customer_start_chat), some later times one with a key
        (message_from_customer).
        """
        for acquired in self.customers:
            if (acquired.external_userid, acquired.userid) != (external_userid, userid) or acquired.link_id not in self.links:
                continue
            acquired.messages += 1
            if acquired.messages == 1 and acquired.state:
                self._tell("customer_start_chat", LinkId=acquired.link_id, UserID=userid, ExternalUserID=external_userid)
            elif acquired.messages in COUNTED:
                key = self._wecom.new_id("chat")
                self.chat_keys[key] = acquired, self._world.clock.time() + KEY_LIFE
                self._tell("message_from_customer", LinkId=acquired.link_id, ChatKey=key)

    def left(self, userid: str) -> None:
        """A member has left the company: links to nobody else do not work any more (link_unavailable)."""
        for link in self.links.values():
            if userid in link.users and not self.members(link):
                self._tell("link_unavailable", LinkId=link.link_id)

    def _tell(self, change_type: str, **fields: str) -> None:
        self._wecom.events.tell("customer_acquisition", change_type, **fields)

    def summary(self) -> Json:
        """The counts as JSON values."""
        return {"links": len(self.links), "customers": len(self.customers), "balance": self.balance}

    def violations(self) -> list[str]:
        """As many customers came as uses are gone."""
        used = sum(batch.bought - batch.left for batch in self.batches)
        return [] if used == len(self.customers) else [f"{len(self.customers)} customers came through links, {used} uses are gone"]


def cut(channel: str) -> str:
    """What the platform keeps of a customer_channel."""
    return channel.encode()[:LONGEST_CHANNEL].decode(errors="ignore")


@router.on("POST", _PATH + "/list_link")
def list_link(wecom: WeComPlatform, request: Request) -> Json:
    """获取获客链接列表."""
    body = wecom.body(request)
    rows, following = page(list(wecom.acquisition.links), body.text_or("cursor"), page_size(body, 100, 100))
    return {"link_id_list": list(rows), "next_cursor": following}


@router.on("POST", _PATH + "/get")
def get_link(wecom: WeComPlatform, request: Request) -> Json:
    """获取获客链接详情."""
    link = _link(wecom, wecom.body(request))
    reply: Json = {"link": link.shown(), "range": {"user_list": link.users, "department_list": link.departments}}
    return {**reply, "priority_option": link.priority} if link.priority else reply


@router.on("POST", _PATH + "/create_link")
def create_link(wecom: WeComPlatform, request: Request) -> Json:
    """创建获客链接."""
    body = wecom.body(request)
    name, (users, departments) = body.text("link_name"), _range(wecom, body)
    if not users and not departments:
        raise refusal(40063, "range")
    if len(wecom.acquisition.links) >= wecom.acquisition.most_links:
        raise refusal(41095)
    link = Link(
        wecom.new_id("cal"),
        name,
        users,
        departments,
        body.flag_or("skip_verify", default=True),
        body.flag_or("mark_source", default=True),
        _priority(body),
        wecom.world.now(),
    )
    wecom.acquisition.links[link.link_id] = link
    return {"link": link.shown()}


@router.on("POST", _PATH + "/update_link")
def update_link(wecom: WeComPlatform, request: Request) -> Json:
    """编辑获客链接: what is left out stays."""
    body = wecom.body(request)
    link = _link(wecom, body)
    users, departments = _range(wecom, body)
    link.name = body.text_or("link_name", link.name)
    if users or departments:
        link.users, link.departments = users, departments
    link.skip_verify = body.flag_or("skip_verify", default=link.skip_verify)
    link.mark_source = body.flag_or("mark_source", default=link.mark_source)
    link.priority = _priority(body) or link.priority
    return {}


@router.on("POST", _PATH + "/delete_link")
def delete_link(wecom: WeComPlatform, request: Request) -> Json:
    """删除获客链接."""
    del wecom.acquisition.links[_link(wecom, wecom.body(request)).link_id]
    return {}


@router.on("POST", _PATH + "/customer")
def link_customers(wecom: WeComPlatform, request: Request) -> Json:
    """获取由获客链接添加的客户信息."""
    body = wecom.body(request)
    rows, following = page(_link(wecom, body).customers, body.text_or("cursor"), page_size(body, 1000, 1000))
    return {"customer_list": [row.shown() for row in rows], "next_cursor": following}


@router.on("POST", "/cgi-bin/externalcontact/customer_acquisition_quota")
@router.on("GET", "/cgi-bin/externalcontact/customer_acquisition_quota")
def acquisition_quota(wecom: WeComPlatform, _request: Request) -> Json:
    """查询剩余使用量."""
    batches = wecom.acquisition.living()
    ending = [{"expire_date": batch.expires, "balance": batch.left} for batch in batches]
    total = sum(batch.bought for batch in wecom.acquisition.batches)
    return {"total": total, "balance": wecom.acquisition.balance, "quota_list": ending}


@router.on("GET", _PATH + "/statistic")
@router.on("POST", _PATH + "/statistic")
def link_statistic(wecom: WeComPlatform, request: Request) -> Json:
    """查询链接使用详情: whole days."""
    query = request.query
    numbers = {name: int(query[name]) for name in ("start_time", "end_time") if query.get(name, "").isdigit()}
    body = wecom.fields({**query, **numbers}) if request.method == "GET" else wecom.body(request)
    link, (start, end) = _link(wecom, body), span(body, 30)
    if start < wecom.world.now() - 180 * DAY:
        raise refusal(40058, "start_time lies more than 180 days back")
    first, over = midnight(start), midnight(end) + DAY
    return {
        "click_link_customer_cnt": len({who for at, who in link.clicks if first <= at < over}),
        "new_customer_cnt": sum(first <= row.at < over for row in link.customers),
    }


@router.on("POST", _PATH + "/get_chat_info")
def get_chat_info(wecom: WeComPlatform, request: Request) -> Json:
    """获取成员多次收消息详情: for half an hour after the event; the page names no code for a key that is too old."""
    acquired, until = wecom.acquisition.chat_keys.get(wecom.body(request).text("chat_key"), (None, 0.0))
    if acquired is None or wecom.world.clock.time() >= until:
        raise refusal(40058, "chat_key")
    info = {"link_id": acquired.link_id, "state": acquired.state, "recv_msg_cnt": acquired.messages}
    return {"userid": acquired.userid, "external_userid": acquired.external_userid, "chat_info": info}


@router.on("GET", "/cgi-bin/externalcontact/customer_acquisition_app/get_permit")
def get_permit(wecom: WeComPlatform, _request: Request) -> Json:
    """获取获客助手的使用范围: everybody."""
    return {"user_list": list(wecom.world.members), "department_list": [], "tag_list": []}


def _link(wecom: WeComPlatform, body: Fields) -> Link:
    return wecom.acquisition.find(body.text("link_id"))


def _range(wecom: WeComPlatform, body: Fields) -> tuple[list[str], list[int]]:
    asked = body.object("range")
    users, departments = (asked.texts("user_list"), asked.numbers("department_list")) if asked else ([], [])
    known_members(wecom, users, "range.user_list")
    if len(members_of(wecom, users, departments)) > 500:
        raise refusal(40058, "range has more than 500 members")
    return users, departments


def _priority(body: Fields) -> Json:
    option = body.object("priority_option")
    if option is None:
        return {}
    if option.number("priority_type") not in (1, 2):
        raise refusal(40058, "priority_option.priority_type")
    if option.number("priority_type") == 2 and not option.texts("priority_userid_list"):
        raise refusal(40063, "priority_option.priority_userid_list")
    return dict(option.values)
