"""What the commands about checkpoints share: opening files, and telling what is wrong with them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cfgmig.errors import UsageError
from cfgmig.states import as_cfgmig

if TYPE_CHECKING:
    from cfgmig.project import Project
    from checkpoint_tools import Checkpoint

FORMATS = ("text", "json")
PROBLEMS = 20
"""Contradictions of one plan that are shown."""


def check_format(output_format: str) -> None:
    """Raises a UsageError unless this is one of `FORMATS`."""
    check_word(output_format, FORMATS, "output format")


def check_word(word: str, known: Sequence[str], noun: str) -> None:
    """Raises a UsageError unless a word is one of those that are known."""
    if word not in known:
        raise UsageError(f"no {noun} is called {word!r}", help=f"one of: {', '.join(known)}")


def project_of(path: str) -> Project:
    """The project around the current folder, else around the checkpoint."""
    from cfgmig.project import find_project

    here = find_project(Path.cwd())
    if here.declared or "://" in path:
        return here
    there = find_project(Path(os.path.dirname(path) or "."))  # noqa: PTH120
    return there if there.declared else here


@contextmanager
def explained() -> Iterator[None]:
    """Errors of checkpoints and plans in the classes of this house, with every contradiction.

    Raises:
        Unreadable: a file is not there or cannot be written, or the plan does not fit it.
        Refused: a file is malformed or unsafe, or a cast lost what it must not lose.
    """
    from checkpoint_tools.errors import CheckpointError
    from checkpoint_tools.text import escape

    try:
        yield
    except CheckpointError as error:
        known = as_cfgmig(error)
        problems: Sequence[str] = getattr(error, "problems", ())[1:]
        known.message += "".join(f"\n  {escape(problem)}" for problem in problems[:PROBLEMS])
        raise known from error


@contextmanager
def opened(path: str, *, joined: bool = False) -> Iterator[Checkpoint]:
    """A checkpoint for as long as it is looked at; errors are explained.

    Args:
        path: a file, a folder or a URL.
        joined: together with the tensors that an earlier migration kept beside it.
    """
    if joined:
        from cfgmig.converting import opened as open_one
    else:
        from checkpoint_tools import open_checkpoint as open_one
    with explained(), open_one(path) as checkpoint:
        yield checkpoint
