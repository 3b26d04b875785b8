"""The words applied to a document: effects become changes of its text.

Changes wait until their text is needed, or until a later step's schema order would place
keys otherwise, and are then made as one verified edit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cfgmig.errors import Refused
from cfgmig.migration.effect import Changed, Dropped, Effect, Moved, Written
from cfgmig.migration.keeping import PIN, Keeping
from cfgmig.migration.on_data import Order, perform, placed, top_of
from cfgmig.migration.patch import find, trimmed
from cfgmig.migration.site import Kept
from cfgmig.migration.trace import origin
from cfgmig.migration.values import identical, same_content
from cfgmig.paths import Path, get, has

if TYPE_CHECKING:
    from cfgmig.document import Change, Document, Edit, Edited, Note
    from cfgmig.migration.plan import Step


class Editing(Keeping):
    """A document under migration: its text, what it must read as, and its stash."""

    def __init__(
        self, document: Document, data: Any, kept: tuple[Kept, ...], *, stash: bool
    ) -> None:
        super().__init__(document, data, kept, stash=stash)
        self.edits: tuple[Edit, ...] = ()
        self.notes: list[Note] = []
        self._waiting: list[Change] = []
        # For each of them, the path that it is about and how much had been done by then.
        self._lines: list[tuple[Path, int]] = []
        self._orders: dict[Path, tuple[str, ...]] = {}

    def step(self, step: Step, order: Order, back: Order) -> None:
        """Begin a step, with the schema orders of the version it leads to and of its origin."""
        self.origin, self.goal, self.version = step.origin, step.goal, step.revision.revision
        self._order, self._order_back = order, back
        self._returning = any(self._ours(kept) for kept in self.kept)

    def do(self, effect: Effect) -> None:
        """Draft the change of an effect, and book it."""
        if isinstance(effect, Moved):
            self._move(effect)
        elif isinstance(effect, Written):
            self._write(effect)
        elif isinstance(effect, Dropped):
            self._drop(effect)
        else:
            self._set(effect)
        perform(effect, self.data, self._order)
        self.effects.append(effect)

    def _move(self, effect: Moved) -> None:
        source, target, kept = effect.source, effect.target, effect.kept
        if source[:-1] == target[:-1]:
            self._stale.add(source[:-1])
        elif self.stash:
            self.keep_place(effect)
        if kept is not None:
            self.forget(kept)
        if kept is not None and self._must_be_exact(effect, kept):
            self._move_exactly(effect, kept)
        else:
            if source[:-1] != target[:-1]:
                self._settle_order(target, placed(effect, self.data, self._order))
            self._change("MoveTo", source, target)
        self._stale = {_carried(path, effect) for path in self._stale}
        self._stale.add(self.holder(target))

    def _must_be_exact(self, effect: Moved, kept: Kept) -> bool:
        """Whether lines of nobody stand between the old place and the sibling that it followed."""
        if not (kept.skip or kept.blanks) or not has(self.data, kept.path[:-1]):
            return False
        renamed = (*effect.source[:-1], effect.target[-1])
        free = renamed == effect.source or not has(self.data, renamed)
        leaving = top_of(self.data, effect.source, effect.target)
        names = [
            str(name)
            for name in get(self.data, kept.path[:-1])
            if (*kept.path[:-1], str(name)) != leaving
        ]
        if kept.after is None:
            return free and names[:1] == [kept.before]
        follows = names[names.index(kept.after) + 1 :][:1] if kept.after in names else [None]
        return free and follows == ([] if kept.before is None else [kept.before])

    def _move_exactly(self, effect: Moved, kept: Kept) -> None:
        """Take the entry out under its final name, and put it back where it was once."""
        from cfgmig.document.changes import Cut

        renamed = (*effect.source[:-1], effect.target[-1])
        if renamed != effect.source:
            self._change("MoveTo", effect.source, renamed)
        self.flush()
        now = self.document.cut(renamed, prune=False)
        if now.how != "lines":
            self._change("MoveTo", renamed, effect.target)
            return
        self._change("Delete", renamed)
        lines = now.text.split("\n")
        lead = next(at for at, line in enumerate(lines) if line.strip())
        back = Cut(
            effect.target,
            effect.target,
            "\n" * kept.blanks + "\n".join(lines[lead:]),
            before=() if kept.after is None else (kept.after,),
            after=() if kept.before is None else (kept.before,),
            skip=kept.skip,
            key=now.key - lead + kept.blanks,
            indent=now.indent,
        )
        self._change("Restore", back)

    def _change(self, name: str, path: Any, *arguments: Any, **named: Any) -> None:
        from cfgmig.document import changes

        self._waiting.append(getattr(changes, name)(path, *arguments, **named))
        self._lines.append((path if isinstance(path, tuple) else path.path, len(self.effects)))

    def _settle_order(self, path: Path, order: Order) -> None:
        """Make sure that the section which gets a new key is ordered in one way only."""
        holder = self.holder(path)
        wanted = order(holder)
        if self._orders.setdefault(holder, wanted) != wanted:
            self.flush()
            self._orders[holder] = wanted

    def _write(self, effect: Written) -> None:
        kept = effect.kept
        if kept is not None:
            self.forget(kept)
        if kept is not None and kept.cut is not None:
            self._change("Restore", kept.cut)
        else:
            self._settle_order(effect.path, self._order)
            raw = self._pinned_text(effect) if effect.pinned else None
            self._change("Insert", effect.path, effect.value, raw=raw)
        self._stale.add(self.holder(effect.path))

    def _pinned_text(self, effect: Written) -> str | None:
        """The line of a pinned default, which says that it is one."""
        if self.before.kind == "json" or self.in_flow(effect.path):
            if self.stash:
                self._new("pinned", effect.path)
            return None
        from cfgmig.document import emit

        style = self._style()
        head = f"{emit.scalar(str(effect.path[-1]), style)}:"
        mark = f"  # {PIN} {self.version}\n"
        if emit.is_inline(effect.value, style):
            return f"{head} {emit.inline(effect.value, style, flow=False)}{mark}"
        return head + mark + "".join(f"  {x}\n" for x in emit.block(effect.value, style, 2, 2))

    def _drop(self, effect: Dropped) -> None:
        self.keep_entry(effect)
        kept = self._kept("pinned", effect.path)
        if kept is not None:
            self.forget(kept)
        self._change("Delete", effect.path)

    def _set(self, effect: Changed) -> None:
        if effect.stash:
            self.keep_value(effect)
        if effect.kept is not None:
            self.forget(effect.kept)
            if not isinstance(effect.new, dict | list) and effect.kept.raw is not None:
                self._change("Rewrite", effect.path, effect.kept.raw)
                return
        if not identical(effect.old, effect.new):
            self._change("SetValue", effect.path, effect.new)

    def stamp(self, key: str, value: str, *, there: bool) -> None:
        """Write the stamp, as the first key of the file where there is none."""
        if not there and not self._orders.get(()):
            self._orders[()] = tuple(map(str, self.data))
        if not there:
            self._orders[()] = (key, *self._orders[()])
        self.reserve(key, value, there=there)

    def reserve(self, key: str, value: Any, *, there: bool) -> None:
        """Write a top-level key that no operation sees; an empty value takes it away."""
        if not there:
            self._change("Insert", (key,), value)
        elif value:
            self._change("SetValue", (key,), value)
        else:
            self._change("Delete", (key,))

    def flush(self) -> None:
        """Make the waiting changes, as one verified edit."""
        if not self._waiting:
            return
        try:
            self.cut()
            edited = self._edit(self._waiting)
        except Refused as error:
            relaxed = [_relaxed(change) for change in self._waiting]
            if relaxed == self._waiting:
                raise self._placed(error) from None
            try:
                edited = self._edit(relaxed)
            except Refused:
                raise self._placed(error) from None
        self._become(edited.document, edited.edits)
        self.notes.extend(edited.notes)
        self._waiting = []
        self._lines = []
        self._orders = {}
        self._stale = set()
        self._done = len(self.effects)

    def _become(self, new: Document, edits: tuple[Edit, ...]) -> None:
        """Go on with what edits made of the document."""
        from cfgmig.document.receipt import compose, relined

        self.notes = relined(self.notes, self.document.source, new.source, edits)
        self.edits = compose(self.edits, edits)
        self.document = new

    def lay_out(self, kept: Kept) -> None:
        """Spell lines as they once were, where they are what the way back makes of them."""
        from cfgmig.document.document import Document
        from cfgmig.document.receipt import apply

        now = self.document
        edits, missed = find(now.text, kept.lines)
        try:
            new = Document.parse(apply(now.text, edits), now.name, now.kind)
        except Refused:
            new = now
        if not same_content(new.data, now.data):
            new = now
        if new is not now:
            new.bom = now.bom
            self._become(new, trimmed(now.text, edits))
        if new is now or missed:
            self.tell((), "lines that changed since keep their layout; the rest is as it was")

    def _edit(self, changes: Sequence[Change]) -> Edited:
        orders, fallback = dict(self._orders), self._order
        return self.document.edit(
            changes, order=lambda parent: orders.get(parent) or fallback(parent)
        )

    def _placed(self, error: Refused) -> Refused:
        """The error with the line, in the user's file, of the change that is refused."""
        for count in range(1, len(self._waiting) + 1):
            try:
                self._edit(self._waiting[:count])
            except Refused:
                path, done = self._lines[count - 1]
                old = origin(self.effects[:done], path)
                error.line = None if old is None else self.before.position(old).line
                error.column = None
                break
        return error


def _relaxed(change: Change) -> Change:
    """A restore that no longer insists on the lines that stood before its entry."""
    from cfgmig.document.changes import Restore

    if isinstance(change, Restore) and change.cut.skip:
        return Restore(replace(change.cut, skip=0))
    return change


def _carried(path: Path, effect: Moved) -> Path:
    size = len(effect.source)
    return effect.target + path[size:] if path[:size] == effect.source else path
