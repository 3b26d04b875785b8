from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Run

HEAD = "5.12.5"
OLD = "configs/v5_11_projection.yaml"


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.glob("configs/*"))}


def test_upgrade_in_place_then_nothing_more(cfgmig: Run, home: Path) -> None:
    before = contents(home)
    done = cfgmig("upgrade", "configs")
    assert done.returncode == 0, done.stderr
    after = contents(home)
    assert all(after[name] != before[name] for name in before)
    assert all(f"schema_version: ternary_vae/{HEAD}".encode() in text for text in after.values())
    again = cfgmig("upgrade", "configs")
    assert again.returncode == 0
    assert "0 of 3 files changed" in again.stderr
    assert contents(home) == after


def test_undo_gives_the_bytes_back(cfgmig: Run, home: Path) -> None:
    before = contents(home)
    cfgmig("upgrade", "configs")
    assert "upgrade" in cfgmig("undo", "--list").stdout
    assert cfgmig("undo").returncode == 0
    assert contents(home) == before
    empty = home / "empty"
    empty.mkdir()
    (empty / ".git").mkdir()
    assert cfgmig("undo", cwd=empty).returncode == 2


@pytest.mark.parametrize("option", ["--diff", "--check"])
def test_a_dry_run_touches_nothing(option: str, cfgmig: Run, home: Path) -> None:
    before = contents(home)
    times = {file: file.stat().st_mtime_ns for file in home.rglob("*")}
    done = cfgmig("upgrade", "configs", option)
    assert done.returncode == (1 if option == "--check" else 0)
    assert contents(home) == before
    assert {file: file.stat().st_mtime_ns for file in home.rglob("*")} == times


def test_up_and_down_again(cfgmig: Run, home: Path) -> None:
    before = (home / OLD).read_text()
    assert cfgmig("upgrade", OLD).returncode == 0
    done = cfgmig("downgrade", "--to", "5.11.0", OLD)
    assert done.returncode == 0, done.stderr
    lines = (home / OLD).read_text().splitlines()
    assert lines.count("schema_version: ternary_vae/5.11.0") == 1
    assert set(before.splitlines()) <= set(lines)


def test_standard_input_to_standard_output(cfgmig: Run, home: Path) -> None:
    text = (home / OLD).read_text()
    done = cfgmig("upgrade", "-", input=text)
    assert done.returncode == 0
    cfgmig("upgrade", OLD)
    assert done.stdout == (home / OLD).read_text()
    assert cfgmig("upgrade", "-", input=done.stdout).stdout == done.stdout


def test_to_an_older_version_is_a_downgrade(cfgmig: Run) -> None:
    done = cfgmig("upgrade", OLD, "--to", "5.5.0")
    assert done.returncode == 2
    assert "cfgmig downgrade --to 5.5.0" in done.stderr
    assert cfgmig("downgrade", OLD).returncode == 2
    wrong = cfgmig("upgrade", OLD, "--to", "7")
    assert wrong.returncode == 2
    assert HEAD in wrong.stderr


def test_one_bad_file_stops_the_whole_run(cfgmig: Run, home: Path) -> None:
    (home / "configs/bad.yaml").write_text("model: {\n")
    before = contents(home)
    done = cfgmig("upgrade", "configs")
    assert done.returncode == 3
    assert "bad.yaml" in done.stderr
    assert "nothing was written" in done.stderr
    assert contents(home) == before


def test_crlf_and_a_missing_final_newline_survive(cfgmig: Run, home: Path) -> None:
    file = home / OLD
    file.write_bytes(file.read_bytes().rstrip(b"\n").replace(b"\n", b"\r\n"))
    assert cfgmig("upgrade", OLD).returncode == 0
    after = file.read_bytes()
    assert b"\n" not in after.replace(b"\r\n", b"")


def test_the_mode_of_a_file_survives(cfgmig: Run, home: Path) -> None:
    (home / OLD).chmod(0o640)
    cfgmig("upgrade", OLD)
    assert (home / OLD).stat().st_mode & 0o777 == 0o640


def test_a_symlink_stays_a_symlink(cfgmig: Run, home: Path) -> None:
    link = home / "link.yaml"
    link.symlink_to(OLD)
    assert cfgmig("upgrade", "link.yaml").returncode == 0
    assert link.is_symlink()
    assert HEAD in (home / OLD).read_text()


def test_a_read_only_file_is_left_alone(cfgmig: Run, home: Path) -> None:
    (home / OLD).chmod(0o444)
    before = contents(home)
    done = cfgmig("upgrade", "configs")
    assert done.returncode == 2
    assert "chmod u+w" in done.stderr
    assert contents(home) == before


def test_a_run_from_elsewhere_finds_the_same_journal(cfgmig: Run, home: Path) -> None:
    before = contents(home)
    assert cfgmig("upgrade", str(home / "configs"), cwd=home / "configs").returncode == 0
    assert cfgmig("undo", cwd=home / "configs").returncode == 0
    assert contents(home) == before


def test_jobs_change_nothing(cfgmig: Run, home: Path) -> None:
    one = cfgmig("upgrade", "configs", "--diff")
    two = cfgmig("upgrade", "configs", "--diff", "--jobs", str(os.cpu_count() or 2))
    assert one.stdout == two.stdout
    assert one.stdout.count("+++ b/configs/") == 3
