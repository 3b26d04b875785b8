"""What all losses share: the parts of a total, random pairs, and radii by valuation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from ..operations import TRITS


class Terms(NamedTuple):
    """A loss to minimise, and the unweighted parts that it is made of."""

    total: Tensor
    parts: dict[str, Tensor]


def mean_or_zero(values: Tensor) -> Tensor:
    """The mean, or a zero that still belongs to the graph when there is nothing to average."""
    return values.sum() / max(values.numel(), 1)


def draw(high: int, count: int, generator: torch.Generator, device: torch.device) -> Tensor:
    """`count` positions in [0, high), drawn where the generator lives and moved to `device`."""
    drawn = torch.randint(high, (count,), generator=generator, device=generator.device)
    return drawn.to(device)


def draw_pairs(
    size: int, count: int, generator: torch.Generator, device: torch.device
) -> tuple[Tensor, Tensor]:
    """`count` uniform pairs of different positions in [0, size); none when size < 2."""
    if size < 2:
        nothing = torch.zeros(0, dtype=torch.long, device=device)
        return nothing, nothing
    first = draw(size, count, generator, device)
    step = draw(size - 1, count, generator, device)
    return first, (first + 1 + step) % size


@dataclass(frozen=True)
class Radii:
    """Where each valuation belongs: `inner` for 9, `outer` for 0, evenly in between.

    r*(v) = outer - (v / 9) (outer - inner), in whatever unit the measured radii have.
    With inner > outer the order is turned around: the many operations of valuation 0 lie
    inside ("frequency_optimal"), and everything that compares two radii follows `sign`.
    """

    inner: float
    outer: float

    @classmethod
    def of(cls, inner: float, outer: float, manifold_type: str = "valuation_optimal") -> Radii:
        """The radii of a manifold type; ValueError for an unknown one."""
        if manifold_type == "valuation_optimal":
            return cls(inner, outer)
        if manifold_type == "frequency_optimal":
            return cls(outer, inner)
        raise ValueError(f"manifold_type is {manifold_type!r}, neither valuation_ nor frequency_")

    @property
    def sign(self) -> float:
        """1 when deeper valuations lie further inside, else -1."""
        return 1.0 if self.outer >= self.inner else -1.0

    @property
    def step(self) -> float:
        """Distance of two neighbouring levels, not negative."""
        return abs(self.outer - self.inner) / TRITS

    def target(self, valuation: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        """r*(v), any shape."""
        share = valuation.to(dtype) / TRITS
        return self.outer - share * (self.outer - self.inner)
