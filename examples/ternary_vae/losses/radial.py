"""Losses on radii by valuation, as trained in 5.10.1 to 5.12.

radius is [B], in the unit of the targets; valuation int64 [B].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from ..operations import TRITS
from .terms import Radii, draw_pairs, mean_or_zero


@dataclass(frozen=True)
class RadialStratification:
    """Mean of w(v) l(r - r*(v)) with l smooth L1 or the square, as trained in 5.10.1.

    w(v) = 1 + v/9 when `valuation_weighting`, else 1; r* of `Radii`. Smooth L1 is
    x^2/2 below 1 and |x| - 1/2 above (Girshick, "Fast R-CNN", ICCV 2015, equation 3).
    """

    radii: Radii
    valuation_weighting: bool = True
    loss_type: Literal["smooth_l1", "mse"] = "smooth_l1"

    def __call__(self, radius: Tensor, valuation: Tensor) -> Tensor:
        """The loss of radius [B] at valuation [B]."""
        wanted = self.radii.target(valuation, radius.dtype)
        form = functional.smooth_l1_loss if self.loss_type == "smooth_l1" else functional.mse_loss
        each = form(radius, wanted, reduction="none")
        if self.valuation_weighting:
            each = each * (1 + valuation / TRITS)
        return each.mean()


def blend(radial: Tensor, ranking: Tensor, tau: float) -> Tensor:
    """(1 - tau) radial + tau ranking, the curriculum of 5.10.1."""
    return (1 - tau) * radial + tau * ranking


@dataclass(frozen=True)
class RadialHierarchy:
    """Radius by valuation and a margin between levels, as trained in 5.11 and 5.12.

    mean (r - r*(v))^2 (1 + exp(0.4 v)), without the factor when not `valuation_weighting`,
    + margin_weight mean relu(0.5 step (v_i - v_j) - (r_j - r_i)) over pairs, v_i > v_j.
    Of `n_pairs` random pairs those with different valuations count.
    """

    radii: Radii
    margin_weight: float = 1.0
    n_pairs: int = 1000
    valuation_weighting: bool = True

    def __call__(self, radius: Tensor, valuation: Tensor, generator: torch.Generator) -> Tensor:
        """The loss of radius [B] at valuation [B]."""
        wanted = self.radii.target(valuation, radius.dtype)
        each = (radius - wanted).square()
        if self.valuation_weighting:
            each = each * (1 + (0.4 * valuation.to(radius.dtype)).exp())
        gap, further = _gaps(radius, valuation, self.n_pairs, generator)
        short = 0.5 * self.radii.step * gap.abs() - self.radii.sign * further * gap.sign()
        return each.mean() + self.margin_weight * mean_or_zero(short.relu())


@dataclass(frozen=True)
class GlobalRank:
    """Mean of |dv| sigmoid(-sign(dv) (r_j - r_i) / temperature), as trained in 5.11 and 5.12.

    dv = v_i - v_j over random pairs; of `n_pairs` those with dv != 0 count. A logistic
    surrogate of the number of wrongly ordered pairs, in the manner of RankNet (Burges et al.
    2005), but bounded. For radii whose order is turned around give `sign` -1.
    """

    temperature: float = 0.1
    n_pairs: int = 2000
    sign: float = 1.0

    def __call__(self, radius: Tensor, valuation: Tensor, generator: torch.Generator) -> Tensor:
        """The loss of radius [B] at valuation [B]."""
        gap, further = _gaps(radius, valuation, self.n_pairs, generator)
        wrong = torch.sigmoid(-self.sign * gap.sign() * further / self.temperature)
        return mean_or_zero(gap.abs() * wrong)


def _gaps(
    radius: Tensor, valuation: Tensor, count: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """v_i - v_j and r_j - r_i of random pairs with different valuations."""
    i, j = draw_pairs(len(radius), count, generator, radius.device)
    gap = valuation[i] - valuation[j]
    differs = gap != 0
    i, j = i[differs], j[differs]
    return gap[differs].to(radius.dtype), radius[j] - radius[i]
