"""The same flows against a platform that loses answers after it has acted, and holds books."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from siyu_sdk import WeCom
from siyu_sdk.sandbox import Sandbox
from siyu_sdk.wecom.contact_ways import ContactWayType, Scene
from siyu_sdk.wecom.events import AddExternalContact, GroupUpdated

LOST = "drop_after_commit"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=7, members=4, customers=200) as running:
        yield running


@pytest.fixture
def wecom(sandbox: Sandbox) -> Iterator[WeCom]:
    with sandbox.wecom_client() as client:
        yield client


def test_everybody_is_read_although_answers_are_lost(sandbox: Sandbox, wecom: WeCom) -> None:
    sandbox.faults.add(path="*/batch/get_by_user", kind=LOST, rate=0.2)
    stretches = list(wecom.customers.sync_iter(limit=2))
    assert stretches[-1].progress.failed == {}
    read = {(c.userid, c.external_userid) for stretch in stretches for c in stretch.customers}
    assert read == {(userid, who) for userid in sandbox.world.members for who in sandbox.world.contacts[userid]}


def test_a_moment_whose_answer_is_lost_is_made_once(sandbox: Sandbox, wecom: WeCom) -> None:
    sandbox.faults.add(path="*/add_moment_task", kind=LOST, rate=1, times=1)
    published = wecom.moments.publish(text={"content": "榴莲到店"})
    assert list(sandbox.wecom.moments.moments) == [published.moment_id]
    sandbox.advance(days=1)
    report = wecom.moments.report(published.moment_id or "")
    assert len(report.published) + len(report.unpublished) == 4
    assert report.reached
    assert sandbox.invariants() == []


def test_a_transfer_whose_answer_is_lost_is_begun_once(sandbox: Sandbox, wecom: WeCom) -> None:
    giver, taker, *_ = wecom.customers.follow_users().follow_user
    plan = wecom.onjob_transfer.plan(handover_userid=giver, takeover_userid=taker)
    sandbox.faults.add(path="*/transfer_customer", kind=LOST, rate=1, times=1)
    run = wecom.onjob_transfer.start(plan)
    assert set(run.started) == set(plan.ready)
    assert (run.blocked, run.failed, run.in_doubt) == ((), {}, ())
    assert len(sandbox.wecom.transfers.rows) == len(plan.ready)
    sandbox.advance(hours=25)
    outcome = wecom.onjob_transfer.outcome(run.started, handover_userid=giver, takeover_userid=taker, started_at=run.started_at)
    assert outcome.settled
    assert set(outcome.done) | set(outcome.to_reroute) == set(plan.ready)
    assert sandbox.invariants() == []


def test_who_has_left_hands_over_everybody(sandbox: Sandbox, wecom: WeCom) -> None:
    leaver, taker, *_ = wecom.customers.follow_users().follow_user
    theirs = set(wecom.customers.list(leaver).external_userid)
    sandbox.wecom.member_resigns(leaver)
    sandbox.advance(hours=1)
    plan = wecom.resigned_transfer.plan(handover_userid=leaver, takeover_userid=taker)
    assert set(plan.ready) == theirs
    run = wecom.resigned_transfer.start(plan)
    assert wecom.resigned_transfer.plan(handover_userid=leaver, takeover_userid=taker).ready == ()  # on the way: nothing to ask for again
    sandbox.advance(hours=25)
    outcome = wecom.resigned_transfer.outcome(run.started, handover_userid=leaver, takeover_userid=taker)
    assert outcome.settled


def test_a_way_keeps_its_channel_and_its_customers_are_greeted(sandbox: Sandbox, wecom: WeCom) -> None:
    first, second, *_ = wecom.customers.follow_users().follow_user
    way = wecom.contact_ways.create(type=ContactWayType.MULTI, scene=Scene.QR_CODE, user=[first], state="card", skip_verify=True)
    wecom.contact_ways.change(way.config_id, user=[second])
    who = sandbox.wecom.customer_adds(way=way.config_id)
    added = AddExternalContact.model_validate(sandbox.world.events[-1])
    assert (added.user_id, added.state) == (second, "card")
    sandbox.faults.add(path="*/send_welcome_msg", kind=LOST, rate=1, times=1)
    outcome = wecom.welcome.send_in_time(added, text="您好")
    assert outcome.reason == "unknown"  # the code is void, for the first one took effect
    assert [message.text for message in sandbox.inbox(who)] == ["您好"]


def test_another_app_takes_the_welcome(sandbox: Sandbox, wecom: WeCom) -> None:
    userid, *_ = wecom.customers.follow_users().follow_user
    who = sandbox.wecom.customer_adds(userid)
    sandbox.wecom.steal_welcome(who, userid)
    outcome = wecom.welcome.send_in_time(AddExternalContact.model_validate(sandbox.world.events[-1]), text="您好")
    assert outcome.reason == "already chatting"
    assert sandbox.inbox(who) == []


def test_a_code_for_groups_keeps_its_channel_and_the_event_is_waited_for(sandbox: Sandbox, wecom: WeCom) -> None:
    group, *_ = wecom.group_chats.all_details().groups
    made = wecom.join_ways.create([group.chat_id], scene=Scene.QR_CODE, state="store-7")
    wecom.join_ways.change(made.config_id, remark="七号店")
    sandbox.wecom.customer_joins(way=made.config_id)
    told = {name: value for name, value in sandbox.world.events[-1].items() if name != "MemChangeList"}
    stale = wecom.group_chats.get(group.chat_id).group_chat
    assert stale.member_version == group.member_version  # as it was before the event
    fresh = wecom.group_chats.after(GroupUpdated.model_validate(told))
    assert [member.state for member in fresh.member_list if member.state] == ["store-7"]
