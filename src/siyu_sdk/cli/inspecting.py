"""Commands that look things up, and the one that sends a single call."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.markup import escape

from ..core import codes
from ..core.call import Spec
from ..core.errors import InputError
from ..core.model import WireModel
from ..introspection import PLATFORMS
from ..introspection import endpoints as declared
from .screen import note, out, show_json


class Platform(StrEnum):
    """The platforms that have endpoints."""

    WECOM = "wecom"
    MINIPROGRAM = "miniprogram"
    STORE = "store"
    PAY = "pay"


OnlyPlatform = Annotated[Platform | None, typer.Option("--platform", "-p", help="Only this platform.", show_default=False)]


def endpoints(
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="Part of a path, a name or a description, in English or Chinese.", show_default=False)
    ] = "",
    platform: OnlyPlatform = None,
) -> None:
    """List the declared endpoints, all of them or those that contain TEXT.

    Example: [bold]siyu endpoints 群发[/]
    """
    found = [spec for spec in declared() if _fits(spec, text, platform)]
    for spec in found:
        page = f"page {spec.docs}" if isinstance(spec.docs, int) else spec.docs
        out.print(f"[bold]{spec.method:<6} {escape(spec.path)}[/]")
        out.print(f"       {escape(_first_line(spec))}")
        out.print(f"       [dim]{spec.platform}, {spec.name}, {escape(page)}[/]\n")
    note(f"{len(found)} endpoint{'' if len(found) == 1 else 's'}")
    if not found:
        raise typer.Exit(1)


def _fits(spec: Spec[Any], text: str, platform: Platform | None) -> bool:
    searched = f"{spec.method} {spec.path} {spec.name} {_first_line(spec)}".lower()
    return text.lower() in searched and (platform is None or spec.platform == platform.value)


def _first_line(spec: Spec[Any]) -> str:
    return (spec.function.__doc__ or "").strip().partition("\n")[0]


def call(
    method: Annotated[str, typer.Argument(metavar="METHOD", help="GET, POST, PUT, PATCH or DELETE.", show_default=False)],
    path: Annotated[
        str, typer.Argument(metavar="PATH", help="The path as the documentation writes it, with its {placeholders}.", show_default=False)
    ],
    data: Annotated[
        str, typer.Option("--data", "-d", help="Arguments as one JSON object, by their official names; @file reads a file, - reads stdin.")
    ] = "{}",
    platform: OnlyPlatform = None,
    send: Annotated[bool, typer.Option("--send", help="Really send it, with the credentials of the environment.")] = False,
) -> None:
    """Check one call and show what would be sent; with --send, send it and print the reply.

    Arguments for path, query and body go into one object. They are checked like the arguments of the Python method: a misspelt name or a
    list that is too long is refused before anything is sent. A path that is not declared is sent as it is; then --platform is needed.

    Example: [bold]siyu call GET /cgi-bin/externalcontact/get -d '{"external_userid": "wm1"}'[/]
    """
    arguments = _read(data)
    method = method.upper()
    spec = _declared(method, path, platform)
    if spec is None:
        _free(method, path, arguments, platform, send=send)
        return
    made = spec.load(arguments)
    if not send:
        show_json(made.to_wire())
        note("This is what would be sent; --send sends it." + ("" if spec.idempotent else " Mind that doing it twice may not be harmless."))
        return
    with _client(spec.platform) as client:
        reply = client.send(made)
    if isinstance(reply, bytes):
        sys.stdout.buffer.write(reply)
    else:
        show_json(reply.to_wire() if isinstance(reply, WireModel) else reply)


def _declared(method: str, path: str, platform: Platform | None) -> Spec[Any] | None:
    found = [s for s in declared() if (s.method, s.path) == (method, path) and (platform is None or s.platform == platform.value)]
    if len(found) > 1:
        raise InputError(
            f"{method} {path} is declared for {' and '.join(s.platform for s in found)}: say which with --platform", "platform"
        )
    return found[0] if found else None


def _free(method: str, path: str, arguments: dict[str, Any], platform: Platform | None, *, send: bool) -> None:
    asks = method in ("GET", "DELETE")
    wire = {"method": method, "path": path, "query": arguments if asks else {}, "json": None if asks else arguments}
    if not send:
        show_json(wire)
        note("This path is not declared: nothing about it was checked. --send sends it as it is.")
        return
    if platform is None:
        raise InputError(f"{method} {path} is not declared: say with --platform whose it is", "platform")
    with _client(platform.value) as client:
        show_json(client.request(method, path, query=wire["query"] or None, json=wire["json"]))


@contextmanager
def _client(platform: str) -> Generator[Any]:
    from .running import hub

    with hub() as siyu:
        client = getattr(siyu, platform)
        if client is None:
            raise InputError(f"the environment has no credentials for {platform}: set SIYU_{platform.upper()}_…", "platform")
        yield client


def _read(data: str) -> dict[str, Any]:
    if data == "-":
        data = sys.stdin.read()
    elif data.startswith("@"):
        try:
            data = Path(data[1:]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"--data: cannot read {data[1:]}: {error}", "data") from None
    try:
        value: Any = json.loads(data)
    except ValueError as error:
        raise InputError(f"--data is no JSON: {error}", "data") from None
    if not isinstance(value, dict):
        raise InputError("--data: one JSON object is needed, by the names of the fields", "data")
    return cast("dict[str, Any]", value)


TABLED = (*PLATFORMS, "official")
"""Platforms that the table of error codes knows: official accounts come before their endpoints."""
AGAIN = {
    "no": "trying again does not help",
    "backoff": "may be tried again after a pause",
    "after_refresh_token": "is tried again once, with a new token",
    "next_day": "may be tried again the next day",
}


def explain(
    code: Annotated[
        str, typer.Argument(metavar="CODE", help="An errcode such as 40001, or Pay's word such as PARAM_ERROR.", show_default=False)
    ],
    platform: Annotated[str, typer.Option("--platform", "-p", help=f"Only this platform: {', '.join(TABLED)}.", show_default=False)] = "",
) -> None:
    """Say what an error code means, and what to do about it.

    The same number may mean different things on different platforms. Example: [bold]siyu explain 40001[/]
    """
    if platform and platform not in TABLED:
        raise InputError(f"--platform: one of {', '.join(TABLED)}, not {platform!r}", "platform")
    rows = [(name, codes.look_up(name, code)) for name in ([platform] if platform else TABLED)]
    known = [(name, row) for name, row in rows if row.meaning or row.hint]
    if not known:
        raise InputError(
            f"{code} is not in the table{f' for {platform}' if platform else ''}: judge it by the platform's own message", "code"
        )
    for name, row in known:
        out.print(f"[bold]{name} {escape(code)}[/]  {escape(row.meaning)}")
        out.print(f"  raises [bold]{codes.REACTIONS[row.kind].__name__}[/]; {AGAIN.get(row.retry, row.retry)}")
        if row.hint:
            out.print(f"  {escape(row.hint)}")
        out.print()
