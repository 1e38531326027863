"""Customer service: waking up, reading the log, answering within the window, sessions, accounts."""

from __future__ import annotations

import pytest

from siyu_sdk.sandbox import Sandbox
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.kf_message_models import EnterSession, Menu, MsgSendFail, Origin, SessionStatusChange
from siyu_sdk.wecom.kf_sessions import ServiceState
from siyu_sdk.wecom.messages import Text

from .conftest import WeComCaller, refused

KF = "/cgi-bin/kf"


@pytest.fixture
def kfid(sandbox: Sandbox) -> str:
    return next(iter(sandbox.wecom.kf.accounts))


def wake_up(sandbox: Sandbox) -> str:
    """The token of the latest kf_msg_or_event."""
    event = sandbox.world.events[-1]
    assert event["Event"] == "kf_msg_or_event"
    assert "FromUserName" not in event
    return str(event["Token"])


def test_a_customer_writes_and_is_answered(sandbox: Sandbox, corp: WeCom, kfid: str) -> None:
    msgid = sandbox.wecom.kf_customer_writes(kfid, "wm0", "榴莲还有吗", menu_id="m1")
    page = corp.kf_messages.sync(kfid, token=wake_up(sandbox))
    (message,) = page.msg_list
    assert (message.msgid, message.origin, message.external_userid) == (msgid, Origin.CUSTOMER, "wm0")
    assert message.text
    assert (message.text.content, message.text.menu_id) == ("榴莲还有吗", "m1")
    assert page.has_more is False
    assert corp.kf_sessions.get(kfid, "wm0").service_state is ServiceState.UNHANDLED

    sent = corp.kf_messages.send(kfid, "wm0", Text(content="有的"), msgid="answer-1").msgid
    assert corp.kf_messages.send(kfid, "wm0", Text(content="有的"), msgid="answer-1").msgid == sent == "answer-1"
    assert [(d.kind, d.text) for d in sandbox.inbox("wm0")] == [("kf", "有的")], "the same msgid goes out once"
    assert list(corp.kf_messages.all(kfid, cursor=page.next_cursor)) == [], "what the API sends is not told"
    assert sandbox.invariants() == []


def test_pages_may_be_empty_in_the_middle(sandbox: Sandbox, corp: WeCom, kfid: str) -> None:
    sandbox.wecom.kf_customer_writes(kfid, "wm0", "1")
    for _ in range(2):
        corp.kf_messages.send(kfid, "wm0", Text(content="answer"))
    sandbox.wecom.kf_customer_writes(kfid, "wm0", "2")
    first = corp.kf_messages.sync(kfid, limit=1, token=wake_up(sandbox))
    second = corp.kf_messages.sync(kfid, limit=1, cursor=first.next_cursor)
    assert (len(first.msg_list), len(second.msg_list), second.has_more) == (1, 0, True)
    read = [m.text and m.text.content for m in corp.kf_messages.all(kfid, limit=1)]
    assert read == ["1", "2"]


def test_tokens_end_and_calls_without_one_are_few(sandbox: Sandbox, corp: WeCom, kfid: str) -> None:
    sandbox.wecom.kf_customer_writes(kfid, "wm0", "hello")
    token = wake_up(sandbox)
    sandbox.advance(minutes=11)
    assert refused(lambda: corp.kf_messages.sync(kfid, token=token)) == 95007
    sandbox.wecom.kf.untokened_a_minute = 2
    page = [corp.kf_messages.sync(kfid) for _ in range(2)][-1]
    assert refused(lambda: corp.kf_messages.sync(kfid)) == 45009
    assert len(page.msg_list) == 1
    sandbox.advance(days=4)
    assert corp.kf_messages.sync(kfid).msg_list == (), "three days of history"


def test_five_messages_within_forty_eight_hours(sandbox: Sandbox, corp: WeCom, kfid: str) -> None:
    def send() -> object:
        return corp.kf_messages.send(kfid, "wm0", Text(content="hello"))

    assert refused(send) == 95002, "the customer has not written yet"
    sandbox.wecom.kf_customer_writes(kfid, "wm0", "1")
    for _ in range(5):
        send()
    assert refused(send) == 95001
    sandbox.wecom.kf_customer_writes(kfid, "wm0", "2")
    send()
    sandbox.advance(hours=49)
    assert refused(send) == 95002
    assert corp.kf_sessions.get(kfid, "wm0").service_state is ServiceState.ENDED
    assert sandbox.invariants() == []


def test_a_welcome_within_twenty_seconds_once(sandbox: Sandbox, corp: WeCom, kfid: str) -> None:
    code = sandbox.wecom.kf_customer_enters(kfid, "wm0", scene="box", scene_param="a=1")
    (message,) = corp.kf_messages.sync(kfid, token=wake_up(sandbox)).msg_list
    assert isinstance(message.content, EnterSession)
    assert (message.content.scene, message.content.scene_param, message.content.welcome_code) == ("box", "a=1", code)
    corp.kf_messages.send_on_event(code, Text(content="您好"))
    assert sandbox.inbox("wm0")[0].text == "您好"
    assert refused(lambda: corp.kf_messages.send_on_event(code, Text(content="您好"))) == 95007
    assert sandbox.wecom.kf_customer_enters(kfid, "wm0") == "", "no second welcome within 48 hours"
    late = sandbox.wecom.kf_customer_enters(kfid, "wm1")
    sandbox.advance(seconds=21)
    assert refused(lambda: corp.kf_messages.send_on_event(late, Text(content="您好"))) == 95007


def test_a_session_goes_to_a_member_and_ends(sandbox: Sandbox, corp: WeCom, kfid: str) -> None:
    sandbox.wecom.kf_customer_writes(kfid, "wm0", "人工")

    def hand_on(state: ServiceState, servicer: str | None = None) -> str | None:
        return corp.kf_sessions.transfer(kfid, "wm0", service_state=state, servicer_userid=servicer).msg_code

    assert hand_on(ServiceState.ASSISTANT) is None
    assert refused(lambda: hand_on(ServiceState.SERVICER, "dong")) == 60253
    sandbox.wecom.kf.accounts[kfid].servicers["bob"] = 1
    assert refused(lambda: hand_on(ServiceState.SERVICER, "bob")) == 95019
    waiting = hand_on(ServiceState.QUEUED)
    assert refused(lambda: hand_on(ServiceState.ASSISTANT)) == 95016
    assert waiting
    corp.kf_messages.send_on_event(waiting, Text(content="请稍候"))
    sandbox.wecom.kf_servicer_takes(kfid, "wm0", "amy")
    assert corp.kf_sessions.get(kfid, "wm0").servicer_userid == "amy"
    assert refused(lambda: corp.kf_messages.send(kfid, "wm0", Text(content="x"))) == 95018, "a member answers now"
    sandbox.wecom.kf_servicer_writes(kfid, "wm0", "amy", "您好，我是Amy")
    sandbox.wecom.kf_servicer_ends(kfid, "wm0")
    messages = corp.kf_messages.sync(kfid, token=wake_up(sandbox)).msg_list
    changes = [m.content for m in messages if isinstance(m.content, SessionStatusChange)]
    assert [(c.change_type, c.new_servicer_userid, c.old_servicer_userid) for c in changes] == [(1, "amy", None), (3, None, "amy")]
    assert [(m.servicer_userid, m.text and m.text.content) for m in messages if m.origin is Origin.SERVICER] == [("amy", "您好，我是Amy")]
    assert refused(lambda: hand_on(ServiceState.ASSISTANT)) == 95013
    assert refused(lambda: corp.kf_messages.send(kfid, "wm0", Text(content="x"))) == 95013
    corp.kf_messages.send_on_event(changes[-1].msg_code or "", Menu(head_content="满意吗？"))
    assert sandbox.inbox("wm0")[-1].attachments[0]["msgtype"] == "msgmenu"


def test_who_refuses_messages_gets_none_and_an_event_says_so(sandbox: Sandbox, corp: WeCom, kfid: str) -> None:
    sandbox.wecom.kf_customer_writes(kfid, "wm0", "hello")
    sandbox.wecom.kf.refusing.add("wm0")
    msgid = corp.kf_messages.send(kfid, "wm0", Text(content="hello")).msgid
    failed = corp.kf_messages.sync(kfid, token=wake_up(sandbox)).msg_list[-1].content
    assert isinstance(failed, MsgSendFail)
    assert (failed.fail_msgid, failed.fail_type) == (msgid, 10)
    assert sandbox.inbox("wm0") == []


def test_accounts_servicers_and_customers(sandbox: Sandbox, corp: WeCom, kfid: str) -> None:
    media_id = corp.media.upload(b"picture", type="image").media_id
    added = corp.kf_accounts.add("售后", media_id=media_id).open_kfid
    corp.kf_accounts.update(added, name="售后服务")
    assert [(a.open_kfid, a.name) for a in corp.kf_accounts.all(limit=1)] == [(kfid, "果园客服"), (added, "售后服务")]
    results = corp.kf_servicers.add(added, ["amy", "nobody"], department_id_list=[2]).result_list
    assert [row.errcode for row in results] == [0, 60111, 0]
    corp.kf_servicers.delete(added, ["amy"])
    assert [(s.userid, s.department_id) for s in corp.kf_servicers.list(added).servicer_list] == [(None, 2)]
    links = {corp.kf_accounts.contact_link(kfid, scene=scene).url for scene in ("a", "b")}
    assert len(links) == 2
    sandbox.wecom.kf.most_accounts = 2
    assert refused(lambda: corp.kf_accounts.add("x", media_id=media_id)) == 95005
    corp.kf_accounts.delete(added)
    assert refused(lambda: corp.kf_servicers.list(added)) == 95004

    sandbox.wecom.kf_customer_enters(kfid, "wm0", scene="box")
    sandbox.wecom.kf_customer_writes(kfid, "wm0", "hello")
    found = corp.kf_customers.batch_get(["wm0", "wm1"], need_enter_session_context=True)
    assert found.invalid_external_userid == ("wm1",)
    assert found.customer_list[0].enter_session_context
    assert found.customer_list[0].enter_session_context.scene == "box"


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({"touser": "wm-nobody"}, 40096),
        ({"open_kfid": "wk-nothing"}, 95004),
        ({"open_kfid": "nothing"}, 95000),
        ({"msgtype": "video", "video": {"media_id": "gone"}}, 40007),
        ({"msgtype": "poem", "poem": {}}, 40058),
        ({"text": {"content": "果" * 700}}, 45002),
        ({"msgtype": "msgmenu", "msgmenu": {"list": [{"type": "text"}] * 11}}, 95008),
        ({"msgtype": "msgmenu", "msgmenu": {"list": [{"type": "song"}]}}, 95009),
        ({"msgid": "no good"}, 40058),
    ],
)
def test_what_cannot_be_sent(sandbox: Sandbox, wecom: WeComCaller, kfid: str, body: dict[str, object], errcode: int) -> None:
    sandbox.wecom.kf_customer_writes(kfid, "wm0", "hello")
    message = {"open_kfid": kfid, "touser": "wm0", "msgtype": "text", "text": {"content": "hello"}, **body}
    assert wecom(KF + "/send_msg", **message)["errcode"] == errcode
