"""What a campaign is made of: messages, coupons, steps and guards. Values only; nothing here sends."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from typing import Any, Self
from zoneinfo import ZoneInfo

import attrs
from attrs import field, frozen

from .core.errors import InputError
from .ledger import DONE, State
from .wecom.messages import Content

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")
"""Fixed: China has no summer time, and slim images have no time-zone database."""

_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_STEP_ID = re.compile(r"[\w.-]{1,64}")
VARIABLES = frozenset({"nickname", "member"})


def _zone(name: str) -> tzinfo:
    return BEIJING if name == str(BEIJING) else ZoneInfo(name)


def digest(value: Any, length: int = 32) -> str:
    """A short, stable hash of a JSON value."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def _attachments(given: Iterable[Content | Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    return tuple(item.to_envelope(exclude_none=True) if isinstance(item, Content) else item for item in given)


@frozen
class Message:
    """What is said: a text, and attachments as models (`Image`, `Link`, `MiniProgramPage` …) or in wire form.

    `{{ nickname }}` and `{{ member }}` stand for the names of customer and sender, put in literally. Mind that each different text
    is a task of its own that a member has to confirm: the plan counts them.
    """

    text: str = ""
    attachments: tuple[Mapping[str, Any], ...] = field(default=(), converter=_attachments)

    def __attrs_post_init__(self) -> None:
        for name in _VARIABLE.findall(self.text):
            if name not in VARIABLES:
                raise InputError(f"message: unknown variable {{{{ {name} }}}}; known are {', '.join(sorted(VARIABLES))}", "text")
        if not self.text and not self.attachments:
            raise InputError("message: a text or an attachment is needed", "text")

    @property
    def personal(self) -> bool:
        """Whether each customer gets a text of their own."""
        return "nickname" in _VARIABLE.findall(self.text)

    def render(self, **names: str) -> Message:
        """Put names in, literally: a name with braces or a dollar sign stays what it is."""
        return attrs.evolve(self, text=_VARIABLE.sub(lambda match: names.get(match[1], ""), self.text))

    def to_json(self) -> dict[str, Any]:
        """The message as JSON."""
        return {"text": self.text, "attachments": [dict(a) for a in self.attachments]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The message from JSON."""
        return cls(value["text"], tuple(value["attachments"]))

    @property
    def hash(self) -> str:
        """Equal for equal content: nobody is put into a batch with another's."""
        return digest(self.to_json())


@frozen
class Coupon:
    """A 商品券 to give: which stock, and under which appid the openids are."""

    product_coupon_id: str
    stock_id: str
    appid: str
    brand_id: str
    fen: int = 0
    """What it takes off, in fen, where it is a fixed amount; the plan reads it from the stock if it is left 0."""

    def to_json(self) -> dict[str, Any]:
        """The coupon as JSON."""
        return attrs.asdict(self)


@frozen
class Step:
    """One step of a campaign: a message or a coupon, on a day counted from the start, for whom a condition holds on that day."""

    id: str
    message: Message | None = None
    coupon: Coupon | None = None
    day: int = 0
    at: time | None = None
    """Not before this time of the day (Beijing)."""
    after: str | None = None
    """Only for whom that earlier step came to a good end; waits for it as long as it is under way."""
    when: str | None = None
    """A condition, judged on the day: `not redeemed(step)`, `redeemed(step)`, `received(step)`, `not received(step)`."""
    late: str = "send_late"
    """What becomes of it when nobody ran the campaign on its day: `send_late` or `skip`."""

    def __attrs_post_init__(self) -> None:
        if not _STEP_ID.fullmatch(self.id):
            raise InputError(f"step {self.id!r}: an id of 1 to 64 letters, digits, '_', '-' and '.' is needed", "id")
        if (self.message is None) == (self.coupon is None):
            raise InputError(f"step {self.id!r}: exactly one of message and coupon is needed", "message")
        if self.day < 0:
            raise InputError(f"step {self.id!r}: day counts from the start, 0 or more; got {self.day}", "day")
        if self.late not in ("send_late", "skip"):
            raise InputError(f"step {self.id!r}: late is 'send_late' or 'skip', got {self.late!r}", "late")
        if self.when is not None:
            Condition.parse(self.when)

    @property
    def kind(self) -> str:
        """`message` or `coupon`."""
        return "message" if self.message is not None else "coupon"

    def to_json(self) -> dict[str, Any]:
        """The step as JSON."""
        return {
            "id": self.id,
            "message": self.message.to_json() if self.message else None,
            "coupon": self.coupon.to_json() if self.coupon else None,
            "day": self.day,
            "at": self.at.isoformat() if self.at else None,
            "after": self.after,
            "when": self.when,
            "late": self.late,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The step from JSON."""
        message, coupon, at = value["message"], value["coupon"], value["at"]
        fields: dict[str, Any] = dict(value)
        fields["message"] = Message.from_json(message) if message else None
        fields["coupon"] = Coupon(**coupon) if coupon else None
        fields["at"] = time.fromisoformat(at) if at else None
        return cls(**fields)


@frozen
class Condition:
    """`not redeemed(coupon)`: what must (not) have become of another step."""

    fact: str
    step: str
    negated: bool

    FORM = re.compile(r"^\s*(not\s+)?(redeemed|received)\(\s*([\w.-]+)\s*\)\s*$")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a condition; anything else is refused, never taken as «everybody»."""
        match = cls.FORM.match(text)
        if match is None:
            raise InputError(f"condition {text!r} is not understood; write [not] redeemed(step) or [not] received(step)", "when")
        return cls(match[2], match[3], bool(match[1]))

    def holds(self, states: Mapping[str, State]) -> bool:
        """Judge it by the states of one person's steps."""
        state = states.get(self.step)
        fact = state == State.REDEEMED if self.fact == "redeemed" else state in DONE
        return fact != self.negated


@frozen
class Guards:
    """What keeps customers from being harassed. On by default; the platform's own cap comes on top and is read from its answers."""

    quiet_from: time = time(21)
    quiet_to: time = time(9)
    per_day: int | None = 1
    per_month: int | None = 6
    zone: tzinfo = BEIJING
    """Beijing, or a `zoneinfo.ZoneInfo`: it is written into the ledger by its name."""

    def __attrs_post_init__(self) -> None:
        for name in ("per_day", "per_month"):
            if (most := getattr(self, name)) is not None and most < 1:
                raise InputError(f"guards: {name} is at least 1, or None for no limit; got {most}", name)
        if not isinstance(self.zone, ZoneInfo) and self.zone != BEIJING:
            raise InputError(f"guards: zone is a zoneinfo.ZoneInfo, which has a name; got {self.zone!r}", "zone")

    def next_allowed(self, now: datetime) -> datetime:
        """That moment, or the end of the quiet hours it falls into."""
        local = now.astimezone(self.zone)
        clock = local.time()
        over_midnight = self.quiet_from > self.quiet_to
        quiet = (clock >= self.quiet_from or clock < self.quiet_to) if over_midnight else self.quiet_from <= clock < self.quiet_to
        if not quiet:
            return now
        day = local.date() + timedelta(days=1) if over_midnight and clock >= self.quiet_from else local.date()
        return datetime.combine(day, self.quiet_to, self.zone)

    def room(self, times: Sequence[float], now: datetime) -> bool:
        """Whether a customer who was written to at those (unix) times may be written to again."""
        today = now.astimezone(self.zone).date()
        days = [min(datetime.fromtimestamp(t, self.zone).date(), today) for t in times]  # a clock set back does not make more room
        daily = self.per_day is None or sum(d == today for d in days) < self.per_day
        month = self.per_month is None or sum((d.year, d.month) == (today.year, today.month) for d in days) < self.per_month
        return daily and month


def due(start: datetime, step: Step, zone: tzinfo = BEIJING) -> float:
    """The unix time before which a step is not taken."""
    if step.day == 0 and step.at is None:
        return start.timestamp()
    day: date = start.astimezone(zone).date() + timedelta(days=step.day)
    at = step.at if step.at is not None else start.astimezone(zone).time()
    return max(start.timestamp(), datetime.combine(day, at, zone).timestamp())


@frozen
class Campaign:
    """A name and its steps. Immutable: another version is another campaign."""

    name: str
    steps: tuple[Step, ...]
    kind: str = "sop"
    version: int = 1
    stop_when: tuple[str, ...] = ()
    """Conditions after which a person gets no further step: `redeemed(coupon)`."""
    guards: Guards = Guards()

    def __attrs_post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > 64 or any(c in self.name for c in "/#@"):
            raise InputError(f"campaign: a name of 1 to 64 characters without / # @ is needed, got {self.name!r}", "name")
        if self.version < 1:
            raise InputError(f"campaign {self.name!r}: version counts from 1, got {self.version}", "version")
        if not self.steps:
            raise InputError(f"campaign {self.name!r}: at least one step is needed", "steps")
        seen = set[str]()
        for step in self.steps:
            named = [step.after] if step.after else []
            named += [Condition.parse(step.when).step] if step.when else []
            for other in named:
                if other not in seen:
                    raise InputError(f"step {step.id!r}: there is no earlier step {other!r}", "after")
            if step.id in seen:
                raise InputError(f"campaign {self.name!r}: two steps are called {step.id!r}", "steps")
            seen.add(step.id)
        for condition in self.stop_when:
            if Condition.parse(condition).step not in seen:
                raise InputError(f"campaign {self.name!r}: stop_when names an unknown step: {condition}", "stop_when")

    @property
    def key(self) -> str:
        """The name in the ledger: versions are campaigns of their own."""
        return self.name if self.version == 1 else f"{self.name}@{self.version}"

    def step(self, step_id: str) -> Step:
        """One step."""
        return next(s for s in self.steps if s.id == step_id)

    def to_json(self) -> dict[str, Any]:
        """The campaign as JSON; guards are part of it."""
        guards = self.guards
        return {
            "name": self.name,
            "kind": self.kind,
            "version": self.version,
            "stop_when": list(self.stop_when),
            "steps": [step.to_json() for step in self.steps],
            "guards": {
                "quiet": [guards.quiet_from.isoformat(), guards.quiet_to.isoformat()],
                "per_day": guards.per_day,
                "per_month": guards.per_month,
                "zone": str(guards.zone),
            },
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The campaign from JSON."""
        guards = value["guards"]
        quiet_from, quiet_to = map(time.fromisoformat, guards["quiet"])
        return cls(
            value["name"],
            tuple(Step.from_json(step) for step in value["steps"]),
            value["kind"],
            value["version"],
            tuple(value["stop_when"]),
            Guards(quiet_from, quiet_to, guards["per_day"], guards["per_month"], _zone(guards["zone"])),
        )


def request_number(campaign: str, step: str, person: str, prefix: str = "siyu", n: int = 0) -> str:
    """The request number of one coupon: the same for the same campaign, step and person, for ever. 26 base32 characters after a prefix."""
    import base64

    hashed = hashlib.sha256(f"{campaign}|{step}|{person}|{n}".encode()).digest()
    return f"{prefix}-{base64.b32encode(hashed).decode()[:26]}"
