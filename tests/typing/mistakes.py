"""Mistakes that type checkers have to see. Never run: `test_typing.py` wants exactly the lines marked `# mistake` reported, by both."""

from __future__ import annotations

import asyncio

from siyu_sdk import AsyncWeCom, Flow, Gather, WeCom
from siyu_sdk.wecom.customers import CustomerDetail, Customers
from siyu_sdk.wecom.tags import NewTag


def in_threads(wecom: WeCom) -> None:
    wecom.customers.get(7)  # mistake: an id is a str
    wecom.customers.get("wm1", cursr="c")  # mistake: misspelt keyword
    wecom.customers.get()  # mistake: the id is missing
    wecom.customers.get("wm1", "c")  # mistake: cursor is keyword-only
    wecom.customers.fetch("wm1")  # mistake: there is no such endpoint
    wecom.customers.get("wm1").external_contact.nick  # mistake: there is no such field
    wecom.tags.add([NewTag(naem="榴莲", name="x")], group_name="购买")  # mistake: misspelt field of a body
    wecom.media.upload(b"durian!", type="picture")  # mistake: not one of the types
    wecom.send("Customers.get")  # mistake: no call
    Gather(["wm1", "wm2"])  # mistake: names are no calls


async def in_tasks(wecom: AsyncWeCom) -> str:
    wecom.customers.get("wm1")  # mistake: forgotten await
    for _ in wecom.customers.all(["zhang"]):  # mistake: async pages want `async for`
        pass
    return await wecom.customers.get("wm1")  # mistake: a model is no str


async def wants_an_async_client(wecom: AsyncWeCom) -> CustomerDetail:
    return await wecom.customers.get("wm1")


def wrong_mode(wecom: WeCom) -> None:
    asyncio.run(wants_an_async_client(wecom))  # mistake: a sync client where an async one is wanted


def in_a_flow() -> Flow[str]:
    detail = yield from Customers.get("wm1")
    return detail.external_contact.name  # mistake: the name may be None
