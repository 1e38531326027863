"""A day with the chapters of WeCom: read everybody, hand customers over, publish a moment, move codes. Runs on the sandbox."""

from __future__ import annotations

from siyu_sdk import WeCom
from siyu_sdk.sandbox import Sandbox
from siyu_sdk.wecom.contact_ways import ContactWayType, Scene
from siyu_sdk.wecom.customers import CustomerSync
from siyu_sdk.wecom.events.external_contact import AddExternalContact

NAME = r"榴莲\1$"
"""A nickname that has broken many a template."""


def customers(wecom: WeCom) -> None:
    """Read all customers; stop in the middle, as a deploy would, and go on from what was stored."""
    relations = dict[tuple[str, str], int]()
    stored = CustomerSync(0)
    for stretch in wecom.customers.sync_iter(limit=4):
        relations |= {(c.userid, c.external_userid): stretch.generation for c in stretch.customers}
        stored = stretch.progress  # in one transaction with the rows
        break
    print(len(relations), "relations before the deploy")
    for stretch in wecom.customers.sync_iter(stored, limit=4):
        relations |= {(c.userid, c.external_userid): stretch.generation for c in stretch.customers}
        for key in [k for k, stamp in relations.items() if k[0] in stretch.completed and stamp < stretch.generation]:
            del relations[key]  # read to the end, and not seen again: gone
        stored = stretch.progress
    print(len(relations), "relations in all; could not be read:", dict(stored.failed))


def codes(sandbox: Sandbox, wecom: WeCom, first: str, second: str) -> None:
    """A contact way keeps its state when its members change; whoever comes by it is greeted in time."""
    way = wecom.contact_ways.create(type=ContactWayType.MULTI, scene=Scene.QR_CODE, user=[first], state="parcel-card", skip_verify=True)
    changed = wecom.contact_ways.change(way.config_id, user=[first, second])
    print("contact way:", changed.user, changed.state)

    who = sandbox.wecom.customer_adds(way=way.config_id, name=NAME)  # what a customer does; in real life a callback tells
    added = AddExternalContact.model_validate(sandbox.world.events[-1])
    greeting = wecom.welcome.send_in_time(added, text="{{ nickname }}，您好", values={"nickname": NAME})
    print("welcome:", greeting.reason, [message.text for message in sandbox.inbox(who)])


def groups(wecom: WeCom) -> None:
    """Every group, with everybody in it."""
    everything = wecom.group_chats.all_details()
    print(len(everything.groups), "groups with", sum(len(group.member_list) for group in everything.groups), "people")
    first, *_ = everything.groups
    made = wecom.join_ways.create([first.chat_id], scene=Scene.QR_CODE, state="store-1", auto_create_room=False)
    way = wecom.join_ways.change(made.config_id, remark="门店一群")
    print("join way:", way.remark, way.state, way.auto_create_room)


def moment(sandbox: Sandbox, wecom: WeCom) -> None:
    """A moment of the company: made once, published by members, seen by customers."""
    published = wecom.moments.publish(text={"content": "榴莲到店，欢迎来尝"})
    assert published.moment_id is not None
    sandbox.advance(days=1)
    report = wecom.moments.report(published.moment_id)
    print(f"moment: {len(report.published)} members published, {len(report.unpublished)} did not; {len(report.reached)} customers reached")


def transfer(sandbox: Sandbox, wecom: WeCom, giver: str, taker: str) -> None:
    """A member moves to another shop: her customers are asked, and a day later most have moved."""
    between = {"handover_userid": giver, "takeover_userid": taker}
    plan = wecom.onjob_transfer.plan(**between)
    run = wecom.onjob_transfer.start(plan, transfer_success_msg="以后由我为您服务")
    print(f"transfer: {len(run.started)} asked, {len(run.blocked)} cannot")
    sandbox.advance(hours=25)
    outcome = wecom.onjob_transfer.outcome(run.started, started_at=run.started_at, **between)
    print(f"          {len(outcome.done)} moved, {len(outcome.refused)} refused, {len(outcome.to_reroute)} to route anew")


def statistics(wecom: WeCom, *members: str) -> None:
    """The last three days, member by member."""
    result = wecom.statistics.daily(members)
    for row in result.rows[:3]:
        print(f"{row.userid} {row.day} chats {row.chat_cnt}, new {row.new_contact_cnt}{' (provisional)' if row.provisional else ''}")


def service(sandbox: Sandbox, wecom: WeCom) -> None:
    """What customers wrote to the service account since last time."""
    account = next(iter(wecom.kf_accounts.all()))
    sandbox.wecom.kf_customer_writes(account.open_kfid, next(iter(sandbox.world.customers)), "榴莲到了吗")
    new = wecom.kf_messages.drain(account.open_kfid)
    print("customer service:", [message.text.content for message in new.messages if message.text], "then from", bool(new.cursor))


def main() -> None:
    """The whole day."""
    with Sandbox(seed=7, members=6, customers=400) as sandbox, sandbox.wecom_client() as wecom:
        first, second, third, *_ = wecom.customers.follow_users().follow_user
        customers(wecom)
        codes(sandbox, wecom, first, second)
        groups(wecom)
        moment(sandbox, wecom)
        transfer(sandbox, wecom, third, first)
        statistics(wecom, first, second)
        service(sandbox, wecom)
        assert sandbox.invariants() == []


if __name__ == "__main__":
    main()
