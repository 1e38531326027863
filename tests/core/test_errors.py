"""Errors: one type for each reaction, with all that is needed to react, also in another process."""

from __future__ import annotations

import inspect
import pickle
import re
from typing import Any

import pytest

from siyu_sdk.core import codes, errors
from siyu_sdk.core.errors import ApiError, DecodeError, InputError, OutcomeUnknown, SiyuError
from siyu_sdk.core.redact import redact

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, SiyuError)]


def made(kind: type[SiyuError]) -> SiyuError:
    if issubclass(kind, ApiError):
        more: Any = {"http_status": 429, "retry_after": 3.5, "retryable": True, "details": {"a": [1]}}
        return kind(45009, "频率超限", "POST /x", hint="wait", request_id="r-1", **more)
    if issubclass(kind, InputError):
        return kind("a: too long", "a")
    if issubclass(kind, DecodeError):
        return kind("no JSON", call="GET /x", excerpt="<html>")
    return kind("it broke", "GET /x") if issubclass(kind, errors.TransportError) else kind("it broke")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_errors_pickle_with_all_they_know(kind: type[SiyuError]) -> None:
    error = made(kind)
    error.may_have_arrived = True
    error.add_note("seen by a worker")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (str(again), again.args, vars(again)) == (str(error), error.args, vars(error))
    assert again.__notes__ == ["seen by a worker"]


def test_the_tree_is_the_one_that_the_docstring_draws() -> None:
    parents: list[tuple[int, str]] = []
    drawn = {"SiyuError": "Exception"}
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"    ([│├└─ ]*)(\w+)", line)
        if not found or not hasattr(errors, found[2]):
            continue
        depth, name = len(found[1]), found[2]
        while parents and parents[-1][0] >= depth:
            parents.pop()
        if parents:
            drawn[name] = parents[-1][1]
        parents.append((depth, name))
    assert drawn == {kind.__name__: kind.__mro__[1].__name__ for kind in KINDS}
    assert issubclass(InputError, ValueError)


def test_only_an_unknown_outcome_may_have_arrived_by_itself() -> None:
    assert [kind.__name__ for kind in KINDS if kind.may_have_arrived] == ["OutcomeUnknown"]
    assert OutcomeUnknown("x").may_have_arrived


def test_an_api_error_says_all_in_one_line() -> None:
    assert str(made(errors.RateLimited)) == "POST /x -> 45009 频率超限; wait; request id r-1"


def test_the_excerpt_is_200_characters_also_of_chinese_and_of_bytes_cut_in_the_middle() -> None:
    assert DecodeError.of(ValueError("x"), "GET /x", ("榴" * 300).encode()).excerpt == "榴" * 200
    assert DecodeError.of(ValueError("x"), "GET /x", b"ok \xe6\xa6").excerpt == "ok �"


@pytest.mark.parametrize(
    "text",
    [
        '{"access_token":"%s"}',
        '{"access_token" : "%s',
        "{'session_key': '%s'}",
        '"{\\"access_token\\":\\"%s\\"}"',
        "GET /x?access_token=%s HTTP/1.1",
        "?suite_access_token=%s&amp;x=1",
        "access_token%%3D%s",
        "corpsecret=%s, retry",
        '{"secret": "with blanks, commas; and %s"}',
        "GET /cgi-bin/auth/getuserinfo?code=%s&x=1",
        '"authorization_code":"%s"',
        "sessionKey=%s",
        "<a href='/x?ACCESS_TOKEN=%s'>",
    ],
)
def test_credentials_are_cut_out_of_texts(text: str) -> None:
    assert "s3cr3t" not in redact(text % "s3cr3t")
    assert "***" in redact(text % "s3cr3t")


def test_words_around_credentials_stay() -> None:
    text = "invalid credential, access_token is invalid or not latest, rid: 65aa-1; appsecret is wrong: see https://x.example/?a=1"
    assert redact(text) == text
    assert redact('{"code": "SIGN_ERROR", "errcode": 40001, "next_cursor": "abc"}') == (
        '{"code": "SIGN_ERROR", "errcode": 40001, "next_cursor": "abc"}'
    )


# The table of codes


def test_the_table_has_rows_of_every_platform_with_known_reactions() -> None:
    table = codes._table()
    assert len(table) > 500
    assert {"wecom", "miniprogram", "store", "pay"} <= {platform for platform, _ in table}
    assert {row.kind for row in table.values()} <= set(codes.REACTIONS)
    assert {row.retry for row in table.values()} <= {"no", "backoff", "after_refresh_token", "next_day"}


@pytest.mark.parametrize(
    ("platform", "code"),
    [("wecom", n) for n in (-1, 40001, 40014, 42001, 45009, 45033, 48002, 60011, 60020, 84061, 41048, 40058, 41093, 41094)]
    + [("miniprogram", n) for n in (-1, 40001, 40029, 40125, 40163, 45009, 45011)]
    + [("store", n) for n in (-1, 40001, 40014, 42001)]
    + [("pay", code) for code in ("PARAM_ERROR", "SIGN_ERROR", "SYSTEM_ERROR", "FREQUENCY_LIMITED", "NO_AUTH")],
)
def test_common_codes_have_a_hint(platform: str, code: Any) -> None:
    assert codes.look_up(platform, code).hint


def test_the_same_number_means_different_things() -> None:
    assert codes.look_up("wecom", 40001).kind == "auth"
    assert codes.look_up("miniprogram", 40001).kind == "token"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(200, ApiError), (400, errors.InvalidArgument), (401, errors.AuthenticationError), (403, errors.PermissionDenied),
     (404, errors.NotFound), (409, errors.Conflict), (429, errors.RateLimited), (500, errors.PlatformBusy), (503, errors.PlatformBusy)],
)  # fmt: skip
def test_an_unknown_code_is_judged_by_the_status(status: int, kind: type[ApiError]) -> None:
    error, _ = codes.refusal("pay", "BRAND_NEW_CODE", "?", "GET /x", status=status)
    assert type(error) is kind
    assert error.retryable is (status in (429, 500, 503))
