"""Two runs at once: one writes, the other fails at once and says who is there."""

from __future__ import annotations

import errno
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cfgmig.errors import UsageError
from cfgmig.migration import lock
from cfgmig.migration.journal import pending
from cfgmig.migration.transaction import Transaction, undo
from tests.faults.conftest import Project

HOLDER = """
import pathlib, sys
sys.path.insert(0, sys.argv[2])
from cfgmig.migration.lock import exclusive
with exclusive(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_second_run_fails_at_once(few: Project) -> None:
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(few.home), str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        began = time.perf_counter()
        with pytest.raises(UsageError, match=f"process {holder.pid}") as caught:
            Transaction(few.home).run(few.changes, command="x")
        assert time.perf_counter() - began < 1
        assert f"kill {holder.pid}" in str(caught.value)
        assert lock.held(few.home)
        holder.kill()
    assert not lock.held(few.home)
    assert few.state() == "old"
    Transaction(few.home).run(few.changes, command="x")
    assert few.state() == "new"


def test_a_run_in_progress_is_not_an_interrupted_one(few: Project) -> None:
    seen = []

    def look(step: str, done: int, _: int) -> None:
        seen.append(pending(few.home))

    Transaction(few.home).run(few.changes, command="x", on_progress=look)
    assert seen == [None] * 6


def test_a_run_within_a_run(few: Project) -> None:
    def again(step: str, done: int, _: int) -> None:
        Transaction(few.home).run(few.changes, command="y")

    with pytest.raises(UsageError, match="another run is writing"):
        Transaction(few.home).run(few.changes, command="x", on_progress=again)
    assert few.state() == "old"


def test_of_two_real_processes_one_wins(many: Project) -> None:
    driver = Path(__file__).with_name("kill_driver.py")
    command = [sys.executable, str(driver), str(many.home), "500", "forward"]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [run.communicate(timeout=60)[0] for run in runs]
    codes = sorted(run.returncode for run in runs)
    # The loser met the lock, or came late and found the files already written.
    assert codes in ([0, 2], [0, 3]), said
    assert many.state() == "new"
    assert not many.leftovers()
    undo(many.home)
    assert many.state() == "old"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows always has locks")
def test_a_file_system_without_locks(few: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    def no_locks(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOSYS, "function not implemented")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    stand_in = few.home / ".cfgmig" / "lock.pid"
    Transaction(few.home).run(few.changes, command="x")
    assert few.state() == "new"
    assert not stand_in.exists()
    stand_in.write_text("4711\n")
    assert lock.held(few.home)
    with pytest.raises(UsageError, match="process 4711") as caught:
        undo(few.home)
    assert "rm " in str(caught.value)
    stand_in.unlink()
    undo(few.home)
    assert few.state() == "old"
