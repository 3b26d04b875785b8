"""Feeds a model of ids with bundles through an adapter that starts afresh.

For adapters to which no table of ids can be fitted. With `model.adapter.expand` broadcast or none
the bundle itself is projected, in which ids are not yet apart. And a table that has codes for
rare ids binds rows to places before it projects them. Where one could be fitted,
`--prefer fresh_adapter` begins afresh all the same. Blocks, norms and head stay; the projection
is uniform within sqrt(6 / (hd + width)) (Glorot and Bengio 2010, equation 16), its bias zero,
positions are normal with a deviation of 0.02, all from fixed seeds, and keys are those of the
config's seed. What entered before is kept beside the result.

Nothing is known of what the model computes until the adapter is trained; and it learns another
task, to name the ids of a bundle instead of the next one.
"""

from __future__ import annotations

from typing import Any

from cfgmig.migration import STASH, Add, Move, Operation, Remove, Weights, structural

settings = ("input",)
guarantee = structural("the adapter is random; blocks, norms and head are a warm start")

SEED, KEYS = "hd.base_seed", "hd.position_keys"
ASIDE = "adapter.embed"
DEVIATION = 0.02
START = 20260117
LEAST = 1e-8


def weights(state: Weights) -> list[Operation] | None:
    """What ids entered by goes, adapter and keys come."""
    wanted = state.wanted
    wants = wanted.get("input") == "hd_bundle" and wanted.get("cleanup") is False
    fits = wanted.get("expand") == "unbind" and state.facts.get("embedding") == "plain"
    if not wants or (fits and not state.preferred) or state.facts.get("input") != "token_ids":
        return None
    dtype, (_, width) = state.tensors["embed.token.weight"]
    made = _made(state, dtype, width)
    # What is made stands beside what goes, and so among the first tensors of the model.
    return [Move("embed", ASIDE), *made, Remove(ASIDE, STASH)]


def _made(state: Weights, dtype: str, width: int) -> list[Operation]:
    from checkpoint_tools.plan import Compute, Init, Take

    wanted, sizes = state.wanted, state.wanted_dimensions
    size, length = sizes["hd_dim"], sizes["length"]
    bound = (6 / (size + width)) ** 0.5
    projection = Init(dtype, (size, width), "uniform", low=-bound, high=bound, seed=START)
    words: list[Operation] = [Add("adapter.projection.weight", projection)]
    if wanted.get("adapter_bias"):
        words.append(Add("adapter.projection.bias", Init(dtype, (width,))))
    if wanted.get("adapter_position"):
        rows = Init(dtype, (length, width), "normal", scale=DEVIATION, seed=START + 1)
        words.append(Add("adapter.position.weight", rows))
    scale = None if wanted.get("keys") == "unitary" else (2 / (sizes["vocab"] + size)) ** 0.5
    keys = Compute(
        "keys of the seed", _keys((length, size), scale), (Take(SEED),), "float32", (length, size)
    )
    return [
        *words,
        Add(SEED, Init("int64", (), "constant", float(wanted["seed"]))),
        Add(KEYS, keys),
    ]


def _keys(shape: tuple[int, int], scale: float | None) -> Any:
    """The function that draws keys as the encoder does; unitary ones where `scale` is None."""

    def function(seed: Any) -> Any:
        from checkpoint_tools.plan.casts import numpy

        np = numpy()
        keys = np.random.default_rng((int(seed), 1)).standard_normal(shape)
        if scale is not None:
            return (keys * scale).astype("float32")
        spectra = np.fft.rfft(keys)
        made = np.fft.irfft(spectra / np.maximum(np.abs(spectra), LEAST), n=shape[1])
        return made.astype("float32")

    return function
