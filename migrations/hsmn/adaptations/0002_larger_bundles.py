"""Gives an adapter larger bundles by padding their spectra with zeros: the same function.

A bundle x of hd dimensions becomes

    B(x) = sqrt(hd'/hd) irfft(pad(rfft(x)), hd'), the highest bin of an even hd times 1/sqrt(2),

which keeps lengths and inner products, and convolution bin by bin. So does each column of the
projection, and the position keys become irfft(pad(rfft(key)), hd'), so that what a key finds
in B(x) is B of what it found in x, and everything behind the projection stays as it is.
Measured in float32 on small random models, from 64 or 65 dimensions to 65 to 130: at most 2e-6 on
the logits with unitary keys and 1.4e-5 with gaussian ones, whose weak bins blow rounding up; in
float64, where only the rounding of what is stored remains, 2e-7 and 2.1e-6. A trained model with
512 dimensions and logits up to 11.4 differed by 5.3e-6 in float32 and kept its loss.

It adds no capacity: the new bins are empty. And it is the function of bundles that stays: they
have to be the old ones, resized by B. Bundles that are drawn anew for the larger size are
another code, for which the adapter has to be fitted or trained anew. Repeating a vector would
not do: it is no homomorphism of the convolution.

What the tensors were is kept beside the result, because a transform back rounds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cfgmig.migration import STASH, Add, Move, Operation, Remove, Weights, preserving

settings = ("hd_dim",)
guarantee = preserving(1e-5, "the logits of resized bundles")

PROJECTION, BIAS = "adapter.projection.weight", "adapter.projection.bias"
KEYS = "hd.position_keys"


def weights(state: Weights) -> list[Operation] | None:
    """Another projection and other keys; None for a clean-up, whose tables are drawn anew."""
    from checkpoint_tools.plan import Compute, Take

    old, new = (sizes.get("hd_dim", 0) for sizes in (state.dimensions, state.wanted_dimensions))
    stays = all(state.wanted.get(key) == state.facts.get(key) for key in ("input", "cleanup"))
    if not stays or state.facts.get("cleanup") is not False or not 0 < old < new:
        return None
    words: list[Operation] = []
    for name, dim in ((PROJECTION, 0), (KEYS, 1)):
        dtype, shape = state.tensors[name]
        before = f"{name}_{old}"
        wide = (*shape[:dim], new, *shape[dim + 1 :])
        function = _padded(dim, new, isometric=name == PROJECTION)
        made = Compute("spectra padded with zeros", function, (Take(before),), dtype, wide)
        behind = _put_behind(state, before) if name == PROJECTION else []
        words += [Move(name, before), Add(name, made), *behind, Remove(before, STASH)]
    return words


def _put_behind(state: Weights, aside: str) -> list[Operation]:
    """The bias once more, behind the new projection: optimizers number parameters in order."""
    from checkpoint_tools.plan import Take

    if BIAS not in state.tensors:
        return []
    old = aside.replace(".weight_", ".bias_")
    return [Move(BIAS, old), Add(BIAS, Take(old)), Remove(old, restore=Take(BIAS))]


def _padded(dim: int, size: int, *, isometric: bool) -> Callable[[Any], Any]:
    """The function that resizes along `dim`: B where `isometric`, else as keys are."""

    def function(array: Any) -> Any:
        np = _numpy()
        old = array.shape[dim]
        spectra = np.moveaxis(np.fft.rfft(array.astype("float64"), axis=dim), dim, -1)
        if isometric:
            spectra = spectra * (size / old) ** 0.5
            if old % 2 == 0:
                spectra[..., -1] *= 0.5**0.5
        made = np.fft.irfft(spectra, n=size, axis=-1)
        return np.moveaxis(made, -1, dim).astype(array.dtype)

    return function


def _numpy() -> Any:
    from checkpoint_tools.plan.casts import numpy

    return numpy()
