"""The totals that the trainers minimise on the ball, as trained in 5.11 and 5.12.

x is [B, D], points on the ball of encoder A or B; all terms see the whole batch, so a
distributed run gathers points, logits and indices before it calls them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import torch
from torch import Tensor, nn

from .. import geometry
from ..geometry import Curvature
from ..operations import trits, valuation
from .geodesic import PAdicGeodesic
from .radial import GlobalRank, RadialHierarchy
from .rich import RichHierarchy, RichWeights
from .terms import Radii, Terms
from .zero import ZeroStructure

if TYPE_CHECKING:
    from schemas.ternary_vae import v5_12_5 as head


Factor = float | Tensor


def radius_of(
    x: Tensor, metric: Literal["hyperbolic", "euclidean"], curvature: Curvature
) -> Tensor:
    """Radii [B] of points [B, D]: distance to the origin, or Euclidean norm."""
    if metric == "euclidean":
        norm: Tensor = torch.linalg.vector_norm(x, dim=-1)
        return norm
    return geometry.distance_to_origin(x, curvature)


class Pieces(NamedTuple):
    """The terms that are switched on, with their weights; a term that is None is off."""

    radial: RadialHierarchy | None
    radial_weight: Factor
    rank: GlobalRank | None
    rank_weight: Factor
    zero: ZeroStructure | None
    geodesic: PAdicGeodesic | None
    geodesic_weight: Factor
    phase_start: int
    metric: Literal["hyperbolic", "euclidean"]
    curvatures: tuple[Curvature, Curvature]
    """Those of the balls of A and B; tensors where they train."""


def pieces(
    loss: head.Loss, curvature: Curvature, manifold_type: str = "valuation_optimal"
) -> Pieces:
    """The terms that the section `loss` of a head config asks for.

    `curvature` is the model's; that of the geodesic loss is a key of its own. Where the model's
    trains, replace `curvatures` in every step. The zero structure loss keeps its own order of
    radii whatever the manifold type.
    """
    radii = Radii.of(loss.radial.inner_radius, loss.radial.outer_radius, manifold_type)
    rank, zero, geodesic = loss.rank, loss.zero_structure, loss.geodesic
    return Pieces(
        radial=RadialHierarchy(radii, loss.radial.margin_weight) if loss.radial.enabled else None,
        radial_weight=loss.radial.radial_weight,
        rank=GlobalRank(rank.temperature, rank.n_pairs, radii.sign) if rank.enabled else None,
        rank_weight=rank.weight,
        zero=ZeroStructure(
            Radii(loss.radial.inner_radius, loss.radial.outer_radius),
            zero.valuation_weight,
            zero.sparsity_weight,
        )
        if zero.enabled
        else None,
        geodesic=PAdicGeodesic(
            geodesic.curvature, geodesic.max_target_distance, n_pairs=geodesic.n_pairs
        )
        if geodesic.enabled
        else None,
        geodesic_weight=geodesic.weight,
        phase_start=geodesic.phase_start_epoch,
        metric=loss.radius_metric,
        curvatures=(curvature, curvature),
    )


def both(
    pieces: Pieces, x_a: Tensor, x_b: Tensor, index: Tensor, generator: torch.Generator
) -> dict[str, Tensor]:
    """The terms that are on, each the sum over A and B, unweighted."""
    v, rows = valuation(index), trits(index)
    parts: dict[str, Tensor] = {}
    for x, curvature in zip((x_a, x_b), pieces.curvatures, strict=True):
        radius = radius_of(x, pieces.metric, curvature)
        own = {}
        if pieces.geodesic:
            own["geodesic"] = pieces.geodesic(x, index, generator)
        if pieces.radial:
            own["radial"] = pieces.radial(radius, v, generator)
        if pieces.rank:
            own["rank"] = pieces.rank(radius, v, generator)
        if pieces.zero:
            own["zero"] = pieces.zero(radius, rows)
        parts = {name: parts[name] + value if parts else value for name, value in own.items()}
    return parts


def _weighted(parts: dict[str, Tensor], weights: dict[str, Factor]) -> Tensor:
    weighted = [weights[name] * value for name, value in parts.items()]
    return torch.stack(weighted).sum() if weighted else torch.zeros(())


@dataclass(frozen=True)
class ProjectionLoss:
    """The total of 5.11; every term is the sum over A and B.

    tau geodesic + radial_weight radial + rank_weight rank
    + (valuation_weight + sparsity_weight) zero

    The first 5.11 blended, (1 - tau) radial + tau geodesic; `blended` brings that back. The
    last factor repeats weights that `ZeroStructure` has applied already, as trained. Weights
    and tau may be tensors, so that a controller gets gradients: `pieces._replace(...)`.
    """

    pieces: Pieces
    blended: bool = False

    def __call__(
        self, x_a: Tensor, x_b: Tensor, index: Tensor, tau: Factor, generator: torch.Generator
    ) -> Terms:
        """The total and its parts; points [B, D], index [B], tau between 0 and 1."""
        zero = self.pieces.zero
        weights: dict[str, Factor] = {
            "geodesic": tau,
            "radial": self.pieces.radial_weight * (1 - tau if self.blended else 1),
            "rank": self.pieces.rank_weight,
            "zero": zero.valuation_weight + zero.sparsity_weight if zero else 0.0,
        }
        parts = both(self.pieces, x_a, x_b, index, generator)
        return Terms(_weighted(parts, weights), parts)


class RichLoss(nn.Module):
    """The total of 5.12: the rich hierarchy of B, and the terms of 5.11 over A and B.

    rich + radial_weight radial + rank_weight rank + valuation_weight zero, and in phase 2
    + geodesic_weight geodesic, with half the radial_weight. Phase 2 is that from `phase_start`
    on, when the geodesic loss is on. The factor of the zero structure loss repeats a weight
    that it has applied already, as trained.
    """

    def __init__(self, pieces: Pieces, rich: RichHierarchy | None) -> None:
        super().__init__()
        self.pieces, self.rich = pieces, rich

    def is_second_phase(self, epoch: int) -> bool:
        """Whether the geodesic loss counts in this epoch."""
        return self.pieces.geodesic is not None and epoch >= self.pieces.phase_start

    def forward(
        self,
        x_a: Tensor,
        x_b: Tensor,
        index: Tensor,
        logits: Tensor,
        epoch: int,
        generator: torch.Generator,
        factors: dict[str, float] | None = None,
        level_weights: Tensor | None = None,
    ) -> Terms:
        """The total and its parts; those of `rich` are named rich.hierarchy and so on.

        Args:
            x_a: [B, D], points of encoder A on the ball.
            x_b: [B, D], points of encoder B.
            index: int64 [B], the operations.
            logits: [B, 9, 3], those of decoder A.
            epoch: decides the phase.
            generator: draws the pairs.
            factors: see `RichHierarchy`.
            level_weights: see `RichHierarchy`.
        """
        p, second = self.pieces, self.is_second_phase(epoch)
        on = p if second else p._replace(geodesic=None)
        parts = both(on, x_a, x_b, index, generator)
        weights: dict[str, Factor] = {
            "geodesic": p.geodesic_weight,
            "radial": p.radial_weight * (0.5 if second else 1),
            "rank": p.rank_weight,
            "zero": p.zero.valuation_weight if p.zero else 0.0,
        }
        total = _weighted(parts, weights)
        if self.rich is not None:
            radius = radius_of(x_b, p.metric, p.curvatures[1])
            rich = self.rich(
                radius, valuation(index), index, logits, trits(index), factors, level_weights
            )
            total = rich.total + total.to(rich.total.device)
            parts |= {f"rich.{name}": value for name, value in rich.parts.items()}
        return Terms(total, parts)


def rich_loss(
    loss: head.Loss,
    original_x_b: Tensor,
    curvature: Curvature,
    manifold_type: str = "valuation_optimal",
) -> RichLoss:
    """The total of 5.12 as the section `loss` of a head config asks for it.

    `original_x_b` [19683, D] are the points of encoder B before training, in the order of
    the indices.
    """
    on = pieces(loss, curvature, manifold_type)
    own = loss.rich_hierarchy
    rich = None
    if own.enabled:
        weights = RichWeights(
            own.hierarchy_weight,
            own.coverage_weight,
            own.richness_weight,
            own.separation_weight,
            own.min_richness_ratio,
        )
        radii = Radii.of(loss.radial.inner_radius, loss.radial.outer_radius, manifold_type)
        rich = RichHierarchy(radius_of(original_x_b, on.metric, curvature), radii, weights)
    return RichLoss(on, rich)
