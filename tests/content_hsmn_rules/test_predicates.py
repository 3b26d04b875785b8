"""The rules beside the written predicates, on files that differ from a sound one in one key.

The predicates were written by someone else, as Python over a flat file, and are evaluated
here; nothing of the code under test takes part but the counts, which have tests of their own.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.hsmn.rules import estimators, memory
from tests.content_hsmn_rules.test_yardstick import CODES
from tests.content_hsmn_rules.tools import findings, parse

SOUND: dict[str, Any] = {
    "trial_id": "a",
    "hidden_dim": 64,
    "embedding_dim": 64,
    "hd_dim": 1024,
    "num_reasoning_blocks": 6,
    "num_moe_experts": 4,
    "sequence_length": 8192,
    "context_window": 8192,
    "batch_size": 8,
    "learning_rate": 0.0001,
    "optimizer": "adamw",
    "param_budget": 250_000_000,
    "hf_dataset_name": "tales",
    "use_hyperdimensional_embedding": True,
}
NEEDED = ("hidden_dim", "num_reasoning_blocks", "num_moe_experts")
"""Some predicates fail without these keys; a file without them is no trial."""

OWN = {"flat-v2": "vocab_size", "flat-v4": "target_vocab_size", "flat-v6": "active_vocab_size"}

VALUES: dict[str, tuple[Any, ...]] = {
    "vocab_size": (None, 300, 8000, 65_536, 128_000, 256_000, 300_000, 300_001),
    "target_vocab_size": (8000, 300_000, 300_001),
    "active_vocab_size": (8000, 300_000, 300_001),
    "total_vocab_size": (4000, 300_000),
    "hd_active_vocab_size": (1000, 16_000, 16_001),
    "hd_dim": (None, 63, 64, 128, 192, 896, 4096, 8192, 16_384),
    "hd_dim_embedding": (128, 100),
    "hidden_dim": (16, 32, 36, 63, 72, 128, 1232, 4104),
    "embedding_dim": (32, 5000),
    "sequence_length": (4096, 6_000_000),
    "context_window": (4096, 8191, 1_048_576, 6_000_000),
    "num_reasoning_blocks": (1, 24, 25),
    "num_moe_experts": (1, 12, 13),
    "batch_size": (1, 512),
    "learning_rate": ("3e-4", 0.001, 1e-6, None),
    "optimizer": ("adam", "sympflowqng", "sgd"),
    "param_budget": (None, 10**6, 99_999_999, 10**8, 2 * 10**10, 3 * 10**10),
    "block_pattern": ("mamba_only", "transformer"),
    "wlam_num_heads": (6, 8, 128),
    "tt_ffn_ranks": ([1, 8, 1], [8, 8, 1], [1, 8, 8]),
    "chunk_stride": (32, 64, 65),
    "local_attention_window_min": (64, 512),
    "vqc_min_layers": (1, 4),
    "hopfield_beta_min": (0.1, 4.0),
    "qao_initial_temp": (0.1, 10.0),
    "state_bus_slots": (8, 16, 17),
    "memory_slot_dim": (64, 65),
    "memory_slots": (64, 500_000),
    "hd_gradient_bandwidth": (512, 513),
    "hd_gradient_rank": (256, 257),
    "flash_linear_augment_rank": (8, 9),
    "latent_kv_dim": (64, 65),
    "hd_sample_length": (512, 12_800, 12_801),
    "max_grad_norm": (0.05, 0.1),
    "created_at": ("", None),
}
PARTNERS: dict[str, dict[str, Any]] = {
    "chunk_stride": {"chunk_size": 64},
    "local_attention_window_min": {"local_attention_window_max": 512},
    "vqc_min_layers": {"vqc_max_layers": 4},
    "hopfield_beta_min": {"hopfield_beta_max": 4.0},
    "qao_initial_temp": {"qao_final_temp": 0.1},
    "state_bus_slots": {"state_bus_max_slots": 16},
    "memory_slot_dim": {"memory_num_heads": 4},
    "memory_slots": {"memory_slot_dim": 64},
}

_ONCE = "above the limit of the version it is an error (DIM-03), and not said twice"
_TOTAL = "more ids than the total is an error under whatever name the vocabulary goes"
DIFFER = {
    ("DIM-11", "flat-v2"): "the loader of v2 takes short contexts; a rule of v4 on",
    ("DIM-03b", "flat-v2"): _ONCE,
    ("DIM-03b", "flat-v4"): _ONCE,
    ("DIM-03b", "flat-v6"): _ONCE,
    ("HS206", "flat-v2"): _TOTAL,
    ("HS206", "flat-v4"): _TOTAL,
    ("HS210", "flat-v2"): "dense rows beyond the vocabulary, too, whatever its name",
}
"""Rule or code, and version: where the rules differ from the predicates on purpose."""

UNTRIED = {"flat-v2": {"VOC-15", "VOC-16"}, "flat-v4": {"VOC-16"}, "flat-v6": set[str]()}
"""Predicates that no file of the version can break: its vocabulary has another name."""


def _rules(corpus: Path) -> dict[str, str]:
    file = corpus.parent / "families" / "hsmn_rules.json"
    if not file.is_file():
        pytest.skip("the written predicates are not at hand")
    rules = json.loads(file.read_text())
    return {one["id"]: one["expr_flat"] for one in rules if one["id"] in CODES}


def _vocabulary(c: dict[str, Any]) -> Any:
    return c.get("active_vocab_size") or c.get("target_vocab_size") or c.get("vocab_size")


def _raw(c: dict[str, Any]) -> int:
    width = c.get("hidden_dim") or 256
    dim = c.get("hd_dim") or 8 * width
    return (int(c["param_budget"] * 0.5) - dim * width) // dim


RATES = {
    "adam": (1e-5, 1e-3),
    "adamw": (1e-5, 3e-4),
    "sophiag": (1e-5, 1e-4),
    "lion": (1e-5, 1e-4),
    "sympflowqng": (1e-5, 2e-4),
}


def _holds(rule: str, text: str, c: dict[str, Any]) -> bool:
    if rule == "TRN-01" and isinstance(c.get("learning_rate"), str):
        return True  # a text is reported as such, and compared with nothing
    names = {
        "c": c,
        "voc": _vocabulary,
        "voc2": lambda c: c.get("active_vocab_size") or c.get("target_vocab_size"),
        "raw": _raw,
        "cap": lambda c: max(8000, min(_raw(c), 300_000)),
        "head": estimators.count_head,
        "mem": memory.peak_memory,
        "LR": RATES,
    }
    return bool(eval(text, names))


def _files(version: str) -> list[dict[str, Any]]:
    sound = SOUND | {OWN[version]: 16_000}
    files = [sound]
    for key, values in VALUES.items():
        files += [{**sound, **PARTNERS.get(key, {}), key: value} for value in values]
        files += [{name: said for name, said in sound.items() if name != key}]
    return [one for one in files if all(key in one for key in NEEDED)]


@pytest.mark.parametrize("version", OWN)
def test_agrees_with_every_predicate(version: str, corpus: Path, tmp_path: Path) -> None:
    rules = _rules(corpus)
    differences: set[tuple[str, str]] = set()
    broken_once: set[str] = set()
    for data in _files(version):
        document = parse(json.dumps(data), "config.json")
        found = {one.code for one in findings(document, version, tmp_path)}
        broken = {rule for rule, text in rules.items() if not _holds(rule, text, data)}
        broken_once |= broken
        wanted = {CODES[rule] for rule in broken}
        differences |= {(rule, version) for rule in broken if CODES[rule] not in found}
        beyond = (found & set(CODES.values())) - wanted
        differences |= {(code, version) for code in beyond}
    assert differences == {pair for pair in DIFFER if pair[1] == version}
    assert set(rules) - broken_once == UNTRIED[version]
