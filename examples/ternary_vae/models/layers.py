"""Stacks of dense layers; every net of every generation is one of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import nn


def stack(
    widths: Sequence[int],
    activation: type[nn.Module] = nn.ReLU,
    *,
    norm: bool = False,
    dropout: float | None = None,
) -> list[nn.Module]:
    """Linear, [LayerNorm], activation, [Dropout] for each step from one width to the next.

    A dropout of 0.0 is a layer that takes a number, None is none: old checkpoints number their
    tensors by the layers that there were.
    """
    layers: list[nn.Module] = []
    for into, out in pairwise(widths):
        layers.append(nn.Linear(into, out))
        if norm:
            layers.append(nn.LayerNorm(out))
        layers.append(activation())
        if dropout is not None:
            layers.append(nn.Dropout(dropout))
    return layers
