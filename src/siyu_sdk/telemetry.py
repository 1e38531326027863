"""OpenTelemetry: a span for each call, its attempts as events, and four metrics, after the semantic conventions for HTTP clients.

hooks = instrument()                                     # the application's tracer and meter providers
wecom = WeCom(corpid, corpsecret, hooks=hooks)

Only the path as declared is recorded, never a query, a body or a header: there is no credential and no customer in a trace. Needs
`pip install "siyu-sdk[otel]"`, and whatever exports what is recorded.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from ._version import __version__
from .core.errors import ApiError, UsageError
from .core.hooks import Attempt, Hooks, Sending

try:
    from opentelemetry import context, metrics, trace
    from opentelemetry.trace import SpanKind, Status, StatusCode
except ImportError:  # pragma: no cover -- an environment without the extra
    raise UsageError('telemetry needs OpenTelemetry: pip install "siyu-sdk[otel]"') from None

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

NAME: Final = "siyu_sdk"
BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Seconds; those that the conventions ask for."""


def instrument(tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None) -> Hooks:
    """Make hooks that trace and measure; the global providers unless said otherwise. `instrument() + other_hooks` has both.

    One span for each call, named like `GET /cgi-bin/externalcontact/get`; fetching a token for it is a span inside. Attributes:
    `http.request.method`, `url.template` and `http.route` (the path as declared), `server.address`, `server.port`,
    `http.response.status_code`, `error.type`, `siyu.platform`, `siyu.errcode`, `siyu.request_id`, `siyu.attempts`,
    `siyu.token.refreshes`, `siyu.limiter.wait` (seconds). Metrics: `http.client.request.duration` (one for each attempt),
    `siyu.retries`, `siyu.token.refreshes`, `siyu.limiter.wait`; of the first two `error.type` and `siyu.errcode` tell why.
    """
    watch = _Watch(tracer_provider, meter_provider)
    return Hooks(on_response=watch.attempted, on_retry=watch.retried, on_begin=watch.begin, on_end=watch.end)


class _Watch:
    def __init__(self, tracer_provider: TracerProvider | None, meter_provider: MeterProvider | None) -> None:
        self._tracer = trace.get_tracer(NAME, __version__, tracer_provider)
        meter = metrics.get_meter(NAME, __version__, meter_provider)
        self._duration = meter.create_histogram(
            "http.client.request.duration", "s", "Duration of HTTP client requests.", explicit_bucket_boundaries_advisory=BUCKETS
        )
        self._retries = meter.create_counter("siyu.retries", "{retry}", "Attempts that followed a failed one.")
        self._refreshes = meter.create_counter("siyu.token.refreshes", "{refresh}", "Tokens that were refused and replaced.")
        self._waits = meter.create_histogram("siyu.limiter.wait", "s", "Time for which a limit held calls back.")

    def begin(self, sending: Sending) -> None:
        name = f"{sending.method} {sending.path}"
        span = self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=_attributes(sending))
        sending.notes["span"] = span
        sending.notes["attached"] = context.attach(trace.set_span_in_context(span))

    def attempted(self, attempt: Attempt) -> None:
        sending = attempt.sending
        if sending is None:
            return
        outcome: dict[str, Any] = {}
        if attempt.status is not None:
            outcome["http.response.status_code"] = attempt.status
        if attempt.error is not None:
            outcome |= _failure(attempt.error)
        self._duration.record(attempt.elapsed, _attributes(sending) | outcome)
        span = sending.notes.get("span")
        if span is not None:
            span.add_event("attempt", {"siyu.attempt": attempt.number, "siyu.duration": attempt.elapsed, **outcome})
            if attempt.status is not None:
                span.set_attribute("http.response.status_code", attempt.status)

    def retried(self, attempt: Attempt) -> None:
        sending = attempt.sending
        if sending is None:
            return
        self._retries.add(1, _attributes(sending) | (_failure(attempt.error) if attempt.error is not None else {}))
        span = sending.notes.get("span")
        if span is not None:
            span.add_event("retry", {"siyu.attempt": attempt.number, "siyu.pause": attempt.pause or 0.0})

    def end(self, sending: Sending) -> None:
        labels = _attributes(sending)
        if sending.refreshes:
            self._refreshes.add(sending.refreshes, labels)
        if sending.waited > 0:
            self._waits.record(sending.waited, labels)
        attached, span = sending.notes.pop("attached", None), sending.notes.pop("span", None)
        if attached is not None:
            with suppress(ValueError):  # a call that is dropped in another context than it began in
                context.detach(attached)
        if span is None:
            return
        span.set_attributes(
            {"siyu.attempts": sending.attempts, "siyu.token.refreshes": sending.refreshes, "siyu.limiter.wait": sending.waited}
        )
        if sending.attempts > 1:
            span.set_attribute("http.request.resend_count", sending.attempts - 1)
        if sending.error is not None:
            span.set_attributes(_failure(sending.error))
            if isinstance(sending.error, ApiError):
                span.set_attribute("siyu.request_id", sending.error.request_id)
            span.set_status(Status(StatusCode.ERROR, _kind(sending.error)))
        span.end()


def _attributes(sending: Sending) -> dict[str, Any]:
    place = urlsplit(sending.base_url)
    return {
        "http.request.method": sending.method,
        "http.route": sending.path,
        "url.template": sending.path,
        "server.address": place.hostname or "",
        "server.port": place.port or (443 if place.scheme == "https" else 80),
        "siyu.platform": sending.platform,
    }


def _failure(error: BaseException) -> dict[str, str]:
    return {"error.type": _kind(error)} | ({"siyu.errcode": str(error.code)} if isinstance(error, ApiError) else {})


def _kind(error: BaseException) -> str:
    """The class of the error; the platform's words may name people."""
    return type(error).__name__
