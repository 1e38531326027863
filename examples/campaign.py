"""Coupon today, message once it is there, reminder on day three: a campaign of several steps. Runs on the sandbox."""

from __future__ import annotations

from datetime import time

from siyu_sdk import Campaign, Coupon, Message, Siyu, Step
from siyu_sdk.sandbox import Sandbox

NAME = "durian-11"


def look_after(siyu: Siyu) -> None:
    """What cron does every hour: ask the platforms, then take the steps that are due."""
    siyu.coupons.refresh(NAME)
    siyu.sop.refresh(NAME)
    siyu.sop.tick()


def main() -> None:
    """Plan, apply, let a week pass, report."""
    with Sandbox(seed=7, customers=300) as sandbox, sandbox.siyu(ledger="sqlite://") as siyu:
        ids = sandbox.credentials
        siyu.ledger.learn(siyu.appid, [(login.unionid, login.openid) for login in sandbox.logins() if login.unionid])
        campaign = Campaign(
            NAME,
            (
                Step("coupon", coupon=Coupon(ids.product_coupon_id, ids.stock_id, ids.miniprogram_appid, ids.brand_id)),
                Step("tell", message=Message("券已放进卡包，本周有效"), after="coupon"),
                Step("remind", message=Message("您的榴莲券还没用"), day=3, at=time(10), after="coupon", when="not redeemed(coupon)"),
            ),
            stop_when=("redeemed(coupon)",),
        )
        plan = siyu.sop.plan(campaign, siyu.audience.bought("榴莲", times=2))
        print(f"{plan.cost.coupons} coupons, {plan.cost.messages} messages, {plan.cost.confirmations} confirmations; {plan.fingerprint}")
        siyu.sop.apply(plan, confirm=plan.fingerprint)
        look_after(siyu)  # the coupons are confirmed: now people are told
        for _ in range(7):
            sandbox.advance(days=1)
            look_after(siyu)

        report = siyu.sop.report(NAME)
        for step in report.by_step():
            print(f"{step.name:8}", {str(state): count for state, count in step.counts.items()})
        print(report.reasons())
        print(f"coupons took off {report.redeemed_fen / 100:.2f} yuan")
        assert report.total.planned == len(plan.rows)
        assert sandbox.invariants() == []


if __name__ == "__main__":
    main()
