"""The chapters against the catalogue of API facts: every declared endpoint sends and reads its samples without a difference."""

from __future__ import annotations

import importlib
import importlib.util
import json
import typing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import siyu_sdk
from siyu_sdk import UnknownEvent
from siyu_sdk.wecom import events
from siyu_sdk.wecom.messages import Envelope

SPECS = [spec for spec in siyu_sdk.endpoints() if spec.platform == "wecom" and spec.module.startswith("siyu_sdk.")]
BEYOND = {"/cgi-bin/externalcontact/from_service_external_userid"}  # the official page 95884 has it, the catalogue does not
CATALOGUED = [spec for spec in SPECS if spec.path not in BEYOND]
OTHER_METHOD = {
    "/cgi-bin/corp/apply_mass_call_ticket": 96168,
    "/cgi-bin/externalcontact/customer_acquisition/statistic": 97375,
    "/cgi-bin/externalcontact/customer_acquisition_quota": 97375,
    "/cgi-bin/externalcontact/get_moment_task_result": 95094,
    "/cgi-bin/idconvert/upgrade_chatid_for_new_corp": 99601,
    "/cgi-bin/miniapppay/get_bill": 98115,
    "/cgi-bin/user/check_member_auth": 94514,
    "/cgi-bin/user/list_member_auth": 94513,
    "/cgi-bin/user/list_selected_ticket_user": 94894,
}
"""Where the catalogue has GET for POST, or POST for GET, by the page that says so."""


@pytest.fixture(scope="module")
def check(shared: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("conformance_check", shared / "conformance/check.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def entries(check: ModuleType) -> dict[str, Any]:
    """What the catalogue says, by path: none stands there twice."""
    return {entry["path"]: entry for _, found in check.catalogue("wecom") for entry in found}


def test_every_chapter_is_here_and_the_methods_are_those_of_the_official_pages(entries: dict[str, Any]) -> None:
    assert len(SPECS) >= 250
    differing = {spec.path: spec.docs for spec in CATALOGUED if spec.method != entries[spec.path]["method"]}
    assert differing == OTHER_METHOD


@pytest.mark.parametrize("spec", CATALOGUED, ids=lambda spec: spec.name)
def test_an_endpoint_sends_and_reads_its_samples(spec: Any, check: ModuleType, entries: dict[str, Any]) -> None:
    entry = {**entries[spec.path], "method": spec.method}
    assert check.attempt(check.check_request, spec, entry) is None
    assert check.attempt(check.check_reply, spec, entry) is None


@pytest.mark.parametrize("spec", CATALOGUED, ids=lambda spec: spec.name)
def test_an_endpoint_has_every_parameter_of_the_catalogue(spec: Any, entries: dict[str, Any]) -> None:
    entry = entries[spec.path]
    official = {q["name"] for q in entry.get("query", [])} | set((entry.get("request") or {}).get("fields", {}))
    official |= {part["name"] for part in entry.get("parts", [])}
    official -= {"access_token"} | SLIPS.get(spec.path, set())
    assert official <= {parameter.wire for parameter in spec.parameters} | spread_fields(spec)


def spread_fields(spec: Any) -> set[str]:
    """The fields of a model, or of a message in its envelope, that is the body itself."""
    found = set[str]()
    for name in spec.names("spread"):
        held = spec._arguments_type().model_fields[name]
        if any(isinstance(extra, Envelope) for extra in held.metadata):
            found |= {"msgtype", *(kind.msgtype for member in typing.get_args(held.annotation) for kind in Envelope.kinds(member))}
        else:
            found |= set(held.annotation.model_fields)
    return found


SLIPS = {"/cgi-bin/living/modify": {"title"}}
"""What the catalogue lists by mistake: `title` belongs to meetings, page 93640 has `theme`."""


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_an_endpoint_is_documented_with_the_title_of_its_page(spec: Any) -> None:
    first = (spec.function.__doc__ or "").partition("\n")[0]
    assert "(" in spec.function.__doc__
    assert any("一" <= letter <= "鿿" for letter in first)
    assert spec.docs


def test_every_event_sample_of_customers_is_typed_and_loses_nothing(shared: Path, check: ModuleType) -> None:
    catalogue = json.loads((shared / "api/wecom/events/externalcontact.json").read_text(encoding="utf-8"))["events"]
    texts = [text for entry in catalogue for text in (entry["sample"], *(more["text"] for more in entry.get("more_samples") or ())) if text]
    assert len(texts) == 14
    for text in texts:
        event = events.parse(text)
        assert not isinstance(event, UnknownEvent), text
        assert type(event) not in (events.CustomerEvent, events.GroupEvent, events.TagEvent), text
        assert list(check.untyped(event)) == [], text
