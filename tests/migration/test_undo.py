from __future__ import annotations

from pathlib import Path

import pytest

from cfgmig.errors import Refused, Unreadable
from cfgmig.migration.journal import history
from cfgmig.migration.transaction import FileChange, Receipt, Transaction, undo

OLD, NEW = b"width: 1  # kept\n", b"model:\n  width: 1  # kept\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def config(path: Path) -> Path:
    path.write_bytes(OLD)
    return path


def run(home: Path, *paths: Path) -> Receipt:
    changes = [FileChange(path, OLD, NEW) for path in paths]
    return Transaction(home).run(changes, command="upgrade")


def test_undo_of_an_undo_redoes(home: Path) -> None:
    path = config(home / "a.yaml")
    first = run(home, path).entry
    receipt = undo(home)
    assert path.read_bytes() == OLD
    assert receipt.written == (path,)
    assert history(home)[0].command == f"undo {first}"
    undo(home)
    assert path.read_bytes() == NEW
    assert len(history(home)) == 3


def test_undo_of_an_earlier_run(home: Path) -> None:
    one, two = config(home / "one.yaml"), config(home / "two.yaml")
    first = run(home, one).entry
    run(home, two)
    undo(home, entry=first)
    assert one.read_bytes() == OLD
    assert two.read_bytes() == NEW


def test_undo_refuses_what_was_edited_since(home: Path) -> None:
    paths = [config(home / name) for name in ("a.yaml", "b.yaml", "c.yaml")]
    run(home, *paths)
    paths[1].write_bytes(b"edited\n")
    paths[2].unlink()
    with pytest.raises(Refused, match=r"nothing was written: .*b\.yaml, .*c\.yaml"):
        undo(home)
    assert paths[0].read_bytes() == NEW
    receipt = undo(home, force=True)
    assert [path.read_bytes() for path in paths[:2]] == [OLD, OLD]
    assert not paths[2].exists()
    assert "c.yaml is gone" in receipt.notes[0]
    undo(home)  # even what was overwritten by force comes back
    assert paths[1].read_bytes() == b"edited\n"


def test_undo_of_what_is_undone_already_writes_nothing(home: Path) -> None:
    path = config(home / "a.yaml")
    run(home, path)
    path.write_bytes(OLD)
    assert undo(home) == Receipt(None, (), (path,))
    assert len(history(home)) == 1


def test_undo_without_old_bytes(home: Path) -> None:
    path = config(home / "a.yaml")
    run(home, path)
    [entry] = history(home)
    entry.backup(entry.files[0]).write_bytes(b"rotten")
    with pytest.raises(Unreadable, match="damaged or gone"):
        undo(home)
    assert path.read_bytes() == NEW


def test_a_damaged_older_entry_does_not_bar_the_way(home: Path) -> None:
    one, two = config(home / "one.yaml"), config(home / "two.yaml")
    first = run(home, one).entry
    run(home, two)
    (home / ".cfgmig" / "journal" / str(first) / "manifest.json").write_text("{")
    undo(home)
    assert two.read_bytes() == OLD
