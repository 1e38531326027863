"""The sandbox for other processes: the control server, the remote clock, the environment."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from siyu_sdk.sandbox import RemoteClock, Sandbox


def test_a_remote_clock_follows(sandbox: Sandbox) -> None:
    clock = RemoteClock(sandbox.control_url)
    assert abs(clock.time() - sandbox.clock.time()) < 0.2
    assert clock.now().utcoffset() is not None
    sandbox.advance(days=2)
    time.sleep(0.25)
    assert abs(clock.time() - sandbox.clock.time()) < 0.2
    assert clock.sleep(0.5) == 0.5
    assert clock.sleep(3600) <= 2, "hours of virtual time are not slept"
    with pytest.raises(ValueError, match="http"):
        RemoteClock("file:///etc/passwd")


def test_another_process_lives_in_the_same_time(sandbox: Sandbox) -> None:
    sandbox.advance(days=30)
    program = "import os; from siyu_sdk.sandbox import RemoteClock; print(RemoteClock(os.environ['SIYU_CLOCK_URL']).time())"
    environment = {**sandbox.environment(), "PYTHONPATH": ":".join(sys.path)}
    told = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True).stdout
    assert abs(float(told) - sandbox.clock.time()) < 5


def test_everything_by_json(sandbox: Sandbox, http: httpx.Client) -> None:
    url = sandbox.control_url

    def get(path: str) -> dict[str, Any]:
        answer = http.get(url + path)
        assert answer.status_code == 200
        reply = answer.json()
        assert isinstance(reply, dict)
        return reply

    sandbox.wecom.add_task("hello", (), ["wm0"], "amy")
    before = sandbox.clock.time()
    advanced = http.post(url + "/advance", json={"hours": 1}).json()
    assert advanced["time"] >= before + 3600
    assert advanced["ran"] >= 1
    assert [(m["sender"], m["text"]) for m in get("/inbox/wm0")["messages"]] == [("amy", "hello")]
    assert get("/wallet/nobody") == {"coupons": []}
    assert get("/invariants") == {"violations": []}
    assert get("/books")["customers"] == 60
    assert get("/credentials")["environment"] == sandbox.environment()
    assert len(get("/logins")["logins"]) == len(sandbox.logins())
    assert http.post(url + "/faults", json={"kind": "http_500", "path": "/cgi-bin/*"}).json()["rate"] == 1
    assert http.get(sandbox.wecom_url + "/cgi-bin/gettoken").status_code == 500
    http.request("DELETE", url + "/faults")
    assert http.get(sandbox.wecom_url + "/cgi-bin/gettoken").status_code == 200
    assert http.post(url + "/callbacks", json={"pay": "http://127.0.0.1:1/x"}).json() == {"wecom": None, "pay": "http://127.0.0.1:1/x"}
    http.post(url + "/reset")
    assert sandbox.clock.now().isoformat().startswith("2026-11-16T01:30")
    assert sandbox.pay_callback_url == "http://127.0.0.1:1/x"


def test_people_are_moved_by_json(sandbox: Sandbox, http: httpx.Client) -> None:
    url = sandbox.control_url

    def act(hand: str, **parameters: object) -> Any:
        return http.post(f"{url}/act/{hand}", json=parameters).json()

    customer = act("customer_adds", userid="amy", state="box")["result"]
    assert sandbox.world.relation("amy", customer)
    chat_id = act("member_opens_chat", userid="amy", name="榴莲团")["result"]
    assert act("customer_joins", external_userid=customer, chat_id=chat_id) == {"result": chat_id}
    assert act("oauth_code", who="amy")["result"] in sandbox.wecom.oauth.codes
    assert act("customer_adds", userid="nobody")["code"] == "BAD_REQUEST"
    assert act("customer_adds", way="cw-none")["code"] == "BAD_REQUEST"
    assert "customer_adds" in act("new_id", prefix="x")["message"]
    books = http.get(url + "/books").json()
    assert books["events"] == {"add_external_contact": 1, "change_external_chat/create": 1, "change_external_chat/update": 1}
    assert {name: books["kf"][name] for name in ("accounts", "conversations", "received", "sent")} == {
        "accounts": 1,
        "conversations": 0,
        "received": 0,
        "sent": 0,
    }


@pytest.mark.parametrize(
    ("path", "body"), [("/advance", {"weeks": -1}), ("/advance", {"moons": 1}), ("/advance", []), ("/faults", {"kind": "x"})]
)
def test_what_the_control_server_refuses(sandbox: Sandbox, http: httpx.Client, path: str, body: object) -> None:
    assert http.post(sandbox.control_url + path, json=body).status_code == 400
    assert http.get(sandbox.control_url + "/nothing").status_code == 404


def test_many_connections_at_once_are_all_answered(sandbox: Sandbox) -> None:
    def ask(_: int) -> int:
        connection = HTTPConnection(urlsplit(sandbox.wecom_url).netloc, timeout=10)
        connection.request("GET", "/cgi-bin/gettoken")
        status = connection.getresponse().status
        connection.close()
        return status

    with ThreadPoolExecutor(120) as pool:
        assert set(pool.map(ask, range(120))) == {200}
