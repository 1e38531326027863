"""The commands, put together."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from .._version import __version__
from ..core.errors import SiyuError, UsageError
from . import doctor, inspecting, running
from .screen import complain, out


class _Commands(TyperGroup):
    """Brings in `siyu demo` only where it is asked for: it loads the whole package."""

    def list_commands(self, ctx: Any) -> list[str]:
        return ["demo", *super().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name != "demo":
            return super().get_command(ctx, cmd_name)
        alone = typer.Typer(add_completion=False, rich_markup_mode="rich")
        try:
            demo = importlib.import_module(f"{__package__}.demo").demo
        except UsageError as missing:  # an extra: the other commands do without
            demo = _unavailable(str(missing))
        alone.command("demo", help=_flowing(demo.__doc__ or ""))(demo)
        return typer.main.get_command(alone)


def _unavailable(reason: str) -> Callable[[], None]:
    def demo() -> None:
        raise UsageError(reason)

    demo.__doc__ = f"Not available here: {escape(reason)}"
    return demo


app = typer.Typer(
    name="siyu",
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,  # its tracebacks show local variables, and those hold secrets
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Credentials come from the environment (SIYU_WECOM_CORPID, SIYU_WECOM_CORPSECRET, SIYU_PAY_MCHID …) and are never printed.",
)


def _flowing(text: str) -> str:
    """A docstring as paragraphs: line ends inside of them are ours, not the terminal's."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def _version(asked: bool) -> None:
    if asked:
        out.print(__version__)
        raise typer.Exit


@app.callback()
def siyu(
    version: Annotated[bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)] = False,
) -> None:
    """Private-domain operation (私域运营) in the WeChat ecosystem: see it run, look things up, send single calls, run workers."""


for command in (running.sandbox, running.worker, doctor.doctor, inspecting.endpoints, inspecting.call, inspecting.explain):
    app.command(help=_flowing(command.__doc__ or ""))(command)


@app.command()
def version() -> None:
    """Show the version of siyu_sdk."""
    out.print(__version__)


def run(arguments: list[str] | None = None) -> int:
    """Run a command line; gives the exit code. Errors of ours end as one sentence, without a traceback."""
    try:
        code: Any = app(arguments, prog_name="siyu")
    except SystemExit as end:
        code = end.code
    except UsageError as error:
        complain(str(error))
        return 2
    except SiyuError as error:
        if os.environ.get("SIYU_TRACEBACK"):
            raise
        complain(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    return code if isinstance(code, int) else 0
