"""Mixed precision: the forward pass in half precision, the loss and the weights in float32.

Micikevicius et al., "Mixed Precision Training" (ICLR 2018); loss scaling is for float16 alone,
bfloat16 has the exponents of float32.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer


class Precision:
    """Autocast and loss scaling, or neither.

    Args:
        device: where the model is.
        dtype: `float16` or `bfloat16`; None for float32 throughout.
        scaling: settings of `torch.amp.GradScaler`.
    """

    def __init__(
        self, device: torch.device, dtype: str | None, scaling: dict[str, Any] | None = None
    ) -> None:
        self.device = device
        self.dtype: torch.dtype | None = getattr(torch, dtype) if dtype else None
        scales = self.dtype is torch.float16
        self.scaler = torch.amp.GradScaler(device.type, enabled=scales, **(scaling or {}))

    def autocast(self) -> torch.autocast:
        """The context of a forward pass."""
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype is not None)

    def backward(self, loss: Tensor) -> None:
        """Gradients of the loss, scaled if the type needs it."""
        self.scaler.scale(loss).backward()

    def step(self, optimizer: Optimizer, parameters: list[nn.Parameter], most: float) -> float:
        """Unscale, clip to the norm `most`, and step; returns the norm before clipping.

        A step whose gradients overflowed is left out, and the scale falls.
        """
        self.scaler.unscale_(optimizer)
        norm = float(nn.utils.clip_grad_norm_(parameters, most))
        self.scaler.step(optimizer)
        self.scaler.update()
        return norm

    def state_dict(self) -> dict[str, Any]:
        """The scale and its counters; empty without scaling."""
        state: dict[str, Any] = self.scaler.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from `state_dict`."""
        if state:
            self.scaler.load_state_dict(state)
