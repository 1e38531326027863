"""Events of WeCom: encrypted and signed, late, twice, out of order, or lost."""

from __future__ import annotations

from collections import Counter
from urllib.parse import parse_qs, urlsplit

from defusedxml import ElementTree

from siyu_sdk.core.crypto import CallbackCodec
from siyu_sdk.core.events import Event, UnknownEvent
from siyu_sdk.sandbox import Sandbox
from siyu_sdk.wecom.callbacks import Callbacks
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.contact_ways import Scene
from siyu_sdk.wecom.events import (
    AcquisitionChatStarted,
    AddExternalContact,
    DelExternalContact,
    EditExternalContact,
    GroupCreated,
    GroupDismissed,
    GroupUpdated,
    KfMessageOrEvent,
    TagCreated,
    TagDeleted,
    TransferFail,
)

from .conftest import Listener


def opened(sandbox: Sandbox, path: str, body: bytes) -> dict[str, str]:
    """What a receiver does: check the signature, decrypt, read."""
    ids = sandbox.credentials
    codec = CallbackCodec(ids.callback_token, ids.callback_aes_key, [ids.corpid])
    query = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
    encrypted = ElementTree.fromstring(body).findtext("Encrypt") or ""
    codec.verify(query["msg_signature"], query["timestamp"], query["nonce"], encrypted)
    return {element.tag: element.text or "" for element in ElementTree.fromstring(codec.decrypt(encrypted))}


def test_a_new_customer_is_told_encrypted_and_signed(sandbox: Sandbox, listener: Listener) -> None:
    sandbox.wecom_callback_url = listener.url
    customer = sandbox.wecom.customer_adds("amy", state="parcel-card")
    ((path, headers, body),) = listener.wait_for(1)
    assert headers["Content-Type"] == "text/xml"
    event = opened(sandbox, path, body)
    assert event["ToUserName"] == sandbox.credentials.corpid
    assert (event["Event"], event["ChangeType"], event["UserID"]) == ("change_external_contact", "add_external_contact", "amy")
    assert (event["ExternalUserID"], event["State"]) == (customer, "parcel-card")
    assert event["WelcomeCode"] in sandbox.wecom.welcomes


def test_an_unanswered_event_comes_again_three_times(sandbox: Sandbox, listener: Listener) -> None:
    sandbox.wecom_callback_url = listener.url
    listener.answer = lambda _path: (500, b"")
    sandbox.wecom.customer_deletes("wm0", "amy")
    listener.wait_for(1)
    sandbox.advance(minutes=5)
    events = [opened(sandbox, path, body) for path, _, body in listener.received]
    assert len(events) == 4
    assert {event["ChangeType"] for event in events} == {"del_follow_user"}
    assert len({path for path, _, _ in listener.received}) == 4, "every delivery is signed anew"


def test_events_get_lost_doubled_and_mixed_up(sandbox: Sandbox, listener: Listener) -> None:
    sandbox.wecom_callback_url = listener.url
    push = sandbox.wecom.push
    customers = list(sandbox.world.contacts["amy"])[:6]

    def deletions() -> list[str]:
        listener.received.clear()
        for customer in customers:
            sandbox.world.contacts["amy"][customer].deleted_by_customer = False
            sandbox.wecom.customer_deletes(customer, "amy")
        sandbox.advance(seconds=10)
        return [opened(sandbox, path, body)["ExternalUserID"] for path, _, body in listener.received]

    assert deletions() == customers
    push.duplicate = 1
    assert sorted(deletions()) == sorted(customers * 2)
    push.duplicate, push.reorder = 0, 0.5
    mixed = deletions()
    assert mixed != customers
    assert sorted(mixed) == sorted(customers)
    push.reorder, push.drop = 0, 1
    assert deletions() == []


def test_the_console_verifies_a_url(sandbox: Sandbox, listener: Listener) -> None:
    ids = sandbox.credentials
    codec = CallbackCodec(ids.callback_token, ids.callback_aes_key, [ids.corpid])

    def echo(path: str) -> tuple[int, bytes]:
        return 200, codec.decrypt(parse_qs(urlsplit(path).query)["echostr"][0])

    assert sandbox.wecom.verify_url() is False, "there is no URL yet"
    sandbox.wecom_callback_url = listener.url
    assert sandbox.wecom.verify_url() is False
    listener.answer = echo
    assert sandbox.wecom.verify_url() is True


def test_some_customers_leave_within_the_week(listener: Listener) -> None:
    with Sandbox(seed=7, customers=500) as sandbox:
        sandbox.wecom_callback_url = listener.url
        sandbox.advance(days=7)
        events = [opened(sandbox, path, body) for path, _, body in listener.received]
        assert 1 <= len(events) <= 20
        assert [event["ExternalUserID"] for event in events] == [event["ExternalUserID"] for event in sandbox.world.events]


def typed(sandbox: Sandbox, path: str, body: bytes) -> Event:
    """What the SDK makes of a delivery."""
    ids = sandbox.credentials
    query = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
    callbacks = Callbacks(ids.callback_token, ids.callback_aes_key, ids.corpid)
    return callbacks.receive(query["msg_signature"], query["timestamp"], query["nonce"], body)


def a_busy_day(sandbox: Sandbox, corp: WeCom) -> None:
    """Something of every kind happens."""
    people = sandbox.wecom
    chat_id = people.member_opens_chat("amy", "榴莲团")
    way = corp.join_ways.create([chat_id], scene=Scene.QR_CODE, state="box").config_id
    people.customer_joins("wm0", way=way)
    people.customer_quits("wm0", chat_id)
    people.chats.dismiss(chat_id)
    people.member_edits("wm0", "amy", remark="老客")
    people.console_adds_tags("购买", "榴莲")
    people.console_deletes_tag("购买/榴莲")
    link_id = corp.acquisition.create("x", range={"user_list": ["amy"]}).link.link_id or ""
    people.chat(people.customer_clicks(link_id, channel="ad") or "", "amy")
    people.kf_customer_writes(next(iter(people.kf.accounts)), "wm0", "hello")
    stays = next(c for c in sandbox.world.contacts["bob"] if c not in sandbox.world.contacts["chen"])
    goes = next(c for c in sandbox.world.contacts["chen"] if c not in sandbox.world.contacts["bob"])
    corp.onjob_transfer.customers([stays], handover_userid="bob", takeover_userid="chen")
    corp.onjob_transfer.customers([goes], handover_userid="chen", takeover_userid="bob")
    people.customer_refuses(stays)
    sandbox.advance(hours=25)


def test_all_events_arrive_as_types_of_the_sdk(sandbox: Sandbox, corp: WeCom, listener: Listener) -> None:
    sandbox.wecom_callback_url = listener.url
    a_busy_day(sandbox, corp)
    events = [typed(sandbox, path, body) for path, _, body in listener.received]
    assert len(events) == len(sandbox.world.events)
    assert not any(isinstance(event, UnknownEvent) for event in events)
    assert [name for event in events for name in event.unknown_fields()] == []
    kinds = (
        AcquisitionChatStarted, AddExternalContact, DelExternalContact, EditExternalContact, GroupCreated, GroupDismissed, GroupUpdated,
        KfMessageOrEvent, TagCreated, TagDeleted, TransferFail,
    )  # fmt: skip
    assert {type(event) for event in events} == set(kinds)
    came = next(event for event in events if isinstance(event, GroupUpdated))
    assert came.mem_change_list
    assert (came.mem_change_list.items, came.mem_change_cnt) == (("wm0",), 1)


def test_all_events_get_lost_doubled_and_mixed_up(sandbox: Sandbox, corp: WeCom, listener: Listener) -> None:
    sandbox.wecom_callback_url = listener.url
    push = sandbox.wecom.push
    push.duplicate, push.reorder, push.drop = 1, 0.5, 0.3
    a_busy_day(sandbox, corp)

    def fingerprint(event: dict[str, object]) -> tuple[tuple[str, object], ...]:
        return tuple((name, value) for name, value in event.items() if name != "MemChangeList")

    happened = [fingerprint(event) for event in sandbox.world.events]
    arrived = [fingerprint(dict(opened(sandbox, path, body))) for path, _, body in listener.received]
    assert set(Counter(arrived).values()) == {2}
    places = [happened.index(event) for event in dict.fromkeys(arrived)]
    assert 0 < len(places) < len(happened)
    assert places != sorted(places)
    assert sandbox.invariants() == [], "whatever becomes of the events, the world adds up"
