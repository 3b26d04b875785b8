"""From a row of ids to a bundle."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .binding import bind, spread
from .tables import BaseTable, Keys, Kind, kind_of, position_keys

LEAST_NORM = 1e-8


class Encoder:
    """Binds the vector of each id to the key of its place, and sums.

    bundle = spread(sum_i E[id_i] * P[i] / its norm), * the circular convolution. Computed in
    float64 and given as float32.

    Args:
        vocab_size: ids that have a vector.
        hd_dim: dimensions of a bundle.
        length: positions that have a key.
        seed: of vectors and keys.
        keys: `unitary`, which unbinding inverts exactly, or `gaussian` as the old corpus has.
        ctqw_steps: low-pass steps over the finished bundle; the old corpus took 3.
        base_table: None for what the old corpus took: lazy above 65,536 ids.
    """

    def __init__(
        self,
        vocab_size: int,
        hd_dim: int,
        length: int,
        *,
        seed: int = 42,
        keys: Keys = "unitary",
        ctqw_steps: int = 0,
        base_table: Kind | None = None,
    ) -> None:
        self.length, self.ctqw_steps = length, ctqw_steps
        self.base = BaseTable(vocab_size, hd_dim, seed, kind_of(vocab_size, base_table))
        self.keys = position_keys(length, hd_dim, vocab_size, seed, keys)
        self._exact_keys = self.keys.double()

    def __call__(self, ids: Sequence[int]) -> Tensor:
        """The bundle of ids, float32 [hd].

        Raises:
            ValueError: there are more ids than keys, or one has no vector.
        """
        if len(ids) > self.length:
            raise ValueError(f"{len(ids)} ids exceed the {self.length} positions that have keys")
        if ids and (min(ids) < 0 or max(ids) >= self.base.vocab_size):
            raise ValueError(
                f"ids {min(ids)} to {max(ids)} are not all within the {self.base.vocab_size} "
                "that have vectors"
            )
        if not ids:
            return torch.zeros(self.base.hd_dim)
        bundle = bind(self.base.rows(ids).double(), self._exact_keys[: len(ids)])
        norm = bundle.norm()
        if norm > LEAST_NORM:
            bundle = bundle / norm
        return spread(bundle, self.ctqw_steps).float()
