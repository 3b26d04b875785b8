"""The rich hierarchy loss: ordered levels that keep their spread, as trained in 5.12."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..operations import LEVELS, classes
from .terms import Radii, Terms

TINY = 1e-8
"""Added to a level's first variance before dividing by it, as in 5.12."""

ORDER_MARGIN = 0.01
"""How much further in the next level must lie, in the unit of the radii."""


@dataclass(frozen=True)
class RichWeights:
    """Weights of the four terms and the share of a level's variance that must remain."""

    hierarchy: float = 5.0
    coverage: float = 1.0
    richness: float = 2.0
    separation: float = 3.0
    min_richness_ratio: float = 0.5


def level_statistics(radius: Tensor, valuation: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Counts, means and unbiased variances [10] of radius [B] by valuation.

    Means of absent levels and variances of levels with fewer than two samples are 0.
    """
    zeros = radius.new_zeros(LEVELS)
    count = zeros.index_add(0, valuation, torch.ones_like(radius))
    mean = zeros.index_add(0, valuation, radius) / count.clamp(min=1)
    squares = zeros.index_add(0, valuation, (radius - mean[valuation]).square())
    return count, mean, squares / (count - 1).clamp(min=1)


class RichHierarchy(nn.Module):
    """hierarchy, coverage, richness and separation of one batch, radii of B, logits of A.

    hierarchy: mean over the levels present of (mean r - r*(v))^2
    coverage: cross-entropy of the logits, averaged over B and the nine trits
    richness: sum over levels with two samples or more of relu(min_ratio - ratio)^2, divided by
        the number of levels present; ratio = var r / (var r_0 + 1e-8), unbiased variances
    separation: sum over neighbouring present levels of relu(r(v+1) - r(v) + 0.01), mean radii

    r_0 are the radii of all operations before training, in the unit of the radii that the
    loss compares. The trainers took them as Euclidean norms from 5.12.2 on too, and compared
    hyperbolic distances, which made every ratio about five times too large. They are a
    buffer: a resumed run needs those of its first start.
    """

    original_radii: Tensor

    def __init__(
        self, original_radii: Tensor, radii: Radii, weights: RichWeights | None = None
    ) -> None:
        super().__init__()
        self.radii, self.weights = radii, weights or RichWeights()
        self.register_buffer("original_radii", original_radii.detach().clone())

    def forward(
        self,
        radius: Tensor,
        valuation: Tensor,
        index: Tensor,
        logits: Tensor,
        trits: Tensor,
        factors: dict[str, float] | None = None,
        level_weights: Tensor | None = None,
    ) -> Terms:
        """The weighted total and its terms.

        Args:
            radius: [B], those of encoder B.
            valuation: int64 [B].
            index: int64 [B], the operations.
            logits: [B, 9, 3], those of decoder A.
            trits: [B, 9].
            factors: multiply the weights of the terms that they name, 1 where absent.
            level_weights: [10], multiply the levels of the hierarchy term.
        """
        count, mean, variance = level_statistics(radius, valuation)
        _, _, first = level_statistics(self.original_radii[index].to(radius.dtype), valuation)
        present = count > 0
        parts = {
            "hierarchy": self._hierarchy(mean, present, level_weights),
            "coverage": functional.cross_entropy(logits.flatten(0, 1), classes(trits).flatten()),
            "richness": self._richness(variance / (first + TINY), count),
            "separation": self._separation(mean[present]),
        }
        total = radius.new_zeros(())
        for name, value in parts.items():
            total = total + getattr(self.weights, name) * (factors or {}).get(name, 1.0) * value
        return Terms(total, parts)

    def _hierarchy(self, mean: Tensor, present: Tensor, level_weights: Tensor | None) -> Tensor:
        wanted = self.radii.target(torch.arange(LEVELS, device=mean.device), mean.dtype)
        each = (mean - wanted).square()
        if level_weights is not None:
            each = each * level_weights.to(each)
        return each[present].mean()

    def _richness(self, ratio: Tensor, count: Tensor) -> Tensor:
        short = (self.weights.min_richness_ratio - ratio).relu().square()
        return short[count > 1].sum() / (count > 0).sum()

    def _separation(self, mean: Tensor) -> Tensor:
        return (self.radii.sign * mean.diff() + ORDER_MARGIN).relu().sum()
