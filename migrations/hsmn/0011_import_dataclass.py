"""Gives the JSON of the Config dataclass its sections: a model of tokens, and how to train it.

What the dataclass filled in where the file said nothing is written down, for the newest
version leaves it to a search. Keys without a place, those that `from_dict` dropped among
them, go below legacy_extra, under the section that they stood in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cfgmig.migration import Add, Cast, Convert, Custom, Default, Move, Operation, Regroup, Tell
from cfgmig.paths import format_path

revision = "5"
revises = "dataclass-v5"

MOVED = {
    "model.active_vocab_size": "tokenizer.active_vocab_size",
    "model.total_vocab_size": "tokenizer.total_vocab_size",
    "model.embedding_dim": "model.hidden_dim",
    "model.max_seq_length": "model.context_window",
    "training.max_steps": "training.steps",
}
STAYING = {
    "model": ("num_reasoning_blocks", "num_moe_experts", "block_pattern"),
    "training": ("batch_size", "learning_rate", "max_grad_norm", "weight_decay"),
}
UNREAD = {
    "model": (
        "use_fused_ops", "dtype", "compressed_dim", "chunk_size", "chunk_stride", "dropout",
        "attention_dropout", "use_residual_connections",
    ),
    "training": (
        "warmup_steps", "gradient_accumulation_steps", "curriculum_strategy", "allowed_stages",
        "checkpoint_interval", "eval_interval", "log_interval",
    ),
}  # fmt: skip
"""What the dataclass knew and no version has a place for."""
FILLED_IN = {
    "tokenizer.active_vocab_size": (32_000, None),
    "model.hidden_dim": (768, None),
    "model.num_reasoning_blocks": (4, None),
    "model.num_moe_experts": (8, None),
    "model.block_pattern": ("transformer", "mamba_timecrystal_wlam_moe_hybrid"),
    "model.context_window": (4096, None),
    "training.batch_size": (8, None),
    "training.learning_rate": (1e-4, None),
    "training.steps": (100_000, None),
}
"""What a missing key meant to the dataclass, and what it means to version 5."""
HOME = "legacy_extra"


def _placeless(data: Any) -> Iterator[Operation]:
    for section, unread in UNREAD.items():
        held = data.get(section)
        kept = STAYING[section] + tuple(_name(path) for path in MOVED if path.startswith(section))
        for key in map(str, held if isinstance(held, dict) else ()):
            if key in kept:
                continue
            path = format_path((HOME, section, key))
            yield Move(format_path((section, key)), path)
            if key not in unread:
                yield Tell(
                    path, f"`{key}` is no key of `{section}`: the old code dropped it unread"
                )


def _name(path: str) -> str:
    return path.partition(".")[2]


def _back(data: Any) -> Iterator[Operation]:
    extra = data.get(HOME) or {}
    for section in UNREAD:
        held = extra.get(section)
        for key in map(str, held if isinstance(held, dict) else ()):
            yield Move(format_path((HOME, section, key)), format_path((section, key)))


MEANT = {
    "profile": None,
    "model.vocab_source": "tokenizer",
    "model.ff_expansion": 4,
    "model.input": None,
    "model.adapter": None,
    "model.embedding": None,
    "model.lm_head": {},
    "model.hd_dims": None,
    "model.blocks": {},
    "tokenizer.kind": "adaptive_qwt",
    "tokenizer.base_vocab": 362,
    "tokenizer.byte_offset": 32,
    "tokenizer.max_vocab_size": None,
    "tokenizer.derived_from": None,
    "tokenizer.min_ngram": 2,
    "tokenizer.max_ngram": 5,
    "tokenizer.min_freq": 10,
    "tokenizer.learn_samples": 5000,
    "data.hf_dataset_name": None,
    "data.curriculum_id": None,
    "data.curriculum_datasets": [],
    "data.text": None,
    "data.streaming_mode": "packed",
    "data.hd.label_mode": "full_sequence",
    "data.hd.sample_length": 512,
    "data.hd.reservoir_size": 2000,
    "data.hd.ctqw_steps": 3,
    "data.hd.keys": "gaussian",
    "data.hd.seed": 42,
    "data.hd.base_table": None,
    "budget": {},
    "training.optimizer": None,
    "training.epochs": None,
    "training.seed": 42,
    "training.loss": {},
    "training.entropy_reg_weight": 0.01,
    "training.hd_optimizer_compression_ratio": 8,
    "training.galore": {},
    "training.qng": {},
    "training.qhpm": {},
    "training.qalrc": {},
    "training.sympflow": {},
    "training.barren_plateau": {},
    "qahpo": {},
    "qsg": {},
    "provenance": {},
}
"""What the dataclass cannot say, and what it means all the same."""

config = [
    Regroup({"model": "model", "training": "training"}, rest=HOME),
    Custom(
        "Keys without a place go below legacy_extra, each under its section.",
        lambda data: list(_placeless(data)),
        lambda data: list(_back(data)),
        touches=(HOME, *(f"{section}.{key}" for section in UNREAD for key in UNREAD[section])),
    ),
    *(Move(source, target, optional=True) for source, target in MOVED.items()),
    Convert("training.learning_rate", Cast(float), optional=True),
    *(Default(path, old, new=new) for path, (old, new) in FILLED_IN.items()),
    Add("data.hd.enabled", False),
    *(Add(path, value, implicit=True) for path, value in MEANT.items()),
]
weights = []
