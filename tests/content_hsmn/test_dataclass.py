"""The JSON of the Config dataclass: its defaults, its presets, what it dropped unread."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfgmig.checking import CheckOptions, check
from cfgmig.project import find_project
from cfgmig.schema.compile import compiled
from tests.conftest import ROOT
from tests.content_hsmn.tools import (
    among_all,
    data,
    detected,
    errors,
    family,
    head,
    migrate,
    parse,
    up,
)

ERAS = {"9c48422": "dataclass-v1", "f206825": "dataclass-v1", "21f7be4": "dataclass-v5"}
PRESETS = {
    "small": (768, 4),
    "base": (1024, 8),
    "large": (2048, 12),
    "3b": (2560, 16),
    "7b": (4096, 24),
}
"""Width and blocks of the presets on record."""


def full(width: int = 768, blocks: int = 4, **vocabularies: int) -> dict[str, Any]:
    """What the old code wrote: every key, in the order of the class."""
    names = vocabularies or {"vocab_size": 32_000}
    return {
        "model": {
            **names,
            "embedding_dim": width,
            "num_reasoning_blocks": blocks,
            "max_seq_length": 4096,
            "num_moe_experts": 8,
            "use_fused_ops": True,
            "dtype": "float32",
            "block_pattern": "transformer",
            "compressed_dim": 256,
            "chunk_size": 512,
            "chunk_stride": 256,
            "dropout": 0.1,
            "attention_dropout": 0.1,
            "use_residual_connections": True,
        },
        "training": {
            "batch_size": 8,
            "learning_rate": 0.0001,
            "warmup_steps": 1000,
            "max_steps": 100_000,
            "gradient_accumulation_steps": 1,
            "max_grad_norm": 1.0,
            "weight_decay": 0.01,
            "curriculum_strategy": "adaptive",
            "allowed_stages": ["code_foundation"],
            "checkpoint_interval": 1000,
            "eval_interval": 500,
            "log_interval": 10,
        },
    }


def text(config: Any) -> str:
    return json.dumps(config, indent=2) + "\n"


@pytest.mark.parametrize("era", ERAS)
def test_defaults_are_those_of_the_record(corpus: Path, era: str) -> None:
    record = json.loads(
        (corpus / "hsmn" / "derived" / f"dataclass_defaults__{era}.json").read_text("utf-8")
    )
    fields = compiled(family(), ERAS[era]).fields
    for section, name in (("model", "ModelConfig"), ("training", "TrainingConfig")):
        known = [path.partition(".")[2] for path in fields if path.startswith(f"{section}.")]
        assert known == list(record[name])
        for key, said in record[name].items():
            field = fields[f"{section}.{key}"]
            assert field.default == said["default"], key
            assert said["type"].split("[")[0] in field.type, key


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("version", ["dataclass-v1", "dataclass-v5"])
def test_a_preset_becomes_a_model_of_tokens(preset: str, version: str) -> None:
    width, blocks = PRESETS[preset]
    split = {"active_vocab_size": 32_000, "total_vocab_size": 300_000}
    config = full(width, blocks, **(split if version == "dataclass-v5" else {}))
    document = parse(text(config), "config.json")
    found = among_all(document)
    assert found.verdict == "detected"
    assert found.best is not None
    assert found.best.name == f"hsmn/{version}"
    done = migrate(document, version, head(), stamp=False).document
    after = data(done)
    assert errors(done, head()) == []
    assert after["model"]["hidden_dim"] == width
    assert after["model"]["num_reasoning_blocks"] == blocks
    assert after["model"]["context_window"] == 4096
    assert after["tokenizer"]["active_vocab_size"] == 32_000
    assert after["tokenizer"].get("total_vocab_size", 300_000) == 300_000
    assert after["training"]["steps"] == 100_000
    assert after["data"]["hd"]["enabled"] is False
    assert migrate(done, head(), head(), stamp=False).document.text == done.text
    back = migrate(done, head(), version, stamp=False).document
    assert back.text == document.text


def test_a_key_that_was_dropped_unread_is_kept_and_told() -> None:
    config = full(active_vocab_size=16_000, total_vocab_size=300_000)
    config["model"]["vocab_size"] = 50_000
    config["training"]["momentum"] = 0.9
    done = migrate(parse(text(config), "a.json"), "dataclass-v5", head(), stamp=False)
    after = data(done.document)
    assert after["tokenizer"]["active_vocab_size"] == 16_000
    assert after["legacy_extra"]["model"]["vocab_size"] == 50_000
    assert after["legacy_extra"]["training"]["momentum"] == 0.9
    told = " ".join(note.message for note in done.notes)
    assert "`vocab_size` is no key of `model`: the old code dropped it unread" in told
    assert "momentum" in told
    assert "chunk_size" not in told


def test_a_missing_key_keeps_what_it_meant() -> None:
    after = up("model: {max_seq_length: 512}\n", "dataclass-v1", head())
    assert after["model"] == {
        "hidden_dim": 768,
        "num_reasoning_blocks": 4,
        "num_moe_experts": 8,
        "block_pattern": "transformer",
        "context_window": 512,
    }
    assert after["tokenizer"] == {"active_vocab_size": 32_000}
    assert after["training"] == {"batch_size": 8, "learning_rate": 0.0001, "steps": 100_000}


def test_a_rate_in_text_becomes_a_number() -> None:
    config = "model: {max_seq_length: 9}\ntraining: {learning_rate: '8e-5'}\n"
    assert up(config, "dataclass-v1", head())["training"]["learning_rate"] == 8e-5


def test_rules_speak_of_the_upgraded_file_at_the_lines_of_the_old_one() -> None:
    found = check(text(full()), "config.json", find_project(ROOT), CheckOptions())
    assert (found.family, found.version) == ("hsmn", "dataclass-v1")
    lines = text(full()).splitlines()
    spoken = {one.code: one for one in found.findings if one.code.startswith("HS")}
    assert set(spoken) == {"HS315"}
    assert "block_pattern" in lines[spoken["HS315"].line - 1]
    assert "after the upgrade" in spoken["HS315"].message
    assert {one.code for one in found.findings} == {"CM004", "CM006", "HS315"}


@settings(max_examples=40, deadline=None)
@given(
    st.data(),
    st.booleans(),
    st.dictionaries(st.sampled_from(["ema", "note", "seed"]), st.integers(0, 9), max_size=2),
)
def test_any_part_of_such_a_file_goes_up_and_comes_back(
    draw: st.DataObject, split: bool, unknown: dict[str, int]
) -> None:
    names = {"active_vocab_size": 16_000, "total_vocab_size": 300_000} if split else {}
    config = full(1024, 8, **names)
    for section in config:
        held = config[section]
        keys = draw.draw(st.lists(st.sampled_from(list(held)), unique=True, min_size=4))
        config[section] = {key: held[key] for key in held if key in keys} | unknown
    version = "dataclass-v5" if split else "dataclass-v1"
    before = parse(text(config), "config.json")
    found = detected(before)
    if found.verdict == "detected" and "max_seq_length" in config["model"]:
        assert found.best is not None
        assert found.best.version.startswith("dataclass-v")
    done = migrate(before, version, head(), stamp=False).document
    assert errors(done, head()) == []
    after = data(done)
    for section in config:
        for key, value in unknown.items():
            assert after["legacy_extra"][section][key] == value
    back = migrate(parse(done.to_bytes(), "config.json"), head(), version, stamp=False)
    assert json.loads(back.document.text) == config
