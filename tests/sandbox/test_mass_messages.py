"""Mass messages: a call is a to-do for members, and much may become of it."""

from __future__ import annotations

import httpx
import pytest

from siyu_sdk.sandbox import Humans, Sandbox

from .conftest import PLAIN_PEOPLE, WeComCaller

EC = "/cgi-bin/externalcontact"


def used_up(sandbox: Sandbox) -> set[str]:
    return {customer for customer, inbox in sandbox.world.inboxes.items() if len(inbox) >= 30}


def fresh(sandbox: Sandbox, userid: str, count: int) -> list[str]:
    """Customers of this member whose month is still open."""
    return [customer for customer in sandbox.world.contacts[userid] if customer not in used_up(sandbox)][:count]


def test_nothing_is_sent_before_the_member_confirms(sandbox: Sandbox, wecom: WeComCaller) -> None:
    customers = fresh(sandbox, "amy", 5)
    reply = wecom.send("金卡预售", [*customers, "wm-nobody", customers[0]], sender="amy")
    msgid = reply["msgid"]
    assert reply["fail_list"] == ["wm-nobody"]
    assert wecom(EC + "/get_groupmsg_task", msgid=msgid)["errcode"] == 41063, "it is being dispatched"
    sandbox.advance(seconds=2)
    assert wecom(EC + "/get_groupmsg_task", msgid=msgid)["task_list"] == [{"userid": "amy", "status": 0}]
    assert wecom.results(msgid, "amy") == dict.fromkeys(customers, 0)
    assert sandbox.inbox(customers[0]) == []

    sandbox.advance(minutes=40)
    (row,) = wecom(EC + "/get_groupmsg_task", msgid=msgid)["task_list"]
    assert row["status"] == 2
    assert row["send_time"] <= sandbox.clock.time()
    assert wecom.results(msgid, "amy") == dict.fromkeys(customers, 1)
    assert [(m.msgid, m.sender, m.text) for m in sandbox.inbox(customers[0])] == [(msgid, "amy", "金卡预售")]
    assert sandbox.invariants() == []


def test_without_a_sender_the_member_who_talked_last_sends(sandbox: Sandbox, wecom: WeComCaller) -> None:
    shared = next(customer for customer, follows in sandbox.world.follows.items() if len(follows) == 2 and customer not in used_up(sandbox))
    for userid in sandbox.world.follows[shared]:
        sandbox.wecom.chat(shared, userid)
        msgid = wecom.send(f"from {userid}", [shared])["msgid"]
        sandbox.advance(seconds=2)
        assert [row["userid"] for row in wecom(EC + "/get_groupmsg_task", msgid=msgid)["task_list"]] == [userid]


def test_a_sender_alone_means_all_their_customers_or_those_with_the_tags(sandbox: Sandbox, wecom: WeComCaller) -> None:
    everybody = wecom(EC + "/add_msg_template", chat_type="single", sender="amy", text={"content": "all"})
    assert set(sandbox.wecom.tasks[everybody["msgid"]].todos["amy"].rows) == set(sandbox.world.contacts["amy"])
    tag = wecom(EC + "/add_corp_tag", group_name="购买", tag=[{"name": "榴莲"}])["tag_group"]["tag"][0]["id"]
    customers = fresh(sandbox, "amy", 2)
    for customer in customers:
        wecom(EC + "/mark_tag", userid="amy", external_userid=customer, add_tag=[tag])
    some = wecom(
        EC + "/add_msg_template",
        chat_type="single",
        sender="amy",
        text={"content": "some"},
        tag_filter={"group_list": [{"tag_list": [tag]}]},
    )
    assert set(sandbox.wecom.tasks[some["msgid"]].todos["amy"].rows) == set(customers)


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        ({"external_userid": ["wm-nobody"]}, 41048),
        ({"external_userid": ["wm0"] * 10_001}, 40058),
        ({"external_userid": []}, 40063),
        ({"external_userid": "wm0"}, 40058),
        ({"sender": "nobody"}, 40003),
        ({"text": {"content": "果" * 1334}}, 45002),
        ({"text": {}}, 40063),
        ({"attachments": [{"msgtype": "link", "link": {"title": "t", "url": "https://a.cn"}}] * 10}, 41064),
        ({"attachments": [{"msgtype": "link", "link": {"title": "t" * 129, "url": "https://a.cn"}}]}, 40058),
        ({"attachments": [{"msgtype": "miniprogram", "miniprogram": {"appid": "wx1", "page": "p", "title": "t"}}]}, 40063),
        ({"attachments": [{"msgtype": "video", "video": {"media_id": "none"}}]}, 40007),
        ({"chat_type": "both"}, 40058),
        ({"chat_type": "group"}, 40063),
        ({"chat_type": "group", "sender": "amy", "chat_id_list": ["wr-nowhere"]}, 41048),
        ({"chat_type": "group", "sender": "amy", "chat_id_list": ["wr"] * 2001}, 40058),
    ],
)
def test_what_add_msg_template_refuses(wecom: WeComCaller, change: dict[str, object], errcode: int) -> None:
    body = {"chat_type": "single", "external_userid": ["wm0"], "text": {"content": "hello"}, **change}
    assert wecom(EC + "/add_msg_template", **body)["errcode"] == errcode


def test_a_task_shows_in_the_list_after_a_moment_and_names_no_creator(sandbox: Sandbox, wecom: WeComCaller) -> None:
    sandbox.wecom.list_lag = 5
    now = int(sandbox.clock.time())
    span = {"chat_type": "single", "start_time": now - 60, "end_time": now + 3600}
    msgid = wecom.send("hello", fresh(sandbox, "amy", 1), sender="amy")["msgid"]
    assert wecom(EC + "/get_groupmsg_list_v2", **span)["group_msg_list"] == []
    sandbox.advance(seconds=6)
    (row,) = wecom(EC + "/get_groupmsg_list_v2", **span, filter_type=0)["group_msg_list"]
    assert (row["msgid"], row["text"], row["create_type"]) == (msgid, {"content": "hello"}, 0)
    assert "creator" not in row
    assert wecom(EC + "/get_groupmsg_list_v2", **span, creator="amy")["group_msg_list"] == []
    assert wecom(EC + "/get_groupmsg_list_v2", **{**span, "start_time": now - 32 * 86400})["errcode"] == 40058


def test_the_list_comes_in_pages_with_messages_made_by_hand(sandbox: Sandbox, wecom: WeComCaller) -> None:
    now = int(sandbox.clock.time())
    span = {"chat_type": "single", "start_time": now - 20 * 86400, "end_time": now, "filter_type": 1}
    first = wecom(EC + "/get_groupmsg_list_v2", **span, limit=20)
    second = wecom(EC + "/get_groupmsg_list_v2", **span, limit=20, cursor=first["next_cursor"])
    assert (len(first["group_msg_list"]), len(second["group_msg_list"]), second["next_cursor"]) == (20, 10, "")
    assert {row["creator"] for row in first["group_msg_list"]} == {"dong"}


def test_who_has_had_a_message_for_every_day_of_the_month_gets_no_more(sandbox: Sandbox, wecom: WeComCaller) -> None:
    (full,) = used_up(sandbox)
    msgid = wecom.send("one too many", [full, *fresh(sandbox, "dong", 1)], sender="dong")["msgid"]
    sandbox.advance(hours=1)
    assert sorted(wecom.results(msgid, "dong").values()) == [1, 3]
    assert sandbox.invariants() == []
    sandbox.advance(days=15)  # December
    wecom._token = ""
    msgid = wecom.send("a new month", [full], sender="dong")["msgid"]
    sandbox.advance(hours=1)
    assert wecom.results(msgid, "dong") == {full: 1}


def test_the_administrator_may_choose_one_a_day(sandbox: Sandbox, wecom: WeComCaller) -> None:
    sandbox.wecom.quota_rule = "1_a_day"
    (customer,) = fresh(sandbox, "amy", 1)
    first, second = (wecom.send(text, [customer], sender="amy")["msgid"] for text in ("one", "two"))
    sandbox.advance(hours=1)
    statuses = [wecom.results(msgid, "amy")[customer] for msgid in (first, second)]
    assert sorted(statuses) == [1, 3]


def test_a_customer_who_left_gets_nothing(sandbox: Sandbox, wecom: WeComCaller) -> None:
    stays, leaves, removed = fresh(sandbox, "amy", 3)
    msgid = wecom.send("hello", [stays, leaves, removed], sender="amy")["msgid"]
    sandbox.wecom.customer_deletes(leaves, "amy")
    sandbox.wecom.member_deletes(removed, "amy")
    sandbox.advance(hours=1)
    assert wecom.results(msgid, "amy") == {stays: 1, leaves: 2, removed: 2}
    assert [event["ChangeType"] for event in sandbox.world.events] == ["del_follow_user", "del_external_contact"]


def test_three_reminders_a_day_and_no_more(sandbox: Sandbox, wecom: WeComCaller) -> None:
    msgid = wecom.send("hello", fresh(sandbox, "amy", 1), sender="amy")["msgid"]
    codes = [wecom(EC + "/remind_groupmsg_send", msgid=msgid)["errcode"] for _ in range(4)]
    assert codes == [0, 0, 0, 41094]
    sandbox.advance(hours=25)
    wecom._token = ""
    assert wecom(EC + "/remind_groupmsg_send", msgid=msgid)["errcode"] == 0


def test_cancelling_stops_what_is_not_sent_yet(sandbox: Sandbox, wecom: WeComCaller) -> None:
    (customer,) = fresh(sandbox, "amy", 1)
    msgid = wecom.send("hello", [customer], sender="amy")["msgid"]
    assert wecom(EC + "/cancel_groupmsg_send", msgid=msgid)["errcode"] == 0
    assert wecom(EC + "/cancel_groupmsg_send", msgid=msgid)["errcode"] == 41093
    assert wecom(EC + "/remind_groupmsg_send", msgid=msgid)["errcode"] == 41093
    sandbox.advance(days=1)
    assert sandbox.inbox(customer) == []


def test_a_message_that_does_not_exist(wecom: WeComCaller) -> None:
    for call in ("get_groupmsg_task", "get_groupmsg_send_result", "remind_groupmsg_send", "cancel_groupmsg_send"):
        assert wecom(f"{EC}/{call}", msgid="msg-nothing", userid="amy")["errcode"] == 41047
        assert wecom(f"{EC}/{call}", userid="amy")["errcode"] == 41046


def test_nobody_works_at_night() -> None:
    with Sandbox(seed=1, members=6, customers=60, humans=PLAIN_PEOPLE) as sandbox:
        sandbox.advance(hours=12)  # half past nine in the evening
        task = sandbox.wecom.add_task("late", (), list(sandbox.world.customers), "")
        sandbox.advance(hours=11)
        assert all(todo.sent_at is None for todo in task.todos.values())
        sandbox.advance(hours=2)
        assert all(todo.sent_at for todo in task.todos.values())


def test_people_are_late_forgetful_and_choosy() -> None:
    humans = Humans(never_confirms=0.25, next_day=0.25, hours=0.25, deselects=0.1, leaves=0.05)
    with Sandbox(seed=5, members=12, customers=600, humans=humans) as sandbox, httpx.Client() as http:
        wecom = WeComCaller(sandbox, http)
        msgid = wecom.send("hello", list(sandbox.world.customers))["msgid"]

        def confirmed() -> int:
            return sum(row["status"] == 2 for row in wecom(EC + "/get_groupmsg_task", msgid=msgid)["task_list"])

        sandbox.advance(hours=1)
        prompt = confirmed()
        sandbox.advance(hours=9)
        wecom._token = ""
        same_day = confirmed()
        sandbox.advance(days=2)
        wecom._token = ""
        assert (prompt, same_day, confirmed()) == (3, 6, 9)
        task = sandbox.wecom.tasks[msgid].summary()
        assert 0 < task["rows"]["sent"] < task["recipients"]
        assert task["rows"]["not_sent"] > 100, "three members never confirm, and some customers were taken off"
        assert sandbox.invariants() == []
