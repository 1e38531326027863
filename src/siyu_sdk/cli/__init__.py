"""The command line: `siyu`."""

from __future__ import annotations

import sys
from importlib.util import find_spec


def main() -> int:
    """Run `siyu`; gives the exit code. Says how to install what it needs where that is missing."""
    if not (find_spec("typer") and find_spec("rich")):
        print('The command line needs typer and rich: pip install "siyu-sdk[cli]"', file=sys.stderr)
        return 2
    from .app import run

    return run()


__all__ = ["main"]
