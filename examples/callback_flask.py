"""Callbacks of WeCom and notices of WeChat Pay in one Flask app. Runs on the sandbox: python examples/callback_flask.py."""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator
from contextlib import contextmanager

from flask import Flask
from werkzeug.serving import make_server

from siyu_sdk import Event, Siyu
from siyu_sdk.callbacks import Context, Router
from siyu_sdk.callbacks.flask import view
from siyu_sdk.pay.events import ProductCouponReceived
from siyu_sdk.sandbox import Sandbox
from siyu_sdk.wecom.callbacks import Callbacks
from siyu_sdk.wecom.events import AddExternalContact


def application(callbacks: Callbacks, siyu: Siyu, router: Router) -> Flask:
    """The app: two addresses, one router."""
    assert siyu.wecom is not None
    assert siyu.pay is not None
    wecom = siyu.wecom

    @router.on(AddExternalContact)  # short enough for the five seconds: no after_reply
    def welcome(event: AddExternalContact) -> None:
        if event.welcome_code:
            wecom.welcome.send(event.welcome_code, text={"content": "你好，欢迎光临！"})

    @router.on(ProductCouponReceived)
    def confirm(_: ProductCouponReceived, context: Context) -> None:
        assert context.notification is not None
        siyu.coupons.receive(context.notification)  # written down and confirmed, or the notice comes again

    @router.failed
    def keep(event: Event, error: Exception, _: Context) -> None:
        print(f"given up: {type(event).__name__}: {error}")

    app = Flask(__name__)
    app.add_url_rule("/wecom", view_func=view(callbacks, router), methods=["GET", "POST"])
    app.add_url_rule("/pay", view_func=view(siyu.pay.notifications, router, name="pay"), methods=["POST"])
    return app


@contextmanager
def served(app: Flask) -> Generator[str]:
    """The app on a free port, in a thread of this process. In production: gunicorn, uWSGI, mod_wsgi."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


def main() -> None:
    """A customer comes and is greeted; a customer gets a coupon, and the notice of it is confirmed."""
    with Sandbox(seed=7, customers=60) as sandbox, sandbox.siyu(ledger="sqlite://") as siyu:
        ids = sandbox.credentials
        callbacks = Callbacks(ids.callback_token, ids.callback_aes_key, ids.corpid)
        with served(application(callbacks, siyu, Router(clock=sandbox.clock))) as url:
            sandbox.wecom_callback_url, sandbox.pay_callback_url = f"{url}/wecom", f"{url}/pay"
            print("the console accepts the address:", sandbox.wecom.verify_url())
            customer = sandbox.wecom.customer_adds("amy")
            assert siyu.pay is not None
            login = next(login for login in sandbox.logins())
            siyu.pay.product_coupons.send(
                login.openid,
                appid=ids.miniprogram_appid,
                product_coupon_id=ids.product_coupon_id,
                stock_id=ids.stock_id,
                send_request_no="example-1",
                brand_id=ids.brand_id,
            )
            sandbox.advance(minutes=1)
        print([message.text for message in sandbox.inbox(customer)])
        print([coupon.state for coupon in sandbox.wallet(login.openid)])
        assert len(sandbox.inbox(customer)) == 1
        assert {attempt.status for push in (sandbox.wecom.push, sandbox.pay.push) for attempt in push.attempts} == {200, 204}


if __name__ == "__main__":
    main()
