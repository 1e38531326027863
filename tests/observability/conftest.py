"""What is watched: a sandbox, small and quick."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from siyu_sdk.sandbox import Sandbox


@pytest.fixture(scope="module")
def world() -> Iterator[Sandbox]:
    with Sandbox(seed=7, customers=30, members=2, shops=1, days=5) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(world: Sandbox) -> Iterator[Sandbox]:
    world.faults.clear()
    world.calls.clear()
    yield world
    world.faults.clear()
