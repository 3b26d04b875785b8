"""A YAML, JSON or TOML document: read as a tree, edited by spans, never dumped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

from cfgmig.document import comments as comment_rules
from cfgmig.document.changes import Change, Cut
from cfgmig.document.node import UNSET, Entry, Node
from cfgmig.document.source import Source, collector_paused, decode
from cfgmig.document.spans import Comment, Edit, Note, Position
from cfgmig.paths import Path, Segment

if TYPE_CHECKING:
    from cfgmig.document.toml.tree import Block, TomlTree
    from cfgmig.document.yaml_tree import Tree

Kind = Literal["yaml", "json", "toml"]
_KINDS: dict[str, Kind] = {"json": "json", "toml": "toml"}
_MISSING: Any = object()


class Edited(NamedTuple):
    """The outcome of an edit; `edits` are relative to the document that was edited."""

    document: Document
    edits: tuple[Edit, ...]
    notes: tuple[Note, ...]


class Document:
    """A parsed text. Immutable: `edit` returns another one.

    Attributes:
        name: what messages call it.
        kind: "yaml", "json" or "toml".
        text: the decoded text, without its byte order mark.
        bom: whether the bytes began with one.
        root: the root node of the first document, None where the text holds none.
        count: how many documents the text holds.
        blocks: the headers of a TOML text with the lines below each; empty for other kinds.
    """

    __slots__ = (
        "_comments", "_data", "_opaque", "blocks", "bom", "count", "kind", "name", "root",
        "source", "text",
    )  # fmt: skip

    def __init__(self, source: Source, kind: Kind, tree: Tree | TomlTree) -> None:
        roots = tree.roots
        self.source = source
        self.name = source.name
        self.kind: Kind = kind
        self.text = source.text
        self.bom = source.bom
        self.root = roots[0] if roots else None
        self.count = len(roots)
        self._data: Any = UNSET
        self._opaque = tree.opaque
        self._comments: list[tuple[int, int]] | None = None
        self.blocks: tuple[Block, ...] = ()
        if kind == "toml":
            toml = cast("TomlTree", tree)
            self.blocks, self._comments, self._data = toml.blocks, toml.comments, toml.data

    @classmethod
    def parse(cls, data: bytes | str, name: str = "<text>", kind: Kind | None = None) -> Document:
        """Parse a text; the kind follows the name's suffix unless given.

        Raises:
            Refused: it cannot be read, or not safely.
        """
        suffix = name.lower().rpartition(".")[2]
        if kind is None:
            kind = _KINDS.get(suffix, "yaml")
        source = decode(data, name)
        return cls(source, kind, _tree(source, kind))

    def to_bytes(self) -> bytes:
        """The bytes of the file, with the byte order mark that it had."""
        return (b"\xef\xbb\xbf" if self.bom else b"") + self.text.encode()

    @property
    def data(self) -> Any:
        """The typed data of the first document; aliases share objects, merge keys are applied."""
        if self._data is UNSET:
            from cfgmig.document.scalars import construct

            self._data = (
                None if self.root is None
                else construct(self.root, self.name, self.kind == "json")
            )  # fmt: skip
        return self._data

    def has(self, path: Path) -> bool:
        """Whether the data has something at a path."""
        return self.get(path, _MISSING) is not _MISSING

    def get(self, path: Path, default: Any = None) -> Any:
        """The data at a path."""
        value = self.data
        for segment in path:
            value = _child(value, segment)
            if value is _MISSING:
                return default
        return value

    def node(self, path: Path) -> Node | None:
        """The node at a path as it is written; None if it is missing or only merged in."""
        found = self._find(path)
        return found[1] if found else None

    def _find(self, path: Path) -> tuple[Entry | None, Node] | None:
        from cfgmig.document.locate import index_of

        node, entry = self.root, None
        if node is None:
            return None
        for segment in path:
            holder = node.target if node.kind == "alias" and node.target else node
            if holder.kind == "mapping":
                index = index_of(holder.entries, segment)
                if index is None:
                    return None
                entry = holder.entries[index]
                node = entry.value
            elif isinstance(segment, int) and 0 <= segment < len(holder.items):
                node, entry = holder.items[segment], None
            else:
                return None
        return entry, node

    def position(self, path: Path, part: Literal["key", "value"] = "key") -> Position:
        """Where a path stands, or the nearest part of it that exists; the root is at 1:1."""
        for length in range(len(path), 0, -1):
            found = self._find(path[:length])
            if found is None:
                continue
            entry, node = found
            if entry is not None and (part == "key" or node.end == node.start):
                node = entry.key
            return self.source.span(node.start, node.end)
        return Position(1, 1, 1, 1)

    def scalars(self) -> Iterator[tuple[Path, Node]]:
        """Every scalar value with its path, in order; aliases are not followed."""
        if self.root is None:
            return
        stack: list[tuple[Path, Node]] = [((), self.root)]
        while stack:
            path, node = stack.pop()
            if node.kind == "mapping":
                stack += [((*path, e.name), e.value) for e in reversed(node.entries)]
            elif node.kind == "sequence":
                last = len(node.items) - 1
                stack += [((*path, last - i), n) for i, n in enumerate(reversed(node.items))]
            elif node.kind == "scalar":
                yield path, node

    def comment_spans(self) -> list[tuple[int, int]]:
        """Start and end offsets of every comment."""
        if self._comments is None:
            json = self.kind == "json"
            self._comments = [] if json else comment_rules.find(self.text, self._opaque)
        return self._comments

    def comments(self) -> list[Comment]:
        """Every comment of the text."""
        place = self.source.place
        return [Comment(*place(at), self.text[at:end]) for at, end in self.comment_spans()]

    def edit(
        self,
        changes: Sequence[Change],
        order: Callable[[Path], tuple[str, ...]] | None = None,
    ) -> Edited:
        """Apply changes in order, as one verified step.

        Args:
            changes: what to change.
            order: the schema's order of the keys below a path, for everything that is inserted.

        Raises:
            Refused: some change is not possible, or not safely; nothing was changed.
        """
        if self.kind == "toml":
            from cfgmig.document.toml import editor as toml_editor

            return toml_editor.edit(self, changes, order)
        from cfgmig.document.editor import edit

        return edit(self, changes, order)

    def cut(self, path: Path, prune: bool = True) -> Cut:
        """What `Delete(path, prune)` would take out, as `Restore` can put it back.

        Raises:
            Refused: as that delete.
        """
        return self.cuts([path], prune)[0]

    def cuts(self, paths: Sequence[Path], prune: bool = True) -> tuple[Cut, ...]:
        """What deleting `paths` one after the other would take out.

        Restored in the opposite order they give the same bytes.

        Raises:
            Refused: as those deletes.
        """
        if self.kind == "toml":
            from cfgmig.document.toml import cut as toml_cut

            return toml_cut.cuts(self, paths, prune)
        from cfgmig.document.cutting import cuts

        return cuts(self, paths, prune)


def _tree(source: Source, kind: Kind) -> Tree | TomlTree:
    """What a text holds; each reader is imported when it is needed."""
    with collector_paused(len(source.text)):
        if kind == "toml":
            from cfgmig.document.toml import tree as toml_tree

            return toml_tree.build(source)
        if kind == "json":
            from cfgmig.document import json_tree

            return json_tree.build(source)
        from cfgmig.document import yaml_tree

        return yaml_tree.build(source)


def _child(value: Any, segment: Segment) -> Any:
    if isinstance(value, dict):
        if segment in value and isinstance(segment, str):
            return value[segment]
        for key, item in value.items():
            if not isinstance(key, str) and str(key) == str(segment):
                return item
        return value.get(str(segment), _MISSING)
    if isinstance(value, list) and isinstance(segment, int) and 0 <= segment < len(value):
        return value[segment]
    return _MISSING
