"""The object around the tensors: a state dict, or a dict of state dicts, epochs and settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from checkpoint_tools.formats.protocol import TREE_KEY
from checkpoint_tools.pickle_values import Collection, Ordered, Record, StorageRef, Tensor
from checkpoint_tools.plan.errors import PlanError
from checkpoint_tools.plan.expressions import Expr, takes
from checkpoint_tools.text import quote
from checkpoint_tools.writing.tree_json import TensorAt, read_tree

if TYPE_CHECKING:
    from checkpoint_tools.formats.protocol import Checkpoint

Path = tuple[str | int, ...]
__all__ = ["TREE_KEY", "TensorAt", "is_flat", "names_in", "placed", "tree_of"]


def tree_of(checkpoint: Checkpoint) -> object:
    """The object that a checkpoint is, with `TensorAt` where tensors are.

    Files without one, such as safetensors, are a mapping of their tensors; unless they tell the
    tree of the file that they were made from.
    """
    if checkpoint.skeleton is not None:
        names = {ref.path: name for name, ref in checkpoint.tensors.items()}
        return _named(checkpoint.skeleton, (), names)
    text = checkpoint.metadata.get(TREE_KEY)
    if isinstance(text, str):
        return read_tree(text, checkpoint.name)
    return {name: TensorAt(name) for name in checkpoint.tensors}


def is_flat(tree: object) -> bool:
    """Whether it is nothing but a mapping of tensors under their own names."""
    if type(tree) is Ordered and tree.extra:
        return False
    return isinstance(tree, dict) and all(
        type(value) is TensorAt and value.name == key for key, value in tree.items()
    )


def names_in(tree: object) -> Iterator[str]:
    """The names of all tensors in a tree."""
    if type(tree) is TensorAt:
        yield tree.name
    elif isinstance(tree, dict):
        for value in tree.values():
            yield from names_in(value)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from names_in(value)
    elif isinstance(tree, Record):
        yield from names_in(tree.fields)


def _named(value: Any, path: Path, names: Mapping[Path, str]) -> object:
    if type(value) is Tensor:
        return TensorAt(names[path])
    if isinstance(value, dict):
        made: dict[Any, Any] = Ordered() if type(value) is Ordered else {}
        for key, item in value.items():
            step = key if type(key) in (int, str) else str(key)
            made[key] = _named(item, (*path, step), names)
        if type(value) is Ordered and isinstance(made, Ordered):
            made.extra = value.extra
        return made
    if type(value) in (list, tuple):
        items = [_named(item, (*path, index), names) for index, item in enumerate(value)]
        return items if type(value) is list else tuple(items)
    if isinstance(value, Record):
        record = Record(value.type)
        fields = _named(value.fields, path, names)
        record.fields = fields if isinstance(fields, dict) else {}
        return record
    if isinstance(value, StorageRef):
        raise PlanError("holds a bare storage, which is no tensor")
    if isinstance(value, Collection) and any(isinstance(item, Tensor) for item in value.items):
        raise PlanError("holds tensors in a set")
    return value


def placed(tree: object, outputs: Mapping[str, Expr]) -> object:
    """The tree of a source with the tensors of a target.

    A tensor that keeps its name keeps its place. A new one goes to the mapping with the longest
    dotted path that begins its name, next to the tensor it is made of if that is there too. What
    is gone leaves None in lists.

    Raises:
        PlanError: there is no place for a tensor.
    """
    old = set(names_in(tree))
    if type(tree) is TensorAt:
        return tree if set(outputs) == old else {name: TensorAt(name) for name in outputs}
    mappings: dict[str, Path] = {}
    _find_mappings(tree, (), mappings)
    fresh: dict[Path, dict[str, str]] = {}
    for name in outputs:
        if name not in old:
            path = _home(name, mappings)
            prefix = "".join(f"{step}." for step in path)
            fresh.setdefault(path, {})[name] = name.removeprefix(prefix)
    return _Placing(outputs, fresh).node(tree, ())


def _find_mappings(tree: object, path: Path, found: dict[str, Path]) -> None:
    if isinstance(tree, dict):
        found.setdefault(".".join(map(str, path)), path)
        for key, value in tree.items():
            _find_mappings(value, (*path, key if type(key) in (int, str) else str(key)), found)


def _home(name: str, mappings: Mapping[str, Path]) -> Path:
    prefix = name
    while prefix:
        prefix = prefix.rpartition(".")[0]
        if prefix in mappings:
            return mappings[prefix]
    raise PlanError(f"the checkpoint has no mapping that could hold {quote(name)}")


class _Placing:
    """Rebuilds a tree; `fresh` gives the new tensors of each mapping with their keys."""

    def __init__(self, outputs: Mapping[str, Expr], fresh: dict[Path, dict[str, str]]) -> None:
        self.outputs = outputs
        self.fresh = fresh
        self.made_of: dict[str, list[str]] = {}
        for name, expr in outputs.items():
            for origin in takes(expr)[:1]:
                self.made_of.setdefault(origin, []).append(name)

    def node(self, tree: Any, path: Path) -> object:
        """A part of the tree with the tensors of the target."""
        if type(tree) is TensorAt:
            return tree if tree.name in self.outputs else None
        if isinstance(tree, dict):
            return self._mapping(tree, path)
        if type(tree) in (list, tuple):
            items = [self.node(item, (*path, index)) for index, item in enumerate(tree)]
            return items if type(tree) is list else tuple(items)
        if isinstance(tree, Record):
            record = Record(tree.type)
            record.fields = self._mapping(tree.fields, path)
            return record
        return tree

    def _mapping(self, tree: dict[Any, Any], path: Path) -> dict[Any, Any]:
        made: dict[Any, Any] = Ordered() if type(tree) is Ordered else {}
        waiting = dict(self.fresh.get(path, {}))
        for key, value in tree.items():
            if type(value) is not TensorAt:
                step = key if type(key) in (int, str) else str(key)
                made[key] = self.node(value, (*path, step))
                continue
            if value.name in self.outputs:
                made[key] = value
            for name in self.made_of.get(value.name, ()):
                if name in waiting:
                    self._add(made, tree, waiting.pop(name), name)
        for name, key in waiting.items():
            self._add(made, tree, key, name)
        if type(tree) is Ordered and isinstance(made, Ordered):
            made.extra = tree.extra
        return made

    def _add(self, made: dict[Any, Any], tree: dict[Any, Any], key: str, name: str) -> None:
        if key in made or (key in tree and type(tree[key]) is not TensorAt):
            raise PlanError(f"the place of {quote(name)} is taken")
        made[key] = TensorAt(name)
