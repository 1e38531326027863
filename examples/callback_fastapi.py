"""Greet new customers from a FastAPI app, within the life of a welcome code. Runs on the sandbox: python examples/callback_fastapi.py."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI

from siyu_sdk import AsyncWeCom
from siyu_sdk.callbacks import Context, Router
from siyu_sdk.callbacks.starlette import endpoint
from siyu_sdk.sandbox import Sandbox
from siyu_sdk.wecom.callbacks import Callbacks
from siyu_sdk.wecom.events import AddExternalContact, CustomerEvent, DelFollowUser


def application(callbacks: Callbacks, router: Router, wecom: AsyncWeCom) -> FastAPI:
    """The app: one address, and handlers by the class of the event."""

    @router.on(AddExternalContact, after_reply=True)
    async def welcome(event: AddExternalContact, context: Context) -> None:
        if event.welcome_code and context.seconds_left() > 2:
            await wecom.welcome.send(event.welcome_code, text={"content": "你好，欢迎光临！"})
            print(f"{event.user_id} greets {event.external_user_id} from {event.state}")

    @router.on(DelFollowUser)
    async def lost(event: DelFollowUser) -> None:
        print(f"{event.external_user_id} has left {event.user_id}")

    @router.on(CustomerEvent)  # a base class: every change of a customer
    def count(event: CustomerEvent) -> None:
        print(type(event).__name__)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        async with wecom:
            yield

    app = FastAPI(lifespan=lifespan)
    app.add_api_route("/wecom", endpoint(callbacks, router), methods=["GET", "POST"], include_in_schema=False)
    return app


@contextmanager
def served(app: FastAPI) -> Generator[str]:
    """The app on a free port, in a thread of this process. In production: `uvicorn module:app`."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def main() -> None:
    """A customer comes, by an event that is delivered twice, and one goes."""
    with Sandbox(seed=7, customers=60) as sandbox:
        ids = sandbox.credentials
        callbacks = Callbacks(ids.callback_token, ids.callback_aes_key, ids.corpid)
        wecom = AsyncWeCom(ids.corpid, ids.corpsecret, base_url=sandbox.wecom_url, clock=sandbox.clock)
        with served(application(callbacks, Router(clock=sandbox.clock), wecom)) as url:
            sandbox.wecom_callback_url = f"{url}/wecom"
            print("the console accepts the address:", sandbox.wecom.verify_url())
            sandbox.wecom.push.duplicate = 1  # everything comes twice, and is handled once
            customer = sandbox.wecom.customer_adds("amy", state="parcel-card")
            until = time.monotonic() + 5
            while not sandbox.inbox(customer) and time.monotonic() < until:
                time.sleep(0.02)
            sandbox.wecom.customer_deletes(customer, "amy")
            sandbox.advance(seconds=5)
        print([message.text for message in sandbox.inbox(customer)])
        assert len(sandbox.inbox(customer)) == 1
        assert {attempt.status for attempt in sandbox.wecom.push.attempts} == {200}


if __name__ == "__main__":
    main()
