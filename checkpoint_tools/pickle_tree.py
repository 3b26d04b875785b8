"""From the value of a pickle to named tensors and a JSON-able tree of everything else."""

from __future__ import annotations

from typing import Any, NamedTuple

from checkpoint_tools import limits
from checkpoint_tools.errors import Malformed, Unsafe
from checkpoint_tools.pickle_values import (
    Collection,
    DType,
    Leaf,
    NumpyDType,
    Ordered,
    Record,
    StorageRef,
    Tensor,
)
from checkpoint_tools.text import quote

Path = tuple[str | int, ...]
ROOT_NAME = "tensor"


class Found(NamedTuple):
    """A tensor, the keys that lead to it, and its name."""

    path: Path
    name: str
    tensor: Tensor


class Walk:
    """One walk over a parsed pickle.

    In `tree`, a mapping lacks its tensors and counts them under "$tensors"; in a list a tensor
    is {"$tensor": name}. Values that JSON lacks are mappings with one key that begins with "$".
    A container that is reached twice is written out twice, within a budget.
    """

    def __init__(self, value: object, file: str) -> None:
        self.file = file
        self.found: list[Found] = []
        self.renamed: list[str] = []
        self._names: set[str] = set()
        self._seen: set[int] = set()
        self._repeats = 0
        self._copies = 0
        self._text = 0
        tree = self._visit(value, ())
        if isinstance(value, Tensor):
            tree = {}
        self.tree: dict[str, Any] = tree if isinstance(tree, dict) else {"$value": tree}

    def _visit(self, value: Any, path: Path) -> Any:
        kind = type(value)
        if kind is str:
            if len(value) > limits.LONG_TEXT:
                self._spend(len(value))
            return value
        if kind in (int, float, bool) or value is None:
            return value
        if kind is Tensor:
            return {"$tensor": self._name(path, value)}
        if kind is dict or kind is Ordered:
            return self._mapping(value, path)
        if kind is list or kind is tuple:
            self._enter(value, path)
            return [self._visit(item, (*path, index)) for index, item in enumerate(value)]
        if kind is Record:
            fields = self._mapping(value.fields, path)
            return {"$type": value.type, **fields}
        return self._other(value)

    def _other(self, value: Any) -> Any:
        if isinstance(value, Leaf):
            return value.json
        if isinstance(value, DType):
            return {"$dtype": value.name}
        if isinstance(value, NumpyDType):
            return {"$dtype": f"numpy.{value.code}"}
        if isinstance(value, bytes):
            shown = value[:64].hex()
            return {"$bytes": shown if len(value) <= 64 else f"{shown}... ({len(value)} bytes)"}
        if isinstance(value, Collection):
            return {f"${value.kind}": [self._visit(item, ()) for item in value.items]}
        if isinstance(value, StorageRef):
            return {"$storage": value.key}
        name = getattr(value, "name", None)
        return {"$name": name if isinstance(name, str) else type(value).__name__}

    def _mapping(self, value: dict[Any, Any], path: Path) -> dict[str, Any]:
        self._enter(value, path)
        tree: dict[str, Any] = {}
        tensors = 0
        for key, item in value.items():
            if (type(key) is str or type(key) is bytes) and len(key) > limits.MAX_NAME:
                raise Malformed(f"a key has {len(key)} characters", file=self.file)
            step = key if type(key) is int or type(key) is str else str(key)
            if type(item) is Tensor:
                self._name((*path, step), item)
                tensors += 1
                continue
            text = str(key)
            if text in tree:
                text = f"{text} ({type(key).__name__})"
            tree[text] = self._visit(item, (*path, step))
        if tensors:
            tree["$tensors"] = tensors
        return tree

    def _name(self, path: Path, tensor: Tensor) -> str:
        if len(self.found) >= limits.MAX_TENSORS:
            raise Unsafe(f"holds over {limits.MAX_TENSORS} tensors", file=self.file)
        name = ".".join(map(str, path)) if path else ROOT_NAME
        if len(name) > limits.MAX_NAME:
            raise Malformed(f"a tensor's name has {len(name)} characters", file=self.file)
        dotted = name
        while name in self._names:
            # {"a": {"b.c": x}, "a.b": {"c": y}}: one dotted name for two tensors.
            quoted = ".".join(f'"{part}"' for part in path)
            name = quoted if name == dotted else f"{quoted}#{self._copies}"
            self._copies += 1
        if name != dotted:
            self.renamed.append(name)
        self._names.add(name)
        self.found.append(Found(path, name, tensor))
        return name

    def _spend(self, characters: int) -> None:
        self._text += characters
        if self._text > limits.MAX_TEXT:
            raise Unsafe("the pickle repeats a long text over and over", file=self.file)

    def _enter(self, value: Any, path: Path) -> None:
        """Bound the depth, and what shared containers multiply to."""
        if id(value) in self._seen:
            self._repeats += 1
            if self._repeats > limits.MAX_REPEATS:
                raise Unsafe("the pickle refers to itself over and over", file=self.file)
        elif len(value):
            self._seen.add(id(value))
        if len(path) > limits.MAX_DEPTH:
            raise Unsafe(
                f"values are nested deeper than {limits.MAX_DEPTH} levels, at"
                f" {quote('.'.join(map(str, path[:4])))}",
                file=self.file,
            )
