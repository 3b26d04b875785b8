"""Facts about bundles, vocabularies and dimensions that a file shows."""

from __future__ import annotations

from .map_kinds import V1, V2, V3, V4, V6, Proof, on

SIZES: dict[str, tuple[Proof, ...]] = {
    "HD-IN-01": (
        on(
            "HS105", "model: {hidden_dim: 64, adapter: {hd_dim: 128}, input: {kind: @}}",
            "token_ids, dtype: int32", "hd_bundle, dtype: float32"
        ),
    ),
    "HD-IN-02": (
        on(
            "HS105", "data: {hd: {enabled: false}}\nmodel: {input: {kind: token_ids, dtype: @}}",
            "float32", "int32"
        ),
    ),
    "HD-LBL-02": (
        on("HS103", "data: {hd: {label_mode: @}}", "bundle", "full_sequence", "2"),
        on("HS103", "data: {hd: {label_mode: @}}", "bundle", "full_sequence", "3"),
        on("HS103", "data: {hd: {label_mode: @}}", "bundle", "full_sequence", "4"),
        on("HS103", "data: {hd: {label_mode: @}}", "bundle", "full_sequence", "5"),
        on("HS103", "data: {hd: {label_mode: @}}", "last_token", "full_sequence", "2"),
        on("HS103", "data: {hd: {label_mode: @}}", "last_token", "full_sequence", "3"),
        on("HS103", "data: {hd: {label_mode: @}}", "last_token", "full_sequence", "4"),
        on("HS103", "data: {hd: {label_mode: @}}", "last_token", "full_sequence", "5"),
    ),
    "HD-LBL-04": (on("HS114", "training: {loss: {ignore_index: @}}", "0", "2"),),
    "HD-OUT-02": (
        on(
            "HS102", "use_hd_streaming: @\nbatch_size: 64\nvocab_size: 128000",
            "true\nhd_dim: 128", "false", V1
        ),
    ),
    "HD-ADP-01": (
        on("HS105", "model: {hidden_dim: 64@}", "", ", adapter: {hd_dim: 128}"),
        on(
            "HS105", "model: {hidden_dim: 64, adapter: {hd_dim: 128}@}",
            ", embedding: {kind: plain}", ""
        ),
    ),
    "HD-ADP-02": (
        on(
            "CM001", "@", "data: {hd: {hd_dim: 256}}",
            "model: {hidden_dim: 64, adapter: {hd_dim: 128}}"
        ),
    ),
    "HD-ADP-03": (
        on(
            "CM002", "model: {hidden_dim: 64, adapter: {hd_dim: 128, expand: @}}", "repeat",
            "cleanup"
        ),
        on(
            "HS107", "model: {hidden_dim: 64, adapter: {hd_dim: 128, expand: none}}@", "",
            "\ndata: {hd: {sample_length: 1}}"
        ),
    ),
    "HD-ADP-05": (
        on(
            "HS108", "model: {hidden_dim: 64, adapter: {hd_dim: 128, expand: broadcast@}}",
            ", position: none", ""
        ),
    ),
    "HD-ADP-06": (
        on(
            "HS109",
            "model: {hidden_dim: 64, adapter: {hd_dim: 128@}}\ndata: {hd: {keys: unitary}}",
            ", expand: broadcast", ""
        ),
        on(
            "HS109", "model: {hidden_dim: 64, adapter: {hd_dim: 128}}\ndata: {hd: {keys: @}}",
            "gaussian", "unitary"
        ),
    ),
    "HD-DAT-01": (
        on(
            "HS112", "model: {hidden_dim: 64, adapter: {hd_dim: 128}}@", "",
            "\ndata: {text: a.txt}"
        ),
    ),
    "HD-DAT-06": (on("HS113", "tokenizer: {active_vocab_size: @}", "65537", "65536"),),
    "HD-DAT-07": (
        on("CM002", "data: {hd: {ctqw_steps: @}}", "11", "10"),
        on(
            "HS110",
            "model: {hidden_dim: 64, adapter: {hd_dim: 128}}\ndata: {hd: {ctqw_steps: @}}", "1",
            "0"
        ),
        on(
            "HS110",
            "model: {hidden_dim: 64, adapter: {hd_dim: 128@}}\ndata: {hd: {ctqw_steps: 1}}", "",
            ", expand: broadcast"
        ),
    ),
    "HD-CAP-01": (
        on(
            "HS111",
            "model: {adapter: {hd_dim: @, expand: cleanup}}\n"
            "data: {hd: {sample_length: 16, keys: unitary}}",
            "1023", "1024"
        ),
    ),
    "HD-FLAG-01": (on("HS501", "profile: @\ndata: {hd: {enabled: false}}", "request", "trial"),),
    "MODE-01": (
        on("HS115", "@hidden_dim: 64\nactive_vocab_size: 8000", 'trial_id: "1"\n', "", V6),
    ),
    "VOC-01": (
        on("HS201", "sweep_id: a\nparam_budget: 250000000@", "", "\nvocab_size: 8000", V2),
        on("HS201", "@budget: {param_budget: 1000}", "", "tokenizer: {active_vocab_size: 512}\n"),
    ),
    # (500,000 - 128 * 64) // 128 = 3842, and the floor of 8000 above it; 500,000 // 322 = 1552
    "VOC-02": (
        on(
            "HS202", "hidden_dim: 64\nhd_dim: 128\nparam_budget: 1000000\nvocab_size: @", "8001",
            "8000", V1
        ),
        on(
            "HS202",
            "model: {hidden_dim: 64, adapter: {hd_dim: 128}}\n"
            "tokenizer: {active_vocab_size: @}\nbudget: {param_budget: 1000000}",
            "1553", "1552"
        ),
    ),
    "VOC-04": (on("HS205", "tokenizer: {max_vocab_size: @}", "361", "362"),),
    "VOC-07": (on("HS212", "tokenizer: {byte_offset: 64, base_vocab: @}", "362", "384"),),
    "VOC-08": (on("HS205", "vocab_size: @", "287", "362", V2),),
    "VOC-12": (
        on("HS209", "active_vocab_size: 16000@", "\nvocab_size: 121558", "", V6),
        on("HS209", "target_vocab_size: 8000@", "\nvocab_size: 40178", "", V4),
    ),
    "VOC-13": (
        on("HS206", "tokenizer: {active_vocab_size: @, total_vocab_size: 512}", "513", "512"),
    ),
    "VOC-14": (on("HS206", "tokenizer: {total_vocab_size: @}", "300001", "300000"),),
    "VOC-15": (
        on("HS210", "target_vocab_size: 8000\nhd_active_vocab_size: @", "8001", "8000", V4),
    ),
    "VOC-16": (
        on("HS211", "active_vocab_size: 16000\nhd_active_vocab_size: @", "1000", "16000", V6),
    ),
    "VOC-17": (
        on("HS208", "vocab_size: @\nparam_budget: 20000000000", "128000", "127999", V2),
        on("HS208", "vocab_size: @\nparam_budget: 20000000000", "256000", "255999", V2),
        on("HS208", "vocab_size: @\nparam_budget: 20000000000", "65536", "65535", V2),
    ),
    "VOC-18": (
        on("HS206", "vocab_size: @", "300001", "299999", V2),
        on("HS205", "vocab_size: @", "255", "362", V2),
    ),
    "VOC-21": (on("CM002", "model: {vocab_source: @}", "both", "config"),),
    "VOC-22": (on("HS207", "vocab_size: @", "300000", "299999", V2),),
    "DIM-01": (
        on("HS301", "hidden_dim: 1232\nhd_dim: @", "896", "1232", V2),
        on("HS301", "model: {hidden_dim: 64, adapter: {hd_dim: @}}", "100", "128"),
    ),
    "DIM-01b": (on("HS302", "hidden_dim: 512\nhd_dim_embedding: @", "128", "512", V4),),
    "DIM-02": (on("HS303", "model: {adapter: {hd_dim: @}}", "1536", "2048"),),
    "DIM-03": (
        on("HS304", "hd_dim: @", "63", "64", V2),
        on("HS304", "hd_dim: @", "12289", "12288", V3),
        on("HS304", "model: {adapter: {hd_dim: @}}", "4097", "4096"),
    ),
    "DIM-03b": (on("HS305", "hd_dim: @", "8192", "4096", V4),),
    "DIM-04": (
        on("HS310", "model: {hidden_dim: @}", "36", "40"),
        on("HS310", "model: {hidden_dim: @}", "24", "32"),
    ),
    "DIM-05": (
        on("HS311", "model: {hidden_dim: 72, blocks: {wlam: {num_heads: @}}}", "16", "8"),
        on("HS311", "model: {hidden_dim: 72@}", ", blocks: {attention: {num_heads: 16}}", ""),
    ),
    "DIM-06": (on("HS312", "model: {blocks: {attention: {num_kv_heads: @}}}", "3", "4"),),
    "DIM-07": (
        on("HS313", "wlam_num_heads: @", "6", "8", V6),
        on("HS313", "num_heads: @", "6", "8", V6),
        on("HS313", "quantum_gqa_num_heads: @", "6", "8", V6),
    ),
    "DIM-08": (on("HS310", "hidden_dim: @", "65", "64", V2),),
    "DIM-09": (on("HS307", "hidden_dim: 512\nembedding_dim: @", "128", "512", V6),),
    "DIM-10": (on("HS308", "sequence_length: @\ncontext_window: 4096", "16384", "4096", V6),),
    "DIM-11": (on("HS309", "context_window: @", "8191", "8192", V4),),
    "DIM-12": (on("HS314", "model: {context_window: @}", "5000001", "5000000"),),
    "DIM-13": (on("HS314", "model: {num_reasoning_blocks: @}", "25", "24"),),
    "DIM-14": (
        on("HS314", "model: {num_moe_experts: @}", "13", "12"),
        on("HS314", "model: {num_moe_experts: @}", "1", "2"),
    ),
    "DIM-15": (on("HS314", "embedding_dim: @", "4104", "4096", V2),),
    "DIM-16": (on("HS306", "model: {hidden_dim: 128, adapter: {hd_dim: @}}", "64", "128"),),
    "DIM-17": (
        on("HS316", "tt_ffn_ranks: [@, 8, 1]", "8", "1", V6),
        on("HS316", "tt_ffn_ranks: [1, @, 1]", "0", "1", V6),
    ),
}  # fmt: skip
