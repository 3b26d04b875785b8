"""Losses on the zeros of a truth table, as trained in 5.11 and 5.12.

They count digits 0 where valuation counts digits -1, and so work against the hierarchy: the
Spearman correlation of the two orders is -0.48.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from ..operations import leading_zeros, zero_count
from .terms import Radii

SPARSITY_TARGET = -0.3
"""Wanted correlation of the number of zeros and the radius."""


def zero_valuation(radius: Tensor, trits: Tensor, radii: Radii) -> Tensor:
    """Smooth L1 of r - r*(z), averaged over B; z is the number of leading zeros.

    radius [B], trits [B, 9]; r* of `Radii`; smooth L1 as Girshick 2015, equation 3.
    """
    return functional.smooth_l1_loss(radius, radii.target(leading_zeros(trits), radius.dtype))


def zero_sparsity(radius: Tensor, trits: Tensor) -> Tensor:
    """(corr + 0.3)^2 with Pearson's correlation of the number of zeros and the radius.

    Where either is constant the correlation counts as 0.
    """
    zeros = zero_count(trits).to(radius.dtype)
    zeros, radius = zeros - zeros.mean(), radius - radius.mean()
    scale = (zeros.square().sum() * radius.square().sum()).clamp(min=1e-16).sqrt()
    return ((zeros * radius).sum() / scale - SPARSITY_TARGET).square()


@dataclass(frozen=True)
class ZeroStructure:
    """valuation_weight zero_valuation + sparsity_weight zero_sparsity.

    The trainers of 5.11 and 5.12 multiply the result by a weight once more; the totals say
    by which.
    """

    radii: Radii
    valuation_weight: float = 1.0
    sparsity_weight: float = 0.5

    def __call__(self, radius: Tensor, trits: Tensor) -> Tensor:
        """The loss of radius [B] for trits [B, 9]."""
        valuation = zero_valuation(radius, trits, self.radii)
        return self.valuation_weight * valuation + self.sparsity_weight * zero_sparsity(
            radius, trits
        )
