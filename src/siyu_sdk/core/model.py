"""What crosses the wire: frozen pydantic models that lose nothing, and the wire forms of their fields.

A reply keeps unknown fields, an enumeration keeps unknown values, and `to_wire()` gives back the JSON that came in.
Limits (`MaxBytes`, `MaxChars`, `MaxItems`) hold for what is sent; what the platform answers is never refused for its size.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Final, Literal, Self, TypeVar, Union, cast, get_args, get_origin

from attrs import frozen
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    PlainSerializer,
    SerializationInfo,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from .errors import DecodeError

T = TypeVar("T")

OUTGOING: Final = "outgoing"
"""The validation context of arguments: limits are checked for what we send, never for what we read."""

OrDict = Union[T, Mapping[str, Any]]  # noqa: UP007 -- an alias with a type variable needs the long form at run time
"""A model, or a plain dict of its shape: `OrDict[Text]` accepts `Text(content="hi")` and `{"content": "hi"}`."""


class WireModel(BaseModel):
    """Base of everything that crosses the wire: immutable, keeps unknown fields, knows its wire form."""

    model_config = ConfigDict(
        frozen=True,
        extra="allow",
        populate_by_name=True,
        revalidate_instances="always",
        protected_namespaces=(),
        defer_build=True,
    )

    def to_wire(self) -> Any:
        """Give the JSON value back, equal to what came in: wire names, wire forms, unknown fields included."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)

    def unknown_fields(self) -> Iterator[str]:
        """Name, as dotted paths, the fields that no attribute types, at any depth."""
        for name in self.model_extra or ():
            yield name
        for name in type(self).model_fields:
            for inner in unknown_fields(getattr(self, name)):
                yield f"{name}.{inner}"


class Tagged(WireModel):
    """A model whose constant fields (`msgtype: Literal["text"] = "text"`) are part of the wire form, given or not."""

    def model_post_init(self, _context: Any, /) -> None:
        """Count constants as set, so that they are sent."""
        self.__pydantic_fields_set__.update(
            name
            for name, field in type(self).model_fields.items()
            if field.default is not None and not field.is_required() and is_constant(field.annotation)
        )


class Reply(WireModel):
    """A reply in the `errcode` style of WeCom, mini-program, store and official account."""

    errcode: int = 0
    errmsg: str = ""


def is_constant(annotation: Any) -> bool:
    """Tell whether a type is a `Literal` of one value."""
    return get_origin(annotation) is Literal and len(get_args(annotation)) == 1


def unknown_fields(value: object) -> Iterator[str]:
    """Name the untyped fields inside a value; long lists of plain strings cost one look."""
    if isinstance(value, WireModel):
        yield from value.unknown_fields()
    elif isinstance(value, (list, tuple)):
        items = cast("Sequence[object]", value)
        if items and isinstance(items[0], (WireModel, Mapping, list, tuple)):
            for index, item in enumerate(items):
                for inner in unknown_fields(item):
                    yield f"{index}.{inner}"


# Enumerations: open, so that a value which the platform adds tomorrow parses today.


class OpenStrEnum(str, Enum):  # noqa: UP042 -- StrEnum would drop the raw value of pseudo-members from its repr
    """A string enumeration that accepts unknown values and keeps them as they came."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return _pseudo_member(str.__new__(cls, value), value) if isinstance(value, str) else None

    @property
    def is_known(self) -> bool:
        """False for a value that this version of the SDK does not name."""
        return self._name_ in type(self).__members__

    def __str__(self) -> str:
        return str(self.value)


class OpenIntEnum(int, Enum):
    """An integer enumeration that accepts unknown values and keeps them as they came."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if isinstance(value, str) and value.lstrip("-").isdigit():  # XML carries every number as text
            return cls(int(value))
        return _pseudo_member(int.__new__(cls, value), value) if isinstance(value, int) and not isinstance(value, bool) else None

    @property
    def is_known(self) -> bool:
        """False for a value that this version of the SDK does not name."""
        return self._name_ in type(self).__members__

    def __str__(self) -> str:
        return str(self.value)


E_ = TypeVar("E_", bound=Enum)


def _pseudo_member(member: E_, value: object) -> E_:
    member._name_ = f"UNKNOWN_{value}"
    member._value_ = value
    return member


# Wire forms: the Python type on the left, what the platform sends on the right.


def _to_unix(value: datetime) -> int:
    return int(value.timestamp())


def _to_unix_text(value: datetime) -> str:
    return str(int(value.timestamp()))


def _to_rfc3339(value: datetime) -> str:
    return value.isoformat(timespec="microseconds" if value.microsecond % 1000 else "milliseconds" if value.microsecond else "seconds")


Timestamp = Annotated[AwareDatetime, PlainSerializer(_to_unix, return_type=int, when_used="json")]
"""An aware `datetime`; unix seconds on the wire."""

TimestampText = Annotated[AwareDatetime, PlainSerializer(_to_unix_text, return_type=str, when_used="json")]
"""An aware `datetime`; unix seconds in a string on the wire."""

Rfc3339 = Annotated[AwareDatetime, PlainSerializer(_to_rfc3339, return_type=str, when_used="json")]
"""An aware `datetime`; RFC 3339 text with an offset on the wire."""

Flag = Annotated[bool, PlainSerializer(int, return_type=int, when_used="json")]
"""A `bool`; 0 or 1 on the wire."""


class _TextInt(int):
    """A number that came as a string and goes back as the same one."""

    text: str

    def __new__(cls, text: str) -> Self:
        made = super().__new__(cls, text)
        made.text = text
        return made

    def __getnewargs__(self) -> tuple[str]:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride] -- made from its text
        return (self.text,)


def _read_int64(value: object) -> int:
    if isinstance(value, _TextInt):
        return value
    if isinstance(value, str) and value.isascii() and value.removeprefix("-").isdigit():
        return _TextInt(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise PydanticCustomError("int64", "a whole number, or a string of digits, is expected")


def _write_int64(value: int) -> int | str:
    return value.text if isinstance(value, _TextInt) else value


class _Int64Schema:
    """Keeps the int subclass that remembers its wire form: pydantic's own int schema would flatten it."""

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _read_int64, serialization=core_schema.plain_serializer_function_ser_schema(_write_int64, when_used="json")
        )


Int64 = Annotated[int, _Int64Schema()]
"""A 64-bit id: an `int` that accepts number or string, never passes a float, and goes back in the form it came in."""


class _Hidden(str):
    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class _SecretSchema:
    """Keeps the str subclass that does not show itself: pydantic's own str schema would flatten it."""

    def __get_pydantic_core_schema__(self, _source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(_Hidden, handler(str))


Secret = Annotated[str, _SecretSchema()]
"""A `str` that a call sends but does not show when it is printed. It is part of `to_wire()`: do not store such calls."""


def joined(separator: str) -> Any:
    """Mark a `tuple[str, ...]` that is one string with separators on the wire: `Annotated[tuple[str, ...], joined("|")]`."""

    def split(value: object) -> object:
        return tuple(part for part in value.split(separator) if part) if isinstance(value, str) else value

    class _Joined:
        def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
            return core_schema.no_info_before_validator_function(
                split,
                handler(source),
                serialization=core_schema.plain_serializer_function_ser_schema(separator.join, when_used="json"),
            )

    return _Joined()


Joined = Annotated[tuple[str, ...], joined(",")]
"""A tuple of strings; one string joined with commas on the wire."""


def _load_json(value: object) -> object:
    return json.loads(value) if isinstance(value, str) and value else value


def _dump_json(value: Any, _info: SerializationInfo) -> str:
    return json.dumps(value.to_wire() if isinstance(value, WireModel) else value, ensure_ascii=False, separators=(",", ":"))


class JsonTextMarker:
    """See `JsonText`."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(
            _load_json,
            handler(source),
            serialization=core_schema.plain_serializer_function_ser_schema(_dump_json, info_arg=True, when_used="json"),
        )


JsonText = Annotated[T, JsonTextMarker()]
"""A model (or free JSON) that is a JSON text inside a string on the wire: `JsonText[OrderNotes]`."""


def _as_list(value: object) -> object:
    if value is None or value == "":
        return ()
    return cast("object", value) if isinstance(value, (list, tuple)) else (value,)


XmlList = Annotated[tuple[T, ...], BeforeValidator(_as_list)]
"""A tuple that tolerates one bare item: XML repeats an element, so one entry looks like no list at all."""


# Limits: annotations on what we send.


@frozen
class _Limit:
    most: int

    def measure(self, value: Any) -> int:
        return len(value)

    unit = "items"

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        def check(value: Any, info: ValidationInfo) -> Any:
            if value is not None and info.context == OUTGOING and (size := self.measure(value)) > self.most:
                raise PydanticCustomError(
                    "limit", "at most {most} {unit} are allowed, got {size}", {"most": self.most, "unit": self.unit, "size": size}
                )
            return value

        return core_schema.with_info_after_validator_function(check, handler(source))


class MaxItems(_Limit):
    """At most so many items."""


class MaxChars(_Limit):
    """At most so many characters; an emoji counts as one."""

    unit = "characters"


class MaxBytes(_Limit):
    """At most so many bytes of UTF-8: a Chinese character takes three."""

    unit = "bytes of UTF-8"

    def measure(self, value: Any) -> int:
        """Count as the platform counts."""
        return len(value.encode()) if isinstance(value, str) else len(value)


def _not_empty(value: Any, info: ValidationInfo) -> Any:
    if info.context == OUTGOING and value is not None and not len(value):
        raise PydanticCustomError("empty", "at least one entry is needed, got none")
    return value


class _NotEmpty:
    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_after_validator_function(_not_empty, handler(source))


NotEmpty: Final = _NotEmpty()
"""At least one item or character."""

Checked = AfterValidator
"""A rule of one's own on a parameter: `Annotated[str, Checked(function)]`, the function raising ValueError."""


# Reading


def decode(kind: Any, body: bytes, call: str) -> Any:
    """Read bytes into the declared type, in one step where all is well.

    Raises:
        DecodeError: with the call and the first 200 characters, if the body is not what was declared.
    """
    if kind is None or kind is type(None):
        return None
    if kind is bytes:
        return body
    model: type[WireModel] | None = kind if isinstance(kind, type) and issubclass(kind, WireModel) else None
    try:
        return _adapter(cast("Any", kind)).validate_json(body) if model is None else model.model_validate_json(body)
    except ValidationError as first:
        try:
            value = _strip_nulls(json.loads(body))  # drift: a null in place of an absent field
            return _adapter(cast("Any", kind)).validate_python(value) if model is None else model.model_validate(value)
        except (ValidationError, ValueError, RecursionError):
            raise DecodeError.of(first, call, body) from None


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _strip_nulls(value: Any) -> Any:
    """Drop the null fields of objects: a null is an absent field."""
    if isinstance(value, dict):
        return {k: _strip_nulls(v) for k, v in cast("dict[str, Any]", value).items() if v is not None}
    return list(map(_strip_nulls, cast("Iterable[Any]", value))) if isinstance(value, list) else value
