"""Training state as tensors and one JSON text, and back: no pickle, every bit kept.

Optimizers, samplers and controllers give trees of dicts, lists, numbers and tensors. Tensors
get a number and go into a safetensors file; all else becomes JSON, which keeps floats exactly.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from .flow import Stop

_TENSOR, _PAIRS, _TUPLE = "$tensor", "$pairs", "$tuple"


def pack(tree: Any) -> tuple[dict[str, Tensor], str]:
    """The tensors of a tree by number, and the rest of it as JSON.

    Raises:
        TypeError: the tree holds something that is neither plain data nor a tensor.
    """
    tensors: dict[str, Tensor] = {}
    return tensors, json.dumps(_plain(tree, tensors), separators=(",", ":"))


def _plain(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, Tensor):
        name = f"{len(tensors):05d}"
        tensors[name] = value.detach()
        return {_TENSOR: name}
    if isinstance(value, Mapping):
        if all(isinstance(key, str) and not key.startswith("$") for key in value):
            return {key: _plain(item, tensors) for key, item in value.items()}
        # JSON has texts as keys only; optimizers count their parameters.
        pairs = [[_plain(key, tensors), _plain(item, tensors)] for key, item in value.items()]
        return {_PAIRS: pairs}
    if isinstance(value, tuple):
        return {_TUPLE: [_plain(item, tensors) for item in value]}
    if isinstance(value, list):
        return [_plain(item, tensors) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a training state cannot hold a {type(value).__name__}")


def unpack(tensors: Mapping[str, Tensor], text: str) -> Any:
    """The tree that `pack` took apart."""
    return _whole(json.loads(text), tensors)


def _whole(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_whole(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if _TENSOR in value:
        return tensors[value[_TENSOR]]
    if _TUPLE in value:
        return tuple(_whole(item, tensors) for item in value[_TUPLE])
    if _PAIRS in value:
        return {_whole(key, tensors): _whole(item, tensors) for key, item in value[_PAIRS]}
    return {key: _whole(item, tensors) for key, item in value.items()}


def same_run(state: Mapping[str, Any], config: Mapping[str, Any], seed: int) -> None:
    """Make sure that a run continues as what it was.

    Args:
        state: what the stopped run wrote, with its config and its seed.
        config: that of now, as plain data.
        seed: that of now.

    Raises:
        Stop: one of them is another.
    """
    path = difference(config, state["config"])
    if path is not None:
        raise Stop(f"the stopped run had another config: {path} differs", 3)
    if state["seed"] != seed:
        raise Stop(f"the stopped run had the seed {state['seed']}, not {seed}", 3)


def difference(first: Any, second: Any, path: str = "") -> str | None:
    """The first path at which two trees of plain data differ, if any."""
    if isinstance(first, dict) and isinstance(second, dict):
        for key in dict.fromkeys([*first, *second]):
            below = f"{path}.{key}" if path else key
            if key not in first or key not in second:
                return below
            found = difference(first[key], second[key], below)
            if found is not None:
                return found
        return None
    return None if first == second else path
