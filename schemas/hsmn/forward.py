"""What a model computes, in numpy: the reference that conversions are measured with.

Random sequences of the most frequent ids go in, as ids or as bundles made with the checkpoint's
own tables, in float64. No tensor tells how many heads share keys, how often a thought is
repeated and how bundles are unbound: two heads, four passes and one key per position are taken,
as the schema's defaults are. Conversions leave blocks alone, so what they keep does not depend
on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cfgmig.schema.layout import Net, Reading

from .blocks import block, dense, layer_norm, read, softmax, unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

CTQW_STEPS = 3
LAZY_ABOVE = 65_536
IDS = 2048
POSITIONS = 64
LENGTH = 16
"""Positions of a sequence of ids."""
SEED = 20251228
UNBIND_EPSILON = 1e-8
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
    y = found(net, x) @ read(net, "adapter.projection.weight")
    if net.facts["adapter_bias"]:
        y = y + read(net, "adapter.projection.bias")
    return y + read(net, "adapter.position.weight") if net.facts["adapter_position"] else y


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
    """Bundles [n, hd] of ids [n, S], of length 1, with the net's keys and no low-pass spread.

    Base vectors are stored, or drawn from the stored seed as the encoder draws them.
    """
    size = net.dimensions["hd_dim"]
    if net.facts["cleanup"]:
        base = read(net, "hd.base_vectors")[ids]
    else:
        seed, count = int(net.read("hd.base_seed")), int(ids.max()) + 1
        if net.dimensions.get("vocab", 0) > LAZY_ABOVE:
            draws = [np.random.default_rng(seed + n).standard_normal(size) for n in range(count)]
            base = np.stack(draws)[ids]
        else:
            base = np.random.default_rng((seed, 0)).standard_normal((count, size))[ids]
    keys = np.fft.rfft(read(net, "hd.position_keys")[: ids.shape[1]])
    return unit(np.fft.irfft((np.fft.rfft(base) * keys).sum(1), n=size))


def resized(bundles: Array, size: int) -> Array:
    """Bundles [n, hd] of length 1 in another size, their spectra padded with zeros or cut off."""
    old, few = bundles.shape[-1], min(bundles.shape[-1], size)
    spectra = np.fft.rfft(bundles)[:, : few // 2 + 1] * (size / old) ** 0.5
    if few % 2 == 0 and size != old:
        # The highest bin of an even size stands for one, any other for two.
        spectra[:, -1] *= 0.5**0.5 if size > old else 2**0.5
    return unit(np.fft.irfft(spectra, n=size))


def probe(before: Net, after: Net) -> tuple[Reading, ...]:
    """What both models make of the same random sequences, in float64."""
    lengths = [net.dimensions["length"] for net in (before, after) if _takes_bundles(net)]
    length = min(lengths, default=LENGTH)
    known = min(IDS, *(_vocabulary(net) for net in (before, after)))
    drawn = np.random.default_rng(SEED)
    ids = drawn.integers(0, known, (max(2, POSITIONS // length), length))
    inputs = _inputs(before, after, ids)
    old, new = (run(net, x)[:, :length] for net, x in zip((before, after), inputs, strict=True))
    both = min(old.shape[-1], new.shape[-1])
    away = float(np.abs(old[..., :both] - new[..., :both]).max())
    alike = old[..., :both].argmax(-1) == new[..., :both].argmax(-1)
    readings = [
        Reading(f"logits of {both} ids at {ids.size} positions", deviation=away),
        Reading("positions with the same likeliest of these ids", 1.0, float(alike.mean())),
    ]
    if old.shape[-1] != new.shape[-1]:
        beyond = [float(softmax(one)[..., both:].sum(-1).mean()) for one in (old, new)]
        readings.append(Reading("probability of the ids that one lacks", *beyond))
    return (*readings, *_of_entry(before, after, ids, inputs))


def _inputs(before: Net, after: Net, ids: Array) -> tuple[Array, Array]:
    """The same sequences for both; an adapter's bundles of another size are those, resized."""
    first, second = (encoded(net, ids) if _takes_bundles(net) else ids for net in (before, after))
    adapters = [net.facts.get("cleanup") is False for net in (before, after)]
    if all(adapters):
        second = resized(first, after.dimensions["hd_dim"])
    return first, second


def _of_entry(before: Net, after: Net, ids: Array, inputs: tuple[Array, Array]) -> list[Reading]:
    """How well ids are found, or how much of what entered is kept."""
    if after.facts.get("cleanup") is True:
        old, new = (
            _found_again(net, x, ids) for net, x in zip((before, after), inputs, strict=True)
        )
        return [Reading("share of ids that the clean-up finds", old, new, 1.0 - new)]
    if after.facts.get("cleanup") is False:
        was, is_ = (entered(net, x) for net, x in zip((before, after), inputs, strict=True))
        error = float(((was - is_) ** 2).sum() / ((was - was.mean((0, 1))) ** 2).sum())
        return [Reading("share of the entry's variance that is kept (R2)", 1.0, 1.0 - error)]
    return []


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


def _rows(net: Net, ids: Array) -> Array:
    return read(net, "embed.token.weight")[ids]


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
