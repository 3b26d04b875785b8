"""Changes of a TOML text, one verified step each.

After each step tomllib reads the new text to exactly the data that the change predicts,
the bytes outside of the edits are the same, and every comment is accounted for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cfgmig.document.changes import Insert, MoveTo
from cfgmig.document.receipt import compose, shifted
from cfgmig.document.spans import Edit, Note
from cfgmig.document.toml.plan import plan, unpacked
from cfgmig.document.toml.step import Step, about
from cfgmig.errors import Refused
from cfgmig.paths import format_path, get, has

if TYPE_CHECKING:
    from cfgmig.document.changes import Change
    from cfgmig.document.document import Document, Edited
    from cfgmig.document.plan_place import Order
    from cfgmig.document.toml.model import Leave


def edit(document: Document, changes: Sequence[Change], order: Order | None) -> Edited:
    """Apply changes in order.

    Raises:
        Refused: some change is not possible, or not safely; nothing was changed.
    """
    from cfgmig.document.document import Edited

    current, edits = ended(document)
    marks: list[tuple[int, str]] = []
    for change in changes:
        for single in unpacked(current, change):
            current, more, found = _step(current, single, order)
            marks = [(shifted(at, more), text) for at, text in marks]
            marks += [(shifted(at, more), text) for at, text in found]
            edits = compose(edits, more)
    current, edits = _as_it_ended(document, current, edits)
    edits = tuple(one for one in edits if document.text[one.start : one.end] != one.text)
    notes = {Note(current.source.place(at)[0], text) for at, text in marks}
    return Edited(current, edits, tuple(sorted(notes)))


def _step(
    current: Document, change: Change | Leave, order: Order | None
) -> tuple[Document, tuple[Edit, ...], list[tuple[int, str]]]:
    """One change; the notes refer to offsets of the text before it."""
    try:
        step = Step(current, change, order)
    except KeyError:
        raise _no_place(current, change) from None
    plan(step, change)
    new, edits = step.write()
    return new, edits, step.marks


def _no_place(document: Document, change: Change | Leave) -> Refused:
    """The refusal of a change for which there is no place in the file."""
    path = about(change)
    if isinstance(change, MoveTo) and has(document.data, path):
        path = change.target
    above = path
    while not has(document.data, above):
        above = above[:-1]
    line, column, *_ = document.position(path)
    value = isinstance(change, Insert | MoveTo) and not isinstance(get(document.data, above), dict)
    said = f"{format_path(above)} is no table, so {format_path(path)} has no place"
    return Refused(
        said if value else f"there is no {format_path(path)}",
        kind="key-collision" if value else "not-found",
        file=document.name, line=line, column=column,
    )  # fmt: skip


def ended(document: Document) -> tuple[Document, tuple[Edit, ...]]:
    """The document with a line end at its end, and the edit that gives it one."""
    text = document.text
    if not text or text.endswith("\n"):
        return document, ()
    eol = document.source.eol
    new = _parsed(document, text + eol)
    return new, (Edit(len(text), len(text), eol, ""),)


def _as_it_ended(
    before: Document, after: Document, edits: tuple[Edit, ...]
) -> tuple[Document, tuple[Edit, ...]]:
    """The last line without its line end, if it had none."""
    text = after.text
    if not before.text or before.text.endswith("\n") or not text:
        return after, edits
    eol = "\r\n" if text.endswith("\r\n") else "\n"
    cut = Edit(len(text) - len(eol), len(text), "", "")
    return _parsed(before, text.removesuffix(eol)), compose(edits, (cut,))


def _parsed(document: Document, text: str) -> Document:
    from cfgmig.document.document import Document

    new = Document.parse(text, document.name, "toml")
    new.bom = document.bom
    return new
