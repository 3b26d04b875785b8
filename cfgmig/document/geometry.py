"""Which lines an entry or item has, which comments come with it, what surrounds it."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import NamedTuple

from cfgmig.document import comments
from cfgmig.document.draft import Draft, Retry, Unit
from cfgmig.document.node import Entry, Node


class Place(NamedTuple):
    """The lines of one entry or item among its siblings.

    Attributes:
        first: the line of its key or dash.
        last: the last line of its value.
        above: the last line of what precedes it: its previous sibling or its parent's line.
        sibling: whether `above` is a sibling.
        following: the first line of its next sibling.
        column: where its key or dash stands, from 0.
        collection: whether its value is a block collection.
    """

    first: Unit
    last: Unit
    above: Unit | None
    sibling: bool
    following: Unit | None
    column: int
    collection: bool


def kind_of(draft: Draft, unit: Unit) -> str:
    """What a line is: "blank", "comment" or "content"."""
    text = draft.text[unit.start : unit.end] if unit.start >= 0 else unit.text
    text = text.lstrip()
    if not text:
        return "blank"
    if text.startswith("#") and (unit.start >= 0 or text.rstrip("\n").count("\n") == 0):
        return "comment"
    return "content"


def line_column(draft: Draft, unit: Unit) -> int:
    """The column of the first character of a line."""
    text = draft.render(unit)
    return len(text) - len(text.lstrip(" "))


def dash(draft: Draft, sequence: Node, item: Node) -> int:
    """The offset of the dash of a block sequence's item."""
    source = draft.source
    line = source.line(sequence.inner)
    column = sequence.inner - source.starts[line]
    line = source.line(item.start)
    while line >= 0:
        at = source.starts[line] + column
        if at < item.start and draft.text[at : at + 1] == "-":
            before = draft.text[source.starts[line] : at]
            if not before.strip(" -?:") or source.line(sequence.inner) == line:
                return at
        line -= 1
    raise Retry


def entry_column(draft: Draft, entry: Entry) -> int:
    """The column of an entry's key, from 0."""
    if entry.at >= 0:
        return draft.column(entry.at)
    if entry.unit is None:
        raise Retry
    column: int = entry.unit.column
    return column


def first_unit(draft: Draft, entry: Entry) -> Unit:
    """The line of an entry's key."""
    if entry.at >= 0:
        return draft.unit(entry.at)
    if entry.unit is None:
        raise Retry
    unit: Unit = entry.unit
    return unit


def last_unit(draft: Draft, entry: Entry) -> Unit:
    """The last line of an entry's value."""
    value = entry.value
    if value.style == "block" and not (value.synthetic and entry.at >= 0):
        if value.kind == "mapping" and draft.entries(value):
            return last_unit(draft, draft.entries(value)[-1])
        if value.kind == "sequence" and draft.items(value):
            return last_of_item(draft, draft.items(value)[-1], value)
        return first_unit(draft, entry)
    if entry.at < 0 or value.synthetic:
        return first_unit(draft, entry)
    return _unit_of_end(draft, value)


def _unit_of_end(draft: Draft, node: Node) -> Unit:
    return draft.unit(node.end - 1 if node.end > node.start else max(node.end - 1, 0))


def last_of_item(draft: Draft, item: Node, sequence: Node) -> Unit:
    """The last line of a block sequence's item."""
    if item.synthetic:
        if item in draft.item_units:
            return draft.item_units[item]
        raise Retry
    if item.style == "block" and item.kind == "mapping" and draft.entries(item):
        return last_unit(draft, draft.entries(item)[-1])
    if item.style == "block" and item.kind == "sequence" and draft.items(item):
        return last_of_item(draft, draft.items(item)[-1], item)
    if item.style == "block":
        return draft.unit(dash(draft, sequence, item))
    return _unit_of_end(draft, item)


def first_of_item(draft: Draft, item: Node, sequence: Node) -> Unit:
    """The line of the dash of a block sequence's item."""
    if item.synthetic:
        if item in draft.item_units:
            return draft.item_units[item]
        raise Retry
    return draft.unit(dash(draft, sequence, item))


def is_collection(node: Node) -> bool:
    """Whether a value takes lines of its own below its key."""
    return node.style == "block"


def entry_place(draft: Draft, holder: Node, index: int, above: Unit | None) -> Place:
    """The place of an entry; `above` is the line of the mapping's own key."""
    entries = draft.entries(holder)
    entry = entries[index]
    if index:
        above = last_unit(draft, entries[index - 1])
    following = first_unit(draft, entries[index + 1]) if index + 1 < len(entries) else None
    return Place(
        first_unit(draft, entry), last_unit(draft, entry), above, index > 0, following,
        entry_column(draft, entry), is_collection(entry.value),
    )  # fmt: skip


def lines_at(draft: Draft, holder: Node, index: int) -> Place:
    """The lines of an entry, without a look at its neighbours."""
    entry = draft.entries(holder)[index]
    first, last = first_unit(draft, entry), last_unit(draft, entry)
    return Place(first, last, None, True, None, -1, is_collection(entry.value))


def item_place(draft: Draft, holder: Node, index: int, above: Unit | None) -> Place:
    """The place of an item; `above` is the line of the sequence's own key."""
    items = draft.items(holder)
    item = items[index]
    if index:
        above = last_of_item(draft, items[index - 1], holder)
    following = None
    if index + 1 < len(items):
        following = first_of_item(draft, items[index + 1], holder)
    return Place(
        first_of_item(draft, item, holder), last_of_item(draft, item, holder), above, index > 0,
        following, draft.column(holder.inner), is_collection(item),
    )  # fmt: skip


class Extent(NamedTuple):
    """Indexes into the draft's lines: comments from `head`, key at `key`, end at `tail`."""

    head: int
    key: int
    tail: int
    title: tuple[Unit, ...]


def extent(draft: Draft, place: Place) -> Extent:
    """The lines that are an entry's own, with the comments that belong to it."""
    key = draft.index(place.first)
    tail = _tail(draft, place, draft.index(place.last))
    head, title = _head(draft, place, key, tail)
    return Extent(head, key, tail, title)


def at_end(draft: Draft, index: int) -> bool:
    """Whether nothing but blank lines and comments follows a line."""
    return all(kind_of(draft, unit) != "content" for unit in draft.lines[index + 1 :])


def _tail(draft: Draft, place: Place, last: int) -> int:
    """Comments deeper than the entry right after it are its own, except at the file's end."""
    lines = draft.lines
    if last + 1 >= len(lines) or kind_of(draft, lines[last + 1]) == "content":
        return last
    if at_end(draft, last):
        return _continuation(draft, last)
    tail = last
    for at in range(last + 1, len(lines)):
        kind = kind_of(draft, lines[at])
        if kind == "blank" and place.collection:
            continue
        if kind != "comment" or line_column(draft, lines[at]) <= place.column:
            break
        tail = at
    return tail


def below_deeper(draft: Draft, last: int, column: int) -> int:
    """The last of the comments below a line that are deeper than a column: nothing parts them."""
    found = last
    for at in range(last + 1, len(draft.lines)):
        kind = kind_of(draft, draft.lines[at])
        if kind == "content" or (
            kind == "comment" and line_column(draft, draft.lines[at]) <= column
        ):
            break
        if kind == "comment":
            found = at
    return found


def _continuation(draft: Draft, last: int) -> int:
    """A comment below a trailing comment, in its column, goes on with it."""
    column = trailing_column(draft, draft.lines[last])
    at = last
    while column > 0 and at + 1 < len(draft.lines):
        below = draft.lines[at + 1]
        if kind_of(draft, below) != "comment" or line_column(draft, below) != column:
            break
        at += 1
    return at


def trailing_column(draft: Draft, unit: Unit) -> int:
    """The column of the trailing comment of an original line, or -1."""
    if unit.start < 0 or kind_of(draft, unit) != "content":
        return -1
    at = bisect_left(draft.comments, (unit.start,))
    start = draft.comments[at][0] if at < len(draft.comments) else unit.end
    return draft.column(start) if start < unit.end else -1


def _head(draft: Draft, place: Place, key: int, tail: int) -> tuple[int, tuple[Unit, ...]]:
    """Where the comments start that belong to an entry, and those above that may not."""
    lines = draft.lines
    top = key
    floor = -1 if place.above is None else draft.index(place.above)
    while (
        top - 1 > floor
        and kind_of(draft, lines[top - 1]) == "comment"
        and line_column(draft, lines[top - 1]) == place.column
    ):
        top -= 1
    if top == key:
        return key, ()
    block = tuple(lines[top:key])
    owned = key
    while owned > top and not comments.is_option(draft.render(lines[owned - 1])):
        owned -= 1
    if owned == key:
        return key, ()
    drawn = any(comments.is_banner(draft.render(unit)) for unit in lines[owned:key])
    header = (
        floor < 0
        and not any(
            kind_of(draft, unit) == "content" and not _marker(draft, unit) for unit in lines[:top]
        )
        and all(kind_of(draft, unit) != "comment" for unit in lines[:top])
    )
    if drawn or header or any(unit in draft.titles for unit in block):
        return key, block
    glued = place.sibling and top - 1 == floor
    if glued or _stands_alone(draft, place, tail):
        return owned, ()
    draft.titles.update(block)
    return key, block


def _marker(draft: Draft, unit: Unit) -> bool:
    return draft.render(unit).startswith(("---", "%"))


def _stands_alone(draft: Draft, place: Place, tail: int) -> bool:
    """Whether no uncommented sibling follows directly: then a comment above heads no paragraph."""
    if place.following is None or tail + 1 >= len(draft.lines):
        return True
    return draft.lines[tail + 1] is not place.following


def blanks_before(draft: Draft, index: int) -> int:
    """How many blank lines stand right above a line."""
    count = 0
    while index - count > 0 and kind_of(draft, draft.lines[index - count - 1]) == "blank":
        count += 1
    return count


def blanks_after(draft: Draft, index: int) -> int:
    """How many blank lines stand right below a line."""
    count = 0
    while (
        index + count + 1 < len(draft.lines)
        and kind_of(draft, draft.lines[index + count + 1]) == "blank"
    ):
        count += 1
    return count


def commented_gap(draft: Draft) -> int:
    """How many blank lines the file has above a comment that follows an entry: 1 or 0."""
    spaced = glued = inside = 0
    previous, blank, column = "", False, 0
    for unit in draft.lines:
        kind = kind_of(draft, unit)
        if kind == "comment" and previous == "content" and line_column(draft, unit) <= column:
            spaced += blank
            glued += not blank
        inside += blank and kind != "blank" and line_column(draft, unit) > 0
        blank = kind == "blank"
        if not blank:
            previous, column = kind, line_column(draft, unit)
    return int(spaced > glued if spaced or glued else inside > 0)


def steps(draft: Draft) -> tuple[int, int]:
    """The file's own indentation of mappings in mappings and of lists in mappings."""
    maps: Counter[int] = Counter()
    lists: Counter[int] = Counter()
    stack: list[tuple[Node, int]] = [(draft.root, -1)]
    source = draft.source
    while stack:
        node, outer = stack.pop()
        if node.style != "block":
            continue
        column = node.inner - source.starts[source.line(node.inner)]
        if outer >= 0:
            (maps if node.kind == "mapping" else lists)[column - outer] += 1
        for entry in node.entries:
            stack.append((entry.value, column))
        for item in node.items:
            stack.append((item, -1))
    step = maps.most_common(1)[0][0] if maps else 2
    offset = lists.most_common(1)[0][0] if lists else 0
    return max(step, 1), max(offset, 0)
