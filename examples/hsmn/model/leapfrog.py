"""Leapfrog through a driven energy, with its gradient in closed form."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class Energy(NamedTuple):
    """H = w3 tanh(tanh([q, p] W + c) W2 + b2), c what drives a position; D = 2 F, F freedoms.

    `inward` W is [D, D], `second` W2 [D, D], `bias` b2 [D], `third` w3 [D].
    """

    inward: Tensor
    second: Tensor
    bias: Tensor
    third: Tensor


def leapfrog(driven: Tensor, energy: Energy, step: float) -> Tensor:
    """The states [B, L, D] after each position, q before p, beginning at 0.

    Each takes p -= step/2 dH/dq, q += step dH/dp, p -= step/2 dH/dq (Stoermer and Verlet). With z
    the gradient of H in a = [q, p] W + c, its gradients in q and p are z Wq^T and z Wp^T, and a
    moves by products of z alone. So only a is taken through the positions; what a step adds to q
    and p, and what the matrices' gradients are, is computed for all positions at once.

    Args:
        driven: c, [B, L, D].
        energy: the network.
        step: time of a position.
    """
    by_q, by_p = energy.inward.chunk(2)
    kick, drift = -step / 2 * by_q.T @ by_p, step * by_p.T @ by_q
    slopes = _Slopes.apply(driven, kick, drift, *energy[1:])
    first, middle, last = slopes.unbind(1)
    moved = torch.cat((step * middle @ by_p.T, -step / 2 * (first + last) @ by_q.T), -1)
    return moved.cumsum(0).transpose(0, 1)


class _Slopes(torch.autograd.Function):
    """z [L, 3, B, D] of the three moves of each position; a moves by z kick, z drift, z kick."""

    @staticmethod
    def forward(
        ctx: Any,
        driven: Tensor,
        kick: Tensor,
        drift: Tensor,
        second: Tensor,
        bias: Tensor,
        third: Tensor,
    ) -> Tensor:
        batch, length, width = driven.shape
        at = torch.zeros_like(driven[:, 0])
        inner, slopes = (driven.new_empty(length, 3, batch, width) for _ in range(2))
        back = second.T.contiguous()
        for t in range(length):
            now = driven[:, t]
            for move, turn in enumerate((kick, drift, kick)):
                one = torch.tanh(at + now, out=inner[t, move])
                two = torch.addmm(bias, one, second).tanh_()
                pulled = (third - third * two.square_()) @ back
                z = torch.addcmul(pulled, one.square(), pulled, value=-1, out=slopes[t, move])
                at = torch.addmm(at, z, turn)
        ctx.save_for_backward(inner, slopes, kick, drift, second, bias, third)
        return slopes

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, given: Tensor) -> tuple[Tensor, ...]:
        """The gradient of z in a is symmetric: a product with it is its transpose's too."""
        one, slopes, kick, drift, second, bias, third = ctx.saved_tensors
        two = torch.addmm(bias, one.flatten(0, 2), second).tanh_().view_as(one)
        flat_one, flat_two = 1 - one.square(), 1 - two.square()
        behind = third * flat_two
        bent_one, bent_two = -2 * one * flat_one * (behind @ second.T), -2 * two * behind
        turns = (kick.T.contiguous(), drift.T.contiguous(), kick.T.contiguous())
        back = second.T.contiguous()
        later = torch.zeros_like(one[0, 0])
        moved, firsts, seconds, found = (torch.empty_like(one) for _ in range(4))
        for t in reversed(range(len(one))):
            for move in (2, 1, 0):
                moved[t, move] = later
                by_z = torch.addmm(given[t, move], later, turns[move])
                inward = torch.mul(by_z, flat_one[t, move], out=firsts[t, move])
                through = torch.mm(inward, second, out=seconds[t, move])
                raised = (through * bent_two[t, move]) @ back
                r = torch.mul(by_z, bent_one[t, move], out=found[t, move])
                r.addcmul_(raised, flat_one[t, move])
                later = later + r
        bent = seconds * bent_two
        return (
            found.sum(1).transpose(0, 1),
            _outer(slopes[:, ::2], moved[:, ::2]),
            _outer(slopes[:, 1], moved[:, 1]),
            _outer(firsts, behind) + _outer(one, bent),
            bent.sum((0, 1, 2)),
            (seconds * flat_two).sum((0, 1, 2)),
        )


def _outer(a: Tensor, b: Tensor) -> Tensor:
    """a^T b over all but the last dimension."""
    return a.flatten(0, -2).T @ b.flatten(0, -2)
