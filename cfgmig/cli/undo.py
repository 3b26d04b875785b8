"""`cfgmig undo`: takes a run back, also one that was interrupted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cfgmig.cli import console
from cfgmig.errors import UsageError
from cfgmig.project import find_project

if TYPE_CHECKING:
    from cfgmig.cli.options import Force, List, Quiet, Run


def undo(*, run: Run = "", list: List = False, force: Force = False, quiet: Quiet = False) -> int:
    """Restore the files that the last run wrote, byte for byte."""
    from cfgmig.migration import disk, journal, transaction

    root = find_project(Path.cwd()).root
    if list:
        for entry in journal.history(root):
            console.data(
                f"{entry.name}  {entry.state}  {len(entry.files)} files  {entry.command}\n"
            )
        return 0
    receipt = transaction.undo(root, entry=run or None, force=force)
    for note in receipt.notes:
        console.say(f"note: {note}")
    if not receipt.written and not receipt.notes:
        raise UsageError("there is nothing to undo", help="`cfgmig undo --list` lists the runs")
    for path in receipt.written:
        console.say(f"restored {disk.shown(path)}", quiet=quiet)
    return 0
