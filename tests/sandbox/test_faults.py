"""Faults: each kind does what it says, to the calls it was meant for, as often as it should."""

from __future__ import annotations

import json
import time

import httpx
import pytest

from siyu_sdk.sandbox import Sandbox

from .conftest import PayCaller, WeComCaller

ADD_TAG = "/cgi-bin/externalcontact/add_corp_tag"


def add_tag(wecom: WeComCaller, name: str = "榴莲") -> httpx.Response:
    body = {"group_name": "购买", "tag": [{"name": name}]}
    return wecom.http.post(wecom.sandbox.wecom_url + ADD_TAG, params={"access_token": wecom.token()}, json=body)


def test_an_answer_is_dropped_after_the_work_is_done(sandbox: Sandbox, wecom: WeComCaller) -> None:
    fault = sandbox.faults.add(path=ADD_TAG, kind="drop_after_commit", times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        add_tag(wecom)
    assert sandbox.wecom.tag_id("购买/榴莲") is not None
    assert fault.hits == 1
    assert add_tag(wecom).json()["errcode"] == 40071, "the second attempt finds what the first one did"
    assert [record.fault for record in sandbox.calls.records(ADD_TAG)] == ["drop_after_commit", None]


def test_a_connection_is_reset_before_anything_is_done(sandbox: Sandbox, wecom: WeComCaller) -> None:
    wecom.token()
    sandbox.faults.add(path=ADD_TAG, kind="reset", times=1)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        add_tag(wecom)
    assert sandbox.wecom.tag_id("购买/榴莲") is None
    assert add_tag(wecom).json()["errcode"] == 0


def test_a_server_error_comes_before_the_work_or_after_it(sandbox: Sandbox, wecom: WeComCaller) -> None:
    sandbox.faults.add(path=ADD_TAG, kind="http_500", times=1)
    assert add_tag(wecom).status_code == 500
    assert sandbox.wecom.tag_id("购买/榴莲") is None
    sandbox.faults.add(path=ADD_TAG, kind="http_500", times=1, after=True)
    assert add_tag(wecom).status_code == 500
    assert sandbox.wecom.tag_id("购买/榴莲") is not None


def test_a_slow_answer_is_given_up_while_the_work_goes_on(sandbox: Sandbox, wecom: WeComCaller) -> None:
    token = wecom.token()
    sandbox.faults.add(path=ADD_TAG, kind="slow", seconds=0.3, times=1)
    with pytest.raises(httpx.ReadTimeout), httpx.Client(timeout=0.1) as impatient:
        impatient.post(sandbox.wecom_url + ADD_TAG, params={"access_token": token}, json={"group_name": "g", "tag": [{"name": "t"}]})
    deadline = time.monotonic() + 5
    while sandbox.wecom.tag_id("g/t") is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_half_a_json_and_a_page_of_a_proxy(sandbox: Sandbox, wecom: WeComCaller) -> None:
    sandbox.faults.add(path=ADD_TAG, kind="truncate", times=1)
    answer = add_tag(wecom)
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert sandbox.wecom.tag_id("购买/榴莲") is not None
    sandbox.faults.add(path=ADD_TAG, kind="html", times=1)
    answer = add_tag(wecom, "山竹")
    assert answer.headers["content-type"].startswith("text/html")
    assert sandbox.wecom.tag_id("购买/山竹") is None


@pytest.mark.parametrize("code", [42001, -1, 45009])
def test_an_error_code_in_the_platforms_words(sandbox: Sandbox, wecom: WeComCaller, code: int) -> None:
    wecom.token()
    sandbox.faults.add(path="*", kind="errcode", code=code, times=1)
    assert add_tag(wecom).json()["errcode"] == code
    assert sandbox.calls.count(ADD_TAG, errcode=code) == 1
    assert add_tag(wecom).json()["errcode"] == 0


def test_a_system_error_of_pay_after_success(sandbox: Sandbox, pay: PayCaller, openid: str) -> None:
    sandbox.faults.add(path="/v3/*/coupons", kind="errcode", code="SYSTEM_ERROR", times=1, after=True)
    answer = pay.send(openid, "number-1")
    assert (answer.status_code, answer.json()["code"]) == (500, "SYSTEM_ERROR")
    assert len(sandbox.wallet(openid)) == 1
    assert pay.send(openid, "number-1").status_code == 200
    assert len(sandbox.wallet(openid)) == 1


def test_rates_are_drawn_from_the_seed(sandbox: Sandbox, wecom: WeComCaller) -> None:
    def pattern() -> list[int]:
        sandbox.faults.clear()
        sandbox.faults.add(path="/cgi-bin/user/*", kind="errcode", code=-1, rate=0.3)
        return [wecom.get("/cgi-bin/user/get", userid="amy")["errcode"] for _ in range(60)]

    first = pattern()
    assert 6 <= first.count(-1) <= 30
    assert pattern() == first


def test_faults_keep_to_their_platform_and_can_be_taken_back(sandbox: Sandbox, wecom: WeComCaller) -> None:
    elsewhere = sandbox.faults.add(kind="http_500", platform="pay")
    assert wecom.get("/cgi-bin/user/get", userid="amy")["errcode"] == 0
    everywhere = sandbox.faults.add(kind="http_500")
    with pytest.raises(json.JSONDecodeError):
        wecom.get("/cgi-bin/user/get", userid="amy")
    sandbox.faults.remove(everywhere)
    assert wecom.get("/cgi-bin/user/get", userid="amy")["errcode"] == 0
    assert elsewhere.hits == 0


def test_faults_that_make_no_sense_are_refused(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="drop_after_commit"):
        sandbox.faults.add(kind="explode")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="rate"):
        sandbox.faults.add(kind="reset", rate=2)
