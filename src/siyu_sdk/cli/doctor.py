"""`siyu doctor`: look whether everything is configured as it has to be."""

from __future__ import annotations

import os
from typing import Annotated

import typer
from attrs import asdict
from rich.markup import escape
from rich.table import Table

from ..core.clock import Clock
from ..core.errors import InputError
from .checks import Finding, examine
from .screen import note, out, show_json

MARKS = {True: "[green]✓[/]", False: "[bold red]✗[/]", None: "[dim]–[/]"}


def doctor(
    ledger: Annotated[str, typer.Option("--ledger", "-l", help="The database of ledger and queue; SIYU_LEDGER unless given.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of a table.")] = False,
) -> None:
    """Check what the environment configures, and say what to fix: exit code 1 where anything is wrong.

    Connection and clock of each platform, its token, a few permissions, allowed addresses; of WeChat Pay the keys and how they belong
    together; the callback's token and key, and its address (SIYU_WECOM_CALLBACK_URL); the ledger and its workers. Nothing is changed,
    no secret is shown.

    Example: [bold]siyu doctor --ledger sqlite:///siyu.db[/]
    """
    findings = list(examine(os.environ, clock=_clock(os.environ.get("SIYU_CLOCK_URL")), ledger=ledger))
    wrong = [finding for finding in findings if finding.ok is False]
    if as_json:
        show_json({"ok": not wrong, "checks": [asdict(finding) for finding in findings]})
    else:
        _show(findings)
        made = [finding for finding in findings if finding.ok is not None]
        left = f"; {len(findings) - len(made)} had nothing to look at" if len(made) < len(findings) else ""
        note((f"{len(wrong)} of {len(made)} checks need attention" if wrong else f"all {len(made)} checks are well") + left)
    if wrong:
        raise typer.Exit(1)


def _clock(url: str | None) -> Clock | None:
    """The sandbox's, where the environment is a sandbox's."""
    if not url:
        return None
    from ..sandbox import RemoteClock

    try:
        clock = RemoteClock(url)
        clock.time()
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or type(error).__name__
        raise InputError(
            f"SIYU_CLOCK_URL: no sandbox's clock can be read there ({reason}): start the sandbox, or unset it", "SIYU_CLOCK_URL"
        ) from None
    return clock


def _show(findings: list[Finding]) -> None:
    table = Table(box=None, padding=(0, 1), show_header=False, pad_edge=False)
    for _ in range(4):
        table.add_column(overflow="fold")
    area = ""
    for finding in findings:
        told = escape(finding.detail) + (f"\n[bold]→ {escape(finding.fix)}[/]" if finding.fix else "")
        table.add_row(MARKS[finding.ok], f"[bold]{escape(finding.area)}[/]" if finding.area != area else "", escape(finding.check), told)
        area = finding.area
    out.print(table)
