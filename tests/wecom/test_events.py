"""Events: each sample of the catalogue becomes a type of its own and loses nothing."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from siyu_sdk import Event, UnknownEvent, UsageError, parse_event
from siyu_sdk.core import events as registry
from siyu_sdk.wecom import events

SHARED = Path(__file__).resolve().parents[3] / "shared"
BASES = (
    events.WeComEvent,
    events.AppEvent,
    events.CustomerEvent,
    events.GroupEvent,
    events.TagEvent,
    events.ContactEvent,
    events.ChainEvent,
)
"""Classes that an event falls back to: no sample may end there."""


def samples() -> Iterator[tuple[str, str]]:
    """Every sample text. `sample_variant` only names the first one; `more_samples` have their text inside."""
    for file in sorted((SHARED / "api/wecom/events").glob("*.json")):
        for entry in json.loads(file.read_text(encoding="utf-8"))["events"]:
            if entry["kind"] == "reply":
                continue
            for number, text in enumerate(filter(None, (entry["sample"], *(more["text"] for more in entry.get("more_samples") or ())))):
                yield f"{file.stem} {entry['name']} {number}", text if isinstance(text, str) else json.dumps(text)


SAMPLES = dict(samples()) if SHARED.is_dir() else {}


@pytest.fixture(scope="module")
def check(shared: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("conformance_check", shared / "conformance/check.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_catalogue_is_whole(shared: Path) -> None:
    assert len(SAMPLES) == 69


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_becomes_a_type_of_its_own_and_loses_nothing(name: str, check: ModuleType) -> None:
    event = events.parse(SAMPLES[name])
    assert not isinstance(event, UnknownEvent)
    assert type(event) not in BASES
    assert list(check.untyped(event)) == []
    assert isinstance(event, events.WeComEvent)
    assert event.happened_at is not None


@pytest.mark.parametrize("kind", [kind for kind in vars(events).values() if isinstance(kind, type)], ids=lambda kind: kind.__name__)
def test_every_class_is_documented(kind: type) -> None:
    assert kind.__doc__


def test_every_field_of_the_catalogue_is_typed(shared: Path) -> None:
    """Also those that no sample has. One of two spellings of an element is enough."""
    missing = list[str]()
    for file in sorted((shared / "api/wecom/events").glob("*.json")):
        for entry in json.loads(file.read_text(encoding="utf-8"))["events"]:
            names = ["chat_archive_export_finished"] if entry["name"] == "chat_archive_export_finished_event" else entry["event"]
            kinds = [kind for (platform, name, _), kind in registry._TYPES.items() if platform == "wecom" and name in names]
            typed = {field.alias for kind in kinds for field in kind.model_fields.values()}
            if entry["kind"] != "reply":
                missing += [f"{entry['name']}.{name}" for name in entry["fields"] if name not in typed]
    assert missing == []


def text(**elements: str | int) -> str:
    return "<xml>" + "".join(f"<{name}>{value}</{name}>" for name, value in elements.items()) + "</xml>"


def test_members_and_departments_come_with_real_lists() -> None:
    event = events.parse(
        text(Event="change_contact", ChangeType="create_user", UserID="amy", Department="1,2", IsLeaderInDept="1,0", Gender=2, Status=4)
    )
    assert isinstance(event, events.MemberCreated)
    assert (event.department, event.is_leader_in_dept) == ((1, 2), (True, False))
    assert (event.gender, event.status) == (2, events.MemberStatus.NOT_ACTIVE)
    assert event.to_wire()["Department"] == "1,2"
    assert event.to_wire()["IsLeaderInDept"] == "1,0"
    tag = events.parse(text(Event="change_contact", ChangeType="update_tag", TagId=1, AddUserItems="amy,bob", DelPartyItems="3"))
    assert isinstance(tag, events.MemberTagUpdated)
    assert (tag.add_user_items, tag.del_user_items, tag.del_party_items) == (("amy", "bob"), (), (3,))


def test_a_change_of_tomorrow_keeps_its_chapter() -> None:
    assert type(events.parse(text(Event="change_contact", ChangeType="promote_user"))) is events.ContactEvent
    assert type(events.parse(text(Event="customer_acquisition", ChangeType="quota_refilled"))) is events.AcquisitionEvent


def test_what_comes_after_a_link_was_opened() -> None:
    """The later events of page 97299, which the catalogue does not have yet."""
    opened = events.parse(text(Event="customer_acquisition", ChangeType="open_profile", LinkId="l1", State="抖音"))
    assert isinstance(opened, events.AcquisitionProfileOpened)
    assert (opened.link_id, opened.state) == ("l1", "抖音")
    again = events.parse(text(Event="customer_acquisition", ChangeType="message_from_customer", UserID="amy", ChatSeq=3, ChatKey="key-1"))
    assert isinstance(again, events.AcquisitionMessagesReceived)
    assert (again.user_id, again.chat_seq, again.chat_key) == ("amy", 3, "key-1")
    assert "key-1" not in repr(again)
    refilled = events.parse(text(InfoType="customer_acquisition", ChangeType="balance_increased", AuthCorpId="ww1"))
    assert isinstance(refilled, events.AcquisitionBalanceIncreased)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_repeated_elements_are_lists_however_many_there_are(count: int) -> None:
    accounts = "".join(f"<AuthAddOpenKfId>wk{n}</AuthAddOpenKfId>" for n in range(count))
    event = events.parse(f"<xml><Event>kf_account_auth_change</Event>{accounts}</xml>")
    assert isinstance(event, events.KfAccountAuthChange)
    assert event.auth_add_open_kf_id == tuple(f"wk{n}" for n in range(count))


def test_answers_of_a_card_come_by_question() -> None:
    event = events.parse(SAMPLES["menu_agent_push template_card_push_event 0"])
    assert isinstance(event, events.TemplateCardClicked)
    assert event.answers == {"QuestionKey1": ("OpitonId1", "OpitonId2"), "QuestionKey2": ("OpitonId3", "OpitonId4")}


def test_own_apps_and_suites_get_the_same_types() -> None:
    own = events.parse(text(ToUserName="ww1", Event="change_contact", ChangeType="delete_user", UserID="amy", CreateTime=1))
    suite = events.parse(text(AuthCorpId="ww1", InfoType="change_contact", ChangeType="delete_user", UserID="amy", TimeStamp=1))
    assert type(own) is type(suite) is events.MemberDeleted
    assert own.corpid == suite.corpid == "ww1"
    assert own.happened_at == suite.happened_at == datetime.fromtimestamp(1, UTC)


def test_a_name_with_blanks_around_it_is_found() -> None:
    event = parse_event("wecom", "<xml><InfoType> \n suite_ticket </InfoType><SuiteTicket>secret-ticket</SuiteTicket></xml>")
    assert isinstance(event, events.SuiteTicket)
    assert event.suite_ticket == "secret-ticket"
    assert "secret-ticket" not in repr(event)


@pytest.mark.parametrize("secret", ["SuiteTicket", "AuthCode", "Token", "WelcomeCode", "ResponseCode", "AccessToken", "RegisterCode"])
def test_what_opens_doors_is_not_shown(secret: str) -> None:
    found = 0
    for sample in SAMPLES.values():
        event = events.parse(sample)
        for line in sample.split("\n"):
            if f"<{secret}>" in line:
                found += 1
                value = line.partition("<![CDATA[")[2].partition("]]>")[0]
                assert f"'{value}'" not in repr(event)
    assert found or not SAMPLES


def test_a_message_of_blanks_is_a_message_and_other_blanks_are_nothing() -> None:
    event = events.parse("<xml><MsgType>text</MsgType><Content>  </Content><MsgId>\n</MsgId><AgentID>1</AgentID></xml>")
    assert isinstance(event, events.TextMessage)
    assert (event.content, event.msg_id, event.agent_id) == ("  ", None, 1)


def test_a_welcome_code_works_for_twenty_seconds() -> None:
    at = datetime.fromtimestamp(100, UTC)
    added = {"Event": "change_external_contact", "ChangeType": "add_external_contact", "CreateTime": 100}
    assert events.parse(text(**added, WelcomeCode="x")).usable_until == at + timedelta(seconds=20)
    assert events.parse(text(**added)).usable_until is None
    assert events.parse(text(Event="click")).usable_until is None


def test_pay_events_of_one_name_are_told_apart_by_their_original_type() -> None:
    class Money(Event):
        platform = "pay"

    class Payment(Money, event="TEST.SUCCESS"): ...

    class Split(Money, event="TEST.SUCCESS", original_type="profitsharing"): ...

    try:
        kinds = [type(parse_event("pay", "{}", event_type="TEST.SUCCESS", original_type=o)) for o in ("", "transaction", "profitsharing")]
        assert kinds == [Payment, Payment, Split]
    finally:
        for key in [key for key in registry._TYPES if key[1] == "TEST.SUCCESS"]:
            del registry._TYPES[key]


def test_an_unknown_platform_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="unknown platform"):
        parse_event("telegram", "{}")


def test_json_callbacks_become_the_same_types() -> None:
    event: Any = events.parse('{"InfoType": "change_auth", "AuthCorpId": "ww1", "ExtraInfo": {"AuthOpenKfIdList": {"OpenKfId": ["wk1"]}}}')
    assert isinstance(event, events.AuthChanged)
    assert event.extra_info.auth_open_kf_id_list.open_kf_id == ("wk1",)
