"""Putting whole lines back into a block, around comments of theirs that stayed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfgmig.document.changes import Cut
from cfgmig.document.draft import Draft, Retry, Unit
from cfgmig.document.geometry import entry_column, first_unit, last_of_item, last_unit
from cfgmig.document.locate import Spot, guard
from cfgmig.document.node import Entry, Node, synthetic
from cfgmig.document.plan_block import put_below, swap
from cfgmig.document.plan_place import Payload, open_value, put, put_first, remember
from cfgmig.document.plan_remove import above_unit

if TYPE_CHECKING:
    from cfgmig.document.planner import Planner


class Lines:
    """A cut's lines as units: what leads, the entry itself, blank lines that follow.

    Attributes:
        units: the units in order; None for a line that stayed in the file.
        key: the unit with the entry's key or dash.
    """

    def __init__(self, cut: Cut) -> None:
        self.cut = cut
        self.lines = [f"{line}\n" for line in cut.text.split("\n")[:-1]]
        self.units: list[Unit | None] = []
        self.key = Unit(-1, -1, "", cut.indent, "restore")
        end = len(self.lines)
        while end > cut.key + 1 and not self.lines[end - 1].strip():
            end -= 1
        open_unit: Unit | None = None
        for at, line in enumerate(self.lines):
            if at in cut.kept:
                self.units.append(None)
                open_unit = None
            elif open_unit is not None and cut.key < at < end:
                open_unit.text += line
            else:
                open_unit = self.key if at == cut.key else Unit(-1, -1, "", cut.indent, "restore")
                open_unit.text = line
                self.units.append(open_unit)

    def fresh(self, blanks: bool) -> list[Unit]:
        """The new units, without blank lines before and after unless wanted."""
        units = [unit for unit in self.units if unit is not None]
        while not blanks and units and not units[0].text.strip():
            units.pop(0)
        while not blanks and units and not units[-1].text.strip():
            units.pop()
        return units

    def shift(self, column: int) -> None:
        """Indent them for another column."""
        for unit in self.units:
            if unit is not None:
                unit.shift = column - self.cut.indent
                unit.column = column


def restore_lines(planner: Planner, cut: Cut, existing: Spot, exact: bool) -> None:
    """Draft the return of whole lines."""
    from cfgmig.document.restoring import read, restore_value

    draft = planner.draft
    guard(draft, existing, value=True)
    if planner.flows(existing) and not (exact and cut.emptied and _is_hollow(draft, existing.node)):
        restore_value(planner, cut)
        return
    lines = Lines(cut)
    value = read(planner, cut)
    for at in cut.kept:
        if lines.lines[at].strip() in draft.added:
            draft.added.remove(lines.lines[at].strip())
    name = cut.at[-1]
    child: Entry | Node = value
    if isinstance(name, int):
        draft.item_units[value] = lines.key
    else:
        child = Entry(synthetic(str(name)), value, -1, lines.key)
    if exact:
        _put_exactly(draft, cut, existing, lines, child)
        return
    payload = _payload(lines, child)
    names = cut.at[len(existing.path) :]
    put_below(draft, existing, names, payload, planner.style, planner.order)


def _payload(lines: Lines, child: Entry | Node) -> Payload:
    return Payload(lines.fresh(blanks=False), child, lines.cut.indent, lines.cut.key > 0)


def _is_hollow(draft: Draft, node: Node) -> bool:
    return node.style == "flow" and not draft.entries(node) and not draft.items(node)


def _put_exactly(draft: Draft, cut: Cut, existing: Spot, lines: Lines, child: Entry | Node) -> None:
    holder = existing.node
    above = _line_above(draft, existing)
    if _is_hollow(draft, holder) or holder.kind == "scalar":
        at_root = _root_line(draft, existing)
        holder, above = _reopen(draft, existing, cut)
        floor = at_root if above is None else draft.index(above) + 1 + cut.skip
        if cut.emptied and floor is not None:
            _insert_at(draft, floor, lines)
            remember(draft, holder, 0, child)
        else:
            put_first(draft, holder, above, _payload(lines, child))
        return
    if not (draft.entries(holder) or draft.items(holder)):
        put_first(draft, holder, above, _payload(lines, child))
        return
    index, anchor = _neighbour(draft, holder, cut, above)
    if anchor is None:
        put(draft, holder, index, above, _payload(lines, child))
        return
    if holder.kind == "mapping":
        lines.shift(entry_column(draft, draft.entries(holder)[0]))
    elif not holder.synthetic:
        lines.shift(draft.column(holder.inner))
    _insert_at(draft, anchor + cut.skip, lines)
    remember(draft, holder, index, child)


def _root_line(draft: Draft, existing: Spot) -> int | None:
    """Where the `{}` of an emptied document stands."""
    node = existing.node
    if existing.holders or node.synthetic or node.end == node.start:
        return None
    return draft.index(draft.unit(node.start))


def _line_above(draft: Draft, existing: Spot) -> Unit | None:
    if not existing.holders:
        return None
    spot = Spot((*existing.path, 0), (*existing.holders, existing.node), (*existing.steps, 0),
                existing.node, ())  # fmt: skip
    return above_unit(draft, spot, len(existing.holders))


def _reopen(draft: Draft, existing: Spot, cut: Cut) -> tuple[Node, Unit | None]:
    """An emptied `{}` or `[]` becomes a block again."""
    node = existing.node
    if isinstance(cut.at[-1], str):
        return open_value(draft, existing)
    if not existing.holders or existing.holder.kind != "mapping" or node.synthetic:
        raise Retry
    start = node.start
    while draft.text[start - 1] in " \t":
        start -= 1
    draft.replace(start, node.end, "", "delete")
    sequence = Node("sequence", -1, -1, -1, "block", node.tag, node.anchor)
    draft.items_of[sequence] = []
    swap(draft, existing.holder, existing.at, sequence)
    return sequence, first_unit(draft, draft.entries(existing.holder)[existing.at])


def _neighbour(draft: Draft, holder: Node, cut: Cut, above: Unit | None) -> tuple[int, int | None]:
    """The index among its siblings, and the line that `skip` counts from if that still holds."""
    if isinstance(cut.at[-1], int):
        items = draft.items(holder)
        index = min(cut.index, len(items))
        if index != cut.index:
            return index, None
        if index == 0:
            return 0, _line_after(draft, above)
        return index, draft.index(last_of_item(draft, items[index - 1], holder)) + 1
    names = [entry.name for entry in draft.entries(holder)]
    if not cut.before and cut.after and cut.after[0] in names[:1]:
        return 0, _line_after(draft, above)
    for rank, name in enumerate(cut.before):
        if name in names:
            index = names.index(name) + 1
            follows = names[index : index + 1] == list(cut.after[:1])
            if rank or (cut.after and not follows and cut.skip):
                return index, None
            return index, draft.index(last_unit(draft, draft.entries(holder)[index - 1])) + 1
    for name in cut.after:
        if name in names:
            return names.index(name), None
    return (0 if not cut.before else len(names)), None


def _line_after(draft: Draft, above: Unit | None) -> int:
    return 0 if above is None else draft.index(above) + 1


def _insert_at(draft: Draft, at: int, lines: Lines) -> None:
    """Put the lines at an index; comments that stayed there take their places among them."""
    at = min(at, len(draft.lines))
    kept = lines.cut.kept
    standing = draft.lines[at : at + len(kept)]
    wanted = [lines.lines[line].strip() for line in kept]
    if not kept or [draft.render(line).strip() for line in standing] != wanted:
        draft.lines[at:at] = lines.fresh(blanks=True)
        return
    texts = iter(zip(standing, (lines.lines[line] for line in kept), strict=True))
    pieces = [unit if unit is not None else _stayed(draft, *next(texts)) for unit in lines.units]
    draft.lines[at : at + len(kept)] = pieces


def _stayed(draft: Draft, unit: Unit, text: str) -> Unit:
    """A comment line that stayed, indented again as it was."""
    if draft.render(unit).rstrip() == text.rstrip() or unit.start < 0:
        return unit
    draft.drop(unit.start, unit.end)
    draft.added.append(text.strip())
    return Unit(-1, -1, text, unit.column, "restore")
