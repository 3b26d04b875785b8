"""The search's file in groups: its keys are those of a flat file, its runner is kept whole."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfgmig.errors import Refused
from tests.content_hsmn.tools import among_all, data, errors, head, migrate, parse, up

GROUPED = {
    "search_space": {"learning_rate": [1e-5, 3e-4], "hidden_dim": [64, 128]},
    "model_config": {"hidden_dim": 64, "num_reasoning_blocks": 6},
    "param_budget": 100_000_000,
    "hpo_runner": {"trial_settings": {"epochs": 5, "steps_per_epoch": 1500}, "workers": 2},
}
NAMES = {
    "grouped-v2": "vocab_size",
    "grouped-v4": "target_vocab_size",
    "grouped-v6": "active_vocab_size",
}


def grouped(**keys: Any) -> dict[str, Any]:
    return GROUPED | {"model_config": {**GROUPED["model_config"], **keys}}  # type: ignore[dict-item]


def text(config: Any) -> str:
    return json.dumps(config, indent=2) + "\n"


@pytest.mark.parametrize("version", NAMES)
def test_the_vocabulary_tells_the_era(version: str) -> None:
    config = grouped(**{NAMES[version]: 16_000})
    document = parse(text(config), "hpo_config.json")
    found = among_all(document)
    assert found.verdict == "detected", found.sentence
    assert found.best is not None
    assert found.best.name == f"hsmn/{version}"
    assert errors(document, version) == []
    done = migrate(document, version, head(), stamp=False).document
    after = data(done)
    assert errors(done, head()) == []
    assert after["tokenizer"]["active_vocab_size"] == 16_000
    assert after["model"]["hidden_dim"] == 64
    assert after["budget"]["param_budget"] == 100_000_000
    assert after["qahpo"]["search_space"] == GROUPED["search_space"]
    assert after["legacy_extra"]["hpo_runner"] == GROUPED["hpo_runner"]
    assert migrate(done, head(), head(), stamp=False).document.text == done.text


def test_an_open_vocabulary_follows_from_the_budget() -> None:
    # int(100e6 / 2) of which 512 x 64 are no vocabulary: 49967232 // 512
    after = up(text(grouped(vocab_size=None, hd_dim=512)), "grouped-v2", head())
    assert after["tokenizer"]["active_vocab_size"] == 97_592


def test_unknown_keys_are_kept() -> None:
    config = grouped(vocab_size=500, flux=3) | {"owner": "ada"}
    kept = up(text(config), "grouped-v2", head())["legacy_extra"]
    assert kept["flux"] == 3
    assert kept["owner"] == "ada"


def test_a_budget_that_is_said_twice_is_said_once() -> None:
    config = text(grouped(vocab_size=500, param_budget=100_000_000))
    assert up(config, "grouped-v2", head())["budget"]["param_budget"] == 100_000_000


def test_two_budgets_stop_the_upgrade() -> None:
    config = text(grouped(vocab_size=500, param_budget=5_000_000))
    with pytest.raises(Refused, match=r"param_budget` is 5000000, but `param_budget` is") as caught:
        up(config, "grouped-v2", head())
    assert "--prefer" in str(caught.value.help)
    for word, budget in (("param_budget", 100_000_000), ("model_config.param_budget", 5_000_000)):
        after = up(config, "grouped-v2", head(), prefer=(word,))
        assert after["budget"]["param_budget"] == budget


KEYS = {
    "hidden_dim": 64,
    "embedding_dim": 64,
    "num_reasoning_blocks": 6,
    "num_moe_experts": 4,
    "batch_size": 16,
    "optimizer": "lion",
    "hd_dim": 128,
    "use_quantum_lm_head": False,
    "hf_dataset_name": "org/web",
    "tt_rank_middle": 16,
    "flux": [1, 2],
}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(list(KEYS)), unique=True, min_size=2),
    st.permutations(list(GROUPED)),
    st.sampled_from([16_000, None]),
)
def test_any_such_file_goes_up_and_comes_back(
    keys: list[str], order: list[str], vocabulary: int | None
) -> None:
    config = {key: GROUPED[key] for key in order}
    config["model_config"] = {"vocab_size": vocabulary} | {key: KEYS[key] for key in keys}
    before = parse(text(config), "hpo_config.json")
    found = among_all(before)
    assert found.best is not None
    assert found.best.name == "hsmn/grouped-v2"
    done = migrate(before, "grouped-v2", head(), stamp=False).document
    assert errors(done, head()) == []
    back = migrate(parse(done.to_bytes(), "a.json"), head(), "grouped-v2", stamp=False)
    assert json.loads(back.document.text) == config
