"""Which tensors of a file are the model's."""

from __future__ import annotations

from pathlib import Path

import pytest

from cfgmig.states import model_state, states
from checkpoint_tools import open_checkpoint
from tests.checkpoints.conftest import zeros


def test_flat_files_are_one_state(tmp_path: Path) -> None:
    with open_checkpoint(zeros(tmp_path / "a.safetensors", {"model.w": (2,)})) as checkpoint:
        (state,) = states(checkpoint)
    assert (state.key, state.role, dict(state.shapes)) == ("", "model", {"model.w": (2,)})


def test_containers_written_as_segments(tmp_path: Path) -> None:
    shapes = {"model.w": (2,), "model.b": (1,), "optimizer.state.0.exp_avg": (2,)}
    with open_checkpoint(zeros(tmp_path / "a.safetensors", shapes)) as checkpoint:
        model, optimizer = states(checkpoint)
    assert (model.key, dict(model.shapes)) == ("model", {"w": (2,), "b": (1,)})
    assert (optimizer.key, optimizer.role) == ("optimizer", "optimizer")


def test_known_keys_win_over_larger_ones(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch writes the file")
    saved = {
        "ema": {"w": torch.zeros(100), "v": torch.zeros(3)},
        "optimizer_state": {"state": {0: {"exp_avg": torch.zeros(4)}}},
        "rng": torch.zeros(5),
        "model_state": {"w": torch.zeros(4)},
    }
    torch.save(saved, tmp_path / "a.pt")
    with open_checkpoint(tmp_path / "a.pt") as checkpoint:
        found = states(checkpoint)
    assert [(one.key, one.role) for one in found] == [
        ("model_state", "model"),
        ("ema", "model"),
        ("", "other"),
        ("optimizer_state", "optimizer"),
    ]
    assert found[0].names == {"w": "model_state.w"}


def test_nothing_at_all(tmp_path: Path) -> None:
    with open_checkpoint(zeros(tmp_path / "a.safetensors", {})) as checkpoint:
        assert model_state(checkpoint) is None
