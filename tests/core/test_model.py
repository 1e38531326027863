"""Wire models: what comes in goes back out, whatever form it has; what we send is held to its limits."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from siyu_sdk.core.model import (
    OUTGOING,
    Flag,
    Int64,
    Joined,
    JsonText,
    MaxBytes,
    MaxChars,
    MaxItems,
    NotEmpty,
    OpenIntEnum,
    OpenStrEnum,
    Rfc3339,
    Secret,
    Tagged,
    Timestamp,
    TimestampText,
    WireModel,
    XmlList,
    joined,
)


class Colour(OpenStrEnum):
    GREEN = "green"


class Size(OpenIntEnum):
    SMALL = 1


class Note(WireModel):
    text: str = ""
    stars: int | None = None


class Everything(WireModel):
    """One field of each wire type."""

    at: Timestamp | None = None
    at_text: TimestampText | None = None
    on: Flag | None = None
    id: Int64 | None = None
    names: Joined = ()
    users: Annotated[tuple[str, ...], joined("|")] = ()
    note: JsonText[Note] | None = None
    when: Rfc3339 | None = None
    colour: Colour | None = None
    size: Size | None = None
    notes: tuple[Note, ...] = ()
    camel_case: str | None = Field(None, alias="camelCase")


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
WORD = st.text("abc榴莲🍈_-", min_size=1, max_size=6)
SECONDS = st.integers(0, 20_000_000_000)
MINUTES = st.integers(-14 * 60, 14 * 60)
NOTE = st.fixed_dictionaries({"text": TEXT}, optional={"stars": st.integers(-5, 5), "未知": TEXT})
PLAIN = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT
STRAY = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3), max_leaves=5)


def compact(note: dict[str, Any]) -> str:
    known_first = {name: note[name] for name in ("text", "stars", "未知") if name in note}
    return json.dumps(known_first, ensure_ascii=False, separators=(",", ":"))


def moment(seconds: int, offset: int, micro: int) -> str:
    at = datetime.fromtimestamp(seconds, timezone(timedelta(minutes=offset))) + timedelta(microseconds=micro)
    return at.isoformat(timespec="microseconds" if micro % 1000 else "milliseconds" if micro else "seconds")


WIRE = st.fixed_dictionaries(
    {},
    optional={
        "at": SECONDS,
        "at_text": SECONDS.map(str),
        "on": st.sampled_from([0, 1]),
        "id": st.integers(-(2**63), 2**64) | st.integers(-(2**63), 2**64).map(str) | st.integers(0, 99).map("{:019d}".format),
        "names": st.lists(WORD, max_size=4).map(",".join),
        "users": st.lists(WORD, max_size=4).map("|".join),
        "note": NOTE.map(compact),
        "when": st.builds(moment, SECONDS, MINUTES, st.sampled_from([0, 120_000, 123_456])),
        "colour": WORD,
        "size": st.integers(-(2**31), 2**31),
        "notes": st.lists(NOTE, max_size=3),
        "camelCase": TEXT,
        "brand_new": STRAY,
    },
)


@given(WIRE)
def test_every_wire_type_goes_back_as_it_came(wire: dict[str, Any]) -> None:
    model = Everything.model_validate_json(json.dumps(wire))
    assert model.to_wire() == wire
    assert Everything.model_validate(model.to_wire()) == model
    for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), model.model_copy()):
        assert again.to_wire() == wire


@given(st.binary(max_size=60) | WIRE.map(json.dumps).map(lambda text: text[: len(text) // 2].encode()))
def test_garbage_is_a_validation_error_and_nothing_else(body: bytes) -> None:
    with suppress(ValidationError):
        Everything.model_validate_json(body)


def test_python_values_are_what_one_expects() -> None:
    model = Everything.model_validate(
        {
            "at": 1_700_000_000,
            "on": 1,
            "id": "0042",
            "names": "a,b",
            "note": '{"text":"hi"}',
            "when": "2026-01-01T00:00:00+08:00",
            "camelCase": "x",
        }
    )
    assert model.at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert model.on is True
    assert model.id == 42
    assert model.names == ("a", "b")
    assert model.note == Note(text="hi")
    assert model.when == datetime(2025, 12, 31, 16, tzinfo=UTC)
    assert model.camel_case == "x"


def test_models_are_frozen_and_keep_what_nobody_knows() -> None:
    model = Everything.model_validate({"notes": [{"text": "a", "x": 1}], "y": {"z": 2}})
    with pytest.raises(ValidationError, match="frozen"):
        model.names = ("a",)  # type: ignore[misc]
    assert list(model.unknown_fields()) == ["y", "notes.0.x"]


@pytest.mark.parametrize("value", [1.0, 1e3, 1.5, "1.0", "1e3", "", "-", "--5", "５", "abc", True, None, [1]], ids=repr)
def test_an_id_never_passes_a_float_or_what_is_no_number(value: Any) -> None:
    class Order(WireModel):
        id: Int64

    with pytest.raises(ValidationError):
        Order.model_validate_json(json.dumps({"id": value}))


@pytest.mark.parametrize("field", ["at", "at_text", "when"])
def test_naive_datetimes_are_refused(field: str) -> None:
    with pytest.raises(ValidationError, match="timezone"):
        Everything.model_validate({field: datetime(2026, 1, 1)})  # noqa: DTZ001


def test_open_enumerations_keep_unknown_values() -> None:
    assert Colour("green") is Colour.GREEN
    pink, seven = Colour("pink"), Size(7)
    assert (pink, seven, str(pink), str(seven)) == ("pink", 7, "pink", "7")
    assert (pink.is_known, seven.is_known, Colour.GREEN.is_known) == (False, False, True)
    assert len({pink, Colour("pink"), "pink"}) == 1
    assert pickle.loads(pickle.dumps(pink)) == copy.deepcopy(pink) == pink
    assert Size("7") == 7
    assert list(Colour) == [Colour.GREEN]
    for wrong in (7, None, ["pink"]):
        with pytest.raises(ValueError, match="is not a valid"):
            Colour(wrong)
    for wrong in ("seven", "--7", None):
        with pytest.raises(ValueError, match=r"is not a valid|invalid literal"):
            Size(wrong)


def test_xml_lists_tolerate_one_bare_item() -> None:
    class Menu(WireModel):
        item: XmlList[str] = ()

    assert [Menu.model_validate({"item": given}).item for given in ("a", ["a", "b"], "", None)] == [("a",), ("a", "b"), (), ()]


def test_constants_are_sent_without_being_given() -> None:
    class Text(Tagged):
        msgtype: Literal["text"] = "text"
        style: Literal["plain", "rich"] = "plain"
        content: str

    assert Text(content="hi").to_wire() == {"msgtype": "text", "content": "hi"}


def test_a_secret_is_sent_but_not_shown() -> None:
    class Login(WireModel):
        password: Secret

    login = Login(password="hunter2")
    assert login.to_wire() == {"password": "hunter2"}
    assert "hunter2" not in repr(login) + str(login)


# Limits


class Sent(WireModel):
    text: Annotated[str, MaxBytes(9)] = ""
    title: Annotated[str, MaxChars(3)] = ""
    ids: Annotated[Sequence[str], NotEmpty, MaxItems(2)] = ("a",)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"text": "榴莲🍈"}, "at most 9 bytes of UTF-8 are allowed, got 10"),
        ({"title": "榴莲🍈!"}, "at most 3 characters are allowed, got 4"),
        ({"ids": ["a", "b", "c"]}, "at most 2 items are allowed, got 3"),
        ({"ids": []}, "at least one entry is needed"),
    ],
)
def test_limits_hold_for_what_we_send_and_not_for_what_we_read(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Sent.model_validate(given, context=OUTGOING)
    assert Sent.model_validate(given).to_wire() == given


def test_what_just_fits_is_sent() -> None:
    given = {"text": "榴莲莲", "title": "榴🍈莲", "ids": ["a", "b"]}
    assert Sent.model_validate(given, context=OUTGOING).to_wire() == given
