"""Gives an adapter fewer or more positions.

Keys and learnt vectors of positions stand in order. A cut keeps the first ones, and what leaves
is kept beside the result. Growth draws further keys as the encoder does, from the checkpoint's
own seed; a new position's vector is the mean of the learnt ones and noise of a deviation of 0.02,
which is that of fresh ones. Growth by just what was cut puts that back.

What enters the blocks at the positions that both have does not change, as long as a sequence has
no more ids than both have positions. What the blocks make of it does: those of an adapter look
both ways, and see fewer positions or more. And what is not known: no block was trained on the
new positions, nor on bundles that hold more ids, in which each one is harder to hear. Bundles of
S ids have S - 1 disturbing each; that is why a size of 64 S is advised. Train on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cfgmig.migration import (
    STASH,
    Add,
    Convert,
    Joined,
    Operation,
    Remove,
    Split,
    Weights,
    structural,
)

settings = ("length",)
guarantee = structural("what enters at positions that both have; blocks see more or fewer")

SEED, KEYS, POSITION = "hd.base_seed", "hd.position_keys", "adapter.position.weight"
DEVIATION = 0.02
NOISE_SEED = 20260115
LEAST = 1e-8
EMPTY = 1e-5
"""Of the strongest bin: what a bin has at least that holds anything."""


def weights(state: Weights) -> list[Operation] | None:
    """A part less or a part more of keys and vectors; None for a clean-up, drawn anew whole."""
    old, new = (sizes.get("length", 0) for sizes in (state.dimensions, state.wanted_dimensions))
    stays = all(state.wanted.get(key) == state.facts.get(key) for key in ("input", "cleanup"))
    if not stays or state.facts.get("cleanup") is not False or old == new:
        return None
    words: list[Operation] = []
    for name in (POSITION, KEYS):
        if name in state.tensors:
            words += _cut(name, old, new) if new < old else _grown(state, name, old, new)
    return words


def _cut(name: str, old: int, new: int) -> list[Operation]:
    rest = f"{name}_{new}_{old}"
    return [Convert(name, Split((name, rest), (new, old - new), 0)), Remove(rest, STASH)]


def _grown(state: Weights, name: str, old: int, new: int) -> list[Operation]:
    from checkpoint_tools.plan import Compute, Init, Take

    dtype, (_, width) = state.tensors[name]
    rest, more = f"{name}_{old}_{new}", (new - old, width)
    if name == KEYS:
        both = (Take(KEYS), Take(SEED))
        made = Compute("keys drawn on from the seed", _drawn_on(new), both, dtype, more)
    else:
        noise = Init("float64", more, "normal", scale=DEVIATION, seed=NOISE_SEED)
        made = Compute("the mean and seeded noise", _around_mean, (Take(name), noise), dtype, more)
    return [Add(rest, made), Convert(name, Joined((name, rest), (old, new - old), 0))]


def _around_mean(rows: Any, noise: Any) -> Any:
    return (rows.astype("float64").mean(0) + noise).astype(rows.dtype)


def _drawn_on(count: int) -> Callable[..., Any]:
    """The function that draws the keys up to `count`, in the size and the scale of those before."""

    def function(keys: Any, seed: Any) -> Any:
        np = _numpy()
        old, size = keys.shape
        drawn_at = _drawn_at(keys)
        fresh = np.random.default_rng((int(seed), 1)).standard_normal((count, drawn_at))
        spectra = np.fft.rfft(fresh)
        for found in (spectra / np.maximum(np.abs(spectra), LEAST), spectra):
            made = np.fft.irfft(found, n=size)
            scale = float((keys * made[:old]).sum() / (made[:old] ** 2).sum())
            if np.allclose(keys, scale * made[:old], atol=1e-4 * np.abs(keys).max()):
                return (scale * made[old:]).astype(keys.dtype)
        from checkpoint_tools.plan import LossError

        raise LossError(
            f"{KEYS} are not those that seed {int(seed)} draws, so nobody knows the keys of "
            "further positions"
        )

    return function


def _drawn_at(keys: Any) -> int:
    """The dimensions that keys were drawn with; growth left the bins behind these empty."""
    np = _numpy()
    spectra = np.fft.rfft(keys.astype("float64"))
    strength = np.abs(spectra).max(0)
    bins = int(np.flatnonzero(strength > EMPTY * strength.max())[-1]) + 1
    last = spectra[:, bins - 1]
    # The highest bin of an even size is real.
    return 2 * (bins - 1) + bool(np.abs(last.imag).max() > EMPTY * np.abs(last).max())


def _numpy() -> Any:
    from checkpoint_tools.plan.casts import numpy

    return numpy()
