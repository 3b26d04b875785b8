"""For every key of the head version: a run that it changes, or why it changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["trained", "stopped", "inert", "checked", "marked"]


@dataclass(frozen=True)
class Case:
    """A value that differs from the one of the run `given`.

    trained: the two runs differ. stopped: the second does not begin, and says `by`. inert: they
    are equal, and the trainer says so. checked: `cfgmig check` refuses this value with the code
    `by`. marked: they are equal, and the description of the key's section, `by`, says that
    nothing depends on it.
    """

    key: str
    value: Any
    kind: Kind = "trained"
    given: dict[str, Any] = field(default_factory=dict)
    by: str = ""


def each(prefix: str, values: dict[str, Any], kind: Kind = "trained", **more: Any) -> list[Case]:
    return [Case(f"{prefix}.{key}", value, kind, **more) for key, value in values.items()]


TOKENS = {"data.hd.enabled": False, "model.adapter": None}
DUAL = {**TOKENS, "model.embedding.kind": "dual_path"}
FACTORED = {"model.lm_head.factor_rank": 2, "model.lm_head.total_vocab_size": 500}
FLOW = {"training.optimizer": "sympflow"}

MODEL = [
    *each(
        "model",
        {
            "hidden_dim": 64,
            "num_reasoning_blocks": 5,
            "num_moe_experts": 3,
            "block_pattern": "mamba_only",
            "ff_expansion": 2,
        },
    ),
    Case("model.context_window", 9, given=TOKENS),
    # 500 rows of the head for 380 ids that the tokenizer may have.
    Case("model.vocab_source", "config", given={"tokenizer.active_vocab_size": 500}),
    Case(
        "model.input.kind",
        "token_ids",
        given={"model.input": {"kind": "hd_bundle", "dtype": "float32"}},
    ),
    Case("model.input.dtype", "int32", "checked", {"model.input.kind": "hd_bundle"}, by="HS105"),
    *each(
        "model.adapter",
        {"hd_dim": 64, "expand": "broadcast", "use_bias": False, "position": "none"},
    ),
    Case("model.embedding.kind", "dual_path", given=TOKENS),
    Case("model.embedding.hd_active_vocab_size", 100, given=DUAL),
    *each("model.lm_head", {"kind": "dense", "vqc_layers": 1, "vqc_qubits": 3}),
    *each("model.lm_head", {"dense_fallback": False, "factor_rank": 3}),
    Case("model.lm_head.total_vocab_size", 400, given=FACTORED),
    Case("model.hd_dims.embedding", 64, given=DUAL),
    *each("model.hd_dims", {"spatial": 64, "timecrystal": 64, "moe": 64}, "inert"),
    *each("model.blocks.spatial", {"mamba_state_dim": 3, "qhd_num_paths": 1}),
    *each(
        "model.blocks.spatial",
        {
            "qhd_entanglement_depth": 3,
            "qhd_entanglement_strength": 0.5,
            "qhd_entanglement_topology": "adjacent",
            "qhd_gumbel_temperature": 0.5,
        },
        "inert",
    ),
    Case("model.blocks.latent.thought_steps", 2),
    *each("model.blocks.attention", {"num_heads": 8, "num_kv_heads": 1, "latent_dim": 3}),
    *each("model.blocks.wlam", {"num_heads": 2, "kernel_size": 2}),
    Case("model.blocks.wlam.num_landmarks", 8, "inert"),
    Case("model.blocks.moe.inner_dim", 8),
]

TOKENIZER = [
    Case("tokenizer.kind", "plain", "checked", by="CM002"),
    Case("tokenizer.base_vocab", 384, "inert"),
    Case("tokenizer.byte_offset", 30),
    Case("tokenizer.active_vocab_size", 370),
    Case("tokenizer.max_vocab_size", 370),
    Case(
        "tokenizer.total_vocab_size",
        400,
        given={"model.lm_head.factor_rank": 2, "tokenizer.total_vocab_size": 500},
    ),
    Case("tokenizer.derived_from", "budget", "inert"),
    *each("tokenizer", {"min_ngram": 4, "max_ngram": 2, "min_freq": 400, "learn_samples": 3}),
]

DATA = [
    *each(
        "data",
        {"hf_dataset_name": "a", "curriculum_id": "a", "curriculum_datasets": ["a"]},
        "inert",
    ),
    Case("data.text", "other.txt"),
    Case("data.streaming_mode", "chunked", "inert"),
    Case("data.hd.enabled", False),
    *each(
        "data.hd",
        {
            "reservoir_size": 40,
            "ctqw_steps": 1,
            "keys": "gaussian",
            "seed": 7,
            "base_table": "lazy",
            "sample_length": 7,
        },
    ),
    Case("data.hd.label_mode", "last_token", "stopped", by="have no label each"),
    Case("budget.param_budget", 1000, "checked", by="HS401"),
    *each("budget", {"estimator": "v1", "overhead_fraction": 0.4, "vocab_cap": 1000}, "inert"),
]

TRAINING = [
    *each(
        "training",
        {
            "optimizer": "lion",
            "learning_rate": 0.002,
            "weight_decay": 0.5,
            "batch_size": 6,
            "max_grad_norm": 0.5,
            "steps": 7,
            "seed": 7,
        },
    ),
    Case("training.epochs", 2, given={"training.steps": None, "training.epochs": 1}),
    # The id of the letter a; this little text has no row with padding among the first.
    *each("training.loss", {"ignore_index": 32 + ord("a"), "label_smoothing": 0.1}),
    Case("training.loss.kind", "focal", "inert"),
    *each("training", {"entropy_reg_weight": 0.5, "hd_optimizer_compression_ratio": 2}, "inert"),
    *each(
        "training.galore",
        {"enabled": False, "rank": 8, "scale": 0.5, "update_proj_gap": 9},
        "inert",
    ),
    *each("training.qng", {"enabled": False, "damping": 0.5}, "inert"),
    *each(
        "training.qhpm",
        {"enabled": False, "crystallization_threshold": 0.5, "max_directions": 9},
        "inert",
    ),
    *each(
        "training.qalrc",
        {"annealing_power": 1.0, "tunneling_probability": 0.5, "entropy_smoothing": 0.5},
        "inert",
    ),
    Case("training.sympflow.mass", 2.0, "inert", FLOW),
    *each("training.sympflow", {"friction": 0.5, "step_size": 0.02}, given=FLOW),
    *each(
        "training.barren_plateau",
        {"monitor": False, "threshold": 0.5, "recovery_lr_scale": 2.0},
        "inert",
    ),
]

OTHERS = [
    *each(
        "qahpo",
        {
            "search_strategy": "random",
            "max_trials": 3,
            "epochs_per_trial": 3,
            "auto_stop_on_convergence": False,
            "lr_min": 0.001,
            "lr_max": 0.1,
            "batch_sizes": [4],
            "optimizers": ["lion"],
            "hyperband_eta": 2,
            "pbt_population_size": 3,
            "population_size": 3,
            "initial_temperature": 1.0,
            "final_temperature": 0.5,
            "tunneling_probability": 0.5,
            "mutation_strength": 0.5,
            "crossover_rate": 0.5,
            "evolution_interval": 2,
            "fanova_importance_boost": 1.0,
            "enable_meta_learning": False,
            "multi_fidelity_scheduler": "median",
            "importance_analyzer": "fanova",
            "search_space": {"batch_size": [4, 8]},
        },
        "inert",
    ),
    *each(
        "qsg",
        {
            "bond_dim": 8,
            "coherence_range": 8,
            "grover_iterations": 1,
            "jacobi_iterations": 1,
            "hopfield_beta": 0.5,
            "quality_threshold": 0.5,
            "amplification_strength": 0.5,
            "temperature": 0.5,
            "top_k": 5,
            "top_p": 0.5,
        },
        "inert",
    ),
    Case("profile", "sweep", "marked", by="what the file is for"),
    *each(
        "provenance",
        {
            "sweep_id": "a",
            "trial_id": "a",
            "sampler_trial_id": "a",
            "budget": 50,
            "created_at": "2026-01-14",
            "best_loss": 1.0,
            "best_composite_score": 1.0,
        },
        "marked",
        by="where the file is from",
    ),
    Case("legacy_extra", {"warmup_steps": 100}, "inert"),
]

CASES = [*MODEL, *TOKENIZER, *DATA, *TRAINING, *OTHERS]

SILENCED = [
    # What is read in some configs, and in these by nothing.
    Case("model.num_moe_experts", 3, "inert", {"model.block_pattern": "mamba_only"}),
    Case("model.num_moe_experts", 3, "inert", {"model.num_reasoning_blocks": 5}),
    Case("model.ff_expansion", 2, "inert", {"model.num_reasoning_blocks": 2}),
    Case("model.blocks.latent.thought_steps", 3, "inert", {"model.num_reasoning_blocks": 2}),
    Case("model.blocks.attention.num_heads", 2, "inert", {"model.num_reasoning_blocks": 3}),
    Case("model.blocks.attention.latent_dim", 3, "inert", {"model.num_reasoning_blocks": 3}),
    Case("model.blocks.wlam.kernel_size", 2, "inert", {"model.num_reasoning_blocks": 4}),
    Case("model.blocks.moe.inner_dim", 8, "inert", {"model.num_reasoning_blocks": 5}),
    *each(
        "model.lm_head",
        {"vqc_layers": 1, "vqc_qubits": 3, "dense_fallback": False, "factor_rank": 3},
        "inert",
        given={"model.lm_head.kind": "dense"},
    ),
    Case("model.lm_head.total_vocab_size", 500, "inert"),
    Case("tokenizer.total_vocab_size", 500, "inert"),
    Case("tokenizer.total_vocab_size", 450, "inert", FACTORED),
    *each(
        "model.adapter",
        {"use_bias": False, "position": "none"},
        "inert",
        given={"model.adapter.expand": "cleanup"},
    ),
    Case(
        "model.adapter.position",
        "none",
        "inert",
        {
            "model.adapter.expand": "none",
            "data.hd.sample_length": 4,
            "data.hd.label_mode": "last_token",
        },
    ),
    Case("model.adapter.hd_dim", 64, "inert", {"data.hd.enabled": False}),
    Case("data.hd.keys", "unitary", "inert", {**TOKENS, "data.hd.keys": "gaussian"}),
    Case("model.hd_dims.embedding", 64, "inert"),
    Case("model.hd_dims.embedding", 64, "inert", TOKENS),
    Case(
        "model.embedding.hd_active_vocab_size",
        100,
        "inert",
        {**TOKENS, "model.embedding.kind": "plain"},
    ),
    Case("model.embedding.kind", "plain", "inert"),
    Case("model.context_window", 9, "inert"),
    Case("training.sympflow.friction", 0.5, "inert"),
    Case("training.epochs", 2, "inert"),
]
