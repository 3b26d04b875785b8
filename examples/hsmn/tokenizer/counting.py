"""Counts the n-grams of a chunk of text by sorting.

An n-gram is one unsigned 64-bit key: up to seven bytes, left-aligned, then three bits of
length. Keys therefore sort as the tuples of bytes do, a prefix before what continues it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Run = NDArray[np.uint64]
    """[2, n]: distinct keys, ascending, and how often each occurs."""

WIDEST = 7
"""Bytes that fit beside the length."""
_LENGTH_BITS = 3
KEY_BITS = 8 * WIDEST + _LENGTH_BITS


class Chunk(NamedTuple):
    """Pieces of text, one after the other.

    `ends` [p]: where each ends in `data`. `goes_on` [p]: whether its last `largest - 1` bytes
    are there for the n-grams that begin before them only, because the next piece repeats them.
    """

    data: bytes
    ends: Sequence[int]
    goes_on: Sequence[bool]


def count(chunk: Chunk, smallest: int, largest: int) -> Run:
    """All n-grams of `smallest` to `largest` bytes within the pieces, with overlaps.

    One sort of the longest windows counts the shorter ones too: they are prefixes of it.
    """
    import numpy as np

    keys = np.sort(_windows(chunk, largest))
    lengths = keys & np.uint64(7)
    found = []
    for size in range(smallest, largest + 1):
        shift = np.uint64(8 * (WIDEST - size) + _LENGTH_BITS)
        # A window that the end of a text cut short is padded with zeros: no prefix of `size`.
        prefixes = keys[lengths >= size] >> shift
        if len(prefixes):
            starts = np.flatnonzero(np.r_[True, prefixes[1:] != prefixes[:-1]])
            counts = np.diff(np.r_[starts, len(prefixes)]).astype(np.uint64)
            found.append(np.stack((prefixes[starts] << shift | np.uint64(size), counts)))
    run = np.concatenate(found, axis=1) if found else np.empty((2, 0), np.uint64)
    return run[:, np.argsort(run[0])]


def _windows(chunk: Chunk, largest: int) -> NDArray[np.uint64]:
    """The key of the longest window, up to `largest` bytes, at each place of the chunk."""
    import numpy as np

    octets = np.frombuffer(chunk.data, np.uint8)
    padded = np.concatenate((octets, np.zeros(largest - 1, np.uint8)))
    words = np.zeros(len(octets), np.uint64)
    for place in range(largest):
        words = words << np.uint64(8) | padded[place : place + len(octets)]
    words = words << np.uint64(8 * (WIDEST - largest) + _LENGTH_BITS) | np.uint64(largest)
    ends = np.asarray(chunk.ends, np.int64)
    sizes = np.diff(ends, prepend=0)
    goes_on = np.asarray(chunk.goes_on, bool)
    for left in range(largest - 1, 0, -1):
        long_enough = sizes >= left
        at = ends[long_enough] - left
        cut = np.uint64(8 * (WIDEST - left) + _LENGTH_BITS)
        shorter = words[at] >> cut << cut | np.uint64(left)
        words[at] = np.where(goes_on[long_enough], np.uint64(0), shorter)
    return words


def word_of(key: int) -> bytes:
    """The bytes of a key."""
    return (key >> _LENGTH_BITS).to_bytes(WIDEST, "big")[: key & 7]
