"""The ball: formulas against closed forms and against Moebius addition in numpy, float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from examples.ternary_vae import geometry


def points(count: int, c: float = 1.0, seed: int = 0) -> Tensor:
    drawn = torch.Generator().manual_seed(seed)
    directions = torch.randn(count, 5, dtype=torch.float64, generator=drawn)
    radii = torch.rand(count, 1, dtype=torch.float64, generator=drawn) * 0.98 / math.sqrt(c)
    return directions / directions.norm(dim=-1, keepdim=True) * radii


def moebius_distance(x: np.ndarray, y: np.ndarray, c: float) -> float:
    """2 artanh(sqrt(c) |(-x) + y|) / sqrt(c) with Moebius addition."""
    x = -x
    xy, xx, yy = x @ y, x @ x, y @ y
    total = (1 + 2 * c * xy + c * yy) * x + (1 - c * xx) * y
    total = total / (1 + 2 * c * xy + c * c * xx * yy)
    return 2 / math.sqrt(c) * math.atanh(math.sqrt(c) * float(np.linalg.norm(total)))


@pytest.mark.parametrize("c", [0.5, 1.0, 2.2])
def test_distance_is_that_of_moebius_addition(c: float) -> None:
    x, y = points(40, c), points(40, c, seed=1)
    expected = [moebius_distance(a, b, c) for a, b in zip(x.numpy(), y.numpy(), strict=True)]
    assert geometry.distance(x, y, c).tolist() == pytest.approx(expected, rel=1e-9)
    assert torch.allclose(geometry.distance(x, y, c), geometry.distance(y, x, c))


def test_distance_is_the_arcosh_of_nickel_and_kiela() -> None:
    x, y = points(40).numpy(), points(40, seed=1).numpy()
    room = (1 - (x**2).sum(-1)) * (1 - (y**2).sum(-1))
    expected = np.arccosh(1 + 2 * ((x - y) ** 2).sum(-1) / room)
    found = geometry.distance(torch.tensor(x), torch.tensor(y))
    assert found.numpy() == pytest.approx(expected, rel=1e-9)


RADII = {0.08: 0.160, 0.10: 0.201, 0.85: 2.512, 0.90: 2.944, 0.95: 3.664, 0.99: 5.293}
NORMS = {0.08: 0.040, 0.10: 0.050, 0.85: 0.401, 0.90: 0.422}


def test_radii_of_known_norms() -> None:
    norms = torch.tensor(list(RADII), dtype=torch.float64)
    found = geometry.hyperbolic_radius(norms)
    assert found.tolist() == pytest.approx(list(RADII.values()), abs=5e-4)
    assert found.tolist() == pytest.approx([math.log((1 + r) / (1 - r)) for r in RADII])
    back = geometry.euclidean_radius(torch.tensor(list(NORMS), dtype=torch.float64))
    assert back.tolist() == pytest.approx(list(NORMS.values()), abs=5e-4)
    assert back.tolist() == pytest.approx([(math.exp(d) - 1) / (math.exp(d) + 1) for d in NORMS])


@pytest.mark.parametrize("c", [0.5, 1.0, 2.2])
def test_radius_conversions_are_inverse_and_the_distance_to_the_origin(c: float) -> None:
    x = points(40, c)
    found = geometry.distance_to_origin(x, c)
    assert torch.allclose(found, geometry.distance(torch.zeros_like(x), x, c))
    assert torch.allclose(geometry.euclidean_radius(found, c), x.norm(dim=-1))
    # The arc length of the metric 2 |dx| / (1 - c r^2), as a sum.
    norm = x[0].norm().item()
    r = (np.arange(200_000) + 0.5) * norm / 200_000
    arc = float((2 / (1 - c * r**2)).sum() * norm / 200_000)
    assert found[0].item() == pytest.approx(arc, rel=1e-6)


@pytest.mark.parametrize("c", [0.5, 1.0, 2.2])
def test_maps_at_the_origin_are_inverse(c: float) -> None:
    x = points(40, c)
    tangent = geometry.logmap0(x, c)
    assert torch.allclose(geometry.expmap0(tangent, c), x)
    assert torch.allclose(2 * tangent.norm(dim=-1), geometry.distance_to_origin(x, c))
    norms = x.norm(dim=-1)
    expected = np.arctanh(math.sqrt(c) * norms.numpy()) / math.sqrt(c)
    assert tangent.norm(dim=-1).numpy() == pytest.approx(expected, rel=1e-9)
    assert torch.allclose(torch.cosine_similarity(tangent, x), torch.ones(40, dtype=torch.float64))


def test_maps_leave_the_origin() -> None:
    zero = torch.zeros(2, 3, requires_grad=True)
    for move in (geometry.logmap0, geometry.expmap0):
        (gradient,) = torch.autograd.grad(move(zero).sum(), zero)
        assert move(zero).tolist() == [[0.0] * 3] * 2
        assert gradient.tolist() == pytest.approx(np.ones((2, 3)))


def test_gradients_are_those_of_finite_differences() -> None:
    x, y = points(6).requires_grad_(), points(6, seed=1).requires_grad_()
    c = torch.tensor(0.9, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(geometry.distance, (x, y, c))
    assert torch.autograd.gradcheck(geometry.distance_to_origin, (x, c))
    assert torch.autograd.gradcheck(geometry.logmap0, (x, c))
    assert torch.autograd.gradcheck(geometry.expmap0, (x, c))


def test_equal_points_and_points_rounded_onto_the_boundary_are_finite() -> None:
    x = torch.tensor([[0.3, 0.4], [0.6, 0.8], [1.0, 0.0]], requires_grad=True)
    for found in (geometry.distance(x, x.detach()), geometry.distance_to_origin(x)):
        (gradient,) = torch.autograd.grad(found.sum(), x)
        assert torch.isfinite(found).all()
        assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("value", [1e-3, 0.1, 1.0, 2.2, 50.0, 800.0])
def test_softplus_is_inverted(value: float) -> None:
    found = torch.tensor(geometry.inverse_softplus(value), dtype=torch.float64)
    assert torch.nn.functional.softplus(found).item() == pytest.approx(value, rel=1e-12)
    if value <= 50:
        plain = math.log(math.exp(value) - 1)
        assert found.item() == pytest.approx(plain, rel=1e-9, abs=1e-9)
