"""Orders (订单管理)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from ..core.call import Call
from ..core.endpoint import POST, paged
from ..core.model import OrDict, Reply, Timestamp, WireModel
from .order_models import Order, OrderStatus, Text
from .resource import M, StoreResource


class OrderReply(Reply):
    """One order."""

    order: Order


class TimeRange(WireModel):
    """At most seven days; unix seconds on the wire."""

    start_time: Timestamp
    end_time: Timestamp


class OrderIds(Reply):
    """A page of order ids."""

    order_id_list: tuple[Text, ...] = ()
    next_key: str | None = None
    has_more: bool = False

    def items(self) -> Sequence[str]:
        """The ids of this page."""
        return self.order_id_list

    def next_page(self, arguments: Mapping[str, Any]) -> Mapping[str, Any] | None:  # noqa: ARG002 -- part of the page protocol
        """Where the next page begins."""
        return {"next_key": self.next_key} if self.has_more else None


class Orders(StoreResource[M]):
    """Orders (订单管理)."""

    @POST("/channels/ec/order/list/get", docs="https://developers.weixin.qq.com/doc/store/shop/API/order/list_get.html", idempotent=True)
    def list(
        self,
        *,
        create_time_range: OrDict[TimeRange] | None = None,
        update_time_range: OrDict[TimeRange] | None = None,
        status: OrderStatus | None = None,
        openid: str | None = None,
        page_size: Annotated[int, Field(ge=1, le=100)] = 100,
        next_key: str | None = None,
    ) -> Call[OrderIds]:
        """List ids of orders, by creation or update time (获取订单列表).

        Give one of the two ranges, of at most seven days; a page has at most 100 ids.
        """
        ...

    @paged
    def all(
        self,
        *,
        create_time_range: OrDict[TimeRange] | None = None,
        update_time_range: OrDict[TimeRange] | None = None,
        status: OrderStatus | None = None,
        openid: str | None = None,
        page_size: int = 100,
    ) -> Call[OrderIds]:
        """Every such id, page after page; `get` gives the order (获取订单列表)."""
        return Orders.list(
            create_time_range=create_time_range, update_time_range=update_time_range, status=status, openid=openid, page_size=page_size
        )

    @POST("/channels/ec/order/get", docs="https://developers.weixin.qq.com/doc/store/shop/API/order/get.html", idempotent=True)
    def get(self, order_id: str) -> Call[OrderReply]:
        """Fetch an order (获取订单详情)."""
        ...
