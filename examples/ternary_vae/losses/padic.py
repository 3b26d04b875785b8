"""Losses of 3-adic order in the latent space, as trained in 5.6 to 5.10.

d3(i, j) = 3^-v(i - j) is the 3-adic distance of two indices (Gouvea, p-adic Numbers, 2nd ed.,
section 2.1). z is [B, D], index int64 [B]; generators decide which pairs and triplets count.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .. import geometry
from ..operations import TRITS, pair_valuation, valuation
from .terms import Terms, draw, draw_pairs, mean_or_zero

Distance = Callable[[Tensor, Tensor], Tensor]


def euclidean(x: Tensor, y: Tensor) -> Tensor:
    """|x - y| over the last dimension."""
    apart: Tensor = torch.linalg.vector_norm(x - y, dim=-1)
    return apart


@dataclass(frozen=True)
class PAdicMetric:
    """Mean of (|z_i - z_j| - scale 3^-v(i - j))^2 over random pairs, as trained in 5.6.

    A stress as in metric multidimensional scaling (Kruskal 1964), with the 3-adic distance
    as dissimilarity. Pairs of one operation with itself are left out.
    """

    scale: float = 1.0
    n_pairs: int = 1000

    def __call__(self, z: Tensor, index: Tensor, generator: torch.Generator) -> Tensor:
        """The loss of latents z [B, D] that belong to the operations index [B]."""
        i, j = draw_pairs(len(z), self.n_pairs, generator, z.device)
        differs = index[i] != index[j]
        i, j = i[differs], j[differs]
        wanted = self.scale * 3.0 ** -pair_valuation(index[i], index[j]).to(z.dtype)
        return mean_or_zero((euclidean(z[i], z[j]) - wanted).square())


@dataclass(frozen=True)
class Triplets:
    """Anchors with a positive that is 3-adically closer than the negative: positions [T]."""

    anchor: Tensor
    positive: Tensor
    negative: Tensor
    gap: Tensor
    """v(anchor - positive) - v(anchor - negative), at least 1."""


def draw_triplets(index: Tensor, count: int, generator: torch.Generator) -> Triplets:
    """Up to `count` random triplets.

    Those where both sides are equally far, or where one is the anchor's own operation, are
    dropped.
    """
    size, device = len(index), index.device
    anchor, one = draw_pairs(size, count, generator, device)
    other = draw(size, len(anchor), generator, device)
    v_one, v_other = (pair_valuation(index[anchor], index[side]) for side in (one, other))
    itself = (index[anchor] == index[one]) | (index[anchor] == index[other])
    keep = (v_one != v_other) & ~itself
    closer = v_one > v_other
    return Triplets(
        anchor[keep],
        torch.where(closer, one, other)[keep],
        torch.where(closer, other, one)[keep],
        (v_one - v_other).abs()[keep],
    )


def harden(
    triplets: Triplets, z: Tensor, index: Tensor, distance: Distance, *, semi_hard: bool
) -> Triplets:
    """The same anchors and positives, each with the hardest negative of the batch.

    Hard: the closest in the latent space of all operations that are 3-adically farther than
    the positive. Semi-hard: the closest of those beyond the positive, where there is one
    (Schroff, Kalenichenko and Philbin, "FaceNet", CVPR 2015, section 3.2).
    """
    with torch.no_grad():
        anchors = z[triplets.anchor]
        apart = distance(anchors.unsqueeze(1), z.unsqueeze(0))
        v = pair_valuation(index[triplets.anchor].unsqueeze(1), index.unsqueeze(0))
        v_positive = v.gather(1, triplets.positive.unsqueeze(1))
        allowed = v < v_positive
        if semi_hard:
            beyond = allowed & (apart > apart.gather(1, triplets.positive[:, None]))
            allowed = torch.where(beyond.any(1, keepdim=True), beyond, allowed)
        negative = apart.masked_fill(~allowed, torch.inf).argmin(1)
        gap = v_positive.squeeze(1) - v.gather(1, negative.unsqueeze(1)).squeeze(1)
    return Triplets(triplets.anchor, triplets.positive, negative, gap)


@dataclass(frozen=True)
class PAdicRanking:
    """Mean of relu(d(a, p) - d(a, n) + margin) over random triplets, as trained in 5.6.

    The triplet loss of Schroff et al. 2015 with 3-adic order instead of class labels.
    """

    margin: float = 0.1
    n_triplets: int = 500

    def __call__(self, z: Tensor, index: Tensor, generator: torch.Generator) -> Tensor:
        """The loss of latents z [B, D] that belong to the operations index [B]."""
        t = draw_triplets(index, self.n_triplets, generator)
        gap = euclidean(z[t.anchor], z[t.positive]) - euclidean(z[t.anchor], z[t.negative])
        return mean_or_zero((gap + self.margin).relu())


@dataclass(frozen=True)
class PAdicRankingV2:
    """Triplets with a margin that grows with the gap in valuation, as trained in 5.8.

    margin = base_margin + margin_scale (v(a - p) - v(a - n)); a share of the triplets takes
    its negative from `harden`.
    """

    base_margin: float = 0.05
    margin_scale: float = 0.15
    n_triplets: int = 500
    hard_negative_ratio: float = 0.5
    semi_hard: bool = True

    def __call__(
        self,
        z: Tensor,
        index: Tensor,
        generator: torch.Generator,
        distance: Distance = euclidean,
    ) -> Tensor:
        """The loss of latents z [B, D], compared by `distance`."""
        hard = round(self.hard_negative_ratio * self.n_triplets)
        easy = draw_triplets(index, self.n_triplets - hard, generator)
        mined = draw_triplets(index, hard, generator)
        mined = harden(mined, z, index, distance, semi_hard=self.semi_hard)
        terms = []
        for t in (easy, mined):
            margin = self.base_margin + self.margin_scale * t.gap
            gap = distance(z[t.anchor], z[t.positive]) - distance(z[t.anchor], z[t.negative])
            terms.append((gap + margin).relu())
        return mean_or_zero(torch.cat(terms))


def into_ball(z: Tensor, max_norm: float) -> Tensor:
    """Latents [B, D] as points of norm below `max_norm`: max_norm z / (1 + |z|)."""
    norm: Tensor = torch.linalg.vector_norm(z, dim=-1, keepdim=True)
    return max_norm * z / (1 + norm)


@dataclass(frozen=True)
class HyperbolicRanking:
    """Ranking by Poincare distance plus a radius for each valuation, as trained in 5.9.

    The ranking is that of `PAdicRankingV2` (negatives hard, not semi-hard) with the geodesic
    distance (Nickel and Kiela 2017, equation 1). The radial part is the mean of
    (|x| - (1 - v/9) 0.9 max_norm)^2, in Euclidean norms. Latents come onto the ball by
    `into_ball`.
    """

    base_margin: float = 0.05
    margin_scale: float = 0.15
    n_triplets: int = 500
    hard_negative_ratio: float = 0.5
    curvature: float = 1.0
    radial_weight: float = 0.1
    max_norm: float = 0.95

    def __call__(self, z: Tensor, index: Tensor, generator: torch.Generator) -> Terms:
        """The weighted sum and its two parts, of latents z [B, D]."""
        x = into_ball(z, self.max_norm / self.curvature**0.5)
        ranking = PAdicRankingV2(
            self.base_margin,
            self.margin_scale,
            self.n_triplets,
            self.hard_negative_ratio,
            semi_hard=False,
        )(x, index, generator, lambda p, q: geometry.distance(p, q, self.curvature))
        wanted = (1 - valuation(index).to(z.dtype) / TRITS) * 0.9 * self.max_norm
        radial = (torch.linalg.vector_norm(x, dim=-1) - wanted).square().mean()
        parts = {"ranking": ranking, "radial": radial}
        return Terms(ranking + self.radial_weight * radial, parts)


def norm_loss(z: Tensor, index: Tensor) -> Tensor:
    """Mean of (|z| - |n|_3)^2 with the 3-adic absolute value |n|_3 = 3^-v(n) of the index.

    It orders norms by valuation, as the norm loss of 5.6 to 5.10 was meant to; the exact
    form of that loss is not on record (absolute value: Gouvea, section 2.1).
    """
    norm: Tensor = torch.linalg.vector_norm(z, dim=-1)
    return (norm - 3.0 ** -valuation(index).to(z.dtype)).square().mean()


def ranking_weight(
    coverage: float,
    trend: float,
    *,
    base: float = 0.5,
    threshold: float = 90.0,
    sensitivity: float = 0.1,
    trend_sensitivity: float = 2.0,
    lowest: float = 0.0,
    highest: float = 1.0,
) -> float:
    """The weight that coverage allows the ranking loss, as trained in 5.9.

    base sigmoid(sensitivity (coverage - threshold) + trend_sensitivity trend), clamped to
    [lowest, highest]. Coverage and its trend are in percent, not fractions.
    """
    signal = sensitivity * (coverage - threshold) + trend_sensitivity * trend
    weight = base * float(torch.sigmoid(torch.tensor(signal, dtype=torch.float64)))
    return min(max(weight, lowest), highest)
