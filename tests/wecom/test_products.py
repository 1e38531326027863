"""The product album, and the rules on sensitive words."""

from __future__ import annotations

from typing import Any

import pytest

from siyu_sdk import InputError
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.intercept_rules import InterceptRules, InterceptType, Semantics
from siyu_sdk.wecom.messages import Image
from siyu_sdk.wecom.products import ProductAttachment, Products

PICTURE = ProductAttachment(image=Image(media_id="m1"))
PREFIX = "/cgi-bin/externalcontact"


def test_a_product_is_added_with_its_pictures(loopback: Any, wecom: WeCom) -> None:
    loopback.answer(f"{PREFIX}/add_product_album", {"product_id": "p1"})
    assert wecom.products.create("猫山王榴莲", price=30_000, product_sn="D1", attachments=[PICTURE]).product_id == "p1"
    assert loopback.seen[0].json == {
        "description": "猫山王榴莲",
        "price": 30_000,
        "product_sn": "D1",
        "attachments": [{"type": "image", "image": {"media_id": "m1"}}],
    }


def test_products_come_page_by_page(loopback: Any, wecom: WeCom) -> None:
    rows = [{"product_id": f"p{n}", "price": n, "attachments": [{"type": "video", "video": {}}]} for n in (1, 2)]
    loopback.answer(f"{PREFIX}/get_product_album_list", {"product_list": rows[:1], "next_cursor": "c"}, {"product_list": rows[1:]})
    products = list(wecom.products.all())
    assert [product.product_id for product in products] == ["p1", "p2"]
    assert [product.to_wire() for product in products] == rows  # an attachment of tomorrow is kept


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"price": 5_000_001}, "price", "5000000"),
        ({"price": -1}, "price", "0"),
        ({"description": "好" * 301}, "description", "300 characters"),
        ({"product_sn": "x" * 129}, "product_sn", "128 bytes"),
        ({"product_sn": "D-1"}, "product_sn", "letters and digits"),
        ({"product_sn": "榴莲1"}, "product_sn", "letters and digits"),
        ({"attachments": [PICTURE] * 10}, "attachments", "at most 9"),
        ({"attachments": []}, "attachments", "at least one"),
        ({"attachments": [{"type": "image", "image": {}}]}, "attachments.0.image", "media_id"),
    ],
)
def test_what_cannot_be_a_product_is_refused(changes: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        Products.create(**{"description": "榴莲", "price": 1, "attachments": [PICTURE], **changes})
    assert caught.value.field == field


def test_a_change_changes_something() -> None:
    with pytest.raises(InputError, match="nothing to change"):
        Products.update("p1")
    assert Products.update("p1", product_sn="").to_wire()["json"] == {"product_id": "p1", "product_sn": ""}


def rule(**changes: Any) -> Any:
    given = {"rule_name": "红包", "word_list": ["红包"], "intercept_type": 1, "applicable_range": {"user_list": ["amy"]}, **changes}
    return InterceptRules.create(**given)


def test_the_id_of_a_rule_is_a_text_even_where_it_comes_as_a_number(loopback: Any, wecom: WeCom) -> None:
    told = {"rule_id": 1, "rule_name": "红包", "extra_rule": {"semantics_list": [3]}, "intercept_type": 2}
    loopback.answer(f"{PREFIX}/get_intercept_rule", {"rule": told})
    found = wecom.intercept_rules.get("1").rule
    assert found.rule_id == "1"
    assert found.intercept_type is InterceptType.WARN
    assert found.extra_rule is not None
    assert found.extra_rule.semantics_list == (Semantics.RED_PACKET,)
    assert found.to_wire() == told
    wecom.intercept_rules.delete(found.rule_id)
    assert loopback.seen[1].json == {"rule_id": "1"}


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"rule_name": "名" * 21}, "rule_name", "20 characters"),
        ({"rule_name": ""}, "rule_name", "at least one"),
        ({"word_list": ["词"] * 301}, "word_list", "at most 300"),
        ({"word_list": ["好", "词" * 33]}, "word_list.1", "32 characters"),
        ({"word_list": [""]}, "word_list.0", "at least one"),
        ({"applicable_range": {}}, "applicable_range", "user_list or department_list"),
        ({"applicable_range": {"user_list": ["u"] * 1001}}, "applicable_range.user_list", "at most 1000"),
        ({"applicable_range": {"department_list": [1] * 1001}}, "applicable_range.department_list", "at most 1000"),
    ],
)
def test_what_cannot_be_a_rule_is_refused(changes: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        rule(**changes)
    assert caught.value.field == field
    rule(rule_name="名" * 20, word_list=["词" * 32] * 300)
    with pytest.raises(InputError, match="at most 1000"):
        InterceptRules.update("1", add_applicable_range={"department_list": [1] * 1001})
