"""Plans, their conflicts and costs, and what came of them. Values: a plan is made without sending anything, and applied as it was shown."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from attrs import asdict, field, frozen

from .audience import Audience
from .campaign import Campaign, digest
from .core.errors import SiyuError
from .ledger import DONE, Decision, Delivery, State


class Why(StrEnum):
    """Why somebody does not get (all of) what a plan is about."""

    OPTED_OUT = "opted out"
    NOBODY_FOLLOWS = "nobody follows"
    NO_OPENID = "no openid"
    NO_UNIONID = "no unionid"
    OVER_QUOTA = "over quota"
    DUPLICATE_PERSON = "duplicate person"
    QUIET_HOURS = "quiet hours"
    UNREAD = "customers of these members could not be read"
    STALE = "customers read more than a day ago"


@frozen
class Conflict:
    """People whom a reason keeps from a step, or makes wait."""

    kind: Why
    step: str
    people: tuple[str, ...] = field(repr=False)
    waits: bool = False
    """They get it later, rather than not at all."""

    @property
    def count(self) -> int:
        """How many."""
        return len(self.people)

    @property
    def examples(self) -> tuple[str, ...]:
        """Some of them."""
        return self.people[:3]


@frozen
class Cost:
    """What a plan costs if everything goes well."""

    messages: int
    confirmations: int
    """Tasks that members have to confirm: one for each sender and content."""
    members: int
    coupons: int
    max_fen: int
    """What the coupons take off if every one is used."""

    @property
    def max_yuan(self) -> str:
        """The same in yuan."""
        return f"{self.max_fen // 100}.{self.max_fen % 100:02d}"


@frozen
class Plan:
    """Who gets what from whom. Nothing has been sent."""

    campaign: Campaign
    audience: Audience
    rows: tuple[Delivery, ...] = field(repr=False)
    conflicts: tuple[Conflict, ...]
    cost: Cost
    made_at: datetime
    people: frozenset[str] = field(repr=False, factory=frozenset[str])
    """Whom the audience meant when the plan was made, opted-out people left aside: what `apply` compares with."""
    start: datetime | None = None
    """Day 0, where one was given; otherwise it is the moment in which the plan was made."""

    @property
    def fingerprint(self) -> str:
        """Stands for exactly this plan: campaign, start, people, senders, contents."""
        rows = sorted((r.step, r.person, r.external_userid, r.sender, r.openid, r.content) for r in self.rows)
        start = self.start.timestamp() if self.start else None
        return digest([self.campaign.to_json(), start, self.audience.describe(), sorted(self.people), rows], 16)

    def table(self, limit: int = 20) -> str:
        """The first rows as text, for a terminal."""
        lines = [f"{'step':10} {'customer':34} {'sender':12} {'what':8}"]
        lines += [f"{r.step:10} {r.external_userid or r.openid:34} {r.sender:12} {r.kind:8}" for r in self.rows[:limit]]
        if len(self.rows) > limit:
            lines.append(f"… and {len(self.rows) - limit} more")
        return "\n".join(lines)

    def summary(self) -> dict[str, Any]:
        """The plan in a few numbers."""
        return {
            "campaign": self.campaign.key,
            "rows": len(self.rows),
            "cost": asdict(self.cost),
            "conflicts": {f"{c.step}: {c.kind}": c.count for c in self.conflicts},
            "fingerprint": self.fingerprint,
        }


class Drifted(SiyuError):
    """The audience is no longer the one that was planned for: plan again, look, and apply that."""

    def __init__(self, message: str, *, gone: int = 0, new: int = 0) -> None:
        super().__init__(message)
        self.gone, self.new = gone, new


@frozen
class Funnel:
    """How many stand where, for a step or a member."""

    name: str
    counts: Mapping[State, int]

    def __getitem__(self, state: State) -> int:
        return self.counts.get(state, 0)

    @property
    def planned(self) -> int:
        """Everybody, wherever they stand now."""
        return sum(self.counts.values())

    @property
    def reached(self) -> int:
        """Who has it."""
        return sum(n for state, n in self.counts.items() if state in DONE)


@frozen
class Report:
    """What came of a campaign, as the ledger knows it: every planned delivery is in exactly one state."""

    campaign: str
    rows: tuple[Delivery, ...] = field(repr=False)
    decisions: tuple[Decision, ...] = ()
    """What people said became of batches on hold: who, when and why."""

    def _count(self, rows: Iterable[Delivery], name: str) -> Funnel:
        return Funnel(name, dict(Counter(row.state for row in rows)))

    @property
    def total(self) -> Funnel:
        """All deliveries."""
        return self._count(self.rows, self.campaign)

    def by_step(self) -> tuple[Funnel, ...]:
        """A funnel for each step."""
        return tuple(self._count((r for r in self.rows if r.step == step), step) for step in dict.fromkeys(r.step for r in self.rows))

    def by_member(self) -> tuple[Funnel, ...]:
        """A funnel for each sending member."""
        senders = sorted({r.sender for r in self.rows if r.sender})
        return tuple(self._count((r for r in self.rows if r.sender == sender), sender) for sender in senders)

    @property
    def sent(self) -> int:
        """Messages that reached a customer."""
        return self._of("message")[State.SENT]

    @property
    def awaiting_member(self) -> int:
        """Messages whose member has not pressed send."""
        return self._of("message")[State.AWAITING]

    @property
    def not_friend(self) -> int:
        """Messages to people who deleted the member meanwhile."""
        return self._of("message")[State.NOT_FRIEND]

    @property
    def over_limit(self) -> int:
        """Messages that the platform's cap kept back."""
        return self._of("message")[State.OVER_LIMIT]

    @property
    def on_hold(self) -> Mapping[str, str]:
        """The batches on hold, with the reason: `resume(…, retry_held=True)` takes them up; of what is ambiguous somebody decides."""
        return {row.batch: row.reason for row in self.rows if row.state == State.HELD}

    @property
    def redeemed_fen(self) -> int:
        """What the used coupons took off."""
        return sum(row.fen for row in self.rows if row.state == State.REDEEMED)

    def _of(self, kind: str) -> Funnel:
        return self._count((r for r in self.rows if r.kind == kind), kind)

    def reasons(self) -> dict[str, int]:
        """Why deliveries ended without reaching anybody."""
        return dict(Counter(row.reason for row in self.rows if row.reason))

    def to_csv(self, path: str | Path | None = None) -> str:
        """All rows as CSV; written to a file if a path is given."""
        out = io.StringIO()
        columns = ("campaign", "step", "person", "external_userid", "sender", "kind", "state", "reason", "msgid", "coupon_code", "fen")
        writer: csv.DictWriter[str] = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in self.rows)
        if path is not None:
            Path(path).write_text(out.getvalue(), encoding="utf-8-sig")  # with a mark, so that spreadsheets read the Chinese
        return out.getvalue()
