"""A JSON text as the same concrete tree; numbers and words read as the json module reads them."""

from __future__ import annotations

import re
from json import JSONDecodeError, decoder
from typing import Any

from cfgmig.document.node import Entry, Node
from cfgmig.document.source import Source
from cfgmig.document.yaml_tree import MAX_DEPTH, Tree, duplicate, too_deep
from cfgmig.errors import Refused

_scanstring: Any = decoder.scanstring  # type: ignore[attr-defined]  # in C, and left out of the stubs
_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"(-?(?:0|[1-9][0-9]*))(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORDS = {
    "null": None, "true": True, "false": False,
    "NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf"),
}  # fmt: skip
_WORD = re.compile("null|true|false|NaN|-?Infinity")


def build(source: Source) -> Tree:
    """The concrete tree of a JSON text.

    Raises:
        Refused: it is not JSON, repeats a key, or nests too deep.
    """
    reader = _Reader(source)
    try:
        root = reader.read()
    except JSONDecodeError as error:
        raise reader.fail(error.msg, error.pos) from error
    for offset in source.strange_breaks():
        if source.text[offset] == "\r":  # the others can stand in strings alone
            raise source.refuse_break(offset)
    return Tree((root,), False)


class _Reader:
    """Reads values one after the other; open collections wait on a stack."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.stack: list[Node] = []
        self.names: list[dict[str, Node]] = []

    def fail(self, problem: str, offset: int) -> Refused:
        line, column = self.source.place(offset)
        return Refused(
            f"not JSON: {problem}", kind="not-json",
            file=self.source.name, line=line, column=column,
        )  # fmt: skip

    def skip(self, at: int) -> int:
        found = _SPACE.match(self.text, at)
        return found.end() if found else at

    def read(self) -> Node:
        at = self.skip(0)
        node, at = self.value(at)
        root = node
        key: Node | None = None
        while True:
            if node.kind != "scalar" and node.end < 0:
                self.open(node)
                closed, at = self.first(node, at)
                if not closed:
                    key, at = self.key(at) if node.kind == "mapping" else (None, at)
                    node, at = self.value(at)
                    self.attach(key, node)
                    continue
            while self.stack:
                at = self.skip(at)
                parent = self.stack[-1]
                mark = self.text[at : at + 1]
                if mark == ",":
                    at = self.skip(at + 1)
                    break
                if mark != ("}" if parent.kind == "mapping" else "]"):
                    raise self.fail("expected ',' or the closing bracket", at)
                at += 1
                self.close(at)
            else:
                break
            key, at = self.key(at) if parent.kind == "mapping" else (None, at)
            node, at = self.value(at)
            self.attach(key, node)
        at = self.skip(at)
        if at < len(self.text):
            raise self.fail("more text after the value", at)
        return root

    def open(self, node: Node) -> None:
        if len(self.stack) >= MAX_DEPTH:
            raise too_deep(self.source, node.start)
        self.stack.append(node)
        self.names.append({})

    def close(self, end: int) -> None:
        self.names.pop()
        self.stack.pop().end = end

    def first(self, node: Node, at: int) -> tuple[bool, int]:
        """Whether the collection just opened is empty, and where its content starts."""
        at = self.skip(at)
        if self.text[at : at + 1] == ("}" if node.kind == "mapping" else "]"):
            self.close(at + 1)
            return True, at + 1
        return False, at

    def attach(self, key: Node | None, node: Node) -> None:
        parent = self.stack[-1]
        if key is None:
            parent.items.append(node)
            return
        seen = self.names[-1].setdefault(key.content, key)
        if seen is not key:
            raise duplicate(self.source, seen, key)
        parent.entries.append(Entry(key, node, key.start))

    def key(self, at: int) -> tuple[Node, int]:
        if self.text[at : at + 1] != '"':
            raise self.fail("expected a key in double quotes", at)
        key, at = self.string(at)
        at = self.skip(at)
        if self.text[at : at + 1] != ":":
            raise self.fail("expected ':' after the key", at)
        return key, self.skip(at + 1)

    def string(self, at: int) -> tuple[Node, int]:
        content, end = _scanstring(self.text, at + 1, True)
        node = Node("scalar", at, at, end, '"', None, None, self.text[at:end], content)
        node.value = content
        return node, end

    def value(self, at: int) -> tuple[Node, int]:
        """One scalar, or a collection whose end is not known yet (-1)."""
        mark = self.text[at : at + 1]
        if mark == '"':
            return self.string(at)
        if mark == "{":
            return Node("mapping", at, at, -1, "flow", None, None), at + 1
        if mark == "[":
            return Node("sequence", at, at, -1, "flow", None, None), at + 1
        word = _WORD.match(self.text, at)
        found = word or _NUMBER.match(self.text, at)
        if found is None:
            raise self.fail("expected a value", at)
        raw = found[0]
        node = Node("scalar", at, at, found.end(), "", None, None, raw, raw)
        node.value = _WORDS[raw] if word else self.number(found, at)
        return node, found.end()

    def number(self, found: re.Match[str], at: int) -> Any:
        if found[2] or found[3]:
            return float(found[0])
        try:
            return int(found[0])
        except ValueError:
            raise self.fail("a number of too many digits", at) from None
