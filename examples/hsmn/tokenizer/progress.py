"""A progress bar where there is a terminal, and silence where there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def progress(
    title: str, total: int | None, console: Console | None = None
) -> Iterator[Callable[[int], None]]:
    """A function that moves the bar on by a number of items.

    Args:
        title: stands before the bar.
        total: items; None where nobody knows.
        console: rich's; None for standard error.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    out = console or Console(stderr=True)
    if not out.is_terminal:
        yield lambda _items: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=out) as bar:
        task = bar.add_task(title, total=total)
        yield lambda items: bar.advance(task, items)
