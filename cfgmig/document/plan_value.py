"""Changes within lines: another key, another value, another spelling."""

from __future__ import annotations

from typing import Any

from cfgmig.document.changes import Rewrite
from cfgmig.document.draft import Draft, Retry
from cfgmig.document.emit import Style, block, inline, is_inline, json_text, scalar
from cfgmig.document.geometry import entry_column, steps, trailing_column
from cfgmig.document.locate import Spot, refuse
from cfgmig.document.node import Entry, Node, synthetic
from cfgmig.document.plan_block import colon, swap
from cfgmig.document.plan_flow import indent_of, json_block
from cfgmig.paths import Segment


def rename_key(
    draft: Draft, entry: Entry, name: Segment, style: Style, aligned: bool = True
) -> Entry:
    """Another key for an entry that keeps its place on its line; the new entry comes back.

    Raises:
        Refused: the key is no plain scalar of its own.
    """
    key = entry.key
    if key.synthetic or entry.at < 0:
        raise Retry
    if (
        key.kind != "scalar"
        or key.style in ("|", ">")
        or "\n" in key.raw
        or key.tag
        or (key.end == key.inner or draft.text[entry.at : entry.at + 1] == "?")
    ):
        raise refuse(draft, key, "only a key that is one plain word or quoted can be renamed",
                     "unsupported-shape")  # fmt: skip
    colon(draft, entry)
    if draft.json:
        text = json_text(str(name), draft.text.isascii())
    else:
        text = scalar(str(name), style, flow=True, quote=key.style)
    growth = len(text) - (key.end - key.inner)
    if aligned and growth:
        _realign(draft, entry, growth)
    draft.replace(key.inner, key.end, text, f"rename to {name}")
    new = synthetic(str(name))
    new.anchor = key.anchor
    new.style = key.style
    return Entry(new, entry.value, entry.at, None, key.end)


def _realign(draft: Draft, entry: Entry, growth: int) -> None:
    """Keep a value or trailing comment in the column that its neighbours share."""
    gap = draft.text[entry.key.end : entry.value.start]
    if gap.lstrip(" ").startswith(":") and _column_shared(draft, entry):
        spaces = gap.strip(" ")[1:]
        if not spaces and gap.rstrip(" ").endswith(":"):
            room = len(gap) - len(gap.rstrip(" "))
            if room - growth >= 1:
                end = entry.value.start
                draft.replace(end - room, end, " " * (room - growth), "align")
                return
    realign_comment(draft, max(entry.value.end, entry.key.end), growth)


def _column_shared(draft: Draft, entry: Entry) -> bool:
    """Whether at least two lines next to an entry's align their values with its own."""
    source = draft.source
    line = source.line(entry.at)
    if source.line(entry.value.start) != line or entry.value.end == entry.value.start:
        return False
    column = entry.value.start - source.starts[line]
    shared, wide = 0, False
    for step in (-1, 1):
        for distance in (1, 2):
            other = line + step * distance
            if not 0 <= other < len(source.starts):
                break
            text = draft.text[source.starts[other] :][: column + 1] if other >= 0 else ""
            text = text.split("\n")[0]
            head = text[:column].rstrip(" ")
            if len(text) <= column or not head.endswith(":") or text[column] in " #":
                break
            shared += 1
            wide = wide or len(head) + 1 < column
    return shared >= 2 and wide


def realign_comment(draft: Draft, end: int, growth: int) -> None:
    """Keep a trailing comment in the column that its neighbours' comments share."""
    text, source = draft.text, draft.source
    stop = end
    while text[stop : stop + 1] == " ":
        stop += 1
    room = stop - end
    if text[stop : stop + 1] != "#" or room - growth < 1:
        return
    line = source.line(end)
    column = stop - source.starts[line]
    near = [
        trailing_column(draft, draft.base[other])
        for other in (line - 2, line - 1, line + 1, line + 2)
        if 0 <= other < len(draft.base)
    ]
    if near.count(column) >= 2:
        draft.replace(end, stop, " " * (room - growth), "align")


def put_scalar(draft: Draft, node: Node, text: str, why: str, entry: Entry | None) -> None:
    """Write a one-line text where an inline value stands."""
    start = node.start if node.tag is not None else node.inner
    if node.tag is not None and node.anchor is not None:
        text = f"&{node.anchor} {text}"
    end = node.end
    growth = len(text) - (end - start)
    if end == start or (end == node.inner and node.anchor is not None and node.tag is None):
        if entry is not None and draft.text[entry.at : start].rstrip()[-1:] != ":":
            text = f": {text}"
            start = end = entry.key_end
        else:
            text = f" {text}"
    elif "\n" not in draft.text[start:end] and growth:
        realign_comment(draft, end, growth)
    if draft.text[end : end + 1] == "#":
        text += " "
    draft.drop(start, end)  # a comment inside of a collection goes with what it explains
    draft.replace(start, end, text, why, drops=True)


def set_value(draft: Draft, spot: Spot, value: Any, style: Style) -> None:
    """Another value where one stands."""
    node = spot.node
    if node.synthetic:
        raise Retry
    holder = spot.holder
    entry = draft.entries(holder)[spot.at] if holder.kind == "mapping" else None
    new = synthetic(value)
    new.anchor = node.anchor if node.kind != "alias" else None
    why = f"set {spot.path[-1]}"
    if draft.json:
        draft.replace(
            node.start, node.end, json_block(draft, value, indent_of(draft, node.start)), why
        )
    elif holder.style != "block":
        _need_inline(draft, node)
        put_scalar(draft, node, inline(value, style, _quote(node, value)), why, entry)
    elif is_inline(value, style) or (isinstance(value, (list, tuple)) and node.style == "flow"):
        text = inline(value, style, _quote(node, value), flow=False)
        if node.style in ("block", "|", ">"):
            _collapse(draft, spot, entry, f" {text}", why)
        else:
            put_scalar(draft, node, text, why, entry)
    else:
        _expand(draft, spot, entry, value, style, why)
    swap(draft, holder, spot.at, new)


def _need_inline(draft: Draft, node: Node) -> None:
    if node.style in ("block", "pair"):
        raise refuse(draft, node, "the value has an unusual shape", "unsupported-shape")


def _quote(node: Node, value: Any) -> str:
    return node.style if node.kind == "scalar" and isinstance(value, str) else ""


def _region(draft: Draft, spot: Spot, entry: Entry | None) -> tuple[int, int, int]:
    """Of a value in a block: right after its colon or dash, end of that line, its own end.

    Raises:
        Retry: a property stands there, or the item shares its line with others.
    """
    node = spot.node
    if entry is not None:
        start = colon(draft, entry) + 1
    else:
        from cfgmig.document.geometry import dash

        start = dash(draft, spot.holder, node) + 1
    stop = draft.text.find("\n", start)
    stop = len(draft.text) if stop < 0 else stop
    stop -= draft.text[stop - 1] == "\r"
    end = max(node.end, start)
    if node.style == "block" and end > stop:
        end = draft.text.find("\n", end)  # a comment there belongs to what goes
        end = len(draft.text) if end < 0 else end
        end -= draft.text[end - 1] == "\r"
    return start, stop, end


def _collapse(draft: Draft, spot: Spot, entry: Entry | None, text: str, why: str) -> None:
    """A block value becomes an inline one; a comment on its key's line stays."""
    node = spot.node
    if node.anchor is not None:
        text = f" &{node.anchor}{text}"
    start, stop, end = _region(draft, spot, entry)
    draft.drop(start, end)
    comment = next((at for at, _ in draft.comments if start <= at < stop), None)
    if comment is None or (node.style == "block" and stop > node.inner):
        draft.replace(start, end, text, why, drops=True)
        return
    while draft.text[comment - 1] in " \t":
        comment -= 1
    kept = draft.text[comment:stop]
    draft.added.append(kept.strip())
    draft.replace(start, end, f"{text}{kept}", why, drops=True)


def _expand(
    draft: Draft, spot: Spot, entry: Entry | None, value: Any, style: Style, why: str
) -> None:
    """Any value becomes a block; a comment on its key's line stays there."""
    step, offset = steps(draft)
    start, stop, end = _region(draft, spot, entry)
    node = spot.node
    lines = list(block(value, style, step, offset))
    head = f" &{node.anchor}" if node.anchor is not None and node.kind != "alias" else ""
    if entry is not None:
        column = entry_column(draft, entry) - draft.unit(entry.at).shift
        pad = " " * (column + (step if isinstance(value, dict) else offset))
    elif head:
        raise refuse(draft, node, "an anchored item cannot become a block", "unsupported-shape")
    else:
        column = start - draft.source.starts[draft.source.line(start)]
        pad = " " * (column + 1)
        head = f" {lines.pop(0)}"
    body = "".join(f"\n{pad}{line}" for line in lines)
    last = draft.text.find("\n", end)
    last = len(draft.text) if last < 0 else last
    last -= draft.text[last - 1] == "\r"
    if node.style in ("block", "|", ">") and stop < end:
        draft.drop(start, end)
        comment = next((at for at, _ in draft.comments if start <= at < stop), None)
        kept = ""
        if comment is not None and not (node.style == "block" and node.inner < stop):
            kept = f"  {draft.text[comment:stop]}"
            draft.added.append(kept.strip())
        draft.replace(start, end, f"{head}{kept}{body}", why, drops=True)
        return
    if last == end:
        draft.replace(start, end, head + body, why)
        return
    draft.replace(start, end, head, why)
    draft.replace(last, last, body, why)


def rewrite(draft: Draft, spot: Spot, change: Rewrite) -> None:
    """Another spelling of a scalar, taken as it is.

    Raises:
        Refused: what stands there is no scalar.
    """
    node = spot.node
    if node.synthetic:
        raise Retry
    if node.kind != "scalar" or not spot.holders:
        raise refuse(draft, node, "only a scalar has a spelling", "unsupported-shape")
    if node.raw == change.raw:
        return
    holder = spot.holder
    entry = draft.entries(holder)[spot.at] if holder.kind == "mapping" else None
    new = Node("scalar", -1, -1, -1, "", None, node.anchor, change.raw)
    put_scalar(draft, node, change.raw, f"spell {spot.path[-1]}", entry)
    swap(draft, holder, spot.at, new)
