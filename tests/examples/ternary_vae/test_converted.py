"""Real checkpoints, converted to what the current configs build, run in torch modules.

The modules take every tensor (`strict=True`), and what both compute is compared on all
operations. The module of the source is the reference: it gives the recorded metrics again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from cfgmig.converting import Request, convert, opened, route
from cfgmig.project import find_project
from cfgmig.routing import Goal
from checkpoint_tools.plan import LossError
from examples.ternary_vae.metrics import measure
from examples.ternary_vae.models import load
from examples.ternary_vae.operations import N, all_trits
from tests.conftest import ROOT

PROJECTED = (
    "v5_11_best.pt",
    "v5_11_partial_freeze_best.pt",
    "v5_12_4_best_Q.pt",
    "v5_12_4_latest.pt",
    "v5_12_4_null_path_best_Q.pt",
)
DUAL = (
    "v5_5_latest.pt",
    "v5_5_best.pt",
    "v5_5_simplified_latest.pt",
    "v5_6_statenet_v2_init.pt",
    "v5_10_init.pt",
)


def config(**model: Any) -> dict[str, Any]:
    """A config of the head, as far as it says what is built."""
    section = {
        "name": "TernaryVAEV5_11_PartialFreeze",
        "latent_dim": 16,
        "hidden_dim": 64,
        "max_radius": 0.95,
        "curvature": 1.0,
        "projection_layers": 2,
        "projection_dropout": 0.1,
        "use_dual_projection": True,
        "use_controller": True,
        **model,
    }
    frozen = {"path": "x.pt", "encoder_to_load": "both", "decoder_to_load": "decoder_A"}
    return {"model": section, "frozen_checkpoint": frozen}


def converted(source: Path, target: Path, data: dict[str, Any] | None) -> Path:
    suffixes = {".pt": "torch", ".safetensors": "safetensors"}
    with opened(str(source)) as checkpoint:
        request = Request(Goal(config=data), suffixes[target.suffix], model_only=True)
        convert(route(checkpoint, find_project(ROOT), request), target)
    return target


def encoded(path: Path) -> tuple[Any, torch.Tensor, torch.Tensor]:
    loaded = load(path)
    with torch.no_grad():
        latents = loaded.model.encode(all_trits("cpu"))
    return loaded, latents.mu_A, latents.mu_B


def points(path: Path) -> tuple[torch.Tensor, torch.Tensor]:
    with torch.no_grad():
        output = load(path).model(all_trits("cpu"), sample=False)
    return output.z_A_hyp, output.z_B_hyp


@pytest.mark.parametrize("name", PROJECTED)
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_deeper_projection_gives_the_same_points(
    name: str, suffix: str, checkpoints: Path, tmp_path: Path
) -> None:
    target = converted(checkpoints / name, tmp_path / f"b{suffix}", config())
    facts = load(target).match.facts
    assert (facts["projection_layers"], facts["use_dual_projection"]) == (2, True)
    for before, after in zip(points(checkpoints / name), points(target), strict=True):
        assert before.shape == after.shape == (N, 16)
        assert float((before - after).abs().max()) < 1e-6


@pytest.mark.parametrize("name", DUAL)
def test_frozen_components_come_out_as_they_were(
    name: str, checkpoints: Path, tmp_path: Path
) -> None:
    target = converted(checkpoints / name, tmp_path / "b.safetensors", config())
    one, mu_a, mu_b = encoded(checkpoints / name)
    tensors = {n: tuple(t.shape) for n, t in _tensors(target).items()}
    assert len(tensors) == 26
    two = _with(tensors, target)
    with torch.no_grad():
        latents = two.encode(all_trits("cpu"))
        assert torch.equal(latents.mu_A, mu_a)
        assert torch.equal(latents.mu_B, mu_b)
        assert torch.equal(two.decode_A(mu_a), one.model.decode_A(mu_a))


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(path)


def _with(shapes: dict[str, tuple[int, ...]], path: Path) -> Any:
    """The current model, its frozen components strictly loaded from a file."""
    from examples.ternary_vae.models import build

    model = build(config()["model"])
    tensors = _tensors(path)
    for part in ("encoder_A", "encoder_B", "decoder_A"):
        own = {n.removeprefix(f"{part}."): t for n, t in tensors.items() if n.startswith(part)}
        getattr(model, part).load_state_dict(own, strict=True)
    assert len(shapes) == len(tensors)
    return model.eval()


def test_improved_components_keep_what_the_frozen_ones_reconstruct(
    checkpoints: Path, tmp_path: Path
) -> None:
    improved = config(encoder_type="improved", decoder_type="improved")
    source = checkpoints / "v5_12_4_best_Q.pt"
    target = converted(source, tmp_path / "b.safetensors", improved)
    loaded = load(target)
    assert loaded.match.facts["encoder_type"] == loaded.match.facts["decoder_type"] == "improved"
    coverage = measure(loaded.model).value("coverage", "cov_mu")
    assert measure(load(source).model).value("coverage", "cov_mu") == 1.0
    assert coverage >= 0.999


def test_another_dropout_and_width_and_depth_at_once(checkpoints: Path, tmp_path: Path) -> None:
    wide = config(hidden_dim=128, projection_layers=3, projection_dropout=0.0)
    source = checkpoints / "v5_11_partial_freeze_best.pt"
    target = converted(source, tmp_path / "b.pt", wide)
    match = load(target).match
    assert (match.dimensions["hidden"], match.facts["projection_layers"]) == (128, 3)
    assert match.facts["projection_dropout"] == "0"
    for before, after in zip(points(source), points(target), strict=True):
        assert float((before - after).abs().max()) < 1e-5  # what the steps promise


def test_trained_improved_components_have_no_way_to_frozen_ones(
    checkpoints: Path, tmp_path: Path
) -> None:
    source = checkpoints / "v5_12_4_improved_grokking_best_Q.pt"
    with pytest.raises(LossError, match="keep `improved`"):
        converted(source, tmp_path / "b.pt", config(encoder_type="frozen", decoder_type="frozen"))
    assert not (tmp_path / "b.pt").exists()
    same = converted(source, tmp_path / "c.pt", None)
    before, after = points(source), points(same)
    assert torch.equal(before[0], after[0])
    assert torch.equal(before[1], after[1])
