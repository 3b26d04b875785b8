"""From parse events to the concrete tree, with the limits that keep hostile files harmless."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from cfgmig.document.node import Entry, Node, walk
from cfgmig.document.scalars import resolve_key
from cfgmig.document.source import Source
from cfgmig.document.yaml_events import (
    ALIAS,
    DOCUMENT,
    DOCUMENT_END,
    END,
    MAPPING,
    OTHER,
    SCALAR,
    SEQUENCE,
    Backend,
    default,
)
from cfgmig.errors import Refused

MAX_DEPTH = 200
MAX_EXPANDED = 1_000_000
_PROPERTY = re.compile(r"(?:(?:&[^\s,\[\]{}]+|!<[^>\s]*>|![^\s,\[\]{}]*)(?:[ \t]|\r?\n|#.*|$)*)+")
_ODD_KEY = frozenset("0123456789-+.~<tTfFnN=")


class Tree(NamedTuple):
    """What a text holds: its documents' roots and whether a directive names a version.

    `mappings` are all of its mappings, `opaque` the nodes in whose text a `#` may stand
    that begins no comment, and `last_alias` is its last alias.
    """

    roots: tuple[Node, ...]
    directives: bool
    mappings: Sequence[Node] = ()
    opaque: Sequence[Node] = ()
    last_alias: Node | None = None


def build(source: Source, backend: Backend | None = None) -> Tree:
    """The concrete trees of a YAML text.

    Raises:
        Refused: it is not YAML, or a limit or a rule of this module forbids it.
    """
    backend = backend or default()
    try:
        tree = _read(source, backend)
    except Refused:
        raise
    except backend.errors as error:
        raise _not_yaml(source, error) from error
    except RecursionError:
        raise too_deep(source, 0) from None
    _check_mappings(source, tree.mappings)
    if tree.last_alias is not None:
        for root in tree.roots:
            _check_size(source, root)
    _check_breaks(source, tree.roots)
    return tree


def _not_yaml(source: Source, error: Exception) -> Refused:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    line = column = None
    if mark is not None:
        line, column = mark.line + 1, mark.column + 1
    elif isinstance(getattr(error, "position", None), int):
        at = min(getattr(error, "position", 0), len(source.text))
        line, column = source.place(at)
    bad_character = "not allowed" in problem or type(error).__name__ == "ReaderError"
    kind = "encoding" if bad_character else "not-yaml"
    return Refused(
        f"not YAML: {' '.join(str(problem).split())}",
        kind=kind,
        file=source.name,
        line=line,
        column=column,
    )


def too_deep(source: Source, offset: int) -> Refused:
    """The refusal of a text that nests too deep."""
    line, column = source.place(offset)
    return Refused(
        f"nested more than {MAX_DEPTH} levels deep",
        kind="too-deep",
        file=source.name,
        line=line,
        column=column,
    )


class _Builder:
    """Collects nodes on a stack; depth is counted before anything is built."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.roots: list[Node] = []
        self.stack: list[Node] = []
        self.pending: list[Node | None] = []
        self.parent: Node | None = None
        self.key: Node | None = None
        self.anchors: dict[str, Node] = {}
        self.mappings: list[Node] = []
        self.opaque: list[Node] = []
        self.last_alias: Node | None = None

    def attach(self, node: Node) -> None:
        parent = self.parent
        if parent is None:
            self.roots.append(node)
        elif parent.kind == "sequence":
            parent.items.append(node)
        elif self.key is None:
            self.key = node
        else:
            parent.entries.append(Entry(self.key, node, self.key.start))
            self.key = None

    def scalar(self, event: Any) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        tag, anchor, style, inner = event.tag, event.anchor, event.style or "", start
        content = event.value
        if tag is not None or anchor is not None:
            inner = min(self.inner(start), end)
            tag = tag and str(tag)
        elif start == end:
            start = end = inner = self.empty_at(start)
        if style and style in "|>":
            end = _block_end(self.text, inner, end, content)
        raw = self.text[inner:end]
        node = Node("scalar", start, inner, end, style, tag, anchor, raw, content)
        if inner > start or "#" in raw or (style and style in "|>"):
            self.opaque.append(node)
        if anchor is not None:
            self.anchors[anchor] = node
        parent, key = self.parent, self.key
        if parent is None or parent.kind != "mapping":
            self.attach(node)
        elif key is None:
            self.key = node
        else:
            parent.entries.append(Entry(key, node, key.start))
            self.key = None

    def open(self, node: Node) -> None:
        if len(self.stack) >= MAX_DEPTH:
            raise too_deep(self.source, node.start)
        self.attach(node)
        self.stack.append(node)
        self.pending.append(self.key)
        self.parent, self.key = node, None

    def close(self, end: int) -> None:
        node = self.stack.pop()
        self.key = self.pending.pop()
        self.parent = self.stack[-1] if self.stack else None
        if node.style == "flow":
            node.end = end
        elif node.kind == "mapping" and node.entries:
            last = node.entries[-1]
            node.end = max(last.value.end, last.key.end)
        elif node.items:
            node.end = node.items[-1].end

    def empty_at(self, offset: int) -> int:
        """Where an empty value stands: right after its colon, whatever the parser says."""
        key = self.key
        if key is None or self.parent is None or self.parent.kind != "mapping":
            return offset
        text, at = self.text, key.end
        while at < offset and text[at] != ":":
            at = text.find("\n", at) if text[at] == "#" else at + 1
        return at + 1 if at < offset else key.end

    def alias(self, event: Any) -> Node:
        start, end = event.start_mark.index, event.end_mark.index
        node = Node("alias", start, start, end, "", None, event.anchor, self.text[start:end])
        self.last_alias = node
        if "#" in node.raw:
            self.opaque.append(node)
        node.target = self.anchors.get(event.anchor)
        if node.target is None or node.target in self.stack:
            line, column = self.source.place(start)
            problem = "contains itself" if node.target else "is not defined before its use"
            raise Refused(
                f"the anchor of alias *{event.anchor} {problem}",
                kind="alias-bomb" if node.target else "not-yaml",
                file=self.source.name,
                line=line,
                column=column,
            )
        return node

    def inner(self, start: int) -> int:
        found = _PROPERTY.match(self.text, start)
        return found.end() if found else start


def _block_end(text: str, start: int, end: int, content: str) -> int:
    """Where a block scalar's last line of content ends; kept blank lines belong to it."""
    header = text[start : text.find("\n", start) if "\n" in text[start:end] else end]
    if "+" not in header.split("#")[0]:
        stop = content.rstrip("\n")
        blank = "\n\r" if stop and stop[-1] in " \t" else "\n\r \t"
        while end > start and text[end - 1] in blank:
            end -= 1
        return end
    if text[end - 1 : end] == "\n":
        end -= 1
    return end - 1 if text[end - 1 : end] == "\r" else end


def _read(source: Source, backend: Backend) -> Tree:
    builder = _Builder(source)
    text, codes = source.text, backend.codes
    following = backend.next_event(text)
    directives = False
    while (event := following()) is not None:
        code = codes[type(event)]
        if code == SCALAR:
            builder.scalar(event)
        elif code == END:
            builder.close(event.end_mark.index)
        elif code in (MAPPING, SEQUENCE):
            builder.open(_collection(event, code, text, builder))
        elif code == ALIAS:
            builder.attach(builder.alias(event))
        elif code == DOCUMENT:
            builder.anchors.clear()
            directives = directives or bool(event.version) or bool(event.tags)
        elif code not in (DOCUMENT_END, OTHER):
            raise AssertionError(code)
    roots = tuple(builder.roots)
    return Tree(roots, directives, builder.mappings, builder.opaque, builder.last_alias)


def _collection(event: Any, code: int, text: str, builder: _Builder) -> Node:
    start, inner = event.start_mark.index, event.end_mark.index
    style = "block"
    if event.flow_style:
        opener = "{" if code == MAPPING else "["
        style = "flow" if text[inner - 1 : inner] == opener and inner > start else "pair"
        inner -= style == "flow"
    elif event.anchor is None and event.tag is None:
        inner = start
    elif code == SEQUENCE and text[inner : inner + 1] != "-":
        inner -= 1  # an indentless sequence: the mark stands after its first dash
    tag = event.tag and str(event.tag)
    kind: Any = "mapping" if code == MAPPING else "sequence"
    node = Node(kind, start, inner, inner, style, tag, event.anchor)
    if event.anchor is not None:
        builder.anchors[event.anchor] = node
    if inner > start:
        builder.opaque.append(node)
    if code == MAPPING:
        builder.mappings.append(node)
    return node


def _check_mappings(source: Source, mappings: Sequence[Node]) -> None:
    """Refuse keys that read the same, naming both lines."""
    for node in mappings:
        if len(node.entries) < 2:
            continue
        plain = True
        for entry in node.entries:
            key = entry.key
            if key.kind != "scalar" or key.tag or (not key.style and key.content[:1] in _ODD_KEY):
                plain = plain and key.kind == "scalar" and _is_word(key)
        if plain and len({entry.key.content for entry in node.entries}) == len(node.entries):
            continue
        seen: dict[Any, Node] = {}
        for entry in node.entries:
            key = entry.key
            name = resolve_key(key)
            if name in seen:
                raise duplicate(source, seen[name], key)
            seen[name] = key


def _is_word(key: Node) -> bool:
    return not key.tag and key.content.isidentifier() and isinstance(key.value, str)


def duplicate(source: Source, first: Node, second: Node) -> Refused:
    """The refusal of two keys that read the same."""
    line, _ = source.place(first.start)
    again, column = source.place(second.start)
    return Refused(
        f"the key {second.raw or second.content!s} stands twice in one mapping: "
        f"on line {line} and on line {again}",
        kind="duplicate-key",
        file=source.name,
        line=again,
        column=column,
        help=f"readers silently drop one of them: delete line {line} or line {again}",
    )


def _check_size(source: Source, root: Node) -> None:
    """Refuse aliases that multiply a small file into a huge tree."""
    aliases = [node for node in walk(root) if node.kind == "alias"]
    if not aliases:
        return
    sizes: dict[int, int] = {}

    def size(node: Node) -> int:
        known = sizes.get(id(node))
        if known is not None:
            return known
        total = 1
        if node.kind == "alias" and node.target is not None:
            total = size(node.target)
        for entry in node.entries:
            total += size(entry.key) + size(entry.value)
        for item in node.items:
            total += size(item)
        sizes[id(node)] = total
        return total

    if size(root) > MAX_EXPANDED:
        line, column = source.place(aliases[-1].start)
        raise Refused(
            f"its aliases expand to more than {MAX_EXPANDED} nodes",
            kind="alias-bomb",
            file=source.name,
            line=line,
            column=column,
        )


def _check_breaks(source: Source, roots: tuple[Node, ...]) -> None:
    for offset in source.strange_breaks():
        inside = any(
            node.start <= offset < node.end
            for root in roots
            for node in walk(root)
            if node.kind == "scalar"
        )
        if not inside:
            raise source.refuse_break(offset)
