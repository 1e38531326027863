"""What the ledger keeps: deliveries and batches as values, and the tables they are rows of. Times are unix seconds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from uuid import uuid4

import attrs
from attrs import frozen

from .core.errors import UsageError

try:
    import sqlalchemy as sa
except ImportError:  # pragma: no cover -- an environment without the extra
    raise UsageError('the ledger needs SQLAlchemy: pip install "siyu-sdk[sop]"') from None


class State(StrEnum):
    """Where the delivery of one step to one person stands."""

    PLANNED = "planned"
    """Its day has not come, or what it waits for has not happened."""
    QUEUED = "queued"
    """In a batch that is being worked on."""
    AWAITING = "awaiting"
    """The task exists; the member has not pressed send."""
    SENT = "sent"
    NOT_FRIEND = "not_friend"
    OVER_LIMIT = "over_limit"
    """The platform's cap for this customer was reached."""
    ISSUED = "issued"
    """The coupon is in the wallet, and cannot be used before it is confirmed."""
    CONFIRMED = "confirmed"
    REDEEMED = "redeemed"
    REFUSED = "refused"
    SKIPPED = "skipped"
    HELD = "held"
    """Its outcome is ambiguous: an operator decides."""
    CANCELLED = "cancelled"


DONE = frozenset({State.SENT, State.ISSUED, State.CONFIRMED, State.REDEEMED})
"""The person has it."""
ENDED = DONE | {State.NOT_FRIEND, State.OVER_LIMIT, State.REFUSED, State.SKIPPED, State.HELD, State.CANCELLED}


class BatchState(StrEnum):
    """Where a batch stands."""

    WAITING = "waiting"
    INTENT = "intent"
    """Somebody is sending it, or died while doing so."""
    SENT = "sent"
    REFUSED = "refused"
    HELD = "held"
    CANCELLED = "cancelled"


OPEN = (BatchState.WAITING, BatchState.INTENT)


@frozen
class Delivery:
    """One step for one person."""

    campaign: str
    step: str
    person: str
    kind: str
    """`message` or `coupon`."""
    external_userid: str
    sender: str
    name: str
    openid: str
    content: str
    """The hash of what is said: a batch has one content."""
    due: float
    state: State = State.PLANNED
    reason: str = ""
    batch: str = ""
    msgid: str = ""
    request_no: str = ""
    coupon_code: str = ""
    fen: int = 0
    """What the coupon takes off when it is used."""
    changed: float = 0.0


@frozen
class Batch:
    """One unit of remote work."""

    id: str
    campaign: str
    step: str
    kind: str
    sender: str
    payload: Mapping[str, Any]
    """What is sent: the message, or the coupon."""
    state: BatchState = BatchState.WAITING
    token: str = ""
    """Who took the intent: one run of one process."""
    intent_at: float = 0.0
    """By the client's clock, so that the platform's list can be searched from there."""
    taken_at: float = 0.0
    """By the machine's clock: settling takes real seconds."""
    attempts: int = 0
    msgid: str = ""
    note: str = ""
    created: float = 0.0


@frozen
class Decision:
    """What a person said of a batch that was on hold."""

    batch: str
    campaign: str
    arrived: bool
    by: str
    why: str
    at: float


META = sa.MetaData()
_text: type[sa.types.TypeEngine[str]] = sa.String
_number: type[sa.types.TypeEngine[float]] = sa.Float

CAMPAIGNS = sa.Table(
    "siyu_campaign",
    META,
    sa.Column("name", _text, primary_key=True),
    sa.Column("kind", _text, nullable=False),
    sa.Column("fingerprint", _text, nullable=False),
    sa.Column("definition", sa.Text, nullable=False),
    sa.Column("state", _text, nullable=False),
    sa.Column("created", _number, nullable=False),
)
DELIVERIES = sa.Table(
    "siyu_delivery",
    META,
    sa.Column("campaign", _text, primary_key=True),
    sa.Column("step", _text, primary_key=True),
    sa.Column("person", _text, primary_key=True),
    *(sa.Column(name, _text, nullable=False) for name in ("kind", "external_userid", "sender", "name", "openid", "content")),
    sa.Column("due", _number, nullable=False),
    *(sa.Column(name, _text, nullable=False) for name in ("state", "reason", "batch", "msgid", "request_no", "coupon_code")),
    sa.Column("fen", sa.Integer, nullable=False),
    sa.Column("changed", _number, nullable=False),
    sa.Index("siyu_delivery_due", "campaign", "state", "due"),
    sa.Index("siyu_delivery_batch", "batch"),
    sa.Index("siyu_delivery_request", "request_no"),
    sa.Index("siyu_delivery_person", "external_userid", "changed"),
)
BATCHES = sa.Table(
    "siyu_batch",
    META,
    sa.Column("id", _text, primary_key=True),
    *(sa.Column(name, _text, nullable=False) for name in ("campaign", "step", "kind", "sender")),
    sa.Column("payload", sa.Text, nullable=False),
    *(sa.Column(name, _text, nullable=False) for name in ("state", "token")),
    sa.Column("intent_at", _number, nullable=False),
    sa.Column("taken_at", _number, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    *(sa.Column(name, _text, nullable=False) for name in ("msgid", "note")),
    sa.Column("created", _number, nullable=False),
    # The sender while a message of theirs is in flight, else null: unique, so that a sender has one at a time and a match in the
    # platform's list of tasks is unambiguous.
    sa.Column("flight", _text, unique=True),
    sa.Index("siyu_batch_campaign", "campaign", "state"),
)
DECISIONS = sa.Table(
    "siyu_decision",
    META,
    sa.Column("batch", _text, primary_key=True),
    sa.Column("campaign", _text, nullable=False, index=True),
    sa.Column("arrived", sa.Boolean, nullable=False),
    *(sa.Column(name, _text, nullable=False) for name in ("by", "why")),
    sa.Column("at", _number, nullable=False),
)
COUPONS = sa.Table(
    "siyu_coupon",
    META,
    sa.Column("coupon_code", _text, primary_key=True),
    *(sa.Column(name, _text, nullable=False) for name in ("stock_id", "product_coupon_id", "appid", "openid", "request_no", "state")),
    sa.Column("changed", _number, nullable=False),
)
IDENTITIES = sa.Table(
    "siyu_identity",
    META,
    sa.Column("unionid", _text, primary_key=True),
    sa.Column("appid", _text, primary_key=True),
    sa.Column("openid", _text, nullable=False),
    sa.Index("siyu_identity_openid", "openid"),
)
OPT_OUTS = sa.Table(
    "siyu_opt_out",
    META,
    sa.Column("person", _text, primary_key=True),
    sa.Column("reason", _text, nullable=False),
    sa.Column("at", _number, nullable=False),
)
HEARTBEATS = sa.Table("siyu_heartbeat", META, sa.Column("name", _text, primary_key=True), sa.Column("at", _number, nullable=False))


def delivery_of(row: Mapping[str, Any]) -> Delivery:
    """Make a delivery of its row."""
    fields: dict[str, Any] = {**row, "state": State(row["state"])}
    return Delivery(**fields)


def new_batch_id(campaign: str, step: str) -> str:
    """An id that no batch has had: people can be put into batches again, and an engine does no work twice under one id."""
    return f"{campaign}/{step}/{uuid4().hex[:16]}"


def unchanged(batch: Batch) -> tuple[Any, ...]:
    """Say in SQL that a batch is as it was read: still open, and in the same hands."""
    return BATCHES.c.id == batch.id, BATCHES.c.state.in_([str(s) for s in OPEN]), BATCHES.c.token == batch.token


def stored(batch: Batch) -> dict[str, Any]:
    """Make the row of a new batch, which is not in flight."""
    return {**attrs.asdict(batch), "payload": json.dumps(batch.payload, ensure_ascii=False), "flight": None}


def batch_of(row: Mapping[str, Any]) -> Batch:
    """Make a batch of its row."""
    fields: dict[str, Any] = {name: value for name, value in row.items() if name != "flight"}
    fields["state"], fields["payload"] = BatchState(row["state"]), json.loads(row["payload"])
    return Batch(**fields)
