"""What is searched for and generated, the same in every version."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from .base import Section


class Qahpo(Section):
    search_strategy: str = Field(default="quantum", description="every name leads to QAHPO")
    max_trials: int | None = Field(default=None, ge=1, description="trials; null is 999")
    epochs_per_trial: int = Field(default=20, ge=1, description="epochs of a trial")
    auto_stop_on_convergence: bool = Field(default=True, description="stop when nothing improves")
    lr_min: float | None = Field(default=None, gt=0, description="lowest learning rate")
    lr_max: float | None = Field(default=None, gt=0, description="highest learning rate")
    batch_sizes: list[int] = Field(default_factory=list, description="only the first is used")
    optimizers: list[str] = Field(default_factory=list, description="only the first is used")
    hyperband_eta: int = Field(default=3, ge=2, description="reduction between rungs")
    pbt_population_size: int = Field(default=8, ge=1, description="members of population training")
    population_size: int = Field(default=8, ge=1, description="members")
    initial_temperature: float = Field(default=2.0, gt=0, description="temperature at the start")
    final_temperature: float = Field(default=0.1, gt=0, description="temperature at the end")
    tunneling_probability: float = Field(default=0.15, ge=0, le=1, description="chance of a jump")
    mutation_strength: float = Field(default=0.3, ge=0, description="relative size of a mutation")
    crossover_rate: float = Field(default=0.4, ge=0, le=1, description="chance of a crossover")
    evolution_interval: int = Field(default=4, ge=1, description="trials between generations")
    fanova_importance_boost: float = Field(default=3.0, ge=0, description="boost of what matters")
    enable_meta_learning: bool = Field(default=True, description="begin with what worked before")
    multi_fidelity_scheduler: str = Field(default="hyperband", description="who ends a trial early")
    importance_analyzer: str = Field(default="shapley", description="how importance is measured")
    search_space: dict[str, Any] = Field(
        default_factory=dict, description="ranges and choices that replace the tuner's own"
    )


class Qsg(Section):
    bond_dim: int = Field(default=32, ge=1, description="rank of a bond between positions")
    coherence_range: int = Field(default=64, ge=-1, description="positions; -1 is all of them")
    grover_iterations: int = Field(default=3, ge=0, description="rounds of amplification")
    jacobi_iterations: int = Field(default=2, ge=0, description="rounds of refinement")
    hopfield_beta: float = Field(default=1.0, gt=0, description="sharpness of retrieval")
    quality_threshold: float = Field(default=0.7, ge=0, le=1, description="read by no code")
    amplification_strength: float = Field(default=1.5, gt=0, description="weight of the oracle")
    temperature: float = Field(default=1.0, gt=0, description="sampling temperature")
    top_k: int = Field(default=50, ge=1, description="most likely ids to sample from")
    top_p: float = Field(default=0.9, gt=0, le=1, description="probability to sample from")
