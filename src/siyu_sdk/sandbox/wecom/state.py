"""What the fake WeCom remembers: tags, mass messages, files; the other chapters have files of their own, people.py has the people.

Not simulated: departments beyond the shops, IP allow-lists, per-minute quotas (inject 45009 with `sandbox.faults`), rights of single apps.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

from attrs import define, field

from ..clock import beijing
from ..platform import Json, JsonPlatform
from ..push import Push
from ..seed import OPTED_OUT
from ..world import Delivery, World
from . import mass
from .acquisition import Acquisition
from .chats import Chats
from .contact_ways import ContactWays
from .errors import TABLE, refusal
from .events import Events
from .group_welcome import GroupWelcomes
from .intercept_rules import InterceptRules
from .join_ways import JoinWays
from .kf import CustomerService
from .mass import ChatType, QuotaRule, Row, Task, ToDo
from .moments import Moments
from .oauth import OAuth
from .people import People, Welcome
from .products import Products
from .routing import router
from .statistics import Statistics
from .strategies import BASIC_PRIVILEGES, CUSTOMER_PRIVILEGES, MOMENT_PRIVILEGES, Strategies
from .transfer import Transfers

MEDIA_LIFE = 3 * 86400


@define
class Tag:
    """One corp tag (企业标签)."""

    id: str
    name: str
    order: int
    create_time: int
    deleted: bool = False


@define
class TagGroup:
    """One group of corp tags, of the whole company (`strategy_id` 0) or of one rule group."""

    id: str
    name: str
    order: int
    create_time: int
    strategy_id: int = 0
    tags: dict[str, Tag] = field(factory=dict[str, Tag])
    deleted: bool = False

    def living(self) -> list[Tag]:
        """The tags that were not deleted."""
        return [tag for tag in self.tags.values() if not tag.deleted]


@define
class Media:
    """One temporary file."""

    media_id: str
    kind: str
    filename: str
    content: bytes = field(repr=False)
    created: int
    attachment_type: int = 0
    """What it was uploaded for: 1 moments, 2 the product album, 0 messages."""


class WeComPlatform(People, JsonPlatform["WeComPlatform"]):
    """The state of the fake WeCom, and the hands with which a test moves its people."""

    name = "wecom"

    def __init__(self, world: World, push: Push) -> None:
        # These name this class, so they are read when it is there; reading them registers their calls.
        from . import kf_routes, kf_statistics, mass_routes, routes, served, tags  # noqa: F401 # pyright: ignore[reportUnusedImport]

        super().__init__(world, router, TABLE)
        self.push = push
        self.groups: dict[str, TagGroup] = {}
        self.most_tags = 3000
        """Tags of the company, those of rule groups included (40126)."""
        self.tasks: dict[str, Task] = {}
        self.media: dict[str, Media] = {}
        self.welcomes: dict[str, Welcome] = {}
        self._quota_rule: QuotaRule = "month_days"
        self.quota_rule_since = 0.0
        """When the administrator chose it: what was sent before, another rule has allowed."""
        self.list_lag = 0.2
        """Seconds until a new task shows in get_groupmsg_list_v2."""
        self.dispatch_lag = 1.0
        """Seconds for which get_groupmsg_task and get_groupmsg_send_result answer 41063 after creation."""
        self._numbers = 0
        self.events = Events(world, push)
        self.console_welcomes = set()
        self.contact_ways = ContactWays(self)
        self.chats = Chats(self)
        self.join_ways = JoinWays(self)
        self.group_welcomes = GroupWelcomes()
        self.moments = Moments(self)
        self.transfers = Transfers(self)
        self.statistics = Statistics(self)
        self.acquisition = Acquisition(self)
        self.kf = CustomerService(self)
        self.oauth = OAuth(self)
        self.customer_strategies = Strategies(self, CUSTOMER_PRIVILEGES, BASIC_PRIVILEGES)
        self.moment_strategies = Strategies(self, MOMENT_PRIVILEGES)
        self.products = Products(self)
        self.intercept_rules = InterceptRules(self)
        self.listings: dict[str, float] = {}
        """When somebody began to read the people whom the company has served."""

    def new_id(self, prefix: str) -> str:
        """An id that nobody can guess, the same in every run of the same order."""
        self._numbers += 1
        return prefix + self.world.dice.token(26, prefix, self._numbers)

    # tags

    def add_tags(self, group_name: str, names: list[str], strategy_id: int = 0) -> TagGroup:
        """Adds to the group of this name, making it where it is missing. 40071 for a name that the group has, 40126 for too many tags."""
        now = self.world.now()
        group = next((g for g in self.tag_groups(strategy_id) if g.name == group_name), None)
        if group is None:
            group = TagGroup(self.new_id("et"), group_name, len(self.groups), now, strategy_id)
        names = list(dict.fromkeys(names))
        for name in names:
            self.check_tag_name(group, name)
        if sum(len(other.living()) for other in self.groups.values()) + len(names) > self.most_tags:
            raise refusal(40126)
        self.groups[group.id] = group
        for name in names:
            tag = Tag(self.new_id("et"), name, len(group.tags), now)
            group.tags[tag.id] = tag
        return group

    def tag_groups(self, strategy_id: int | None = None) -> list[TagGroup]:
        """Living groups of tags: of the whole company (0), of one rule group, or of all."""
        return [g for g in self.groups.values() if not g.deleted and strategy_id in (None, g.strategy_id)]

    def check_tag_name(self, group: TagGroup, name: str) -> None:
        """40071 for a name that is empty, over 30 characters, or taken in this group."""
        if not name or len(name) > 30 or any(tag.name == name for tag in group.living()):
            raise refusal(40071, name)

    def find_tag(self, tag_id: str) -> tuple[TagGroup, Tag] | None:
        """A living tag and its group."""
        for group in self.groups.values():
            tag = group.tags.get(tag_id)
            if tag and not tag.deleted:
                return group, tag
        return None

    def may_use(self, userid: str, group: TagGroup) -> bool:
        """Whether a member may mark customers with these tags: those of a rule group are for the members in its range."""
        return not group.strategy_id or self.customer_strategies.find(group.strategy_id).covers(self.world.members[userid])

    def tag_id(self, name: str) -> str | None:
        """The id of "group/tag"."""
        group_name, _, tag_name = name.partition("/")
        for group in self.tag_groups(0):
            if group.name == group_name:
                return next((tag.id for tag in group.living() if tag.name == tag_name), None)
        return None

    def tagged(self, name: str) -> set[str]:
        """The external_userids that carry the tag "group/tag" with at least one member."""
        tag_id = self.tag_id(name)
        with self.world.lock:
            follows = self.world.follows.items()
            return {customer for customer, relations in follows if any(tag_id in relation.tags for relation in relations.values())}

    def delete_tag(self, group: TagGroup, tag: Tag) -> None:
        """The tag, all its marks, and the group with its last tag."""
        tag.deleted = True
        for follows in self.world.follows.values():
            for relation in follows.values():
                relation.tags.discard(tag.id)
        group.deleted = not group.living()

    def console_adds_tags(self, group_name: str, *names: str) -> TagGroup:
        """A colleague adds tags in the console (change_external_tag: the group where it is new, then each tag)."""
        with self.world.lock:
            before = set(self.groups)
            group = self.add_tags(group_name, list(names))
            if group.id not in before:
                self.events.tell("change_external_tag", "create", Id=group.id, TagType="tag_group")
            for tag in group.living():
                if tag.name in names:
                    self.events.tell("change_external_tag", "create", Id=tag.id, TagType="tag")
            return group

    def console_deletes_tag(self, name: str) -> None:
        """A colleague deletes the tag "group/tag" in the console, with every mark. KeyError where there is none."""
        with self.world.lock:
            found = self.find_tag(self.tag_id(name) or "")
            if found is None:
                raise KeyError(name)
            self.delete_tag(*found)
            self.events.tell("change_external_tag", "delete", Id=found[1].id, TagType="tag")
            if found[0].deleted:
                self.events.tell("change_external_tag", "delete", Id=found[0].id, TagType="tag_group")

    # mass messages

    @property
    def quota_rule(self) -> QuotaRule:
        """The administrator's choice of how many mass messages a customer or a group may get."""
        return self._quota_rule

    @quota_rule.setter
    def quota_rule(self, rule: QuotaRule) -> None:
        self._quota_rule, self.quota_rule_since = rule, self.world.clock.time()

    def quota_window(self, at: float) -> str:
        """The period in which a message at this moment counts."""
        return mass.quota_window(self.quota_rule, at)

    def quota_limit(self, at: float) -> int:
        """Mass messages that one customer, or one group, may get in that period."""
        return mass.quota_limit(self.quota_rule, at)

    def add_task(self, text: str, attachments: tuple[dict[str, Any], ...], customers: list[str], sender: str) -> Task:
        """Makes the task and leaves it to the members. 41048 where nobody can be reached."""
        routed, failed = mass.route(self.world, customers, sender)
        return self._hand_out(text, attachments, routed, failed, "single", choice=True)

    def add_group_task(self, text: str, attachments: tuple[dict[str, Any], ...], chats: list[str], sender: str, *, choice: bool) -> Task:
        """Makes the task for the owner of these groups, or of all their groups where none is named. 41048 where none is theirs."""
        owned = [group.chat_id for group in self.chats.living() if group.owner == sender]
        chosen = [chat_id for chat_id in dict.fromkeys(chats or owned) if chat_id in owned]
        failed = [chat_id for chat_id in dict.fromkeys(chats) if chat_id not in owned]
        return self._hand_out(text, attachments, {sender: chosen} if chosen else {}, failed, "group", choice=choice or not chats)

    def _hand_out(
        self,
        text: str,
        attachments: tuple[dict[str, Any], ...],
        routed: dict[str, list[str]],
        failed: list[str],
        chat_type: ChatType,
        *,
        choice: bool,
    ) -> Task:
        if not routed:
            raise refusal(41048)
        task = Task(
            msgid=self.new_id("msg"),
            created=self.world.clock.time(),
            text=text,
            attachments=attachments,
            todos={userid: ToDo(userid, {who: Row() for who in targets}) for userid, targets in routed.items()},
            fail_list=failed,
            chat_type=chat_type,
            choice=choice,
        )
        self.tasks[task.msgid] = task
        for userid in task.todos:
            chance = self.world.dice.roll("confirm", userid, len(self.tasks))
            when = mass.confirmation(self.world.members[userid].habit, task.created, chance)
            if when is not None:
                self.world.timeline.at(when, partial(self.confirm, task.msgid, userid))
        return task

    def confirm(self, msgid: str, userid: str) -> None:
        """The member presses send: now, to everybody on the list but those taken off it."""
        with self.world.lock:
            task = self.tasks[msgid]
            todo = task.todos[userid]
            if task.cancelled or todo.sent_at is not None or userid not in self.world.members or not self._attachments_alive(task):
                return
            todo.sent_at = self.world.now()
            for who, row in todo.rows.items():
                if not task.choice or self.world.dice.roll("deselect", msgid, who) >= self.world.humans.deselects:
                    row.status = self._deliver(task, todo, who)
                    row.send_time = todo.sent_at if row.status == mass.SENT else None

    def _deliver(self, task: Task, todo: ToDo, who: str) -> int:
        if not self._reaches(task, todo, who):
            return mass.NOT_FRIEND
        now = self.world.clock.time()
        window = self.quota_window(now)
        received = sum(d.mass and self.quota_window(d.at) == window for d in self.world.inboxes[who])
        if received >= self.quota_limit(now):
            return mass.OVER_LIMIT
        kind = "personal" if task.personal else "group" if task.chat_type == "group" else "task"
        self.world.inboxes[who].append(Delivery(task.msgid, who, todo.userid, kind, task.text, task.attachments, now))
        return mass.SENT

    def _reaches(self, task: Task, todo: ToDo, who: str) -> bool:
        if task.chat_type == "group":
            group = self.chats.groups[who]
            return group.dismissed is None and group.owner == todo.userid
        relation = self.world.relation(todo.userid, who)
        return relation is not None and not relation.deleted_by_customer

    def _attachments_alive(self, task: Task) -> bool:
        parts: list[dict[str, Any]] = [attachment.get(attachment["msgtype"]) or {} for attachment in task.attachments]
        ids = [str(part[name]) for part in parts for name in ("media_id", "pic_media_id") if part.get(name)]
        return all(self.living_media(media_id) for media_id in ids)

    def living_media(self, media_id: str) -> Media | None:
        """The file, unless it is unknown or older than three days."""
        media = self.media.get(media_id)
        return media if media and self.world.clock.time() < media.created + MEDIA_LIFE else None

    def remind(self, task: Task) -> None:
        """Half of the members who have not sent yet do so within the hour; those who never do stay as they are."""
        now = self.world.clock.time()
        task.reminders = [at for at in task.reminders if now - at < 86400]
        if len(task.reminders) >= 3:
            raise refusal(41094)
        task.reminders.append(now)
        for userid, todo in task.todos.items():
            chance = self.world.dice.roll("remind", task.msgid, userid, len(task.reminders))
            member = self.world.members.get(userid)
            if todo.sent_at is None and member and member.habit != "never" and chance < 0.5:
                when = mass.working_hours(now + 300 + chance * 6000, chance)
                self.world.timeline.at(when, partial(self.confirm, task.msgid, userid))

    # people

    def plant(self, opted_out: set[str], used_up: set[str]) -> None:
        """The tag library, the opted-out, this month's messages by hand, and the customers who will leave within the week."""
        self.add_tags("会员等级", ["普通", "银卡", "金卡"])
        tag = self.add_tags(OPTED_OUT.split("/")[0], [OPTED_OUT.split("/")[1]]).living()[0]
        for customer in opted_out:
            for relation in self.world.follows[customer].values():
                relation.tags.add(tag.id)
        self._messages_by_hand(used_up)
        self.chats.plant()
        self.kf.plant()
        self.acquisition.plant()
        for customer, follows in self.world.follows.items():
            for userid in follows:
                chance = self.world.dice.roll("leave", userid, customer)
                if chance < self.world.humans.leaves:
                    seconds = self.world.dice.roll("leave when", userid, customer) * 7 * 86400
                    self.world.timeline.after(seconds, partial(self.customer_deletes, customer, userid))

    def _messages_by_hand(self, customers: set[str]) -> None:
        """One busy member has sent these customers as many messages as the month has days, two or three a day."""
        if not customers:
            return
        now = self.world.clock.time()
        sender = next(reversed(self.world.members))
        start = beijing(now).replace(day=1, hour=0, minute=0, second=0).timestamp()
        limit = self.quota_limit(now)
        for n in range(limit):
            at = start + (now - 3600 - start) * (n + 1) / (limit + 1)
            rows = {customer: Row(mass.SENT, int(at)) for customer in sorted(customers)}
            task = Task(self.new_id("msg"), at, f"第{n + 1}条日常问候", (), {sender: ToDo(sender, rows, int(at))}, [], creator=sender)
            self.tasks[task.msgid] = task
            for customer in rows:
                self.world.inboxes[customer].append(Delivery(task.msgid, customer, sender, "personal", task.text, (), at))

    # books

    def verify_url(self) -> bool:
        """What the console does when a callback URL is saved: a GET whose decrypted echostr has to come back within a second."""
        return self.events.verify_url()

    def summary(self) -> Json:
        """The counts of the chapters as JSON values; mass messages stand in the books by themselves."""
        return {
            "contact_ways": self.contact_ways.summary(),
            "chats": self.chats.summary(),
            "join_ways": self.join_ways.summary(),
            "moments": self.moments.summary(),
            "transfers": self.transfers.summary(),
            "acquisition": self.acquisition.summary(),
            "kf": self.kf.summary(),
        }

    def violations(self) -> list[str]:
        """Everything in the chapters that must never be."""
        chapters = (self.contact_ways, self.chats, self.join_ways, self.moments, self.transfers, self.acquisition, self.kf)
        return [*self._welcomed_twice(), *(sentence for chapter in chapters for sentence in chapter.violations())]

    def _welcomed_twice(self) -> list[str]:
        wrong: list[str] = []
        for customer, inbox in self.world.inboxes.items():
            welcomes = Counter(delivery.msgid for delivery in inbox if delivery.kind == "welcome")
            wrong.extend(f"{customer} was welcomed {count} times for adding once" for count in welcomes.values() if count > 1)
        return wrong
