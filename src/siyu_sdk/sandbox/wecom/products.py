"""The product album (商品图册).

Simulated: limits and codes of every field, pictures uploaded for this use, products that were deleted. Not simulated: members who send
products in a chat, products that members made themselves, orders.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import define

from ..platform import Fields, Json, Request, page
from .errors import refusal
from .routing import page_size, router

if TYPE_CHECKING:  # see routing
    from .state import WeComPlatform

_PATH = "/cgi-bin/externalcontact"
HIGHEST_PRICE = 5_000_000
"""Fen."""
MOST_PICTURES = 9
FOR_PRODUCTS = 2
"""The attachment_type of upload_attachment."""


@define
class Product:
    """One product."""

    product_id: str
    description: str
    price: int
    product_sn: str
    pictures: list[str]
    created: int
    deleted: bool = False

    def shown(self) -> Json:
        """As lists tell it."""
        row: Json = {"product_id": self.product_id, "description": self.description, "price": self.price}
        row |= {"product_sn": self.product_sn} if self.product_sn else {}
        return {**row, "attachments": [{"type": "image", "image": {"media_id": media_id}} for media_id in self.pictures]}


class Products:
    """All products, deleted ones included."""

    def __init__(self, wecom: WeComPlatform) -> None:
        self._wecom = wecom
        self.products: dict[str, Product] = {}

    def find(self, product_id: str) -> Product:
        """A product; 41075 where there never was one, 41074 where it was deleted."""
        product = self.products.get(product_id)
        if product is None or product.deleted:
            raise refusal(41074 if product else 41075, product_id)
        return product

    def living(self) -> list[Product]:
        """Those that were not deleted."""
        return [product for product in self.products.values() if not product.deleted]


@router.on("POST", _PATH + "/add_product_album", at_once=1, crowded=6000, seconds=0.005)
def add_product_album(wecom: WeComPlatform, request: Request) -> Json:
    """创建商品图册."""
    body = wecom.body(request)
    description, price, number = _description(body.text("description")), _price(body.number("price")), _number(body.text_or("product_sn"))
    product = Product(wecom.new_id("product"), description, price, number, _pictures(wecom, body), wecom.world.now())
    wecom.products.products[product.product_id] = product
    return {"product_id": product.product_id}


@router.on("POST", _PATH + "/get_product_album")
def get_product_album(wecom: WeComPlatform, request: Request) -> Json:
    """获取商品图册."""
    product = _product(wecom, wecom.body(request))
    return {"product": {**product.shown(), "create_time": product.created}}


@router.on("POST", _PATH + "/get_product_album_list")
def get_product_album_list(wecom: WeComPlatform, request: Request) -> Json:
    """获取商品图册列表."""
    body = wecom.body(request) if request.body else wecom.fields({})
    rows, following = page(wecom.products.living(), body.text_or("cursor"), page_size(body, 100, 50))
    return {"next_cursor": following, "product_list": [product.shown() for product in rows]}


@router.on("POST", _PATH + "/update_product_album", at_once=1, crowded=6000, seconds=0.005)
def update_product_album(wecom: WeComPlatform, request: Request) -> Json:
    """编辑商品图册: what is left out stays."""
    body = wecom.body(request)
    product = _product(wecom, body)
    description, price = _description(body.text_or("description", product.description)), _price(body.number_or("price", product.price))
    number = _number(body.text_or("product_sn", product.product_sn))
    pictures = _pictures(wecom, body) if "attachments" in body.values else product.pictures
    product.description, product.price, product.product_sn, product.pictures = description, price, number, pictures
    return {}


@router.on("POST", _PATH + "/delete_product_album")
def delete_product_album(wecom: WeComPlatform, request: Request) -> Json:
    """删除商品图册."""
    _product(wecom, wecom.body(request)).deleted = True
    return {}


def _product(wecom: WeComPlatform, body: Fields) -> Product:
    return wecom.products.find(body.text("product_id"))


def _description(text: str) -> str:
    if len(text) > 300:
        raise refusal(41073, "longer than 300 characters")
    return text


def _price(fen: int) -> int:
    if not 0 <= fen <= HIGHEST_PRICE:
        raise refusal(41086)
    return fen


def _number(product_sn: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z]{0,128}", product_sn):
        raise refusal(41085, "only digits and letters, at most 128")
    return product_sn


def _pictures(wecom: WeComPlatform, body: Fields) -> list[str]:
    attachments = body.objects("attachments")
    if not attachments:
        raise refusal(41088)
    if len(attachments) > MOST_PICTURES:
        raise refusal(41064)
    pictures: list[str] = []
    for attachment in attachments:
        image = attachment.object("image")
        if attachment.text("type") != "image" or image is None:
            raise refusal(41065)
        media = wecom.living_media(image.text("media_id"))
        if media is None:
            raise refusal(40007, image.text("media_id"))
        if media.attachment_type != FOR_PRODUCTS:
            raise refusal(41072, media.media_id)
        pictures.append(media.media_id)
    return pictures
