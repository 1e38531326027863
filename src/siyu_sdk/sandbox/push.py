"""Requests in the other direction: callbacks and notices that a platform posts to somebody's server.

As in life, they come late, twice, in another order, or not at all, as far as the settings say so, and again while nobody answers 2xx.
"""

from __future__ import annotations

import http.client
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

from attrs import field, frozen

from .world import World

TIMEOUT = 5.0
"""Real seconds within which the receiver has to answer."""


@frozen
class Message:
    """One HTTP request to the receiver, signed for the moment in which it goes out."""

    body: bytes = b""
    query: str = ""
    headers: Mapping[str, str] = field(factory=dict[str, str])
    method: str = "POST"


@frozen
class Attempt:
    """One delivery. `status` is the receiver's; 0: unreachable, or too slow."""

    at: float
    status: int
    reply: bytes


class Push:
    """Sends messages to one URL; nothing goes out while there is none."""

    def __init__(self, world: World, name: str, retries: Sequence[float]) -> None:
        self._world = world
        self._name = name
        self._retries = retries
        self._count = 0
        self.url: str | None = None
        self.drop = 0.0
        """Share of messages that get lost."""
        self.duplicate = 0.0
        """Share of messages that come twice."""
        self.reorder = 0.0
        """Share of messages that come some seconds late, after newer ones."""
        self.delay = 0.05
        """Seconds between a happening and the first delivery."""
        self.attempts: list[Attempt] = []

    def send(self, prepare: Callable[[], Message]) -> None:
        """Deliver soon what `prepare` makes; it is called anew for each delivery, so that signatures are fresh."""
        if self.url is None:
            return
        self._count += 1
        if self._roll("drop") < self.drop:
            return
        delay = self.delay
        if self._roll("reorder") < self.reorder:
            delay += 1 + 2 * self._roll("how late")
        copies = 2 if self._roll("duplicate") < self.duplicate else 1
        for copy in range(copies):
            self._world.timeline.after(delay + copy * 0.2, lambda: self._deliver(prepare, 0), delivery=True)

    def _roll(self, question: str) -> float:
        return self._world.dice.roll(question, self._name, self._count)

    def _deliver(self, prepare: Callable[[], Message], attempt: int) -> None:
        status = self.deliver(prepare()).status
        if not 200 <= status < 300 and attempt < len(self._retries):
            self._world.timeline.after(self._retries[attempt], lambda: self._deliver(prepare, attempt + 1), delivery=True)

    def deliver(self, message: Message) -> Attempt:
        """One request to the receiver, now."""
        parts = urlsplit(self.url or "")
        status, reply = 0, b""
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT)
        try:
            query = "&".join(filter(None, (parts.query, message.query)))
            connection.request(message.method, f"{parts.path or '/'}?{query}".rstrip("?"), message.body, dict(message.headers))
            response = connection.getresponse()
            status, reply = response.status, response.read()
        except (OSError, http.client.HTTPException):
            status = 0
        finally:
            connection.close()
        attempt = Attempt(self._world.clock.time(), status, reply)
        self.attempts.append(attempt)
        return attempt
