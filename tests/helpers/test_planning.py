from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve

from siyu_sdk import Campaign, Coupon, Guards, InputError, Message, Step
from siyu_sdk.campaign import request_number
from siyu_sdk.plan import Why

HELLO = Message("你好")


def kinds(plan: Any) -> dict[str, int]:
    return {str(c.kind): c.count for c in plan.conflicts}


# Refused before anything is sent


def refuse(shop: Any, build: Callable[[], Any], field: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        build()
    assert caught.value.field == field
    assert shop.sandbox.calls.count("*/add_msg_template") == 0
    assert shop.sandbox.calls.count("/v3/*/coupons") == 0


def test_an_empty_audience(shop: Any) -> None:
    for nobody in (
        shop.siyu.audience.tagged(),
        shop.siyu.audience.bought(""),
        shop.siyu.audience.people([]),
        shop.everyone - shop.everyone,
    ):
        refuse(shop, lambda nobody=nobody: shop.broadcast(audience=nobody), "audience", "empty")  # type: ignore[misc]


@pytest.mark.parametrize(("text", "fits"), [("a" * 4000, True), ("a" * 4001, False), ("字" * 1333, True), ("字" * 1334, False)])
def test_a_text_of_more_than_4000_bytes(shop: Any, text: str, fits: bool) -> None:
    if fits:
        shop.broadcast(text=text, audience=shop.some(1))
    else:
        refuse(shop, lambda: shop.broadcast(text=text), "message.text", "at most 4000")


def test_a_text_that_is_too_long_only_with_the_names_in_it(shop: Any) -> None:
    refuse(shop, lambda: shop.broadcast(text="字" * 1325 + "{{ nickname }}"), "message.text", "at most 4000")
    long_name = shop.ids(1)[0]
    customers = shop.sandbox.world.customers
    customers[long_name] = evolve(customers[long_name], name="🍉" * 30)
    shop.siyu.audience.read()
    refuse(shop, lambda: shop.broadcast(text="a" * 3950 + "{{ nickname }}"), "message.text", f"for {long_name}")


def test_more_than_nine_attachments(shop: Any) -> None:
    link = {"msgtype": "link", "link": {"title": "t", "url": "https://example.com"}}
    shop.siyu.broadcast.plan("nine", shop.everyone, Message("x", [link] * 9))
    refuse(shop, lambda: shop.siyu.broadcast.plan("ten", shop.everyone, Message("x", [link] * 10)), "message.attachments", "at most 9")


def test_a_naive_start(shop: Any) -> None:
    refuse(shop, lambda: shop.broadcast(start=datetime(2026, 11, 17, 10)), "start", "time zone")  # noqa: DTZ001 -- what is refused


def test_a_sender_that_is_none(shop: Any) -> None:
    refuse(shop, lambda: shop.broadcast(sender="last"), "sender", "'first', 'latest'")


@pytest.mark.parametrize(
    ("build", "field", "words"),
    [
        (lambda: Message("{{ nick }}"), "text", "unknown variable"),
        (lambda: Message(""), "text", "a text or an attachment"),
        (lambda: Step("s"), "message", "exactly one"),
        (lambda: Step("s", message=HELLO, coupon=Coupon("1", "2", "3", "4")), "message", "exactly one"),
        (lambda: Step("s", message=HELLO, day=-1), "day", "0 or more"),
        (lambda: Step("s", message=HELLO, late="never"), "late", "send_late"),
        (lambda: Step("s", message=HELLO, when="redeemed"), "when", "not understood"),
        (lambda: Step("s", message=HELLO, when="not used(c)"), "when", "not understood"),
        (lambda: Step("", message=HELLO), "id", "1 to 64"),
        (lambda: Step("a#1", message=HELLO), "id", "1 to 64"),
        (lambda: Step("a/b", message=HELLO), "id", "1 to 64"),
        (lambda: Step("a" * 65, message=HELLO), "id", "1 to 64"),
        (lambda: Campaign("", (Step("s", message=HELLO),)), "name", "1 to 64"),
        (lambda: Campaign("n" * 65, (Step("s", message=HELLO),)), "name", "1 to 64"),
        (lambda: Campaign("a/b", (Step("s", message=HELLO),)), "name", "without"),
        (lambda: Campaign("a@2", (Step("s", message=HELLO),)), "name", "without"),
        (lambda: Campaign("c", (Step("s", message=HELLO),), version=0), "version", "from 1"),
        (lambda: Campaign("c", ()), "steps", "at least one"),
        (lambda: Campaign("c", (Step("s", message=HELLO), Step("s", message=HELLO))), "steps", "two steps"),
        (lambda: Campaign("c", (Step("s", message=HELLO, after="t"), Step("t", message=HELLO))), "after", "no earlier step"),
        (lambda: Campaign("c", (Step("s", message=HELLO, when="received(s)"),)), "after", "no earlier step"),
        (lambda: Campaign("c", (Step("s", message=HELLO),), stop_when=("redeemed(x)",)), "stop_when", "unknown step"),
        (lambda: Guards(per_day=0), "per_day", "at least 1"),
        (lambda: Guards(zone=timezone(timedelta(hours=9))), "zone", "ZoneInfo"),
    ],
    ids=range(24),
)
def test_values_that_make_no_sense_cannot_be_made(build: Callable[[], Any], field: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        build()
    assert caught.value.field == field


def test_a_stock_that_is_not_sending(shop: Any) -> None:
    paused = evolve(shop.coupon, stock_id=shop.sandbox.credentials.paused_stock_id)
    refuse(shop, lambda: shop.siyu.coupons.plan("c", shop.everyone, paused), "coupon", "PAUSED, not SENDING")


def test_more_coupons_than_the_stock_has_left_over_all_steps(shop: Any) -> None:
    stock = shop.sandbox.pay.stocks[shop.coupon.stock_id]
    stock.max_count = 10
    who = shop.some(6, coupons=True)
    shop.siyu.coupons.plan("c", who, shop.coupon)
    refuse(shop, lambda: shop.siyu.coupons.plan("c", shop.some(11, coupons=True), shop.coupon), "coupon", "11 coupons are planned")
    twice = shop.campaign(Step("a", coupon=shop.coupon), Step("b", coupon=shop.coupon, day=1))
    refuse(shop, lambda: shop.siyu.sop.plan(twice, who), "coupon", "12 coupons are planned, the stock has 10 left")


# What a plan says


def test_a_plan_only_reads(shop: Any) -> None:
    shop.siyu.audience.read()
    shop.sandbox.calls.clear()
    shop.siyu.coupons.plan("c", shop.everyone, shop.coupon)
    shop.broadcast()
    assert {record.method for record in shop.sandbox.calls.records()} == {"GET"}
    assert shop.siyu.ledger.running() == []


def test_who_gets_what_and_who_does_not_adds_up(shop: Any) -> None:
    plan = shop.siyu.coupons.plan("c", shop.everyone, shop.coupon)
    everybody = shop.siyu.snapshot.people
    counted = kinds(plan)
    assert counted["opted out"] == len(shop.siyu.snapshot.opted_out)
    assert len(plan.rows) + counted["opted out"] + counted["no openid"] + counted["no unionid"] == len(everybody)
    openids = shop.siyu.ledger.openids(shop.siyu.appid)
    assert all(row.openid == openids[everybody[row.external_userid].unionid] for row in plan.rows)
    assert (plan.cost.coupons, plan.cost.max_fen, plan.cost.messages) == (len(plan.rows), 1000 * len(plan.rows), 0)
    assert plan.cost.max_yuan == f"{10 * len(plan.rows)}.00"


def test_confirmations_are_counted_by_sender_and_content(shop: Any) -> None:
    same = shop.broadcast()
    senders = {row.sender for row in same.rows}
    assert (same.cost.confirmations, same.cost.members, same.cost.messages) == (len(senders), len(senders), len(same.rows))
    personal = shop.broadcast(text="{{ nickname }}，你好")
    assert personal.cost.confirmations == len({(row.sender, row.name) for row in personal.rows})


def test_the_sender_is_who_was_asked_for(shop: Any) -> None:
    follows = {key: p.follows for key, p in shop.siyu.audience.read().people.items()}
    assert all(row.sender == follows[row.external_userid][0].userid for row in shop.broadcast().rows)
    assert all(row.sender == follows[row.external_userid][-1].userid for row in shop.broadcast(sender="latest").rows)
    a, b = shop.ids(2)
    named = shop.broadcast(audience=shop.siyu.audience.people([a, b]), sender={a: follows[a][0].userid, b: "nobody"})
    assert [row.external_userid for row in named.rows] == [a]
    assert kinds(named) == {"nobody follows": 1}


def test_one_person_gets_one_coupon_whatever_the_number_of_ids(shop: Any) -> None:
    a, b = shop.ids(2, coupons=True)
    customers = shop.sandbox.world.customers
    customers[b] = evolve(customers[b], unionid=customers[a].unionid)
    shop.siyu.ledger.learn("another-app", [(customers[a].unionid, "oElsewhere")])
    shop.siyu.audience.read()
    plan = shop.siyu.coupons.plan("c", shop.siyu.audience.people([a, b]), shop.coupon)
    assert [(row.external_userid, row.openid) for row in plan.rows] == [(a, customers[a].miniprogram_openid)]
    assert kinds(plan) == {"duplicate person": 1}
    only_b = {b: next(iter(shop.sandbox.world.follows[b]))}
    reached = shop.broadcast(audience=shop.siyu.audience.people([a, b]), sender=only_b)
    assert [row.external_userid for row in reached.rows] == [b], "whom one id cannot reach, another may"


def test_request_numbers_are_the_same_for_ever_and_different_for_everything_else() -> None:
    assert request_number("c", "s", "p") == request_number("c", "s", "p") == "siyu-4DAG6DB2ZP4K2ZW6TAWJ6ZUWSH"
    others = [("c2", "s", "p"), ("c", "s2", "p"), ("c", "s", "p2"), ("cs", "", "p")]
    assert len({request_number(*other) for other in others} | {request_number("c", "s", "p")}) == 5


def test_guards_show_in_the_plan(shop: Any) -> None:
    shop.apply(shop.broadcast("morning"))
    plan = shop.broadcast("noon", "中午好", guards=Guards())
    assert kinds(plan)["over quota"] == len(plan.rows)
    night = shop.sandbox.clock.now().replace(hour=14)  # 22:00 in Beijing
    assert kinds(shop.broadcast("night", start=night, guards=Guards()))["quiet hours"] == len(plan.rows)
    shop.sandbox.advance(hours=25)
    assert Why.STALE in {c.kind for c in shop.broadcast("tomorrow").conflicts}


# Fingerprints


def test_equal_plans_have_equal_fingerprints(shop: Any) -> None:
    one = shop.broadcast(audience=shop.some(9) & shop.everyone)
    with shop.hub() as other:
        other.audience.read()
        two = other.broadcast.plan(
            "hello", shop.siyu.audience.people(reversed(shop.ids(9))) & shop.everyone, HELLO, guards=one.campaign.guards
        )
    assert one.fingerprint == two.fingerprint


def test_whatever_changes_changes_the_fingerprint(shop: Any) -> None:
    who = shop.some(9)
    start = shop.sandbox.clock.now() + timedelta(hours=1)
    plain: dict[str, Any] = {"name": "n", "text": "t", "audience": who}
    plans = [
        shop.broadcast(**plain),
        shop.broadcast(**{**plain, "name": "m"}),
        shop.broadcast(**{**plain, "text": "u"}),
        shop.broadcast(**{**plain, "audience": shop.some(8)}),
        shop.broadcast(**{**plain, "audience": who & shop.everyone}),
        shop.broadcast(**plain, sender="latest"),
        shop.broadcast(**plain, start=start),
        shop.broadcast(**plain, start=start + timedelta(days=1)),
        shop.broadcast(**plain, guards=Guards()),
        shop.broadcast(**plain, guards=Guards(quiet_to=time(8))),
        shop.broadcast(**plain, guards=Guards(zone=ZoneInfo("Asia/Tokyo"))),
        shop.siyu.sop.plan(shop.campaign(Step("message", message=Message("t")), name="n"), who),
        shop.siyu.sop.plan(shop.campaign(Step("message", message=Message("t")), name="n", version=2), who),
        shop.siyu.sop.plan(shop.campaign(Step("message", message=Message("t"), day=1), name="n"), who),
        shop.siyu.sop.plan(shop.campaign(Step("message", message=Message("t"), at=time(18)), name="n"), who),
    ]
    several = [p for p in shop.siyu.snapshot.people.values() if len(p.follows) > 1]
    if not any(p.external_userid in shop.ids(9) for p in several):
        plans.pop(5)
    assert len({plan.fingerprint for plan in plans}) == len(plans)


def test_a_campaign_is_the_same_after_it_was_written_down(shop: Any) -> None:
    campaign = Campaign(
        "c",
        (
            Step("coupon", coupon=shop.coupon, at=time(10, 30)),
            Step("tell", message=Message("{{ nickname }}"), after="coupon", when="not redeemed(coupon)", day=2, late="skip"),
        ),
        version=3,
        stop_when=("redeemed(coupon)",),
        guards=Guards(time(22), time(8), 2, None, ZoneInfo("Asia/Tokyo")),
    )
    assert Campaign.from_json(campaign.to_json()) == campaign
    assert Campaign.from_json(evolve(campaign, guards=Guards()).to_json()).guards == Guards()


def test_days_are_counted_in_beijing() -> None:
    from siyu_sdk.campaign import due

    start = datetime(2026, 11, 16, 17, 0, tzinfo=UTC)  # 01:00 of the 17th in Beijing
    assert due(start, Step("s", message=HELLO)) == start.timestamp()
    assert due(start, Step("s", message=HELLO, day=1, at=time(10))) == datetime(2026, 11, 18, 2, 0, tzinfo=UTC).timestamp()
    assert due(start, Step("s", message=HELLO, at=time(0, 30))) == start.timestamp(), "never before the start"
