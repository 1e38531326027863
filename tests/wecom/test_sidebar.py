"""The sidebar: signed pages, logins, and customers shown to nobody but the members who follow them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from siyu_sdk import ApiError, AsyncSiyu, AsyncWeCom, InputError, NotAllowed, Siyu, UsageError, WeCom
from siyu_sdk.core.crypto import jssdk_signature
from siyu_sdk.sidebar import same_state

from .conftest import Loopback

PAGE = "https://crm.example.com/sidebar?shop=1"
DETAIL = {
    "external_contact": {"external_userid": "wm1", "name": "李四", "type": 1},
    "follow_user": [
        {"userid": "amy", "remark": "常客", "tags": [{"tag_name": "榴莲", "type": 1}, {"type": 2}]},
        {"userid": "bob", "remark": "bob's own note"},
    ],
}


@pytest.fixture
def wecom(loopback: Loopback) -> Iterator[WeCom]:
    with WeCom("ww1", "secret-of-the-app", agentid=1000002, base_url=loopback.url) as client:
        loopback.answer("/cgi-bin/get_jsapi_ticket", {"ticket": "TICKET-OF-THE-COMPANY", "expires_in": 7200})
        loopback.answer("/cgi-bin/ticket/get", {"ticket": "TICKET-OF-THE-APP", "expires_in": 7200})
        yield client


@pytest.fixture
def siyu(wecom: WeCom) -> Iterator[Siyu]:
    with Siyu(wecom=wecom, ledger="sqlite://") as hub:
        yield hub


@pytest.fixture
async def async_siyu(loopback: Loopback) -> AsyncIterator[AsyncSiyu]:
    async with AsyncWeCom("ww1", "secret-of-the-app", agentid=1000002, base_url=loopback.url) as wecom:
        yield AsyncSiyu(wecom=wecom, ledger="sqlite://")


# Signatures of pages


def test_a_page_is_signed_as_published(shared: Path) -> None:
    found = json.loads((shared / "facts/crypto_vectors.json").read_text(encoding="utf-8"))["vectors"]
    case = next(entry for entry in found if entry["id"] == "jssdk_signature")
    parts = dict(part.split("=", 1) for part in case["inputs"]["string"].split("&"))
    made = jssdk_signature(parts["jsapi_ticket"], parts["noncestr"], int(parts["timestamp"]), parts["url"])
    assert made == case["expected"]["signature"]


def test_config_and_agent_config_are_signed_with_their_own_tickets_fetched_once(wecom: WeCom, loopback: Loopback) -> None:
    config, again = wecom.jssdk.config(PAGE + "#/tab/2"), wecom.jssdk.config(PAGE)
    assert config.url == again.url == PAGE, "the fragment is not signed"
    assert config.signature == jssdk_signature("TICKET-OF-THE-COMPANY", config.nonce, config.timestamp, PAGE)
    assert config.nonce != again.nonce
    agent = wecom.jssdk.agent_config(PAGE)
    assert agent.signature == jssdk_signature("TICKET-OF-THE-APP", agent.nonce, agent.timestamp, PAGE)
    wecom.jssdk.agent_config(PAGE)
    assert len(loopback.calls("/cgi-bin/get_jsapi_ticket")) == len(loopback.calls("/cgi-bin/ticket/get")) == 1
    assert loopback.calls("/cgi-bin/ticket/get")[0].query["type"] == "agent_config"
    for shown in (repr(config), repr(agent), json.dumps(agent.to_js([]))):
        assert "TICKET" not in shown


def test_the_page_gets_what_its_two_calls_want(wecom: WeCom) -> None:
    config, agent = wecom.jssdk.config(PAGE), wecom.jssdk.agent_config(PAGE)
    assert config.to_js(["getContext"]) == {
        "beta": True,
        "debug": False,
        "appId": "ww1",
        "timestamp": config.timestamp,
        "nonceStr": config.nonce,
        "signature": config.signature,
        "jsApiList": ["getContext"],
    }
    assert (agent.to_js([])["corpid"], agent.to_js([])["agentid"]) == ("ww1", "1000002")


@pytest.mark.parametrize("url", ["", "crm.example.com/x", "javascript:alert(1)", "https://", "https://a.example/b c"])
def test_what_is_no_address_of_a_page_is_refused(wecom: WeCom, loopback: Loopback, url: str) -> None:
    with pytest.raises(InputError, match="url"):
        wecom.jssdk.config(url)
    assert loopback.seen == []


def test_agent_config_needs_to_know_the_app(loopback: Loopback) -> None:
    with WeCom("ww1", "s", base_url=loopback.url) as wecom, pytest.raises(UsageError, match="agentid"):
        wecom.jssdk.agent_config(PAGE)


async def test_async_clients_sign_too(async_siyu: AsyncSiyu, loopback: Loopback) -> None:
    loopback.answer("/cgi-bin/get_jsapi_ticket", {"ticket": "T", "expires_in": 7200})
    assert async_siyu.wecom is not None
    config = await async_siyu.wecom.jssdk.config(PAGE)
    assert config.signature == jssdk_signature("T", config.nonce, config.timestamp, PAGE)


# Logins


def test_a_login_carries_a_state_that_nobody_can_guess(siyu: Siyu) -> None:
    login, other = siyu.sidebar.login(PAGE), siyu.sidebar.login(PAGE)
    query = parse_qs(urlsplit(login.url).query)
    assert query["appid"] == ["ww1"]
    assert query["redirect_uri"] == [PAGE]
    assert query["agentid"] == ["1000002"]
    assert query["state"] == [login.state]
    assert login.url.endswith("#wechat_redirect")
    assert login.state != other.state
    assert login.state not in repr(login).replace(login.url, "")
    assert login.matches(login.state)
    assert not any(login.matches(state) for state in (None, "", other.state, "é", "\udcff"))
    assert not same_state(None, None)
    assert not same_state("", "")


def test_a_hub_without_wecom_cannot_log_in() -> None:
    with Siyu(ledger="sqlite://") as hub, pytest.raises(UsageError, match="agentid"):
        hub.sidebar.login(PAGE)


# Profiles


def test_a_member_sees_the_customer_they_follow_and_only_their_own_notes(siyu: Siyu, loopback: Loopback) -> None:
    loopback.answer("/cgi-bin/auth/getuserinfo", {"userid": "amy"})
    loopback.answer("/cgi-bin/externalcontact/get", DETAIL)
    profile = siyu.sidebar.profile("wm1", code="CODE")
    assert (profile.userid, profile.customer.name, profile.follow.remark, profile.tags) == ("amy", "李四", "常客", ("榴莲",))
    assert "bob" not in repr(profile)
    assert loopback.calls("/cgi-bin/auth/getuserinfo")[0].query["code"] == "CODE"


def test_a_member_of_a_session_is_checked_just_the_same(siyu: Siyu, loopback: Loopback) -> None:
    loopback.answer("/cgi-bin/externalcontact/get", DETAIL)
    assert siyu.sidebar.profile("wm1", userid="bob").follow.remark == "bob's own note"
    with pytest.raises(NotAllowed):
        siyu.sidebar.profile("wm1", userid="carl")
    assert loopback.calls("/cgi-bin/auth/getuserinfo") == []


def test_all_pages_of_followers_are_searched(siyu: Siyu, loopback: Loopback) -> None:
    last = {**DETAIL, "follow_user": [{"userid": "zoe"}]}
    loopback.answer("/cgi-bin/externalcontact/get", {**DETAIL, "next_cursor": "c"}, last)
    assert siyu.sidebar.profile("wm1", userid="zoe").follow.userid == "zoe"
    assert [call.query.get("cursor") for call in loopback.calls("/cgi-bin/externalcontact/get")] == [None, "c"]


@pytest.mark.parametrize(
    "reply",
    [
        {**DETAIL, "follow_user": []},
        {"errcode": 84061, "errmsg": "not external contact"},
        {"errcode": 40096, "errmsg": "invalid external userid"},
    ],
    ids=["followed by others", "nobody's customer", "another company's"],
)
def test_what_is_refused_is_refused_in_the_same_words(siyu: Siyu, loopback: Loopback, reply: dict[str, Any]) -> None:
    loopback.answer("/cgi-bin/externalcontact/get", reply)
    with pytest.raises(NotAllowed, match=r"^this member does not follow this customer$"):
        siyu.sidebar.profile("wm1", userid="amy")


@pytest.mark.parametrize("visitor", [{"openid": "o1"}, {"external_userid": "wm9"}, {}])
def test_who_is_no_member_sees_nothing_and_nothing_is_asked(siyu: Siyu, loopback: Loopback, visitor: dict[str, str]) -> None:
    loopback.answer("/cgi-bin/auth/getuserinfo", visitor)
    with pytest.raises(NotAllowed, match="no member"):
        siyu.sidebar.profile("wm1", code="CODE")
    assert loopback.calls("/cgi-bin/externalcontact/get") == []


def test_other_refusals_of_the_platform_stay_what_they_are(siyu: Siyu, loopback: Loopback) -> None:
    loopback.answer("/cgi-bin/auth/getuserinfo", {"errcode": 40029, "errmsg": "invalid code"})
    with pytest.raises(ApiError, match="40029"):
        siyu.sidebar.profile("wm1", code="USED")
    loopback.answer("/cgi-bin/externalcontact/get", {"errcode": 40003, "errmsg": "invalid userid"})
    with pytest.raises(ApiError, match="40003"):
        siyu.sidebar.profile("wm1", userid="amy")


@pytest.mark.parametrize("who", [{}, {"code": "c", "userid": "amy"}])
def test_the_member_comes_from_one_place(siyu: Siyu, who: dict[str, str]) -> None:
    with pytest.raises(InputError, match="one of them"):
        siyu.sidebar.profile("wm1", **who)
    with pytest.raises(InputError, match="external_userid"):
        siyu.sidebar.profile("", userid="amy")


async def test_async_hubs_show_profiles_too(async_siyu: AsyncSiyu, loopback: Loopback) -> None:
    loopback.answer("/cgi-bin/auth/getuserinfo", {"userid": "amy"})
    loopback.answer("/cgi-bin/externalcontact/get", DETAIL)
    assert (await async_siyu.sidebar.profile("wm1", code="CODE")).customer.name == "李四"
    assert await async_siyu.sidebar.member("CODE") == "amy"
