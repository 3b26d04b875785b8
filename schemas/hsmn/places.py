"""Where the keys of the flat files stand in sections; every other key has no place of its own."""

from __future__ import annotations

_COMMON = {
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
    "qsg_bond_dim": "qsg.bond_dim",
    "qsg_grover_iterations": "qsg.grover_iterations",
    "qsg_jacobi_iterations": "qsg.jacobi_iterations",
    "qsg_hopfield_beta": "qsg.hopfield_beta",
    "qsg_quality_threshold": "qsg.quality_threshold",
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
"""What every era wrote."""

_LATER = {
    "hd_optimizer_compression_ratio": "training.hd_optimizer_compression_ratio",
    "target_vocab_size": "tokenizer.target_vocab_size",
    "max_vocab_size": "tokenizer.max_vocab_size",
    "hd_dim": "model.adapter.hd_dim",
    "hd_sample_length": "data.hd.sample_length",
    "qsg_coherence_range": "qsg.coherence_range",
    "qsg_amplification_strength": "qsg.amplification_strength",
}
"""What v3 brought."""

V2 = _COMMON | {
    "vocab_size": "tokenizer.vocab_size",
    "use_hd_streaming": "data.hd.enabled",
    "hd_dim": "data.hd.hd_dim",
    "qmamba_superposition_states": "model.blocks.spatial.qmamba_superposition_states",
    "qmamba_entanglement_depth": "model.blocks.spatial.qmamba_entanglement_depth",
    "qmamba_entanglement_strength": "model.blocks.spatial.qmamba_entanglement_strength",
}
V3 = (
    _COMMON
    | _LATER
    | {
        "use_hd_streaming": "data.hd.enabled",
    }
)
V4 = (
    _COMMON
    | _LATER
    | {
        "vocab_size": "tokenizer.vocab_size",
        "hd_active_vocab_size": "model.embedding.hd_active_vocab_size",
        "hd_dim_embedding": "model.hd_dims.embedding",
        "hd_dim_spatial": "model.hd_dims.spatial",
        "hd_dim_timecrystal": "model.hd_dims.timecrystal",
        "hd_dim_moe": "model.hd_dims.moe",
        "qhd_num_paths": "model.blocks.spatial.qhd_num_paths",
        "qhd_entanglement_depth": "model.blocks.spatial.qhd_entanglement_depth",
        "qhd_entanglement_strength": "model.blocks.spatial.qhd_entanglement_strength",
        "qhd_entanglement_topology": "model.blocks.spatial.qhd_entanglement_topology",
        "qhd_gumbel_temperature": "model.blocks.spatial.qhd_gumbel_temperature",
        "epochs": "training.epochs",
        "loss_function": "training.loss.kind",
        "label_smoothing": "training.loss.label_smoothing",
        "created_at": "provenance.created_at",
        "best_loss": "provenance.best_loss",
        "best_composite_score": "provenance.best_composite_score",
    }
)
V6 = {
    "active_vocab_size" if key == "target_vocab_size" else key: place for key, place in V4.items()
}
