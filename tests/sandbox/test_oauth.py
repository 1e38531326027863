"""Visitors of a page: one code, one answer, within five minutes."""

from __future__ import annotations

from siyu_sdk.sandbox import Sandbox
from siyu_sdk.wecom.client import WeCom

from .conftest import refused


def test_a_code_tells_the_visitor_once(sandbox: Sandbox, corp: WeCom) -> None:
    code = sandbox.wecom.oauth_code("amy")
    visitor = corp.oauth.get(code)
    assert (visitor.userid, visitor.user_ticket) == ("amy", None)
    assert refused(lambda: corp.oauth.get(code)) == 42022
    late = sandbox.wecom.oauth_code("amy")
    sandbox.advance(minutes=5)
    assert refused(lambda: corp.oauth.get(late)) == 42003
    assert refused(lambda: corp.oauth.get("made-up")) == 40029


def test_customers_and_strangers_visit_too(sandbox: Sandbox, corp: WeCom) -> None:
    customer = corp.oauth.get(sandbox.wecom.oauth_code("wm0"))
    assert (customer.userid, customer.external_userid) == (None, "wm0")
    stranger = corp.oauth.get(sandbox.wecom.oauth_code("somebody"))
    assert stranger.openid
    assert stranger.external_userid is None


def test_who_consents_tells_more(sandbox: Sandbox, corp: WeCom) -> None:
    ticket = corp.oauth.get(sandbox.wecom.oauth_code("bob", private=True)).user_ticket or ""
    assert corp.oauth.get_detail(ticket).mobile == "13800000001"
    assert refused(lambda: corp.oauth.get_detail("made-up")) == 84015
    sandbox.advance(minutes=31)
    assert refused(lambda: corp.oauth.get_detail(ticket)) == 84014
