"""Orders (订单管理)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import Field, ValidationInfo, model_validator

from ..core.call import Call
from ..core.endpoint import POST, paged
from ..core.errors import InputError
from ..core.model import OUTGOING, OrDict, Reply, Timestamp, WireModel
from .order_models import Order, OrderStatus, Text
from .resource import M, StoreResource


class OrderReply(Reply):
    """One order."""

    order: Order


class TimeRange(WireModel):
    """At most seven days; unix seconds on the wire."""

    start_time: Timestamp
    end_time: Timestamp

    @model_validator(mode="after")
    def _seven_days(self, info: ValidationInfo) -> Self:
        if info.context == OUTGOING and not timedelta(0) <= self.end_time - self.start_time <= timedelta(days=7):
            raise ValueError("end_time comes after start_time, by at most seven days")
        return self


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


def _has_a_range(arguments: Mapping[str, Any]) -> None:
    if not {"create_time_range", "update_time_range"} & arguments.keys():
        raise InputError("create_time_range or update_time_range is needed", "create_time_range")


class Orders(StoreResource[M]):
    """Orders (订单管理)."""

    @POST(
        "/channels/ec/order/list/get",
        docs="https://developers.weixin.qq.com/doc/store/shop/API/order/list_get.html",
        idempotent=True,
        check=_has_a_range,
    )
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
