"""Putting lines into a block: where among the siblings, with which blank lines, how deep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cfgmig.document.draft import Draft, Retry, Unit
from cfgmig.document.geometry import (
    Place,
    below_deeper,
    blanks_before,
    commented_gap,
    entry_column,
    entry_place,
    extent,
    first_of_item,
    first_unit,
    item_place,
    kind_of,
    line_column,
    lines_at,
    steps,
)
from cfgmig.document.locate import Spot, refuse
from cfgmig.document.node import Entry, Node, synthetic
from cfgmig.document.plan_remove import above_unit, shares_line, start_of
from cfgmig.paths import Path

_SIBLINGS = 20  # how many to either side tell whether entries are set off by blank lines
Order = Callable[[Path], tuple[str, ...]]


@dataclass
class Payload:
    """Lines on their way into a block.

    Attributes:
        units: the lines, comments included.
        child: the entry or item that they hold.
        column: where its key or dash stands in them, from 0.
        commented: comment lines come first.
    """

    units: list[Unit]
    child: Entry | Node
    column: int
    commented: bool = False

    @property
    def section(self) -> bool:
        """Whether its value takes lines of its own."""
        value = self.child.value if isinstance(self.child, Entry) else self.child
        if value.synthetic:
            return value.style == "block" or sum(unit.text.count("\n") for unit in self.units) > 1
        return value.style == "block"


def position(entries: Sequence[Entry], name: str, order: tuple[str, ...]) -> int:
    """The index at which a key belongs among its siblings, by the schema's order."""
    if name not in order:
        return len(entries)
    rank = {key: index for index, key in enumerate(order)}
    names = [entry.name for entry in entries]
    before = [at for at, key in enumerate(names) if rank.get(key, 1 << 30) < rank[name]]
    if before:
        return before[-1] + 1
    after = [at for at, key in enumerate(names) if key in rank]
    return after[0] if after else len(entries)


def order_of(order: Order | None, path: Path) -> tuple[str, ...]:
    """The schema's order of the keys below a path."""
    return tuple(order(path)) if order is not None else ()


def put(draft: Draft, holder: Node, index: int, above: Unit | None, payload: Payload) -> None:
    """Put lines before the child at `index` of a block collection that has children.

    Raises:
        Retry: the place is one that the draft has changed already.
    """
    mapping = holder.kind == "mapping"
    column = entry_column(draft, draft.entries(holder)[0]) if mapping else _dashes(draft, holder)
    _indent(payload, column)
    if index == 0 and holder in draft.busy:
        raise Retry
    if index == 0 and shares_line(draft, holder, 0):
        _at_dash(draft, holder, payload, column)
        return
    place_at = entry_place if mapping else item_place
    if index:
        place = place_at(draft, holder, index - 1, above)
        at = below_deeper(draft, extent(draft, place).tail, column) + 1
        lines = _spaced(draft, holder, index, place, payload, above)
        draft.lines[at:at] = [*_blanks(lines), *payload.units]
    else:
        place = place_at(draft, holder, 0, above)
        at = _above_comments(draft, place)
        lines = _spaced(draft, holder, index, place, payload, above)
        if at > 0 and not lines:
            lines = int(blanks_before(draft, at) > 0 and above is None)
        draft.lines[at:at] = [*payload.units, *_blanks(lines)]
    remember(draft, holder, index, payload.child)


def remember(draft: Draft, holder: Node, index: int, child: Entry | Node) -> None:
    """Put an entry or item into the predicted tree."""
    if isinstance(child, Entry):
        entries = draft.entries(holder)
        draft.entries_of[holder] = [*entries[:index], child, *entries[index:]]
    else:
        items = draft.items(holder)
        draft.items_of[holder] = [*items[:index], child, *items[index:]]


def _dashes(draft: Draft, holder: Node) -> int:
    item = draft.items(holder)[0]
    if item.synthetic:
        return first_of_item(draft, item, holder).column
    return draft.column(start_of(draft, holder, 0))


def _indent(payload: Payload, column: int) -> None:
    for unit in payload.units:
        unit.shift += column - payload.column
        unit.column = column
    payload.column = column


def _blanks(count: int) -> list[Unit]:
    return [Unit(-1, -1, "\n") for _ in range(count)]


def _at_dash(draft: Draft, holder: Node, payload: Payload, column: int) -> None:
    """New first lines of a mapping or list that starts right after a dash."""
    if holder in draft.busy:
        raise Retry
    draft.busy.add(holder)
    at = start_of(draft, holder, 0)
    text = "".join(draft.render(unit) for unit in payload.units)
    if text.lstrip().startswith("#"):
        raise draft.refuse_at(at, "a comment cannot stand between a dash and its first key")
    draft.replace(at, at, text[column:] + " " * column, "insert")
    child = payload.child
    if isinstance(child, Entry):
        child = Entry(child.key, child.value)
    remember(draft, holder, 0, child)


def _above_comments(draft: Draft, place: Place) -> int:
    """The index above the comments glued to a first entry, but below a file's header."""
    key = draft.index(place.first)
    floor = -1 if place.above is None else draft.index(place.above)
    top = key
    while (
        top - 1 > floor
        and kind_of(draft, draft.lines[top - 1]) == "comment"
        and (line_column(draft, draft.lines[top - 1]) == place.column)
    ):
        top -= 1
    above = draft.lines[:top]
    header = place.above is None and all(
        kind_of(draft, unit) == "blank" or draft.render(unit).startswith(("---", "%"))
        for unit in above
    )
    return key if header else top


def _spaced(
    draft: Draft, holder: Node, index: int, place: Place, payload: Payload, above: Unit | None
) -> int:
    """How many blank lines set a new entry off from its neighbour, as its siblings do it."""
    mapping = holder.kind == "mapping"
    count = len(draft.entries(holder) if mapping else draft.items(holder))
    place_at = entry_place if mapping else item_place
    runs: list[int] = []
    near: list[int] = []
    first, last = max(index - _SIBLINGS, 0), min(index + _SIBLINGS, count)
    previous = place_at(draft, holder, first, above)
    for other in range(first + 1, last):
        inner = mapping and other < last - 1
        current = lines_at(draft, holder, other) if inner else place_at(draft, holder, other, above)
        run = _gap(draft, previous, current)
        runs.append(run)
        if previous.collection or current.collection:
            near.append(run)
        previous = current
    if payload.commented and not payload.section:
        return _commented_gap(draft, place, runs)
    if payload.section and not near:
        return commented_gap(draft)
    relevant = near if payload.section else runs
    spaced = sorted(run for run in relevant if run)
    if not relevant or len(spaced) * 2 <= len(relevant):
        return 0
    if not payload.section and len(spaced) != len(relevant):
        return 0
    return spaced[len(spaced) // 2]


def _commented_gap(draft: Draft, place: Place, runs: list[int]) -> int:
    """Blank lines above an entry that brings comments along."""
    tail = extent(draft, place).tail
    if not runs:
        return commented_gap(draft)
    glued = place.following is not None and draft.lines[tail + 1] is place.following
    return 0 if glued else min((run for run in runs if run), default=0)


def _gap(draft: Draft, first: Place, second: Place) -> int:
    """Blank lines right after an entry, or right before the comments of the next one."""
    low, high = draft.index(first.last), draft.index(second.first)
    count = 0
    for unit in draft.lines[low + 1 : high]:
        count += kind_of(draft, unit) == "blank"
    return count


def new_mapping(name: object, key_text: str, column: int) -> tuple[Unit, Entry]:
    """The line and entry of a section that is about to get its first key."""
    unit = Unit(-1, -1, f"{key_text}:\n", column, "new section")
    node = Node("mapping", -1, -1, -1, "block", None, None)
    return unit, Entry(synthetic(name), node, -1, unit)


def open_value(draft: Draft, spot: Spot) -> tuple[Node, Unit | None]:
    """Make an empty value (`a:`, `a: null`, `a: {}`) a block mapping; its key's line comes back.

    Raises:
        Refused: a flow collection or an item cannot take a block.
    """
    node = spot.node
    above = above_unit(draft, spot, 0) if not spot.holders else None
    mapping = Node("mapping", -1, -1, -1, "block", node.tag if node.kind == "mapping" else None,
                   node.anchor)  # fmt: skip
    draft.entries_of[mapping] = []
    if not spot.holders:
        if node.end > node.start:
            line = draft.unit(node.start)
            rest = draft.text[line.start : node.start] + draft.text[node.end : line.end]
            if rest.strip():
                draft.replace(node.start, node.end, "", "delete")
            else:
                draft.lines.remove(line)
        draft.root = mapping
        return mapping, above
    holder, index = spot.holder, spot.at
    if holder.kind != "mapping" or holder.style != "block":
        raise refuse(draft, node, "only a key of a block can get keys here", "unsupported-shape")
    entry = draft.entries(holder)[index]
    if node.synthetic or entry.at < 0:
        raise Retry
    if node.end > node.inner:
        start = node.inner
        while draft.text[start - 1] in " \t":
            start -= 1
        draft.replace(start, node.end, "", "delete")
    entries = list(draft.entries(holder))
    entries[index] = entry.with_value(mapping)
    draft.entries_of[holder] = entries
    return mapping, first_unit(draft, entry)


def put_first(draft: Draft, mapping: Node, above: Unit | None, payload: Payload) -> None:
    """Put the first lines into a mapping that `open_value` or `new_mapping` made."""
    if above is None:
        _indent(payload, 0)
        at = len(draft.lines) if draft.root_line is None else draft.root_line
        draft.lines[at:at] = payload.units
    else:
        at = draft.index(above)
        _indent(payload, line_column(draft, above) + steps(draft)[0] if above.start >= 0
                else above.column + steps(draft)[0])  # fmt: skip
        draft.lines[at + 1 : at + 1] = payload.units
    remember(draft, mapping, 0, payload.child)
