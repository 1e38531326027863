"""Customer service in WeChat (微信客服): accounts, who serves them, conversations, and the log that sync_msg reads.

Simulated: tokens of ten minutes, cursors, empty pages in the middle (what the API itself has sent takes a place in the log but is not
told), three days of history; five messages within 48 hours of the customer's last; welcome and closing codes; the states of a session;
customers who refuse messages. Knowledge, upgrades to a member or a group, and statistics have files of their own.
Not simulated: the platform's own robot and its questions about satisfaction (both are off where the API assigns sessions), video accounts,
routing rules.
"""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING

from attrs import define, field

from ..platform import Json
from ..world import Delivery
from .errors import refusal
from .kf_knowledge import Knowledge
from .kf_upgrades import Upgrades
from .routing import DAY

if TYPE_CHECKING:  # see routing
    from .state import WeComPlatform

CUSTOMER, SYSTEM, SERVICER = 3, 4, 5
UNHANDLED, ASSISTANT, QUEUED, SERVED, ENDED = 0, 1, 2, 3, 4
ALLOWED = {
    UNHANDLED: {ASSISTANT, QUEUED, SERVED, ENDED},
    ASSISTANT: {QUEUED, SERVED, ENDED},
    QUEUED: {SERVED, ENDED},
    SERVED: {SERVED, ENDED},
}
WINDOW = 2 * DAY
TOKEN_LIFE = 600
HISTORY = 3 * DAY
FAST, SLOW = 20, WINDOW
"""Seconds that a code for one message lives: of a welcome or an end, and of the others."""


@define
class Account:
    """One account that customers write to."""

    open_kfid: str
    name: str
    avatar: str
    servicers: dict[str, int] = field(factory=dict[str, int])
    """userid -> 0 serving, 1 stopped"""
    departments: list[int] = field(factory=list[int])


@define
class Conversation:
    """What statistics know of one conversation, from the customer's first word to its end."""

    open_kfid: str
    external_userid: str
    written: list[float] = field(factory=list[float])
    """When the customer wrote."""
    handed: list[tuple[float, str]] = field(factory=list[tuple[float, str]])
    """When it came to which member."""
    answered: list[tuple[float, str]] = field(factory=list[tuple[float, str]])
    """When which member wrote."""
    automatic: float | None = None
    """Since when the API answers."""
    handed_on: float | None = None
    """When the API gave it to members, or to the queue."""


@define
class Session:
    """What one customer has with one account."""

    state: int = ENDED
    servicer: str = ""
    last_written: float = 0.0
    sent: int = 0
    """Messages of the API since the customer's last one."""
    entered: Json | None = None
    welcomed: float = 0.0
    conversation: Conversation | None = None
    """The one that is going on, or was the last."""


@define
class Entry:
    """One place in the log. `message` is None for what is not told."""

    at: float
    open_kfid: str
    message: Json | None


@define
class Code:
    """A code for one message."""

    open_kfid: str
    external_userid: str
    expires: float
    used: bool = False


class CustomerService:
    """Accounts, conversations and the log."""

    def __init__(self, wecom: WeComPlatform) -> None:
        self._wecom = wecom
        self._world = wecom.world
        self.accounts: dict[str, Account] = {}
        self.sessions: dict[tuple[str, str], Session] = {}
        self.conversations: list[Conversation] = []
        self.log: list[Entry] = []
        self.tokens: dict[str, float] = {}
        self.codes: dict[str, Code] = {}
        self.sent: dict[str, str] = {}
        """msgid -> external_userid of what the API has sent"""
        self.refusing: set[str] = set()
        """Customers who refuse messages: msg_send_fail."""
        self.most_accounts = 10
        self.untokened_a_minute = 10
        """Calls of sync_msg without a token; the platform says only that they are strictly limited (45009)."""
        self._untokened: list[float] = []
        self.upgrades = Upgrades(wecom)
        self.knowledge = Knowledge(wecom)

    def plant(self) -> None:
        """One account, with the first two members, whom it may recommend as well as their groups; knowledge with its default group."""
        account = Account("wk" + self._world.dice.token(30, "kf"), "果园客服", "https://wework.qpic.cn/sandbox/kf/0")
        account.servicers = dict.fromkeys(list(self._world.members)[:2], 0)
        self.accounts[account.open_kfid] = account
        self.upgrades.plant(list(account.servicers))
        self.knowledge.plant()

    def account(self, open_kfid: str) -> Account:
        """An account; 95004 where there is none, 95000 for what is no id."""
        if open_kfid not in self.accounts:
            raise refusal(95004 if open_kfid.startswith("wk") else 95000)
        return self.accounts[open_kfid]

    def session(self, open_kfid: str, external_userid: str) -> Session:
        """The conversation; without a word for 48 hours it ends, unless a member has it."""
        session = self.sessions.setdefault((open_kfid, external_userid), Session())
        if session.state in (UNHANDLED, ASSISTANT, QUEUED) and not self.open(session):
            session.state = ENDED
        return session

    def open(self, session: Session) -> bool:
        """Whether the customer has written within 48 hours."""
        return self._world.clock.time() < session.last_written + WINDOW

    # what people do

    def write(self, open_kfid: str, external_userid: str, content: Json) -> str:
        """The customer writes: content is {"msgtype": …, …: {…}}. Returns the msgid."""
        _ = self._world.customers[external_userid]
        session = self.session(self.account(open_kfid).open_kfid, external_userid)
        session.last_written, session.sent = self._world.clock.time(), 0
        if session.state == ENDED:
            session.state, session.servicer = UNHANDLED, ""
            session.conversation = Conversation(open_kfid, external_userid)
            self.conversations.append(session.conversation)
        if session.conversation:
            session.conversation.written.append(session.last_written)
        return self._say(open_kfid, external_userid, CUSTOMER, content)

    def enter(self, open_kfid: str, external_userid: str, scene: str, scene_param: str) -> str:
        """The customer opens the conversation. Returns the welcome_code, or "" where none is due."""
        _ = self._world.customers[external_userid]
        session = self.session(self.account(open_kfid).open_kfid, external_userid)
        now = self._world.clock.time()
        session.entered = {name: value for name, value in (("scene", scene), ("scene_param", scene_param)) if value}
        code = ""
        if not self.open(session) and now >= session.welcomed + WINDOW:
            code = self.new_code(open_kfid, external_userid, FAST)
        event = {"event_type": "enter_session", "open_kfid": open_kfid, "external_userid": external_userid, **session.entered}
        self._happen(open_kfid, event | ({"welcome_code": code} if code else {}))
        return code

    def answer(self, open_kfid: str, external_userid: str, userid: str, text: str) -> str:
        """A member writes to the customer in the client. Returns the msgid. LookupError where the member does not have the session."""
        session = self.session(open_kfid, external_userid)
        if (session.state, session.servicer) != (SERVED, userid):
            raise LookupError(f"{userid} does not have the session with {external_userid}")
        if session.conversation:
            session.conversation.answered.append((self._world.clock.time(), userid))
        msgid = self._say(open_kfid, external_userid, SERVICER, {"msgtype": "text", "text": {"content": text}}, servicer_userid=userid)
        self._arrive(msgid, open_kfid, external_userid, text, ())
        return msgid

    def take(self, open_kfid: str, external_userid: str, userid: str) -> None:
        """A member takes the customer out of the queue (session_status_change). LookupError where the customer does not wait."""
        session = self.session(open_kfid, external_userid)
        if session.state != QUEUED or self.account(open_kfid).servicers.get(userid) != 0:
            raise LookupError(f"{userid} cannot take {external_userid}")
        self._enter_state(session, SERVED, userid)
        self._changed(open_kfid, external_userid, 1, SLOW, new_servicer_userid=userid)

    def end(self, open_kfid: str, external_userid: str) -> None:
        """The member ends the session (session_status_change). LookupError where no member has it."""
        session = self.session(open_kfid, external_userid)
        if session.state != SERVED:
            raise LookupError(f"no member has the session with {external_userid}")
        userid = session.servicer
        self._enter_state(session, ENDED)
        self._changed(open_kfid, external_userid, 3, FAST, old_servicer_userid=userid)

    def _changed(self, open_kfid: str, external_userid: str, change: int, life: float, **who: str) -> None:
        code = self.new_code(open_kfid, external_userid, life)
        event = {"event_type": "session_status_change", "open_kfid": open_kfid, "external_userid": external_userid, "change_type": change}
        self._happen(open_kfid, {**event, **who, "msg_code": code})

    # what the API does

    def send(self, open_kfid: str, external_userid: str, msgid: str, content: Json) -> str:
        """A message by API. 95002 after 48 hours, 95001 for the sixth, 95013 and 95018 in the wrong state; the same msgid goes out once."""
        session = self.session(open_kfid, external_userid)
        if msgid and self.sent.get(msgid) == external_userid:
            return msgid
        if not self.open(session):
            raise refusal(95002)
        if session.state not in (UNHANDLED, ASSISTANT):
            raise refusal(95013 if session.state == ENDED else 95018)
        if session.sent >= 5:
            raise refusal(95001)
        session.sent += 1
        self._automatic(session)
        return self._deliver(open_kfid, external_userid, msgid, content)

    def send_on_event(self, text: str, msgid: str, content: Json) -> str:
        """The one message that a code allows. 95007 where it is unknown, too old, or used."""
        code = self.codes.get(text)
        if code is None or code.used or self._world.clock.time() >= code.expires:
            raise refusal(95007)
        code.used = True
        self.session(code.open_kfid, code.external_userid).welcomed = self._world.clock.time()
        return self._deliver(code.open_kfid, code.external_userid, msgid, content)

    def _deliver(self, open_kfid: str, external_userid: str, msgid: str, content: Json) -> str:
        msgid = msgid or self._wecom.new_id("kfmsg")
        self.sent[msgid] = external_userid
        self.log.append(Entry(self._world.clock.time(), open_kfid, None))
        if external_userid in self.refusing:
            event = {"event_type": "msg_send_fail", "open_kfid": open_kfid, "external_userid": external_userid}
            self._happen(open_kfid, {**event, "fail_msgid": msgid, "fail_type": 10})
        else:
            text = content["text"]["content"] if content["msgtype"] == "text" else ""
            self._arrive(msgid, open_kfid, external_userid, text, () if content["msgtype"] == "text" else (content,))
        return msgid

    def _arrive(self, msgid: str, open_kfid: str, external_userid: str, text: str, rest: tuple[Json, ...]) -> None:
        delivery = Delivery(msgid, external_userid, open_kfid, "kf", text, rest, self._world.clock.time())
        self._world.inboxes[external_userid].append(delivery)

    def change(self, open_kfid: str, external_userid: str, state: int, servicer: str) -> str:
        """Hands the session on, or ends it. Returns the code for one message, "" where the API keeps it."""
        session, account = self.session(open_kfid, external_userid), self.account(open_kfid)
        if session.state == ENDED:
            raise refusal(95013)
        if state not in ALLOWED[session.state]:
            raise refusal(95016)
        if state == SERVED and servicer not in account.servicers:
            raise refusal(60253)
        if state == SERVED and account.servicers[servicer] != 0:
            raise refusal(95019)
        self._enter_state(session, state, servicer)
        return "" if state == ASSISTANT else self.new_code(open_kfid, external_userid, FAST if state == ENDED else SLOW)

    def _enter_state(self, session: Session, state: int, servicer: str = "") -> None:
        session.state, session.servicer = state, servicer if state == SERVED else ""
        if session.conversation is None:
            return
        now = self._world.clock.time()
        if state == ASSISTANT:
            self._automatic(session)
        if state == SERVED:
            session.conversation.handed.append((now, servicer))
        if state in (QUEUED, SERVED) and session.conversation.automatic is not None and session.conversation.handed_on is None:
            session.conversation.handed_on = now

    def _automatic(self, session: Session) -> None:
        if session.conversation and session.conversation.automatic is None:
            session.conversation.automatic = self._world.clock.time()

    def new_code(self, open_kfid: str, external_userid: str, life: float) -> str:
        """A code for one message."""
        code = self._wecom.new_id("kfcode")
        self.codes[code] = Code(open_kfid, external_userid, self._world.clock.time() + life)
        return code

    # the log

    def _say(self, open_kfid: str, external_userid: str, origin: int, content: Json, **more: str) -> str:
        msgid = self._wecom.new_id("kfmsg")
        who = {"open_kfid": open_kfid, "external_userid": external_userid, **more}
        self._write_down(open_kfid, {"msgid": msgid, **who, "send_time": self._world.now(), "origin": origin, **content})
        return msgid

    def _happen(self, open_kfid: str, event: Json) -> None:
        message = {"msgid": self._wecom.new_id("kfmsg"), "send_time": self._world.now(), "origin": SYSTEM, "msgtype": "event"}
        self._write_down(open_kfid, {**message, "event": event})

    def _write_down(self, open_kfid: str, message: Json) -> None:
        """Into the log, and a wake-up with a fresh token to the company's server."""
        now = self._world.clock.time()
        self.log.append(Entry(now, open_kfid, message))
        token = self._wecom.new_id("ENC")
        self.tokens[token] = now + TOKEN_LIFE
        self._wecom.events.tell("kf_msg_or_event", Token=token, OpenKfId=open_kfid)

    def read(self, open_kfid: str, cursor: int, limit: int) -> tuple[list[Json], int, bool]:
        """Messages from a place in the log on, the next place, and whether the log goes on there. A page may have nothing to tell."""
        oldest = bisect.bisect_left([entry.at for entry in self.log], self._world.clock.time() - HISTORY)
        start = max(cursor, oldest)
        window = self.log[start : start + limit]
        told = [entry.message for entry in window if entry.message and open_kfid in ("", entry.open_kfid)]
        following = start + len(window)
        return told, following, following < len(self.log)

    def admit(self, token: str) -> None:
        """95007 for a token that is not ours or too old; 45009 for too many calls without one."""
        now = self._world.clock.time()
        if token:
            if now >= self.tokens.get(token, 0.0):
                raise refusal(95007)
            return
        self._untokened = [at for at in self._untokened if now - at < 60]
        if len(self._untokened) >= self.untokened_a_minute:
            raise refusal(45009, "sync_msg without token")
        self._untokened.append(now)

    # books

    def summary(self) -> Json:
        """The counts as JSON values."""
        told = [entry.message for entry in self.log if entry.message]
        return {
            "accounts": len(self.accounts),
            "conversations": len(self.sessions),
            "received": sum(message["origin"] == CUSTOMER for message in told),
            "sent": len(self.sent),
            "offers": self.upgrades.summary(),
            "knowledge": self.knowledge.summary(),
        }

    def violations(self) -> list[str]:
        """Nobody got more than five messages without having written, no message twice."""
        wrong = [
            f"{who} got {s.sent} messages of {kfid} in one window, 5 allowed" for (kfid, who), s in self.sessions.items() if s.sent > 5
        ]
        arrived = [d.msgid for inbox in self._world.inboxes.values() for d in inbox if d.kind == "kf"]
        return [*wrong, "a message of customer service came twice"] if len(arrived) != len(set(arrived)) else wrong
