"""The SDK's own clients on the sandbox: strict on one side, strict on the other."""

from __future__ import annotations

import os

import pytest

from siyu_sdk import Siyu
from siyu_sdk.sandbox import Sandbox


def test_every_client_reads_its_platform(sandbox: Sandbox) -> None:
    ids = sandbox.credentials
    with sandbox.wecom_client() as wecom, sandbox.miniprogram_client() as miniprogram, sandbox.pay_client() as pay:
        customers = list(wecom.customers.all(list(sandbox.world.members)))
        assert len(customers) == sum(map(len, sandbox.world.contacts.values()))
        orders = list(miniprogram.shipping.all(page_size=50))
        assert len(orders) == len(sandbox.miniprogram.orders)
        sandbox.pay.signed_by = "both"
        states = {pay.product_coupons.get_stock(ids.product_coupon_id, ids.stock_id, brand_id=ids.brand_id).state for _ in range(2)}
        assert states == {"SENDING"}
    assert sandbox.calls.count("/cgi-bin/gettoken") == 1


def test_the_hub_and_its_environment(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    with sandbox.siyu(ledger="sqlite://") as siyu:
        assert siyu.wecom is not None
        assert siyu.wecom.members.get("amy").name == sandbox.world.members["amy"].name
        assert siyu.clock is sandbox.clock
    for name in [name for name in os.environ if name.startswith("SIYU_")]:
        monkeypatch.delenv(name)
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    with Siyu.from_env() as siyu:
        assert siyu.wecom is not None
        assert siyu.wecom.members.get("amy").userid == "amy"


def test_before_it_starts_there_is_no_address() -> None:
    with pytest.raises(RuntimeError, match="with statement"):
        _ = Sandbox(customers=1).wecom_url
