"""How large models are, beside the estimator, and what configs make of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from examples.hsmn.model import Architecture, architecture, build
from examples.hsmn.model.building import PATTERNS
from schemas.hsmn.rules.estimators import Sizes, count_exact
from schemas.hsmn.v5 import Config

from .model_helpers import SMALL, size

FACTS = Sizes(
    64, 512, experts=4, inner=128, heads=4, wavelet_heads=4, kv_heads=2, latent=16, taps=5
)
TABLE = [
    FACTS,
    FACTS._replace(hd_dim=256, length=16),
    FACTS._replace(width=32, ids=2560),
    FACTS._replace(width=32, ids=2560, hd_dim=128, length=16),
    FACTS._replace(blocks=1, ids=362),
    FACTS._replace(blocks=14, hd_dim=1024, length=7, bias=False),
    FACTS._replace(hd_dim=64, positions=False, length=30),
    FACTS._replace(only_spatial=True, blocks=3, state=8, paths=1),
    FACTS._replace(width=40, heads=8, kv_heads=4, latent=5, taps=4, experts=3, inner=None),
    FACTS._replace(wavelet_heads=8, expansion=3, inner=None),
    FACTS._replace(dual_hd=96),
    FACTS._replace(dual_hd=96, rows=100),
    FACTS._replace(dual_hd=96, rows=1000),
    FACTS._replace(quantum=False),
    FACTS._replace(dense=False, qubits=5, layers=3),
    FACTS._replace(factor_rank=8, total_ids=900),
]


def of_sizes(of: Sizes) -> Architecture:
    pattern = PATTERNS["mamba_only" if of.only_spatial else "mamba_timecrystal_wlam_moe_hybrid"]
    return Architecture(
        vocab_size=of.ids,
        hidden_dim=of.width,
        blocks=tuple(pattern[i % len(pattern)] for i in range(of.blocks)),
        hd_dim=of.hd_dim,
        sample_length=of.length,
        adapter_bias=of.bias,
        adapter_position=of.positions,
        heads=of.heads,
        wavelet_heads=of.wavelet_heads,
        kv_heads=of.kv_heads,
        latent_dim=of.latent,
        ff_expansion=of.expansion,
        embedding="dual_path" if of.dual_hd else "plain",
        embedding_hd=of.dual_hd or 1024,
        embedding_active=of.rows,
        wavelet_taps=of.taps,
        state_dim=of.state,
        paths=of.paths,
        experts=of.experts,
        expert_dim=of.inner,
        head="quantum" if of.quantum else "dense",
        head_layers=of.layers,
        head_qubits=of.qubits,
        dense_fallback=of.dense,
        factor_rank=of.factor_rank,
        total_vocab=of.total_ids,
    )


@pytest.mark.parametrize("of", TABLE, ids=str)
def test_a_model_is_as_large_as_the_estimator_says(of: Sizes) -> None:
    assert size(build(of_sizes(of))) == count_exact(of)


PROTOTYPE = [
    (64, 512, None, 477_262),
    (64, 512, 256, 461_966),
    (32, 2560, None, 917_838),
    (32, 2560, 128, 840_558),
]


@pytest.mark.parametrize(("width", "ids", "hd", "expected"), PROTOTYPE)
def test_a_model_is_as_large_as_the_prototype(
    width: int, ids: int, hd: int | None, expected: int
) -> None:
    of = FACTS._replace(width=width, ids=ids, hd_dim=hd, length=16)
    assert size(build(of_sizes(of))) == expected


def test_each_part_is_as_large_as_in_the_prototype() -> None:
    model = build(of_sizes(FACTS))
    bodies = [size(block.body) for block in model.blocks]
    assert bodies == [32_644, 20_801, 33_344, 13_632, 95_936, 65_796]
    assert size(model.head) == 181_311


# Configs.


def test_a_config_makes_its_model(config: dict[str, Any]) -> None:
    of = architecture(config)
    expected = FACTS._replace(hd_dim=256, length=16)
    assert of == replace(of_sizes(expected), total_vocab=300_000)
    assert size(build(config)) == 461_966
    assert size(build(Config.model_validate(config), vocab_size=400)) == count_exact(
        expected._replace(ids=400)
    )


def test_a_config_says_how_large_the_blocks_are(config: dict[str, Any]) -> None:
    config["model"]["ff_expansion"] = 2
    config["model"]["blocks"] = {
        "spatial": {"mamba_state_dim": 8, "qhd_num_paths": 1},
        "latent": {"thought_steps": 3},
        "attention": {"num_heads": 4, "num_kv_heads": 1, "latent_dim": 5},
        "wlam": {"num_heads": 2, "kernel_size": 3},
    }
    of = architecture(config)
    assert of.thought_steps == 3
    assert size(build(of)) == count_exact(
        Sizes(
            64, 512, experts=4, heads=4, kv_heads=1, latent=5, expansion=2, taps=3,
            wavelet_heads=2, state=8, paths=1, hd_dim=256, length=16,
        )
    )  # fmt: skip


def test_a_config_of_ids_makes_a_table_or_two_paths(config: dict[str, Any]) -> None:
    config["model"] |= {"input": {"kind": "token_ids", "dtype": "int32"}, "adapter": None}
    assert size(build(config)) == 477_262
    config["model"]["embedding"] = {"kind": "dual_path", "hd_active_vocab_size": 100}
    of = architecture(config)
    assert (of.embedding, of.embedding_active, of.embedding_hd) == ("dual_path", 100, 512)
    config["model"]["hd_dims"] = {"embedding": 128}
    model = build(config)
    assert model.embed is not None
    assert size(model.embed) == 100 * 64 + 64 * 128 + 128 * 64 + 64 + 128


def test_the_stream_says_what_comes_in_where_the_model_does_not(config: dict[str, Any]) -> None:
    config["model"]["input"] = None
    assert architecture(config).hd_dim == 256
    config["data"]["hd"]["enabled"] = False
    assert architecture(config).hd_dim is None


def test_blocks_follow_the_pattern(config: dict[str, Any]) -> None:
    config["model"]["num_reasoning_blocks"] = 8
    names = architecture(config).blocks
    assert names[6:] == ("spatial", "timecrystal")
    config["model"]["block_pattern"] = "mamba_only"
    assert architecture(config).blocks == ("spatial",) * 8
    config["model"]["block_pattern"] = "transformer"
    with pytest.raises(ValueError, match="block_pattern transformer is none of"):
        architecture(config)


def test_what_the_search_must_decide_is_an_error(config: dict[str, Any]) -> None:
    for name in ("hidden_dim", "num_reasoning_blocks", "num_moe_experts"):
        without = {**config, "model": {**config["model"], name: None}}
        with pytest.raises(ValueError, match=rf"model\.{name} is null"):
            architecture(without)
    with pytest.raises(ValueError, match="active_vocab_size is null"):
        architecture({**config, "tokenizer": {}})
    assert architecture({**config, "tokenizer": {}}, vocab_size=400).vocab_size == 400
    with pytest.raises(ValueError, match=r"model\.adapter is missing"):
        architecture({**config, "model": {**config["model"], "adapter": None}})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"hidden_dim": 18}, "no multiple of 4 heads"),
        ({"kv_heads": 3}, "no multiple of 3 key and value heads"),
        ({"hidden_dim": 15, "heads": 5, "wavelet_heads": 5, "kv_heads": 5}, "15 is odd"),
        ({"factor_rank": 4, "total_vocab": 39}, "39 rows are fewer than a vocabulary of 40"),
    ],
)
def test_sizes_that_do_not_divide_are_errors(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(replace(SMALL, **fields))
