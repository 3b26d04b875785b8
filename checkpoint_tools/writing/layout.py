"""Where everything in a target file goes, known before its first byte is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

Blobs = Iterable[tuple[int, bytes]]


@dataclass(frozen=True)
class FileLayout:
    """One file.

    Attributes:
        size: its bytes.
        places: the offset of each output that has bytes of its own in it.
        blobs: (offset, bytes) of everything that is no tensor, given the CRC-32 of each output.
        crc_from: if the format sums its data up: with what the CRC-32 of each output begins.
    """

    size: int
    places: Mapping[str, int]
    blobs: Callable[[Mapping[str, int]], Blobs]
    crc_from: Mapping[str, int] = field(default_factory=dict)
