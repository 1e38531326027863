"""What type checkers infer, in both modes. Never run: `test_typing.py` compares each `# is:` comment with what mypy and pyright reveal."""

from __future__ import annotations

from typing import reveal_type

from siyu_sdk import Async, AsyncWeCom, Flow, Gather, Local, M, Pay, Resource, Sleep, Sync, WeCom, flow
from siyu_sdk.tenants import AsyncTenants, Options, Tenants
from siyu_sdk.wecom.customers import CustomerDetail, Customers
from siyu_sdk.wecom.mass_messages import MassMessages
from siyu_sdk.wecom.media import Media


class Greeter(Resource[M]):
    """A helper as a user writes one."""

    platform = "wecom"

    @flow
    def names(self, *ids: str, limit: int = 4) -> Flow[list[str]]:
        """Names of customers."""
        one = yield from Customers.get("wm1")
        reveal_type(one)  # is: CustomerDetail
        several = yield from Gather([Customers.get(i) for i in ids], limit=limit)
        reveal_type(several)  # is: list[CustomerDetail | Exception]
        everybody = yield from Customers.all(["zhang"])
        reveal_type(everybody)  # is: list[Customer]
        length = yield from Local(len, ids)
        reveal_type(length)  # is: int
        yield from Sleep(1)
        inner = yield from Greeter.names("wm2")
        reveal_type(inner)  # is: list[str]
        return [d.external_contact.name or "" for d in several if isinstance(d, CustomerDetail)]


def on_the_class() -> None:
    reveal_type(Customers.get("wm1"))  # is: Call[CustomerDetail]
    reveal_type(Customers.get("wm1").replace(cursor="c"))  # is: Call[CustomerDetail]
    reveal_type(Customers.all(["zhang"]))  # is: Pages[Customer]
    reveal_type(MassMessages.remind("m1"))  # is: Call[Reply]
    reveal_type(Greeter.names("wm1", limit=2))  # is: Generator[Any, Any, list[str]]
    reveal_type(Media.get("m1").save("a.jpg"))  # is: Call[SavedFile]
    reveal_type(Customers.get.spec)  # is: Spec[CustomerDetail]
    reveal_type(Customers.get.spec.load({}))  # is: Call[CustomerDetail]
    reveal_type(Gather([Customers.list("zhang")]))  # is: Gather[CustomerList]


def on_a_sync_client(wecom: WeCom, pay: Pay) -> None:
    detail = wecom.customers.get("wm1", cursor="c")
    reveal_type(detail)  # is: CustomerDetail
    reveal_type(detail.external_contact.name)  # is: str | None
    reveal_type(detail.follow_user)  # is: tuple[FollowUser, ...]
    reveal_type(wecom.customers.all(["zhang"]))  # is: Iterator[Customer]
    for customer in wecom.customers.all(["zhang"]):
        reveal_type(customer)  # is: Customer
    reveal_type(wecom.send(Customers.list("zhang")))  # is: CustomerList
    reveal_type(wecom.raw(Customers.list("zhang")).reply)  # is: CustomerList
    reveal_type(wecom.request("POST", "/x"))  # is: Any
    reveal_type(wecom.run(Greeter.names("wm1")))  # is: list[str]
    reveal_type(Greeter(wecom).client)  # is: Runner | AsyncRunner
    reveal_type(pay.product_coupons.get_stock("p", "s", brand_id="b"))  # is: Stock


async def on_an_async_client(wecom: AsyncWeCom) -> None:
    _ = reveal_type(wecom.customers.get("wm1"))  # is: Coroutine[Any, Any, CustomerDetail]
    reveal_type(await wecom.customers.get("wm1"))  # is: CustomerDetail
    reveal_type(wecom.customers.all(["zhang"]))  # is: AsyncIterator[Customer]
    async for customer in wecom.customers.all(["zhang"]):
        reveal_type(customer)  # is: Customer
    reveal_type(await wecom.send(Customers.list("zhang")))  # is: CustomerList
    reveal_type((await wecom.raw(Customers.list("zhang"))).reply)  # is: CustomerList
    reveal_type(await wecom.run(Greeter.names("wm1")))  # is: list[str]


def bound_to_a_mode(sync: Greeter[Sync], tasks: Greeter[Async]) -> None:
    reveal_type(sync.names("wm1"))  # is: list[str]
    _ = reveal_type(tasks.names("wm1"))  # is: Coroutine[Any, Any, list[str]]


def of_many_companies() -> None:
    def load(corpid: str, shared: Options) -> WeCom:
        return WeCom(corpid, "secret", **shared)

    async def load_async(corpid: str, shared: Options) -> AsyncWeCom:
        return AsyncWeCom(corpid, "secret", **shared)

    def load_in_a_thread(corpid: str, shared: Options) -> AsyncWeCom:
        return AsyncWeCom(corpid, "secret", **shared)

    reveal_type(Tenants(load))  # is: Tenants[WeCom]
    reveal_type(AsyncTenants(load_async))  # is: AsyncTenants[AsyncWeCom]
    reveal_type(AsyncTenants(load_in_a_thread))  # is: AsyncTenants[AsyncWeCom]
