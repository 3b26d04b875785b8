"""From logits to ids: temperature, the k most likely, the p most probable, a draw."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def kept(logits: Tensor, top_k: int | None = None, top_p: float = 1.0) -> Tensor:
    """Logits [..., V] with -inf for ids that must not be drawn.

    First the `top_k` largest stay; None is all. Of their probabilities, renormalised, the
    smallest set that reaches `top_p` stays: nucleus sampling (Holtzman et al., ICLR 2020). The
    most likely id always does.

    Raises:
        ValueError: `top_k` is below 1, or `top_p` is not within 0 and 1.
    """
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k {top_k} leaves no id")
    if not 0 < top_p <= 1:
        raise ValueError(f"top_p {top_p} is not above 0 and at most 1")
    if top_k is not None and top_k < logits.shape[-1]:
        best, at = logits.topk(top_k, -1)
        logits = torch.full_like(logits, -math.inf).scatter(-1, at, best)
    if top_p < 1:
        ranked, at = logits.sort(-1, descending=True)
        shares = ranked.softmax(-1)
        reached = shares.cumsum(-1) - shares >= top_p
        ranked = ranked.masked_fill(reached, -math.inf)
        logits = torch.empty_like(logits).scatter(-1, at, ranked)
    return logits


def sample(
    logits: Tensor,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float = 1.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """One id for each row of logits [..., V], drawn independently: int64 [...].

    Raises:
        ValueError: as `kept`, or the temperature is not above 0.
    """
    if not temperature > 0:
        raise ValueError(f"temperature {temperature} is not above 0")
    shares = kept(logits / temperature, top_k, top_p).softmax(-1)
    drawn = torch.multinomial(shares.flatten(0, -2), 1, generator=generator)
    return drawn.view(logits.shape[:-1])
