"""Expressions carried out by numpy, independently of the code that streams them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cfgmig.migration.on_weights import StateDict
from checkpoint_tools.plan import (
    Compute,
    Concat,
    Init,
    Pad,
    Permute,
    Repeat,
    Reshape,
    Slice,
    Take,
    Type,
)

Arrays = Mapping[str, Any]


def numbered(**shapes: tuple[int, ...]) -> dict[str, Any]:
    """Arrays of float32 in which no number occurs twice; `__` in a name stands for a dot."""
    made: dict[str, Any] = {}
    begin = 0
    for name, shape in shapes.items():
        size = int(np.prod(shape))
        values = np.arange(begin, begin + size, dtype=np.float32)
        made[name.replace("__", ".")] = values.reshape(shape)
        begin += size
    return made


def state_of(arrays: Arrays, kept: Arrays | None = None) -> StateDict:
    """A state dict whose tensors are those arrays; `kept` lies beside it."""
    whole = {**arrays, **{f"stash:{key}": value for key, value in (kept or {}).items()}}
    types = {name: Type(str(one.dtype), one.shape) for name, one in whole.items()}
    tensors = {name: Take(name) for name in arrays}
    return StateDict(types, tensors, {key: Take(f"stash:{key}") for key in kept or {}})


def computed(state: StateDict, arrays: Arrays) -> dict[str, Any]:
    """The tensors that a state dict has become."""
    return {name: value_of(expr, arrays) for name, expr in state.tensors.items()}


def kept(state: StateDict, arrays: Arrays) -> dict[str, Any]:
    """What lies beside it."""
    return {key: value_of(expr, arrays) for key, expr in state.kept.items()}


def value_of(expr: Any, arrays: Arrays) -> Any:
    match expr:
        case Take(name):
            return arrays[name]
        case Slice(of, dim, start, stop):
            return np.take(value_of(of, arrays), np.arange(start, stop), axis=dim)
        case Concat(parts, dim):
            return np.concatenate([value_of(part, arrays) for part in parts], axis=dim)
        case Permute(of, dims):
            return np.transpose(value_of(of, arrays), dims)
        case Reshape(of, shape):
            return value_of(of, arrays).reshape(shape)
        case Repeat(of, times, dim):
            return np.concatenate([value_of(of, arrays)] * times, axis=dim)
        case Pad(of, dim, before, after, value):
            inner = value_of(of, arrays)
            width = [(0, 0)] * inner.ndim
            width[dim] = (before, after)
            return np.pad(inner, width, constant_values=value)
        case Init(dtype, shape, "zeros" | "constant", value):
            return np.full(shape, value, dtype)
        case Compute(_, function, inputs):
            return function(*(value_of(one, arrays) for one in inputs))
    raise AssertionError(expr)


def same(one: Arrays, other: Arrays) -> bool:
    """Whether both have the same tensors, bit by bit, in the same order."""
    return list(one) == list(other) and all(
        (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
        for a, b in zip(one.values(), other.values(), strict=True)
    )
