"""Files of no known family: told of when they were named, passed over when they were found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run

FOREIGN = "on: [push]\njobs: {}\n"
NAMED = "configs/ci.yaml: not a config of any known family"


@pytest.fixture(autouse=True)
def workflow(home: Path) -> Path:
    file = home / "configs/ci.yaml"
    file.write_text(FOREIGN)
    return file


@pytest.mark.parametrize(
    "command", [("check",), ("check", "--quiet"), ("upgrade",), ("upgrade", "--check")]
)
def test_a_named_file_is_told_of(cfgmig: Run, home: Path, command: tuple[str, ...]) -> None:
    done = cfgmig(*command, "configs/ci.yaml")
    assert done.returncode == 2
    assert NAMED in done.stderr
    assert "cfgmig stamp FAMILY/VERSION configs/ci.yaml" in done.stderr
    assert "`--family` and `--from-version`" in done.stderr
    assert "cfgmig current -v configs/ci.yaml" in done.stderr
    assert (home / "configs/ci.yaml").read_text() == FOREIGN


def test_the_command_that_says_why_does_so(cfgmig: Run) -> None:
    brief = cfgmig("current", "configs/ci.yaml")
    assert (brief.returncode, brief.stdout) == (2, "configs/ci.yaml: of no known family\n")
    assert "`-v` says what it was compared with" in brief.stderr
    long = cfgmig("current", "-v", "configs/ci.yaml")
    assert long.returncode == 2
    assert "2 of its 2 keys are not known: on, jobs" in long.stdout


@pytest.mark.parametrize("path", ["configs", "configs/*.yaml"])
@pytest.mark.parametrize("command", ["check", "upgrade"])
def test_a_found_file_is_passed_over(cfgmig: Run, command: str, path: str) -> None:
    done = cfgmig(command, path, *(["--ignore", "ALL"] if command == "check" else []))
    assert done.returncode == 0
    assert "ci.yaml" not in done.stderr


def test_the_count_leaves_no_doubt(cfgmig: Run, home: Path) -> None:
    (home / "empty").mkdir()
    (home / "empty/ci.yaml").write_text(FOREIGN)
    for path, code in (("configs/ci.yaml", 2), ("empty", 0)):
        done = cfgmig("check", path)
        assert done.returncode == code
        assert "0 files checked (1 of no known family): nothing found" in done.stderr
    assert "empty/ci.yaml: skipped, of no known family" in cfgmig("check", "-v", "empty").stderr


def test_a_hook_that_names_everything_is_silent(cfgmig: Run) -> None:
    for command in ("check", "upgrade"):
        done = cfgmig(command, "--quiet", "--skip-unknown", "configs/ci.yaml")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
