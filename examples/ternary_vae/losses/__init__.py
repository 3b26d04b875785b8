"""Losses of every generation of the family, pure functions of a batch and a generator.

`base`: the dual VAE of 5.5. `padic`: 3-adic order in the latent space, 5.6 to 5.10.
`radial`, `geodesic`, `zero`: on the ball, 5.10.1 to 5.12. `rich`: 5.12. `total`: what the
trainers of 5.11 and 5.12 minimise. Losses with settings are frozen dataclasses that are
called; whatever is random draws from the generator that it is given.
"""

from __future__ import annotations

from .base import DualLoss, Side, Weights
from .geodesic import PAdicGeodesic
from .padic import (
    HyperbolicRanking,
    PAdicMetric,
    PAdicRanking,
    PAdicRankingV2,
    norm_loss,
    ranking_weight,
)
from .radial import GlobalRank, RadialHierarchy, RadialStratification, blend
from .rich import RichHierarchy, RichWeights
from .terms import Radii, Terms
from .total import Pieces, ProjectionLoss, RichLoss, pieces, radius_of, rich_loss
from .zero import ZeroStructure, zero_sparsity, zero_valuation

__all__ = [
    "DualLoss",
    "GlobalRank",
    "HyperbolicRanking",
    "PAdicGeodesic",
    "PAdicMetric",
    "PAdicRanking",
    "PAdicRankingV2",
    "Pieces",
    "ProjectionLoss",
    "RadialHierarchy",
    "RadialStratification",
    "Radii",
    "RichHierarchy",
    "RichLoss",
    "RichWeights",
    "Side",
    "Terms",
    "Weights",
    "ZeroStructure",
    "blend",
    "norm_loss",
    "pieces",
    "radius_of",
    "ranking_weight",
    "rich_loss",
    "zero_sparsity",
    "zero_valuation",
]
