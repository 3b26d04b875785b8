"""Runs of counts in files, and their sum, of which only a range is held at a time."""

from __future__ import annotations

import os
import sys
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .counting import KEY_BITS, word_of

if TYPE_CHECKING:
    from .counting import Run

_SIZE = 8


@dataclass(frozen=True, slots=True)
class Stored:
    """A run in a file: all keys, then all counts.

    It is read and not mapped: what is touched of a map counts as memory of this process.
    """

    path: Path
    length: int

    @classmethod
    def write(cls, run: Run, path: Path) -> Stored:
        """Put a run into a new file."""
        run.tofile(path)
        return cls(path, run.shape[1])

    def position(self, key: int, within: slice) -> int:
        """Where a key stands, or would stand, among those of a slice."""
        with self.path.open("rb") as file:
            return bisect_left(_Keys(file.fileno(), self.length), key, within.start, within.stop)

    def read(self, part: slice) -> Run:
        """A slice of the run."""
        import numpy as np

        count = part.stop - part.start
        rows = [
            np.fromfile(self.path, np.uint64, count, offset=_SIZE * (row + part.start))
            for row in (0, self.length)
        ]
        return np.stack(rows)


@dataclass(frozen=True, slots=True)
class _Keys:
    """The keys of an open file, one by one, for a binary search."""

    file: int
    length: int

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, place: int) -> int:
        return int.from_bytes(os.pread(self.file, _SIZE, _SIZE * place), sys.byteorder)


def merge(runs: Sequence[Stored], at_once: int) -> Iterator[Run]:
    """The sum of all runs, in ascending ranges of keys, each of about `at_once` entries."""
    import numpy as np

    ranges = [(0, 1 << KEY_BITS, [slice(0, run.length) for run in runs])]
    while ranges:
        low, high, slices = ranges.pop()
        total = sum(part.stop - part.start for part in slices)
        if total > at_once and high - low > 1:
            middle = (low + high) // 2
            pairs = zip(runs, slices, strict=True)
            cuts = [run.position(middle, part) for run, part in pairs]
            halves = list(zip(slices, cuts, strict=True))
            ranges.append((middle, high, [slice(cut, part.stop) for part, cut in halves]))
            ranges.append((low, middle, [slice(part.start, cut) for part, cut in halves]))
        elif total:
            parts = [run.read(part) for run, part in zip(runs, slices, strict=True)]
            whole = np.concatenate(parts, axis=1)
            whole = whole[:, np.argsort(whole[0])]
            starts = np.flatnonzero(np.r_[True, whole[0, 1:] != whole[0, :-1]])
            yield np.stack((whole[0, starts], np.add.reduceat(whole[1], starts)))


def most_frequent(
    runs: Sequence[Stored], min_freq: int, capacity: int, at_once: int
) -> list[tuple[bytes, int]]:
    """At most `capacity` n-grams that occur `min_freq` times or more, and their counts.

    Ordered by count, largest first, and then by bytes; never more than about
    `capacity + at_once` are held.
    """
    import numpy as np

    kept, least = np.empty((2, 0), np.uint64), min_freq
    for part in merge(runs, at_once):
        kept = np.concatenate((kept, part[:, part[1] >= least]), axis=1)
        if kept.shape[1] > capacity + at_once:
            kept = _first(kept, capacity)
            # Later keys are larger and lose every tie.
            least = int(kept[1, -1]) + 1 if capacity else 1 << 63
    kept = _first(kept, capacity)
    return [(word_of(int(key)), int(times)) for key, times in kept.T]


def _first(run: Run, capacity: int) -> Run:
    import numpy as np

    order = np.lexsort((run[0], -run[1].astype(np.int64)))
    return run[:, order[:capacity]]
