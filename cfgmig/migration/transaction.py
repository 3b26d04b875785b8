"""Runs that write, and their reversal: `Transaction.run`, `undo`, `recover`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from cfgmig.errors import Refused, Unreadable, UsageError
from cfgmig.migration import disk, journal, rollback
from cfgmig.migration.journal import JournalEntry
from cfgmig.migration.lock import FOLDER, exclusive
from cfgmig.migration.rollback import RolledBack
from cfgmig.migration.writing import FileChange, Making, Progress, Receipt, select, write

__all__ = ["FileChange", "Making", "Progress", "Receipt", "Transaction", "recover", "undo"]


class Transaction:
    """Writes in the project whose root is `home`; creates nothing before `run`."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def run(
        self,
        changes: Sequence[FileChange],
        *,
        command: str,
        on_progress: Progress | None = None,
        making: Sequence[Making] = (),
    ) -> Receipt:
        """Write every change or none; files whose bytes stay are not touched at all.

        What `making` makes is there afterwards too, or none of it. `undo` leaves it in
        its place and says so: it may have cost hours, and nothing refers to it any more.

        Raises:
            UsageError: another run is writing; or an interrupted run had to be taken
                back first, and this plan does not know of all its files.
            Refused: a file changed between plan and write.
            Unreadable: a file cannot be read or written. In all cases nothing of this
                run remains.
        """
        unchanged = tuple(each.path for each in changes if each.before == each.after)
        if len(unchanged) == len(changes) and not making and journal.pending(self.home) is None:
            return Receipt(None, (), unchanged)
        with exclusive(self.home):
            back = rollback.recover(self.home)
            if back is not None:
                _refuse_stale(back, changes)
            return _carry_out(self.home, changes, command, on_progress, _notes(back), making)


def recover(home: Path) -> Receipt | None:
    """Take back the interrupted run of this project; None, and no trace, without one.

    Call it before the files are read: a plan that was made from the files that such a
    run has left half old, half new is refused by `Transaction.run`.

    Raises:
        Unreadable: a file could not be restored; the run stays pending.
    """
    if journal.pending(home) is None:
        return None
    with exclusive(home):
        back = rollback.recover(home)
    return None if back is None else Receipt(back.entry.name, back.restored, (), _notes(back))


def undo(
    home: Path,
    *,
    entry: str | None = None,
    force: bool = False,
    on_progress: Progress | None = None,
) -> Receipt:
    """Give the files of a run the bytes that they had before it; itself a journalled run.

    Without `entry` that is the interrupted run if there is one, else the newest run;
    undoing twice therefore redoes.

    Raises:
        UsageError: there is no such run.
        Refused: files are no longer as the run left them; `force` overwrites them.
        Unreadable: a file cannot be written, or the journal lost its old bytes.
    """
    if not (home / FOLDER).exists():
        journal.find(home, entry)  # says so, and creates nothing
    with exclusive(home):
        back = rollback.recover(home)
        if back is not None and (entry is None or entry in back.entry.name):
            return Receipt(back.entry.name, back.restored, (), _notes(back))
        chosen = journal.find(home, entry)
        changes, gone = _reversal(chosen, force=force)
        notes = (*_notes(back), *gone)
        return _carry_out(home, changes, f"undo {chosen.name}", on_progress, notes)


def _carry_out(
    home: Path,
    changes: Sequence[FileChange],
    command: str,
    on_progress: Progress | None,
    notes: tuple[str, ...],
    making: Sequence[Making] = (),
) -> Receipt:
    targets = select(changes)
    unchanged = tuple(each.path for each in changes if each.before == each.after)
    if not targets and not making:
        return Receipt(None, (), unchanged, notes)
    name, more = write(home, targets, command, on_progress, making)
    written = (
        *(target.change.path for target in targets),
        *(one.path for one in making),
    )
    return Receipt(name, written, unchanged, notes + more)


def _reversal(entry: JournalEntry, *, force: bool) -> tuple[list[FileChange], list[str]]:
    """The changes that take `entry` back, and notes on files that are no longer there."""
    changes: list[FileChange] = []
    edited: list[Path] = []
    gone = [
        f"{disk.shown(entry.target(made))} stays: that run made it, and nothing needs it any more"
        for made in entry.made
        if entry.target(made).exists()
    ]
    for record in entry.files:
        target = entry.target(record)
        with disk.explained(target):
            present, old = disk.read(target), entry.bytes_before(record)
        if old is None:
            raise Unreadable(
                f"the bytes from before {entry.name} are damaged or gone; nothing was written",
                file=disk.shown(target),
                help="restore the file from version control or a backup",
            )
        if present is None:
            edited.append(target)
            gone.append(f"{disk.shown(target)} is gone; old: {disk.shown(entry.backup(record))}")
        else:
            if journal.digest(present) not in (record.before, record.after):
                edited.append(target)
            changes.append(FileChange(target, present, old))
    if edited and not force:
        raise Refused(
            f"no longer as {entry.name} left them; nothing was written: {disk.listed(edited)}",
            kind="verification-failed",
            help="keep what was edited elsewhere, then undo with --force",
        )
    return changes, gone


def _refuse_stale(back: RolledBack, changes: Sequence[FileChange]) -> None:
    planned = {Path(os.path.realpath(each.path)) for each in changes if each.before != each.after}
    if not planned.issuperset(back.restored):
        raise UsageError(
            f"{_notes(back)[0]}; this plan was made from the files as that run had left them",
            help="run the same command again",
        )


def _notes(back: RolledBack | None) -> tuple[str, ...]:
    """What the user should know of a run that was taken back."""
    if back is None:
        return ()
    entry, count = back.entry, len(back.restored)
    files = "it had written nothing yet" if not count else f"{count} files have their old bytes"
    head = f"the interrupted run {entry.name} ({entry.command}) was taken back: {files}"
    return (head, *back.left)
