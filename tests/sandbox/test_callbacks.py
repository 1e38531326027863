"""Events of WeCom: encrypted and signed, late, twice, out of order, or lost."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from defusedxml import ElementTree

from siyu_sdk.core.crypto import CallbackCodec
from siyu_sdk.sandbox import Sandbox

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
