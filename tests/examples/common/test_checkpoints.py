from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file

from cfgmig.states import beside
from checkpoint_tools import open_checkpoint
from examples.common.checkpoints import load_state, save_state, to_bytes, write, write_bytes
from examples.common.state_tree import pack, unpack

TENSORS = {
    "b.weight": torch.arange(6, dtype=torch.float32).reshape(2, 3),
    "scalar": torch.tensor(1.5),
    "whole": torch.arange(3),
    "half": torch.ones(5, dtype=torch.bfloat16),
    "flags": torch.tensor([True, False]),
    "none": torch.zeros(0, 4),
    "view": torch.arange(12.0).reshape(3, 4).T,
}


def test_both_readers_take_the_file(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    write(path, TENSORS, {"epoch": 3, "metrics": {"coverage": 1.0}, "note": "ä"})
    found = load_file(path)
    assert found.keys() == TENSORS.keys()
    for name, value in TENSORS.items():
        assert found[name].dtype == value.dtype
        assert torch.equal(found[name], value), name
    with open_checkpoint(path) as checkpoint:
        assert beside(checkpoint) == {"epoch": 3, "metrics": {"coverage": 1.0}, "note": "ä"}
        assert checkpoint.tensors["view"].shape == (4, 3)
    with safe_open(path, "pt") as file:
        assert file.metadata()["note"] == "ä"
        assert json.loads(file.metadata()["metrics"]) == {"coverage": 1.0}


def test_the_same_content_gives_the_same_bytes() -> None:
    texts = {str(key): str(key) for key in range(50)}
    back = dict(reversed(list(TENSORS.items())))
    assert to_bytes(TENSORS, texts) == to_bytes(back, dict(reversed(list(texts.items()))))


def test_every_tensor_is_aligned_to_its_type() -> None:
    content = to_bytes(TENSORS, {})
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    for name, value in TENSORS.items():
        assert header[name]["data_offsets"][0] % value.element_size() == 0
    assert size % 8 == 0


@pytest.mark.parametrize("fails", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: Any, fails: str) -> None:
    path = tmp_path / "model.safetensors"
    write_bytes(path, b"old")

    def broken(*_: Any) -> None:
        raise OSError("no space left")

    if fails == "fsync":
        monkeypatch.setattr(os, "fsync", broken)
    else:
        monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(OSError, match="no space"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


_plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text() | st.integers(), inner)
        | st.lists(inner).map(tuple)
    ),
    max_leaves=20,
)


@given(_plain)
def test_plain_trees_come_back_as_they_were(tree: Any) -> None:
    tensors, text = pack(tree)
    assert not tensors
    assert unpack(tensors, text) == tree
    assert repr(unpack(tensors, text)) == repr(tree)


def _optimized(build: Callable[[Any], torch.optim.Optimizer]) -> torch.optim.Optimizer:
    torch.manual_seed(0)
    layer = torch.nn.Linear(3, 2)
    optimizer = build(layer.parameters())
    layer(torch.ones(4, 3)).sum().backward()
    optimizer.step()
    return optimizer


@pytest.mark.parametrize(
    "build",
    [
        lambda parameters: torch.optim.AdamW(parameters, lr=0.1),
        lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9),
    ],
)
def test_an_optimizer_comes_back(tmp_path: Path, build: Any) -> None:
    optimizer = _optimized(build)
    path = tmp_path / "state"
    save_state(path, {"optimizer": optimizer.state_dict(), "random": torch.get_rng_state()})
    found = load_state(path)
    assert torch.equal(found["random"], torch.get_rng_state())
    before = optimizer.state_dict()
    assert found["optimizer"]["param_groups"] == before["param_groups"]
    for number, values in before["state"].items():
        for name, value in values.items():
            assert torch.equal(torch.as_tensor(found["optimizer"]["state"][number][name]), value)


def test_what_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="set"):
        pack({"a": {1, 2}})
    (tmp_path / "broken").write_bytes(b"no such thing")
    with pytest.raises(ValueError, match="no state of a run"):
        load_state(tmp_path / "broken")
    write(tmp_path / "model", TENSORS, {})
    with pytest.raises(ValueError, match="no state of a run"):
        load_state(tmp_path / "model")
