"""The product album: pictures uploaded for it, limits of every field, products that are gone."""

from __future__ import annotations

import pytest

from siyu_sdk.sandbox import Sandbox
from siyu_sdk.wecom.client import WeCom
from siyu_sdk.wecom.media import AttachmentType

from .conftest import WeComCaller, refused

PICTURE = b"not quite a picture"


def upload(corp: WeCom, use: AttachmentType = AttachmentType.PRODUCT_ALBUM) -> str:
    return corp.media.upload_attachment(PICTURE, media_type="image", attachment_type=use).media_id


def picture(media_id: str) -> dict[str, object]:
    return {"type": "image", "image": {"media_id": media_id}}


def test_products_are_added_read_changed_and_deleted(sandbox: Sandbox, corp: WeCom) -> None:
    first, second = upload(corp), upload(corp)
    made = corp.products.create("金枕榴莲 5斤", price=19900, product_sn="DL5", attachments=[picture(first)]).product_id
    other = corp.products.create("山竹", price=0, attachments=[picture(second)]).product_id
    product = corp.products.get(made).product
    assert (product.description, product.price, product.product_sn) == ("金枕榴莲 5斤", 19900, "DL5")
    assert product.create_time
    assert abs((product.create_time - sandbox.clock.now()).total_seconds()) < 5
    corp.products.update(made, price=18800, attachments=[picture(second), picture(first)])
    product = corp.products.get(made).product
    assert (product.price, product.description) == (18800, "金枕榴莲 5斤")
    assert [attachment.image and attachment.image.media_id for attachment in product.attachments] == [second, first]
    assert [product.product_id for product in corp.products.all(limit=1)] == [made, other]
    corp.products.delete(made)
    assert refused(lambda: corp.products.get(made)) == 41074
    assert refused(lambda: corp.products.delete(made)) == 41074
    assert refused(lambda: corp.products.get("product-never")) == 41075
    assert [product.product_id for product in corp.products.all()] == [other]


def test_pictures_have_to_be_uploaded_for_the_album(corp: WeCom) -> None:
    def add(media_id: str) -> object:
        return corp.products.create("x", price=1, attachments=[picture(media_id)])

    assert refused(lambda: add(upload(corp, AttachmentType.MOMENT))) == 41072
    assert refused(lambda: add(corp.media.upload(PICTURE, type="image").media_id)) == 41072
    assert refused(lambda: add("gone")) == 40007
    album = upload(corp)
    assert refused(lambda: corp.moments.create(attachments=[{"msgtype": "image", "image": {"media_id": album}}])) == 41072
    assert refused(lambda: corp.media.upload_attachment(PICTURE, media_type="video", attachment_type=AttachmentType.PRODUCT_ALBUM)) == 40058


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        ({"description": "果" * 301}, 41073),
        ({"description": ""}, 40063),
        ({"price": -1}, 41086),
        ({"price": 5_000_001}, 41086),
        ({"price": "100"}, 40058),
        ({"price": None}, 40063),
        ({"product_sn": "果1"}, 41085),
        ({"product_sn": "x" * 129}, 41085),
        ({"attachments": []}, 41088),
        ({"attachments": [{"type": "image", "image": {"media_id": "m"}}] * 10}, 41064),
        ({"attachments": [{"type": "video", "image": {"media_id": "m"}}]}, 41065),
        ({"attachments": [{"type": "image"}]}, 41065),
    ],
)
def test_what_is_no_product(sandbox: Sandbox, wecom: WeComCaller, change: dict[str, object], errcode: int) -> None:
    body = {"description": "x", "price": 1, "attachments": [picture("m")], **change}
    assert wecom("/cgi-bin/externalcontact/add_product_album", **body)["errcode"] == errcode
    assert sandbox.wecom.products.products == {}
