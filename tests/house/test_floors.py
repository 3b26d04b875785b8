"""The house stands: nothing imports upward, the engine names no family, nothing grew too large."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

FLOORS = [
    {"checkpoint_tools"},
    {"cfgmig.errors", "cfgmig.paths"},
    {"cfgmig.document"},
    {"cfgmig.report"},
    {"cfgmig.migration"},
    {"cfgmig.schema"},
    {"cfgmig.project", "cfgmig._bundled"},
    {"cfgmig.upgrading"},
    {"cfgmig.states", "cfgmig.weighing", "cfgmig.recognising", "cfgmig.moments"},
    {"cfgmig.searching", "cfgmig.offering", "cfgmig.adapting", "cfgmig.routing"},
    {"cfgmig.converting", "cfgmig.assembling", "cfgmig.around"},
    {"cfgmig.remembering", "cfgmig.returning", "cfgmig.probing"},
    {"cfgmig.verifying", "cfgmig.companions"},
    {"cfgmig.loadable", "cfgmig.checking", "cfgmig.comparing", "cfgmig.loading"},
    {"cfgmig.scaffold", "cfgmig.revising"},
    {"cfgmig.testing"},
    {"cfgmig.cli", "cfgmig.__main__"},
    {"schemas", "migrations"},
    {"examples"},
]
TREES = ("checkpoint_tools", "cfgmig", "schemas", "migrations", "examples")
SOURCES = [file for tree in TREES for file in sorted((ROOT / tree).rglob("*.py"))]
ENGINE = [file for file in SOURCES if file.relative_to(ROOT).parts[0] in TREES[:2]]
LONGEST_FILE, LONGEST_FUNCTION = 360, 60


def module_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def floor_of(module: str) -> int | None:
    """The floor of the longest prefix that has one; the package `cfgmig` itself has none."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        for number, names in enumerate(FLOORS):
            if name in names:
                return number
    return None


def imports(file: Path) -> Iterator[tuple[int, str]]:
    package = module_of(file).split(".")
    if file.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{name}.{alias.name}") for alias in node.names)


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_nothing_imports_upward(file: Path) -> None:
    own = floor_of(module_of(file))
    if own is None:
        assert module_of(file) == "cfgmig", f"{file}: say in FLOORS which floor this stands on"
        return
    upward = [
        f"{file.relative_to(ROOT)}:{line}: imports {name}"
        for line, name in imports(file)
        if (floor_of(name) or 0) > own
    ]
    assert not upward


def test_migrations_never_import_schemas() -> None:
    wrong = [
        f"{file}:{line}: {name}"
        for file in sorted((ROOT / "migrations").rglob("*.py"))
        for line, name in imports(file)
        if name.split(".")[0] not in {"cfgmig", "checkpoint_tools", *sys.stdlib_module_names}
        or name.startswith("cfgmig.schema")
    ]
    assert not wrong


def test_the_engine_names_no_family() -> None:
    families = [folder.name for folder in (ROOT / "schemas").iterdir() if folder.is_dir()]
    names = {
        name for family in families if family[0] != "_" for name in (family, *family.split("_"))
    }
    pattern = re.compile("|".join(sorted(name for name in names if len(name) > 3)), re.IGNORECASE)
    wrong = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in ENGINE
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if pattern.search(line)
    ]
    assert not wrong


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_nothing_is_too_long(file: Path) -> None:
    text = file.read_text()
    assert text.count("\n") <= LONGEST_FILE
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= LONGEST_FUNCTION
    ]
    assert not long
