"""The scan of a diagonal state space model, with its gradient in closed form."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

KEPT_EVERY = 16
"""Positions between two states that are kept for the gradient; those between are made again."""


def diagonal_scan(step: Tensor, drive: Tensor, into: Tensor, out: Tensor, rates: Tensor) -> Tensor:
    """y_t = h_t out_t with h_t = exp(-step_t rates) h_(t-1) + drive_t into_t and h_(-1) = 0.

    B sequences, L positions, M channels of N states: the recurrence of Gu and Dao, "Mamba" (2023),
    equation 2, where a channel's states decay at rates of their own. Position by position with a
    state [B, M, N], so neither that times L nor anything of L x L is ever held: the backward pass
    begins at every sixteenth state and makes those up to the next again.

    Args:
        step: [B, L, M], not negative.
        drive: [B, L, M].
        into: [B, L, N].
        out: [B, L, N].
        rates: [M, N], not negative.

    Returns:
        [B, L, M]; position t depends on the positions up to t.
    """
    found: Tensor = _Scan.apply(step, drive, into, out, rates)
    return found


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, step: Tensor, drive: Tensor, into: Tensor, out: Tensor, rates: Tensor
    ) -> Tensor:
        state = step.new_zeros(len(step), *rates.shape)
        decay = torch.empty_like(state)
        kept, found = [], []
        for t in range(step.shape[1]):
            if t % KEPT_EVERY == 0:
                kept.append(state.clone())
            _decay(step[:, t], rates, decay)
            state.mul_(decay).addcmul_(drive[:, t, :, None], into[:, t, None])
            found.append(state @ out[:, t, :, None])
        ctx.save_for_backward(step, drive, into, out, rates, *kept)
        return torch.stack(found, 1).squeeze(-1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, given: Tensor) -> tuple[Tensor, ...]:
        """Backwards through the same recurrence: g_t = given_t out_t + decay_(t+1) g_(t+1)."""
        step, drive, into, out, rates, *kept = ctx.saved_tensors
        by = [torch.empty_like(one) for one in (step, drive, into, out)]
        by_rates = torch.zeros_like(kept[0])
        g, faded = torch.zeros_like(kept[0]), torch.empty_like(kept[0])
        for first in reversed(range(0, step.shape[1], KEPT_EVERY)):
            states, decays = [kept[first // KEPT_EVERY]], []
            for t in range(first, min(first + KEPT_EVERY, step.shape[1])):
                decays.append(_decay(step[:, t], rates, torch.empty_like(g)))
                carried = states[-1] * decays[-1]
                states.append(carried.addcmul_(drive[:, t, :, None], into[:, t, None]))
            while decays:
                t = first + len(decays) - 1
                now = given[:, t, :, None]
                by[3][:, t] = (states.pop().transpose(1, 2) @ now).squeeze(-1)
                g.addcmul_(now, out[:, t, None])
                by[1][:, t] = (g @ into[:, t, :, None]).squeeze(-1)
                by[2][:, t] = (g.transpose(1, 2) @ drive[:, t, :, None]).squeeze(-1)
                g.mul_(decays.pop())
                torch.mul(g, states[-1], out=faded)
                by_rates.addcmul_(faded, step[:, t, :, None])
                by[0][:, t] = faded.mul_(rates).sum(-1)
        return -by[0], *by[1:], -by_rates.sum(0)


def _decay(step: Tensor, rates: Tensor, into: Tensor) -> Tensor:
    """exp(-step rates) [B, M, N] of one position, written into a tensor."""
    return torch.mul(step.unsqueeze(-1), rates, out=into).neg_().exp_()
