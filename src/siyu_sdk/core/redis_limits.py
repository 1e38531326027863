"""Limits that processes on many machines keep together, over Redis."""

from __future__ import annotations

import json
import logging
import math
import random
import time
import uuid
import warnings
from contextlib import suppress
from typing import Any, Final

from attrs import asdict

from .errors import InputError
from .limits import Learnt, MemoryLimiter, Refusal, Turn
from .redis_client import connected

logger = logging.getLogger("siyu_sdk")

LEASE: Final = 120.0
"""Seconds after which the place of a process that died in the midst of a call is free again."""
REST: Final = 10.0
"""Seconds before a Redis that failed is asked again."""

# Calls in flight are leases in a sorted set; those that have ended lie in heaps, a hundred to a window, in a list with their sum beside it.
# What was learnt is text that clients make: who acts on an older one is told the newer one. The time is Redis's own.
SCRIPT: Final = """
local clock = redis.call('TIME')
local t = clock[1] + clock[2] / 1000000
local op, member, scopes = ARGV[1], ARGV[2], cjson.decode(ARGV[3])
local stamp = string.format('%.6f', t)
local lesson = KEYS[1] .. ':learnt'
local learnt = redis.call('GET', lesson) or ''

local function ended(key, seconds)
  local list = key .. ':' .. seconds
  local total, before = tonumber(redis.call('GET', list .. ':sum') or '0')
  before = total
  while true do
    local head = redis.call('LINDEX', list, 0)
    if not head then total = 0 break end
    local till, calls = head:match('([^:]+):(.+)')
    if tonumber(till) > t - seconds and tonumber(till) <= t + seconds then break end
    redis.call('LPOP', list)
    total = total - tonumber(calls)
  end
  if total ~= before then redis.call('SET', list .. ':sum', total, 'KEEPTTL') end
  return total, list
end

if op == 'learn' then
  if learnt ~= ARGV[4] then return {'0', learnt, stamp} end
  if ARGV[5] == '' then redis.call('DEL', lesson) else redis.call('SET', lesson, ARGV[5], 'EX', 86400) end
  return {'1', ARGV[5], stamp}
end

if op == 'release' then
  local known = redis.call('ZSCORE', KEYS[1] .. ':flights', member)
  if not known then return {'-1', learnt, stamp} end
  for i, scope in ipairs(scopes) do
    local flights = KEYS[i] .. ':flights'
    local flew = redis.call('ZREM', flights, member)
    if flew == 1 then
      for _, window in ipairs(scope.windows) do
        local seconds = window[1]
        local total, list = ended(KEYS[i], seconds)
        local last = redis.call('LINDEX', list, -1)
        local till, calls = (last or '0:0'):match('([^:]+):(.+)')
        if last and t <= tonumber(till) then
          redis.call('LSET', list, -1, till .. ':' .. (tonumber(calls) + 1))
        else
          redis.call('RPUSH', list, string.format('%.6f:1', t + seconds / 100))
        end
        redis.call('SET', list .. ':sum', total + 1, 'EX', seconds + 60)
        redis.call('EXPIRE', list, seconds + 60)
      end
    end
  end
  return {tostring(redis.call('ZCARD', KEYS[1] .. ':flights')), learnt, stamp}
end

if learnt ~= ARGV[4] then return {'stale', learnt, stamp} end
if t < tonumber(ARGV[5]) then return {string.format('%.6f', ARGV[5] - t), learnt, stamp} end
local wait, full = 0, false
for i, scope in ipairs(scopes) do
  local flights = KEYS[i] .. ':flights'
  redis.call('ZREMRANGEBYSCORE', flights, '-inf', stamp)
  local flying = redis.call('ZCARD', flights)
  if scope.room >= 0 and flying >= scope.room then full = true end
  for _, window in ipairs(scope.windows) do
    local seconds, calls = window[1], window[2]
    local total, list = ended(KEYS[i], seconds)
    if flying + total + 1 > calls then
      local head = redis.call('LINDEX', list, 0)
      wait = math.max(wait, head and tonumber(head:match('[^:]+')) + seconds - t or 0.01, 0.001)
    end
  end
end
if wait > 0 then return {string.format('%.6f', wait), learnt, stamp} end
if full then return {'full', learnt, stamp} end
for i = 1, #scopes do
  redis.call('ZADD', KEYS[i] .. ':flights', t + tonumber(ARGV[6]), member)
  redis.call('PEXPIRE', KEYS[i] .. ':flights', math.ceil(ARGV[6] * 1000))
end
return {'0', learnt, stamp}
"""


class RedisLimiter:
    """Counts for all processes that use the same Redis; what one of them learns from a refusal holds for all.

    `client` is a URL or any redis-py client for threads; `prefix` tells environments on one Redis apart. Within a process it is first
    come, first served; a process that dies with calls in flight gives their places back when its leases end. A Redis that is away costs a
    warning, never a call: each process then counts for itself, and looks again every ten seconds. Needs `pip install "siyu-sdk[redis]"`.
    """

    blocking = True

    def __init__(self, client: Any, *, prefix: str = "", lease: float = LEASE) -> None:
        """`lease`: seconds that a call takes at most, its time-out included."""
        if lease <= 0:
            raise InputError(f"lease: some seconds are needed, got {lease}", "lease")
        self._client = connected(client, type(self).__name__)
        self._script = self._client.register_script(SCRIPT)
        self._prefix, self._lease = f"{prefix}{{siyu-limits}}:", lease
        self._near = MemoryLimiter()
        self._learnt: dict[str, str] = {}
        self._ahead = 0.0
        """Redis's time, less the monotonic one of this machine."""
        self._asked_again_at = 0.0
        self._warned = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def acquire(self, turn: Turn, now: float) -> float:
        """Let it go, or give the seconds after which to ask again."""
        if not turn.granted:  # the line is kept here: only whoever is at its head asks Redis
            wait = self._near.acquire(turn, now)
            if wait or turn.ended:
                return wait
            turn.place, turn.sent = uuid.uuid4().hex, False
        for _ in range(8):
            answer = self._ask("acquire", turn, *self._terms(turn))
            if answer is None:
                turn.place, turn.sent = "", True
                return 0.0
            if answer != "stale":
                break
        else:
            return 0.01
        if answer == "full":
            return random.uniform(0.003, 0.012)  # noqa: S311 -- so that those who wait do not come in step
        turn.sent, turn.let_go = answer == "0", self._time()
        if turn.sent and turn.ended:  # given up meanwhile
            self._ask("release", turn)
        return float(answer)

    def release(self, turn: Turn, now: float, refusal: Refusal | None = None) -> float:
        """Count the end of a call, or of the waiting for it."""
        shut = self._near.release(turn, now, refusal)
        if not turn.place or not turn.sent:
            return shut
        flying = self._ask("release", turn)
        if flying is None or int(flying) < 0:  # the latter: it was never let go, or took longer than its lease
            return shut
        for _ in range(8):
            known = self._learnt.get(turn.rules[0].key, "")
            lesson = self._lesson(turn, known, refusal, int(flying) + 1)
            if lesson == known or self._ask("learn", turn, known, lesson) in ("1", None):
                break
        learnt = self._known(turn)
        return max(shut, learnt.until - self._time()) if refusal is not None and learnt is not None else shut

    def _lesson(self, turn: Turn, known: str, refusal: Refusal | None, flying: int) -> str:
        learnt, now, cap = _read(known, self._time()), self._time(), turn.rules[0].limit.concurrent
        if refusal is not None:
            return _write((learnt or Learnt()).refused(refusal, turn.let_go, now, flying, cap))
        if learnt is None:
            return known
        after = learnt.succeeded(turn.let_go)
        return "" if after.over(now, cap) else _write(after) if after is not learnt else known

    def _known(self, turn: Turn) -> Learnt | None:
        return _read(self._learnt.get(turn.rules[0].key, ""), self._time())

    def _terms(self, turn: Turn) -> tuple[str, float, float]:
        learnt = self._known(turn)
        return self._learnt.get(turn.rules[0].key, ""), learnt.until if learnt is not None else 0.0, self._lease

    def _scopes(self, turn: Turn) -> str:
        learnt, now, scopes = self._known(turn), self._time(), list[dict[str, Any]]()
        for place, rule in enumerate(turn.rules):
            room, rate = rule.limit.concurrent, 1.0
            if learnt is not None and place == 0:
                room, rate = learnt.room(now, room), learnt.rate(now)
            windows = [[seconds, max(1, int(calls * rate))] for seconds, calls in rule.limit.windows()]
            scopes.append({"room": -1 if room is None else room, "windows": windows})
        return json.dumps(scopes)

    def _time(self) -> float:
        return time.monotonic() + self._ahead

    def _ask(self, what: str, turn: Turn, *more: object) -> str | None:
        """One question to Redis; None where it is away."""
        began = time.monotonic()
        if began < self._asked_again_at:
            return None
        if self._asked_again_at:
            self._asked_again_at = began + REST  # this caller tries; the others do not wait for a second failure
        keys = [self._prefix + rule.key for rule in turn.rules]
        try:
            answer, learnt, stamp = (_text(part) for part in self._script(keys=keys, args=[what, turn.place, self._scopes(turn), *more]))
        except Exception as error:  # noqa: BLE001 -- a limiter that fails must not fail a call, whatever its client library raises
            self._asked_again_at = time.monotonic() + REST
            self._complain(f"cannot be reached ({type(error).__name__}): this process counts for itself for now")
            return None
        self._asked_again_at = 0.0
        self._ahead = float(stamp) - time.monotonic()
        key = turn.rules[0].key
        if learnt:
            self._learnt[key] = learnt
        else:
            self._learnt.pop(key, None)
        return answer

    def _complain(self, trouble: str) -> None:
        logger.warning("%s %s", type(self).__name__, trouble)
        if not self._warned:
            self._warned = True
            with suppress(RuntimeWarning):  # where warnings are errors (-W error): a call must not fail for it
                warnings.warn(f"{type(self).__name__} {trouble}", RuntimeWarning, stacklevel=2)


def _read(text: str, now: float) -> Learnt | None:
    if not text:
        return None
    try:
        told = json.loads(text)
        if not all(math.isfinite(value) for name, value in told.items() if (name, value) != ("at_once", None)):
            return None
        return Learnt(**told).at(now)
    except (ValueError, TypeError, AttributeError, OverflowError):  # somebody else's: what is not understood teaches nothing
        return None


def _write(learnt: Learnt) -> str:
    return json.dumps(asdict(learnt))


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
