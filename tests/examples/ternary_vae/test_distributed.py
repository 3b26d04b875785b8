"""Two processes under torchrun against one, at the same global batch."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from examples.ternary_vae import train

from .trained import ROOT, config_file, environment

TOLERANCE = 2e-5
"""Relative, of losses and gradient norms; sums of floats in another order differ by so much."""
STEPS = ("--steps", "2", "--epochs", "2", "--seed", "5", "--no-live")


def _torchrun(config: Path, out: Path) -> None:
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"),
        *("-m", "examples.ternary_vae.train", str(config), "--out", str(out), *STEPS),
    ]
    done = subprocess.run(
        command,
        check=False,
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def _epochs(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [one for one in map(json.loads, lines) if "loss" in one]


def test_two_processes_give_the_losses_of_one(weights: Path, tmp_path: Path) -> None:
    """With dropout, drawn latents, a curvature that trains, and batches that do not halve."""
    shutil.copy(weights, tmp_path / "v5_5.safetensors")
    config = config_file(
        tmp_path,
        training={"batch_size": 125},
        model={"learnable_curvature": True, "projection_dropout": 0.1},
    )
    one, two = tmp_path / "one", tmp_path / "two"
    assert train.main([str(config), "--out", str(one), *STEPS]) == 0
    _torchrun(config, two)
    for single, double in zip(_epochs(one), _epochs(two), strict=True):
        assert double["loss"] == pytest.approx(single["loss"], rel=TOLERANCE)
        assert double["grad_norm"] == pytest.approx(single["grad_norm"], rel=TOLERANCE)
        assert double["parts"] == pytest.approx(single["parts"], rel=TOLERANCE, abs=1e-6)
    single, double = (_epochs(folder)[-1]["metrics"] for folder in (one, two))
    assert double["coverage"] == single["coverage"]
    ours, theirs = (load_file(folder / "latest.safetensors") for folder in (one, two))
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        torch.testing.assert_close(theirs[name], value, rtol=1e-3, atol=1e-5)
    start = json.loads((two / "metrics.jsonl").read_text().splitlines()[0])
    assert start["ranks"] == 2
