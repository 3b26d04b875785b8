"""kill -9 in the middle: every file whole, undo and a second run both come to an end."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cfgmig.errors import UsageError
from cfgmig.migration.journal import history, pending
from cfgmig.migration.transaction import FileChange, Transaction, recover, undo
from tests.faults.conftest import Project
from tests.faults.fault_points import Points, watched

DRIVER = Path(__file__).with_name("kill_driver.py")


def reversed_changes(project: Project) -> Project:
    return Project(
        project.home, [FileChange(each.path, each.after, each.before) for each in project.changes]
    )


def run_and_kill(project: Project, direction: str, wait: float, *step: str) -> bool:
    """Start the driver, kill it `wait` seconds into its run; whether it was still at it."""
    arguments = [str(project.home), str(len(project.changes)), direction, *step]
    with subprocess.Popen(
        [sys.executable, str(DRIVER), *arguments], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        if not step:
            time.sleep(wait)
            process.kill()
        process.wait(60)
    return process.returncode == -signal.SIGKILL


def survive(project: Project, kills: int, seed: int) -> None:
    """Kill runs that go to and fro; after each, take it back or not, then finish it."""
    random_ = random.Random(seed)
    began = time.perf_counter()
    Transaction(project.home).run(project.changes, command="measure")
    duration = time.perf_counter() - began
    undo(project.home)
    count = len(project.changes)
    there, direction, hits = project, "forward", 0
    for number in range(kills):
        step: tuple[str, ...] = ()
        if number % 3 == 2:  # renames are the shortest part, and the one that matters
            step = ("replace", str(random_.randrange(1, count + 1)))
        wait = random_.uniform(0, duration)
        hit = run_and_kill(there, direction, wait, *step)
        hits += hit
        if not hit:  # the run was over by then: kill the next ones earlier, whatever else runs here
            duration = max(wait, 0.7 * duration)
        state = there.state()
        if hit and number % 2:
            undo_what_was_left(there)
        elif state == "new" and pending(there.home) is None:
            undo(there.home)
        Transaction(there.home).run(there.changes, command="again")
        assert there.state() == "new"
        assert not there.leftovers()
        assert not there.pending_folders()
        there = reversed_changes(there)
        direction = "backward" if direction == "forward" else "forward"
    assert hits > kills / 2, "most kills came too late to test anything"


def undo_what_was_left(project: Project) -> None:
    begun = pending(project.home) is not None or project.state() == "new"
    if begun:
        undo(project.home)
    assert project.state() == "old"
    # A run that was killed before its manifest stood has changed nothing; the next one clears up.
    assert not begun or not project.leftovers()


def test_any_moment_of_a_run_over_many_files_can_be_its_last(many_in_memory: Project) -> None:
    survive(many_in_memory, kills=25, seed=20)


@pytest.mark.slow
def test_two_hundred_kills(many: Project) -> None:
    survive(many, kills=200, seed=21)


def in_child(action: Callable[[], object], kill_at: int) -> bool:
    """Do it in a forked process that is killed before system call `kill_at`; whether it was."""
    child = os.fork()
    if child == 0:
        try:
            points = Points(kill_at, lambda: os.kill(os.getpid(), signal.SIGKILL))
            with watched(points):
                action()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@pytest.mark.parametrize("then", ["undo", "recover", "again"])
def test_killed_before_every_single_system_call(few: Project, then: str) -> None:
    transaction = Transaction(few.home)
    states, at = set(), 0
    while in_child(lambda: transaction.run(few.changes, command="x"), at):
        at += 1
        states.add(few.state())
        if pending(few.home) is not None:
            if then == "undo":
                undo(few.home)
            elif then == "recover":
                assert recover(few.home) is not None
            if then != "again":
                assert few.state() == "old"
        elif few.state() == "new":
            undo(few.home)  # killed after the commit
        transaction.run(few.changes, command="y")
        assert few.state() == "new"
        assert not few.leftovers()
        undo(few.home)
        assert few.state() == "old"
        assert not few.pending_folders()
    assert states == {"old", "mixed", "new"}
    assert at > 40


def test_the_recovery_may_be_killed_as_well(few: Project) -> None:
    def half(step: str, done: int, _: int) -> None:
        if (step, done) == ("replace", 2):
            os.kill(os.getpid(), signal.SIGKILL)

    transaction = Transaction(few.home)
    at = 0
    while True:
        child = os.fork()
        if child == 0:
            transaction.run(few.changes, command="x", on_progress=half)
            os._exit(0)
        os.waitpid(child, 0)
        assert few.state() == "mixed"
        killed = in_child(lambda: undo(few.home), at)
        few.state()
        if not killed:
            break
        at += 1
        recover(few.home)
        assert few.state() == "old"
        assert not few.leftovers()
    assert at > 8
    assert few.state() == "old"


def test_restored_files_look_as_if_nothing_had_happened(few: Project) -> None:
    first = few.changes[0].path
    first.chmod(0o640)
    os.utime(first, ns=(10**18, 10**18))
    assert run_and_kill(few, "forward", 0, "replace", "3")
    assert few.state() == "new"
    receipt = undo(few.home)
    assert few.state() == "old"
    assert first.stat().st_mtime_ns == 10**18
    assert first.stat().st_mode & 0o777 == 0o640
    assert len(receipt.written) == 3
    assert "was taken back: 3 files" in receipt.notes[0]
    assert history(few.home) == []


def test_a_plan_from_half_written_files_is_refused(few: Project) -> None:
    assert run_and_kill(few, "forward", 0, "replace", "1")
    rest = few.changes[1:]
    with pytest.raises(UsageError, match="this plan was made from the files as that run had left"):
        Transaction(few.home).run(rest, command="x")
    assert few.state() == "old"
    Transaction(few.home).run(few.changes, command="x")
    assert few.state() == "new"


def test_an_empty_plan_does_not_leave_the_killed_run_behind(few: Project) -> None:
    assert run_and_kill(few, "forward", 0, "replace", "3")
    done = [FileChange(each.path, each.after, each.after) for each in few.changes]
    with pytest.raises(UsageError, match="taken back"):
        Transaction(few.home).run(done, command="x")
    assert few.state() == "old"


def test_files_edited_after_the_kill_are_left_and_named(few: Project) -> None:
    assert run_and_kill(few, "forward", 0, "replace", "3")
    edited, gone, plain = (change.path for change in few.changes)
    edited.write_bytes(b"mine\n")
    gone.unlink()
    receipt = undo(few.home)
    assert edited.read_bytes() == b"mine\n"
    assert plain.read_bytes() == few.changes[2].before
    assert receipt.written == (plain,)
    text = "\n".join(receipt.notes)
    assert "config0.yaml was edited after that run" in text
    assert "config1.yaml is gone" in text
    kept = history(few.home)
    assert [entry.state for entry in kept] == ["rolled-back"]
    assert kept[0].bytes_before(kept[0].files[0]) == few.changes[0].before
    assert pending(few.home) is None


def test_damaged_backups_are_never_written(few: Project) -> None:
    assert run_and_kill(few, "forward", 0, "replace", "3")
    entry = pending(few.home)
    assert entry is not None
    entry.backup(entry.files[0]).write_bytes(b"rotten")
    receipt = undo(few.home)
    assert few.changes[0].path.read_bytes() == few.changes[0].after
    assert few.changes[1].path.read_bytes() == few.changes[1].before
    assert "damaged" in receipt.notes[1]
