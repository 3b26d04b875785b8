"""Gradient checkpointing: recompute activations in the backward pass instead of keeping them.

Chen et al., "Training Deep Nets with Sublinear Memory Cost" (2016), as torch implements it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import checkpoint as torch_checkpoint


@dataclass(frozen=True)
class Recompute:
    """How: pieces that a stack of layers is cut into, and torch's two switches."""

    segments: int = 2
    use_reentrant: bool = True
    preserve_rng_state: bool = True

    def wrap(self, part: nn.Module) -> None:
        """Make every stack of layers inside a part recompute; its tensors keep their names."""
        for stack in part.modules():
            if isinstance(stack, nn.Sequential):
                stack.forward = self._recomputing(stack)  # type: ignore[method-assign]

    def _recomputing(self, stack: nn.Sequential) -> Callable[[Tensor], Tensor]:
        layers = list(stack)
        count = min(self.segments, len(layers))
        cuts = [len(layers) * at // count for at in range(count + 1)]
        pieces = [layers[cuts[at] : cuts[at + 1]] for at in range(count)]

        def forward(x: Tensor) -> Tensor:
            trains = any(one.requires_grad for one in stack.parameters()) or x.requires_grad
            if not (torch.is_grad_enabled() and trains):
                return _through(layers, x)
            if self.use_reentrant and not x.requires_grad:
                # The older implementation gives no gradients unless an input asks for one.
                x = x.detach().requires_grad_()
            for piece in pieces:
                x = self._piece(piece, x)
            return x

        return forward

    def _piece(self, piece: list[nn.Module], x: Tensor) -> Tensor:
        settings: dict[str, Any] = {"preserve_rng_state": self.preserve_rng_state}
        result: Tensor = torch_checkpoint.checkpoint(
            lambda value: _through(piece, value), x, use_reentrant=self.use_reentrant, **settings
        )
        return result


def _through(layers: list[nn.Module], x: Tensor) -> Tensor:
    for layer in layers:
        x = layer(x)
    return x
