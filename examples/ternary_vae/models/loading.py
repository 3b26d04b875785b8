"""A checkpoint's model: its tensors, read without running the file, and the module they fit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from cfgmig.schema.solving import Match, identify
from cfgmig.schema.wrappers import strip
from cfgmig.states import model_state
from checkpoint_tools import open_checkpoint

from .building import AnyModel, build_from

if TYPE_CHECKING:
    from checkpoint_tools import Checkpoint


class Loaded(NamedTuple):
    """A model in evaluation mode, what its tensors were taken for, and the rest of the file."""

    model: AnyModel
    match: Match
    metadata: Mapping[str, Any]


def tensor(checkpoint: Checkpoint, name: str) -> Tensor:
    """A tensor of an open checkpoint, copied into memory."""
    ref = checkpoint.tensors[name]
    data = bytearray(checkpoint.read(name))
    kind = getattr(torch, ref.dtype)
    if not data:
        return torch.empty(ref.shape, dtype=kind)
    return torch.frombuffer(data, dtype=kind).reshape(ref.shape)


def read_state(path: str | Path) -> tuple[dict[str, Tensor], Mapping[str, Any]]:
    """A model's tensors by the names they have in their state dict, and the file's metadata.

    Raises:
        checkpoint_tools.errors.CheckpointError: the file is unreadable, malformed or unsafe.
        ValueError: it holds no model.
    """
    with open_checkpoint(path) as checkpoint:
        state = model_state(checkpoint)
        if state is None:
            raise ValueError(f"{path} holds no model")
        tensors = {inner: tensor(checkpoint, name) for inner, name in state.names.items()}
        return tensors, checkpoint.metadata


def load(path: str | Path, settings: Mapping[str, Any] | None = None) -> Loaded:
    """Build the model that a checkpoint's tensors show, and load all of them.

    Args:
        path: a file of any format and generation.
        settings: as in `build_from`.

    Raises:
        checkpoint_tools.errors.CheckpointError: the file is unreadable, malformed or unsafe.
        ValueError: it holds no model of this family, or tensors that fit no generation exactly.
    """
    from schemas.ternary_vae.layouts import layouts

    tensors, metadata = read_state(path)
    shapes = {name: tuple(value.shape) for name, value in tensors.items()}
    match = identify(layouts.layouts, shapes).best
    if match is None or not match.exact:
        said = match.evidence[0] if match else "no tensor is known"
        raise ValueError(f"{path} holds no whole model of this family: {said}")
    model = build_from(match.layout.name, match.facts, match.dimensions, settings)
    named = {strip(name, match.stripped): value for name, value in tensors.items()}
    model.load_state_dict(named, strict=True)
    return Loaded(model.eval(), match, metadata)
