"""Changes of block collections, one function for each."""

from __future__ import annotations

from typing import Any

from cfgmig.document.changes import Delete, Insert
from cfgmig.document.draft import Draft, Retry, Unit
from cfgmig.document.emit import Style, block, inline, is_inline, scalar
from cfgmig.document.geometry import steps
from cfgmig.document.locate import Spot, find, guard, refuse
from cfgmig.document.node import Entry, Node, synthetic
from cfgmig.document.plan_place import (
    Order,
    Payload,
    new_mapping,
    open_value,
    order_of,
    position,
    put,
    put_first,
)
from cfgmig.document.plan_remove import (
    Removal,
    above_unit,
    drop_comments,
    forget,
    pruned_depth,
    refuse_orphans,
    remaining,
    shares_line,
    take_from_dash,
    take_lines,
)
from cfgmig.paths import Path, Segment


def delete(draft: Draft, spot: Spot, change: Delete) -> Removal | None:
    """An entry or item of a block goes; what went as lines comes back."""
    depth = pruned_depth(draft, spot) if change.prune else len(spot.holders) - 1
    holder, index = spot.holders[depth], spot.steps[depth]
    if remaining(draft, holder) == 1:
        return empty(draft, spot, depth)
    if index == 0 and shares_line(draft, holder, 0):
        refuse_orphans(draft, spot, depth)
        take_from_dash(draft, holder, index)
        forget(draft, holder, index)
        return None
    removal, _ = take_lines(draft, spot, depth)
    drop_comments(draft, tuple(unit for unit in removal.units if unit not in removal.kept))
    forget(draft, holder, index)
    return removal


def empty(draft: Draft, spot: Spot, depth: int) -> Removal | None:
    """The last child of a collection goes; the collection is written `{}` or `[]`."""
    holder = spot.holders[depth]
    mark = "{}" if holder.kind == "mapping" else "[]"
    if holder.synthetic or holder.style != "block":
        raise Retry
    node = Node(holder.kind, -1, -1, -1, "flow", holder.tag, holder.anchor)
    node.value = {} if holder.kind == "mapping" else []
    shared = depth > 0 and shares_line(draft, holder, 0)
    if shared:
        child = draft.entries(holder)[0] if holder.kind == "mapping" else draft.items(holder)[0]
        start = child.at if isinstance(child, Entry) else holder.inner
        refuse_orphans(draft, spot, depth)
        stop = draft.text.find("\n", holder.end)
        stop = len(draft.text) if stop < 0 else stop
        stop -= draft.text[stop - 1] == "\r"
        draft.drop(start, stop)
        draft.replace(start, max(stop, start), mark, "empty", drops=True)
        _swap(draft, spot, depth, node)
        return None
    above = above_unit(draft, spot, depth)
    removal, _ = take_lines(draft, spot, depth)
    drop_comments(draft, tuple(unit for unit in removal.units if unit not in removal.kept))
    if above is None:
        draft.lines.insert(removal.line, Unit(-1, -1, f"{mark}\n", 0, "empty"))
    else:
        _mark_empty(draft, spot, depth, mark)
    _swap(draft, spot, depth, node)
    return removal


def _mark_empty(draft: Draft, spot: Spot, depth: int, mark: str) -> None:
    holder, outer = spot.holders[depth], spot.holders[depth - 1]
    if holder.inner > holder.start:
        at = holder.inner
        while draft.text[at - 1] in " \t\r\n":
            at -= 1
    elif outer.kind == "mapping":
        at = colon(draft, draft.entries(outer)[spot.steps[depth - 1]]) + 1
    else:
        raise Retry
    draft.replace(at, at, f" {mark}", "empty")


def _swap(draft: Draft, spot: Spot, depth: int, node: Node) -> None:
    """Put another node where the collection at `depth` stands in the predicted tree."""
    if depth == 0:
        draft.root = node
        return
    swap(draft, spot.holders[depth - 1], spot.steps[depth - 1], node)


def swap(draft: Draft, holder: Node, index: int, node: Node) -> None:
    """Put another node at an index of a collection in the predicted tree."""
    if holder.kind == "mapping":
        entries = list(draft.entries(holder))
        entries[index] = entries[index].with_value(node)
        draft.entries_of[holder] = entries
    else:
        items = list(draft.items(holder))
        items[index] = node
        draft.items_of[holder] = items


def colon(draft: Draft, entry: Entry) -> int:
    """The offset of an entry's colon.

    Raises:
        Retry: the entry stands in no text yet.
        Refused: it is written without one.
    """
    at = entry.key_end
    if at < 0:
        raise Retry
    text = draft.text
    while at < len(text):
        if text[at] == "#":
            at = text.find("\n", at)
        if text[at] == ":":
            return at
        if not text[at].isspace():
            break
        at += 1
    raise refuse(draft, entry.key, "the key has no colon of its own", "unsupported-shape")


def lines_of(
    draft: Draft, name: Segment, value: Any, style: Style, comment: str | None
) -> tuple[str, int]:
    """A new entry or item as lines from column 0, and how many of them are comments."""
    step, offset = steps(draft)
    head = "".join(f"# {line}\n" for line in (comment or "").splitlines())
    lead = "- " if isinstance(name, int) else f"{scalar(name, style)}:"
    if is_inline(value, style):
        gap = "" if isinstance(name, int) else " "
        return f"{head}{lead}{gap}{inline(value, style, flow=False)}\n", head.count("\n")
    body = list(block(value, style, step, offset))
    if isinstance(name, int):
        rest = "".join(f"  {line}\n" for line in body[1:])
        return f"{head}{lead}{body[0]}\n{rest}", head.count("\n")
    pad = " " * (step if isinstance(value, dict) else offset)
    return f"{head}{lead}\n" + "".join(f"{pad}{line}\n" for line in body), head.count("\n")


def payload_of(draft: Draft, change: Insert, style: Style) -> Payload:
    """A new entry or item as lines, from its value or verbatim from `raw`."""
    name = change.path[-1]
    if change.raw is not None:
        text = change.raw.replace("\r\n", "\n")
        text = text if text.endswith("\n") else f"{text}\n"
        lines = text.split("\n")
        key = next((at for at, line in enumerate(lines) if _content(line)), 0)
        column = len(lines[key]) - len(lines[key].lstrip(" "))
        count = key
    else:
        text, count = lines_of(draft, name, change.value, style, change.comment)
        column = 0
    unit = Unit(-1, -1, text, column, "insert")
    value = synthetic(change.value)
    commented = bool(count) and "#" in "".join(text.split("\n")[:count])
    if isinstance(name, int):
        draft.item_units[value] = unit
        return Payload([unit], value, column, commented)
    return Payload([unit], Entry(synthetic(name), value, -1, unit), column, commented)


def _content(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def put_below(
    draft: Draft,
    spot: Spot,
    names: Path,
    payload: Payload,
    style: Style,
    order: Order | None,
    index: int | None = None,
) -> None:
    """Put lines below an existing collection, through new sections for `names`."""
    holder, above = spot.node, _line_of(draft, spot)
    guard(draft, spot, value=True)
    path = spot.path
    if _is_empty(draft, holder):
        holder, above = open_value(draft, spot)
    for name in names[:-1]:
        if isinstance(name, int):
            raise refuse(draft, holder, "a list cannot be made on the way", "unsupported-shape")
        unit, entry = new_mapping(name, scalar(name, style), 0)
        _add(draft, holder, above, Payload([unit], entry, 0), path, order, index)
        holder, above, path, index = entry.value, unit, (*path, name), None
        draft.entries_of[holder] = []
    _add(draft, holder, above, payload, path, order, index)


def _add(
    draft: Draft,
    holder: Node,
    above: Unit | None,
    payload: Payload,
    path: Path,
    order: Order | None,
    index: int | None,
) -> None:
    if isinstance(payload.child, Node):
        if index is None:
            raise Retry
        put(draft, holder, index, above, payload)
        return
    entries = draft.entries(holder)
    if not entries:
        put_first(draft, holder, above, payload)
        return
    if index is None:
        index = position(entries, payload.child.name, order_of(order, path))
    put(draft, holder, index, above, payload)


def _is_empty(draft: Draft, node: Node) -> bool:
    if node.kind == "scalar":
        return node.value is None and node not in draft.entries_of
    return node.kind == "mapping" and not draft.entries(node) and node.style == "flow"


def _line_of(draft: Draft, spot: Spot) -> Unit | None:
    """The line of the key or dash whose value a spot is."""
    if not spot.holders:
        return None
    inner = Spot((*spot.path, 0), (*spot.holders, spot.node), (*spot.steps, 0), spot.node, ())
    return above_unit(draft, inner, len(spot.holders))


def nearest_holder(draft: Draft, target: Path) -> Spot:
    """The deepest existing collection above a new path; an alias is followed."""
    for length in range(len(target) - 1, -1, -1):
        spot = find(draft, target[:length])
        if spot is not None:
            if spot.node.kind == "alias" and spot.node.target is not None:
                return Spot(spot.path, spot.holders, spot.steps, spot.node.target,
                            (*spot.via, spot.node))  # fmt: skip
            return spot
    raise Retry
