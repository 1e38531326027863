"""The command line: `siyu`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run `siyu`; gives the exit code. Says how to install what it needs where that is missing."""
    try:
        import rich as _rich  # noqa: F401 -- only whether it is there
        import typer as _typer  # noqa: F401
    except ImportError:
        print('The command line needs typer and rich: pip install "siyu-sdk[cli]"', file=sys.stderr)
        return 2
    from .app import run

    return run()


__all__ = ["main"]
