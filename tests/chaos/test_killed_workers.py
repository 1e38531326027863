"""The SOP survives: a worker that is killed at random moments, and answers that are lost after the platform did the work.

Each round is a world of its own. Afterwards the report is held against the sandbox's books: nothing lost, nothing doubled.
`SIYU_CHAOS_ROUNDS` says how many rounds (3 unless set; a release is made after 100).
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from siyu_sdk import Campaign, Coupon, Message, Siyu, Step
from siyu_sdk.cli.demo import check
from siyu_sdk.ledger import OPEN, State
from siyu_sdk.sandbox import Sandbox
from siyu_sdk.sop.dbos_engine import DBOSEngine

ROUNDS = int(os.environ.get("SIYU_CHAOS_ROUNDS", "3"))
SENDS = ("*/add_msg_template", "/v3/marketing/partner/product-coupon/users/*/coupons")
PATIENCE = 60.0


class Workers:
    """One worker process after another, under one name."""

    def __init__(self, sandbox: Sandbox, ledger: str, folder: Path) -> None:
        self._environment = {**os.environ, **sandbox.environment(), "SIYU_SETTLE": "1.5"}
        self._command = [sys.executable, "-m", "siyu_sdk.cli", "worker", "--ledger", ledger, "--name", "worker-1"]
        self._log = (folder / "worker.log").open("ab")
        self.kills = 0
        self._process: subprocess.Popen[bytes]
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(self._command, env=self._environment, stdout=self._log, stderr=self._log)

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self.kills += 1
        self._start()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)
        self._log.close()


def until_ended(siyu: Siyu, campaign: str, workers: Workers, chance: random.Random, kills: int) -> None:
    """Wait for every open batch; kill the worker at random moments meanwhile."""
    end = time.monotonic() + PATIENCE
    moments = sorted(chance.uniform(0.0, 1.0) for _ in range(kills))
    total = sum(siyu.ledger.counts(campaign).values())
    began = time.monotonic()
    while siyu.ledger.batches(campaign, OPEN):
        assert time.monotonic() < end, f"batches still open after {PATIENCE:.0f} s"
        queued = sum(n for (_, state), n in siyu.ledger.counts(campaign).items() if state == State.QUEUED)
        # By work done, or by time where the work is one batch: a start takes a second or two.
        if moments and (1 - queued / total > moments[0] or time.monotonic() - began > 1.5 + 2 * moments[0]):
            time.sleep(chance.uniform(0, 0.05))
            moments.pop(0)
            workers.kill()
        time.sleep(0.01)


@pytest.mark.chaos
@pytest.mark.timeout(240)
@pytest.mark.parametrize("seed", range(1, ROUNDS + 1))
def test_a_killed_worker_and_lost_answers_lose_nothing_and_double_nothing(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    ledger = f"sqlite:///{tmp_path}/siyu.db"
    with Sandbox(seed=seed, customers=400) as sandbox:
        for path in SENDS:
            sandbox.faults.add(path=path, kind="drop_after_commit", rate=0.02)
        if seed % 2:  # one in fifty is rare among a dozen mass messages: every other round loses one for certain
            sandbox.faults.add(path=SENDS[0], kind="drop_after_commit", rate=1, times=1)
        with sandbox.siyu(ledger=ledger, engine=DBOSEngine(ledger)) as siyu:
            ids = sandbox.credentials
            siyu.ledger.learn(siyu.appid, [(login.unionid or "", login.openid) for login in sandbox.logins()])
            siyu.audience.read()
            coupon = Coupon(ids.product_coupon_id, ids.stock_id, ids.miniprogram_appid, ids.brand_id)
            campaign = Campaign(
                f"chaos-{seed}",
                (
                    Step("coupon", coupon=coupon),
                    Step("tell", message=Message("{{ member }}给您留了一张券"), after="coupon"),
                    Step("remind", message=Message("您的券还没有用"), day=3, after="coupon", when="not redeemed(coupon)"),
                ),
            )
            plan = siyu.sop.plan(campaign, siyu.audience.bought("榴莲", times=1))
            workers = Workers(sandbox, ledger, tmp_path)
            try:
                siyu.sop.apply(plan, confirm=plan.fingerprint)
                until_ended(siyu, campaign.key, workers, chance, kills=1)
                siyu.coupons.refresh(campaign.key)  # no notice reaches anybody here: every coupon is confirmed by asking
                siyu.sop.tick()
                until_ended(siyu, campaign.key, workers, chance, kills=1)
                for _ in range(7):
                    sandbox.advance(timedelta(days=1))
                    siyu.coupons.refresh(campaign.key)
                    siyu.sop.refresh(campaign.key)
                    siyu.sop.tick()
                    until_ended(siyu, campaign.key, workers, chance, kills=0)
                report = siyu.sop.report(campaign.key)
            finally:
                workers.stop()
            assert check(sandbox, siyu, plan, report) == []
            assert workers.kills >= 1
            assert report.total.planned == len(plan.rows)
            assert not any(row.state in (State.HELD, State.REFUSED) for row in report.rows), report.reasons()
