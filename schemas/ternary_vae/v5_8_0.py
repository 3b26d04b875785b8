"""TernaryVAE 5.8.0: hard negatives, and two phases: coverage first, then correlation."""

from __future__ import annotations

from pydantic import Field

from . import v5_5_0, v5_6_0, v5_7_0
from .base import Section


class CoveragePhase(Section):
    end_epoch: int = Field(default=100, ge=0, description="epoch at which phase 1 ends")
    ranking_weight: float = Field(default=0.0, ge=0, description="ranking weight in phase 1")
    coverage_target: float = Field(
        ge=0, le=100, description="coverage that ends phase 1 early, percent"
    )


class CorrelationPhase(Section):
    ranking_weight_start: float = Field(ge=0, description="ranking weight at its start")
    ranking_weight_end: float = Field(ge=0, description="ranking weight after the ramp")
    ranking_ramp_epochs: int = Field(default=50, ge=0, description="epochs of the ramp")
    coverage_floor: float = Field(
        default=90.0, ge=0, le=100, description="coverage below which a penalty applies, percent"
    )
    coverage_penalty_scale: float = Field(default=5.0, ge=0, description="scale of that penalty")


class TwoPhaseTraining(Section):
    enabled: bool = Field(default=True, description="train coverage first, then correlation")
    phase1: CoveragePhase = Field(description="coverage")
    phase2: CorrelationPhase = Field(description="correlation")


class RankingV2(Section):
    base_margin: float = Field(default=0.05, ge=0, description="margin at equal valuation")
    margin_scale: float = Field(default=0.15, ge=0, description="margin per level of valuation")
    n_triplets: int = Field(default=500, ge=1, description="triplets per step")
    hard_negative_ratio: float = Field(
        default=0.5, ge=0, le=1, description="share of hard negatives"
    )
    semi_hard: bool = Field(default=True, description="prefer semi-hard negatives")


class PadicLosses(v5_6_0.PadicLosses):
    enable_ranking_loss_v2: bool = Field(default=False, description="rank with hard negatives")
    ranking_v2: RankingV2 = Field(
        default_factory=RankingV2, description="ranking with hard negatives"
    )


class Model(v5_5_0.Model):
    statenet_ranking_scale: float = Field(
        default=0.0, ge=0, description="unused here; 5.7 and 5.9 scale the ranking weight by it"
    )


class Config(v5_7_0.Config):
    model: Model = Field(description="architecture and its controllers")  # type: ignore[assignment]
    padic_losses: PadicLosses = Field(
        default_factory=PadicLosses, description="losses of 3-adic structure"
    )
    two_phase_training: TwoPhaseTraining | None = Field(
        default=None, description="coverage first, then correlation; absent for one phase"
    )
