from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from examples.ternary_vae import geometry
from examples.ternary_vae.losses import Pieces, ProjectionLoss, RichLoss, pieces, rich_loss
from examples.ternary_vae.losses.total import radius_of
from examples.ternary_vae.models.loading import load
from examples.ternary_vae.operations import N, trits
from examples.ternary_vae.samplers import Stratified
from schemas.ternary_vae.v5_12_5 import Loss

from .losses_helpers import generator

SECTION: dict[str, Any] = {
    "rich_hierarchy": {},
    "radial": {
        "inner_radius": 0.08,
        "outer_radius": 0.9,
        "radial_weight": 1.5,
        "margin_weight": 0.5,
    },
    "geodesic": {"phase_start_epoch": 50, "weight": 0.4, "n_pairs": 60},
    "rank": {"enabled": True, "weight": 0.5, "n_pairs": 60},
    "zero_structure": {"enabled": True, "valuation_weight": 0.5, "sparsity_weight": 0.3},
}
INDEX = torch.arange(0, 900, 37)


def section(**changes: Any) -> Loss:
    return Loss.model_validate(SECTION | changes)


def points(seed: int, count: int = len(INDEX)) -> Tensor:
    z = torch.randn(count, 4, generator=generator(seed), dtype=torch.float64)
    return geometry.expmap0(0.3 * z)


def logits() -> Tensor:
    return torch.randn(len(INDEX), 9, 3, generator=generator(6), dtype=torch.float64)


def floats(parts: dict[str, Tensor]) -> dict[str, float]:
    return {name: float(value) for name, value in parts.items()}


def rich(loss: Loss) -> RichLoss:
    return rich_loss(loss, points(8, N), 1.0)


def off(name: str) -> dict[str, Any]:
    return {name: SECTION[name] | {"enabled": False}}


def test_radii_in_both_units() -> None:
    x = points(1)
    norms = x.norm(dim=-1)
    assert torch.equal(radius_of(x, "euclidean", 1.0), norms)
    assert torch.allclose(radius_of(x, "hyperbolic", 1.0), 2 * torch.atanh(norms))


@pytest.mark.parametrize("tau", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("blended", [False, True])
def test_the_total_of_5_11(tau: float, blended: bool) -> None:
    on = pieces(section(), 1.0)
    total, parts = ProjectionLoss(on, blended)(points(1), points(2), INDEX, tau, generator())
    p = floats(parts)
    assert set(p) == {"geodesic", "radial", "rank", "zero"}
    radial = 1.5 * (1 - tau) if blended else 1.5
    expected = tau * p["geodesic"] + radial * p["radial"] + 0.5 * p["rank"] + 0.8 * p["zero"]
    assert float(total) == pytest.approx(expected, rel=1e-12)


def test_the_parts_are_sums_over_a_and_b() -> None:
    on = pieces(section(), 1.0)._replace(geodesic=None, rank=None, radial=None)
    assert on.zero is not None
    a, b = (radius_of(points(seed), "hyperbolic", 1.0) for seed in (1, 2))
    rows = trits(INDEX)
    _, parts = ProjectionLoss(on)(points(1), points(2), INDEX, 0.5, generator())
    assert float(parts["zero"]) == pytest.approx(float(on.zero(a, rows) + on.zero(b, rows)))


@pytest.mark.parametrize(("epoch", "second"), [(0, False), (49, False), (50, True)])
def test_the_total_of_5_12(epoch: int, second: bool) -> None:
    total, parts = rich(section())(points(1), points(2), INDEX, logits(), epoch, generator())
    p = floats(parts)
    assert ("geodesic" in p) is second
    expected = 5 * p["rich.hierarchy"] + p["rich.coverage"] + 2 * p["rich.richness"]
    expected += 3 * p["rich.separation"] + 0.5 * p["rank"] + 0.5 * p["zero"]
    expected += (0.75 if second else 1.5) * p["radial"] + (0.4 * p["geodesic"] if second else 0)
    assert float(total) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", ["radial", "rank", "zero_structure", "geodesic"])
def test_a_term_that_is_off_is_absent(name: str) -> None:
    without = rich(section(**off(name)))
    _, parts = without(points(1), points(2), INDEX, logits(), 99, generator())
    assert name.removesuffix("_structure") not in parts
    everything = rich(section())(points(1), points(2), INDEX, logits(), 99, generator())
    assert len(everything.parts) == len(parts) + 1


def test_without_the_rich_hierarchy_the_rest_remains() -> None:
    loss = rich(section(**off("rich_hierarchy")))
    total, parts = loss(points(1), points(2), INDEX, logits(), 0, generator())
    assert set(parts) == {"radial", "rank", "zero"}
    p = floats(parts)
    expected = 1.5 * p["radial"] + 0.5 * p["rank"] + 0.5 * p["zero"]
    assert float(total) == pytest.approx(expected)


def test_without_geodesics_there_is_no_second_phase() -> None:
    loss = rich(section(**off("geodesic")))
    assert not loss.is_second_phase(1000)


NUMBERS = [
    ("radius_metric", None, "euclidean"),
    *(("rich_hierarchy", f"{name}_weight", 7.0) for name in ("hierarchy", "coverage")),
    *(("rich_hierarchy", f"{name}_weight", 7.0) for name in ("richness", "separation")),
    ("rich_hierarchy", "min_richness_ratio", 9.0),
    ("radial", "inner_radius", 0.2),
    ("radial", "outer_radius", 1.2),
    ("radial", "radial_weight", 3.0),
    ("radial", "margin_weight", 3.0),
    ("geodesic", "phase_start_epoch", 70),
    ("geodesic", "curvature", 0.7),
    ("geodesic", "max_target_distance", 2.0),
    ("geodesic", "n_pairs", 61),
    ("geodesic", "weight", 2.0),
    ("rank", "weight", 2.0),
    ("rank", "temperature", 0.3),
    ("rank", "n_pairs", 61),
    ("zero_structure", "valuation_weight", 0.9),
    ("zero_structure", "sparsity_weight", 0.9),
]


@pytest.mark.parametrize(("group", "key", "value"), NUMBERS)
def test_every_key_of_the_section_changes_the_loss(group: str, key: str | None, value: Any) -> None:
    changed = section(**{group: SECTION[group] | {key: value} if key else value})
    given = (points(1), points(2), INDEX, logits(), 60)
    assert rich(section())(*given, generator()).total != rich(changed)(*given, generator()).total


def test_the_manifold_type_changes_the_loss() -> None:
    given = (points(1), points(2), INDEX, logits(), 0)
    turned = rich_loss(section(), points(8, N), 1.0, "frequency_optimal")
    assert rich(section())(*given, generator()).total != turned(*given, generator()).total


def test_a_trainable_curvature_and_controller_get_gradients() -> None:
    curvature, tau, weight = (
        torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (1.0, 0.4, 2.0)
    )
    on: Pieces = pieces(section(), 1.0)
    on = on._replace(curvatures=(curvature, curvature), radial_weight=weight)
    ProjectionLoss(on)(points(1), points(2), INDEX, tau, generator()).total.backward()
    for each in (curvature, tau, weight):
        assert each.grad is not None
        assert each.grad != 0


def test_gradients_reach_both_points_and_the_logits() -> None:
    few = INDEX[:6]
    given = [points(1)[:6], points(2)[:6], logits()[:6]]
    loss = rich(section())
    assert torch.autograd.gradcheck(
        lambda a, b, scores: loss(a, b, few, scores, 60, generator()).total,
        [x.requires_grad_() for x in given],
    )


def batches(share: float) -> list[Tensor]:
    return list(Stratified(torch.arange(N), 512, 0, share=share))


def stored(path: Path) -> dict[str, float]:
    metrics: dict[str, float] = load(path).metadata["train_metrics"]
    return metrics


def means(rows: list[dict[str, Tensor]]) -> dict[str, float]:
    return {name: float(torch.stack([row[name] for row in rows]).mean()) for name in rows[0]}


def test_a_real_run_of_5_12_4_had_these_losses(checkpoints: Path) -> None:
    """Mean losses of one epoch with the weights of its end, against those of its training."""
    path = checkpoints / "v5_12_4_best_Q.pt"
    model, found = load(path, {"decoder_input": "tangent"}).model.train(), stored(path)
    radial = SECTION["radial"] | {"radial_weight": 1.0}
    changes: dict[str, Any] = {"rank": {"enabled": True, "weight": 0.5}, "radial": radial}
    # Radii before training were nearly equal, as a fresh projection gives them.
    loss = rich_loss(section(**changes), torch.full((N, 4), 0.245), 1.0)
    draws, rows = generator(1), []
    torch.manual_seed(0)
    with torch.no_grad():
        for index in batches(0.25):
            out = model(trits(index).float(), sample=True)
            total, parts = loss(out.z_A_hyp, out.z_B_hyp, index, out.logits_A, 9, draws)
            rows.append(parts | {"total": total})
    mean = means(rows)
    assert mean["radial"] == pytest.approx(found["radial_loss"], rel=0.05)
    assert mean["rank"] == pytest.approx(found["rank_loss"], rel=0.03)
    assert mean["zero"] == pytest.approx(found["zero_loss"], rel=0.03)
    assert mean["rich.coverage"] == pytest.approx(found["rich_loss"], rel=0.02)
    assert mean["total"] == pytest.approx(found["loss"], rel=0.03)


def test_a_real_run_of_5_11_had_these_losses(checkpoints: Path) -> None:
    path = checkpoints / "v5_11_partial_freeze_best.pt"
    model, found = load(path).model.train(), stored(path)
    radial = {"inner_radius": 0.1, "outer_radius": 0.85, "radial_weight": 2.0}
    zero = SECTION["zero_structure"] | {"enabled": False}
    loss = ProjectionLoss(
        pieces(
            section(radial=radial, rank={"enabled": True}, geodesic={}, zero_structure=zero), 1.0
        )
    )
    draws, rows = generator(1), []
    torch.manual_seed(0)
    with torch.no_grad():
        for index in batches(0.2):
            out = model(trits(index).float(), sample=True)
            total, parts = loss(out.z_A_hyp, out.z_B_hyp, index, 3 / 14, draws)
            rows.append(parts | {"total": total})
    mean = means(rows)
    assert mean["geodesic"] == pytest.approx(found["geo_loss"], rel=0.02)
    assert mean["rank"] == pytest.approx(found["rank_loss"], rel=0.06)
    assert mean["radial"] == pytest.approx(found["rad_loss"], rel=0.08)
    assert mean["total"] == pytest.approx(found["loss"], rel=0.06)
