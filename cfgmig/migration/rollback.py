"""Taking a run back that did not come to its end."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cfgmig.migration import disk, journal
from cfgmig.migration.journal import FileRecord, JournalEntry, MadeRecord


@dataclass(frozen=True)
class RolledBack:
    """What taking a run back did.

    `restored` files have their old bytes again; `left` are those that someone has
    edited or removed since, with a sentence about each.
    """

    entry: JournalEntry
    restored: tuple[Path, ...]
    left: tuple[str, ...]


def recover(home: Path) -> RolledBack | None:
    """Take back the interrupted run of this project, if there is one; needs the lock."""
    entry = journal.interrupted(home)
    return None if entry is None else roll_back(entry)


def roll_back(entry: JournalEntry) -> RolledBack:
    """Give every file of a pending entry its old bytes, and remove what else it left.

    May itself be interrupted at any point, and repeated. A run is taken back and not
    completed: its user was never told that it succeeded, and the plan that led to it
    may be wrong by now.

    Raises:
        Unreadable: a file could not be restored; the entry stays pending.
    """
    restored: list[Path] = []
    left: list[str] = []
    for record in entry.files:
        target = entry.target(record)
        with disk.explained(target, f"the run {entry.name} could not be taken back"):
            if _drop(entry.temporary(record)):
                continue  # the new bytes never left their temporary file
            trouble = _restore(entry, record, restored)
        if trouble is not None:
            left.append(f"{disk.shown(target)} {trouble}")
    for made in entry.made:
        with disk.explained(entry.target(made), f"the run {entry.name} could not be taken back"):
            _unmake(entry, made)
    with disk.explained(entry.folder, "the run was taken back, but its journal entry stays"):
        disk.flush_folders(dict.fromkeys(path.parent for path in restored))
        if left:
            journal.mark(entry, "rolled-back")  # keeps the old bytes of those files
        else:
            journal.discard(entry.folder)
    return RolledBack(entry, tuple(restored), tuple(left))


def _unmake(entry: JournalEntry, record: MadeRecord) -> None:
    """Remove a file that the run made: half made beside its place, or in it.

    The mark is set after the file got its place, by a link that never replaces anything: a file
    that lies there without it, and is not the temporary one, is not this run's.
    """
    target, temporary = entry.target(record), entry.temporary(record)
    with suppress(FileNotFoundError):
        is_ours = entry.mark(record).exists() or target.samefile(temporary)
        if is_ours:
            target.unlink()
    _drop(temporary)


def _drop(path: Path) -> bool:
    try:
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _restore(entry: JournalEntry, record: FileRecord, restored: list[Path]) -> str | None:
    """Undo one rename, if it took place; else what stands against it."""
    target = entry.target(record)
    data = disk.read(target)
    if data is None:
        return f"is gone; its bytes from before that run: {disk.shown(entry.backup(record))}"
    found = journal.digest(data)
    if found == record.before:
        return None
    if found != record.after:
        return (
            "was edited after that run and is left as it is; "
            f"its bytes from before: {disk.shown(entry.backup(record))}"
        )
    if entry.bytes_before(record) is None:
        return "still has the bytes of that run: the old ones in the journal are damaged or gone"
    _put_back(entry, record)
    restored.append(target)
    return None


def _put_back(entry: JournalEntry, record: FileRecord) -> None:
    """Move the backup over the target: a full disk cannot prevent that.

    The file gets its old time stamp too, as if nothing had happened to it.
    """
    target, source = entry.target(record), entry.backup(record)
    if source.stat().st_dev != target.parent.stat().st_dev:
        copy = entry.temporary(record)
        disk.create(copy, source.read_bytes())
        disk.flush([copy])
        source = copy
    disk.dress(source, target, target.stat())
    with suppress(OSError):
        os.utime(source, ns=(record.mtime_ns, record.mtime_ns))
    source.replace(target)
