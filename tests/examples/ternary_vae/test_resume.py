from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from examples.common.checkpoints import load_state
from examples.common.flow import Stop
from examples.ternary_vae import train
from examples.ternary_vae.saving import restore
from tests.examples.common.killing import killed_in_the_middle

from .probes import assembled
from .trained import config_file, start

STEPS = ("--steps", 2, "--seed", 3)


def _entries(folder: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in one.items() if key != "seconds"} for one in lines]


def _killed_in_the_middle(config: Path, out: Path) -> None:
    process = start(config, "--out", out, *STEPS)
    assert killed_in_the_middle(process, out)["epoch"] < 6


def test_a_killed_run_that_resumes_equals_one_that_was_not(weights: Path, tmp_path: Path) -> None:
    shutil.copy(weights, tmp_path / "v5_5.safetensors")
    config = config_file(
        tmp_path,
        training={"epochs": 6},
        loss={
            "adaptive_loss": {
                "enabled": True,
                "enable_difficulty_adaptive": True,
                "enable_performance_rebalancing": True,
            }
        },
    )
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    arguments = [str(one) for one in STEPS]
    assert train.main([str(config), "--out", str(whole), "--no-live", *arguments]) == 0
    _killed_in_the_middle(config, killed)
    code = train.main([str(config), "--out", str(killed), "--resume", "--no-live", *arguments])
    assert code == 0
    for name in ("latest.safetensors", "best.safetensors", "epoch_6.safetensors"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name
    first, second = (load_state(folder / "latest.resume") for folder in (whole, killed))
    for state in (first, second):
        del state["journal"]["seconds"]
    assert _same(first, second)
    assert _entries(whole) == _entries(killed)


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, torch.Tensor):
        return first.dtype == second.dtype and torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(_same(first[k], second[k]) for k in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(_same, first, second))
    return bool(first == second)


def test_nothing_to_resume(weights: Path, tmp_path: Path, capsys: Any) -> None:
    shutil.copy(weights, tmp_path / "v5_5.safetensors")
    config = config_file(tmp_path)
    code = train.main([str(config), "--out", str(tmp_path / "new"), "--resume", "--no-live"])
    assert code == 2
    assert "nothing to resume" in capsys.readouterr().err


def test_a_state_of_another_config_or_seed_is_refused() -> None:
    run = assembled({})
    state: dict[str, Any] = {
        "config": run.config.model_dump(mode="json"),
        "seed": run.options.seed,
    }
    state["config"]["training"]["lr"] = 0.5
    with pytest.raises(Stop, match=r"training\.lr differs") as stopped:
        restore(run, state)
    assert stopped.value.exit_code == 3
    state["config"] = run.config.model_dump(mode="json")
    with pytest.raises(Stop, match="seed 7"):
        restore(run, {**state, "seed": 7})
