from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from siyu_sdk import AsyncMiniProgram, MiniProgram

from ..loopback import Clock
from ..weixin import SECRET, Weixin

APPID = "wx5a4db0c5a4db0c02"


@pytest.fixture
def miniprogram(weixin: Weixin, clock: Clock) -> Iterator[MiniProgram]:
    with MiniProgram(APPID, SECRET, base_url=weixin.url, clock=clock) as client:
        yield client


@pytest.fixture
async def async_miniprogram(weixin: Weixin, clock: Clock) -> Any:
    async with AsyncMiniProgram(APPID, SECRET, base_url=weixin.url, clock=clock) as client:
        yield client
