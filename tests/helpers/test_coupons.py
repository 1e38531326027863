from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from attrs import define, field

from siyu_sdk import ApiError, SignatureError, SiyuError
from siyu_sdk.ledger import State

CONFIRM = "*/confirm"
NUMBER = "shop-assistant-0000001"


@define
class Receiver:
    """What a brand's backend has behind its notify URL."""

    siyu: Any
    refused: list[Exception] = field(factory=list)
    taken: list[bool] = field(factory=list)
    last: tuple[dict[str, str], bytes] | None = None

    def take(self, headers: dict[str, str], body: bytes) -> int:
        self.last = headers, body
        try:
            self.taken.append(self.siyu.coupons.receive(self.siyu.pay.notifications.receive(headers, body)))
        except SiyuError as error:
            self.refused.append(error)
            return 500
        return 204


@pytest.fixture
def receiver(shop: Any) -> Iterator[Receiver]:
    receiver = Receiver(shop.siyu)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(receiver.take(dict(self.headers.items()), body))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    shop.sandbox.pay_callback_url = f"http://127.0.0.1:{server.server_port}/notices"
    yield receiver
    server.shutdown()
    server.server_close()
    thread.join()


def give(shop: Any, count: int = 8, name: str = "gift") -> Any:
    plan = shop.siyu.coupons.plan(name, shop.some(count, coupons=True), shop.coupon)
    shop.apply(plan)
    return plan


def confirmed_once(shop: Any) -> None:
    """Each coupon is confirmed, and under one number."""
    coupons = list(shop.sandbox.pay.coupons.values())
    assert {c.state for c in coupons} <= {"EFFECTIVE", "USED"}
    assert len({c.confirm_request_no for c in coupons}) == len(coupons)
    numbers = [n for n in shop.sandbox.pay.requests if n.startswith("siyu-c-")]
    assert len(numbers) == len(coupons)


def known(shop: Any) -> list[str]:
    """The states of all coupons that the ledger has heard of."""
    heard = (shop.siyu.ledger.coupon(code) for code in shop.sandbox.pay.coupons)
    return [coupon["state"] for coupon in heard if coupon is not None]


@pytest.mark.parametrize("trouble", [{}, {"duplicate": 1.0}, {"reorder": 1.0}, {"drop": 0.5}], ids=["none", "twice", "late", "lost"])
def test_every_coupon_is_confirmed_once_whatever_the_notices_do(shop: Any, receiver: Receiver, trouble: dict[str, float]) -> None:
    for name, share in trouble.items():
        setattr(shop.sandbox.pay.push, name, share)
    plan = give(shop)
    shop.sandbox.advance(minutes=5)
    states = shop.states("gift")
    if "drop" in trouble:
        assert states[State.ISSUED] > 0
        refreshed = shop.siyu.coupons.refresh("gift")
        assert (refreshed.changed, refreshed.failed) == (states[State.ISSUED], 0)
    assert shop.states("gift") == {State.CONFIRMED: 8}
    confirmed_once(shop)
    assert receiver.refused == []
    shop.settled(plan)
    assert len(shop.siyu.coupons.issued("gift")) == 8


def test_a_notice_that_overtakes_the_answer(shop: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    from siyu_sdk import issuing

    plain = issuing._give_some

    def give_some(hub: Any, coupon: Any, rows: Any) -> Any:
        from siyu_sdk import Gather

        outcomes = yield from Gather([issuing.send_coupon(coupon, row) for row in rows])
        shop.sandbox.advance(minutes=1)  # the notices come, and are confirmed, before the answers are written down
        assert not any(isinstance(outcome, Exception) for outcome in outcomes)
        return (yield from plain(hub, coupon, rows))

    monkeypatch.setattr(issuing, "_give_some", give_some)
    plan = give(shop)
    assert shop.states("gift") == {State.CONFIRMED: 8}
    confirmed_once(shop)
    shop.settled(plan)


def test_a_confirmation_that_fails_is_told_again_by_the_platform(shop: Any, receiver: Receiver) -> None:
    shop.sandbox.faults.add(path=CONFIRM, kind="errcode", code="SYSTEM_ERROR", times=6)
    shop.sandbox.faults.add(path=CONFIRM, kind="drop_after_commit", times=6)
    give(shop, 4)
    shop.sandbox.advance(minutes=10)
    shop.siyu.coupons.refresh("gift")
    assert shop.states("gift") == {State.CONFIRMED: 4}
    confirmed_once(shop)


def test_a_crash_between_confirming_and_writing_it_into_the_campaign(shop: Any, receiver: Receiver) -> None:
    give(shop, 1)
    shop.sandbox.advance(minutes=1)
    with shop.siyu.ledger._transaction() as connection:
        connection.exec_driver_sql("UPDATE siyu_delivery SET state = 'issued'")
    assert receiver.last is not None
    receiver.take(*receiver.last)
    assert shop.states("gift") == {State.CONFIRMED: 1}
    confirmed_once(shop)


def test_a_coupon_of_another_channel_is_confirmed_too(shop: Any, receiver: Receiver) -> None:
    from siyu_sdk.pay.product_coupons import ProductCoupons

    give(shop, 2)
    person = shop.siyu.snapshot.people[shop.ids(3, coupons=True)[2]]
    openid = shop.siyu.ledger.openids(shop.siyu.appid)[person.unionid]
    ids = shop.sandbox.credentials
    shop.siyu.send(
        ProductCoupons.send(
            openid,
            appid=ids.miniprogram_appid,
            brand_id=ids.brand_id,
            product_coupon_id=ids.product_coupon_id,
            stock_id=ids.stock_id,
            send_request_no=NUMBER,
        )
    )
    shop.sandbox.advance(minutes=1)
    confirmed_once(shop)
    assert known(shop) == ["confirmed"] * 3
    assert shop.states("gift") == {State.CONFIRMED: 2}


def test_a_notice_that_the_platform_did_not_sign_is_not_acted_on(shop: Any, receiver: Receiver) -> None:
    give(shop, 1)
    shop.sandbox.advance(minutes=1)
    assert receiver.last is not None
    headers, body = receiver.last
    before = known(shop)
    for forged in ({**headers, "Wechatpay-Signature": "AAAA"}, {**headers, "Wechatpay-Timestamp": "1"}):
        assert receiver.take(forged, body) == 500
    assert receiver.take(headers, body.replace(b"RESOURCE", b"RESOURCe").replace(b'"id"', b'"iD"')) == 500
    assert {type(error) for error in receiver.refused} == {SignatureError}
    assert known(shop) == before == ["confirmed"]


def test_what_was_redeemed_counts_as_money(shop: Any, receiver: Receiver) -> None:
    plan = give(shop)
    shop.sandbox.advance(minutes=1)
    for row in shop.rows("gift")[:3]:
        shop.sandbox.pay.redeem(row.coupon_code)
    assert shop.siyu.coupons.refresh("gift").changed == 3
    assert shop.siyu.coupons.refresh("gift").changed == 0
    report = shop.settled(plan)
    assert (report.total[State.REDEEMED], report.redeemed_fen) == (3, 3000)
    assert len(shop.siyu.coupons.issued("gift")) == 8


def test_a_refresh_that_cannot_ask_says_so_and_loses_nothing(shop: Any, receiver: Receiver) -> None:
    give(shop, 4)
    shop.sandbox.advance(minutes=1)
    fault = shop.sandbox.faults.add(path="*/coupons/*", kind="errcode", code="PARAM_ERROR", times=2)
    assert (shop.siyu.coupons.refresh("gift").changed, fault.hits) == (0, 2)
    assert shop.siyu.coupons.refresh("gift").failed == 0
    assert shop.states("gift") == {State.CONFIRMED: 4}


@pytest.mark.parametrize(
    ("confirmed", "reason"),
    [(True, "the limit of coupons for one person is reached"), (False, "a coupon was issued under another number")],
    ids=["confirmed", "open"],
)
def test_who_has_the_coupon_already_is_refused_with_a_reason(shop: Any, confirmed: bool, reason: str) -> None:
    give(shop, 3)
    if confirmed:
        shop.siyu.coupons.refresh("gift")
    plan = give(shop, 5, "again")
    assert shop.siyu.coupons.report("again").reasons() == {reason: 3}
    assert shop.states("again") == {State.REFUSED: 3, State.ISSUED: 2}
    assert set(shop.coupons().values()) == {1}
    shop.settled(plan)


def test_a_notice_corrects_what_was_taken_for_lost(shop: Any, receiver: Receiver) -> None:
    """The answer is lost, then nobody may ask any more: the coupon is held here, and real there."""
    shop.sandbox.faults.add(path="/v3/*/coupons", kind="drop_after_commit", times=2)
    shop.sandbox.faults.add(path="/v3/*/coupons", kind="errcode", code="NO_AUTH")
    plan = shop.siyu.coupons.plan("gift", shop.some(4, coupons=True), shop.coupon)
    shop.apply(plan)
    shop.sandbox.advance(minutes=2)
    states = shop.states("gift")
    assert states[State.CONFIRMED] == shop.coupons().total() > 0
    assert states[State.HELD] == 4 - states[State.CONFIRMED]
    shop.sandbox.faults.clear()
    shop.siyu.coupons.resume("gift", retry_held=True)
    shop.sandbox.advance(minutes=2)
    assert shop.states("gift") == {State.CONFIRMED: 4}
    assert set(shop.coupons().values()) == {1}


def test_messages_only_to_whom_it_may_concern(shop: Any, receiver: Receiver) -> None:
    give(shop, 4)
    shop.sandbox.advance(minutes=1)
    plan = shop.broadcast("told", "券到了", shop.siyu.audience.people(shop.siyu.coupons.issued("gift")))
    assert Counter(row.external_userid for row in plan.rows) == Counter(row.external_userid for row in shop.rows("gift"))


def test_a_refusal_of_the_platform_reaches_the_operator(shop: Any) -> None:
    shop.sandbox.faults.add(path="*/stocks/*", kind="errcode", code="NO_AUTH")
    with pytest.raises(ApiError):
        shop.siyu.coupons.plan("gift", shop.everyone, shop.coupon)
