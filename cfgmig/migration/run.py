"""Carry out a plan on one document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from cfgmig.errors import LossyError, Refused
from cfgmig.migration.effect import Dropped, Effect, Moved, Written
from cfgmig.migration.effects import effects
from cfgmig.migration.on_data import Order, no_order
from cfgmig.migration.on_document import Editing
from cfgmig.migration.operations import Blocked, Operation
from cfgmig.migration.plan import Plan
from cfgmig.migration.trace import current
from cfgmig.migration.values import copy, equal, same_content, show
from cfgmig.paths import Path, format_path

if TYPE_CHECKING:
    from cfgmig.document import Document, Edit, Note
    from cfgmig.migration.site import Kept


CROWD = 12
"""So many keys that one operation moves to one section are told one by one."""


class Fired(NamedTuple):
    """An operation that changed something, in words: revision file's stem and sentence."""

    revision: str
    operation: str


@dataclass(frozen=True)
class Done:
    """One operation that changed something, and the stem of its revision's file."""

    revision: str
    origin: str
    goal: str
    operation: Operation
    effects: tuple[Effect, ...]

    def describe(self) -> str:
        """The step, and what was done in it, on one line."""
        crowds, others = _crowds(self.effects)
        return f"{self.goal}: " + "; ".join([*map(_said, others), *crowds])


@dataclass(frozen=True)
class Outcome:
    """A migrated document.

    Attributes:
        before: the document as it was.
        document: the document as it is.
        edits: relative to the text of `before`.
        notes: what was ambiguous; lines of the new text.
        done: the operations that changed something, in order.
        expected: what the new text was verified to read as.
        kept: what the file's stash holds now.
    """

    before: Document
    document: Document
    edits: tuple[Edit, ...] = ()
    notes: tuple[Note, ...] = ()
    done: tuple[Done, ...] = ()
    expected: Any = None
    kept: tuple[Kept, ...] = field(default=(), repr=False)

    @property
    def changed(self) -> bool:
        """Whether the text differs."""
        return bool(self.document.text != self.before.text)

    @property
    def effects(self) -> tuple[Effect, ...]:
        """Everything that was done, in order; `trace.origin` reads it."""
        return tuple(effect for one in self.done for effect in one.effects)

    @property
    def fired(self) -> tuple[Fired, ...]:
        """The operations that changed something, in words."""
        return tuple(Fired(one.revision, one.operation.describe()) for one in self.done)

    @property
    def log(self) -> tuple[str, ...]:
        """One line for each operation that changed something."""
        return tuple(one.describe() for one in self.done)


def run(
    document: Document,
    plan: Plan,
    *,
    stamp: str | None = None,
    stamp_key: str = "schema_version",
    add_stamp: bool = True,
    order: Callable[[str], Order] | None = None,
    stash: bool = True,
    prefer: tuple[str, ...] = (),
) -> Outcome:
    """Migrate a document and verify the result.

    Args:
        document: it is of `plan.origin`.
        plan: the steps.
        stamp: what the stamp must say afterwards; None leaves it alone.
        stamp_key: the top-level key of the stamp.
        add_stamp: whether a file without a stamp gets one.
        order: for a version, the keys of a section in schema order.
        stash: whether what has no place in the target may be kept in the file; else a
            file that would lose something is refused.
        prefer: the keys that stay where two contradict each other.

    Raises:
        Refused: a step does not fit the document, or the result could not be verified.
        LossyError: something would be lost, or a step has no way back.
    """
    _refuse_blocked(plan, document.name)
    from cfgmig.migration.grade import STASH_KEY
    from cfgmig.migration.stash import take

    stampable = isinstance(document.data, dict) and stamp is not None
    if not plan.steps:
        absent = stampable and stamp_key not in document.data
        wanted = stampable and (add_stamp or not absent)
        return _stamp_only(document, stamp_key, str(stamp) if wanted else None)
    body, kept, cut = take(document)
    work = copy(body.data)
    reserved = {key: work.pop(key) for key in (stamp_key, STASH_KEY) if _is_key(work, key)}
    editing = Editing(body, work, kept, stash=stash)
    editing.prefer = prefer
    done = _walk(plan, editing, order or _unordered)
    if stampable and (stamp_key in reserved or add_stamp):
        editing.stamp(stamp_key, str(stamp), there=stamp_key in reserved)
        reserved[stamp_key] = stamp
    after, edits = _restash(document, editing, kept, cut)
    _verify(document, after, _predicted(editing, reserved))
    return Outcome(
        document, after, edits, _notes(editing, after), done, after.data, tuple(editing.kept)
    )


def _notes(editing: Editing, after: Document) -> tuple[Note, ...]:
    """What was ambiguous, and what operations remarked, at its line of the new text."""
    if not editing.told:
        return tuple(editing.notes)
    from cfgmig.document import Note

    told = []
    for one in editing.told:
        path = current(editing.effects[one.after :], one.path)
        told.append(Note(after.position(path or ()).line, one.message))
    return (*editing.notes, *told)


def _stamp_only(document: Document, key: str, stamp: str | None) -> Outcome:
    """What is done to a document that is of the wanted version already."""
    if stamp is None or document.data.get(key) == stamp:
        return Outcome(document, document, expected=document.data)
    from cfgmig.document.verify import verify_final
    from cfgmig.migration.stamping import stamped

    edited = stamped(document, key, stamp)
    data = edited.document.data
    verify_final(document, edited.document, data)
    return Outcome(document, edited.document, edited.edits, edited.notes, expected=data)


def _is_key(data: Any, key: str) -> bool:
    return isinstance(data, dict) and key in data


def _refuse_blocked(plan: Plan, name: str) -> None:
    for step in plan.steps:
        for operation in step.operations:
            if isinstance(operation, Blocked):
                raise LossyError(
                    f"{step.origin} cannot be taken back to {step.goal}: {operation.describe()}",
                    file=name,
                    help="take the older file from version control",
                )


def _walk(plan: Plan, editing: Editing, order: Callable[[str], Order]) -> tuple[Done, ...]:
    done = []
    for step in plan.steps:
        editing.step(step, _lazy(order, step.goal), _lazy(order, step.origin))
        for operation in step.operations:
            found = []
            for effect in effects(operation, editing.data, editing):
                editing.do(effect)
                found.append(effect)
            if found:
                stem = step.revision.path.stem
                done.append(Done(stem, step.origin, step.goal, operation, tuple(found)))
        editing.leave()
    return tuple(done)


def _lazy(order: Callable[[str], Order], version: str) -> Order:
    """Schemas are only asked where a key is inserted."""

    def asked(parent: Path) -> tuple[str, ...]:
        return order(version)(parent)

    return asked


def _unordered(version: str) -> Order:
    del version
    return no_order


def _restash(
    document: Document, editing: Editing, kept: Sequence[Kept], cut: tuple[Edit, ...]
) -> tuple[Document, tuple[Edit, ...]]:
    """The edited document with its stash back in its place."""
    from cfgmig.document.receipt import compose
    from cfgmig.migration.grade import STASH_KEY
    from cfgmig.migration.stash import put, put_back
    from cfgmig.migration.stash_json import to_json

    editing.settle()
    same = list(kept) == editing.kept
    if document.kind == "json":
        if not same:
            editing.reserve(STASH_KEY, to_json(editing.kept), there=bool(kept))
        editing.flush()
        return editing.document, editing.edits
    editing.flush()
    edits = compose(cut, editing.edits)
    if same and cut and cut[0].end == len(document.text):
        after, more = put_back(editing.document, document.text[cut[0].start :])
    else:
        after, more = put(editing.document, editing.kept)
    edits = compose(edits, more)
    return after, trimmed(document.text, edits) if cut else edits


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


def _predicted(editing: Editing, reserved: dict[str, Any]) -> Any:
    from cfgmig.migration.grade import STASH_KEY
    from cfgmig.migration.stash_json import to_json

    if editing.document.kind == "json":
        reserved.pop(STASH_KEY, None)
        if editing.kept:
            reserved[STASH_KEY] = to_json(editing.kept)
    if not isinstance(editing.data, dict):
        return editing.data
    return editing.data | reserved


def _verify(before: Document, after: Document, predicted: Any) -> None:
    """Compare the result with the prediction, by two readers.

    Raises:
        Refused: it reads as something else.
    """
    from cfgmig.document.verify import verify_final

    if not same_content(after.data, predicted):
        raise Refused(
            f"the result would not read as intended: {_difference(predicted, after.data)}",
            kind="verification-failed",
            file=before.name,
            help="this is an error in cfgmig; the file is untouched",
        )
    # The order of keys is the document's business: it was checked by the edit itself.
    verify_final(before, after, after.data)


def _difference(wanted: Any, found: Any, path: Path = ()) -> str:
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key in [*wanted, *found]:
            if key not in wanted or key not in found:
                where = "only in the text" if key in found else "missing in the text"
                return f"`{format_path((*path, str(key)))}` is {where}"
            if not same_content(wanted[key], found[key]):
                return _difference(wanted[key], found[key], (*path, str(key)))
    return f"`{format_path(path)}` is {show(found)} instead of {show(wanted)}"


def _crowds(effects: Sequence[Effect]) -> tuple[list[str], list[Effect]]:
    """One sentence for each section that many keys moved to, and the effects that remain."""
    goals: dict[Path, list[Moved]] = {}
    for effect in effects:
        if isinstance(effect, Moved):
            goals.setdefault(effect.target[:-1], []).append(effect)
    crowded = {goal: moves for goal, moves in goals.items() if len(moves) > CROWD}
    said = []
    for goal, moves in crowded.items():
        names = ", ".join(format_path(move.source) for move in moves[:CROWD])
        where = f"`{format_path(goal)}`" if goal else "the top level"
        said.append(f"{len(moves)} keys moved to {where}: {names} and {len(moves) - CROWD} more")
    rest = [one for one in effects if not (isinstance(one, Moved) and one.target[:-1] in crowded)]
    return said, rest


def _said(effect: Effect) -> str:
    if isinstance(effect, Moved):
        return f"`{format_path(effect.source)}` moved to `{format_path(effect.target)}`"
    name = f"`{format_path(effect.path)}`"
    if isinstance(effect, Written):
        if effect.kept is not None:
            return f"{name} came back from the stash"
        said = show(effect.value)
        return f"{name} pinned: {said}" if effect.pinned else f"{name} added: {said}"
    if isinstance(effect, Dropped):
        return f"{name} went into the stash" if effect.stash else f"{name} dropped"
    if equal(effect.old, effect.new):
        return f"{name} noted in the stash"
    return f"{name}: {show(effect.old)} became {show(effect.new)}"
