"""Where output goes: data on stdout, talk on stderr, progress on a terminal only."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO, TypeVar

Item = TypeVar("Item")
PROGRESS_AFTER = 50
"""Items from which on a run may last over two seconds and shows a progress bar."""


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
