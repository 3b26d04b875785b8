"""The mixture of experts: experts choose positions, or positions choose experts."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .layers import Dense

CAPACITY = 1.25
CHOSEN = 2
"""Experts of a position where positions choose."""


class ExpertBlock(nn.Module):
    """Feed-forward experts GELU(x W_up) W_down behind a linear router.

    Not causal: each expert takes its int(1.25 L / E) best positions of a sequence, at least one,
    weighted by a softmax over them (Zhou et al., "Mixture-of-Experts with Expert Choice
    Routing", NeurIPS 2022). The old code let experts choose over the whole batch; here the
    logits of a sequence do not depend on its neighbours. Its correction by the experts' load
    shifted all scores of an expert alike, which changes neither choice nor weights.

    Causal: an expert's choice would tell a position about later ones. Each position takes its
    two best experts, weighted by a softmax over them (Shazeer et al., 2017, equations 3 to 5).
    """

    def __init__(self, width: int, experts: int, inner: int, *, causal: bool) -> None:
        super().__init__()
        self.experts, self.causal = experts, causal
        self.router = Dense(width, experts)
        self.up = nn.Parameter(torch.empty(experts, width, inner))
        self.down = nn.Parameter(torch.empty(experts, inner, width))
        for one in (*self.up.data, *self.down.data):
            nn.init.xavier_uniform_(one)

    def forward(self, x: Tensor) -> Tensor:
        """[B, L, D] to [B, L, D]."""
        scores = self.router(x)
        return self._by_position(x, scores) if self.causal else self._by_expert(x, scores)

    def _by_expert(self, x: Tensor, scores: Tensor) -> Tensor:
        batch, length, width = x.shape
        capacity = max(1, int(CAPACITY * length / self.experts))
        best, rows = scores.transpose(1, 2).topk(min(capacity, length), -1)  # [B, E, C]
        at = rows.flatten(1).unsqueeze(-1).expand(-1, -1, width)
        taken = x.gather(1, at).view(batch, self.experts, -1, width)
        raised = functional.gelu(torch.einsum("becd,edf->becf", taken, self.up))
        made = torch.einsum("becf,efd->becd", raised, self.down) * best.softmax(-1).unsqueeze(-1)
        return torch.zeros_like(x).scatter_add(1, at, made.flatten(1, 2))

    def _by_position(self, x: Tensor, scores: Tensor) -> Tensor:
        best, chosen = scores.topk(min(CHOSEN, self.experts), -1)
        flat, count = x.flatten(0, 1), best.shape[-1]
        # Ordered by expert, every position as often as it has chosen: as many rows in each step.
        numbers, order = chosen.flatten().sort(stable=True)
        sizes = torch.bincount(numbers, minlength=self.experts).tolist()
        rows = order // count
        taken = flat[rows].split(sizes)
        raised = torch.cat([one @ up for one, up in zip(taken, self.up, strict=True)])
        pieces = zip(functional.gelu(raised).split(sizes), self.down, strict=True)
        made = torch.cat([one @ down for one, down in pieces])
        gates = best.softmax(-1).flatten()[order].unsqueeze(-1)
        return torch.zeros_like(flat).index_add(0, rows, made * gates).view_as(x)
