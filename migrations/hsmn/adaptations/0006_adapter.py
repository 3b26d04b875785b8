"""Exchanges a table of ids for an adapter of bundles that unbinds, or the adapter for a table.

Of a bundle each position's key finds the vector u of its id, disturbed by those of the others. The
projection W and the bias b of the adapter are those that bring u closest to the row y that the id
had in the table, by ridge regression on sampled sequences (Hoerl and Kennedy, Technometrics 12,
1970),

    W = (A'A + r I)^-1 A'Y,    A: rows u, Y: rows y, both centred; r from a hundredth of A'A's
                               mean diagonal to ten times that, as does best on other sequences,

and learnt vectors of positions begin at zero. Back, the row of an id is what the adapter makes of
a bundle that holds it alone, at the mean of the positions,

    row = E / |E| W + b + mean of the learnt vectors,

E its base vector, drawn from the checkpoint's seed and spread and resized as its bundles were.
Blocks, norms and head stay. What goes is kept beside the result, and a return to it puts it back.

Both are warm starts, and lose much: no linear map undoes what sums disturb. A clean-up
(`model.adapter.expand: cleanup`) loses nothing where there is room. And the task becomes another
one: a model of ids foretells the next one, with blocks that look back only; a model of bundles
names the ids in them, with the same blocks looking both ways. Train on.

Which ids texts hold is not known, and nothing counts as much. Training moves the rows of frequent
ids, so ids are drawn in proportion to the squared distance of their rows from the mean row.
Measured with a model of 512 ids, 64 wide, trained on text, and 16 positions of 1,024 dimensions
with unitary keys: on held-out text R2 is 0.23, and 69 % of what enters has the direction of its
own row more than that of any other. With all ids alike it would be 0.15 and 55 %, with
frequencies of 1 / (id + 1) 0.04 and 13 %, with the true ones 0.35 and 78 %.

Positions that the fit never saw measure it while it is converted: where R2 is below 0.01, the mean
row would do as well, and the conversion is refused. `verify --probe` measures both numbers
on ids that are drawn alike.

How an adapter that goes unbound its bundles, drew its base vectors and spread them is said by the
config in the checkpoint; without one, unbinding, the usual table and no spread are taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from cfgmig.migration import STASH, Add, Move, Operation, Remove, Weights, structural

if TYPE_CHECKING:
    from checkpoint_tools.plan import Expr

settings = ("input", "cleanup")
guarantee = structural("fitted by least squares; `verify --probe` measures how well")

TABLE = "embed.token.weight"
SEED, KEYS = "hd.base_seed", "hd.position_keys"
PROJECTION, BIAS = "adapter.projection.weight", "adapter.projection.bias"
POSITION = "adapter.position.weight"
ADAPTER = (PROJECTION, BIAS, POSITION, SEED, KEYS)
LAZY_ABOVE = 65_536
STEPS = 3
"""Of the spread, where a config is silent about it."""
POSITIONS, FOR_EACH_DIMENSION = 32_768, 8
"""Positions to fit to: so many, or so many for each dimension, whichever is more."""
HELD_OUT = 4096
BATCH = 1024
"""Positions or ids that are in memory together."""
RIDGES = (0.01, 0.1, 1.0, 10.0)
LEAST_R2 = 0.01
LEAST, EPSILON = 1e-12, 1e-8
EMPTY = 1e-5
"""Of the strongest bin: what a bin has at least that holds anything."""
SAMPLE = 20260116


class Code(NamedTuple):
    """How sequences become bundles, and whether the projection has a bias.

    Attributes:
        vocab: ids.
        size: dimensions of a bundle.
        length: positions.
        unitary: of the keys, which are gaussian otherwise.
        lazy: base vectors are drawn one by one.
        steps: of the low-pass spread.
        seed: of all tables.
        bias: whether b is fitted, too.
    """

    vocab: int
    size: int
    length: int
    unitary: bool
    lazy: bool
    steps: int
    seed: int
    bias: bool


def weights(state: Weights) -> list[Operation] | None:
    """One goes and the other comes; None where an adapter does not unbind, or ids have no rows."""
    wanted, facts = state.wanted, state.facts
    has, wants = facts.get("cleanup") is False, wanted.get("cleanup") is False
    if facts.get("embedding") == "plain":
        fits = wanted.get("input") == "hd_bundle" and wants and wanted.get("expand") == "unbind"
        return _to_adapter(state) if fits else None
    plain = wanted.get("input") == "token_ids" and wanted.get("embedding") == "plain"
    unbinds = _section(state.config, "model", "adapter").get("expand", "unbind") == "unbind"
    to_ids = plain or wanted.get("cleanup") is True
    return _to_table(state) if has and unbinds and to_ids else None


def _to_adapter(state: Weights) -> list[Operation]:
    from checkpoint_tools.plan import Compute, Init, Take

    wanted, sizes = state.wanted, state.wanted_dimensions
    dtype, (ids, width) = state.tensors[TABLE]
    code = _code(wanted, sizes, ids)
    # Behind another adapter's tensors, it has the place of the model's first ones.
    table, seed = _aside(TABLE, ids), _aside(SEED, code.size, code.length)
    one = (Take(table),)
    made: dict[str, Expr] = {
        PROJECTION: Compute("fitted", _projection(code), one, dtype, (code.size, width)),
        BIAS: Compute("fitted", _bias(code), one, dtype, (width,)),
        POSITION: Init(dtype, (code.length, width)),
        SEED: Init("int64", (), "constant", float(code.seed)),
        KEYS: Compute("drawn", _keys(code), (Take(seed),), "float32", (code.length, code.size)),
    }
    left = {name for name, key in ((BIAS, "adapter_bias"), (POSITION, "adapter_position"))
            if not wanted.get(key)}  # fmt: skip
    words: list[Operation] = [Move(TABLE, table)]
    come = {name: _aside(name, code.size, code.length) for name in ADAPTER if name not in left}
    words += [Add(aside, made[name]) for name, aside in come.items()]
    words += [Move(aside, name) for name, aside in come.items()]
    return [*words, Remove(table, STASH)]


def _to_table(state: Weights) -> list[Operation]:
    from checkpoint_tools.plan import Compute, Take

    dtype, (size, width) = state.tensors[PROJECTION]
    ids = state.dimensions.get("vocab") or state.wanted_dimensions["vocab"]
    hd, table = _section(state.config, "data", "hd"), _aside(TABLE, ids)
    steps = int(hd.get("ctqw_steps", STEPS)) if state.config else 0
    lazy = (hd.get("base_table") or _usual(ids)) == "lazy"
    length = state.dimensions["length"]
    gone = {name: _aside(name, size, length) for name in ADAPTER if name in state.tensors}
    inputs = [gone[name] for name in (PROJECTION, KEYS, SEED)]
    inputs += [gone[name] for name in (BIAS, POSITION) if name in gone]
    function = _rows(ids, steps, lazy=lazy)
    made = Compute("of each id alone", function, tuple(map(Take, inputs)), dtype, (ids, width))
    return [
        *(Move(name, aside) for name, aside in gone.items()),
        Add(table, made),
        *(Remove(aside, STASH) for aside in reversed(gone.values())),
        Move(table, TABLE),
    ]


def _aside(name: str, *sizes: int) -> str:
    """What a tensor is kept under: it tells its sizes, so that no other is taken for it.

    The table's stands with the adapter's, so that one comes to be where the other was.
    """
    name = "adapter.table" if name == TABLE else name
    return "_".join((name, *map(str, sizes)))


def _section(config: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """A section of a config that nobody has validated; empty where it is none."""
    found: Any = config
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _usual(ids: int) -> str:
    return "lazy" if ids > LAZY_ABOVE else "dense"


def _code(wanted: Any, sizes: Any, ids: int) -> Code:
    return Code(
        ids,
        sizes["hd_dim"],
        sizes["length"],
        wanted.get("keys") == "unitary",
        wanted.get("base_table", _usual(ids)) == "lazy",
        int(wanted.get("ctqw_steps", 0)),
        int(wanted["seed"]),
        bool(wanted.get("adapter_bias")),
    )


def _keys(code: Code) -> Callable[[Any], Any]:
    return lambda seed: _drawn_keys(code._replace(seed=int(seed))).astype("float32")


def _projection(code: Code) -> Callable[[Any], Any]:
    return lambda table: _fitted(code, table)[0].astype(table.dtype)


def _bias(code: Code) -> Callable[[Any], Any]:
    return lambda table: _fitted(code, table)[1].astype(table.dtype)


def _fitted(code: Code, table: Any) -> tuple[Any, Any]:
    return _solved(code, str(table.dtype), table.shape, table.tobytes())


@lru_cache(maxsize=1)
def _solved(code: Code, dtype: str, shape: tuple[int, int], data: bytes) -> tuple[Any, Any]:
    """Projection [hd, width] and bias [width] in float64, once for both tensors.

    Raises:
        LossError: on held-out positions they do hardly better than the mean row.
    """
    np = _numpy()
    table = np.frombuffer(data, dtype).reshape(shape).astype("float64")
    drawn = np.random.default_rng(SAMPLE)
    base, keys, shares = _drawn_base(code), _drawn_keys(code), _shares(table)
    joint = np.zeros((code.size + 1, code.size + 1))
    told = np.zeros((code.size + 1, shape[1]))
    count = max(POSITIONS, FOR_EACH_DIMENSION * code.size)
    for ids in _batches(code, shares, drawn, count):
        one = _heard(code, base, keys, ids)
        one = np.concatenate((one, np.full((len(one), 1), float(code.bias))), 1)
        joint += one.T @ one
        told += one.T @ table[ids.ravel()]
    diagonal = np.full(code.size + 1, np.trace(joint[:-1, :-1]) / code.size)
    diagonal[-1] = 0.0
    if not code.bias:
        joint[-1, -1] = 1.0  # the column is empty
    held_out = np.concatenate([*_batches(code, shares, drawn, HELD_OUT)])
    heard = np.concatenate([_heard(code, base, keys, ids[None]) for ids in held_out])
    found = [np.linalg.solve(joint + np.diag(r * diagonal), told) for r in RIDGES]
    rows = table[held_out.ravel()]
    r2, at = max((_r2(heard @ both[:-1] + both[-1], rows), -at) for at, both in enumerate(found))
    if r2 < LEAST_R2:
        from checkpoint_tools.plan import LossError

        raise LossError(
            f"the mean row would do as well as an adapter of {code.size} dimensions for "
            f"{code.length} positions (R2 {r2:.3f} on held-out sequences): set "
            f"model.adapter.hd_dim to {max(64 * code.length, 2 * code.size)} or more, "
            "data.hd.keys to unitary and data.hd.ctqw_steps to 0; or begin afresh with "
            "`--prefer fresh_adapter`"
        )
    return found[-at][:-1], found[-at][-1]


def _r2(made: Any, rows: Any) -> float:
    """The share of the variance of rows that what is made of them explains."""
    return 1 - float(((made - rows) ** 2).sum() / max(((rows - rows.mean(0)) ** 2).sum(), LEAST))


def _shares(table: Any) -> Any:
    """How often each id is drawn: by the squared distance of its row from the mean row."""
    np = _numpy()
    away = ((table - table.mean(0)) ** 2).sum(1)
    total = float(away.sum())
    return away / total if total > 0 else np.full(len(away), 1 / len(away))


def _batches(code: Code, shares: Any, drawn: Any, count: int) -> Iterator[Any]:
    """Sequences [n, length] of ids, `count` positions of them in all or a few more."""
    together = max(1, BATCH // code.length)
    for _ in range(-(-count // (together * code.length))):
        yield drawn.choice(len(shares), (together, code.length), p=shares)


def _heard(code: Code, base: Any, keys: Any, ids: Any) -> Any:
    """What keys find in the bundles of ids, of length 1: [positions, size]."""
    np = _numpy()
    spectra = np.fft.rfft(keys)
    inverse = spectra.conj() / (np.abs(spectra) ** 2 + EPSILON)
    bundle = np.fft.irfft((np.fft.rfft(base(ids)) * spectra).sum(1), n=code.size)
    bundle /= np.linalg.norm(bundle, axis=-1, keepdims=True)
    for _ in range(code.steps):
        bundle = bundle / 2 + (np.roll(bundle, 1, -1) + np.roll(bundle, -1, -1)) / 4
    found = np.fft.irfft(np.fft.rfft(bundle)[:, None] * inverse, n=code.size)
    found /= np.maximum(np.linalg.norm(found, axis=-1, keepdims=True), LEAST)
    return found.reshape(-1, code.size)


def _drawn_base(code: Code) -> Callable[[Any], Any]:
    """The function from ids [n, length] to their vectors as the encoder draws them."""
    np = _numpy()
    if not code.lazy:
        drawn = np.random.default_rng((code.seed, 0)).standard_normal((code.vocab, code.size))
        return lambda ids: drawn[ids]

    def rows(ids: Any) -> Any:
        every, places = np.unique(ids, return_inverse=True)
        found = [np.random.default_rng(code.seed + n).standard_normal(code.size) for n in every]
        return np.stack(found)[places.reshape(ids.shape)]

    return rows


def _drawn_keys(code: Code) -> Any:
    """Keys of positions, [length, size], as the encoder draws them."""
    np = _numpy()
    keys = np.random.default_rng((code.seed, 1)).standard_normal((code.length, code.size))
    if not code.unitary:
        return keys * (2 / (code.vocab + code.size)) ** 0.5
    spectra = np.fft.rfft(keys)
    return np.fft.irfft(spectra / np.maximum(np.abs(spectra), EPSILON), n=code.size)


def _rows(ids: int, steps: int, *, lazy: bool) -> Callable[..., Any]:
    """The function from projection, keys, seed, and bias and positions if any, to the table."""

    def function(weight: Any, keys: Any, seed: Any, *more: Any) -> Any:
        np = _numpy()
        exact, size, drawn_at = weight.astype("float64"), len(weight), _drawn_at(keys)
        # A bias is a vector, positions are a table: the mean of a single vector is itself.
        shift = sum(np.atleast_2d(one.astype("float64")).mean(0) for one in more)
        made = np.empty((ids, weight.shape[1]), weight.dtype)
        at_once = np.random.default_rng((int(seed), 0))
        for start in range(0, ids, BATCH):
            numbers = range(start, min(start + BATCH, ids))
            if lazy:
                every = [np.random.default_rng(int(seed) + n) for n in numbers]
                base = np.stack([one.standard_normal(drawn_at) for one in every])
            else:
                base = at_once.standard_normal((len(numbers), drawn_at))
            made[start : start + len(base)] = _alone(base, size, steps) @ exact + shift
        return made

    return function


def _alone(base: Any, size: int, steps: int) -> Any:
    """What is found of bundles that hold one id each: [n, size], of length 1."""
    np = _numpy()
    old = base.shape[1]
    for _ in range(steps):
        base = base / 2 + (np.roll(base, 1, -1) + np.roll(base, -1, -1)) / 4
    spectra = np.fft.rfft(base)
    if size > old and old % 2 == 0:
        spectra[:, -1] *= 0.5**0.5
    made = np.fft.irfft(spectra, n=size)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


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
