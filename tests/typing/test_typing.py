"""Both type checkers see what users see: every result inferred, every mistake reported, and nothing else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
INFERENCE, MISTAKES = HERE / "inference.py", HERE / "mistakes.py"

Finding = tuple[str, int, bool, str]
"""File name, line, whether it is an error, message."""


def marked(path: Path, mark: str) -> dict[int, str]:
    """The lines that carry a mark, with what follows it."""
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    return {number: line.partition(mark)[2].strip() for number, line in lines if mark in line}


def on_lines(found: list[Finding], path: Path, *, errors: bool) -> dict[int, str]:
    """What was reported on the lines of a file."""
    return {line: message for name, line, is_error, message in found if name == path.name and is_error is errors}


def run_mypy() -> list[Finding]:
    command = [sys.executable, "-m", "mypy", "--no-error-summary", "--hide-error-context", "--no-pretty", str(INFERENCE), str(MISTAKES)]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    found = re.findall(r"^(.+?):(\d+): (error|note): (.*)$", output, re.MULTILINE)
    assert found, output
    told = [(path, line, kind, text) for path, line, kind, text in found if kind == "error" or "Revealed" in text]
    return [(Path(path).name, int(line), kind == "error", text) for path, line, kind, text in told]


def run_pyright() -> list[Finding]:
    with TemporaryDirectory() as folder:  # the project's own settings leave these two files out
        for path in (INFERENCE, MISTAKES):
            shutil.copy(path, folder)
        Path(folder, "pyrightconfig.json").write_text('{"typeCheckingMode": "strict", "pythonVersion": "3.11"}', encoding="utf-8")
        command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "-p", folder]
        output = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout
    found = json.loads(output)["generalDiagnostics"]
    return [(Path(d["file"]).name, d["range"]["start"]["line"] + 1, d["severity"] == "error", d["message"]) for d in found]


def plain(revealed: str) -> str:
    """A revealed type without module names, in one notation for both checkers."""
    text = revealed.partition('"')[2].rpartition('"')[0] or revealed.partition('"')[2]
    if revealed.startswith("Type of"):
        text = revealed.partition('" is "')[2].rstrip('"')
    return re.sub(r"\b(?:\w+\.)+(\w+)", r"\1", text).replace("CoroutineType[", "Coroutine[")


@pytest.mark.slow
@pytest.mark.parametrize("run", [run_mypy, run_pyright])
def test_every_result_is_inferred_and_every_mistake_reported(run: Callable[[], list[Finding]]) -> None:
    found = run()
    assert on_lines(found, INFERENCE, errors=True) == {}
    assert {line: plain(text) for line, text in on_lines(found, INFERENCE, errors=False).items()} == marked(INFERENCE, "# is: ")
    mistakes, reported = marked(MISTAKES, "# mistake: "), on_lines(found, MISTAKES, errors=True)
    assert len(mistakes) >= 10
    assert reported.keys() == mistakes.keys(), reported
