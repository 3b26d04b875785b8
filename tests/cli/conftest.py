from __future__ import annotations

import functools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.running import Done, run
from tests.conftest import ROOT

Run = Callable[..., Done]
EXAMPLES = ROOT / "examples/ternary_vae/configs"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with the shipped examples, outside of any project."""
    folder = tmp_path / "home"
    # Those of the trainer are of the newest version, and nothing is to be done to them.
    shutil.copytree(EXAMPLES, folder / "configs", ignore=shutil.ignore_patterns("stage_*"))
    (folder / ".git").mkdir()
    return folder


@pytest.fixture
def cfgmig(home: Path) -> Run:
    """Runs the command in a fresh process, in `home` unless told otherwise."""
    return functools.partial(run, cwd=home)
