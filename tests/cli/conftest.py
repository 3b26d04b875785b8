from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT

Run = Callable[..., "subprocess.CompletedProcess[str]"]
EXAMPLES = ROOT / "examples/ternary_vae/configs"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with the shipped examples, outside of any project."""
    folder = tmp_path / "home"
    shutil.copytree(EXAMPLES, folder / "configs")
    (folder / ".git").mkdir()
    return folder


@pytest.fixture
def cfgmig(home: Path) -> Run:
    """Runs the command in a fresh process, in `home` unless told otherwise."""

    def run(
        *arguments: str,
        input: str | bytes = "",
        cwd: Path = home,
        env: dict[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        content = input.encode() if isinstance(input, str) else input
        done = subprocess.run(
            [sys.executable, "-m", "cfgmig", *arguments],
            check=False,
            cwd=cwd,
            input=content,
            capture_output=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100", **(env or {})},
        )
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    return run
