"""The hands with which a test moves people: customers add, join, refuse and write, members chat, edit and leave.

Each acts as somebody with a phone would, and raises the events that the platform would. KeyError or LookupError: there is no such person,
or they cannot do that. `Refusal`: the code that they want to use leads nowhere (any more).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Literal

from attrs import define

from ..platform import Json
from ..world import Relation, World
from . import mass
from .acquisition import Acquired, Acquisition, Link
from .chats import BY_LINK, INVITED, OWNER_LEFT, Chats, Seat
from .contact_ways import ContactWay, ContactWays
from .events import Events
from .join_ways import JoinWays
from .kf import CustomerService
from .kf_upgrades import TO_MEMBER
from .oauth import OAuth
from .routing import midnight
from .statistics import Statistics
from .transfer import Transfers

ChangeType = Literal["add_external_contact", "edit_external_contact", "del_follow_user", "del_external_contact", "transfer_fail"]
BY_QR_CODE, BY_CARD, BY_ACQUISITION_LINK = 1, 3, 16
"""add_way of a new customer."""
WELCOME_LIFE = 20


@define
class Welcome:
    """One WelcomeCode."""

    userid: str
    external_userid: str
    expires: float
    used: bool = False
    stolen: bool = False
    """Another app is sending a welcome: 41096 for the next one who tries, 41051 after that."""


class People:
    """What the people of the fake WeCom can do."""

    world: World
    events: Events
    contact_ways: ContactWays
    chats: Chats
    join_ways: JoinWays
    transfers: Transfers
    statistics: Statistics
    acquisition: Acquisition
    kf: CustomerService
    oauth: OAuth
    welcomes: dict[str, Welcome]
    console_welcomes: set[str]
    """Members for whom the console has a welcome: their new customers bring no WelcomeCode."""

    def new_id(self, prefix: str) -> str:
        """An id that nobody can guess."""
        raise NotImplementedError

    def event(self, change_type: ChangeType, userid: str, external_userid: str, **more: str) -> None:
        """A change_external_contact event: into the books, and out to whoever listens."""
        self.events.tell("change_external_contact", change_type, UserID=userid, ExternalUserID=external_userid, **more)

    # customers and members

    def customer_adds(
        self, userid: str = "", *, state: str = "", name: str = "新朋友", external_userid: str | None = None, way: str = ""
    ) -> str:
        """A customer (a new one, or a known person again) adds a member: an event with a WelcomeCode. Returns the external_userid.

        With `way`, the config_id of a contact way, the state is the way's, and so is the choice of the member where none is named; without
        `skip_verify` the member has to agree first, sooner or later.
        """
        with self.world.lock:
            found = self.contact_ways.find(way) if way else None
            if found:
                userid, state = self._choose(found, userid), found.state
                if found.temporary and external_userid is None:
                    external_userid = self._by_unionid(found.settings["unionid"], name)
            _ = self.world.members[userid]
            external_userid = external_userid or self.world.new_customer(name)
            if found and not found.settings["skip_verify"]:
                now, chance = self.world.clock.time(), self.world.dice.roll("agree", userid, external_userid)
                when = mass.confirmation(self.world.members[userid].habit, now, chance)
                if when is not None:
                    self.world.timeline.at(when, partial(self._added, userid, external_userid, state, found))
            else:
                self._added(userid, external_userid, state, found)
            return external_userid

    def _choose(self, way: ContactWay, userid: str) -> str:
        members = self.contact_ways.members(way)
        if not members or (userid and userid not in members):
            raise LookupError(f"the contact way does not lead to {userid or 'anybody'}")
        return userid or members[len(way.adds) % len(members)]

    def _by_unionid(self, unionid: str, name: str) -> str:
        known = (person.external_userid for person in self.world.customers.values() if person.unionid == unionid)
        return next(known, None) or self.world.new_customer(name, unionid)

    def _added(
        self, userid: str, external_userid: str, state: str, way: ContactWay | None = None, add_way: int = BY_QR_CODE, **more: str
    ) -> None:
        if userid not in self.world.members:
            return
        now, name = self.world.now(), self.world.customers[external_userid].name
        self.world.befriend(Relation(userid, external_userid, name, now, add_way, now, state))
        code = ""
        if userid not in self.console_welcomes:
            code = self.new_id("WELCOME")
            self.welcomes[code] = Welcome(userid, external_userid, self.world.clock.time() + WELCOME_LIFE)
        if way:
            self.contact_ways.used(way, userid, external_userid)
        self.event("add_external_contact", userid, external_userid, State=state, WelcomeCode=code, **more)

    def customer_clicks(self, link_id: str, *, channel: str = "", name: str = "新朋友", external_userid: str | None = None) -> str | None:
        """Somebody opens an acquisition link and adds the member behind it. None where no quota is left, or nobody is there.

        Where the link asks for it the member has to agree first, sooner or later (friend_request). The use is charged when they are
        friends, so that who is a friend of the member already costs nothing.
        """
        with self.world.lock:
            link, who = self.acquisition.find(link_id), external_userid or self.world.new_customer(name)
            acquired = self.acquisition.click(link, who, channel)
            if acquired is None:
                return None
            relation = self.world.relation(acquired.userid, who)
            if relation and not relation.deleted_by_customer:
                return who
            if link.skip_verify:
                self._acquire(link, acquired)
            else:
                self.acquisition.asked(link, acquired)
                now, chance = self.world.clock.time(), self.world.dice.roll("agree", acquired.userid, who)
                when = mass.confirmation(self.world.members[acquired.userid].habit, now, chance)
                if when is not None:
                    self.world.timeline.at(when, partial(self._acquire, link, acquired))
            return who

    def _acquire(self, link: Link, acquired: Acquired) -> None:
        if acquired.userid in self.world.members and self.acquisition.charge(link, acquired):
            self._added(acquired.userid, acquired.external_userid, acquired.state, add_way=BY_ACQUISITION_LINK, LinkId=link.link_id)

    def customer_deletes(self, external_userid: str, userid: str) -> None:
        """The customer deletes the member: a one-sided relation stays, messages no longer arrive (del_follow_user)."""
        with self.world.lock:
            relation = self.world.relation(userid, external_userid)
            if relation and userid in self.world.members and not relation.deleted_by_customer:
                relation.deleted_by_customer = True
                self.event("del_follow_user", userid, external_userid)

    def customer_refuses(self, external_userid: str) -> None:
        """The customer does not want to be handed over (transfer_fail)."""
        with self.world.lock:
            self.transfers.refuse(external_userid)

    def member_deletes(self, external_userid: str, userid: str) -> None:
        """The member deletes the customer: the relation is gone (del_external_contact)."""
        with self.world.lock:
            if self.world.part(userid, external_userid):
                self.event("del_external_contact", userid, external_userid)

    def member_edits(self, external_userid: str, userid: str, *, remark: str | None = None, tags: Iterable[str] | None = None) -> None:
        """The member changes the remark or the tags (ids) of a customer by hand (edit_external_contact)."""
        with self.world.lock:
            relation = self.world.contacts[userid][external_userid]
            relation.remark = relation.remark if remark is None else remark
            relation.tags = relation.tags if tags is None else set(tags)
            self.event("edit_external_contact", userid, external_userid)

    def member_resigns(self, userid: str) -> None:
        """The member leaves the company: customers and groups are without them, messages they have not sent are never sent."""
        with self.world.lock:
            self.world.resign(userid)
            for group in self.chats.living():
                group.status = OWNER_LEFT if group.owner == userid else group.status
            for account in self.kf.accounts.values():
                account.servicers.pop(userid, None)
            self.events.tell("change_contact", "delete_user", UserID=userid)
            self.acquisition.left(userid)

    def chat(self, external_userid: str, userid: str) -> None:
        """The two talk: mass messages without a sender now go out through this member, and a welcome is too late (41051)."""
        with self.world.lock:
            relation = self.world.relation(userid, external_userid)
            if relation:
                relation.last_talked = self.world.clock.time()
            for welcome in self.welcomes.values():
                if (welcome.userid, welcome.external_userid) == (userid, external_userid):
                    welcome.used = True
            self.statistics.talks[userid, midnight(self.world.now())] += 1
            self.acquisition.wrote(external_userid, userid)

    def steal_welcome(self, external_userid: str, userid: str) -> None:
        """Another app of the company takes the WelcomeCode: 41096 for the next one who tries, 41051 after that."""
        with self.world.lock:
            for welcome in self.welcomes.values():
                if (welcome.userid, welcome.external_userid) == (userid, external_userid):
                    welcome.stolen = True

    def oauth_code(self, who: str, *, private: bool = False) -> str:
        """The `code` with which this visitor (userid, external_userid, or any other word) comes to a page of yours.

        `private`: they have consented to snsapi_privateinfo, so that a user_ticket comes with it.
        """
        with self.world.lock:
            return self.oauth.code(who, private=private)

    # groups

    def member_opens_chat(self, userid: str, name: str = "") -> str:
        """A member opens a customer group (create). Returns the chat_id."""
        with self.world.lock:
            _ = self.world.members[userid]
            return self.chats.open(userid, name).chat_id

    def customer_joins(
        self, external_userid: str | None = None, *, way: str = "", chat_id: str = "", invited_by: str = "", name: str = "新朋友"
    ) -> str | None:
        """Somebody (new, where nobody is named) joins a group: by a join way, or the one named, by invitation or by link.

        Returns the chat_id; None where there is no room and the platform opens no other group. An event says so (add_member), and one
        more where a group was opened for it (create).
        """
        with self.world.lock:
            who = external_userid or self.world.new_customer(name)
            _ = self.world.customers[who]
            if way:
                group = self.join_ways.scan(self.join_ways.find(way), who)
                return group.chat_id if group else None
            group = self.chats.find(chat_id)
            if who not in group.seats:
                if self.chats.full(group):
                    return None
                scene = INVITED if invited_by else BY_LINK
                self.chats.join(group, Seat(who, customer=True, joined=self.world.now(), scene=scene, invitor=invited_by))
            return chat_id

    def customer_quits(self, external_userid: str, chat_id: str) -> None:
        """The customer leaves the group (del_member, QuitScene 0)."""
        with self.world.lock:
            self.chats.quit(self.chats.find(chat_id), external_userid)

    def member_removes(self, external_userid: str, chat_id: str) -> None:
        """The owner takes the customer out of the group (del_member, QuitScene 1)."""
        with self.world.lock:
            self.chats.quit(self.chats.find(chat_id), external_userid, removed=True)

    # customer service

    def kf_customer_writes(self, open_kfid: str, external_userid: str, text: str, *, menu_id: str = "") -> str:
        """A customer writes to an account (kf_msg_or_event); `menu_id`: by choosing from a menu. Returns the msgid."""
        with self.world.lock:
            content: Json = {"content": text, "menu_id": menu_id} if menu_id else {"content": text}
            return self.kf.write(open_kfid, external_userid, {"msgtype": "text", "text": content})

    def kf_customer_enters(self, open_kfid: str, external_userid: str, *, scene: str = "", scene_param: str = "") -> str:
        """A customer opens the conversation (enter_session). Returns the welcome_code, "" where none is due."""
        with self.world.lock:
            return self.kf.enter(open_kfid, external_userid, scene, scene_param)

    def kf_servicer_takes(self, open_kfid: str, external_userid: str, userid: str) -> None:
        """A member takes the customer out of the queue (session_status_change 1)."""
        with self.world.lock:
            self.kf.take(open_kfid, external_userid, userid)

    def kf_servicer_writes(self, open_kfid: str, external_userid: str, userid: str, text: str) -> str:
        """The member who has the session writes to the customer. Returns the msgid."""
        with self.world.lock:
            return self.kf.answer(open_kfid, external_userid, userid, text)

    def kf_servicer_ends(self, open_kfid: str, external_userid: str) -> None:
        """The member who has the session ends it (session_status_change 3)."""
        with self.world.lock:
            self.kf.end(open_kfid, external_userid)

    def kf_servicer_recommends(self, open_kfid: str, external_userid: str, userid: str) -> None:
        """The member who has the session sends the customer the card of the member, or the code of the group, that the API offers them."""
        with self.world.lock:
            self.kf.upgrades.recommend(self.kf.session(open_kfid, external_userid), open_kfid, external_userid, userid)

    def kf_customer_accepts(self, open_kfid: str, external_userid: str) -> None:
        """The customer adds the member who was recommended, or joins the group (add_external_contact, add_member).

        LookupError where nothing was recommended, or the group is full.
        """
        with self.world.lock:
            offer = self.kf.upgrades.recommended(open_kfid, external_userid)
            if offer.kind == TO_MEMBER:
                _ = self.world.members[offer.target]
                self._added(offer.target, external_userid, "", add_way=BY_CARD)
            elif self.customer_joins(external_userid, chat_id=offer.target) is None:
                raise LookupError(f"the group {offer.target} is full")
            self.kf.upgrades.accept(offer)
