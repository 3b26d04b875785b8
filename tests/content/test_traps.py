"""The places where a plain rename would have changed what a file means."""

from __future__ import annotations

from typing import Any

import pytest

from cfgmig.errors import LossyError
from tests.content.tools import data, head, migrate, parse, up, without_stash

FLAT = """\
model: {{latent_dim: 16}}
batch_size: {batch}
total_epochs: 20
optimizer: {{lr_start: 0.001}}
vae_a: {{beta_start: 0.3, beta_end: 0.8, temp_start: 1.0, temp_end: 0.3}}
vae_b: {{beta_start: 0.0, beta_end: 0.5, temp_start: 0.9, temp_end: 0.2}}
checkpoint_dir: out
{more}
"""


def flat(more: str = "", batch: int = 256) -> str:
    return FLAT.format(more=more, batch=batch)


def back_and_forth(text: str, origin: str, goal: str) -> Any:
    there = migrate(parse(text), origin, goal).document
    return data(migrate(parse(there.to_bytes()), goal, origin, stamp=False).document)


def test_coverage_in_percent_becomes_a_fraction_exactly() -> None:
    text = flat("target_coverage_percent: 99.7")
    assert up(text, "5.10.1", "5.11.0")["targets"] == {"coverage": 0.997}
    assert back_and_forth(text, "5.10.1", "5.11.0") == parse(text).data


@pytest.mark.parametrize(("batch", "batches"), [(256, 62), (64, 247), (512, 31)])
def test_log_interval_counts_the_batches_of_this_file(batch: int, batches: int) -> None:
    text = flat("log_interval: 2", batch)
    assert up(text, "5.10.0", "5.10.1")["log_interval"] == 2 * batches
    assert up(text, "5.5.0", head())["logging"]["print_every"] == 2
    assert back_and_forth(text, "5.5.0", head()) == parse(text).data


def test_an_interval_within_an_epoch_is_rounded_and_kept() -> None:
    text = flat("log_interval: 20")
    assert up(text, "5.10.1", "5.11.0")["logging"] == {"print_every": 1}
    assert back_and_forth(text, "5.10.1", "5.11.0") == parse(text).data


def test_such_an_interval_survives_the_way_down_and_up_too() -> None:
    text = flat("log_interval: 20")
    down = migrate(parse(text), "5.10.1", "5.5.0", stamp=False).document
    assert data(down)["log_interval"] == 1
    up_again = migrate(parse(down.to_bytes()), "5.5.0", "5.10.1", stamp=False).document
    assert data(up_again)["log_interval"] == 20


@pytest.mark.parametrize("value", ["runs/here", "null"])
def test_tensorboard_is_on_where_a_folder_was_named(value: str) -> None:
    text = flat(f"tensorboard_dir: {value}")
    logging = up(text, "5.10.1", "5.11.0").get("logging")
    assert logging == (None if value == "null" else {"tensorboard": True, "log_dir": value})
    assert back_and_forth(text, "5.10.1", "5.11.0") == parse(text).data


def test_the_ranking_weight_that_5_7_used_stays() -> None:
    text = flat("padic_losses: {ranking_loss_weight: 0.5}").replace(
        "latent_dim: 16", "latent_dim: 16, base_ranking_weight: 0.7"
    )
    after = up(text, "5.7.0", "5.8.0")
    assert after["padic_losses"]["ranking_loss_weight"] == 0.7
    assert "base_ranking_weight" not in after["model"]
    assert back_and_forth(text, "5.7.0", "5.8.0") == parse(text).data


def test_a_weight_of_its_own_is_no_second_name() -> None:
    text = flat("padic_losses: {ranking_loss_weight: 0.5}")
    assert back_and_forth(text, "5.6.0", "5.9.0") == parse(text).data


@pytest.mark.parametrize(
    ("enabled", "frozen", "trains"),
    [("true", "false", True), ("true", "true", False), ("false", "false", False),
     ("false", "true", False)],
)  # fmt: skip
def test_freeze_encoder_b_never_switches_training_on(
    enabled: str, frozen: str, trains: bool
) -> None:
    text = SECTIONS + f"option_c:\n  enabled: {enabled}\n  freeze_encoder_b: {frozen}\n"
    after = up(text, "5.11.0", "5.11.11")
    assert after.get("option_c", {}).get("enabled", False) is trains
    assert back_and_forth(text, "5.11.0", "5.11.11") == parse(text).data


SECTIONS = """\
model:
  name: TernaryVAEV5_11_OptionC
  latent_dim: 16
training:
  epochs: 10
  batch_size: 512
checkpoints:
  save_dir: out
"""


def test_the_class_is_renamed_and_no_other() -> None:
    assert up(SECTIONS, "5.11.0", "5.11.11")["model"]["name"] == "TernaryVAEV5_11_PartialFreeze"
    plain = SECTIONS.replace("_OptionC", "")
    assert up(plain, "5.11.0", "5.11.11")["model"]["name"] == "TernaryVAEV5_11"


def test_older_files_keep_what_is_now_on_by_default_off() -> None:
    after = up(SECTIONS, "5.11.11", head())
    assert after["homeostasis"] == {"enabled": False}
    assert after["loss"]["rich_hierarchy"] == {"enabled": False}
    assert after["model"]["decoder_input"] == "mu"
    assert after["loss"]["radius_metric"] == "euclidean"
    assert after["loss"]["radial"] == {"inner_radius": 0.1, "outer_radius": 0.85}


def test_the_budget_of_high_valuations_is_pinned_where_it_counts() -> None:
    assert "high_v_budget_ratio" not in up(SECTIONS, "5.11.11", "5.12.0")["training"]
    text = SECTIONS.replace("epochs: 10", "epochs: 10\n  use_stratified: true")
    assert up(text, "5.11.11", "5.12.0")["training"]["high_v_budget_ratio"] == 0.2
    assert back_and_forth(text, "5.11.11", "5.12.0") == parse(text).data


def test_two_widths_of_one_projection_are_refused_with_both_lines() -> None:
    text = SECTIONS.replace("latent_dim: 16", "hidden_dim: 64\n  projection_hidden_dim: 32")
    with pytest.raises(LossyError, match=r"`model.hidden_dim` is 64 \(line 3\)") as caught:
        migrate(parse(text), "5.11.11", head())
    assert caught.value.line == 4


@pytest.mark.parametrize(
    ("text", "origin", "goal", "reason"),
    [
        ("", "5.12.4", "5.12.1", "hyperbolic distances"),
        ("loss: {radius_metric: hyperbolic}\n", "5.12.2", "5.12.1", "hyperbolic distances"),
        ("", "5.12.1", "5.12.0", "tangent space"),
    ],
)
def test_what_an_older_version_cannot_mean_is_refused(
    text: str, origin: str, goal: str, reason: str
) -> None:
    with pytest.raises(LossyError, match=reason) as caught:
        migrate(parse(SECTIONS + text), origin, goal)
    assert caught.value.help


def test_the_word_none_becomes_null_and_comes_back() -> None:
    text = SECTIONS + "frozen_checkpoint:\n  path: null\n  encoder_to_load: none\n"
    after = up(text, "5.12.4", "5.12.4.1")["frozen_checkpoint"]
    assert after == {"path": None, "encoder_to_load": None}
    assert back_and_forth(text, "5.12.4", "5.12.4.1") == parse(text).data


def test_a_null_stays_a_null_and_leaves_no_stash() -> None:
    text = SECTIONS + "frozen_checkpoint:\n  path: null\n  encoder_to_load: null\n"
    after = migrate(parse(text), "5.12.4", "5.12.4.1", stamp=False).document
    assert after.text == text


def test_only_paths_with_the_prefix_lose_it_and_get_it_back() -> None:
    prefixed = SECTIONS.replace("save_dir: out", "save_dir: sandbox-training/out")
    text = prefixed + "frozen_checkpoint:\n  path: checkpoints/v5_5/latest.pt\n"
    after = up(text, "5.12.4", "5.12.4.1")
    assert after["checkpoints"]["save_dir"] == "out"
    assert after["frozen_checkpoint"]["path"] == "checkpoints/v5_5/latest.pt"
    assert back_and_forth(text, "5.12.4", "5.12.4.1") == parse(text).data


@pytest.mark.parametrize(
    ("device", "memory", "frequency"),
    [(None, 10, 10), (25, 25, 25), (25, 10, 25), (25, None, 25)],
)
def test_one_frequency_of_emptying_the_cache(
    device: int | None, memory: int | None, frequency: int
) -> None:
    text = SECTIONS
    text += f"device:\n  empty_cache_freq: {device}\n" if device else ""
    text += f"memory:\n  empty_cache_freq: {memory}\n" if memory else ""
    after = up(text, "5.12.4.1", head())
    assert after["device"]["empty_cache_freq"] == frequency
    assert "memory" not in after
    if memory:
        assert back_and_forth(text, "5.12.4.1", head()) == parse(text).data


def test_half_precision_moves_and_the_head_accepts_the_dead_twin() -> None:
    text = SECTIONS + "device:\n  use_amp: true\n"
    after = up(text, "5.12.4", head())
    assert after["mixed_precision"] == {"enabled": True}
    assert "device" not in after
    assert back_and_forth(text, "5.12.4", head()) == parse(text).data


def test_restarts_without_a_type_get_it_written_down() -> None:
    text = SECTIONS.replace("epochs: 10", "epochs: 10\n  scheduler: {T_0: 15}")
    scheduler = up(text, "5.12.4", head())["training"]["scheduler"]
    assert scheduler == {"T_0": 15, "type": "cosine_warmup_restart"}
    assert back_and_forth(text, "5.12.4", head()) == parse(text).data


def test_a_frequency_optimal_file_does_not_train_by_valuation() -> None:
    text = """\
model: {model_type: TernaryVAEV5_11_PartialFreeze}
training:
  manifold_type: frequency_optimal
  target_hierarchy: +0.70
  loss_weights: {compression: 2.0, coverage: 1.0}
epochs: 10
batch_size: 512
learning_rate: 0.001
"""
    after = migrate(parse(text), "manifold", head()).document
    assert after.data["loss"]["rich_hierarchy"] == {"enabled": False, "coverage_weight": 1.0}
    assert after.data["training"]["manifold_type"] == "frequency_optimal"
    assert after.data["targets"] == {"hierarchy_B": 0.7}
    assert "+0.70" in without_stash(after.text)
    assert back_and_forth(text, "manifold", head()) == parse(text).data
