"""Runs the command line in a fresh process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.conftest import ROOT

Done = subprocess.CompletedProcess[str]


def run(
    *arguments: object,
    cwd: Path = ROOT,
    input: str | bytes = "",
    env: dict[str, str] | None = None,
    umask: int = -1,
) -> Done:
    """`cfgmig` with these arguments, in `cwd`."""
    content = input.encode() if isinstance(input, str) else input
    done = subprocess.run(
        [sys.executable, "-m", "cfgmig", *map(str, arguments)],
        check=False,
        cwd=cwd,
        input=content,
        capture_output=True,
        umask=umask,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100", **(env or {})},
    )
    return Done(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def run_json(*arguments: object, cwd: Path = ROOT, code: int = 0) -> Any:
    """What it prints as JSON; the exit code must be `code`."""
    done = run(*arguments, "--output-format", "json", cwd=cwd)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout, parse_constant=_no)


def _no(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")
