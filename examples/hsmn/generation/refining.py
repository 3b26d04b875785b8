"""Phases 2 to 5. Shapes: B sequences, N new positions, D model width, V ids.

The old kernels are closed; what is computed here is said in each formula.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

NEIGHBOURS = 3


class Superposed(NamedTuple):
    """`positions` [B, N, D] and the `energy` of each before retrieval, [B, N]."""

    positions: Tensor
    energy: Tensor


def likeness(positions: Tensor, vocabulary: Tensor) -> Tensor:
    """Cosines [B, N, V] of positions and the vectors of ids."""
    return functional.normalize(positions, dim=-1) @ functional.normalize(vocabulary, dim=-1).T


def superpose(positions: Tensor, vocabulary: Tensor, beta: float) -> Superposed:
    """Phase 2: what a modern Hopfield network of all ids retrieves is added to each position.

    softmax(beta cos(E, x)) E; Ramsauer et al., "Hopfield Networks is All You Need" (ICLR 2021),
    equation 3. Energy: -ln sum exp(beta cos) / beta + 1/2 of the normalised position, their
    equation 2 without its constants.
    """
    alike = beta * likeness(positions, vocabulary)
    energy = 0.5 - alike.logsumexp(-1) / beta
    return Superposed(positions + alike.softmax(-1) @ vocabulary, energy)


def cohere(positions: Tensor, reach: int, temperature: float = 1.0) -> Tensor:
    """Phase 3: every position a mean of those within `reach`; -1 is all.

    softmax(x x^T / (sqrt(D) T)) x over |i - j| <= reach, in both directions.
    """
    scores = positions @ positions.transpose(1, 2) / (math.sqrt(positions.shape[-1]) * temperature)
    if reach >= 0:
        places = torch.arange(positions.shape[1], device=positions.device)
        far = (places[:, None] - places).abs() > reach
        scores = scores.masked_fill(far, -math.inf)
    return scores.softmax(-1) @ positions


def oracle(positions: Tensor, vocabulary: Tensor) -> Tensor:
    """How well each id fits, (1 + cos) / 2, [B, N, V] within 0 and 1."""
    return (1 + likeness(positions, vocabulary)) / 2


def amplify(logits: Tensor, fits: Tensor, iterations: int, strength: float) -> Tensor:
    """Phase 4: per iteration logits += strength (oracle - its mean over ids).

    The additive form, which raises what fits and keeps the order of what fits alike. Grover's
    reflection about the mean, taken literally on logits, would turn the order around.
    """
    return logits + iterations * strength * (fits - fits.mean(-1, keepdim=True))


def refine(logits: Tensor, vocabulary: Tensor, iterations: int) -> Tensor:
    """Phase 5: per iteration logits_n += c_n E^T / sqrt(D), a Jacobi sweep over positions.

    c_n is the mean over the three neighbours on each side of softmax(logits) E. All positions
    of a sweep read the sweep before.
    """
    count = logits.shape[1]
    if count == 1:
        return logits
    places = torch.arange(count, device=logits.device)
    apart = (places[:, None] - places).abs()
    near = ((apart > 0) & (apart <= NEIGHBOURS)).to(logits.dtype)
    near = near / near.sum(-1, keepdim=True)
    for _ in range(iterations):
        expected = near @ (logits.softmax(-1) @ vocabulary)
        logits = logits + expected @ vocabulary.T / math.sqrt(vocabulary.shape[-1])
    return logits
