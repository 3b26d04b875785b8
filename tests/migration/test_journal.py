from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from cfgmig.errors import Unreadable, UsageError
from cfgmig.migration import journal
from cfgmig.migration.transaction import FileChange, Transaction, undo


def run(home: Path, name: str, text: str, command: str = "upgrade") -> str:
    path = home / name
    before = path.read_bytes() if path.exists() else b"width: 0\n"
    path.write_bytes(before)
    entry = Transaction(home).run([FileChange(path, before, text.encode())], command=command).entry
    assert entry is not None
    return entry


def test_an_entry_says_what_was_done_to_what(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    name = run(tmp_path, "a/model.yaml", "width: 1\n", "upgrade a")
    [entry] = journal.history(tmp_path)
    assert (entry.name, entry.state, entry.command) == (name, "committed", "upgrade a")
    [record] = entry.files
    assert record.relative == "a/model.yaml"
    assert record.path == str(tmp_path / "a" / "model.yaml")
    assert record.before == journal.digest(b"width: 0\n")
    assert record.after == journal.digest(b"width: 1\n")
    assert entry.bytes_before(record) == b"width: 0\n"
    assert entry.backup(record).stat().st_mode & 0o077 == 0
    assert entry.folder.stat().st_mode & 0o077 == 0
    manifest = json.loads((entry.folder / "manifest.json").read_text())
    assert manifest["files"][0]["backup"] == "0000.before"
    assert set(manifest) == {"format", "command", "tool", "created", "files", "made"}


def test_the_journal_keeps_itself_out_of_version_control(tmp_path: Path) -> None:
    run(tmp_path, "model.yaml", "width: 1\n")
    assert (tmp_path / ".cfgmig" / ".gitignore").read_bytes() == b"*\n"


def test_history_is_newest_first_even_when_the_clock_stands_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 1_700_000_000.0)
    names = [run(tmp_path, "model.yaml", f"width: {number}\n") for number in range(1, 6)]
    assert [entry.name for entry in journal.history(tmp_path)] == names[::-1]
    assert names[0].startswith("20231114T221320.000000Z-")
    assert names[4].startswith("20231114T221320.000004Z-")


def test_twenty_entries_are_kept(tmp_path: Path) -> None:
    names = [run(tmp_path, "model.yaml", f"width: {number}\n") for number in range(1, 24)]
    assert [entry.name for entry in journal.history(tmp_path)] == names[:2:-1]
    assert len(list((tmp_path / ".cfgmig" / "journal").iterdir())) == journal.KEPT


def test_debris_without_a_manifest_is_no_entry_and_goes(tmp_path: Path) -> None:
    run(tmp_path, "model.yaml", "width: 1\n")
    debris = tmp_path / ".cfgmig" / "journal" / "20200101T000000.000000Z-00000000"
    debris.mkdir()
    (debris / "pending").touch()
    assert journal.pending(tmp_path) is None
    assert len(journal.history(tmp_path)) == 1
    run(tmp_path, "model.yaml", "width: 2\n")
    assert not debris.exists()


def test_reading_creates_nothing(tmp_path: Path) -> None:
    assert journal.history(tmp_path) == []
    assert journal.pending(tmp_path) is None
    with pytest.raises(UsageError, match="the journal is empty"):
        undo(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_entries_are_found_by_a_part_of_their_name(tmp_path: Path) -> None:
    names = [run(tmp_path, "model.yaml", f"width: {number}\n") for number in range(1, 4)]
    tail = names[1].rpartition("-")[2]
    assert journal.find(tmp_path, tail).name == names[1]
    assert journal.find(tmp_path, None).name == names[2]
    with pytest.raises(UsageError, match="fits 3 runs"):
        journal.find(tmp_path, "-")
    with pytest.raises(UsageError, match="no run is named yesterday") as caught:
        journal.find(tmp_path, "yesterday")
    assert names[0] in str(caught.value.help)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "damaged"),
        ("[]", "damaged"),
        ('{"format": 1}', "damaged"),
        ('{"format": 1, "command": "", "tool": "", "created": "", "files": [{}]}', "damaged"),
        ('{"format": 2}', "newer version"),
    ],
)
def test_manifests_that_cannot_be_read_are_named(
    tmp_path: Path, content: str, message: str
) -> None:
    name = run(tmp_path, "model.yaml", "width: 1\n")
    path = tmp_path / ".cfgmig" / "journal" / name / "manifest.json"
    path.write_text(content)
    with pytest.raises(Unreadable, match=message) as caught:
        journal.history(tmp_path)
    assert "manifest.json" in str(caught.value.file)
    run(tmp_path, "model.yaml", "width: 2\n")  # a finished run bars nobody's way


def test_a_backup_never_lies_outside_its_entry(tmp_path: Path) -> None:
    run(tmp_path, "model.yaml", "width: 1\n")
    [entry] = journal.history(tmp_path)
    path = entry.folder / "manifest.json"
    path.write_text(path.read_text().replace("0000.before", "../../../model.yaml"))
    [entry] = journal.history(tmp_path)
    assert entry.backup(entry.files[0]).parent == entry.folder


def test_a_moved_project_takes_its_journal_along(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    run(old, "model.yaml", "width: 1\n")
    shutil.copytree(old, new)
    undo(new)
    assert (new / "model.yaml").read_text() == "width: 0\n"
    assert (old / "model.yaml").read_text() == "width: 1\n"


def test_temporary_names_fit_and_differ() -> None:
    assert journal.temporary_name("a.yaml", "time-12ab") == ".a.yaml.cfgmig-12ab.tmp"
    long = [
        journal.temporary_name("é" * 120 + end, "time-12345678") for end in ("a.yaml", "b.yaml")
    ]
    assert long[0] != long[1]
    assert all(len(name.encode()) <= 255 for name in long)
    assert all(name.endswith(".cfgmig-12345678.tmp") for name in long)
