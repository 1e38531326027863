"""A call is a value; a flow is a generator of calls.

`Spec` is what a declaration says of one endpoint, `Call` one use of it. Flows yield steps: `Call`, `Gather`, `Sleep` and
`Local`; a client (sync or async) runs them. `yield from step` gives the step's result, typed.
"""

from __future__ import annotations

import functools
import inspect
import json as jsonlib
import os
import typing
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Annotated, Any, Final, Generic, NoReturn, Self, TypeAlias, TypeVar, Union, cast
from urllib.parse import quote, urlencode

from attrs import evolve, field, frozen

from .errors import DecodeError, InputError, UsageError
from .limits import Limit
from .model import OUTGOING, decode, unknown_fields

if TYPE_CHECKING:
    from pydantic import BaseModel

    from .files import Destination, SavedFile, Upload

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
R_co = TypeVar("R_co", covariant=True)

JSON: TypeAlias = Any
"""Free JSON: what the platform's documentation leaves open."""


class Marker:
    """Says where a parameter goes, when the rule of its method does not fit."""

    def __init__(self, place: str) -> None:
        self.place = place

    def __repr__(self) -> str:
        return self.place.capitalize()


Query: Final = Marker("query")
Body: Final = Marker("body")
File: Final = Marker("file")
Spread: Final = Marker("spread")


@frozen
class Parameter:
    """One parameter of an endpoint: its Python name, its wire name and its place."""

    name: str
    wire: str
    place: str


@frozen(eq=False, repr=False)
class Spec(Generic[R_co]):
    """What a declaration says of one endpoint. Two specs are equal when they are the same declaration."""

    method: str
    path: str
    """As in the official documentation, with its `{placeholders}`."""
    platform: str
    docs: int | str
    """The number, or the address, of the official page."""
    name: str
    """Where it is declared, e.g. `Customers.get`."""
    module: str
    """The module of that class: importing it makes the declaration known."""
    function: Callable[..., Any]
    auth: str = "access_token"
    idempotent: bool = False
    """Whether repeating it is harmless. What is not is never resent after it may have arrived."""
    limit: Limit | None = None
    timeout: float | None = None
    check: Callable[[Mapping[str, Any]], None] | None = None
    """A rule over several parameters; raises InputError."""
    _cache: dict[str, Any] = field(factory=dict[str, Any], init=False)

    def __repr__(self) -> str:
        return f"<{self.platform} {self}>"

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def __reduce__(self) -> tuple[Any, ...]:
        from .endpoint import find

        return find, (self.platform, self.method, self.path, self.module)

    # Derived once, at first use: 400 declarations must import in milliseconds.

    @property
    def signature(self) -> inspect.Signature:
        """The parameters as declared, without `self`."""
        if "signature" not in self._cache:
            whole = inspect.signature(self.function)
            self._cache["signature"] = whole.replace(parameters=list(whole.parameters.values())[1:])
        return cast("inspect.Signature", self._cache["signature"])

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Where each parameter goes."""
        self._arguments_type()
        return cast("tuple[Parameter, ...]", self._cache["parameters"])

    def names(self, place: str) -> set[str]:
        """The parameters of one place: path, query, body, spread or file."""
        self._arguments_type()
        return cast("set[str]", self._cache["places"][place])

    @property
    def reply(self) -> Any:
        """The type of the reply: a model, `bytes` for a file, or None where only success is told."""
        if "reply" not in self._cache:
            hint = self._hints().get("return")
            self._cache["reply"] = (typing.get_args(hint) or (None,))[0]
        return self._cache["reply"]

    def _hints(self) -> dict[str, Any]:
        if "hints" not in self._cache:
            self._cache["hints"] = typing.get_type_hints(self.function, include_extras=True)
        return cast("dict[str, Any]", self._cache["hints"])

    def _place(self, wire: str, annotation: Any) -> str:
        for marker in _markers(annotation):
            if isinstance(marker, Marker):
                return marker.place
        if "{" + wire + "}" in self.path:
            return "path"
        return "query" if self.method in ("GET", "DELETE") else "body"

    def _arguments_type(self) -> type[BaseModel]:
        if "type" not in self._cache:
            from pydantic import BeforeValidator
            from pydantic.fields import FieldInfo

            from .files import Upload

            hints, parameters, fields = self._hints(), list[Parameter](), dict[str, Any]()
            for name, parameter in self.signature.parameters.items():
                annotation = _loose(hints[name])
                alias = next((m.alias for m in _markers(annotation) if isinstance(m, FieldInfo) and m.alias), name)
                place = self._place(alias, annotation)
                parameters.append(Parameter(name, alias, place))
                default: Any = ... if parameter.default is inspect.Parameter.empty else parameter.default
                fields[name] = (Annotated[Any, BeforeValidator(Upload.of)] if place == "file" else annotation, default)
            self._cache["parameters"] = tuple(parameters)
            places = ("path", "query", "body", "spread", "file")
            self._cache["places"] = {place: {p.name for p in parameters if p.place == place} for place in places}
            # One model serves all that take nothing: `request` makes a spec for each call, and a model takes half a millisecond.
            self._cache["type"] = _model(self.name, fields) if fields else _no_arguments()
        return cast("type[BaseModel]", self._cache["type"])

    # Making calls

    def call(self, arguments: Mapping[str, Any]) -> Call[R_co]:
        """Make a call from arguments by name. Bad input is refused here, before anything is sent.

        Raises:
            InputError: naming the field and its limit.
        """
        from pydantic import ValidationError

        given = {name: value for name, value in arguments.items() if value is not None}
        try:
            checked = self._arguments_type().model_validate(given, context=OUTGOING)
        except ValidationError as error:
            raise InputError.of(error, str(self)) from None
        for name in given:
            for unknown in unknown_fields(getattr(checked, name, None)):
                raise InputError(
                    f"{self}: unknown parameter {name}.{unknown}; check its spelling, or pass it with `extra=`", f"{name}.{unknown}"
                )
        made = Call(self, checked)
        if self.check is not None:
            try:
                self.check(made.arguments)
            except InputError as error:
                raise InputError(f"{self}: {error}", error.field) from None
        made.path()  # refuses what cannot stand in a path
        return made

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call[R_co]:
        """Make a call from arguments as the declared function takes them."""
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return self.call(bound.arguments)

    def load(self, wire: Mapping[str, Any]) -> Call[R_co]:
        """Make a call from arguments in wire form: path, query and body names in one mapping."""
        known = {p.wire: p for p in self.parameters}
        spread = next((p for p in self.parameters if p.place == "spread"), None)
        arguments = dict[str, Any]()
        rest = dict[str, Any]()
        for name, value in wire.items():
            if name in known and known[name].place != "spread":
                arguments[known[name].name] = value
            else:
                rest[name] = value
        if spread is not None:
            arguments[spread.name] = rest
        elif rest:
            raise InputError(f"{self}: unknown parameter {next(iter(rest))}", next(iter(rest)))
        return self.call(arguments)

    def parse(self, body: bytes) -> R_co:
        """Read a reply from the bytes of its body.

        Raises:
            DecodeError: with the call and the first 200 characters, if the body is not what was declared.
        """
        return cast("R_co", decode(self.reply, body, str(self)))


def _model(name: str, fields: dict[str, Any]) -> type[BaseModel]:
    from pydantic import ConfigDict, create_model

    config = ConfigDict(extra="forbid", populate_by_name=True, arbitrary_types_allowed=True, protected_namespaces=())
    return create_model(name, __config__=config, **fields)


_no_arguments = functools.cache(lambda: _model("NoArguments", {}))


def _markers(annotation: Any) -> tuple[Any, ...]:
    """Collect the `Annotated` extras of a type, also of the members of an optional one."""
    if typing.get_origin(annotation) is Annotated:
        return cast("tuple[Any, ...]", annotation.__metadata__) + _markers(annotation.__origin__)
    if typing.get_origin(annotation) is Union or type(annotation).__name__ == "UnionType":
        return tuple(m for member in typing.get_args(annotation) for m in _markers(member))
    return ()


CONTAINERS: Final[tuple[Any, ...]] = (list, tuple, Sequence)


def _loose(annotation: Any) -> Any:
    """Undo `OrDict` for validation: a plain dict is read as the model, never kept as a dict."""
    if typing.get_origin(annotation) is Annotated:
        return Annotated[(_loose(annotation.__origin__), *annotation.__metadata__)]
    members = typing.get_args(annotation)
    if not members:
        return annotation
    if typing.get_origin(annotation) is Union or type(annotation).__name__ == "UnionType":
        kept = tuple(_loose(m) for m in members if m != Mapping[str, Any])
        if Mapping[str, Any] in members and all(m is type(None) for m in kept):
            return annotation
        return Union[kept]  # noqa: UP007 -- members known only at run time
    origin: Any = typing.get_origin(annotation)
    return origin[tuple(map(_loose, members))] if origin in CONTAINERS else annotation


@frozen(eq=False, repr=False)
class Call(Generic[R_co]):
    """One use of an endpoint: nothing is sent until a client sends it. It compares, prints, pickles and becomes JSON."""

    spec: Spec[R_co]
    checked: BaseModel
    """The validated arguments."""
    extra: Mapping[str, JSON] = field(factory=dict[str, Any])
    """Fields beside the declared ones, sent as they are: for what the platform added yesterday."""
    timeout: float | None = None
    """Seconds for this call alone."""
    destination: Destination | None = None
    """Where the file goes that it downloads; into memory unless said otherwise."""

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The arguments by their Python names."""
        return {p.name: getattr(self.checked, p.name) for p in self.spec.parameters if p.name in self.checked.model_fields_set}

    def __iter__(self) -> Generator[Step, Any, R_co]:
        return cast("R_co", (yield self))

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._identity() == cast("Any", other)._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[Any, ...]:
        return id(self.spec), jsonlib.dumps(self.to_wire(), sort_keys=True, default=str), self.destination, *self.files().items()

    def __repr__(self) -> str:
        given = self.arguments
        shown = ", ".join(f"{p.name}={_short(given[p.name])}" for p in self.spec.parameters if p.name in given)
        return f"<Call {self.spec.name}({shown})>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickle, (self.spec, dict(self.arguments), dict(self.extra), self.timeout, self.destination)

    def replace(self, **arguments: Any) -> Self:
        """Make the same call with other arguments; None takes one away."""
        made = self.spec.call({**self.arguments, **arguments})
        return cast("Self", evolve(made, extra=self.extra, timeout=self.timeout, destination=self.destination))

    def options(self, *, extra: Mapping[str, JSON] | None = None, timeout: float | None = None) -> Self:
        """Make the same call with undeclared fields (`extra`) or a time limit (`timeout`, seconds) of its own."""
        return evolve(self, extra={**self.extra, **(extra or {})}, timeout=timeout if timeout is not None else self.timeout)

    def save(self, to: str | os.PathLike[str] | IO[bytes], *, max_bytes: int | None = None) -> Call[SavedFile]:
        """Make the same call with its file written to a path or a binary file object as it comes, never held in memory.

        A path gets the whole file or nothing: what stood there before stays until then. A file object is written from where it stands,
        and set back there on failure if it can seek. More than `max_bytes` (256 MB) raises DownloadError.
        """
        from .files import MAX_DOWNLOAD, Destination

        if self.spec.reply is not bytes:
            raise UsageError(f"{self.spec} gives no file to save")
        there = Destination(to, MAX_DOWNLOAD if max_bytes is None else max_bytes)
        return cast("Call[SavedFile]", evolve(self, destination=there))

    # The wire form

    def _dump(self, place: str) -> dict[str, Any]:
        names = self.spec.names(place)
        return self.checked.model_dump(mode="json", by_alias=True, include=names, exclude_unset=True, exclude_none=True) if names else {}

    def path(self) -> str:
        """The path with its placeholders filled."""
        path = self.spec.path
        if "{" not in path:
            return path
        for name, value in self._dump("path").items():
            if str(value) in ("", ".", ".."):  # would be another endpoint: HTTP clients resolve dots, also after a signature was made
                raise InputError(f"{self.spec}: {name}: {str(value)!r} cannot stand in a path", name)
            path = path.replace("{" + name + "}", quote(str(value), safe=""))
        return path

    def query(self) -> dict[str, str]:
        """The query, the credential apart."""
        return {name: _query_text(value) for name, value in self._query().items()}

    def _query(self) -> dict[str, Any]:
        query = self._dump("query")
        return {**query, **self.extra} if self.extra and self.spec.method in ("GET", "DELETE") else query

    def body(self) -> Any:
        """The JSON body, or None where the method has none."""
        if self.spec.method in ("GET", "DELETE"):
            return None
        body = self._dump("body")
        for model in self._dump("spread").values():
            body |= model
        return body | dict(self.extra)

    def content(self) -> bytes | None:
        """The very bytes that are sent, and signed."""
        if self.spec.method in ("GET", "DELETE"):
            return None
        if self.extra or self.spec.names("spread"):
            return jsonlib.dumps(self.body(), ensure_ascii=False, separators=(",", ":")).encode()
        return self.checked.__pydantic_serializer__.to_json(
            self.checked, by_alias=True, include=self.spec.names("body"), exclude_unset=True, exclude_none=True
        )

    def files(self) -> dict[str, Upload]:
        """The files of a multipart call, by part name."""
        given = self.checked.model_fields_set & self.spec.names("file")
        return {p.wire: getattr(self.checked, p.name) for p in self.spec.parameters if p.name in given} if given else {}

    def target(self) -> str:
        """Path and query as they stand in the request line, without the credential."""
        query = self.query()
        return f"{self.path()}?{urlencode(query, quote_via=quote)}" if query else self.path()

    def to_wire(self) -> dict[str, Any]:
        """Show what would be sent: method, path, query and JSON body."""
        return {"method": self.spec.method, "path": self.path(), "query": self._query(), "json": self.body()}


def _unpickle(
    spec: Spec[Any], arguments: dict[str, Any], extra: dict[str, Any], timeout: float | None, destination: Destination | None = None
) -> Call[Any]:
    return evolve(spec.call(arguments), extra=extra, timeout=timeout, destination=destination)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:60]}…({len(text)} characters)"


def _query_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, cast("list[Any]", value)))
    return str(value)


# The other steps of a flow


def _one_or_more(_gather: object, _attribute: object, limit: int) -> None:
    if limit < 1:
        raise InputError(f"limit: at least 1 call has to be allowed in flight, got {limit}", "limit")


@frozen
class Gather(Generic[T]):
    """Many calls (or flows) with at most `limit` in flight; gives results in order, a failure as its error in its place."""

    calls: Iterable[Call[T] | Flow[T]]
    limit: int = field(default=8, validator=_one_or_more)

    def __iter__(self) -> Generator[Step, Any, list[T | Exception]]:
        return cast("list[T | Exception]", (yield self))


@frozen
class Sleep:
    """Wait, by the client's clock."""

    seconds: float

    def __iter__(self) -> Generator[Step, Any, None]:  # noqa: PYI058 -- `yield from` wants a generator, as of the other steps
        yield self


class Local(Generic[T]):
    """Work that is no call: a database, a file. `blocking` work runs in a thread under an async client."""

    __slots__ = ("arguments", "blocking", "function")

    def __init__(self, function: Callable[..., T], *arguments: Any, blocking: bool = True) -> None:
        self.function, self.arguments, self.blocking = function, arguments, blocking

    def __iter__(self) -> Generator[Step, Any, T]:
        return cast("T", (yield self))


Step: TypeAlias = Any
"""What a flow may yield: `Call`, `Gather`, `Sleep`, `Local`, and what the shared layer itself uses (see `exchange`)."""

Flow: TypeAlias = Generator[Step, Any, T]
"""A generator of steps that returns a T; written once, run by sync and async clients alike."""


class Page(typing.Protocol[T_co]):
    """What a reply must be able to do for `@paged` to walk it."""

    def items(self) -> Sequence[T_co]:
        """The entries of this page."""
        ...

    def next_page(self, arguments: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The arguments to change for the next page, or None at the end. A short page is no end."""
        ...


@frozen
class Pages(Generic[T]):
    """All pages of a list, as a value. In a flow, `items = yield from pages` reads every one of them."""

    first: Call[Page[T]]

    def __iter__(self) -> Flow[list[T]]:
        found = list[T]()
        call: Call[Page[T]] | None = self.first
        while call is not None:
            page = yield from call
            found += page.items()
            call = following(call, page)
        return found


def following(call: Call[Page[T]], page: Page[T]) -> Call[Page[T]] | None:
    """The call of the next page; refuses a cursor that stands still or is missing, which would never end."""
    change = page.next_page(call.arguments)
    if not change:
        return None
    if all(value in (None, "") for value in change.values()):
        _stuck(call, "says that there is more, and gives no cursor")
    then = call.replace(**change)
    if then == call:
        _stuck(call, "gave the same cursor twice")
    return then


def _stuck(call: Call[Any], what: str) -> NoReturn:
    raise DecodeError(f"{call.spec}: the platform {what}; paging would never end", call=str(call.spec))
