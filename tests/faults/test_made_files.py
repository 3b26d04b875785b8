"""Files that a run makes where none was: they come with its changes, or not at all."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

import pytest

from cfgmig.errors import Unreadable
from cfgmig.migration.journal import pending
from cfgmig.migration.transaction import Making, Transaction, recover, undo
from tests.faults.conftest import Project
from tests.faults.fault_points import Points, watched

CONTENT = b"weights" * 1000


def making(few: Project, name: str = "model.new.pt") -> Making:
    def make(path: Path) -> None:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        os.write(number, CONTENT[:3000])
        os.write(number, CONTENT[3000:])
        os.close(number)

    return Making(few.home / name, make)


def run(few: Project, *made: Making) -> None:
    Transaction(few.home).run(few.changes, command="x", making=made)


def killed_at(few: Project, at: int) -> bool:
    child = os.fork()
    if child == 0:
        try:
            with watched(Points(at, lambda: os.kill(os.getpid(), signal.SIGKILL))):
                run(few, making(few))
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_killed_before_every_single_system_call(few: Project) -> None:
    target, at, seen = few.home / "model.new.pt", 0, set()
    while killed_at(few, at):
        at += 1
        seen.add((few.state(), target.exists()))
        if pending(few.home) is not None:
            recover(few.home)
            assert few.state() == "old"
        elif few.state() == "new":
            undo(few.home)  # killed after the commit
        if target.exists():  # only a committed run leaves it
            assert target.read_bytes() == CONTENT
            target.unlink()
        assert few.state() == "old"
        assert not [one for one in few.leftovers() if ".cfgmig" not in one.parts]
        assert pending(few.home) is None
    assert {("old", False), ("old", True), ("mixed", True), ("new", True)} <= seen
    assert at > 50


def test_undo_leaves_what_was_made_and_says_so(few: Project) -> None:
    run(few, making(few))
    assert few.state() == "new"
    receipt = undo(few.home)
    assert few.state() == "old"
    assert (few.home / "model.new.pt").read_bytes() == CONTENT
    assert any("model.new.pt stays" in note for note in receipt.notes)


def test_what_is_there_is_never_replaced(few: Project) -> None:
    (few.home / "model.new.pt").write_bytes(b"mine")
    with pytest.raises(Unreadable, match="there already"):
        run(few, making(few))
    assert (few.home / "model.new.pt").read_bytes() == b"mine"
    assert few.state() == "old"


def test_what_appears_meanwhile_is_never_replaced(few: Project) -> None:
    ours = making(few)

    def make(path: Path) -> None:
        ours.make(path)
        ours.path.write_bytes(b"mine")

    with pytest.raises(Unreadable):
        run(few, Making(ours.path, make))
    assert ours.path.read_bytes() == b"mine"
    assert few.state() == "old"
    assert not few.leftovers()


def test_a_failure_while_making_changes_nothing(few: Project) -> None:
    def make(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(Unreadable, match="space"):
        run(few, making(few), Making(few.home / "second.pt", make))
    assert few.state() == "old"
    assert not (few.home / "model.new.pt").exists()
    assert not few.leftovers()


@pytest.mark.parametrize("cause", [errno.EPERM, errno.EOPNOTSUPP])
def test_a_file_system_without_hard_links(
    few: Project, cause: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(cause, os.strerror(cause))

    monkeypatch.setattr(os, "link", refuse)
    run(few, making(few))
    assert (few.home / "model.new.pt").read_bytes() == CONTENT
    assert few.state() == "new"


def test_nothing_but_made_files(few: Project) -> None:
    receipt = Transaction(few.home).run((), command="x", making=[making(few)])
    assert receipt.written == (few.home / "model.new.pt",)
    assert few.state() == "old"
