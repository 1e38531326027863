"""One declaration, three uses: sync, async, and a call as a value. Runs on the sandbox: python examples/typed_client.py."""

from __future__ import annotations

import asyncio

from siyu_sdk import AsyncWeCom, Call
from siyu_sdk.sandbox import Sandbox
from siyu_sdk.wecom.customers import CustomerDetail, Customers


def sync(sandbox: Sandbox) -> str:
    """Read customers page after page, then one of them in full."""
    with sandbox.wecom_client() as wecom:  # against the real platform: WeCom(corpid, corpsecret)
        members = wecom.customers.follow_users().follow_user
        first = next(iter(wecom.customers.all(members[:1])))
        detail = wecom.customers.get(first.external_userid)
        print(detail.external_contact.name, "is followed by", [follow.userid for follow in detail.follow_user])
    return first.external_userid


async def concurrent(sandbox: Sandbox, external_userid: str) -> list[CustomerDetail]:
    """The same as coroutines: fifty at once share one token."""
    ids = sandbox.credentials
    async with AsyncWeCom(ids.corpid, ids.corpsecret, base_url=sandbox.wecom_url, clock=sandbox.clock) as wecom:
        return await asyncio.gather(*(wecom.customers.get(external_userid) for _ in range(50)))


def value(sandbox: Sandbox, external_userid: str) -> None:
    """On the class, an endpoint makes a value: print it, store it, send it later."""
    call: Call[CustomerDetail] = Customers.get(external_userid)
    print(call, call.to_wire())
    with sandbox.wecom_client() as wecom:
        raw = wecom.raw(call)
        print(raw.status, len(raw.body), "bytes:", raw.reply.external_contact.name)


def main() -> None:
    """Run all three."""
    with Sandbox(seed=7, customers=60) as sandbox:
        external_userid = sync(sandbox)
        sandbox.calls.clear()
        details = asyncio.run(concurrent(sandbox, external_userid))
        print(len(details), "replies,", sandbox.calls.count("/cgi-bin/gettoken"), "token request")
        value(sandbox, external_userid)


if __name__ == "__main__":
    main()
