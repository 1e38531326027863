"""The guides to the chapters run, from the first block to the last, against the sandbox."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from siyu_sdk.sandbox import Sandbox
from siyu_sdk.wecom.events import AddExternalContact, GroupUpdated

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
GUIDES = ("customers", "tags", "groups", "moments", "kf")


@pytest.fixture
def world() -> Iterator[dict[str, Any]]:
    """What the guides take as given: clients, two members, a customer, a group, events."""
    with Sandbox(seed=7, members=4, customers=60) as sandbox, sandbox.wecom_client() as wecom, sandbox.siyu(ledger="sqlite://") as siyu:
        siyu.ledger.learn(siyu.appid, ((login.unionid or "", login.openid) for login in sandbox.logins()))
        amy, bob, *_ = wecom.customers.follow_users().follow_user
        yield {"sandbox": sandbox, "wecom": wecom, "siyu": siyu, "amy": amy, "bob": bob}


def given(guide: str, world: dict[str, Any]) -> dict[str, Any]:
    sandbox, wecom, amy = world["sandbox"], world["wecom"], world["amy"]
    world["external_userid"] = wecom.customers.list(amy).external_userid[0]
    if guide == "customers":
        sandbox.wecom.customer_adds(amy)
        world["event"] = AddExternalContact.model_validate(sandbox.world.events[-1])
    elif guide == "groups":
        world["chat_id"] = sandbox.wecom.member_opens_chat(amy, "门店群")
        sandbox.wecom.customer_joins(chat_id=world["chat_id"], invited_by=amy)
        told = sandbox.world.events[-1]
        world["group_event"] = GroupUpdated.model_validate(told | {"MemChangeList": {"Item": told["MemChangeList"]}})
    elif guide == "moments":
        sandbox.wecom.moments.job_takes = sandbox.wecom.moments.dispatch_lag = 0.05  # a guide is read slower than it runs
    elif guide == "kf":
        world["open_kfid"] = next(iter(wecom.kf_accounts.all())).open_kfid
        sandbox.wecom.kf_customer_enters(world["open_kfid"], world["external_userid"], scene="order_page")
        sandbox.wecom.kf_customer_writes(world["open_kfid"], world["external_userid"], "在吗")
        world["callback_token"] = sandbox.world.events[-1]["Token"]
    return world


@pytest.mark.parametrize("language", ["", "zh"])
@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_runs(guide: str, language: str, world: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = DOCS / language / f"{guide}.md"
    (tmp_path / "durian.jpg").write_bytes(b"\xff\xd8\xff" + bytes(100))
    names = given(guide, world)
    for number, code in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")), 1):
        exec(compile(code, f"{page.name}, block {number}", "exec"), names)  # noqa: S102 -- our own pages
    assert names["sandbox"].invariants() == []
