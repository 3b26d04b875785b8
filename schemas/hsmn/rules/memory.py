"""How many bytes a step of training takes at its peak, by the old estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .estimators import count_head, stack, whole

if TYPE_CHECKING:
    from collections.abc import Mapping


class Memory(NamedTuple):
    """Peak bytes of a training step, and the longest shorter context that would fit."""

    peak: int
    limit: float
    context: int | None


MEMORY = 0.8 * 32e9
"""Bytes that a run may take: four fifths of 32 GB."""


def peak_memory(flat: Mapping[str, Any], context: int | None = None) -> int:
    """Bytes at the peak of a training step, by the old estimator.

    Weights, gradients and the optimizer's moments of the `head` count; activations of ctx
    tokens, of 128 bundled positions and of linear attention; a fifth on top.
    """
    count = count_head(flat if context is None else {**flat, "context_window": context})
    width = whole(flat, "embedding_dim", "hidden_dim") or 512
    hd = min(whole(flat, "hd_dim") or 8 * width, 4096)
    length = context or whole(flat, "context_window") or 4096
    batch = whole(flat, "batch_size") or 16
    heads = whole(flat, "num_heads") or 8
    each = width // heads
    moments = 3 if flat.get("optimizer") in ("sympflowqng", "qiao", "sophia", "sophiag") else 2
    work = (
        8 * batch * length * width
        + 8 * batch * 128 * hd
        + 16 * batch * 128 * hd
        + 12 * batch * heads * length * each
        + 4 * batch * length * width
        + 16 * batch * heads * length * each
        + 4 * batch * heads * each * each
        + stack(flat) * (4 * hd + 8 * batch * hd)
    )
    return 4 * count + 4 * count * moments + 4 * width + work + work // 5


def memory(flat: Mapping[str, Any]) -> Memory:
    """The peak against the limit, and a context that would fit where it does not."""
    peak = peak_memory(flat)
    length = whole(flat, "context_window") or 4096
    fitting = [
        size
        for size in (512 * 2**k for k in range(9))
        if size < length and peak_memory(flat, size) <= MEMORY
    ]
    return Memory(peak, MEMORY, max(fitting) if peak > MEMORY and fitting else None)
