"""A disk that really is full."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cfgmig.errors import Unreadable
from cfgmig.migration.journal import pending
from cfgmig.migration.transaction import Transaction, undo
from tests.faults.conftest import Project, project


def mount(point: Path, options: str) -> None:
    point.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "cfgmig-test", str(point)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no tmpfs can be mounted here: {error}")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """256 kB of disk."""
    point = tmp_path / "disk"
    mount(point, "size=256k")
    yield point
    subprocess.run(["umount", str(point)], check=True)


def filled(folder: Path, leave: int) -> Path:
    """Fill the disk but for about `leave` bytes."""
    path = folder / "ballast"
    free = os.statvfs(folder)
    path.write_bytes(b"x" * max(0, free.f_bavail * free.f_frsize - leave))
    return path


@pytest.mark.parametrize("leave", range(0, 120_001, 8_000))
def test_full_at_some_point(small_disk: Path, leave: int) -> None:
    made = project(small_disk / "home", 10, size=4_000)
    made.write_old()
    ballast = filled(small_disk, leave)
    transaction = Transaction(made.home)
    try:
        transaction.run(made.changes, command="x")
    except Unreadable as error:
        said = str(error)
    else:
        said = "done"
    assert said == "done" or "the disk is full" in said
    assert made.state() == ("new" if said == "done" else "old")
    if said != "done":
        ballast.unlink()
        transaction.run(made.changes, command="x")
    assert made.state() == "new"
    assert not made.leftovers()
    assert pending(made.home) is None


def test_a_full_disk_does_not_keep_a_run_from_being_taken_back(small_disk: Path) -> None:
    made = project(small_disk / "home", 10, size=4_000)
    made.write_old()

    def fill_up(step: str, done: int, _: int) -> None:
        if (step, done) == ("replace", 5):
            filled(small_disk, 0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Transaction(made.home).run(made.changes, command="x", on_progress=fill_up)
    assert made.state() == "old"
    assert not made.leftovers()
    assert pending(made.home) is None


def test_read_only_file_system(tmp_path: Path) -> None:
    point = tmp_path / "disk"
    mount(point, "size=256k")
    try:
        made = project(point / "home", 2)
        made.write_old()
        subprocess.run(["mount", "-o", "remount,ro", str(point)], check=True)
        with pytest.raises(Unreadable, match="the file system is read-only"):
            Transaction(made.home).run(made.changes, command="x")
        assert made.state() == "old"
    finally:
        subprocess.run(["umount", str(point)], check=True)


def test_files_on_two_disks(small_disk: Path, tmp_path: Path) -> None:
    """The journal is in the project; a file behind a link may be on another disk."""
    here = project(tmp_path / "home", 2)
    there = project(small_disk / "far", 2)
    here.write_old()
    there.write_old()
    both = Project(here.home, [*here.changes, *there.changes])

    def stop(step: str, done: int, _: int) -> None:
        if (step, done) == ("replace", 4):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Transaction(here.home).run(both.changes, command="x", on_progress=stop)
    assert both.state() == "old"
    Transaction(here.home).run(both.changes, command="x")
    assert both.state() == "new"
    undo(here.home)
    assert both.state() == "old"
    assert not both.leftovers()
    assert not there.leftovers()
