"""The app that speaks: named by the call, or by the client that sends it, or nobody sends anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from siyu_sdk import AsyncWeCom, Call, InputError
from siyu_sdk.wecom.agents import Agents, MenuButton, Menus, MenuType, Workbench, WorkbenchType
from siyu_sdk.wecom.app_messages import AppMessages
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.messages import Text
from siyu_sdk.wecom.school_notices import SchoolNotices
from siyu_sdk.wecom.tags import CorpTags

HI = Text(content="hi")
BUTTON = MenuButton(name="水果", type=MenuType.CLICK, key="fruit")

LEFT_OUT: dict[str, Callable[[], Call[Any]]] = {
    "a message": lambda: AppMessages.send(HI, touser=["amy"]),
    "a task card": lambda: AppMessages.update_task_card(["amy"], task_id="t1", replace_name="已批准"),
    "a template card": lambda: AppMessages.update_template_card("r1", atall=True, button={"replace_name": "已批准"}),
    "a notice": lambda: SchoolNotices.send(HI, toall=True),
    "an app": Agents.get,
    "its settings": lambda: Agents.set(name="榴莲"),
    "its scope": lambda: Agents.set_scope(allow_user=["amy"]),
    "its workbench": lambda: Workbench.set_template(type=WorkbenchType.NORMAL),
    "its workbench as it is": Workbench.get_template,
    "a member's workbench": lambda: Workbench.set_data("amy", type=WorkbenchType.NORMAL),
    "members' workbenches": lambda: Workbench.batch_set_data(["amy"], {"type": "normal"}),
    "a menu": lambda: Menus.create([BUTTON]),
    "a menu as it is": Menus.get,
    "no menu": Menus.delete,
}


@pytest.fixture
def app(loopback: Any) -> Iterator[WeCom]:
    with WeCom("ww1", "secret-of-the-app", agentid=1000002, base_url=loopback.url) as client:
        yield client


def named(seen: Any) -> Any:
    """The app that arrived, in the query or in the body."""
    return seen.query.get("agentid") or seen.json["agentid"]


@pytest.mark.parametrize("make", LEFT_OUT.values(), ids=LEFT_OUT)
def test_a_call_that_names_no_app_goes_out_in_the_name_of_the_clients(loopback: Any, app: WeCom, make: Callable[[], Call[Any]]) -> None:
    call = make()
    assert "agentid" not in call.arguments
    loopback.answer("/cgi-bin/agent/get", {"agentid": 1000002})
    loopback.answer("/cgi-bin/agent/get_workbench_template", {"type": "normal"})
    app.send(call)
    (seen,) = loopback.seen
    assert str(named(seen)) == "1000002"
    assert "agentid" not in call.arguments


@pytest.mark.parametrize("make", LEFT_OUT.values(), ids=LEFT_OUT)
def test_where_nobody_names_an_app_nothing_is_sent(loopback: Any, wecom: WeCom, make: Callable[[], Call[Any]]) -> None:
    call = make()
    with pytest.raises(InputError, match=r"agentid is needed: give it here, or to the client, WeCom\(…, agentid=…\)") as caught:
        wecom.send(call)
    assert caught.value.field == "agentid"
    assert str(call.spec) in str(caught.value)
    assert loopback.seen == []


def test_the_app_that_a_call_names_goes_before_the_clients(loopback: Any, app: WeCom) -> None:
    app.app_messages.send(HI, touser=["amy"], agentid=7)
    app.send(AppMessages.send(HI, touser=["amy"]).options(extra={"agentid": 8}))
    assert [seen.json["agentid"] for seen in loopback.seen] == [7, 8]


def test_raw_answers_come_the_same_way(loopback: Any, app: WeCom) -> None:
    app.raw(AppMessages.send(HI, touser=["amy"]))
    assert loopback.seen[0].json["agentid"] == 1000002


async def test_tasks_speak_as_the_app_too(loopback: Any) -> None:
    async with AsyncWeCom("ww1", "secret-of-the-app", agentid=1000002, base_url=loopback.url) as wecom:
        await wecom.app_messages.send(HI, touser=["amy"])
        await wecom.menus.create([BUTTON])
    assert [str(named(seen)) for seen in loopback.seen] == ["1000002", "1000002"]
    async with AsyncWeCom("ww1", "secret-of-the-app", base_url=loopback.url) as wecom:
        with pytest.raises(InputError, match="AsyncWeCom"):
            await wecom.app_messages.send(HI, touser=["amy"])


def test_what_may_go_without_an_app_goes_without(loopback: Any, app: WeCom) -> None:
    loopback.answer("/cgi-bin/externalcontact/add_corp_tag", {"tag_group": {"group_id": "g1"}})
    app.send(CorpTags.add([{"name": "榴莲"}], group_name="购买"))
    assert "agentid" not in loopback.seen[0].json
