"""Twenty seconds: a welcome that is sent, or a reason why not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from siyu_sdk import InputError, PermissionDenied, WeCom
from siyu_sdk.wecom.events.external_contact import AddExternalContact
from siyu_sdk.wecom.welcome import fill

SEND = "/cgi-bin/externalcontact/send_welcome_msg"
TAKEN = {"errcode": 41096, "errmsg": "another app"}
VOID = {"errcode": 41050, "errmsg": "void"}
BUSY = {"errcode": -1, "errmsg": "system busy"}


def added(watch: Any, **changes: Any) -> AddExternalContact:
    return AddExternalContact.model_validate({"CreateTime": int(watch.at), "WelcomeCode": "CODE", "UserID": "amy", **changes})


def test_a_customer_is_greeted_by_name_and_the_name_is_taken_literally(loopback: Any, either: Any, watch: Any) -> None:
    values = {"nickname": r"$1\1 {{ member }}", "member": "小林"}
    text = "{{ nickname }}您好，我是{{member}}"
    assert either(lambda wecom: wecom.welcome.send_in_time(added(watch), text=text, values=values)).sent
    assert loopback.seen[0].json == {"welcome_code": "CODE", "text": {"content": r"$1\1 {{ member }}您好，我是小林"}}


def test_another_app_that_is_sending_may_fail(loopback: Any, either: Any, watch: Any) -> None:
    loopback.answer(SEND, TAKEN, TAKEN, {})
    assert either(lambda wecom: wecom.welcome.send_in_time(added(watch), text="您好")).reason == "sent"
    assert watch.slept == [0.5, 1]


def test_it_gives_up_when_the_code_dies(loopback: Any, either: Any, watch: Any) -> None:
    loopback.answer(SEND, TAKEN)
    began = watch.at
    outcome = either(lambda wecom: wecom.welcome.send_in_time(added(watch), text="您好"))
    assert (outcome.sent, outcome.reason) == (False, "another app")
    assert 10 < watch.at - began < 20


def test_a_deadline_of_your_own_is_kept(loopback: Any, either: Any, watch: Any) -> None:
    loopback.answer(SEND, TAKEN)
    began = watch.at
    either(lambda wecom: wecom.welcome.send_in_time("CODE", text="您好", deadline=watch.now() + timedelta(seconds=3)))
    assert watch.at - began < 3


@pytest.mark.parametrize(("code", "reason"), [(41050, "too late"), (41051, "already chatting")])
def test_some_answers_are_final(loopback: Any, either: Any, watch: Any, code: int, reason: str) -> None:
    loopback.answer(SEND, {"errcode": code, "errmsg": "no"})
    outcome = either(lambda wecom: wecom.welcome.send_in_time(added(watch), text="您好"))
    assert outcome.reason == reason
    assert outcome.error.code == code
    assert len(loopback.seen) == 1


def test_after_a_lost_answer_a_void_code_means_most_likely_sent(loopback: Any, either: Any, watch: Any) -> None:
    loopback.answer(SEND, BUSY, VOID)
    assert either(lambda wecom: wecom.welcome.send_in_time(added(watch), text="您好")).reason == "unknown"
    loopback.answer(SEND, BUSY, {})
    assert either(lambda wecom: wecom.welcome.send_in_time(added(watch), text="您好")).sent


def test_the_first_try_goes_out_whatever_the_clock_says(loopback: Any, either: Any, watch: Any) -> None:
    event = added(watch, CreateTime=int(watch.at) - 3600)
    assert either(lambda wecom: wecom.welcome.send_in_time(event, text="您好")).sent


def test_without_a_code_the_console_greets(loopback: Any, either: Any, watch: Any) -> None:
    event = AddExternalContact.model_validate({"CreateTime": int(watch.at), "UserID": "amy"})
    assert either(lambda wecom: wecom.welcome.send_in_time(event, text="您好")).reason == "no code"
    assert loopback.seen == []


def test_what_needs_a_correction_is_raised(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(SEND, {"errcode": 48002, "errmsg": "no right"})
    with pytest.raises(PermissionDenied):
        wecom.welcome.send_in_time("CODE", text={"content": "您好"})
    with pytest.raises(InputError, match="nothing to send"):
        wecom.welcome.send_in_time("CODE")
    with pytest.raises(InputError, match=r"no value for \{\{ nick \}\}; known are nickname"):
        wecom.welcome.send_in_time("CODE", text="{{ nick }}", values={"nickname": "x"})
    assert len(loopback.seen) == 1


def test_nothing_is_filled_twice() -> None:
    assert fill("{{ a }} {{b}} {c}", {"a": "{{ b }}", "b": "$&"}) == "{{ b }} $& {c}"
