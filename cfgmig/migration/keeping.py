"""What a document under migration keeps for the way back, and what it tells of itself."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cfgmig.errors import Refused
from cfgmig.migration.effect import Changed, Dropped, Effect, Moved
from cfgmig.migration.on_data import Order, no_order, place_among, place_of, top_of
from cfgmig.migration.site import Kept, Site, Told
from cfgmig.migration.surroundings import comments_of, has_comments, shell
from cfgmig.migration.trace import origin
from cfgmig.migration.values import identical
from cfgmig.paths import Path, format_path, get, has

if TYPE_CHECKING:
    from cfgmig.document import Cut, Document, Node
    from cfgmig.document.emit import Style

PIN = "pinned: the default changed in"


class Keeping(Site):
    """The memory of an edit: texts are copied before the waiting changes are made.

    Args:
        document: without its stash.
        data: what it reads as, without reserved keys; changed in place.
        kept: what its stash holds.
        stash: whether more may be put there.
    """

    def __init__(
        self, document: Document, data: Any, kept: tuple[Kept, ...], *, stash: bool
    ) -> None:
        super().__init__(document.name, stash=stash, kept=kept)
        self.before = document
        self.document = document
        self.data = data
        self.effects: list[Effect] = []
        self.version = ""
        self._styled: Style | None = None
        self._order: Order = no_order
        self._order_back: Order = no_order
        self._returning = False
        self._done = 0
        # What is still to be cut, where it stands, and whether a schema knows its place.
        self._uncut: list[tuple[Kept, Path, bool]] = []
        # Sections whose children waiting changes alter behind the back of a later cut.
        self._stale: set[Path] = set()

    def flush(self) -> None:
        """Make the waiting changes."""
        raise NotImplementedError

    def tell(self, path: Path, message: str) -> None:
        """Leave a remark for the user, to be shown with the line of `path` in the new text."""
        self.told.append(Told(path, message, len(self.effects)))

    def _new(self, form: Any, path: Path, said: Any = None) -> Kept:
        kept = Kept(self.origin, self.goal, path, said, form=form, kind=self.before.kind)
        self.kept.append(kept)
        return kept

    def keep_entry(self, effect: Dropped) -> None:
        """Keep the text of a key that goes."""
        if effect.stash:
            old = self.cuttable(effect.path)
            kept = self._new("entry", effect.path, effect.value)
            self._uncut.append((kept, old, False))
        else:
            self._stale.add(top_of(self.data, effect.path)[:-1])

    def keep_value(self, effect: Changed) -> None:
        """Keep the spelling of a value that changes."""
        kept = self._new("value", effect.path, effect.old)
        kept.raw = self._raw(effect.path, effect.old)

    def keep_place(self, effect: Moved) -> None:
        """Keep what a move back could not restore: a lone place, an emptied section's text."""
        if effect.among and (self.before.kind == "json" or len(effect.source) == 1):
            # An open section is filled in the order of the keys that come back to it.
            source, target = effect.source[:-1], effect.target[:-1]
            place, known = place_among(effect, self._order_back(source) or self._order(target))
        else:
            place, known = place_of(effect, self.data, self._order_back)
        place.origin, place.goal, place.kind = self.origin, self.goal, self.before.kind
        # A file that came here by this very step has its keys where the step put them.
        known = known or self._returning
        if place.kind == "json":
            self._stale.add(place.path[:-1])
            if not known:
                self.kept.append(place)
            return
        if len(place.path) < len(effect.source):
            self.flush()
            self._stale.add(place.path[:-1])
            found = shell(self.document, effect.source)
            if found is not None and known and (self._returning or not found.skip):
                found = found if has_comments(found) else None
            if found is not None:
                found.origin, found.goal = self.origin, self.goal
                self.kept.append(found)
            return
        if self._returning:
            self._stale.add(place.path[:-1])
            return
        old = self.cuttable(effect.source)
        self._uncut.append((place, old, known))
        self.kept.append(place)

    def holder(self, path: Path) -> Path:
        """The deepest section above `path` that is there."""
        depth = len(path) - 1
        while not has(self.data, path[:depth]):
            depth -= 1
        return path[:depth]

    def cuttable(self, path: Path) -> Path:
        """Where `path` stands in the text; changes that its cut would miss are made first."""
        waiting = self.effects[self._done :]
        old = origin(waiting, path)
        last = len(get(self.data, path[:-1])) == 1
        if (
            old is None
            or path[:-1] in self._stale
            or any(_related(old, other) for _, other, _ in self._uncut)
            or any(_touches(effect, path) for effect in waiting)
            or (last and not all(isinstance(one, Dropped) and one.stash for one in waiting))
        ):
            self.flush()
            return path
        return old

    def cut(self) -> None:
        """Copy what the waiting changes take out, as it stands."""
        if not self._uncut:
            return
        try:
            found = self.document.cuts([old for _, old, _ in self._uncut])
        except Refused as error:
            for kept, old, _ in self._uncut:
                try:
                    self.document.cut(old)
                except Refused:
                    error.line, error.column = self.line(kept.path), None
                    break
            raise
        for (kept, old, known), cut in zip(self._uncut, found, strict=True):
            if kept.form == "place":
                self._settle_place(kept, cut, known)
                continue
            size = len(kept.path) - len(old) + len(cut.at)
            kept.cut = replace(cut, path=kept.path, at=kept.path[:size])
        self._uncut = []

    def _settle_place(self, kept: Kept, cut: Cut, known: bool) -> None:
        """Keep a place only if something of nobody stands before it, or no schema knows it."""
        if cut.how == "lines" and not cut.kept:
            kept.skip = cut.skip
            kept.blanks = len(cut.text) - len(cut.text.lstrip("\n"))
        if known and not kept.skip:
            if kept.blanks:
                kept.weak = True
            else:
                self.kept.remove(kept)

    def settle(self) -> None:
        """Cut what is left to cut, and drop what is not worth a stash of its own."""
        self.cut()
        if all(kept.weak for kept in self.kept):
            self.kept.clear()

    def _raw(self, path: Path, value: Any) -> str:
        """How the file spells a value, on one line."""
        node = self._untouched(path)
        single = node is not None and node.kind == "scalar" and node.style not in ("|", ">")
        if node is not None and single and node.raw.isprintable() and node.tag is None:
            return node.raw or "null"
        return json.dumps(value)

    def _untouched(self, path: Path) -> Node | None:
        """The node of the user's own text at `path`; None for what this run wrote."""
        old = origin(self.effects, path)
        if old is None or any(
            isinstance(effect, Changed)
            and not identical(effect.old, effect.new)
            and origin(self.effects[:index], effect.path) == old
            for index, effect in enumerate(self.effects)
        ):
            return None
        found: Node | None = self.before.node(old)
        return found

    def _style(self) -> Style:
        from cfgmig.document.emit import Style

        if self._styled is None:
            self._styled = Style(self.before.node(()), "\n")
        return self._styled

    def called(self, path: Path) -> str:
        """What the user's file calls `path`; the name that it has by now for what is new."""
        old = origin(self.effects, path)
        return format_path(path if old is None else old)

    def in_flow(self, path: Path) -> bool:
        """Whether `path` lies, or would lie, in braces or brackets."""
        for depth in range(len(path) - 1, -1, -1):
            old = origin(self.effects, path[:depth])
            node = self.before.node(old) if old is not None else None
            if node is not None:
                return node.style == "flow"
        return False

    def line(self, path: Path) -> int | None:
        """The line of `path` in the user's file."""
        old = origin(self.effects, path)
        return None if old is None else self.before.position(old).line

    def pinned(self, path: Path) -> bool:
        """Whether the key's line, or the stash, says that this revision pinned it."""
        if self._kept("pinned", path) is not None:
            return True
        old, document = origin(self.effects, path), self.before
        if old is None:  # this run wrote it, from the stash perhaps
            self.flush()
            old, document = path, self.document
        line = document.position(old).line
        return any(
            comment.line == line and comment.text.rstrip() == f"# {PIN} {self.version}"
            for comment in document.comments()
        )

    def commented(self, path: Path) -> bool:
        """Whether comments would go with the key."""
        if self.before.kind == "json":
            return False
        self.flush()  # a title may belong to this key once its siblings are gone
        if "#" not in self.document.text:
            return False
        cut = self.document.cut(path)
        return cut.how == "lines" and bool(comments_of(cut))

    def respelled(self, path: Path, new: Any) -> bool:
        """Whether the way back from `new` would spell the value at `path` otherwise."""
        node = self._untouched(path)
        if node is None or node.kind != "scalar":
            return False
        if node.style in ("|", ">") or node.tag is not None:
            return True
        if self.before.kind == "json":
            return node.raw != json.dumps(node.value, ensure_ascii=False)
        from cfgmig.document.emit import scalar

        quote = node.style if isinstance(new, str) else ""
        return node.raw != scalar(node.value, self._style(), quote=quote)


def _touches(effect: Effect, path: Path) -> bool:
    """Whether the text of `path` is not yet what the effect makes it."""
    if isinstance(effect, Moved):
        carried = effect.target == path[: len(effect.target)]
        return not carried and (_related(effect.target, path) or _related(effect.source, path))
    return _related(effect.path, path)


def _related(one: Path, other: Path) -> bool:
    size = min(len(one), len(other))
    return one[:size] == other[:size]
