"""`siyu demo` as a user runs it."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.chaos
@pytest.mark.timeout(120)
def test_the_demo_tells_the_story_and_holds_it_against_the_books() -> None:
    command = [sys.executable, "-m", "siyu_sdk.cli", "demo", "--seed", "11", "--customers", "300"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for part in ("a second run: 0 changed", "fingerprint", "SIGKILL at", "by member", "nobody got a step twice"):
        assert part in done.stdout
