"""A TOML text as the same concrete tree, and the lines of its tables.

tomllib decides what is TOML and what it says; this reader only finds where each key and
value stands, and the two must agree on every key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cfgmig.document.node import Entry, Node
from cfgmig.document.source import Source
from cfgmig.document.toml.scan import Scanner, duplicate
from cfgmig.document.yaml_tree import MAX_DEPTH, too_deep
from cfgmig.errors import Refused
from cfgmig.paths import Path

# What most lines are: a bare key with a plain value that no other spelling begins like.
_LINE = re.compile(
    r"""[ \t]*([A-Za-z0-9_-]+)[ \t]*=[ \t]*
    ([0-9][0-9._eE+-]*|true|false|"[^"\\\n]*"|'[^'\n]*')[ \t]*(\#[^\r\n]*)?(?:\r?\n|\Z)""",
    re.VERBOSE,
)
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(eq=False, slots=True)
class Statement:
    """One `key = value` line of a table, or more lines where its value has more.

    Attributes:
        path: what it gives a value to.
        keys: the segments of its key, as written.
        value: the value.
        first: its first line, from 0.
        last: its last line.
    """

    path: Path
    keys: tuple[Node, ...]
    value: Node
    first: int
    last: int


@dataclass(eq=False, slots=True)
class Block:
    """A header and the statements below it; the first block of a text has no header.

    Attributes:
        path: the table that it fills; an item of an array of tables has its index.
        keys: the segments of the header, as written.
        line: the header's line, from 0; -1 for the first block.
        statements: in the order of the text.
        is_item: whether the header is one of `[[...]]`.
    """

    path: Path
    keys: tuple[Node, ...] = ()
    line: int = -1
    statements: list[Statement] = field(default_factory=list)
    is_item: bool = False

    @property
    def last(self) -> int:
        """The last line that says something; -1 in an empty first block."""
        return self.statements[-1].last if self.statements else self.line


class TomlTree(NamedTuple):
    """What a text holds, with the names that every kind of tree has."""

    roots: tuple[Node, ...]
    blocks: tuple[Block, ...]
    comments: list[tuple[int, int]]
    data: dict[str, Any]
    opaque: tuple[Node, ...] = ()


def build(source: Source) -> TomlTree:
    """The concrete tree of a TOML text.

    Raises:
        Refused: tomllib does not read it, it nests too deep, or the two readers disagree.
    """
    import tomllib

    builder = _Builder(source)
    try:
        data = tomllib.loads(source.text)
    except (ValueError, RecursionError) as error:
        raise _explained(builder, error) from None
    builder.read()
    _fill(source, builder.root, data)
    return TomlTree((builder.root,), tuple(builder.blocks), builder.scanner.comments, data)


def _explained(builder: _Builder, error: Exception) -> Refused:
    """Why a text cannot be read: with both lines where a key stands twice."""
    source = builder.scanner.source
    if isinstance(error, RecursionError):
        return too_deep(source, 0)
    message = str(error)
    found = _PLACE.search(message)
    try:
        builder.read()
    except Refused as problem:
        if problem.kind in ("duplicate-key", "too-deep"):
            return problem
    line, column = source.place(len(source.text))
    if found is not None and found[1]:
        line, column = int(found[1]), int(found[2])
    reason = message[: found.start()] if found is not None else message
    return Refused(
        f"not TOML: {reason[:1].lower()}{reason[1:]}", kind="not-toml",
        file=source.name, line=line, column=column,
    )  # fmt: skip


class _Builder:
    """Puts what the scanner finds into tables."""

    def __init__(self, source: Source) -> None:
        self.scanner = Scanner(source)
        self.root = Node("mapping", 0, 0, len(source.text), "block", None, None)
        self.names: dict[Node, dict[str, Entry]] = {}
        self.declared: dict[Node, Node] = {}  # tables with a header of their own, and its key
        self.blocks = [Block(())]
        self.table = self.root

    def read(self) -> None:
        scanner = self.scanner
        while True:
            line = _LINE.match(scanner.text, scanner.at)
            if line is not None:
                self._plain(line)
                continue
            scanner.space()
            if not scanner.peek():
                return
            if scanner.peek() == "[":
                self._header()
            else:
                self._statement()
            scanner.blank()
            scanner.comment()
            if scanner.peek() and not scanner.line_end():
                raise scanner.fail("expected the end of the line")

    def _plain(self, line: re.Match[str]) -> None:
        """A line with a bare key, a plain value and maybe a comment."""
        name, raw, start, at = line[1], line[2], line.start(1), line.start(2)
        key = Node("scalar", start, start, line.end(1), "", None, None, name, name)
        key.value = name
        style = raw[0] if raw[0] in "'\"" else ""
        value = Node("scalar", at, at, line.end(2), style, None, None, raw, raw)
        if line[3] is not None:
            self.scanner.comments.append(line.span(3))
        self.scanner.at = line.end()
        self._give((key,), value)

    def _header(self) -> None:
        scanner = self.scanner
        start = scanner.at
        is_item = scanner.text.startswith("[[", start)
        scanner.at += 1 + is_item
        keys = scanner.key()
        if not scanner.text.startswith("]" * (1 + is_item), scanner.at):
            raise scanner.fail("expected the end of the header")
        scanner.at += 1 + is_item
        outer, above = self._descend(self.root, keys[:-1], ())
        if is_item:
            self.table, path = self._item(outer, keys[-1], above, start)
        else:
            self.table, path = self._descend(outer, keys[-1:], above)
            other = self.declared.setdefault(self.table, keys[-1])
            if other is not keys[-1]:
                raise duplicate(scanner.source, other, keys[-1])
            # Its own header says more of where a table stands than one of a table in it.
            entry = self.names[outer][keys[-1].content]
            entry.key, entry.at, entry.key_end = keys[-1], keys[-1].start, keys[-1].end
        self.table.start = self.table.inner = start
        self.table.end = scanner.at
        line = scanner.source.line(start)
        self.blocks.append(Block(path, keys, line, [], is_item))

    def _item(self, outer: Node, key: Node, above: Path, start: int) -> tuple[Node, Path]:
        """A new item of an array of tables."""
        names = self.names.setdefault(outer, {})
        entry = names.get(key.content)
        if entry is None:
            array = Node("sequence", start, start, key.end, "block", None, None)
            entry = self._attach(outer, key, array)
        array = entry.value
        if array.kind != "sequence" or array.style != "block":
            raise duplicate(self.scanner.source, entry.key, key)
        item = Node("mapping", start, start, key.end, "block", None, None)
        array.items.append(item)
        return item, (*above, key.content, len(array.items) - 1)

    def _statement(self) -> None:
        scanner = self.scanner
        keys = scanner.key()
        if scanner.peek() != "=":
            raise scanner.fail("expected '=' after the key")
        scanner.at += 1
        scanner.blank()
        self._give(keys, scanner.value())

    def _give(self, keys: tuple[Node, ...], value: Node) -> None:
        """A statement of the newest block."""
        block = self.blocks[-1]
        holder, path = self._descend(self.table, keys[:-1], block.path)
        known = self.names.setdefault(holder, {}).get(keys[-1].content)
        if known is not None:
            raise duplicate(self.scanner.source, known.key, keys[-1])
        self._attach(holder, keys[-1], value)
        self.table.end = value.end
        first = self.scanner.source.line(keys[0].start)
        last = first if "\n" not in value.raw else self.scanner.source.line(value.end - 1)
        if value.kind != "scalar":
            last = self.scanner.source.line(value.end - 1)
        block.statements.append(Statement((*path, keys[-1].content), keys, value, first, last))

    def _attach(self, holder: Node, key: Node, value: Node) -> Entry:
        entry = Entry(key, value, key.start)
        holder.entries.append(entry)
        self.names.setdefault(holder, {})[key.content] = entry
        return entry

    def _descend(self, holder: Node, keys: tuple[Node, ...], path: Path) -> tuple[Node, Path]:
        """The table that dotted keys lead to, made on the way; of an array its last item."""
        if len(path) + len(keys) > MAX_DEPTH:
            raise too_deep(self.scanner.source, self.scanner.at)
        for key in keys:
            entry = self.names.setdefault(holder, {}).get(key.content)
            if entry is None:
                table = Node("mapping", key.start, key.start, key.end, "block", None, None)
                entry = self._attach(holder, key, table)
            holder, path = entry.value, (*path, key.content)
            if holder.kind == "sequence" and holder.style == "block":
                path = (*path, len(holder.items) - 1)
                holder = holder.items[-1]
            if holder.kind != "mapping" or holder.style != "block":
                raise duplicate(self.scanner.source, entry.key, key)
        return holder, path


def _fill(source: Source, root: Node, data: Any) -> None:
    """Tell every scalar what it means.

    Raises:
        Refused: tomllib and this reader see different keys.
    """
    pending = [(root, data)]
    while pending:
        node, value = pending.pop()
        if node.kind == "scalar" and not isinstance(value, dict | list):
            node.value = value
            node.content = value if isinstance(value, str) else node.raw
        elif node.kind == "mapping" and isinstance(value, dict):
            if len(node.entries) != len(value):
                raise _disagree(source, node)
            for entry in node.entries:
                if entry.key.content not in value:
                    raise _disagree(source, node)
                pending.append((entry.value, value[entry.key.content]))
        elif node.kind == "sequence" and isinstance(value, list) and len(value) == len(node.items):
            pending += zip(node.items, value, strict=True)
        else:
            raise _disagree(source, node)


def _disagree(source: Source, node: Node) -> Refused:
    line, column = source.place(node.start)
    return Refused(
        "tomllib reads this table otherwise than the reader that finds its lines",
        kind="unsupported-shape", file=source.name, line=line, column=column,
        help="please report this file: it is a defect of cfgmig",
    )  # fmt: skip


def statements(blocks: tuple[Block, ...]) -> Iterator[tuple[Block, Statement]]:
    """Every statement with its block, in the order of the text."""
    for block in blocks:
        for statement in block.statements:
            yield block, statement
