"""Moments (客户朋友圈): a call starts a job, the job makes a moment, members publish it, customers see it, like it, comment on it.

Simulated: jobs that run for a while and are forgotten after a day; senders and tags that are left out; members who publish at once, hours
later, the next day or never, and nobody at night; files that have expired by then; cancelling; reactions. Moments that members make by
themselves: `sandbox.wecom.moments.post`. Not simulated: how many moments a customer sees a day, rule groups for moments.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from attrs import define, field

from ..platform import Fields, Json, Request, page
from ..world import fingerprint
from . import mass
from .errors import TABLE, refusal
from .routing import members_of, page_size, router, span

if TYPE_CHECKING:  # see routing
    from .state import WeComPlatform

_PATH = "/cgi-bin/externalcontact"
_KINDS = ("image", "video", "link")
JOB_LIFE = 86400


@define
class Publication:
    """One member's part of a moment."""

    userid: str
    chosen: list[str]
    reached: list[str] = field(factory=list[str])
    published: int | None = None


@define
class Moment:
    """One moment."""

    moment_id: str
    created: int
    text: str
    attachments: tuple[Json, ...]
    parts: dict[str, Publication]
    everybody: bool
    creator: str = ""
    cancelled: bool = False

    @property
    def content(self) -> str:
        """A fingerprint of what it says."""
        return fingerprint(self.text, self.attachments)

    def listed(self) -> Json:
        """As get_moment_list shows it."""
        row: Json = {"moment_id": self.moment_id, "create_time": self.created, "create_type": int(bool(self.creator))}
        row |= {"creator": self.creator} if self.creator else {}
        row |= {"visible_type": int(self.everybody)}
        row |= {"text": {"content": self.text}} if self.text else {}
        images = [part["image"] for part in self.attachments if part["msgtype"] == "image"]
        row |= {"image": [{"media_id": image["media_id"]} for image in images]} if images else {}
        for part in self.attachments:
            if part["msgtype"] == "video":
                row["video"] = {"media_id": part["video"]["media_id"], "thumb_media_id": part["video"]["media_id"]}
            elif part["msgtype"] == "link":
                row["link"] = {name: part["link"][name] for name in ("title", "url") if name in part["link"]}
        return row


@define
class Job:
    """The making of one moment."""

    jobid: str
    started: float
    result: Json | None = None


class Moments:
    """All moments, and the jobs that make them."""

    def __init__(self, wecom: WeComPlatform) -> None:
        self._wecom = wecom
        self._world = wecom.world
        self.jobs: dict[str, Job] = {}
        self.moments: dict[str, Moment] = {}
        self.feeds: dict[str, list[tuple[str, str]]] = {}
        """external_userid -> (moment_id, userid) of what they could see, oldest first"""
        self.jobs_at_once = 5
        """Jobs that may run at one moment (41078); the platform does not publish its figure."""
        self.start_lag = 0.5
        """Seconds for which a job has only started (status 1)."""
        self.job_takes = 2.0
        """Seconds until a job is done (status 3)."""
        self.dispatch_lag = 1.0
        """Seconds after its making for which get_moment_task answers 41079."""
        self.longest_page = 20
        """Rows of get_moment_list; older copies of the page say 100."""

    def start(self, text: str, attachments: tuple[Json, ...], visible: Fields | None) -> Job:
        """A job that makes a moment. 41078 while too many run."""
        now = self._world.clock.time()
        if sum(job.result is None for job in self.jobs.values()) >= self.jobs_at_once:
            raise refusal(41078)
        job = Job(self._wecom.new_id("job"), now)
        self.jobs[job.jobid] = job
        senders = visible.object("sender_list") if visible else None
        tags = visible.object("external_contact_list") if visible else None
        users, departments = (senders.texts("user_list"), senders.numbers("department_list")) if senders else ([], [1])
        if len(users) > 100_000:
            raise refusal(40058, "visible_range.sender_list.user_list has more than 100000 entries")
        wanted = tags.texts("tag_list") if tags else []
        make = partial(self._make, job, text, attachments, (users, departments), wanted, everybody=senders is None and tags is None)
        self._world.timeline.at(now + self.job_takes, make)
        return job

    def _make(
        self, job: Job, text: str, attachments: tuple[Json, ...], senders: tuple[list[str], list[int]], tags: list[str], *, everybody: bool
    ) -> None:
        users, departments = senders
        shops = {1, *(member.shop.id for member in self._world.members.values())}
        known = {tag for tag in tags if self._wecom.find_tag(tag)}
        userids = [userid for userid in members_of(self._wecom, users, departments) if userid in self._world.members]
        result: Json = {"errcode": 0, "errmsg": "ok"}
        if left_out := [userid for userid in users if userid not in self._world.members]:
            result["invalid_sender_list"] = {"user_list": left_out}
        if unknown := [number for number in departments if number not in shops]:
            result.setdefault("invalid_sender_list", {})["department_list"] = unknown
        if strange := [tag for tag in tags if tag not in known]:
            result["invalid_external_contact_list"] = {"tag_list": strange}
        parts = {userid: Publication(userid, self._choose(userid, tags, known)) for userid in userids}
        parts = {userid: part for userid, part in parts.items() if part.chosen}
        if not parts:
            job.result = {**result, "errcode": 41048, "errmsg": TABLE.messages[41048]}
            return
        moment = self._add(text, attachments, parts, everybody=everybody)
        job.result = {**result, "moment_id": moment.moment_id}
        for userid in parts:
            chance = self._world.dice.roll("publish", userid, len(self.moments))
            when = mass.confirmation(self._world.members[userid].habit, moment.created, chance)
            if when is not None:
                self._world.timeline.at(when, partial(self.publish, moment.moment_id, userid))

    def _add(self, text: str, attachments: tuple[Json, ...], parts: dict[str, Publication], *, everybody: bool) -> Moment:
        moment = Moment(self._wecom.new_id("mom"), self._world.now(), text, attachments, parts, everybody)
        self.moments[moment.moment_id] = moment
        return moment

    def _choose(self, userid: str, tags: list[str], known: set[str]) -> list[str]:
        """The member's customers, those with any of the tags where there are tags."""
        return [r.external_userid for r in self._world.contacts[userid].values() if not tags or r.tags & known]

    def post(self, userid: str, text: str) -> str:
        """A member makes and publishes a moment of their own. Returns the moment_id."""
        with self._world.lock:
            parts = {userid: Publication(userid, list(self._world.contacts[userid]))}
            moment = self._add(text, (), parts, everybody=True)
            moment.creator = userid
            self.publish(moment.moment_id, userid)
            return moment.moment_id

    def publish(self, moment_id: str, userid: str) -> None:
        """The member publishes, unless it was cancelled or its files have expired: whoever is still a friend can see it."""
        with self._world.lock:
            moment = self.moments[moment_id]
            part = moment.parts[userid]
            if moment.cancelled or part.published is not None or userid not in self._world.members:
                return
            if not all(self._wecom.living_media(media_id) for media_id in _files(moment.attachments)):
                return
            part.published = self._world.now()
            for customer in part.chosen:
                relation = self._world.relation(userid, customer)
                if relation and not relation.deleted_by_customer:
                    part.reached.append(customer)
                    self.feeds.setdefault(customer, []).append((moment_id, userid))

    def reactions(self, moment: Moment, part: Publication, share: float) -> list[Json]:
        """Customers who have reacted by now."""
        rows: list[Json] = []
        for customer in part.reached:
            chance = self._world.dice.roll("react", moment.moment_id, part.userid, customer)
            at = (part.published or 0) + int(self._world.dice.roll("react when", moment.moment_id, customer) * 6 * 3600)
            if chance < share and at <= self._world.now():
                rows.append({"external_userid": customer, "create_time": at})
        return rows

    def summary(self) -> list[Json]:
        """The counts of each moment as JSON values."""
        return [
            {
                "moment_id": moment.moment_id,
                "text": moment.text,
                "members": len(moment.parts),
                "published": sum(part.published is not None for part in moment.parts.values()),
                "chosen": sum(len(part.chosen) for part in moment.parts.values()),
                "reached": sum(len(part.reached) for part in moment.parts.values()),
                "cancelled": moment.cancelled,
            }
            for moment in self.moments.values()
        ]

    def violations(self) -> list[str]:
        """Whom a moment reached can see it, once; and nobody sees the same thing of the same member twice."""
        wrong: list[str] = []
        reached = {(m.moment_id, part.userid, who) for m in self.moments.values() for part in m.parts.values() for who in part.reached}
        seen = {(moment_id, userid, who) for who, feed in self.feeds.items() for moment_id, userid in feed}
        if reached != seen or len(seen) != sum(map(len, self.feeds.values())):
            wrong.append(f"moments count {len(reached)} reached, {sum(map(len, self.feeds.values()))} are in the feeds")
        for who, feed in self.feeds.items():
            told: dict[tuple[str, str], str] = {}
            for moment_id, userid in feed:
                moment = self.moments[moment_id]
                if told.setdefault((moment.content, userid), moment_id) != moment_id:
                    wrong.append(f"{who} saw the same moment of {userid} twice: {moment.text[:40]!r}")
        return wrong


def _files(attachments: tuple[Json, ...]) -> list[str]:
    return [part[part["msgtype"]]["media_id"] for part in attachments if part[part["msgtype"]].get("media_id")]


@router.on("POST", _PATH + "/add_moment_task")
def add_moment_task(wecom: WeComPlatform, request: Request) -> Json:
    """创建发表任务."""
    body = wecom.body(request)
    text = body.object("text")
    words = text.text_or("content") if text else ""
    attachments = body.objects("attachments")
    if not words and not attachments:
        raise refusal(41089)
    if len(words) > 2000:
        raise refusal(45002)
    kinds = {attachment.text("msgtype") for attachment in attachments}
    if len(kinds) > 1 or not kinds <= set(_KINDS):
        raise refusal(41065)
    if len(attachments) > (9 if kinds == {"image"} else 1):
        raise refusal(41064)
    for attachment in attachments:
        _check(wecom, attachment)
    job = wecom.moments.start(words, tuple(dict(attachment.values) for attachment in attachments), body.object("visible_range"))
    return {"jobid": job.jobid}


def _check(wecom: WeComPlatform, attachment: Fields) -> None:
    kind = attachment.text("msgtype")
    part = attachment.object(kind)
    if part is None:
        raise refusal(40063, kind)
    if kind == "link":
        part.text("url")
    media_id = part.text_or("media_id") if kind == "link" else part.text("media_id")
    if media_id:
        media = wecom.living_media(media_id)
        if media is None:
            raise refusal(40007, media_id)
        if media.attachment_type != 1:
            raise refusal(41072, media_id)


@router.on("POST", _PATH + "/get_moment_task_result")
@router.on("GET", _PATH + "/get_moment_task_result")
def get_moment_task_result(wecom: WeComPlatform, request: Request) -> Json:
    """获取任务创建结果: for a day."""
    jobid = wecom.query(request).text("jobid") if request.method == "GET" else wecom.body(request).text("jobid")
    job, now = wecom.moments.jobs.get(jobid), wecom.world.clock.time()
    if job is None or now >= job.started + JOB_LIFE:
        raise refusal(40088)
    reply: Json = {"type": "add_moment_task"}
    if job.result is None:
        return {**reply, "status": 1 if now < job.started + wecom.moments.start_lag else 2}
    return {**reply, "status": 3, "result": job.result}


@router.on("POST", _PATH + "/cancel_moment_task")
def cancel_moment_task(wecom: WeComPlatform, request: Request) -> Json:
    """停止发表企业朋友圈: what was published stays."""
    _of_company(_moment(wecom, wecom.body(request))).cancelled = True
    return {}


@router.on("POST", _PATH + "/get_moment_list")
def get_moment_list(wecom: WeComPlatform, request: Request) -> Json:
    """获取企业全部的发表列表."""
    body = wecom.body(request)
    start, end = span(body, 30)
    creator, kinds = body.text_or("creator"), body.number_or("filter_type", 2)
    found = [
        moment
        for moment in wecom.moments.moments.values()
        if start <= moment.created <= end and creator in ("", moment.creator) and kinds in (2, int(bool(moment.creator)))
    ]
    longest = wecom.moments.longest_page
    rows, following = page(found, body.text_or("cursor"), page_size(body, longest, longest))
    return {"next_cursor": following, "moment_list": [moment.listed() for moment in rows]}


@router.on("POST", _PATH + "/get_moment_task")
def get_moment_task(wecom: WeComPlatform, request: Request) -> Json:
    """获取客户朋友圈企业发表的列表."""
    body = wecom.body(request)
    moment = _of_company(_moment(wecom, body))
    if wecom.world.clock.time() < moment.created + wecom.moments.dispatch_lag:
        raise refusal(41079)
    rows, following = page(list(moment.parts.values()), body.text_or("cursor"), page_size(body, 1000, 500))
    tasks = [{"userid": part.userid, "publish_status": int(part.published is not None)} for part in rows]
    return {"next_cursor": following, "task_list": tasks}


@router.on("POST", _PATH + "/get_moment_customer_list")
def get_moment_customer_list(wecom: WeComPlatform, request: Request) -> Json:
    """获取客户朋友圈发表时选择的可见范围."""
    body = wecom.body(request)
    part = _part(_moment(wecom, body), body)
    rows, following = page(part.chosen, body.text_or("cursor"), page_size(body, 1000, 500))
    return {"next_cursor": following, "customer_list": [{"userid": part.userid, "external_userid": who} for who in rows]}


@router.on("POST", _PATH + "/get_moment_send_result")
def get_moment_send_result(wecom: WeComPlatform, request: Request) -> Json:
    """获取客户朋友圈发表后的可见客户列表: 41062 where the member has not published."""
    body = wecom.body(request)
    part = _published(_part(_moment(wecom, body), body))
    rows, following = page(part.reached, body.text_or("cursor"), page_size(body, 5000, 3000))
    return {"next_cursor": following, "customer_list": [{"external_userid": who} for who in rows]}


@router.on("POST", _PATH + "/get_moment_comments")
def get_moment_comments(wecom: WeComPlatform, request: Request) -> Json:
    """获取客户朋友圈的互动数据."""
    body = wecom.body(request)
    moment = _moment(wecom, body)
    part = _published(_part(moment, body))
    share = wecom.world.humans.reacts
    return {
        "comment_list": wecom.moments.reactions(moment, part, share / 3),
        "like_list": wecom.moments.reactions(moment, part, share),
    }


def _moment(wecom: WeComPlatform, body: Fields) -> Moment:
    moment = wecom.moments.moments.get(body.text("moment_id"))
    if moment is None:
        raise refusal(41060)
    return moment


def _of_company(moment: Moment) -> Moment:
    if moment.creator:
        raise refusal(41067)
    return moment


def _part(moment: Moment, body: Fields) -> Publication:
    part = moment.parts.get(body.text("userid"))
    if part is None:
        raise refusal(41061)
    return part


def _published(part: Publication) -> Publication:
    if part.published is None:
        raise refusal(41062)
    return part
