"""What a model computes, in numpy: the reference that conversions are measured with.

Random sequences of the most frequent ids go in, as ids or as bundles made with the checkpoint's
own tables, in float64. How many heads there are, how often a thought is repeated and how bundles are
made and expanded is told by no tensor but by the config in the file, or in the other file where
one has none. Without any, what the schema has as defaults is taken, and two heads of keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cfgmig.schema.layout import Net, Reading

from .blocks import block, dense, layer_norm, read, softmax, unit
from .layouts import expect

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

CTQW_STEPS = 3
LAZY_ABOVE = 65_536
IDS = 2048
POSITIONS = 64
ENTERING = 1024
"""Positions that are drawn where only the entry is computed."""
LENGTH = 16
"""Positions of a sequence of ids."""
SEED = 20251228
UNBIND_EPSILON = 1e-8
EMPTY = 1e-5
"""Of the strongest bin: what a bin has at least that holds anything."""
UNTOLD = ("expand", "ctqw_steps", "base_table", "heads", "wavelet_heads", "thought_steps")
"""Settings that no tensor shows, and that change what a model computes."""
KINDS = ("spatial", "timecrystal", "latent", "attention", "wlam", "moe")


def run(net: Net, x: Array) -> Array:
    """Logits [n, S, vocabulary] of ids [n, S] or of bundles [n, hd].

    Raises:
        KeyError: a tensor that the layout promises is not there.
    """
    h = layer_norm(net, "embed_norm", entered(net, x), 1e-6)
    hybrid = net.facts.get("block_pattern") != "mamba_only"
    for at in range(int(net.facts["num_reasoning_blocks"])):
        name, kind = f"blocks.{at}", KINDS[at % 6 if hybrid else 0]
        length = np.sqrt((h * h).sum(-1, keepdims=True) + 1e-6)
        normed = h / length * read(net, f"{name}.norm.scale") + read(net, f"{name}.norm.bias")
        angle = read(net, f"{name}.angle")
        h = np.cos(angle) * h + np.sin(angle) * block(net, kind, f"{name}.body", normed)
    return _head(net, layer_norm(net, "out_norm", h, 1e-6))


def entered(net: Net, x: Array) -> Array:
    """What ids [n, S] or bundles [n, hd] are to the blocks, [n, S, width]."""
    if net.facts["input"] == "token_ids":
        return _dual_path(net, x) if net.facts["embedding"] == "dual_path" else _rows(net, x)
    if net.facts["cleanup"]:
        return _rows(net, cleaned(net, x))
    expand = net.facts.get("expand")
    heard = x[:, None] if expand in ("broadcast", "none") else found(net, x)
    y = heard @ read(net, "adapter.projection.weight")
    if net.facts["adapter_bias"]:
        y = y + read(net, "adapter.projection.bias")
    learnt = net.facts["adapter_position"] and expand != "none"
    return y + read(net, "adapter.position.weight") if learnt else y


def found(net: Net, bundles: Array) -> Array:
    """What each position's key finds in bundles [n, hd], of length 1: [n, S, hd]."""
    spectra = np.fft.rfft(read(net, "hd.position_keys"))
    inverse = spectra.conj() / (np.abs(spectra) ** 2 + UNBIND_EPSILON)
    items = np.fft.irfft(np.fft.rfft(bundles)[:, None] * inverse, n=bundles.shape[-1])
    return unit(items)


def cleaned(net: Net, bundles: Array) -> Array:
    """The ids of the base vectors most alike what each key finds: [n, S]."""
    items, heard = unit(read(net, "hd.base_vectors")), found(net, bundles)
    likeness = heard.reshape(-1, heard.shape[-1]) @ items.T
    ids: Array = likeness.argmax(-1).reshape(heard.shape[:2])
    return ids


def encoded(net: Net, ids: Array) -> Array:
    """Bundles [n, hd] of ids [n, S], made with the net's keys.

    Base vectors are stored, or drawn from the stored seed as the encoder draws them: in the size
    that the keys had before they were grown, if they were.
    """
    size, keys = net.dimensions["hd_dim"], read(net, "hd.position_keys")[: ids.shape[1]]
    if net.facts["cleanup"]:
        drawn_at, base = size, read(net, "hd.base_vectors")[ids]
    else:
        drawn_at = drawn_size(read(net, "hd.position_keys"))
        base = _drawn(net, int(ids.max()) + 1, drawn_at)[ids]
    # Bins of keys that were grown are those that they were drawn with.
    spectra = np.fft.rfft(keys)[:, : drawn_at // 2 + 1]
    bundles = unit(np.fft.irfft((np.fft.rfft(base) * spectra).sum(1), n=drawn_at))
    for _ in range(int(net.facts.get("ctqw_steps", 0))):
        bundles = bundles / 2 + (np.roll(bundles, 1, -1) + np.roll(bundles, -1, -1)) / 4
    return resized(bundles, size)


def _drawn(net: Net, count: int, size: int) -> Array:
    """The base vectors of the first ids, [count, size]."""
    seed, usual = int(net.read("hd.base_seed")), net.dimensions.get("vocab", 0) > LAZY_ABOVE
    if net.facts.get("base_table", "lazy" if usual else "dense") == "dense":
        return np.random.default_rng((seed, 0)).standard_normal((count, size))
    return np.stack([np.random.default_rng(seed + n).standard_normal(size) for n in range(count)])


def drawn_size(keys: Array) -> int:
    """The dimensions that keys were drawn with: a growth leaves the bins behind these empty."""
    spectra = np.fft.rfft(keys)
    strength = np.abs(spectra).max(0)
    bins = int(np.flatnonzero(strength > EMPTY * strength.max())[-1]) + 1
    last = spectra[:, bins - 1]
    # The highest bin of an even size is real.
    return 2 * (bins - 1) + bool(np.abs(last.imag).max() > EMPTY * np.abs(last).max())


def resized(bundles: Array, size: int) -> Array:
    """Bundles [n, hd] in another size and as long, their spectra padded with zeros or cut off."""
    old, few = bundles.shape[-1], min(bundles.shape[-1], size)
    if size == old:
        return bundles
    spectra = np.fft.rfft(bundles)[:, : few // 2 + 1] * (size / old) ** 0.5
    if few % 2 == 0:
        # The highest bin of an even size stands for one, any other for two.
        spectra[:, -1] *= 0.5**0.5 if size > old else 2**0.5
    made = np.fft.irfft(spectra, n=size)
    return unit(made) * np.linalg.norm(bundles, axis=-1, keepdims=True)


def probe(before: Net, after: Net) -> tuple[Reading, ...]:
    """What both models make of the same random sequences, in float64."""
    before, after = _told(before, after), _told(after, before)
    ids = _sequences(before, after, POSITIONS)
    inputs = _inputs(before, after, ids)
    old, new = _alike(*(run(net, x) for net, x in zip((before, after), inputs, strict=True)))
    both = min(old.shape[-1], new.shape[-1])
    away = float(np.abs(old[..., :both] - new[..., :both]).max())
    alike = old[..., :both].argmax(-1) == new[..., :both].argmax(-1)
    count = alike.size
    readings = [
        Reading(f"logits of {both} ids at {count} positions", deviation=away),
        Reading("positions with the same likeliest of these ids", 1.0, float(alike.mean())),
    ]
    if old.shape[-1] != new.shape[-1]:
        beyond = [float(softmax(one)[..., both:].sum(-1).mean()) for one in (old, new)]
        readings.append(Reading("probability of the ids that one lacks", *beyond))
    if after.facts.get("cleanup") is True:
        readings.append(_cleaned_up(before, after, inputs, ids))
    elif _has_adapter(before) or _has_adapter(after):
        readings += _of_entry(before, after)
    return tuple(readings)


def _told(net: Net, other: Net) -> Net:
    """The net with the settings that no tensor shows among its facts."""
    said = expect(net.config) or expect(other.config)
    found = {} if said is None else {key: said.facts[key] for key in UNTOLD if key in said.facts}
    return net._replace(facts={**found, **net.facts})


def _sequences(before: Net, after: Net, positions: int) -> Array:
    """Random sequences [n, S] of the most frequent ids, no longer than both models take.

    Those that an adapter is fitted to are drawn as its conversion draws them, the ids more often
    whose rows lie far from the mean row.
    """
    lengths = [net.dimensions["length"] for net in (before, after) if _takes_bundles(net)]
    length = min(lengths, default=LENGTH)
    known = min(IDS, *(_vocabulary(net) for net in (before, after)))
    shape, drawn = (max(2, positions // length), length), np.random.default_rng(SEED)
    if not (_has_rows(before) and _has_adapter(after)):
        return drawn.integers(0, known, shape)
    rows = _table(before)[:known]
    away = ((rows - rows.mean(0)) ** 2).sum(1) + np.finfo(rows.dtype).tiny
    return drawn.choice(known, shape, p=away / away.sum())


def _alike(old: Array, new: Array) -> tuple[Array, Array]:
    """Both at the positions that both have."""
    length = min(old.shape[1], new.shape[1])
    return old[:, :length], new[:, :length]


def _inputs(before: Net, after: Net, ids: Array) -> tuple[Array, Array]:
    """The same sequences for both; an adapter's bundles of another size are those, resized."""
    first, second = (encoded(net, ids) if _takes_bundles(net) else ids for net in (before, after))
    if _has_adapter(before) and _has_adapter(after):
        second = resized(first, after.dimensions["hd_dim"])
    return first, second


def _of_entry(before: Net, after: Net) -> list[Reading]:
    """How much is kept of what entered, and how often it points to the row of its id most.

    A norm follows the entry, so that only directions count.
    """
    ids = _sequences(before, after, ENTERING)
    inputs = _inputs(before, after, ids)
    pair = zip((before, after), inputs, strict=True)
    was, is_ = _alike(*(entered(net, x) for net, x in pair))
    error = float(((was - is_) ** 2).sum() / ((was - was.mean((0, 1))) ** 2).sum())
    readings = [Reading("share of the entry's variance that is kept (R2)", 1.0, 1.0 - error)]
    if _has_rows(before):
        rows, made = (x - x.mean(-1, keepdims=True) for x in (_table(before), is_))
        right = float(((made @ unit(rows).T).argmax(-1) == ids[:, : is_.shape[1]]).mean())
        readings.append(Reading("own rows that are nearest in direction", 1.0, right))
    return readings


def _cleaned_up(before: Net, after: Net, inputs: tuple[Array, Array], ids: Array) -> Reading:
    """How many ids are found."""
    pair = zip((before, after), inputs, strict=True)
    old, new = (_found_again(net, x, ids) for net, x in pair)
    return Reading("share of ids that the clean-up finds", old, new, 1.0 - new)


def _has_adapter(net: Net) -> bool:
    return net.facts.get("cleanup") is False


def _has_rows(net: Net) -> bool:
    return net.facts.get("embedding") == "plain"


def _found_again(net: Net, x: Array, ids: Array) -> float:
    """The share of ids that reach the table; all of them where ids come in."""
    if not net.facts.get("cleanup"):
        return 1.0
    return float((cleaned(net, x)[:, : ids.shape[1]] == ids).mean())


def _takes_bundles(net: Net) -> bool:
    return net.facts["input"] == "hd_bundle"


def _vocabulary(net: Net) -> int:
    """Ids; all rows of a factored head where nothing else tells."""
    return net.dimensions.get("vocab") or net.dimensions["total"]


def _table(net: Net) -> Array:
    return read(net, "embed.token.weight")


def _rows(net: Net, ids: Array) -> Array:
    return _table(net)[ids]


def _dual_path(net: Net, ids: Array) -> Array:
    """Rows of frequent ids, lifted, and codes of the rest; bound to places and projected."""
    table, size = read(net, "embed.token.weight"), net.dimensions["embedding_hd"]
    lifted = table[np.minimum(ids, len(table) - 1)] @ read(net, "embed.lift.weight")
    windows = (ids[..., None] >> 5 * np.arange(8)) % 256
    parts = read(net, "embed.char_basis")[windows] * read(net, "embed.place_basis")[:8]
    codes = np.where((ids < len(table))[..., None], lifted, unit(parts.sum(-2)))
    around = (np.arange(size) - np.arange(ids.shape[1])[:, None]) % size
    places = np.fft.rfft(read(net, "embed.base_position")[around])
    bound = unit(np.fft.irfft(np.fft.rfft(codes) * places, n=size))
    x = dense(net, "embed.projection", bound)
    for _ in range(CTQW_STEPS):
        x = x / 2 + (np.roll(x, 1, -1) + np.roll(x, -1, -1)) / 4
    return x


def _head(net: Net, x: Array) -> Array:
    """Logits of Born probabilities, mixed with a dense head's; or of one matrix."""
    if net.facts["lm_head"] == "dense":
        return dense(net, "head.dense", x)
    p = _probabilities(net, x)
    if net.facts["factored"]:
        rows = read(net, "head.output_proj.U")[: net.dimensions.get("vocab")]
        logits = p @ read(net, "head.output_proj.V").T @ rows.T
    else:
        logits = dense(net, "head.output_proj", p)
    if not net.facts["dense_fallback"]:
        return logits
    share = 1 / (1 + np.exp(-read(net, "head.fallback_weight")))
    mixed: Array = share * logits + (1 - share) * dense(net, "head.dense", x)
    return mixed


def _probabilities(net: Net, x: Array) -> Array:
    state = unit(x @ read(net, "head.input_proj.weight")).astype(complex)
    turns, bonds = read(net, "head.vqc_params"), read(net, "head.entangle_params")
    for (rx, ry, rz), bond in zip(turns.transpose(0, 2, 1), bonds, strict=True):
        along, across = np.cos(rx / 2).mean(), -0.1 * np.sin(rx / 2).mean()
        state = state * np.exp(1j * rz.mean()) * (along + 1j * across) * np.cos(ry / 2).mean()
        mix = (1 / (1 + np.exp(-bond))).mean() if len(bond) else 0.0
        state = (1 - mix) * state + mix * np.roll(state, 1, -1)
    born = state.real**2
    result: Array = born / np.maximum(born.sum(-1, keepdims=True), np.finfo(born.dtype).tiny)
    return result
