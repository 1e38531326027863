"""What the helpers stand on: one hub with its ledger, clock, engine and what was read last."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from .core.call import Call, Flow
from .core.clock import Clock
from .core.endpoint import M, Resource

if TYPE_CHECKING:
    from .audience import Audiences, Snapshot
    from .ledger import Ledger
    from .sop.engine import Engine
    from .tagging import Tagging

R = TypeVar("R")


class Hub(Protocol):
    """One brand: its platforms and what the helpers share."""

    clock: Clock
    snapshot: Snapshot | None
    """Customers and orders as last read, tags as changed since."""
    tag_ids: Mapping[str, str]
    """«group/tag» → id, as last seen."""
    opt_out_tag: str
    """The corp tag of people who want nothing; they are in no audience."""
    appid: str
    """The mini-program whose openids coupons are sent to."""
    settle: timedelta
    """How long a doubtful send may take to show in the platform's lists."""
    watched: dict[str, float]
    """Since when (by the monotonic clock) this process has seen the intents of messages in doubt, by their tokens."""
    has_store: bool
    has_miniprogram: bool

    @property
    def ledger(self) -> Ledger:
        """What was planned, intended and sent."""
        ...

    @property
    def engine(self) -> Engine:
        """What carries batches to their end."""
        ...

    @property
    def audience(self) -> Audiences[Any]:
        """Sets of customers."""
        ...

    @property
    def tags(self) -> Tagging[Any]:
        """Tags by name."""
        ...

    def work(self, batch_id: str) -> Flow[float | None]:
        """One look at a batch."""
        ...

    def exchange(self, call: Call[R]) -> Flow[R]:
        """What sending a call takes."""
        ...


class Helper(Resource[M]):
    """Base of the helpers: flows over several platforms."""

    platform = "siyu"

    @property
    def hub(self) -> Hub:
        """The hub this helper belongs to."""
        return cast("Hub", self.client)
