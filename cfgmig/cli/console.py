"""Where output goes: data on stdout, talk on stderr, progress on a terminal only."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, TextIO, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress

Item = TypeVar("Item")
PROGRESS_AFTER = 50
"""Items from which on a run may last over two seconds and shows a progress bar."""
PATIENCE = 2.0
"""Seconds that a person waits without a bar."""
Metered = Callable[[int, int, str], None]
"""Is told bytes done, bytes in total, and what is at hand."""


def data(text: str) -> None:
    """Write a result, as UTF-8 whatever the locale says."""
    if not text:
        return
    stream = getattr(sys.stdout, "buffer", None)
    if stream is None:
        sys.stdout.write(text)
        return
    sys.stdout.flush()
    stream.write(text.encode("utf-8", "surrogateescape"))
    stream.flush()


def data_bytes(content: bytes) -> None:
    """Write bytes as they are."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def say(text: str, *, quiet: bool = False) -> None:
    """Tell the user something that is no result."""
    if not quiet:
        print(text, file=sys.stderr)


def colored(stream: TextIO) -> bool:
    """Whether colours are welcome: a terminal, and neither NO_COLOR nor a dumb one."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(os.environ.get("FORCE_COLOR")) or stream.isatty()


@contextmanager
def progress(items: Sequence[Item], title: str, *, quiet: bool) -> Iterator[Iterator[Item]]:
    """Iterate over `items`, with a bar on stderr where a person is watching a long run."""
    if quiet or len(items) < PROGRESS_AFTER or not sys.stderr.isatty():
        yield iter(items)
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        yield iter(bar.track(items, description=title))


@contextmanager
def meter(title: str, *, quiet: bool) -> Iterator[Metered]:
    """A bar over bytes on stderr, where a person is watching a run of over two seconds."""
    if quiet or not sys.stderr.isatty():
        yield lambda *_: None
        return
    bar = _Bar(title)
    try:
        yield bar
    finally:
        bar.stop()


class _Bar:
    """Shows itself, and loads what it needs for that, only after some time."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.begin = monotonic()
        self.shown: Progress | None = None

    def __call__(self, done: int, total: int, _: str) -> None:
        if self.shown is None:
            if monotonic() - self.begin < PATIENCE:
                return
            self._show(total)
        if self.shown is not None:
            self.shown.update(self.shown.task_ids[0], completed=done, total=total)

    def _show(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

        columns = ("{task.description}", BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self.shown = Progress(*columns, console=Console(stderr=True), transient=True)
        self.shown.start()
        self.shown.add_task(self.title, total=total)

    def stop(self) -> None:
        """Take the bar away."""
        if self.shown is not None:
            self.shown.stop()


def color_diff(diff: str) -> str:
    """A unified diff in the colours that git uses."""
    colors = {"+": "32", "-": "31", "@": "36"}
    lines = []
    for line in diff.splitlines(keepends=True):
        body = line.rstrip("\n")
        if line.startswith(("+++", "---")):
            line = f"\x1b[1m{body}\x1b[0m\n"
        elif line[:1] in colors:
            line = f"\x1b[{colors[line[0]]}m{body}\x1b[0m\n"
        lines.append(line)
    return "".join(lines)
