"""The two hooks, run by pre-commit itself in a throw-away repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

EXAMPLES = ROOT / "examples/ternary_vae/configs"
CONFIG = """\
repos:
- repo: {source}
  rev: {revision}
  hooks:
  - id: {hook}
"""
WORKFLOW = "on: [push]\njobs: {}\n"


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """This project as a repository of its own, uncommitted work included."""
    folder = tmp_path_factory.mktemp("source")
    for name in git(ROOT, "ls-files", "-co", "--exclude-standard").splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "snapshot")
    return folder, git(folder, "rev-parse", "HEAD")


def repository(folder: Path, source: tuple[Path, str], hook: str) -> Path:
    """A repository with an old config, a file that is no config, and one hook."""
    (folder / "configs").mkdir(parents=True)
    shutil.copy(EXAMPLES / "v5_11_projection.yaml", folder / "configs/run.yaml")
    (folder / "ci.yaml").write_text(WORKFLOW)
    config = CONFIG.format(source=source[0], revision=source[1], hook=hook)
    (folder / ".pre-commit-config.yaml").write_text(config)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    return folder


def run_hooks(folder: Path, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pre_commit", "run", "--all-files", "--verbose"],
        check=False,
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PRE_COMMIT_HOME": str(home / "pre-commit")},
    )


@pytest.mark.slow
def test_the_upgrade_hook_rewrites_once(tmp_path: Path, source: tuple[Path, str]) -> None:
    folder = repository(tmp_path / "repo", source, "cfgmig-upgrade")
    first = run_hooks(folder, tmp_path)
    assert first.returncode == 1, first.stdout
    assert "files were modified by this hook" in first.stdout
    text = (folder / "configs/run.yaml").read_text()
    assert "schema_version: ternary_vae/" in text
    assert (folder / "ci.yaml").read_text() == WORKFLOW
    git(folder, "add", "-A")
    second = run_hooks(folder, tmp_path)
    assert second.returncode == 0, second.stdout
    assert (folder / "configs/run.yaml").read_text() == text


@pytest.mark.slow
def test_the_check_hook_stops_a_stale_config(tmp_path: Path, source: tuple[Path, str]) -> None:
    folder = repository(tmp_path / "repo", source, "cfgmig-check")
    done = run_hooks(folder, tmp_path)
    assert done.returncode == 1, done.stdout
    assert "configs/run.yaml:1:1: CM004" in done.stdout
    assert "ci.yaml" not in done.stdout
