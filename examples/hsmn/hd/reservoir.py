"""Which sequences of a stream stay: a weighted sample without replacement, of fixed size.

A-Res of Efraimidis and Spirakis, "Weighted random sampling with a reservoir" (Information
Processing Letters 97, 2006): item i has the key u_i^(1/w_i), and the largest keys stay.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

TINY = 1e-10
"""Added to the weight, as the old corpus did."""


def amplitude(ids: Sequence[int]) -> float:
    """The weight of a sequence: sqrt(normalised entropy of its ids * share of distinct ids).

    The entropy is Shannon's in bits over log2(length), 1 in place of it for a length of 1; an
    empty sequence has weight 0.
    """
    if not ids:
        return 0.0
    counts = Counter(ids)
    shares = [count / len(ids) for count in counts.values()]
    entropy = -sum(share * math.log2(share) for share in shares)
    most = math.log2(len(ids)) if len(ids) > 1 else 1.0
    return math.sqrt(entropy / most * len(counts) / len(ids))


class Reservoir:
    """Says for each item which of `size` places it takes, if any."""

    def __init__(self, size: int, seed: int) -> None:
        if size < 1:
            raise ValueError(f"a reservoir of {size} keeps nothing")
        self.size = size
        self._drawn = random.Random(seed)
        self._heap: list[tuple[float, int]] = []

    def __len__(self) -> int:
        return len(self._heap)

    def place(self, weight: float) -> int | None:
        """The place of an item of this weight; None where it is not kept.

        A place that was given before is given anew to an item with a larger key.
        """
        # The logarithm of u^(1/w) has the same order, and a small w does not make it 0.
        key = math.log(1.0 - self._drawn.random()) / (weight + TINY)
        if len(self._heap) < self.size:
            heapq.heappush(self._heap, (key, len(self._heap)))
            return len(self._heap) - 1
        if key <= self._heap[0][0]:
            return None
        return heapq.heapreplace(self._heap, (key, self._heap[0][1]))[1]

    def state_dict(self) -> dict[str, Any]:
        """Keys, places and the generator, as JSON can hold them."""
        version, numbers, rest = self._drawn.getstate()
        return {"heap": [list(pair) for pair in self._heap], "drawn": [version, numbers, rest]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was taken."""
        self._heap = [(key, place) for key, place in state["heap"]]
        version, numbers, rest = state["drawn"]
        self._drawn.setstate((version, tuple(numbers), rest))
