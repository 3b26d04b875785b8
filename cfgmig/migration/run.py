"""Carry out a plan on one document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from cfgmig.errors import LossyError, Refused
from cfgmig.migration.carrying import Carried, Manner, unordered
from cfgmig.migration.done import Done, Fired
from cfgmig.migration.effect import Effect
from cfgmig.migration.on_data import Order
from cfgmig.migration.on_document import Editing
from cfgmig.migration.operations import Blocked
from cfgmig.migration.plan import Plan
from cfgmig.migration.rehearsal import complete
from cfgmig.migration.trace import current
from cfgmig.migration.values import same_content, show
from cfgmig.paths import Path, format_path

if TYPE_CHECKING:
    from cfgmig.document import Document, Edit, Note
    from cfgmig.migration.site import Kept


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
    layout: bool = True,
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
        layout: whether the stash also keeps how the file was laid out, where the way back
            would lay it out otherwise; it is walked to find that.

    Raises:
        Refused: a step does not fit the document, or the result could not be verified.
        LossyError: something would be lost, or a step has no way back.
    """
    _refuse_blocked(plan, document.name)
    if not plan.steps:
        stampable = isinstance(document.data, dict) and stamp is not None
        absent = stampable and stamp_key not in document.data
        wanted = stampable and (add_stamp or not absent)
        return _stamp_only(document, stamp_key, str(stamp) if wanted else None)
    manner = Manner(stamp, stamp_key, add_stamp, order or unordered, stash, prefer, layout)
    count = _stop(document, plan)
    if count:
        return _in_two(document, plan, count, manner)
    return _run(document, plan, manner)


def _run(document: Document, plan: Plan, manner: Manner) -> Outcome:
    carried = Carried(document, plan, manner)
    after, edits = complete(carried) if manner.stash and manner.layout else carried.write()
    _verify(document, after, carried.predicted())
    editing = carried.editing
    notes = _notes(editing, after)
    return Outcome(document, after, edits, notes, carried.done, after.data, tuple(editing.kept))


def _stop(document: Document, plan: Plan) -> int:
    """How many steps lead to a version on the way at which the file's layout was kept."""
    if "layout" not in document.text or len(plan.steps) < 2:
        return 0
    from cfgmig.migration.stash import take

    known = {kept.origin for kept in take(document).kept if kept.form == "layout"}
    way = enumerate(plan.steps[:-1], 1)
    return next((count for count, step in way if step.goal in known), 0)


def _in_two(document: Document, plan: Plan, count: int, manner: Manner) -> Outcome:
    """Go to the version that `count` steps lead to, and on from there."""
    from cfgmig.document.receipt import compose, relined

    here = plan.steps[count].origin
    there = Plan(plan.family, plan.origin, here, plan.steps[:count])
    stamp = None if manner.stamp is None else f"{plan.family}/{here}"
    first = _run(document, there, manner._replace(stamp=stamp))
    rest = Plan(plan.family, here, plan.goal, plan.steps[count:])
    second = run(first.document, rest, **manner._asdict())
    notes = relined(first.notes, first.document.source, second.document.source, second.edits)
    return replace(
        second,
        before=document,
        edits=compose(first.edits, second.edits),
        notes=(*notes, *second.notes),
        done=(*first.done, *second.done),
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


def _refuse_blocked(plan: Plan, name: str) -> None:
    for step in plan.steps:
        for operation in step.operations:
            if isinstance(operation, Blocked):
                raise LossyError(
                    f"{step.origin} cannot be taken back to {step.goal}: {operation.describe()}",
                    file=name,
                    help="take the older file from version control",
                )


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
