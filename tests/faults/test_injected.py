"""An error at every single system call: nothing changed, or everything, and a word why."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any

import pytest

from cfgmig.errors import CfgmigError, Unreadable
from cfgmig.migration import disk
from cfgmig.migration.journal import pending
from cfgmig.migration.transaction import Transaction, recover, undo
from tests.faults.conftest import Project
from tests.faults.fault_points import CHANGING, GROWING, REMOVING, Points, watched


def raising(number: int) -> Callable[[], None]:
    def action() -> None:
        raise OSError(number, os.strerror(number))

    return action


def attempt(project: Project, points: Points, names: tuple[str, ...]) -> CfgmigError | None:
    try:
        with watched(points, names):
            Transaction(project.home).run(project.changes, command="x")
    except CfgmigError as error:
        return error
    return None


@pytest.mark.parametrize("cause", [errno.ENOSPC, errno.EIO, errno.EACCES])
@pytest.mark.parametrize("onwards", [False, True], ids=["once", "from-then-on"])
def test_every_write_call_fails_in_turn(few: Project, cause: int, onwards: bool) -> None:
    """With REMOVING intact, as on a full disk, the run is always taken back at once."""
    failures, at = 0, 0
    while True:
        points = Points(at, raising(cause), onwards)
        error = attempt(few, points, GROWING if onwards else CHANGING)
        if points.seen <= at:
            break
        at += 1
        if error is None:
            assert few.state() == "new"  # what failed was not needed
            undo(few.home)
        else:
            failures += 1
            assert isinstance(error, Unreadable)
            assert error.file is not None
            assert few.state() == "old"
        assert not few.leftovers()
        assert not few.pending_folders()
    assert failures > (10 if onwards else 25)
    assert few.state() == "new"


@pytest.mark.parametrize("onwards", [False, True], ids=["once", "from-then-on"])
@pytest.mark.parametrize("names", [REMOVING, (*REMOVING, "fsync"), ("fsync",)])
def test_renames_removals_and_flushes_fail_in_turn(
    few: Project, names: tuple[str, ...], onwards: bool
) -> None:
    """Here the way back may be barred too; then the next run takes it."""
    interrupted, at = 0, 0
    while True:
        points = Points(at, raising(errno.EIO), onwards)
        error = attempt(few, points, names)
        if points.seen <= at:
            break
        at += 1
        few.state()
        if pending(few.home) is not None:
            interrupted += 1
            assert error is not None
            recover(few.home)
        if error is None:
            assert few.state() == "new"
            undo(few.home)
        assert few.state() == "old"
        Transaction(few.home).run(few.changes, command="x")
        undo(few.home)
        assert not few.leftovers()
        assert not few.pending_folders()
    assert at > 5
    assert not onwards or interrupted > 0


def test_the_full_disk_is_named(few: Project) -> None:
    error = attempt(few, Points(6, raising(errno.ENOSPC), onwards=True), ("write",))
    assert error is not None
    assert "nothing was written: the disk is full" in str(error)
    assert "config" in str(error.file)
    assert error.help == "free some space, then run this again"


def test_ctrl_c_between_two_renames(few: Project) -> None:
    def stop(step: str, done: int, _: int) -> None:
        if (step, done) == ("replace", 2):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Transaction(few.home).run(few.changes, command="x", on_progress=stop)
    assert few.state() == "old"
    assert not few.leftovers()
    assert pending(few.home) is None


def test_someone_edits_a_file_between_two_renames(few: Project) -> None:
    first, last = few.changes[0].path, few.changes[2].path

    def edit(step: str, done: int, _: int) -> None:
        if (step, done) == ("replace", 1):
            last.write_bytes(b"mine\n")

    with pytest.raises(CfgmigError, match="changed between plan and write"):
        Transaction(few.home).run(few.changes, command="x", on_progress=edit)
    assert first.read_bytes() == few.changes[0].before
    assert last.read_bytes() == b"mine\n"
    assert not few.leftovers()
    assert pending(few.home) is None


def test_someone_edits_a_file_that_must_be_taken_back(few: Project) -> None:
    first = few.changes[0].path

    def edit(step: str, done: int, _: int) -> None:
        if (step, done) == ("replace", 2):
            first.write_bytes(b"mine\n")
            raise RuntimeError

    with pytest.raises(Unreadable, match="was edited after that run and is left as it is"):
        Transaction(few.home).run(few.changes, command="x", on_progress=edit)
    assert first.read_bytes() == b"mine\n"
    assert few.changes[1].path.read_bytes() == few.changes[1].before


def test_a_journal_on_another_disk(few: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Backups cannot be moved over their targets then; they are copied."""
    real = os.stat

    def stat(path: Any, *args: Any, **options: Any) -> os.stat_result:
        found = real(path, *args, **options)
        if str(path).endswith(".before"):
            return os.stat_result([*found[:2], found.st_dev + 1, *found[3:]])
        return found

    def stop(step: str, done: int, _: int) -> None:
        if (step, done) == ("replace", 2):
            monkeypatch.setattr(os, "stat", stat)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Transaction(few.home).run(few.changes, command="x", on_progress=stop)
    assert few.state() == "old"
    assert not few.leftovers()


def test_batched_flushes_pass_their_errors_on(
    many: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(paths: object) -> None:
        raise OSError(errno.EIO, "input/output error")

    flush = disk._flush
    monkeypatch.setattr(disk, "_flush", lambda paths: flush(paths) if len(paths) < 5 else broken(0))
    with pytest.raises(Unreadable, match="nothing was written"):
        Transaction(many.home).run(many.changes, command="x")
    assert many.state() == "old"
    assert not many.leftovers()
