"""The Poincare ball of curvature -c, c > 0: points x with c |x|^2 < 1, in the last dimension.

Formulas are those of Ungar, "A Gyrovector Space Approach to Hyperbolic Geometry" (2008), as
Ganea, Becigneul and Hofmann, "Hyperbolic Neural Networks" (NeurIPS 2018), section 2, write
them. `c` is a number, or a tensor that trains.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

Curvature = float | Tensor
_TINY = 1e-15


def _artanh(x: Tensor) -> Tensor:
    """The inverse of tanh, finite also where rounding put a point onto the boundary."""
    return torch.atanh(x.clamp(max=1 - torch.finfo(x.dtype).eps))


def distance_to_origin(x: Tensor, c: Curvature = 1.0) -> Tensor:
    """Hyperbolic distance [...] of points [..., D] to the origin.

    d(0, x) = 2 artanh(sqrt(c) |x|) / sqrt(c); Ganea et al. 2018, equation 5 with x = 0.
    """
    return hyperbolic_radius(x.norm(dim=-1), c)


def hyperbolic_radius(norm: Tensor, c: Curvature = 1.0) -> Tensor:
    """The distance to the origin that belongs to a Euclidean norm; see `distance_to_origin`."""
    root = c**0.5
    return 2 * _artanh(root * norm) / root


def euclidean_radius(distance: Tensor, c: Curvature = 1.0) -> Tensor:
    """The Euclidean norm that belongs to a distance to the origin: tanh(sqrt(c) d/2) / sqrt(c)."""
    root = c**0.5
    return torch.tanh(root * distance / 2) / root


def distance(x: Tensor, y: Tensor, c: Curvature = 1.0) -> Tensor:
    """Geodesic distance [...] between points [..., D].

    arcosh(1 + 2 c |x-y|^2 / ((1 - c |x|^2)(1 - c |y|^2))) / sqrt(c); Nickel and Kiela,
    "Poincare Embeddings" (NeurIPS 2017), equation 1, for c = 1. It is computed as
    2 arsinh(u) / sqrt(c) with arcosh(1 + 2 u^2) = 2 arsinh(u), which keeps small distances
    and has a finite gradient where x = y.
    """
    room = (1 - c * x.square().sum(-1)) * (1 - c * y.square().sum(-1))
    root = c**0.5
    apart = root * (x - y).norm(dim=-1) / room.clamp_min(torch.finfo(x.dtype).eps ** 2).sqrt()
    return 2 * torch.asinh(apart) / root


def logmap0(x: Tensor, c: Curvature = 1.0) -> Tensor:
    """Points [..., D] as tangent vectors at the origin; Ganea et al. 2018, equation 13.

    artanh(sqrt(c) |x|) x / (sqrt(c) |x|): for c = 1 its norm is half the distance to the
    origin, since the metric at the origin is 4 times the Euclidean one.
    """
    scaled = (c**0.5) * x.norm(dim=-1, keepdim=True).clamp_min(_TINY)
    return _artanh(scaled) / scaled * x


def expmap0(v: Tensor, c: Curvature = 1.0) -> Tensor:
    """Tangent vectors at the origin [..., D] as points; the inverse of `logmap0`.

    tanh(sqrt(c) |v|) v / (sqrt(c) |v|); Ganea et al. 2018, equation 13.
    """
    scaled = (c**0.5) * v.norm(dim=-1, keepdim=True).clamp_min(_TINY)
    return torch.tanh(scaled) / scaled * v


def inverse_softplus(value: float) -> float:
    """The x with ln(1 + e^x) = value, value > 0, without overflow: value + ln(1 - e^-value)."""
    return value + math.log(-math.expm1(-value))
