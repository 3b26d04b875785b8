"""The lines of a TOML text: which comments belong to a key or a table, and where lines go.

Whose a comment is follows the rules of `comments`: glued to the entry before, or above an
entry that stands alone, it is the entry's own; a title, a banner, the header of the file and
a commented-out option are nobody's and stay.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from cfgmig.document.comments import is_banner
from cfgmig.document.toml.tree import Block, Statement
from cfgmig.paths import Path

if TYPE_CHECKING:
    from cfgmig.document.document import Document

_OPTION = re.compile(
    r"#+\s*(?:\[\[?[\w.\"' -]+\]\]?|[\w.\"'-]+\s*=\s*(?:[\"'\[{]|[-+]?(?:\d|inf|nan)|true|false).*)"
)


class Extent(NamedTuple):
    """Lines, from 0: own comments from `head`, the entry at `first`, the end at `last`."""

    head: int
    first: int
    last: int


def is_option(line: str) -> bool:
    """Whether a comment line is a commented-out option or header: nobody's, it stays."""
    return _OPTION.match(line.strip()) is not None


class Lines:
    """The lines of one document.

    Attributes:
        texts: each line without its line end.
        owner: for each line the statement or the header that it belongs to, if it does.
    """

    def __init__(self, document: Document) -> None:
        self.source = document.source
        self.blocks = document.blocks
        text = document.text
        self.texts = [line.removesuffix("\r") for line in text.split("\n")]
        if text.endswith("\n") or not text:
            self.texts.pop()
        self.owner: list[Statement | Block | None] = [None] * len(self.texts)
        for block in self.blocks:
            if block.line >= 0:
                self.owner[block.line] = block
            for one in block.statements:
                self.owner[one.first : one.last + 1] = [one] * (one.last + 1 - one.first)

    def kind(self, line: int) -> str:
        """What a line is: "blank", "comment" or "content"."""
        if self.owner[line] is not None:
            return "content"
        return "comment" if self.texts[line].strip() else "blank"

    def above(self, line: int) -> int:
        """The last line of content above a line; -1 if there is none."""
        line -= 1
        while line >= 0 and self.owner[line] is None:
            line -= 1
        return line

    def below(self, line: int) -> int:
        """The next line of content below a line; the number of lines if there is none."""
        line += 1
        while line < len(self.texts) and self.owner[line] is None:
            line += 1
        return line

    def blanks(self, line: int, step: int) -> int:
        """How many blank lines stand right above (step -1) or below (1) a line."""
        count = 0
        at = line + step
        while 0 <= at < len(self.texts) and self.kind(at) == "blank":
            count, at = count + 1, at + step
        return count

    def glued(self, line: int) -> int:
        """The first of the comment lines that stand right above a line, or the line itself."""
        while line > 0 and self.kind(line - 1) == "comment":
            line -= 1
        return line

    def extent(self, entry: Statement | Block) -> Extent:
        """The lines of a statement or of a header and all below it, with its own comments."""
        if isinstance(entry, Statement):
            return Extent(self._head(entry.first, entry.last, entry), entry.first, entry.last)
        tail = self.tail(entry)
        return Extent(self._head(entry.line, tail, entry), entry.line, tail)

    def tail(self, block: Block) -> int:
        """The last line of a table: comments glued below its last line are its own."""
        last = block.last
        if last < 0:
            return last
        at = last
        while at + 1 < len(self.texts) and self.kind(at + 1) == "comment":
            at += 1
        if at + 1 >= len(self.texts) or self.kind(at + 1) == "content":
            return last  # they end the file, or belong to what comes next
        while at > last and self._nobodys(at):
            at -= 1
        return at

    def _nobodys(self, line: int) -> bool:
        return is_option(self.texts[line]) or is_banner(self.texts[line])

    def _head(self, first: int, last: int, entry: Statement | Block) -> int:
        """Where the comments start that belong to an entry."""
        top = self.glued(first)
        owned = first
        while owned > top and not is_option(self.texts[owned - 1]):
            owned -= 1
        if owned == first or any(is_banner(text) for text in self.texts[owned:first]):
            return first
        floor = self.above(first)
        if floor < 0 and all(self.kind(line) == "blank" for line in range(top)):
            return first  # the header of the file
        sibling = floor >= 0 and isinstance(self.owner[floor], Statement)
        if isinstance(entry, Statement) and sibling and top - 1 == floor:
            return owned
        end = last + 1 >= len(self.texts) or self.kind(last + 1) != "content"
        alone = end or isinstance(self.owner[last + 1], Block)
        return owned if alone or isinstance(entry, Block) else first

    def without_blanks(self, head: int, last: int) -> tuple[int, int]:
        """The lines to remove: with the blank lines above, where others follow below.

        At the start of the file the blank lines below go instead.
        """
        upper, lower = self.blanks(head, -1), self.blanks(last, 1)
        if head - upper <= 0:
            return head, last + lower
        if upper and (lower or last + lower + 1 >= len(self.texts)):
            return head - upper, last
        return head, last

    def home_end(self, block: Block) -> int:
        """The line at which a key goes to the end of a table's own lines."""
        return block.last + 1 if block.last >= 0 else self.top()

    def top(self) -> int:
        """The line at which a first key goes: below the header of the file."""
        line = 0
        while line < len(self.texts) and self.kind(line) == "blank":
            line += 1
        if line == len(self.texts) or self.kind(line) == "content":
            return line if line < len(self.texts) else 0
        while line < len(self.texts) and self.kind(line) == "comment":
            line += 1
        blank = line
        while blank < len(self.texts) and self.kind(blank) == "blank":
            blank += 1
        return blank if blank < len(self.texts) else line

    def before(self, entry: Statement | Block) -> int:
        """The line above an entry and the comments glued to it, but below a file's header."""
        first = entry.first if isinstance(entry, Statement) else entry.line
        top = self.glued(first)
        if self.above(first) < 0 and all(self.kind(line) == "blank" for line in range(top)):
            return first
        return top

    def spaced(self) -> bool:
        """Whether most headers of the file have a blank line above them."""
        spaced = [
            self.blanks(self.glued(block.line), -1) > 0
            for block in self.blocks[1:]
            if self.above(block.line) >= 0
        ]
        return not spaced or sum(spaced) * 2 >= len(spaced)

    def index(self, block: Block, rest: Path, order: Sequence[str]) -> int:
        """The index at which a key belongs among a table's statements.

        A dotted key goes behind the others of its table, any other where a schema's order has it.
        """
        names = [str(one.keys[0].content) for one in block.statements]
        if len(rest) > 1 and rest[0] in names:
            return len(names) - names[::-1].index(str(rest[0]))
        return ranked(names, str(rest[0]), order)

    def indent(self, block: Block) -> str:
        """How far the statements of a table are indented, or would be."""
        line = block.statements[-1].first if block.statements else block.line
        text = self.texts[line] if line >= 0 else ""
        return text[: len(text) - len(text.lstrip())]


def ranked(names: Sequence[str], name: str, order: Sequence[str]) -> int:
    """The index at which a name belongs among others, by a schema's order.

    After the last that precedes it there, else before the first that follows it, else last.
    """
    if name not in order:
        return len(names)
    rank = {key: at for at, key in enumerate(order)}
    before = [at for at, key in enumerate(names) if rank.get(key, len(rank)) <= rank[name]]
    if before:
        return before[-1] + 1
    after = [at for at, key in enumerate(names) if key in rank]
    return after[0] if after else len(names)
