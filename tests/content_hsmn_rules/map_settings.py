"""Facts about what belongs together, budgets, training, search and form that a file shows."""

from __future__ import annotations

from .map_kinds import V2, V6, Proof, on

_WEIGHED = "- {id: a, stages: [{name: a, weight: %s}]}\n"
_PRESETS = "version: %s\npresets: {}\n"

SETTINGS: dict[str, tuple[Proof, ...]] = {
    "ENUM-01": (on("HS315", "model: {block_pattern: @}", "transformer", "mamba_only"),),
    "ENUM-02": (on("CM002", "data: {streaming_mode: @}", "bundled", "chunked"),),
    "ENUM-03": (on("HS505", "training: {optimizer: @}", "sgd", "sophiag"),),
    "ENUM-05": (
        on(
            "CM002", "model: {blocks: {spatial: {qhd_entanglement_topology: @}}}", "ring",
            "hierarchical"
        ),
    ),
    "CON-01": (on("HS601", "chunk_stride: @\nchunk_size: 64", "65", "64", V6),),
    "CON-02": (
        on("HS601", "local_attention_window_min: @\nlocal_attention_window_max: 9", "9", "8", V6),
    ),
    "CON-03": (on("HS601", "vqc_min_layers: @\nvqc_max_layers: 4", "4", "3", V6),),
    "CON-04": (on("HS601", "hopfield_beta_min: @\nhopfield_beta_max: 4.0", "4.0", "0.1", V6),),
    "CON-05": (on("HS601", "qao_final_temp: @\nqao_initial_temp: 10.0", "10.0", "0.1", V6),),
    "CON-06": (on("HS601", "state_bus_slots: @\nstate_bus_max_slots: 16", "17", "16", V6),),
    "CON-07": (on("HS602", "memory_num_heads: @\nmemory_slot_dim: 64", "6", "4", V6),),
    "CON-08": (on("HS603", "hd_gradient_bandwidth: @\nhd_dim: 128", "65", "64", V6),),
    "CON-09": (on("HS603", "hd_gradient_rank: @\nhd_dim: 128", "33", "32", V6),),
    "CON-10": (on("HS603", "flash_linear_augment_rank: @\nhidden_dim: 64", "9", "8", V6),),
    "CON-11": (on("HS603", "latent_kv_dim: @\nhidden_dim: 64", "65", "64", V6),),
    # 3,200 keys of 4,096 numbers are 50 MiB, 409,600 slots of 64 are 100 MiB
    "CON-12": (on("HS604", "hd_sample_length: @\nhd_dim: 4096", "3201", "3200", V6),),
    "CON-13": (on("HS604", "memory_slots: @\nmemory_slot_dim: 64", "409601", "409600", V6),),
    "BUD-02": (
        on("HS203", "hidden_dim: 64\nhd_dim: 128\nparam_budget: @", "1000000", "3000000", V2),
    ),
    # 32,505,127 by the last estimator: facts of someone else, as in test_estimators
    "BUD-03": (
        on(
            "HS401", "hidden_dim: 512\nactive_vocab_size: 32000\nparam_budget: @", "32505126",
            "32505127", V6
        ),
    ),
    "BUD-04": (
        on("HS402", "budget: {param_budget: 1000000@}", "", ", estimator: v2"),
        on("CM002", "budget: {estimator: @}", "v3", "v1"),
    ),
    "BUD-05": (
        on("CM002", "budget: {overhead_fraction: @}", "1.0", "0.99"),
        on("CM002", "budget: {overhead_fraction: @}", "-0.1", "0.0"),
    ),
    "BUD-06": (
        on("HS405", "sweep_id: a\nparam_budget: @", "99999999", "100000000", V2),
        on("CM002", "profile: request\nbudget: {param_budget: @}", "20000000001", "20000000000"),
        on("CM002", "budget: {param_budget: @}", "0", "1"),
    ),
    "BUD-07": (
        on(
            "HS404",
            "model: {hidden_dim: 64, adapter: {hd_dim: 128}}\n"
            "budget: {param_budget: 1000, estimator: @}",
            "v2", "exact"
        ),
    ),
    "BUD-08": (
        on("HS406", "hidden_dim: 64\ncontext_window: @\nbatch_size: 16", "1048576", "8192", V2),
    ),
    "TRN-01": (
        on("HS502", "optimizer: adam\nlearning_rate: @", "0.00101", "0.001", V2),
        on("HS502", "optimizer: adamw\nlearning_rate: @", "0.000303", "0.0003", V2),
        on("HS502", "optimizer: sophiag\nlearning_rate: @", "0.000101", "0.0001", V2),
        on("HS502", "optimizer: lion\nlearning_rate: @", "0.000101", "0.0001", V2),
        on("HS502", "optimizer: qiao\nlearning_rate: @", "0.000505", "0.0005", V2),
        on("HS502", "optimizer: grover\nlearning_rate: @", "0.000505", "0.0005", V2),
        on("HS502", "optimizer: sympflow\nlearning_rate: @", "0.000505", "0.0005", V2),
        on("HS502", "optimizer: sympflowqng\nlearning_rate: @", "0.000202", "0.0002", V2),
    ),
    "TRN-02": (
        on("HS503", "learning_rate: @", '"1e-4"', "0.0001", V2),
        on("HS503", "lr_min: @", '"1e-4"', "0.0001", V2),
        on("HS503", "lr_max: @", '"1e-4"', "0.0001", V2),
    ),
    "TRN-03": (
        on("CM001", "training: {@: 100}", "warmup_steps", "steps"),
        on("HS605", "@hidden_dim: 64\nwarmup_steps: 100", 'trial_id: "1"\n', "", V6),
    ),
    "TRN-06": (on("HS504", "training: {max_grad_norm: @}", "0.099", "0.1"),),
    "SRCH-01": (on("HS501", "profile: @\nmodel: {adapter: {hd_dim: 256}}", "request", "trial"),),
    "SRCH-02": (
        on("HS507", "qahpo: {search_space: {@: [1, 2]}}", "param_budget", "batch_size"),
        on("HS507", "qahpo: {search_space: {@: [1, 2]}}", "context_window", "batch_size"),
        on("HS507", "qahpo: {search_space: {@: [1, 2]}}", "vocab_size", "batch_size"),
        on("HS507", "qahpo: {search_space: {@: [1, 2]}}", "curriculum_id", "batch_size"),
        on("HS507", "qahpo: {search_space: {@: [1, 2]}}", "hf_dataset_name", "batch_size"),
        on("HS507", "qahpo: {search_space: {@: [1, 2]}}", "sweep_id", "batch_size"),
    ),
    "SRCH-05": (
        on("HS506", "qahpo: {initial_temperature: @, final_temperature: 0.1}", "0.1", "0.2"),
        on("CM002", "profile: request\nqahpo: {population_size: @}", "3", "4"),
        on("CM002", "profile: request\nqahpo: {hyperband_eta: @}", "5", "4"),
        on("CM002", "qahpo: {crossover_rate: @}", "1.1", "1.0"),
        on("CM002", "qahpo: {tunneling_probability: @}", "-0.1", "0.0"),
    ),
    "SRCH-06": (
        on("HS508", "qahpo: {search_space: {hidden_dim: [@]}}", "64, 32", "32, 64"),
        on("HS508", "qahpo: {search_space: {hidden_dim: [@]}}", "", "32"),
        on("HS508", "qahpo: {search_space: {batch_size: [@]}}", "0, 1", "1, 2"),
        on("HS508", "qahpo: {search_space: {weight_decay: {low: @}}}", "1, high: 0", "0, high: 1"),
    ),
    "SRCH-07": (
        on("CM000", "qahpo: {search_space: {hidden_dim: [32]@}}", ", hidden_dim: [64]", ""),
    ),
    "UI-01": (
        on("HS501", "profile: request@", "\ntokenizer: {active_vocab_size: 512}", ""),
        on("HS501", "lr_min: 0.00001\nvocab_size: @", "8000", "null", V2),
        on("HS501", "ui: {@}", "maxVocabSize: 128000", "", "1"),
    ),
    "UI-02": (
        on("HS501", "lr_min: 0.00001@", "\nhd_dim: 1024", "", V2),
        on("HS501", "lr_min: 0.00001@", "\nhd_dim_moe: 1024", "", V6),
    ),
    "UI-03": (on("HS501", "lr_min: 0.00001@", "\nuse_hd_streaming: true", "", V2),),
    "FMT-01": (on("CM001", "model: {@hiden_dim: 64}", "", "hidden_dim: 64}\nlegacy_extra: {"),),
    "FMT-02": (
        on("HS607", '{"best_loss": @}', "Infinity", "4.2", V6, suffix=".json"),
        on("HS607", "provenance: {best_loss: @}", ".nan", "null"),
    ),
    "FMT-03": (on("CM000", "model: {hidden_dim: 32@}", ", hidden_dim: 64", ""),),
    "FMT-04": (
        on("CM006", "@tokenizer: {active_vocab_size: 512}", "", "schema_version: hsmn/5\n"),
    ),
    "FMT-05": tuple(
        Proof("HC101", _WEIGHED % bad, _WEIGHED % "0.1", "1", family="hsmn_curricula")
        for bad in ("0.0", "-0.1")
    ),
    "FMT-06": (
        Proof("CM002", _PRESETS % "two", _PRESETS % "4.0.0", "4.0.0", family="hsmn_presets"),
    ),
    "FMT-07": (on("HS606", "created_at: @", '""', "null", V6),),
    "FMT-09": (on("HS605", "@hidden_dim: 64\nneuromorphic_tau: 10.0", 'trial_id: "1"\n', "", V6),),
    "QSG-05": (
        on("HS215", "qsg: {grover_iterations: @}", "0", "1"),
        on("HS215", "qsg: {jacobi_iterations: @}", "7", "6"),
        on("HS215", "qsg: {coherence_range: @}", "0", "-1"),
        on("HS215", "qsg: {hopfield_beta: @}", "5.1", "5.0"),
        on("HS214", "tokenizer: {active_vocab_size: 512}\nqsg: {top_k: @}", "513", "512"),
        on("CM002", "qsg: {temperature: @}", "0.0", "0.1"),
        on("CM002", "qsg: {coherence_range: @}", "-2", "1"),
    ),
}  # fmt: skip
