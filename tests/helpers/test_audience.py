from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from siyu_sdk import InputError, Siyu, SiyuError
from siyu_sdk.audience import (
    AddedBefore,
    Audience,
    Bought,
    Everyone,
    Follow,
    FollowedBy,
    OptedOut,
    People,
    Person,
    Purchase,
    Snapshot,
    Tagged,
)
from siyu_sdk.ledger import State

NOW = datetime(2026, 11, 16, 1, 30, tzinfo=UTC)
IDS = st.sampled_from([f"wm{n}" for n in range(6)])
FOLLOWS = st.builds(
    Follow,
    st.sampled_from(["amy", "bob"]),
    st.integers(0, 30).map(lambda days: NOW - timedelta(days=days)),
    st.frozensets(st.sampled_from(["t1", "t2"])),
)
LINES = st.builds(
    Purchase,
    st.sampled_from(["o1", "o2", "o3"]),
    st.sampled_from(["榴莲", "荔枝"]),
    st.integers(0, 120).map(lambda d: NOW - timedelta(days=d)),
)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    people = {key: Person(key, follows=tuple(draw(st.lists(FOLLOWS, max_size=2)))) for key in draw(st.sets(IDS))}
    bought = {key: draw(st.lists(LINES, max_size=4)) for key in people}
    out = draw(st.frozensets(st.sampled_from(sorted(people)))) if people else frozenset[str]()
    return Snapshot(people, {"g/a": "t1", "g/b": "t2"}, bought, out, NOW)


ATOMS: st.SearchStrategy[Audience] = st.one_of(
    st.just(Everyone()),
    st.just(OptedOut()),
    st.builds(People, st.frozensets(IDS)),
    st.builds(Tagged, st.lists(st.sampled_from(["g/a", "g/b"])).map(tuple)),
    st.builds(FollowedBy, st.frozensets(st.sampled_from(["amy", "bob", "zoe"]))),
    st.builds(AddedBefore, st.integers(0, 40)),
    st.builds(Bought, st.sampled_from(["", "榴莲", "荔"]), st.integers(0, 3), st.integers(0, 90)),
)


@given(snapshots(), ATOMS, ATOMS, ATOMS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_audiences_are_sets(snapshot: Snapshot, a: Audience, b: Audience, c: Audience) -> None:
    def of(audience: Audience) -> frozenset[str]:
        return audience.select(snapshot)

    everybody = of(Everyone())
    assert of(a) <= everybody
    assert of(a & b) == of(a) & of(b) == of(b & a)
    assert of(a | b) == of(a) | of(b) == of(b | a)
    assert of(a - b) == of(a) - of(b)
    assert of(a & (b | c)) == of((a & b) | (a & c))
    assert of(a - (b | c)) == of((a - b) & (a - c))
    assert of(a - a) == frozenset()
    assert of(a.added_before(days=7)) | of(a.added_within(days=7)) == of(a)
    assert of(a.added_before(days=7)) & of(a.added_within(days=7)) == frozenset()


@given(snapshots())
@settings(max_examples=50, deadline=None)
def test_an_empty_condition_is_an_empty_set(snapshot: Snapshot) -> None:
    for nobody in (Tagged(()), Bought(""), Bought("", times=0), People(frozenset()), FollowedBy(frozenset())):
        assert nobody.select(snapshot) == frozenset()


def test_an_expression_describes_itself_the_same_whatever_the_order_of_a_set() -> None:
    names = [f"wm{n}" for n in range(50)]
    forward, backward = People(frozenset(names)), People(frozenset(reversed(names)))
    combined = (forward & FollowedBy(frozenset({"amy", "bob"}))) - Tagged(("g/a",))
    assert combined.describe() == ((backward & FollowedBy(frozenset({"bob", "amy"}))) - Tagged(("g/a",))).describe()
    assert "frozenset" not in combined.describe()
    assert len({(forward | Everyone()).describe(), (forward & Everyone()).describe(), (forward - Everyone()).describe()}) == 3


def test_a_misspelt_tag_is_refused_with_a_suggestion(shop: Any) -> None:
    shop.siyu.audience.read()
    with pytest.raises(InputError, match="did you mean '会员等级/金卡'"):
        shop.siyu.audience.select(shop.siyu.audience.tagged("会员等级/金牌"))
    with pytest.raises(InputError, match="there is no tag"):
        shop.broadcast(audience=shop.everyone - shop.siyu.audience.tagged("没有/这个"))


def test_who_bought_is_who_paid_and_kept_it(shop: Any) -> None:
    shop.siyu.audience.read()
    truth = set[str]()
    for times in (1, 2):
        truth = {p.external_userid for p in shop.sandbox.world.bought("榴莲", times=times) if p.external_userid and p.unionid}
        found = shop.siyu.audience.bought("榴莲", times=times).select(shop.siyu.snapshot)
        assert found == truth
    assert truth, "a world where nobody buys twice shows nothing"


def test_asking_about_more_days_than_were_read_is_refused_not_answered_with_too_few(shop: Any) -> None:
    shop.siyu.audience.read(orders_days=30)
    with pytest.raises(InputError, match=r"read\(orders_days=60\)"):
        shop.siyu.audience.select(shop.siyu.audience.bought("榴莲", within_days=60))
    assert shop.siyu.audience.read(orders_days=60).orders_days == 60
    assert shop.siyu.audience.read().orders_days == 60, "reading anew reads as much as before"
    shop.siyu.audience.select(shop.siyu.audience.bought("榴莲", within_days=60))


# Opting out


def test_nobody_who_opted_out_by_tag_or_ledger_is_in_a_plan(shop: Any) -> None:
    shop.siyu.audience.read()
    by_tag = set(shop.siyu.snapshot.opted_out)
    assert by_tag
    gone = shop.ids(1)[0]
    shop.siyu.audience.opt_out(gone, "asked the shop")
    plan = shop.broadcast()
    assert not {row.external_userid for row in plan.rows} & (by_tag | {gone})
    fresh = shop.hub()
    assert fresh.audience.read().opted_out == by_tag | {gone}
    fresh.close()


def test_a_person_with_two_external_ids_opts_out_as_one(shop: Any) -> None:
    a, b = shop.ids(2)
    twin = _twins(shop, a, b)
    shop.siyu.audience.read()
    shop.siyu.audience.opt_out(a)
    assert {a, b} <= shop.siyu.snapshot.opted_out
    assert {a, b} <= shop.siyu.audience.read().opted_out
    assert twin in shop.siyu.ledger.opted_out()


def test_another_id_of_who_opted_out_gets_nothing_from_a_process_that_has_read_nobody(shop: Any) -> None:
    a, b = shop.ids(2)
    _twins(shop, a, b)
    shop.siyu.audience.read()
    begin = shop.sandbox.clock.now() + timedelta(days=1)
    plan = shop.broadcast(audience=shop.siyu.audience.people([a, b]), start=begin)
    assert [row.external_userid for row in plan.rows] == [a]
    shop.apply(plan)
    with shop.hub() as web:  # has read nobody, and knows nothing of twins
        web.audience.opt_out(b)
    shop.sandbox.advance(days=1, hours=1)
    with shop.hub() as cron:
        cron.sop.tick()
    assert shop.states("hello") == {State.SKIPPED: 1}


def test_who_opts_out_while_the_campaign_runs_gets_nothing_more(shop: Any) -> None:
    from siyu_sdk import Message, Step

    who = shop.ids(10)
    steps = (Step("first", message=Message("一")), Step("second", message=Message("二"), day=2))
    plan = shop.siyu.sop.plan(shop.campaign(*steps), shop.siyu.audience.people(who))
    shop.apply(plan)
    by_ledger, in_console = who[0], who[1]
    shop.hub().audience.opt_out(by_ledger)  # another process hears of it
    _, tag = shop.sandbox.wecom.find_tag(shop.sandbox.wecom.tag_id("状态/免打扰"))
    shop.sandbox.advance(days=2)
    for relation in shop.sandbox.world.follows[in_console].values():
        relation.tags.add(tag.id)
    with shop.hub() as cron:  # has read nobody
        cron.sop.tick()
    report = shop.settled(plan)
    assert shop.got("二").keys() == set(who[2:])
    assert report.reasons() == {"opted out": 2}


def test_who_opts_out_between_queueing_and_sending_gets_nothing(shop: Any) -> None:
    who = shop.ids(4, coupons=True)
    with shop.web() as web:
        plan = shop.broadcast(audience=shop.siyu.audience.people(who))
        web.sop.apply(plan, confirm=plan.fingerprint)
        gift = shop.siyu.coupons.plan("gift", shop.siyu.audience.people(who), shop.coupon)
        web.coupons.apply(gift, confirm=gift.fingerprint)
    shop.siyu.audience.opt_out(who[0])
    shop.carry("hello")
    shop.carry("gift")
    shop.settled(plan)
    assert shop.got("你好").keys() == set(who[1:])
    assert [r.state for r in shop.rows("gift") if r.external_userid == who[0]] == [State.SKIPPED]
    assert len(shop.coupons()) == 3


# Half-read


def test_members_that_cannot_be_read_are_reported_and_their_customers_are_not_lost(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siyu_sdk.reading.MEMBERS_A_CALL", 1)
    plan = shop.broadcast()
    shop.sandbox.faults.add(path="*/batch/get_by_user", kind="errcode", code=40058, times=1)
    with pytest.raises(SiyuError, match="could not be read"):
        shop.apply(plan)
    assert shop.sandbox.calls.count("*/add_msg_template") == 0
    shop.apply(plan)
    assert State.SKIPPED not in shop.states("hello")
    shop.sandbox.faults.add(path="*/batch/get_by_user", kind="errcode", code=40058, times=1)
    snapshot = shop.siyu.audience.read()
    assert len(snapshot.failed_members) == 1
    conflicts = {c.kind: c.people for c in shop.broadcast("again").conflicts}
    assert conflicts["customers of these members could not be read"] == snapshot.failed_members


def test_nothing_is_sent_as_long_as_somebody_may_have_opted_out_unseen(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siyu_sdk.reading.MEMBERS_A_CALL", 1)
    begin = shop.sandbox.clock.now() + timedelta(days=1)
    plan = shop.broadcast(start=begin)
    shop.apply(plan)
    shop.sandbox.advance(days=1, hours=1)
    shop.sandbox.faults.add(path="*/batch/get_by_user", kind="errcode", code=40058, times=1)
    shop.siyu.sop.tick()
    assert shop.states("hello") == {State.PLANNED: len(plan.rows)}
    shop.siyu.sop.tick()
    assert shop.states("hello") == {State.AWAITING: len(plan.rows)}


def test_orders_that_cannot_be_read_stop_everything(shop: Any) -> None:
    shop.sandbox.faults.add(path="*/order/get", kind="errcode", code=40003, times=1)
    with pytest.raises(SiyuError):
        shop.siyu.audience.read()
    assert shop.siyu.snapshot is None


def _twins(shop: Any, a: str, b: str) -> str:
    """Make two customers one person: the same unionid under two external ids."""
    from attrs import evolve

    world, unionid = shop.sandbox.world, "oUnionTwin"
    for key in (a, b):
        world.customers[key] = evolve(world.customers[key], unionid=unionid)
    return unionid


def test_who_bought_is_not_asked_where_orders_are_read_nowhere(shop: Any) -> None:
    """`everyone() - bought(…)` would be everybody."""
    with shop.sandbox.wecom_client() as wecom, Siyu(wecom=wecom, ledger="sqlite://") as siyu:
        assert len(siyu.audience.select(siyu.audience.everyone())) > 0
        with pytest.raises(InputError, match="a mini-program or a store") as caught:
            siyu.audience.select(siyu.audience.everyone() - siyu.audience.bought("榴莲"))
        assert caught.value.field == "bought"
