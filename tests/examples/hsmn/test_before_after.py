"""The first version's failure: told from its config, shown in shapes, and gone after it."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from cfgmig import StaleConfigWarning, load
from cfgmig.checking import CheckOptions, check
from cfgmig.project import find_project
from examples.common.flow import Stop
from examples.common.ranks import Ranks
from examples.hsmn.flow import Asked, prepare
from examples.hsmn.model import Architecture, build
from examples.hsmn.run import Options
from examples.hsmn.run_loop import Outcome, start, train
from examples.hsmn.tokenizer import AdaptiveQWT
from schemas.hsmn.v5 import Config
from tests.conftest import ROOT

from .train_helpers import config_file
from .train_helpers import start as run_process

CONFIGS = ROOT / "examples/hsmn/configs"
BEFORE = CONFIGS / "before.yaml"
BATCH, HD, IDS = 64, 128, 128_000


def test_check_tells_the_failure_from_the_config_alone() -> None:
    project = find_project(BEFORE.parent)
    found = check(BEFORE.read_bytes(), str(BEFORE), project, CheckOptions()).findings
    told = {one.code: one for one in found}
    assert "logits (64, 128, 128000) against labels (64,)" in told["HS101"].message
    assert "vocabulary 128,000" in told["HS202"].message
    assert "budget of 1,000,000" in told["HS202"].message
    assert told["HS101"].severity == told["HS202"].severity == "error"


def test_the_trainer_does_not_begin_with_it(tmp_path: Path) -> None:
    with pytest.raises(Stop, match="nothing was trained"):
        prepare(BEFORE, lambda _: None, Asked())


def _old_model() -> nn.Module:
    """The token model that version 1 built, which was not causal. No memory is taken."""
    old = Architecture(vocab_size=IDS, hidden_dim=64, heads=4, wavelet_heads=4, causal=False)
    with torch.device("meta"):
        return build(old)


def test_the_old_shapes_do_not_meet() -> None:
    """Bundles (64, 128), cast to ids, are 64 sequences of 128; there are 64 labels."""
    ids = torch.zeros(BATCH, HD, dtype=torch.long, device="meta")
    labels = torch.zeros(BATCH, dtype=torch.long, device="meta")
    logits = _old_model()(ids)
    assert logits.shape == (64, 128, 128_000)
    with pytest.raises(RuntimeError, match=re.escape("[64, 128000], got [64]")):
        functional.cross_entropy(logits, labels)
    with pytest.raises(RuntimeError, match=re.escape("[64, 128], got [64]")):
        functional.cross_entropy(logits.transpose(1, 2), labels)
    with pytest.raises(ValueError, match=re.escape("(8192) to match target batch_size (64)")):
        functional.cross_entropy(logits.flatten(0, 1), labels)


def test_uncast_bundles_fail_sooner() -> None:
    with pytest.raises(RuntimeError, match=r"indices.*Long, Int"):
        nn.Embedding(8, 4)(torch.zeros(BATCH, HD))


def test_the_old_tokenizer_had_room_for_all_of_128_000(caplog: Any) -> None:
    with caplog.at_level(logging.INFO):
        old = AdaptiveQWT(IDS)
        new = AdaptiveQWT(IDS, max_vocab_size=512)
    assert (old.capacity, new.capacity) == (127_638, 150)
    assert "base_vocab=362, target=128000, codebook_capacity=127638" in caplog.messages[0]


def test_the_upgraded_shapes_meet() -> None:
    """The upgrade brings an adapter, a label for every position, and a capped vocabulary."""
    with pytest.warns(StaleConfigWarning):
        config = load(BEFORE, Config)
    ids, adapter = config.tokenizer.active_vocab_size, config.model.adapter
    assert ids is not None
    assert adapter is not None
    assert ids == config.tokenizer.max_vocab_size == 8000
    assert (adapter.hd_dim, config.data.hd.label_mode) == (HD, "full_sequence")
    length = config.data.hd.sample_length
    logits = _meta(config, BATCH)
    labels = torch.zeros(BATCH, length, dtype=torch.long, device="meta")
    assert logits.shape == (BATCH, length, 8000)
    assert functional.cross_entropy(logits.transpose(1, 2), labels).shape == ()


def test_upgrade_and_fixes_leave_nothing_to_find(tmp_path: Path) -> None:
    """The vocabulary ends at what half of 1,000,000 pays for at 256 + 64 + 2 per id."""
    file = tmp_path / "before.yaml"
    file.write_bytes(BEFORE.read_bytes())
    for words in (("upgrade",), ("check", "--fix", "--unsafe-fixes")):
        process = run_process("cfgmig", *words, file)
        _, told = process.communicate()
        assert process.returncode == 0, told
    assert "nothing found" in told
    config = load(file, Config)
    assert config.tokenizer.active_vocab_size == 500_000 // 322 == 1552
    assert config.tokenizer.max_vocab_size == 1552
    assert (config.data.hd.keys, config.data.hd.ctqw_steps) == ("unitary", 0)


def _meta(config: Config, batch: int) -> torch.Tensor:
    with torch.device("meta"):
        model = build(config).to("meta")
    assert config.model.adapter is not None
    bundles = torch.zeros(batch, config.model.adapter.hd_dim, device="meta")
    logits: torch.Tensor = model(bundles)
    return logits


def _trained(config: Path, out: Path, asked: Asked) -> tuple[Outcome, float, int, int]:
    ready = prepare(config, lambda _: None, asked)
    ranks = Ranks(0, 1, torch.device("cpu"))
    run = start(ready, Options(out, live=False), ranks, lambda _: None)
    outcome = train(run, ready, lambda _: None, config.read_text())
    given = ready.material
    return outcome, given.entropy, given.tokenizer.vocab_size, given.tokenizer.limit


def test_a_tiny_model_gets_below_the_unigram_entropy(tmp_path: Path) -> None:
    change = {
        "model": {
            "num_reasoning_blocks": 2,
            "adapter": {"hd_dim": 512},
            "lm_head": {"vqc_qubits": 6},
        },
        "data": {"hd": {"reservoir_size": 512}},
        "training": {"steps": 160, "batch_size": 32, "learning_rate": 0.01},
    }
    config = config_file(tmp_path, change)
    outcome, entropy, ids, cap = _trained(config, tmp_path / "out", Asked())
    assert ids == cap == 380
    assert outcome.held_out < entropy


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "seed"),
    [("small_bundles", 0), ("small_bundles", 1), ("small_bundles", 2), ("small_tokens", 0)],
)
def test_the_shipped_configs_learn(tmp_path: Path, name: str, seed: int) -> None:
    """Half the unigram entropy is the criterion; the vocabulary is at its cap."""
    asked = Asked(seed=seed)
    outcome, entropy, ids, cap = _trained(CONFIGS / f"{name}.yaml", tmp_path, asked)
    assert (outcome.steps, ids, cap) == (300, 512, 512)
    assert outcome.held_out < 0.5 * entropy
