from __future__ import annotations

from collections.abc import Callable
from math import atanh, sqrt

import torch
from torch import Tensor


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def differentiable(loss: Callable[[Tensor], Tensor], *shape: int, scale: float = 1.0) -> bool:
    """Autograd against central differences, in float64, at a random place."""
    start = torch.randn(*shape, generator=generator(7), dtype=torch.float64) * scale
    return torch.autograd.gradcheck(loss, start.requires_grad_())


def v3(n: int) -> int:
    """Valuation by repeated division; 9 for 0."""
    if n == 0:
        return 9
    v = 0
    while n % 3 == 0:
        n, v = n // 3, v + 1
    return v


def mobius(x: list[float], y: list[float]) -> float:
    """Geodesic distance for c = 1 by Mobius addition, 2 artanh |(-x) + y|."""
    a = [-value for value in x]
    ay = sum(p * q for p, q in zip(a, y, strict=True))
    aa, yy = sum(p * p for p in a), sum(q * q for q in y)
    below = 1 + 2 * ay + aa * yy
    moved = [((1 + 2 * ay + yy) * p + (1 - aa) * q) / below for p, q in zip(a, y, strict=True)]
    return 2 * atanh(sqrt(sum(m * m for m in moved)))


def smooth_l1(x: float) -> float:
    return 0.5 * x * x if abs(x) < 1 else abs(x) - 0.5


def tensor(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)
