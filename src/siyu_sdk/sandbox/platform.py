"""What the four fake platforms have in common: requests, answers, refusals, a table of routes, strict reading of fields."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Generic, Protocol, TypeVar, cast

from attrs import evolve, field, frozen

from .tokens import Tokens
from .world import World

Json = dict[str, Any]
Handler = Callable[[Any, "Request"], "Json | Answer"]
S = TypeVar("S")
H = TypeVar("H", bound="Json | Answer")


@frozen
class Request:
    """One HTTP request as it came in. `target` is path and query exactly as sent: that is what gets signed."""

    method: str
    target: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    placeholders: Mapping[str, str] = field(factory=dict[str, str])


@frozen
class Answer:
    """One HTTP answer. `code` is the platform's own result code, for the recorder."""

    body: bytes = b""
    status: int = 200
    content_type: str = "application/json; charset=UTF-8"
    headers: Mapping[str, str] = field(factory=dict[str, str])
    code: int | str = 0


class Refusal(Exception):
    """The platform says no. Raised anywhere inside a handler, turned into the platform's form of error by its `refuse`."""

    def __init__(self, code: int | str, message: str, *, status: int = 200, fine_code: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.fine_code = fine_code


@frozen
class ErrorTable:
    """A platform's error codes as far as the sandbox answers them, and the codes for what every platform refuses."""

    messages: Mapping[int, str]
    tokens: Mapping[str, int]
    """For a token that is "missing", "invalid" or "expired"."""
    malformed: int
    """A body that is no JSON object, or a field of the wrong type."""
    missing: int
    """A field that is needed and not there."""

    def refusal(self, code: int | str, detail: str = "") -> Refusal:
        """The refusal with the platform's words for this code, `detail` naming the field or the reason."""
        message = self.messages.get(code, "unknown error") if isinstance(code, int) else code
        return Refusal(code, f"{message}: {detail}" if detail else message)


class Platform(Protocol):
    """What a server serves."""

    @property
    def name(self) -> str:
        """What the recorder calls it."""
        ...

    def answer(self, request: Request) -> Answer:
        """What the platform answers; refusals come in its own form."""
        ...

    def refuse(self, request: Request, refusal: Refusal) -> Answer:
        """A refusal in the platform's form."""
        ...

    def refusal(self, code: int | str) -> Refusal:
        """The error of this code with the platform's own words, for injected faults."""
        ...


def json_object(body: bytes) -> Json | None:
    """The object in a JSON body; None for anything else."""
    try:
        value: Any = json.loads(body)
    except ValueError:
        return None
    return cast("Json", value) if isinstance(value, dict) else None


def dump(value: object) -> bytes:
    """Compact JSON, not escaped."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


@frozen
class Route(Generic[S]):
    """One call that a platform answers."""

    handler: Callable[[S, Request], Json | Answer]
    token: bool = True
    """Whether the call needs an access token."""
    bare: bool = False
    """Whether success comes without errcode and errmsg."""
    at_once: int | None = None
    """Calls that may be under way at one moment; the next one is refused."""
    crowded: int = 45033
    """The code of that refusal."""
    seconds: float = 0.0
    """Real time that the platform takes over one call."""


class Router(Generic[S]):
    """Method and path to handler, `{placeholders}` included. Used as a decorator, in the order of the documentation."""

    def __init__(self) -> None:
        self._exact: dict[tuple[str, str], Route[S]] = {}
        self._patterns: list[tuple[str, re.Pattern[str], Route[S]]] = []
        self._served: list[tuple[str, str]] = []

    def served(self) -> list[tuple[str, str]]:
        """Method and path of every call in the table, placeholders as they stand in the documentation."""
        return list(self._served)

    def on(
        self,
        method: str,
        path: str,
        *,
        token: bool = True,
        bare: bool = False,
        at_once: int | None = None,
        crowded: int = 45033,
        seconds: float = 0.0,
    ) -> Callable[[Callable[[S, Request], H]], Callable[[S, Request], H]]:
        """Register the decorated function; the keywords are those of `Route`."""

        def register(handler: Callable[[S, Request], H]) -> Callable[[S, Request], H]:
            route = Route(handler, token, bare, at_once, crowded, seconds)
            self._served.append((method, path))
            if "{" in path:
                pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))
                self._patterns.append((method, pattern, route))
            else:
                self._exact[method, path] = route
            return handler

        return register

    def find(self, request: Request) -> tuple[Route[S], Request] | None:
        """The route, and the request with its placeholders filled in."""
        if route := self._exact.get((request.method, request.path)):
            return route, request
        for method, pattern, route in self._patterns:
            if method == request.method and (match := pattern.fullmatch(request.path)):
                return route, evolve(request, placeholders=match.groupdict())
        return None


@frozen
class Fields:
    """Strict reading of a JSON object or a query: a missing or ill-typed field is refused in the platform's words."""

    values: Mapping[str, Any]
    missing: Callable[[str], Refusal]
    wrong: Callable[[str], Refusal]

    def _get(self, name: str, kind: type | tuple[type, ...]) -> Any:
        value = self.values.get(name)
        if value is not None and (not isinstance(value, kind) or (isinstance(value, bool) and kind is int)):
            raise self.wrong(name)
        return value

    def text(self, name: str) -> str:
        """A text that has to be there and not empty."""
        value: str | None = self._get(name, str)
        if not value:
            raise self.missing(name)
        return value

    def text_or(self, name: str, default: str = "") -> str:
        """A text that may be missing."""
        return self._get(name, str) or default

    def number(self, name: str) -> int:
        """A number that has to be there."""
        value: int | None = self._get(name, int)
        if value is None:
            raise self.missing(name)
        return value

    def number_or(self, name: str, default: int) -> int:
        """A number that may be missing."""
        value: int | None = self._get(name, int)
        return default if value is None else value

    def flag(self, name: str) -> bool:
        """True, or 1."""
        return bool(self._get(name, (bool, int)))

    def flag_or(self, name: str, *, default: bool) -> bool:
        """True or False, 1 or 0, and `default` where it is missing."""
        return default if self.values.get(name) is None else self.flag(name)

    def numbers(self, name: str) -> list[int]:
        """A list of numbers that may be missing."""
        value: list[Any] | None = self._get(name, list)
        if value and not all(isinstance(item, int) and not isinstance(item, bool) for item in value):
            raise self.wrong(name)
        return value or []

    def texts(self, name: str) -> list[str]:
        """A list of texts that may be missing."""
        value: list[Any] | None = self._get(name, list)
        if value and not all(isinstance(item, str) for item in value):
            raise self.wrong(name)
        return value or []

    def object(self, name: str) -> Fields | None:
        """An object that may be missing."""
        value: Mapping[str, Any] | None = self._get(name, dict)
        return None if value is None else Fields(value, self.missing, self.wrong)

    def objects(self, name: str) -> list[Fields]:
        """A list of objects that may be missing."""
        value: list[Any] = self._get(name, list) or []
        if not all(isinstance(item, dict) for item in value):
            raise self.wrong(name)
        return [Fields(item, self.missing, self.wrong) for item in value]


T = TypeVar("T")


def page(items: Sequence[T], cursor: str, limit: int) -> tuple[Sequence[T], str]:
    """One page of a list, and the cursor of the next one ("" at the end). Cursors are opaque: the place, in disguise."""
    start = int(cursor.removeprefix("c"), 36) if re.fullmatch(r"c[0-9a-z]+", cursor) else 0
    end = start + limit
    return items[start:end], f"c{_base36(end)}" if end < len(items) else ""


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
    return digits or "0"


def multipart(request: Request) -> dict[str, tuple[str | None, bytes]]:
    """The parts of a multipart/form-data body: name -> (file name, content). Empty where the body is something else."""
    found = re.search(r'multipart/form-data;.*boundary="?([^";]+)"?', request.headers.get("content-type", ""))
    parts: dict[str, tuple[str | None, bytes]] = {}
    if found:
        for part in request.body.split(b"--" + found[1].encode())[1:-1]:
            head, _, content = part.partition(b"\r\n\r\n")
            disposition = head.decode("utf-8", "replace")
            name = re.search(r'\bname="([^"]*)"', disposition)
            filename = re.search(r'\bfilename="([^"]*)"', disposition)
            if name:
                parts[name[1]] = (filename[1] if filename else None, content.removesuffix(b"\r\n"))
    return parts


class JsonPlatform(Generic[S]):
    """The errcode platforms (WeCom, mini-program, store): HTTP 200 always, `errcode` and `errmsg` in the body."""

    name = ""

    def __init__(self, world: World, router: Router[S], errors: ErrorTable) -> None:
        self.world = world
        self.tokens = Tokens(world, self.name)
        self._router = router
        self._errors = errors
        self._under_way: dict[str, int] = {}
        self._counting = threading.Lock()

    def refusal(self, code: int | str) -> Refusal:
        """The platform's error of this code, for injected faults."""
        return self._errors.refusal(code)

    def answer(self, request: Request) -> Answer:
        """What the platform answers; refusals come in its own form."""
        found = self._router.find(request)
        if found is None:
            return Answer(b"404 page not found", 404, "text/plain; charset=utf-8", code=404)
        route, request = found
        try:
            with self._room_for(route, request.path):
                if route.seconds:
                    time.sleep(route.seconds)
                with self.world.lock:
                    if route.token:
                        self._check_token(request)
                    reply = route.handler(cast("S", self), request)
        except Refusal as refusal:
            return self.refuse(request, refusal)
        if isinstance(reply, Answer):  # a file
            return reply
        return Answer(dump(reply if route.bare else {"errcode": 0, "errmsg": "ok", **reply}))

    def refuse(self, request: Request, refusal: Refusal) -> Answer:
        """A refusal in the platform's form: status 200, errcode and errmsg."""
        message = f"{refusal.message}, hint: [{self.world.now()}_{request.path.rsplit('/', 1)[-1]}]"
        return Answer(dump({"errcode": refusal.code, "errmsg": message}), code=refusal.code)

    def _check_token(self, request: Request) -> None:
        verdict = self.tokens.check(request.query.get("access_token", ""))
        if verdict != "valid":
            raise self._errors.refusal(self._errors.tokens[verdict])

    @contextmanager
    def _room_for(self, route: Route[S], path: str) -> Generator[None]:
        """Counts what is under way, for the routes that limit it."""
        if route.at_once is None:
            yield
            return
        with self._counting:
            self._under_way[path] = self._under_way.get(path, 0) + 1
            full = self._under_way[path] > route.at_once
        try:
            if full:
                raise self._errors.refusal(route.crowded)
            yield
        finally:
            with self._counting:
                self._under_way[path] -= 1

    def body(self, request: Request) -> Fields:
        """The JSON object of the body, strictly read."""
        value = json_object(request.body)
        if value is None:
            raise self._errors.refusal(self._errors.malformed, "the body is not a JSON object")
        return self.fields(value)

    def query(self, request: Request) -> Fields:
        """The query, strictly read; every value is text there."""
        return self.fields(request.query)

    def fields(self, values: Mapping[str, Any]) -> Fields:
        """Any mapping, strictly read."""
        return Fields(values, self.missing, self.wrong)

    def missing(self, name: str) -> Refusal:
        """The refusal of a field that is needed and not there."""
        return self._errors.refusal(self._errors.missing, f"{name} is missing")

    def wrong(self, name: str) -> Refusal:
        """The refusal of a field of the wrong type."""
        return self._errors.refusal(self._errors.malformed, f"{name} has the wrong type")
