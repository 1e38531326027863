"""What providers do beside fetching tokens: codes to install by, who opens their pages, who signs in, who registers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from siyu_sdk import InputError, WeCom
from siyu_sdk.wecom.credentials import Provider, Suite
from siyu_sdk.wecom.provider import Providers, UserType
from siyu_sdk.wecom.suite import Right

SERVICE = "/cgi-bin/service"


@pytest.fixture
def suite(loopback: Any) -> Iterator[WeCom]:
    loopback.answer(f"{SERVICE}/get_suite_token", {"suite_access_token": "suite-token", "expires_in": 7200})
    with WeCom(Suite("ww-suite", "s", lambda: "ticket"), base_url=loopback.url) as client:
        yield client


@pytest.fixture
def provider(loopback: Any) -> Iterator[WeCom]:
    loopback.answer(f"{SERVICE}/get_provider_token", {"provider_access_token": "provider-token", "expires_in": 7200})
    with WeCom(Provider("ww-provider", "s"), base_url=loopback.url) as client:
        yield client


def test_a_suite_says_who_administers_it_and_who_opens_its_pages(suite: WeCom, loopback: Any) -> None:
    loopback.answer(f"{SERVICE}/get_admin_list", {"admin": [{"userid": "zoe", "auth_type": 1}, {"userid": "amy", "auth_type": 7}]})
    zoe, amy = suite.suites.admin_list("ww-corp", 1000046).admin
    assert zoe.auth_type is Right.MANAGE
    assert amy.auth_type == 7  # a right of tomorrow
    loopback.answer(f"{SERVICE}/getuserinfo3rd", {"CorpId": "ww-corp", "UserId": "zoe", "user_ticket": "CANARY-ticket", "expires_in": 1800})
    visitor = suite.suites.visitor("CANARY-code")
    assert (visitor.corpid, visitor.userid, visitor.openid) == ("ww-corp", "zoe", None)
    assert "CANARY" not in repr(visitor)
    loopback.answer(f"{SERVICE}/getuserdetail3rd", {"corpid": "ww-corp", "userid": "zoe", "gender": "1"})
    assert suite.suites.visitor_detail(visitor.user_ticket or "").userid == "zoe"
    assert loopback.calls(f"{SERVICE}/getuserdetail3rd")[0].json == {"user_ticket": "CANARY-ticket"}
    assert {seen.query["suite_access_token"] for seen in loopback.seen if "token" not in seen.path} == {"suite-token"}


def test_a_code_to_install_by_comes_as_an_address(suite: WeCom, loopback: Any) -> None:
    loopback.answer(f"{SERVICE}/get_app_qrcode", {"qrcode": "https://example.com/code.png"})
    assert suite.suites.app_qrcode(state="poster").qrcode == "https://example.com/code.png"
    assert loopback.calls(f"{SERVICE}/get_app_qrcode")[0].json == {"state": "poster", "result_type": 2}


def test_a_login_is_looked_up_with_the_providers_token_under_the_usual_name(provider: WeCom, loopback: Any) -> None:
    info = {"usertype": 5, "user_info": {"userid": "amy"}, "corp_info": {"corpid": "ww-corp"}, "agent": [{"agentid": 0, "auth_type": 1}]}
    loopback.answer(f"{SERVICE}/get_login_info", info)
    login = provider.providers.login_info("code")
    assert login.usertype is UserType.MEMBER
    assert (login.corp_info.corpid, login.agent[0].auth_type) == ("ww-corp", Right.MANAGE)
    loopback.answer(f"{SERVICE}/get_account_balance", {"balance": 1000090})
    assert provider.providers.account_balance().balance == 1000090
    queries = {seen.path.rpartition("/")[2]: seen.query for seen in loopback.seen}
    assert queries["get_login_info"] == {"access_token": "provider-token"}
    assert queries["get_account_balance"] == {"provider_access_token": "provider-token"}
    assert len(loopback.calls(f"{SERVICE}/get_provider_token")) == 1


def test_a_custom_app_begins_with_a_code_for_the_administrator(provider: WeCom, loopback: Any) -> None:
    loopback.answer(f"{SERVICE}/get_customized_auth_url", {"qrcode_url": "https://example.com/auth", "expires_in": 864000})
    link = provider.providers.customized_auth_url("order-7", ["dk1"])
    assert (link.qrcode_url, timedelta(seconds=link.expires_in).days) == ("https://example.com/auth", 10)
    with pytest.raises(InputError, match="templateid_list"):
        Providers.customized_auth_url("order-7", [])


def test_a_company_registers_with_a_code_and_its_contacts_can_be_filled(provider: WeCom, loopback: Any) -> None:
    loopback.answer(f"{SERVICE}/get_register_code", {"register_code": "CANARY-code", "expires_in": 600})
    code = provider.providers.register_code("tpl", corp_name="榴莲商行", follow_user="lisi").register_code
    assert loopback.calls(f"{SERVICE}/get_register_code")[0].json == {"template_id": "tpl", "corp_name": "榴莲商行", "follow_user": "lisi"}
    loopback.answer(
        f"{SERVICE}/get_register_info", {"corpid": "ww-new", "contact_sync": {"access_token": "CANARY-sync", "expires_in": 1800}}
    )
    registered = provider.providers.register_info(code)
    assert registered.corpid == "ww-new"
    assert "CANARY" not in repr(registered)
