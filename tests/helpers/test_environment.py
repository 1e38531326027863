from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from siyu_sdk import AsyncSiyu, InputError, Siyu, UsageError
from siyu_sdk.wecom.tags import CorpTags

SECRET = "a-secret-0123456789-that-never-shows"


def test_a_hub_from_the_environment_works(shop: Any) -> None:
    with Siyu.from_env({**shop.sandbox.environment(), "SIYU_LEDGER": shop.ledger, "SIYU_SETTLE": "7.5"}, clock=shop.sandbox.clock) as siyu:
        assert len(siyu.audience.read().people) == 80
        assert siyu.settle == timedelta(seconds=7.5)
        assert siyu.ledger.url == shop.ledger
        assert siyu.wecom is not None
        plan = siyu.coupons.plan("gift", shop.some(2, coupons=True), shop.coupon)
        siyu.coupons.apply(plan, confirm=plan.fingerprint)
    assert len(shop.coupons()) == 2


async def test_an_async_hub_from_the_environment_works(shop: Any) -> None:
    async with AsyncSiyu.from_env(shop.sandbox.environment(), ledger=shop.ledger, clock=shop.sandbox.clock) as siyu:
        assert len((await siyu.audience.read()).people) == 80


def test_secrets_may_stand_in_files(shop: Any, tmp_path: Path) -> None:
    environment = shop.sandbox.environment()
    for name in ("SIYU_WECOM_CORPSECRET", "SIYU_PAY_PRIVATE_KEY", "SIYU_PAY_API_V3_KEY", "SIYU_PAY_PUBLIC_KEY"):
        (tmp_path / name).write_text(environment.pop(name) + "\n")  # as an editor leaves it
        environment[f"{name}_FILE"] = str(tmp_path / name)
    with Siyu.from_env(environment, clock=shop.sandbox.clock, ledger=shop.ledger) as siyu:
        assert siyu.send(CorpTags.list()).errcode == 0
        siyu.coupons.plan("gift", shop.some(1, coupons=True), shop.coupon)


@pytest.mark.parametrize(
    "name", ["SIYU_WECOM_CORPSECRET", "SIYU_PAY_SERIAL_NO", "SIYU_PAY_PRIVATE_KEY", "SIYU_PAY_API_V3_KEY", "SIYU_STORE_SECRET"]
)
def test_what_is_missing_is_named(shop: Any, name: str) -> None:
    environment = {k: v for k, v in shop.sandbox.environment().items() if k != name}
    with pytest.raises(InputError, match=f"{name} is not set") as caught:
        Siyu.from_env(environment)
    assert caught.value.field == name


def test_nothing_at_all_is_named_too_and_the_process_environment_is_not_taken_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIYU_WECOM_CORPID", "ww1")
    monkeypatch.setenv("SIYU_WECOM_CORPSECRET", SECRET)
    assert "ww1" in repr(Siyu.from_env())
    with pytest.raises(InputError, match="SIYU_WECOM_CORPID"):
        Siyu.from_env({})


@pytest.mark.parametrize(("name", "value"), [("SIYU_WECOM_AGENTID", SECRET), ("SIYU_SETTLE", "soon")])
def test_what_is_no_number_is_named(name: str, value: str) -> None:
    with pytest.raises(InputError, match=name) as caught:
        Siyu.from_env({"SIYU_WECOM_CORPID": "ww1", "SIYU_WECOM_CORPSECRET": SECRET, name: value})
    assert SECRET not in str(caught.value)


def test_a_file_that_cannot_be_read_is_named_and_shows_nothing(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe" + SECRET.encode())
    for path in (tmp_path / "none", tmp_path, tmp_path / "binary"):
        with pytest.raises(InputError, match="SIYU_WECOM_CORPSECRET_FILE") as caught:
            Siyu.from_env({"SIYU_WECOM_CORPID": "ww1", "SIYU_WECOM_CORPSECRET_FILE": str(path)})
        assert SECRET not in str(caught.value)


def test_a_broken_key_shows_nothing(shop: Any) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011 -- whichever it is, it must not show the key
        Siyu.from_env(
            {**shop.sandbox.environment(), "SIYU_PAY_PRIVATE_KEY": f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----"}
        )
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value)


def test_a_platform_that_the_hub_does_not_have_is_an_error() -> None:
    with Siyu.from_env({"SIYU_PAY_MCHID": ""} | {"SIYU_MINIPROGRAM_APPID": "wx1", "SIYU_MINIPROGRAM_SECRET": SECRET}) as siyu:
        assert SECRET not in repr(siyu)
        with pytest.raises(UsageError, match="wecom"):
            siyu.send(CorpTags.list())
