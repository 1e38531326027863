"""Welcome messages (发送新客户欢迎语): the first words to a new customer, by a code that lives 20 seconds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

from attrs import field, frozen

from ..core.call import Call, Flow, Sleep
from ..core.endpoint import POST, flow
from ..core.errors import ApiError, InputError, NotSent, SiyuError
from ..core.model import MaxItems, OrDict, Reply, Secret
from .common import clock_of
from .messages import Attachment, MaxTextBytes, Text
from .resource import M, WeComResource

if TYPE_CHECKING:  # whoever only sends needs no events
    from .events.external_contact import AddExternalContact, AddHalfExternalContact, MsgAuditApproved

CODE_IS_VOID: Final = 41050
ALREADY_CHATTING: Final = 41051
BEING_SENT: Final = 41096
CODE_LIVES: Final = timedelta(seconds=20)
LONGEST_TRY: Final = 5.0
"""Seconds for one answer: a second try has to fit into the 20."""

WelcomeEvent: TypeAlias = "AddExternalContact | AddHalfExternalContact | MsgAuditApproved"
"""Events that may bring a welcome code."""

_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@frozen
class Welcomed:
    """What became of a welcome message."""

    reason: Literal["sent", "no code", "too late", "already chatting", "another app", "unreachable", "unknown"]
    """`unknown`: an answer was lost, and the code works no more: most likely because it was sent."""
    error: Exception | None = field(default=None, repr=False)
    """What the last try brought, where it was not sent."""

    @property
    def sent(self) -> bool:
        """Whether it certainly went out from here."""
        return self.reason == "sent"


def fill(template: str, values: Mapping[str, str]) -> str:
    """Put values where `{{ name }}` stands, literally: a nickname with `$1`, a backslash or `{{ … }}` in it stays what it is.

    Raises:
        InputError: for a name without a value.
    """

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name not in values:
            raise InputError(f"text: there is no value for {{{{ {name} }}}}; known are {', '.join(sorted(values)) or 'none'}", "text")
        return values[name]

    return _VARIABLE.sub(value, template)


def _says_something(arguments: Mapping[str, Any]) -> None:
    text: Text | None = arguments.get("text")
    if (text is None or not text.content) and not arguments.get("attachments"):
        raise InputError("there is nothing to send: give text, attachments, or both", "text")


class Welcome(WeComResource[M]):
    """Welcome messages (新客户欢迎语)."""

    @POST("/cgi-bin/externalcontact/send_welcome_msg", docs=92137, check=_says_something)
    def send(
        self,
        welcome_code: Secret,
        *,
        text: Annotated[OrDict[Text], MaxTextBytes(4000)] | None = None,
        attachments: Annotated[Sequence[OrDict[Attachment]], MaxItems(9)] | None = None,
    ) -> Call[Reply]:
        """Greet a customer who has just been added (发送新客户欢迎语).

        The `welcome_code` comes with the event of adding, works **once**, and only for 20 seconds: answer while the event is being handled,
        with media uploaded before. At least text (4,000 bytes of UTF-8) or attachments (up to 9).
        Raises NotFound (41050) where the code is too old or used, and Conflict (41051) where the two are chatting already: both are final.
        Conflict 41096 means that another app is just sending, and may fail: `send_in_time` tries again. No code comes where the console
        has a welcome of its own.
        """
        ...

    # What takes several calls

    @flow
    def send_in_time(
        self,
        event: WelcomeEvent | str,
        *,
        text: OrDict[Text] | str | None = None,
        attachments: Sequence[OrDict[Attachment]] | None = None,
        values: Mapping[str, str] | None = None,
        deadline: datetime | None = None,
    ) -> Flow[Welcomed]:
        """Greet a customer within the 20 seconds that the code lives, and tell what became of it (发送新客户欢迎语).

        Takes the event of adding, or its welcome code. `{{ name }}` in the text is filled from `values`, literally. Do nothing else
        first: no look-up, no upload, no tag. Where another app is just sending (41096) it is tried again until the `deadline`, which is
        the end of the code's life unless you say otherwise; so it is after a lost answer, since the code works only once. A void code
        (41050) and a chat that has begun (41051) are final. The first try goes out whatever the clock says: yours may be wrong.

        Raises what needs a correction: InputError before anything is sent, InvalidArgument or PermissionDenied from the platform.
        """
        code = event if isinstance(event, str) else event.welcome_code
        if not code:
            return Welcomed("no code")
        if isinstance(text, str):
            text = Text(content=text)
        elif isinstance(text, Mapping):
            text = Text.model_validate(text)
        if text is not None and values is not None:
            text = Text(content=fill(text.content, values))
        call = Welcome.send(code, text=text, attachments=attachments)
        clock = clock_of(self)
        until = deadline or (None if isinstance(event, str) else event.usable_until) or clock.now() + CODE_LIVES
        pause, in_doubt = 0.5, False
        while True:
            left = until.timestamp() - clock.time()
            try:
                yield from call.options(timeout=min(max(left, 1.0), LONGEST_TRY))
            except SiyuError as error:
                in_doubt = in_doubt or error.may_have_arrived
                reason = _why_not(error)
                if _final(error) or until.timestamp() - clock.time() <= pause:
                    return Welcomed("unknown" if in_doubt else reason, error)
            else:
                return Welcomed("sent")
            yield from Sleep(pause)
            pause = min(pause * 2, 4)


def _why_not(error: SiyuError) -> Literal["too late", "already chatting", "another app", "unreachable", "unknown"]:
    """Name what can happen to anybody; raise what somebody has to correct."""
    if error.may_have_arrived:
        return "unknown"
    if isinstance(error, NotSent):
        return "unreachable"
    if isinstance(error, ApiError):
        if error.code == CODE_IS_VOID:
            return "too late"
        if error.code == ALREADY_CHATTING:
            return "already chatting"
        if error.code == BEING_SENT:
            return "another app"
    raise error


def _final(error: SiyuError) -> bool:
    return isinstance(error, ApiError) and error.code in (CODE_IS_VOID, ALREADY_CHATTING)
