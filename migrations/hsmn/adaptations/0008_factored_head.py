"""Factors a head's output matrix: a truncated singular value decomposition.

The head reads probabilities p, which sum to 1, so the bias b may join the matrix W:
p W + b = p M with M = W + 1 b'. Of M = L S R' the r largest singular values stay,

    V = sqrt(S) L'  [r, states],    U = R sqrt(S)  [ids, r],    logits p V' U',

which no matrix of that rank comes closer to M than (Eckart and Young, Psychometrika 1, 1936).
What is discarded, the share 1 - sum of the r largest s^2 / sum of all s^2, is kept beside the
result as `head.output_proj.discarded_energy`, and so are matrix and bias. The old code took
0.98 for the least quality of anything compressed: a rank that keeps less is refused, and the
message says which one keeps enough. `--prefer factored_head` takes it all the same.

As many ranks as the head has states lose nothing: on small random models in float32 at most 4e-6
on the logits. A share tells of the matrix alone; `verify --probe` measures the logits. U has as
many rows here as the head has ids; more, up to model.lm_head.total_vocab_size, are grown like a
vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cfgmig.migration import STASH, Add, Operation, Remove, Weights, structural

settings = ("factored",)
guarantee = structural("at least 98 % of the matrix's energy stays; what does not is stated beside")

WEIGHT, BIAS = "head.output_proj.weight", "head.output_proj.bias"
U, V = "head.output_proj.U", "head.output_proj.V"
ENERGY = "head.output_proj.discarded_energy"
LEAST = 0.98
ROUNDING = 1e-15
"""Of the largest square: below, a direction holds nothing but rounding."""


def weights(state: Weights) -> list[Operation] | None:
    """Two factors for matrix and bias."""
    from checkpoint_tools.plan import Compute, Take

    if state.facts.get("factored") is not False or state.wanted.get("factored") is not True:
        return None
    dtype, (states, ids) = state.tensors[WEIGHT]
    rank = state.wanted_dimensions["factor_rank"]
    both, least = (Take(WEIGHT), Take(BIAS)), 0.0 if state.preferred else LEAST
    factors = [
        Add(name, Compute("truncated decomposition", _factor(rank, at, least), both, dtype, shape))
        for at, (name, shape) in enumerate(((U, (ids, rank)), (V, (rank, states))))
    ]
    energy = Compute("share of what is discarded", _energy(rank), both, "float64", ())
    gone = [Remove(name, STASH) for name in (ENERGY, BIAS, WEIGHT)]
    return [*factors, Add(ENERGY, energy), *gone]


def _factor(rank: int, which: int, least_share: float) -> Callable[[Any, Any], Any]:
    def function(weight: Any, bias: Any) -> Any:
        np = _numpy()
        matrix, squares, left = _decomposed(weight, bias)
        kept = _shares(squares)
        if _kept(kept, rank) < least_share:
            from checkpoint_tools.plan import LossError

            enough = int(np.argmax(kept >= LEAST)) + 1
            raise LossError(
                f"a head of rank {rank} keeps {_kept(kept, rank):.2%} of the energy, and "
                f"{LEAST:.0%} is the least: set model.lm_head.factor_rank to {enough} or more, "
                "or take it all the same: `--prefer factored_head`"
            )
        few = min(rank, len(squares))
        least = max(float(squares[0]) * ROUNDING, np.finfo("float64").tiny)
        roots = np.maximum(squares[:few], least) ** 0.25
        made = matrix.T @ left[:, :few] / roots if which == 0 else (left[:, :few] * roots).T
        shape = (len(made), rank) if which == 0 else (rank, made.shape[1])
        padded = np.zeros(shape)  # more ranks than states are empty
        padded[: len(made), : made.shape[1]] = made
        return padded.astype(weight.dtype)

    return function


def _energy(rank: int) -> Callable[[Any, Any], Any]:
    def function(weight: Any, bias: Any) -> Any:
        np = _numpy()
        return np.array(1 - _kept(_shares(_decomposed(weight, bias)[1]), rank))

    return function


def _decomposed(weight: Any, bias: Any) -> tuple[Any, Any, Any]:
    """M [states, ids], its squared singular values, the largest first, and the left vectors.

    There are far fewer states than ids, so they come from M M'. A vector and its negative are
    both right: the largest element is made positive, so that all outputs mean the same ones.
    """
    np = _numpy()
    matrix = weight.astype("float64") + bias.astype("float64")
    squares, left = np.linalg.eigh(matrix @ matrix.T)
    squares, left = np.maximum(squares[::-1], 0.0), left[:, ::-1]
    largest = np.take_along_axis(left, np.abs(left).argmax(0)[None], 0)
    return matrix, squares, left * np.where(largest < 0, -1.0, 1.0)


def _shares(squares: Any) -> Any:
    """The share of the energy that each rank keeps; all of it where there is none."""
    np = _numpy()
    total = float(squares.sum())
    return squares.cumsum() / total if total > 0 else np.ones(len(squares))


def _kept(shares: Any, rank: int) -> float:
    return float(min(shares[min(rank, len(shares)) - 1], 1.0))


def _numpy() -> Any:
    from checkpoint_tools.plan.casts import numpy

    return numpy()
