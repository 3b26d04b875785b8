"""The concrete tree: what stands where in the text, never changed once built."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Literal

NodeKind = Literal["mapping", "sequence", "scalar", "alias"]
UNSET: Any = object()
_NONE: Any = ()  # what a node cannot have; most are scalars, and a list costs time and memory


class Node:
    """A mapping, sequence, scalar or alias of the text.

    Attributes:
        kind: "mapping", "sequence", "scalar" or "alias".
        start: offset of its first character, anchor and tag included.
        inner: offset of its content, after anchor and tag.
        end: offset after its last character; a block ends where its last child does.
        style: "block" or "flow" for collections; "" (plain), "'", '"', "|" or ">" for scalars.
        tag: its explicit tag, resolved, or None.
        anchor: its anchor, or for an alias the name that it refers to.
        raw: the source text of a scalar or alias, without anchor and tag.
        content: the decoded text of a scalar.
        entries: of a mapping.
        items: of a sequence.
        target: the node that an alias stands for.
    """

    __slots__ = (
        "_value", "anchor", "content", "end", "entries", "inner", "items", "kind", "raw",
        "start", "style", "tag", "target",
    )  # fmt: skip

    def __init__(
        self,
        kind: NodeKind,
        start: int,
        inner: int,
        end: int,
        style: str,
        tag: str | None,
        anchor: str | None,
        raw: str = "",
        content: str = "",
    ) -> None:
        self.kind = kind
        self.start = start
        self.inner = inner
        self.end = end
        self.style = style
        self.tag = tag
        self.anchor = anchor
        self.raw = raw
        self.content = content
        self.entries: list[Entry] = [] if kind == "mapping" else _NONE
        self.items: list[Node] = [] if kind == "sequence" else _NONE
        self.target: Node | None = None
        self._value: Any = UNSET

    @property
    def value(self) -> Any:
        """The typed value of a scalar (YAML 1.2 core, or JSON)."""
        if self._value is UNSET:
            if self.style and self.tag is None:
                self._value = self.content
            else:
                self._value = _resolver()(self)
        return self._value

    @value.setter
    def value(self, value: Any) -> None:
        self._value = value

    @property
    def synthetic(self) -> bool:
        """Whether it stands in no text yet."""
        return self.start < 0

    def __repr__(self) -> str:
        return f"<{self.kind} {self.start}:{self.end} {self.raw!r}>"


@cache
def _resolver() -> Callable[[Node], Any]:
    """What resolves plain and tagged scalars; its module imports this one."""
    from cfgmig.document.scalars import resolve

    return resolve


class Entry:
    """One `key: value` of a mapping.

    Attributes:
        at: offset of its key in the text, or -1 when it stands in no text yet.
        unit: the new lines that hold it, when it stands in no text yet.
        key_end: offset after its key in the text, or -1.
    """

    __slots__ = ("at", "key", "key_end", "unit", "value")

    def __init__(
        self, key: Node, value: Node, at: int = -1, unit: Any = None, key_end: int = -1
    ) -> None:
        self.key = key
        self.value = value
        self.at = at
        self.unit = unit
        self.key_end = key.end if key_end < 0 else key_end

    def with_value(self, value: Node) -> Entry:
        """The same entry with another value."""
        return Entry(self.key, value, self.at, self.unit, self.key_end)

    @property
    def name(self) -> str:
        """The key as a path segment."""
        key = self.key
        if key.style and key.kind == "scalar" and key.tag is None:
            return key.content
        return key_name(key)


def key_name(key: Node) -> str:
    """A key as a path segment: `str()` of its typed value; its source text if it has none."""
    if key.kind == "alias" and key.target is not None:
        key = key.target
    if key.kind != "scalar":
        return f"<{key.kind}>"
    return str(key.value)


def synthetic(value: Any) -> Node:
    """A node for a new value: `value` is what it must read as."""
    node = Node("scalar", -1, -1, -1, "", None, None)
    node.content = value if isinstance(value, str) else ""
    node.value = value
    return node


def wanted(node: Node) -> Any:
    """What a new node must read as; UNSET if anything will do."""
    return node._value


def leaves(root: Node) -> Iterator[Node]:
    """Every scalar and alias of the text, keys included, in order."""
    stack = [root]
    while stack:
        node = stack.pop()
        if node.kind == "mapping":
            for entry in reversed(node.entries):
                stack.append(entry.value)
                stack.append(entry.key)
        elif node.kind == "sequence":
            stack.extend(reversed(node.items))
        else:
            yield node


def walk(root: Node) -> Iterator[Node]:
    """Every node of the text, parents first; aliases are not followed."""
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        if node.kind == "mapping":
            for entry in reversed(node.entries):
                stack.append(entry.value)
                stack.append(entry.key)
        elif node.kind == "sequence":
            stack.extend(reversed(node.items))
