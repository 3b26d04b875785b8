"""The exact count beside models that are built: the numbers of their parameters are equal."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from schemas.hsmn.rules import estimators, read
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
ADAPTER = {"model.adapter": {"hd_dim": 128}}
TOKENS = {"data.hd.enabled": False}
CASES: dict[str, dict[str, Any]] = {
    "unbind": ADAPTER,
    "cleanup": {"model.adapter": {"hd_dim": 128, "expand": "cleanup"}},
    "broadcast": {"model.adapter": {"hd_dim": 128, "expand": "broadcast", "use_bias": False}},
    "no-position": {"model.adapter": {"hd_dim": 128, "position": "none"}},
    "plain": TOKENS,
    "dual-path": TOKENS | {"model.embedding": {"kind": "dual_path"}},
    "rare-ids": TOKENS
    | {
        "model.embedding": {"kind": "dual_path", "hd_active_vocab_size": 100},
        "model.hd_dims": {"embedding": 128},
    },
    "dense": ADAPTER | {"model.lm_head": {"kind": "dense"}},
    "no-fallback": ADAPTER | {"model.lm_head": {"dense_fallback": False}},
    "factored": ADAPTER | {"model.lm_head": {"factor_rank": 8, "total_vocab_size": 600}},
    "circuit": ADAPTER | {"model.lm_head": {"vqc_layers": 3, "vqc_qubits": 5}},
    "expansion": ADAPTER | {"model.ff_expansion": 2},
    "spatial": ADAPTER | {"model.block_pattern": "mamba_only", "model.num_reasoning_blocks": 3},
    "wider": ADAPTER | {"model.hidden_dim": 96, "model.num_reasoning_blocks": 8},
}


def _data(changes: dict[str, Any]) -> dict[str, Any]:
    data = copy.deepcopy(BASE)
    for path, value in changes.items():
        *sections, key = path.split(".")
        node = data
        for name in sections:
            node = node.setdefault(name, {})
        node[key] = value
    return data


@pytest.mark.parametrize("name", CASES)
def test_is_the_number_of_parameters(name: str) -> None:
    pytest.importorskip("torch")
    from examples.hsmn.model.building import build

    data = _data(CASES[name])
    sizes = read.sizes(config(data))
    assert sizes is not None
    model = build(data)
    assert estimators.count_exact(sizes) == sum(one.numel() for one in model.parameters())
