"""Entries and items inside of braces and brackets."""

from __future__ import annotations

from typing import NamedTuple

from cfgmig.document.changes import Cut
from cfgmig.document.node import Node
from cfgmig.document.toml.step import Step
from cfgmig.paths import Path, format_path


class Inside(NamedTuple):
    """A place in an inline table or array: the collection and the index in it."""

    holder: Node
    at: int

    @property
    def value(self) -> Node:
        """What stands there."""
        if self.holder.kind == "mapping":
            return self.holder.entries[self.at].value
        return self.holder.items[self.at]


def inside(step: Step, path: Path) -> Inside | None:
    """The place of a path in braces or brackets; None if it has lines of its own.

    Raises:
        Refused: it is written by a dotted key inside of braces.
    """
    holder = step.document.node(path[:-1])
    if holder is None or holder.style == "block" or holder.kind == "scalar":
        return None
    if holder.kind == "sequence":
        return Inside(holder, int(path[-1]))
    index = [entry.name for entry in holder.entries].index(str(path[-1]))
    if holder.style == "dotted" or holder.entries[index].value.style == "dotted":
        raise step.refuse(
            f"{format_path(path)} is written by a dotted key inside of braces", path,
            help="write the inner table in braces of its own",
        )  # fmt: skip
    return Inside(holder, index)


def _spans(holder: Node) -> list[tuple[int, int]]:
    if holder.kind == "mapping":
        ends: dict[int, int] = {}
        for entry in holder.entries:
            ends[entry.at] = entry.value.end
        return list(ends.items())
    return [(item.start, item.end) for item in holder.items]


class Stretch(NamedTuple):
    """What goes with an entry of braces or brackets; `how` as in a `Cut`."""

    how: str
    start: int
    end: int


def stretch(step: Step, place: Inside) -> Stretch:
    """The text that goes with an entry: its line, or one of the commas around it."""
    holder, index = place.holder, place.at
    spans = _spans(holder)
    start, end = spans[index]
    text, source = step.document.text, step.document.source
    line, stop = source.starts[source.line(start)], text.find("\n", end) + 1
    rest = text[end:stop].strip().removeprefix(",").strip()
    if not text[line:start].strip() and rest[:1] in ("", "#") and stop <= holder.end:
        return Stretch("line", line, stop)
    if len(spans) == 1:
        return Stretch("only", holder.start + 1, holder.end - 1)
    if index:
        return Stretch("after", spans[index - 1][1], end)
    return Stretch("before", start, spans[1][0])


def remove(step: Step, place: Inside) -> None:
    """An entry or item goes, with one of the commas around it."""
    how, start, end = stretch(step, place)
    step.replace(start, end, "")
    own = place.value if how != "line" else None
    for at, _, comment in step.spots:
        if (start <= at < end) if own is None else (own.start <= at < own.end):
            step.lose(comment)


def cut(step: Step, place: Inside, path: Path, top: Path) -> Cut:
    """What `remove` takes out."""
    how, start, end = stretch(step, place)
    names, at = _names(place.holder), place.at
    text = step.document.text[start:end].replace("\r\n", "\n")
    before, after = names[max(at - 1, 0) : at], names[at + 1 : at + 2]
    return Cut(path, top, text, how, tuple(before), tuple(after), index=at)


def _names(holder: Node) -> list[str]:
    if holder.kind == "sequence":
        return [str(at) for at in range(len(holder.items))]
    return [entry.name for entry in holder.entries]


def restore(step: Step, holder: Node, taken: Cut) -> bool:
    """Put the very text of a cut back beside the sibling that it stood by, if that is there."""
    spans, names = _spans(holder), _names(holder)
    number = holder.kind == "sequence"
    before = taken.index - 1 if number else _rank(names, taken.before)
    after = taken.index if number else _rank(names, taken.after)
    whole, at = step.document.text, -1
    if taken.how == "only" and not spans and not whole[holder.start + 1 : holder.end - 1].strip():
        step.replace(holder.start + 1, holder.end - 1, _ended(step, taken.text))
        return True
    if taken.how == "after" and 0 <= before < len(spans):
        at = spans[before][1]
    elif taken.how == "before" and 0 <= after < len(spans):
        at = spans[after][0]
    elif taken.how == "line" and 0 <= after < len(spans) and (taken.after or number):
        at = _own_line(step, spans[after][0]) if "," in taken.text else -1
    elif taken.how == "line" and before == len(spans) - 1 >= 0:
        comma = _comma(step, spans[before][1], holder.end - 1)
        at = whole.find("\n", comma) + 1 if comma >= 0 else -1
    if at < 0 or at >= holder.end:
        return False
    step.replace(at, at, _ended(step, taken.text))
    return True


def _own_line(step: Step, offset: int) -> int:
    """The start of the line of what stands at an offset, if it begins that line; else -1."""
    source = step.document.source
    line = source.starts[source.line(offset)]
    return line if not source.text[line:offset].strip() else -1


def _ended(step: Step, text: str) -> str:
    return text.replace("\n", step.document.source.eol)


def _rank(names: list[str], wanted: tuple[str, ...]) -> int:
    return names.index(wanted[0]) if wanted and wanted[0] in names else -1


def put(step: Step, holder: Node, index: int, text: str, note: str = "") -> None:
    """A new entry or item, as text, before the one at `index`; `note` is a comment behind it."""
    spans = _spans(holder)
    if not spans:
        eol = step.document.source.eol
        body = f" {text} " if holder.kind == "mapping" else text
        body = f"{eol}    {text},  {note}{eol}" if note else body
        step.replace(holder.start + 1, holder.end - 1, body)
        return
    source = step.document.source
    start = spans[min(index, len(spans) - 1)][0]
    line = source.starts[source.line(start)]
    if holder.start < line and not step.document.text[line:start].strip():
        _put_line(step, holder, index, text, f"  {note}" if note else "")
    elif index:
        step.replace(spans[index - 1][1], spans[index - 1][1], f", {text}")
    else:
        step.replace(spans[0][0], spans[0][0], f"{text}, ")


def _put_line(step: Step, holder: Node, index: int, text: str, note: str) -> None:
    """A new item on a line of its own."""
    spans, source, whole = _spans(holder), step.document.source, step.document.text
    eol = source.eol
    start = spans[min(index, len(spans) - 1)][0]
    line = source.starts[source.line(start)]
    indent = whole[line:start]
    if index < len(spans):
        step.replace(line, line, f"{indent}{text},{note}{eol}")
        return
    end = spans[-1][1]
    comma = _comma(step, end, holder.end - 1)
    if comma < 0:
        step.replace(end, end, ",")
    stop = whole.find("\n", max(end, comma)) + 1
    if stop > holder.end or not stop:
        step.replace(end, end, f", {text}") if comma >= 0 else step.replace(end, end, f" {text}")
        return
    step.replace(stop, stop, f"{indent}{text}{',' if comma >= 0 else ''}{note}{eol}")


def _comma(step: Step, start: int, end: int) -> int:
    """The comma behind the last item; -1 if there is none."""
    comments = [(at, stop) for at, stop in step.document.comment_spans() if start <= at < end]
    for at in range(start, end):
        if step.document.text[at] == "," and not any(a <= at < b for a, b in comments):
            return at
    return -1
