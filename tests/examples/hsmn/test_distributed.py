"""Two processes under torchrun against one, at the same global batch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from safetensors.torch import load_file

from examples.hsmn import train

from .train_helpers import config_file, entries, start

TOLERANCE = 1e-5
"""Relative, of losses and gradient norms; sums of floats in another order differ by so much."""


def test_two_processes_give_the_losses_of_one(tmp_path: Path) -> None:
    """Batches of 7 do not halve; sequences end in padding, so ranks count different labels."""
    change = {"training": {"batch_size": 7, "steps": 9, "loss": {"label_smoothing": 0.1}}}
    config = config_file(tmp_path, change)
    one, two = tmp_path / "one", tmp_path / "two"
    assert train.main([str(config), "--out", str(one), "--no-live"]) == 0
    process = start(
        "torch.distributed.run", "--standalone", "--nproc_per_node=2",
        *("-m", "examples.hsmn.train", config, "--out", two, "--no-live"),
    )  # fmt: skip
    _, told = process.communicate(timeout=300)
    assert process.returncode == 0, told[-3000:]
    (alone, *single, _), (both, *double, _) = entries(one), entries(two)
    assert (alone["ranks"], both["ranks"]) == (1, 2)
    assert len(single) == len(double) == 2
    for first, second in zip(single, double, strict=True):
        for name in ("loss", "held_out_loss", "gradient_norm", "learning_rate"):
            assert second[name] == pytest.approx(first[name], rel=TOLERANCE), name
    ours, theirs = (load_file(folder / "latest.safetensors") for folder in (one, two))
    assert ours.keys() == theirs.keys()
    # Adam moves a weight whose gradient is all rounding by its sign, so weights agree as a whole.
    away = sum(
        float((theirs[name] - value).double().square().sum()) for name, value in ours.items()
    )
    whole = sum(float(value.double().square().sum()) for value in ours.values())
    assert (away / whole) ** 0.5 < TOLERANCE
    assert json.loads((two / "metrics.jsonl").read_text().splitlines()[0])["steps"] == 9
