"""The whole model. Shapes: B sequences, S positions, D model width, V ids, hd of a bundle."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from ..hd.binding import clean_up
from .adapter import HdAdapter, HdCode
from .layers import QuantumNorm

if TYPE_CHECKING:
    from .building import Architecture

EPSILON = 1e-6


class Residual(nn.Module):
    """A block beside an identity: cos(angle) x + sin(angle) block(norm(x)), angle at pi/4."""

    def __init__(self, body: nn.Module, width: int) -> None:
        super().__init__()
        self.norm = QuantumNorm(width)
        self.angle = nn.Parameter(torch.tensor(math.pi / 4))
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        """[B, S, D] to [B, S, D]."""
        out: Tensor = self.angle.cos() * x + self.angle.sin() * self.body(self.norm(x))
        return out


class Hsmn(nn.Module):
    """Bundles, or ids, to logits of every position.

    Args:
        architecture: the settings; `building.build` makes model and parts of them.
        blocks: the stack.
        head: D to V.
        embed: ids to D; None where bundles come in and no clean-up reads ids.
        adapter: bundles to D; None where ids come in, or are cleaned up.
        code: what bundles are read with; None where ids come in.
    """

    def __init__(
        self,
        architecture: Architecture,
        blocks: list[nn.Module],
        head: nn.Module,
        *,
        embed: nn.Module | None = None,
        adapter: HdAdapter | None = None,
        code: HdCode | None = None,
    ) -> None:
        super().__init__()
        width = architecture.hidden_dim
        self.architecture = architecture
        self.embed, self.adapter, self.hd = embed, adapter, code
        self.embed_norm = nn.LayerNorm(width, eps=EPSILON)
        self.blocks = nn.ModuleList(Residual(body, width) for body in blocks)
        self.out_norm = nn.LayerNorm(width, eps=EPSILON)
        self.head = head

    @property
    def takes_bundles(self) -> bool:
        """Whether it is fed bundles rather than ids."""
        return self.hd is not None

    def forward(self, x: Tensor) -> Tensor:
        """Logits [B, S, V] of bundles float32 [B, hd] or ids [B, S].

        Raises:
            ValueError: the input is of the other kind, or not as wide as the keys.
        """
        logits: Tensor = self.head(self.hidden(x))
        return logits

    def hidden(self, x: Tensor) -> Tensor:
        """The vectors [B, S, D] that the head reads; raises as `forward` does."""
        h = self.embed_norm(self._entered(x))
        for block in self.blocks:
            h = block(h)
        out: Tensor = self.out_norm(h)
        return out

    def vocabulary(self) -> Tensor:
        """A vector for every id, [V, D]: the rows of a plain table, else the dense head's columns.

        Raises:
            ValueError: the model has neither.
        """
        rows = getattr(getattr(self.embed, "token", None), "weight", None)
        if rows is not None and len(rows) == self.architecture.vocab_size:
            return cast(Tensor, rows)
        dense = getattr(self.head, "dense", None)
        if dense is None:
            raise ValueError("the model has no vector for every id: no plain table, no dense head")
        return cast(Tensor, dense.weight.T)

    def _entered(self, x: Tensor) -> Tensor:
        if self.hd is None:
            if x.dim() != 2 or x.is_floating_point() or x.is_complex():
                raise ValueError(f"ids are integers [batch, length]; got {_kind(x)}")
            assert self.embed is not None
            return cast(Tensor, self.embed(x))
        keys = cast(Tensor, self.hd.position_keys)
        if x.dim() != 2 or x.dtype != torch.float32 or x.shape[1] != keys.shape[1]:
            raise ValueError(f"bundles are float32 [batch, {keys.shape[1]}]; got {_kind(x)}")
        if self.adapter is not None:
            return cast(Tensor, self.adapter(x, keys))
        assert self.embed is not None
        ids = clean_up(x, keys, cast(Tensor, self.hd.base_vectors))
        return cast(Tensor, self.embed(ids))


def _kind(x: Tensor) -> str:
    return f"{str(x.dtype).removeprefix('torch.')} {list(x.shape)}"
