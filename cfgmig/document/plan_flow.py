"""Changes of flow collections and of JSON: commas, and one entry a line where they have it so."""

from __future__ import annotations

from typing import Any, NamedTuple

from cfgmig.document.draft import Draft, Retry
from cfgmig.document.emit import json_text
from cfgmig.document.locate import refuse
from cfgmig.document.node import Entry, Node, synthetic, walk
from cfgmig.document.plan_place import remember
from cfgmig.document.plan_remove import forget


class FlowCut(NamedTuple):
    """What left a flow collection: the stretch of text, and how it stood among the others."""

    text: str
    how: str


class Children(NamedTuple):
    """The children that a flow collection has in the text, and where an index of now is there.

    Attributes:
        spans: start and end of each.
        at: the index in the text of the child meant; for a new child of the one after it.
    """

    spans: list[tuple[int, int]]
    at: int


def children_at(draft: Draft, holder: Node, index: int, new: bool) -> Children:
    """The children of a flow collection around an index that is about to change.

    Raises:
        Retry: the draft has changed what stands there already.
    """
    if holder.synthetic or holder in draft.busy:
        raise Retry
    if holder.style == "pair":
        raise refuse(draft, holder, "a single pair without braces", "unsupported-shape")
    known = spans_of(holder)
    now = _starts(draft, holder)
    if len(now) == len(known) and holder not in draft.changed_children:
        return Children(known, index)
    places = {start: at for at, (start, _) in enumerate(known)}
    if len(now) < 2 or not known:
        raise Retry
    if not new:
        at = places.get(now[index], -1)
    elif index:
        at = places.get(now[index - 1], -2) + 1
    else:
        at = places.get(now[0], -1)
    if at < 0:
        raise Retry
    return Children(known, at)


def _starts(draft: Draft, holder: Node) -> list[int]:
    if holder.kind == "mapping":
        return [entry.at for entry in draft.entries(holder)]
    return [item.start for item in draft.items(holder)]


def _claim(draft: Draft, holder: Node, *indexes: int) -> None:
    """Mark children as changed, so that no other change builds on how they stood.

    Raises:
        Retry: one of them has been.
    """
    changed = draft.changed_children.setdefault(holder, set())
    if changed & set(indexes):
        raise Retry
    changed.update(indexes)


def own_line(draft: Draft, offset: int) -> bool:
    """Whether nothing but spaces stands before an offset on its line."""
    line = draft.source.starts[draft.source.line(offset)]
    return not draft.text[line:offset].strip(" \t")


def indent_of(draft: Draft, offset: int) -> str:
    """The white space that begins the line of an offset."""
    line = draft.source.starts[draft.source.line(offset)]
    rest = draft.text[line:]
    return rest[: len(rest) - len(rest.lstrip(" \t"))] if rest else ""


def line_end(draft: Draft, offset: int) -> int:
    """Where the line of an offset ends, before its line end."""
    stop = draft.text.find("\n", offset)
    stop = len(draft.text) if stop < 0 else stop
    return stop - (draft.text[stop - 1] == "\r")


def comma_after(draft: Draft, start: int, stop: int) -> int:
    """The offset of the comma between two offsets, or -1; comments are skipped."""
    text = draft.text
    at = start
    while at < stop:
        if text[at] == "#":
            at = text.find("\n", at)
            continue
        if text[at] == ",":
            return at
        at += 1
    return -1


def remove(draft: Draft, holder: Node, index: int) -> FlowCut:
    """A child of a flow collection goes, with the comma that it no longer needs."""
    children, at = children_at(draft, holder, index, new=False)
    start, end = children[at]
    last = at + 1 == len(children)
    stop = holder.end - 1 if last else children[at + 1][0]
    if len(children) == 1:
        _claim(draft, holder, -1, 0, 1)
        cut = _remove_only(draft, holder)
    elif own_line(draft, start) and draft.source.line(stop) > draft.source.line(end):
        _claim(draft, holder, at, *((at - 1,) if last else ()))
        cut = _remove_lines(draft, children, at, stop)
    elif at:
        _claim(draft, holder, at - 1, at, at + 1)
        cut = _erase(draft, children[at - 1][1], end, "after")
    else:
        _claim(draft, holder, at, at + 1)
        cut = _erase(draft, start, stop, "before")
    forget(draft, holder, index)
    return cut


def _erase(draft: Draft, start: int, end: int, how: str) -> FlowCut:
    draft.drop(start, end)
    draft.replace(start, end, "", "delete", drops=True)
    return FlowCut(draft.text[start:end], how)


def _remove_only(draft: Draft, holder: Node) -> FlowCut:
    start, end = holder.inner + 1, holder.end - 1
    if any(start <= at < end for at, _ in draft.comments):
        (first, last), *_ = spans_of(holder)
        comma = comma_after(draft, last, end)
        return _erase(draft, first, max(last, comma + 1), "only")
    return _erase(draft, start, end, "only")


def spans_of(holder: Node) -> list[tuple[int, int]]:
    """Start and end of each child."""
    if holder.kind == "mapping":
        return [(e.key.start, max(e.value.end, e.key.end)) for e in holder.entries]
    return [(item.start, item.end) for item in holder.items]


def _remove_lines(draft: Draft, children: list[tuple[int, int]], index: int, stop: int) -> FlowCut:
    """A child that stands on lines of its own."""
    start, end = children[index]
    comma = comma_after(draft, end, stop)
    begin = draft.source.starts[draft.source.line(start)]
    finish = line_end(draft, max(end, comma))
    if index + 1 == len(children) and comma < 0 and index:
        before = children[index - 1][1]
        previous = comma_after(draft, before, start)
        if not draft.text[previous + 1 : begin].strip():
            return _erase(draft, previous, finish, "after")
        draft.replace(previous, previous + 1, "", "delete")
    after = draft.text.find("\n", finish) + 1 or len(draft.text)
    return _erase(draft, begin, after, "line")


def insert(draft: Draft, holder: Node, index: int, text: str, child: Entry | Node) -> None:
    """A new child of a flow collection, written as its siblings are."""
    children, at = children_at(draft, holder, index, new=True)
    _claim(draft, holder, at - 1, at)
    if not children:
        _insert_only(draft, holder, text)
    elif at:
        _insert_after(draft, holder, children, at, text)
    else:
        start = children[0][0]
        if own_line(draft, start):
            pad = indent_of(draft, start)
            draft.replace(start, start, f"{_pad(text, pad)},\n{pad}", "insert")
        else:
            draft.replace(start, start, f"{text}, ", "insert")
    remember(draft, holder, index, child)


def _pad(text: str, pad: str) -> str:
    return text.replace("\n", f"\n{pad}")


def _insert_after(
    draft: Draft, holder: Node, children: list[tuple[int, int]], index: int, text: str
) -> None:
    start, end = children[index - 1]
    last = index == len(children)
    stop = holder.end - 1 if last else children[index][0]
    if not own_line(draft, start) or (not last and not own_line(draft, stop)):
        draft.replace(end, end, f", {text}", "insert")
        return
    pad = indent_of(draft, start)
    line = f"\n{pad}{_pad(text, pad)}"
    comma = comma_after(draft, end, stop)
    if comma < 0:
        finish = min(line_end(draft, end), stop)
        if finish == end or not draft.text[end:finish].strip():
            draft.replace(end, end, f",{line}", "insert")
        else:
            draft.replace(end, end, ",", "insert")
            draft.replace(finish, finish, line, "insert")
        return
    finish = min(line_end(draft, comma), stop)
    draft.replace(finish, finish, f"{line},", "insert")


def _insert_only(draft: Draft, holder: Node, text: str) -> None:
    start, end = holder.inner + 1, holder.end - 1
    if draft.text[start:end].strip():
        raise refuse(draft, holder, "only a comment stands in it", "unsupported-shape")
    if draft.json and ("\n" in draft.text[start:end] or _tall(draft)):
        pad = indent_of(draft, holder.start)
        inner = pad + json_indent(draft.text)
        draft.replace(start, end, f"\n{inner}{_pad(text, inner)}\n{pad}", "insert")
    else:
        draft.replace(start, end, text, "insert")


def _tall(draft: Draft) -> bool:
    children = spans_of(draft.root) if draft.root.kind in ("mapping", "sequence") else []
    return not children or own_line(draft, children[0][0])


def json_indent(text: str) -> str:
    """The indentation step of a JSON text."""
    for line in text.split("\n", 40)[1:40]:
        rest = line.lstrip(" \t")
        if rest.strip() and len(rest) < len(line):
            return line[: len(line) - len(rest)]
    return "  "


def _inline_lists(draft: Draft) -> bool:
    """Whether the file writes its lists of scalars on one line."""
    for node in walk(draft.root):
        if node.kind == "sequence" and node.items and all(i.kind == "scalar" for i in node.items):
            return "\n" not in draft.text[node.start : node.end]
    return False


def json_block(draft: Draft, value: Any, pad: str = "") -> str:
    """A value as JSON, over several lines where the file is written so.

    `pad` is the white space that begins the line it goes to.
    """
    ascii_only = draft.text.isascii()
    if not _tall(draft):
        return json_text(value, ascii_only)
    text = _tall_json(value, json_indent(draft.text), ascii_only, _inline_lists(draft))
    return text.replace("\n", f"\n{pad}")


def _tall_json(value: Any, step: str, ascii_only: bool, inline_lists: bool) -> str:
    """A value as JSON, one entry a line."""
    listed = isinstance(value, (list, tuple))
    if not value or not (listed or isinstance(value, dict)):
        return json_text(value, ascii_only)
    if listed and inline_lists and not any(isinstance(i, (dict, list, tuple)) for i in value):
        return json_text(value, ascii_only)
    lines = []
    for item in value:
        inner = item if listed else value[item]
        body = _tall_json(inner, step, ascii_only, inline_lists).replace("\n", f"\n{step}")
        lead = "" if listed else f"{json_text(str(item), ascii_only)}: "
        lines.append(f"{step}{lead}{body}")
    opening, closing = "[]" if listed else "{}"
    return f"{opening}\n" + ",\n".join(lines) + f"\n{closing}"


def entry_text(draft: Draft, entry: Entry, key_text: str) -> str:
    """An entry of a flow collection, its later lines taken back to its own indentation."""
    value = entry.value
    if value.synthetic or entry.at < 0:
        raise Retry
    start, end = value.start, value.end
    if any(edit.start < end and start < edit.end for edit in draft.spans):
        raise Retry
    text = draft.text[start:end]
    draft.added += [draft.text[at:stop] for at, stop in draft.comments if start <= at < end]
    if "\n" in text:
        text = unpad(text, indent_of(draft, entry.at))
    gap = draft.text[entry.key_end : start]
    gap = gap if gap.strip() == ":" and "\n" not in gap else ": "
    return f"{key_text}{gap}{text}" if text else f"{key_text}:"


def unpad(text: str, pad: str) -> str:
    """Later lines of a text without the indentation that its first line has."""
    lines = text.split("\n")
    rest = [line.removeprefix(pad) if pad else line for line in lines[1:]]
    return "\n".join([lines[0], *rest])


def moved(entry: Entry, name: Any) -> Entry:
    """An entry under another key, as the predicted tree has it."""
    key = entry.key if entry.name == name else synthetic(str(name))
    return Entry(key, entry.value, -1)
