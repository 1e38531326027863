"""`request()`: what is not typed yet goes the same way as what is."""

from __future__ import annotations

from typing import Any

import pytest

from siyu_sdk import AsyncWeCom, DecodeError, InputError, OutcomeUnknown, PermissionDenied, WeCom

PATH = "/cgi-bin/new/thing"


def test_it_carries_the_token_and_gives_the_json(wecom: WeCom, platform: Any) -> None:
    platform.answer(PATH, {"errcode": 0, "errmsg": "ok", "things": [1, None]})
    assert wecom.request("post", PATH, json={"名": "榴莲"}) == {"errcode": 0, "errmsg": "ok", "things": [1, None]}
    (seen,) = platform.calls()
    assert (seen.method, seen.token, seen.json) == ("POST", "CANARY-token-1", {"名": "榴莲"})


async def test_it_is_a_coroutine_on_async_clients(async_wecom: AsyncWeCom, platform: Any) -> None:
    platform.answer(PATH, {"n": 1})
    assert await async_wecom.request("GET", PATH, query={"a": "b c&d"}) == {"n": 1}
    assert platform.calls()[0].query["a"] == "b c&d"


def test_query_and_path_go_together(wecom: WeCom, platform: Any) -> None:
    wecom.request("POST", f"{PATH}?a=1", query={"名": "榴莲", "b": 2}, json={})
    assert platform.calls()[0].query.items() >= {"a": "1", "b": "2", "名": "榴莲"}.items()


def test_a_path_is_quoted_before_it_is_signed(wecom: WeCom, platform: Any) -> None:
    wecom.request("GET", "/名/%2F?q=榴 莲")
    (seen,) = platform.calls()
    assert (seen.path, seen.query["q"]) == ("/%E5%90%8D/%2F", "榴 莲")


def test_a_post_without_json_sends_an_empty_object(wecom: WeCom, platform: Any) -> None:
    wecom.request("POST", PATH)
    assert platform.calls()[0].json == {}


def test_a_refused_token_is_renewed(wecom: WeCom, platform: Any) -> None:
    platform.answer(PATH, {"errcode": 42001}, {"errcode": 0})
    wecom.request("POST", PATH)
    assert platform.token_requests == 2


def test_errors_are_the_same(wecom: WeCom, platform: Any) -> None:
    platform.answer(PATH, {"errcode": 48002, "errmsg": "api forbidden"})
    with pytest.raises(PermissionDenied):
        wecom.request("GET", PATH)
    platform.answer(PATH, platform.text("<html>"))
    with pytest.raises(DecodeError, match=PATH):
        wecom.request("GET", PATH)


@pytest.mark.parametrize(("method", "idempotent", "tries"), [("GET", None, 4), ("POST", None, 1), ("POST", True, 4), ("GET", False, 1)])
def test_a_post_is_taken_as_unsafe_to_repeat(wecom: WeCom, platform: Any, method: str, idempotent: bool | None, tries: int) -> None:
    platform.answer(PATH, platform.reset)
    with pytest.raises(OutcomeUnknown):
        wecom.request(method, PATH, idempotent=idempotent)
    assert len(platform.calls()) == tries


@pytest.mark.parametrize(
    ("method", "path", "more", "field"),
    [
        ("GET", f"{PATH}?access_token=x", {}, "query"),
        ("GET", f"{PATH}?ACCESS_TOKEN=x", {}, "query"),
        ("GET", f"{PATH}?a=1&suite_access_token=x", {}, "query"),
        ("GET", PATH, {"query": {"access_token": "x"}}, "query"),
        ("GET", "https://evil.example/steal", {}, "path"),
        ("GET", "//evil.example/steal", {}, "path"),
        ("GET", "cgi-bin/thing", {}, "path"),
        ("GET", "/cgi-bin/../thing", {}, "path"),
        ("GET", "/cgi-bin/thing/.?a=1", {}, "path"),
        ("GET", "", {}, "path"),
        ("GET", PATH, {"json": {"access_token": "x"}}, "json"),
        ("DELETE", PATH, {"json": {"a": 1}}, "json"),
        ("POST", PATH, {"json": [1]}, "json"),
        ("POST", PATH, {"json": "text"}, "json"),
    ],
)
def test_what_it_refuses_before_sending(wecom: WeCom, platform: Any, method: str, path: str, more: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as caught:
        wecom.request(method, path, **more)
    assert caught.value.field == field
    assert platform.seen == []
