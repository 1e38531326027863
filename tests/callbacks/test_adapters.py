"""FastAPI, Starlette, Flask and Django, as they are: raw bodies in, answers out, work after the answer."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django.conf
import fastapi
import flask
import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from siyu_sdk import UsageError
from siyu_sdk.callbacks import Context, Request, Router
from siyu_sdk.callbacks import django as django_adapter
from siyu_sdk.callbacks import flask as flask_adapter
from siyu_sdk.callbacks import starlette as starlette_adapter
from siyu_sdk.core.xml import parse_xml
from siyu_sdk.pay.events import ProductCouponReceived
from siyu_sdk.pay.notifications import Notifications
from siyu_sdk.pay.signing import Verifier
from siyu_sdk.wecom.callbacks import Callbacks
from siyu_sdk.wecom.events import AddExternalContact, TextMessage
from siyu_sdk.wecom.replies import TextReply

from ..loopback import Clock
from ..wechatpay import API_V3_KEY, PUBLIC_KEY_ID, RECEIVED, Keys, notice, signed_headers
from .conftest import Post, added, greeting, posted, said

if not django.conf.settings.configured:
    django.conf.settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="for tests", DATABASES={})
    django.setup()

from django.core.signals import request_finished
from django.http import HttpResponse
from django.test import AsyncRequestFactory, RequestFactory

urlpatterns: list[Any] = []

Mount = Callable[[Any, Router], Post]


def on_fastapi(source: Any, router: Router) -> Iterator[Post]:
    app = fastapi.FastAPI()
    app.add_api_route("/callback", starlette_adapter.endpoint(source, router), methods=["GET", "POST"])
    yield from _asgi(app)


def on_starlette(source: Any, router: Router) -> Iterator[Post]:
    endpoint = starlette_adapter.endpoint(source, router)
    yield from _asgi(Starlette(routes=[Route("/callback", endpoint, methods=["GET", "POST"])]))


def _asgi(app: Any) -> Iterator[Post]:
    def post(request: Request) -> tuple[int, bytes]:
        answer = asyncio.run(ask(app, request))
        return answer.status_code, answer.content

    yield post


async def ask(app: Any, request: Request) -> httpx.Response:
    """One request to an ASGI app: comes back when the app has done all that it does."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        url = f"/callback?{request.query}" if request.query else "/callback"
        return await client.request(request.method, url, content=request.body, headers=dict(request.headers))


def on_flask(source: Any, router: Router) -> Iterator[Post]:
    app = flask.Flask("test")
    app.add_url_rule("/callback", view_func=flask_adapter.view(source, router), methods=["GET", "POST"])
    client = app.test_client()

    def post(request: Request) -> tuple[int, bytes]:
        answer = client.open(f"/callback?{request.query}", method=request.method, data=request.body, headers=dict(request.headers))
        body = answer.get_data()
        answer.close()
        return answer.status_code, body

    yield post


def _django(factory: Any, request: Request) -> Any:
    kind = request.headers.get("content-type", "text/xml")
    more = {"headers": {name: value for name, value in request.headers.items() if name != "content-type"}}
    return factory.generic(request.method, f"/callback?{request.query}", request.body, content_type=kind, **more)


def on_django(source: Any, router: Router) -> Iterator[Post]:
    view = django_adapter.view(source, router)
    assert view.csrf_exempt  # type: ignore[attr-defined]

    def post(request: Request) -> tuple[int, bytes]:
        answer = view(_django(RequestFactory(), request))
        answer.close()
        return answer.status_code, answer.content

    yield post


def on_async_django(source: Any, router: Router) -> Iterator[Post]:
    view = django_adapter.async_view(source, router)
    assert view.csrf_exempt  # type: ignore[attr-defined]

    async def call(request: Request) -> HttpResponse:
        answer = await view(_django(AsyncRequestFactory(), request))
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})  # what comes after the answer is a task of its own
        return answer

    def post(request: Request) -> tuple[int, bytes]:
        answer = asyncio.run(call(request))
        return answer.status_code, answer.content

    yield post


FRAMEWORKS = {"fastapi": on_fastapi, "starlette": on_starlette, "flask": on_flask, "django": on_django, "async django": on_async_django}


@pytest.fixture(params=list(FRAMEWORKS))
def mount(request: pytest.FixtureRequest) -> Iterator[Mount]:
    opened = list[Iterator[Post]]()

    def open_(source: Any, router: Router) -> Post:
        opened.append(FRAMEWORKS[request.param](source, router))
        return next(opened[-1])

    yield open_
    for generator in opened:
        next(generator, None)


@pytest.fixture
def router() -> Router:
    return Router()


def test_the_console_checks_the_address(mount: Mount, callbacks: Callbacks, router: Router) -> None:
    post = mount(callbacks, router)
    assert post(greeting("1234567")) == (200, b"1234567")
    assert post(Request("GET", "msg_signature=x"))[0] == 401


def test_a_plus_in_the_address_is_no_blank(mount: Mount, callbacks: Callbacks, router: Router) -> None:
    post = mount(callbacks, router)
    while b"%2B" not in (request := greeting("1234567")).query.encode():
        pass
    assert post(Request("GET", request.query.replace("%2B", "+"))) == (200, b"1234567")


def test_an_event_is_handled_once_and_answered_empty(mount: Mount, callbacks: Callbacks, router: Router) -> None:
    seen = list[str]()

    @router.on(AddExternalContact)
    def handle(event: AddExternalContact) -> None:
        seen.append(f"at once {event.external_user_id}")

    @router.on(AddExternalContact, after_reply=True)
    async def later(event: AddExternalContact) -> None:
        await asyncio.sleep(0)
        seen.append(f"later {event.external_user_id}")

    post = mount(callbacks, router)
    assert [post(posted(added())), post(posted(added()))] == [(200, b"")] * 2
    assert seen == ["at once wm1", "later wm1"]


def test_a_message_is_answered_encrypted(mount: Mount, callbacks: Callbacks, router: Router) -> None:
    router.on(TextMessage)(lambda event: TextReply(content=f"收到：{event.content}"))
    status, body = mount(callbacks, router)(posted(said("在吗")))
    sealed = parse_xml(body)
    opened = callbacks.verify_url(sealed["MsgSignature"], sealed["TimeStamp"], sealed["Nonce"], sealed["Encrypt"])
    assert status == 200
    assert parse_xml(opened)["Content"] == "收到：在吗"


def test_strangers_are_refused_and_a_failing_handler_is_500(mount: Mount, callbacks: Callbacks, router: Router) -> None:
    router.on(AddExternalContact)(lambda event: 1 / 0)
    post = mount(callbacks, router)
    assert post(Request("POST", "msg_signature=0&timestamp=1&nonce=n", {}, posted(added()).body))[0] == 401
    assert post(Request("POST", "", {}, b"hello"))[0] == 400
    assert post(posted(added(), receive_id="ww-other"))[0] == 403
    assert post(Request("POST", "", {}, b"x" * (1 << 21)))[0] == 413
    assert [post(posted(added()))[0] for _ in range(3)] == [500, 500, 200]


# Notices of WeChat Pay, through the same adapters


@pytest.fixture
def notifications(keys: Keys, clock: Clock) -> Notifications:
    return Notifications(Verifier(public_key=keys.public_pem, public_key_id=PUBLIC_KEY_ID), API_V3_KEY, clock=clock)


def noticed(keys: Keys) -> Request:
    body = notice("PRODUCT_COUPON_SP.SEND", RECEIVED)
    return Request("POST", "", {"content-type": "application/json"} | signed_headers(keys, body), body)


def test_a_notice_is_handled_once_with_its_envelope(mount: Mount, notifications: Notifications, router: Router, keys: Keys) -> None:
    seen = list[tuple[str, str]]()

    @router.on(ProductCouponReceived)
    def confirm(event: ProductCouponReceived, context: Context) -> None:
        assert context.notification is not None
        seen.append((event.coupon_code, context.notification.summary))

    post = mount(notifications, router)
    assert [post(noticed(keys)), post(noticed(keys))] == [(204, b"")] * 2
    assert seen == [(RECEIVED["coupon_code"], "用户领取商品券")]


def test_a_forged_or_failing_notice_says_fail(mount: Mount, notifications: Notifications, router: Router, keys: Keys) -> None:
    router.on(ProductCouponReceived)(lambda event: 1 / 0)
    post = mount(notifications, router)
    forged = Request("POST", "", noticed(keys).headers, b"{}")
    for request, status in ((forged, 401), (noticed(keys), 500)):
        told, body = post(request)
        assert told == status
        assert json.loads(body)["code"] == "FAIL"
    assert post(Request("GET"))[0] == 405


# Bodies that a framework has consumed


def test_fastapi_with_a_consumed_body_says_so(callbacks: Callbacks, router: Router) -> None:
    endpoint = starlette_adapter.endpoint(callbacks, router)

    async def careless(request: fastapi.Request) -> fastapi.Response:
        async for _ in request.stream():
            pass
        return await endpoint(request)

    with pytest.raises(UsageError, match="consumed"):
        asyncio.run(ask(Starlette(routes=[Route("/callback", careless, methods=["POST"])]), posted(added())))


def test_fastapi_with_a_body_that_somebody_read_before_is_fine(callbacks: Callbacks, router: Router) -> None:
    endpoint = starlette_adapter.endpoint(callbacks, router)

    async def careful(request: fastapi.Request) -> fastapi.Response:
        await request.body()
        return await endpoint(request)

    app = Starlette(routes=[Route("/callback", careful, methods=["POST"])])
    assert asyncio.run(ask(app, posted(added()))).status_code == 200


def test_flask_with_a_consumed_body_says_so(callbacks: Callbacks, router: Router) -> None:
    app = flask.Flask("test")
    app.testing = True
    app.add_url_rule("/callback", view_func=flask_adapter.view(callbacks, router), methods=["POST"])
    app.before_request(lambda: flask.request.stream.read() and None)
    with pytest.raises(UsageError, match="consumed"):
        app.test_client().post("/callback", data=posted(added()).body)


def test_django_with_a_consumed_body_says_so(callbacks: Callbacks, router: Router) -> None:
    request = _django(RequestFactory(), posted(added()))
    request.read()
    with pytest.raises(UsageError, match="consumed"):
        django_adapter.view(callbacks, router)(request)


def test_django_with_a_length_that_is_no_number_refuses(callbacks: Callbacks, router: Router) -> None:
    request = _django(RequestFactory(), posted(added()))
    request.META["CONTENT_LENGTH"] = "abc"  # wsgiref hands it on as it came
    assert django_adapter.view(callbacks, router)(request).status_code == 400


class Endless(io.RawIOBase):
    """What a stranger sends in chunks, without a length and without an end."""

    given = 0

    def readinto(self, buffer: Any) -> int:
        self.given += len(buffer)
        assert self.given < 4 << 20, "far more was read than is needed to know that it is too much"
        return len(buffer)


def test_flask_reads_no_more_than_it_needs_to_refuse(callbacks: Callbacks, router: Router) -> None:
    app = flask.Flask("test")
    app.testing = True
    app.add_url_rule("/callback", view_func=flask_adapter.view(callbacks, router), methods=["POST"])
    request = posted(added())
    for stream, status in ((Endless(), 413), (io.BytesIO(request.body), 200)):
        chunked = {"wsgi.input": stream, "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
        assert app.test_client().post(f"/callback?{request.query}", environ_overrides=chunked).status_code == status


def test_flask_with_a_body_that_somebody_read_before_is_fine(callbacks: Callbacks, router: Router) -> None:
    app = flask.Flask("test")
    app.testing = True
    app.add_url_rule("/callback", view_func=flask_adapter.view(callbacks, router), methods=["POST"])
    app.before_request(lambda: flask.request.get_data() and None)
    request = posted(added())
    assert app.test_client().post(f"/callback?{request.query}", data=request.body).status_code == 200


# Where the work after the answer goes


def test_in_django_the_request_ends_when_the_work_after_the_answer_is_done(callbacks: Callbacks, router: Router) -> None:
    seen = list[str]()

    def ended(**_: Any) -> None:
        seen.append("connections to the database are closed")

    router.on(AddExternalContact, after_reply=True)(lambda event: seen.append("later"))
    request_finished.connect(ended)
    try:
        django_adapter.view(callbacks, router)(_django(RequestFactory(), posted(added()))).close()
    finally:
        request_finished.disconnect(ended)
    assert seen == ["later", "connections to the database are closed"]


def test_work_after_the_answer_can_go_to_an_executor(callbacks: Callbacks) -> None:
    seen = list[str]()
    with ThreadPoolExecutor(1, thread_name_prefix="mine") as pool:
        router = Router()

        @router.on(AddExternalContact, after_reply=True)
        def later(event: AddExternalContact) -> None:
            import threading

            seen.append(threading.current_thread().name)

        app = flask.Flask("test")
        app.add_url_rule("/callback", view_func=flask_adapter.view(callbacks, router, background=pool.submit), methods=["POST"])
        request = posted(added())
        assert app.test_client().post(f"/callback?{request.query}", data=request.body).status_code == 200
        view = django_adapter.view(callbacks, router, background=pool.submit)
        assert view(_django(RequestFactory(), posted(added("bob")))).status_code == 200
    assert seen == ["mine_0", "mine_0"]


def test_work_after_the_answer_can_go_to_tasks_of_ones_own(callbacks: Callbacks, router: Router) -> None:
    seen = list[str]()
    router.on(AddExternalContact, after_reply=True)(lambda event: seen.append(event.user_id))
    given = list[Any]()
    endpoint = starlette_adapter.endpoint(callbacks, router, background=given.append)
    app = Starlette(routes=[Route("/callback", endpoint, methods=["POST"])])
    assert asyncio.run(ask(app, posted(added()))).status_code == 200
    assert seen == []
    asyncio.run(given[0]())
    assert seen == ["amy"]
    view = django_adapter.async_view(callbacks, router, background=given.append)

    async def django_too() -> None:
        await view(_django(AsyncRequestFactory(), posted(added("bob"))))
        await given[1]

    asyncio.run(django_too())
    assert seen == ["amy", "bob"]
