"""One plan carried out on one document, and the text that comes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from cfgmig.errors import Refused
from cfgmig.migration.done import Done
from cfgmig.migration.effects import effects
from cfgmig.migration.on_data import Order, no_order
from cfgmig.migration.on_document import Editing
from cfgmig.migration.patch import trimmed
from cfgmig.migration.plan import Plan
from cfgmig.migration.values import copy
from cfgmig.paths import Path, format_path

if TYPE_CHECKING:
    from cfgmig.document import Document, Edit


class Manner(NamedTuple):
    """How a plan is carried out; see `run`."""

    stamp: str | None
    stamp_key: str
    add_stamp: bool
    order: Callable[[str], Order]
    stash: bool
    prefer: tuple[str, ...]
    layout: bool


class Carried:
    """A document that a plan was carried out on.

    Attributes:
        document: as it was.
        body: as it was, without its stash.
        kept: what that held.
        editing: as it is.
        done: the operations that changed something.
        reserved: the top-level keys that no operation sees.
    """

    def __init__(self, document: Document, plan: Plan, manner: Manner) -> None:
        from cfgmig.migration.grade import STASH_KEY
        from cfgmig.migration.stash import take

        self.document, self.plan, self.manner = document, plan, manner
        self.body, self.kept, self._cut = take(document)
        work, key = copy(self.body.data), manner.stamp_key
        there = work if isinstance(work, dict) else {}
        self.reserved = {name: there.pop(name) for name in (key, STASH_KEY) if name in there}
        self.editing = _pen(self.body)(self.body, work, self.kept, stash=manner.stash)
        self.editing.prefer = manner.prefer
        self.done = _walk(plan, self.editing, manner.order)
        stampable = isinstance(work, dict) and manner.stamp is not None
        self.added_stamp = stampable and manner.add_stamp and key not in self.reserved
        if self.added_stamp or (stampable and key in self.reserved):
            self.editing.stamp(key, str(manner.stamp), there=not self.added_stamp)
            self.reserved[key] = manner.stamp
        self.editing.settle()
        self._layouts = [
            one for one in self.kept if one.form == "layout" and one.origin == plan.goal
        ]
        for one in self._layouts:
            self.editing.forget(one)
        # What the stash of a JSON text holds by now.
        self._written = list(self.kept)

    @property
    def returned(self) -> bool:
        """Whether the document had been where it is now."""
        goals = {step.goal for step in self.plan.steps}
        return any(kept.origin in goals for kept in self.kept)

    def write(self) -> tuple[Document, tuple[Edit, ...]]:
        """The new document, its stash in its place, and the edits that make it."""
        from cfgmig.document.receipt import compose
        from cfgmig.migration.stash import put, put_back

        editing, document = self.editing, self.document
        if document.kind == "json":
            self._write_stash()
        editing.flush()
        for kept in self._layouts:
            editing.lay_out(kept)
        self._layouts = []
        if document.kind == "json":
            return editing.document, editing.edits
        edits, cut = compose(self._cut, editing.edits), self._cut
        if self.kept == tuple(editing.kept) and cut and cut[0].end == len(document.text):
            after, more = put_back(editing.document, document.text[cut[0].start :])
        else:
            after, more = put(editing.document, editing.kept)
        edits = compose(edits, more)
        return after, trimmed(document.text, edits) if cut else edits

    def _write_stash(self) -> None:
        """Make the reserved key of a JSON text hold what is kept."""
        from cfgmig.migration.grade import STASH_KEY
        from cfgmig.migration.stash_json import to_json

        if self._written != self.editing.kept:
            if isinstance(self.editing.data, list):
                first = self.editing.kept[0]
                raise Refused(
                    f"{format_path(first.path)} must be kept for the way back, and JSON whose root "
                    "is a list has no place for that",
                    kind="migration",
                    file=self.editing.document.name,
                    help="`--no-stash` keeps nothing and refuses what would be lost; as YAML the"
                    " file can keep it in comments",
                )
            value = to_json(self.editing.kept)
            self.editing.reserve(STASH_KEY, value, there=bool(self._written))
            self._written = list(self.editing.kept)

    def predicted(self) -> Any:
        """What the new document must read as."""
        from cfgmig.migration.grade import STASH_KEY
        from cfgmig.migration.stash_json import to_json

        editing, reserved = self.editing, dict(self.reserved)
        if editing.document.kind == "json":
            reserved.pop(STASH_KEY, None)
            if editing.kept:
                reserved[STASH_KEY] = to_json(editing.kept)
        if not isinstance(editing.data, dict):
            return editing.data
        return editing.data | reserved


def _pen(document: Document) -> type[Editing]:
    """What edits a document of this kind."""
    if document.kind != "toml":
        return Editing
    from cfgmig.migration.on_toml import TomlEditing

    return TomlEditing


def unordered(version: str) -> Order:
    """No schema: new keys go to the end."""
    del version
    return no_order


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
