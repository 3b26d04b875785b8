"""Geodesic distances that follow 3-adic ones, as trained in 5.11 and 5.12."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from .. import geometry
from ..operations import pair_valuation
from .terms import draw_pairs, mean_or_zero


@dataclass(frozen=True)
class PAdicGeodesic:
    """Mean of smooth L1(d(x_i, x_j) - d*) over random pairs of points x [B, D] on the ball.

    d* = max_target_distance exp(-v(i - j) / valuation_scale), 3 exp(-v/3) by default; d is
    the geodesic distance (Nickel and Kiela 2017, equation 1). Smooth L1 with its bend at 1,
    or the square. Pairs of one operation with itself are left out.
    """

    curvature: float = 1.0
    max_target_distance: float = 3.0
    valuation_scale: float = 3.0
    n_pairs: int = 2000
    use_smooth_l1: bool = True

    def target(self, valuation: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        """d* by pair valuation, any shape."""
        share = valuation.to(dtype) / self.valuation_scale
        return self.max_target_distance * (-share).exp()

    def __call__(self, x: Tensor, index: Tensor, generator: torch.Generator) -> Tensor:
        """The loss of points x [B, D] that belong to the operations index [B]."""
        i, j = draw_pairs(len(x), self.n_pairs, generator, x.device)
        differs = index[i] != index[j]
        i, j = i[differs], j[differs]
        apart = geometry.distance(x[i], x[j], self.curvature)
        wanted = self.target(pair_valuation(index[i], index[j]), x.dtype)
        form = functional.smooth_l1_loss if self.use_smooth_l1 else functional.mse_loss
        return mean_or_zero(form(apart, wanted, reduction="none"))
