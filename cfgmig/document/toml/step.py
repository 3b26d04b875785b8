"""One change of a TOML text: lines that go, lines that come, spans that are replaced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cfgmig.document.changes import Delete, paths_of
from cfgmig.document.receipt import apply
from cfgmig.document.spans import Edit
from cfgmig.document.toml.emit import inline, quote_of
from cfgmig.document.toml.lines import Lines
from cfgmig.document.toml.model import Leave, predicted, same
from cfgmig.document.toml.tree import Block, Statement, statements
from cfgmig.errors import Refused
from cfgmig.paths import Path, format_path, has

if TYPE_CHECKING:
    from cfgmig.document.changes import Change
    from cfgmig.document.document import Document
    from cfgmig.document.plan_place import Order

_TITLE = "kept: this comment may head more than the entry that stood below it"
_REST = "kept: this comment stood in a section that is gone"


class _Fresh(NamedTuple):
    """Lines that come before a line, and whether blank lines part them from their neighbours."""

    line: int
    texts: list[str]
    above: bool
    below: bool


class Step:
    """What is drafted of one change; all of it refers to the text as it was.

    Attributes:
        document: as it is before the change; its text is empty or ends in a line end.
        expected: what the new text must read as.
        ranges: first and last of the lines that went, once `edits` was asked for.
    """

    def __init__(self, document: Document, change: Change | Leave, order: Order | None) -> None:
        self.document = document
        self.change = change
        self._order = order
        self.expected = predicted(document.data, change)
        self.lines = Lines(document)
        self.ranges: list[tuple[int, int]] = []
        self._removed: list[tuple[int, int]] = []
        self._spans: list[Edit] = []
        self._fresh: list[_Fresh] = []
        self._kept: set[int] = set()
        self._gone: Counter[str] = Counter()
        self._come: Counter[str] = Counter()
        # Of every comment: its offset, its line and its text.
        self.spots = [
            (at, document.source.line(at), document.text[at:end].rstrip())
            for at, end in document.comment_spans()
        ]
        self.marks: list[tuple[int, str]] = []

    def order(self, path: Path) -> tuple[str, ...]:
        """The schema's order of the keys below a path."""
        return () if self._order is None else tuple(self._order(path))

    @property
    def quote(self) -> str:
        """The quotes of new strings."""
        return quote_of(self.document.root)

    def refuse(
        self, message: str, path: Path, kind: str = "unsupported-shape", help: str | None = None
    ) -> Refused:
        """A refusal at the place of a path."""
        line, column, *_ = self.document.position(path)
        if help is None and kind == "unsupported-shape":
            help = "make this change by hand"
        return Refused(
            message, kind=kind, file=self.document.name, line=line, column=column, help=help
        )

    def remove(self, first: int, last: int) -> None:
        """Lines go, with the blank lines that nothing needs any more."""
        self._removed.append((first, last))

    def put(
        self, line: int, texts: Sequence[str], *, above: bool = False, below: bool = False
    ) -> None:
        """Lines come before a line, parted by a blank line from what is `above` or `below`."""
        self._fresh.append(_Fresh(line, list(texts), above, below))

    def keep(self, line: int, texts: Sequence[str]) -> None:
        """Comments take the place of a line that goes; blank lines around it stay."""
        if texts:
            self.put(line, texts)
            self._kept.add(line)

    def replace(self, start: int, end: int, text: str) -> None:
        """A stretch of the text is replaced."""
        self._spans.append(Edit(start, end, text, self.why))

    def drop_comments(self) -> None:
        """Comments on the lines that go die with them."""
        self._settle()
        for first, last in self.ranges:
            self._gone.update(self.comments(first, last))

    def lose(self, comment: str) -> None:
        """A comment dies with what it stood behind."""
        if comment and isinstance(self.change, Delete | Leave):
            self._gone[comment] += 1

    @property
    def taken(self) -> tuple[tuple[int, int], ...]:
        """First and last of the lines that go, blank lines around them aside."""
        return tuple(self._removed)

    def is_gone(self, line: int) -> bool:
        """Whether a line goes."""
        return any(first <= line <= last for first, last in self._removed)

    def bring(self, comments: Iterable[str]) -> None:
        """Comments that the new text has more."""
        self._come.update(comment.rstrip() for comment in comments)

    def comments(self, first: int, last: int) -> list[str]:
        """The comments on some lines."""
        return [text for _, line, text in self.spots if first <= line <= last]

    def note_title(self, head: int, first: int) -> None:
        """Say of the comments above a key that goes that they stay."""
        top = self.lines.glued(first)
        if top < head:
            self.marks.append((self.document.source.starts[top], _TITLE))

    def note_rest(self, last: int) -> None:
        """Say of the comments below a table that goes that they stay."""
        if last + 1 < len(self.lines.texts) and self.lines.kind(last + 1) == "comment":
            self.marks.append((self.document.source.starts[last + 1], _REST))

    def spelled(self, value: Any, path: Path, quote: str = "") -> str:
        """A value as text on one line.

        Raises:
            Refused: it holds null, which TOML has not.
        """
        try:
            return inline(value, quote or self.quote, format_path(path))
        except Refused as problem:
            line, column, *_ = self.document.position(path)
            problem.file, problem.line, problem.column = self.document.name, line, column
            raise

    @property
    def why(self) -> str:
        """What the edits are for."""
        words = {"MoveTo": "move", "Restore": "restore", "Insert": "insert", "Delete": "delete"}
        return words.get(type(self.change).__name__, "set")

    def _settle(self) -> None:
        """The lines that go, in order: those that only blank lines part go together."""
        merged: list[tuple[int, int]] = []
        for first, last in sorted(self._removed):
            if merged and self.lines.blanks(first, -1) >= first - merged[-1][1] - 1:
                merged[-1] = merged[-1][0], max(last, merged[-1][1])
            else:
                merged.append((first, last))
        self.ranges = [
            one if self._kept & set(range(one[0], one[1] + 1)) else self.lines.without_blanks(*one)
            for one in merged
        ]

    def edits(self) -> tuple[Edit, ...]:
        """What is drafted, as edits of the text.

        Raises:
            ValueError: parts of the change meet.
        """
        self._settle()
        source = self.document.source
        starts = [*source.starts, len(source.text)]
        eol = source.eol
        out = [Edit(starts[first], starts[last + 1], "", self.why) for first, last in self.ranges]
        for fresh in self._fresh:
            at = starts[next((a for a, b in self.ranges if a < fresh.line <= b), fresh.line)]
            text = "".join(f"{one}{eol}" for one in self._parted(fresh))
            out.append(Edit(at, at, text, self.why))
        out += [edit for edit in self._spans if source.text[edit.start : edit.end] != edit.text]
        # Where lines come and others go at one place, those that come stand first.
        return tuple(sorted(out, key=lambda edit: (edit.start, edit.end)))

    def _parted(self, fresh: _Fresh) -> list[str]:
        """New lines with the blank lines that they need around them."""
        kinds = [
            self.lines.kind(line) if not any(a <= line <= b for a, b in self.ranges) else ""
            for line in range(len(self.lines.texts))
        ]
        before = next((kind for kind in reversed(kinds[: fresh.line]) if kind), "blank")
        after = next((kind for kind in kinds[fresh.line :] if kind), "blank")
        head = [""] if fresh.above and before != "blank" else []
        return [*head, *fresh.texts, *([""] if fresh.below and after != "blank" else [])]

    def write(self) -> tuple[Document, tuple[Edit, ...]]:
        """The new document, read back and compared.

        Raises:
            Refused: it is not what was predicted.
        """
        from cfgmig.document.document import Document

        old = self.document
        edits = self.edits()
        if not edits:
            return old, ()
        try:
            text = apply(old.text, edits)
            new = Document.parse(text, old.name, "toml")
        except Refused as problem:
            line = f"line {problem.line} of the outcome: " if problem.line else ""
            raise self._failed(f"{line}{problem.message}") from problem
        except ValueError as problem:
            raise self._failed("parts of the change meet") from problem
        new.bom = old.bom
        if not same(new.data, self.expected):
            raise self._failed("tables and dotted keys are mixed in a way that cannot take it")
        had = Counter(old.text[at:end].rstrip() for at, end in old.comment_spans())
        got = Counter(text[at:end].rstrip() for at, end in new.comment_spans())
        had.update(self._come)
        had.subtract(self._gone)
        if +had != got or any(count < 0 for count in had.values()):
            lost = [one for one in {**had, **got} if had[one] != got[one]]
            raise self._failed(f"comments would change: {lost[:3]}")
        return new, edits

    def _failed(self, reason: str) -> Refused:
        path = about(self.change)
        said = f"{type(self.change).__name__} {format_path(path)}"
        return self.refuse(f"{said} cannot be written into this file: {reason}", path)


def about(change: Change | Leave) -> Path:
    """The path that a change is about."""
    return change.path if isinstance(change, Leave) else paths_of(change)[0]


def defining(document: Document, path: Path) -> list[Block | Statement]:
    """The headers and statements that say something at a path or below, in order."""
    size = len(path)
    found: list[tuple[int, Block | Statement]] = [
        (block.line, block) for block in document.blocks[1:] if block.path[:size] == path
    ]
    found += [(one.first, one) for _, one in statements(document.blocks) if one.path[:size] == path]
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


def block_of(document: Document, path: Path) -> Block | None:
    """The block of a table that has a header of its own, or of the top of the file."""
    return next((block for block in document.blocks if block.path == path), None)


def holds(step: Step, path: Path) -> bool:
    """Whether the text will still have something at a path."""
    return has(step.expected, path)
