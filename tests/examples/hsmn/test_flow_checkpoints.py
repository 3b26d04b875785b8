"""A checkpoint that a run begins with: what it keeps beside its tensors has to fit the config."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from examples.common.flow import Stop
from examples.hsmn import train
from examples.hsmn.flow import Asked, prepare
from examples.hsmn.flow_data import Part
from examples.hsmn.tokenizer import Codebook

from .train_helpers import config_file, start


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    args = [str(config_file(folder, {"training": {"steps": 1}})), "--out", str(folder / "out")]
    assert train.main([*args, "--no-live"]) == 0
    return folder / "out/latest.safetensors"


def _changed(source: Path, to: Path, *, about: Any = None, tensors: Any = None) -> Path:
    """A copy with metadata and tensors passed through functions."""
    with safe_open(source, "pt") as file:
        metadata = dict(file.metadata())
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if about is not None:
        about(metadata)
    if tensors is not None:
        tensors(state)
    save_file(state, to, metadata)
    return to


def _about(path: Path) -> dict[str, str]:
    with safe_open(path, "pt") as file:
        return dict(file.metadata())


def _begin(folder: Path, weights: Path, change: dict[str, Any] | None = None) -> list[str]:
    said: list[str] = []
    prepare(config_file(folder, change), said.append, Asked(weights=weights, anyway=True))
    return said


def test_a_checkpoint_of_the_same_bundles_begins_a_run(trained: Path, tmp_path: Path) -> None:
    assert any("none is learnt from the text" in one for one in _begin(tmp_path, trained))


def test_a_checkpoint_without_a_codebook(trained: Path, tmp_path: Path) -> None:
    bare = _changed(trained, tmp_path / "bare.safetensors", about=lambda m: m.pop("codebook"))
    with pytest.raises(Stop, match=r"bare.safetensors: keeps no codebook[^\n]*\n  help: "):
        _begin(tmp_path, bare)


def test_a_checkpoint_of_another_version(trained: Path, tmp_path: Path) -> None:
    def later(metadata: dict[str, str]) -> None:
        metadata["cfgmig"] = json.dumps({"family": "hsmn", "version": "6"})

    path = _changed(trained, tmp_path / "later.safetensors", about=later)
    with pytest.raises(Stop, match=r"it is of hsmn/6, and this trainer reads hsmn/5\n  help: "):
        _begin(tmp_path, path)


def test_tensors_that_have_no_place(trained: Path, tmp_path: Path) -> None:
    """A shorter stack would load what it has; the rest was trained for something."""
    with pytest.raises(Stop, match=r"of its tensors have no place in the model: blocks.5.angle"):
        _begin(tmp_path, trained, {"model": {"num_reasoning_blocks": 5}})


def test_what_is_no_safetensors(tmp_path: Path) -> None:
    (tmp_path / "weights.pt").write_bytes(b"nothing")
    with pytest.raises(Stop, match=r"weights.pt: cannot be read as safetensors"):
        _begin(tmp_path, tmp_path / "weights.pt")


def _shorter(metadata: dict[str, str]) -> None:
    book = Codebook.from_json(json.loads(metadata["codebook"]))
    metadata["codebook"] = json.dumps(book.truncated(370).to_json())


def test_rows_that_no_word_has(trained: Path, tmp_path: Path) -> None:
    path = _changed(trained, tmp_path / "grown.safetensors", about=_shorter)
    with pytest.raises(Stop, match=r"rows for 380 ids, and its codebook has 370[^\n]*\n  help: "):
        _begin(tmp_path, path)


def test_a_cut_model_brings_its_cut_codebook(trained: Path, tmp_path: Path) -> None:
    """Ids are ranks, so that a smaller model has the first of them."""

    def fewer(state: dict[str, Tensor]) -> None:
        for name in ("head.output_proj", "head.dense"):
            state[f"{name}.weight"] = state[f"{name}.weight"][:, :370].contiguous()
            state[f"{name}.bias"] = state[f"{name}.bias"][:370].contiguous()

    change = {"tokenizer": {"active_vocab_size": 370, "max_vocab_size": 370}}
    path = _changed(trained, tmp_path / "cut.safetensors", tensors=fewer, about=_shorter)
    ready = prepare(config_file(tmp_path, change), lambda _: None, Asked(weights=path))
    whole = Codebook.from_json(json.loads(_about(trained)["codebook"]))
    assert ready.material.tokenizer.codebook.words == whole.words[:8]
    uncut = _changed(trained, tmp_path / "uncut.safetensors", tensors=fewer)
    with pytest.raises(Stop, match="rows for 370 ids, and its codebook has 380"):
        _begin(tmp_path, uncut, change)


@pytest.mark.parametrize(
    ("key", "here", "there"),
    [("seed", 7, 42), ("keys", "gaussian", "unitary"), ("ctqw_steps", 3, 0)],
)
def test_bundles_that_are_encoded_otherwise(
    trained: Path, tmp_path: Path, key: str, here: Any, there: Any
) -> None:
    said = rf"made with data.hd.{key} {there}, those of this run with {here}\n  help: set"
    with pytest.raises(Stop, match=said):
        _begin(tmp_path, trained, {"data": {"hd": {key: here}}})


def test_base_vectors_of_the_other_generator(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(Stop, match=r"data.hd.base_table dense, those of this run with lazy"):
        _begin(tmp_path, trained, {"data": {"hd": {"base_table": "lazy"}}})
    # what is in force without a word is no difference
    assert _begin(tmp_path, trained, {"data": {"hd": {"base_table": "dense"}}})


def test_keys_that_no_seed_draws(trained: Path, tmp_path: Path) -> None:
    def other(state: dict[str, Tensor]) -> None:
        state["hd.position_keys"] = state["hd.position_keys"].roll(1, -1).contiguous()

    path = _changed(trained, tmp_path / "rolled.safetensors", tensors=other)
    with pytest.raises(Stop, match=r"keys are not those that seed 42 draws[^\n]*\n  help: give"):
        _begin(tmp_path, path)


def test_a_converted_size_is_fed_with_resized_bundles(trained: Path, tmp_path: Path) -> None:
    """The same seed draws other keys at the larger size; the weights know the padded ones."""
    change = {"model": {"adapter": {"hd_dim": 256}}}
    wanted = config_file(tmp_path, change)
    grown = tmp_path / "grown.safetensors"
    process = start("cfgmig", "checkpoint", "convert", trained, grown, "--for", wanted)
    said, errors = process.communicate()
    assert process.returncode == 0, said + errors
    before = prepare(config_file(tmp_path), lambda _: None, Asked(weights=trained))
    after = prepare(config_file(tmp_path, change), lambda _: None, Asked(weights=grown))
    assert after.material.train.inputs.shape[1] == 256
    assert torch.equal(after.material.held_out.labels, before.material.held_out.labels)
    losses = [_loss(one.model, one.material.held_out) for one in (before, after)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def _loss(model: nn.Module, part: Part) -> float:
    with torch.no_grad():
        logits = model.eval()(part.inputs)
    return float(functional.cross_entropy(logits.transpose(1, 2), part.labels))


def test_the_scale_of_keys_is_no_difference(trained: Path, tmp_path: Path) -> None:
    """It depends on the vocabulary, and unbinding does not depend on it."""

    def larger(state: dict[str, Tensor]) -> None:
        state["hd.position_keys"] *= 1.5

    def without(metadata: dict[str, str]) -> None:
        metadata["config"] = json.dumps({"model": {}})

    path = _changed(trained, tmp_path / "scaled.safetensors", about=without, tensors=larger)
    assert _begin(tmp_path, path)
