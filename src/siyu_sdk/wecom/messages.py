"""Message content (消息内容): one family of models, used wherever the platform sends or tells content.

Attachments travel in an envelope, `{"msgtype": "image", "image": {"media_id": "…"}}`. Here they are flat, `Image(media_id="…")`; a plain
dict in the envelope's form is taken as well, and what is read comes back as the same models.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, TypeAlias, cast, get_args

from pydantic import GetCoreSchemaHandler, PrivateAttr, SerializationInfo, ValidationError, ValidationInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from ..core.model import OUTGOING, MaxBytes, WireModel


class Text(WireModel):
    """Text (文本)."""

    content: str = ""
    """How long it may be depends on where it is sent; counted in bytes of UTF-8."""


class MaxTextBytes(MaxBytes):
    """At most so many bytes of UTF-8 in the content of a `Text`."""

    def measure(self, value: Text) -> int:
        """Count the content alone."""
        return len(value.content.encode())


class Content(WireModel):
    """Base of what goes into an envelope."""

    msgtype: ClassVar[str] = ""
    needs: ClassVar[tuple[str, ...]] = ()
    """What the platform demands of a message to be sent, although it may leave it out of one that it tells; `a|b`: one of the two."""
    _beside: dict[str, Any] = PrivateAttr(default_factory=dict[str, Any])

    @property
    def beside(self) -> dict[str, Any]:
        """What came in the envelope beside type and content: kept, so that nothing is lost."""
        return self._beside

    def unknown_fields(self) -> Iterator[str]:
        """Name the fields that no attribute types, those of the envelope included."""
        yield from super().unknown_fields()
        yield from self._beside

    def to_envelope(self, *, exclude_none: bool = False) -> dict[str, Any]:
        """Give the wire form."""
        content = self.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=exclude_none)
        return {"msgtype": self.msgtype, self.msgtype: content, **self._beside}


class Image(Content):
    """A picture (图片)."""

    msgtype = "image"
    needs = ("media_id|pic_url",)

    media_id: str | None = None
    """From `media.upload`, lives 3 days; wins over `pic_url`."""
    pic_url: str | None = None
    """From `media.upload_image`, lives for ever."""


class Link(Content):
    """A card that opens a page (图文)."""

    msgtype = "link"

    title: Annotated[str, MaxBytes(128)]
    url: Annotated[str, MaxBytes(2048)]
    picurl: str | None = None
    """Address of the cover."""
    desc: Annotated[str | None, MaxBytes(512)] = None


class MiniProgramPage(Content):
    """A card that opens a page of a mini-program (小程序)."""

    msgtype = "miniprogram"
    needs = ("pic_media_id",)

    title: Annotated[str, MaxBytes(64)]
    appid: str
    """It must be bound to the company."""
    page: str
    pic_media_id: str | None = None
    """The cover, from `media.upload`: 520 × 416 looks best. Needed for sending."""


class Video(Content):
    """A video (视频)."""

    msgtype = "video"

    media_id: str
    """From `media.upload`, lives 3 days."""


class File(Content):
    """A file (文件)."""

    msgtype = "file"

    media_id: str
    """From `media.upload`, lives 3 days."""


class Other(Content):
    """Content of a type that this version of the SDK does not know, or of a known one in a shape that it does not know."""

    name: str = ""
    """The `msgtype`."""
    content: Any = None
    """What the envelope holds under that name, as it came."""

    def to_envelope(self, *, exclude_none: bool = False) -> dict[str, Any]:  # noqa: ARG002 -- what is not typed is not touched
        """Give the wire form."""
        return {"msgtype": self.name, **({} if self.content is None else {self.name: self.content}), **self._beside}


class Envelope:
    """Turns a union of content models into its wire form and back: `Annotated[Image | Link | Other, Envelope()]`."""

    def __get_pydantic_core_schema__(self, source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        kinds = {kind.msgtype: kind for kind in cast("tuple[type[Content], ...]", get_args(source))}

        def read(value: object, info: ValidationInfo) -> Content:
            return _read(value, kinds, outgoing=info.context == OUTGOING)

        def write(value: Content, info: SerializationInfo) -> dict[str, Any]:
            return value.to_envelope(exclude_none=info.exclude_none)

        return core_schema.with_info_plain_validator_function(
            read, serialization=core_schema.plain_serializer_function_ser_schema(write, info_arg=True, when_used="json")
        )


def _read(value: object, kinds: Mapping[str, type[Content]], *, outgoing: bool) -> Content:
    if isinstance(value, Content):
        if type(value) not in kinds.values():
            raise PydanticCustomError("msgtype", "{kind} is not possible here; it may be {kinds}", _named(kinds, type(value).__name__))
        return _checked(value, outgoing=outgoing)
    if not isinstance(value, Mapping):
        raise PydanticCustomError("msgtype", "a message content is expected ({kinds}), or a dict in wire form", _named(kinds))
    fields = dict(cast("Mapping[str, Any]", value))
    name = fields.pop("msgtype", None)
    if outgoing and not (isinstance(name, str) and isinstance(fields.get(name), Mapping)):
        example = '{"msgtype": "image", "image": {…}}'
        raise PydanticCustomError(
            "msgtype", "msgtype and its content do not fit; write {example}, or one of {kinds}", {**_named(kinds), "example": example}
        )
    name = str(name or "")
    content = fields.pop(name, None)
    kind = kinds.get(name, Other)
    try:
        read = Other(name=name, content=content) if kind is Other else kind.model_validate(content, context=OUTGOING if outgoing else None)
    except ValidationError:
        if outgoing:
            raise
        read = Other(name=name, content=content)  # the platform may change a shape; nobody's list of messages shall break over it
    read.beside.update(fields)
    return _needed(read) if outgoing else read


def _checked(value: Content, *, outgoing: bool) -> Content:
    """A model that the caller made: its limits are checked now."""
    if not outgoing:
        return value
    again = type(value).model_validate(value, context=OUTGOING)
    again.beside.update(value.beside)
    return _needed(again)


def _needed(value: Content) -> Content:
    if next(value.unknown_fields(), None):
        return value  # a misspelt field will be named, which tells more than the one that it left empty
    for names in value.needs:
        if not any(getattr(value, name) for name in names.split("|")):
            wanted = {"kind": type(value).__name__, "names": names.replace("|", " or ")}
            raise PydanticCustomError("missing", "{kind} needs {names}", wanted)
    return value


def _named(kinds: Mapping[str, type[Content]], kind: str = "") -> dict[str, Any]:
    return {"kind": kind, "kinds": ", ".join(k.__name__ for k in kinds.values() if k is not Other)}


Attachment: TypeAlias = Annotated[Image | Link | MiniProgramPage | Video | File | Other, Envelope()]
"""What goes with the text of a mass message or a welcome message."""
