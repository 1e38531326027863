"""The front door: what `import siyu_sdk` costs, and that every name behind it exists."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import siyu_sdk

PACKAGE = Path(siyu_sdk.__file__).parent
PLATFORMS = ("wecom", "miniprogram", "store", "pay")
HEAVY = {"httpx", "pydantic", "tenacity", "cryptography", "defusedxml", "sqlalchemy", "typer", "dbos"}


def loaded(statement: str) -> set[str]:
    """The modules that a fresh process has after a statement."""
    code = f"import sys; {statement}; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split())


def test_importing_the_package_loads_nothing_but_itself() -> None:
    modules = loaded("import siyu_sdk")
    assert {m for m in modules if m.startswith("siyu_sdk")} <= {"siyu_sdk", "siyu_sdk._version"}
    assert not HEAVY & modules


def test_one_platform_does_not_load_the_others() -> None:
    modules = loaded("from siyu_sdk import MiniProgram")
    assert "siyu_sdk.miniprogram.client" in modules
    assert not [m for m in modules if m.startswith(tuple(f"siyu_sdk.{p}" for p in PLATFORMS if p != "miniprogram"))]
    assert "cryptography" not in modules


def test_a_client_class_brings_nothing_that_only_a_connection_or_a_provider_needs() -> None:
    modules = loaded("from siyu_sdk import WeCom")
    assert not {"asyncio", "h11", "httpx", "email", "importlib.resources", "tenacity", "cryptography"} & modules
    assert not {f"siyu_sdk.wecom.{chapter}" for chapter in ("suite", "provider", "customers", "members")} & modules


def test_declaring_endpoints_needs_neither_platform_nor_cryptography() -> None:
    modules = loaded("from siyu_sdk import GET, Call, Resource, flow, paged")
    assert not [m for m in modules if m.startswith(tuple(f"siyu_sdk.{p}" for p in PLATFORMS))]
    assert not {"cryptography", "tenacity", "sqlalchemy"} & modules


@pytest.mark.parametrize("name", siyu_sdk.__all__)
def test_every_public_name_resolves(name: str) -> None:
    assert getattr(siyu_sdk, name) is not None
    assert name in dir(siyu_sdk)


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'WeChat'"):
        _ = siyu_sdk.WeChat  # type: ignore[attr-defined]


def test_names_for_type_checkers_and_names_at_run_time_are_the_same() -> None:
    tree = ast.parse(Path(siyu_sdk.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    typed = {alias.asname or alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert typed | {"__version__"} == set(siyu_sdk.__all__) == {*siyu_sdk._HOME, "__version__"}


def imports(path: Path) -> set[str]:
    """The absolute names of siyu_sdk modules that a file imports, wherever in it."""
    package = ("siyu_sdk", *path.relative_to(PACKAGE).parent.parts)
    found = set[str]()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            found |= {".".join((*base, *filter(None, [node.module]), alias.name)) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


@pytest.mark.parametrize("floor", ["core", "weixin", *PLATFORMS])
def test_lower_floors_import_nothing_above_or_beside_them(floor: str) -> None:
    shared = ("siyu_sdk.weixin",) if floor in ("miniprogram", "store") else ()
    allowed = ("siyu_sdk.core", "siyu_sdk._version", f"siyu_sdk.{floor}", *shared)
    for path in (PACKAGE / floor).rglob("*.py"):
        ours = {name for name in imports(path) if name.startswith("siyu_sdk")}
        assert not {name for name in ours if not name.startswith(allowed)}, path.name
