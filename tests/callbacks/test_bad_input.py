"""What strangers, broken networks and careless frameworks send: a typed error and a 4xx, never a crash, never a 500 loop."""

from __future__ import annotations

import base64
import hmac
import os
import random
import time
from collections import Counter
from typing import Any

import pytest
from attrs import evolve

from siyu_sdk import Event, UnknownEvent, UsageError
from siyu_sdk.callbacks import Answer, Request, Router, answer, door_of
from siyu_sdk.core import crypto
from siyu_sdk.core.xml import to_xml
from siyu_sdk.wecom.callbacks import Callbacks
from siyu_sdk.wecom.events import AddExternalContact

from .conftest import CODEC, CORP, added, greeting, posted, query

BOMB = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><xml><Encrypt>&b;</Encrypt></xml>'
MUTATIONS = int(os.environ.get("SIYU_MUTATIONS", "5000"))


def refused(callbacks: Callbacks, request: Request) -> Answer:
    """The answer to something that must not reach a handler."""
    router = Router()
    router.default(lambda event: pytest.fail(f"handled: {event!r}"))
    return answer(door_of(callbacks), router, request)


def outer(body: bytes) -> Request:
    return Request("POST", query("x"), {}, body)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (evolve(posted(added()), query="msg_signature=" + "0" * 40 + "&timestamp=1&nonce=n"), 401),
        (evolve(posted(added()), query=""), 401),
        (evolve(posted(added()), query="%ff=%ff&msg_signature=%ff&=&&timestamp"), 401),
        (evolve(greeting(), query="msg_signature=0&timestamp=1&nonce=n&echostr=AA+BB"), 401),
        (evolve(posted(added()), body=posted(added()).body[:100]), 400),
        (evolve(posted(added()), body=b""), 400),
        (posted(added(), receive_id="ww-stranger"), 403),
        (outer(BOMB), 400),
        (posted(BOMB), 400),
        (posted(b"<xml>"), 400),
        (posted(b"\xff\xfe"), 403),
        (posted(b"[" * 100_000), 400),
        (outer(b"<a>" * 5000 + b"</a>" * 5000), 400),
        (outer(b"x" * (1 << 20) + b"x"), 413),
        (evolve(posted(added()), method="PUT"), 405),
        (Request("OPTIONS"), 405),
    ],
    ids=[
        "wrong signature",
        "no query",
        "broken query",
        "stranger's greeting",
        "truncated body",
        "no body",
        "another receiver",
        "bomb outside",
        "bomb inside",
        "half an event",
        "no text inside",
        "deep JSON",
        "deep XML",
        "too much",
        "PUT",
        "OPTIONS",
    ],
)
def test_it_is_refused_and_told_nothing(callbacks: Callbacks, request_: Request, status: int) -> None:
    told = refused(callbacks, request_)
    assert (told.status, told.body) == (status, b"")


@pytest.mark.parametrize("body", ["<xml/>", {"Encrypt": "x"}, None, bytearray(b"<xml/>")])
def test_a_body_that_is_not_raw_is_a_usage_error(callbacks: Callbacks, body: Any) -> None:
    with pytest.raises(UsageError, match="raw body"):
        refused(callbacks, Request("POST", query("x"), {}, body))


def test_what_strangers_send_stays_out_of_the_log(callbacks: Callbacks, caplog: pytest.LogCaptureFixture) -> None:
    refused(callbacks, outer(b"<xml>evil\nFAKE LOG LINE"))
    assert "DecodeError" in caplog.text
    assert "FAKE" not in caplog.text


@pytest.mark.parametrize(
    "text",
    [
        "<xml><Event>moon_landing</Event></xml>",
        "<xml><Event>change_external_contact</Event><ChangeType>add_external_contact</ChangeType><CreateTime>soon</CreateTime></xml>",
        "<xml><Event>change_external_contact</Event><UserID><a>1</a></UserID></xml>",
        "<xml><Event><a/></Event></xml>",
        "<xml><model_extra>1</model_extra><payload>2</payload></xml>",
        '{"Event": ["a", "b"], "MsgType": {"x": 1}}',
        "<xml/>",
        "<xml>hello</xml>",
    ],
)
def test_an_event_of_another_shape_is_kept_whole(callbacks: Callbacks, text: str) -> None:
    kept: list[Event] = []
    router = Router()
    router.default(kept.append)
    assert answer(door_of(callbacks), router, posted(text.encode())).status == 200
    assert isinstance(kept[0], UnknownEvent)


def test_signatures_are_compared_in_constant_time(callbacks: Callbacks, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = list[tuple[bytes, bytes]]()
    real = hmac.compare_digest

    def compare(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return real(a, b)

    monkeypatch.setattr(crypto.hmac, "compare_digest", compare)
    assert refused(callbacks, evolve(posted(added()), query="msg_signature=abc&timestamp=1&nonce=n")).status == 401
    assert compared[0][1] == b"abc"


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


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_mutated_callbacks_give_an_event_or_a_typed_refusal(callbacks: Callbacks) -> None:
    """As many as SIYU_MUTATIONS says, 5000 unless told otherwise."""
    dice = random.Random(MUTATIONS)
    handled: Counter[str] = Counter()
    router = Router()
    router.default(lambda event: handled.update([type(event).__name__]))
    door = door_of(callbacks)
    statuses: Counter[int] = Counter()
    plain = to_xml(added()).encode()
    began = time.perf_counter()
    for number in range(MUTATIONS):
        match number % 5:
            case 0:  # the body changed on the way
                request = posted(added())
                request = evolve(request, body=mutate(dice, request.body))
            case 1:  # the query changed on the way
                request = posted(added())
                request = evolve(request, query=mutate(dice, request.query.encode()).decode("latin-1"))
            case 2:  # rightly signed, with broken ciphertext
                cipher = base64.b64encode(mutate(dice, base64.b64decode(CODEC.encrypt(plain, CORP)))).decode()
                request = Request("POST", query(cipher), {}, to_xml({"Encrypt": cipher}).encode())
            case 3:  # rightly signed and sealed, with a broken message
                request = posted(mutate(dice, plain))
            case _:  # the console's check, changed
                request = greeting()
                request = evolve(request, query=mutate(dice, request.query.encode()).decode("latin-1"))
        statuses[answer(door, router, request).status] += 1
    print(f"{MUTATIONS} in {time.perf_counter() - began:.1f} s: {dict(statuses)}, {dict(handled)}")
    assert statuses.keys() == {200, 400, 401, 403}
    assert handled.keys() >= {AddExternalContact.__name__, UnknownEvent.__name__}
