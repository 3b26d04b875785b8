"""The exact count beside models that are built: the numbers of their parameters are equal."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from schemas.hsmn.rules import budget, estimators, read
from tests.content_hsmn_rules.tools import config

BASE: dict[str, Any] = {
    "model": {
        "hidden_dim": 64,
        "num_reasoning_blocks": 6,
        "num_moe_experts": 4,
        "context_window": 16,
        "blocks": {
            "attention": {"num_heads": 4, "latent_dim": 16},
            "wlam": {"num_heads": 8, "kernel_size": 3},
            "moe": {"inner_dim": 100},
        },
    },
    "tokenizer": {"active_vocab_size": 512},
    "data": {"hd": {"sample_length": 16, "keys": "unitary", "ctqw_steps": 0}},
}
TOKENS = {"data.hd.enabled": False}
DUAL = TOKENS | {"model.embedding": {"kind": "dual_path"}}
ENTRIES: dict[str, dict[str, Any]] = {
    f"{expand}-{'bias' if bias else 'none'}-{position}": {
        "model.adapter": {
            "hd_dim": 128, "expand": expand, "use_bias": bias, "position": position,
        }
    }
    for expand in ("unbind", "broadcast", "cleanup", "none")
    for bias in (True, False)
    for position in ("learned", "none")
    if (expand, position) != ("broadcast", "none")
} | {
    "no-input-said": {"model.adapter": {"hd_dim": 128}},
    "input-said": {
        "model.adapter": {"hd_dim": 128},
        "model.input": {"kind": "hd_bundle", "dtype": "float32"},
    },
    "plain": TOKENS | {"model.embedding": {"kind": "plain"}},
    "no-embedding": TOKENS,
    "adapter-without-bundles": TOKENS | {"model.adapter": {"hd_dim": 128, "expand": "cleanup"}},
    "dual-path": DUAL,
    "rare-ids": DUAL
    | {
        "model.embedding": {"kind": "dual_path", "hd_active_vocab_size": 100},
        "model.hd_dims": {"embedding": 128},
    },
    "size-of-the-adapter": DUAL | {"model.adapter": {"hd_dim": 96}},
    "rows-to-spare": DUAL
    | {"model.embedding": {"kind": "dual_path", "hd_active_vocab_size": 1000}},
}  # fmt: skip
"""What can come in."""
HEADS: dict[str, dict[str, Any]] = {
    "quantum": {},
    "dense": {"model.lm_head": {"kind": "dense"}},
    "no-fallback": {"model.lm_head": {"dense_fallback": False}},
    "factored": {"model.lm_head": {"factor_rank": 8, "total_vocab_size": 600}},
    "total-of-the-tokenizer": {
        "model.lm_head": {"factor_rank": 3, "dense_fallback": False},
        "tokenizer.total_vocab_size": 700,
    },
    "circuit": {"model.lm_head": {"vqc_layers": 3, "vqc_qubits": 5}},
    "one-qubit": {"model.lm_head": {"vqc_layers": 1, "vqc_qubits": 1}},
}
SIZES: dict[str, dict[str, Any]] = {
    "expansion": {"model.ff_expansion": 2, "model.blocks.moe.inner_dim": None},
    "wider": {"model.hidden_dim": 96, "model.num_reasoning_blocks": 8},
    "one-path": {"model.blocks.spatial": {"qhd_num_paths": 1, "mamba_state_dim": 5}},
    "own-keys": {"model.blocks.attention.num_kv_heads": 4},
    "no-length-said": {"data.hd": {"keys": "unitary"}},
    "short": {"model.context_window": 4, "data.hd.sample_length": 5},
}
PATTERNS = ("mamba_timecrystal_wlam_moe_hybrid", "mamba_only")
DEPTHS = (1, 2, 3, 4, 5, 6, 7)


def _data(changes: dict[str, Any]) -> dict[str, Any]:
    data = copy.deepcopy(BASE)
    for path, value in changes.items():
        *sections, key = path.split(".")
        node = data
        for name in sections:
            node = node.setdefault(name, {})
        node[key] = value
    return data


def _both(changes: dict[str, Any]) -> tuple[int, int]:
    """Parameters by the count and of the model."""
    from examples.hsmn.model.building import build

    data = _data(changes)
    sizes = read.sizes(config(data))
    assert sizes is not None
    model = build(data)
    return estimators.count_exact(sizes), sum(one.numel() for one in model.parameters())


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("entry", ENTRIES)
def test_is_the_number_of_parameters_whatever_comes_in(entry: str, pattern: str) -> None:
    pytest.importorskip("torch")
    for depth in DEPTHS:
        stack = {"model.block_pattern": pattern, "model.num_reasoning_blocks": depth}
        counted, built = _both(ENTRIES[entry] | stack)
        assert counted == built, depth


@pytest.mark.parametrize("name", HEADS | SIZES)
@pytest.mark.parametrize("entry", ["unbind-bias-learned", "cleanup-bias-learned", "plain"])
def test_is_the_number_of_parameters_whatever_comes_out(entry: str, name: str) -> None:
    pytest.importorskip("torch")
    counted, built = _both((HEADS | SIZES)[name] | ENTRIES[entry])
    assert counted == built


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("name", HEADS)
def test_an_id_costs_what_one_more_adds_to_the_model(entry: str, name: str) -> None:
    pytest.importorskip("torch")
    changes = ENTRIES[entry] | HEADS[name]
    sizes = read.sizes(config(_data(changes)))
    assert sizes is not None
    _, before = _both(changes)
    _, after = _both(changes | {"tokenizer.active_vocab_size": 513})
    assert estimators.cost_of_an_id(sizes) == after - before


def test_nothing_is_counted_that_is_left_to_a_search() -> None:
    data = _data(ENTRIES["no-input-said"] | {"budget": {"param_budget": 1, "estimator": "exact"}})
    for key in ("num_reasoning_blocks", "num_moe_experts"):
        assert "exact" in budget.counts(config(data))
        open_one = {**data, "model": {**data["model"], key: None}}
        assert "exact" not in budget.counts(config(open_one))
