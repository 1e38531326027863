"""What the ledger keeps beside campaigns: every coupon we heard of, who is who, who wants nothing, which workers live."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .database import Database, chunks
from .records import COUPONS, HEARTBEATS, IDENTITIES, OPT_OUTS

import sqlalchemy as sa  # isort: skip -- after records, which says how to install it
from sqlalchemy.exc import IntegrityError  # isort: skip


class Registers(Database):
    """Registers that all campaigns share."""

    # Coupons

    def keep_coupon(self, coupon: Mapping[str, Any], now: float) -> None:
        """Write down a coupon we were told of, before anything is done about it. A known one keeps its state."""
        try:
            self._do(COUPONS.insert(), {**coupon, "changed": now})
        except IntegrityError:
            return

    def coupon(self, coupon_code: str) -> Mapping[str, Any] | None:
        """A coupon by its code."""
        rows = self._do(sa.select(COUPONS).where(COUPONS.c.coupon_code == coupon_code))
        return rows[0] if rows else None

    def set_coupon(self, coupon_code: str, state: str, now: float) -> None:
        """Note where a coupon stands."""
        self._do(COUPONS.update().where(COUPONS.c.coupon_code == coupon_code).values(state=state, changed=now))

    # Who is who, who wants nothing, who lives

    def learn(self, appid: str, pairs: Iterable[tuple[str, str]]) -> int:
        """Keep (unionid, openid) pairs of an app; gives how many were new."""
        given = {u: o for u, o in pairs if u and o}
        known = self.openids(appid)
        new = [{"unionid": u, "appid": appid, "openid": o} for u, o in given.items() if known.get(u) != o]
        try:
            self._replace_openids(appid, new)
        except IntegrityError:  # another process learnt one of them this very moment; now it is there to be replaced
            self._replace_openids(appid, new)
        return len(new)

    def _replace_openids(self, appid: str, new: Sequence[Mapping[str, str]]) -> None:
        if new:
            with self._transaction() as connection:
                for chunk in chunks(row["unionid"] for row in new):
                    connection.execute(IDENTITIES.delete().where(IDENTITIES.c.appid == appid, IDENTITIES.c.unionid.in_(chunk)))
                connection.execute(IDENTITIES.insert(), new)

    def openids(self, appid: str) -> dict[str, str]:
        """Every openid of one app, by unionid."""
        return {row["unionid"]: row["openid"] for row in self._do(sa.select(IDENTITIES).where(IDENTITIES.c.appid == appid))}

    def opt_out(self, person: str, reason: str, now: float) -> None:
        """Never message this person (external_userid or unionid) again."""
        try:
            self._do(OPT_OUTS.insert(), {"person": person, "reason": reason, "at": now})
        except IntegrityError:
            return

    def opted_out(self) -> frozenset[str]:
        """Everybody who opted out."""
        return frozenset(row["person"] for row in self._do(sa.select(OPT_OUTS.c.person)))

    def beat(self, name: str, now: float | None = None) -> None:
        """A worker lives."""
        at = time.time() if now is None else now
        if not self._do(HEARTBEATS.update().where(HEARTBEATS.c.name == name).values(at=at)):
            try:
                self._do(HEARTBEATS.insert(), {"name": name, "at": at})
            except IntegrityError:
                return

    def silent(self, seconds: float) -> list[str]:
        """Workers that have not been heard of for so many (real) seconds."""
        return [row["name"] for row in self._do(sa.select(HEARTBEATS.c.name).where(HEARTBEATS.c.at < time.time() - seconds))]

    def forget(self, name: str) -> None:
        """A worker is gone, and its work adopted."""
        self._do(HEARTBEATS.delete().where(HEARTBEATS.c.name == name))
