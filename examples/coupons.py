"""Give everybody a coupon exactly once, confirm each issue, and know who used it. Runs on the sandbox: python examples/coupons.py."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from siyu_sdk import Coupon, Pay, Siyu, SiyuError
from siyu_sdk.sandbox import Sandbox


@contextmanager
def notices(siyu: Siyu, pay: Pay) -> Generator[str]:
    """What stands behind the notify URL: verify, write down and confirm, then answer; 5xx has the platform tell again."""

    class Receiver(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Stay quiet."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            try:
                siyu.coupons.receive(pay.notifications.receive(dict(self.headers.items()), body))
                self.send_response(204)
            except SiyuError as error:
                print("not confirmed:", error)
                self.send_response(500)
            self.send_header("content-length", "0")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/notices"
    server.shutdown()
    server.server_close()


def main() -> None:
    """Plan, apply twice, let a week pass, report."""
    with Sandbox(seed=7, customers=300) as sandbox, sandbox.siyu(ledger="sqlite://") as siyu:
        assert siyu.pay is not None
        ids = sandbox.credentials
        siyu.ledger.learn(siyu.appid, ((login.unionid or "", login.openid) for login in sandbox.logins()))
        # Three answers get lost after the platform has issued the coupon: asking again under the same number gives the same coupon.
        sandbox.faults.add(path="*/users/*/coupons", kind="drop_after_commit", rate=1, times=3)
        with notices(siyu, siyu.pay) as url:
            sandbox.pay_callback_url = url
            coupon = Coupon(ids.product_coupon_id, ids.stock_id, ids.miniprogram_appid, ids.brand_id)
            plan = siyu.coupons.plan("榴莲券", siyu.audience.bought("榴莲", times=2), coupon)
            print(f"{plan.cost.coupons} coupons, at most {plan.cost.max_yuan} yuan; {[f'{c.kind}: {c.count}' for c in plan.conflicts]}")
            siyu.coupons.apply(plan, confirm=plan.fingerprint)
            siyu.coupons.apply(plan, confirm=plan.fingerprint)  # resumes, and finds nothing left to do
            sandbox.advance(days=7)
            siyu.coupons.refresh("榴莲券")
        report = siyu.coupons.report("榴莲券")
        print({str(state): count for state, count in report.total.counts.items()}, f"{report.redeemed_fen / 100:.2f} yuan taken off")
        assert sandbox.invariants() == []


if __name__ == "__main__":
    main()
