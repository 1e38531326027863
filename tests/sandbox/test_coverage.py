"""Which declared calls of WeCom the sandbox serves: all of customer contact and customer service, and for the others a reason why not."""

from __future__ import annotations

from functools import cache

from siyu_sdk.introspection import endpoints
from siyu_sdk.sandbox import Sandbox
from siyu_sdk.sandbox.wecom.routing import router

NO_APP = "the sandbox's people use no apps of the company"
NO_WRITES = "the sandbox's staff is fixed; it is read, and changed by hands such as member_resigns"
NO_MONEY = "money moves in the sandbox of WeChat Pay"
NO_PROVIDER = "for apps of a provider; the sandbox's app is the company's own"

CHAPTERS = {
    "Agents": NO_APP,
    "AppChats": NO_APP,
    "AppMessages": NO_APP,
    "Approvals": NO_APP,
    "Departments": NO_WRITES,
    "ExternalPay": NO_MONEY,
    "IdConvert": NO_PROVIDER,
    "Livings": "nobody watches live shows in the sandbox",
    "MemberAuths": NO_PROVIDER,
    "MemberTags": NO_WRITES,
    "Menus": NO_APP,
    "MessageArchive": "the archive is read with a native library, not by HTTP",
    "MiniAppPay": NO_MONEY,
    "MiniProgramLogins": NO_APP,
    "PayTool": NO_MONEY,
    "Providers": NO_PROVIDER,
    "SchoolNotices": "a fruit retailer has no pupils",
    "Suites": NO_PROVIDER,
    "Workbench": NO_APP,
}
"""Whole chapters that are not served. Others may have calls of their own below."""

CALLS = {
    "ExternalIds.from_service": "it needs an app of a provider to translate from",
    "ExternalIds.from_unionid": NO_PROVIDER,
    "ExternalIds.new": NO_PROVIDER,
    "ExternalIds.new_in_group": NO_PROVIDER,
    "ExternalIds.to_service": NO_PROVIDER,
    "Media.upload_by_url": "the sandbox calls nobody but your callback server",
    "Media.upload_result": "the sandbox calls nobody but your callback server",
    "Members.active": NO_APP,
    "Members.batch_delete": NO_WRITES,
    "Members.by_email": "the sandbox's members have no addresses",
    "Members.by_mobile": "the sandbox's members have no numbers",
    "Members.create": NO_WRITES,
    "Members.delete": NO_WRITES,
    "Members.from_openid": "the sandbox's members have no openids",
    "Members.join_qrcode": NO_WRITES,
    "Members.to_openid": "the sandbox's members have no openids",
    "Members.update": NO_WRITES,
    "OAuth.get_old": "an older form of OAuth.get, which is served",
    "OAuth.get_tfa": "two-factor logins need the client",
    "OAuth.pass_login": "two-factor logins need the client",
    "OAuth.pass_tfa": "two-factor logins need the client",
    "Servers.api_ips": "everything is on loopback",
    "Servers.callback_ips": "everything is on loopback",
    "Tokens.apply_mass_call_ticket": "the sandbox has no quotas per minute to lift",
}
"""Single calls that are not served, in chapters that are."""


def chapter(name: str) -> str:
    return name.partition(".")[0]


@cache
def served() -> frozenset[tuple[str, str]]:
    Sandbox(members=1, shops=1, customers=1, days=1)  # the first one fills the table
    return frozenset(router.served())


@cache
def declared() -> dict[str, tuple[str, str]]:
    return {spec.name: (spec.method, spec.path) for spec in endpoints() if spec.platform == "wecom" and spec.module.startswith("siyu_sdk.")}


def missing() -> dict[str, str]:
    return {name: path for name, (method, path) in declared().items() if (method, path) not in served()}


def test_what_is_not_served_has_a_reason() -> None:
    assert sorted(name for name in missing() if name not in CALLS and chapter(name) not in CHAPTERS) == []


def test_the_reasons_are_needed() -> None:
    assert sorted(CALLS.keys() - missing().keys()) == []
    assert sorted(CHAPTERS.keys() - map(chapter, declared())) == []
    served_chapters = {chapter(name) for name in declared().keys() - missing().keys()}
    assert sorted(CHAPTERS.keys() & served_chapters) == [], "these are served in part: name the calls"


def test_customer_contact_and_customer_service_are_served() -> None:
    of_other_apps = {"ExternalIds", "SchoolNotices"}
    paths = {path for name, path in missing().items() if chapter(name) not in of_other_apps}
    assert sorted(path for path in paths if path.startswith(("/cgi-bin/externalcontact/", "/cgi-bin/kf/"))) == []
    assert sum(path.startswith("/cgi-bin/kf/") for _, path in served()) == 28
