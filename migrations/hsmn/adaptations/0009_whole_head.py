"""Multiplies a factored head out: one matrix and a bias of zero.

It computes the same, up to rounding, and may learn more: whatever rank its matrix needs. The two
factors are kept beside the result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cfgmig.migration import STASH, Add, Operation, Remove, Weights, preserving

settings = ("factored",)
guarantee = preserving(1e-4, "the logits")

WEIGHT, BIAS = "head.output_proj.weight", "head.output_proj.bias"
U, V = "head.output_proj.U", "head.output_proj.V"


def weights(state: Weights) -> list[Operation] | None:
    """Matrix and bias for two factors."""
    from checkpoint_tools.plan import Compute, Init, Take

    if state.facts.get("factored") is not True or state.wanted.get("factored") is not False:
        return None
    dtype, (_, states) = state.tensors[V]
    ids = state.dimensions.get("vocab") or state.wanted_dimensions["vocab"]
    both, shape = (Take(U), Take(V)), (states, ids)
    return [
        Add(WEIGHT, Compute("the factors multiplied", _product(ids), both, dtype, shape)),
        Add(BIAS, Init(dtype, (ids,))),
        Remove(V, STASH),
        Remove(U, STASH),
    ]


def _product(ids: int) -> Callable[[Any, Any], Any]:
    def function(u: Any, v: Any) -> Any:
        made = (u[:ids].astype("float64") @ v.astype("float64")).T
        return made.astype(u.dtype)

    return function
