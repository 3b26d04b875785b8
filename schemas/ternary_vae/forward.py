"""What a TernaryVAE computes, in numpy: the reference that conversions are measured with.

Everything is computed for all 19,683 operations in evaluation mode: means instead of samples,
no dropout. Radii are fractions of the ball times `MAX_RADIUS`, which no tensor shows; the
hierarchy does not depend on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cfgmig.schema.layout import Net, Reading

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

TRITS = 9
COUNT = 3**TRITS
"""Truth tables of nine trits: all inputs that there are."""
MAX_RADIUS = 0.95
NORM_EPSILON = 1e-5
LOGVAR_LIMITS = (-10.0, 2.0)
"""Where improved encoders clamp the logarithm of the variance."""


class Outputs(NamedTuple):
    """What a model makes of all operations; projections are None where it has none.

    Attributes:
        mu: side -> means, [19683, latent].
        logits: of decoder_A at the means of side A, [19683, 9, 3].
        z: side -> points on the ball, [19683, latent].
        radius: side -> Euclidean norms of these points, [19683].
    """

    mu: Mapping[str, Array]
    logits: Array
    z: Mapping[str, Array]
    radius: Mapping[str, Array]


def operations(dtype: Any = np.float32) -> Array:
    """Every operation as nine trits of -1, 0 and 1, least significant first: [19683, 9]."""
    digits = np.arange(COUNT)[:, None] // 3 ** np.arange(TRITS)[None, :] % 3
    return (digits - 1).astype(dtype)


def valuations() -> Array:
    """The 3-adic valuation of every index, 9 for index 0: the number of leading trits -1."""
    return np.cumprod(operations(np.int64) == -1, axis=1).sum(axis=1)


def run(net: Net, dtype: Any = np.float32) -> Outputs:
    """All outputs of a model, computed with numbers of `dtype`.

    Raises:
        KeyError: a tensor that the layout promises is not there.
    """
    mu = {side: encode(net, side, dtype)[0] for side in "AB"}
    z: dict[str, Array] = {}
    radius: dict[str, Array] = {}
    if "projection_layers" in net.facts:
        for side in "AB":
            z[side], radius[side] = project(net, side, mu[side])
    return Outputs(mu, decode(net, mu["A"]), z, radius)


def encode(net: Net, side: str, dtype: Any = np.float32) -> tuple[Array, Array]:
    """Mean and logarithm of the variance of every operation, [19683, latent] each."""
    improved = net.facts.get("encoder_type") == "improved"
    body, mean, spread = _encoder_names(net.layout, side)
    hidden = _layers(net, body, operations(dtype), 3, improved)
    hidden = _activated(net, f"{body}.9", hidden, improved)
    logvar = _dense(net, spread, hidden)
    return _dense(net, mean, hidden), np.clip(logvar, *LOGVAR_LIMITS) if improved else logvar


def decode(net: Net, z: Array) -> Array:
    """Logits of the three values of each of the nine trits at latent points: [n, 9, 3]."""
    improved = net.facts.get("decoder_type") == "improved"
    logits = _layers(net, _decoder_name(net.layout), z, 3, improved)
    return logits.reshape(-1, TRITS, 3)


def project(net: Net, side: str, z: Array, max_radius: float = MAX_RADIUS) -> tuple[Array, Array]:
    """Points on the ball, [n, latent], and their Euclidean norms, [n], for latent points.

    The direction is that of z plus a network of z, the radius a sigmoid of another one:
    each has `projection_layers` hidden layers, numbered in wider steps with dropout.
    """
    layers, dropout = int(net.facts["projection_layers"]), net.facts["projection_dropout"] != "0"
    name = f"projection.proj_{side}" if net.facts["use_dual_projection"] else "projection"
    dense, narrow = (4, 3) if dropout else (3, 2)
    hidden = z
    for at in range(layers):
        hidden = _dense(net, f"{name}.direction_net.{at * dense}", hidden)
        hidden = _silu(_normed(net, f"{name}.direction_net.{at * dense + 1}", hidden))
    direction = z + _dense(net, f"{name}.direction_net.{layers * dense}", hidden)
    length = np.sqrt((direction * direction).sum(axis=1, keepdims=True))
    direction = direction / np.maximum(length, np.asarray(1e-12, z.dtype))
    hidden = z
    for at in range(layers):
        hidden = _silu(_dense(net, f"{name}.radius_net.{at * narrow}", hidden))
    raw = _dense(net, f"{name}.radius_net.{layers * narrow}", hidden)
    radius = _sigmoid(raw) * np.asarray(max_radius, z.dtype)
    return direction * radius, radius[:, 0]


def coverage(logits: Array) -> float:
    """The share of operations all of whose nine trits the likeliest values reproduce: cov_mu."""
    right = logits.argmax(axis=2) - 1 == operations(np.int64)
    return float(right.all(axis=1).mean())


def hierarchy(radius: Array) -> float:
    """Spearman's correlation of the radius with the valuation, ties at their average rank."""
    first, second = (_ranks(values) for values in (valuations(), radius))
    return float(np.corrcoef(first, second)[0, 1])


def probe(before: Net, after: Net) -> tuple[Reading, ...]:
    """What both models make of all operations, in float32, as far as both have it."""
    old, new = run(before), run(after)
    readings = [
        Reading(f"{name}_{side}, all operations", deviation=_deviation(ours[side], theirs[side]))
        for name, ours, theirs in (("z", old.z, new.z), ("mu", old.mu, new.mu))
        for side in "AB"
        if side in ours and side in theirs and ours[side].shape == theirs[side].shape
    ]
    readings.append(_beside("coverage (cov_mu)", coverage(old.logits), coverage(new.logits)))
    for side in "AB":
        if side in old.radius and side in new.radius:
            pair = (hierarchy(old.radius[side]), hierarchy(new.radius[side]))
            readings.append(_beside(f"hierarchy_{side}", *pair))
    return tuple(readings)


def _beside(what: str, before: float, after: float) -> Reading:
    return Reading(what, before, after, abs(after - before))


def _deviation(first: Array, second: Array) -> float:
    return float(np.abs(first.astype(np.float64) - second).max())


def _encoder_names(layout: str, side: str) -> tuple[str, str, str]:
    """The names of an encoder's body and of its two heads."""
    if layout == "v5.5 simplified":
        return f"encoder_{side}", f"fc_mu_{side}", f"fc_logvar_{side}"
    prefix = "base." if layout == "v5.6 appetitive" else ""
    name = f"{prefix}encoder_{side}"
    return f"{name}.encoder", f"{name}.fc_mu", f"{name}.fc_logvar"


def _decoder_name(layout: str) -> str:
    if layout == "v5.5 simplified":
        return "decoder_A"
    return "base.decoder_A.decoder" if layout == "v5.6 appetitive" else "decoder_A.decoder"


def _layers(net: Net, name: str, x: Array, count: int, improved: bool) -> Array:
    """Dense layers, with an activation after all but the last one."""
    step = 4 if improved else 2
    for at in range(count):
        x = _dense(net, f"{name}.{at * step}", x)
        if at < count - 1:
            x = _activated(net, f"{name}.{at * step + 1}", x, improved)
    return x


def _activated(net: Net, norm: str, x: Array, improved: bool) -> Array:
    """ReLU, or in improved components a LayerNorm and SiLU."""
    return _silu(_normed(net, norm, x)) if improved else np.maximum(x, 0)


def _dense(net: Net, name: str, x: Array) -> Array:
    weight, bias = (net.read(f"{name}.{part}").astype(x.dtype) for part in ("weight", "bias"))
    result: Array = x @ weight.T + bias
    return result


def _normed(net: Net, name: str, x: Array) -> Array:
    """LayerNorm over the last dimension, with the biased variance."""
    weight, bias = (net.read(f"{name}.{part}").astype(x.dtype) for part in ("weight", "bias"))
    centred = x - x.mean(axis=1, keepdims=True)
    variance = (centred * centred).mean(axis=1, keepdims=True)
    result: Array = centred / np.sqrt(variance + np.asarray(NORM_EPSILON, x.dtype)) * weight + bias
    return result


def _sigmoid(x: Array) -> Array:
    result: Array = np.tanh(x * 0.5) * 0.5 + 0.5  # never overflows
    return result


def _silu(x: Array) -> Array:
    return x * _sigmoid(x)


def _ranks(values: Array) -> Array:
    """Ranks from 1 on; equal values share the average of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return ((2 * last - counts + 1) / 2)[inverse]
