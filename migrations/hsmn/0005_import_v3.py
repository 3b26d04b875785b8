"""Gives the flat file of v3 sections, an adapter, and labels for whole sequences.

The old v3 labelled a bundle by its last token, which is the end mark of nearly every
text. Its HD dimension is eight times the width where none is given.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import Any

from cfgmig.migration import (
    MISSING,
    Add,
    Cast,
    Convert,
    Custom,
    Move,
    Operation,
    Regroup,
    Remove,
    Revise,
    Tell,
    Values,
)
from cfgmig.paths import format_path

revision = "3"
revises = "flat-v3"

PLACES = {
    "sweep_id": "provenance.sweep_id",
    "trial_id": "provenance.trial_id",
    "_trial_id": "provenance.sampler_trial_id",
    "budget": "provenance.budget",
    "hidden_dim": "model.hidden_dim",
    "embedding_dim": "model.embedding_dim",
    "num_reasoning_blocks": "model.num_reasoning_blocks",
    "num_moe_experts": "model.num_moe_experts",
    "block_pattern": "model.block_pattern",
    "sequence_length": "model.sequence_length",
    "context_window": "model.context_window",
    "ff_expansion": "model.ff_expansion",
    "use_hyperdimensional_embedding": "model.embedding.kind",
    "use_quantum_lm_head": "model.lm_head.kind",
    "mamba_state_dim": "model.blocks.spatial.mamba_state_dim",
    "wlam_num_heads": "model.blocks.wlam.num_heads",
    "wlam_kernel_size": "model.blocks.wlam.kernel_size",
    "wlam_num_landmarks": "model.blocks.wlam.num_landmarks",
    "qwt_byte_offset": "tokenizer.byte_offset",
    "vocab_sample_size": "tokenizer.learn_samples",
    "hf_dataset_name": "data.hf_dataset_name",
    "curriculum_id": "data.curriculum_id",
    "curriculum_datasets": "data.curriculum_datasets",
    "hd_reservoir_size": "data.hd.reservoir_size",
    "hqe_ctqw_steps": "data.hd.ctqw_steps",
    "param_budget": "budget.param_budget",
    "optimizer": "training.optimizer",
    "learning_rate": "training.learning_rate",
    "weight_decay": "training.weight_decay",
    "batch_size": "training.batch_size",
    "max_grad_norm": "training.max_grad_norm",
    "entropy_reg_weight": "training.entropy_reg_weight",
    "use_tensor_galore": "training.galore.enabled",
    "galore_rank": "training.galore.rank",
    "galore_scale": "training.galore.scale",
    "galore_update_proj_gap": "training.galore.update_proj_gap",
    "use_quantum_natural_gradient": "training.qng.enabled",
    "qng_damping": "training.qng.damping",
    "use_qhpm_crystallization": "training.qhpm.enabled",
    "qhpm_crystallization_threshold": "training.qhpm.crystallization_threshold",
    "qhpm_max_directions": "training.qhpm.max_directions",
    "qalrc_annealing_power": "training.qalrc.annealing_power",
    "qalrc_tunneling_probability": "training.qalrc.tunneling_probability",
    "qalrc_entropy_smoothing": "training.qalrc.entropy_smoothing",
    "sympflow_mass": "training.sympflow.mass",
    "sympflow_friction": "training.sympflow.friction",
    "sympflow_step_size": "training.sympflow.step_size",
    "barren_plateau_monitor": "training.barren_plateau.monitor",
    "barren_plateau_threshold": "training.barren_plateau.threshold",
    "barren_plateau_recovery_lr_scale": "training.barren_plateau.recovery_lr_scale",
    "target_vocab_size": "tokenizer.target_vocab_size",
    "max_vocab_size": "tokenizer.max_vocab_size",
    "use_hd_streaming": "data.hd.enabled",
    "hd_dim": "model.adapter.hd_dim",
    "hd_sample_length": "data.hd.sample_length",
    "hd_optimizer_compression_ratio": "training.hd_optimizer_compression_ratio",
    "qsg_bond_dim": "qsg.bond_dim",
    "qsg_grover_iterations": "qsg.grover_iterations",
    "qsg_jacobi_iterations": "qsg.jacobi_iterations",
    "qsg_hopfield_beta": "qsg.hopfield_beta",
    "qsg_quality_threshold": "qsg.quality_threshold",
    "qsg_coherence_range": "qsg.coherence_range",
    "qsg_amplification_strength": "qsg.amplification_strength",
    "search_strategy": "qahpo.search_strategy",
    "max_trials": "qahpo.max_trials",
    "epochs_per_trial": "qahpo.epochs_per_trial",
    "auto_stop_on_convergence": "qahpo.auto_stop_on_convergence",
    "lr_min": "qahpo.lr_min",
    "lr_max": "qahpo.lr_max",
    "batch_sizes": "qahpo.batch_sizes",
    "optimizers": "qahpo.optimizers",
    "hyperband_eta": "qahpo.hyperband_eta",
    "pbt_population_size": "qahpo.pbt_population_size",
    "qahpo_population_size": "qahpo.population_size",
    "qahpo_initial_temperature": "qahpo.initial_temperature",
    "qahpo_final_temperature": "qahpo.final_temperature",
    "qahpo_tunneling_probability": "qahpo.tunneling_probability",
    "qahpo_mutation_strength": "qahpo.mutation_strength",
    "qahpo_crossover_rate": "qahpo.crossover_rate",
    "qahpo_evolution_interval": "qahpo.evolution_interval",
    "qahpo_fanova_importance_boost": "qahpo.fanova_importance_boost",
    "qahpo_enable_meta_learning": "qahpo.enable_meta_learning",
    "multi_fidelity_scheduler": "qahpo.multi_fidelity_scheduler",
    "importance_analyzer": "qahpo.importance_analyzer",
    "search_space": "qahpo.search_space",
}


def _leaves(data: Any) -> Iterator[tuple[str, Any]]:
    """What stands in the two sections that promise nothing of their numbers."""
    for section in ("provenance", "legacy_extra"):
        for key, value in (data.get(section) or {}).items():
            yield format_path((section, str(key))), value


def _null(path: str) -> Operation:
    def value(data: Any) -> Any:
        said = dict(_leaves(data)).get(path)
        return None if isinstance(said, float) and not isfinite(said) else MISSING

    return Revise(path, value, "A number that is none is left out.")


def _finite(data: Any) -> list[Operation]:
    found = dict(_leaves(data))
    return [_null(path) for path, v in found.items() if isinstance(v, float) and not isfinite(v)]


def _as_said(data: Any) -> list[Operation]:
    return [_null(path).reverse() for path, value in _leaves(data) if value is None]


ADAPTER = "model.adapter"
BUNDLES = {"kind": "hd_bundle", "dtype": "float32"}
TOKENS = {"kind": "token_ids", "dtype": "int32"}
MOST = 12_288
"""The largest HD dimension that v3 drew."""


def _enabled(data: Any) -> bool:
    return bool(((data.get("data") or {}).get("hd") or {}).get("enabled", True))


def _dimension(data: Any) -> Any:
    """A multiple of the width: the given one, rounded up, or eight times the width."""
    model = data.get("model") or {}
    width, given = model.get("hidden_dim"), (model.get("adapter") or {}).get("hd_dim")
    if not _enabled(data) or not width:
        return MISSING if given is not None or not _enabled(data) else 1024
    if given is None:
        return 8 * width
    above: int = -(-given // width) * width
    return above if above <= MOST else max(width, given // width * width)


def _to_bundles(data: Any) -> list[Operation]:
    if not _enabled(data):
        return [Add("model.input", TOKENS)]
    kept = [Move("model.embedding", "legacy_extra.embedding", optional=True)]
    return [
        Add("model.input", BUNDLES),
        Add("model.adapter.expand", "unbind"),
        Add("model.adapter.use_bias", True),
        *kept,
        Tell(
            ADAPTER,
            "labels are whole sequences from here on: encode the corpus again, "
            "its old labels were last tokens",
        ),
    ]


def _to_v3(data: Any) -> list[Operation]:
    if not _enabled(data):
        return [Remove("model.input", TOKENS, optional=True)]
    old = (data.get("legacy_extra") or {}).get("embedding")
    back = [Move("legacy_extra.embedding", "model.embedding")] if isinstance(old, dict) else []
    return [
        *([] if "embedding" in (data.get("model") or {}) else back),
        Remove("model.adapter.use_bias", True, optional=True),
        Remove("model.adapter.expand", "unbind", optional=True),
        Remove("model.input", BUNDLES, optional=True),
    ]


MEANT = {
    "profile": None,
    "model.lm_head.vqc_layers": 2,
    "model.lm_head.vqc_qubits": 8,
    "model.lm_head.dense_fallback": True,
    "model.blocks.latent": {},
    "model.blocks.attention": {},
    "model.blocks.moe": {},
    "model.vocab_source": "tokenizer",
    "model.adapter.position": "learned",
    "model.blocks.spatial.qmamba_superposition_states": None,
    "model.blocks.spatial.qmamba_entanglement_depth": 2,
    "model.blocks.spatial.qmamba_entanglement_strength": 0.3,
    "tokenizer.kind": "adaptive_qwt",
    "tokenizer.base_vocab": 362,
    "tokenizer.min_ngram": 2,
    "tokenizer.max_ngram": 5,
    "tokenizer.min_freq": 10,
    "tokenizer.derived_from": None,
    "data.text": None,
    "data.hd.label_mode": "full_sequence",
    "data.hd.keys": "gaussian",
    "data.hd.seed": 42,
    "data.hd.base_table": None,
    "budget.estimator": None,
    "budget.overhead_fraction": 0.5,
    "budget.vocab_cap": 300_000,
    "training.epochs": None,
    "training.steps": None,
    "training.seed": 42,
    "training.loss": {},
    "qsg.temperature": 1.0,
    "qsg.top_k": 50,
    "qsg.top_p": 0.9,
    "provenance.created_at": None,
    "provenance.best_loss": None,
    "provenance.best_composite_score": None,
}
"""What a flat file cannot say, and what it means all the same."""

config = [
    Regroup(PLACES, rest="legacy_extra"),
    Custom(
        "Infinite numbers and NaN become null.",
        _finite,
        _as_said,
        touches=("provenance", "legacy_extra"),
    ),
    Convert("model.embedding.kind", Values({True: "dual_path", False: "plain"}), optional=True),
    Convert("model.lm_head.kind", Values({True: "quantum", False: "dense"}), optional=True),
    Convert("training.learning_rate", Cast(float), optional=True),
    Convert("qahpo.lr_min", Cast(float), optional=True),
    Convert("qahpo.lr_max", Cast(float), optional=True),
    Revise(
        "model.adapter.hd_dim",
        _dimension,
        "The HD dimension is a multiple of the width, and eight times it where none is given.",
    ),
    Custom(
        "Bundles get an adapter, and the embedding leaves the model.",
        _to_bundles,
        _to_v3,
        touches=("model.input", ADAPTER, "model.embedding", "legacy_extra"),
    ),
    *(Add(path, value, implicit=True) for path, value in MEANT.items()),
]
weights = []
