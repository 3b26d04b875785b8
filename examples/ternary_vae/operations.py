"""The data: all 3^9 ternary binary functions, as truth tables of nine trits.

Index n and trits t: n = sum over i of (t_i + 1) 3^i, least significant digit first. The
3-adic valuation of an index is the largest k with 3^k | n, and 9 for n = 0; it counts the
leading trits that are -1 (Gouvea, p-adic Numbers, 2nd ed., section 2.1).
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

TRITS = 9
"""Entries of a truth table of two ternary inputs."""
N = 3**TRITS
"""How many operations there are: 19,683."""
LEVELS = TRITS + 1
"""Valuations run from 0 to 9."""


def trits(indices: Tensor) -> Tensor:
    """The trits of operations.

    Args:
        indices: int64 [...], 0 to 19,682.

    Returns:
        int64 [..., 9], each -1, 0 or 1.
    """
    powers = 3 ** torch.arange(TRITS, device=indices.device)
    return indices.unsqueeze(-1) // powers % 3 - 1


def index(rows: Tensor) -> Tensor:
    """The indices, int64 [...], of operations given as trits [..., 9]."""
    powers = 3 ** torch.arange(TRITS, device=rows.device)
    return ((rows.long() + 1) * powers).sum(-1)


def valuation(numbers: Tensor) -> Tensor:
    """The 3-adic valuation of whole numbers [...], at most 9; that of 0 is 9."""
    powers = 3 ** torch.arange(1, TRITS + 1, device=numbers.device)
    return (numbers.unsqueeze(-1) % powers == 0).sum(-1)


def pair_valuation(i: Tensor, j: Tensor) -> Tensor:
    """The valuation of |i - j|; the 3-adic distance of i and j is 3^-v, and 0 for i = j."""
    return valuation((i - j).abs())


def leading_zeros(rows: Tensor) -> Tensor:
    """How many trits [..., 9] are 0 before the first that is not."""
    return (rows == 0).long().cumprod(-1).sum(-1)


def zero_count(rows: Tensor) -> Tensor:
    """How many trits [..., 9] are 0."""
    return (rows == 0).sum(-1)


@cache
def _tables() -> tuple[Tensor, Tensor]:
    indices = torch.arange(N)
    return trits(indices).float(), valuation(indices)


def all_trits(device: torch.device | str = "cpu") -> Tensor:
    """Every operation as a network's input: float32 [19683, 9], in the order of the indices."""
    return _tables()[0].to(device, copy=True)


def all_valuations(device: torch.device | str = "cpu") -> Tensor:
    """The valuation of every index: int64 [19683]."""
    return _tables()[1].to(device, copy=True)


def classes(rows: Tensor) -> Tensor:
    """Trits as targets of a cross-entropy: int64 in {0, 1, 2}."""
    return rows.long() + 1


def level_counts() -> Tensor:
    """How many indices have valuation 0, 1, ... 9: int64 [10]."""
    return torch.bincount(_tables()[1], minlength=LEVELS)
