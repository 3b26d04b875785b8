"""The blocks of a model in numpy, and the functions that all of it is made of.

Shapes: n sequences, L positions, D model width. Everything is computed in float64.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cfgmig.schema.layout import Net

    Array = NDArray[Any]

KV_HEADS = 2
"""Of a file that no config tells about, as long as they divide its width."""
THOUGHT_STEPS = 4
STEP = 0.02
"""Time of one position in a Hamiltonian block."""
CAPACITY = 1.25
CHOSEN = 2
"""Experts of a position in a causal model."""


def block(net: Net, kind: str, name: str, x: Array) -> Array:
    """The block `name` of a kind applied to [n, L, D].

    Raises:
        KeyError: a tensor that the layout promises is not there.
    """
    return _BLOCKS[kind](net, name, x)


def read(net: Net, name: str) -> Array:
    """A tensor in float64."""
    array: Array = net.read(name).astype(np.float64)
    return array


def is_causal(net: Net) -> bool:
    """Whether no position may see a later one: wherever ids come in, or are found in bundles."""
    return net.facts["input"] == "token_ids" or bool(net.facts["cleanup"])


def _spatial(net: Net, name: str, x: Array) -> Array:
    """The selective scan; paths of another speed are weighted by Born probabilities."""
    u, z = np.split(x @ read(net, f"{name}.in_proj.weight"), 2, -1)
    conv = np.einsum(
        "blck,ck->blc", windows(u, 4, is_causal(net)), read(net, f"{name}.conv.weight")[:, 0]
    )
    y = silu(conv + read(net, f"{name}.conv.bias")) * z
    speed = -np.exp(read(net, f"{name}.A_log"))
    states, rank = speed.shape[1], net.dimensions["rank"]
    low, into, out = np.split(y @ read(net, f"{name}.x_proj.weight"), (rank, rank + states), -1)
    real, imaginary = (read(net, f"{name}.amplitudes_{part}") for part in ("real", "imag"))
    born, paths = real**2 + imaginary**2, len(real)
    speeds = 1 + 0.1 * (np.arange(paths) - paths / 2) / paths
    step = np.logaddexp(0, dense(net, f"{name}.dt_proj", low))[:, :, None] * speeds[:, None]
    state, heard = np.zeros((len(x), *step.shape[2:], states)), []
    for at in range(x.shape[1]):
        dt = step[:, at, ..., None]
        drive = dt * y[:, at, None, :, None] * into[:, at, None, None]
        state = np.exp(dt * speed) * state + drive
        heard.append(np.einsum("bkin,bn,k->bi", state, out[:, at], born / born.sum()))
    mixed = np.stack(heard, 1) + read(net, f"{name}.D") * y
    result: Array = mixed @ read(net, f"{name}.out_proj.weight")
    return result


def _timecrystal(net: Net, name: str, x: Array) -> Array:
    """Leapfrog steps of a learnt energy; all of it is causal."""
    width = x.shape[-1]
    half, first = width // 2, read(net, f"{name}.first.weight")
    inward, second = first[:width], read(net, f"{name}.second.weight")
    third, bias = read(net, f"{name}.third.weight")[:, 0], read(net, f"{name}.second.bias")
    driven = x @ first[width:] + read(net, f"{name}.first.bias")

    def force(state: Array, now: Array) -> Array:
        one = np.tanh(state @ inward + now)
        two = np.tanh(one @ second + bias)
        result: Array = ((1 - one**2) * (((1 - two**2) * third) @ second.T)) @ inward.T
        return result

    state, states = np.zeros((len(x), width)), []
    for at in range(x.shape[1]):
        now = driven[:, at]
        state = state.copy()
        state[:, half:] -= STEP / 2 * force(state, now)[:, :half]
        state[:, :half] += STEP * force(state, now)[:, half:]
        state[:, half:] -= STEP / 2 * force(state, now)[:, :half]
        states.append(state)
    return dense(
        net, f"{name}.output_projection", dense(net, f"{name}.output", np.stack(states, 1))
    )


def _latent(net: Net, name: str, x: Array) -> Array:
    for _ in range(int(net.facts.get("thought_steps", THOUGHT_STEPS))):
        raised = dense(net, f"{name}.thought_up", layer_norm(net, f"{name}.thought_norm", x))
        x = x + dense(net, f"{name}.thought_down", gelu(raised))
    return layer_norm(net, f"{name}.output_norm", x)


def _attention(net: Net, name: str, x: Array, heads_of: str = "heads") -> Array:
    """Causal linear attention; `heads_of` is the fact that tells how many heads it has."""
    width = x.shape[-1]
    shared = read(net, f"{name}.kv_compress.weight").shape[0]
    size = _size(width, shared, net.facts.get(heads_of))
    squeeze = read(net, f"{name}.kv_compress.weight") @ read(net, f"{name}.kv_expand.weight")

    def heads(y: Array) -> Array:
        return y.reshape(*y.shape[:2], -1, size).transpose(0, 2, 1, 3)

    q = elu(heads(dense(net, f"{name}.q_proj", x))) + 1
    k, v = (heads(dense(net, f"{name}.{part}_proj", x) @ squeeze) for part in "kv")
    groups = q.shape[1] // k.shape[1]
    k, v = np.repeat(elu(k) + 1, groups, 1), np.repeat(v, groups, 1)
    weights = np.tril(q @ k.transpose(0, 1, 3, 2))
    mixed = weights @ v / np.maximum(weights.sum(-1, keepdims=True), 1e-6)
    joined = mixed.transpose(0, 2, 1, 3).reshape(x.shape)
    return layer_norm(net, f"{name}.norm", x + dense(net, f"{name}.out_proj", joined))


def _size(width: int, shared: int, heads: Any) -> int:
    """The width of a head where keys of all their heads are `shared` wide.

    As many heads as are told, if these tensors can have so many, else as two of keys leave.
    """
    told = width // heads if isinstance(heads, int) and heads > 0 and not width % heads else 0
    for size in (told, shared // KV_HEADS):
        fits = size and not width % size and not shared % size
        if fits and not (width // size) % (shared // size):
            return size
    return math.gcd(width, shared)


def _wavelet(net: Net, name: str, x: Array) -> Array:
    """Two bands of every second place, attention on the low one, and back."""
    analysis, causal = read(net, f"{name}.analysis.weight"), is_causal(net)
    taps = analysis.shape[-1]
    bands = np.einsum("blck,ock->blo", windows(x, taps, causal), analysis)[:, ::2]
    low, high = np.split(bands, 2, -1)
    high = np.einsum(
        "blck,ck->blc", windows(high, 3, causal), read(net, f"{name}.high.weight")[:, 0]
    ) + read(net, f"{name}.high.bias")
    low = _attention(net, f"{name}.low", low, "wavelet_heads")
    scores = low @ high.transpose(0, 2, 1) / math.sqrt(x.shape[-1])
    if causal:
        scores = np.where(np.tri(scores.shape[-1], dtype=bool), scores, -np.inf)
    low = low + softmax(scores) @ high
    both = np.repeat(np.concatenate((low, high), -1), 2, 1)[:, : x.shape[1]]
    synthesis = read(net, f"{name}.synthesis.weight")
    rebuilt = np.einsum("blck,ock->blo", windows(both, taps, causal), synthesis)
    return layer_norm(net, f"{name}.norm", x + rebuilt)


def _experts(net: Net, name: str, x: Array) -> Array:
    """Experts choose positions, or in a causal model positions choose experts."""
    up, down = read(net, f"{name}.up"), read(net, f"{name}.down")
    scores, count = dense(net, f"{name}.router", x), len(up)
    axis = -1 if is_causal(net) else 1
    most = CHOSEN if axis == -1 else max(1, int(CAPACITY * x.shape[1] / count))
    best = np.argsort(-scores, axis, kind="stable")
    best = np.take(best, range(min(most, scores.shape[axis])), axis)
    gates = np.zeros_like(scores)
    chosen = softmax(np.take_along_axis(scores, best, axis), axis)
    np.put_along_axis(gates, best, chosen, axis)
    out = np.zeros_like(x)
    for number in range(count):
        rows = gates[..., number] != 0
        made = gelu(x[rows] @ up[number]) @ down[number]
        out[rows] += made * gates[..., number][rows][:, None]
    return out


_BLOCKS = {
    "spatial": _spatial,
    "timecrystal": _timecrystal,
    "latent": _latent,
    "attention": _attention,
    "wlam": _wavelet,
    "moe": _experts,
}


def windows(x: Array, taps: int, causal: bool) -> Array:
    """[n, L, C, taps]: what a filter sees, zeros around."""
    after = 0 if causal else taps // 2
    wide = np.pad(x, ((0, 0), (taps - 1 - after, after), (0, 0)))
    return np.lib.stride_tricks.sliding_window_view(wide, taps, 1)


def dense(net: Net, name: str, x: Array) -> Array:
    result: Array = x @ read(net, f"{name}.weight") + read(net, f"{name}.bias")
    return result


def layer_norm(net: Net, name: str, x: Array, epsilon: float = 1e-5) -> Array:
    """LayerNorm over the last dimension, with the biased variance."""
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + epsilon)
    result: Array = scaled * read(net, f"{name}.weight") + read(net, f"{name}.bias")
    return result


def unit(x: Array) -> Array:
    result: Array = x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12)
    return result


def silu(x: Array) -> Array:
    result: Array = x * (np.tanh(x / 2) + 1) / 2  # never overflows
    return result


_erf = np.frompyfunc(math.erf, 1, 1)


def gelu(x: Array) -> Array:
    shares: Array = np.asarray(_erf(x / math.sqrt(2)), dtype=np.float64)
    result: Array = x * (1 + shares) / 2
    return result


def elu(x: Array) -> Array:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def softmax(x: Array, axis: int = -1) -> Array:
    raised = np.exp(x - x.max(axis, keepdims=True))
    result: Array = raised / raised.sum(axis, keepdims=True)
    return result
