"""Commands that keep running: the worker and the sandbox."""

from __future__ import annotations

import logging
import os
import shlex
import signal
import threading
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from ..core.errors import InputError
from .screen import err, note, out

if TYPE_CHECKING:
    from ..siyu import Siyu

LEDGER = "sqlite:///siyu.db"


def hub(**more: str) -> Siyu:
    """The hub that the environment, and `more` of it, describes; beside a sandbox in another process, in the sandbox's time."""
    from ..siyu import Siyu

    environment = {**os.environ, **more}
    options: dict[str, Any] = {}
    if url := environment.get("SIYU_CLOCK_URL"):
        from ..sandbox import RemoteClock

        options["clock"] = RemoteClock(url)
    return Siyu.from_env(environment, **options)


def worker(
    name: Annotated[
        str, typer.Option("--name", "-n", help="Who this worker is: the same after a restart, another for each process.")
    ] = "worker-1",
    ledger: Annotated[str, typer.Option("--ledger", "-l", envvar="SIYU_LEDGER", help="The database of ledger and queue.")] = LEDGER,
    concurrency: Annotated[int, typer.Option("--concurrency", "-c", min=1, help="How many batches are worked on at a time.")] = 4,
    queue: Annotated[str, typer.Option("--queue", "-q", help="The queue to take batches from.")] = "siyu",
    silence: Annotated[float, typer.Option(min=1, help="Seconds after which a worker that shows no sign of life counts as dead.")] = 15.0,
) -> None:
    """Carry broadcasts, coupons and sequences to their end, until Ctrl-C or SIGTERM.

    Run as many as you like, on one machine (SQLite) or many (PostgreSQL), each under its own name. A worker that dies loses nothing and
    sends nothing twice: it goes on when it is started again, and if it is not, the others take over its work.

    Example: [bold]siyu worker --ledger postgresql+psycopg://siyu@db/siyu --name worker-2[/]
    """
    from ..sop.worker import Worker

    _log_to_screen()
    with hub(SIYU_LEDGER=ledger) as siyu:
        made = Worker(siyu, ledger, name=name, queue=queue, concurrency=concurrency, silence=silence)
        err.print(f"[bold]{escape(name)}[/] works on {escape(made.address)}, {concurrency} at a time. Ctrl-C stops it; nothing is lost.")
        code = made.run()
    err.print(f"[bold]{escape(name)}[/] has stopped.")
    raise typer.Exit(code)


def _log_to_screen() -> None:
    from rich.logging import RichHandler

    ours = logging.getLogger("siyu_sdk")  # ours alone: others log addresses, and those have tokens in them
    ours.addHandler(RichHandler(console=err, show_path=False))
    ours.setLevel(logging.INFO)
    ours.propagate = False


def sandbox(
    port: Annotated[int, typer.Option("--port", min=0, max=65531, help="The first of five ports in a row; 0 takes free ones.")] = 8700,
    seed: Annotated[int, typer.Option("--seed", help="Decides on people, orders and chance: the same seed, the same world.")] = 7,
    customers: Annotated[int, typer.Option("--customers", min=0, help="How many customers the shops have.")] = 2000,
    env_file: Annotated[
        Path | None,
        typer.Option("--env-file", help="Write the settings there instead of printing them.", show_default=False, dir_okay=False),
    ] = None,
) -> None:
    """Run a fake WeChat on this machine: WeCom, mini-program, store and Pay, with people who behave like people. Until Ctrl-C.

    Its credentials are made up and good for nothing else. In another terminal, set them and use siyu_sdk as if it were the real thing.

    Example: [bold]siyu sandbox --env-file sandbox.env[/], then [bold]source sandbox.env[/] elsewhere
    """
    from ..sandbox import Sandbox
    from ..sandbox.clock import beijing

    try:
        world = Sandbox(seed=seed, port=port, customers=customers).start()
    except OSError as error:
        raise InputError(
            f"--port: cannot listen on {port} to {port + 4}: {error.strerror or error}; choose another, or 0 for free ones", "port"
        ) from None
    try:
        lines = [f"export {name}={shlex.quote(value)}" for name, value in world.environment().items()]
        at = f"{beijing(world.clock.time()):%A %H:%M}"
        out.print(f"[bold]The sandbox is up[/], seed {seed}, {customers} customers. There it is {at} in Beijing.\n")
        for title, url in (
            ("WeCom", world.wecom_url),
            ("mini-program", world.miniprogram_url),
            ("store", world.store_url),
            ("Pay", world.pay_url),
            ("control", world.control_url),
        ):
            out.print(f"  {title:<13}{url}")
        if env_file is None:
            out.print("\nSettings for another terminal:\n")
            print("\n".join(lines), flush=True)
            source = ""
        else:
            env_file.write_text("\n".join(lines) + "\n", encoding="utf-8")
            source = f"source {shlex.quote(str(env_file))}\n"
        out.print(f"\nTry there:\n\n{escape(_things_to_try(source, world.control_url))}")
        note("Ctrl-C stops it.")
        _wait()
    finally:
        world.stop()


def _things_to_try(source: str, control_url: str) -> str:
    lines = [
        *source.splitlines(),
        "siyu call GET /cgi-bin/externalcontact/get_follow_user_list --send",
        """python -c 'from siyu_sdk import Siyu; print(Siyu.from_env().tags.ensure("购买/榴莲"))'""",
        "siyu worker --name worker-1",
        f"curl -X POST {control_url}/advance -d '{{\"hours\": 3}}'      # turn its clock",
    ]
    return "\n".join(f"  {line}" for line in lines)


def _wait() -> None:
    """Until Ctrl-C or SIGTERM."""
    done = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        done.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        done.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
