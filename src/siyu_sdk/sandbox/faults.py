"""Faults on order: by path, by rate, by count; drawn from the seed, so that a failing run can be repeated."""

from __future__ import annotations

import random
import threading
from fnmatch import fnmatchcase
from typing import Literal, get_args

from attrs import define, field

Kind = Literal["drop_after_commit", "reset", "http_500", "slow", "truncate", "html", "errcode"]


@define
class Fault:
    """One thing that goes wrong, and how often it has."""

    path: str
    """A glob over paths, "*" for all."""
    kind: Kind
    rate: float = 1.0
    """Share of matching calls, 0 to 1."""
    times: int | None = None
    """How often at most; None without end."""
    platform: str = "*"
    """"wecom", "miniprogram", "store", "pay" or "*"."""
    seconds: float = 30.0
    """For "slow": real seconds before the call is even looked at."""
    code: int | str = -1
    """For "errcode": what the platform answers; on WeChat Pay a text such as SYSTEM_ERROR."""
    after: bool = False
    """For "http_500", "html" and "errcode": do what was asked first, then answer with the fault."""
    hits: int = field(default=0, init=False)


class Faults:
    """The faults in force. The first one that matches and fires decides."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._random = random.Random(f"faults {seed}")
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(
        self,
        *,
        kind: Kind,
        path: str = "*",
        rate: float = 1.0,
        times: int | None = None,
        platform: str = "*",
        seconds: float = 30.0,
        code: int | str = -1,
        after: bool = False,
    ) -> Fault:
        """Let calls fail from now on.

        `drop_after_commit`: done, then the connection closes without an answer. `reset`: connection reset, nothing done. `http_500`:
        nothing done. `slow`: waits `seconds`, then does it. `truncate`: done, half of the JSON comes back. `html`: a proxy's page with
        status 200, nothing done. `errcode`: the platform's error `code`, nothing done. ValueError for another kind or a rate outside 0–1.
        """
        if kind not in get_args(Kind):
            raise ValueError(f"kind must be one of {', '.join(get_args(Kind))}, not {kind!r}")
        if not 0 <= rate <= 1:
            raise ValueError(f"rate must lie between 0 and 1, not {rate}")
        fault = Fault(path, kind, rate, times, platform, seconds, code, after)
        with self._lock:
            self._faults.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        """This fault no more."""
        with self._lock:
            self._faults = [other for other in self._faults if other is not fault]

    def clear(self) -> None:
        """No more faults, and the same luck as at the start."""
        with self._lock:
            self._faults.clear()
            self._random.seed(f"faults {self._seed}")

    def draw(self, platform: str, path: str) -> Fault | None:
        """The fault that hits this call, if any."""
        if not self._faults or platform == "control":
            return None
        with self._lock:
            for fault in self._faults:
                if fault.times is not None and fault.hits >= fault.times:
                    continue
                if not (fnmatchcase(path, fault.path) and fnmatchcase(platform, fault.platform)):
                    continue
                if fault.rate >= 1 or self._random.random() < fault.rate:
                    fault.hits += 1
                    return fault
        return None
