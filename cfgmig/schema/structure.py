"""Which versions of a family know a file's keys: one trie for all of them.

A set of versions is an integer, bit `i` standing for the i-th declared version, so one
walk over a file judges every version at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cfgmig.schema.cache import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cfgmig.paths import Path
    from cfgmig.schema.family import Family
    from cfgmig.schema.fields import Field

_STRUCTURED = ("section", "list[", "dict[", "tuple[", "set[", "null")
_FILE = "structure"
_loaded: dict[tuple[str, str], Structure] = {}


class Node:
    """One path in the trie; each mask is a set of versions.

    `scalar` are those that take a plain value here, not only a section or a list.
    """

    __slots__ = ("children", "known", "open", "required", "scalar")

    def __init__(
        self, known: int = 0, scalar: int = 0, is_open: int = 0, required: int = 0
    ) -> None:
        self.known = known
        self.scalar = scalar
        self.open = is_open
        self.required = required
        self.children: dict[str, Node] = {}

    def to_json(self) -> list[Any]:
        """As a nested list."""
        below = {key: child.to_json() for key, child in self.children.items()}
        return [self.known, self.scalar, self.open, self.required, below]

    @classmethod
    def from_json(cls, row: list[Any]) -> Node:
        """The inverse of `to_json`."""
        *masks, below = row
        node = cls(*masks)
        node.children = {key: cls.from_json(child) for key, child in below.items()}
        return node


class Shape(NamedTuple):
    """A file's keys against all versions.

    Args:
        leaves: every leaf path, with the versions that know it.
        missing: every absent required path, with the versions that require it.
    """

    leaves: list[tuple[Path, int]]
    missing: list[tuple[Path, int]]

    def unknown_to(self, bit: int) -> list[Path]:
        """The leaves that a version does not know."""
        return [path for path, mask in self.leaves if not mask >> bit & 1]

    def missing_for(self, bit: int) -> list[Path]:
        """The keys that a version requires and the file lacks."""
        return [path for path, mask in self.missing if mask >> bit & 1]


class Structure(NamedTuple):
    """The trie of a family, the number of leaves of each version, and which are of lists."""

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    root: Node
    lists: int = 0

    def shape(self, data: Any, ignore: str = "") -> Shape:
        """Judge a file's data; the top-level key `ignore` (the stamp) does not count.

        A version of lists knows nothing of a mapping, nor another one of a list.
        """
        shape = Shape([], [])
        if isinstance(data, dict):
            data = {key: value for key, value in data.items() if key != ignore}
            self._mapping(data, [self.root], 0, (), shape)
        elif isinstance(data, list):
            self._items(data, [self.root], 0, (), shape)
        others = ~self.lists if isinstance(data, list) else self.lists
        if not others:
            return shape
        return Shape(*([(path, mask & ~others) for path, mask in part] for part in shape))

    def _mapping(
        self, data: dict[Any, Any], nodes: list[Node], opened: int, path: Path, shape: Shape
    ) -> None:
        for key, value in data.items():
            name = str(key)
            below = [node.children[name] for node in nodes if name in node.children]
            below += [node.children["*"] for node in nodes if "*" in node.children]
            self._value(value, below, opened, (*path, name), shape)
        keys = {str(key) for key in data}
        for node in nodes:
            for name, child in node.children.items():
                if child.required and name not in keys:
                    shape.missing.append(((*path, name), child.required))

    def _value(self, value: Any, nodes: list[Node], opened: int, path: Path, shape: Shape) -> None:
        known = is_open = opened
        is_plain = not isinstance(value, dict | list) and value is not None
        for node in nodes:
            known |= node.scalar if is_plain else node.known
            is_open |= node.open
        if isinstance(value, dict) and value:
            self._mapping(value, nodes, is_open, path, shape)
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            self._items(value, nodes, is_open, path, shape)
        else:
            shape.leaves.append((path, known | is_open))

    def _items(
        self, data: list[Any], nodes: list[Node], opened: int, path: Path, shape: Shape
    ) -> None:
        below = [node.children["*"] for node in nodes if "*" in node.children]
        for index, item in enumerate(data):
            self._value(item, below, opened, (*path, index), shape)


def structure(family: Family) -> Structure:
    """The structure of all versions of a family, cached like the versions themselves."""
    store = Store(family)
    memo = (family.package, str(store.folder))
    found = _loaded.get(memo)
    if found is None or found.names != family.names:
        found = _load(family, store)
        _loaded[memo] = found
    return found


def _load(family: Family, store: Store) -> Structure:
    kept = store.read(_FILE)
    if kept is not None and kept["names"] == list(family.names):
        root = Node.from_json(kept["root"])
        return Structure(family.names, tuple(kept["sizes"]), root, kept["lists"])
    from cfgmig.schema.compile import compiled

    versions = [compiled(family, name) for name in family.names]
    tables = [version.fields for version in versions]
    lists = sum(1 << bit for bit, version in enumerate(versions) if version.is_list)
    root = Node()
    for bit, table in enumerate(tables):
        _add(root, table, 1 << bit)
    sizes = [sum(field.kind == "leaf" for field in table.values()) for table in tables]
    kept = {"names": list(family.names), "sizes": sizes, "root": root.to_json(), "lists": lists}
    store.write(_FILE, kept)
    return Structure(family.names, tuple(sizes), root, lists)


def _add(root: Node, table: Mapping[str, Field], mask: int) -> None:
    from cfgmig.paths import parse_path

    for path, entry in table.items():
        node = root
        for segment in parse_path(path):
            node = node.children.setdefault(str(segment), Node())
        node.known |= mask
        if entry.kind == "open":
            node.open |= mask
        if entry.kind in ("leaf", "open") or not _only_structured(entry.type):
            node.scalar |= mask
        if entry.required:
            node.required |= mask


def _only_structured(type_: str) -> bool:
    return all(part.startswith(_STRUCTURED) for part in type_.split(" | "))
