"""Tag buyers by name, plan a mass message, apply it, and see what came of it. Runs on the sandbox: python examples/broadcast.py."""

from __future__ import annotations

from siyu_sdk import Message
from siyu_sdk.sandbox import Sandbox
from siyu_sdk.wecom.messages import Link


def main() -> None:
    """Plan, apply, remind, report."""
    with Sandbox(seed=7, customers=300) as sandbox, sandbox.siyu(ledger="sqlite://") as siyu:
        siyu.ledger.learn(siyu.appid, ((login.unionid or "", login.openid) for login in sandbox.logins()))

        bought = siyu.audience.bought("榴莲", times=2, within_days=90)
        tagged = siyu.tags.apply(bought, add=["购买/榴莲"])
        print(f"{tagged.changed} relations tagged; a second run changes {siyu.tags.apply(bought, add=['购买/榴莲']).changed}")

        message = Message("榴莲到店了，给您留两个？", (Link(title="到店时间", url="https://example.com/durian"),))
        plan = siyu.broadcast.plan("榴莲到店", siyu.audience.tagged("购买/榴莲").added_before(days=7), message)
        print(plan.table(limit=5))
        print(plan.cost)
        for conflict in plan.conflicts:
            print(f"{conflict.kind}: {conflict.count}, e.g. {conflict.examples}")

        siyu.broadcast.apply(plan, confirm=plan.fingerprint)
        sandbox.advance(hours=5)
        print(siyu.broadcast.remind("榴莲到店"), "tasks reminded")
        sandbox.advance(days=2)

        report = siyu.broadcast.report("榴莲到店")
        print(f"sent {report.sent}, waiting {report.awaiting_member}, gone {report.not_friend}, over the cap {report.over_limit}")
        for member in report.by_member():
            print(f"  {member.name}: {member.reached} of {member.planned}")
        assert sandbox.invariants() == []


if __name__ == "__main__":
    main()
