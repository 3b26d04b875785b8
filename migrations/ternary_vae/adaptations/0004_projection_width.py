"""Widens the hidden layers of the projection by a whole factor so that it computes the same.

Every unit of a direction_net is repeated, so that the mean and the deviation within a
LayerNorm stay what they were; only the first of the copies speaks to the next layer, the
others begin with outgoing weights of zero and learn their own. A radius_net has no
LayerNorm: it gets new units with small random incoming weights and outgoing weights of zero.

A width that is no multiple cannot be had: other units would change what the LayerNorms
divide by. The way back exists while the copies are copies and nothing leaves the new units.

What differs is rounding: on trained models at most 1.5e-7 on the ball in float32, over all
operations, for factors of 2, 3 and 8.
"""

# ruff: noqa: D102  what a codec does is said of the codec
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cfgmig.errors import Refused
from cfgmig.migration import (
    Convert,
    Operation,
    Repeated,
    Resized,
    TensorCodec,
    Weights,
    preserving,
)

if TYPE_CHECKING:
    from checkpoint_tools.plan import Expr
    from checkpoint_tools.plan.resolve import Type

settings = ("hidden", "radius_hidden")
guarantee = preserving(1e-5, "the points on the ball")

SEED = 51205


@dataclass(frozen=True)
class MoreRows(TensorCodec):
    """New units, which listen to all inputs with random weights; whether anybody listens to
    them is for the next layer to say.
    """

    narrow: int
    wide: int
    bound: float
    seed: int

    def on(self, expr: Expr, of: Type) -> Expr:
        from checkpoint_tools.plan import Concat, Init

        shape = (self.wide - self.narrow, *of.shape[1:])
        rows = Init(of.dtype, shape, "uniform", low=-self.bound, high=self.bound, seed=self.seed)
        return Concat((expr, rows), 0)

    def reverse(self) -> FewerRows:
        return FewerRows(self.narrow, self.wide, self.bound, self.seed)

    def describe(self) -> str:
        return f"{self.wide - self.narrow} units more, with random incoming weights"


@dataclass(frozen=True)
class FewerRows(TensorCodec):
    """The units that were there first."""

    narrow: int
    wide: int
    bound: float
    seed: int

    def on(self, expr: Expr, of: Type) -> Expr:
        from checkpoint_tools.plan import Compute

        def first(array: Any) -> Any:
            return array[: self.narrow]

        # Not a slice: whoever reads all of a tensor answers for what it leaves out.
        return Compute(self.describe(), first, (expr,), of.dtype, (self.narrow, *of.shape[1:]))

    def reverse(self) -> MoreRows:
        return MoreRows(self.narrow, self.wide, self.bound, self.seed)

    def describe(self) -> str:
        return f"{self.wide - self.narrow} units less"


def weights(state: Weights) -> list[Operation] | None:
    """Repeated and added units, or the same undone."""
    have, wanted = state.dimensions, state.wanted_dimensions
    if any(name not in sizes for name in settings for sizes in (have, wanted)):
        return None
    if all(have[name] == wanted[name] for name in settings):
        return None
    depth = state.facts["projection_layers"]
    if state.wanted.get("projection_layers", depth) < depth:
        return None  # layers that were added after the width go first
    small, large = sorted((have["hidden"], wanted["hidden"]))
    narrow, wide = sorted((have["radius_hidden"], wanted["radius_hidden"]))
    _check(small, large)
    up: list[Operation] = []
    for number, net in enumerate(_nets(state)):
        up += _direction(state, net, small, large)
        up += _radius(state, net, narrow, wide, SEED + 100 * number)
    grows = wanted["hidden"] > have["hidden"] or wanted["radius_hidden"] > have["radius_hidden"]
    return up if grows else [one.reverse() for one in reversed(up)]


def _nets(state: Weights) -> tuple[str, ...]:
    dual = state.facts.get("use_dual_projection")
    return ("projection.proj_A", "projection.proj_B") if dual else ("projection",)


def _check(small: int, large: int) -> None:
    if large % small:
        raise Refused(
            f"a projection {small} wide cannot be made {large} wide so that it computes the same: "
            "its LayerNorms would divide by another deviation",
            kind="migration",
            help=f"set model.hidden_dim to {small} or to a multiple of it",
        )


def _direction(state: Weights, net: str, small: int, large: int) -> list[Operation]:
    if small == large:
        return []
    layers, step = int(state.facts["projection_layers"]), _step(state, 3)
    times, name = large // small, f"{net}.direction_net"
    made: list[Operation] = []
    for at in range(layers):
        if at:
            made.append(Convert(f"{name}.{at * step}.weight", Resized(1, small, large)))
        for leaf in (f"{at * step}", f"{at * step + 1}"):
            made += [
                Convert(f"{name}.{leaf}.{part}", Repeated(times)) for part in ("weight", "bias")
            ]
    return [*made, Convert(f"{name}.{layers * step}.weight", Resized(1, small, large))]


def _radius(state: Weights, net: str, narrow: int, wide: int, seed: int) -> list[Operation]:
    if narrow == wide:
        return []
    layers, step = int(state.facts["projection_layers"]), _step(state, 2)
    name = f"{net}.radius_net"
    made: list[Operation] = []
    for at in range(layers):
        if at:
            made.append(Convert(f"{name}.{at * step}.weight", Resized(1, narrow, wide)))
        bound = (wide if at else state.dimensions["latent"]) ** -0.5
        made.append(Convert(f"{name}.{at * step}.weight", MoreRows(narrow, wide, bound, seed + at)))
        made.append(Convert(f"{name}.{at * step}.bias", Resized(0, narrow, wide)))
    return [*made, Convert(f"{name}.{layers * step}.weight", Resized(1, narrow, wide))]


def _step(state: Weights, without: int) -> int:
    """How far apart the numbers of dense layers are."""
    return without + (state.facts["projection_dropout"] != "0")
