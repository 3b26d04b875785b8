"""Lines that differ between two spellings of a config, kept so that they can be put back.

A patch is the body of a unified diff with one line of context; each hunk begins with
`@@ 34`, the line, from 1, at which it starts. A hunk that is not found there is looked
for elsewhere, for the file may have changed above it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import unified_diff
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cfgmig.document.spans import Edit

_START = re.compile(r"@@ -(\d+)(?:,(\d+))?")


class Hunk(NamedTuple):
    """One place: lines of the patch, each with its mark, and the index at which they start."""

    at: int
    lines: tuple[str, ...]

    @property
    def old(self) -> list[str]:
        """What stands there."""
        return [line[1:] for line in self.lines if line[0] != "+"]

    @property
    def blank(self) -> bool:
        """Whether it is about blank lines alone."""
        return not any(line[1:].strip() for line in self.lines if line[0] != " ")


class Found(NamedTuple):
    """The edits that apply a patch to a text, and how many hunks found no place in it."""

    edits: tuple[Edit, ...]
    missed: int


def difference(old: str, new: str) -> list[Hunk]:
    """The patch that makes `new` of `old`; line ends do not count."""
    found = list(unified_diff(_lines(old), _lines(new), n=1, lineterm=""))[2:]
    return list(hunks([_head(line) if line.startswith("@@") else line for line in found]))


def spelled(patch: Iterable[Hunk]) -> tuple[str, ...]:
    """The lines of a patch."""
    return tuple(line for hunk in patch for line in (f"@@ {hunk.at + 1}", *hunk.lines))


def _head(line: str) -> str:
    start = _START.match(line)
    assert start is not None  # `unified_diff` wrote it
    # Where a hunk takes nothing, it is counted from the line before it.
    return f"@@ {int(start[1]) + (start[2] == '0')}"


def find(text: str, patch: Sequence[str]) -> Found:
    """Where the hunks of a patch have their lines in `text`, and what becomes of those."""
    from cfgmig.document.spans import Edit

    lines = _ended(text)
    bare = [line.rstrip("\r\n") for line in lines]
    starts = [0, *accumulate(map(len, lines))]
    eol = "\r\n" if text.count("\r\n") * 2 > text.count("\n") else "\n"
    edits = []
    floor = moved = missed = 0
    for hunk in hunks(patch):
        at = _place(bare, hunk.old, hunk.at + moved, floor)
        if at < 0:
            missed += 1
            continue
        moved, floor = at - hunk.at, at + len(hunk.old)
        new = "".join(_new(hunk, iter(lines[at:floor]), eol))
        if floor == len(lines) and not text.endswith("\n"):
            new = new.removesuffix("\n").removesuffix("\r")
        edits.append(Edit(starts[at], starts[floor], new, "the old layout"))
    return Found(tuple(edits), missed)


def _new(hunk: Hunk, standing: Iterator[str], eol: str) -> Iterator[str]:
    """What becomes of the lines at a hunk's place; those that stay keep their spelling."""
    for line in hunk.lines:
        if line[0] == "+":
            yield line[1:] + eol
            continue
        old = next(standing)
        if line[0] == " ":
            yield old if old.endswith("\n") else old + eol


def checked(patch: Sequence[str]) -> tuple[str, ...]:
    """The same patch.

    Raises:
        ValueError: it is no patch of `difference`.
    """
    for _ in hunks(patch):
        pass
    return tuple(patch)


def hunks(patch: Sequence[str]) -> Iterator[Hunk]:
    """The hunks of a patch; a context line may have lost the blank that marks it.

    Raises:
        ValueError: it is no patch of `difference`.
    """
    at, lines = -1, list[str]()
    for line in patch:
        if line.startswith("@@ "):
            if lines:
                yield Hunk(at, tuple(lines))
            at, lines = int(line[3:]) - 1, []
        elif at < 0 or line[:1] not in ("", " ", "-", "+"):
            raise ValueError("a line of a patch begins with a blank, `-`, `+` or `@@`")
        else:
            lines.append(line or " ")
    if lines:
        yield Hunk(at, tuple(lines))


def _place(lines: Sequence[str], wanted: Sequence[str], near: int, floor: int) -> int:
    """Where some lines stand, the nearest place first; -1 if they are gone."""
    size = len(wanted)
    places = range(floor, len(lines) - size + 1)
    for at in sorted(places, key=lambda one: abs(one - near)):
        if all(map(_same, lines[at : at + size], wanted)):
            return at
    return -1


def _same(line: str, wanted: str) -> bool:
    """Whether two lines are the same; blanks at the end of a line come and go."""
    return line == wanted or line.rstrip() == wanted.rstrip()


def _ended(text: str) -> list[str]:
    """Lines with their ends; only `\\n` ends one."""
    parts = text.split("\n")
    return [f"{part}\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _lines(text: str) -> list[str]:
    return [line.rstrip("\r\n") for line in _ended(text)]


def trimmed(text: str, edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """The same edits without what they replace by itself."""
    out = []
    for edit in edits:
        old, new = text[edit.start : edit.end], edit.text
        if old == new:
            continue
        head = 0
        while head < min(len(old), len(new)) and old[head] == new[head]:
            head += 1
        tail = 0
        while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
            tail += 1
        text_now = new[head : len(new) - tail]
        out.append(edit._replace(start=edit.start + head, end=edit.end - tail, text=text_now))
    return tuple(out)
