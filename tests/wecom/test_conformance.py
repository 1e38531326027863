"""The chapters against the catalogue of API facts: every declared endpoint sends and reads its samples without a difference."""

from __future__ import annotations

import importlib
import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import siyu_sdk.wecom.client
from siyu_sdk import UnknownEvent
from siyu_sdk.core.endpoint import declared
from siyu_sdk.wecom import events

SPECS = [spec for spec in declared() if spec.platform == "wecom" and spec.name.partition(".")[0] in siyu_sdk.wecom.client.__dict__]
BEYOND = {"/cgi-bin/externalcontact/from_service_external_userid"}  # the official page 95884 has it, the catalogue does not
CATALOGUED = [spec for spec in SPECS if spec.path not in BEYOND]


@pytest.fixture(scope="module")
def check(shared: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("conformance_check", shared / "conformance/check.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def entries(check: ModuleType) -> dict[Any, Any]:
    return {check.key(entry["method"], entry["path"]): entry for _, found in check.catalogue("wecom") for entry in found}


@pytest.mark.parametrize("spec", CATALOGUED, ids=lambda spec: spec.name)
def test_an_endpoint_sends_and_reads_its_samples(spec: Any, check: ModuleType, entries: dict[Any, Any]) -> None:
    entry = entries[check.key(spec.method, spec.path)]
    assert check.attempt(check.check_request, spec, entry) is None
    assert check.attempt(check.check_reply, spec, entry) is None


@pytest.mark.parametrize("spec", CATALOGUED, ids=lambda spec: spec.name)
def test_an_endpoint_has_every_parameter_of_the_catalogue(spec: Any, check: ModuleType, entries: dict[Any, Any]) -> None:
    entry = entries[check.key(spec.method, spec.path)]
    official = {q["name"] for q in entry.get("query", [])} | set((entry.get("request") or {}).get("fields", {}))
    official |= {part["name"] for part in entry.get("parts", [])}
    official -= {"access_token"} | SLIPS.get(spec.path, set())
    assert official <= {parameter.wire for parameter in spec.parameters} | spread_fields(spec)


def spread_fields(spec: Any) -> set[str]:
    """The fields of a model that is the body itself."""
    if not any(parameter.place == "spread" for parameter in spec.parameters):
        return set()
    schema = spec._arguments_type().model_json_schema()
    refs = [schema["properties"][parameter.name]["$ref"] for parameter in spec.parameters if parameter.place == "spread"]
    return {name for ref in refs for name in schema["$defs"][ref.rpartition("/")[2]]["properties"]}


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
