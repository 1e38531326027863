"""Login, tickets, files back from the platform: one-time codes are used once, and no secret shows."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from siyu_sdk import AuthenticationError, InputError, InvalidArgument
from siyu_sdk.wecom.agents import Agents
from siyu_sdk.wecom.approvals import ApprovalStatus
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.media import Media
from siyu_sdk.wecom.oauth import MiniProgramLogins, OAuth, authorize_url, login_url
from siyu_sdk.wecom.tickets import Tickets


def test_a_visitor_is_sent_to_the_login_and_comes_back() -> None:
    page = "https://shop.example.com/side bar?customer=wm1&from=榴莲"
    url = urlsplit(authorize_url("ww1", page, agentid=7, scope="snsapi_privateinfo", state="s1"))
    assert (url.netloc, url.path, url.fragment) == ("open.weixin.qq.com", "/connect/oauth2/authorize", "wechat_redirect")
    query = parse_qs(url.query)
    assert query["redirect_uri"] == [page]
    assert query["appid"] == ["ww1"]
    assert query["agentid"] == ["7"]
    assert query["scope"] == ["snsapi_privateinfo"]
    assert parse_qs(urlsplit(login_url("ww1", page, agentid=7, state="s1")).query)["redirect_uri"] == [page]
    for state in ("with space", "s" * 129, "榴莲"):
        with pytest.raises(InputError) as caught:
            authorize_url("ww1", page, agentid=7, state=state)
        assert caught.value.field == "state"


def test_a_visitor_is_a_member_a_customer_or_a_stranger(loopback: Any, wecom: WeCom) -> None:
    loopback.answer("/cgi-bin/auth/getuserinfo", {"userid": "amy", "user_ticket": "ticket-1"}, {"external_userid": "wm1", "openid": "o1"})
    member, customer = wecom.oauth.get("code-1"), wecom.oauth.get("code-2")
    assert (member.userid, member.external_userid) == ("amy", None)
    assert (customer.userid, customer.external_userid) == (None, "wm1")
    assert member.user_ticket == "ticket-1"
    assert loopback.seen[0].query["code"] == "code-1"


def test_a_code_that_was_used_is_refused_once(loopback: Any, wecom: WeCom) -> None:
    loopback.answer("/cgi-bin/auth/getuserinfo", {"errcode": 40029, "errmsg": "invalid code"})
    with pytest.raises(AuthenticationError):
        wecom.oauth.get("code-1")
    assert len(loopback.seen) == 1
    assert not OAuth.get.spec.idempotent
    assert not MiniProgramLogins.get.spec.idempotent


def test_codes_tickets_and_session_keys_do_not_show(loopback: Any, wecom: WeCom) -> None:
    loopback.answer("/cgi-bin/get_jsapi_ticket", {"ticket": "secret-ticket", "expires_in": 7200})
    loopback.answer("/cgi-bin/miniprogram/jscode2session", {"corpid": "ww1", "userid": "amy", "session_key": "secret-key"})
    ticket, session = wecom.tickets.jsapi(), wecom.miniprogram_logins.get("secret-code")
    assert (ticket.ticket, session.session_key) == ("secret-ticket", "secret-key")
    assert session.to_wire()["session_key"] == "secret-key"
    shown = repr(
        [
            ticket,
            session,
            OAuth.get("secret-code"),
            OAuth.get_detail("secret-ticket"),
            OAuth.pass_tfa("amy", "secret-code"),
            MiniProgramLogins.transfer("amy", "secret-key"),
            Agents.migrate_to_customized_app("secret-token"),
        ]
    )
    assert "secret" not in shown
    assert Tickets.agent_config().query() == {"type": "agent_config"}


def test_an_approval_is_read_with_its_steps(loopback: Any, wecom: WeCom) -> None:
    step = {"NodeStatus": 2, "Items": {"Item": [{"ItemUserId": "bob", "ItemStatus": 2, "ItemOpTime": 1_715_000_000}]}}
    loopback.answer(
        "/cgi-bin/corp/getopenapprovaldata",
        {"data": {"ThirdNo": 201806010001, "OpenSpstatus": 2, "ApprovalNodes": {"ApprovalNode": [step]}}},
    )
    approval = wecom.approvals.get("201806010001").data
    assert loopback.seen[0].json == {"thirdNo": "201806010001"}
    assert approval.third_no == "201806010001"
    assert approval.open_sp_status is ApprovalStatus.APPROVED
    assert approval.approval_nodes is not None
    (node,) = approval.approval_nodes.approval_node
    assert node.items is not None
    assert node.items.item[0].user_id == "bob"


def test_a_file_comes_back_as_it_is_and_its_name_with_it() -> None:
    picture = b"\x89PNG\r\n\x1a\n" + bytes(range(256))

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/cgi-bin/gettoken":
            return httpx.Response(200, json={"errcode": 0, "access_token": "t", "expires_in": 7200})
        if request.url.params["media_id"] == "m1":
            headers = {"content-type": "image/png", "content-disposition": 'attachment; filename="m1.png"'}
            return httpx.Response(200, headers=headers, content=picture)
        return httpx.Response(200, headers={"content-type": "text/plain"}, content=b'{"errcode":40007,"errmsg":"invalid media_id"}')

    with WeCom("ww1", "secret", http=httpx.Client(transport=httpx.MockTransport(answer))) as wecom:
        assert wecom.media.get("m1") == picture
        raw = wecom.raw(Media.get("m1"))
        assert raw.headers["content-disposition"] == 'attachment; filename="m1.png"'
        with pytest.raises(InvalidArgument):
            wecom.media.get("gone")


def test_a_large_file_is_fetched_by_the_platform(loopback: Any, wecom: WeCom) -> None:
    loopback.answer("/cgi-bin/media/upload_by_url", {"jobid": "j1"})
    loopback.answer(
        "/cgi-bin/media/get_upload_by_url_result", {"status": 2, "detail": {"errcode": 0, "media_id": "m1", "created_at": "1715000000"}}
    )
    job = wecom.media.upload_by_url("https://example.com/1.mp4", type="video", filename="开榴莲.mp4")
    detail = wecom.media.upload_result(job.jobid).detail
    assert loopback.seen[0].json == {"url": "https://example.com/1.mp4", "type": "video", "filename": "开榴莲.mp4", "scene": 1}
    assert detail is not None
    assert detail.media_id == "m1"
