"""Taking an entry or item out of a block: its lines, its comments, the blank lines around it."""

from __future__ import annotations

from typing import NamedTuple

from cfgmig.document.draft import Draft, Retry, Unit
from cfgmig.document.geometry import (
    Extent,
    Place,
    at_end,
    blanks_after,
    blanks_before,
    dash,
    entry_place,
    extent,
    first_of_item,
    first_unit,
    item_place,
    kind_of,
)
from cfgmig.document.locate import Spot, refuse
from cfgmig.document.node import Entry, Node


class Removal(NamedTuple):
    """What left the draft.

    Attributes:
        line: where the first removed line stood.
        units: the lines, blank ones included, in order; kept lines stand among them.
        kept: those of `units` that stayed.
        lead: how many blank lines come first.
        extent: the entry's own lines, as indexes into `units`.
        place: its place before it went.
    """

    line: int
    units: tuple[Unit, ...]
    kept: tuple[Unit, ...]
    extent: Extent
    place: Place


def above_unit(draft: Draft, spot: Spot, depth: int) -> Unit | None:
    """The line of the key or dash that holds the collection at `depth`; None for the root."""
    if depth == 0:
        return None
    outer, index = spot.holders[depth - 1], spot.steps[depth - 1]
    if outer.kind == "mapping":
        return first_unit(draft, draft.entries(outer)[index])
    return first_of_item(draft, draft.items(outer)[index], outer)


def place_of(draft: Draft, spot: Spot, depth: int) -> Place:
    """The place of the entry or item taken at `depth` of a path."""
    above = above_unit(draft, spot, depth)
    holder = spot.holders[depth]
    if holder.kind == "mapping":
        return entry_place(draft, holder, spot.steps[depth], above)
    return item_place(draft, holder, spot.steps[depth], above)


def start_of(draft: Draft, holder: Node, index: int) -> int:
    """The offset of an entry's key or an item's dash; -1 for a new one."""
    if holder.kind == "mapping":
        return draft.entries(holder)[index].at
    item = draft.items(holder)[index]
    return -1 if item.synthetic else dash(draft, holder, item)


def shares_line(draft: Draft, holder: Node, index: int) -> bool:
    """Whether a dash of an outer list stands before it on its line.

    Raises:
        Refused: something else does, such as the mark of an explicit key.
    """
    if holder in draft.busy:
        raise Retry
    at = start_of(draft, holder, index)
    if at < 0:
        return False
    before = draft.text[draft.source.starts[draft.source.line(at)] : at]
    rest = before.strip(" ")
    if not rest:
        return False
    if rest.strip("- ") or "\t" in before:
        node = draft.entries(holder)[index].key if holder.kind == "mapping" else holder
        raise refuse(
            draft, node, "an explicit key, a tag or an anchor shares its line", "unsupported-shape",
            "write the entry on lines of its own",
        )  # fmt: skip
    return True


def remaining(draft: Draft, holder: Node) -> int:
    """How many children a collection has now."""
    return len(draft.entries(holder) if holder.kind == "mapping" else draft.items(holder))


def pruned_depth(draft: Draft, spot: Spot) -> int:
    """The depth of what leaves with a path when the mappings that it empties go too."""
    depth = len(spot.holders) - 1
    while (
        depth > 0
        and spot.holders[depth].kind == "mapping"
        and remaining(draft, spot.holders[depth]) == 1
        and spot.holders[depth - 1].kind == "mapping"
    ):
        depth -= 1
    return depth


def take_lines(
    draft: Draft, spot: Spot, depth: int, keep_inner: bool = True
) -> tuple[Removal, Extent]:
    """Take the lines of what stands at `depth` out of the draft.

    Returns the removal and the extent of the innermost entry (as indexes into its units).
    """
    place = place_of(draft, spot, depth)
    outer = extent(draft, place)
    inner = outer
    kept: list[Unit] = []
    if depth < len(spot.holders) - 1:
        inner = extent(draft, place_of(draft, spot, len(spot.holders) - 1))
        if keep_inner:
            kept = _orphans(draft, spot, depth, outer, inner)
    head, tail = _with_blanks(draft, place, outer)
    units = tuple(draft.lines[head : tail + 1])
    draft.lines[head : tail + 1] = _outside_literals(draft, spot, depth, kept, place.column)
    _note_titles(draft, outer.title + inner.title)
    for unit in kept:
        draft.note(unit, "kept: this comment stood in a section that is gone")
    removal = Removal(head, units, tuple(kept), _relative(outer, head), place)
    return removal, _relative(inner, head)


def _outside_literals(
    draft: Draft, spot: Spot, depth: int, kept: list[Unit], column: int
) -> list[Unit]:
    """Comments that stay right below a block scalar, taken back so that they stay comments."""
    holder, index = spot.holders[depth], spot.steps[depth]
    if not kept or index == 0 or holder.kind != "mapping":
        return kept
    last = draft.entries(holder)[index - 1].value
    while last.style == "block" and (last.entries or last.items):
        last = last.entries[-1].value if last.entries else last.items[-1]
    if last.style not in ("|", ">"):
        return kept
    out = []
    for unit in kept:
        text = draft.render(unit).strip()
        draft.drop(unit.start, unit.end)
        draft.added.append(text)
        out.append(Unit(-1, -1, f"{' ' * column}{text}\n", column, "keep a comment"))
    return out


def _relative(ext: Extent, start: int) -> Extent:
    return ext._replace(head=ext.head - start, key=ext.key - start, tail=ext.tail - start)


def _note_titles(draft: Draft, titles: tuple[Unit, ...]) -> None:
    for unit in dict.fromkeys(titles):
        draft.note(unit, "kept: this comment may head more than the entry that stood below it")


def _orphans(draft: Draft, spot: Spot, depth: int, outer: Extent, inner: Extent) -> list[Unit]:
    """Comments in a section emptied by a pruning that belong to nothing that goes."""
    own = set(draft.lines[outer.head : outer.key + 1])
    for level in range(depth + 1, len(spot.holders)):
        ext = extent(draft, place_of(draft, spot, level))
        own.update(draft.lines[ext.head : ext.key + 1])
    own.update(draft.lines[inner.head : inner.tail + 1])
    return [
        unit
        for unit in draft.lines[outer.head : outer.tail + 1]
        if unit not in own and kind_of(draft, unit) == "comment"
    ]


def refuse_orphans(draft: Draft, spot: Spot, depth: int) -> None:
    """Refuse to prune what starts at a dash if comments in it belong to nothing that goes.

    Raises:
        Refused: with the place of the comment.
    """
    last = len(spot.holders) - 1
    if depth == last:
        return
    outer = extent(draft, place_of(draft, spot, depth))
    inner = extent(draft, place_of(draft, spot, last))
    for unit in _orphans(draft, spot, depth, outer, inner):
        raise draft.refuse_at(
            max(unit.start, 0), "a comment stands in a section that would go with its last key"
        )


def _with_blanks(draft: Draft, place: Place, ext: Extent) -> tuple[int, int]:
    """Widen an extent by the smaller run of blank lines around it."""
    before = blanks_before(draft, ext.head)
    after = blanks_after(draft, ext.tail)
    if at_end(draft, ext.tail) and ext.tail + after + 1 == len(draft.lines):
        return ext.head - before, ext.tail
    opens = ext.head - before == 0 or (
        not place.sibling and draft.lines[ext.head - before - 1] is place.above
    )
    if opens and place.following is not None:
        return ext.head, ext.tail + after
    if before <= after:
        return ext.head - before, ext.tail
    return ext.head, ext.tail + after


def drop_comments(draft: Draft, units: tuple[Unit, ...]) -> None:
    """Account for the comments of lines that are gone for good."""
    if not draft.comments:
        return
    for unit in units:
        if unit.start >= 0:
            draft.drop(unit.start, unit.end)
        elif "#" in unit.text:
            raise Retry


def forget(draft: Draft, holder: Node, index: int) -> None:
    """Take an entry or item out of the predicted tree."""
    if holder.kind == "mapping":
        draft.entries_of[holder] = _without(draft.entries(holder), index)
    else:
        items = draft.items(holder)
        draft.items_of[holder] = items[:index] + items[index + 1 :]


def _without(entries: list[Entry], index: int) -> list[Entry]:
    return entries[:index] + entries[index + 1 :]


def take_from_dash(draft: Draft, holder: Node, index: int) -> None:
    """Take out an entry that shares its line with the dash of an outer list's item.

    The next entry moves up to the dash; if comments stand between, the dash stays alone.

    Raises:
        Retry: it has no original text any more.
    """
    children = draft.entries(holder) if holder.kind == "mapping" else draft.items(holder)
    if holder in draft.busy or len(children) != _originally(holder):
        raise Retry
    draft.busy.add(holder)
    start = start_of(draft, holder, index)
    node = children[index]
    end = node.value.end if isinstance(node, Entry) else node.end
    end = max(end, start + 1)
    stop = draft.text.find("\n", end)
    stop = len(draft.text) if stop < 0 else stop
    stop -= draft.text[stop - 1] == "\r"
    following = start_of(draft, holder, index + 1)
    if start < 0 or following < 0:
        raise Retry
    between = [c for c in draft.comments if stop <= c[0] < following]
    if not between:
        draft.drop(start, following)
        draft.replace(start, following, "", "delete", drops=True)
        return
    while draft.text[start - 1] == " ":
        start -= 1
    draft.drop(start, stop)
    draft.replace(start, stop, "", "delete", drops=True)


def _originally(holder: Node) -> int:
    return len(holder.entries) or len(holder.items)
