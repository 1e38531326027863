"""The package as a whole: what it imports, what it ships, and that its documents speak of things that exist."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import siyu_sdk

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("README*.md"), *ROOT.glob("docs/**/*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXTRAS = {"dbos", "psycopg", "redis", "sqlalchemy", "typer", "yaml"}  # rich is missing: httpx itself imports it where it is installed


def snippets(page: Path) -> list[str]:
    return [code for language, code in FENCE.findall(page.read_text(encoding="utf-8")) if language == "python"]


def shape(page: Path) -> list[str]:
    """The heading levels and code blocks of a page, in order."""
    return re.findall(r"^(#+(?= )|```\w+)", page.read_text(encoding="utf-8"), re.MULTILINE)


def test_the_core_imports_without_any_extra() -> None:
    code = "import sys; from siyu_sdk import AsyncWeCom, MiniProgram, Pay, Store, WeCom; print(*{m.partition('.')[0] for m in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not EXTRAS & set(loaded)


def test_types_and_version_are_shipped() -> None:
    assert (Path(siyu_sdk.__file__).parent / "py.typed").exists()
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", siyu_sdk.__version__)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_examples_in_documents_compile_and_import_what_exists(page: Path) -> None:
    for code in snippets(page):
        tree = compile(code, page.name, "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("siyu_sdk"):
                module = importlib.import_module(node.module or "")
                missing = [alias.name for alias in node.names if not hasattr(module, alias.name)]
                assert not missing, f"{page.name} imports {missing} from {node.module}"


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/*.md")), ids=lambda page: page.name)
def test_every_page_has_a_chinese_twin_of_the_same_shape(page: Path) -> None:
    assert shape(page) == shape(page.parent / "zh" / page.name)


def test_both_readmes_have_the_same_shape() -> None:
    assert shape(ROOT / "README.md") == shape(ROOT / "README.zh-CN.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"
