"""Doors: what a platform's request is, and what it wants to be answered. No framework is known here.

A door opens a request (verified, decrypted, typed), and words the answer. `answer` and `aanswer` put door and router together; the
adapters for FastAPI/Starlette, Flask and Django only carry bytes to them and back.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias
from urllib.parse import unquote

from attrs import evolve, field, frozen

from ..core.errors import DecodeError, DecryptError, SignatureError, SiyuError, UsageError
from ..core.events import Incoming

if TYPE_CHECKING:
    from ..pay.notifications import Notification, Notifications
    from ..wecom.callbacks import Callbacks
    from .router import Outcome, Router

MOST_BYTES = 1 << 20
"""No platform posts a megabyte."""

logger = logging.getLogger("siyu_sdk.callbacks")


@frozen
class Request:
    """A request as it arrived."""

    method: str
    query: str = ""
    """As it stood in the address, undecoded."""
    headers: Mapping[str, str] = field(factory=dict[str, str], repr=False)
    body: bytes = field(default=b"", repr=False)

    def parameter(self, name: str) -> str | None:
        """A parameter of the query, percent-decoded once. A `+` stays one: there are some in `echostr`."""
        for part in self.query.split("&"):
            key, _, value = part.partition("=")
            if key == name:
                return unquote(value, errors="surrogateescape")
        return None


@frozen
class Answer:
    """What to answer, and what to do when the platform has it."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    after: Callable[[], None] | None = field(default=None, repr=False)
    aafter: Callable[[], Coroutine[Any, Any, None]] | None = field(default=None, repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """The headers: the platform is asked to come back soon where another delivery is at work."""
        return {"Content-Type": self.content_type} | ({"Retry-After": "5"} if self.status == 503 else {})


class Door(Protocol):
    """How one platform's requests are read and answered."""

    def greet(self, request: Request) -> Answer:
        """Answer a GET: the console's check of the address."""
        ...

    def open(self, request: Request) -> tuple[Incoming, Notification | None]:
        """Read a POST."""
        ...

    def word(self, status: int, incoming: Incoming | None, reply: Any) -> Answer:
        """Say it in the platform's words; `incoming` is None where the request could not be opened."""
        ...


class WeComDoor:
    """Callbacks of WeCom: encrypted XML, and passive replies."""

    def __init__(self, callbacks: Callbacks) -> None:
        self._callbacks = callbacks

    def _signed(self, request: Request) -> tuple[str | None, str | None, str | None]:
        return request.parameter("msg_signature"), request.parameter("timestamp"), request.parameter("nonce")

    def greet(self, request: Request) -> Answer:
        """Give the decrypted `echostr` back, bare."""
        return Answer(200, self._callbacks.verify_url(*self._signed(request), request.parameter("echostr")).encode())

    def open(self, request: Request) -> tuple[Incoming, Notification | None]:
        """Verify, decrypt, read."""
        return self._callbacks.open(*self._signed(request), request.body), None

    def word(self, status: int, incoming: Incoming | None, reply: Any) -> Answer:
        """Nothing for an app of the company, `success` for commands to a suite, the encrypted reply where there is one."""
        if status != 200 or incoming is None:
            return Answer(status)
        if reply is None:
            return Answer(200, b"success" if getattr(incoming.event, "info_type", None) else b"")
        from ..wecom.events import WeComEvent
        from ..wecom.replies import PassiveReply

        if not isinstance(reply, PassiveReply) or not isinstance(incoming.event, WeComEvent):
            raise UsageError(f"a handler returned a {type(reply).__name__}; return a passive reply of siyu_sdk.wecom.replies, or None")
        xml = self._callbacks.seal(reply, incoming.event, receive_id=incoming.receive_id)
        return Answer(200, xml.encode(), "application/xml; charset=utf-8")


class PayDoor:
    """Notifications of WeChat Pay: signed headers, encrypted JSON."""

    def __init__(self, notifications: Notifications) -> None:
        self._notifications = notifications

    def greet(self, request: Request) -> Answer:  # noqa: ARG002 -- the protocol's signature
        """WeChat Pay only posts."""
        return Answer(405)

    def open(self, request: Request) -> tuple[Incoming, Notification | None]:
        """Verify, decrypt, read."""
        found = self._notifications.receive(request.headers, request.body)
        return Incoming(found.event, found.fingerprint, found.create_time, ""), found

    def word(self, status: int, incoming: Incoming | None, reply: Any) -> Answer:  # noqa: ARG002 -- the protocol's signature
        """Nothing where all is well; JSON with FAIL where it is not."""
        if reply is not None:
            raise UsageError(f"a handler returned a {type(reply).__name__}; WeChat Pay takes no reply: return None")
        if status == 200:
            return Answer(204)
        return Answer(status, json.dumps({"code": "FAIL", "message": REASONS.get(status, "")}).encode(), "application/json")


REASONS = {400: "malformed", 401: "wrong signature", 403: "not meant for us", 413: "too large", 500: "not handled", 503: "busy"}
"""What strangers are told: not more than the status says."""

Source: TypeAlias = "Callbacks | Notifications | Door"
"""Where requests come from: `wecom.callbacks.Callbacks`, `pay.notifications`, or a door of your own."""


def door_of(source: Source) -> Door:
    """Find the door for a source.

    Raises:
        UsageError: it is none.
    """
    from ..wecom.callbacks import Callbacks

    if isinstance(source, Callbacks):
        return WeComDoor(source)
    from ..pay.notifications import Notifications

    if isinstance(source, Notifications):
        return PayDoor(source)
    if all(hasattr(source, name) for name in ("greet", "open", "word")):
        return source
    raise UsageError(f"{type(source).__name__} is no source of callbacks: give Callbacks(token, key, corpid), or pay.notifications")


def answer(door: Door, router: Router, request: Request) -> Answer:
    """Answer a request in the calling thread. What strangers send gets 4xx and is not handled.

    Raises:
        UsageError: the body is not raw.
    """
    opened = _open(door, request)
    if isinstance(opened, Answer):
        return opened
    incoming, notification = opened
    return _word(door, incoming, router.dispatch(incoming, notification=notification))


async def aanswer(door: Door, router: Router, request: Request) -> Answer:
    """Answer a request under a running loop; otherwise as `answer`."""
    opened = _open(door, request)
    if isinstance(opened, Answer):
        return opened
    incoming, notification = opened
    return _word(door, incoming, await router.adispatch(incoming, notification=notification))


def _open(door: Door, request: Request) -> Answer | tuple[Incoming, Notification | None]:
    try:
        if request.method in ("GET", "HEAD"):
            return door.greet(request)
        if request.method != "POST":
            return Answer(405)
        if len(request.body or b"") > MOST_BYTES:
            return door.word(413, None, None)
        return door.open(request)
    except (SignatureError, DecryptError, DecodeError) as error:
        logger.warning("a callback is refused: %s: %s", type(error).__name__, _first_line(error))
        return door.word(_STATUS[type(error)], None, None)


_STATUS: dict[type[SiyuError], int] = {SignatureError: 401, DecryptError: 403, DecodeError: 400}


def _first_line(error: SiyuError) -> str:
    return str(error).partition(" It begins: ")[0]  # what strangers send stays out of the log


def _word(door: Door, incoming: Incoming, outcome: Outcome) -> Answer:
    try:
        worded = door.word(outcome.status, incoming, outcome.reply)
    except SiyuError:  # the event is handled: delivered again it would not be handled again, so the reply is all that is lost
        logger.exception("the passive reply to a %s cannot be sent", type(incoming.event).__name__)
        worded = door.word(outcome.status, incoming, None)
    return evolve(worded, after=outcome.after, aafter=outcome.aafter)
