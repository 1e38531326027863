"""Spans, metrics, hooks and log lines of calls that go well, that are refused, and that are lost."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from attrs import define

pytest.importorskip("opentelemetry.sdk")
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, get_current_span

from siyu_sdk import AsyncWeCom, Attempt, Gather, Hooks, NotFound, OutcomeUnknown, RateLimited, SiyuError
from siyu_sdk.core.hooks import Sending
from siyu_sdk.limits import Limit
from siyu_sdk.sandbox import Sandbox
from siyu_sdk.telemetry import instrument
from siyu_sdk.wecom.customers import Customers
from siyu_sdk.wecom.mass_messages import MassMessages

GET = "/cgi-bin/externalcontact/get"
LIST = "/cgi-bin/externalcontact/get_follow_user_list"


@define
class Seen:
    hooks: Hooks
    provider: TracerProvider
    exporter: InMemorySpanExporter
    reader: InMemoryMetricReader

    def spans(self, name: str = "") -> list[Any]:
        return [span for span in self.exporter.get_finished_spans() if name in span.name]

    def points(self, name: str) -> list[Any]:
        data = self.reader.get_metrics_data()
        found = [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics if m.name == name] if data else []
        return [point for metric in found for point in metric.data.data_points]


@pytest.fixture
def seen() -> Iterator[Seen]:
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers, meters = TracerProvider(), MeterProvider([reader])
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    yield Seen(instrument(tracers, meters), tracers, exporter, reader)
    tracers.shutdown()
    meters.shutdown()


def test_a_call_is_a_span_and_the_token_for_it_one_inside(sandbox: Sandbox, seen: Seen) -> None:
    with sandbox.wecom_client(hooks=seen.hooks) as wecom:
        wecom.customers.follow_users()
        wecom.customers.follow_users()
    token, first, second = seen.spans()
    assert (token.name, first.name) == ("GET /cgi-bin/gettoken", f"GET {LIST}")
    assert token.parent.span_id == first.context.span_id
    assert first.parent is None
    assert second.parent is None
    assert first.kind is SpanKind.CLIENT
    assert first.attributes["http.route"] == first.attributes["url.template"] == LIST
    assert first.attributes["http.request.method"] == "GET"
    assert first.attributes["server.address"] == "127.0.0.1"
    assert first.attributes["server.port"] == int(sandbox.wecom_url.rpartition(":")[2])
    assert first.attributes["http.response.status_code"] == 200
    assert first.attributes["siyu.platform"] == "wecom"
    assert (first.attributes["siyu.attempts"], first.attributes["siyu.token.refreshes"]) == (1, 0)
    assert first.status.status_code is StatusCode.UNSET
    assert [event.name for event in first.events] == ["attempt"]
    assert sum(point.count for point in seen.points("http.client.request.duration")) == 3
    assert seen.points("siyu.retries") == []


def test_a_refusal_a_retry_and_a_refresh_are_told_apart(sandbox: Sandbox, seen: Seen) -> None:
    sandbox.faults.add(path=f"*{LIST}", kind="http_500", times=1)
    with sandbox.wecom_client(hooks=seen.hooks) as wecom:
        wecom.customers.follow_users()
        sandbox.wecom.tokens.void()
        wecom.customers.follow_users()
        with pytest.raises(NotFound):
            wecom.customers.get("nobody")
    retried, refreshed = seen.spans(LIST)
    assert [event.name for event in retried.events] == ["attempt", "retry", "attempt"]
    assert retried.attributes["siyu.attempts"] == 2
    assert retried.attributes["http.request.resend_count"] == 1
    assert refreshed.attributes["siyu.token.refreshes"] == 1
    (refused,) = seen.spans(f"GET {GET}")[-1:]
    assert refused.status.status_code is StatusCode.ERROR
    assert refused.attributes["error.type"] == "NotFound"
    assert refused.attributes["siyu.errcode"] == "84061"
    assert refused.attributes["siyu.request_id"]
    assert [point.value for point in seen.points("siyu.retries")] == [1]
    assert [point.value for point in seen.points("siyu.token.refreshes")] == [1]
    kinds = {point.attributes.get("error.type") for point in seen.points("http.client.request.duration")}
    assert {None, "TokenExpired", "NotFound"} < kinds
    codes = {point.attributes.get("siyu.errcode") for point in seen.points("http.client.request.duration")}
    assert {None, "84061"} < codes
    assert refused.events[0].attributes["siyu.errcode"] == "84061"


def test_a_call_that_is_lost_on_the_way_is_an_error_without_status(sandbox: Sandbox, seen: Seen) -> None:
    sandbox.faults.add(path="*/remind_groupmsg_send", kind="reset")
    with sandbox.wecom_client(hooks=seen.hooks) as wecom, pytest.raises(OutcomeUnknown):
        wecom.send(MassMessages.remind("m1"))
    (span,) = seen.spans("remind")
    assert span.attributes["error.type"] == "OutcomeUnknown"
    assert "http.response.status_code" not in span.attributes


def test_the_time_in_line_is_part_of_the_span(sandbox: Sandbox, seen: Seen) -> None:
    with sandbox.wecom_client(hooks=seen.hooks, limits={LIST: Limit(per_second=1)}) as wecom:
        wecom.customers.follow_users()
        wecom.customers.follow_users()
    span = seen.spans(LIST)[-1]
    assert 0.5 < span.attributes["siyu.limiter.wait"] < 2
    (point,) = seen.points("siyu.limiter.wait")
    assert point.count == 1


@pytest.mark.parametrize("mode", ["threads", "tasks"])
async def test_what_is_gathered_belongs_to_who_gathers(sandbox: Sandbox, seen: Seen, mode: str) -> None:
    ids = sandbox.credentials
    calls = [Customers.follow_users() for _ in range(12)]
    with seen.provider.get_tracer("app").start_as_current_span("job") as job:
        if mode == "tasks":
            async with AsyncWeCom(ids.corpid, ids.corpsecret, base_url=sandbox.wecom_url, clock=sandbox.clock, hooks=seen.hooks) as wecom:
                outcomes = await wecom.run(iter(Gather(calls)))
        else:
            with sandbox.wecom_client(hooks=seen.hooks) as plain:
                outcomes = await asyncio.to_thread(plain.run, iter(Gather(calls)))
        assert get_current_span() is job, "nothing stays behind"
    assert not any(isinstance(outcome, SiyuError) for outcome in outcomes)
    spans = seen.spans(LIST)
    assert len(spans) == 12
    assert {span.parent.span_id for span in spans} == {job.get_span_context().span_id}
    assert seen.spans("gettoken")[0].parent.span_id in {span.context.span_id for span in spans}


async def test_a_cancelled_call_ends_its_span(sandbox: Sandbox, seen: Seen) -> None:
    sandbox.faults.add(path=f"*{LIST}", kind="slow", seconds=0.5)
    ids = sandbox.credentials
    async with AsyncWeCom(ids.corpid, ids.corpsecret, base_url=sandbox.wecom_url, clock=sandbox.clock, hooks=seen.hooks) as wecom:
        task = asyncio.create_task(wecom.customers.follow_users())
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    (span,) = seen.spans(LIST)
    assert span.status.status_code is StatusCode.ERROR


def test_a_call_that_is_held_back_for_too_long_is_an_error_with_no_attempt(sandbox: Sandbox, seen: Seen) -> None:
    with sandbox.wecom_client(hooks=seen.hooks, limits={LIST: Limit(per_day=1)}) as wecom:
        wecom.customers.follow_users()
        with pytest.raises(RateLimited):
            wecom.customers.follow_users()
    span = seen.spans(LIST)[-1]
    assert span.attributes["siyu.attempts"] == 0
    assert span.attributes["siyu.errcode"] == "held_back"


# Hooks and the log


def test_hooks_see_the_whole_of_a_call(sandbox: Sandbox) -> None:
    told: list[str] = []
    ends: list[Sending] = []

    def note(name: str) -> Any:
        return lambda event: told.append(f"{name} {event.path.rpartition('/')[2]}")

    hooks = Hooks(*(note(name) for name in ("request", "response", "retry", "begin", "end"))) + Hooks(on_end=ends.append)
    sandbox.faults.add(path=f"*{LIST}", kind="errcode", code=45033, times=1)
    with sandbox.wecom_client(hooks=hooks) as wecom:
        wecom.customers.follow_users()
    name = LIST.rpartition("/")[2]
    assert told == [
        f"begin {name}",
        "begin gettoken",
        "request gettoken",
        "response gettoken",
        "end gettoken",
        f"request {name}",
        f"response {name}",
        f"retry {name}",
        f"request {name}",
        f"response {name}",
        f"end {name}",
    ]
    assert [(end.attempts, end.error) for end in ends] == [(1, None), (2, None)]
    assert 0 < ends[1].elapsed < 5


def test_hooks_of_one_kind_alone(sandbox: Sandbox) -> None:
    retries: list[Attempt] = []
    sandbox.faults.add(path=f"*{LIST}", kind="errcode", code=45033, times=1)
    with sandbox.wecom_client(hooks=Hooks(on_retry=retries.append)) as wecom:
        wecom.customers.follow_users()
    (retry,) = retries
    assert isinstance(retry.error, RateLimited)
    assert retry.pause is not None
    assert (retry.number, retry.status) == (1, 200)
    assert not Hooks().watching


def test_successes_are_debug_and_what_went_wrong_is_info(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "siyu_sdk")
    sandbox.faults.add(path=f"*{LIST}", kind="errcode", code=45033, times=1)
    with sandbox.wecom_client() as wecom:
        wecom.customers.follow_users()
        sandbox.wecom.tokens.void()
        wecom.customers.follow_users()
    lines = [(record.levelname, record.message) for record in caplog.records if LIST in record.message]
    assert [level for level, _ in lines] == ["INFO", "DEBUG", "INFO", "DEBUG"]
    assert "attempt 1: RateLimited" in lines[0][1]
    assert "again in" in lines[0][1]
    assert lines[2][1].endswith("; the credential is renewed")
    assert "attempt 1: 200 in" in lines[3][1]


def test_core_knows_nothing_of_opentelemetry() -> None:
    import subprocess

    code = "import sys, siyu_sdk; siyu_sdk.WeCom; sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
