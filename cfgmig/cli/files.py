"""Turns the paths of a command line into the files to look at."""

from __future__ import annotations

import fnmatch
import glob
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from cfgmig.errors import Unreadable, UsageError

SUFFIXES = (".yaml", ".yml", ".json", ".toml")
SKIPPED = {"node_modules", "__pycache__", "venv", "site-packages"}
STANDARD_INPUT = "-"
LARGEST = 32 * 1024 * 1024
"""Bytes; a text beyond this is no config."""


class Target(NamedTuple):
    """A file to work on; `explicit` when the user named it, not found in a folder."""

    path: str
    explicit: bool

    @property
    def is_standard_input(self) -> bool:
        """Whether it stands for standard input."""
        return self.path == STANDARD_INPUT

    @property
    def name(self) -> str:
        """What messages call it."""
        return "<stdin>" if self.is_standard_input else self.path

    def read(self) -> bytes:
        """The file's bytes.

        Raises:
            Unreadable: it is missing, a folder, no regular file, too large, or may not be read.
        """
        if self.is_standard_input:
            return sys.stdin.buffer.read()
        try:
            if not Path(self.path).is_file() and Path(self.path).exists():
                raise Unreadable("is not a regular file", file=self.path)
            if Path(self.path).stat().st_size > LARGEST:
                raise Unreadable(f"is larger than {LARGEST >> 20} MiB, no config", file=self.path)
            return Path(self.path).read_bytes()
        except OSError as error:
            raise Unreadable(
                f"cannot be read: {error.strerror}", file=self.path, help=_read_help(error)
            ) from error


def _read_help(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "check the path; globs may be quoted, cfgmig expands `**` itself"
    return "check its permissions with `ls -l`"


def collect(paths: Sequence[str], exclude: Sequence[str] = ()) -> list[Target]:
    """The files that `paths` name: files, folders (searched), globs, `-`.

    Files named by their own path are taken whatever their suffix, unless excluded
    files were found by searching. The order is that of the command line, sorted
    within a folder or a glob; each real file comes once.

    Raises:
        UsageError: nothing was named, or a glob matches nothing.
    """
    if not paths:
        raise UsageError("no files given", help="name files, folders or globs, e.g. `configs/`")
    targets: list[Target] = []
    for path in paths:
        if path == STANDARD_INPUT or (os.path.lexists(path) and not Path(path).is_dir()):
            targets.append(Target(path, explicit=True))
        elif Path(path).is_dir():
            targets += [Target(file, explicit=False) for file in _search(path, exclude)]
        elif glob.has_magic(path):
            targets += _expand(path, exclude)
        else:
            targets.append(Target(path, explicit=True))
    if sum(target.is_standard_input for target in targets) > 1 or (
        len(targets) > 1 and any(target.is_standard_input for target in targets)
    ):
        raise UsageError("`-` stands alone: standard input is one document")
    return _once(targets)


def _expand(pattern: str, exclude: Sequence[str]) -> Iterator[Target]:
    found = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207  (keeps the spelling)
    if not found:
        raise UsageError(f"nothing matches {pattern!r}", help="check the pattern and the folder")
    for path in found:
        if Path(path).is_dir():
            yield from (Target(file, explicit=False) for file in _search(path, exclude))
        else:
            yield Target(path, explicit=False)


def _search(folder: str, exclude: Sequence[str]) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and name not in SKIPPED
        )
        for name in sorted(files):
            path = os.path.join(parent, name)  # noqa: PTH118  (keeps the user's spelling)
            if name.endswith(SUFFIXES) and not name.startswith(".") and not _out(path, exclude):
                yield path


def _out(path: str, exclude: Sequence[str]) -> bool:
    normal = os.path.normpath(path).replace(os.sep, "/")
    return any(fnmatch.fnmatch(normal, p) or fnmatch.fnmatch(normal, f"*/{p}") for p in exclude)


def _once(targets: list[Target]) -> list[Target]:
    seen: dict[str, Target] = {}
    for target in targets:
        seen.setdefault(os.path.realpath(target.path), target)
    return list(seen.values())
