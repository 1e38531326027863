"""Flask: one view for GET and POST.

app = Flask(__name__)
app.add_url_rule("/wecom", view_func=view(callbacks, router), methods=["GET", "POST"])

What runs after the answer runs when the server closes the response: in the same thread of the server, when the platform has the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from flask import Response
from flask import request as http

from ..core.errors import UsageError
from .doors import MOST_BYTES, Request, Source, answer, door_of
from .router import Router

Background: TypeAlias = Callable[[Callable[[], None]], object]
"""Where work goes that is done after the answer, such as `ThreadPoolExecutor(4).submit`; called before the answer is sent."""


def view(source: Source, router: Router, *, background: Background | None = None, name: str = "callback") -> Callable[[], Response]:
    """Make the view of one callback address; `source` is `Callbacks(…)` or `pay.notifications`.

    A server thread is busy until the work after the answer is done: give `background=executor.submit` where that takes long. `name` is
    the endpoint's, for a second address.
    """
    door = door_of(source)

    def callback() -> Response:
        told = answer(door, router, Request(http.method, http.query_string.decode("latin-1"), dict(http.headers), _read()))
        response = Response(told.body, told.status, told.headers)
        if told.after is not None:
            if background is None:
                response.call_on_close(told.after)
            else:
                background(told.after)
        return response

    callback.__name__ = name
    return callback


def _read() -> bytes:
    """Give the raw body, but not more of it than is needed to know that it is too long."""
    length = http.content_length or 0
    if length > MOST_BYTES:
        return b"\0" * (MOST_BYTES + 1)
    read = bytearray()
    while len(read) <= MOST_BYTES and (part := http.stream.read(MOST_BYTES + 1 - len(read))):
        read += part
    body = bytes(read) or http.get_data()  # somebody may have read and kept it before
    if not body and length:
        raise UsageError(
            "the body of this callback was consumed before it got here (request.form, request.stream): "
            "leave this address out of what reads bodies, such as before_request functions"
        )
    return body
