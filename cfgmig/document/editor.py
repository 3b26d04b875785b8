"""Changes in as few verified steps as they allow, each one read back and compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cfgmig.document.changes import Change, Delete, Insert, MoveTo, paths_of
from cfgmig.document.draft import Draft, Retry, Unit
from cfgmig.document.moving_text import CopyTo
from cfgmig.document.node import Node
from cfgmig.document.plan_place import Order
from cfgmig.document.planner import Planner
from cfgmig.document.receipt import apply, compose, shifted
from cfgmig.document.sharing import Task, tasks
from cfgmig.document.spans import Edit, Note
from cfgmig.document.verify import Mismatch, check
from cfgmig.errors import Refused
from cfgmig.paths import Path, format_path

if TYPE_CHECKING:
    from cfgmig.document.document import Document, Edited

GUEST = "a_key_that_stays_for_a_moment"
_Mark = tuple[int, str]  # offset of a line in the newest text, what to say about it


def edit(document: Document, changes: Sequence[Change], order: Order | None) -> Edited:
    """Apply changes in order.

    Changes that do not need each other's outcome are written and read back together.

    Raises:
        Refused: some change is not possible, or not safely.
    """
    from cfgmig.document.document import Edited

    if document.count > 1 and changes:
        raise Refused(
            f"the file holds {document.count} documents; only files of one are edited",
            kind="unsupported-shape", file=document.name, line=1, column=1,
            help="split the file",
        )  # fmt: skip
    pending = tasks(document, changes)
    current = document
    edits: tuple[Edit, ...] = ()
    marks: list[_Mark] = []
    size = len(pending)
    while pending:
        try:
            draft, done = _plan(current, pending[:size], order)
        except Retry as problem:
            pending[:1] = _halves(current, pending[0], problem)
            continue
        try:
            new, step = _write(current, draft)
        except Mismatch as problem:
            if done == 1:
                raise _failed(current, pending[0].change, problem) from problem
            size = done // 2
            continue
        marks = [(shifted(at, step), text) for at, text in marks]
        marks += _marks(draft)
        if draft.gained:
            marks.append(
                (len(new.text) - 1, "the file ends in a line end now: its last value has one")
            )
        edits = compose(edits, step)
        current = new
        pending = pending[done:]
        size = len(pending)
    notes = tuple(Note(current.source.place(at)[0], text) for at, text in sorted(set(marks)))
    return Edited(current, edits, notes)


def draft_of(document: Document) -> Draft:
    """A fresh draft of a document; an empty text has an empty value at its end."""
    root = document.root
    if root is None:
        end = len(document.text)
        root = Node("scalar", end, end, end, "", None, None)
    return Draft(document.source, root, document.kind == "json", document.comment_spans())


def _plan(document: Document, wanted: Sequence[Task], order: Order | None) -> tuple[Draft, int]:
    """Draft as many of the changes as can be written together, at least one."""
    draft = draft_of(document)
    planner = Planner(draft, order)
    for at, (change, covered) in enumerate(wanted):
        draft.covered = covered
        try:
            planner.plan(change)
        except (Retry, Refused):
            if at:  # what is drafted so far may be spoiled by half a change: draft it afresh
                return _plan(document, wanted[:at], order)
            raise
    return draft, len(wanted)


def _halves(document: Document, task: Task, problem: Retry) -> list[Task]:
    """A move that cannot be written at once as a copy and a delete.

    Raises:
        Refused: the change is another, or cannot be parted.
    """
    change = task.change
    if isinstance(change, MoveTo):
        source, target = change.source, change.target
        node = document.node(source[:-1])
        flow = node is not None and node.style == "flow"
        shared = _shared(source[:-1], target[:-1])
        if not flow and shared and target[: len(source)] != source:
            # A guest keeps the section from being emptied, and its comments with it.
            guest = (*source[:shared], GUEST)
            steps = (Insert(guest, None), change, Delete(guest, prune=False))
            return [Task(step, task.covered) for step in steps]
        if flow and target[: len(source)] != source and source[: len(target)] != target:
            return [Task(CopyTo(source, target), task.covered), Task(Delete(source), task.covered)]
    line, column, *_ = document.position(path_of(change))
    raise Refused(
        f"{describe(change)}: the text has a shape that cannot be edited so",
        kind="unsupported-shape", file=document.name, line=line, column=column,
        help="make this change by hand",
    ) from problem  # fmt: skip


def _shared(first: Path, second: Path) -> int:
    """How many segments two paths begin with in common."""
    count = 0
    while count < min(len(first), len(second)) and first[count] == second[count]:
        count += 1
    return count


def _write(document: Document, draft: Draft) -> tuple[Document, tuple[Edit, ...]]:
    """Splice, read back and compare.

    Raises:
        Mismatch: the outcome is not what was predicted.
    """
    from cfgmig.document.document import Document

    if not draft.touched:
        return document, ()
    edits = draft.edits()
    try:
        text = apply(document.text, edits)
    except ValueError as problem:
        raise Mismatch(str(problem)) from problem
    try:
        new = Document.parse(text, document.name, document.kind)
    except Refused as problem:
        raise Mismatch(f"the outcome cannot be read: {problem.message}") from problem
    new.bom = document.bom
    check(draft, document, new)
    return new, edits


def _failed(document: Document, change: Change | CopyTo, problem: Mismatch) -> Refused:
    kind = "verification-failed"
    if "alias" in str(problem) and "not defined" in str(problem):
        kind = "shared-node"
    return Refused(
        f"{describe(change)} would not come out as meant: {problem}; nothing was changed",
        kind=kind, file=document.name, help="make this change by hand",
    )  # fmt: skip


def path_of(change: Change | CopyTo) -> Path:
    """The path that a change is about."""
    return change.source if isinstance(change, CopyTo) else paths_of(change)[0]


def describe(change: Change | CopyTo) -> str:
    """A change in a few words."""
    name = "MoveTo" if isinstance(change, CopyTo) else type(change).__name__
    return f"{name} {format_path(path_of(change))}".strip()


def _marks(draft: Draft) -> list[_Mark]:
    """Where the lines that the notes speak of stand in the new text."""
    if not draft.notes:
        return []
    wanted: dict[Unit, list[str]] = {}
    for unit, message in zip(draft.note_units, draft.notes, strict=True):
        wanted.setdefault(unit, []).append(message)
    marks = []
    at = 0
    extra = len(draft.source.eol) - 1
    for unit in draft.lines:
        if unit in wanted:
            marks += [(at, message) for message in wanted.pop(unit)]
            if not wanted:
                break
        text = draft.render(unit)
        at += len(text) + (extra * (text.count("\n") - text.count("\r\n")) if extra else 0)
    return marks
