"""TernaryVAE 5.6.0: p-adic losses; its appetitive branch added drives of its own."""

from __future__ import annotations

from pydantic import Field

from . import v5_5_2 as before
from .base import Section


class PadicLosses(Section):
    metric_loss_weight: float = Field(default=0.1, ge=0, description="weight of the metric loss")
    metric_loss_scale: float = Field(default=1.0, gt=0, description="C in the distance C * 3^-v")
    metric_n_pairs: int = Field(default=1000, ge=1, description="pairs per step")
    enable_metric_loss: bool = Field(default=False, description="match latent to 3-adic distances")
    ranking_loss_weight: float = Field(default=0.5, ge=0, description="weight of the ranking loss")
    ranking_margin: float = Field(default=0.1, ge=0, description="margin of a triplet")
    ranking_n_triplets: int = Field(default=500, ge=1, description="triplets per step")
    enable_ranking_loss: bool = Field(
        default=False, description="order triplets by 3-adic distance"
    )
    norm_loss_weight: float = Field(default=0.05, ge=0, description="weight of the norm loss")
    enable_norm_loss: bool = Field(default=False, description="order latent norms by valuation")


class AppetiteRanking(Section):
    base_margin: float = Field(default=0.1, ge=0, description="smallest triplet margin")
    n_triplets: int = Field(default=1000, ge=1, description="triplets per batch")
    initial_weight: float = Field(default=0.5, ge=0, description="weight in phase 1A")


class AppetiteHierarchy(Section):
    n_groups: int = Field(default=4, ge=1, description="groups of latent dimensions")
    target_ratio: float = Field(default=2.0, gt=0, description="variance ratio of adjacent groups")
    initial_weight: float = Field(default=0.1, ge=0, description="weight in phase 1A")


class AppetiteCuriosity(Section):
    bandwidth: float = Field(default=1.0, gt=0, description="bandwidth of the density estimate")
    max_history: int = Field(default=5000, ge=1, description="latents kept for the estimate")
    initial_weight: float = Field(default=0.0, ge=0, description="weight in phase 1A")


class AppetiteSymbiosis(Section):
    hidden_dim: int = Field(default=32, ge=1, description="width of the estimator")
    temperature: float = Field(default=0.1, gt=0, description="InfoNCE temperature")
    initial_weight: float = Field(default=0.0, ge=0, description="weight in phase 1A")


class AppetiteClosure(Section):
    num_pairs: int = Field(default=500, ge=1, description="pairs of operations per batch")
    initial_weight: float = Field(default=0.0, ge=0, description="weight in phase 1A")


class ViolationBuffer(Section):
    capacity: int = Field(default=10000, ge=1, description="violations kept for hard negatives")
    decay: float = Field(default=0.99, ge=0, le=1, description="decay per step")


class PhaseGates(Section):
    phase_1a_to_1b: float = Field(default=0.75, description="correlation that opens phase 1B")
    phase_1b_to_2a: float = Field(default=0.85, description="correlation that opens phase 2A")
    phase_2a_to_2b: float = Field(default=2.0, description="mutual information, bits, for phase 2B")
    phase_2b_to_3: float = Field(default=0.5, description="addition accuracy, 0 to 1, for phase 3")


class Config(before.Config):
    padic_losses: PadicLosses = Field(
        default_factory=PadicLosses, description="losses of 3-adic structure"
    )
    appetite_ranking: AppetiteRanking | None = Field(
        default=None, description="appetitive branch: triplet ranking"
    )
    appetite_hierarchy: AppetiteHierarchy | None = Field(
        default=None, description="appetitive branch: variance hierarchy"
    )
    appetite_curiosity: AppetiteCuriosity | None = Field(
        default=None, description="appetitive branch: exploration by density"
    )
    appetite_symbiosis: AppetiteSymbiosis | None = Field(
        default=None, description="appetitive branch: coupling of A and B"
    )
    appetite_closure: AppetiteClosure | None = Field(
        default=None, description="appetitive branch: algebraic closure"
    )
    violation_buffer: ViolationBuffer | None = Field(
        default=None, description="appetitive branch: hard negatives"
    )
    phase_gates: PhaseGates | None = Field(
        default=None, description="appetitive branch: metrics that open its phases"
    )
    target_correlation: float | None = Field(
        default=None, ge=-1, le=1, description="appetitive branch: wanted 3-adic correlation"
    )
