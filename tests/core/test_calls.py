"""Calls as values: made, refused, compared, printed, stored, changed."""

from __future__ import annotations

import inspect
import io
import json
import pickle
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siyu_sdk import AsyncWeCom, Call, InputError, Upload, UsageError, WeCom, endpoints
from siyu_sdk.core.endpoint import find
from siyu_sdk.pay.product_coupons import ProductCoupons
from siyu_sdk.wecom.auth import Tokens
from siyu_sdk.wecom.customers import CustomerDetail, Customers
from siyu_sdk.wecom.mass_messages import MassMessages
from siyu_sdk.wecom.media import Media
from siyu_sdk.wecom.tags import CorpTags, NewTag

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=20)


def test_on_the_class_a_call_is_a_value_and_nothing_is_sent() -> None:
    call = Customers.get("wm1", cursor="c")
    assert isinstance(call, Call)
    assert call.arguments == {"external_userid": "wm1", "cursor": "c"}
    assert call.to_wire() == {
        "method": "GET",
        "path": "/cgi-bin/externalcontact/get",
        "query": {"external_userid": "wm1", "cursor": "c"},
        "json": None,
    }


def test_equal_calls_are_one_in_a_set() -> None:
    assert len({Customers.get("wm1"), Customers.get("wm1", cursor=None), Customers.get(external_userid="wm1")}) == 1
    assert len({Customers.get("wm1"), Customers.get("wm2"), Customers.get("wm1", cursor="c"), Customers.list("wm1")}) == 4
    assert Customers.get("wm1") != "wm1"


def test_files_and_extra_fields_tell_calls_apart() -> None:
    assert Media.upload(b"durian!", type="image") != Media.upload(b"mango!!", type="image")
    assert Media.upload(b"durian!", type="image") == Media.upload(b"durian!", type="image")
    assert len({Media.upload(b"durian!", type="image"), Media.upload(b"mango!!", type="image")}) == 2
    assert Customers.get("wm1").options(extra={"x": 1}) != Customers.get("wm1")
    assert Customers.get("wm1").options(extra={"x": 1}).to_wire()["query"] == {"external_userid": "wm1", "x": 1}


def test_a_call_prints_its_arguments_in_order_and_long_ones_short() -> None:
    assert repr(Customers.get("wm1", cursor="c")) == "<Call Customers.get(external_userid='wm1', cursor='c')>"
    text = repr(Customers.batch_get([f"member-{n}" for n in range(100)]))
    assert len(text) < 160
    assert "characters)" in text
    assert "hunter2" not in repr(Tokens.get("ww1", "hunter2"))
    assert "durian" not in repr(Media.upload(b"durian!", type="image"))


@pytest.mark.parametrize(
    "call",
    [
        Customers.get("wm1"),
        Customers.mark_tag("zhang", "wm1", add_tag=["a", "b"]),
        CorpTags.add([NewTag(name="榴莲"), {"name": "山竹", "order": 3}], group_name="购买"),
        Media.upload(Upload.of(b"durian!", filename="榴莲.jpg"), type="image"),
        MassMessages.list(start_time=datetime(2026, 1, 1, tzinfo=UTC), end_time=datetime(2026, 1, 2, tzinfo=UTC)),
        ProductCoupons.get_stock("p 1/2", "s1", brand_id="7").options(extra={"x": [1]}, timeout=3.5),
    ],
    ids=lambda call: call.spec.name,
)
def test_a_call_survives_pickle_and_its_wire_form(call: Call[Any]) -> None:
    again = pickle.loads(pickle.dumps(call))
    assert again == call
    assert again.spec is call.spec
    assert (again.extra, again.timeout) == (call.extra, call.timeout)
    assert hash(again) == hash(call)
    if not call.files() and not call.extra:
        wire = call.to_wire()
        arguments = {p.wire: call.to_wire()["query"].get(p.wire, (wire["json"] or {}).get(p.wire)) for p in call.spec.parameters}
        assert call.spec.load({k: v for k, v in arguments.items() if v is not None}) == call
        assert json.loads(json.dumps(wire)) == wire


def test_a_pickled_call_finds_its_chapter_in_a_fresh_process() -> None:
    code = "import pickle, sys; print(pickle.load(sys.stdin.buffer))"
    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(Customers.get("wm1")), capture_output=True, check=True)
    assert done.stdout.decode().strip() == "<Call Customers.get(external_userid='wm1')>"


def test_an_endpoint_that_is_not_declared_is_not_found() -> None:
    with pytest.raises(UsageError, match="import its chapter"):
        find("wecom", "GET", "/nowhere")


@given(NAMES, NAMES)
def test_what_is_signed_is_what_is_sent_and_what_is_shown(remark: str, userid: str) -> None:
    call = Customers.remark(userid, "wm1", remark=remark)
    assert json.loads(call.content() or b"") == call.to_wire()["json"] == {"userid": userid, "external_userid": "wm1", "remark": remark}
    assert json.loads(call.options(extra={"x": remark}).content() or b"") == call.to_wire()["json"] | {"x": remark}


@given(NAMES)
def test_values_in_a_path_are_quoted_whole(stock: str) -> None:
    if stock in (".", ".."):
        return
    path = ProductCoupons.get_stock("p1", stock, brand_id="7").path()
    assert path.startswith("/v3/marketing/partner/product-coupon/product-coupons/p1/stocks/")
    assert path.count("/") == 8
    assert "?" not in path
    assert path.isascii()


@pytest.mark.parametrize("stock", ["", ".", ".."])
def test_values_that_would_change_the_path_are_refused(stock: str) -> None:
    with pytest.raises(InputError) as caught:
        ProductCoupons.get_stock("p1", stock, brand_id="7")
    assert caught.value.field == "stock_id"


def test_replace_changes_one_argument_and_keeps_the_rest() -> None:
    first = Customers.batch_get(["a"], limit=10).options(extra={"x": 1}, timeout=2)
    then = first.replace(cursor="c")
    assert then.arguments == {"userid_list": ["a"], "limit": 10, "cursor": "c"}
    assert (then.extra, then.timeout) == ({"x": 1}, 2)
    assert then.replace(cursor=None) == first
    with pytest.raises(InputError, match="cursr"):
        first.replace(cursr="c")


def test_a_call_does_not_change_when_the_list_it_was_made_from_does() -> None:
    ids = ["a"]
    call = Customers.batch_get(ids)
    before = hash(call)
    ids.append("b")
    assert call.arguments["userid_list"] == ["a"]
    assert hash(call) == before


# Refused before anything is sent


@pytest.mark.parametrize(
    ("make", "field", "says"),
    [
        (lambda: Customers.batch_get([]), "userid_list", "at least one"),
        (lambda: Customers.batch_get(["m"] * 101), "userid_list", "at most 100 items are allowed, got 101"),
        (lambda: Customers.batch_get("m"), "userid_list", "Sequence"),
        (lambda: Customers.batch_get(["m"], limit=101), "limit", "less than or equal to 100"),
        (lambda: Customers.batch_get(["m", 7]), "userid_list.1", "string"),
        (lambda: Customers.get(None), "external_userid", "required"),
        (lambda: Customers.get(7), "external_userid", "string"),
        (lambda: Customers.remark("z", "w", remark="榴" * 21), "remark", "at most 20 characters are allowed, got 21"),
        (lambda: Customers.remark("z", "w"), "remark", "at least one of remark"),
        (lambda: Customers.mark_tag("z", "w", add_tag=[], remove_tag=[]), "add_tag", "add_tag or remove_tag"),
        (lambda: CorpTags.add([], group_name="g"), "tag", "at least one"),
        (lambda: CorpTags.add([{"name": ""}], group_name="g"), "tag.0.name", "at least one"),
        (lambda: CorpTags.add([{"name": "a"}, {"name": "榴" * 31}], group_name="g"), "tag.1.name", "at most 30 characters"),
        (lambda: CorpTags.add([{"nmae": "a", "name": "b"}], group_name="g"), "tag.0.nmae", "unknown parameter tag.0.nmae"),
        (lambda: CorpTags.add([{"name": "a", "order": "high"}], group_name="g"), "tag.0.order", "integer"),
        (lambda: MassMessages.list(start_time=datetime(2026, 1, 1), end_time=datetime(2026, 1, 2, tzinfo=UTC)), "start_time", "timezone"),  # noqa: DTZ001
        (lambda: Media.upload("/nowhere/at/all.jpg", type="image"), "media", "cannot read the file"),
        (lambda: Media.upload(7, type="image"), "media", "a path, bytes"),
        (lambda: Media.upload(io.StringIO("durian!"), type="image"), "media", "binary mode"),
        (lambda: Media.upload(b"durian!", type="picture"), "type", "image"),
        (lambda: Customers.get.spec.load({"external_userid": "w", "foo": 1}), "foo", "unknown parameter foo"),
        (lambda: Customers.get.spec.call({"external_userid": "w", "bar": 1}), "bar", "unknown parameter bar"),
    ],
)
def test_bad_input_is_refused_naming_the_field_and_the_limit(make: Any, field: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        make()
    assert caught.value.field == field
    assert isinstance(caught.value, ValueError)
    assert "/cgi-bin/" in str(caught.value)


def test_a_misspelt_keyword_is_a_type_error_like_that_of_any_function() -> None:
    with pytest.raises(TypeError, match="cursr"):
        Customers.get("wm1", cursr="c")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="external_userid"):
        Customers.get()  # type: ignore[call-arg]


def test_a_rule_over_several_parameters_holds_for_loaded_calls_too() -> None:
    with pytest.raises(InputError, match="add_tag or remove_tag"):
        Customers.mark_tag.spec.load({"userid": "z", "external_userid": "w"})


# What editors and help() see


async def test_bound_endpoints_are_real_functions(wecom: WeCom, async_wecom: AsyncWeCom) -> None:
    for customers, is_coroutine in ((wecom.customers, False), (async_wecom.customers, True)):
        get = customers.get
        assert inspect.ismethod(get)
        assert inspect.iscoroutinefunction(get) is is_coroutine
        assert str(inspect.signature(get)) == "(external_userid: 'str', *, cursor: 'str | None' = None) -> 'CustomerDetail'"
        assert get.__name__ == "get"
        assert get.__qualname__ == "Customers.get"
        assert "获取客户详情" in (inspect.getdoc(get) or "")
        assert get.__annotations__["return"] == "CustomerDetail"
    assert inspect.isgeneratorfunction(wecom.customers.all)
    assert inspect.isasyncgenfunction(async_wecom.customers.all)


def test_the_declaration_tells_its_own_story() -> None:
    spec = Customers.get.spec
    assert (spec.method, spec.path, spec.platform, spec.docs) == ("GET", "/cgi-bin/externalcontact/get", "wecom", 92114)
    assert spec.reply is CustomerDetail
    assert spec.idempotent
    assert [(p.name, p.wire, p.place) for p in spec.parameters] == [("external_userid",) * 2 + ("query",), ("cursor", "cursor", "query")]
    assert "获取客户详情" in (Customers.get.__doc__ or "")
    assert repr(spec) == "<wecom GET /cgi-bin/externalcontact/get>"


def test_every_declaration_can_be_read_pickled_and_found() -> None:
    specs = endpoints()
    assert len(specs) > 30
    for spec in specs:
        assert spec.docs
        assert spec.function.__doc__
        assert pickle.loads(pickle.dumps(spec)) is spec
        for parameter in spec.parameters:
            assert parameter.place in {"path", "query", "body", "file", "spread"}, spec.name
            assert parameter.place != "path" or f"{{{parameter.wire}}}" in spec.path
        assert {p.wire for p in spec.parameters if p.place == "path"} == set(__import__("re").findall(r"\{(\w+)\}", spec.path)), spec.name
        assert spec.reply is not Any


def test_uploads_come_from_paths_bytes_and_files(tmp_path: Path) -> None:
    path = tmp_path / "榴莲.jpg"
    path.write_bytes(b"durian!")
    with path.open("rb") as file:
        for source in (path, str(path), file):
            assert Upload.of(source) == Upload(b"durian!", "榴莲.jpg", "image/jpeg")
    assert Upload.of(b"durian!") == Upload(b"durian!", "file", "application/octet-stream")
    assert "durian" not in repr(Upload.of(b"durian!"))
