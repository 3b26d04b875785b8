"""A path goes from, into or within flow collections and JSON: as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cfgmig.document import plan_flow
from cfgmig.document.changes import MoveTo
from cfgmig.document.draft import Draft, Retry, Unit, shift
from cfgmig.document.emit import scalar
from cfgmig.document.locate import Spot, refuse, walk_draft
from cfgmig.document.node import Entry, Node, synthetic
from cfgmig.document.plan_block import nearest_holder, put_below, swap
from cfgmig.document.plan_place import Payload
from cfgmig.document.plan_remove import (
    Removal,
    drop_comments,
    forget,
    remaining,
    shares_line,
    take_lines,
)
from cfgmig.paths import Path

if TYPE_CHECKING:
    from cfgmig.document.planner import Planner


@dataclass(frozen=True, slots=True)
class CopyTo:
    """The first half of a move within one flow collection; a delete of `source` follows."""

    source: Path
    target: Path


def move_text(
    planner: Planner, spot: Spot, change: MoveTo, depth: int, into_flow: bool, index: int | None
) -> None:
    """Move between flow collections, or between a flow collection and a block."""
    draft = planner.draft
    source, target = change.source, change.target
    if target[: len(source)] == source:
        _wrap_value(planner, spot, change)
        return
    if source[: depth + 1] == target:
        _unwrap_value(draft, spot, depth)
        return
    text, moved = _carried(planner, spot, change, into_flow)
    _leave(planner, spot, depth)
    _arrive(planner, change, text, moved, index)


def copy_text(planner: Planner, spot: Spot, change: CopyTo) -> None:
    """Draft the first half of a move within one flow collection."""
    draft = planner.draft
    if any(node.anchor for node in walk_draft(draft, spot.node) if node.kind != "alias"):
        raise refuse(draft, spot.node, "an anchor cannot move within a flow collection",
                     "unsupported-shape")  # fmt: skip
    text, moved = _carried(planner, spot, MoveTo(change.source, change.target), into_flow=True)
    _arrive(planner, MoveTo(change.source, change.target), text, moved, None)


def _wrap_value(planner: Planner, spot: Spot, change: MoveTo) -> None:
    """A value goes below its own key."""
    draft = planner.draft
    entry = draft.entries(spot.holder)[spot.at]
    value = entry.value
    if value.synthetic or entry.at < 0 or value.end == value.start:
        raise Retry
    names = change.target[len(change.source) :]
    text = plan_flow.entry_text(draft, entry, planner.flow_key(names[-1]))
    node = value
    for at, name in enumerate(reversed(names)):
        inner = Node("mapping", -1, -1, -1, "flow", None, None)
        draft.entries_of[inner] = [Entry(synthetic(str(name)), node)]
        node = inner
        text = _wrap(draft, text if at == 0 else f"{planner.flow_key(name)}: {text}")
    pad = plan_flow.indent_of(draft, entry.at)
    draft.replace(value.start, value.end, text.replace("\n", f"\n{pad}"), "wrap")
    swap(draft, spot.holder, spot.at, node)


def _unwrap_value(draft: Draft, spot: Spot, depth: int) -> None:
    """A value takes the place of the mappings that hold nothing else."""
    outer = draft.entries(spot.holders[depth])[spot.steps[depth]]
    inner = draft.entries(spot.holder)[spot.at]
    if outer.at < 0 or inner.at < 0 or inner.value.synthetic or outer.value.style != "flow":
        raise Retry
    text = plan_flow.entry_text(draft, inner, "")[1:].lstrip(" ")
    pad = plan_flow.indent_of(draft, outer.at)
    draft.replace(outer.value.start, outer.value.end, text.replace("\n", f"\n{pad}"), "unwrap")
    swap(draft, spot.holders[depth], spot.steps[depth], inner.value)


def _carried(planner: Planner, spot: Spot, change: MoveTo, into_flow: bool) -> tuple[str, Entry]:
    """The text of an entry under its new key, and the entry as it is then predicted."""
    draft = planner.draft
    entry = draft.entries(spot.holder)[spot.at]
    name = change.target[-1]
    if entry.key.kind != "scalar" or entry.key.synthetic or entry.value.synthetic:
        raise Retry
    key = draft.text[entry.key.inner : entry.key.end]
    if entry.name != name:
        key = planner.flow_key(name)
        if not draft.json and entry.key.style:
            key = scalar(str(name), planner.style, quote=entry.key.style)
    block = spot.holder.style == "block"
    if block and into_flow and entry.value.style in ("block", "|", ">"):
        raise refuse(draft, entry.value, "a block cannot move into a flow collection",
                     "unsupported-shape", "write the target as a block first")  # fmt: skip
    moved = plan_flow.moved(entry, name)
    value = entry.value
    if into_flow and value.end == value.inner:  # nothing is no value between commas
        if value.tag or value.anchor:
            raise refuse(draft, value, "an empty value with an anchor or a tag cannot move into "
                         "a flow collection", "unsupported-shape")  # fmt: skip
        moved.value = synthetic(None)
        return f"{key}: {planner.flow_text(None)}", moved
    return plan_flow.entry_text(draft, entry, key), moved


def _arrive(planner: Planner, change: MoveTo, text: str, moved: Entry, index: int | None) -> None:
    """Put carried text where it goes."""
    draft = planner.draft
    existing = nearest_holder(draft, change.target)
    if existing.node in draft.busy and not planner.flows(existing):
        raise Retry
    names = change.target[len(existing.path) :]
    if not planner.flows(existing):
        body, rest = text.partition("\n")[::2]
        lines = f"{body}\n" + (shift(f"{rest}\n", 2) if rest else "")
        unit = Unit(-1, -1, lines, 0, f"move {change.source[-1]}")
        payload = Payload([unit], Entry(moved.key, moved.value, -1, unit), 0)
        put_below(draft, existing, names, payload, planner.style, planner.order, index)
        return
    _into_flow(planner, existing, names, text, moved, index)


def _leave(planner: Planner, spot: Spot, depth: int) -> None:
    """The entry leaves its old place; comments of its own stay where it stood."""
    draft = planner.draft
    holder = spot.holders[depth]
    if holder.style != "block":
        plan_flow.remove(draft, holder, spot.steps[depth])
        return
    if remaining(draft, holder) == 1 or (spot.steps[depth] == 0 and shares_line(draft, holder, 0)):
        raise refuse(draft, spot.node, "the move would leave its collection empty",
                     "unsupported-shape")  # fmt: skip
    own = _inside(draft, draft.entries(spot.holder)[spot.at])
    removal, _ = take_lines(draft, spot, depth)
    gone = tuple(unit for unit in removal.units if unit not in removal.kept)
    before = len(draft.dropped)
    drop_comments(draft, gone)
    forget(draft, holder, spot.steps[depth])
    if spot.holder.style == "block":
        left = draft.dropped[before:]
        for text in own:  # they go along, in the text of the value
            if text in left:
                left.remove(text)
        _stay(draft, left, removal)


def _inside(draft: Draft, entry: Entry) -> list[str]:
    """The comments between an entry's key and the end of its value."""
    return [draft.text[at:end] for at, end in draft.comments if entry.at <= at < entry.value.end]


def _stay(draft: Draft, comments: list[str], removal: Removal) -> None:
    """Comments that nothing in braces could carry, as lines of their own."""
    column = removal.place.column
    units = [Unit(-1, -1, f"{' ' * column}{text}\n", column, "keep a comment") for text in comments]
    draft.lines[removal.line : removal.line] = units
    draft.added += comments
    for unit in units:
        draft.note(unit, "kept: the key that this comment stood by went into braces")


def _into_flow(
    planner: Planner, existing: Spot, names: Path, text: str, moved: Entry, index: int | None
) -> None:
    """Put an entry's text into a flow collection, through new mappings for `names`."""
    draft = planner.draft
    value: Node = moved.value
    for name in reversed(names[:-1]):
        inner = Node("mapping", -1, -1, -1, "flow", None, None)
        draft.entries_of[inner] = [Entry(moved.key, value)]
        moved = Entry(synthetic(str(name)), inner)
        value = inner
        text = f"{planner.flow_key(name)}: {_wrap(draft, text)}"
    planner.put_flow(existing, names[0], text, value, index)
    _rekey(draft, existing, moved)


def _rekey(draft: Draft, existing: Spot, moved: Entry) -> None:
    """Predict the key's own spelling where it was kept."""
    entries = draft.entries(existing.node)
    for at, entry in enumerate(entries):
        if entry.value is moved.value:
            draft.entries_of[existing.node] = [*entries[:at], moved, *entries[at + 1 :]]


def _wrap(draft: Draft, text: str) -> str:
    """An entry's text as a flow mapping of its own."""
    if draft.json and plan_flow._tall(draft):
        pad = plan_flow.json_indent(draft.text)
        return "{\n" + pad + text.replace("\n", f"\n{pad}") + "\n}"
    return "{" + text + "}"
