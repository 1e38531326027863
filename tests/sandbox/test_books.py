"""The books, and whether they notice when something is wrong."""

from __future__ import annotations

from attrs import evolve

from siyu_sdk.sandbox import Sandbox
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.contact_ways import ContactWayType, Scene
from siyu_sdk.wecom.messages import Text

from .conftest import PayCaller, WeComCaller


def test_calls_are_counted_by_path_platform_and_code(sandbox: Sandbox, wecom: WeComCaller) -> None:
    wecom.get("/cgi-bin/user/get", userid="amy")
    wecom.get("/cgi-bin/user/get", userid="nobody")
    assert sandbox.calls.count("/cgi-bin/gettoken") == 1
    assert sandbox.calls.count("/cgi-bin/user/*") == 2
    assert sandbox.calls.count("/cgi-bin/user/*", errcode=60111) == 1
    assert sandbox.calls.count(platform="pay") == 0
    sandbox.calls.clear()
    assert sandbox.calls.count() == 0


def test_a_message_that_came_twice_is_noticed(sandbox: Sandbox) -> None:
    for _ in range(2):
        sandbox.wecom.add_task("同一句话", (), ["wm0"], "amy")
    sandbox.advance(hours=1)
    assert sandbox.invariants() == ["wm0 got the same message 2 times: '同一句话'"]


def test_a_second_welcome_is_noticed(sandbox: Sandbox, corp: WeCom) -> None:
    customer = sandbox.wecom.customer_adds("amy")
    corp.welcome.send(sandbox.world.events[-1]["WelcomeCode"], text=Text(content="您好"))
    assert sandbox.invariants() == []
    sandbox.world.inboxes[customer] *= 2
    assert sandbox.invariants() == [f"{customer} was welcomed 2 times for adding once"]


def test_a_customer_whom_no_event_tells_of_is_noticed(sandbox: Sandbox, corp: WeCom) -> None:
    way = corp.contact_ways.create(type=ContactWayType.SINGLE, scene=Scene.QR_CODE, user=["amy"], state="box").config_id
    customer = sandbox.wecom.customer_adds(way=way)
    del sandbox.world.events[-1]["State"]
    assert sandbox.invariants() == [f"{customer} came to amy by state 'box', no event says so"]


def test_a_delivery_beyond_the_quota_is_noticed(sandbox: Sandbox) -> None:
    sandbox.wecom.add_task("hello", (), ["wm0"], "amy")
    sandbox.advance(hours=1)
    (delivery,) = sandbox.world.inboxes["wm0"]
    sandbox.world.inboxes["wm0"].extend(evolve(delivery, text=f"more {n}") for n in range(30))
    assert any("wm0 got 31 messages in 2026-11" in violation for violation in sandbox.invariants())
    assert any("1 sent, 31 arrived" in violation for violation in sandbox.invariants())


def test_two_coupons_of_one_person_are_noticed_across_openids(sandbox: Sandbox, pay: PayCaller) -> None:
    ids = sandbox.credentials
    person = next(p for p in sandbox.world.people if p.unionid and p.miniprogram_openid and p.store_openid)
    assert person.miniprogram_openid
    assert person.store_openid
    assert pay.send(person.miniprogram_openid, "number-1").status_code == 200
    assert sandbox.invariants() == []
    assert pay.send(person.store_openid, "number-2", appid=ids.store_appid).status_code == 200
    assert sandbox.invariants() == [f"{person.unionid} holds 2 coupons of stock {ids.stock_id}, 1 allowed"]
    assert len(sandbox.wallet(person.unionid or "")) == 2


def test_a_coupon_in_an_impossible_state_is_noticed(sandbox: Sandbox, pay: PayCaller, openid: str) -> None:
    pay.send(openid, "number-1")
    (coupon,) = sandbox.wallet(openid)
    coupon.state = "USED"
    assert len(sandbox.invariants()) == 2
    coupon.state = "LOST"
    assert "in no known state" in sandbox.invariants()[0]


def test_a_scheduled_action_that_breaks_is_noticed(sandbox: Sandbox) -> None:
    sandbox.world.timeline.after(10, lambda: 1 / 0)  # type: ignore[arg-type]
    sandbox.advance(minutes=1)
    assert "ZeroDivisionError" in sandbox.invariants()[0]
