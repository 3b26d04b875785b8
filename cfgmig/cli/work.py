"""What the commands share: the files of a run, in one process or several, and their writing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from cfgmig.cli import console
from cfgmig.errors import CfgmigError, UsageError
from cfgmig.project import find_project

if TYPE_CHECKING:
    from cfgmig.cli.files import Target
    from cfgmig.migration.transaction import Making
    from cfgmig.project import Project

Result = TypeVar("Result")
FILES_PER_PROCESS = 64
"""Fewer are done before another process has started."""
FOREIGN = "not a config of any known family"


class Change(NamedTuple):
    """New bytes for a file."""

    target: Target
    before: bytes
    after: bytes


def project_of(paths: Sequence[str]) -> Project:
    """The project of a run: the one around the current folder, else around the first path."""
    here = find_project(Path.cwd())
    if here.declared or not paths or paths[0] == "-":
        return here
    first = Path(paths[0])
    there = find_project(first if first.is_dir() else first.parent)
    return there if there.declared else here


def map_files(
    task: Callable[[Target], Result],
    targets: Sequence[Target],
    *,
    jobs: int,
    quiet: bool,
    title: str,
) -> list[Result]:
    """`task` of every target, in their order; `jobs` 0 takes more processes for more files."""
    workers = min(jobs or 1 + len(targets) // FILES_PER_PROCESS, len(targets))
    if not jobs:
        workers = min(workers, os.cpu_count() or 1)
    if workers <= 1:
        with console.progress(targets, title, quiet=quiet) as items:
            return [task(target) for target in items]
    from concurrent.futures import ProcessPoolExecutor

    size = max(1, len(targets) // (workers * 8))
    with ProcessPoolExecutor(workers) as pool:
        done = pool.map(task, targets, chunksize=size)
        with console.progress(targets, title, quiet=quiet) as items:
            return [result for _, result in zip(items, done, strict=True)]


def recover(project: Project) -> None:
    """Take back a run that was killed before it could finish; call it before reading files."""
    from cfgmig.migration import transaction

    receipt = transaction.recover(project.root)
    for note in receipt.notes if receipt is not None else ():
        console.say(f"note: {note}")


def write(
    project: Project,
    changes: Sequence[Change],
    command: str,
    *,
    quiet: bool,
    making: Sequence[Making] = (),
) -> None:
    """Write all changes in one transaction; standard input goes to standard output."""
    if len(changes) == 1 and changes[0].target.is_standard_input:
        console.data_bytes(changes[0].after)
        return
    from cfgmig.migration.disk import shown
    from cfgmig.migration.transaction import FileChange, Transaction

    files = [FileChange(Path(one.target.path), one.before, one.after) for one in changes]
    receipt = Transaction(project.root).run(files, command=command, making=making)
    for note in receipt.notes:
        console.say(f"note: {note}")
    for path in receipt.written:
        console.say(f"wrote {shown(path)}", quiet=quiet)


def diff(change: Change) -> str:
    """A unified diff, coloured where a person watches."""
    import sys
    from difflib import unified_diff

    name = change.target.name
    before = _lines(change.before)
    after = _lines(change.after)
    lines: list[str] = []
    for line in unified_diff(before, after, f"a/{name}", f"b/{name}"):
        lines.append(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
    text = "".join(lines)
    return console.color_diff(text) if console.colored(sys.stdout) else text


def _lines(content: bytes) -> list[str]:
    # Only "\n" ends a line for `patch`; str.splitlines knows many more.
    text = content.decode("utf-8-sig", "replace")
    return [f"{line}\n" for line in text.split("\n")[:-1]] + [text.rpartition("\n")[2]] * bool(
        text.rpartition("\n")[2]
    )


def is_foreign(error: CfgmigError) -> bool:
    """Whether the error says that a file is of no known family."""
    return isinstance(error, UsageError) and error.message == FOREIGN


def told(error: CfgmigError | None, name: str) -> CfgmigError | None:
    """The error as a user sees it: why a file is of no known family is one command away."""
    if error is not None and is_foreign(error):
        error.help = (
            f"{error.help}, or take it for one by `--family` and `--from-version`; "
            f"`cfgmig current -v {name.replace('<stdin>', '-')}` says what it was compared with"
        )
    return error


def worst(errors: Iterable[CfgmigError | None]) -> int:
    """The exit code of the most serious error; 0 without one."""
    return max((error.exit_code for error in errors if error is not None), default=0)
