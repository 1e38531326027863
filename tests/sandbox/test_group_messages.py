"""Mass messages to customer groups: one task for the owner, who confirms it; the groups receive it, or not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from siyu_sdk import InputError
from siyu_sdk.sandbox import Humans, Sandbox
from siyu_sdk.sandbox.wecom.mass import QuotaRule
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.mass_messages import SendStatus, TaskStatus
from siyu_sdk.wecom.messages import Text

from .conftest import PLAIN_PEOPLE, refused

HELLO = Text(content="榴莲到货")


@pytest.fixture
def groups(sandbox: Sandbox) -> list[str]:
    """Three groups of Amy."""
    while len(groups_of(sandbox, "amy")) < 3:
        sandbox.wecom.member_opens_chat("amy", "榴莲团")
    return groups_of(sandbox, "amy")[:3]


def groups_of(sandbox: Sandbox, userid: str) -> list[str]:
    return [group.chat_id for group in sandbox.wecom.chats.living() if group.owner == userid]


def results(corp: WeCom, msgid: str, userid: str = "amy") -> dict[str | None, SendStatus | None]:
    return {row.chat_id: row.status for row in corp.mass_messages.results(msgid, userid)}


def send(sandbox: Sandbox, corp: WeCom, text: str, groups: list[str]) -> str:
    """A message to groups of Amy, and the hour in which she confirms it."""
    msgid = corp.mass_messages.create(chat_type="group", sender="amy", chat_id_list=groups, text=Text(content=text)).msgid
    sandbox.advance(hours=1)
    return msgid


def test_the_owner_confirms_and_the_groups_receive(sandbox: Sandbox, corp: WeCom, groups: list[str]) -> None:
    other = groups_of(sandbox, "bob")[0]
    made = corp.mass_messages.create(chat_type="group", sender="amy", chat_id_list=[*groups[:2], other, "wr-nowhere"], text=HELLO)
    assert made.fail_list == (other, "wr-nowhere"), "a group of somebody else, and none at all"
    assert refused(lambda: corp.mass_messages.task(made.msgid)) == 41063, "it is being dispatched"
    sandbox.advance(seconds=2)
    assert [(task.userid, task.status) for task in corp.mass_messages.tasks(made.msgid)] == [("amy", TaskStatus.UNSENT)]
    assert results(corp, made.msgid) == dict.fromkeys(groups[:2], SendStatus.UNSENT)
    assert sandbox.inbox(groups[0]) == []

    sandbox.advance(hours=1)
    (row, _) = corp.mass_messages.results(made.msgid, "amy")
    assert (row.status, row.external_userid) == (SendStatus.SENT, None)
    assert row.send_time
    assert [(d.kind, d.sender, d.text) for d in sandbox.inbox(groups[0])] == [("group", "amy", "榴莲到货")]
    assert sandbox.inbox(groups[2]) == sandbox.inbox(other) == []
    assert sandbox.books.summary()["deliveries"]["group"] == 2
    assert sandbox.invariants() == []


def test_lists_tell_groups_and_customers_apart(sandbox: Sandbox, corp: WeCom, groups: list[str]) -> None:
    to_groups = corp.mass_messages.create(chat_type="group", sender="amy", chat_id_list=groups, text=HELLO).msgid
    to_customers = corp.mass_messages.create(sender="amy", text=HELLO).msgid
    sandbox.advance(minutes=5)
    now = sandbox.clock.now()
    start = now - timedelta(hours=1)
    assert [m.msgid for m in corp.mass_messages.all(chat_type="group", start_time=start, end_time=now)] == [to_groups]
    assert [m.msgid for m in corp.mass_messages.all(chat_type="single", start_time=start, end_time=now)] == [to_customers]


def test_without_names_it_goes_to_all_groups_of_the_sender(sandbox: Sandbox, corp: WeCom, groups: list[str]) -> None:
    msgid = corp.mass_messages.create(chat_type="group", sender="amy", text=HELLO).msgid
    sandbox.advance(hours=1)
    assert results(corp, msgid) == dict.fromkeys(groups_of(sandbox, "amy"), SendStatus.SENT)
    with pytest.raises(InputError, match="sender"):
        corp.mass_messages.create(chat_type="group", chat_id_list=groups, text=HELLO)


@pytest.mark.parametrize(("rule", "most", "period"), [("month_days", 30, 15), ("7_a_week", 7, 7), ("1_a_day", 1, 1)])
def test_a_group_gets_no_more_than_the_rule_allows(
    sandbox: Sandbox, corp: WeCom, groups: list[str], rule: QuotaRule, most: int, period: int
) -> None:
    sandbox.wecom.quota_rule = rule
    for n in range(most):
        task = sandbox.wecom.add_group_task(f"message {n}", (), [groups[0]], "amy", choice=False)
        sandbox.wecom.confirm(task.msgid, "amy")
    msgid = send(sandbox, corp, "one too many", groups[:2])
    assert results(corp, msgid) == {groups[0]: SendStatus.OVER_LIMIT, groups[1]: SendStatus.SENT}
    assert len(sandbox.inbox(groups[0])) == most
    assert sandbox.invariants() == []
    sandbox.advance(days=period)
    again = send(sandbox, corp, "a new period", groups[:1])
    assert results(corp, again) == {groups[0]: SendStatus.SENT}


def test_groups_and_their_people_are_counted_apart(sandbox: Sandbox, corp: WeCom, groups: list[str]) -> None:
    sandbox.wecom.quota_rule = "1_a_day"
    customer = next(iter(sandbox.world.contacts["amy"]))
    sandbox.wecom.customer_joins(customer, chat_id=groups[0])
    send(sandbox, corp, "to the group", groups[:1])
    msgid = corp.mass_messages.create(sender="amy", external_userid=[customer], text=HELLO).msgid
    sandbox.advance(hours=1)
    (row,) = corp.mass_messages.results(msgid, "amy")
    assert row.status is SendStatus.SENT, "what a group gets does not count for the people in it"


def test_a_group_that_was_closed_or_handed_over_gets_nothing(sandbox: Sandbox, corp: WeCom, groups: list[str]) -> None:
    made = corp.mass_messages.create(chat_type="group", sender="amy", chat_id_list=groups, text=HELLO)
    sandbox.wecom.chats.dismiss(groups[0])
    assert corp.onjob_transfer.groups([groups[1]], new_owner="bob").failed_chat_list == ()
    sandbox.advance(hours=1)
    assert results(corp, made.msgid) == {
        groups[0]: SendStatus.NOT_A_FRIEND,
        groups[1]: SendStatus.NOT_A_FRIEND,
        groups[2]: SendStatus.SENT,
    }
    assert sandbox.invariants() == []


def test_an_owner_who_has_left_never_confirms(sandbox: Sandbox, corp: WeCom, groups: list[str]) -> None:
    made = corp.mass_messages.create(chat_type="group", sender="amy", chat_id_list=groups, text=HELLO)
    sandbox.wecom.member_resigns("amy")
    sandbox.advance(days=2)
    assert set(results(corp, made.msgid).values()) == {SendStatus.UNSENT}
    assert refused(lambda: corp.mass_messages.create(chat_type="group", sender="amy", text=HELLO)) == 40003


def test_reminders_and_cancelling(sandbox: Sandbox, corp: WeCom, groups: list[str]) -> None:
    made = corp.mass_messages.create(chat_type="group", sender="amy", chat_id_list=groups, text=HELLO)
    for _ in range(3):
        corp.mass_messages.remind(made.msgid)
    assert refused(lambda: corp.mass_messages.remind(made.msgid)) == 41094
    corp.mass_messages.cancel(made.msgid)
    assert refused(lambda: corp.mass_messages.cancel(made.msgid)) == 41093
    sandbox.advance(days=1)
    assert set(results(corp, made.msgid).values()) == {SendStatus.UNSENT}
    assert sandbox.inbox(groups[0]) == []


@pytest.fixture
def choosy() -> Iterator[Sandbox]:
    """Owners who would leave every group out, if they may."""
    humans = Humans(never_confirms=0, next_day=0, hours=0, deselects=1, leaves=0)
    with Sandbox(seed=7, members=4, shops=2, customers=60, humans=humans) as sandbox:
        yield sandbox


def test_an_owner_leaves_groups_out_only_where_that_is_allowed(choosy: Sandbox) -> None:
    with choosy.wecom_client() as corp:
        groups = groups_of(choosy, "amy")

        def create(text: str, **where: Any) -> str:
            return corp.mass_messages.create(chat_type="group", sender="amy", text=Text(content=text), **where).msgid

        made = [create("a", chat_id_list=groups), create("b", chat_id_list=groups, allow_select=True), create("c")]
        choosy.advance(hours=1)
        statuses = [set(results(corp, msgid).values()) for msgid in made]
    assert statuses == [{SendStatus.SENT}, {SendStatus.UNSENT}, {SendStatus.UNSENT}]


def test_the_books_notice_a_group_that_gets_the_same_twice() -> None:
    with Sandbox(seed=7, members=2, customers=20, humans=PLAIN_PEOPLE) as sandbox:
        chat_id = groups_of(sandbox, "amy")[0]
        for _ in range(2):
            sandbox.wecom.add_group_task("同一句话", (), [chat_id], "amy", choice=False)
        sandbox.advance(hours=1)
        assert sandbox.invariants() == [f"{chat_id} got the same message 2 times: '同一句话'"]
