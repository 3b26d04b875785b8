from __future__ import annotations

from math import exp, sqrt

import pytest
import torch
from torch import Tensor

from examples.ternary_vae import geometry
from examples.ternary_vae.losses import padic
from examples.ternary_vae.losses.padic import (
    HyperbolicRanking,
    PAdicMetric,
    PAdicRanking,
    PAdicRankingV2,
)
from examples.ternary_vae.losses.terms import draw_pairs

from .losses_helpers import differentiable, generator, mobius, tensor, v3

# Operations 0 and 9 are 3-adically close, v(9) = 2; 1 is far from both, v(1) = v(8) = 0.
NEAR = torch.tensor([0, 9, 1])
HEIGHT = sqrt(3) / 2
EVEN = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.5, HEIGHT]], dtype=torch.float64)
INDEX = torch.tensor([0, 3, 9, 10, 27, 81, 2, 13121, 243, 6561, 19682, 5])


def points(scale: float = 1.0) -> Tensor:
    return scale * torch.randn(len(INDEX), 3, generator=generator(5), dtype=torch.float64)


def test_pairs_are_different_positions_and_all_alike() -> None:
    i, j = draw_pairs(4, 40_000, generator(), torch.device("cpu"))
    counts = torch.bincount(4 * i + j, minlength=16).view(4, 4)
    assert counts.diagonal().tolist() == [0, 0, 0, 0]
    others = counts[~torch.eye(4, dtype=torch.bool)]
    # Expected 3,333 each, standard deviation below 58.
    assert (others - 40_000 / 12).abs().max() < 5 * 58
    assert draw_pairs(1, 10, generator(), torch.device("cpu"))[0].numel() == 0


def test_metric_loss_of_one_pair() -> None:
    # v(9 - 0) = 2: the wanted distance is 2 / 9; the points are 5 apart.
    z = tensor(0.0, 0.0, 3.0, 4.0).view(2, 2)
    loss = PAdicMetric(scale=2.0, n_pairs=7)(z, torch.tensor([0, 9]), generator())
    assert float(loss) == pytest.approx((5 - 2 / 9) ** 2, rel=1e-12)


def test_an_operation_with_itself_is_no_pair() -> None:
    z = tensor(0.0, 1.0)[:, None].requires_grad_()
    loss = PAdicMetric()(z, torch.tensor([5, 5]), generator())
    loss.backward()
    assert float(loss.detach()) == 0
    assert z.grad is not None


def test_metric_loss_is_the_mean_over_its_pairs() -> None:
    z = points()
    i, j = draw_pairs(len(INDEX), 50, generator(2), torch.device("cpu"))
    total = 0.0
    for a, b in zip(i.tolist(), j.tolist(), strict=True):
        apart = sqrt(sum((x - y) ** 2 for x, y in zip(z[a].tolist(), z[b].tolist(), strict=True)))
        total += (apart - 3.0 ** -v3(abs(int(INDEX[a]) - int(INDEX[b])))) ** 2
    found = PAdicMetric(n_pairs=50)(z, INDEX, generator(2))
    assert float(found) == pytest.approx(total / 50, rel=1e-12)


def test_triplets_know_what_is_near() -> None:
    t = padic.draw_triplets(INDEX, 500, generator())
    assert 100 < len(t.anchor) < 500
    for a, p, n, gap in zip(
        *(x.tolist() for x in (t.anchor, t.positive, t.negative, t.gap)), strict=True
    ):
        assert a not in (p, n)
        near, far = (v3(abs(int(INDEX[a]) - int(INDEX[x]))) for x in (p, n))
        assert near - far == gap > 0


def test_ranking_loss_of_an_even_triangle_is_its_margin() -> None:
    assert float(PAdicRanking(margin=0.3)(EVEN, NEAR, generator())) == pytest.approx(0.3)


def test_ranking_loss_is_zero_in_order_and_grows_out_of_order() -> None:
    # 0 and 9 together, 1 at a distance of 1: in order by more than the margin.
    good = tensor(0.0, 0.0, 0.0, 0.0, 1.0, 0.0).view(3, 2)
    assert float(PAdicRanking(margin=0.3)(good, NEAR, generator())) == 0
    # Anchors 0 and 9: positive 1 away, negative 0.5 away.
    bad = tensor(0.0, 0.0, 1.0, 0.0, 0.5, 0.0).view(3, 2)
    assert float(PAdicRanking(margin=0.3)(bad, NEAR, generator())) == pytest.approx(0.8)


@pytest.mark.parametrize("ratio", [0.0, 0.5, 1.0])
def test_the_margin_of_v2_grows_with_the_gap(ratio: float) -> None:
    # Both valid triplets have a gap of 2 levels.
    loss = PAdicRankingV2(0.05, 0.15, 40, ratio)
    assert float(loss(EVEN, NEAR, generator())) == pytest.approx(0.05 + 2 * 0.15)


def test_the_hardest_negative_is_the_closest_of_those_that_are_farther() -> None:
    # Anchor 0 and positive 27 (v 3); 9 (v 2) and 1, 2 (v 0) may be negatives, 81 (v 4) and the
    # equally far 54 (v 3) may not.
    index = torch.tensor([0, 27, 9, 1, 2, 81, 54])
    z = tensor(0.0, 1.0, 1.5, 0.4, -0.7, 0.1, 0.05)[:, None]
    one = padic.Triplets(*(torch.tensor([x]) for x in (0, 1, 2, 1)))
    hard = padic.harden(one, z, index, padic.euclidean, semi_hard=False)
    assert (hard.negative.item(), hard.gap.item()) == (3, 3)
    semi = padic.harden(one, z, index, padic.euclidean, semi_hard=True)
    assert (semi.negative.item(), semi.gap.item()) == (2, 1)
    # Without one beyond the positive, semi-hard is hard.
    near = z.clone()
    near[2] = 0.9
    assert padic.harden(one, near, index, padic.euclidean, semi_hard=True).negative.item() == 3


def test_ranking_weight_by_default_reaches_its_base() -> None:
    assert padic.ranking_weight(1e6, 0.0) == 0.5
    assert padic.ranking_weight(1e6, 0.0, base=3.0) == 1.0
    assert padic.ranking_weight(-1e6, 0.0) == 0.0


def test_into_ball_keeps_directions_and_stays_inside() -> None:
    z = tensor(3.0, 4.0, 0.0, 0.0).view(2, 2)
    assert padic.into_ball(z, 0.95)[0].tolist() == pytest.approx([0.95 * 0.5, 0.95 * 4 / 6])
    assert padic.into_ball(z, 0.95)[1].tolist() == [0, 0]
    assert float(padic.into_ball(1e9 * z, 0.95).norm(dim=-1).max()) < 0.95


def test_hyperbolic_ranking_measures_geodesics_and_norms() -> None:
    z = tensor(0.0, 0.0, 1.0, 0.0, 0.5, 0.0).view(3, 2)
    # Norms r / (1 + r) * 0.95.
    x = [[0.0, 0.0], [0.475, 0.0], [0.95 / 3, 0.0]]
    # Anchor 0: positive 9, negative 1. Anchor 9: positive 0, negative 1; margin 0.05 + 0.3.
    first = max(0.0, mobius(x[0], x[1]) - mobius(x[0], x[2]) + 0.35)
    second = max(0.0, mobius(x[1], x[0]) - mobius(x[1], x[2]) + 0.35)
    loss = HyperbolicRanking(n_triplets=4000)(z, NEAR, generator())
    # About 900 anchors of each kind: the mix is even to a few percent.
    expected = (first + second) / 2
    assert float(loss.parts["ranking"]) == pytest.approx(expected, abs=0.08 * abs(first - second))
    # Valuations 9, 2, 0: targets 0, (1 - 2/9) 0.855 and 0.855.
    wanted = [0.0, 7 / 9 * 0.855, 0.855]
    radial = sum((p[0] - w) ** 2 for p, w in zip(x, wanted, strict=True)) / 3
    assert float(loss.parts["radial"]) == pytest.approx(radial, rel=1e-12)
    parts = loss.parts
    assert float(loss.total) == pytest.approx(float(parts["ranking"] + 0.1 * parts["radial"]))


def test_norm_loss() -> None:
    # |3|_3 = 1/3, |1|_3 = 1, |0|_3 = 3^-9 here; norms 5, 0, 1.
    z = tensor(3.0, 4.0, 0.0, 0.0, 0.0, 1.0).view(3, 2)
    expected = ((5 - 1 / 3) ** 2 + 1 + (1 - 3**-9) ** 2) / 3
    found = padic.norm_loss(z, torch.tensor([3, 1, 0]))
    assert float(found) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("coverage", "trend", "expected"),
    [
        (90.0, 0.0, 0.25),
        (100.0, 0.0, 0.5 / (1 + exp(-1.0))),
        (95.0, -0.5, 0.5 / (1 + exp(0.5))),
        (0.0, 0.0, 0.1),
        (100.0, 50.0, 0.4),
    ],
)
def test_ranking_weight(coverage: float, trend: float, expected: float) -> None:
    found = padic.ranking_weight(coverage, trend, lowest=0.1, highest=0.4)
    assert found == pytest.approx(min(max(expected, 0.1), 0.4), rel=1e-12)


@pytest.mark.parametrize(
    "loss",
    [
        lambda z: PAdicMetric(n_pairs=30)(z, INDEX, generator(2)),
        lambda z: PAdicRanking(n_triplets=60)(z, INDEX, generator(2)),
        lambda z: PAdicRankingV2(n_triplets=60)(z, INDEX, generator(2)),
        lambda z: HyperbolicRanking(n_triplets=60)(z, INDEX, generator(2)).total,
        lambda z: padic.norm_loss(z, INDEX),
    ],
    ids=["metric", "ranking", "v2", "hyperbolic", "norm"],
)
def test_gradients(loss: object) -> None:
    assert callable(loss)
    assert differentiable(loss, len(INDEX), 3)


def test_equal_generators_give_equal_losses() -> None:
    z = points()
    loss = HyperbolicRanking(n_triplets=50)
    first, again, other = (loss(z, INDEX, generator(seed)).total for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_distances_on_the_ball_are_those_of_mobius_addition() -> None:
    x = padic.into_ball(points(), 0.9)
    found = geometry.distance(x[0], x[1])
    assert float(found) == pytest.approx(mobius(x[0].tolist(), x[1].tolist()), rel=1e-9)
