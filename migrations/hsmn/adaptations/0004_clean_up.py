"""Feeds a model of ids with bundles through a clean-up, or takes the clean-up away again.

What each position's key finds in a bundle is compared with the vector of every id, the most
alike is the id, and its row of the old table goes into the model as before (Plate, IEEE Trans.
Neural Networks 6, 1995, section III). Where the clean-up finds every id, the model computes just
what it computed: all of it stays, no block sees later positions, and three tables join it: the
seed, keys of positions, and vectors of ids, drawn as the encoder of the config draws them.

Whether it finds them depends on the room. With unitary keys, 4 positions of 400 ids and 8 of 400
missed none of 16,384 random ids from 48 dimensions for each position on, 16 positions of 512 or
1,552 ids from 64 on; with 32 for each position 26 to 86 were missed. Gaussian keys find 88 % of
4 positions with 512 dimensions. So 4,096 random positions or more are encoded and cleaned up
while it is converted, and a single one that is not found refuses the conversion: a rate of one
in a thousand gets through in one of sixty cases. Where all are found the logits are the same to
the bit.

Another size of the bundles, or another length, is drawn anew under the same test. Positions
behind the end of a short sequence hold ids that nobody wrote; no earlier position sees them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from cfgmig.migration import STASH, Add, Move, Operation, Remove, Weights, preserving

settings = ("input", "cleanup", "hd_dim", "length")
guarantee = preserving(1e-5, "the logits of sequences whose ids the clean-up finds")

SEED, KEYS, BASE = "hd.base_seed", "hd.position_keys", "hd.base_vectors"
LAZY_ABOVE = 65_536
POSITIONS = 4096
"""Random positions that are tried at least, in `LEAST` sequences at least."""
LEAST = 4
BATCH = 256
"""Positions that are cleaned up together."""
EPSILON = 1e-8
SAMPLE = 20251230


class Code(NamedTuple):
    """How sequences become bundles.

    Attributes:
        vocab: ids.
        size: dimensions of a bundle.
        length: positions.
        unitary: of the keys, which are gaussian otherwise.
        lazy: base vectors are drawn one by one.
        steps: of the low-pass spread.
    """

    vocab: int
    size: int
    length: int
    unitary: bool
    lazy: bool
    steps: int


def weights(state: Weights) -> list[Operation] | None:
    """The three tables come, go, or are drawn anew."""
    has = state.facts.get("cleanup") is True
    wants = state.wanted.get("input") == "hd_bundle" and state.wanted.get("cleanup") is True
    if not has and state.facts.get("embedding") != "plain":
        return None
    if not wants:
        return _left(state, anew=False) if has and _needs_none(state) else None
    same = all(
        state.dimensions.get(size) == state.wanted_dimensions[size] for size in ("hd_dim", "length")
    )
    if has and same:
        return None
    return _left(state, anew=True) if has else _drawn(state)


def _needs_none(state: Weights) -> bool:
    """Whether ids come in by a plain table, or an adapter takes the clean-up's place."""
    wanted = state.wanted
    plain = wanted.get("input") == "token_ids" and wanted.get("embedding") == "plain"
    return plain or wanted.get("cleanup") is False


def _left(state: Weights, *, anew: bool) -> list[Operation]:
    """The tables are put aside under names that tell their sizes, so that others may come.

    In this order they stand afterwards as they stood, and on the way back, too.
    """
    sizes = f"{state.dimensions['length']}_{state.dimensions['hd_dim']}"
    names = [(name, f"{name}_{sizes}") for name in (SEED, KEYS, BASE)]
    moves = [Move(name, aside) for name, aside in names]
    return [
        *moves,
        *(_drawn(state) if anew else ()),
        *(Remove(aside, STASH) for _, aside in names[::-1]),
    ]


def _drawn(state: Weights) -> list[Operation]:
    from checkpoint_tools.plan import Compute, Init, Take

    wanted, sizes = state.wanted, state.wanted_dimensions
    ids, size, length = state.dimensions["vocab"], sizes["hd_dim"], sizes["length"]
    kind = wanted.get("base_table", "lazy" if ids > LAZY_ABOVE else "dense")
    unitary, steps = wanted.get("keys") == "unitary", int(wanted.get("ctqw_steps", 0))
    code = Code(ids, size, length, unitary, kind == "lazy", steps)
    seed = (Take(SEED),)
    keys = Compute("keys of the seed", _keys(code), seed, "float32", (length, size))
    base = Compute("vectors of the seed", _base(code), seed, "float32", (ids, size))
    return [
        Add(SEED, Init("int64", (), "constant", float(wanted["seed"]))),
        Add(KEYS, keys),
        Add(BASE, base),
    ]


def _keys(code: Code) -> Callable[[Any], Any]:
    def function(seed: Any) -> Any:
        return _drawn_keys(code, int(seed)).astype("float32")

    return function


def _base(code: Code) -> Callable[[Any], Any]:
    """The function that draws the vectors of ids, and refuses those that are not found again."""

    def function(seed: Any) -> Any:
        base = _drawn_base(code, int(seed))
        found = _found(code, base, _drawn_keys(code, int(seed)))
        if found < 1:
            from checkpoint_tools.plan import LossError

            raise LossError(
                f"a clean-up of {code.size} dimensions finds {found:.2%} of {code.length} ids of "
                f"{code.vocab}: set model.adapter.hd_dim to {64 * code.length} or more, "
                "data.hd.keys to unitary and data.hd.ctqw_steps to 0"
            )
        return base.astype("float32")

    return function


def _found(code: Code, base: Any, keys: Any) -> float:
    """The share of random ids that the clean-up finds again."""
    np = _numpy()
    count = max(LEAST, -(-POSITIONS // code.length))
    together = max(1, BATCH // code.length)
    ids = np.random.default_rng(SAMPLE).integers(0, code.vocab, (count, code.length))
    spectra = np.fft.rfft(keys)
    inverse = spectra.conj() / (np.abs(spectra) ** 2 + EPSILON)
    items = base / np.linalg.norm(base, axis=1, keepdims=True)
    right = 0
    for at in range(0, count, together):
        rows = ids[at : at + together]
        bundle = np.fft.irfft((np.fft.rfft(base[rows]) * spectra).sum(1), n=code.size)
        for _ in range(code.steps):
            bundle = bundle / 2 + (np.roll(bundle, 1, -1) + np.roll(bundle, -1, -1)) / 4
        heard = np.fft.irfft(np.fft.rfft(bundle)[:, None] * inverse, n=code.size)
        likeness = heard.reshape(-1, code.size) @ items.T
        right += int((likeness.argmax(-1) == rows.ravel()).sum())
    return float(right / ids.size)


def _drawn_keys(code: Code, seed: int) -> Any:
    """Keys of positions, [length, size], as the encoder draws them."""
    np = _numpy()
    keys = np.random.default_rng((seed, 1)).standard_normal((code.length, code.size))
    if not code.unitary:
        return keys * _scale(code)
    spectra = np.fft.rfft(keys)
    return np.fft.irfft(spectra / np.maximum(np.abs(spectra), EPSILON), n=code.size)


def _drawn_base(code: Code, seed: int) -> Any:
    """Vectors of ids, [vocab, size], as the encoder draws them."""
    np = _numpy()
    if code.lazy:
        rows = [
            np.random.default_rng(seed + n).standard_normal(code.size) for n in range(code.vocab)
        ]
        return np.stack(rows) * _scale(code)
    drawn = np.random.default_rng((seed, 0)).standard_normal((code.vocab, code.size))
    return drawn * _scale(code)


def _scale(code: Code) -> float:
    """The standard deviation of all tables: Glorot and Bengio 2010, equation 12."""
    return float((2 / (code.vocab + code.size)) ** 0.5)


def _numpy() -> Any:
    from checkpoint_tools.plan.casts import numpy

    return numpy()
