"""What requests, searches and trials owe to the one schema, each in its own way.

A request is what a person asks for; a sweep is what the server made of it; a trial is
what the tuner drew. The bounds of a request are those of the server's request model. A
trial has none: the tuner draws beyond them in 24 places.
"""

from __future__ import annotations

from cfgmig.schema import Has, Lacks, Profile

from . import places

Bounds = dict[str, tuple[float | None, float | None]]

BOUNDS: Bounds = {
    "max_trials": (1, 999),
    "epochs_per_trial": (1, 50),
    "hyperband_eta": (2, 4),
    "pbt_population_size": (4, 32),
    "qahpo_population_size": (4, 32),
    "qahpo_initial_temperature": (0.5, 10.0),
    "qahpo_final_temperature": (0.01, 1.0),
    "qahpo_tunneling_probability": (0.0, 0.5),
    "qahpo_mutation_strength": (0.1, 0.8),
    "qahpo_crossover_rate": (0.1, 0.9),
    "qahpo_evolution_interval": (1, 16),
    "qahpo_fanova_importance_boost": (1.0, 6.0),
    "vocab_size": (1000, 256_000),
    "active_vocab_size": (1000, 300_000),
    "context_window": (8192, 5_000_000),
    "param_budget": (100_000_000, 20_000_000_000),
    "mamba_state_dim": (16, 128),
    "wlam_num_heads": (1, 16),
    "wlam_kernel_size": (1, 7),
    "wlam_num_landmarks": (16, 128),
    "ff_expansion": (2, 8),
    "weight_decay": (0.0, 0.1),
    "qsg_quality_threshold": (0.5, 0.95),
    "qng_damping": (1e-06, 0.01),
    "galore_rank": (8, 128),
    "barren_plateau_threshold": (1e-08, 0.0001),
    "qsg_bond_dim": (16, 128),
    "qsg_grover_iterations": (1, 10),
    "qsg_jacobi_iterations": (1, 5),
    "qsg_hopfield_beta": (0.1, 5.0),
    "qhpm_crystallization_threshold": (0.5, 0.99),
    "qhpm_max_directions": (32, 1024),
    "hqe_ctqw_steps": (1, 10),
    "target_vocab_size": (1000, 300_000),
    "mamba_conv_dim": (2, 8),
    "mamba_expand": (1, 4),
    "moe_top_k": (1, 4),
    "moe_capacity_factor": (1.0, 2.0),
    "tt_rank_middle": (4, 64),
    "superposition_dim": (1, 2),
    "hamiltonian_hidden_dim": (64, 1024),
    "dropout_rate": (0.0, 0.5),
    "quantum_embedding_num_qubits": (4, 16),
    "floquet_num_layers": (1, 4),
    "quantum_feature_rotation_depth": (1, 4),
    "neumann_cayley_terms": (2, 12),
    "sbpe_max_superposition": (2, 8),
    "quantum_lm_head_layers": (1, 4),
    "unitary_residual_init_angle": (0.0, 1.571),
    "neumann_series_terms": (2, 8),
    "sprk_order": (4, 6),
    "qng_geodesic_order": (1, 2),
    "entanglement_regularization": (0.0, 0.1),
    "hamiltonian_basis_size": (2, 8),
    "hamiltonian_nqs_hidden_dim": (16, 128),
    "rls_forgetting_factor": (0.95, 0.999),
    "pid_learning_rate": (0.0001, 0.01),
    "tnkf_max_rank": (4, 32),
    "qhpm_crystallization_decay": (0.9, 1.0),
    "qmd_drop_rate": (0.0, 0.3),
    "qmd_softening_temp": (0.1, 5.0),
    "q_ssm_vqc_layers": (1, 4),
    "q_ssm_num_qubits": (2, 8),
    "plasticity_learning_rate": (0.001, 0.1),
    "qcb_num_nodes": (4, 24),
    "qcb_fidelity_threshold": (0.8, 0.99),
    "hypertoken_spread_factor": (2, 8),
    "majorana_floquet_period": (8, 64),
    "born_rule_temperature": (0.1, 5.0),
    "fidelity_loss_weight": (0.0, 0.1),
    "qasa_vqc_layers": (1, 4),
    "qasa_entanglement_strength": (0.0, 1.0),
    "mpqr_num_paths": (4, 16),
    "mpqr_grover_iterations": (1, 5),
    "twa_num_scales": (2, 8),
    "td_moe_tucker_rank": (8, 64),
    "sgkf_dt": (0.001, 0.1),
    "qao_initial_temp": (1.0, 100.0),
    "qao_final_temp": (0.001, 1.0),
    "geodesic_momentum": (0.0, 0.99),
    "alphaqubit_num_layers": (1, 4),
    "vqem_num_params": (16, 128),
    "crystallization_threshold": (0.1, 0.9),
    "neuromorphic_tau": (1.0, 100.0),
    "hamiltonian_num_stages": (2, 8),
    "rng_num_samples": (5, 50),
    "spini_friction": (0.0, 0.5),
    "qcot_reasoning_steps": (1, 8),
}
"""The least and the most that a request may say, by flat key."""

SHORT: Bounds = {"context_window": (128, None), "model.context_window": (128, None)}
"""Up to version 3 a request could ask for windows this short."""

FIRST = ("flat-v1", "flat-v2", "flat-v3", "1", "2", "3")
LATER = ("flat-v4", "flat-v6", "4", "5")

MANAGED = (
    "tokenizer.vocab_size", "tokenizer.target_vocab_size", "tokenizer.active_vocab_size",
    "tokenizer.total_vocab_size", "tokenizer.max_vocab_size", "model.adapter.hd_dim",
    "model.hd_dims", "data.hd.hd_dim", "data.hd.enabled",
    "vocab_size", "target_vocab_size", "active_vocab_size", "max_vocab_size", "hd_dim",
    "hd_dim_embedding", "hd_dim_spatial", "hd_dim_timecrystal", "hd_dim_moe",
    "use_hd_streaming",
)  # fmt: skip
"""What the search decides and a request leaves alone; flat names too."""

_VOCABULARY = ("vocab_size", "target_vocab_size", "active_vocab_size")
_WIDTH = ("hidden_dim", "embedding_dim", "model.hidden_dim", "model.embedding_dim")
_LENGTH = ("sequence_length", "context_window", "model.sequence_length", "model.context_window")
_SEARCHED = (
    _WIDTH,
    _LENGTH,
    ("num_reasoning_blocks", "model.num_reasoning_blocks"),
    ("num_moe_experts", "model.num_moe_experts"),
    ("batch_size", "training.batch_size"),
    ("learning_rate", "training.learning_rate"),
    ("optimizer", "training.optimizer"),
    ("param_budget", "budget.param_budget"),
)


def _bounds() -> Bounds:
    """By flat key, by place, and below `legacy_extra` for what has no place."""
    known = places.V2 | places.V3 | places.V6 | places.V4
    there = {known.get(key, f"legacy_extra.{key}"): bounds for key, bounds in BOUNDS.items()}
    there["tokenizer.active_vocab_size"] = BOUNDS["active_vocab_size"]
    return BOUNDS | there


def _request(versions: tuple[str, ...], bounds: Bounds) -> Profile:
    return Profile(
        "request",
        "what a person asks a search for",
        shown_by=((Has("batch_sizes"), Lacks("sweep_id")), (Has("lr_min"), Lacks("sweep_id"))),
        requires=(("param_budget", "budget.param_budget"),),
        bounds=bounds,
        versions=versions,
    )


profiles = (
    _request(FIRST, _bounds() | SHORT),
    _request(LATER, _bounds()),
    Profile(
        "trial",
        "what the tuner drew and the runner built",
        shown_by=((Has("trial_id"),), (Has("provenance.trial_id"),)),
        requires=(
            *_SEARCHED,
            (*_VOCABULARY, *(f"tokenizer.{name}" for name in _VOCABULARY)),
            ("trial_id", "provenance.trial_id"),
        ),
    ),
    Profile(
        "sweep",
        "what the server made of a request, and every trial begins with",
        shown_by=((Has("sweep_id"),), (Has("provenance.sweep_id"),)),
        requires=(*_SEARCHED, ("sweep_id", "provenance.sweep_id")),
    ),
)
