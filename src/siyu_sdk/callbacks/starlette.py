"""FastAPI and Starlette: one endpoint for GET and POST.

app = FastAPI()
app.add_api_route("/wecom", endpoint(callbacks, router), methods=["GET", "POST"], include_in_schema=False)

What runs after the answer runs as Starlette's background task: in the same task of the server, when the platform has the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from ..core.errors import UsageError
from .doors import MOST_BYTES, Request, Source, aanswer, door_of
from .router import Router

Background: TypeAlias = Callable[[Callable[[], Coroutine[Any, Any, None]]], object]
"""Where work goes that is done after the answer: called with a function that gives a coroutine, before the answer is sent."""


def endpoint(
    source: Source, router: Router, *, background: Background | None = None
) -> Callable[[HttpRequest], Coroutine[Any, Any, Response]]:
    """Make the endpoint of one callback address; `source` is `Callbacks(…)` or `pay.notifications`.

    `background` takes what is done after the answer elsewhere: `lambda work: group.create_task(work())`.
    """
    door = door_of(source)

    async def callback(request: HttpRequest) -> Response:
        headers = dict(request.headers)
        query = bytes(request.scope.get("query_string", b"")).decode("latin-1")
        try:
            body = await _read(request)
        except ClientDisconnect:
            return Response(status_code=400)
        answer = await aanswer(door, router, Request(request.method, query, headers, body))
        if answer.aafter is not None and background is not None:
            background(answer.aafter)
        after = BackgroundTask(_finish, answer.aafter) if answer.aafter is not None and background is None else None
        return Response(answer.body, answer.status, answer.headers, background=after)

    return callback


async def _finish(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    await work()


async def _read(request: HttpRequest) -> bytes:
    """Give the raw body, but not more of it than is needed to know that it is too long."""
    if hasattr(request, "_body"):
        return await request.body()
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BYTES:
                break
    except RuntimeError as error:
        raise UsageError(
            "the body of this callback was consumed before it got here (request.form(), or a middleware that reads the stream): "
            "mount the endpoint without form parameters and outside such middleware"
        ) from error
    return bytes(body)
