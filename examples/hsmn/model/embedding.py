"""From ids to vectors."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..hd.binding import convolve, spread
from .layers import Dense

BASIS, PLACES, WINDOWS, STRIDE = 256, 64, 8, 5
CTQW_STEPS = 3


class PlainEmbedding(nn.Module):
    """One row per id."""

    def __init__(self, vocab_size: int, width: int) -> None:
        super().__init__()
        self.token = nn.Embedding(vocab_size, width)
        nn.init.normal_(self.token.weight, std=0.02)

    def forward(self, ids: Tensor) -> Tensor:
        """[B, L] to [B, L, D]."""
        out: Tensor = self.token(ids)
        return out


class DualPathEmbedding(nn.Module):
    """Rows for frequent ids and codes for the rest, both bound to their place; version 4.

    An id below `active` has a row, lifted to hd. Any other has the code
    sum_(i<8) char[(id >> 5 i) mod 256] * place[i], normalised. Each is convolved with the key of
    its place, roll(base_position, s), normalised, projected to D and spread by 3 steps.

    Args:
        vocab_size: V.
        width: D.
        active: ids that have a row.
        hd_dim: hd.
    """

    char_basis: Tensor
    place_basis: Tensor

    def __init__(self, vocab_size: int, width: int, active: int, hd_dim: int) -> None:
        super().__init__()
        self.active, self.hd_dim = min(active, vocab_size), hd_dim
        self.token = nn.Embedding(self.active, width)
        nn.init.normal_(self.token.weight, std=0.02)
        self.lift = Dense(width, hd_dim, bias=False)
        self.projection = Dense(hd_dim, width)
        self.base_position = nn.Parameter(torch.randn(hd_dim) / hd_dim**0.5)
        for name, rows in (("char_basis", BASIS), ("place_basis", PLACES)):
            self.register_buffer(name, nn.init.orthogonal_(torch.empty(rows, hd_dim)))

    def forward(self, ids: Tensor) -> Tensor:
        """[B, L] to [B, L, D]."""
        frequent = ids < self.active
        rows = self.lift(self.token(ids.clamp_max(self.active - 1)))
        codes = torch.where(frequent.unsqueeze(-1), rows, self._codes(ids))
        places = torch.arange(ids.shape[1], device=ids.device)
        around = (torch.arange(self.hd_dim, device=ids.device) - places[:, None]) % self.hd_dim
        bound = convolve(codes, self.base_position[around])
        projected = self.projection(functional.normalize(bound, dim=-1))
        return spread(projected, CTQW_STEPS)

    def _codes(self, ids: Tensor) -> Tensor:
        windows = torch.arange(WINDOWS, device=ids.device)
        chars = (ids.unsqueeze(-1) >> STRIDE * windows) % BASIS
        # A bag adds its rows without holding the eight of every id.
        table = (self.char_basis * self.place_basis[:WINDOWS, None]).flatten(0, 1)
        code = functional.embedding_bag((chars + BASIS * windows).flatten(0, 1), table, mode="sum")
        code = code.view(*ids.shape, self.hd_dim)
        return functional.normalize(code, dim=-1)
