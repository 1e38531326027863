"""People whom the company has served (已服务的外部联系人), and the openid of a customer.

Simulated: one row for each member and each group that somebody is with, people in groups who are nobody's customers (any more), with veiled
names; passing ids, which are others for whoever begins again, and cursors that end after four hours (40058: the page names no code).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..platform import Json, Request, page
from .errors import refusal
from .routing import page_size, router

if TYPE_CHECKING:  # see routing
    from .state import WeComPlatform

_PATH = "/cgi-bin/externalcontact"
CURSOR_LIFE = 4 * 3600


@router.on("POST", _PATH + "/contact_list")
def contact_list(wecom: WeComPlatform, request: Request) -> Json:
    """获取已服务的外部联系人."""
    body = wecom.body(request) if request.body else wecom.fields({})
    world = wecom.world
    served: list[tuple[str, Json]] = [
        (relation.external_userid, {"follow_userid": userid, "add_time": relation.createtime})
        for userid in world.members
        for relation in world.contacts[userid].values()
    ]
    served += [
        (seat.id, {"chat_id": group.chat_id, "chat_name": group.name, "add_time": seat.joined})
        for group in wecom.chats.living()
        for seat in group.seats.values()
        if seat.customer
    ]
    listing, _, place = body.text_or("cursor").partition(".")
    if not listing:
        listing = wecom.new_id("list")
        wecom.listings[listing] = world.clock.time()
    elif world.clock.time() >= wecom.listings.get(listing, 0.0) + CURSOR_LIFE:
        raise refusal(40058, "cursor")
    rows, following = page(served, place, page_size(body, 1000, 1000))
    told = [{**_person(wecom, listing, who), **row} for who, row in rows]
    return {"info_list": told, "next_cursor": f"{listing}.{following}" if following else ""}


def _person(wecom: WeComPlatform, listing: str, who: str) -> Json:
    row: Json = {"is_customer": bool(wecom.world.follows.get(who)), "tmp_openid": wecom.world.dice.token(32, "tmp", who, listing)}
    if row["is_customer"]:
        return {**row, "external_userid": who}
    return {**row, "name": f"***{wecom.world.customers[who].name[-1:]}"}


@router.on("POST", _PATH + "/convert_to_openid")
def convert_to_openid(wecom: WeComPlatform, request: Request) -> Json:
    """外部联系人openid转换: under the appid of the company's payments, so that it is nobody's mini-program openid."""
    who = wecom.body(request).text("external_userid")
    if who not in wecom.world.customers:
        raise refusal(40096, who)
    if not wecom.world.follows.get(who):
        raise refusal(84061)
    return {"openid": "oCorp" + wecom.world.dice.token(23, "corp openid", who)}
