"""Places in a text: positions for people, edits for the splice, notes and comments."""

from __future__ import annotations

from typing import NamedTuple


class Position(NamedTuple):
    """Where something stands: 1-based lines and columns in code points, end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


class Edit(NamedTuple):
    """One splice: `text` replaces code points `start` to `end` of the decoded text (no BOM)."""

    start: int
    end: int
    text: str
    why: str


class Note(NamedTuple):
    """What an edit left for a person to look at; `line` counts in the new document."""

    line: int
    message: str


class Comment(NamedTuple):
    """One comment, from its `#` to the end of its line; 1-based place."""

    line: int
    column: int
    text: str
