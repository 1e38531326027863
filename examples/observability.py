"""What can be seen of calls: limits, log lines, hooks and spans. Needs opentelemetry-sdk; runs on the sandbox."""

from __future__ import annotations

import logging
from collections import Counter

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from siyu_sdk import Gather, Hooks, SiyuError
from siyu_sdk.core.hooks import Sending
from siyu_sdk.limits import Limit, rules_for
from siyu_sdk.sandbox import Sandbox
from siyu_sdk.telemetry import instrument
from siyu_sdk.wecom.customers import Customers

MARK = "/cgi-bin/externalcontact/mark_tag"


def main() -> None:
    """Tag customers while the platform has its moods, and look at what that took."""
    logging.basicConfig(format="%(levelname)-5s %(message).110s")
    logging.getLogger("siyu_sdk").setLevel(logging.INFO)
    for figure in rules_for("wecom", MARK):
        if figure.enforced:
            print(f"{figure.limit:>7} in {figure.seconds} s, counted by {figure.scope}")

    ends: list[Sending] = []
    spans = InMemorySpanExporter()  # an application has an exporter to its own collector here
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    hooks = instrument(provider) + Hooks(on_end=ends.append)

    with Sandbox(seed=7, customers=60) as sandbox:
        sandbox.faults.add(path="*/mark_tag", kind="errcode", code=45033, times=2)  # «too many at once»
        sandbox.faults.add(path="*/mark_tag", kind="http_500", times=1)
        with sandbox.wecom_client(hooks=hooks, limits={MARK: Limit(concurrent=3)}) as wecom:
            members = wecom.customers.follow_users().follow_user
            pairs = [(member, one.external_userid) for member in members for one in wecom.customers.all([member])]
            tag = wecom.tags.add(group_name="水果", tag=[{"name": "榴莲"}]).tag_group.tag[0]
            marks = [Customers.mark_tag(member, customer, add_tag=[tag.id]) for member, customer in pairs]
            outcomes = wecom.run(iter(Gather(marks)))
            sandbox.wecom.tokens.void()  # a second system has fetched a token
            wecom.customers.follow_users()

    failed = [outcome for outcome in outcomes if isinstance(outcome, SiyuError)]
    print(f"{len(outcomes)} customers tagged, {len(failed)} failed")
    print(f"{sum(end.attempts for end in ends)} attempts for {len(ends)} calls, {sum(end.refreshes for end in ends)} token replaced")
    print(f"waited {sum(end.waited for end in ends):.2f} s in line")
    for name, count in Counter(span.name for span in spans.get_finished_spans()).most_common():
        print(f"{count:4} spans {name}")
    provider.shutdown()
    assert not failed


if __name__ == "__main__":
    main()
