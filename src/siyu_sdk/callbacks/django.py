"""Django: one view for GET and POST, plain or async.

urlpatterns = [path("wecom", view(callbacks, router))]

What runs after the answer runs when the server closes the response: in the same thread of the server, when the platform has the answer.
For ASGI, `async_view` makes a task of it in the server's loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

from django.http import HttpRequest, HttpResponse
from django.http.request import RawPostDataException, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from ..core.errors import UsageError
from .doors import MOST_BYTES, Answer, Request, Source, aanswer, answer, door_of
from .router import Router

Background: TypeAlias = Callable[[Callable[[], None]], object]
"""Where work goes that is done after the answer, such as `ThreadPoolExecutor(4).submit`; called before the answer is sent."""

AsyncBackground: TypeAlias = Callable[[Coroutine[Any, Any, None]], object]
"""The same for `async_view`, such as the `create_task` of a task group of your own."""


class _Response(HttpResponse):
    """A response that does something once it is sent."""

    after: Callable[[], None] | None = None

    def close(self) -> None:
        """Django calls this when the server has sent the response."""
        after, self.after = self.after, None
        try:
            if after is not None:
                after()
        finally:
            super().close()  # ends the request: what the work has opened, such as connections to the database, is closed


def view(source: Source, router: Router, *, background: Background | None = None) -> Callable[[HttpRequest], HttpResponse]:
    """Make the view of one callback address; `source` is `Callbacks(…)` or `pay.notifications`. It is exempt from CSRF checks.

    A server thread is busy until the work after the answer is done: give `background=executor.submit` where that takes long.
    """
    door = door_of(source)

    @csrf_exempt
    def callback(request: HttpRequest) -> HttpResponse:
        told = answer(door, router, _read(request))
        response = _response(told)
        if told.after is not None:
            if background is None:
                response.after = told.after
            else:
                background(told.after)
        return response

    return callback


def async_view(
    source: Source, router: Router, *, background: AsyncBackground | None = None
) -> Callable[[HttpRequest], Coroutine[Any, Any, HttpResponse]]:
    """Make the view for a Django that is served by ASGI; otherwise as `view`."""
    door = door_of(source)
    working = set[asyncio.Task[None]]()

    @csrf_exempt
    async def callback(request: HttpRequest) -> HttpResponse:
        told = await aanswer(door, router, _read(request))
        if told.aafter is not None:
            if background is None:
                task = asyncio.get_running_loop().create_task(told.aafter())
                working.add(task)  # a loop holds its tasks weakly
                task.add_done_callback(working.discard)
            else:
                background(told.aafter())
        return _response(told)

    return callback


def _response(told: Answer) -> _Response:
    return _Response(told.body, status=told.status, headers=told.headers)


def _read(request: HttpRequest) -> Request:
    body = b"\0" * (MOST_BYTES + 1)
    try:
        if int(request.META.get("CONTENT_LENGTH") or 0) <= MOST_BYTES:
            body = request.body
    except RawPostDataException as error:
        raise UsageError(
            "the body of this callback was consumed before it got here (request.POST, request.read(), a middleware): "
            "leave this address out of what reads bodies"
        ) from error
    except (UnreadablePostError, ValueError):  # broken off, or with a length that is no number
        body = b""
    return Request(request.method or "", request.META.get("QUERY_STRING", ""), dict(request.headers), body)
