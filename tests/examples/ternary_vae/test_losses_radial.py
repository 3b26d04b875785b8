from __future__ import annotations

from math import exp, tanh

import numpy as np
import pytest
import torch

from examples.ternary_vae.losses import zero
from examples.ternary_vae.losses.geodesic import PAdicGeodesic
from examples.ternary_vae.losses.radial import (
    GlobalRank,
    RadialHierarchy,
    RadialStratification,
    blend,
)
from examples.ternary_vae.losses.terms import Radii, draw_pairs
from examples.ternary_vae.losses.zero import ZeroStructure
from examples.ternary_vae.operations import all_trits

from .losses_helpers import differentiable, generator, mobius, smooth_l1, tensor, v3

RADII = Radii(0.1, 0.85)
VALUATION = torch.tensor([0, 0, 1, 2, 9, 4, 3, 0])


def test_targets_run_evenly_from_outer_to_inner() -> None:
    targets = RADII.target(torch.arange(10), torch.float64).tolist()
    assert targets == pytest.approx(np.linspace(0.85, 0.1, 10).tolist(), rel=1e-12)
    assert RADII.step == pytest.approx(1 / 12)


def test_the_frequency_optimal_manifold_turns_the_order_around() -> None:
    turned = Radii.of(0.1, 0.85, "frequency_optimal")
    targets = turned.target(torch.tensor([0, 9]), torch.float64)
    assert targets.tolist() == pytest.approx([0.1, 0.85])
    assert (turned.sign, RADII.sign) == (-1, 1)
    assert turned.step == pytest.approx(RADII.step)
    with pytest.raises(ValueError, match="manifold_type"):
        Radii.of(0.1, 0.85, "optimal")


@pytest.mark.parametrize("loss_type", ["smooth_l1", "mse"])
def test_stratification_by_hand(loss_type: str) -> None:
    radius, valuation = tensor(2.0, 0.05), torch.tensor([0, 9])
    form = smooth_l1 if loss_type == "smooth_l1" else lambda x: x * x
    expected = (form(2.0 - 0.85) + 2 * form(0.05 - 0.1)) / 2
    loss = RadialStratification(RADII, True, loss_type)  # type: ignore[arg-type]
    assert float(loss(radius, valuation)) == pytest.approx(expected, rel=1e-6)
    plain = RadialStratification(RADII, False, loss_type)  # type: ignore[arg-type]
    assert float(plain(radius, valuation)) == pytest.approx(
        (form(1.15) + form(-0.05)) / 2, rel=1e-6
    )


def test_blend() -> None:
    assert float(blend(tensor(2.0), tensor(4.0), 0.25)) == 2.5


def test_radial_hierarchy_of_two_operations_by_hand() -> None:
    # Valuations 3 and 0: targets 0.6 and 0.85; the one pair should be 0.5 * 3/12 apart.
    radius, valuation = tensor(0.7, 0.75), torch.tensor([3, 0])
    pull = ((0.7 - 0.6) ** 2 * (1 + exp(1.2)) + (0.75 - 0.85) ** 2 * 2) / 2
    margin = 0.5 * (1 / 12) * 3 - (0.75 - 0.7)
    loss = RadialHierarchy(RADII, margin_weight=0.5, n_pairs=20)
    found = loss(radius, valuation, generator())
    assert float(found) == pytest.approx(pull + 0.5 * margin, rel=1e-9)
    plain = RadialHierarchy(RADII, 0.5, 20, valuation_weighting=False)
    unweighted = (0.1**2 + 0.1**2) / 2
    assert float(plain(radius, valuation, generator())) == pytest.approx(
        unweighted + 0.5 * margin, rel=1e-9
    )


def test_radial_hierarchy_turned_around_is_its_mirror_image() -> None:
    turned = Radii.of(0.1, 0.85, "frequency_optimal")
    radius = torch.rand(8, generator=generator(3), dtype=torch.float64)
    plain = RadialHierarchy(RADII)(radius, VALUATION, generator(1))
    mirrored = RadialHierarchy(turned)(0.95 - radius, VALUATION, generator(1))
    assert float(plain) == pytest.approx(float(mirrored), rel=1e-12)


def test_at_its_targets_the_radial_hierarchy_costs_nothing() -> None:
    radius = RADII.target(VALUATION, torch.float64)
    assert float(RadialHierarchy(RADII)(radius, VALUATION, generator())) == 0


def test_radial_hierarchy_is_the_mean_over_its_pairs() -> None:
    radius = torch.rand(8, generator=generator(3), dtype=torch.float64)
    i, j = draw_pairs(8, 40, generator(1), torch.device("cpu"))
    r, v, terms = radius.tolist(), VALUATION.tolist(), []
    for a, b in zip(i.tolist(), j.tolist(), strict=True):
        if v[a] == v[b]:
            continue
        deep, high = (a, b) if v[a] > v[b] else (b, a)
        terms.append(max(0.0, 0.5 / 12 * (v[deep] - v[high]) - (r[high] - r[deep])))
    pull = [(x - 0.85 + n / 9 * 0.75) ** 2 * (1 + exp(0.4 * n)) for x, n in zip(r, v, strict=True)]
    expected = sum(pull) / 8 + sum(terms) / len(terms)
    found = RadialHierarchy(RADII, n_pairs=40)(radius, VALUATION, generator(1))
    assert float(found) == pytest.approx(expected, rel=1e-12)


def test_global_rank_by_hand() -> None:
    # Valuations 2 and 0, the deep one 0.1 too far out: 2 sigmoid(0.1 / 0.05).
    radius, valuation = tensor(0.5, 0.4), torch.tensor([2, 0])
    expected = 2 / (1 + exp(-2.0))
    assert float(GlobalRank(0.05, 10)(radius, valuation, generator())) == pytest.approx(expected)
    turned = GlobalRank(0.05, 10, sign=-1.0)(radius, valuation, generator())
    assert float(turned) == pytest.approx(2 / (1 + exp(2.0)))


def test_one_level_has_nothing_to_order() -> None:
    radius = tensor(0.5, 0.4).requires_grad_()
    loss = GlobalRank()(radius, torch.tensor([1, 1]), generator())
    loss.backward()
    assert float(loss.detach()) == 0


def test_geodesic_loss_of_one_pair() -> None:
    x = tensor(0.1, 0.2, -0.3, 0.4).view(2, 2)
    apart = mobius(x[0].tolist(), x[1].tolist())
    # v(28 - 1) = 3: the target is 3 / e.
    expected = smooth_l1(apart - 3 * exp(-1))
    index = torch.tensor([28, 1])
    assert float(PAdicGeodesic(n_pairs=5)(x, index, generator())) == pytest.approx(expected)
    squared = PAdicGeodesic(n_pairs=5, use_smooth_l1=False)(x, index, generator())
    assert float(squared) == pytest.approx((apart - 3 * exp(-1)) ** 2)


def test_points_at_their_target_distance_cost_nothing() -> None:
    # One at the origin, one at 2 artanh(r) = 2 exp(-2/4).
    x = tensor(0.0, 0.0, tanh(exp(-0.5)), 0.0).view(2, 2)
    loss = PAdicGeodesic(1.0, 2.0, 4.0, 5)
    assert float(loss(x, torch.tensor([0, 9]), generator())) == pytest.approx(0, abs=1e-20)


def test_on_a_ball_of_curvature_4_distances_are_half_as_long() -> None:
    x = tensor(0.1, 0.2, -0.3, 0.4).view(2, 2)
    apart = mobius(x[0].tolist(), x[1].tolist()) / 2
    found = PAdicGeodesic(curvature=4.0, n_pairs=3)(x / 2, torch.tensor([0, 1]), generator())
    assert float(found) == pytest.approx(smooth_l1(apart - 3.0))


def test_zero_valuation_by_hand() -> None:
    # Two leading zeros and none.
    rows = torch.tensor([[0, 0, 1, 0, 0, 0, 0, 0, 0], [-1, 0, 0, 0, 0, 0, 0, 0, 0]])
    expected = (smooth_l1(0.2 - (0.85 - 2 / 9 * 0.75)) + smooth_l1(2.0 - 0.85)) / 2
    found = zero.zero_valuation(tensor(0.2, 2.0), rows, RADII)
    assert float(found) == pytest.approx(expected, rel=1e-9)


def test_zero_sparsity_is_pearsons_correlation() -> None:
    rows = all_trits()[100:140]
    radius = torch.rand(40, generator=generator(2), dtype=torch.float64)
    zeros = [sum(1 for t in row if t == 0) for row in rows.tolist()]
    r = np.corrcoef(zeros, radius.numpy())[0, 1]
    assert float(zero.zero_sparsity(radius, rows)) == pytest.approx((r + 0.3) ** 2, rel=1e-9)
    flat = zero.zero_sparsity(torch.full((40,), 0.5, dtype=torch.float64), rows)
    assert float(flat) == pytest.approx(0.09)


def test_zero_structure_weighs_its_parts() -> None:
    rows, radius = all_trits()[:30], torch.rand(30, generator=generator(2), dtype=torch.float64)
    expected = 0.7 * zero.zero_valuation(radius, rows, RADII) + 0.2 * zero.zero_sparsity(
        radius, rows
    )
    assert float(ZeroStructure(RADII, 0.7, 0.2)(radius, rows)) == pytest.approx(float(expected))


def test_zeros_work_against_valuation() -> None:
    """Spearman of the two orders over all operations, with ranks by counting."""
    rows = all_trits().long()
    leading = [next((i for i, t in enumerate(row) if t != 0), 9) for row in rows.tolist()]
    deep = [v3(n) for n in range(len(rows))]

    def ranks(values: list[int]) -> np.ndarray:
        counts = np.bincount(values, minlength=10)
        below = np.concatenate([[0], counts.cumsum()[:-1]])
        return (below + (counts + 1) / 2)[values]

    assert np.corrcoef(ranks(leading), ranks(deep))[0, 1] == pytest.approx(-0.4815, abs=5e-5)


INDEX = torch.tensor([0, 3, 9, 10, 27, 81, 2, 13121])


@pytest.mark.parametrize(
    "loss",
    [
        lambda r: RadialStratification(RADII)(r, VALUATION),
        lambda r: RadialHierarchy(RADII, n_pairs=30)(r, VALUATION, generator(2)),
        lambda r: GlobalRank(n_pairs=30)(r, VALUATION, generator(2)),
        lambda r: zero.zero_valuation(r, all_trits()[:8], RADII),
        lambda r: zero.zero_sparsity(r, all_trits()[:8]),
    ],
    ids=["stratification", "hierarchy", "rank", "zero valuation", "zero sparsity"],
)
def test_gradients_of_radii(loss: object) -> None:
    assert callable(loss)
    assert differentiable(loss, 8, scale=0.3)


def test_gradients_of_geodesics() -> None:
    loss = PAdicGeodesic(n_pairs=30)
    assert differentiable(lambda x: loss(x, INDEX, generator(2)), 8, 3, scale=0.2)


def test_equal_radii_cost_half_the_gap() -> None:
    loss = GlobalRank(n_pairs=10)(tensor(0.3, 0.3), torch.tensor([5, 0]), generator())
    assert float(loss) == pytest.approx(5 / 2)
