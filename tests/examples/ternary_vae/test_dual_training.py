from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from cfgmig.project import find_project
from cfgmig.recognising import recognise
from cfgmig.states import beside, model_state
from checkpoint_tools import open_checkpoint
from examples.ternary_vae import train
from examples.ternary_vae.dual_run import begin, plan, train_epoch
from examples.ternary_vae.operations import all_trits
from schemas.ternary_vae.v5_5_2 import Config
from tests.conftest import ROOT

DATA: dict[str, Any] = {
    "model": {"rho_min": 0.1, "rho_max": 0.7, "use_statenet": True},
    "batch_size": 256,
    "train_split": 0.1,
    "val_split": 0.02,
    "test_split": 0.88,
    "total_epochs": 4,
    "optimizer": {"lr_start": 0.001},
    "vae_a": {
        "beta_start": 0.3,
        "beta_end": 0.8,
        "temp_start": 1.0,
        "temp_end": 0.3,
        "beta_warmup_epochs": 2,
    },
    "vae_b": {
        "beta_start": 0.0,
        "beta_end": 0.5,
        "temp_start": 0.9,
        "temp_end": 0.2,
        "beta_warmup_epochs": 2,
    },
    "checkpoint_dir": "here",
    "eval_num_samples": 500,
    "checkpoint_freq": 2,
}


def _file(folder: Path) -> Path:
    path = folder / "v5_5.json"
    path.write_text(json.dumps({"schema_version": "ternary_vae/5.5.2", **DATA}))
    return path


def _train(path: Path, out: Path, *more: str) -> int:
    return train.main([str(path), "--out", str(out), "--seed", "3", *more])


def test_a_stopped_run_of_5_5_equals_one_that_was_not(tmp_path: Path) -> None:
    path = _file(tmp_path)
    assert _train(path, tmp_path / "whole") == 0
    assert _train(path, tmp_path / "halved", "--epochs", "2") == 0
    assert _train(path, tmp_path / "halved", "--resume") == 0
    for name in ("latest.safetensors", "best.safetensors", "epoch_4.safetensors"):
        one, two = ((tmp_path / f"{run}/{name}").read_bytes() for run in ("whole", "halved"))
        assert one == two, name
    lines = (tmp_path / "halved/metrics.jsonl").read_text().splitlines()
    assert [json.loads(line).get("epoch") for line in lines] == [None, 0, 1, 2, 3]
    with open_checkpoint(tmp_path / "whole/latest.safetensors") as checkpoint:
        found = recognise(model_state(checkpoint), beside(checkpoint), find_project(ROOT))
    assert (found.versions, found.doubts) == (("5.5.2",), ())


def test_the_best_file_has_the_lowest_validation_loss(tmp_path: Path) -> None:
    assert _train(_file(tmp_path), tmp_path / "out") == 0
    lines = (tmp_path / "out/metrics.jsonl").read_text().splitlines()[1:]
    losses = [json.loads(line)["val_loss"] for line in lines]
    with open_checkpoint(tmp_path / "out/best.safetensors") as checkpoint:
        known = beside(checkpoint)
    assert known["val_loss"] == min(losses)
    assert losses[known["epoch"]] == min(losses)


def test_the_plan_of_an_epoch() -> None:
    """Hand-computed: half of the warm-up for A, none for B, temperatures at a quarter."""
    run = begin(Config.model_validate(DATA), 0)
    now = plan(run, 1)
    assert now.betas == (pytest.approx(0.15), 0.0)
    assert now.rho == pytest.approx(0.1)
    assert now.temperatures[1] == pytest.approx(0.9)
    assert now.rate == 0.001
    assert plan(run, 2).betas == (pytest.approx(0.3), pytest.approx(0.3 * 0.706825, abs=1e-6))


def test_an_epoch_moves_both_sides_and_their_balance() -> None:
    run = begin(Config.model_validate(DATA), 0)
    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    train_epoch(run, all_trits())
    moved = {
        name.partition(".")[0]
        for name, value in run.model.state_dict().items()
        if not torch.equal(value, before[name])
    }
    assert moved == {"encoder_A", "decoder_A", "encoder_B", "decoder_B"}, "StateNet is inert"
    assert run.balance.ema_a != 1.0
    assert len(run.corrections.history["delta_lr"]) == 1


@pytest.mark.parametrize(
    "option", [("--steps", "2"), ("--unfreeze", "3"), ("--stop-on-drop", "0.1")]
)
def test_options_that_5_5_does_not_have(
    tmp_path: Path, option: tuple[str, str], capsys: Any
) -> None:
    assert _train(_file(tmp_path), tmp_path / "out", *option) == 2
    assert f"{option[0]} is for configs of 5.11 and later" in capsys.readouterr().err


def test_5_5_trains_in_one_process(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert _train(_file(tmp_path), tmp_path / "out") == 2
    assert "one process" in capsys.readouterr().err


def test_what_a_stopped_run_of_5_5_is_kept_from(tmp_path: Path, capsys: Any) -> None:
    path, out = _file(tmp_path), tmp_path / "out"
    assert _train(path, out, "--epochs", "1") == 0
    assert _train(path, out) == 3
    assert "holds a run already" in capsys.readouterr().err
    assert train.main([str(path), "--out", str(out), "--seed", "4", "--resume"]) == 3
    assert "had the seed 3, not 4" in capsys.readouterr().err
    (out / "latest.resume").write_bytes(b"half a state")
    assert _train(path, out, "--resume") == 3
    assert "is no state of a run" in capsys.readouterr().err


def test_splits_that_leave_nothing_are_refused(tmp_path: Path, capsys: Any) -> None:
    with pytest.raises(ValueError, match="leave no operation"):
        begin(Config.model_validate({**DATA, "val_split": 0.0}), 0)
    assert train.main([str(_file(tmp_path)), "--resume", "--out", str(tmp_path / "none")]) == 2
    assert "nothing to resume" in capsys.readouterr().err
