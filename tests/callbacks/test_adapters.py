"""FastAPI, Starlette, Flask and Django, as they are: raw bodies in, answers out, work after the answer."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django.conf
import fastapi
import flask
import httpx
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
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

from .conftest import Post, added, greeting, posted, said

if not django.conf.settings.configured:
    django.conf.settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="for tests", DATABASES={})
    django.setup()

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

API_V3_KEY = "0123456789abcdef0123456789abcdef"
RECEIVED = {
    "brand_id": "120344",
    "coupon_code": "123446565767",
    "product_coupon_id": "200000001",
    "stock_id": "100232301",
    "appid": "wx233544546545989",
    "openid": "oA1",
    "receive_time": "2026-09-21T17:33:20+08:00",
    "valid_begin_time": "2026-09-21T17:33:20+08:00",
    "valid_end_time": "2026-09-28T17:33:20+08:00",
}


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def notifications(key: rsa.RSAPrivateKey) -> Notifications:
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return Notifications(Verifier(public_key=pem, public_key_id="PUB_KEY_ID_1", certificates=()), API_V3_KEY)


def notice(key: rsa.RSAPrivateKey, resource: dict[str, str] = RECEIVED) -> Request:
    nonce = "0123456789ab"
    sealed = AESGCM(API_V3_KEY.encode()).encrypt(nonce.encode(), json.dumps(resource).encode(), b"coupon")
    body = json.dumps(
        {
            "id": "EV-1",
            "create_time": "2026-09-21T17:33:20+08:00",
            "event_type": "PRODUCT_COUPON_SP.SEND",
            "summary": "用户领取商品券",
            "resource_type": "encrypt-resource",
            "resource": {
                "algorithm": "AEAD_AES_256_GCM",
                "original_type": "product_coupon",
                "associated_data": "coupon",
                "nonce": nonce,
                "ciphertext": base64.b64encode(sealed).decode(),
            },
        }
    ).encode()
    at = str(int(time.time()))
    signature = key.sign(f"{at}\nnonce\n".encode() + body + b"\n", padding.PKCS1v15(), hashes.SHA256())
    headers = {
        "content-type": "application/json",
        "wechatpay-timestamp": at,
        "wechatpay-nonce": "nonce",
        "wechatpay-serial": "PUB_KEY_ID_1",
        "wechatpay-signature": base64.b64encode(signature).decode(),
    }
    return Request("POST", "", headers, body)


def test_a_notice_is_handled_once_with_its_envelope(mount: Mount, notifications: Notifications, router: Router, key: Any) -> None:
    seen = list[tuple[str, str]]()

    @router.on(ProductCouponReceived)
    def confirm(event: ProductCouponReceived, context: Context) -> None:
        assert context.notification is not None
        seen.append((event.coupon_code, context.notification.summary))

    post = mount(notifications, router)
    assert [post(notice(key)), post(notice(key))] == [(204, b"")] * 2
    assert seen == [("123446565767", "用户领取商品券")]


def test_a_forged_or_failing_notice_says_fail(mount: Mount, notifications: Notifications, router: Router, key: Any) -> None:
    router.on(ProductCouponReceived)(lambda event: 1 / 0)
    post = mount(notifications, router)
    forged = Request("POST", "", notice(key).headers, b"{}")
    for request, status in ((forged, 401), (notice(key), 500)):
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


# Where the work after the answer goes


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
