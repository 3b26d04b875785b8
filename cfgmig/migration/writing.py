"""Many files, one change: all of them get the new bytes, or none does.

The order of a run, and why no moment of it can be fatal:

1. The lock is taken; a run that was interrupted before is taken back.
2. Every file is checked: it still has the bytes that the plan was made from, and it
   may be written.
3. The manifest goes to the disk, then the old bytes (into the journal) and the new
   ones (a temporary file beside each target). No target is touched, and the manifest
   tells where every temporary file may be.
4. All of it is flushed, the targets are compared once more, and each is replaced by a
   rename, which other programs see as a whole.
   Files that the run makes where none was, a converted checkpoint, say, are made beside
   their places before that, and get them by a link, which never replaces anything.
5. The journal entry is marked as committed, by a rename as well: from 4 on nothing
   needs space on the disk, neither to go on nor to take the run back.

Links: a symbolic link stays, and the file that it leads to is replaced. A hard link
is broken, with a note: writing through it would put torn files within reach of a
kill, and change files that the user did not name (a content cache, a snapshot).
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cfgmig.errors import Refused, Unreadable, UsageError
from cfgmig.migration import disk, journal
from cfgmig.migration.journal import FileRecord, JournalEntry, MadeRecord
from cfgmig.migration.rollback import roll_back

_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
"""What file systems without hard links say."""
Progress = Callable[[str, int, int], None]
"""Called with the step, "stage" or "replace", the files done in it, and all files."""


@dataclass(frozen=True)
class FileChange:
    """New bytes for a file; `path` is as the user named it."""

    path: Path
    before: bytes
    after: bytes


@dataclass(frozen=True)
class Making:
    """A file that is not there yet: `make` writes it to the path that it is given."""

    path: Path
    make: Callable[[Path], None]


@dataclass(frozen=True)
class Receipt:
    """What a run did; `entry` names it in the journal, None when nothing was written."""

    entry: str | None
    written: tuple[Path, ...]
    unchanged: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Target:
    """A file that will be replaced: `real` is where the links of the change's path lead."""

    change: FileChange
    real: Path
    status: os.stat_result


def select(changes: Sequence[FileChange]) -> list[Target]:
    """The files to replace, each once, however many names it was given by.

    Raises:
        Unreadable: a file is missing or is no regular file.
        UsageError: one file, two names, and different bytes for each.
    """
    targets: dict[object, Target] = {}
    for change in changes:
        if change.before == change.after:
            continue
        real, status = disk.real_file(change.path)
        # By number, a file is known under any spelling that the file system folds; with
        # hard links, the names stand for files that this run will part.
        key = real if status.st_nlink > 1 else (status.st_dev, status.st_ino)
        twin = targets.setdefault(key, Target(change, real, status))
        if twin.change.after != change.after:
            raise UsageError(
                f"the same file as {disk.shown(twin.change.path)}, planned differently",
                file=disk.shown(change.path),
                help="name the file once",
            )
    return list(targets.values())


def write(
    home: Path,
    targets: Sequence[Target],
    command: str,
    on_progress: Progress | None,
    making: Sequence[Making] = (),
) -> tuple[str, tuple[str, ...]]:
    """Replace every target or none; the caller holds the lock, and nothing is pending.

    Returns:
        The journal entry's name and notes on what could not be kept.

    Raises:
        Refused: a file is not what the plan was made from.
        Unreadable: a file cannot be written. In both cases nothing was changed.
    """
    _refuse_changed(targets)
    _refuse_taken(making)
    for target in targets:
        disk.refuse_read_only(target.change.path, target.real, target.status)
    with disk.explained(home, "nothing was written; the journal cannot be kept here"):
        name = journal.new_name(home)
        made = [MadeRecord(*_place(home, one.path)) for one in making]
        entry = journal.begin(home, command, _records(home, targets), name, made)
    try:
        notes = _stage(entry, targets, on_progress)
        _make(entry, making)
        _refuse_changed(targets)
        _settle(entry, making)
        _replace(entry, targets, on_progress)
        with disk.explained(entry.folder, "the run was taken back"):
            folders = [target.real.parent for target in targets]
            folders += [one.path.parent for one in making]
            disk.flush_folders(dict.fromkeys(folders))
            journal.mark(entry, "committed")
    except BaseException:
        back = roll_back(entry)
        if back.left:
            raise Unreadable(f"the run was taken back, but {'; '.join(back.left)}") from None
        raise
    with suppress(OSError):  # old entries cost space, not correctness
        journal.prune(home)
    return entry.name, notes


def _records(home: Path, targets: Sequence[Target]) -> list[FileRecord]:
    records = []
    for number, target in enumerate(targets):
        path, relative = _place(home, target.real)
        records.append(
            FileRecord(
                path=path,
                relative=relative,
                mode=stat.S_IMODE(target.status.st_mode),
                mtime_ns=target.status.st_mtime_ns,
                before=journal.digest(target.change.before),
                after=journal.digest(target.change.after),
                backup=f"{number:04d}.before",
            )
        )
    return records


def _place(home: Path, path: Path) -> tuple[str, str | None]:
    """A file's absolute path, and the one below the project, None outside of it."""
    root, real = home.resolve(), path.parent.resolve() / path.name
    return str(real), real.relative_to(root).as_posix() if real.is_relative_to(root) else None


def _refuse_taken(making: Sequence[Making]) -> None:
    for one in making:
        if os.path.lexists(one.path):
            raise Unreadable(
                "is there already; nothing was written",
                file=disk.shown(one.path),
                help="move it away, or remove it",
            )


def _make(entry: JournalEntry, making: Sequence[Making]) -> None:
    for one, record in zip(making, entry.made, strict=True):
        with disk.explained(one.path, "nothing was written"):
            one.make(entry.temporary(record))
            disk.flush([entry.temporary(record)])


def _settle(entry: JournalEntry, making: Sequence[Making]) -> None:
    """Give every made file its name; a link fails where something has taken it meanwhile."""
    for one, record in zip(making, entry.made, strict=True):
        with disk.explained(one.path, "the run was taken back"):
            temporary, target = entry.temporary(record), entry.target(record)
            try:
                os.link(temporary, target)
            except OSError as error:
                if error.errno not in _NO_LINKS or os.path.lexists(target):
                    raise
                disk.create(entry.mark(record), b"")
                temporary.replace(target)
                continue
            disk.create(entry.mark(record), b"")
            temporary.unlink()


def _refuse_changed(targets: Sequence[Target]) -> None:
    changed = []
    for target in targets:
        with disk.explained(target.change.path, "nothing was written"):
            if disk.read(target.real) != target.change.before:
                changed.append(target.change.path)
    if changed:
        raise Refused(
            "changed between plan and write; nothing was written: " + disk.listed(changed),
            kind="verification-failed",
            help="run the same command again: it plans anew from the present bytes",
        )


def _stage(
    entry: JournalEntry, targets: Sequence[Target], on_progress: Progress | None
) -> tuple[str, ...]:
    """Put old and new bytes on the disk, beside everything that is in use."""
    notes = []
    fresh: list[Path] = []
    for done, (target, record) in enumerate(zip(targets, entry.files, strict=True), 1):
        path, status = target.change.path, target.status
        with disk.explained(path, "nothing was written"):
            backup, temporary = entry.backup(record), entry.temporary(record)
            disk.create(backup, target.change.before)
            disk.create(temporary, target.change.after)
            kept = disk.dress(temporary, target.real, status)
        fresh += (backup, temporary)
        if status.st_nlink > 1:
            notes.append(
                f"{disk.shown(path)}: was one file under {status.st_nlink} names; "
                "the others keep the old bytes (hard links are not written through)"
            )
        if not kept:
            notes.append(f"{disk.shown(path)}: now belongs to you or your group")
        if on_progress is not None:
            on_progress("stage", done, len(targets))
    with disk.explained(entry.folder, "nothing was written"):
        disk.flush(fresh)
        disk.flush_folders([entry.folder])
    return tuple(notes)


def _replace(entry: JournalEntry, targets: Sequence[Target], on_progress: Progress | None) -> None:
    for done, (target, record) in enumerate(zip(targets, entry.files, strict=True), 1):
        _refuse_changed([target])
        with disk.explained(target.change.path, "the run was taken back"):
            entry.temporary(record).replace(target.real)
        if on_progress is not None:
            on_progress("replace", done, len(targets))
