"""Access tokens: who holds one, until when; the two ways in which platforms hand them out."""

from __future__ import annotations

from typing import Literal

from attrs import define

from .world import World

Verdict = Literal["valid", "missing", "expired", "invalid"]


@define
class _Token:
    text: str
    expires: float


class Tokens:
    """Tokens of one app, by virtual time. `void()` is what an administrator or a second system may do to them at any time."""

    LIFE = 7200
    OVERLAP = 300
    """Seconds for which an old token is still accepted beside its successor."""

    def __init__(self, world: World, owner: str) -> None:
        self._world = world
        self._owner = owner
        self._issued: dict[str, float] = {}
        self._current: _Token | None = None
        self._forced: list[float] = []

    def check(self, text: str) -> Verdict:
        """What a token is worth at this moment."""
        if not text:
            return "missing"
        expires = self._issued.get(text)
        if expires is None:
            return "invalid"
        return "valid" if self._world.clock.time() < expires else "expired"

    def void(self) -> None:
        """Every token so far becomes invalid (40014 on WeCom, 40001 on mini-program and store), not expired."""
        self._issued.clear()
        self._current = None

    def fetch(self) -> tuple[str, int]:
        """gettoken: the same token for as long as it lives, with the seconds that are left."""
        now = self._world.clock.time()
        current = self._current
        if current is None or current.expires <= now:
            current = self._mint(now)
        return current.text, _left(current, now)

    def fetch_stable(self, *, force: bool) -> tuple[str, int]:
        """stable_token: the same token; in its last five minutes the successor, both being valid until the old one ends.

        A forced refresh sooner than 30 s after the last gives the unchanged token; the token it replaces is accepted for five minutes
        more, but a second forced refresh voids it at once. Raises OverflowError after 20 forced refreshes in 24 h.
        """
        now = self._world.clock.time()
        current = self._current
        if current is None or current.expires - now < self.OVERLAP:
            current = self._mint(now)
        elif force and not (self._forced and now - self._forced[-1] < 30):
            self._forced = [at for at in self._forced if now - at < 86400]
            if len(self._forced) >= 20:
                raise OverflowError
            self._forced.append(now)
            self._issued = {current.text: min(current.expires, now + self.OVERLAP)}
            current = self._mint(now)
        return current.text, _left(current, now)

    def _mint(self, now: float) -> _Token:
        text = self._world.dice.token(120, "token", self._owner, len(self._issued), now)
        self._current = token = _Token(text, now + self.LIFE)
        self._issued[text] = token.expires
        return token


def _left(token: _Token, now: float) -> int:
    return max(1, int(token.expires - now))
