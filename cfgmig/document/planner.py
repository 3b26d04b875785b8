"""One change on a draft: find its place, refuse what is not safe, hand it to its planner."""

from __future__ import annotations

from typing import Any

from cfgmig.document import plan_block, plan_flow, plan_value
from cfgmig.document.changes import Change, Delete, Insert, MoveTo, Restore, Rewrite, SetValue
from cfgmig.document.draft import Draft, Retry
from cfgmig.document.emit import Style, inline, json_text, scalar
from cfgmig.document.locate import (
    Spot,
    find,
    guard,
    need,
    refuse,
    refuse_lost_anchor,
    refuse_merged,
)
from cfgmig.document.moving_text import CopyTo, copy_text
from cfgmig.document.node import UNSET, Entry, Node, synthetic
from cfgmig.document.plan_place import Order, order_of, position
from cfgmig.document.plan_remove import pruned_depth
from cfgmig.document.scalars import construct
from cfgmig.document.verify import same
from cfgmig.errors import UsageError
from cfgmig.paths import Path, format_path


class Planner:
    """Plans changes on one draft."""

    def __init__(self, draft: Draft, order: Order | None) -> None:
        self.draft = draft
        self.order = order
        self._style: Style | None = None

    @property
    def style(self) -> Style:
        """How the file spells things."""
        if self._style is None:
            self._style = Style(self.draft.root, self.draft.source.eol)
        return self._style

    def plan(self, change: Change | CopyTo) -> None:
        """Draft one change.

        Raises:
            Retry: it needs what is drafted so far to be written first.
            Refused: it is not possible, or not safely.
        """
        if isinstance(change, MoveTo):
            self.move(change)
        elif isinstance(change, CopyTo):
            self.copy(change)
        elif isinstance(change, Delete):
            self.delete(change)
        elif isinstance(change, Insert):
            self.insert(change)
        elif isinstance(change, SetValue):
            self.set_value(change.path, change.value)
        elif isinstance(change, Rewrite):
            spot = self.spot(change.path)
            guard(self.draft, spot, value=True)
            plan_value.rewrite(self.draft, spot, change)
        elif isinstance(change, Restore):
            from cfgmig.document.restoring import restore

            restore(self, change.cut)
        else:
            raise UsageError(f"not a change: {change!r}")

    def spot(self, path: Path) -> Spot:
        """Where an existing path below the root stands."""
        if not path:
            raise refuse(self.draft, self.draft.root, "the whole document cannot change so",
                         "unsupported-shape")  # fmt: skip
        return need(self.draft, path)

    def delete(self, change: Delete) -> Any:
        """An entry goes; what went comes back for `cut`."""
        draft = self.draft
        spot = self.spot(change.path)
        guard(draft, spot, value=False)
        depth = pruned_depth(draft, spot) if change.prune else len(spot.holders) - 1
        refuse_lost_anchor(draft, node_at(spot, depth))
        holder = spot.holders[depth]
        if holder.style == "block":
            return plan_block.delete(draft, spot, change)
        return plan_flow.remove(draft, holder, spot.steps[depth])

    def set_value(self, path: Path, value: Any) -> None:
        """Another value; what already reads so stays as it is spelled."""
        draft = self.draft
        if not path:
            self._set_root(value)
            return
        spot = self.spot(path)
        node = spot.node
        known = node.value if node.synthetic and node not in draft.entries_of else UNSET
        if known is UNSET:
            if self._drafted(node):
                raise Retry
            known = construct(node, draft.source.name, draft.json)
        if same(known, value):
            return
        if isinstance(value, dict) and node.kind == "mapping" and draft.entries(node) and value:
            self._set_keys(path, node, value)
            return
        guard(draft, spot, value=True)
        refuse_lost_anchor(draft, node) if node.kind in ("mapping", "sequence") else None
        plan_value.set_value(draft, spot, value, self.style)

    def _drafted(self, node: Node) -> bool:
        """Whether something below a node is not as the text has it."""
        draft = self.draft
        if node in draft.entries_of or node in draft.items_of:
            return True
        return any(self._drafted(e.value) for e in node.entries) or any(
            self._drafted(item) for item in node.items
        )

    def _set_root(self, value: Any) -> None:
        root = self.draft.root
        if not isinstance(value, dict) or root.kind != "mapping" or not value:
            raise refuse(self.draft, root, "the whole document cannot be replaced",
                         "unsupported-shape")  # fmt: skip
        self._set_keys((), root, value)

    def _set_keys(self, path: Path, node: Node, value: dict[Any, Any]) -> None:
        """A mapping for a mapping: only the keys that differ change."""
        draft = self.draft
        names = [entry.name for entry in draft.entries(node)]
        wanted = [str(key) for key in value]
        kept = [name for name in names if name in wanted]
        if kept != [name for name in wanted if name in names] or not kept:
            spot = find(draft, path)
            if spot is None or not spot.holders:
                raise refuse(draft, node, "the keys would change their order", "unsupported-shape")
            guard(draft, spot, value=True)
            plan_value.set_value(draft, spot, value, self.style)
            return
        for name in names:
            if name not in wanted:
                self.delete(Delete((*path, name), prune=False))
        own, self.order = self.order, lambda at: tuple(wanted) if at == path else ()
        try:
            for key, item in value.items():
                target = (*path, str(key))
                if str(key) in names:
                    self.set_value(target, item)
                else:
                    self.insert(Insert(target, item))
        finally:
            self.order = own

    def insert(self, change: Insert) -> None:
        """A new entry or item."""
        draft = self.draft
        existing = self.target(change.path, None)
        if draft.root.kind == "scalar" and change.comment and draft.json:
            change = Insert(change.path, change.value)
        if self.flows(existing):
            self._insert_flow(existing, change)
            return
        payload = plan_block.payload_of(draft, change, self.style)
        self._count_comments(payload.units[0].text, payload.column)
        index = None
        if isinstance(change.path[-1], int):
            index = change.path[-1]
            size = len(draft.items(existing.node))
            if (
                existing.node.kind != "sequence"
                or len(existing.path) + 1 != len(change.path)
                or (index > size)
            ):
                raise refuse(draft, existing.node, f"{format_path(change.path)} is out of range",
                             "not-found")  # fmt: skip
        names = change.path[len(existing.path) :]
        plan_block.put_below(draft, existing, names, payload, self.style, self.order, index)

    def _count_comments(self, text: str, column: int) -> None:
        if "#" not in text:
            return
        from cfgmig.document.document import Document
        from cfgmig.document.draft import shift

        snippet = Document.parse(shift(text, -column), self.draft.source.name, "yaml")
        self.draft.added += [comment.text for comment in snippet.comments()]

    def flows(self, existing: Spot) -> bool:
        """Whether what comes below a collection is written in flow style."""
        if self.draft.json or existing.node.style == "pair":
            return True
        node = existing.node
        if node.kind == "sequence":
            return node.style == "flow"
        if node.kind == "mapping" and (node.style == "flow" and self.draft.entries(node)):
            return True
        holder = existing.holder if existing.holders else None
        return (
            holder is not None
            and (holder.style != "block" or holder.kind == "sequence")
            and (node.kind == "scalar" or not self.draft.entries(node))
        )

    def target(self, path: Path, source: Path | None) -> Spot:
        """The nearest existing collection above a new path.

        Raises:
            Refused: the path is taken, or a value stands in its way.
        """
        draft = self.draft
        if not path:
            raise refuse(draft, draft.root, "a new key needs a name", "unsupported-shape")
        refuse_merged(draft, path)
        taken = find(draft, path)
        if taken is not None and not isinstance(path[-1], int):
            message = f"{format_path(path)} is there already"
            if source is not None:
                origin = need(draft, source)
                line, _ = draft.source.place(max(self._start(origin), 0))
                message = f"{format_path(source)} (line {line}) cannot move: {message}"
            at = max(self._start(taken), 0)
            line, column = draft.source.place(at)
            refusal = refuse(draft, taken.node, f"{message} (line {line})", "key-collision",
                             "delete one of the two")  # fmt: skip
            refusal.line, refusal.column = line, column
            raise refusal
        existing = plan_block.nearest_holder(draft, path)
        node = existing.node
        empty = node.kind == "scalar" and not node.synthetic and node.value is None
        if node.kind == "scalar" and not empty:
            if node.synthetic:
                raise Retry
            raise refuse(
                draft, node, f"{format_path(existing.path) or 'the document'} is a value, "
                f"so {format_path(path)} has no place", "key-collision",
            )  # fmt: skip
        rest = path[len(existing.path) :]
        if node.kind == "sequence" and not (len(rest) == 1 and isinstance(rest[0], int)):
            raise refuse(draft, node, f"{format_path(path)}: a list has no keys",
                         "unsupported-shape")  # fmt: skip
        if node.kind != "sequence" and isinstance(rest[-1], int) and len(rest) == 1 and not empty:
            raise refuse(draft, node, f"{format_path(path)}: a mapping has no items",
                         "unsupported-shape")  # fmt: skip
        return existing

    def _start(self, spot: Spot) -> int:
        if not spot.holders:
            return spot.node.start
        if spot.holder.kind == "mapping":
            return self.draft.entries(spot.holder)[spot.at].at
        return spot.node.start

    def _insert_flow(self, existing: Spot, change: Insert) -> None:
        names = change.path[len(existing.path) :]
        value: Any = change.value
        for name in reversed(names[1:]):
            if isinstance(name, int):
                raise refuse(self.draft, existing.node, "a list cannot be made on the way",
                             "unsupported-shape")  # fmt: skip
            value = {str(name): value}
        if change.raw is not None and len(names) == 1 and not isinstance(names[0], int):
            text = change.raw.strip()
        elif isinstance(names[0], int):
            text = self.flow_text(value)
        else:
            text = f"{self.flow_key(names[0])}: {self.flow_text(value)}"
        child = synthetic(value)
        self.put_flow(existing, names[0], text, child)

    def flow_key(self, name: object) -> str:
        """A key of a flow mapping as text."""
        if self.draft.json:
            return json_text(str(name), self.draft.text.isascii())
        return scalar(str(name), self.style, flow=True)

    def flow_text(self, value: Any) -> str:
        """A value of a flow collection as text."""
        if self.draft.json:
            return plan_flow.json_block(self.draft, value)
        return inline(value, self.style)

    def put_flow(
        self, existing: Spot, name: Any, text: str, value: Node, index: int | None = None
    ) -> None:
        """Put an entry's or item's text into a flow collection (or an empty value)."""
        draft = self.draft
        guard(draft, existing, value=True)
        holder = existing.node
        if holder.kind == "scalar":
            self._fill_empty(existing, name, text, value)
            return
        if isinstance(name, int) and holder.kind == "sequence":
            if name > len(draft.items(holder)):
                raise refuse(draft, holder, f"there is no place {name} in the list", "not-found")
            plan_flow.insert(draft, holder, name, text, value)
            return
        entry = Entry(synthetic(str(name)), value)
        if index is None:
            names = order_of(self.order, existing.path)
            index = position(draft.entries(holder), str(name), names)
        plan_flow.insert(draft, holder, index, text, entry)

    def _fill_empty(self, existing: Spot, name: Any, text: str, value: Node) -> None:
        node = existing.node
        if not existing.holders or node.synthetic or value.synthetic is False:
            raise refuse(self.draft, node, "an empty value cannot take this", "unsupported-shape")
        holder = existing.holder
        entry = self.draft.entries(holder)[existing.at] if holder.kind == "mapping" else None
        is_item = isinstance(name, int)
        plan_value.put_scalar(
            self.draft, node, f"[{text}]" if is_item else f"{{{text}}}", "insert", entry
        )
        new = synthetic([value.value] if is_item else {str(name): value.value})
        new.anchor = node.anchor
        plan_block.swap(self.draft, holder, existing.at, new)

    def copy(self, change: CopyTo) -> None:
        """The first half of a move within one flow collection."""
        spot = self.spot(change.source)
        guard(self.draft, spot, value=False)
        self.target(change.target, change.source)
        copy_text(self, spot, change)

    def move(self, change: MoveTo) -> None:
        """A path goes elsewhere."""
        draft, source, target = self.draft, change.source, change.target
        if source == target:
            return
        spot = self.spot(source)
        guard(draft, spot, value=False)
        if isinstance(source[-1], int) or not target or isinstance(target[-1], int):
            raise refuse(draft, spot.node, "an item of a list cannot move: its place is its name",
                         "unsupported-shape")  # fmt: skip
        depth = pruned_depth(draft, spot)
        unwraps = depth < len(source) - 1 and source[: depth + 1] == target
        wraps = target[: len(source)] == source
        if not unwraps and not wraps:
            self.target(target, source)
        if source[:-1] == target[:-1]:
            entry = draft.entries(spot.holder)[spot.at]
            entries = list(draft.entries(spot.holder))
            renamed = plan_value.rename_key(draft, entry, target[-1], self.style)
            entries[spot.at] = renamed
            draft.entries_of[spot.holder] = entries
            return
        from cfgmig.document.moving import move

        move(self, spot, change, depth)


def node_at(spot: Spot, depth: int) -> Node:
    """The value of what stands at a depth of a path."""
    if depth == len(spot.holders) - 1:
        return spot.node
    return spot.holders[depth + 1]
