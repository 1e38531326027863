"""Callbacks in Django, with the work done after the answer in an executor. Runs on the sandbox: python examples/callback_django.py."""

from __future__ import annotations

import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import path

from siyu_sdk import WeCom
from siyu_sdk.callbacks import Router
from siyu_sdk.callbacks.django import view
from siyu_sdk.sandbox import Sandbox
from siyu_sdk.wecom.callbacks import Callbacks
from siyu_sdk.wecom.events import AddExternalContact

urlpatterns: list[Any] = []


def application(callbacks: Callbacks, wecom: WeCom, pool: ThreadPoolExecutor) -> Any:
    """The app: a project has these lines in its settings.py and urls.py."""
    router = Router()

    @router.on(AddExternalContact, after_reply=True)
    def welcome(event: AddExternalContact) -> None:
        if event.welcome_code:
            wecom.welcome.send(event.welcome_code, text={"content": "你好，欢迎光临！"})

    urlpatterns.append(path("wecom", view(callbacks, router, background=pool.submit)))
    settings.configure(ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=__name__, SECRET_KEY="an example has none")
    return get_wsgi_application()


class Quiet(WSGIRequestHandler):
    """Logs nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet."""


@contextmanager
def served(app: Any) -> Generator[str]:
    """The app on a free port, in a thread of this process. In production: gunicorn, uWSGI, mod_wsgi."""
    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def main() -> None:
    """Two customers come in the same second: two events, two greetings."""
    with Sandbox(seed=7, customers=60) as sandbox, sandbox.wecom_client() as wecom:
        ids = sandbox.credentials
        callbacks = Callbacks(ids.callback_token, ids.callback_aes_key, ids.corpid)
        with ThreadPoolExecutor(2) as pool, served(application(callbacks, wecom, pool)) as url:
            sandbox.wecom_callback_url = f"{url}/wecom"
            print("the console accepts the address:", sandbox.wecom.verify_url())
            customers = [sandbox.wecom.customer_adds("amy"), sandbox.wecom.customer_adds("amy")]
            sandbox.advance(seconds=1)
        for customer in customers:
            print(customer, [message.text for message in sandbox.inbox(customer)])
            assert len(sandbox.inbox(customer)) == 1


if __name__ == "__main__":
    main()
