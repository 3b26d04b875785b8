"""What a command does not need is not imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

EXAMPLE = ROOT / "examples/ternary_vae/configs/v5_11_projection.yaml"
HEAVY = ("torch", "numpy", "jsonschema", "tomlkit", "rich", "typer")


def imported(code: str, cwd: Path, cache: Path) -> set[str]:
    """Top-level packages that are loaded after running `code` in a fresh interpreter."""
    listing = "'|'.join({m.split('.')[0] for m in sys.modules}).encode()"
    script = f"{code};import os, sys;os.write(2, {listing})"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={"PATH": "", "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(cache)},
        check=True,
    )
    return set(done.stderr.rpartition("\n")[2].split("|"))


def test_import_cfgmig_is_nearly_free(tmp_path: Path) -> None:
    bare = imported("pass", tmp_path, tmp_path)
    assert imported("import cfgmig", tmp_path, tmp_path) - bare <= {"cfgmig", "__future__"}


@pytest.mark.parametrize("arguments", [["check", str(EXAMPLE)], ["current", str(EXAMPLE)]])
def test_a_check_loads_neither_typer_nor_pydantic(arguments: list[str], tmp_path: Path) -> None:
    code = f"from cfgmig.cli.main import run;run({arguments!r})"
    imported(code, ROOT, tmp_path)  # compiles the schemas, once
    found = imported(code, ROOT, tmp_path)
    assert not found & {*HEAVY, "pydantic", "ruamel"}


def test_help_does_not_load_any_schema(tmp_path: Path) -> None:
    code = "from cfgmig.cli.main import run;run(['--help'])"
    found = imported(code, ROOT, tmp_path)
    assert not found & {"torch", "numpy", "yaml", "ruamel", "schemas"}
