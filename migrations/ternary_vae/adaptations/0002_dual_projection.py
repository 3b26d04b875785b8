"""Gives each latent a projection of its own, or both a common one where theirs are equal.

A single projection serves both latents, so two copies of it compute the same. The way back
exists only until one of the copies was trained.
"""

from __future__ import annotations

from typing import Any

from cfgmig.migration import EXACT, Add, Operation, Remove, Weights

settings = ("use_dual_projection",)
guarantee = EXACT

COMMON = "projection"
OWN = ("projection.proj_A", "projection.proj_B")


def _same(first: Any, second: Any) -> Any:
    """The one tensor that two copies still are."""
    from checkpoint_tools.plan import LossError

    if first.tobytes() != second.tobytes():
        raise LossError(
            "the projections of A and B differ, so no single one computes the same: "
            "keep `model.use_dual_projection: true`"
        )
    return first


def _shrinks(state: Weights, name: str) -> bool:
    """Whether a size of the projection shall become smaller."""
    pairs = ((state.facts, state.wanted), (state.dimensions, state.wanted_dimensions))
    return any(name in have and wanted.get(name, have[name]) < have[name] for have, wanted in pairs)


def weights(state: Weights) -> list[Operation] | None:
    """Two copies of every tensor of the projection, or one for each two."""
    from checkpoint_tools.plan import Compute, Take

    dual, wanted = (facts.get("use_dual_projection") for facts in (state.facts, state.wanted))
    if dual == wanted or None in (dual, wanted):
        return None
    if dual and any(_shrinks(state, name) for name in ("projection_layers", "hidden")):
        return None  # what was added to each copy goes first
    below = f"{OWN[0] if dual else COMMON}."
    tensors = {
        name.removeprefix(below): kind
        for name, kind in state.tensors.items()
        if name.startswith(below)
    }
    copied = [Add(f"{own}.{leaf}", Take(f"{COMMON}.{leaf}")) for own in OWN for leaf in tensors]
    merged = []
    for leaf, (dtype, shape) in reversed(tensors.items()):  # so that the way back adds in order
        both = tuple(Take(f"{own}.{leaf}") for own in OWN)
        back = Compute("the tensor that both are", _same, both, dtype, shape)
        merged.append(Remove(f"{COMMON}.{leaf}", restore=back))
    operations: list[Operation] = [*copied, *merged]
    return [one.reverse() for one in reversed(operations)] if dual else operations
