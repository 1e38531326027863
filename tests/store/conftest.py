from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from siyu_sdk import AsyncStore, Store

from ..loopback import Clock
from ..weixin import SECRET, Weixin

APPID = "wx5a4db0c5a4db0c03"


@pytest.fixture
def store(weixin: Weixin, clock: Clock) -> Iterator[Store]:
    with Store(APPID, SECRET, base_url=weixin.url, clock=clock) as client:
        yield client


@pytest.fixture
async def async_store(weixin: Weixin, clock: Clock) -> Any:
    async with AsyncStore(APPID, SECRET, base_url=weixin.url, clock=clock) as client:
        yield client
