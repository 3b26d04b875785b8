"""The documents say what the code does."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs/generate.py")
assert spec is not None
assert spec.loader is not None
generate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(generate)


@pytest.mark.parametrize("path", sorted(generate.pages()), ids=lambda path: path.name)
def test_generated_pages_are_current(path: Path) -> None:
    assert path.read_text() == generate.pages()[path], "run `python docs/generate.py`"


def readme_blocks(marker: str) -> list[str]:
    """The fenced blocks of the README that follow the comment `<!-- marker -->`."""
    text = (ROOT / "README.md").read_text()
    return re.findall(rf"<!-- {marker} -->\n+```\w*\n(.*?)```", text, re.DOTALL)


def test_the_readme_shows_what_the_command_prints() -> None:
    """Each `<!-- shown -->` block: a `$ command` line, then its output, word for word."""
    blocks = readme_blocks("shown")
    assert blocks
    for block in blocks:
        first, _, expected = block.partition("\n")
        command = first.removeprefix("$ ").split()
        assert command[0] == "cfgmig"
        done = subprocess.run(
            [sys.executable, "-m", *command],
            check=False,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={"PATH": "", "HOME": "/", "COLUMNS": "100", "PYTHONUNBUFFERED": "1"},
        )
        shown = expected.rstrip("\n")
        if shown.endswith("\n..."):
            assert done.stdout.startswith(shown.removesuffix("..."))
        else:
            assert done.stdout.rstrip("\n") == shown
