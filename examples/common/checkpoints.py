"""Checkpoints of trainers: safetensors files, written whole or not at all.

A model's file holds its tensors by the names of its state dict, and beside them, each as a
JSON text, the config, the version, the metrics and where it came from. A resume file holds
everything that a run needs to continue as if it had never stopped.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .flow import Stop
from .state_tree import pack, unpack

_CODES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.bfloat16: "BF16",
    torch.float16: "F16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
_TREE = "state"


def to_bytes(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """A safetensors file; the same content always gives the same bytes.

    The layout is that of the format's description: a header of JSON with 8 bytes of length
    before it, then the tensors without gaps, wide types first so that all are aligned. The
    reference library writes metadata in random order, so two equal runs would differ.

    Raises:
        KeyError: a tensor has a type that trainers do not write.
    """
    ordered = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))}
    pieces: list[bytes] = []
    at = 0
    for name in ordered:
        value = tensors[name].detach().cpu().contiguous()
        data = value.reshape(-1).view(torch.uint8).numpy().tobytes() if value.numel() else b""
        header[name] = {
            "dtype": _CODES[value.dtype],
            "shape": list(value.shape),
            "data_offsets": [at, at + len(data)],
        }
        pieces.append(data)
        at += len(data)
    head = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    head += b" " * (-len(head) % 8)
    return b"".join([len(head).to_bytes(8, "little"), head, *pieces])


def write_bytes(path: Path, content: bytes) -> None:
    """Replace a file in one step: at any moment it is the old one or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
    """Write a model's checkpoint; values of the metadata that are no texts become JSON."""
    texts = {
        key: value if isinstance(value, str) else json.dumps(value, sort_keys=True)
        for key, value in metadata.items()
    }
    write_bytes(path, to_bytes(tensors, texts))


def save_state(path: Path, tree: Any) -> None:
    """Write everything that a run needs to continue.

    Raises:
        TypeError: the tree holds something that is neither plain data nor a tensor.
    """
    tensors, text = pack(tree)
    write_bytes(path, to_bytes(tensors, {_TREE: text}))


def load_state(path: Path) -> Any:
    """What `save_state` wrote, tensors on the CPU.

    Raises:
        OSError: there is no such file.
        ValueError: it is no state of a run.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            text = (file.metadata() or {}).get(_TREE)
            if text is None:
                raise ValueError(f"{path} is no state of a run")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{path} is no state of a run: {error}") from error
    return unpack(tensors, text)


def stopped(path: Path) -> dict[str, Any]:
    """The state that a stopped run left behind.

    Raises:
        Stop: there is none, or it is malformed.
    """
    try:
        state: dict[str, Any] = load_state(path)
    except OSError as error:
        raise Stop(f"nothing to resume: {path} cannot be read", 2) from error
    except ValueError as error:
        raise Stop(str(error), 3) from error
    return state
