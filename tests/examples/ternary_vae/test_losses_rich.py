from __future__ import annotations

from itertools import pairwise
from math import exp, log

import numpy as np
import pytest
import torch
from torch import Tensor

from examples.ternary_vae.losses.rich import RichHierarchy, RichWeights, level_statistics
from examples.ternary_vae.losses.terms import Radii, Terms
from examples.ternary_vae.operations import N, trits, valuation

from .losses_helpers import differentiable, generator, v3

INDEX = torch.tensor([1, 2, 4, 3, 6, 12, 9, 0, 5, 7])
VALUATION = torch.tensor([v3(n) for n in INDEX.tolist()])
RADII = Radii(0.08, 0.9)
FIRST = torch.rand(N, generator=generator(9), dtype=torch.float64)


def radius() -> Tensor:
    return torch.rand(len(INDEX), generator=generator(4), dtype=torch.float64)


def logits() -> Tensor:
    return torch.randn(len(INDEX), 9, 3, generator=generator(1), dtype=torch.float64)


def loss_of(r: Tensor, weights: RichWeights | None = None, radii: Radii = RADII) -> Terms:
    loss = RichHierarchy(FIRST, radii, weights)
    found: Terms = loss(r, VALUATION, INDEX, logits(), trits(INDEX))
    return found


def levels(values: Tensor) -> dict[int, list[float]]:
    found: dict[int, list[float]] = {}
    for v, value in zip(VALUATION.tolist(), values.tolist(), strict=True):
        found.setdefault(v, []).append(value)
    return dict(sorted(found.items()))


def test_the_batch_has_levels_of_five_three_one_and_one() -> None:
    assert {v: len(x) for v, x in levels(radius()).items()} == {0: 5, 1: 3, 2: 1, 9: 1}
    assert valuation(INDEX).tolist() == VALUATION.tolist()


def test_statistics_by_level() -> None:
    count, mean, variance = level_statistics(radius(), VALUATION)
    for v, values in levels(radius()).items():
        assert count[v] == len(values)
        assert float(mean[v]) == pytest.approx(np.mean(values), rel=1e-12)
        wanted = np.var(values, ddof=1) if len(values) > 1 else 0.0
        assert float(variance[v]) == pytest.approx(wanted, rel=1e-12)
    assert count[[3, 4, 5, 6, 7, 8]].tolist() == [0] * 6


def test_hierarchy_is_the_mean_over_the_levels_present() -> None:
    terms = [
        (np.mean(values) - (0.9 - v / 9 * 0.82)) ** 2 for v, values in levels(radius()).items()
    ]
    assert float(loss_of(radius()).parts["hierarchy"]) == pytest.approx(sum(terms) / 4, rel=1e-12)


def test_coverage_is_averaged_over_trits_and_operations() -> None:
    total = 0.0
    for scores, row in zip(logits().tolist(), trits(INDEX).tolist(), strict=True):
        for three, trit in zip(scores, row, strict=True):
            total += log(sum(exp(s) for s in three)) - three[trit + 1]
    assert float(loss_of(radius()).parts["coverage"]) == pytest.approx(total / 90, rel=1e-12)


def test_richness_compares_variances_with_those_before_training() -> None:
    narrow = 0.5 + 0.1 * (radius() - 0.5)
    expected = 0.0
    for now, first in zip(levels(narrow).values(), levels(FIRST[INDEX]).values(), strict=True):
        if len(now) > 1:
            ratio = np.var(now, ddof=1) / (np.var(first, ddof=1) + 1e-8)
            expected += max(0.0, 0.5 - ratio) ** 2
    assert expected > 0.3
    found = loss_of(narrow).parts["richness"]
    assert float(found) == pytest.approx(expected / 4, rel=1e-12)
    # Radii as they were before training keep all of their variance.
    assert float(loss_of(FIRST[INDEX]).parts["richness"]) == 0


def test_separation_looks_at_neighbouring_levels() -> None:
    means = [float(np.mean(values)) for values in levels(radius()).values()]
    expected = sum(max(0.0, deep - high + 0.01) for high, deep in pairwise(means))
    assert expected > 0.05
    assert float(loss_of(radius()).parts["separation"]) == pytest.approx(expected, rel=1e-12)
    ordered = RADII.target(VALUATION, torch.float64)
    assert float(loss_of(ordered).parts["separation"]) == 0


def test_separation_of_the_frequency_optimal_manifold_is_turned_around() -> None:
    turned = Radii.of(0.08, 0.9, "frequency_optimal")
    ordered = turned.target(VALUATION, torch.float64)
    parts = loss_of(ordered, radii=turned).parts
    assert float(parts["separation"]) == float(parts["hierarchy"].detach().round(decimals=12)) == 0


def test_the_total_weighs_the_four_terms() -> None:
    total, parts = loss_of(radius(), RichWeights(5.0, 1.0, 2.5, 3.0))
    p = {name: float(value) for name, value in parts.items()}
    expected = 5 * p["hierarchy"] + p["coverage"] + 2.5 * p["richness"] + 3 * p["separation"]
    assert float(total) == pytest.approx(expected, rel=1e-12)


def test_factors_and_level_weights() -> None:
    loss = RichHierarchy(FIRST, RADII)
    given = (radius(), VALUATION, INDEX, logits(), trits(INDEX))
    plain = loss(*given)
    doubled = loss(*given, {"coverage": 2.0, "hierarchy": 0.0})
    p = {name: float(value) for name, value in plain.parts.items()}
    expected = float(plain.total) + p["coverage"] - 5 * p["hierarchy"]
    assert float(doubled.total) == pytest.approx(expected, rel=1e-12)
    only_two = torch.zeros(10, dtype=torch.float64)
    only_two[2] = 4.0
    mean = levels(radius())[2][0]
    wanted = 4 * (mean - (0.9 - 2 / 9 * 0.82)) ** 2 / 4
    found = loss(*given, None, only_two).parts["hierarchy"]
    assert float(found) == pytest.approx(wanted, rel=1e-12)


def test_the_first_radii_belong_to_the_state() -> None:
    loss = RichHierarchy(FIRST, RADII)
    resumed = RichHierarchy(torch.zeros(N, dtype=torch.float64), RADII)
    resumed.load_state_dict(loss.state_dict())
    assert torch.equal(resumed.original_radii, FIRST)
    assert not list(loss.parameters())


def test_gradients() -> None:
    assert differentiable(lambda r: loss_of(0.5 + 0.05 * r).total, len(INDEX))
    rows = trits(INDEX)
    loss = RichHierarchy(FIRST, RADII)
    r = radius()
    assert differentiable(
        lambda x: loss(r, VALUATION, INDEX, x.view(-1, 9, 3), rows).total, len(INDEX), 27
    )
