"""Metrics: statistics against numpy loops, and real checkpoints against what was measured."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from examples.ternary_vae import metrics, models
from examples.ternary_vae.metrics import Metrics, measure
from examples.ternary_vae.models import Architecture, DualVAE, ProjectedVAE
from examples.ternary_vae.operations import N, all_trits, all_valuations

TANGENT = {"partial_freeze": True, "decoder_input": "tangent"}


def average_ranks(values: list[float]) -> np.ndarray:
    """By counting: those below, and half of those that are equal."""
    x = np.array(values)
    below, equal = (x[None] < x[:, None]).sum(1), (x[None] == x[:, None]).sum(1)
    return below + (equal + 1) / 2


def test_spearman_by_hand() -> None:
    """Ranks 3.5, 1, 3.5, 2 and 1, 2, 3, 4: products of deviations -1, of squares 4.5 and 5."""
    found = metrics.spearman(torch.tensor([3, 1, 3, 2]), torch.tensor([0.1, 0.2, 0.3, 7.0]))
    assert found == pytest.approx(-1 / math.sqrt(4.5 * 5))


def test_pearson_by_hand() -> None:
    x, y = torch.tensor([1.0, 2.0, 4.0, 5.0]), torch.tensor([2, 1, 3, 6])
    assert metrics.pearson(x, y) == pytest.approx(10 / math.sqrt(10 * 14))


def test_spearman_without_ties_is_the_sum_of_squared_rank_differences() -> None:
    x, y = torch.randperm(40), torch.randperm(40)
    classic = 1 - 6 * ((x - y) ** 2).sum().item() / (40 * (40**2 - 1))
    assert metrics.spearman(x, y) == pytest.approx(classic)


def test_spearman_with_ties_is_the_correlation_of_average_ranks() -> None:
    x, y = torch.randint(6, (80,)), torch.randn(80)
    pair = average_ranks(x.tolist()), average_ranks(y.tolist())
    assert metrics.spearman(x, y) == pytest.approx(np.corrcoef(*pair)[0, 1])


def test_a_correlation_that_does_not_exist_is_nan() -> None:
    x = torch.arange(5.0)
    for y in (torch.ones(5), torch.tensor([1.0, math.nan, 2.0, 3.0, 4.0])):
        assert math.isnan(metrics.spearman(x, y))
        assert math.isnan(metrics.pearson(x, y))


def test_the_ceiling_of_the_hierarchy() -> None:
    assert metrics.hierarchy_ceiling() == pytest.approx(-math.sqrt(9 / 13), abs=5e-9)
    levels = all_valuations()
    ordered = -levels.double() + 0.5 * torch.rand(N, dtype=torch.float64)
    assert metrics.spearman(levels, ordered) == pytest.approx(metrics.hierarchy_ceiling())
    assert metrics.spearman(levels, -levels.double()) == pytest.approx(-1.0)


def test_level_statistics_and_richness() -> None:
    levels, radii = all_valuations(), torch.rand(N, dtype=torch.float64)
    inside = [radii[levels == level].numpy() for level in range(10)]
    assert metrics.level_means(radii, levels).tolist() == pytest.approx([r.mean() for r in inside])
    variances = [r.var() for r in inside]
    assert metrics.level_variances(radii, levels).tolist() == pytest.approx(variances)
    assert variances[9] == 0.0
    assert metrics.richness(radii, levels) == pytest.approx(sum(variances) / 10)


def test_a_level_without_members_adds_nothing() -> None:
    levels, radii = torch.tensor([0, 0, 2]), torch.tensor([1.0, 3.0, 5.0])
    assert metrics.level_variances(radii, levels).tolist() == [1.0] + [0.0] * 9
    assert metrics.richness(radii, levels) == pytest.approx(0.1)


def test_scores() -> None:
    assert metrics.quality(0.36, -0.8114) == pytest.approx(0.36 + 1.2171)
    assert metrics.quality(0.36, 0.8114) == metrics.quality(0.36, -0.8114)
    assert metrics.composite(-0.6, 0.4) == pytest.approx(0.4)
    assert metrics.richness_ratio(0.0006, 4.8e-5) == pytest.approx(12.5, rel=1e-4)


def test_recovery_asks_for_all_nine_trits() -> None:
    rows = all_trits()[:4]
    logits = nn.functional.one_hot(rows.long() + 1, 3).float()
    assert metrics.recovered(logits, rows) == 1.0
    logits[2, 8] = logits[2, 8].roll(1)
    assert metrics.recovered(logits, rows) == 0.75


# Correlations of distances.


def chosen(count: int, seed: int) -> list[int]:
    drawn = torch.Generator().manual_seed(seed)
    found: list[int] = torch.randperm(N, generator=drawn)[:count].tolist()
    return found


def by_pairs(values: Tensor, count: int, seed: int) -> float:
    """Spearman of |x_i - x_j| and |v_i - v_j|, pair by pair."""
    places, levels = chosen(count, seed), all_valuations()
    apart, climbed = [], []
    for at, i in enumerate(places):
        for j in places[at + 1 :]:
            apart.append(float(np.linalg.norm((values[i] - values[j]).numpy())))
            climbed.append(abs(int(levels[i]) - int(levels[j])))
    return float(np.corrcoef(average_ranks(apart), average_ranks(climbed))[0, 1])


def test_distance_correlations_over_pairs_of_operations() -> None:
    radii, points = torch.rand(N, dtype=torch.float64), torch.rand(N, 4, dtype=torch.float64)
    seeded = torch.Generator().manual_seed
    found = metrics.dist_corr_radii(radii, 40, seeded(5))
    assert found == pytest.approx(by_pairs(radii[:, None], 40, 5))
    found = metrics.dist_corr_points(points, 40, seeded(5))
    assert found == pytest.approx(by_pairs(points, 40, 5))


def test_the_geodesic_correlation_of_5_11() -> None:
    points = 0.5 * torch.rand(N, 3, dtype=torch.float64)
    found = metrics.dist_corr_geodesic(points, torch.Generator().manual_seed(2), count=300)
    i, j = torch.randint(N, (2, 300), generator=torch.Generator().manual_seed(2)).tolist()
    distances, targets = [], []
    for a, b in zip(i, j, strict=True):
        x, y, v = points[a].numpy(), points[b].numpy(), 0
        while (a - b) % 3 ** (v + 1) == 0:
            v += 1
        room = (1 - x @ x) * (1 - y @ y)
        distances.append(math.acosh(1 + 2 * ((x - y) @ (x - y)) / room))
        targets.append(3 * math.exp(-v / 3))
    assert found == pytest.approx(np.corrcoef(distances, targets)[0, 1])


# Coverage of the prior.


class Flat(nn.Module):
    def forward(self, z: Tensor) -> Tensor:
        return torch.zeros(len(z), 9, 3)


def test_coverage_of_the_prior_is_vacuous() -> None:
    """Uniform trits, from a decoder that knows nothing, hit 1 - exp(-S/N) of all operations."""
    for draws in (1000, 60_000):
        found = metrics.coverage_of_prior(Flat(), 2, draws, torch.Generator().manual_seed(0))
        assert found == pytest.approx(1 - (1 - 1 / N) ** draws, abs=0.01)


@pytest.mark.parametrize(("file", "epoch"), [("v5_5_best.pt", 6), ("v5_5_latest.pt", 106)])
def test_coverages_of_a_dual_vae_as_they_were_logged(
    checkpoints: Path, file: str, epoch: int
) -> None:
    """That of the prior was counted each fifth epoch, so one epoch before these files."""
    rows = {row["epoch"]: row for row in json.loads((checkpoints / "log_v5_5.json").read_text())}
    found = measure(models.load(checkpoints / file).model, prior_draws=195_000)
    assert found.definitions["coverage_prior_A"] == "cov_prior/195000"
    for side in "AB":
        logged = rows[epoch][f"prior_cov_{side}"] / 100
        assert found.values[f"coverage_prior_{side}"] == pytest.approx(logged, abs=0.01)
    assert exact(found.values["coverage"], rows[epoch]["recon_cov_A"])
    assert exact(found.values["coverage_B"], rows[epoch]["recon_cov_B"])


# Records.


def test_what_is_stored_says_what_it_is() -> None:
    kept = Metrics()
    kept.put("coverage", "cov_mu", 1.0)
    kept.put("richness_B", "richness/hyperbolic/mean", torch.tensor(0.25))
    kept.put("hierarchy_A", "hierarchy/mean", math.nan)
    record = json.loads(json.dumps(kept.record(), allow_nan=False))
    assert record == {
        "coverage": 1.0,
        "richness_B": 0.25,
        "hierarchy_A": None,
        "definitions": {
            "coverage": "cov_mu",
            "richness_B": "richness/hyperbolic/mean",
            "hierarchy_A": "hierarchy/mean",
        },
    }
    back = Metrics.of(record)
    assert back.definitions == kept.definitions
    assert math.isnan(back.values["hierarchy_A"])
    assert back.value("richness_B", "richness/hyperbolic/mean") == 0.25
    with pytest.raises(ValueError, match="richness/hyperbolic/mean here, not richness/eucl"):
        back.value("richness_B", "richness/euclidean/mean")


def test_numbers_without_a_meaning_are_refused() -> None:
    with pytest.raises(ValueError, match="without a definition"):
        Metrics.of({"coverage": 1.0})
    for unknown in ("coverage", "cov_mu/often", "cov_mu/", ""):
        with pytest.raises(ValueError, match="no definition of a metric"):
            Metrics().put("coverage", unknown, 1.0)


@pytest.mark.parametrize("sample", [False, True])
def test_measuring_leaves_the_model_as_it_was(sample: bool) -> None:
    model = ProjectedVAE(Architecture(partial_freeze=True, projection_dropout=0.5)).train()
    one, two = (measure(model, sample=sample, pairs=50, seed=3) for _ in range(2))
    assert one == two
    assert model.training
    assert model.projection.direction_net[3].training
    assert one.definitions["hierarchy_B"] == f"hierarchy/{'sampled' if sample else 'mean'}"
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("unit", ["hyperbolic", "euclidean"])
def test_definitions_name_the_unit_that_was_measured(unit: metrics.Unit) -> None:
    found = measure(ProjectedVAE(Architecture()), unit=unit, pairs=20).definitions
    radial = {name: one for name, one in found.items() if name.startswith(("richness", "r_v"))}
    assert len(radial) == 6
    assert {one.split("/")[1] for one in radial.values()} == {unit}
    assert found["Q"] == "Q_radii/euclidean/mean"
    assert found["Q_B"] == "Q_points/mean"


def test_correlations_of_pairs_can_be_left_out() -> None:
    found = measure(ProjectedVAE(Architecture()), pairs=0)
    assert not any(name.startswith(("dist", "Q")) for name in found.values)


# Real checkpoints.


def exact(share: float, stored: float) -> bool:
    return round(share * N) == round(stored * N)


def test_real_checkpoints_give_their_metrics_again(
    checkpoints: Path, index: Mapping[str, Mapping[str, Any]]
) -> None:
    for file, row in index.items():
        model = models.load(checkpoints / file).model
        of_balls = [measure(model, unit=u, pairs=0) for u in ("hyperbolic", "euclidean")]
        found = of_balls[0].values
        assert exact(found["coverage"], row["coverage_mu"]), file
        for side in "AB":
            if isinstance(model, ProjectedVAE):
                assert found[f"hierarchy_{side}"] == pytest.approx(row[f"hier_mu_{side}"], abs=1e-4)
                for one, unit in zip(of_balls, ("hyp", "euc"), strict=True):
                    stored = row[f"richness_mu_{unit}_{side}"]
                    assert one.values[f"richness_{side}"] == pytest.approx(stored, abs=1e-6), file
            else:
                stored = row[f"hier_euclid_mu_{side}"]
                assert found[f"hierarchy_norm_{side}"] == pytest.approx(stored, abs=1e-4), file


def test_drawn_latents_give_what_the_old_evaluation_stored(
    checkpoints: Path, index: Mapping[str, Mapping[str, Any]]
) -> None:
    """Within the noise of one draw per operation; of Q, that of 1,000 operations as well."""
    stored = index["v5_12_4_best_Q.pt"]["stored"]
    model = models.load(checkpoints / "v5_12_4_best_Q.pt", TANGENT).model
    runs = [measure(model, sample=True, seed=seed).values for seed in range(3)]
    wide = {"dist_corr_B": 0.06, "Q_B": 0.06, "r_v9_B": 0.02}
    names = ("coverage", "hierarchy_A", "hierarchy_B", "richness_B", "r_v0_B", *wide)
    for name in names:
        near = min(runs, key=lambda run: abs(run[name] - stored[name]))
        tolerance = wide.get(name, 1e-3 if name == "richness_B" else 0.01)
        assert near[name] == pytest.approx(stored[name], abs=tolerance), name


def test_coverage_of_logits_is_another_number(checkpoints: Path) -> None:
    """The decoder was never trained on tangent vectors: 0.07 % where the means give 100 %."""
    logged = json.loads((checkpoints / "log_v5_12_4.json").read_text())[-1]
    model = models.load(checkpoints / "v5_12_4_latest.pt", TANGENT).model
    found = measure(model, sample=True, pairs=0)
    assert found.value("coverage", "cov_mu") == 1.0
    share = found.value("coverage_logits", "cov_logits/sampled")
    assert share == pytest.approx(logged["cov_logits"], abs=5e-4)


def test_a_dual_vae_is_measured_on_both_sides() -> None:
    found = measure(DualVAE(), prior_draws=100)
    assert set(found.values) == {
        "coverage",
        "coverage_B",
        "hierarchy_norm_A",
        "hierarchy_norm_B",
        "coverage_prior_A",
        "coverage_prior_B",
    }
