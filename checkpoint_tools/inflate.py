"""Parts of deflated ranges, with bounded memory."""

from __future__ import annotations

import zlib

from checkpoint_tools.errors import Malformed
from checkpoint_tools.sources import Source

_LOOK = 1 << 16


def inflate_range(source: Source, offset: int, stored: int, begin: int, nbytes: int) -> bytes:
    """`nbytes` bytes from `begin` of what the `stored` bytes at `offset` inflate to."""
    engine = zlib.decompressobj(-15)
    out = bytearray()
    skipped, position, rest = 0, 0, b""
    while len(out) < nbytes:
        if not rest and position < stored:
            step = min(_LOOK, stored - position)
            rest = source.read_at(offset + position, step)
            position += step
        try:
            data = engine.decompress(rest, 1 << 20)
        except zlib.error as error:
            raise Malformed(
                f"cannot be inflated: {error}", file=source.name, offset=offset
            ) from error
        rest = engine.unconsumed_tail
        if not data and (engine.eof or (not rest and position >= stored)):
            raise Malformed("inflates to less than it says", file=source.name, offset=offset)
        drop = min(len(data), begin - skipped)
        skipped += drop
        out += data[drop : drop + nbytes - len(out)]
    return bytes(out)
