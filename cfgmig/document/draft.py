"""The text under the pen: lines that can go, come and move, spans that can change.

Everything refers to offsets of the text that the draft began with, so that no offset ever needs
shifting: lines are units in an ordered list, changes within lines are edits of original spans.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from contextlib import suppress

from cfgmig.document.node import Entry, Node, leaves
from cfgmig.document.source import Source
from cfgmig.document.spans import Edit
from cfgmig.errors import Refused

_NEAR = 12  # lines to either side of where a line stood, looked at before all others


class Retry(Exception):  # a signal between planner and editor, no failure
    """A change needs the tree of what is drafted so far: write that first, then plan again."""


class Unit:
    """One line (or several that change together).

    Attributes:
        start: offset of an original line; -1 for a new one.
        end: offset after its line end.
        text: the text of a new line, each of its lines ended by a plain newline.
        shift: by how many columns it is indented further than it was.
        moved: it left its place.
        near: about where it stands among the lines.
        column: where its entry starts, for a new line.
    """

    __slots__ = ("column", "end", "moved", "near", "shift", "start", "text", "why")

    def __init__(
        self, start: int, end: int, text: str = "", column: int = 0, why: str = ""
    ) -> None:
        self.start = start
        self.end = end
        self.text = text
        self.column = column
        self.shift = 0
        self.moved = False
        self.near = 0
        self.why = why


class Draft:
    """The drafted text and tree of one step of an edit."""

    def __init__(
        self,
        source: Source,
        root: Node,
        json: bool = False,
        comments: list[tuple[int, int]] | None = None,
    ) -> None:
        self.json = json
        # Start and end of every comment of the original text.
        self.comments = comments or []
        self.source = source
        self.text = source.text
        self.root = root
        self.original = root
        self.entries_of: dict[Node, list[Entry]] = {}
        self.items_of: dict[Node, list[Node]] = {}
        self.spans: list[Edit] = []
        self.dropped: list[str] = []
        self.added: list[str] = []
        self.notes: list[str] = []
        self.item_units: dict[Node, Unit] = {}
        self.busy: set[Node] = set()
        self.changed_children: dict[Node, set[int]] = {}
        self.users: dict[Node, list[Node]] | None = None
        self.covered = False
        self.gained = False
        self.root_line: int | None = None
        self.titles: set[Unit] = set()
        self.note_units: list[Unit] = []
        starts = source.starts
        ends = [*starts[1:], len(self.text)]
        self.base = list(map(Unit, starts, ends))
        if self.base[-1].start == self.base[-1].end:
            self.base.pop()
        for at, unit in enumerate(self.base):
            unit.near = at
        self.lines = list(self.base)

    @property
    def touched(self) -> bool:
        """Whether anything is drafted."""
        return bool(self.spans or self.entries_of or self.items_of) or self.lines != self.base

    def entries(self, node: Node) -> list[Entry]:
        """The entries that a mapping has now."""
        return self.entries_of.get(node, node.entries)

    def items(self, node: Node) -> list[Node]:
        """The items that a sequence has now."""
        return self.items_of.get(node, node.items)

    def unit(self, offset: int) -> Unit:
        """The line that holds an original offset, wherever it stands now."""
        line, base = self.source.line(offset), self.base
        return base[line] if line < len(base) else base[-1]

    def index(self, unit: Unit) -> int:
        """Where a line stands now.

        Raises:
            Retry: it is gone.
        """
        lines = self.lines
        near = min(max(unit.near, 0), max(len(lines) - 1, 0))
        if near < len(lines) and lines[near] is unit:
            return near
        for reach in (_NEAR, len(lines) + near):
            try:
                unit.near = lines.index(unit, max(near - reach, 0), near + reach + 1)
            except ValueError:
                continue
            return unit.near
        raise Retry

    def column(self, offset: int) -> int:
        """The column, from 0, at which an original offset stands now."""
        line = self.source.line(offset)
        return offset - self.source.starts[line] + self.base[line].shift

    def drop(self, start: int, end: int) -> None:
        """Account for the comments of a stretch of original text that goes for good."""
        comments = self.comments
        for index in range(bisect_left(comments, (start,)), len(comments)):
            at, stop = comments[index]
            if at >= end:
                break
            self.dropped.append(self.text[at:stop])

    def note(self, unit: Unit, message: str) -> None:
        """Leave a note about a line for the user."""
        self.notes.append(message)
        self.note_units.append(unit)

    def replace(self, start: int, end: int, text: str, why: str, drops: bool = False) -> None:
        """Draft an edit of original text; lines that it spans become one.

        Raises:
            Retry: it touches what another edit has changed already.
            Refused: it would swallow a comment, which `drops` says is meant and accounted for.
        """
        if not drops and end > start and "#" in self.text[start:end]:
            for at, _ in self.comments:
                if start <= at < end:
                    raise self.refuse_at(at, "a comment stands inside of what would change")
        edit = Edit(start, end, text, why)
        at = bisect_left(self.spans, edit)
        for other in self.spans[max(at - 2, 0) : at + 2]:
            if start < other.end and other.start < end:
                raise Retry
            if (start == end or other.start == other.end) and (
                start <= other.end and other.start <= end
            ):
                raise Retry
        first = self.source.line(start)
        last = self.source.line(end if end == start else end - 1)
        if last > first:
            self._join(first, min(last, len(self.base) - 1))
        insort(self.spans, edit)

    def refuse_at(self, offset: int, message: str) -> Refused:
        """A refusal of the shape of the text at an offset."""
        line, column = self.source.place(offset)
        return Refused(
            message, kind="unsupported-shape", file=self.source.name, line=line, column=column
        )

    def _join(self, first: int, last: int) -> None:
        head = self.base[first]
        units = list(dict.fromkeys(self.base[first : last + 1]))
        if len(units) == 1:
            return
        at = self.index(head)
        if self.lines[at : at + len(units)] != units or len({u.shift for u in units}) > 1:
            raise Retry
        head.end = units[-1].end
        del self.lines[at + 1 : at + len(units)]
        for line in range(first, len(self.base)):
            if self.base[line] in units:
                self.base[line] = head
            elif line > last:
                break

    def render(self, unit: Unit) -> str:
        """The text of a line as it is now, with a plain or original line end."""
        if unit.start < 0:
            text = unit.text
        elif not self.spans:
            text = self.text[unit.start : unit.end]
        else:
            parts = []
            at = unit.start
            for edit in self._inner(unit):
                parts += [self.text[at : edit.start], edit.text]
                at = edit.end
            text = "".join(parts) + self.text[at : unit.end]
        return shift(text, unit.shift) if unit.shift else text

    def _inner(self, unit: Unit) -> list[Edit]:
        if not self.spans:
            return []
        low = bisect_left(self.spans, (unit.start,))
        high = bisect_left(self.spans, (unit.end,))
        if unit.end == len(self.text):
            high = len(self.spans)
        return self.spans[low:high]

    def edits(self) -> tuple[Edit, ...]:
        """What is drafted, as edits of the original text, with the file's own line ends."""
        self._close_last_literal()
        out: list[Edit] = []
        fresh: list[Unit] = []
        at = 0
        eol = self.source.eol
        for unit in self.lines:
            if unit.start < 0 or unit.moved:
                fresh.append(unit)
                continue
            if fresh or unit.start > at:
                out += _trim(self.text, self._between(at, unit.start, fresh))
                fresh = []
            out += self._inner(unit)
            at = unit.end
        if fresh or at < len(self.text):
            out += _trim(self.text, self._tail(at, self._between(at, len(self.text), fresh)))
        if eol != "\n":
            out = [
                edit._replace(text=edit.text.replace("\r\n", "\n").replace("\n", eol))
                for edit in out
            ]
        return tuple(edit for edit in out if self.text[edit.start : edit.end] != edit.text)

    def _needs_line_end(self) -> bool:
        """Whether a block scalar now ends the text, and without a line end would lose its own."""
        node = self.root
        while self.entries(node) or self.items(node):
            entries = self.entries(node)
            node = entries[-1].value if entries else self.items(node)[-1]
        return node.style in ("|", ">") and node.content.endswith("\n")

    def _close_last_literal(self) -> None:
        """A block scalar that ends a text without a line end must not gain one from what follows.

        Readers take `|` at such an end for text without a final line end; `|-` says so.
        """
        text = self.text
        if not self.base or text.endswith("\n") or self.lines[-1:] == self.base[-1:]:
            return
        for node in leaves(self.original):
            if node.style in ("|", ">") and node.end == len(text) and node.content[-1:] != "\n":
                header = node.raw[: node.raw.find("\n")]
                if "-" not in header.split("#")[0]:
                    with suppress(Retry):
                        self.replace(node.inner + 1, node.inner + 1, "-", "keep its end")

    def _between(self, start: int, end: int, fresh: Iterable[Unit]) -> Edit:
        text = ""
        why = []
        for unit in fresh:
            line = self.render(unit)
            text += line if line.endswith("\n") else f"{line}\n"
            why.append(unit.why)
        return Edit(start, end, text, "; ".join(dict.fromkeys(filter(None, why))) or "delete")

    def _tail(self, at: int, edit: Edit) -> Edit:
        """The last edit of a text: whether it ends in a line end stays as it was."""
        text = self.text
        if not text or text.endswith("\n"):
            return edit
        new = edit.text
        if self._needs_line_end():
            self.gained = True
        else:
            new = new.removesuffix("\n").removesuffix("\r")
        if edit.start == len(text):
            return edit._replace(text=f"\n{new}")
        if new or self.gained:
            return edit._replace(text=new)
        back = 2 if text[:at].endswith("\r\n") else 1 if text[:at].endswith("\n") else 0
        return edit._replace(start=edit.start - back)


def _trim(text: str, edit: Edit) -> list[Edit]:
    """An edit without the lines that it repeats at its ends; nothing if it changes nothing."""
    old, new = _lines(text[edit.start : edit.end]), _lines(edit.text)
    size = min(len(old), len(new))
    front = 0
    while front < size and old[front] == new[front]:
        front += 1
    back = 0
    while back < size - front and old[-1 - back] == new[-1 - back]:
        back += 1
    start = edit.start + len("".join(old[:front]))
    end = edit.end - len("".join(old[len(old) - back :]))
    rest = "".join(new[front : len(new) - back])
    return [Edit(start, end, rest, edit.why)] if rest or end > start else []


def shift(text: str, columns: int) -> str:
    """Lines indented further (or less, as far as they are indented at all)."""
    if columns == 0:
        return text
    if columns > 0:
        pad = " " * columns
        return "".join(pad + line if line.rstrip("\r\n") else line for line in _lines(text))
    out = []
    for line in _lines(text):
        room = len(line) - len(line.lstrip(" "))
        out.append(line[min(-columns, room) :])
    return "".join(out)


def _lines(text: str) -> list[str]:
    """Lines with their ends; only `\\n` ends one."""
    parts = text.split("\n")
    return [f"{part}\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])
