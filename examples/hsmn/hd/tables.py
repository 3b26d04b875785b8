"""Random vectors of ids and positions, drawn by numpy so that a converter can draw them too.

They are normal with standard deviation sqrt(2 / (vocabulary + hd)), Glorot and Bengio 2010,
equation 12 for one variance, as the old corpus scaled them. The scale falls out of a normalised
bundle. Which numbers are drawn is this module's own choice: the old tables were never stored.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from .binding import unitary

if TYPE_CHECKING:
    import numpy as np

Keys = Literal["gaussian", "unitary"]
Kind = Literal["dense", "lazy"]

LAZY_ABOVE = 65_536
"""Ids above which the old corpus drew each row by itself."""

_ROWS, _KEYS = 0, 1
_CACHED = 4096


def scale(vocab_size: int, hd_dim: int) -> float:
    """The standard deviation of all tables."""
    return math.sqrt(2 / (vocab_size + hd_dim))


def kind_of(vocab_size: int, stated: Kind | None = None) -> Kind:
    """The kind that is stated, else the one that the old corpus took."""
    return stated or ("lazy" if vocab_size > LAZY_ABOVE else "dense")


def position_keys(
    length: int, hd_dim: int, vocab_size: int, seed: int, kind: Keys = "unitary"
) -> Tensor:
    """Keys of positions, float32 [length, hd]; a shorter table is a prefix of a longer one."""
    import numpy as np

    keys = _normal(np.random.default_rng((seed, _KEYS)), (length, hd_dim), vocab_size)
    return (unitary(keys) if kind == "unitary" else keys).float()


class BaseTable:
    """The vector of each id; they are no parameters and never train.

    Args:
        vocab_size: ids.
        hd_dim: dimensions of a vector.
        seed: the same seed and sizes give the same vectors.
        kind: `dense` draws one table; `lazy` draws a row when it is asked for, from the
            generator of `seed + id`. They are different tables.
    """

    def __init__(self, vocab_size: int, hd_dim: int, seed: int, kind: Kind = "dense") -> None:
        import numpy as np

        self.vocab_size, self.hd_dim, self.kind = vocab_size, hd_dim, kind
        self.table: Tensor | None = None
        if kind == "dense":
            drawn = np.random.default_rng((seed, _ROWS))
            self.table = _normal(drawn, (vocab_size, hd_dim), vocab_size).float()
            return

        @lru_cache(maxsize=_CACHED)
        def row(number: int) -> Tensor:
            return _normal(np.random.default_rng(seed + number), (hd_dim,), vocab_size).float()

        self._row = row

    def rows(self, ids: Sequence[int] | Tensor) -> Tensor:
        """Vectors of ids [n]: float32 [n, hd]."""
        if self.table is not None:
            return self.table[torch.as_tensor(ids)]
        return torch.stack([self._row(int(one)) for one in ids])

    def all_rows(self) -> Tensor:
        """The whole table [vocabulary, hd]; a lazy one is drawn whole."""
        return self.table if self.table is not None else self.rows(range(self.vocab_size))


def _normal(generator: np.random.Generator, shape: tuple[int, ...], vocab_size: int) -> Tensor:
    drawn = torch.from_numpy(generator.standard_normal(shape))
    return drawn * scale(vocab_size, shape[-1])
