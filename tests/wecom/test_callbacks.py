"""Callbacks: what the platform sent is read; what anybody else sent is a typed error, never a crash."""

from __future__ import annotations

import base64
import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siyu_sdk import DecodeError, DecryptError, Event, InputError, SignatureError, SiyuError, UnknownEvent, UsageError
from siyu_sdk.core.crypto import CallbackCodec
from siyu_sdk.core.xml import parse_xml, to_xml
from siyu_sdk.wecom import events
from siyu_sdk.wecom.callbacks import Callbacks

TOKEN = "QDG6eK"
KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
CORP = "ww1234567890abcdef"
CODEC = CallbackCodec(TOKEN, KEY, [CORP])
CALLBACKS = Callbacks(TOKEN, KEY, CORP)

ADDED = f"""<xml><ToUserName><![CDATA[{CORP}]]></ToUserName><FromUserName><![CDATA[sys]]></FromUserName>
<CreateTime>1403610513</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[change_external_contact]]></Event>
<ChangeType><![CDATA[add_external_contact]]></ChangeType><UserID><![CDATA[amy]]></UserID>
<ExternalUserID><![CDATA[wm1]]></ExternalUserID><State><![CDATA[门店3]]></State><WelcomeCode><![CDATA[CODE]]></WelcomeCode></xml>"""


def sealed(message: str | bytes, receive_id: str = CORP) -> tuple[str, str, str, bytes]:
    """A callback as the platform would post it."""
    encrypted = CODEC.encrypt(message.encode() if isinstance(message, str) else message, receive_id)
    return signed(encrypted)


def signed(encrypted: str) -> tuple[str, str, str, bytes]:
    body = f"<xml><ToUserName><![CDATA[{CORP}]]></ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt><AgentID>1</AgentID></xml>"
    return CODEC.sign("1403610513", "nonce", encrypted), "1403610513", "nonce", body.encode()


# What the platform sent


def vector(shared: Path, name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = json.loads((shared / "facts/crypto_vectors.json").read_text(encoding="utf-8"))["vectors"]
    return next(entry for entry in found if entry["id"] == name)


def test_the_address_is_verified_as_published(shared: Path) -> None:
    case = vector(shared, "wecom_echostr_verify")
    given_, expected = case["inputs"], case["expected"]
    callbacks = Callbacks(given_["token"], given_["encoding_aes_key"], given_["receive_id"])
    query = given_["msg_signature"], given_["timestamp"], given_["nonce"]
    assert callbacks.verify_url(*query, given_["echostr"]) == expected["plain_echostr"]
    with pytest.raises(SignatureError):
        callbacks.verify_url(*query, given_["echostr"].replace("+", " "))


def test_a_message_is_read_as_published(shared: Path) -> None:
    case = vector(shared, "wecom_callback_post_text")
    given_ = case["inputs"]
    callbacks = Callbacks(given_["token"], given_["encoding_aes_key"], given_["receive_id"])
    body = to_xml({"ToUserName": given_["receive_id"], "Encrypt": given_["encrypt"], "AgentID": 218}).encode()
    event = callbacks.receive(given_["msg_signature"], given_["timestamp"], given_["nonce"], body)
    assert isinstance(event, events.TextMessage)
    plain = parse_xml(case["expected"]["plain_xml"])
    assert (event.from_user_name, event.content, str(event.msg_id)) == (plain["FromUserName"], plain["Content"], plain["MsgId"])


def test_a_reply_is_sealed_as_published(shared: Path) -> None:
    case = vector(shared, "wecom_passive_reply_encrypt")
    given_, expected = case["inputs"], case["expected"]
    codec = CallbackCodec(given_["token"], given_["encoding_aes_key"], [given_["receive_id"]])
    encrypted = codec.encrypt(given_["msg"].encode(), given_["receive_id"], given_["random16"].encode())
    assert encrypted == expected["encrypt"]
    assert codec.sign(given_["timestamp"], given_["nonce"], encrypted) == expected["msg_signature"]


def test_an_added_customer_becomes_a_typed_event() -> None:
    event = CALLBACKS.receive(*sealed(ADDED))
    assert isinstance(event, events.AddExternalContact)
    assert isinstance(event, events.CustomerEvent)
    assert (event.user_id, event.external_user_id, event.state, event.welcome_code) == ("amy", "wm1", "门店3", "CODE")
    assert event.happened_at == event.create_time == datetime(2014, 6, 24, 11, 48, 33, tzinfo=UTC)
    assert event.corpid == CORP
    assert "CODE" not in repr(event)


def test_the_form_of_third_party_apps_becomes_the_same_type() -> None:
    text = to_xml(
        {
            "SuiteId": "ww4a",
            "AuthCorpId": "wx1",
            "InfoType": "change_external_contact",
            "TimeStamp": 1403610513,
            "ChangeType": "del_external_contact",
            "UserID": "amy",
            "ExternalUserID": "wm1",
            "Source": "DELETE_BY_TRANSFER",
        }
    )
    event = CALLBACKS.receive(*sealed(text))
    assert isinstance(event, events.DelExternalContact)
    assert event.source is events.DelSource.DELETE_BY_TRANSFER
    assert event.corpid == "wx1"
    assert event.happened_at == datetime(2014, 6, 24, 11, 48, 33, tzinfo=UTC)


@pytest.mark.parametrize("names", [[], ["Jack"], ["Jack", "Rose"]])
def test_who_came_into_a_group_is_always_a_list(names: list[str]) -> None:
    items = "".join(f"<Item>{name}</Item>" for name in names)
    text = (
        "<xml><Event>change_external_chat</Event><ChangeType>update</ChangeType><ChatId>wr1</ChatId><UpdateDetail>add_member</UpdateDetail>"
        f"<JoinScene>3</JoinScene><MemChangeCnt>1</MemChangeCnt><MemChangeList>{items}</MemChangeList></xml>"
    )
    event = events.parse(text)
    assert isinstance(event, events.GroupUpdated)
    assert event.join_scene is events.JoinScene.SCANNED
    assert event.mem_change_cnt == 1
    assert (event.mem_change_list.items if event.mem_change_list else ()) == tuple(names)


def test_a_change_of_tomorrow_keeps_its_family_and_an_unknown_event_everything() -> None:
    change = events.parse(
        "<xml><Event>change_external_contact</Event><ChangeType>smiled</ChangeType><UserID>amy</UserID><Width>9</Width></xml>"
    )
    assert type(change) is events.CustomerEvent
    assert change.user_id == "amy"
    assert change.model_extra == {"Width": "9"}
    unknown = events.parse("<xml><Event>moon_landing</Event><A><B>1</B><B>2</B></A></xml>")
    assert isinstance(unknown, UnknownEvent)
    assert unknown.payload == {"Event": "moon_landing", "A": {"B": ["1", "2"]}}


def test_an_empty_element_is_an_absent_one() -> None:
    event = events.parse(
        "<xml><Event>change_external_contact</Event><ChangeType>del_external_contact</ChangeType><CreateTime/><Source/></xml>"
    )
    assert isinstance(event, events.DelExternalContact)
    assert event.source is event.create_time is None


def test_several_receivers_may_be_accepted() -> None:
    callbacks = Callbacks(TOKEN, KEY, {CORP, "suite1", ""})
    assert isinstance(callbacks.receive(*sealed(ADDED, "suite1")), events.AddExternalContact)
    assert isinstance(callbacks.receive(*sealed(ADDED, "")), events.AddExternalContact)
    with pytest.raises(DecryptError, match="stranger"):
        callbacks.receive(*sealed(ADDED, "stranger"))
    with pytest.raises(InputError, match="receive_id"):
        callbacks.encrypt_reply("<xml/>")
    assert callbacks.encrypt_reply("<xml/>", receive_id="suite1")
    with pytest.raises(InputError, match="receive_id"):
        Callbacks(TOKEN, KEY, [])


@settings(deadline=None, max_examples=100)
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=500))
def test_a_sealed_reply_opens_again(text: str) -> None:
    reply = parse_xml(CALLBACKS.encrypt_reply(text))
    assert CALLBACKS.verify_url(reply["MsgSignature"], reply["TimeStamp"], reply["Nonce"], reply["Encrypt"]) == text


# What anybody else sent


def test_secrets_do_not_show() -> None:
    assert TOKEN not in repr(CALLBACKS)
    assert KEY not in repr(CALLBACKS)
    assert CORP in repr(CALLBACKS)


@pytest.mark.parametrize("index", [0, 1, 2])
@pytest.mark.parametrize("value", [None, "", "0" * 40, "é", "\udcff"])
def test_a_wrong_or_missing_part_of_the_query_is_no_signature(index: int, value: str | None) -> None:
    parts: list[Any] = list(sealed(ADDED))
    parts[index] = value
    with pytest.raises(SignatureError):
        CALLBACKS.receive(*parts)


def test_another_token_or_key_is_told_apart() -> None:
    with pytest.raises(SignatureError, match="token"):
        Callbacks("another", KEY, CORP).receive(*sealed(ADDED))
    with pytest.raises(DecryptError):
        Callbacks(TOKEN, base64.b64encode(bytes(range(32))).decode()[:43], CORP).receive(*sealed(ADDED))
    with pytest.raises(InputError, match="43"):
        Callbacks(TOKEN, "short", CORP)


BOMB = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><xml><Encrypt>&b;</Encrypt></xml>'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"ok",
        b"<xml>",
        b"<xml/>",
        b"<xml><Encrypt/></xml>",
        b"<xml><Encrypt><a/></Encrypt></xml>",
        b"<xml><Encrypt>a</Encrypt><Encrypt>b</Encrypt></xml>",
        b"{}",
        b"[1]",
        b'{"Encrypt": 1}',
        b'{"Encrypt": ',
        b"\xff\xfe\x00",
        b'<?xml version="1.0" encoding="no-such"?><xml/>',
        b'<?xml version="1.0" encoding="utf-16"?><xml/>',
        b'<?xml version="1.0" encoding="gb18030"?><xml/>',
        b"<a>" * 5000,
        b"<a>" * 5000 + b"</a>" * 5000,
        b"[" * 100_000,
        BOMB.encode(),
    ],
)
def test_a_body_that_is_no_callback_is_a_typed_error(body: bytes) -> None:
    with pytest.raises((DecodeError, SignatureError)):
        CALLBACKS.receive("0" * 40, "1", "n", body)


@pytest.mark.parametrize("body", [{"xml": {"Encrypt": "x"}}, "<xml><Encrypt>x</Encrypt></xml>", None])
def test_a_body_that_a_framework_parsed_is_refused_with_advice(body: Any) -> None:
    with pytest.raises(UsageError, match="raw body"):
        CALLBACKS.receive("0" * 40, "1", "n", body)


@pytest.mark.parametrize("message", [b"", b"hello", b"\xff\xff", b"<xml>", BOMB.encode(), b"[1]", b"<a>" * 100 + b"</a>" * 100])
def test_a_signed_message_that_is_no_event_is_a_typed_error(message: bytes) -> None:
    with pytest.raises((DecodeError, DecryptError)):
        CALLBACKS.receive(*sealed(message))


def mutate(dice: random.Random, raw: bytes) -> bytes:
    value = bytearray(raw)
    for _ in range(dice.randint(1, 4)):
        place = dice.randrange(len(value) + 1)
        match dice.randrange(5):
            case 0:
                del value[place:]
            case 1:
                value[place:place] = dice.randbytes(dice.randint(1, 8))
            case 2:
                del value[place : place + dice.randint(1, 16)]
            case 3 if place < len(value):
                value[place] ^= 1 << dice.randrange(8)
            case _:
                value[place:place] = value[: dice.randrange(len(value) + 1)]
    return bytes(value)


def test_two_thousand_mutated_callbacks_give_events_or_typed_errors() -> None:
    dice = random.Random(7)
    outcomes: dict[str, int] = {}
    for number in range(2000):
        parts = sealed(ADDED)
        if number % 4 == 0:  # a body changed on the way
            parts = (*parts[:3], mutate(dice, parts[3]))
        elif number % 4 == 1:  # a query changed on the way
            changed = [mutate(dice, part.encode()).decode("utf-8", "surrogateescape") for part in parts[:3]]
            parts = (changed[0], changed[1], changed[2], parts[3])
        elif number % 4 == 2:  # rightly signed, with broken ciphertext
            cipher = base64.b64decode(CODEC.encrypt(ADDED.encode(), CORP))
            parts = signed(base64.b64encode(mutate(dice, cipher)).decode())
        else:  # rightly signed and sealed, with a broken message
            parts = sealed(mutate(dice, ADDED.encode()))
        try:
            outcome: Event | SiyuError = CALLBACKS.receive(*parts)
        except (SignatureError, DecryptError, DecodeError) as error:
            outcome = error
        outcomes[type(outcome).__name__] = outcomes.get(type(outcome).__name__, 0) + 1
    assert {"SignatureError", "DecryptError", "DecodeError", "AddExternalContact"} <= outcomes.keys()
    assert sum(outcomes.values()) == 2000
