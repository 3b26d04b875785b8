"""The gates of this repository: lint, format and types."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT

GATES = {
    "lint": ["ruff", "check", "."],
    "format": ["ruff", "format", "--check", "."],
    "types": ["mypy"],
}


@pytest.mark.parametrize("gate", GATES)
def test_gate(gate: str) -> None:
    module, *arguments = GATES[gate]
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
