from __future__ import annotations

from collections.abc import Iterator

import pytest

from .loopback import Clock, serve
from .servers import postgres_url, redis_for_all, redis_url
from .wechatpay import Keys, make_keys
from .weixin import Weixin

__all__ = ["postgres_url", "redis_for_all", "redis_url"]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def weixin() -> Iterator[Weixin]:
    weixin = Weixin()
    with serve(weixin.reply) as weixin.url:
        yield weixin


@pytest.fixture(scope="session")
def keys() -> Keys:
    return make_keys()
