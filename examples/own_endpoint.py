"""Declare an endpoint that the SDK does not type yet, or call it untyped. Runs on the sandbox: python examples/own_endpoint.py."""

# mypy: disable-error-code="empty-body"
# A declaration has no body: its signature says it all.

from __future__ import annotations

from siyu_sdk import GET, Call, M
from siyu_sdk.core.model import Reply
from siyu_sdk.sandbox import Sandbox
from siyu_sdk.wecom.resource import WeComResource


class Ticket(Reply):
    """A jsapi ticket."""

    ticket: str
    expires_in: int


class MyTickets(WeComResource[M]):
    """What this company needs today."""

    @GET("/cgi-bin/get_jsapi_ticket", docs=90506)
    def get(self) -> Call[Ticket]:
        """Fetch the ticket of the company (获取企业的jsapi_ticket); lives 7200 s, at most 400 fetches an hour."""
        ...


def main() -> None:
    """Send it typed, and the same path untyped."""
    with Sandbox(seed=7, customers=10) as sandbox, sandbox.wecom_client() as wecom:
        ticket = wecom.send(MyTickets.get())
        print(f"a ticket of {len(ticket.ticket)} characters, for {ticket.expires_in} s")
        free = wecom.request("GET", "/cgi-bin/get_jsapi_ticket")
        print(sorted(free))


if __name__ == "__main__":
    main()
