"""What a model makes of a bundle: a sequence as wide as the model is."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from ..hd.binding import found
from .layers import HELD, Dense, in_parts

Expand = Literal["unbind", "broadcast", "none", "cleanup"]


class HdAdapter(nn.Module):
    """Bundles [B, hd] to [B, S, D].

    unbind: u_s W + b + position_s, u_s what key s finds. broadcast: x W + b + position_s, which
    memorises and does not generalise; none: x W + b as one position, both as the old code had
    them.

    Args:
        hd_dim: hd.
        width: D.
        length: S.
        expand: as above.
        bias: add b.
        position: add a learnt vector at each position, normal with deviation 0.02.

    Raises:
        ValueError: without positions, `broadcast` gives S times the same.
    """

    def __init__(
        self,
        hd_dim: int,
        width: int,
        length: int,
        *,
        expand: Expand = "unbind",
        bias: bool = True,
        position: bool = True,
    ) -> None:
        super().__init__()
        if expand == "broadcast" and not position:
            raise ValueError("broadcast without positions gives every position the same vector")
        self.expand = expand
        self.projection = Dense(hd_dim, width, bias=bias)
        self.position: nn.Embedding | None = None
        if position and expand != "none":
            self.position = nn.Embedding(length, width)
            nn.init.normal_(self.position.weight, std=0.02)

    def forward(self, bundle: Tensor, keys: Tensor) -> Tensor:
        """`keys`: those that the bundles were made with, [S, hd]; read by `unbind` only."""
        if self.expand == "unbind":
            rows = HELD // max(bundle.numel(), 1)
            parts = in_parts(lambda some: self.projection(found(bundle, some)), rows, keys)
            y = torch.cat(parts, 1)
        else:
            y = self.projection(bundle).unsqueeze(1)
        out: Tensor = y if self.position is None else y + self.position.weight
        return out


class HdCode(nn.Module):
    """Buffers of a checkpoint that bundles are read with: seed, position keys, base vectors."""

    def __init__(self, seed: int, keys: Tensor, base: Tensor | None = None) -> None:
        super().__init__()
        self.register_buffer("base_seed", torch.tensor(seed))
        self.register_buffer("position_keys", keys)
        if base is not None:
            self.register_buffer("base_vectors", base)
