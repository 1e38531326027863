"""The product album (商品图册): products that members can send to customers in a chat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from ..core.call import Call
from ..core.endpoint import POST, paged
from ..core.model import Checked, MaxBytes, MaxChars, MaxItems, NotEmpty, OrDict, Reply, Timestamp, WireModel
from .common import some_change
from .messages import UploadedImage
from .resource import CursorReply, M, WeComResource

HIGHEST_PRICE = 5_000_000
"""Fen: 50,000 yuan."""


def _plain(product_sn: str) -> str:
    if product_sn and not (product_sn.isascii() and product_sn.isalnum()):
        raise ValueError("letters and digits alone are allowed")
    return product_sn


ProductNumber = Annotated[str, MaxBytes(128), Checked(_plain)]


class ProductAttachment(WireModel):
    """A picture of a product: `ProductAttachment(image=Image(media_id="…"))`."""

    type: str = "image"
    image: UploadedImage | None = None
    """Its `media_id` comes from `media.upload_attachment` with `AttachmentType.PRODUCT_ALBUM`."""

    def model_post_init(self, _context: Any, /) -> None:
        """Count the type as set, so that it is sent."""
        self.__pydantic_fields_set__.add("type")


class Product(WireModel):
    """A product (商品)."""

    product_id: str
    description: str | None = None
    price: int | None = None
    """Fen."""
    product_sn: str | None = None
    """Your own number of it."""
    attachments: tuple[ProductAttachment, ...] = ()
    create_time: Timestamp | None = None
    """Told by `get` only."""


class CreatedProduct(Reply):
    """A new product."""

    product_id: str


class ProductDetail(Reply):
    """One product."""

    product: Product


class ProductPage(CursorReply):
    """A page of products."""

    product_list: tuple[Product, ...] = ()

    def items(self) -> Sequence[Product]:
        """Give the products of this page."""
        return self.product_list


class Products(WeComResource[M]):
    """The product album (商品图册). Write one product one call at a time: parallel writes are refused (6000, Conflict)."""

    @POST("/cgi-bin/externalcontact/add_product_album", docs=95096)
    def create(
        self,
        description: Annotated[str, NotEmpty, MaxChars(300)],
        *,
        price: Annotated[int, Field(ge=0, le=HIGHEST_PRICE)],
        attachments: Annotated[Sequence[OrDict[ProductAttachment]], NotEmpty, MaxItems(9)],
        product_sn: ProductNumber | None = None,
    ) -> Call[CreatedProduct]:
        """Add a product (创建商品图册).

        `description` has at most 300 characters, `price` is in fen, up to 5,000,000 (50,000 yuan), `product_sn` has at most 128 letters and
        digits; 1 to 9 pictures, uploaded for this use (41072). Repeating it adds another one.
        """
        ...

    @POST("/cgi-bin/externalcontact/get_product_album", docs=95096, idempotent=True)
    def get(self, product_id: str) -> Call[ProductDetail]:
        """Fetch one product (获取商品图册). Raises NotFound (41074, 41075) where there is none any more."""
        ...

    @POST("/cgi-bin/externalcontact/get_product_album_list", docs=95096, idempotent=True)
    def list(self, *, limit: Annotated[int, Field(ge=1, le=100)] | None = None, cursor: str | None = None) -> Call[ProductPage]:
        """List products, one page (获取商品图册列表). `limit` is 1 to 100 (50 if left out)."""
        ...

    @paged
    def all(self, *, limit: int = 100) -> Call[ProductPage]:
        """Every product, one by one, page after page (获取商品图册列表)."""
        return Products.list(limit=limit)

    @POST(
        "/cgi-bin/externalcontact/update_product_album",
        docs=95096,
        idempotent=True,
        check=some_change("description", "price", "product_sn", "attachments"),
    )
    def update(
        self,
        product_id: str,
        *,
        description: Annotated[str, NotEmpty, MaxChars(300)] | None = None,
        price: Annotated[int, Field(ge=0, le=HIGHEST_PRICE)] | None = None,
        attachments: Annotated[Sequence[OrDict[ProductAttachment]], NotEmpty, MaxItems(9)] | None = None,
        product_sn: ProductNumber | None = None,
    ) -> Call[Reply]:
        """Change a product (编辑商品图册). What is left out stays; pictures that are given replace all. `price` is in fen."""
        ...

    @POST("/cgi-bin/externalcontact/delete_product_album", docs=95096)
    def delete(self, product_id: str) -> Call[Reply]:
        """Delete a product (删除商品图册). Raises NotFound (41074, 41075) where there is none any more."""
        ...
