"""The Hamiltonian block: a symplectic recurrence that each position drives."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from .layers import Dense
from .leapfrog import Energy, leapfrog

STEP = 0.02
"""Time of one position; the cap of the old block's evolution time."""


class TimeCrystalBlock(nn.Module):
    """Leapfrog (Stoermer-Verlet) steps of a learnt energy H(q, p, x), q and p of D / 2.

    H = w3 tanh(W2 tanh(W1 [q, p, x] + b1) + b2) + b3, a Hamiltonian network (Greydanus et al.,
    NeurIPS 2019) with gradients in closed form. Position by position: p -= dt/2 dH/dq,
    q += dt dH/dp, p -= dt/2 dH/dq. Causal by construction.

    Raises:
        ValueError: D is odd, and cannot be halved into q and p.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        if width % 2:
            raise ValueError(f"hidden_dim {width} is odd; a Hamiltonian block halves it")
        self.freedoms = width // 2
        self.first = Dense(2 * width, width)
        self.second = Dense(width, width)
        self.third = Dense(width, 1)
        self.output = Dense(width, width)
        self.output_projection = Dense(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """[B, L, D] to [B, L, D]."""
        inward, driving = self.first.weight.split((2 * self.freedoms, x.shape[-1]))
        second = self.second
        energy = Energy(inward, second.weight, second.bias, self.third.weight.squeeze(-1))
        states = leapfrog(x @ driving + self.first.bias, energy, STEP)
        y = self.output_projection(self.output(states))
        # b3 moves nothing. Without a gradient of zero, distributed training waits for one.
        return y + 0.0 * self.third.bias


class LatentBlock(nn.Module):
    """A thought repeated: h += down(GELU(up(LN(h)))), `steps` times, then LN; per position.

    The old block's memory and its halting read means over the whole sequence, which let the
    future in, and are left out.
    """

    def __init__(self, width: int, expansion: int, steps: int) -> None:
        super().__init__()
        self.steps = steps
        self.thought_norm = nn.LayerNorm(width)
        self.thought_up = Dense(width, expansion * width)
        self.thought_down = Dense(expansion * width, width)
        self.output_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """[B, L, D] to [B, L, D]."""
        for _ in range(self.steps):
            raised = functional.gelu(self.thought_up(self.thought_norm(x)))
            x = x + self.thought_down(raised)
        return self.output_norm(x)
