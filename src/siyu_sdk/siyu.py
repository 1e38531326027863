"""The hub: one brand's platforms, and the helpers that stand on all of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast

from .core.call import Call, Flow
from .core.clock import Clock, SystemClock
from .core.endpoint import Async, M, Sync
from .core.errors import UsageError
from .core.run import AsyncRunner, Runner

if TYPE_CHECKING:
    from .audience import Audiences, Snapshot
    from .broadcast import Broadcast
    from .coupons import Coupons
    from .ledger import Ledger
    from .miniprogram.client import AsyncMiniProgram, MiniProgram
    from .pay.client import AsyncPay, Pay
    from .sidebar import Sidebar
    from .sop import Sops
    from .sop.engine import Engine
    from .store.client import AsyncStore, Store
    from .tagging import Tagging
    from .wecom.client import AsyncWeCom, WeCom

R = TypeVar("R")

OPT_OUT_TAG = "状态/免打扰"
SETTLE = timedelta(seconds=30)
"""Longer than a call's time limit and the platform's lag together."""


class SiyuAPI(Generic[M]):
    """The helpers, in either mode, and what they share."""

    clock: Clock
    snapshot: Snapshot | None = None
    tag_ids: Mapping[str, str]

    def _share(
        self,
        clients: Mapping[str, Any],
        *,
        ledger: Ledger | str,
        engine: Engine | None,
        clock: Clock | None,
        opt_out_tag: str,
        settle: timedelta,
    ) -> None:
        self._clients = {name: client for name, client in clients.items() if client is not None}
        self._ledger = ledger
        self._engine = engine
        self.clock = clock or next((client.clock for client in self._clients.values()), SystemClock())
        self.tag_ids = {}
        self.watched: dict[str, float] = {}
        self.opt_out_tag, self.settle = opt_out_tag, settle
        miniprogram = self._clients.get("miniprogram")
        self.appid: str = miniprogram.appid if miniprogram is not None else ""
        self.has_miniprogram, self.has_store = miniprogram is not None, "store" in self._clients

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self._clients.values()))})"

    def exchange(self, call: Call[R]) -> Flow[R]:
        """Route a call to the platform of its declaration."""
        client = self._clients.get(call.spec.platform)
        if client is None:
            raise UsageError(f"{call!r} needs the {call.spec.platform} platform, and this hub was made without it")
        return cast("Flow[R]", client.exchange(call))

    @cached_property
    def ledger(self) -> Ledger:
        """What was planned, intended and sent; opened when it is first needed."""
        if isinstance(self._ledger, str):
            from .ledger import Ledger

            return Ledger(self._ledger)
        return self._ledger

    @cached_property
    def engine(self) -> Engine:
        """What carries batches to their end."""
        if self._engine is None:
            from .sop.engine import InlineEngine

            return InlineEngine()
        return self._engine

    def work(self, batch_id: str) -> Flow[float | None]:
        """One look at a batch of the ledger: what an engine calls until it gives None."""
        from .delivery import look

        return look(cast("Any", self), batch_id)

    def hold(self, batch_id: str, reason: str) -> Flow[None]:
        """Take a batch out of work for an operator to look at: what an engine does with an error that nobody foresaw."""
        from .delivery import hold

        return hold(cast("Any", self), batch_id, reason)

    @cached_property
    def audience(self) -> Audiences[M]:
        """Sets of customers."""
        from .audience import Audiences

        return Audiences(cast("Any", self))

    @cached_property
    def tags(self) -> Tagging[M]:
        """Tags by name."""
        from .tagging import Tagging

        return Tagging(cast("Any", self))

    @cached_property
    def broadcast(self) -> Broadcast[M]:
        """One message to an audience."""
        from .broadcast import Broadcast

        return Broadcast(cast("Any", self))

    @cached_property
    def coupons(self) -> Coupons[M]:
        """Coupons to an audience."""
        from .coupons import Coupons

        return Coupons(cast("Any", self))

    @cached_property
    def sidebar(self) -> Sidebar[M]:
        """What a page in the sidebar of a chat needs."""
        from .sidebar import Sidebar

        return Sidebar(cast("Any", self))

    @cached_property
    def sop(self) -> Sops[M]:
        """Campaigns of several steps."""
        from .sop import Sops

        return Sops(cast("Any", self))


class Siyu(SiyuAPI[Sync], Runner):
    """One brand, for threads. Give it the platforms it has; `ledger` is a database URL (SQLite or PostgreSQL) or a `Ledger`.

    `settle` is how long a doubtful send may take to show in the platform's lists: at least twice the time limit of the WeCom client.
    `opt_out_tag` («group/tag») marks people who are never sent anything.
    """

    def __init__(
        self,
        *,
        wecom: WeCom | None = None,
        miniprogram: MiniProgram | None = None,
        store: Store | None = None,
        pay: Pay | None = None,
        ledger: Ledger | str = "sqlite:///siyu.db",
        engine: Engine | None = None,
        clock: Clock | None = None,
        opt_out_tag: str = OPT_OUT_TAG,
        settle: timedelta = SETTLE,
    ) -> None:
        self.wecom, self.miniprogram, self.store, self.pay = wecom, miniprogram, store, pay
        clients = {"wecom": wecom, "miniprogram": miniprogram, "store": store, "pay": pay}
        self._share(clients, ledger=ledger, engine=engine, clock=clock, opt_out_tag=opt_out_tag, settle=settle)

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None, **options: Any) -> Self:
        """Make a hub from `SIYU_WECOM_CORPID`, `SIYU_WECOM_CORPSECRET`, `SIYU_PAY_MCHID` …: see the guide for all of them."""
        from .environment import clients_from

        return cls(
            **{**clients_from(os.environ if environment is None else environment, is_async=False, clock=options.get("clock")), **options}
        )

    def close(self) -> None:
        """Close every platform's connections, and the ledger."""
        for client in self._clients.values():
            client.close()
        if "ledger" in self.__dict__:
            self.ledger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class AsyncSiyu(SiyuAPI[Async], AsyncRunner):
    """One brand, for tasks; otherwise as `Siyu`. The ledger is worked on in threads."""

    def __init__(
        self,
        *,
        wecom: AsyncWeCom | None = None,
        miniprogram: AsyncMiniProgram | None = None,
        store: AsyncStore | None = None,
        pay: AsyncPay | None = None,
        ledger: Ledger | str = "sqlite:///siyu.db",
        engine: Engine | None = None,
        clock: Clock | None = None,
        opt_out_tag: str = OPT_OUT_TAG,
        settle: timedelta = SETTLE,
    ) -> None:
        super().__init__()
        self.wecom, self.miniprogram, self.store, self.pay = wecom, miniprogram, store, pay
        clients = {"wecom": wecom, "miniprogram": miniprogram, "store": store, "pay": pay}
        self._share(clients, ledger=ledger, engine=engine, clock=clock, opt_out_tag=opt_out_tag, settle=settle)

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None, **options: Any) -> Self:
        """Make a hub from the environment, as `Siyu.from_env` does."""
        from .environment import clients_from

        return cls(
            **{**clients_from(os.environ if environment is None else environment, is_async=True, clock=options.get("clock")), **options}
        )

    async def aclose(self) -> None:
        """Close every platform's connections, and the ledger."""
        for client in self._clients.values():
            await client.aclose()
        if "ledger" in self.__dict__:
            self.ledger.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()
