"""Third-party apps: a company's token out of the suite's, the suite's out of the newest ticket; a component's accounts likewise."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
from typing import Any

import pytest

from siyu_sdk import (
    AsyncMiniProgram,
    AsyncStore,
    AsyncWeCom,
    AuthenticationError,
    InputError,
    MiniProgram,
    Store,
    TokenExpired,
    UsageError,
    WeCom,
    endpoints,
)
from siyu_sdk.caches import MemoryTokenCache, PushedTicket
from siyu_sdk.wecom.auth import Tokens
from siyu_sdk.wecom.credentials import CustomApp, OwnApp, Provider, Suite, SuiteCorp
from siyu_sdk.wecom.provider import Providers
from siyu_sdk.wecom.suite import Suites
from siyu_sdk.weixin.credentials import Authorizer, Component, OwnAccount
from siyu_sdk.weixin.tokens import StableTokens

CODE = "CANARY-permanent-code"


@pytest.fixture
def cache() -> MemoryTokenCache:
    return MemoryTokenCache()


@pytest.fixture
def suite(cache: MemoryTokenCache) -> Suite:
    ticket = PushedTicket(cache, "suite1")
    ticket.save("CANARY-ticket")
    return Suite("suite1", "CANARY-suite-secret", ticket)


def test_two_companies_share_the_token_of_the_suite(suite: Suite, cache: MemoryTokenCache, platform: Any) -> None:
    for corp in ("corp1", "corp2", "corp1"):
        with WeCom(SuiteCorp(suite, corp, CODE), base_url=platform.url, cache=cache) as wecom:
            wecom.customers.get(corp)
    assert platform.count == {"suite1": 1, "corp1": 1, "corp2": 1}
    assert platform.mixed == []


async def test_a_crowd_of_tasks_fetches_each_token_once(suite: Suite, cache: MemoryTokenCache, platform: Any) -> None:
    async with AsyncWeCom(SuiteCorp(suite, "corp1", CODE), base_url=platform.url, cache=cache) as wecom:
        await asyncio.gather(*(wecom.customers.get("corp1") for _ in range(50)))
    assert platform.count == {"suite1": 1, "corp1": 1}


def test_a_suite_token_that_ended_is_renewed_on_the_way_to_a_companys_token(suite: Suite, cache: MemoryTokenCache, platform: Any) -> None:
    with WeCom(SuiteCorp(suite, "corp1", CODE), base_url=platform.url, cache=cache) as wecom:
        wecom.customers.get("corp1")
        platform.void()
        wecom.customers.get("corp1")
    assert platform.count == {"suite1": 2, "corp1": 2}


def test_the_newest_ticket_is_used(suite: Suite, cache: MemoryTokenCache, platform: Any) -> None:
    ticket = PushedTicket(cache, "suite1")  # in the process that callbacks come to
    ticket.save("old")
    with WeCom(suite, base_url=platform.url, cache=cache) as wecom:
        with pytest.raises(TokenExpired, match="40085"):
            wecom.suites.pre_auth_code()
        ticket.save("CANARY-newer-ticket")
        assert wecom.suites.pre_auth_code().pre_auth_code == "pre"
    assert [b["suite_ticket"] for b in platform.bodies if "suite_ticket" in b] == ["old", "CANARY-newer-ticket"]


def test_before_the_first_ticket_the_error_says_what_is_missing(platform: Any, cache: MemoryTokenCache) -> None:
    with (
        WeCom(Suite("suite1", "s", PushedTicket(cache, "suite1")), base_url=platform.url) as wecom,
        pytest.raises(UsageError, match="no suite_ticket has arrived yet"),
    ):
        wecom.suites.pre_auth_code()
    assert platform.bodies == []


def test_a_ticket_reaches_other_processes_through_a_shared_cache(store: Any) -> None:
    PushedTicket(store.cache(), "suite1").save("one")
    elsewhere = PushedTicket(store.cache(), "suite1")
    assert elsewhere() == "one"
    PushedTicket(store.cache(), "suite1").save("two")
    assert elsewhere() == "two"


def test_a_custom_app_takes_its_permanent_code_for_a_secret(platform: Any) -> None:
    with WeCom(CustomApp("corp1", CODE), base_url=platform.url) as wecom:
        wecom.customers.get("corp1")
    assert platform.count == {"corp1": 1}


def test_a_client_says_which_credential_it_lacks(suite: Suite, platform: Any) -> None:
    with (
        WeCom(Provider("corp9", "CANARY-provider-secret"), base_url=platform.url) as provider,
        pytest.raises(UsageError, match=r"no 'access_token' credential; it holds \['none', 'provider_access_token', 'provider_login'\]"),
    ):
        provider.customers.get("wm1")
    with WeCom("corp1", "secret", base_url=platform.url) as own, pytest.raises(UsageError, match="suite_access_token"):
        own.suites.pre_auth_code()


def test_no_credential_shows_its_secret(suite: Suite) -> None:
    values: list[Any] = [suite, SuiteCorp(suite, "c", CODE), CustomApp("c", CODE), OwnApp("c", CODE), Provider("c", CODE)]
    component = Component("wx", CODE, lambda: CODE)
    values += [
        component,
        Authorizer(component, "wx1", lambda: CODE, print),
        WeCom(suite),
        WeCom(values[1]).session,
        MiniProgram(component).session,
        OwnAccount("wx1", CODE),
        Store("wx1", CODE).session,
        Providers.token("c", CODE),
        Tokens.get.spec.parse(b'{"errcode": 0, "access_token": "CANARY-token", "expires_in": 7200}'),
        StableTokens.get.spec.parse(b'{"access_token": "CANARY-token", "expires_in": 7200}'),
    ]
    values += [Suites.suite_token("s", CODE, CODE), Suites.corp_token("c", CODE), Suites.permanent_code(CODE)]
    assert "CANARY" not in repr(values)


@pytest.mark.parametrize(
    ("kind", "arguments", "missing"),
    [
        (OwnApp, ("", "s"), "corpid"),
        (CustomApp, ("c", ""), "permanent_code"),
        (Suite, ("s", "", str), "suite_secret"),
        (WeCom, ("c",), "corpsecret"),
        (Component, ("", "s", str), "appid"),
        (Store, ("wx1",), "secret"),
    ],
)
def test_what_is_missing_is_named(kind: Any, arguments: tuple[Any, ...], missing: str) -> None:
    with pytest.raises(InputError, match=f"needs {missing}") as caught:
        kind(*arguments)
    assert caught.value.field == missing


def test_a_credential_says_all_by_itself(suite: Suite) -> None:
    with pytest.raises(InputError, match="by itself"):
        WeCom(suite, "secret")


# Component


class Shelf:
    """Where refresh tokens are kept."""

    def __init__(self) -> None:
        self.token = "CANARY-refresh-0"
        self.saved: list[str] = []

    def save(self, token: str) -> None:
        self.saved.append(token)
        self.token = token


@pytest.mark.parametrize("kind", [MiniProgram, Store])
def test_an_account_is_renewed_with_the_refresh_token_that_came_last(kind: Any, cache: MemoryTokenCache, platform: Any) -> None:
    component, shelf = Component("wxcomponent", "CANARY-secret", lambda: "CANARY-ticket"), Shelf()
    account = Authorizer(component, "wxaccount", lambda: shelf.token, shelf.save)
    with kind(account, base_url=platform.url, cache=cache) as client:
        for _ in range(3):
            client.request("POST", "/any/path", json={"whose": "wxaccount"})
            platform.void()  # the platform's token too: 42006 on the way to the account's
    assert client.appid == "wxaccount"
    assert shelf.saved == [f"CANARY-refresh-{n}" for n in (1, 2, 3)]
    assert platform.count == {"wxcomponent": 3, "wxaccount": 3}


async def test_one_third_party_platform_works_for_mini_programs_and_stores_with_one_token(cache: MemoryTokenCache, platform: Any) -> None:
    component = Component("wxcomponent", "CANARY-secret", lambda: "CANARY-ticket")

    def account(appid: str) -> Authorizer:
        return Authorizer(component, appid, lambda: "r-0", lambda _: None)

    async with (
        AsyncMiniProgram(account("wxmini"), base_url=platform.url, cache=cache) as miniprogram,
        AsyncStore(account("wxstore"), base_url=platform.url, cache=cache) as store,
        AsyncStore(account("wxmini"), base_url=platform.url, cache=cache) as shop_in_the_mini_program,
        AsyncStore(component, base_url=platform.url, cache=cache) as platform_itself,
    ):
        await miniprogram.request("POST", "/any/path", json={"whose": "wxmini"})
        await store.request("POST", "/any/path", json={"whose": "wxstore"})
        await shop_in_the_mini_program.request("POST", "/any/path", json={"whose": "wxmini"})
        assert (await platform_itself.components.pre_auth_code("wxcomponent")).pre_auth_code == "pre"
    assert platform.count == {"wxcomponent": 1, "wxmini": 1, "wxstore": 1}
    assert platform.mixed == []


def test_an_own_account_has_one_stable_token_whatever_client_asks(cache: MemoryTokenCache, platform: Any) -> None:
    for kind in (MiniProgram, Store):
        with kind("wx1", "CANARY-secret", base_url=platform.url, cache=cache) as client:
            client.request("POST", "/any/path", json={"whose": "wx1"})
    assert platform.count == {"wx1": 1}
    with pytest.raises(InputError, match="by itself"):
        Store(OwnAccount("wx1", "s"), "secret")


def test_a_shared_chapter_belongs_to_each_platform_that_takes_it() -> None:
    from siyu_sdk.miniprogram.auth import Components as OfMiniProgram
    from siyu_sdk.store.auth import Components as OfStore

    calls = [OfMiniProgram.pre_auth_code("wx"), OfStore.pre_auth_code("wx")]
    assert [call.spec.platform for call in calls] == ["miniprogram", "store"]
    assert [pickle.loads(pickle.dumps(call)) for call in calls] == calls
    assert calls[0] != calls[1]
    assert OfStore.pre_auth_code.__doc__ == OfMiniProgram.pre_auth_code.__doc__
    assert {s.platform for s in endpoints() if s.path == StableTokens.get.spec.path} == {"miniprogram", "store"}
    with MiniProgram("wx1", "s") as miniprogram, pytest.raises(UsageError, match="this client speaks 'miniprogram'"):
        miniprogram.send(calls[1])


def test_calls_of_a_shared_chapter_unpickle_where_nothing_else_is_imported() -> None:
    from siyu_sdk.store.auth import Components

    code = "import pickle, sys; print(pickle.loads(bytes.fromhex(sys.argv[1])).spec.platform)"
    call = pickle.dumps(Components.pre_auth_code("wx")).hex()
    assert subprocess.run([sys.executable, "-c", code, call], check=True, capture_output=True, text=True).stdout == "store\n"


def test_a_refresh_token_that_cannot_be_saved_stops_the_call(cache: MemoryTokenCache, platform: Any) -> None:
    def full(_: str) -> None:
        raise OSError("the disk is full")

    component = Component("wxcomponent", "CANARY-secret", lambda: "CANARY-ticket")
    with (
        MiniProgram(Authorizer(component, "wxaccount", lambda: "r-0", full), base_url=platform.url) as miniprogram,
        pytest.raises(OSError, match="full"),
    ):
        miniprogram.shipping.get_order("1")
    assert platform.calls == 1


def test_a_void_refresh_token_asks_for_a_new_authorisation(platform: Any) -> None:
    component = Component("wxcomponent", "CANARY-secret", lambda: "CANARY-ticket")
    with (
        MiniProgram(Authorizer(component, "wxaccount", lambda: "r-7", print), base_url=platform.url) as miniprogram,
        pytest.raises(AuthenticationError, match="61023"),
    ):
        miniprogram.shipping.get_order("1")
    with (
        MiniProgram(Authorizer(component, "wxaccount", str, print), base_url=platform.url) as miniprogram,
        pytest.raises(UsageError, match="has to authorise"),
    ):
        miniprogram.shipping.get_order("1")
