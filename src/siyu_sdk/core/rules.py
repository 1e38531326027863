"""The table of limits: what a platform allows, and which of it counts for a call.

The figures are the platforms' published ones, taken as advice: an endpoint's own `limit=` goes before them, and what a client was told
(`limits=`) before everything. Figures that nobody is sure of are in the table, and hold nobody back.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from attrs import frozen

from .errors import InputError
from .limits import SECONDS, Limit, Refusal, Rule

ENFORCED: Final = frozenset({"account+api", "account+family", "app+api", "ip"})
SURE: Final = frozenset({"high", "medium"})
NAMES: Final = {seconds: name for name, seconds in SECONDS.items()}


@frozen
class Figure:
    """One row of the table."""

    platform: str
    api: tuple[str, ...]
    """Paths, `*` for each one; with `!` before it, one that is taken out."""
    kind: str
    """`rate`, `concurrency` or `size`."""
    limit: int | None
    seconds: int | None
    """The window of a rate."""
    unit: str
    scope: str
    """What counts together: `account+api`, `account+family` (all its paths), `app+api`, `ip`, `call`, or what only they can count."""
    code: int | str
    """The platform's code for too much of it."""
    confidence: str
    what: str
    source: str

    @property
    def enforced(self) -> bool:
        """Whether clients keep to it by themselves."""
        counted = self.kind != "size" and self.unit == "calls" and self.limit is not None
        return counted and self.scope in ENFORCED and self.confidence in SURE

    def covers(self, path: str, method: str = "") -> bool:
        """Whether it is about that path: one of the documentation, or one that is sent."""
        path, found = _plain(path), False
        for api in map(_api, self.api):
            if api.matches(path, method):
                if api.out:
                    return False
                found = True
        return found


@frozen
class _Api:
    """One entry of a figure's `api`."""

    out: bool
    verb: str
    path: str
    shape: re.Pattern[str]

    def matches(self, path: str, method: str) -> bool:
        return (not self.verb or not method or self.verb == method) and self.shape.fullmatch(path) is not None


@functools.cache
def _api(text: str) -> _Api:
    verb, _, path = text.removeprefix("!").rpartition(" ")
    path = _plain(path)
    shape = "".join({"{}": "[^/]+", "*": ".*"}.get(part, re.escape(part)) for part in re.split(r"(\{\}|\*)", path))
    return _Api(text.startswith("!"), verb, path, re.compile(shape))


def _plain(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path.partition("?")[0])


@functools.cache
def table() -> tuple[Figure, ...]:
    """The whole table, read at first use."""
    from importlib.resources import files

    rows: list[dict[str, Any]] = json.loads(files("siyu_sdk.core").joinpath("data/limits.json").read_text(encoding="utf-8"))
    return tuple(Figure(api=tuple(row.pop("api")), **row) for row in rows)


def rules_for(platform: str, path: str, method: str = "") -> tuple[Figure, ...]:
    """What is known of the limits of one API: rates, concurrency and sizes, those of every API included.

    `path` is that of the documentation, with its placeholders whatever their names. `figure.enforced` tells which ones clients keep to.
    """
    return tuple(figure for figure in table() if figure.platform == platform and figure.covers(path, method))


@functools.cache
def _enforced(platform: str) -> tuple[Figure, ...]:
    return tuple(figure for figure in table() if figure.platform == platform and figure.enforced)


@functools.cache
def _concurrency_codes(platform: str) -> frozenset[str]:
    return frozenset(str(figure.code) for figure in table() if figure.platform == platform and figure.kind == "concurrency")


@functools.cache
def _shortest(platform: str, code: str) -> float:
    """The shortest window that refuses with this code; a second where none is known."""
    return min((float(f.seconds) for f in _enforced(platform) if f.seconds and str(f.code) == code), default=1.0)


class Rulebook:
    """The rules of one client's calls, looked up once for each API."""

    MOST: Final = 2048

    def __init__(self, platform: str, tenant: str, app: str = "", own: Mapping[str, Limit | None] | None = None) -> None:
        """`tenant` names the account and `app` the app in keys; `own` are the client's figures, by path, `*` for each API or `ip`."""
        self.platform, self.tenant, self.app = platform, tenant, app or tenant
        self.own = dict[str, Limit | None]()
        for name, limit in (own or {}).items():
            if not re.fullmatch(r"\*|ip|([A-Z]+ )?/[^*]*", name):
                raise InputError(f"limits: a path without *, '*' for each API or 'ip' is expected, got {name!r}", "limits")
            if limit is not None and not isinstance(limit, Limit):  # pyright: ignore[reportUnnecessaryIsInstance] -- settings come untyped
                raise InputError(f"limits: {name}: a Limit is expected, or None for no limit; got {type(limit).__name__}", "limits")
            self.own[_plain(name)] = limit
        self._known: dict[tuple[str, str, Limit | None], tuple[Rule, ...]] = {}

    def rules(self, method: str, path: str, declared: Limit | None) -> tuple[Rule, ...]:
        """What a call counts for; the first is its own API."""
        key = method, path, declared
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= self.MOST:  # of `request`, with ids in the path
                self._known.clear()
            known = self._known[key] = self._look_up(method, path.partition("?")[0], declared)
        return known

    def _look_up(self, method: str, path: str, declared: Limit | None) -> tuple[Rule, ...]:
        figures = [figure for figure in _enforced(self.platform) if figure.covers(path, method)]
        sent = _plain(path)
        paths = (api.path for figure in figures for api in map(_api, figure.api) if not api.out and api.matches(sent, method))
        plain = next((known for known in paths if "*" not in known), sent)  # ids in it are no APIs of their own
        api, address = f"{self.tenant}:{method} {plain}", f"ip:{self.platform}"
        rules, families = {api: Limit()}, set[str]()
        for figure in sorted(figures, key=lambda f: f.api[0] != "*"):  # those of one API go before those of each
            keys = {"ip": address, "app+api": f"{self.app}:{method} {plain}", "account+family": f"{self.tenant}:{figure.api[0]}"}
            key = keys.get(figure.scope, api)
            families.update([key] if figure.scope == "account+family" else [])
            rules[key] = _limit(figure).over(rules.get(key, Limit()))
        rules[api] = (declared or Limit()).over(rules[api])
        names = dict.fromkeys(("*", plain, f"{method} {plain}", sent, f"{method} {sent}"))
        for key, limit in rules.items():
            told = self._told(limit, ("ip",) if key == address else names)
            rules[key] = told if key not in families or told == Limit() else limit  # a family's figure is not one path's to change
        return tuple(Rule(key, limit) for key, limit in rules.items() if key == api or limit != Limit())

    def _told(self, limit: Limit, names: Iterable[str]) -> Limit:
        for name in names:
            if name in self.own:
                own = self.own[name]
                limit = Limit() if own is None else own.over(limit)
        return limit

    def refusal(self, rules: tuple[Rule, ...], code: int | str, asked: float | None) -> Refusal:
        """What a refusal for a limit says: too many at once, or too many in a time, and in which."""
        if str(code) in _concurrency_codes(self.platform):
            return Refusal(concurrent=True, seconds=0.0)
        known = [seconds for rule in rules for seconds, _ in rule.limit.windows()]
        return Refusal(concurrent=False, seconds=asked or (min(known) if known else _shortest(self.platform, str(code))))


def _limit(figure: Figure) -> Limit:
    return Limit(**{"concurrent" if figure.kind == "concurrency" else NAMES[float(figure.seconds or 0)]: figure.limit})
