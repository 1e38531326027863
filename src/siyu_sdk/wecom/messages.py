"""Message content (消息内容): one family of models, used wherever the platform sends or tells content.

On the wire content travels in an envelope, `{"msgtype": "image", "image": {"media_id": "…"}}`. Here it is flat, `Image(media_id="…")`; a
plain dict in the envelope's form is taken as well, and what is read comes back as the same models. A model of one chapter alone stands in
that chapter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, TypeAlias, cast, get_args, get_origin

from pydantic import GetCoreSchemaHandler, PrivateAttr, SerializationInfo, TypeAdapter, ValidationError, ValidationInfo, model_validator
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from ..core.model import OUTGOING, MaxBytes, MaxChars, WireModel


class Content(WireModel):
    """Base of what goes into an envelope."""

    msgtype: ClassVar[str] = ""
    needs: ClassVar[tuple[str, ...]] = ()
    """What the platform demands of a content to be sent, although it may leave it out of one that it tells; `a|b`: one of the two."""
    _beside: dict[str, Any] = PrivateAttr(default_factory=dict[str, Any])
    _ignored: dict[str, Any] = PrivateAttr(default_factory=dict[str, Any])

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, value: Any, info: ValidationInfo) -> Any:
        return _lacks_nothing(cls, cls.needs, value, info)

    @property
    def beside(self) -> dict[str, Any]:
        """What came in the envelope beside type and content: kept, so that nothing is lost."""
        return self._beside

    @property
    def ignored(self) -> dict[str, Any]:
        """Contents of other types in the same message: the platform takes only what `msgtype` names."""
        return self._ignored

    def unknown_fields(self) -> Iterator[str]:
        """Name the fields that no attribute types, those of the envelope included."""
        yield from super().unknown_fields()
        yield from self._beside

    def to_envelope(self, *, exclude_none: bool = False) -> dict[str, Any]:
        """Give the wire form."""
        content = self.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=exclude_none)
        return {"msgtype": self.msgtype, self.msgtype: content, **self._ignored, **self._beside}


class Text(Content):
    """Text (文本)."""

    msgtype = "text"

    content: str = ""
    """How long it may be depends on where it is sent; counted in bytes of UTF-8."""


class Image(Content):
    """A picture (图片)."""

    msgtype = "image"
    needs = ("media_id|pic_url",)

    media_id: str | None = None
    """From `media.upload`, lives 3 days; wins over `pic_url`."""
    pic_url: str | None = None
    """From `media.upload_image`, lives for ever."""


class Voice(Content):
    """A voice message (语音)."""

    msgtype = "voice"

    media_id: str
    """From `media.upload`, lives 3 days."""


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


class Link(Content):
    """A card that opens a page, in mass and welcome messages (图文): its cover is an address."""

    msgtype = "link"

    title: Annotated[str, MaxBytes(128)]
    url: Annotated[str, MaxBytes(2048)]
    picurl: Annotated[str | None, MaxBytes(2048)] = None
    """Address of the cover."""
    desc: Annotated[str | None, MaxBytes(512)] = None


class MiniProgramPage(Content):
    """A card that opens a page of a mini-program, in mass and welcome messages (小程序)."""

    msgtype = "miniprogram"
    needs = ("pic_media_id",)

    title: Annotated[str, MaxBytes(64)]
    appid: str
    """It must be bound to the company."""
    page: str
    pic_media_id: str | None = None
    """The cover, from `media.upload`: 520 × 416 looks best. Needed for sending."""


class KfMiniProgramPage(Content):
    """The same card in customer service and in school notices, where page and cover have other names (小程序)."""

    msgtype = "miniprogram"
    needs = ("thumb_media_id",)

    appid: str
    pagepath: str
    title: str | None = None
    """More than 64 bytes of UTF-8 are cut silently."""
    thumb_media_id: str | None = None
    """The cover, from `media.upload`. Needed for sending."""


class Other(Content):
    """Content of a type that this version of the SDK does not know, or of a known one in a shape that it does not know."""

    name: str = ""
    """The `msgtype`."""
    content: Any = None
    """What the envelope holds under that name, as it came."""

    def to_envelope(self, *, exclude_none: bool = False) -> dict[str, Any]:  # noqa: ARG002 -- what is not typed is not touched
        """Give the wire form."""
        content = {} if self.content is None else {self.name: self.content}
        return {"msgtype": self.name, **content, **self.ignored, **self.beside}


# What one place demands of a content


class MaxTextBytes(MaxBytes):
    """At most so many bytes of UTF-8 in the content of a `Text`."""

    def measure(self, value: Text) -> int:
        """Count the content alone."""
        return len(value.content.encode())


class MaxTextChars(MaxChars):
    """At most so many characters in the content of a `Text`."""

    def measure(self, value: Text) -> int:
        """Count the content alone."""
        return len(value.content)


class Needs:
    """A field that must be given in this place, although the model leaves it open: `Annotated[Image, Needs("media_id")]`."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get_pydantic_core_schema__(self, source: type[Content], handler: GetCoreSchemaHandler) -> CoreSchema:
        def check(value: Any, info: ValidationInfo) -> Any:
            return _lacks_nothing(source, (self.name,), value, info)

        return core_schema.with_info_before_validator_function(check, handler(source))


def _lacks_nothing(kind: type[Content], needs: Sequence[str], value: Any, info: ValidationInfo) -> Any:
    if info.context == OUTGOING and isinstance(value, (Mapping, Content)):
        given = vars(value) if isinstance(value, Content) else dict(cast("Mapping[str, Any]", value))
        strange = value.model_extra if isinstance(value, Content) else given.keys() - kind.model_fields.keys()
        for names in () if strange else needs:  # a misspelt field will be named, which tells more than the one that it left empty
            if not any(given.get(name) for name in names.split("|")):
                got = ", ".join(name for name, told in given.items() if told) or "nothing"
                wanted = {"kind": kind.__name__, "names": names.replace("|", " or "), "got": got}
                raise PydanticCustomError("missing", "{kind} needs {names} here, got {got}", wanted)
    return cast("Any", value)


UploadedImage: TypeAlias = Annotated[Image, Needs("media_id")]
"""A picture by its `media_id`, where an address is not enough."""

ShortText: TypeAlias = Annotated[Text, Needs("content"), MaxTextBytes(2048)]
"""A text that is a message by itself: not empty, at most 2,048 bytes of UTF-8."""


# The envelope


class Envelope:
    """Turns a union of content models into its wire form and back: `Annotated[Image | Link | Other, Envelope()]`.

    With `spread`, the envelope is a whole message, whose fields stand among those of the body: contents of other types beside the one that
    `msgtype` names go through, for the platform ignores them.
    """

    def __init__(self, *, spread: bool = False) -> None:
        self.spread = spread

    @staticmethod
    def kinds(member: Any) -> tuple[type[Content], ...]:
        """Give the classes that a member of a union stands for: it may be annotated, and a union itself."""
        bare = member.__origin__ if get_origin(member) is Annotated else member
        return get_args(bare) or (bare,)

    def __get_pydantic_core_schema__(self, source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        kinds = dict[type[Content], TypeAdapter[Content]]()
        for member in get_args(source):
            kinds |= dict.fromkeys(self.kinds(member), TypeAdapter(member))

        def write(value: Content, info: SerializationInfo) -> dict[str, Any]:
            return value.to_envelope(exclude_none=info.exclude_none)

        return core_schema.with_info_plain_validator_function(
            _Reader(kinds, spread=self.spread).read,
            serialization=core_schema.plain_serializer_function_ser_schema(write, info_arg=True, when_used="json"),
        )


class _Reader:
    """Reads the envelopes of one union."""

    def __init__(self, kinds: dict[type[Content], TypeAdapter[Content]], *, spread: bool) -> None:
        self.kinds, self.spread = kinds, spread
        self.names = {kind.msgtype: kind for kind in reversed(kinds) if kind is not Other}  # of two with one name the first is read

    def read(self, value: object, info: ValidationInfo) -> Content:
        """Take a content, or a dict in wire form."""
        outgoing = info.context == OUTGOING
        if isinstance(value, Content):
            if type(value) not in self.kinds:
                raise PydanticCustomError("msgtype", "{kind} is not possible here; it may be {kinds}", self._words(type(value).__name__))
            made, ignored, beside = self._content(type(value), value, outgoing=outgoing), value.ignored, value.beside
        elif isinstance(value, Mapping):
            beside = dict(cast("Mapping[str, Any]", value))
            name = str(beside.pop("msgtype", None) or "")
            content = beside.pop(name, None)
            ignored = {key: beside.pop(key) for key in tuple(beside) if key in self.names} if self.spread else {}
            kind = self.names.get(name, Other)
            if outgoing:
                self._refuse(kind, name, content, beside)
            made = Other(name=name, content=content) if kind is Other else self._content(kind, content, outgoing=outgoing)
        else:
            raise PydanticCustomError("msgtype", "a message content is expected ({kinds}), or a dict in wire form", self._words())
        made.ignored.update(ignored)
        made.beside.update(beside)
        return made

    def _content(self, kind: type[Content], value: object, *, outgoing: bool) -> Content:
        """Check a content; of those that are read none is refused, for nobody's list of messages shall break over a shape that changed."""
        try:
            made = self.kinds[kind].validate_python(value, context=OUTGOING if outgoing else None)
        except ValidationError as error:
            if not outgoing:
                return Other(name=kind.msgtype, content=value)
            raise _within(kind.msgtype, error) from None
        stray = next(made.unknown_fields(), None) if outgoing else None
        if stray is not None:
            raise _unknown(kind.msgtype, *stray.split("."))
        return made

    def _refuse(self, kind: type[Content], name: str, content: object, beside: Mapping[str, Any]) -> None:
        """Refuse what no platform would understand."""
        if kind not in self.kinds and name:
            raise PydanticCustomError("msgtype", "msgtype {kind} is not possible here; it may be {names}", self._words(name))
        alone = self.spread and kind is Other and name and content is None  # of such a type the platform alone can tell
        if not isinstance(content, Mapping) and not alone:
            raise PydanticCustomError("msgtype", "msgtype and its content do not fit; write {example}, or one of {kinds}", self._words())
        for stray in beside:
            raise _unknown(stray)

    def _words(self, kind: str = "") -> dict[str, Any]:
        return {
            "kind": kind,
            "kinds": ", ".join(kind.__name__ for kind in self.kinds if kind is not Other),
            "names": ", ".join(dict.fromkeys(kind.msgtype for kind in self.kinds if kind is not Other)),
            "example": '{"msgtype": "image", "image": {…}}',
        }


def _within(name: str, error: ValidationError) -> ValidationError:
    """Say in which content of the envelope the findings are."""
    found = list[InitErrorDetails]()
    for each in error.errors(include_url=False):
        kind = PydanticCustomError(each["type"], each["msg"])  # pyright: ignore[reportArgumentType] -- its words are made already
        found.append(InitErrorDetails(type=kind, loc=(name, *each["loc"]), input=each["input"]))
    return ValidationError.from_exception_data(error.title, found)


def _unknown(*where: str) -> ValidationError:
    return ValidationError.from_exception_data("Envelope", [InitErrorDetails(type="extra_forbidden", loc=where, input=None)])


Attachment: TypeAlias = Annotated[Image | Link | MiniProgramPage | Video | File | Other, Envelope()]
"""What goes with the text of a mass message or a welcome message."""
