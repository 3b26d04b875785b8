"""Adds hidden layers to the projection so that it computes the same, or takes them out again.

A file of depth 1 against a config of depth 2 shows as a clash of shapes, for instance
`projection.proj_A.direction_net.4.weight`, 16 x 64 in the file and 64 x 64 in the model. The
tensor is not too narrow: number 4 is the output layer of one and a hidden layer of the
other, which has its output at 8. Copying what happens to fit leaves random layers in between:
the hierarchy of a trained model went from -0.82 to somewhere between -0.36 and +0.72 that
way, by the draw. The depth is `model.projection_layers`; a constructor that calls it
`n_projection_layers` and swallows what it does not know builds depth 1 from the same config.

Here the old output layer y = W h + b becomes the new hidden layer as the pairs W and -W,
because SiLU(y) - SiLU(-y) = y, and the new output layer takes their difference. The LayerNorm
of a direction_net in between is held open: its remaining units are the constants +M and -M,
which keep the mean at 0 and the deviation at sigma, and gamma = sigma for the pairs undoes the
division. That needs two such units, so the width must exceed twice the latent size by 2.
Measured on trained models, over all operations: at most 1.2e-7 on the ball in float32.

The constants have no incoming weights: random ones cost torch's LayerNorm a deviation of 7e-6.
Units of a radius_net that are left over start with random incoming weights, for training to
use. With dropout the mean over samples is kept, a single sample is not. The way back exists
while the pairs are as they were made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cfgmig.errors import Refused
from cfgmig.migration import Add, Move, Operation, Remove, Weights, preserving

if TYPE_CHECKING:
    from checkpoint_tools.plan import Expr

settings = ("projection_layers",)
guarantee = preserving(1e-5, "the points on the ball")

CONSTANT = 3000.0
"""M: the deviation falls with 1/M^2, and from 1000 on it is that of rounding."""
EPSILON = 1e-5
"""What LayerNorm adds to the variance."""
SEED = 51204


def weights(state: Weights) -> list[Operation] | None:
    """One added layer for each missing one, from the inside out; or the same undone."""
    have, want = (facts.get("projection_layers") for facts in (state.facts, state.wanted))
    if have is None or want is None or have == want:
        return None
    latent, hidden = state.dimensions["latent"], state.dimensions["hidden"]
    if hidden < 2 * latent + 2:
        raise Refused(
            f"a projection {hidden} wide cannot become deeper and compute the same: pairs of "
            f"{latent} latent directions and two constants need {2 * latent + 2} units",
            kind="migration",
            help=f"widen it as well: set model.hidden_dim to a multiple of {hidden}",
        )
    up: list[Operation] = []
    for depth in range(min(have, want), max(have, want)):
        for number, net in enumerate(_nets(state)):
            up += _direction(state, net, depth)
            up += _radius(state, net, depth, SEED + 100 * number + depth)
    return up if want > have else [one.reverse() for one in reversed(up)]


def _nets(state: Weights) -> tuple[str, ...]:
    dual = state.facts.get("use_dual_projection")
    return ("projection.proj_A", "projection.proj_B") if dual else ("projection",)


def _step(state: Weights, without: int) -> int:
    """How far apart the numbers of dense layers are."""
    return without + (state.facts["projection_dropout"] != "0")


def _direction(state: Weights, net: str, depth: int) -> list[Operation]:
    """The output layer of a direction_net at `depth` becomes a hidden layer and a new output."""
    from checkpoint_tools.plan import Compute, Concat, Init, Take

    step, base = _step(state, 3), f"{net}.direction_net"
    dtype = state.tensors[f"{base}.0.weight"].dtype
    latent, width = state.dimensions["latent"], state.dimensions["hidden"]
    old, norm, new = (f"{base}.{n}" for n in (depth * step, depth * step + 1, (depth + 1) * step))
    # A number that no layer has, of old or from now on.
    aside = f"{base}.{(depth + 1) * step + 2}"
    pairs, constants = 2 * latent, (width - 2 * latent) // 2
    sigma = (CONSTANT**2 * 2 * constants / width + EPSILON) ** 0.5

    def filled(*parts: tuple[int, float]) -> Expr:
        rest = width - sum(count for count, _ in parts)
        inits = [Init(dtype, (n,), "constant", value) for n, value in (*parts, (rest, 0.0)) if n]
        return Concat(tuple(inits), 0)

    weight = Compute("pairs W, -W and zeros", _paired(width), (Take(f"{aside}.weight"),),
                     dtype, (width, width))  # fmt: skip
    output = Compute("differences of pairs", _differences(width), (Take(f"{aside}.weight"),),
                     dtype, (latent, width))  # fmt: skip
    gamma = Concat(
        (Init(dtype, (pairs,), "constant", sigma), Init(dtype, (width - pairs,), "ones"))
    )
    made = [f"{old}.weight", f"{old}.bias", f"{norm}.weight", f"{norm}.bias", f"{new}.weight"]
    bias = filled((pairs, 0.0), (constants, CONSTANT), (constants, -CONSTANT))
    parts = [weight, bias, gamma, filled(), output]
    inputs = (*map(Take, made), bias, gamma)
    back = Compute("W of the pairs", _unpaired(latent, width), inputs, dtype, (latent, width))
    return [
        Move(old, aside),
        *(Add(name, expr) for name, expr in zip(made, parts, strict=True)),
        Add(f"{new}.bias", Take(f"{aside}.bias")),
        Remove(f"{aside}.bias", restore=Take(f"{new}.bias")),
        Remove(f"{aside}.weight", restore=back),
    ]


def _radius(state: Weights, net: str, depth: int, seed: int) -> list[Operation]:
    """The same for a radius_net, which has one output and no LayerNorm: exact."""
    from checkpoint_tools.plan import Compute, Init, Take

    step, base = _step(state, 2), f"{net}.radius_net"
    dtype, (width, _) = state.tensors[f"{base}.0.weight"]
    old, new = f"{base}.{depth * step}", f"{base}.{(depth + 1) * step}"
    aside = f"{base}.{(depth + 1) * step + 1}"
    bound = width**-0.5
    unused = Init(dtype, (width - 2, width), "uniform", low=-bound, high=bound, seed=seed)
    weight = Compute("w, -w and new units", _with_units, (Take(f"{aside}.weight"), unused),
                     dtype, (width, width))  # fmt: skip
    bias = Compute("b, -b and zeros", _opposite(width), (Take(f"{aside}.bias"),), dtype, (width,))
    output = Compute("difference of the pair", _differences(width), (Take(f"{aside}.weight"),),
                     dtype, (1, width))  # fmt: skip
    made = [f"{old}.weight", f"{old}.bias", f"{new}.weight", f"{new}.bias"]
    parts = [weight, bias, output, Init(dtype, (1,))]
    inputs = tuple(map(Take, made))
    back = [
        Compute("w of the pair", _single(0), inputs, dtype, (1, width)),
        Compute("b of the pair", _single(1), inputs, dtype, (1,)),
    ]
    return [
        Move(old, aside),
        *(Add(name, expr) for name, expr in zip(made, parts, strict=True)),
        Remove(f"{aside}.bias", restore=back[1]),
        Remove(f"{aside}.weight", restore=back[0]),
    ]


def _paired(width: int) -> Any:
    def function(weight: Any) -> Any:
        np = _numpy()
        rest = np.zeros((width - 2 * len(weight), width), weight.dtype)
        return np.concatenate([weight, -weight, rest])

    return function


def _differences(width: int) -> Any:
    def function(weight: Any) -> Any:
        np = _numpy()
        count = len(weight)
        eye = np.eye(count, dtype=weight.dtype)
        rest = np.zeros((count, width - 2 * count), weight.dtype)
        return np.concatenate([eye, -eye, rest], axis=1)

    return function


def _with_units(weight: Any, unused: Any) -> Any:
    return _numpy().concatenate([weight, -weight, unused]).astype(weight.dtype)


def _opposite(width: int) -> Any:
    def function(bias: Any) -> Any:
        np = _numpy()
        return np.concatenate([bias, -bias, np.zeros(width - 2, bias.dtype)])

    return function


def _unpaired(latent: int, width: int) -> Any:
    def function(
        weight: Any, bias: Any, gamma: Any, beta: Any, output: Any, held: Any, scale: Any
    ) -> Any:
        first = weight[:latent]
        whole = _paired(width)(first)
        differences = _differences(width)(first)
        pairs = [(weight, whole), (bias, held), (gamma, scale), (output, differences)]
        _demand(not beta.any() and all((one == other).all() for one, other in pairs))
        return first

    return function


def _single(which: int) -> Any:
    def function(weight: Any, bias: Any, output: Any, shift: Any) -> Any:
        fine = [
            (weight[1] == -weight[0]).all(),
            (bias == _opposite(len(bias))(bias[:1])).all(),
            (output == _differences(len(bias))(weight[:1])).all(),
            not shift.any(),
        ]
        _demand(all(fine))
        return (weight[:1], bias[:1])[which]

    return function


def _demand(untouched: bool) -> None:
    """Raise LossError unless a layer is as it was made."""
    from checkpoint_tools.plan import LossError

    if not untouched:
        raise LossError(
            "a hidden layer of the projection was trained, so no shallower one computes the same"
        )


def _numpy() -> Any:
    from checkpoint_tools.plan.casts import numpy

    return numpy()
