"""A path goes below another parent: block to block by lines, otherwise as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfgmig.document.changes import MoveTo
from cfgmig.document.draft import Draft, Retry, Unit, shift
from cfgmig.document.emit import scalar
from cfgmig.document.geometry import entry_column, extent
from cfgmig.document.locate import Spot, refuse
from cfgmig.document.moving_text import move_text
from cfgmig.document.node import Entry, Node, synthetic
from cfgmig.document.plan_block import empty, nearest_holder, put_below
from cfgmig.document.plan_place import Payload
from cfgmig.document.plan_remove import (
    Removal,
    drop_comments,
    forget,
    place_of,
    refuse_orphans,
    remaining,
    shares_line,
    take_from_dash,
    take_lines,
)
from cfgmig.document.plan_value import rename_key

if TYPE_CHECKING:
    from cfgmig.document.planner import Planner


def move(planner: Planner, spot: Spot, change: MoveTo, depth: int) -> None:
    """Draft the move of an existing path to a free one with another parent."""
    draft = planner.draft
    source, target = change.source, change.target
    holder = spot.holders[depth]
    in_place = target[: len(source)] == source or source[: depth + 1] == target
    if not in_place and depth < len(source) - 1 and target[: depth + 1] == source[: depth + 1]:
        raise Retry  # the section that this empties is the one that it goes to
    index = spot.steps[depth] if in_place else None
    outer = target[: depth + 1] if in_place else target
    into_flow = planner.flows(nearest_holder(draft, outer))
    if spot.holder.style != "block" or holder.style != "block" or into_flow:
        move_text(planner, spot, change, depth, into_flow, index)
        return
    if spot.at == 0 and shares_line(draft, spot.holder, 0):
        payload, index = _lift(planner, spot, change), None
    elif spot.steps[depth] == 0 and shares_line(draft, holder, 0):
        payload, index = _lift_inner(planner, spot, change, depth), None
    else:
        payload = _take(planner, spot, change, depth)
    existing = nearest_holder(draft, target)
    names = target[len(existing.path) :]
    put_below(draft, existing, names, payload, planner.style, planner.order, index)


def _take(planner: Planner, spot: Spot, change: MoveTo, depth: int) -> Payload:
    """Take an entry's lines with its comments; parents that this empties go."""
    draft = planner.draft
    entry = draft.entries(spot.holder)[spot.at]
    name = change.target[-1]
    renamed = entry
    if entry.name != name:
        renamed = rename_key(draft, entry, name, planner.style, aligned=False)
    column = entry_column(draft, entry)
    emptied = remaining(draft, spot.holders[depth]) == 1
    if emptied and depth > 0 and spot.holders[depth - 1].kind == "sequence":
        raise refuse(draft, entry.key, "the move would leave an item empty", "unsupported-shape")
    removal, inner = take_lines(draft, spot, depth)
    own = list(removal.units[inner.head : inner.tail + 1])
    gone = [unit for unit in removal.units if unit not in own and unit not in removal.kept]
    drop_comments(draft, tuple(gone))
    forget(draft, spot.holders[depth], spot.steps[depth])
    if emptied:
        _open_root(draft, removal)
    for unit in own:
        unit.moved = unit.start >= 0
        unit.why = f"move {change.source[-1]}"
    return Payload(own, renamed, column, inner.head < inner.key)


def _open_root(draft: Draft, removal: Removal) -> None:
    """The document's only entry is on its way: the root waits for it."""
    root = Node("mapping", -1, -1, -1, "block", draft.root.tag, draft.root.anchor)
    draft.entries_of[root] = []
    draft.root = root
    draft.root_line = removal.line


def _lift(planner: Planner, spot: Spot, change: MoveTo) -> Payload:
    """Take an entry that shares its line with a dash, as new lines."""
    draft = planner.draft
    holder = spot.holder
    entry = draft.entries(holder)[spot.at]
    if entry.at < 0 or entry.key.synthetic or entry.value.synthetic:
        raise Retry
    stop = draft.text.find("\n", max(entry.value.end, entry.key.end))
    stop = len(draft.text) if stop < 0 else stop
    text = draft.text[entry.key.end : stop].replace("\r\n", "\n").rstrip("\r")
    column = draft.column(entry.at)
    key = draft.text[entry.at : entry.key.end]
    name = change.target[-1]
    new_key = entry.key
    if entry.name != name:
        key = scalar(str(name), planner.style, quote=entry.key.style)
        new_key = synthetic(str(name))
    first, _, rest = text.partition("\n")
    lines = f"{key}{first}\n" + (shift(f"{rest}\n", -column) if rest else "")
    unit = Unit(-1, -1, lines, 0, f"move {change.source[-1]}")
    draft.added += [draft.text[at:end] for at, end in draft.comments if entry.at <= at < stop]
    if remaining(draft, holder) == 1:
        empty(draft, spot, len(spot.holders) - 1)
    else:
        take_from_dash(draft, holder, spot.at)
        forget(draft, holder, spot.at)
    return Payload([unit], Entry(new_key, entry.value, -1, unit), 0)


def _lift_inner(planner: Planner, spot: Spot, change: MoveTo, depth: int) -> Payload:
    """Take an entry out of sections that it empties and of which the first starts at a dash."""
    draft = planner.draft
    entry = draft.entries(spot.holder)[spot.at]
    if entry.at < 0 or remaining(draft, spot.holders[depth]) == 1:
        raise Retry
    refuse_orphans(draft, spot, depth)
    ext = extent(draft, place_of(draft, spot, len(spot.holders) - 1))
    own = draft.lines[ext.head : ext.tail + 1]
    column = entry_column(draft, entry)
    renamed = entry
    if entry.name != change.target[-1]:
        renamed = rename_key(draft, entry, change.target[-1], planner.style, aligned=False)
    lines = [draft.render(unit).replace("\r\n", "\n") for unit in own]
    text = "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
    for unit in own:
        draft.added += [
            draft.text[at:end] for at, end in draft.comments if unit.start <= at < unit.end
        ]
    draft.spans = [edit for edit in draft.spans if not own[0].start <= edit.start < own[-1].end]
    take_from_dash(draft, spot.holders[depth], 0)
    forget(draft, spot.holders[depth], 0)
    unit = Unit(-1, -1, text, column, f"move {change.source[-1]}")
    child = Entry(renamed.key, entry.value, -1, unit)
    return Payload([unit], child, column, ext.head < ext.key)
