"""Every count against a number that somebody else wrote down: tables, logs, models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.hsmn.rules import estimators as of
from schemas.hsmn.rules.estimators import Sizes
from schemas.hsmn.rules.memory import memory, peak_memory

TINY = Sizes(
    width=64,
    ids=512,
    blocks=6,
    experts=4,
    inner=128,
    heads=4,
    kv_heads=2,
    latent=16,
    taps=5,
    wavelet_heads=4,
    hd_dim=256,
    length=16,
)


@pytest.mark.parametrize(
    ("budget", "width", "hd_dim", "ids"),
    [
        (250_000_000, 64, 1536, 81_316),
        (100_000_000, 512, 1024, 48_316),
        (250_000_000, 64, 192, 650_977),
        (250_000_000, 512, 512, 243_628),
        (10**9, 512, 12_288, 40_178),
        (10**9, 512, None, 121_558),
        (10**9, 3072, 3072, 159_688),
        (10**8, 256, None, 24_158),
        (10**8, 256, 512, 97_400),
        (10**6, 64, 128, 3842),
        (10**6, 64, 512, 912),
        (2_000_000, 64, 128, 7748),
        (3_000_000, 64, 128, 11_654),
    ],
)
def test_the_old_formula(budget: int, width: int, hd_dim: int | None, ids: int) -> None:
    assert of.affordable(budget, width, hd_dim) == ids


def test_the_old_formula_without_the_hyperdimensional_table() -> None:
    assert of.affordable(10**8, 256, hyperdimensional=False) == 195_312


@pytest.mark.parametrize(
    ("raw", "cap", "ids"),
    [
        (650_977, 300_000, 300_000),
        (243_628, 128_000, 128_000),
        (81_316, 128_000, 81_316),
        (3842, 300_000, 8000),
        (-5, 300_000, 8000),
    ],
)
def test_floor_and_cap(raw: int, cap: int, ids: int) -> None:
    assert of.bounded(raw, cap) == ids


VECTORS: list[tuple[dict[str, Any], tuple[int, int, int]]] = [
    (
        {
            "active_vocab_size": 8000,
            "hidden_dim": 64,
            "embedding_dim": 64,
            "hd_dim": 128,
            "num_reasoning_blocks": 6,
            "num_moe_experts": 4,
            "context_window": 128,
        },
        (8_700_160, 4_314_112, 564_549),
    ),
    (
        {
            "active_vocab_size": 32_000,
            "hidden_dim": 512,
            "embedding_dim": 512,
            "num_reasoning_blocks": 8,
            "num_moe_experts": 8,
        },
        (121_905_152, 148_440_064, 32_505_127),
    ),
    (
        {
            "hidden_dim": 256,
            "num_reasoning_blocks": 4,
            "num_moe_experts": 4,
            "param_budget": 10**8,
            "use_hyperdimensional_embedding": True,
        },
        (38_339_584, 52_458_496, 9_279_663),
    ),
    (
        {
            "vocab_size": 16_000,
            "hidden_dim": 256,
            "num_reasoning_blocks": 4,
            "num_moe_experts": 4,
            "param_budget": 10**8,
        },
        (12_977_152, 35_750_912, 8_863_663),
    ),
    (
        {
            "vocab_size": 128_000,
            "hidden_dim": 64,
            "num_reasoning_blocks": 1,
            "num_moe_experts": 2,
            "hd_dim": 1024,
            "mamba_state_dim": 48,
        },
        (16_625_792, 131_185_664, 4_242_628),
    ),
]


@pytest.mark.parametrize(("flat", "expected"), VECTORS)
def test_the_three_estimators(flat: dict[str, Any], expected: tuple[int, int, int]) -> None:
    assert (of.count_v1(flat), of.count_v2(flat), of.count_head(flat)) == expected


@pytest.mark.parametrize(
    ("hd_dim", "state", "expected"),
    [
        (3072, 32, 393_458_688),
        (1536, 128, 196_764_672),
        (4096, 192, 524_616_704),
    ],
)
def test_numbers_that_the_old_program_logged(hd_dim: int, state: int, expected: int) -> None:
    flat = VECTORS[-1][0] | {"hd_dim": hd_dim, "mamba_state_dim": state}
    assert of.count_v2(flat) == expected


TRIALS = {
    "v6_active_total__153587c9": ((34_840_320, 125_716_480, 8_486_574), 0.60),
    "v2_hdfix__ed48d074": ((10_970_368, 125_043_712, 70_089_610), 52.75),
    "v2_hdfix__ef7cddb1": ((715_502_080, 151_802_880, 1_358_886_019), 2083.0),
}


@pytest.mark.parametrize("name", TRIALS)
def test_real_trials(name: str, corpus: Path) -> None:
    (file,) = (corpus / "hsmn" / "trials").glob(f"{name}__*.json")
    flat = json.loads(file.read_bytes())
    counts, gigabytes = TRIALS[name]
    assert (of.count_v1(flat), of.count_v2(flat), of.count_head(flat)) == counts
    assert memory(flat).peak / 1e9 == pytest.approx(gigabytes, rel=0.001)


def test_the_log_of_refused_trials(corpus: Path) -> None:
    (file,) = (corpus / "hsmn" / "misc").glob("*oversized_configs.jsonl")
    records = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(records) == 7
    ratios = []
    for record in records:
        found = {name: count(record["config"]) for name, count in of.FLAT.items()}
        assert found["v2"] == record["estimated_params"]
        ratios.append(max(found.values()) / min(found.values()))
    assert max(ratios) == pytest.approx(72.95, abs=0.01)


def test_a_context_that_fits_is_the_longest_that_does() -> None:
    flat = {"hidden_dim": 64, "batch_size": 16, "context_window": 1_048_576}
    found = memory(flat)
    assert found.peak > found.limit
    assert found.context == 131_072
    assert peak_memory(flat, 131_072) <= found.limit
    assert memory(flat | {"context_window": 4096}).context is None


def test_blocks_of_the_exact_count() -> None:
    assert of.block_counts(TINY) == {
        "spatial": 32_644,
        "timecrystal": 20_801,
        "latent": 33_344,
        "attention": 13_632,
        "wlam": 95_936,
        "moe": 65_796,
    }
    assert of.head_count(TINY) == 181_311
    # two norms of 4 x 64, six of 2 x 64 and an angle each, and the blocks of the facts
    blocks = 256 + 6 * 129 + 32_644 + 20_801 + 33_344 + 13_632 + 95_936 + 65_796
    assert of.exact_parts(TINY) | {"entry": 0} == {"entry": 0, "blocks": blocks, "head": 181_311}


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        (TINY, 461_966),
        (TINY._replace(hd_dim=None), 477_262),
        (TINY._replace(width=32, ids=2560, hd_dim=128), 840_558),
        (TINY._replace(width=32, ids=2560, hd_dim=None), 917_838),
    ],
)
def test_exact_counts_of_a_model_that_was_built(sizes: Sizes, expected: int) -> None:
    assert of.count_exact(sizes) == expected


@pytest.mark.parametrize(
    ("changed", "less"),
    [
        ({"bias": False}, 64),
        ({"positions": False}, 16 * 64),
        ({"dense": False}, 64 * 512 + 512 + 1),
        ({"blocks": 5}, 65_796 + 2 * 64 + 1),
        ({"factor_rank": 32, "total_ids": 512}, 256 * 512 + 512 - 32 * (512 + 256)),
    ],
)
def test_what_a_part_adds(changed: dict[str, Any], less: int) -> None:
    assert of.count_exact(TINY) - of.count_exact(TINY._replace(**changed)) == less


@pytest.mark.parametrize("hd_dim", [None, 256])
@pytest.mark.parametrize("dense", [True, False])
@pytest.mark.parametrize("quantum", [True, False])
def test_an_id_costs_the_difference_that_one_more_makes(
    hd_dim: int | None, dense: bool, quantum: bool
) -> None:
    sizes = TINY._replace(hd_dim=hd_dim, dense=dense, quantum=quantum)
    more = of.count_exact(sizes._replace(ids=513)) - of.count_exact(sizes)
    assert of.cost_of_an_id(sizes) == more


@pytest.mark.parametrize(("budget", "ids"), [(1_000_000, 1552), (329_728, 512)])
def test_the_exact_cap(budget: int, ids: int) -> None:
    assert of.exact_cap(budget, TINY) == ids


@pytest.mark.parametrize(("offset", "ids"), [(16, 362), (32, 362), (42, 362), (48, 368), (64, 384)])
def test_the_base_vocabulary(offset: int, ids: int) -> None:
    assert of.base_vocabulary(offset) == ids


@pytest.mark.parametrize("odd", [None, 0, -3, True, 2.5, "64", [64], 10**13])
def test_what_is_no_positive_integer_is_absent(odd: object) -> None:
    flat = VECTORS[0][0]
    for key in flat:
        without = {name: value for name, value in flat.items() if name != key}
        for count in of.FLAT.values():
            assert count(flat | {key: odd}) == count(without)
