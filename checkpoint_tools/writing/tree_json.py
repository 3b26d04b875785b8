"""The object around the tensors as text, so that formats that hold only texts can keep it."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

from checkpoint_tools.dtypes import DTYPES
from checkpoint_tools.errors import Malformed
from checkpoint_tools.pickle_values import (
    Collection,
    DType,
    Global,
    Leaf,
    NumpyDType,
    Ordered,
    Record,
    is_key,
)
from checkpoint_tools.strict_json import read_json


class TensorAt:
    """Stands for the tensor of that name."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"TensorAt({self.name!r})"

    def __eq__(self, other: object) -> bool:
        return type(other) is TensorAt and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)


def write_tree(tree: object) -> str:
    """A tree as JSON; what JSON lacks is a mapping with one key that begins with "$"."""
    return json.dumps(_to_json(tree), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def read_tree(text: str, file: str) -> object:
    """The tree that `write_tree` wrote.

    Raises:
        Malformed: it did not write this.
    """
    try:
        return _from_json(read_json(text.encode("utf-8", "surrogatepass"), file))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise Malformed("its tree of values cannot be read", file=file) from error


def _to_json(value: Any) -> Any:
    kind = type(value)
    if value is None or kind in (bool, str):
        return value
    if kind is int:
        return value if -(1 << 53) <= value <= 1 << 53 else {"$int": str(value)}
    if kind is float:
        # A float without a fraction must not come back as a whole number.
        return value if math.isfinite(value) else {"$float": repr(value)}
    if kind is TensorAt:
        return {"$tensor": value.name}
    if isinstance(value, dict):
        return _mapping_to_json(value)
    if kind in (list, tuple):
        items = [_to_json(item) for item in value]
        return items if kind is list else {"$tuple": items}
    if kind is bytes:
        return {"$bytes": base64.b64encode(value).decode()}
    if kind is Leaf:
        return {"$leaf": value.json}
    if kind is DType:
        return {"$dtype": value.name}
    if kind is NumpyDType:
        return {"$numpy": [value.code, value.order]}
    if kind is Collection:
        return {"$collection": [value.kind, [_to_json(item) for item in value.items]]}
    if kind is Record:
        return {"$record": [value.type, _to_json(value.fields)]}
    if kind is Global:
        return {"$name": value.name}
    raise TypeError(f"a {kind.__name__} has no place in a tree")


def _mapping_to_json(value: dict[Any, Any]) -> Any:
    plain = all(type(key) is str and not key.startswith("$") for key in value)
    if type(value) is dict and plain:
        return {key: _to_json(item) for key, item in value.items()}
    pairs = [[_to_json(key), _to_json(item)] for key, item in value.items()]
    if type(value) is Ordered:
        return {"$state": [pairs, _to_json(value.extra)]} if value.extra else {"$ordered": pairs}
    return {"$dict": pairs}


def _from_json(value: Any) -> Any:
    if isinstance(value, list):
        return [_from_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((key, content),) = value.items()
        if key.startswith("$"):
            return _special(key, content)
    return {key: _from_json(item) for key, item in value.items()}


def _special(key: str, content: Any) -> Any:
    match key:
        case "$tensor":
            return TensorAt(_text(content))
        case "$int":
            return int(_text(content))
        case "$float":
            return float(_text(content))
        case "$tuple":
            return tuple(_from_json(item) for item in content)
        case "$bytes":
            return base64.b64decode(content, validate=True)
        case "$leaf":
            return _leaf(content)
        case "$dtype":
            if content not in DTYPES:
                raise ValueError(content)
            return DType(content)
        case "$numpy":
            made = NumpyDType(_text(content[0]))
            made.order = _text(content[1])
            return made
        case "$collection":
            return Collection(_text(content[0]), [_from_json(item) for item in content[1]])
        case "$record":
            record = Record(_text(content[0]))
            record.fields = dict(_from_json(content[1]))
            return record
        case "$name":
            return Global(_text(content))
        case "$dict":
            return dict(_pairs(content))
        case "$ordered":
            return Ordered(_pairs(content))
        case "$state":
            state = Ordered(_pairs(content[0]))
            state.extra = _from_json(content[1])
            return state
    raise ValueError(key)


def _leaf(content: Any) -> Leaf:
    ((kind, value),) = content.items()
    if kind in ("$device", "$layout", "$path"):
        _text(value)
    elif kind == "$complex":
        complex(*map(float, value))
    return Leaf(content)


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError("text is expected")
    return value


def _pairs(content: Any) -> list[tuple[Any, Any]]:
    pairs = [(_from_json(key), _from_json(item)) for key, item in content]
    if not all(is_key(key) for key, _ in pairs):
        raise TypeError("a key that is none")
    return pairs
