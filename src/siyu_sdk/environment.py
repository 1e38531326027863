"""Clients from environment variables: how a worker, a cron job and the command line find their credentials."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from .core.clock import Clock
from .core.errors import InputError


def clients_from(environment: Mapping[str, str], *, is_async: bool, clock: Clock | None = None) -> dict[str, Any]:
    """The arguments of a hub: every platform whose id is set, `SIYU_LEDGER` (URL) and `SIYU_SETTLE` (seconds).

    Keys may be given as PEM text or, with `_FILE` behind the name, as a path.
    """
    import siyu_sdk

    def kind(name: str) -> Any:
        return getattr(siyu_sdk, f"Async{name}" if is_async else name)

    made = dict[str, Any]()
    reader = _Reader(environment, clock)
    if corpid := reader.get("SIYU_WECOM_CORPID"):
        agentid = reader.number("SIYU_WECOM_AGENTID")
        made["wecom"] = kind("WeCom")(
            corpid, reader.need("SIYU_WECOM_CORPSECRET"), agentid=int(agentid) if agentid is not None else None, **reader.options("WECOM")
        )
    if appid := reader.get("SIYU_MINIPROGRAM_APPID"):
        made["miniprogram"] = kind("MiniProgram")(appid, reader.need("SIYU_MINIPROGRAM_SECRET"), **reader.options("MINIPROGRAM"))
    if appid := reader.get("SIYU_STORE_APPID"):
        made["store"] = kind("Store")(appid, reader.need("SIYU_STORE_SECRET"), **reader.options("STORE"))
    if mchid := reader.get("SIYU_PAY_MCHID"):
        certificate = reader.get("SIYU_PAY_CERTIFICATE")
        made["pay"] = kind("Pay")(
            mchid,
            reader.need("SIYU_PAY_SERIAL_NO"),
            reader.need("SIYU_PAY_PRIVATE_KEY"),
            reader.need("SIYU_PAY_API_V3_KEY"),
            public_key=reader.get("SIYU_PAY_PUBLIC_KEY"),
            public_key_id=reader.get("SIYU_PAY_PUBLIC_KEY_ID"),
            certificates=(certificate,) if certificate else (),
            **reader.options("PAY"),
        )
    if not made:
        raise InputError("no platform is configured: set SIYU_WECOM_CORPID and SIYU_WECOM_CORPSECRET at least", "SIYU_WECOM_CORPID")
    if ledger := reader.get("SIYU_LEDGER"):
        made["ledger"] = ledger
    if (settle := reader.number("SIYU_SETTLE")) is not None:
        made["settle"] = timedelta(seconds=settle)
    return made


class _Reader:
    def __init__(self, environment: Mapping[str, str], clock: Clock | None) -> None:
        self._environment, self._clock = environment, clock

    def get(self, name: str) -> str | None:
        if value := self._environment.get(name):
            return value
        if path := self._environment.get(f"{name}_FILE"):
            try:
                return Path(path).read_text(encoding="utf-8").strip()  # editors end a file with a line break, no secret does
            except OSError as error:
                raise InputError(f"{name}_FILE: cannot read {path}: {error.strerror}", name) from None
            except UnicodeDecodeError:
                raise InputError(f"{name}_FILE: {path} is no text", name) from None
        return None

    def number(self, name: str) -> float | None:
        value = self.get(name)
        try:
            return None if value is None else float(value)
        except ValueError:
            raise InputError(f"{name}: a number is expected", name) from None

    def need(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise InputError(f"{name} is not set", name)
        return value

    def options(self, platform: str) -> dict[str, Any]:
        given = {"base_url": self.get(f"SIYU_{platform}_BASE_URL"), "clock": self._clock}
        return {name: value for name, value in given.items() if value is not None}
