"""Which operations form the batches of an epoch: shuffled, or stratified by valuation.

A sampler owns its generator. Every process of a distributed run has the same sampler with
the same seed and takes its own rows of each batch, so the union over the ranks is the batch
of a single process.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from math import ceil, floor
from typing import Any

import torch
from torch import Tensor

from .operations import LEVELS, all_valuations

HIGH = 4
"""The valuation from which on a level is rare and has a budget of its own."""


class Batches(ABC):
    """Iterates over the batches of one epoch after the other; can stop and resume within one.

    Each pass yields int64 [b], the operations of this rank. The state between two batches is
    the generator's at the start of the epoch and the number of batches that were given out.
    """

    def __init__(
        self, operations: Tensor, batch_size: int, seed: int, rank: int = 0, world: int = 1
    ) -> None:
        """`operations`: int64 [n]; `batch_size`: that of all ranks together."""
        if not 0 <= rank < world:
            raise ValueError(f"rank {rank} is not within a world of {world}")
        if batch_size < world:
            raise ValueError(f"a batch of {batch_size} leaves nothing for some of {world} ranks")
        if len(operations) == 0:
            raise ValueError("there is no operation to draw from")
        self.operations, self.batch_size = operations.cpu(), batch_size
        self.rank, self.world = rank, world
        self.generator = torch.Generator().manual_seed(seed)
        self._start = self.generator.get_state()
        self._done = 0

    @abstractmethod
    def plan(self) -> Sequence[Tensor]:
        """All batches of an epoch, of all ranks together; draws from the generator."""

    def __len__(self) -> int:
        return ceil(len(self.operations) / self.batch_size)

    def __iter__(self) -> Iterator[Tensor]:
        self.generator.set_state(self._start)
        batches = self.plan()
        after = self.generator.get_state()
        for batch in batches[self._done :]:
            self._done += 1
            if self._done == len(batches):
                self._start, self._done = after, 0
            yield batch[self.rank :: self.world]

    def state_dict(self) -> dict[str, Any]:
        """The generator's state at the start of the epoch, and the batches given out since."""
        return {"generator": self._start.clone(), "done": self._done}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from `state_dict`; the next pass gives out the rest of that epoch."""
        self._start, self._done = state["generator"].clone().cpu(), int(state["done"])


class Shuffled(Batches):
    """Every operation once per epoch, in random order; the last batch may be smaller."""

    def plan(self) -> Sequence[Tensor]:
        """A permutation of the operations, cut into batches."""
        order = torch.randperm(len(self.operations), generator=self.generator)
        return torch.split(self.operations[order], self.batch_size)


class Stratified(Batches):
    """Every batch has rare levels in a fixed share, as trained in 5.11 (0.2) and 5.12 (0.25).

    Of each batch floor(share * batch_size) rows go to the valuations from 4 on, the same
    number to each level that exists, drawn with replacement. The others go to the lower
    levels in proportion to their sizes, without replacement until a level is used up. Stratified
    sampling with disproportionate allocation (Cochran, "Sampling Techniques", chapter 5).
    """

    def __init__(
        self,
        operations: Tensor,
        batch_size: int,
        seed: int,
        rank: int = 0,
        world: int = 1,
        share: float = 0.25,
    ) -> None:
        """`share`: of a batch, for the valuations from 4 on, 0 to 1."""
        super().__init__(operations, batch_size, seed, rank, world)
        if not 0 <= share <= 1:
            raise ValueError(f"the share of high valuations is {share}, not between 0 and 1")
        levels = all_valuations()[self.operations]
        self._by_level = [self.operations[levels == level] for level in range(LEVELS)]
        self.quotas = quotas([len(level) for level in self._by_level], batch_size, share)

    def plan(self) -> Sequence[Tensor]:
        """Each level's rows for each batch, mixed within the batch."""
        columns = [self._column(level) for level in range(LEVELS) if self.quotas[level]]
        mixed = torch.cat(columns, dim=1)
        rows = torch.rand(mixed.shape, generator=self.generator).argsort(1)
        return mixed.gather(1, rows).unbind(0)

    def _column(self, level: int) -> Tensor:
        """What the level gives to each batch of an epoch: [batches, quota]."""
        members, quota = self._by_level[level], self.quotas[level]
        wanted = len(self) * quota
        if level >= HIGH:
            drawn = torch.randint(len(members), (wanted,), generator=self.generator)
        else:
            rounds = [
                torch.randperm(len(members), generator=self.generator)
                for _ in range(ceil(wanted / len(members)))
            ]
            drawn = torch.cat(rounds)[:wanted]
        return members[drawn].view(len(self), quota)


def quotas(sizes: Sequence[int], batch_size: int, share: float) -> list[int]:
    """Rows of a batch by level; they add up to `batch_size`.

    The rows of the levels from 4 on are equal but for the remainder, which goes to the lowest
    of them. The others are proportional to the sizes by largest remainders (Hamilton's
    apportionment). A group without any operation leaves its rows to the other one.
    """
    high = [level for level in range(HIGH, len(sizes)) if sizes[level]]
    low = [level for level in range(min(HIGH, len(sizes))) if sizes[level]]
    budget = batch_size if not low else 0 if not high else floor(share * batch_size)
    rows = [0] * len(sizes)
    for place, level in enumerate(high):
        rows[level] = budget // len(high) + (place < budget % len(high))
    rest, total = batch_size - budget, sum(sizes[level] for level in low)
    for level in low:
        rows[level] = rest * sizes[level] // total
    missing = rest - sum(rows[level] for level in low)
    remainders = sorted(low, key=lambda level: -(rest * sizes[level] % total))
    for level in remainders[:missing]:
        rows[level] += 1
    return rows
